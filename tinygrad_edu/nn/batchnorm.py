"""Normalisation of channels by the statistics of a batch or of an example, or by running ones: BatchNorm,
InstanceNorm."""

import warnings

import numpy as np

from ..clock import writes
from ..dtypes import as_dtype, default_float
from ..tensor import of_array
from . import functional
from .module import Module
from .normalization import reset_affine, set_affine


class _RunningNorm(Module):
    """What BatchNorm and InstanceNorm have in common.

    num_features         C, the number of channels
    eps                  added to the variance
    momentum             how far running statistics move towards those of a batch
    affine               whether there are weight and bias, of shape (C,), which start as 1 and 0
    track_running_stats  whether there are running statistics: the buffers running_mean and running_var, and
                         num_batches_tracked, the number of batches seen
    bias                 whether there is a bias beside the weight
    """

    dims = ()
    """The numbers of dimensions that an input may have."""

    def __init__(self, num_features, eps, momentum, affine, track_running_stats, dtype, bias):
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        set_affine(self, (num_features,), affine, affine and bias, dtype)
        floating = default_float() if dtype is None else as_dtype(dtype)
        for name, array in (
            ("running_mean", np.zeros(num_features, floating)),
            ("running_var", np.ones(num_features, floating)),
            ("num_batches_tracked", np.zeros((), np.int64)),
        ):
            self.register_buffer(name, of_array(array, None) if track_running_stats else None)
        self.reset_parameters()

    def reset_running_stats(self):
        """Forget all batches: mean 0, variance 1."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self):
        """Forget all batches, and set the weight to 1 and the bias to 0."""
        self.reset_running_stats()
        reset_affine(self)

    def _check_dims(self, input):
        if input.ndim not in self.dims:
            wanted = " or ".join(f"{count}D" for count in self.dims)
            raise ValueError(
                f"{type(self).__name__}: expected {wanted} input (got {input.ndim}D input, of shape "
                f"{tuple(input.shape)})"
            )

    def extra_repr(self):
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_RunningNorm):
    def __init__(
        self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None, *,
        bias=True,
    ):  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype, bias)

    def forward(self, input):
        self._check_dims(input)
        mean, var, step = self.running_mean, self.running_var, self.momentum
        if not self.training:
            return functional.batch_norm(
                input, mean, var, self.weight, self.bias, mean is None and var is None, 0.0, self.eps
            )
        if not self.track_running_stats:
            mean = var = None
        elif self.num_batches_tracked is not None:
            counter = self.num_batches_tracked.array
            counter += 1
            writes.note(counter, "BatchNorm")
            if step is None:
                step = 1.0 / int(counter)
        step = 0.0 if step is None else step
        return functional.batch_norm(input, mean, var, self.weight, self.bias, True, step, self.eps)


_BATCH_NORM = """(x − mean) / √(variance + eps) · weight + bias for each channel (Ioffe & Szegedy 2015); x: {shapes}.

    In training, the mean and variance are those of the batch, and the running ones are moved towards them by the
    fraction `momentum` (None: the running ones are the means over all batches). In evaluation the running ones are
    used; without `track_running_stats` those of the batch also then.

    num_features         C, the number of channels
    affine               whether there are weight and bias, of shape (C,), which start as 1 and 0
    track_running_stats  whether there are the buffers running_mean, running_var and num_batches_tracked
    bias                 whether there is a bias beside the weight
    """


class BatchNorm1d(_BatchNorm):
    __doc__ = _BATCH_NORM.format(shapes="(N, C) or (N, C, L)")
    dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    __doc__ = _BATCH_NORM.format(shapes="(N, C, H, W)")
    dims = (4,)


class BatchNorm3d(_BatchNorm):
    __doc__ = _BATCH_NORM.format(shapes="(N, C, D, H, W)")
    dims = (5,)


class _InstanceNorm(_RunningNorm):
    def __init__(
        self, num_features, eps=1e-5, momentum=0.1, affine=False, track_running_stats=False, device=None, dtype=None, *,
        bias=True,
    ):  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype, bias)

    def forward(self, input):
        self._check_dims(input)
        single = input.ndim == self.dims[0]
        channels = input.shape[0 if single else 1]
        if channels != self.num_features:
            text = (
                f"{type(self).__name__}: the input of shape {tuple(input.shape)} has {channels} channels, and "
                f"num_features is {self.num_features}"
            )
            if self.affine:
                raise ValueError(text)
            warnings.warn(text + "; without affine it plays no part", UserWarning, stacklevel=2)
        result = functional.instance_norm(
            input.unsqueeze(0) if single else input, self.running_mean, self.running_var, self.weight, self.bias,
            self.training or not self.track_running_stats, 0.0 if self.momentum is None else self.momentum, self.eps,
        )  # fmt: skip
        return result.squeeze(0) if single else result


_INSTANCE_NORM = """(x − mean) / √(variance + eps) · weight + bias, with the statistics of each channel of each example
    (Ulyanov, Vedaldi & Lempitsky 2016); x: {shapes}.

    num_features         C, the number of channels
    affine               whether there are weight and bias, of shape (C,), which start as 1 and 0
    track_running_stats  whether there are running statistics (buffers, as in BatchNorm), to be used in evaluation
    bias                 whether there is a bias beside the weight
    """


class InstanceNorm1d(_InstanceNorm):
    __doc__ = _INSTANCE_NORM.format(shapes="(N, C, L) or (C, L)")
    dims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    __doc__ = _INSTANCE_NORM.format(shapes="(N, C, H, W) or (C, H, W)")
    dims = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    __doc__ = _INSTANCE_NORM.format(shapes="(N, C, D, H, W) or (C, D, H, W)")
    dims = (4, 5)
