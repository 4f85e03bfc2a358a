"""How tensors, dtypes and devices are written: as PyTorch writes them."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_edu as tg

RNG = np.random.default_rng(0)


def awkward_arrays():
    """Arrays whose text is decided by a rule of its own: sizes, ranges, infinities, long rows, shortened dimensions."""
    inf, nan = np.inf, np.nan
    yield from map(
        np.array, (0.0, 3.5, [], [1e-5, 1], [1, 2, 3.0], [1e9, 1], [nan, 1.5], [inf, 2.0], [nan], [1e5, 1e-3, -2.0])
    )
    yield from map(
        np.array, ([[True, False]], [-inf, nan, 0], [0.0, 0], [1234.5678, 0.1], [100000.5], [1e-8], 7, [-3, 12])
    )
    yield from (
        np.zeros((0, 3)),
        np.zeros((2, 0), int),
        np.arange(2000),
        np.arange(-50, 50),
        np.arange(24).reshape(2, 3, 4),
    )
    for shape in ((100, 100), (3, 30), (20, 60), (2, 3, 4, 5), (11, 11, 11), (7, 1, 200), (40,)):
        yield RNG.standard_normal(shape)
    for _ in range(200):
        array = np.asarray(
            RNG.standard_normal(tuple(RNG.integers(0, 8, RNG.integers(0, 4)))) * 10.0 ** RNG.integers(-6, 7)
        )
        yield np.round(array) if RNG.random() < 0.3 else array


@pytest.mark.parametrize(
    "settings",
    [{}, dict(precision=2, sci_mode=True), dict(linewidth=40, edgeitems=1, threshold=5), dict(profile="short")],
)
def test_repr_as_torch(settings, torch, monkeypatch):
    monkeypatch.setitem(tg.text.namespace, "prefix", "torch.")
    try:
        for T in (tg, torch):
            T.set_printoptions(**settings)
        for array in awkward_arrays():
            for kind in ("float32", "float64", "float16") if array.dtype.kind == "f" else (array.dtype.name,):
                with np.errstate(over="ignore"):
                    array = array.astype(kind)
                assert repr(tg.tensor(array)) == repr(torch.tensor(array))
    finally:
        for T in (tg, torch):
            T.set_printoptions(profile="default")


def test_repr_without_torch():
    x = tg.tensor([[1.0, -2.5], [1e-3, 40]], requires_grad=True)
    assert repr(x) == "tensor([[ 1.0000e+00, -2.5000e+00],\n        [ 1.0000e-03,  4.0000e+01]], requires_grad=True)"
    assert repr(tg.arange(1001)) == "tensor([   0,    1,    2,  ...,  998,  999, 1000])"
    assert repr(tg.zeros(2, 0)) == "tensor([], size=(2, 0))" and repr((x * 2).sum()) == "tensor(77.0020, grad_fn=<sum>)"
    long = tg.tensor([0.25] * 10, dtype=tg.float64)
    assert repr(long).endswith("0.2500,\n        0.2500], dtype=float64)")
    with pytest.raises(ValueError, match="profiles are default, short, full"):
        tg.set_printoptions(profile="long")


def test_numbers_in_formats():
    x = tg.tensor(0.1)
    assert f"{x}" == str(np.float64(np.float32(0.1))) and f"{x:.2f}" == "0.10" and f"{x:>8.3f}" == "   0.100"
    assert f"{tg.tensor([1, 2])}" == "tensor([1, 2])" and "%.1f" % x == "0.1"  # noqa: UP031
    assert "%d" % tg.tensor(7) == "7"  # noqa: UP031
    with pytest.raises(TypeError):
        f"{tg.ones(2):.2f}"


def test_dtypes_are_named_values():
    x = tg.ones(2)
    assert x.dtype is tg.float32 and repr(x.dtype) == "float32" and x.dtype.is_floating_point and x.dtype.itemsize == 4
    assert (
        x.dtype == np.float32 == x.dtype
        and np.dtype("float32") == x.dtype
        and x.dtype != tg.float64
        and x.dtype != "int8"
    )
    assert (
        {np.dtype("int8"): 1}[tg.int8] == 1
        and isinstance(tg.int8, tg.dtype)
        and tg.int8.is_signed
        and not tg.uint8.is_signed
    )
    assert np.zeros(2, tg.int16).dtype == np.int16 and np.ones(2).astype(tg.float16).dtype == np.float16
    for duplicate in (pickle.loads(pickle.dumps(tg.int8)), copy.deepcopy(tg.int8), copy.copy(tg.int8)):
        assert duplicate is tg.int8
    assert tg.bool is tg.bool_ and tg.long is tg.int64 and tg.zeros(1, dtype=bool).dtype is tg.bool
    assert (
        tg.promote_types(tg.int64, tg.float16) is tg.float16
        and tg.result_type(tg.ones(1, dtype=tg.int8), 2.5) is tg.float32
    )
    assert tg.can_cast(tg.int64, tg.uint8) and not tg.can_cast(tg.float32, tg.int64)
    with pytest.raises(TypeError, match="no such type"):
        tg.zeros(2, dtype=tg.bfloat16)
    with pytest.raises(AttributeError, match="no tensor"):
        tg.bfloat16.kind  # noqa: B018


def test_limits_of_dtypes(torch):
    for name in ("float16", "float32", "float64"):
        ours, theirs = tg.finfo(getattr(tg, name)), torch.finfo(getattr(torch, name))
        assert repr(ours) == repr(theirs)
        for limit in ("eps", "max", "min", "tiny", "bits", "smallest_normal", "resolution"):
            assert getattr(ours, limit) == getattr(theirs, limit), limit
    for name in ("uint8", "int8", "int16", "int32", "int64"):
        ours, theirs = tg.iinfo(getattr(tg, name)), torch.iinfo(getattr(torch, name))
        assert repr(ours) == repr(theirs) and (ours.min, ours.max, ours.bits) == (theirs.min, theirs.max, theirs.bits)
    for wrong in (lambda: tg.finfo(tg.int8), lambda: tg.iinfo(tg.float32)):
        with pytest.raises(TypeError, match="use"):
            wrong()


def test_devices(torch):
    for arguments in (("cpu",), ("cuda", 1), ("cuda:0",)):
        ours, theirs = tg.device(*arguments), torch.device(*arguments)
        assert (str(ours), repr(ours), ours.type, ours.index) == (str(theirs), repr(theirs), theirs.type, theirs.index)
    assert (
        tg.ones(1).device == tg.device("cpu")
        and str(tg.ones(1).device) == "cpu"
        and tg.device(tg.device("cpu")) == "cpu"
    )
    assert tg.ones(2, device=tg.device("cpu")).to("cpu").to(tg.device("cpu"), tg.float64).dtype is tg.float64
    with pytest.raises(RuntimeError, match="no other device"):
        tg.ones(2).to("cuda")
    with pytest.raises(RuntimeError, match="no other device"):
        tg.tensor([1.0], device="cuda:0")
    with pytest.raises(RuntimeError, match="'gpu'"):
        tg.device("gpu")
    assert tg.ones(2).to(memory_format=tg.channels_last).shape == (2,) and repr(tg.channels_last) == "channels_last"
