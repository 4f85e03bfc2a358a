"""Attention and transformers: every argument, masks of both kinds, edge sizes."""

import numpy as np

RNG = np.random.default_rng(0)
normal = RNG.standard_normal

Q, K, V = normal((2, 4, 3, 6)), normal((2, 4, 5, 6)), normal((2, 4, 5, 2))
K2, V2 = normal((2, 2, 5, 6)), normal((2, 2, 5, 2))
TAKEN = RNG.random((3, 5)) < 0.6
TAKEN[1] = False  # a query to which nothing is shown
PART = np.where(TAKEN, normal((3, 5)), -np.inf)


def sdpa(**settings):
    return lambda T, q, k, v, mask=None: T.nn.functional.scaled_dot_product_attention(q, k, v, mask, **settings)


def heads(x):
    """The layout in which models have their heads: a transposed view."""
    return x.transpose(1, 2)


# multi_head_attention_forward: 6 features, 2 heads, length 3, keys 5, batch 2
E, HEADS = 6, 2
QUERY, KEY, VALUE = normal((3, 2, E)), normal((5, 2, E)), normal((5, 2, E))
WIDE_KEY, WIDE_VALUE = normal((5, 2, 4)), normal((5, 2, 7))
IN, IN_BIAS, OUT, OUT_BIAS = normal((3 * E, E)), normal(3 * E), normal((E, E)), normal(E)
PADDING = np.array([[False, False, False, True, False], [False, True, False, False, False]])
PADDING_3 = np.array([[False, False, True], [False, True, False]])
HIDDEN = RNG.random((3, 5)) < 0.3
HIDDEN_HEADS = RNG.random((2 * HEADS, 3, 5)) < 0.3
HIDDEN[:, 0] = HIDDEN_HEADS[:, :, 0] = False
CAUSAL = np.triu(np.ones((3, 3), bool), 1)
ADDED, ADDED_HEADS = normal((3, 5)), normal((2 * HEADS, 3, 5))


def mha(**settings):
    def call(T, query, key, value, weight, bias, out, out_bias):
        given = {name: T.tensor(x) if isinstance(x, np.ndarray) else x for name, x in settings.items()}
        return T.nn.functional.multi_head_attention_forward(
            query, key, value, E, HEADS, weight, bias, given.pop("bias_k", None), given.pop("bias_v", None),
            given.pop("add_zero_attn", False), 0.0, out, out_bias, **given,
        )  # fmt: skip

    return call


MHA = (QUERY, KEY, VALUE, IN, IN_BIAS, OUT, OUT_BIAS)

CALLS = {
    "scaled_dot_product_attention": [
        ((Q, K, V), sdpa()), ((Q, K, V), sdpa(scale=0.3)), ((Q, K, V), sdpa(is_causal=True)),
        ((Q, K, V, TAKEN), sdpa()), ((Q, K, V, PART), sdpa()), ((Q, K, V, normal((2, 1, 3, 5))), sdpa()),
        ((Q, K, V, normal((1, 5))), sdpa(scale=-0.5)), ((Q, K, V, RNG.random((2, 4, 3, 5)) < 0.7), sdpa()),
        ((Q, K2, V2), sdpa(enable_gqa=True)), ((Q, K2, V2, TAKEN), sdpa(enable_gqa=True)),
        ((Q, K, V), sdpa(enable_gqa=True)),
        ((Q[0, 0], K[0, 0], V[0, 0]), sdpa()), ((Q[0, 0], K[0, 0], V[0, 0]), sdpa(is_causal=True)),
        ((K[0], Q[0], Q[0]), sdpa(is_causal=True)), ((Q, K[:1], V[:1]), sdpa()), ((Q[0], K[0, 0], V[0, 0]), sdpa()),
        ((Q[:0], K[:0], V[:0]), sdpa()), ((Q[..., :1], K[..., :1], V[..., :1]), sdpa()),
        # with one key the weights are 1, and the gradients of queries and keys 0 up to rounding
        ((Q, K[:, :, :1], V[:, :, :1]), lambda T, q, k, v: sdpa()(T, q.detach(), k.detach(), v)),
        ((Q[:, :, :1], K, V), sdpa()),
        ((Q, K, V),
         lambda T, q, k, v: T.nn.functional.scaled_dot_product_attention(heads(q), heads(k)[:, :3], heads(v)[:, :3])),
        ((Q, Q, Q), sdpa(is_causal=True)), ((Q, 100 * K, V), sdpa()), ((Q, K, V), sdpa(dropout_p=1.0)),
    ],
    "multi_head_attention_forward": [
        (MHA, mha()), (MHA, mha(need_weights=False)), (MHA, mha(average_attn_weights=False)),
        (MHA, mha(key_padding_mask=PADDING)), (MHA, mha(key_padding_mask=PADDING, need_weights=False)),
        (MHA, mha(attn_mask=HIDDEN)), (MHA, mha(attn_mask=HIDDEN_HEADS, need_weights=False)),
        (MHA, mha(attn_mask=HIDDEN_HEADS, key_padding_mask=PADDING & False)),
        (MHA, mha(attn_mask=HIDDEN, need_weights=False)),
        (MHA, mha(add_zero_attn=True, attn_mask=HIDDEN, key_padding_mask=PADDING)),
        (MHA, mha(add_zero_attn=True, need_weights=False)),
        ((QUERY[:, 0], KEY[:, 0], VALUE[:, 0], IN, IN_BIAS, OUT, OUT_BIAS), mha()),
        ((QUERY[:, 0], KEY[:, 0], VALUE[:, 0], IN, IN_BIAS, OUT, OUT_BIAS),
         mha(need_weights=False, key_padding_mask=PADDING[0])),
        ((QUERY, KEY, VALUE, IN, None, OUT, None), mha()),
        ((QUERY[:, :0], KEY[:, :0], VALUE[:, :0], IN, IN_BIAS, OUT, OUT_BIAS), mha()),
        ((QUERY, IN, IN_BIAS, OUT, OUT_BIAS), lambda T, x, *rest: mha()(T, x, x, x, *rest)),
        ((QUERY, IN, IN_BIAS, OUT, OUT_BIAS),
         lambda T, x, *rest: mha(attn_mask=CAUSAL, is_causal=True, need_weights=False)(T, x, x, x, *rest)),
        ((QUERY, IN, IN_BIAS, OUT, OUT_BIAS),
         lambda T, x, *rest: mha(attn_mask=CAUSAL, is_causal=True)(T, x, x, x, *rest)),
        ((QUERY, KEY, IN, IN_BIAS, OUT, OUT_BIAS), lambda T, x, y, *rest: mha()(T, x, y, y, *rest)),
        ((QUERY, WIDE_KEY, WIDE_VALUE, None, IN_BIAS, OUT, OUT_BIAS, normal((E, E)), normal((E, 4)), normal((E, 7))),
         lambda T, *xs: T.nn.functional.multi_head_attention_forward(
             *xs[:3], E, HEADS, None, xs[4], None, None, False, 0.0, *xs[5:7], use_separate_proj_weight=True,
             q_proj_weight=xs[7],
             k_proj_weight=xs[8], v_proj_weight=xs[9])),
        ((*MHA, normal((1, 1, E)), normal((1, 1, E)), ADDED),
         lambda T, *xs: T.nn.functional.multi_head_attention_forward(
            *xs[:3], E, HEADS, *xs[3:5], xs[7], xs[8], True, 0.0, *xs[5:7], attn_mask=xs[9])),
        ((*MHA, ADDED_HEADS), lambda T, *xs: T.nn.functional.multi_head_attention_forward(
            *xs[:3], E, HEADS, *xs[3:5], None, None, False, 0.0, *xs[5:7], attn_mask=xs[7], need_weights=False)),
        ((*MHA, normal((4, 5, 3)), normal((4, 5, 3))), lambda T, *xs: T.nn.functional.multi_head_attention_forward(
            *xs[:3], E, HEADS, *xs[3:5], None, None, False, 0.0, *xs[5:7], static_k=xs[7], static_v=xs[8])),
    ],
    "generate_square_subsequent_mask": [((), lambda T: T.nn.Transformer.generate_square_subsequent_mask(4))],
    "sdpa_kernel": [((Q, K, V), lambda T, q, k, v: in_context(T, q, k, v))],
}  # fmt: skip


def in_context(T, q, k, v):
    with T.nn.attention.sdpa_kernel([T.nn.attention.SDPBackend.MATH]):
        return T.nn.functional.scaled_dot_product_attention(q, k, v)


def on_itself(**settings):
    def call(T, module, x):
        given = {name: T.tensor(mask) for name, mask in settings.items() if isinstance(mask, np.ndarray)}
        return module(x, x, x, **{**settings, **given})

    return call


X = normal((3, 2, 8))  # (L, N, E), or (N, L, E) with N = 3, L = 2
MEMORY = normal((5, 2, 8))
SQUARE = np.triu(np.full((3, 3), -np.inf), 1)
LAYER = "8, 2, 12, 0.0"


def masked(**settings):
    def call(T, module, *xs):
        given = {name: T.tensor(mask) for name, mask in settings.items() if isinstance(mask, np.ndarray)}
        given = {name: mask.to(xs[0].dtype) if mask.is_floating_point() else mask for name, mask in given.items()}
        return module(*xs, **{**settings, **given})

    return call


MODULES = {
    "nn.MultiheadAttention(8, 2)": ((X,), on_itself()),
    "nn.MultiheadAttention(8, 2, bias=False)": ((X,), on_itself(need_weights=False)),
    "nn.MultiheadAttention(8, 4, batch_first=True)": ((X,), on_itself(average_attn_weights=False)),
    "nn.MultiheadAttention(8, 2, 0.3)": ((X,), on_itself()),
    "nn.MultiheadAttention(8, 1, add_bias_kv=True)": ((X,), on_itself(key_padding_mask=PADDING_3)),
    "nn.MultiheadAttention(8, 2, add_zero_attn=True, add_bias_kv=True)": ((X,),
        on_itself(attn_mask=CAUSAL, need_weights=False)),
    "nn.MultiheadAttention(8, 2, kdim=3, vdim=5)": (X, normal((4, 2, 3)), normal((4, 2, 5))),
    "nn.MultiheadAttention(8, 2, kdim=3)": (X[:, 0], normal((4, 3)), normal((4, 8))),
    "nn.MultiheadAttention(8, 2, batch_first=True, vdim=4)": (X, normal((3, 4, 8)), normal((3, 4, 4))),
    f"nn.TransformerEncoderLayer({LAYER})": (X,),
    f"nn.TransformerEncoderLayer({LAYER}, 'gelu', batch_first=True)": (X,),
    f"nn.TransformerEncoderLayer({LAYER}, nn.GELU(), 1e-3, norm_first=True)": ((X,),
        masked(src_mask=SQUARE, is_causal=True)),
    f"nn.TransformerEncoderLayer({LAYER}, bias=False)": ((X,), masked(src_mask=CAUSAL, src_key_padding_mask=PADDING_3)),
    f"nn.TransformerEncoderLayer({LAYER}, T.tanh)": (X[:, 0],),
    f"nn.TransformerDecoderLayer({LAYER})": (X, MEMORY),
    f"nn.TransformerDecoderLayer({LAYER}, nn.ReLU(), norm_first=True)": (
        (X, MEMORY), masked(tgt_mask=SQUARE, memory_key_padding_mask=PADDING, tgt_is_causal=True)),
    f"nn.TransformerDecoderLayer({LAYER}, 'gelu', batch_first=True, bias=False)": ((X, normal((3, 4, 8))),
        masked(memory_mask=HIDDEN[:2, :4])),
    f"nn.TransformerEncoder(nn.TransformerEncoderLayer({LAYER}), 2, enable_nested_tensor=False)": ((X,),
        masked(mask=SQUARE)),
    f"nn.TransformerEncoder(nn.TransformerEncoderLayer({LAYER}), 1, nn.LayerNorm(8), False)": ((X,),
        masked(mask=CAUSAL)),
    f"nn.TransformerEncoder(nn.TransformerEncoderLayer({LAYER}), 3, None, False, False)": ((X,),
        masked(src_key_padding_mask=PADDING_3)),
    f"nn.TransformerDecoder(nn.TransformerDecoderLayer({LAYER}), 2, nn.LayerNorm(8))": ((X, MEMORY),
        masked(tgt_mask=CAUSAL)),
    f"nn.TransformerDecoder(nn.TransformerDecoderLayer({LAYER}), 1)": (
        (X, MEMORY),
        masked(tgt_mask=SQUARE, memory_mask=normal((3, 5)), tgt_key_padding_mask=np.where(PADDING_3, -np.inf, 0.0))),
    f"nn.TransformerEncoder(nn.TransformerEncoderLayer({LAYER}), 1, None, False)": ((X,), masked(mask=normal((3, 3)))),
    f"nn.TransformerDecoder(nn.TransformerDecoderLayer({LAYER}), 1, None)": ((X, MEMORY),
        masked(tgt_mask=HIDDEN[:, :3])),
    "nn.Transformer(8, 2, 1, 1, 12, 0.0, batch_first=True)": (
        (normal((2, 5, 8)), normal((2, 3, 8))),
        masked(tgt_mask=SQUARE, src_key_padding_mask=PADDING, memory_key_padding_mask=PADDING)),
    "nn.Transformer(8, 2, 2, 1, 12, 0.1, 'gelu', layer_norm_eps=1e-4, batch_first=True)": (MEMORY[:, 0], X[:, 0]),
    f"nn.Transformer(8, 2, 0, 2, 12, 0.0, 'gelu', nn.TransformerEncoderLayer({LAYER}), None, 1e-4, False, True, "
    "False)": (
        (X, X), lambda T, m, x, y: m.decoder(y, m.encoder(x))),
    "nn.Transformer(8, 2, 0, 0, 12, custom_encoder=nn.Identity(), custom_decoder=nn.Bilinear(8, 8, 8))": (
        (X, X), lambda T, m, x, y: m.decoder(m.encoder(x), y)),
}  # fmt: skip


def sdpa_error(q, k, v, mask=None, dtypes=("float32",) * 4, **settings):
    def call(T):
        q_, k_, v_, m_ = (
            None if s is None else T.ones(s, dtype=getattr(T, d)) for s, d in zip((q, k, v, mask), dtypes)
        )
        return T.nn.functional.scaled_dot_product_attention(q_, k_, v_, m_, **settings)

    return call


F32 = ("float32",) * 3

ERRORS = {
    "sdpa: one dimension": sdpa_error((4,), (4,), (4,)),
    "sdpa: dtypes": sdpa_error((3, 4), (5, 4), (5, 4), dtypes=("float32", "float64", "float32", "bool")),
    "sdpa: integers": sdpa_error((3, 4), (5, 4), (5, 4), dtypes=("int64",) * 4),
    "sdpa: features": sdpa_error((3, 4), (5, 3), (5, 4)),
    "sdpa: keys": sdpa_error((3, 4), (5, 4), (4, 4)),
    "sdpa: batch": sdpa_error((2, 3, 4), (3, 5, 4), (3, 5, 4)),
    "sdpa: mask and causal": sdpa_error((3, 4), (5, 4), (5, 4), (3, 5), is_causal=True),
    "sdpa: mask of integers": sdpa_error((3, 4), (5, 4), (5, 4), (3, 5), (*F32, "int64")),
    "sdpa: mask of doubles": sdpa_error((3, 4), (5, 4), (5, 4), (3, 5), (*F32, "float64")),
    "sdpa: mask shape": sdpa_error((3, 4), (5, 4), (5, 4), (3, 4)),
    "sdpa: dropout": sdpa_error((3, 4), (5, 4), (5, 4), dropout_p=1.5),
    "sdpa: groups": sdpa_error((1, 4, 3, 2), (1, 3, 5, 2), (1, 3, 5, 2), enable_gqa=True),
    "MultiheadAttention: sizes": lambda T: T.nn.MultiheadAttention(0, 1),
    "MultiheadAttention: heads": lambda T: T.nn.MultiheadAttention(4, 3),
    "MultiheadAttention: dimensions": lambda T: T.nn.MultiheadAttention(4, 2)(*[T.ones(1, 2, 3, 4)] * 3),
    "MultiheadAttention: batch": lambda T: T.nn.MultiheadAttention(4, 2)(T.ones(2, 3, 4), T.ones(2, 4), T.ones(2, 4)),
    "MultiheadAttention: features": lambda T: T.nn.MultiheadAttention(4, 2)(*[T.ones(2, 3, 6)] * 3),
    "MultiheadAttention: values": lambda T: T.nn.MultiheadAttention(4, 2)(T.ones(2, 3, 4), T.ones(2, 3, 4),
        T.ones(5, 3, 4)),
    "MultiheadAttention: kdim": lambda T: T.nn.MultiheadAttention(4, 2, kdim=3)(*[T.ones(2, 3, 4)] * 3),
    "MultiheadAttention: mask": lambda T: T.nn.MultiheadAttention(4, 2)(*[T.ones(2, 3, 4)] * 3, attn_mask=T.ones(3, 3)),
    "MultiheadAttention: mask of integers": lambda T: T.nn.MultiheadAttention(4, 2)(
        *[T.ones(2, 3, 4)] * 3, attn_mask=T.ones(2, 2, dtype=T.int64)),
    "MultiheadAttention: mask dimensions": lambda T: T.nn.MultiheadAttention(4, 2)(*[T.ones(2, 3, 4)] * 3,
        attn_mask=T.ones(2)),
    "MultiheadAttention: padding": lambda T: T.nn.MultiheadAttention(4, 2)(*[T.ones(2, 3, 4)] * 3,
        key_padding_mask=T.ones(3, 3)),
    "MultiheadAttention: padding dimensions": lambda T: T.nn.MultiheadAttention(4, 2)(
        *[T.ones(2, 3, 4)] * 3, key_padding_mask=T.ones(3)),
    "MultiheadAttention: causal without a mask": lambda T: T.nn.MultiheadAttention(4, 2)(
        *[T.ones(2, 3, 4)] * 3, is_causal=True, need_weights=False),
    "TransformerEncoderLayer: activation": lambda T: T.nn.TransformerEncoderLayer(4, 2, activation="tanh"),
    "Transformer: batch": lambda T: T.nn.Transformer(4, 2, 1, 1, 4)(T.ones(3, 2, 4), T.ones(3, 1, 4)),
    "Transformer: features": lambda T: T.nn.Transformer(4, 2, 1, 1, 4)(T.ones(3, 2, 4), T.ones(3, 2, 5)),
    "sdpa_kernel: no backend": lambda T: T.nn.attention.sdpa_kernel("math").__enter__(),
}  # fmt: skip
