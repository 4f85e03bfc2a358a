"""observing.py and recording.py: who is told what, and which value is which."""

import gc
import threading
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.modes import state
from tinygrad_edu.observing import Observer, observers_in, observing, together, without
from tinygrad_edu.recording import Step, Update, Value, record


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    yield
    assert state.mode.observer is None


class Notes(Observer):
    """Writes down the names of all that it is told, and the arguments."""

    def __init__(self):
        self.names, self.told = [], []

    def of(self, name):
        return [what for told, what in zip(self.names, self.told) if told == name]


def _writes(name):
    def write(self, *what):
        self.names.append(name)
        self.told.append(what)

    return write


for _name in [name for name in vars(Observer) if not name.startswith("_")]:
    setattr(Notes, _name, _writes(_name))


def leaf(*numbers):
    return tg.tensor(numbers if len(numbers) > 1 else numbers[0], requires_grad=True)


# ---- observers


def test_everything_is_told_in_order():
    model, x = nn.Sequential(nn.Linear(2, 1)), tg.ones(3, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with observing(Notes()) as notes:
        loss = model(x).sum()
        loss.backward()
        optimizer.step()
        loss.item()
    assert notes.names == [
        "module_starts", "module_starts", "operation", "module_ends", "module_ends", "operation", "backward_starts",
        "gradients", "contributed", "gradients", "contributed", "contributed", "arrived", "arrived", "backward_ends",
        "optimizer_starts", "optimizer_ends", "left_graph",
    ]  # fmt: skip
    (entry, call, operands, attributes, result), (_, _, _, _, total) = notes.of("operation")
    assert entry.name == "linear" and call.op is entry and operands[0] is x and operands[1] is model[0].weight
    assert attributes == {} and total is loss and result.shape == (3, 1)
    assert notes.of("module_starts") == [(model, (x,)), (model[0], (x,))]
    assert [module_result[1] is result for module_result in notes.of("module_ends")] == [True, True]
    assert notes.of("backward_starts") == [(loss,)] and notes.of("optimizer_starts") == [(optimizer,)]
    assert notes.of("left_graph") == [(loss, "item()", loss.array.item())]


def test_parts_sums_and_arrivals():
    w, x = leaf(1.0, 2.0), tg.tensor([[3.0, 4.0], [5.0, 6.0]])
    with observing(Notes()) as notes:
        (w * x + w).sum().backward()
    told = [
        (node.name, number, part.tolist(), so_far is part) for node, number, part, so_far in notes.of("contributed")
    ]
    assert told == [
        ("sum", 0, [[1, 1], [1, 1]], True),
        ("add", 0, [[1, 1], [1, 1]], True),
        ("add", 1, [2, 2], True),  # summed over the axis along which w was repeated
        ("mul", 0, [8, 10], False),
    ]
    assert notes.of("contributed")[-1][3].tolist() == [10, 12]
    ((node, g, collected),) = notes.of("arrived")
    assert node is w.node and g.tolist() == [10, 12] and collected is True
    assert [node.name for node, _, _ in notes.of("gradients")] == ["sum", "add", "mul"]
    assert notes.of("gradients")[1][2][1].shape == (2, 2)  # what the rule says, not yet summed


def test_wanted_gradients_arrive_without_being_collected():
    w = leaf(1.0, 2.0)
    y = w * 3
    with observing(Notes()) as notes:
        tg.autograd.grad((y * y).sum(), [y, w])
    assert [(node.name, collected) for node, _, collected in notes.of("arrived")] == [("leaf", False)]
    with observing(Notes()) as notes:
        tg.autograd.grad((w * w).sum(), w, create_graph=True)
    assert all(isinstance(part, tg.Tensor) for _, _, part, _ in notes.of("contributed"))


def test_several_observers_and_leaving():
    a, b, c = Notes(), Notes(), Notes()
    assert observers_in(None) == () and observers_in(a) == (a,)
    assert together(None, a) is a and observers_in(together(together(a, b), c)) == (a, b, c)
    all_three = together(together(a, b), c)
    assert observers_in(without(all_three, b)) == (a, c) and without(a, a) is None
    assert without(all_three, Notes) is None and without(all_three, Value) is not None
    assert without(together(a, b), a) is b and without(None, a) is None
    with observing(a), observing(b):
        leaf(1.0) * 2
        with observing(c):
            leaf(1.0) * 2
    assert (len(a.names), len(b.names), len(c.names)) == (2, 2, 1)


def test_errors_leave_nothing_behind():
    class Angry(Observer):
        def operation(self, *what):
            raise ZeroDivisionError

    before = state.mode.observer
    for block in (observing(Notes()), record()):
        with pytest.raises(ValueError, match="stop"), block:
            with pytest.raises(ZeroDivisionError), observing(Angry()):
                leaf(1.0) * 2
            assert state.mode.observer is not None and not isinstance(state.mode.observer, Angry)
            raise ValueError("stop")
        assert state.mode.observer is before is None


def test_ends_are_told_when_something_raises():
    class Bad(nn.Module):
        def forward(self, x):
            raise KeyboardInterrupt

    class BadStep(optim.SGD):
        def step(self):
            raise KeyboardInterrupt

    w, model = leaf(1.0, 2.0), nn.Sequential(Bad())
    y = w * 2
    y.register_hook(lambda g: 1 / 0)
    with observing(Notes()) as notes:
        with pytest.raises(KeyboardInterrupt):
            model(w)
        with pytest.raises(ZeroDivisionError):
            y.sum().backward()
        with pytest.raises(KeyboardInterrupt):
            BadStep([w], lr=1).step()
        with pytest.raises(RuntimeError):
            w @ tg.ones(3)
    for start, end in (("module_starts", "module_ends"), ("optimizer_starts", "optimizer_ends")):
        assert notes.names.count(start) == notes.names.count(end) > 0
    assert [result for _, result in notes.of("module_ends")] == [None, None]
    assert notes.names.count("backward_starts") == notes.names.count("backward_ends") == 1
    ((entry, operands, _, error),) = notes.of("failed")
    assert entry.name == "matmul" and operands[0] is w and "matmul" in str(error)


def test_backward_does_not_start_where_it_cannot():
    w = leaf(1.0, 2.0)
    with observing(Notes()) as notes, pytest.raises(RuntimeError, match="only a single number has a gradient"):
        tg.autograd.backward([w.sum(), w * 2])
    assert "backward_starts" not in notes.names


def test_other_threads_are_not_observed():
    with observing(Notes()) as notes:
        thread = threading.Thread(target=lambda: leaf(1.0) * 2)
        thread.start()
        thread.join()
    assert notes.names == []


class Doubled(tg.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x + x

    @staticmethod
    def backward(ctx, g):
        return g * 2


def test_of_a_function_the_call_is_told_not_what_it_does():
    w = leaf(1.0, 2.0)
    with record() as recording:
        Doubled.apply(w).sum().backward()
    assert [step.name for step in recording] == ["Doubled", "sum"]
    assert [each.step.name for each in recording.gradients] == ["sum", "Doubled"]
    assert recording.gradients[1].parts[0].tolist() == [2, 2]


# ---- values


def test_equal_numbers_mean_the_same_value():
    w, x = leaf(1.0, 2.0), tg.tensor([3.0, 4.0])
    with record() as recording:
        y = w * x
        z = y + x
        loss = (z * y).sum()
    mul, add, last, total = recording.steps
    assert mul.operands[0].leaf and mul.operands[0].traced and not mul.operands[1].traced
    assert mul.operands[1] is add.operands[1] and mul.results[0] is add.operands[0] is last.operands[1]
    assert add.results[0] is last.operands[0] and mul.results[0].source is mul and mul.operands[0].source is None
    assert recording.value_of(y) is mul.results[0] and recording.value_of(loss) is total.results[0]
    assert recording.value_of(w) is mul.operands[0] and recording.value_of(tg.ones(2)) is None
    values = {value for step in recording for value in (*step.operands, *step.results)}
    assert sorted(value.number for value in values) == list(range(6))
    assert mul.results[0].data.tolist() == [3, 8] and mul.results[0].dtype == np.float32 and repr(mul.results[0])
    assert len(recording) == 4 and list(recording) == recording.steps and "mul" in repr(mul)
    assert mul.arrays()[1].tolist() == [3, 4] and mul.name_of(0) == "operand `x`" and mul.traced == [True, False]
    assert mul.recorded and mul.place.rpartition(":")[0] == __file__ and mul.grad_enabled
    assert not np.shares_memory(mul.operands[0].data, w.array)


def test_keep_decides_what_is_kept():
    with record(keep=np.shape) as recording:
        (leaf(1.0, 2.0) * 3).sum().backward()
    assert recording.steps[0].results[0].data == (2,) and recording.steps[0].results[0].shape == (2,)
    assert recording.gradients[0].given == () and recording.gradients[1].parts == {0: (2,)}


def test_an_operation_in_place_gives_a_new_value():
    with record() as recording:
        x = leaf(1.0, 2.0) * 2
        first = recording.value_of(x)
        x -= 1
        second = recording.value_of(x)
        y = x * 3
    sub, mul = recording.steps[1:]
    assert first is not second and first.data.tolist() == [2, 4] and second.data.tolist() == [1, 3]
    assert sub.operands[0] is first and sub.results[0] is second is mul.operands[0] and sub.in_place == "-="
    assert mul.in_place is None and recording.value_of(y) is mul.results[0]


@pytest.mark.parametrize("traced", [True, False])
def test_writing_through_a_view(traced):
    with record() as recording:
        x = leaf(1.0, 2.0, 3.0) * 1 if traced else tg.tensor([1.0, 2.0, 3.0]) * 1
        whole, part = recording.value_of(x), x[1:]
        part.mul_(2)
        y = x + 0
    names = [step.name for step in recording if step.name != "getitem"]
    assert names == ["mul", "mul", "overwrite", "add"]
    overwrite, add = (step for step in recording if step.name in ("overwrite", "add"))
    mul = next(step for step in recording if step.in_place)
    assert (
        overwrite.operands[0] is whole and whole.data.tolist() == [1, 2, 3] and overwrite.operands[1] is mul.results[0]
    )
    assert overwrite.results[0] is add.operands[0] and add.operands[0].data.tolist() == [1, 4, 6]
    assert y.tolist() == [1, 4, 6]


def test_writing_a_traced_part_into_a_constant():
    with record() as recording:
        x, w = tg.zeros(3), leaf(5.0)
        x[1] = w
        x * 2
    mul = recording.steps[-1]
    assert mul.operands[0].traced and mul.operands[0].source.name == "overwrite"
    assert mul.operands[0].data.tolist() == [0, 5, 0] and not mul.operands[0].source.operands[0].traced
    assert mul.operands[0].source.operands[0].data.tolist() == [0, 0, 0]


def test_what_nobody_told_is_noticed():
    x, w = tg.tensor([1.0, 2.0]), leaf(1.0)
    with record() as recording:
        x * 2
        x[0] = 7  # no operation, as no gradient is recorded
        x * 2
        x.data = tg.tensor([8.0, 9.0])
        x * 2
        x.requires_grad_()
        x * 2
        w.requires_grad_(False)
        w * 2
    found = [step.operands[0] for step in recording]
    assert [value.data.tolist() for value in found[:4]] == [[1, 2], [7, 2], [8, 9], [8, 9]]
    assert len({value.number for value in found}) == 5 and [value.traced for value in found] == [False] * 3 + [
        True,
        False,
    ]


def test_several_results():
    with record() as recording:
        q, r = tg.linalg.qr(leaf([1.0, 5.0], [7.0, 2.0]))
        r.sum().backward()
    step, total = recording.steps
    assert [value.index for value in step.results] == [0, 1] and total.operands[0] is step.results[1]
    assert recording.value_of(q) is step.results[0] and recording.value_of(r) is step.results[1]
    assert recording.gradients[-1].step is step and list(recording.gradients[-1].given) == [1]


def test_lists_of_operands_and_what_is_no_tensor():
    with record() as recording:
        a = leaf(1.0, 2.0)
        tg.cat([a, a * 2])
        a * 3.5
        a * np.array([1.0, 2.0], np.float32)
    cat = recording.steps[1]
    values = [x for operand in cat.operands for x in (operand if isinstance(operand, tuple) else (operand,))]
    assert values == [recording.value_of(a), recording.steps[0].results[0]]
    assert recording.steps[2].operands[1] == 3.5 and isinstance(recording.steps[3].operands[1], np.ndarray)


def test_tensors_are_not_kept_alive():
    with record(keep=lambda array: None) as recording:
        x = leaf(1.0, 2.0)
        y = x * 2
        gone, node = weakref.ref(y), weakref.ref(y.node)
        del y
        gc.collect()
        assert gone() is None and node() is None
        z = x + 1  # may get the same id
        assert recording.value_of(z) is recording.steps[-1].results[0]


# ---- modules, cuts, failures


def test_calls_of_modules():
    inner = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    model, x = nn.Sequential(inner, nn.Linear(2, 1)), tg.ones(1, 2)
    with record() as recording:
        model(x)
        x * 2
    kinds = [type(call.module).__name__ for call in recording.calls]
    assert kinds == ["Sequential", "Sequential", "Linear", "ReLU", "Linear"]
    linear, relu, last, outside = recording.steps
    assert [call.module for call in linear.module_call.chain()] == [inner[0], inner, model]
    assert relu.module_call.module is inner[1] and last.module_call.around.module is model
    assert outside.module_call is None and recording.calls[0].arguments == [linear.operands[0]]
    times = [(call.start, call.stop) for call in recording.calls]
    assert times[0][0] < times[1][0] < times[2][0] < linear.number < times[2][1] < times[1][1] < times[0][1]
    assert recording.calls[0].place.rpartition(":")[0] == __file__


def test_hooks_of_modules_hand_values_on():
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))
    model[1].register_full_backward_hook(lambda module, given, taken: None)
    with record() as recording:
        model(tg.ones(1, 2)).sum().backward()
    first, tanh, second, _ = recording.steps
    assert tanh.operands[0] is first.results[0] and second.operands[0] is tanh.results[0]
    assert [each.step.name for each in recording.gradients] == ["sum", "linear", "tanh", "linear"]


def test_a_module_that_raises_is_left():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 1))
    with record() as recording:
        with pytest.raises(RuntimeError):
            model(tg.ones(1, 2))
        tg.ones(2) * 2
    failed = recording.steps[1]
    assert failed.error is not None and failed.results == () and failed.module_call.module is model[1]
    assert failed.name == "linear" and failed.operands[0] is recording.steps[0].results[0]
    assert recording.steps[2].module_call is None and all(call.stop for call in recording.calls)


def test_values_that_leave_the_graph():
    with record() as recording:
        x = leaf(1.0, 2.0)
        y = (x * 2).detach()
        y + 1
        (x * 3).sum().item()
        tg.tensor([1.0]).detach()  # was in none
    cut = recording.steps[1]
    assert cut.left == cut.name == "detach()" and cut.entry is None and cut.operands[0] is recording.steps[0].results[0]
    assert recording.steps[2].operands[0] is cut.results[0] and not cut.results[0].traced
    assert [step.left for step in recording if step.left] == ["detach()", "item()"]


def test_where_no_gradient_is_recorded():
    with record() as recording:
        x = leaf(1.0, 2.0)
        x.sum().backward()
        with tg.no_grad():
            x * 2
        x * 2
    assert [step.grad_enabled for step in recording] == [True, False, True]
    assert [step.recorded for step in recording] == [True, False, True]


# ---- gradients


def test_gradients_of_every_step():
    w, x = leaf(1.0, 2.0), tg.tensor([[3.0, 4.0], [5.0, 6.0]])
    with record() as recording:
        loss = (w * x).sum()
        loss.backward()
    assert recording.roots == [recording.value_of(loss)]
    total, product = recording.gradients
    assert total.step.name == "sum" and total.given == 1 and total.parts[0].tolist() == [[1, 1], [1, 1]]
    assert product.given.tolist() == [[1, 1], [1, 1]] and list(product.parts) == [0]
    assert product.parts[0].tolist() == [[3, 4], [5, 6]] and w.grad.tolist() == [8, 10]
    numbers = [event.number for event in recording.events]
    assert numbers == sorted(numbers) and [*recording.steps, *recording.gradients] == recording.events


def test_what_hooks_rules_and_optimizers_compute_is_not_recorded():
    w = leaf(1.0, 2.0)
    y = w * 3
    with record() as recording:
        y.register_hook(lambda g: g * 2)
        y.sum().backward()
        optim.Adam([w], lr=0.1).step()
        (w.grad * 2).sum()
    assert [step.name for step in recording] == ["sum", "mul", "sum"]


def test_gradients_of_gradients_are_recorded():
    w = leaf(1.0, 2.0)
    with record() as recording:
        (slope,) = tg.autograd.grad((w**3).sum(), w, create_graph=True)
        (slope**2).sum().backward()
    assert len(recording.roots) == 2 and recording.value_of(slope).source in recording.steps
    assert np.allclose(w.grad.array, [36, 288])


def test_closures_of_optimizers_are_recorded():
    w = leaf(1.0, 2.0)
    optimizer = optim.LBFGS([w], max_iter=2)

    def closure():
        optimizer.zero_grad()
        loss = ((w - 3) ** 2).sum()
        loss.backward()
        return loss

    with record() as recording:
        optimizer.step(closure)
    names = [step.name for step in recording if step.recorded]
    assert names and set(names) == {"sub", "pow", "sum"} and len(recording.updates) >= 1


# ---- updates


def test_updates_by_optimizers():
    model = nn.Linear(2, 1)
    unused = leaf(5.0)
    optimizer = optim.SGD([*model.parameters(), unused], lr=0.1, momentum=0.9)
    with record() as recording:
        for _ in range(2):
            optimizer.zero_grad()
            model(tg.ones(1, 2)).sum().backward()
            optimizer.step()
    first, second = recording.updates
    assert first.optimizer is optimizer and len(first.changes) == 2
    (before, after), _ = first.changes
    assert before is recording.steps[0].operands[1] and after is recording.steps[2].operands[1]
    assert after is second.changes[0][0] and after.source is first and after.leaf
    assert np.array_equal(second.changes[0][1].data, model.weight.array) and first.place.rpartition(":")[0] == __file__


@pytest.mark.parametrize(
    "write",
    [
        lambda w: w.sub_(1), lambda w: w.copy_(w - 1), lambda w: w[1:].sub_(1), lambda w: w.data.sub_(1),
        lambda w: setattr(w, "data", w.data - 1), lambda w: w.zero_(), lambda w: w.__setitem__(0, 7.0),
    ],
    ids=["in place", "copy_", "view", "data in place", "data", "zero_", "setitem"],
)  # fmt: skip
def test_updates_by_hand(write):
    w = leaf(1.0, 2.0)
    with record() as recording:
        (w * 2).sum().backward()
        first = recording.value_of(w)
        with tg.no_grad():
            write(w)
        w * 3
    last = recording.steps[-1].operands[0]
    assert last is not first and last.leaf and last.traced and last.data.tolist() == w.tolist()
    (update,) = recording.updates
    assert update.optimizer is None and update.changes == [(first, last)] and last.source is update
    assert isinstance(update, Update) and first.data.tolist() == [1, 2]


def test_a_recording_remembers_the_last_value_of_what_has_changed_since():
    w = leaf(1.0, 2.0)
    with record() as recording:
        w * 2
    with tg.no_grad():
        w.sub_(1)
    assert recording.value_of(w) is recording.steps[0].operands[0] and isinstance(recording.steps[0], Step)
