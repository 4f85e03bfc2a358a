"""Everything that a `cases_*.py` file lists, compared with PyTorch: values, dtypes, gradients, second gradients, errors.

Each file may hold three tables:

    CALLS    name: [(operands, call)]: call(T, *tensors), where T is torch or tinygrad_edu, gives a tensor or nested tuples,
             lists or dicts of them. Floating operands become float64 tensors that require gradients; others plain tensors.
    MODULES  an expression over `nn` that makes a module: operands, or (operands, call(T, module, *tensors)).
    ERRORS   name: call(T), which must raise in both libraries.
"""

import importlib
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg

FILES = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))


def table(kind):
    """The entries of one table of all files, as parameters of a test."""
    return [*entries(kind)]


def entries(kind):
    for file in FILES:
        for name, entry in getattr(importlib.import_module(file), kind, {}).items():
            cases = entry if kind == "CALLS" else [entry]
            for number, case in enumerate(cases):
                yield pytest.param(name, case, id=f"{file.removeprefix('cases_')}-{name}" + (f"-{number}" if number else ""))


def tensors_of(T, operands, dtype):
    """The operands as tensors of one library."""
    made = []
    for x in operands:
        if isinstance(x, np.ndarray) and x.dtype.kind == "f":
            made.append(T.tensor(x, dtype=dtype and getattr(T, dtype)).requires_grad_())
        else:
            made.append(T.tensor(x) if isinstance(x, np.ndarray) else x)
    return made


def leaves(result):
    """The tensors of nested containers, in order; what is no tensor stays as it is."""
    if isinstance(result, dict):
        return [leaf for key in result for leaf in leaves(result[key])]
    if isinstance(result, (tuple, list)) and not hasattr(result, "numel"):
        return [leaf for item in result for leaf in leaves(item)]
    return [result]


def described(x):
    """What is compared of one result: kind, dtype, shape, values."""
    if not hasattr(x, "detach"):
        return type(x).__name__, "", (), np.asarray(x) if isinstance(x, (bool, int, float)) else x
    return "tensor", str(x.dtype).removeprefix("torch."), tuple(x.shape), np.asarray(x.detach().numpy(force=True))


def weighted_sum(T, results):
    """A number that depends on every floating result that has gradients, each element with another weight."""
    total = 0
    for number, r in enumerate(r for r in results if hasattr(r, "requires_grad") and r.requires_grad):
        weights = np.cos(np.arange(r.numel()) + number).reshape(tuple(r.shape))
        total = total + (r * T.tensor(weights, dtype=r.dtype)).sum()
    return total


def outcome(T, results, inputs, second=True):
    """Everything to compare: the results, the gradients and the second gradients, where there are any."""
    results = leaves(results)
    found = [("result", described(r)) for r in results]
    inputs = [x for x in inputs if x.requires_grad]
    total = weighted_sum(T, results)
    if inputs and getattr(total, "requires_grad", False):
        first = T.autograd.grad(total, inputs, create_graph=second, allow_unused=True)
        found += [("gradient", described(g)) for g in first if g is not None]
        found.append(("inputs with gradients", [g is not None and bool((g != 0).any()) for g in first]))
        total = weighted_sum(T, [g for g in first if g is not None]) if second else 0
        if getattr(total, "requires_grad", False):
            second = T.autograd.grad(total, inputs, allow_unused=True)
            # no gradient and a gradient of zeros mean the same, and the libraries differ in which they give
            found += [("second gradient", described(T.zeros_like(x) if g is None else g)) for x, g in zip(inputs, second)]
        elif second:
            found += [("second gradient", described(T.zeros_like(x))) for x in inputs]
    return found


def assert_same(ours, theirs, rtol, atol):
    assert len(ours) == len(theirs), [kind for kind, _ in ours]
    for (kind, one), (_, other) in zip(ours, theirs):
        if kind == "inputs with gradients":
            assert one == other, kind
            continue
        assert one[:3] == other[:3], kind
        if isinstance(other[3], np.ndarray) and other[3].dtype.kind in "fiub":
            np.testing.assert_allclose(one[3], other[3], rtol=rtol, atol=atol, err_msg=kind)
        else:
            assert one[3] == other[3], kind


def twice_differentiable(torch, call):
    """Run a comparison with second gradients; without them where PyTorch has none."""
    try:
        return call(True), True
    except (RuntimeError, NotImplementedError) as error:
        if "not implemented" not in str(error) and "does not require grad" not in str(error):
            raise
        return call(False), False


@pytest.mark.filterwarnings("ignore:.*in beta")
@pytest.mark.parametrize("name, case", table("CALLS"))
def test_call(name, case, torch):
    operands, call = case

    def run(T, second, dtype="float64"):
        inputs = tensors_of(T, operands, dtype)
        return outcome(T, call(T, *inputs), [x for x in inputs if hasattr(x, "requires_grad")], second)

    theirs, second = twice_differentiable(torch, lambda second: run(torch, second))
    assert_same(run(tg, second), theirs, 1e-9, 1e-11)
    single = [leaves(call(T, *tensors_of(T, operands, "float32"))) for T in (tg, torch)]
    assert_same(*[[("float32 result", described(r)) for r in results] for results in single], 2e-4, 2e-5)


@pytest.mark.parametrize("name, case", table("MODULES"))
def test_module(name, case, torch):
    operands, call = case if callable(case[-1]) else (case, lambda T, module, *tensors: module(*tensors))
    modules = [eval(name, {"nn": T.nn, "T": T}) for T in (tg, torch)]
    ours, theirs = modules
    state = theirs.state_dict()
    kinds = [{key: (tuple(x.shape), str(x.dtype).removeprefix("torch.")) for key, x in m.state_dict().items()} for m in modules]
    assert kinds[0] == kinds[1] and list(kinds[0]) == list(kinds[1])
    assert repr(ours) == repr(theirs)
    ours.load_state_dict({key: tg.tensor(x.numpy()) for key, x in state.items()})
    for m in modules:
        m.double()
    for training in (True, False):

        def run(T, m, second, training=training):
            m.train(training)
            saved = {key: x.clone() for key, x in m.state_dict().items()}
            T.manual_seed(0)
            inputs = tensors_of(T, operands, "float64")
            parameters = [x for x in inputs if hasattr(x, "requires_grad")] + list(m.parameters())
            try:
                found = outcome(T, call(T, m, *inputs), parameters, second)
            except Exception:
                m.load_state_dict(saved)
                raise
            return found + [("buffer", described(x)) for x in m.buffers()]

        expected, second = twice_differentiable(torch, lambda second: run(torch, theirs, second))
        assert_same(run(tg, ours, second), expected, 1e-7, 1e-8)  # PyTorch keeps some settings in float32


@pytest.mark.parametrize("name, case", table("ERRORS"))
def test_error(name, case, torch):
    with pytest.raises(Exception) as theirs:  # noqa: PT011, whatever PyTorch raises
        case(torch)
    with pytest.raises((type(theirs.value), RuntimeError, ValueError, TypeError, IndexError)) as ours:
        case(tg)
    assert len(str(ours.value)) > 10, "an error says what was given and what to do instead"
