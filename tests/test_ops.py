"""What must hold for every operation of the table: one test for each operation and property, generated from its entry.

Nothing here knows an operation by name. What is expected is in the entry: where values are drawn (`domain`, `avoid`),
which operands fit (`samples`), in which operands it is linear, which composition it equals (`definition`), which
function of NumPy computes the same. A new operation is tested by being defined.
"""

import numpy as np
import pytest

pytest.importorskip("hypothesis")

import hypothesis.strategies as st  # noqa: E402
from hypothesis import given, settings  # noqa: E402

import tinygrad_edu as tg  # noqa: E402
from tinygrad_edu.check import assert_gradients, gradients  # noqa: E402
from tinygrad_edu.check.operands import as_function, differentiable_operands, domain_of, laid_out, operands_of  # noqa: E402
from tinygrad_edu.check.strategies import layouts, operands, seeds, tensors_or_arrays  # noqa: E402
from tinygrad_edu.define import OPS  # noqa: E402
from tinygrad_edu.tensor import Tensor, of_array  # noqa: E402

from oracles import numpy_value, to_torch, torch, torch_function, torch_value  # noqa: E402

# the updates of optimizers write into lists of arrays: they are no functions of arrays, and have tests of their own
TABLE = [entry for entry in OPS.values() if not entry.kernel.__module__.startswith("tinygrad_edu.optim")]
ENTRIES = [entry for entry in TABLE if not entry.random]
DIFFERENTIABLE = [entry for entry in ENTRIES if entry.differentiable]
ELEMENTWISE = [entry for entry in ENTRIES if entry.elementwise and not entry.samples]
needs_torch = pytest.mark.skipif(torch is None, reason="torch is not installed")


def for_each(entries):
    """Parametrise a test over entries, shown by their names."""
    entries = list(entries)
    return pytest.mark.parametrize("entry", entries, ids=[entry.name for entry in entries])


def several(result):
    """The results of an operation as a list, be it one or several."""
    return list(result) if isinstance(result, (tuple, list)) else [result]


def array_of(x):
    return (
        x.detach().numpy()
        if isinstance(x, Tensor) or (torch is not None and isinstance(x, torch.Tensor))
        else np.asarray(x)
    )


def assert_same(results, expected, rtol=1e-9, atol=1e-12, what="value"):
    """Each result has the value, shape and dtype of the expected one."""
    results, expected = several(results), several(expected)
    assert len(results) == len(expected)
    for result, other in zip(results, expected):
        result, other = array_of(result), array_of(other)
        assert result.shape == other.shape, f"{what}: shape {result.shape} instead of {other.shape}"
        assert result.dtype == other.dtype, f"{what}: dtype {result.dtype} instead of {other.dtype}"
        np.testing.assert_allclose(result, other, rtol=rtol, atol=atol, err_msg=what)


def as_tensors(arrays, requires_grad=False):
    """Tensors that share memory with the arrays; floating ones are leaves that collect gradients, if asked."""
    tensors = [of_array(x, None) if isinstance(x, np.ndarray) else x for x in arrays]
    for x in tensors if requires_grad else ():
        if isinstance(x, Tensor) and x.dtype.kind == "f":
            x.requires_grad = True
    return tensors


def weights_like(results, seed=0):
    """Random gradients to start from: for each floating result an array; None for the others."""
    random = np.random.default_rng(seed)
    arrays = [array_of(x) for x in several(results)]
    return [np.asarray(random.uniform(-1, 1, x.shape), x.dtype) if x.dtype.kind == "f" else None for x in arrays]


def backward(results, weights):
    """Collect gradients in the leaves, starting with the given ones."""
    pairs = [(x, of_array(w, None)) for x, w in zip(several(results), weights) if w is not None and x.requires_grad]
    if pairs:
        roots, start = zip(*pairs)
        tg.backward(roots, start)


def gradients_of(function, arrays, attributes):
    """The gradients of a random combination of the results, one array (or None) for each operand."""
    tensors = as_tensors(arrays, requires_grad=True)
    results = function(*tensors, **attributes)
    backward(results, weights_like(results))
    return [None if not isinstance(x, Tensor) or x.grad is None else x.grad.array for x in tensors]


# ---- the entry itself


@for_each(TABLE)
def test_has_docstring(entry):
    assert entry.doc and len(entry.doc.split()) >= 1 and entry.call.__doc__ == entry.doc


@for_each(ENTRIES)
@given(st.data())
def test_has_operands(entry, data):
    """Every operation says what it can be tested with, and can be called with it."""
    arrays, attributes = data.draw(operands(entry))
    assert len(arrays) == len(entry.operands) or entry.variadic
    entry.call(*as_tensors(arrays), **attributes)


# ---- values


@for_each(ENTRIES)
@given(st.data())
def test_value(entry, data):
    """The value is that of NumPy's function and of torch's function of the same name; one of them must know it."""
    arrays, attributes = data.draw(operands(entry))
    result = entry.call(*as_tensors(arrays), **attributes)
    known = False
    with np.errstate(all="ignore"):
        expected = numpy_value(entry, arrays, attributes)
    if expected is not None:
        known = True
        for ours, theirs in zip(several(result), several(expected)):
            np.testing.assert_allclose(array_of(ours), array_of(theirs), rtol=1e-9, atol=1e-12, err_msg="NumPy")
    if torch is not None:
        expected = torch_value(entry, arrays, attributes)[1]
        if expected is not None:
            known = True
            assert_same(result, expected, what="torch")
    if torch is not None and not known and entry.definition is None and torch_function(entry) is None:
        pytest.fail(
            f"nothing says what `{entry.name}` should compute: give it a ufunc, numpy, an oracle or a definition"
        )


@for_each(ENTRIES)
@given(st.data())
def test_arrays_and_tensors_alike(entry, data):
    """Plain arrays give plain arrays of the same values; Tensors and arrays may be mixed."""
    arrays, attributes = data.draw(operands(entry))
    expected = entry.call(*as_tensors(arrays), **attributes)
    plain = entry.call(*arrays, **attributes)
    assert not any(isinstance(x, Tensor) for x in several(plain))
    assert_same(plain, expected)
    flags = data.draw(tensors_or_arrays(len(arrays)))
    mixed = [of_array(x, None) if flag and isinstance(x, np.ndarray) else x for x, flag in zip(arrays, flags)]
    if any(isinstance(x, Tensor) for x in mixed):
        results = several(entry.call(*mixed, **attributes))
        assert all(isinstance(x, Tensor) for x in results)
        assert_same(results, expected)


@for_each(entry for entry in ENTRIES if entry.definition is not None)
@given(st.data())
def test_definition(entry, data):
    """A fused operation equals the composition that defines it: value, gradient, and gradient of the gradient."""
    arrays, attributes = data.draw(operands(entry))
    assert_same(entry.call(*as_tensors(arrays), **attributes), entry.definition(*as_tensors(arrays), **attributes))
    for ours, theirs in zip(*(gradients_twice(f, arrays, attributes) for f in (entry.call, entry.definition))):
        assert_same(ours, theirs, rtol=1e-8, atol=1e-9, what="gradient")


def gradients_twice(function, arrays, attributes):
    """The gradients of a random combination of the results, and those of a random combination of the gradients."""
    tensors = as_tensors(arrays, requires_grad=True)
    leaves = [x for x in tensors if isinstance(x, Tensor) and x.requires_grad]
    results = [x for x in several(function(*tensors, **attributes)) if x.requires_grad]
    if not results:
        return []
    start = [of_array(w, None) for w in weights_like(results)]
    first = tg.grad(results, leaves, start, create_graph=True, materialize_grads=True)
    recorded = [g for g in first if g.requires_grad]
    if not recorded:
        return [*first]
    start = [of_array(w, None) for w in weights_like(recorded, seed=1)]
    return [*first, *tg.grad(recorded, leaves, start, materialize_grads=True)]


# ---- gradients


@for_each(DIFFERENTIABLE)
@given(st.data())
def test_gradient(entry, data):
    """The gradient is the numerical derivative, also where two calls share their operands, so that gradients add up."""
    arrays, attributes = data.draw(operands(entry))
    arrays = [laid_out(x, data.draw(layouts(repeated=False))) if isinstance(x, np.ndarray) else x for x in arrays]
    fn, inputs = as_function(entry, arrays, attributes)
    assert_gradients(lambda *xs: (*several(fn(*xs)), *several(fn(*xs))), *inputs, seed=data.draw(seeds()))


@for_each(entry for entry in ELEMENTWISE if entry.differentiable)
def test_gradient_of_square_and_of_broadcast_operands(entry):
    """Shapes at which a gradient that is transposed, or not summed, is something else: hypothesis may not draw them."""
    random = np.random.default_rng(0)
    for shapes in ([(3, 3), (3, 3), (3, 3)], [(3, 1), (3,), ()], [(2,), (4, 1), (2,)]):
        arrays = operands_of(entry, shapes[: len(entry.operands)], random)
        fn, inputs = as_function(entry, arrays, {})
        assert_gradients(fn, *inputs)


@for_each(entry for entry in DIFFERENTIABLE if not entry.saves)
@given(st.data())
def test_second_order(entry, data):
    """The gradient of the gradient is the numerical derivative of the gradient."""
    check_second_order(entry, data)


@for_each(entry for entry in DIFFERENTIABLE if entry.saves)
@settings(max_examples=3)
@given(st.data())
def test_second_order_of_layers(entry, data):
    """The same for whole layers, which have many elements: a check takes seconds."""
    check_second_order(entry, data)


def check_second_order(entry, data):
    arrays, attributes = data.draw(operands(entry))
    fn, inputs = as_function(entry, arrays, attributes)
    report = gradients(fn, *inputs, order=2, seed=data.draw(seeds()))
    assert report.verdict != "wrong", str(report)
    doubtful = [element for element in report.elements if element.verdict == "inconclusive"]
    assert doubtful or report.verdict != "inconclusive", str(report)
    assert all(abs(e.analytic) < 1e-12 and abs(e.numerical) + e.error < 1e-12 for e in doubtful), str(report)


@needs_torch
@for_each(DIFFERENTIABLE)
@given(st.data())
def test_gradient_as_torch(entry, data):
    arrays, attributes = data.draw(operands(entry))
    inputs, expected = torch_value(entry, arrays, attributes, requires_grad=True)
    if expected is None:
        return
    compare_with_torch(entry, arrays, attributes, inputs, expected)


def compare_with_torch(entry, arrays, attributes, inputs, expected):
    results = entry.call(*as_tensors(arrays), **attributes)
    weights = weights_like(results)
    roots = [(x, to_torch(w)) for x, w in zip(several(expected), weights) if w is not None and x.requires_grad]
    if roots:
        torch.autograd.backward(*zip(*roots))
    ours = gradients_of(entry.call, arrays, attributes)
    for number, (g, x) in enumerate(zip(ours, inputs)):
        theirs = None if not isinstance(x, torch.Tensor) or x.grad is None else x.grad
        if theirs is not None or g is not None:
            theirs = np.zeros(array_of(x).shape) if theirs is None else theirs
            assert_same(
                np.zeros_like(array_of(theirs)) if g is None else g, theirs, what=f"gradient of operand {number}"
            )


@for_each(entry for entry in DIFFERENTIABLE if entry.avoid)
@given(st.data())
def test_points_without_derivative(entry, data):
    """At a kink the gradient is finite: a subgradient, and the one that torch chooses."""
    arrays, attributes = data.draw(operands(entry))
    random = np.random.default_rng(data.draw(seeds()))
    points = [point for point in entry.avoid if point != "ties"]
    for number in differentiable_operands(entry, arrays):
        x = arrays[number]
        if points:
            arrays[number] = np.where(random.random(x.shape) < 0.7, random.choice(points, x.shape), x)
        else:  # ties: few different values, within and between operands
            arrays[number] = random.choice(np.linspace(*domain_of(entry, number), 3), x.shape)
    for g in gradients_of(entry.call, arrays, attributes):
        assert g is None or np.isfinite(g).all()
    if torch is not None:
        inputs, expected = torch_value(entry, arrays, attributes, requires_grad=True)
        if expected is not None:
            compare_with_torch(entry, arrays, attributes, inputs, expected)


@for_each(DIFFERENTIABLE)
@given(st.data())
def test_rules_on_arrays_and_tensors_alike(entry, data):
    """The rules give the same on arrays as on Tensors, where they are recorded."""
    arrays, attributes = data.draw(operands(entry))
    results = entry.call(*as_tensors(arrays, requires_grad=True), **attributes)
    nodes = {x.node for x in several(results) if x.requires_grad}
    for result, weight in zip(several(results), weights_like(results)):
        if not result.requires_grad or len(nodes) > 1:
            continue
        node = result.node
        on_arrays = entry.gradients(node, weight, None, False)
        on_tensors = entry.gradients(node, of_array(weight, None), of_array, True)
        for parent, d, recorded in zip(node.parents, on_arrays, on_tensors):
            if parent is not None and d is not None:
                assert isinstance(d, (np.ndarray, np.generic)) and isinstance(recorded, Tensor)
                assert_same(d, recorded)


@for_each(entry for entry in DIFFERENTIABLE if entry.linear)
@given(st.data())
def test_adjoint(entry, data):
    """For an operation A that is linear in x: ⟨A x, y⟩ = ⟨x, Aᵀ y⟩, with Aᵀ y as the rule gives it."""
    arrays, attributes = data.draw(operands(entry))
    numbers = range(len(arrays)) if entry.linear == ("all",) else entry.linear
    for number in numbers:
        if not isinstance(arrays[number], np.ndarray):
            continue
        zero = [np.zeros_like(x) if i == number else x for i, x in enumerate(arrays)]
        result = array_of(entry.call(*as_tensors(arrays), **attributes))
        offset = array_of(entry.call(*as_tensors(zero), **attributes))
        g = gradients_of(entry.call, arrays, attributes)[number]
        (y,) = weights_like(result)
        forward, backward_ = np.sum((result - offset) * y), np.sum(arrays[number] * g)
        np.testing.assert_allclose(forward, backward_, rtol=1e-9, atol=1e-9)


# ---- dtypes


@for_each(ENTRIES)
@given(st.data())
def test_float32_stays_float32(entry, data):
    """With float32 operands no result, and nothing that a rule computes, is of higher precision."""
    arrays, attributes = data.draw(operands(entry, dtype=np.float32))
    results = entry.call(*as_tensors(arrays, requires_grad=True), **attributes)
    wanted = [np.dtype(value) for value in attributes.values() if isinstance(value, (type, np.dtype))]  # dtype=...
    for result in several(results):
        assert result.dtype.kind != "f" or result.dtype == np.float32 or result.dtype in wanted
    if isinstance(results, Tensor) and results.requires_grad and results.dtype == np.float32:
        (weight,) = weights_like(results)
        for parent, d in zip(results.node.parents, entry.gradients(results.node, weight, None, False)):
            assert parent is None or d is None or d.dtype == np.float32


MIXTURES = [
    (np.int64, np.int64), (np.int32, np.int64), (np.bool_, np.int64), (np.uint8, np.int64), (np.float32, np.int64),
    (np.int64, np.float32), (np.float32, np.float64), (np.float32, np.bool_), (np.float32, 2.5), (np.float32, 2),
    (np.int64, 2.5), (np.int64, 2), (np.float64, 2), (2.5, np.int64), (2, np.float32), (np.float32, np.float64(2.5)),
    (np.int32, np.int64(2)), (np.int64, np.float64(2.5)),
]  # fmt: skip


DIFFERENCES = {
    ("sign", np.bool_): "NumPy has no sign of booleans: an error instead of torch's boolean",
    ("square", np.bool_): "NumPy squares booleans as int8, torch as int64",
}
"""(operation, dtype of its operand): where the promotion rules are not torch's, and why."""


@needs_torch
@for_each(ELEMENTWISE)
def test_promotion_as_torch(entry):
    """Mixtures of dtypes, of dimensions and of Python numbers give what torch gives, wherever it gives something."""
    function = torch_function(entry)
    if function is None:
        pytest.skip("torch has no such function")
    count = len(entry.operands)
    kinds = (
        MIXTURES if count == 2 else [(first,) * count for first in (np.int64, np.int32, np.bool_, np.uint8, np.float32)]
    )
    for kind in kinds:
        if (entry.name, kind[0]) in DIFFERENCES:
            continue
        given = [value_of(k, position) for position, k in enumerate(kind)]
        theirs = [torch.tensor(x) if isinstance(x, (np.ndarray, np.generic)) else x for x in given]
        try:
            expected = function(*theirs)
        except (RuntimeError, TypeError, NotImplementedError):
            continue  # torch lacks it for these dtypes; here it may work
        ours = [of_array(np.asarray(x), None) if isinstance(x, (np.ndarray, np.generic)) else x for x in given]
        result = entry.call(*ours)
        assert_same(result, expected, rtol=1e-5, atol=1e-6, what=f"{entry.name} of {kind}")


def value_of(kind, position):
    """An operand of the given kind: an array of a dtype, a number, or a 0-dimensional array for a NumPy number."""
    if not isinstance(kind, type):
        return kind
    return np.array([1, 2, 3] if position == 0 else [2, 1, 3]).astype(kind)


# ---- shapes and memory


@for_each(DIFFERENTIABLE)
@given(st.data())
def test_gradient_has_shape_and_dtype_of_operand(entry, data):
    """Broadcasting is undone, and mixtures of precisions are, too: also for sizes 0 and without dimensions."""
    arrays, attributes = data.draw(operands(entry))
    if entry.elementwise and entry.promotes:
        arrays = [
            x.astype(data.draw(st.sampled_from([np.float32, np.float64]))) if x.dtype.kind == "f" else x for x in arrays
        ]
    for x, g in zip(arrays, gradients_of(entry.call, arrays, attributes)):
        assert g is None or (g.shape, g.dtype) == (x.shape, x.dtype)


@for_each(ENTRIES)
@given(st.data())
def test_any_memory_layout(entry, data):
    """Transposed, strided, reversed and broadcast operands give the same values and gradients as contiguous ones."""
    arrays, attributes = data.draw(operands(entry, any_layout=True))
    copies = [np.ascontiguousarray(x).reshape(x.shape) if isinstance(x, np.ndarray) else x for x in arrays]
    assert_same(entry.call(*as_tensors(arrays), **attributes), entry.call(*as_tensors(copies), **attributes))
    if entry.differentiable:
        for g, expected in zip(*(gradients_of(entry.call, xs, attributes) for xs in (arrays, copies))):
            if expected is not None:
                assert_same(g, expected, what="gradient")


@for_each(ENTRIES)
@given(st.data())
def test_inputs_are_left_alone(entry, data):
    """Neither the operation nor its rules write into operands, not even for a moment: read-only arrays do."""
    arrays, attributes = data.draw(operands(entry, any_layout=True))
    before = [np.array(x) if isinstance(x, np.ndarray) else x for x in arrays]
    for x in arrays:
        if isinstance(x, np.ndarray):
            x.flags.writeable = False
    results = entry.call(*as_tensors(arrays, requires_grad=True), **attributes)
    weights = weights_like(results)
    for weight in weights:
        if weight is not None:
            weight.flags.writeable = False
    backward(results, weights)
    for x, old in zip(arrays, before):
        np.testing.assert_array_equal(x, old)


@for_each(ENTRIES)
@given(st.data())
def test_nothing_is_shared(entry, data):
    """Only views share memory with operands, and no gradient shares it with anything else."""
    arrays, attributes = data.draw(operands(entry))
    tensors = as_tensors(arrays, requires_grad=True)
    results = several(entry.call(*tensors, **attributes))
    weights = weights_like(results)
    backward(results, weights)
    inputs = [x for x in arrays if isinstance(x, np.ndarray)]
    if not entry.view:
        for result in results:
            assert not any(np.shares_memory(result.array, x) for x in inputs), (
                "the result shares memory with an operand"
            )
    gradients = [x.grad.array for x in tensors if isinstance(x, Tensor) and x.grad is not None]
    others = [*inputs, *[x.array for x in results], *[w for w in weights if w is not None]]
    for number, g in enumerate(gradients):
        assert not any(np.shares_memory(g, x) for x in others + gradients[:number]), "a gradient shares memory"


# ---- random operations


@for_each(entry for entry in TABLE if entry.random)
@given(st.data())
def test_random(entry, data):
    """The same seed gives the same draw, of the same shape and dtype, and the next draw is another one."""
    arrays, attributes = data.draw(operands(entry, dtype=np.float32))
    seed = data.draw(seeds())
    draws = []
    for _ in range(2):
        generator = tg.Generator().manual_seed(seed)
        draws.append([entry.kernel(*arrays, **attributes, generator=generator) for _ in range(2)])
    for first, second in zip(*draws):
        assert_same(first, second, rtol=0, atol=0)
    one, other = draws[0]
    assert one.shape == other.shape and one.dtype == other.dtype == attributes.get("dtype", one.dtype)
    assert one.size < 20 or not np.array_equal(one, other)
