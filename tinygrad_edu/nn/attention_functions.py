"""Attention with several heads, as a function: torch.nn.functional.multi_head_attention_forward."""

import math

import numpy as np

from ..creation import zeros
from ..errors import OperationError
from ..ops.attention import scaled_dot_product_attention
from ..ops.indexing import masked_fill
from ..ops.joining import cat
from ..ops.linear import linear
from ..ops.neural import softmax
from ..ops.padding import pad
from ..ops.random import dropout

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]


def multi_head_attention_forward(
    query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v, add_zero_attn,
    dropout_p,
    out_proj_weight, out_proj_bias, training=True, key_padding_mask=None, need_weights=True, attn_mask=None,
    use_separate_proj_weight=False, q_proj_weight=None, k_proj_weight=None, v_proj_weight=None, static_k=None,
    static_v=None,
    average_attn_weights=True, is_causal=False,
):  # fmt: skip
    """(result, weights) of attention with `num_heads` heads (Vaswani et al. 2017, section 3.2.2): queries, keys and
    values are mapped linearly, each head attends in its own part of their features, and the results together are mapped
    linearly again.

    query             (L, N, E) or, without batch, (L, E)
    key, value        (S, N, E) or (S, E); with use_separate_proj_weight they may have features of other numbers
    in_proj_weight    (3E, E), the matrices for queries, keys and values one below the other; or with
                      use_separate_proj_weight q_proj_weight (E, E), k_proj_weight (E, kdim), v_proj_weight (E, vdim).
                      in_proj_bias (3E,)
    bias_k, bias_v    (1, 1, E), one more key and value for each example; add_zero_attn: one more of zeros
    static_k, _v      (N · num_heads, S, E / num_heads), instead of what the projections of key and value give
    key_padding_mask  (N, S) or (S,), attn_mask (L, S) or (N · num_heads, L, S): of booleans, true where NOT to attend
                      (the opposite of scaled_dot_product_attention's), or numbers that are added to the scores
    is_causal         says that attn_mask is the causal mask
    dropout_p         the probability with which, in training, a weight is dropped

    The result has the shape of the query. The weights are None without need_weights, the mean over the heads (N, L, S)
    with average_attn_weights, else (N, num_heads, L, S); N is missing where the query has none.
    """
    batched = check_heads(query, key, value, key_padding_mask, attn_mask, num_heads, embed_dim_to_check)
    if not batched:
        query, key, value = with_batch(query, key, value)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    if is_causal and attn_mask is None:
        raise OperationError(
            "multi_head_attention_forward: is_causal says that attn_mask is the causal mask, and there is no "
            "attn_mask; give nn.Transformer.generate_square_subsequent_mask(L)"
        )
    length, batch, features = query.shape
    q, k, v = (
        separate_projections(query, key, value, q_proj_weight, k_proj_weight, v_proj_weight, in_proj_bias)
        if use_separate_proj_weight
        else projections(query, key, value, in_proj_weight, in_proj_bias)
    )
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None  # scaled_dot_product_attention makes its own
    else:
        is_causal = False
    attn_mask = added_mask(attn_mask, "attn_mask", query.dtype)
    key_padding_mask = added_mask(key_padding_mask, "key_padding_mask", query.dtype)
    check_mask(attn_mask, length, key.shape[0], batch * num_heads)

    extra = 0  # keys that no mask knows of
    if (bias_k is None) != (bias_v is None):
        raise OperationError("multi_head_attention_forward: bias_k and bias_v go together; one of them is None")
    if bias_k is not None:
        if static_k is not None or static_v is not None:
            raise OperationError(
                "multi_head_attention_forward: bias_k and bias_v cannot be added to static_k and static_v"
            )
        k, v = (cat([x, bias.expand((1, batch, features))]) for x, bias in ((k, bias_k), (v, bias_v)))
        extra += 1
    q = heads(q, num_heads)
    k, v = (
        heads(x, num_heads) if static is None else static_heads(static, batch, num_heads, features // num_heads, name)
        for x, static, name in ((k, static_k, "static_k"), (v, static_v, "static_v"))
    )
    if add_zero_attn:
        nothing = zeros((batch, num_heads, 1, features // num_heads), dtype=k.dtype)
        k, v = cat([k, nothing], 2), cat([v, nothing], 2)
        extra += 1
    mask = total_mask(attn_mask, key_padding_mask, extra, batch, num_heads, k.shape[2])

    dropout_p = dropout_p if training else 0.0
    weights = None
    if need_weights:
        scores = (q * math.sqrt(1 / q.shape[-1])) @ k.transpose(-2, -1)
        weights = softmax(scores if mask is None else scores + mask, -1)
        weights = dropout(weights, dropout_p) if dropout_p > 0 else weights
        result = weights @ v
    else:
        result = scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal)
    result = result.permute(2, 0, 1, 3).reshape(length, batch, features)
    result = linear(result, out_proj_weight, out_proj_bias)
    if need_weights and average_attn_weights:
        weights = weights.mean(1)
    if not batched:
        result, weights = result.squeeze(1), None if weights is None else weights.squeeze(0)
    return result, weights


def check_heads(query, key, value, key_padding_mask, attn_mask, num_heads, features):
    """Whether there is a batch, after a check of the numbers of dimensions."""
    name = "multi_head_attention_forward"
    if query.ndim not in (2, 3) or not query.ndim == key.ndim == value.ndim:
        shapes = ", ".join(str(tuple(x.shape)) for x in (query, key, value))
        raise OperationError(
            f"{name}: query, key and value must all have the dimensions (L, N, E), or (L, E) without batch, not "
            f"{shapes}"
        )
    batched = query.ndim == 3
    if key_padding_mask is not None and key_padding_mask.ndim != batched + 1:
        raise OperationError(
            f"{name}: for queries of {query.ndim} dimensions key_padding_mask must have the shape "
            f"{'(N, S)' if batched else '(S,)'}, not {tuple(key_padding_mask.shape)}"
        )
    if attn_mask is not None and attn_mask.ndim not in (2, 3):
        raise OperationError(
            f"{name}: attn_mask must have the shape (L, S) or (N · num_heads, L, S), not {tuple(attn_mask.shape)}"
        )
    if query.shape[-1] != features:
        raise OperationError(f"{name}: the queries must have {features} features, not {query.shape[-1]}")
    if features % num_heads:
        raise OperationError(f"{name}: {features} features cannot be shared out equally to {num_heads} heads")
    return batched


# ---- projections and heads


def with_batch(query, key, value):
    """Each with a batch of one example as dimension 1; what is the same tensor stays so: see `projections`."""
    q = query.unsqueeze(1)
    k = q if key is query else key.unsqueeze(1)
    return q, k, k if value is key else value.unsqueeze(1)


def projections(query, key, value, weight, bias):
    """The linear maps of query, key and value; as one product where they are the same tensor."""
    if weight is None:
        raise OperationError(
            "multi_head_attention_forward: in_proj_weight is None; give it, or use_separate_proj_weight=True"
        )
    if key.shape != value.shape:
        raise OperationError(
            f"multi_head_attention_forward: key {tuple(key.shape)} and value {tuple(value.shape)} must have equal "
            "shapes; features of different numbers need use_separate_proj_weight"
        )
    size = query.shape[-1]

    def part(start, stop):
        start, stop = start * size, stop * size
        return weight[start:stop], None if bias is None else bias[start:stop]

    if query is key and key is value:
        together = linear(query, weight, bias)
        return [together[:, :, i * size : (i + 1) * size] for i in range(3)]
    if key is value:
        together = linear(key, *part(1, 3))
        return [linear(query, *part(0, 1)), together[:, :, :size], together[:, :, size:]]
    return [linear(x, *part(i, i + 1)) for i, x in enumerate((query, key, value))]


def separate_projections(query, key, value, q_weight, k_weight, v_weight, bias):
    """The linear maps of query, key and value by matrices of their own."""
    if key.shape[:2] != value.shape[:2]:
        raise OperationError(
            f"multi_head_attention_forward: key {tuple(key.shape)} and value {tuple(value.shape)} must have equal "
            "lengths and batch sizes"
        )
    size, mapped = query.shape[-1], []
    for number, (name, x, weight) in enumerate((("q", query, q_weight), ("k", key, k_weight), ("v", value, v_weight))):
        if weight is None or tuple(weight.shape) != (size, x.shape[-1]):
            raise OperationError(
                f"multi_head_attention_forward: {name}_proj_weight must have the shape {(size, x.shape[-1])}, not "
                f"{None if weight is None else tuple(weight.shape)}"
            )
        mapped.append(linear(x, weight, None if bias is None else bias[number * size : (number + 1) * size]))
    return mapped


def heads(x, num_heads):
    """(S, N, E) as (N, heads, S, E / heads)."""
    length, batch, features = x.shape
    return x.reshape(length, batch, num_heads, features // num_heads).permute(1, 2, 0, 3)


def static_heads(x, batch, num_heads, features, name):
    if x.ndim != 3 or x.shape[0] != batch * num_heads or x.shape[2] != features:
        raise OperationError(
            f"multi_head_attention_forward: {name} must have the shape (N · num_heads, S, E / num_heads), here "
            f"({batch * num_heads}, S, {features}), not {tuple(x.shape)}"
        )
    return x.reshape(batch, num_heads, -1, features)


# ---- masks


def added_mask(mask, name, dtype):
    """The mask as numbers that are added to scores: −∞ where booleans are true, 0 where they are false."""
    if mask is None or mask.dtype.kind == "f":
        return mask
    if mask.dtype != np.bool_:
        raise OperationError(f"{name} must hold booleans or floating-point numbers, not {mask.dtype}")
    return masked_fill(zeros(tuple(mask.shape), dtype=dtype), mask, -math.inf)


def check_mask(mask, length, keys, all_heads):
    if mask is not None and tuple(mask.shape) not in ((length, keys), (all_heads, length, keys)):
        raise OperationError(
            f"multi_head_attention_forward: attn_mask must have the shape (L, S) or (N · num_heads, L, S), here "
            f"{(length, keys)} or {(all_heads, length, keys)}, not {tuple(mask.shape)}"
        )


def total_mask(attn_mask, key_padding_mask, extra, batch, num_heads, keys):
    """Both masks added up, in a shape that broadcasts to (N, heads, L, S); the `extra` last keys are never masked."""
    total = None
    if attn_mask is not None:
        total = pad(attn_mask, (0, extra)) if extra else attn_mask
        total = total if total.ndim == 2 else total.reshape(batch, num_heads, *total.shape[1:])
    if key_padding_mask is not None:
        padding = pad(key_padding_mask, (0, extra)) if extra else key_padding_mask
        if tuple(padding.shape) != (batch, keys):
            raise OperationError(
                f"multi_head_attention_forward: key_padding_mask must have the shape (N, S), here "
                f"{(batch, keys - extra)}, not {tuple(key_padding_mask.shape)}"
            )
        padding = padding.reshape(batch, 1, 1, keys)
        total = padding if total is None else total + padding
    return total
