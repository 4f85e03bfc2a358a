"""einsum: sums of products of elements, written with one letter per dimension (Einstein's convention).

`einsum` takes an equation apart into operations that exist already: diagonals for letters that an operand repeats,
sums for letters that occur nowhere else, and products of two operands at a time. The last is the operation `contract`,
which is one product of (stacks of) matrices; its gradients are again contractions, hence gradients of any order.
"""

import functools
import math
import string

import numpy as np

from ..define import case, composite, op
from ..errors import OperationError
from .reduce import sum
from .shape import diagonal, permute, squeeze


@op(
    lambda g, y, equation: contract(g, y, _other_way(equation, 0)),
    lambda g, x, equation: contract(g, x, _other_way(equation, 1)),
    multiply_adds=lambda x, y, equation: math.prod(_letters(equation, x, y).values()),
    internal=True, label="einsum", linear=(0, 1), oracle=lambda x, y, equation: np.einsum(equation, x, y),
    samples=[
        case((2, 3), (3, 4), equation="ij,jk->ik"), case((5, 2, 3), (4, 5, 3), equation="bij,kbj->kbi"),
        case((2,), (3,), equation="i,j->ji"), case((2, 3), (2, 3), equation="ij,ij->"),
        case((3,), (), equation="i,->i"),
        case((2, 0), (0, 3), equation="ij,jk->ik"), case((3, 2), (2, 3), equation="ij,ji->ji"),
    ],
)  # fmt: skip
def contract(x, y, equation):
    """The einsum of two operands: "bij,bjk->bik" sums x[b,i,j] · y[b,j,k] over j.

    No letter may occur twice in one place, nor in only one of the three.
    """
    in_x, in_y, in_out = _terms(equation)
    shared = [c for c in in_x if c in in_y]
    stack = [c for c in shared if c in in_out]
    summed = [c for c in shared if c not in in_out]
    rows = [c for c in in_x if c not in in_y]
    columns = [c for c in in_y if c not in in_x]
    size = _letters(equation, x.shape, y.shape)
    x = x.transpose([in_x.index(c) for c in stack + rows + summed])
    if summed:
        y = y.transpose([in_y.index(c) for c in stack + summed + columns])
        stack_shape = [size[c] for c in stack]
        x = x.reshape(stack_shape + [_product(size, rows), _product(size, summed)])
        y = y.reshape(stack_shape + [_product(size, summed), _product(size, columns)])
        result = np.matmul(x, y) if stack else x.dot(y)
        result = result.reshape([size[c] for c in stack + rows + columns])
    else:
        y = y.transpose([in_y.index(c) for c in stack + columns])
        x = x.reshape(x.shape + (1,) * len(columns))
        y = y.reshape([size[c] for c in stack] + [1] * len(rows) + [size[c] for c in columns])
        result = x * y
    order = stack + rows + columns
    return result.transpose([order.index(c) for c in in_out])


def _letters(equation, x_shape, y_shape):
    """The size of each letter."""
    in_x, in_y, _ = _terms(equation)
    return {**dict(zip(in_x, x_shape)), **dict(zip(in_y, y_shape))}


def _product(size, letters):
    return math.prod([size[c] for c in letters])


@functools.lru_cache(maxsize=1024)
def _terms(equation):
    """("ij", "jk", "ik") of "ij,jk->ik"."""
    left, out = equation.split("->")
    return (*left.split(","), out)


@functools.lru_cache(maxsize=1024)
def _other_way(equation, operand):
    """The equation of the gradient for an operand: that of the result takes its place."""
    in_x, in_y, out = _terms(equation)
    return f"{out},{in_x if operand else in_y}->{in_y if operand else in_x}"


@composite(method=False, numpy=[np.einsum])
def einsum(equation, *operands, optimize=None):
    """Sums of products, as the equation says: einsum("bij,bjk->bik", x, y) sums x[b,i,j] · y[b,j,k] over j.

    Each dimension of each operand has a letter. Dimensions with the same letter run together (a size of 1 broadcasts);
    a letter that an operand repeats means its diagonal; letters missing in the result are summed over. "..." stands
    for any number of dimensions, which broadcast. Without "->", the result has the letters that occur once, in
    alphabetical order, after "...". The operands may be given as one list.

    More than two operands are multiplied in the order of fewest multiplications that `np.einsum_path` finds (with
    optimize=False from left to right).
    """
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = operands[0]
    if not isinstance(equation, str):
        raise TypeError(f"einsum: the equation must be a string such as 'ij,jk->ik', not {type(equation).__name__}")
    terms, out = _read(equation, tuple([x.ndim for x in operands]))
    operands = [_with_diagonals(x, term) for x, term in zip(operands, terms)]
    terms = ["".join(dict.fromkeys(term)) for term in terms]
    sizes = _sizes(equation, terms, operands)
    for i, term in enumerate(terms):
        # what is of size 1 here and longer elsewhere broadcasts: as if it had no letter
        broadcast = tuple([d for d, c in enumerate(term) if operands[i].shape[d] != sizes[c]])
        if broadcast:
            operands[i] = squeeze(operands[i], broadcast)
            terms[i] = "".join([c for d, c in enumerate(term) if d not in broadcast])
    for i, term in enumerate(terms):
        elsewhere = out + "".join(terms[:i] + terms[i + 1 :])
        operands[i], terms[i] = _without(operands[i], term, elsewhere)
    while len(operands) > 1:
        for pair in _path(",".join(terms) + "->" + out, operands, optimize):
            _multiply(operands, terms, out, pair)
    (x,), (term,) = operands, terms
    return x if term == out else permute(x, tuple([term.index(c) for c in out]))


def _multiply(operands, terms, out, positions):
    """Replace the operands at the positions by their product, with the letters that are still needed."""
    chosen = [(operands.pop(i), terms.pop(i)) for i in sorted(positions, reverse=True)][::-1]
    x, term = chosen[0]
    for number, (y, other) in enumerate(chosen[1:], 2):
        later = out + "".join(terms) + "".join([letters for _, letters in chosen[number:]])
        x, term = _without(x, term, other + later)
        y, other = _without(y, other, term + later)
        result = "".join([c for c in dict.fromkeys(term + other) if c in later])
        if not terms and number == len(chosen):
            result = out
        x, term = contract(x, y, f"{term},{other}->{result}"), result
    operands.append(x)
    terms.append(term)


def _path(equation, operands, optimize):
    """The order of multiplication: tuples of positions in the list of what is left, results appended at its end."""
    if len(operands) == 2:
        return [(0, 1)]
    if optimize is False:
        return [(0, 1)] + [(0, len(operands) - 1 - i) for i in range(1, len(operands) - 1)]
    shapes = [np.broadcast_to(np.float32(0), tuple(x.shape)) for x in operands]
    return np.einsum_path(equation, *shapes, optimize="greedy" if len(operands) > 5 else "optimal")[0][1:]


def _without(x, term, elsewhere):
    """x summed over the letters of its term that do not occur elsewhere."""
    lonely = tuple([d for d, c in enumerate(term) if c not in elsewhere])
    if lonely:
        x, term = sum(x, lonely), "".join([c for c in term if c in elsewhere])
    return x, term


def _with_diagonals(x, term):
    """x with the dimensions of equal letters replaced by their diagonal, in the order of first occurrence."""
    for c in dict.fromkeys(term):
        while term.count(c) > 1:
            first = term.index(c)
            second = term.index(c, first + 1)
            if x.shape[first] != x.shape[second]:
                raise OperationError(
                    f"einsum: the letter {c!r} is repeated in {term!r}, but the sizes there, {x.shape[first]} and "
                    f"{x.shape[second]}, differ"
                )
            x = diagonal(x, 0, first, second)
            last = x.ndim - 1  # where the diagonal is now; move it to where the first of the two was
            x = permute(x, tuple([*range(first), last, *range(first, last)]))
            term = term[:second] + term[second + 1 :]
    return x


def _sizes(equation, terms, operands):
    """The size of each letter: that of all its dimensions that are not 1."""
    sizes = {}
    for term, x in zip(terms, operands):
        for c, size in zip(term, x.shape):
            if size != 1 and sizes.get(c, 1) not in (1, size):
                raise OperationError(
                    f"einsum: the letter {c!r} of {equation!r} has size {sizes[c]} in one operand and {size} in "
                    "another; the shapes are " + ", ".join([str(tuple(x.shape)) for x in operands])
                )
            if size != 1 or c not in sizes:
                sizes[c] = size
    return sizes


@functools.lru_cache(maxsize=1024)
def _read(equation, ndims):
    """The letters of each operand and of the result: "..." replaced by unused letters, the result made explicit."""
    text = equation.replace(" ", "")
    left, arrow, out = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise OperationError(f"einsum: {equation!r} describes {len(terms)} operands, but {len(ndims)} were given")
    for term in (*terms, out):
        if not set(term.replace("...", "", 1)) <= set(string.ascii_letters):
            raise OperationError(f"einsum: {term!r} in {equation!r} may hold letters and one '...' only")
    unused = [c for c in string.ascii_letters if c not in text]
    counts = []
    for term, ndim in zip(terms, ndims):
        letters = len(term.replace("...", ""))
        if letters > ndim or letters < ndim and "..." not in term:
            raise OperationError(
                f"einsum: {term!r} in {equation!r} has {letters} letters for an operand of {ndim} dimensions"
            )
        counts.append(ndim - letters)
    most = max(counts)
    if most > len(unused):
        raise OperationError(f"einsum: {equation!r} needs more than {len(string.ascii_letters)} letters")
    ellipsis = "".join(unused[:most])
    terms = [term.replace("...", ellipsis[most - count :]) for term, count in zip(terms, counts)]
    letters = "".join(terms)
    if arrow:
        out = out.replace("...", ellipsis)
    else:
        out = ellipsis + "".join(sorted(c for c in set(letters) if letters.count(c) == 1 and c not in ellipsis))
    for c in out:
        if out.count(c) > 1 or c not in letters:
            problem = "occurs twice in the result" if out.count(c) > 1 else "of the result occurs in no operand"
            raise OperationError(f"einsum: the letter {c!r} {problem} of {equation!r}")
    return tuple(terms), out
