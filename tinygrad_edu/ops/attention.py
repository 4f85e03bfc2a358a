"""Attention: each query takes a weighted mean of the values, by how well it fits their keys (Vaswani et al. 2017,
"Attention is all you need", section 3.2.1):

    attention(Q, K, V) = softmax(Q Kᵀ · scale + mask) V

The fused operation keeps the weights P, the softmax, for the gradients. With g the gradient of the result,

    dV = Pᵀ g,   dS = P (g Vᵀ − Σ g · result),   dQ = dS K · scale,   dK = dSᵀ Q · scale

where S = Q Kᵀ · scale + mask and the sum is that of each row: as result = P V, it is the sum over P (g Vᵀ) that the
gradient of softmax needs, taken over the features of a value instead of over all keys.
"""

import functools
import math

import numpy as np

from ..define import bools, case, composite, op
from ..errors import OperationError
from ..tensor import Tensor
from .comparison import where
from .joining import repeat_interleave
from .linear import matmul
from .neural import exponentials, softmax, sum_along
from .random import dropout
from .reduce import sum
from .shape import transpose


@functools.lru_cache(maxsize=16)
def causal_mask(rows, columns, dtype):
    """0 on and below the diagonal, −∞ above: position i takes part in positions 0 to i only."""
    mask = np.triu(np.full((rows, columns), -np.inf, dtype), 1)
    mask.flags.writeable = False
    return mask


def added_mask(mask, is_causal, rows, columns, dtype):
    """What is added to the scores, or None: of booleans, 0 where true and −∞ where false."""
    if is_causal:
        return causal_mask(rows, columns, dtype)
    if mask is not None and mask.dtype == np.bool_:
        mask = mask.array if isinstance(mask, Tensor) else mask
        return np.where(mask, np.zeros((), dtype), np.full((), -np.inf, dtype))
    return mask


def weights_of(scores):
    """softmax(scores), but 0 in rows in which all are −∞: those take nothing at all."""
    with np.errstate(invalid="ignore"):  # −∞ − (−∞), for those rows
        e, sums, _ = exponentials(scores, scores.ndim - 1)
        e /= sums
    if np.isnan(np.add.reduce(sums, None)):
        e[np.logical_and.reduce(np.isneginf(scores), -1)] = 0
    return e


@op(
    joint=lambda g, query, key, value, mask, out, weights, is_causal, scale, needs: _attention_gradients(
        g, query, key, value, mask, out, weights, is_causal, scale, needs),
    operands=4, saves=("weights",), promotes=False, internal=True, label="attention",
    samples=[
        case((2, 3, 4), (2, 5, 4), (2, 5, 2), None, is_causal=False, scale=0.5),
        case((2, 3, 4), (2, 3, 4), (2, 3, 4), None, is_causal=True, scale=0.5),
        case((2, 1, 4), (5, 4), (3, 2, 5, 1), None, is_causal=False, scale=1.0),
        case((2, 3, 4), (2, 5, 4), (2, 5, 2), bools(3, 5), is_causal=False, scale=0.5),
        case((3, 4), (5, 4), (5, 2), (2, 1, 5), is_causal=False, scale=-0.5),
        case((3, 4), (0, 4), (0, 2), None, is_causal=False, scale=0.5),
        case((0, 3, 4), (0, 5, 4), (0, 5, 2), (3, 5), is_causal=False, scale=0.5),
    ],
    definition=lambda query, key, value, mask, is_causal, scale: matmul(
        attention_weights(query, key, mask, is_causal, scale), value),
    multiply_adds=lambda query, key, out: key[-2] * (
        math.prod(np.broadcast_shapes(query[:-2], key[:-2])) * query[-2] * query[-1] + math.prod(out)),
)  # fmt: skip
def attention(query, key, value, mask, is_causal, scale):
    """softmax(Q Kᵀ · scale + mask) V: query (..., L, E), key (..., S, E), value (..., S, F), mask (..., L, S) or
    None."""
    scores = np.matmul(query * query.dtype.type(scale), key.swapaxes(-1, -2))
    added = added_mask(mask, is_causal, *scores.shape[-2:], scores.dtype)
    if added is not None:
        fits = np.broadcast(scores, added).shape == scores.shape
        scores = np.add(scores, added, out=scores if fits else None)
    weights = weights_of(scores)
    return np.matmul(weights, value), weights


def attention_weights(query, key, mask, is_causal, scale):
    """The weights, by operations."""
    scores = matmul(query * scale, transpose(key, -1, -2))
    added = added_mask(mask, is_causal, *scores.shape[-2:], scores.dtype)
    if added is not None:
        scores = scores + added
    array = scores.array if isinstance(scores, Tensor) else scores
    nothing = np.logical_and.reduce(np.isneginf(array), -1, keepdims=True)
    return where(nothing, 0.0, softmax(where(nothing, 0.0, scores), -1))


def _attention_gradients(g, query, key, value, mask, out, weights, is_causal, scale, needs):
    of_arrays = weights is not None
    if not of_arrays:
        weights = attention_weights(query, key, mask, is_causal, scale)
    d_query = d_key = d_value = d_mask = None
    if needs[2]:
        d_value = matmul(transpose(weights, -1, -2), g)
    if needs[0] or needs[1] or needs[3]:
        d_scores = matmul(g, transpose(value, -1, -2))
        if of_arrays:
            d_scores -= sum_along(g * out, out.ndim - 1)
            d_scores *= weights
        else:
            d_scores = weights * (d_scores - sum(g * out, -1, True))
        if needs[0]:
            d_query = matmul(d_scores, key) * scale
        if needs[1]:
            d_key = matmul(transpose(d_scores, -1, -2), query) * scale
        if needs[3]:
            d_mask = d_scores
    return d_query, d_key, d_value, d_mask


Q, K, V = (2, 4, 3, 4), (2, 4, 5, 4), (2, 4, 5, 2)


@composite(
    method=False,
    samples=[
        case(Q, K, V), case(Q, K, V, bools(3, 5)), case(Q, K, V, (2, 1, 3, 5)), case(Q, K, V, is_causal=True),
        case(Q, K, V, scale=0.3), case(Q, (2, 2, 5, 4), (2, 2, 5, 2), enable_gqa=True), case((3, 4), (5, 4), (5, 2)),
    ],
)  # fmt: skip
def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
):
    """softmax(Q Kᵀ · scale + mask) V, with dropout of the weights (Vaswani et al. 2017, section 3.2.1).

    query      (..., L, E)
    key        (..., S, E)
    value      (..., S, F); the result has the shape (..., L, F). The dimensions in front broadcast
    attn_mask  (..., L, S): of booleans, true where a key takes part; or numbers that are added before the softmax. A
               query for which no key takes part gets 0
    dropout_p  the probability with which a weight is dropped. There is no `training` here: give 0 in evaluation
    is_causal  position i takes part in positions 0 to i only; instead of attn_mask
    scale      by default 1/√E
    enable_gqa query has n times as many heads (dimension −3) as key and value, each of which serves n heads (Ainslie
               et al. 2023, "GQA: training generalized multi-query transformer models from multi-head checkpoints")
    """
    check_attention(query, key, value, attn_mask, dropout_p, is_causal)
    if enable_gqa and query.ndim > 2:
        key, value = (shared_heads(query, x, name) for x, name in ((key, "key"), (value, "value")))
    if scale is None:
        scale = 1 / math.sqrt(max(query.shape[-1], 1))
    if dropout_p == 0:
        return attention(query, key, value, attn_mask, is_causal, float(scale))
    weights = attention_weights(query, key, attn_mask, is_causal, float(scale))
    return matmul(dropout(weights, dropout_p), value)


def shared_heads(query, x, name):
    """`x` with each head repeated as often as it takes to have as many heads as the query."""
    if x.ndim < 3 or x.shape[-3] == 0 or query.shape[-3] % x.shape[-3]:
        raise OperationError(
            f"scaled_dot_product_attention: with enable_gqa the number of heads (dimension -3) of `{name}` must divide "
            f"that of the query; their shapes are {tuple(x.shape)} and {tuple(query.shape)}"
        )
    times = query.shape[-3] // x.shape[-3]
    return x if times == 1 else repeat_interleave(x, times, -3)


def check_attention(query, key, value, mask, dropout_p, is_causal):
    name = "scaled_dot_product_attention"
    shapes = " and ".join(str(tuple(x.shape)) for x in (query, key, value))
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise OperationError(f"{name}: query, key and value need at least two dimensions; their shapes are {shapes}")
    if not query.dtype == key.dtype == value.dtype or query.dtype.kind != "f":
        raise OperationError(
            f"{name}: query, key and value must have the same floating dtype, not {query.dtype}, {key.dtype} and "
            f"{value.dtype}"
        )
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise OperationError(
            f"{name}: query (..., L, E), key (..., S, E) and value (..., S, F) do not fit: their shapes are {shapes}"
        )
    if not 0 <= dropout_p <= 1:
        raise OperationError(f"{name}: dropout_p is a probability, between 0 and 1, not {dropout_p}")
    if mask is None:
        return
    if is_causal:
        raise OperationError(
            f"{name}: give attn_mask or is_causal=True, not both: is_causal stands for a mask of its own"
        )
    if mask.dtype != np.bool_ and mask.dtype != query.dtype:
        raise OperationError(
            f"{name}: attn_mask must hold booleans, or numbers of the dtype of the query, {query.dtype}, not "
            f"{mask.dtype}"
        )
    rows, columns = query.shape[-2], key.shape[-2]
    if mask.ndim and (mask.shape[-1] not in (1, columns) or (mask.ndim > 1 and mask.shape[-2] not in (1, rows))):
        raise OperationError(
            f"{name}: attn_mask {tuple(mask.shape)} must broadcast to (..., L, S), here (..., {rows}, {columns})"
        )
