"""Everything that a `cases_*.py` file lists, compared with PyTorch: values, dtypes, gradients, errors.

Without PyTorch, what it gave is read from `reference.json`.

Each file may hold three tables:

    CALLS    name: [(operands, call)]: call(T, *tensors), where T is torch or tinygrad_edu, gives a tensor or nested
             tuples, lists or dicts of them. Floating operands become float64 tensors that require gradients; others
             plain tensors. The attribute `rounding_of_float32` of a call says how much float32 results may differ.
    MODULES  an expression over `nn` that makes a module: operands, or (operands, call(T, module, *tensors)).
    ERRORS   name: call(T), which must raise in both libraries.
"""

import importlib
from pathlib import Path

import numpy as np
import pytest
import reference

import tinygrad_edu as tg

FILES = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))

SETTINGS_IN_FLOAT32 = "nn.CELU(0.7)", "nn.Hardsigmoid()"
"""Modules with numbers that PyTorch rounds to float32 whatever the dtype: 1/0.7, 1/6."""


def table(kind, only_first=False):
    """The entries of one table of all files, as parameters of a test; of the calls of a name perhaps only the first."""
    parameters = []
    for file in FILES:
        for name, entry in getattr(importlib.import_module(file), kind, {}).items():
            cases = entry if kind == "CALLS" else [entry]
            for number, case in enumerate(cases[:1] if only_first else cases):
                tail = f"-{number}" if number else ""
                parameters.append(pytest.param(name, case, id=f"{file.removeprefix('cases_')}-{name}{tail}"))
    return parameters


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
            found += [
                ("second gradient", described(T.zeros_like(x) if g is None else g)) for x, g in zip(inputs, second)
            ]
        elif second:
            found += [("second gradient", described(T.zeros_like(x))) for x in inputs]
    return found


def assert_same(ours, theirs, rtol, atol, single=0):
    """Raise unless two outcomes agree; results in float32 up to `single`, where that is larger."""
    assert len(ours) == len(theirs), [kind for kind, _ in ours]
    for (kind, one), (_, other) in zip(ours, theirs):
        if kind == "inputs with gradients":
            assert one == other, kind
            continue
        assert one[:3] == other[:3], kind
        if isinstance(other[3], np.ndarray) and other[3].dtype.kind in "fiub":
            least = single if other[1] == "float32" else 0
            np.testing.assert_allclose(one[3], other[3], rtol=max(rtol, least), atol=max(atol, least), err_msg=kind)
        else:
            assert one[3] == other[3], kind


def as_far_as_possible(call):
    """call(True), with second gradients; call(False), without, where PyTorch has none."""
    try:
        return call(True)
    except (RuntimeError, NotImplementedError) as error:
        if "not implemented" not in str(error) and "does not require grad" not in str(error):
            raise
        return call(False)


def call_outcome(T, name, case, second=True):
    """The outcome of a call in float64."""
    operands, call = case
    inputs = tensors_of(T, operands, "float64")
    return outcome(T, call(T, *inputs), [x for x in inputs if hasattr(x, "requires_grad")], second)


def module_outcome(T, name, case, second=True, state=None):
    """The outcomes of a module in float64, in training and in evaluation, and its buffers after each."""
    operands, call = case if callable(case[-1]) else (case, lambda T, module, *tensors: module(*tensors))
    T.manual_seed(0)
    module = eval(name, {"nn": T.nn, "T": T})
    if state is not None:
        module.load_state_dict({key: T.tensor(x.numpy()) for key, x in state.items()})
    module.double()
    found = []
    for training in (True, False):
        module.train(training)
        T.manual_seed(0)
        inputs = tensors_of(T, operands, "float64")
        results = call(T, module, *inputs)
        found += outcome(
            T, results, [x for x in inputs if hasattr(x, "requires_grad")] + list(module.parameters()), second
        )
        found += [("buffer", described(x)) for x in module.buffers()]
    return found


def has_second(found):
    return any(what == "second gradient" for what, _ in found)


@pytest.mark.filterwarnings("ignore:.*in beta", "ignore:.*size_average", "ignore:.*batchmean")
@pytest.mark.parametrize("name, case", table("CALLS"))
def test_call(name, case, torch):
    theirs = as_far_as_possible(lambda second: call_outcome(torch, name, case, second))
    operands, call = case
    rounding = getattr(call, "rounding_of_float32", 0)
    assert_same(call_outcome(tg, name, case, has_second(theirs)), theirs, 1e-9, 1e-11, rounding)
    single = [leaves(call(T, *tensors_of(T, operands, "float32"))) for T in (tg, torch)]
    assert_same(*[[("float32 result", described(r)) for r in results] for results in single], 2e-4, 2e-5)


@pytest.mark.parametrize("name, case", table("MODULES"))
def test_module(name, case, torch):
    ours, theirs = [eval(name, {"nn": T.nn, "T": T}) for T in (tg, torch)]
    kinds = [
        {key: (tuple(x.shape), str(x.dtype).removeprefix("torch.")) for key, x in m.state_dict().items()}
        for m in (ours, theirs)
    ]
    assert kinds[0] == kinds[1] and list(kinds[0]) == list(kinds[1])
    assert repr(ours) == repr(theirs)
    state = theirs.state_dict()
    expected = as_far_as_possible(lambda second: module_outcome(torch, name, case, second, state))
    found = module_outcome(tg, name, case, has_second(expected), state)
    assert_same(found, expected, *((1e-7, 1e-8) if name in SETTINGS_IN_FLOAT32 else (1e-9, 1e-11)))


@pytest.mark.filterwarnings("ignore:.*in beta", "ignore:.*size_average", "ignore:.*batchmean")
@pytest.mark.parametrize("name, case", table("CALLS", only_first=True))
def test_call_as_stored(name, case, request):
    compare_with_stored(request, lambda second: call_outcome(tg, name, case, second))


@pytest.mark.parametrize("name, case", table("MODULES"))
def test_module_as_stored(name, case, request):
    compare_with_stored(request, lambda second: module_outcome(tg, name, case, second))


def compare_with_stored(request, run):
    """What PyTorch gave once: with this the tests need no PyTorch. New cases are stored by python
    tests/reference.py."""
    stored = reference.load()[request.node.callspec.id]
    found = reference.digest(run(has_second([(kind, None) for kind in stored["kinds"]])))
    assert reference.same(found, stored["parts"], 1e-6), request.node.callspec.id


@pytest.mark.parametrize("name, case", table("ERRORS"))
def test_error(name, case, torch):
    with pytest.raises(Exception) as theirs:  # noqa: PT011, whatever PyTorch raises
        case(torch)
    with pytest.raises((type(theirs.value), RuntimeError, ValueError, TypeError, IndexError)) as ours:
        case(tg)
    assert len(str(ours.value)) > 10, "an error says what was given and what to do instead"
