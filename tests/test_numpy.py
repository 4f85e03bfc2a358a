"""NumPy's functions on Tensors: NumPy's results, recorded. And the exchange of data with NumPy, PyTorch and files."""

import copy
import operator
import pickle

import numpy as np
import pytest

import tinygrad_edu as tg

RNG = np.random.default_rng(0)
A, B, M, S = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4)), RNG.normal(size=(3, 3)), RNG.normal(size=(2, 3, 4))
P = M @ M.T + np.eye(3)

UFUNCS = [
    np.exp, np.sin, np.tanh, np.negative, np.absolute, np.square, np.sqrt, np.log, np.arctan, np.sign, np.floor,
    np.isnan, np.expm1, np.deg2rad, np.fabs,
]  # fmt: skip
UFUNCS2 = [
    np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.hypot, np.arctan2, np.logaddexp,
    np.less, np.equal, np.copysign, np.logaddexp2, np.logical_and,
]  # fmt: skip
CASES = [
    lambda a, b: np.power(np.abs(a), b), lambda a, b: np.matmul(a, b.T), lambda a, b: np.matmul(a.T, B),
    lambda a, b: B * a, lambda a, b: B + a, lambda a, b: B - a, lambda a, b: B / a, lambda a, b: B.T @ a,
    lambda a, b: abs(B) ** a, lambda a, b: np.float32(2) * a, lambda a, b: np.float64(2) / a, lambda a, b: B > a,
    lambda a, b: a * 2 + [1, 2, 3, 4] * np.ones(4), lambda a, b: np.add(a, [1.0, 2, 3, 4]),
    lambda a, b: np.add.reduce(a), lambda a, b: np.add.reduce(a, axis=None),
    lambda a, b: np.multiply.reduce(a, axis=1, keepdims=True), lambda a, b: np.maximum.reduce(a, 1),
    lambda a, b: np.minimum.reduce(a), lambda a, b: np.add.accumulate(a), lambda a, b: np.logical_or.reduce(a > 0),
    lambda a, b: np.divmod(B, a.detach() if a is not A else a)[0], lambda a, b: np.sum(a), lambda a, b: np.sum(a, 0),
    lambda a, b: np.sum(a, axis=(0, 1), keepdims=True), lambda a, b: np.sum(a, 1, np.float32),
    lambda a, b: np.mean(a, axis=1), lambda a, b: np.std(a), lambda a, b: np.std(a, axis=0, ddof=1),
    lambda a, b: np.var(a, 1, keepdims=True), lambda a, b: np.var(a, ddof=1), lambda a, b: np.prod(a, axis=0),
    lambda a, b: np.max(a), lambda a, b: np.amax(a, 1), lambda a, b: np.min(a, axis=0),
    lambda a, b: np.amin(a, keepdims=True), lambda a, b: np.argmax(a, axis=1), lambda a, b: np.argmin(a),
    lambda a, b: np.ptp(a, 0), lambda a, b: np.median(a), lambda a, b: np.median(a, axis=1, keepdims=True),
    lambda a, b: np.median(a, axis=0), lambda a, b: np.average(a, weights=abs(B)),
    lambda a, b: np.average(a, 1, weights=[1.0, 2, 3, 4]), lambda a, b: np.cumsum(a),
    lambda a, b: np.cumsum(a, axis=1), lambda a, b: np.cumprod(a, 0), lambda a, b: np.diff(a),
    lambda a, b: np.diff(a, 2, axis=0), lambda a, b: np.any(a > 1, axis=0), lambda a, b: np.all(a < 9),
    lambda a, b: np.count_nonzero(a > 0, axis=1), lambda a, b: np.concatenate([a, B, b]),
    lambda a, b: np.concatenate((a, b), axis=None), lambda a, b: np.concatenate((a, b), 1),
    lambda a, b: np.stack([a, b], axis=-1), lambda a, b: np.vstack([a, b[0]]), lambda a, b: np.hstack([a, b]),
    lambda a, b: np.column_stack([a, b[:, 0]]), lambda a, b: np.append(a, b[0]), lambda a, b: np.split(a, 2, axis=1),
    lambda a, b: np.split(a, [1, 3], axis=1), lambda a, b: np.array_split(a, 2), lambda a, b: np.where(A > 0, a, b),
    lambda a, b: np.where(a > 0, a, 0.0), lambda a, b: np.where(a > 0), lambda a, b: np.nonzero(a > 0),
    lambda a, b: np.clip(a, -0.5, 0.5), lambda a, b: np.clip(a, 0, None), lambda a, b: np.round(a, 1),
    lambda a, b: np.nan_to_num(a, nan=1.0), lambda a, b: np.transpose(a),
    lambda a, b: np.transpose(np.stack([a, b]), (1, 2, 0)), lambda a, b: np.reshape(a, (2, -1)),
    lambda a, b: np.reshape(a, 12), lambda a, b: np.ravel(a), lambda a, b: np.squeeze(a[None]),
    lambda a, b: np.squeeze(a[None], axis=0), lambda a, b: np.expand_dims(a, (0, -1)),
    lambda a, b: np.swapaxes(a, 0, 1), lambda a, b: np.moveaxis(np.stack([a, b]), 0, -1),
    lambda a, b: np.broadcast_to(a, (2, 3, 4)), lambda a, b: np.flip(a), lambda a, b: np.flip(a, 1),
    lambda a, b: np.fliplr(a), lambda a, b: np.roll(a, 2), lambda a, b: np.roll(a, (1, 2), axis=(0, 1)),
    lambda a, b: np.rot90(a), lambda a, b: np.tile(a, 2), lambda a, b: np.tile(a, (2, 1, 2)),
    lambda a, b: np.repeat(a, 2), lambda a, b: np.repeat(a, [1, 0, 2], axis=0), lambda a, b: np.pad(a, 1),
    lambda a, b: np.pad(a, ((1, 0), (0, 2)), constant_values=3.0), lambda a, b: np.tril(a),
    lambda a, b: np.triu(a, k=1), lambda a, b: np.diagonal(a, 1), lambda a, b: np.diag(a), lambda a, b: np.trace(a),
    lambda a, b: np.sort(a), lambda a, b: np.sort(a, axis=None), lambda a, b: np.argsort(a, 0),
    lambda a, b: np.take(a, [0, 5]), lambda a, b: np.take(a, [2, 0], axis=1),
    lambda a, b: np.take_along_axis(a, np.argsort(B, 1), 1), lambda a, b: np.compress([True, False, True], a, 0),
    lambda a, b: np.dot(a, b.T), lambda a, b: np.dot(a[0], b[0]), lambda a, b: np.dot(S, b.T),
    lambda a, b: np.dot(a, S.transpose(0, 2, 1)), lambda a, b: np.dot(a, 2.0), lambda a, b: np.inner(a, b),
    lambda a, b: np.vdot(a, b), lambda a, b: np.outer(a, b), lambda a, b: np.tensordot(a, b, axes=([1], [1])),
    lambda a, b: np.tensordot(S, b, 2), lambda a, b: np.einsum("ij,kj->ik", a, b),
    lambda a, b: np.einsum("ij->j", a, optimize=True), lambda a, b: np.kron(a, b),
    lambda a, b: np.cross(a[:, :3], b[:, :3]), lambda a, b: np.linalg.norm(a),
    lambda a, b: np.linalg.norm(a, axis=1, keepdims=True), lambda a, b: np.linalg.norm(a, 1, 0),
    lambda a, b: np.linalg.norm(a, "nuc"), lambda a, b: np.linalg.inv(a @ a.T), lambda a, b: np.linalg.det(a @ b.T),
    lambda a, b: np.linalg.solve(P, a), lambda a, b: np.linalg.slogdet(a @ a.T)[1],
    lambda a, b: np.linalg.cholesky(a @ a.T), lambda a, b: np.linalg.eigh(a @ a.T)[0],
    lambda a, b: np.linalg.svd(a, full_matrices=False)[1], lambda a, b: np.linalg.pinv(a),
    lambda a, b: np.linalg.matrix_power(a @ b.T, 3), lambda a, b: np.linalg.qr(a.T).R, lambda a, b: np.copy(a),
    lambda a, b: np.zeros_like(a), lambda a, b: np.ones_like(a, dtype=np.float32), lambda a, b: np.full_like(a, 7),
    lambda a, b: np.empty_like(a) * 0, lambda a, b: np.meshgrid(a[0], b[:, 0]), lambda a, b: np.isclose(a, A),
    lambda a, b: np.isclose(a, 1), lambda a, b: np.isclose(a * 0, 0.0),
    lambda a, b: np.searchsorted(np.arange(-2.0, 2), a), lambda a, b: np.broadcast_arrays(a, b[0]),
    lambda a, b: np.atleast_2d(a[0]), lambda a, b: np.allclose(a, A), lambda a, b: np.array_equal(a, b),
    lambda a, b: np.shape(a), lambda a, b: np.ndim(a), lambda a, b: np.size(a, 1),
]  # fmt: skip
UNRECORDED = (bool, int, tuple)


def check(case):
    a, b = tg.tensor(A, requires_grad=True), tg.tensor(B, requires_grad=True)
    ours, theirs = case(a, b), case(A, B)
    if isinstance(theirs, (list, tuple)) and isinstance(theirs[0], np.ndarray):
        assert len(ours) == len(theirs)
    elif isinstance(theirs, UNRECORDED):
        assert ours == theirs and type(ours) is type(theirs)
        return
    else:
        ours, theirs = [ours], [theirs]
    constants = (np.zeros_like, np.ones_like, np.empty_like, np.full_like)
    for mine, expected in zip(ours, theirs):
        assert isinstance(mine, tg.Tensor)
        assert mine.dtype == expected.dtype and tuple(mine.shape) == expected.shape
        np.testing.assert_allclose(mine.array, expected, rtol=1e-9, atol=1e-12)
        is_constant = (
            any(f.__name__ in (*case.__code__.co_names, case.__name__) for f in constants)
            or "detach" in case.__code__.co_names
        )
        assert mine.requires_grad == (mine.dtype.kind == "f" and not is_constant)


@pytest.mark.parametrize("number", range(len(CASES)))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_functions(number):
    check(CASES[number])


@pytest.mark.parametrize("ufunc", [*UFUNCS, *UFUNCS2], ids=lambda ufunc: ufunc.__name__)
def test_ufuncs(ufunc):
    arrays = (abs(A) + 0.1, abs(B) + 0.1)[: ufunc.nin]
    ours, theirs = ufunc(*[tg.tensor(x, requires_grad=True) for x in arrays]), ufunc(*arrays)
    assert ours.requires_grad == (theirs.dtype.kind == "f") and ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours.array, theirs, rtol=1e-14)
    assert np.allclose(ufunc(arrays[0], *[tg.tensor(x) for x in arrays[1:]]), theirs, rtol=1e-14)


def test_gradients_flow(torch):
    x = tg.tensor(A, requires_grad=True)
    (np.sum(B * np.exp(x)) + np.std(x) + np.linalg.norm(np.concatenate([x, B])) + np.median(x)).backward()
    z = torch.tensor(A, requires_grad=True)
    middle = z.flatten().sort().values[5:7].mean()
    (
        (torch.tensor(B) * z.exp()).sum() + z.std(correction=0) + torch.cat([z, torch.tensor(B)]).norm() + middle
    ).backward()
    np.testing.assert_allclose(x.grad.array, z.grad, rtol=1e-12)
    assert np.isnan(np.median(tg.tensor([1.0, np.nan, 2.0])).item())


def test_functions_without_operation():
    x = tg.tensor(A)
    for ours, theirs in [
        (np.cbrt(x), np.cbrt(A)),
        (np.unique(x), np.unique(A)),
        (np.spacing(x), np.spacing(A)),
        (np.add.outer(x, B), np.add.outer(A, B)),
    ]:
        assert isinstance(ours, tg.Tensor) and np.array_equal(ours.array, theirs)
    x.requires_grad_()
    for call in (lambda: np.cbrt(x), lambda: np.add.outer(x, B), lambda: np.percentile(x, 50)):
        with pytest.raises(TypeError, match=r"numpy\..*requires gradients.*x.detach\(\).numpy\(\)"):
            call()
    assert isinstance(np.spacing(x), tg.Tensor)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: np.exp(x, out=np.empty_like(A)), "write a Tensor that requires gradients into an array"),
        (lambda x: np.exp(A, out=x), "cannot write into a Tensor"),
        (lambda x: np.exp(x, where=A > 0), "takes no `where`"),
        (lambda x: np.sum(x, out=np.empty(())), "leave out `out`"),
        (lambda x: np.sum(x, initial=3.0), "does not take `initial`"),
        (lambda x: np.copyto(x, A), "x.copy_"),
        (lambda x: np.fill_diagonal(x, 0), "fill_"),
        (lambda x: np.add.at(x, 0, 1), "index_put_"),
        (lambda x: np.pad(x, 1, mode="edge"), "mode='constant'"),
        (lambda x: np.squeeze(x, axis=1), "size 4, not 1"),
        (lambda x: np.split(x, 3, axis=1), "array_split"),
        (lambda x: operator.iadd(A.copy(), x), r"array = array \+ x"),
    ],
)
def test_refusals(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call(tg.tensor(A, requires_grad=True))


def test_adding_a_tensor_into_an_array():
    a = np.ones(3)
    b = a
    a += tg.tensor([1.0, 2, 3])
    assert type(a) is np.ndarray and a is b and a.tolist() == [2, 3, 4]


def test_other_types_decide_themselves():
    class Other:
        __array_ufunc__ = None

        def __rmul__(self, x):
            return "mine"

        def __array_function__(self, function, types, args, named):
            return "mine too"

    x = tg.tensor([1.0])
    assert np.concatenate([x, Other()]) == "mine too"
    assert x.array * Other() == "mine"


def test_dtypes_are_those_of_the_library():
    x = tg.tensor([1.0, 2.0])
    assert x.dtype == np.float32
    for y in (
        np.float64(2) * x,
        x * np.float64(2),
        2.0 * x,
        np.sqrt(x),
        np.mean(x),
        np.std(x),
        np.where(x > 1, x, 0.0),
        np.multiply(x, 3),
    ):
        assert y.dtype == np.float32
    assert (np.ones(2) * x).dtype == np.float64


# ---- exchange


def test_conversion():
    x = tg.tensor(A, requires_grad=True)
    assert np.asarray(x) is x.array and np.array(x, dtype=np.float32).dtype == np.float32
    assert (
        not np.shares_memory(np.array(x), x.array)
        and [row.tolist() for row in x] == A.tolist()
        and list(x)[0].requires_grad
    )
    assert (
        float(x[0, 0]) == A[0, 0]
        and int(tg.tensor(3.7)) == 3
        and [10, 20][tg.tensor(1)] == 20
        and tg.tensor([1, 2, 3]).tolist() == [1, 2, 3]
    )
    with pytest.raises(RuntimeError, match="detach"):
        x.numpy()
    with pytest.raises(RuntimeError, match="one element"):
        float(x)
    with pytest.raises(ValueError):
        np.array(x, dtype=np.float32, copy=False)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8, np.bool_])
def test_dlpack(dtype, torch):
    x = tg.tensor(np.array([[0, 1, 2], [3, 4, 5]], dtype))
    for other in (np.from_dlpack(x), torch.from_dlpack(x), torch.from_numpy(x.numpy())):
        assert np.array_equal(other, x.array)
    theirs = torch.from_dlpack(x)
    theirs[0, 0] = 1
    assert x[0, 0].item() == 1
    for source in (np.zeros(3, dtype), torch.zeros(3, dtype=theirs.dtype), tg.tensor(np.zeros(3, dtype))):
        y = tg.from_dlpack(source)
        y[0] = 1
        assert source[0] == 1 and y.dtype == dtype
    with pytest.raises(BufferError, match="detach"):
        np.from_dlpack(tg.tensor(1.0, requires_grad=True))


def test_users_arrays_stay_writeable():
    a = np.ones(3)
    x = tg.from_numpy(a)
    y = tg.tensor(a, requires_grad=True)
    loss = (a * y + x).sum()
    a[0] = 5
    loss.backward()
    assert a.flags.writeable and x.tolist() == [5, 1, 1] and y.tolist() == [1, 1, 1]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x)), copy.copy])
def test_copies(duplicate):
    x = tg.tensor(A, requires_grad=True)
    (x * x).sum().backward()
    y = duplicate(x)
    assert np.array_equal(y.array, A) and y.requires_grad and y.is_leaf and y.node is not x.node and y.dtype == x.dtype
    assert np.shares_memory(y.array, x.array) == (duplicate is copy.copy)
    if duplicate is copy.deepcopy:
        assert np.array_equal(y.grad.array, x.grad.array) and not np.shares_memory(y.grad.array, x.grad.array)
    a, b = duplicate([x, x])
    assert a is b or duplicate is copy.copy
    assert not duplicate(x.detach()).requires_grad


def test_copies_of_computed_tensors():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    z = copy.copy(y)
    z.mul_(3)
    assert y.tolist() == [6, 12]
    y.sum().backward()
    assert x.grad.tolist() == [6, 6]
    for duplicate in (copy.deepcopy, pickle.dumps):
        with pytest.raises(RuntimeError, match="detach"):
            duplicate(y)
