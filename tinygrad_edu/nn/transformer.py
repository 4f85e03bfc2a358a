"""The transformer of Vaswani et al. 2017, "Attention is all you need": encoder and decoder layers, stacks of them, and
both.

Each layer is a chain of blocks (attention, then a network for each position), and each block a residual:
x + dropout(block(x)), with a layer normalisation after the sum; or before the block with norm_first (Xiong et al. 2020,
"On layer normalization in the transformer architecture").

Masks are those of MultiheadAttention: (L, S) or (N · heads, L, S), and for padding (N, S); booleans are true where NOT
to attend, numbers are added to the scores. The `is_causal` arguments say that a mask is the causal one, which is found
out where it is None.
"""

import copy

import numpy as np

from ..creation import full
from . import functional, init
from .attention import MultiheadAttention
from .containers import ModuleList
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .normalization import LayerNorm

__all__ = [
    "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer",
]  # fmt: skip


class TransformerEncoderLayer(Module):
    """Self-attention, and a network of two linear maps for each position. Tensors (L, N, d_model), or (N, L, d_model)
    with batch_first, or (L, d_model).

    nhead            the number of heads
    dim_feedforward  the width of the network
    dropout          the probability with which, in training, weights of attention and results of blocks are dropped
    activation       "relu", "gelu" or a function, between the two linear maps
    norm_first       normalise before each block instead of after the sum
    bias             whether linear maps and normalisations have biases
    """

    def __init__(
        self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation=functional.relu, layer_norm_eps=1e-5,
        batch_first=False, norm_first=False, bias=True, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        factory = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **factory)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **factory)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **factory)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, **factory)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, **factory)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = activation_named(activation)

    def forward(self, src, src_mask=None, src_key_padding_mask=None, is_causal=False):
        """The encoded sequence, in the shape of `src`."""

        def attend(x):
            return self.dropout1(attended(self.self_attn, x, x, src_mask, src_key_padding_mask, is_causal))

        def transform(x):
            return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))

        return residuals(src, self.norm_first, (attend, self.norm1), (transform, self.norm2))


class TransformerDecoderLayer(Module):
    """Self-attention, attention to `memory`, the result of an encoder, and a network of two linear maps for each
    position.

    Arguments as for TransformerEncoderLayer.
    """

    def __init__(
        self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation=functional.relu, layer_norm_eps=1e-5,
        batch_first=False, norm_first=False, bias=True, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        factory = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **factory)
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **factory)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **factory)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **factory)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, **factory)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, **factory)
        self.norm3 = LayerNorm(d_model, layer_norm_eps, bias=bias, **factory)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = activation_named(activation)

    def forward(
        self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None,
        tgt_is_causal=False, memory_is_causal=False,
    ):  # fmt: skip
        """The decoded sequence, in the shape of `tgt`."""

        def attend(x):
            return self.dropout1(attended(self.self_attn, x, x, tgt_mask, tgt_key_padding_mask, tgt_is_causal))

        def look_up(x):
            found = attended(self.multihead_attn, x, memory, memory_mask, memory_key_padding_mask, memory_is_causal)
            return self.dropout2(found)

        def transform(x):
            return self.dropout3(self.linear2(self.dropout(self.activation(self.linear1(x)))))

        return residuals(tgt, self.norm_first, (attend, self.norm1), (look_up, self.norm2), (transform, self.norm3))


class TransformerEncoder(Module):
    """`num_layers` copies of an encoder layer one after the other, all with the same initial values, and `norm`, a
    module.

    enable_nested_tensor and mask_check concern a way of PyTorch's to skip padding in evaluation, and are ignored.
    """

    def __init__(self, encoder_layer, num_layers, norm=None, enable_nested_tensor=True, mask_check=True):
        super().__init__()
        self.layers = copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
        """The encoded sequence, in the shape of `src`."""
        is_causal = is_causal_mask(mask, is_causal)
        for layer in self.layers:
            src = layer(src, src_mask=mask, is_causal=is_causal, src_key_padding_mask=src_key_padding_mask)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """`num_layers` copies of a decoder layer one after the other, all with the same initial values, and `norm`, a
    module."""

    def __init__(self, decoder_layer, num_layers, norm=None):
        super().__init__()
        self.layers = copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None,
        tgt_is_causal=None, memory_is_causal=False,
    ):  # fmt: skip
        """The decoded sequence, in the shape of `tgt`."""
        tgt_is_causal = is_causal_mask(tgt_mask, tgt_is_causal)
        for layer in self.layers:
            tgt = layer(
                tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
                memory_is_causal=memory_is_causal,
            )  # fmt: skip
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder and a decoder: Transformer()(src, tgt).

    custom_encoder, custom_decoder  modules to use instead of a TransformerEncoder and a TransformerDecoder

    For the other arguments see TransformerEncoderLayer. All matrices start uniform by xavier_uniform_.
    """

    def __init__(
        self, d_model=512, nhead=8, num_encoder_layers=6, num_decoder_layers=6, dim_feedforward=2048, dropout=0.1,
        activation=functional.relu, custom_encoder=None, custom_decoder=None, layer_norm_eps=1e-5, batch_first=False,
        norm_first=False, bias=True, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        settings = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)
        factory = {"device": device, "dtype": dtype}
        if custom_encoder is None:
            layer = TransformerEncoderLayer(*settings, **factory)
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias, **factory)
            custom_encoder = TransformerEncoder(layer, num_encoder_layers, norm)
        self.encoder = custom_encoder
        if custom_decoder is None:
            layer = TransformerDecoderLayer(*settings, **factory)
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias, **factory)
            custom_decoder = TransformerDecoder(layer, num_decoder_layers, norm)
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def _reset_parameters(self):
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)

    def forward(
        self, src, tgt, src_mask=None, tgt_mask=None, memory_mask=None, src_key_padding_mask=None,
        tgt_key_padding_mask=None,
        memory_key_padding_mask=None, src_is_causal=None, tgt_is_causal=None, memory_is_causal=False,
    ):  # fmt: skip
        """The sequence that the decoder makes of `tgt` and the encoded `src`, in the shape of `tgt`."""
        shapes = f"src {tuple(src.shape)} and tgt {tuple(tgt.shape)}"
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise RuntimeError(f"src and tgt must have the same batch size (dimension {batch}); they are {shapes}")
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError(f"src and tgt must have d_model = {self.d_model} features; they are {shapes}")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )  # fmt: skip

    @staticmethod
    def generate_square_subsequent_mask(sz, device=None, dtype=None):
        """The causal mask (sz, sz): 0 on and below the diagonal, −∞ above."""
        return full((sz, sz), float("-inf"), dtype=dtype, device=device).triu(1)


def residuals(x, norm_first, *blocks):
    """x + block(x), for each (block, norm), with the normalisation after the sum, or before the block with
    norm_first."""
    for block, norm in blocks:
        x = x + block(norm(x)) if norm_first else norm(x + block(x))
    return x


def attended(attention, x, memory, mask, key_padding_mask, is_causal):
    """What `attention` gives for the queries x and the keys and values `memory`."""
    return attention(
        x, memory, memory, attn_mask=mask, key_padding_mask=key_padding_mask, need_weights=False, is_causal=is_causal
    )[0]


def activation_named(activation):
    """A function, or the one of the two that have names."""
    if not isinstance(activation, str):
        return activation
    if activation not in ("relu", "gelu"):
        raise RuntimeError(f"activation must be 'relu', 'gelu' or a function, not {activation!r}")
    return getattr(functional, activation)


def copies(module, count):
    """Deep copies: they share nothing, but start from the same values."""
    return ModuleList([copy.deepcopy(module) for _ in range(count)])


def is_causal_mask(mask, hint):
    """Whether the mask is the causal one; the hint if there is one."""
    if hint is not None or mask is None:
        return bool(hint)
    if mask.ndim != 2 or mask.shape[0] != mask.shape[1]:
        return False
    array = mask.array
    above = np.triu(np.ones(array.shape, np.bool_), 1)
    if array.dtype == np.bool_:
        return bool((array == above).all())
    return bool((array == np.where(above, -np.inf, 0.0)).all())
