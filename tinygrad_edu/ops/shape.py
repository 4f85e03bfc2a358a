"""Shapes: the same values in another arrangement. Most results are views, which share the memory of their operand."""

import numpy as np

from ..define import OPS, case, op


def normalized_dim(dim, ndim):
    """`dim` counted from the front, with PyTorch's error if there is no such dimension."""
    if not -max(ndim, 1) <= dim < max(ndim, 1):
        raise IndexError(
            f"dim {dim} is out of range for {ndim} dimensions (from {-max(ndim, 1)} to {max(ndim, 1) - 1})"
        )
    return dim % ndim if ndim else 0


def normalized_dims(dim, ndim):
    """A tuple of dimensions counted from the front; all of them for None."""
    if dim is None:
        return tuple(range(ndim))
    if isinstance(dim, (tuple, list)):
        dims = tuple([normalized_dim(int(d), ndim) for d in dim])
        if len(set(dims)) < len(dims):
            raise ValueError(f"dim {tuple(dim)} names a dimension twice")
        return dims
    return (normalized_dim(int(dim), ndim),)


def sizes(shape):
    """A shape given as an int, a sequence of ints or 0-dimensional tensors, as a tuple of ints."""
    return tuple([int(size) for size in shape]) if isinstance(shape, (tuple, list)) else (int(shape),)


@op(
    lambda g, x_shape: reshape(g, x_shape),
    view=True, linear=(0,), spread="shape", numpy=[np.reshape],
    samples=[case((3, 4), shape=(2, 6)), case((3, 4), shape=(-1,)), case((), shape=(1, 1)), case((0, 3), shape=(3, 0))],
)  # fmt: skip
def reshape(x, shape):
    """The values in their order (last dimension fastest) in another shape; one size may be −1, to be computed."""
    return x.reshape(sizes(shape))


@op(
    lambda g, x_shape: reshape(g, x_shape),
    view=True, linear=(0,),
    samples=[case((2, 3, 4)), case((2, 3, 4), start_dim=1), case((2, 3, 4), start_dim=0, end_dim=1), case(())],
)  # fmt: skip
def flatten(x, start_dim=0, end_dim=-1):
    """The dimensions from `start_dim` to `end_dim` merged into one."""
    if x.ndim == 0:
        return x.reshape(1)
    start, end = normalized_dim(start_dim, x.ndim), normalized_dim(end_dim, x.ndim)
    if end < start:
        raise ValueError(f"start_dim {start_dim} lies behind end_dim {end_dim}")
    merged = 1
    for size in x.shape[start : end + 1]:
        merged *= size
    return x.reshape(x.shape[:start] + (merged,) + x.shape[end + 1 :])


@op(
    lambda g, x_shape: reshape(g, x_shape),
    view=True, linear=(0,), samples=[case((2, 6), dim=1, sizes=(2, 3)), case((6,), dim=0, sizes=(-1, 2))],
)  # fmt: skip
def unflatten(x, dim, sizes):
    """Dimension `dim` split into several of the given sizes; one may be −1."""
    dim = normalized_dim(dim, x.ndim)
    sizes = tuple(sizes)
    if -1 in sizes:
        known = -int(np.prod(sizes))
        sizes = tuple([x.shape[dim] // known if size == -1 else size for size in sizes])
    return x.reshape(x.shape[:dim] + sizes + x.shape[dim + 1 :])


@op(
    lambda g, dims: permute(g, _inverse(dims)),
    view=True, linear=(0,), spread="dims", samples=[case((2, 3, 4), dims=(2, 0, 1)), case((2, 3), dims=(-1, 0))],
)  # fmt: skip
def permute(x, dims):
    """The dimensions in another order: dimension i of the result is dimension dims[i] of x."""
    dims = normalized_dims(tuple(dims), x.ndim)
    if len(dims) != x.ndim:
        raise ValueError(f"dims {dims} must name each of the {x.ndim} dimensions once")
    return x.transpose(dims)


def _inverse(dims):
    order = [dim % len(dims) for dim in dims]
    return tuple([order.index(i) for i in range(len(order))])


@op(
    lambda g, dim0, dim1: transpose(g, dim0, dim1),
    view=True, linear=(0,), aliases=["swapaxes", "swapdims"], numpy=[np.swapaxes],
    samples=[case((2, 3, 4), dim0=0, dim1=2), case((2, 3), dim0=-1, dim1=-2)],
)  # fmt: skip
def transpose(x, dim0, dim1):
    """Two dimensions exchanged."""
    if x.ndim == 0:
        return x[...]
    return x.swapaxes(normalized_dim(dim0, x.ndim), normalized_dim(dim1, x.ndim))


@op(lambda g: t(g), view=True, linear=(0,), label="xᵀ", samples=[case((2, 3)), case((3,)), case(())])
def t(x):
    """The transpose of a matrix; vectors and numbers stay as they are."""
    if x.ndim > 2:
        raise ValueError("t() takes at most two dimensions; use transpose(dim0, dim1) or mT")
    return x.T


@op(
    lambda g, source, destination: movedim(g, destination, source),
    view=True, linear=(0,), aliases=["moveaxis"], numpy=[np.moveaxis],
    samples=[case((2, 3, 4), source=0, destination=2), case((2, 3, 4), source=(0, 1), destination=(1, 0)),
             case((2, 3, 3), source=0, destination=1)],
)  # fmt: skip
def movedim(x, source, destination):
    """Dimensions moved from positions `source` to positions `destination`."""
    return np.moveaxis(x, source, destination)


@op(
    lambda g, x_shape: reshape(g, x_shape),
    view=True, linear=(0,), numpy=[np.squeeze],
    samples=[case((1, 3, 1)), case((1, 3, 1), dim=0), case((1, 3), dim=1), case((1, 1, 2), dim=(0, 1))],
)  # fmt: skip
def squeeze(x, dim=None):
    """Without the dimensions of size 1, or without those among `dim` that have size 1."""
    drop = [d for d in normalized_dims(dim, x.ndim) if x.ndim and x.shape[d] == 1]
    return x.reshape([size for d, size in enumerate(x.shape) if d not in drop])


@op(
    lambda g, x_shape: reshape(g, x_shape),
    view=True, linear=(0,), numpy=[np.expand_dims],
    samples=[case((2, 3), dim=0), case((2, 3), dim=-1), case((), dim=0)],
)  # fmt: skip
def unsqueeze(x, dim):
    """With a new dimension of size 1 at position `dim`."""
    return np.expand_dims(x, dim)


@op(
    lambda g, x_shape: sum_to_size(g, x_shape),
    view=True, linear=(0,), spread="size", aliases=["broadcast_to"], numpy=[np.broadcast_to],
    samples=[case((3, 1), size=(3, 4)), case((4,), size=(2, -1)), case((), size=(2, 0))],
)  # fmt: skip
def expand(x, size):
    """Repeated, without copying, along dimensions of size 1 and new leading ones; −1 keeps a size."""
    size = sizes(size)
    extra = len(size) - x.ndim
    if extra < 0:
        raise ValueError(f"expand to {size} has fewer dimensions than {x.shape}")
    size = tuple([x.shape[i - extra] if n == -1 and i >= extra else n for i, n in enumerate(size)])
    if min(size, default=0) < 0:
        raise ValueError(f"expand to {size}: a new leading dimension needs a size, not -1")
    if x.flags.c_contiguous and x.size == 1 and x.dtype.kind in "fiub":  # ten times faster than np.broadcast_to
        return np.ndarray(size, x.dtype, x, 0, (0,) * len(size))
    # nothing is repeated: unlike the other it may be written into
    if size[extra:] == x.shape and size[:extra] == (1,) * extra:
        return x.reshape(size)
    return np.broadcast_to(x, size)


@op(
    lambda g, x_shape: expand(g, x_shape),
    linear=(0,), spread="size", samples=[case((2, 3), size=(3,)), case((2, 3), size=(2, 1)), case((2, 3), size=())],
)  # fmt: skip
def sum_to_size(x, size):
    """Summed over the dimensions along which a tensor of `size` would be repeated by broadcasting: the adjoint of
    expand."""
    from ..engine import array_sum_to

    size = sizes(size)
    if np.broadcast_shapes(size, x.shape) != x.shape:
        raise ValueError(f"a tensor of size {size} cannot be expanded to {x.shape}")
    return array_sum_to(x, size)


@op(
    lambda g, x_shape, repeats: _fold_repeats(g, x_shape, repeats),
    linear=(0,), spread="repeats",
    samples=[case((2, 3), repeats=(2, 1)), case((3,), repeats=(2, 2)), case((), repeats=(3,))],
)  # fmt: skip
def repeat(x, repeats):
    """Copies laid side by side: repeats[i] times along dimension i (leading dimensions are added as needed)."""
    repeats = sizes(repeats)
    if len(repeats) < x.ndim:
        raise ValueError(f"repeats {repeats} must have at least as many numbers as x has dimensions, {x.ndim}")
    return np.tile(x, repeats)


def _fold_repeats(g, x_shape, repeats):
    repeats = sizes(repeats)
    x_shape = (1,) * (len(repeats) - len(x_shape)) + tuple(x_shape)
    pairs = [size for pair in zip(repeats, x_shape) for size in pair]
    return sum_(reshape(g, pairs), tuple(range(0, len(pairs), 2)))


def sum_(x, dim):
    return OPS["sum"].call(x, dim)


@op(
    lambda g, dims: flip(g, dims),
    linear=(0,),
    spread="dims",
    numpy=[np.flip],
    samples=[case((2, 3), dims=(0,)), case((2, 3), dims=(0, 1))],
)
def flip(x, dims):
    """In reverse order along `dims`: a copy."""
    return np.flip(x, normalized_dims(dims, x.ndim)).copy()


@op(
    lambda g, shifts, dims: roll(g, _negated(shifts), dims),
    linear=(0,), numpy=[np.roll], samples=[case((2, 3), shifts=1), case((2, 3), shifts=(1, -1), dims=(0, 1))],
)  # fmt: skip
def roll(x, shifts, dims=None):
    """Shifted by `shifts` along `dims` (flattened if None); what leaves at one end enters at the other."""
    return np.roll(x, shifts, dims)


def _negated(shifts):
    return tuple([-s for s in shifts]) if isinstance(shifts, (tuple, list)) else -shifts


@op(
    lambda g, offset, dim1, dim2, x_shape: diagonal_scatter(g, x_shape, offset, dim1, dim2),
    view=True, linear=(0,), numpy=[np.diagonal],
    samples=[case((3, 3)), case((3, 4), offset=1), case((2, 3, 3), offset=-1, dim1=1, dim2=2)],
)  # fmt: skip
def diagonal(x, offset=0, dim1=0, dim2=1):
    """The elements of a diagonal of the matrices in dimensions `dim1` and `dim2`, as a last dimension."""
    view = np.diagonal(x, offset, dim1, dim2)
    if x.flags.writeable:
        view.flags.writeable = True
    return view


@op(
    lambda g, offset, dim1, dim2: diagonal(g, offset, dim1, dim2),
    linear=(0,), method=False, samples=[case((3,), shape=(3, 3)), case((3,), shape=(3, 4), offset=1)],
)  # fmt: skip
def diagonal_scatter(x, shape, offset=0, dim1=0, dim2=1):
    """Zeros of `shape` with x as a diagonal: the adjoint of diagonal."""
    result = np.zeros(shape, x.dtype)
    view = np.diagonal(result, offset, dim1, dim2)
    view.flags.writeable = True
    view[...] = x
    return result


@op(
    lambda g, diagonal: tril(g, diagonal),
    linear=(0,),
    inplace=True,
    numpy=[np.tril],
    samples=[case((3, 4)), case((2, 3, 3), diagonal=-1)],
)
def tril(x, diagonal=0):
    """The lower triangle of (the last two dimensions of) x, 0 elsewhere."""
    return np.tril(x, diagonal)


@op(
    lambda g, diagonal: triu(g, diagonal),
    linear=(0,),
    inplace=True,
    numpy=[np.triu],
    samples=[case((3, 4)), case((2, 3, 3), diagonal=1)],
)
def triu(x, diagonal=0):
    """The upper triangle of (the last two dimensions of) x, 0 elsewhere."""
    return np.triu(x, diagonal)


@op(lambda g: g, linear=(0,), label="copy", numpy=[np.copy], samples=[case((3, 4)), case(())])
def clone(x):
    """A copy with memory of its own; gradients pass through it."""
    return x.copy()


@op(lambda g: g, view=True, linear=(0,), samples=[case((3, 4))])
def contiguous(x):
    """The same values in memory one after the other: x itself if they are so already, else a copy."""
    return x[...] if x.flags.c_contiguous else np.ascontiguousarray(x)


@op(lambda g: g, view=True, linear=(0,), label="cast", internal=True, samples=[case((3, 4), dtype=np.float64)])
def cast(x, dtype):
    """The values converted to another dtype."""
    return x[...] if x.dtype == dtype else x.astype(dtype)
