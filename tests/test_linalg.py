"""Linear algebra and einsum: values, gradients and second gradients against PyTorch and against numerical
derivatives.
"""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import linalg

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape)


def conditioned(*shape):
    """Matrices with the singular values 1 ... 3: well conditioned, and distinct."""
    u, _, vh = np.linalg.svd(normal(*shape), full_matrices=False)
    return (u * np.linspace(1, 3, u.shape[-1])) @ vh


def definite(*shape):
    q, _ = np.linalg.qr(normal(*shape))
    return (q * np.linspace(1, 3, shape[-1])) @ q.swapaxes(-1, -2)


def in_sequence(*shape):
    return np.cos(np.arange(np.prod(shape, dtype=int), dtype=float) + 1).reshape(shape)


def weighted(outputs, wrap):
    """A number that depends on all elements of all floating outputs, each with another weight, linearly and squared."""
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    total = 0.0
    for i, out in enumerate(outputs):
        w = wrap(in_sequence(*out.shape) + i)
        total = total + (w * out + 0.3 * w * out * out).sum()
    return total


SQUARES = [(3, 3), (1, 1), (2, 3, 3)]
OBLONGS = [(3, 3), (4, 2), (2, 4), (1, 1), (2, 3, 2)]


def absolute(outputs, *free):
    """Outputs of which those numbered `free` have free signs."""
    return tuple([abs(out) if i in free else out for i, out in enumerate(outputs)])


def cases():
    """(name, function of a library, operands)"""
    for s in SQUARES:
        yield f"inv {s}", lambda t, x: t.linalg.inv(x), [conditioned(*s)]
        yield f"det {s}", lambda t, x: t.linalg.det(x), [conditioned(*s)]
        yield f"slogdet {s}", lambda t, x: t.linalg.slogdet(x)[1], [conditioned(*s)]
        yield f"power {s}", lambda t, x: t.linalg.matrix_power(x, 5) + t.linalg.matrix_power(x, -2), [conditioned(*s)]
        yield f"cholesky {s}", lambda t, x: t.linalg.cholesky(x) + 2 * t.linalg.cholesky(x, upper=True), [definite(*s)]
        yield f"eigh {s}", lambda t, x: absolute(t.linalg.eigh(x), 1), [definite(*s)]
        yield f"eigvalsh {s}", lambda t, x: t.linalg.eigvalsh(x), [definite(*s)]
    for a, b in [((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (2, 3)), ((2, 3, 3), (3, 2)), ((3, 3), (2, 3, 2))]:
        yield f"solve {a} {b}", lambda t, A, B: t.linalg.solve(A, B), [conditioned(*a), normal(*b)]
    yield "solve right", lambda t, A, B: t.linalg.solve(A, B, left=False), [conditioned(3, 3), normal(2, 3)]
    for s in OBLONGS:
        yield f"pinv {s}", lambda t, x: t.linalg.pinv(x), [conditioned(*s)]
        yield f"qr {s}", lambda t, x: t.linalg.qr(x), [conditioned(*s)]
        yield f"svd {s}", lambda t, x: absolute(t.linalg.svd(x, full_matrices=False), 0, 2), [conditioned(*s)]
        yield f"svd U only {s}", lambda t, x: abs(t.linalg.svd(x, full_matrices=False)[0]), [conditioned(*s)]
        yield f"svdvals {s}", lambda t, x: t.linalg.svdvals(x), [conditioned(*s)]
        for ord in ("fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf):
            name = f"matrix_norm {ord} {s}"
            yield name, lambda t, x, o=ord: t.linalg.matrix_norm(x, o, keepdim=o == 2), [conditioned(*s)]
    yield "qr complete", lambda t, x: t.linalg.qr(x, "complete"), [conditioned(2, 4)]
    yield "matrix_norm dim", lambda t, x: t.linalg.matrix_norm(x, "nuc", dim=(2, 0), keepdim=True), [normal(3, 4, 2)]
    yield "lstsq", lambda t, A, B: t.linalg.lstsq(A, B)[0], [conditioned(2, 4, 3), normal(2, 4, 2)]
    for ord in (None, 1, 2, 3, np.inf):
        yield f"norm {ord}", lambda t, x, o=ord: t.linalg.norm(x, o, dim=1), [normal(3, 4)]
    for p in ("fro", "nuc", 1, 2, 3, np.inf):
        yield f"torch.norm {p}", lambda t, x, p=p: t.norm(x, p), [normal(3, 4)]
    yield "addmm", lambda t, *xs: t.addmm(*xs, beta=2, alpha=3), [normal(4), normal(3, 2), normal(2, 4)]
    yield "addmv", lambda t, *xs: t.addmv(*xs), [normal(3), normal(3, 2), normal(2)]
    yield "addr", lambda t, *xs: t.addr(*xs), [normal(3, 2), normal(3), normal(2)]
    yield "baddbmm", lambda t, *xs: t.baddbmm(*xs), [normal(2, 3, 4), normal(2, 3, 2), normal(2, 2, 4)]
    yield "addbmm", lambda t, *xs: t.addbmm(*xs), [normal(3, 4), normal(2, 3, 2), normal(2, 2, 4)]
    yield "inner", lambda t, *xs: t.inner(*xs), [normal(2, 3, 4), normal(5, 4)]
    yield "vecdot", lambda t, *xs: t.linalg.vecdot(*xs, dim=0), [normal(4, 2), normal(4, 1)]
    yield "tensordot", lambda t, *xs: t.tensordot(*xs, 2), [normal(2, 3, 4), normal(3, 4, 2)]
    yield "tensordot lists", lambda t, *xs: t.tensordot(*xs, ([0, 2], [1, -1])), [normal(2, 3, 4), normal(5, 2, 4)]
    yield "kron", lambda t, *xs: t.kron(*xs), [normal(2, 3), normal(4, 3, 2)]
    yield "cross", lambda t, *xs: t.linalg.cross(*xs), [normal(2, 3), normal(1, 3)]
    yield "trace", lambda t, x: t.trace(x), [normal(3, 4)]
    for shapes in [[(3, 4), (4, 2), (2, 5), (5, 3)], [(3,), (3, 2), (2,)], [(3,), (3, 2), (2, 4)]]:
        yield f"multi_dot {shapes}", lambda t, *xs: t.linalg.multi_dot(xs), [normal(*s) for s in shapes]


CASES = {name: (function, operands) for name, function, operands in cases()}

EINSUMS = {
    "ij,jk->ik": [(2, 3), (3, 4)], "ij,jk": [(2, 1), (3, 4)], "ii->i": [(3, 3)], "ii": [(3, 3)], "iij->ji": [(3, 3, 2)],
    "abab->b": [(2, 3, 2, 3)], "ij->": [(2, 3)], "ba": [(2, 3)], "i,j->ji": [(2,), (3,)],
    "bij,bjk->bik": [(2, 3, 4), (2, 4, 5)],
    "i,i->": [(3,), (3,)], "ij,k->i": [(2, 3), (4,)], ",i->i": [(), (3,)], "ii,i->i": [(3, 3), (3,)],
    "...ij,...jk->...ik": [(2, 1, 2, 3), (5, 3, 4)], "i...,j...": [(2, 3), (4, 3)], "...,...->...": [(2, 3), (3,)],
    "ij,jk,kl->il": [(2, 3), (3, 4), (4, 2)], "abc,cd,de,ef->abf": [(2, 2, 3), (3, 4), (4, 2), (2, 3)],
    "bn,anm,bm->ba": [(2, 3), (5, 3, 4), (2, 4)], "ij,ij,ij->j": [(2, 3)] * 3,
    "bhqd,bhkd->bhqk": [(2, 2, 3, 4), (2, 2, 5, 4)],
}  # fmt: skip


def gradients(function, operands, wrap, grad, **options):
    """(outputs, gradients, gradients of a function of the gradients) as NumPy arrays. `wrap` makes a tensor of a
    library.
    """
    xs = [wrap(x) for x in operands]
    for x in xs:
        x.requires_grad = True
    outputs = function(*xs)
    first = grad(weighted(outputs, wrap), xs, create_graph=True)
    second = grad(weighted(tuple(first), wrap), xs, allow_unused=True)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    arrays = [[np.asarray(x.detach()) for x in tensors] for tensors in (outputs, first)]
    return (*arrays, [np.zeros(x.shape) if h is None else np.asarray(h.detach()) for x, h in zip(xs, second)])


def compare_with_torch(function, operands, symmetric=False):
    torch = pytest.importorskip("torch")
    ours = gradients(lambda *xs: function(tg, *xs), operands, tg.tensor, tg.grad)
    if symmetric:  # of a symmetric operand only the symmetric part of a gradient has a meaning

        def theirs(*xs):
            return function(torch, *[(x + x.mT) / 2 for x in xs])
    else:

        def theirs(*xs):
            return function(torch, *xs)

    expected = gradients(theirs, operands, torch.tensor, torch.autograd.grad)
    for what, mine, other in zip(("value", "gradient", "second gradient"), ours, expected):
        for a, b in zip(mine, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-8, err_msg=what)
            assert a.dtype == np.float64


@pytest.mark.parametrize("name", CASES)
def test_as_in_torch(name):
    compare_with_torch(*CASES[name], symmetric=name.startswith(("eigh", "eigvalsh", "cholesky")))


@pytest.mark.parametrize("equation", EINSUMS)
def test_einsum_as_in_torch(equation):
    compare_with_torch(lambda t, *xs: t.einsum(equation, *xs), [normal(*shape) for shape in EINSUMS[equation]])


def check_numerically(function, x, tolerance=1e-6):
    """The gradient of a number, and the gradient of a weighted sum of the gradient, by central differences."""

    def value(array):
        return function(tg.tensor(array)).item()

    def gradient(array):
        leaf = tg.tensor(array, requires_grad=True)
        return np.asarray(tg.grad(function(leaf), [leaf])[0])

    leaf = tg.tensor(x, requires_grad=True)
    (g,) = tg.grad(function(leaf), [leaf], create_graph=True)
    (h,) = tg.grad(weighted(g, tg.tensor), [leaf])
    for f, got in [(value, g), (lambda array: weighted(gradient(array), np.asarray), h)]:
        for i in np.ndindex(x.shape):
            step = np.zeros_like(x)
            step[i] = 1e-5
            assert abs((f(x + step) - f(x - step)) / 2e-5 - np.asarray(got.detach())[i]) < tolerance


RANK_ONE = np.outer([1.0, 2.0, 3.0], [1.0, -1.0, 2.0])


@pytest.mark.parametrize("x", [RANK_ONE, RANK_ONE + np.eye(3)[0], np.zeros((3, 3)), np.zeros((2, 2)), normal(4, 4)])
def test_det_has_both_gradients_also_at_singular_matrices(x):
    check_numerically(lambda a: tg.det(a) * 1.5 + tg.det(a) ** 2, x)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e13])
def test_second_gradients_of_det_lose_nothing_at_almost_singular_matrices(scale):
    """Of 3 × 3 matrices they are elements of the matrix: there a formula that divides by the determinant keeps only
    three digits."""
    left, right = (np.linalg.qr(normal(3, 3))[0] for _ in range(2))
    x = scale * (left * [1.0, 1.0, 1e-13]) @ right
    leaf = tg.tensor(x, requires_grad=True)
    (cofactors,) = tg.grad(tg.det(leaf), [leaf], create_graph=True)
    (second,) = tg.grad(cofactors[0, 0] + 2 * cofactors[1, 2], [leaf])
    wanted = np.zeros((3, 3))  # of x11 x22 - x12 x21 - 2 (x00 x21 - x01 x20)
    wanted[1, 1], wanted[2, 2], wanted[1, 2] = x[2, 2], x[1, 1], -x[2, 1]
    wanted[2, 1] = -x[1, 2] - 2 * x[0, 0]
    wanted[0, 0], wanted[0, 1], wanted[2, 0] = -2 * x[2, 1], 2 * x[2, 0], 2 * x[0, 1]
    assert np.allclose(second.numpy(), wanted, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 3)])
def test_gradients_of_full_svd_through_all_columns(shape):
    n, m = shape
    x, k = conditioned(*shape), min(shape)

    def function(a):
        u, s, vh = linalg.svd(a)
        ours = (u[:, :k] @ u[:, :k].mT * tg.tensor(in_sequence(n, n))).sum() + (s**3).sum()
        left = (u[:, 1:] @ u[:, 1:].mT * tg.tensor(in_sequence(n, n) ** 2)).sum()
        return ours + left + (vh[1:].mT @ vh[1:] * tg.tensor(in_sequence(m, m))).sum()

    check_numerically(function, x)


def test_gradients_for_symmetric_operands_agree_with_changes_of_single_elements():
    x, w = definite(3, 3), tg.tensor(in_sequence(3, 3))
    check_numerically(lambda a: (tg.cholesky(a) * w).sum(), x)
    check_numerically(lambda a: (abs(linalg.eigh(a).eigenvectors) * w).sum(), x)
    check_numerically(lambda a: (linalg.eigh(a).eigenvalues ** 3).sum(), x)


def test_results_of_one_operation_are_tensors_like_others():
    torch = pytest.importorskip("torch")
    x = definite(3, 3)

    def through_results(t, x, grad):
        w, v = t.linalg.eigh((x + x.mT) / 2)
        (g,) = grad((w**2).sum() * abs(v).sum(), [x], create_graph=True)
        return [np.asarray(d) for d in grad((g**2).sum(), [w, x])]

    ours = through_results(tg, tg.tensor(x, requires_grad=True), tg.grad)
    theirs = through_results(torch, torch.tensor(x, requires_grad=True), torch.autograd.grad)
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a, b, rtol=1e-8)
    leaf = tg.tensor(x, requires_grad=True)
    result = linalg.eigh(leaf)
    result.eigenvalues[0].backward(retain_graph=True)  # of several results one, in part
    result.eigenvalues[1:].sum().backward()
    np.testing.assert_allclose(leaf.grad.numpy(), np.eye(3), atol=1e-14)  # the trace


def test_equal_singular_values_and_eigenvalues():
    identity = tg.tensor(np.eye(3), requires_grad=True)
    for function in (linalg.svdvals, linalg.eigvalsh, lambda x: linalg.matrix_norm(x, "nuc")):
        np.testing.assert_allclose(tg.grad(function(identity).sum(), [identity])[0].numpy(), np.eye(3), atol=1e-14)
    v = linalg.eigh(identity).eigenvectors
    projector = (v @ v.mT * tg.tensor(in_sequence(3, 3))).sum()  # is constant
    np.testing.assert_allclose(tg.grad(projector, [identity])[0].numpy(), 0, atol=1e-14)
    v = linalg.eigh(identity).eigenvectors
    assert not np.isfinite(tg.grad((v * tg.tensor(in_sequence(3, 3))).sum(), [identity])[0].numpy()).all()


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, np.inf])
def test_cdist(p):
    x, y = normal(2, 3, 2), normal(4, 2)
    exact = np.linalg.norm(x[:, :, None] - y, p, -1)
    np.testing.assert_allclose(tg.cdist(tg.tensor(x), tg.tensor(y), p).numpy(), exact, rtol=1e-13)
    check_numerically(lambda a: weighted(tg.cdist(a, tg.tensor(y), p), tg.tensor), x[0])
    check_numerically(lambda a: weighted(tg.cdist(tg.tensor(x), a, p), tg.tensor), y)


def test_cdist_of_near_and_of_equal_points():
    x = tg.tensor(np.ones((2, 3)), requires_grad=True)
    distances = tg.cdist(x, x)
    (g,) = tg.grad(distances.sum(), [x])
    assert (distances.detach().numpy() == 0).all() and (g.numpy() == 0).all()
    for dtype, spread, rtol in [(np.float32, 1e-2, 1e-5), (np.float64, 1e-6, 1e-8)]:
        y = (100 + normal(50, 5) * spread).astype(dtype)
        exact = np.linalg.norm(y[:, None].astype(float) - y, axis=-1)
        np.testing.assert_allclose(tg.cdist(tg.tensor(y), tg.tensor(y)).numpy(), exact, rtol=rtol)


@pytest.mark.parametrize("name", "inv det slogdet cholesky qr svd eigh pinv svdvals norm matrix_norm".split())
def test_float32_stays_float32(name):
    x = tg.tensor(definite(3, 3).astype(np.float32), requires_grad=True)
    outputs = getattr(linalg, name)(x)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    assert {out.dtype.name for out in outputs} == {"float32"}
    (g,) = tg.grad(sum([(out * out).sum() for out in outputs], 0.0), [x], create_graph=True)
    (h,) = tg.grad((g * g).sum(), [x])
    assert g.dtype == h.dtype == np.float32


def test_values_that_have_no_gradient_or_no_twin():
    x = tg.tensor(normal(4, 2))
    q, r = linalg.qr(x, mode="complete")
    np.testing.assert_allclose((q @ r).numpy(), x.numpy(), atol=1e-14)
    np.testing.assert_allclose((q.mT @ q).numpy(), np.eye(4), atol=1e-14)
    assert linalg.qr(x, mode="r").Q.shape == (0,)
    assert linalg.matrix_rank(tg.tensor(RANK_ONE)).item() == 1
    A, b = normal(4, 2), normal(4)
    for ours, numpys in zip(linalg.lstsq(tg.tensor(A), tg.tensor(b)), np.linalg.lstsq(A, b)):
        np.testing.assert_allclose(np.asarray(ours).reshape(np.shape(numpys)), numpys, rtol=1e-10)
    assert np.isnan(tg.logdet(tg.tensor(np.diag([1.0, -1.0]))).item())
    assert tuple(tg.einsum("ij,jk->ik", [x, x.mT]).shape) == (4, 4)


SINGULAR = np.zeros((2, 2))


def leaf(array):
    return tg.tensor(array, requires_grad=True)


ERRORS = {
    "square": lambda: linalg.inv(tg.tensor(normal(2, 3))),
    "inv: the matrix is singular.*pinv": lambda: linalg.inv(tg.tensor(SINGULAR)),
    "solve: A is singular.*lstsq": lambda: linalg.solve(tg.tensor(SINGULAR), tg.tensor([1.0, 2.0])),
    r"A \(2, 2\) needs a B of 2 rows": lambda: linalg.solve(tg.tensor(SINGULAR), tg.tensor(normal(3, 1))),
    "not positive definite: its lowest eigenvalue is -1": lambda: linalg.cholesky(tg.tensor(np.diag([1.0, -1.0]))),
    "must be symmetric": lambda: linalg.eigh(tg.tensor(np.tril(np.ones((2, 2))))),
    "slogdet has no gradient at a singular": lambda: linalg.slogdet(leaf(SINGULAR)).logabsdet.backward(),
    "no gradient with mode='complete'": lambda: linalg.qr(leaf(normal(3, 2)), "complete").R.sum().backward(),
    "letter 'j'.* size 3 in one operand and 2": lambda: tg.einsum("ij,jk", leaf(normal(2, 3)), leaf(normal(2, 3))),
    "2 operands, but 1": lambda: tg.einsum("ij,jk", tg.tensor(normal(2, 3))),
    "occurs in no operand": lambda: tg.einsum("ij->ik", tg.tensor(normal(2, 3))),
    "say which with dim=": lambda: tg.cross(tg.tensor(normal(3, 3)), tg.tensor(normal(3, 3))),
    "must be of equal sizes": lambda: tg.tensordot(tg.tensor(normal(2, 3)), tg.tensor(normal(2, 3)), 1),
    "ord must be": lambda: linalg.norm(tg.tensor(normal(2, 3)), "spectral"),
}


@pytest.mark.parametrize("message", ERRORS)
def test_errors_say_what_is_wrong(message):
    for kind in (RuntimeError, ValueError):
        with pytest.raises(kind, match=message):
            ERRORS[message]()
