"""MultiheadAttention; and, as torch.nn.attention has it, the choice of an implementation of attention, of which there
is one."""

import contextlib
import enum

from . import init
from .attention_functions import multi_head_attention_forward
from .linear import Linear, empty_parameter
from .module import Module

__all__ = ["MultiheadAttention", "SDPBackend", "sdpa_kernel"]


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear under the name that PyTorch shows for the last map of a MultiheadAttention."""


class MultiheadAttention(Module):
    """Attention with several heads: MultiheadAttention(E, heads)(query, key, value) gives (result, weights) (Vaswani et
    al. 2017, "Attention is all you need", section 3.2.2).

    embed_dim      E, the features of queries and results; each head has E / num_heads of them
    dropout        the probability with which, in training, a weight is dropped
    bias           whether the linear maps have biases
    add_bias_kv    learn one more key and value for all; add_zero_attn: one more of zeros
    kdim, vdim     the features of keys and values, if not E
    batch_first    tensors are (N, L, E) instead of (L, N, E); masks and weights are the same for both

    in_proj_weight (3E, E), or q_proj_weight, k_proj_weight and v_proj_weight if there are kdim or vdim, in_proj_bias
    (3E,) and out_proj, a Linear. The matrices of the input start uniform by xavier_uniform_, biases as 0.
    """

    def __init__(
        self, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False, kdim=None,
        vdim=None,
        batch_first=False, device=None, dtype=None,
    ):  # fmt: skip
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(f"embed_dim and num_heads must be greater than 0, not {embed_dim} and {num_heads}")
        if embed_dim % num_heads:
            raise ValueError(
                f"embed_dim {embed_dim} cannot be shared out equally to {num_heads} heads; it must be a multiple"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        names = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
        if self._qkv_same_embed_dim:
            self.in_proj_weight = empty_parameter((3 * embed_dim, embed_dim), dtype)
            for name in names:
                self.register_parameter(name, None)
        else:
            for name, size in zip(names, (embed_dim, self.kdim, self.vdim)):
                setattr(self, name, empty_parameter((embed_dim, size), dtype))
            self.register_parameter("in_proj_weight", None)
        if bias:
            self.in_proj_bias = empty_parameter((3 * embed_dim,), dtype)
        else:
            self.register_parameter("in_proj_bias", None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        self.bias_k = self.bias_v = None
        if add_bias_kv:
            self.bias_k = empty_parameter((1, 1, embed_dim), dtype)
            self.bias_v = empty_parameter((1, 1, embed_dim), dtype)
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self):
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        if self.bias_k is not None:
            init.xavier_normal_(self.bias_k)
            init.xavier_normal_(self.bias_v)

    def forward(
        self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None, average_attn_weights=True,
        is_causal=False,
    ):  # fmt: skip
        """(result, weights), the weights None without need_weights; see functional.multi_head_attention_forward."""
        transposed = self.batch_first and query.ndim == 3
        if transposed:
            query, key, value = exchanged(query, key, value)
        result, weights = multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias, self.bias_k,
            self.bias_v,
            self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias, training=self.training,
            key_padding_mask=key_padding_mask, need_weights=need_weights, attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim, q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight, v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )  # fmt: skip
        return (result.transpose(0, 1) if transposed else result), weights


def exchanged(query, key, value):
    """Each with the first two dimensions exchanged; what is the same tensor stays so, for one product instead of
    three."""
    q = query.transpose(0, 1)
    k = q if key is query else key.transpose(0, 1)
    return q, k, q if value is query else k if value is key else value.transpose(0, 1)


class SDPBackend(enum.IntEnum):
    """PyTorch's implementations of scaled_dot_product_attention. Here there is one, which keeps the weights: MATH."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextlib.contextmanager
def sdpa_kernel(backends, set_priority=False):
    """`with sdpa_kernel(SDPBackend.MATH):` in programs written for PyTorch. It changes nothing: there is one
    implementation."""
    if not isinstance(backends, (SDPBackend, list)):
        raise TypeError(f"backends must be an SDPBackend or a list of them, not {type(backends).__name__}")
    yield {}
