"""A batch normalisation in evaluation is a linear map, and can be made part of the layer before it."""

import copy

import numpy as np

from ..parameter import Parameter


def fuse_conv_bn_eval(conv, bn, transpose=False):
    """A copy of a convolution that also does what the BatchNorm behind it does in evaluation.

    transpose  it is a transposed convolution
    """
    return _fused(conv, bn, fuse_conv_bn_weights, transpose)


def fuse_linear_bn_eval(linear, bn):
    """A copy of a Linear that also does what the BatchNorm1d behind it does in evaluation."""
    if bn.num_features not in (1, linear.out_features):
        raise ValueError(
            f"a Linear of {linear.out_features} features and a BatchNorm of {bn.num_features} cannot be fused: the "
            "numbers must be equal"
        )
    return _fused(linear, bn, fuse_linear_bn_weights)


def _fused(layer, bn, fuse, *settings):
    if layer.training or bn.training:
        raise AssertionError("only layers in evaluation can be fused: call eval() on both before")
    if bn.running_mean is None or bn.running_var is None:
        raise ValueError("a BatchNorm without running statistics cannot be fused: it uses those of each batch")
    layer = copy.deepcopy(layer)
    layer.weight, layer.bias = fuse(
        layer.weight, layer.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, *settings
    )
    return layer


def fuse_conv_bn_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, transpose=False):
    """The weight and bias of a convolution fused with a BatchNorm, given the tensors of both."""
    channel = 1 if transpose else 0
    shape = [1] * conv_w.ndim
    shape[channel] = -1
    return _scaled(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, shape)


def fuse_linear_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b):
    """The weight and bias of a Linear fused with a BatchNorm, given the tensors of both."""
    return _scaled(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, [-1, 1])


def _scaled(w, b, mean, var, eps, bn_w, bn_b, shape):
    scale = 1 / np.sqrt(var.array.astype(np.float64) + eps)
    scale = scale if bn_w is None else scale * bn_w.array
    bias = (0.0 if b is None else b.array) - mean.array
    bias = bias * scale + (0.0 if bn_b is None else bn_b.array)
    weight = (w.array * scale.reshape(shape)).astype(w.array.dtype)
    return Parameter(weight, w.requires_grad), Parameter(
        bias.astype(w.array.dtype), w.requires_grad if b is None else b.requires_grad
    )
