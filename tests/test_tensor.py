"""Tensors: construction, dtypes, indexing, conversion, text. PyTorch is the oracle where it is installed."""

import copy
import itertools
import pickle

import numpy as np
import pytest

import tinygrad_edu as tg

NAMES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]


# ---- dtypes


@pytest.mark.parametrize(
    "data, dtype",
    [
        (1.5, "float32"), (2, "int64"), (True, "bool"), ([1, 2.5], "float32"), ([True, False], "bool"), ([], "float32"),
        (np.float64(1), "float64"), (np.zeros(2, np.float64), "float64"), (np.zeros(2, np.int32), "int32"),
        (range(3), "int64"),
    ],
)  # fmt: skip
def test_the_dtype_of_new_tensors(data, dtype):
    assert str(tg.tensor(data).dtype) == dtype


def test_the_default_dtype_can_be_changed():
    try:
        tg.set_default_dtype(tg.float64)
        assert tg.tensor(1.0).dtype == tg.float64 and (tg.tensor(1) / 2).dtype == tg.float64
    finally:
        tg.set_default_dtype(tg.float32)
    with pytest.raises(TypeError, match="floating"):
        tg.set_default_dtype(tg.int64)


def test_promotion_is_that_of_pytorch(torch):
    operands = [2, 2.5, True]
    wrong = []
    ours = [tg.tensor(np.ones(shape), dtype=name) for name in NAMES for shape in ((2,), ())]
    theirs = [torch.ones(shape, dtype=getattr(torch, name)) for name in NAMES for shape in ((2,), ())]
    pairs = zip(itertools.product(ours + operands, repeat=2), itertools.product(theirs + operands, repeat=2))
    for (a, b), (p, q) in pairs:
        if not isinstance(p, torch.Tensor) and not isinstance(q, torch.Tensor):
            continue
        if {str(v.dtype) if isinstance(v, tg.Tensor) else type(v).__name__ for v in (a, b)} == {"bool"}:
            continue  # arithmetic of booleans alone is NumPy's
        for name, ufunc in (
            ("add", lambda x, y: x + y),
            ("div", lambda x, y: x / y),
            ("pow", lambda x, y: x**y),
            ("lt", lambda x, y: x < y),
        ):
            try:
                expected = str(ufunc(p, q).dtype).removeprefix("torch.")
            except RuntimeError:
                continue
            try:
                got = str(ufunc(a, b).dtype)
            except (TypeError, RuntimeError) as error:
                got = f"{type(error).__name__}"
            if got != expected:
                wrong.append((name, a, b, got, expected))
    assert not wrong, f"{len(wrong)} differ, the first: {wrong[:5]}"


def test_python_numbers_do_not_promote():
    x = tg.tensor([1.0], dtype=tg.float16)
    for y in (x + 1, 1 + x, x * 2.5, 2.5 / x, x**2, 2**x, x > 0.5, tg.maximum(x, 3)):
        assert y.dtype in (tg.float16, tg.bool_)


# ---- indexing

INDICES = [
    0, -1, slice(None), slice(1, None), slice(None, None, 2), None, Ellipsis, (0, 1), (slice(None), 0), (Ellipsis, 0),
    (0, Ellipsis, None),
    (None, slice(0, 1), Ellipsis), [0, 2], ([0, 2], [1, 1]), (slice(None), [0, 2]), ([[0], [2]], [1, 3]), (0, [1, 1]),
    ([1, 1], slice(None), 0),
    (slice(None), None, [1, 0]), (Ellipsis, [True, False]), (1, 2, 1), (True,), False, (slice(0, 0),),
    (0, slice(None), [1, 0, 1]),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_reading_and_writing_by_index_is_that_of_pytorch(index, torch):
    numbers = np.random.default_rng(0).standard_normal((3, 4, 2))
    a, b = tg.tensor(numbers, requires_grad=True), torch.tensor(numbers, requires_grad=True)
    x, y = a * 1, b * 1
    part, other = x[index], y[index]
    np.testing.assert_array_equal(part.detach().numpy(), other.detach().numpy())
    x[index] = 2 * part.detach() + 1
    y[index] = 2 * other.detach() + 1
    (x * x + a).sum().backward(), (y * y + b).sum().backward()
    np.testing.assert_allclose(x.detach().numpy(), y.detach().numpy())
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy())


def test_indices_may_be_tensors_masks_and_numpy_arrays():
    x = tg.tensor(np.arange(12.0).reshape(3, 4))
    assert x[tg.tensor(1)].tolist() == x[1].tolist() == x[np.int64(1)].tolist()
    assert x[tg.tensor([0, 2]), 1].tolist() == [1.0, 9.0] == x[np.array([0, 2]), 1].tolist()
    assert x[x > 8].tolist() == [9.0, 10.0, 11.0]
    assert x[x.sum(1) > 20].shape == (2, 4)
    assert x[tg.tensor(1) : tg.tensor(3)].shape == (2, 4)


@pytest.mark.parametrize(
    "index, error, text",
    [
        (5, IndexError, "out of bounds"),
        ((0, 0, 0), IndexError, "too many indices"),
        (1.5, IndexError, "."),
        (tg.tensor([0.5]), IndexError, "integers or booleans"),
    ],
)
def test_bad_indices_name_the_problem(index, error, text):
    with pytest.raises(error, match=text):
        tg.tensor(np.zeros((3, 4)))[index]


def test_a_value_that_does_not_fit_is_refused():
    x = tg.tensor(np.zeros((3, 4)))
    with pytest.raises(ValueError):
        x[0] = tg.tensor([1.0, 2.0])
    assert not x.numpy().any()


# ---- attributes and conversion


def test_sizes():
    x = tg.tensor(np.zeros((2, 3), np.float32))
    assert x.shape == (2, 3) and x.size() == (2, 3) and x.size(-1) == 3 and x.dim() == x.ndim == 2
    assert x.numel() == x.nelement() == 6 and x.shape.numel() == 6 and len(x) == 2
    assert x.stride() == (3, 1) and x.T.stride() == (1, 3) and x.is_contiguous() and not x.T.is_contiguous()
    assert x.element_size() == 4 and x.nbytes == 24


def test_conversion_to_numbers_and_lists():
    x = tg.tensor([[1.0, 2.0]])
    assert x.tolist() == [[1.0, 2.0]] and x[0, 1].item() == 2.0 and float(x[0, 0]) == 1.0 and int(x[0, 1]) == 2
    assert [row.tolist() for row in x] == [[1.0, 2.0]] and 2.0 in x and 3.0 not in x
    assert list(range(4))[tg.tensor(2)] == 2
    for convert, message in (
        (lambda: x.item(), "one element"),
        (lambda: bool(x), r"ambiguous.*any\(\)"),
        (lambda: len(x[0, 0]), "no length"),
    ):
        with pytest.raises((RuntimeError, TypeError), match=message):
            convert()


def test_to_and_its_short_forms():
    x = tg.tensor([1.7], requires_grad=True)
    assert x.to(tg.float32) is x and x.to("cpu") is x and x.float() is x and x.cpu() is x
    y = x.double()
    assert y.dtype == tg.float64 and x.long().tolist() == [1] and not x.long().requires_grad
    y.sum().backward()
    assert x.grad.dtype == tg.float32
    assert x.to(tg.tensor([1], dtype=tg.int8)).dtype == tg.int8
    with pytest.raises(RuntimeError, match="cuda.*no other device"):
        x.to("cuda")


def test_numpy_shares_memory_and_refuses_history():
    array = np.zeros(3)
    x = tg.from_numpy(array)
    array[0] = 1
    assert x[0].item() == 1 and x.numpy() is array
    assert not np.shares_memory(tg.tensor(array).array, array) and np.shares_memory(tg.as_tensor(array).array, array)
    with pytest.raises(RuntimeError, match=r"x.detach\(\).numpy\(\)"):
        (x.requires_grad_() * 2).numpy()


@pytest.mark.parametrize("bad", ["abc", [[1, 2], [3]], [None], object(), {"a": 1}])
def test_data_that_is_no_array_of_numbers_is_refused(bad):
    with pytest.raises((TypeError, ValueError)):
        tg.tensor(bad)


def test_copies_and_pickles():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    for duplicate in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert (
            duplicate.tolist() == x.tolist()
            and duplicate.requires_grad
            and not np.shares_memory(duplicate.array, x.array)
        )
    assert copy.deepcopy(x).grad.tolist() == x.grad.tolist()
    a, b = copy.deepcopy([x, x])
    assert a is b
    for attempt in (copy.deepcopy, pickle.dumps):
        with pytest.raises(RuntimeError, match=r"`mul`.*detach"):
            attempt(x * 2)


# ---- text


@pytest.mark.parametrize(
    "data, dtype",
    [
        (1.5, None), ([1.0, 2.5], None), ([1, 2], None), ([True], None), ([[1.0, 2.0], [3.0, 4.0]], None),
        ([1.5], "float64"), ([1], "int32"),
        ([], None), (np.zeros((0, 3), np.float32), None), ([float("nan"), float("inf"), 1.0], None),
    ],
)  # fmt: skip
def test_text_is_close_to_pytorchs(data, dtype, torch):
    ours = repr(tg.tensor(data, dtype=dtype))
    theirs = repr(torch.tensor(data, dtype=getattr(torch, dtype) if dtype else None)).replace("torch.", "")
    assert "".join(ours.split()) == "".join(theirs.split())


def test_text_says_how_a_tensor_came_about():
    x = tg.tensor([1.0], requires_grad=True)
    assert repr(x) == "tensor([1.], requires_grad=True)" and "grad_fn=<mul>" in repr(x * 2)
    assert f"{x.sum().detach():.2f}" == "1.00"


# ---- errors of operations


def test_errors_name_the_operation_and_what_it_was_given():
    a, b = tg.tensor(np.zeros((2, 3))), tg.tensor(np.zeros((4, 3), np.float32))
    with pytest.raises(RuntimeError, match=r"add: these shapes do not broadcast.*float64 \(2, 3\), float\d+ \(4, 3\)"):
        a + b
    with pytest.raises(ValueError, match=r"matmul: .*same dtype.*\.to\(dtype\)"):
        a @ b.T
    with pytest.raises(RuntimeError, match=r"matmul: the last size of the first, 3.*2"):
        a @ a
    with pytest.raises(TypeError, match=r"add: operands must be tensors.*not str"):
        a + "x"
    with pytest.raises(IndexError, match=r"sum: dim 5 is out of range"):
        a.sum(5)
    with pytest.raises(TypeError, match=r"sum\(\) was given `dims`, unknown.*x, dim, keepdim"):
        a.sum(dims=1)


def test_comparison_with_other_things():
    x = tg.tensor([1.0])
    assert (x == None) is False and (x != None) is True and {x: 1}[x] == 1  # noqa: E711


# ---- functions composed of operations


@pytest.mark.parametrize("shape", [(3, 4), (4,), (3, 1), ()])
@pytest.mark.parametrize("which", ["min", "max", "both"])
def test_clamp_with_tensors_as_limits(shape, which, torch):
    rng = np.random.default_rng(3)
    x, low, high = rng.standard_normal((3, 4)), rng.standard_normal(shape) - 0.5, rng.standard_normal(shape) + 0.3
    results = []
    for T in (tg, torch):
        tensors = [T.tensor(a, dtype=T.float64, requires_grad=True) for a in (x, low, high)]
        limits = {"min": tensors[1], "max": tensors[2]}
        y = tensors[0].clamp(**(limits if which == "both" else {which: limits[which]}))
        (y * T.tensor(np.cos(np.arange(12.0)).reshape(3, 4))).sum().backward()
        results.append([y.detach().numpy()] + [t.grad.numpy() for t in tensors if t.grad is not None])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_clamp_of_large_and_integer_tensors():
    big = tg.tensor(np.linspace(-2, 2, 2**20 + 3), requires_grad=True)
    big.clamp(-1, 1).sum().backward()
    inside = np.abs(big.detach().numpy()) <= 1
    assert (big.grad.numpy() == inside).all()
    limits = tg.tensor(np.zeros(2**20 + 3))
    assert (big.clamp(min=limits).detach().numpy() == np.maximum(big.detach().numpy(), 0)).all()
    assert tg.tensor([1, 5, 9]).clamp(2, 6).tolist() == [2, 5, 6] and tg.tensor([1, 5]).clip(max=3).tolist() == [1, 3]
    with pytest.raises(ValueError, match="at least one"):
        big.clamp()


@pytest.mark.parametrize("dtype, number", [("uint8", -4), ("uint8", 300), ("int8", 300), ("int32", 2**40)])
def test_integers_that_do_not_fit_wrap_around_as_in_torch(torch, dtype, number):
    for call in (
        lambda T, x: x & number,
        lambda T, x: x + number,
        lambda T, x: number - x,
        lambda T, x: x > number,
        lambda T, x: x * number,
    ):
        ours, theirs = (call(T, T.tensor([1, 7, 100], dtype=getattr(T, dtype))) for T in (tg, torch))
        assert ours.tolist() == theirs.tolist() and f"torch.{ours.dtype}" == str(theirs.dtype)
