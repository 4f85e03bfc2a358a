"""Inputs for modules: which shapes, and which numbers, an nn.Module accepts.

`ACCEPTS` has for each kind of module a function (draw, module) -> a tuple of shapes; integers are asked for as
("integers", how many there are, shape). A Sequential gets what its first module that is particular takes, of the first
size with which all of it runs.
"""

import copy

import hypothesis.strategies as st
import numpy as np

from ... import nn
from ...grad_mode import no_grad
from ...tensor import of_array
from .arrays import arrays

SIZES = st.integers(1, 3)


@st.composite
def module_inputs(draw, module, dtype=np.float64, requires_grad=False):
    """A tuple of Tensors that `module(*inputs)` accepts: batches of size 1 to 3, and none where the module allows that.

    Known are linear layers, convolutions, pooling, normalisation, recurrent layers and cells, embeddings (which get
    integers), attention, Transformer layers, activations and whatever else takes any shape, and Sequential. For another
    module of yours, add a function to `strategies.modules.ACCEPTS`. Raises TypeError if the module is not known.
    """
    dtype = np.dtype(dtype)
    tensors = []
    for form in _forms(draw, module):
        if form and form[0] == "integers":
            array = draw(arrays(form[2], np.int64, domain=(0, form[1] - 1)))
        else:
            array = draw(arrays(form, dtype, ties=False))
        tensor = of_array(array, None)
        if array.dtype.kind == "f":
            tensor.requires_grad = requires_grad
        tensors.append(tensor)
    return tuple(tensors)


def _forms(draw, module):
    for kind in type(module).__mro__:
        if kind in ACCEPTS:
            return ACCEPTS[kind](draw, module)
    raise TypeError(
        f"nothing says what {type(module).__name__} accepts: {module!r}. Say it by "
        f"strategies.modules.ACCEPTS[{type(module).__name__}] = lambda draw, module: (shape of each input,), or draw "
        "the inputs with `tensors(shape=...)`"
    )


def _batch(draw, most=2):
    return draw(st.lists(SIZES, max_size=most).map(tuple))


def _any(draw, module):
    return (draw(st.lists(SIZES, max_size=3).map(tuple)),)


def _like(*counts):
    """Any number of leading dimensions, then the sizes that the module has under these names."""

    def forms(draw, module):
        return ((*_batch(draw), *[getattr(module, name) for name in counts]),)

    return forms


def _bilinear(draw, module):
    batch = _batch(draw)
    return (*batch, module.in1_features), (*batch, module.in2_features)


def _several(value, number):
    return (value,) * number if isinstance(value, int) else tuple(value)


def _convolution(dims):
    def forms(draw, module):
        kernel, dilation = _several(module.kernel_size, dims), _several(module.dilation, dims)
        sizes = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]  # of the window
        padding = (0,) * dims if isinstance(module.padding, str) else _several(module.padding, dims)
        # padding other than zeros repeats what is there, so that it needs more than that of it
        least = 1 if getattr(module, "padding_mode", "zeros") == "zeros" else max((*padding, *sizes)) + 1
        sizes = [max(size - 2 * p, least) + draw(st.integers(0, 2)) for size, p in zip(sizes, padding)]
        return ((*draw(st.sampled_from([(), (1,), (2,)])), module.in_channels, *sizes),)

    return forms


def _transposed(dims):
    def forms(draw, module):
        sizes = [1 + p + draw(st.integers(0, 1)) for p in _several(module.padding, dims)]
        return ((*draw(st.sampled_from([(), (1,), (2,)])), module.in_channels, *sizes),)

    return forms


def _pooling(dims):
    def forms(draw, module):
        kernel, dilation = _several(module.kernel_size, dims), _several(getattr(module, "dilation", 1), dims)
        sizes = [d * (k - 1) + 1 + draw(st.integers(0, 2)) for k, d in zip(kernel, dilation)]
        return ((*draw(st.sampled_from([(), (1,), (2,)])), draw(SIZES), *sizes),)

    return forms


def _spatial(dims, least=1):
    """Any channels, any sizes: adaptive pooling, padding, resampling."""

    def forms(draw, module):
        padding = getattr(module, "padding", 0)
        least_ = max(least, 1 + max((abs(p) for p in _several(padding, 1)), default=0)) if padding else least
        return ((draw(SIZES), draw(SIZES), *[least_ + draw(st.integers(0, 2)) for _ in range(dims)]),)

    return forms


def _batch_norm(*dims):
    def forms(draw, module):
        sizes = [1 + draw(st.integers(1, 2)) for _ in range(draw(st.sampled_from(dims)))]
        return ((draw(st.integers(2, 3)), module.num_features, *sizes),)

    return forms


def _instance_norm(dims):
    def forms(draw, module):
        sizes = [2 + draw(st.integers(0, 1)) for _ in range(dims)]
        return ((*draw(st.sampled_from([(), (1,), (2,)])), module.num_features, *sizes),)

    return forms


def _group_norm(draw, module):
    return ((draw(SIZES), module.num_channels, *[2] * draw(st.integers(1, 2))),)


def _normalized_shape(draw, module):
    return ((*_batch(draw), *module.normalized_shape),)


def _recurrent(draw, module):
    steps, batch = draw(SIZES), draw(st.sampled_from([None, 1, 2]))
    if batch is None:
        return ((steps, module.input_size),)
    return ((batch, steps, module.input_size) if module.batch_first else (steps, batch, module.input_size),)


def _recurrent_cell(draw, module):
    return ((*draw(st.sampled_from([(), (1,), (2,)])), module.input_size),)


def _embedding(draw, module):
    return (("integers", module.num_embeddings, _batch(draw)),)


def _embedding_bag(draw, module):
    return (("integers", module.num_embeddings, (draw(SIZES), draw(SIZES))),)


def _attention(draw, module):
    batch, queries, keys = draw(st.sampled_from([None, 1, 2])), draw(SIZES), draw(SIZES)

    def of(length, size):
        if batch is None:
            return length, size
        return (batch, length, size) if module.batch_first else (length, batch, size)

    return of(queries, module.embed_dim), of(keys, module.kdim), of(keys, module.vdim)


def _sequence(draw, module):
    """Encoders: (length, batch, size), or with the batch first."""
    attention = next(part for part in module.modules() if isinstance(part, nn.MultiheadAttention))
    shape = _attention(draw, attention)[0]
    return (shape,)


def _two_sequences(draw, module):
    attention = next(part for part in module.modules() if isinstance(part, nn.MultiheadAttention))
    query, key, _ = _attention(draw, attention)
    return (key, query) if isinstance(module, nn.Transformer) else (query, key)


def _flatten(draw, module):
    return ((draw(SIZES), *draw(st.lists(SIZES, min_size=1, max_size=2))),)


def _sequential(draw, module):
    """What the first module takes that does not take everything; tried out on a copy, in several sizes."""
    parts = list(module)
    particular = [part for part in parts if type(part) not in (*ANYTHING, nn.Flatten)] or parts
    if not particular:
        return ((2, 3),)
    start = parts[0] if type(parts[0]) is nn.Flatten and isinstance(particular[0], nn.Linear) else particular[0]
    if start is parts[0] and isinstance(start, nn.Flatten):
        return ((draw(st.integers(2, 3)), particular[0].in_features),)
    first = _forms(draw, start)
    tried = [first]
    if isinstance(start, _with_sizes()):
        number = _dimensions(start)
        channels = first[0][-number - 1]
        tried += [((2, channels, *[size] * number),) for size in range(1, 65)]
    elif len(parts) > 1:  # with a batch of two, for a normalisation further on
        tried += [((2, *first[0][-1:]),), ((2, 2, *first[0][-1:]),)] if first[0][:1] != ("integers",) else []
    reason = None
    for forms in tried:
        reason = _refuses(module, forms)
        if reason is None:
            return forms
    raise TypeError(
        f"found no input that this {type(module).__name__} accepts: {module!r}; the last of {len(tried)} shapes tried, "
        f"{tried[-1][0]}, fails with: {reason}. Draw the inputs with `tensors(shape=...)`"
    )


def _refuses(module, forms):
    """Why a copy of the module does not run on such inputs; None if it does."""
    trial = copy.deepcopy(module)
    dtype = next((parameter.dtype for parameter in trial.parameters()), np.dtype(np.float64))
    inputs = [
        np.zeros(form[2], np.int64)
        if form and form[0] == "integers"
        else np.linspace(-1, 1, int(np.prod(form))).reshape(form)
        for form in forms
    ]
    try:
        with no_grad():
            trial(*[of_array(x.astype(dtype) if x.dtype.kind == "f" else x, None) for x in inputs])
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _with_sizes():
    return tuple([getattr(nn, name) for name in SPATIAL])


def _dimensions(module):
    return next(int(kind.__name__[-2]) for kind in type(module).__mro__ if kind.__name__ in SPATIAL)


ANYTHING = (
    nn.CELU, nn.ELU, nn.GELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh, nn.Identity, nn.LeakyReLU,
    nn.LogSigmoid, nn.Mish, nn.ReLU, nn.ReLU6, nn.RReLU, nn.SELU, nn.SiLU, nn.Sigmoid, nn.Softplus, nn.Softshrink,
    nn.Softsign, nn.Tanh, nn.Tanhshrink, nn.Threshold, nn.Dropout, nn.AlphaDropout,
)  # fmt: skip
"""Modules that take any shape."""

ACCEPTS = {
    **dict.fromkeys(ANYTHING, _any),
    nn.Sequential: _sequential,
    nn.Flatten: _flatten,
    nn.Linear: _like("in_features"),
    nn.Bilinear: _bilinear,
    nn.Embedding: _embedding,
    nn.EmbeddingBag: _embedding_bag,
    nn.MultiheadAttention: _attention,
    nn.TransformerEncoderLayer: _sequence,
    nn.TransformerEncoder: _sequence,
    nn.TransformerDecoderLayer: _two_sequences,
    nn.TransformerDecoder: _two_sequences,
    nn.Transformer: _two_sequences,
    nn.LayerNorm: _normalized_shape,
    nn.RMSNorm: _normalized_shape,
    nn.GroupNorm: _group_norm,
    nn.LocalResponseNorm: _spatial(2),
    nn.BatchNorm1d: _batch_norm(0, 1),
    nn.BatchNorm2d: _batch_norm(2),
    nn.BatchNorm3d: _batch_norm(3),
    nn.RNN: _recurrent,
    nn.LSTM: _recurrent,
    nn.GRU: _recurrent,
    nn.RNNCell: _recurrent_cell,
    nn.LSTMCell: _recurrent_cell,
    nn.GRUCell: _recurrent_cell,
    **{kind: (lambda draw, module: ((draw(SIZES), draw(SIZES)),)) for kind in (nn.Softmax, nn.LogSoftmax, nn.Softmin)},
    **{getattr(nn, f"Conv{dims}d"): _convolution(dims) for dims in (1, 2, 3)},
    **{getattr(nn, f"ConvTranspose{dims}d"): _transposed(dims) for dims in (1, 2, 3)},
    **{getattr(nn, f"InstanceNorm{dims}d"): _instance_norm(dims) for dims in (1, 2, 3)},
    **{getattr(nn, f"{kind}Pool{dims}d"): _pooling(dims) for kind in ("Max", "Avg") for dims in (1, 2, 3)},
    **{getattr(nn, f"Adaptive{kind}Pool{dims}d"): _spatial(dims) for kind in ("Max", "Avg") for dims in (1, 2, 3)},
    **{
        getattr(nn, f"{kind}Pad{dims}d"): _spatial(dims)
        for kind in ("Zero", "Constant", "Reflection", "Replication", "Circular")
        for dims in (1, 2, 3)
    },
}
"""What modules accept: kind -> function (draw, module) -> a tuple of shapes or ("integers", how many, shape)."""

SPATIAL = [
    kind.__name__
    for kind in ACCEPTS
    if kind.__name__[-1:] == "d" and kind.__name__[-2:-1] in "123" and "Norm" not in kind.__name__
]
