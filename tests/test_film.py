"""Films: what they record is what happens, nothing else changes, and the page plays it."""

import json
import sys

import numpy as np
import pytest
from film_programs import PROGRAMS, batch

import tinygrad_edu as tg
from tinygrad_edu import draw, nn, optim
from tinygrad_edu.clock import owner_of
from tinygrad_edu.draw.film_data import Pool
from tinygrad_edu.draw.film_recorder import Arrival, Contribution
from tinygrad_edu.draw.values import sampled
from tinygrad_edu.modes import state
from tinygrad_edu.observing import Observer, observing
from tinygrad_edu.recording import Step, Update


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    tg.manual_seed(0)
    yield
    assert state.mode.observer is None


def exact(sample):
    """The array of a Sample that is whole."""
    assert sample.extremes is None
    return sample.elements


def told(training):
    """number of each Value -> its last gradient in a training step."""
    found = {}
    for event in training.events:
        if isinstance(event, Contribution):
            for value in event.value if isinstance(event.value, tuple) else (event.value,):
                found[value.number] = event.so_far
        elif isinstance(event, Arrival):
            found[event.value.number] = event.gradient
    return found


def value_before(training, name, film, parameters):
    """The Value that a parameter has during a training step."""
    recording, chain = film.recorder.recording, [film.recorder.recording.value_of(parameters[name])]
    before = {new.number: old for update in recording.updates for old, new in update.changes}
    while chain[-1].number in before:
        chain.append(before[chain[-1].number])
    used = {value.number for step in training.steps if step.recorded for value in flat(step.operands)}
    return next((value for value in chain if value.number in used), None)


def flat(operands):
    for operand in operands:
        yield from (x for x in (operand if isinstance(operand, tuple) else (operand,)) if hasattr(x, "number"))


# ---- the numbers


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_film_changes_nothing_and_tells_the_true_gradients(program):
    parameters, grads = program()
    tg.manual_seed(0)
    with draw.film(steps=100) as film:
        filmed, filmed_grads = program()
    for name, parameter in parameters.items():
        assert np.array_equal(parameter.array, filmed[name].array), name
    assert len(film) == len(grads) == len(filmed_grads)
    for training, without, true in zip(film, grads, filmed_grads):
        last, count = told(training), 0
        for name, gradient in true.items():
            assert (gradient is None) == (without[name] is None)
            value = value_before(training, name, film, filmed)
            if gradient is not None and value is not None and value.number in last:
                assert np.array_equal(gradient, without[name]) and np.array_equal(exact(last[value.number]), gradient)
                count += 1
        assert count == sum(gradient is not None for gradient in true.values()) or program.__name__ == "closures"
        assert training.loss is not None and not training.leftover


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_sums_of_parts_and_values_after_updates(program):
    with draw.film(steps=100) as film:
        parameters, _ = program()
    for training in film:
        sums = {}
        for event in training.events:
            if isinstance(event, Arrival) and event.why == "start":
                sums = {event.value.number: exact(event.gradient)}
            elif isinstance(event, Contribution):
                part, so_far = exact(event.part), exact(event.so_far)
                for value in flat([event.value]):
                    assert part.shape == value.shape and part.dtype == value.dtype
                    if event.so_far is not event.part and value.number in sums:  # others came by what was not recorded
                        assert np.array_equal(sums[value.number] + part, so_far, equal_nan=True)
                    sums[value.number] = so_far
    last = film.recorder.recording
    for name, parameter in parameters.items():
        if last.value_of(parameter) is not None:
            assert np.array_equal(exact(last.value_of(parameter).data), parameter.array), name


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_values_are_those_that_were_computed(program):
    class Copies(Observer):
        def __init__(self):
            self.results = []

        def operation(self, entry, call, operands, attributes, result):
            self.results += [x.array.copy() for x in (result if isinstance(result, tuple) else [result])]

        def left_graph(self, tensor, how, result):
            self.results.append(np.array(result.array if isinstance(result, tg.Tensor) else result))

    with observing(Copies()) as copies, draw.film(steps=100) as film:
        program()
    seen = [exact(v.data) for t in film.steps for event in t.events if isinstance(event, Step) for v in event.results]
    known = {(array.shape, array.tobytes()) for array in copies.results}
    assert seen and all((array.shape, array.tobytes()) in known for array in seen)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_every_film_has_a_text_and_a_page(program):
    with draw.film(steps=100) as film:
        film.params = program()[0]
    text, page = str(film), film.page()
    assert f"step {len(film)}: loss" in text and "  backward" in text
    assert ("  update" in text) == (program.__name__ != "without_updates")
    check_page(json.loads(json.dumps(page, allow_nan=False)))
    assert "</script>" in film.html()


def check_page(page):
    """All numbers lead somewhere, and every event belongs to its phase."""
    for step in page["film"]["steps"]:
        scene = page["scenes"][step["scene"]]
        for event in step["events"]:
            vertex = scene["vertices"][event["vertex"]]
            assert event["phase"] in ("forward", "backward", "update") and vertex["kind"] not in ("gap", "module")
            for key in ("value", "gradient", "part"):
                if event.get(key) is not None:
                    assert page["values"][event[key]]["dtype"]
            if event["phase"] == "backward":
                assert page["values"][event["gradient"]]["shape"] is not None
                assert (event["edge"] is None) == (event.get("why") in ("start", "added", "hook", "changed", "unseen"))
                if event["edge"] is not None:
                    assert "part" in event and scene["edges"][event["edge"]]["from"] == event["vertex"]
            elif event["phase"] == "update":
                assert vertex["kind"] in ("parameter", "leaf", "input")
            else:
                assert vertex["kind"] != "output"


def test_every_number_of_a_small_example():
    a, b = tg.tensor(2.0, requires_grad=True), tg.tensor(-3.0, requires_grad=True)
    with draw.film({"a": a, "b": b}, title="two numbers") as film:
        for _ in range(2):
            (a * b + a * a).backward()
            with tg.no_grad():
                for x in (a, b):
                    x -= 0.5 * x.grad
                    x.grad = None
    assert str(film).splitlines() == [
        "two numbers",
        "step 1: loss -2",
        "  given",
        "    a = …                                       2",
        "    b = …                                       -3",
        "  forward",
        "    %1 = mul(a, b)                              -6",
        "    %2 = mul(a, a)                              4",
        "    %3 = add(%1, %2)                            -2",
        "  backward",
        "    %3.grad = … (backpropagation starts here)   1",
        "    %1.grad += … through %3                     1",
        "    %2.grad += … through %3                     1",
        "    a.grad += … through %2                      2",
        "    a.grad += … through %2                      2, in all 4",
        "    a.grad += … through %1                      -3, in all 1",
        "    b.grad += … through %1                      2",
        "  update",
        "    a = …                                       1.5",
        "    b = …                                       -4",
        "step 2: loss -3.75",
        "  forward",
        "    %1 = mul(a, b)                              -6",
        "    %2 = mul(a, a)                              2.25",
        "    %3 = add(%1, %2)                            -3.75",
        "  backward",
        "    %3.grad = … (backpropagation starts here)   1",
        "    %1.grad += … through %3                     1",
        "    %2.grad += … through %3                     1",
        "    a.grad += … through %2                      1.5",
        "    a.grad += … through %2                      1.5, in all 3",
        "    a.grad += … through %1                      -4, in all -1",
        "    b.grad += … through %1                      1.5",
        "  update",
        "    a = …                                       2",
        "    b = …                                       -4.75",
    ]
    page = film.page()
    names = [vertex["name"] or vertex["label"] for vertex in page["scenes"][0]["vertices"]]
    number = lambda place: page["values"][place]["full"][0]
    rows = [
        (event["phase"], names[event["vertex"]], number(event.get("value", event.get("gradient"))))
        for event in page["film"]["steps"][0]["events"]
    ]
    assert rows == [
        ("forward", "×", -6), ("forward", "×", 4), ("forward", "+", -2),
        ("backward", "+", 1), ("backward", "×", 1), ("backward", "×", 1),
        ("backward", "a", 2), ("backward", "a", 4), ("backward", "a", 1), ("backward", "b", 2),
        ("update", "a", 1.5), ("update", "b", -4),
    ]  # fmt: skip
    assert [repr(event) for event in film[0].events[3:10:2]] == [
        "<gradient of value 4 (start): 1>",
        "<operand `y` of `add` gets 1>",
        "<operand `y` of `mul` gets 2, in all 4>",
        "<operand `y` of `mul` gets 2>",
    ]
    assert next(repr(event) for event in film[0].events if isinstance(event, Update)).startswith(
        "<update of values 0 →"
    )
    edges, events = page["scenes"][0]["edges"], page["film"]["steps"][0]["events"]
    used = [edges[event["edge"]] for event in events if event.get("edge") is not None]
    assert [(names[edge["from"]], names[edge["to"]], edge["operand"]) for edge in used] == [
        ("×", "+", 0), ("×", "+", 1), ("a", "×", 0), ("a", "×", 1), ("a", "×", 0), ("b", "×", 1),
    ]  # fmt: skip
    assert number(events[-3]["part"]) == 2 and number(events[-4]["part"]) == -3
    assert [step["loss"] for step in page["film"]["steps"]] == [-2, -3.75]


# ---- training steps


def line(steps, film_steps, between=None, model=None, size=4):
    """A film of a line that is fitted for some steps, and its model."""
    model = model or nn.Linear(3, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with draw.film(model, steps=film_steps) as film:
        for number in range(steps):
            optimizer.zero_grad()
            (model(batch(number, size, 3)) ** 2).mean().backward()
            optimizer.step()
            if between:
                between(model, number)
    return film, model


def test_at_most_so_many_steps_are_recorded():
    film, _ = line(7, 3)
    assert len(film) == 3 and [training.number for training in film] == [1, 2, 3]
    assert film.notes == ["the film has the first 3 training steps; more with a larger `steps`"]
    assert "training step" in repr(film) and film[2].loss == film.steps[2].loss
    events = film[2].events
    assert isinstance(events[-1], Update)


def test_a_film_that_is_over_listens_no_more():
    film = draw.film(steps=1)
    with film:
        w = tg.tensor([1.0, 2.0], requires_grad=True)
        for _ in range(3):
            (w * w).sum().backward()
            assert (state.mode.observer is None) == (film.recorder.over is not None)
            with tg.no_grad():
                w -= 0.1
        assert state.mode.observer is None
    count = film.recorder.samples
    with film:  # once more: still over
        (w * w).sum().backward()
    assert film.recorder.samples == count and len(film) == 1


def test_others_are_still_told_when_the_film_is_over():
    class Count(Observer):
        count = 0

        def operation(self, *told):
            self.count += 1

    for first in (True, False):
        count = Count()
        film = draw.film(steps=1)
        with observing(count) if first else film, film if first else observing(count):
            w = tg.tensor([1.0], requires_grad=True)
            for _ in range(3):
                (w * w).sum().backward()
                with tg.no_grad():
                    w -= 0.1
        assert film.recorder.over and count.count == 9


def test_a_film_has_at_most_so_many_values():
    model = nn.Linear(3, 1)
    with draw.film(model, max_values=40) as film:
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for number in range(20):
            optimizer.zero_grad()
            (model(batch(number, 4, 3)) ** 2).mean().backward()
            optimizer.step()
    assert film.recorder.samples < 45 and 1 < len(film) < 20 and "with 40 arrays" in film.notes[0]
    check_page(film.page())


def test_samples_get_smaller_in_a_long_film():
    film = draw.film()
    recorder, array = film.recorder, np.zeros((300, 300))
    sizes = []
    for count in (1, 4200, 9000, 40_000):
        recorder.samples = count
        sizes.append(recorder.sample(array).elements.size)
    assert sizes == sorted(sizes, reverse=True) and sizes[0] <= 2048 and sizes[-1] <= 64 and sizes[1] < sizes[0]
    assert "sample" in film.notes[-1]


def test_steps_that_look_alike_share_a_scene():
    def another(model, number):
        if number == 1:
            model.bias.requires_grad_(False)

    film, _ = line(4, 10, another)
    page = film.page()
    assert [step["scene"] for step in page["film"]["steps"]] == [0, 0, 1, 1]
    for step in page["film"]["steps"][1:]:  # the batch that has come, as far as the scene does not show it already
        first = step["events"][0]
        assert page["scenes"][step["scene"]]["vertices"][first["vertex"]]["kind"] in ("input", "operation")


def test_other_shapes_are_another_scene():
    model, optimizer = nn.Linear(3, 1), None
    with draw.film(model) as film:
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for size in (4, 4, 2, 4):
            optimizer.zero_grad()
            model(tg.ones(size, 3)).mean().backward()
            optimizer.step()
    assert [step["scene"] for step in film.page()["film"]["steps"]] == [0, 0, 1, 0]


def test_another_structure_is_another_scene():
    a, b = tg.tensor(2.0, requires_grad=True), tg.tensor(3.0, requires_grad=True)
    with draw.film({"a": a, "b": b}) as film:
        for operand, size in ((a, 2), (b, 2), (a, 2), (a, 3)):
            (a * operand * tg.ones(size).sum()).backward()
            with tg.no_grad():
                a -= 0.1
    assert [step["scene"] for step in film.page()["film"]["steps"]] == [0, 1, 0, 2]


def test_what_is_computed_after_the_last_step_is_left_out():
    model = nn.Linear(3, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with draw.film(model) as film:
        for number in range(2):
            optimizer.zero_grad()
            (model(batch(number, 4, 3)) ** 2).mean().backward()
            optimizer.step()
        model(batch(7, 9, 3))
    assert len(film) == 2 and len(film.page()["scenes"]) == 1


def shown_values(page):
    """For each training step: name of each vertex -> what it holds at its end."""
    states, ends = [{n: v["value"] for n, v in enumerate(scene["vertices"])} for scene in page["scenes"]], []
    for step in page["film"]["steps"]:
        for event in step["events"]:
            if event["phase"] != "backward":
                states[step["scene"]][event["vertex"]] = event["value"]
        names = [v["name"] or v["label"] for v in page["scenes"][step["scene"]]["vertices"]]
        ends.append({names[n]: None if v is None else page["values"][v] for n, v in states[step["scene"]].items()})
    return ends


def test_the_page_shows_parameters_and_batches_of_each_step():
    model, seen = nn.Linear(3, 1), []
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
    with draw.film(model) as film:
        for number, size in enumerate((4, 4, 2, 4)):
            optimizer.zero_grad()
            x = batch(number, size, 3)
            (model(x) ** 2).mean().backward()
            optimizer.step()
            seen.append((x.array.copy(), model.weight.array.copy(), model.bias.array.copy()))
    for shown, (x, weight, bias) in zip(shown_values(film.page()), seen, strict=True):
        for name, array in (("input", x), ("weight", weight), ("bias", bias)):
            assert np.allclose(shown[name]["full"], array.ravel(), rtol=1e-4), name


def test_masks_and_other_plain_arrays_are_shown_too():
    mask, w = np.array([1.0, 0.0, 2.0], np.float32), tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    with draw.film({"w": w}) as film:
        for _ in range(2):
            (w * mask).sum().backward()
            with tg.no_grad():
                w -= 0.1
            mask = mask + 1
    ends = shown_values(film.page())
    assert [next(v["full"] for k, v in end.items() if k == "") for end in ends] == [[1, 0, 2], [2, 1, 3]]


def test_what_is_computed_before_the_next_forward_pass_belongs_to_it():
    data, w = batch(0, 6, 3), tg.ones(3, requires_grad=True)
    with draw.film({"w": w}, {"data": data}) as film:
        for number in range(3):
            part = data[2 * number : 2 * number + 2] * 2
            (part @ w).sum().backward()
            w.data -= 0.1 * w.grad
            w.grad = None
    assert len(film) == 3 and len(film.page()["scenes"]) == 1
    assert [[step.name for step in part.steps] for part, _, _ in film.arranged()[1]] == [
        ["getitem", "mul", "matmul", "sum"]
    ] * 3
    assert "stand as in the first one" in film.notes[-1]


@pytest.mark.parametrize("name", ["data_is_written", "data_is_replaced", "copied_into", "micrograd", "momentum"])
def test_changes_belong_to_the_step_that_made_them(name):
    with draw.film(steps=100) as film:
        parameters, _ = next(program for program in PROGRAMS if program.__name__ == name)()
    for training in film:
        kinds = ["update" if isinstance(event, Update) else "other" for event in training.events]
        changed = {before for event in training.events if isinstance(event, Update) for before, _ in event.changes}
        used = {value for step in training.steps if step.recorded for value in flat(step.operands) if value.leaf}
        if training.number > 1:  # before it there are those of initialisation
            assert changed == used and len(used) == len(parameters)
            last = max(n for n, event in enumerate(training.events) if isinstance(event, Contribution))
            assert "update" not in kinds[:last]


def test_a_change_that_changes_nothing_ends_no_step():
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    with draw.film({"w": w}) as film:
        for _ in range(2):
            (w * w).sum().backward()
            with tg.no_grad():
                w.sub_(0)
    assert len(film) == 1 and not any(isinstance(event, Update) for event in film[0].events)
    assert [event.why for event in film[0].events if isinstance(event, Arrival)] == ["start", "start", "added"]


def test_what_is_not_drawn_is_not_played():
    x = tg.tensor(1.0, requires_grad=True)
    with draw.film({"x": x}, max_nodes=20) as film:
        y = x
        for _ in range(100):
            y = y * 1.01 + x
        y.backward()
    page = film.page()
    check_page(page)
    assert len(page["scenes"][0]["vertices"]) < 50 and "is not played (18" in film.notes[0]
    last = next(e for e in reversed(page["film"]["steps"][0]["events"]) if e["vertex"] == 0)
    assert np.isclose(page["values"][last["gradient"]]["full"][0], x.grad.item(), rtol=1e-4)
    assert any(event.get("why") == "unseen" for event in page["film"]["steps"][0]["events"])


def test_forgotten_zero_grad_is_noted():
    model = nn.Linear(3, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with draw.film(model) as film:
        for number in range(3):
            (model(batch(number, 4, 3)) ** 2).mean().backward()
            optimizer.step()
    assert [training.leftover for training in film] == [False, True, True]
    assert "in step 2, 3 parameters were updated by gradients" in film.notes[0]
    last = told(film[2])
    number = value_before(film[2], "weight", film, {"weight": model.weight}).number
    assert np.array_equal(exact(last[number]), model.weight.grad.array)
    whys = [event.why for event in film[2].events if isinstance(event, Arrival)]
    assert whys == ["start", "added", "added"]


def test_arrivals_say_why():
    w = tg.tensor([3.0, 4.0], requires_grad=True)
    w.register_hook(lambda g: g * 10)
    optimizer = optim.SGD([w], lr=0.1)
    with draw.film({"w": w}) as film:
        (w * w).sum().backward()
        w.grad /= 2
        optimizer.step()
    found = [(event.why, event.gradient.elements.tolist()) for event in film[0].events if isinstance(event, Arrival)]
    assert found == [("start", 1.0), ("hook", [60, 80]), ("changed", [30, 40])]
    assert "w.grad = … (changed before the update)" in str(film)


def test_a_hook_of_a_module_changes_gradients():
    model, x = nn.Sequential(nn.Linear(1, 1), nn.Tanh()), tg.tensor([[0.5]])
    model[1].register_full_backward_hook(lambda module, given, taken: (given[0] * 2,))
    with draw.film(model) as film:
        y = model(x)
        y.sum().backward()
    first, second = (event for event in film[0].events if isinstance(event, Arrival))
    assert (first.why, second.why) == ("start", "hook")
    assert second.value is film[0].steps[0].results[0]
    assert np.allclose(exact(second.gradient), 2 * (1 - y.array**2))
    through = next(event for event in film[0].events if isinstance(event, Contribution) and event.step.name == "tanh")
    assert np.allclose(exact(through.part), 1 - y.array**2) and through.value is second.value


def test_evaluation_is_not_part_of_the_steps():
    def evaluate(model, number):
        with tg.no_grad():
            (model(batch(7, 5, 3)) > 0).sum().item()

    film, _ = line(3, 10, evaluate)
    assert len(film) == 3 and len(film.page()["scenes"]) == 1
    assert "do not lead to the loss" in film.notes[0]


@pytest.mark.parametrize("name", ["zeroed_gradients", "data_is_written", "clipped", "momentum", "hooked"])
def test_what_was_done_in_place_is_no_operation_that_is_missing(name):
    with draw.film(steps=100) as film:
        next(program for program in PROGRAMS if program.__name__ == name)()
    assert not any("do not lead" in note for note in film.notes)


@pytest.mark.parametrize("depth", [0, 1])
def test_collapsed_modules(depth):
    model = nn.Sequential(nn.Sequential(nn.Linear(3, 4), nn.Tanh()), nn.Sequential(nn.Linear(4, 4), nn.Tanh()))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with draw.film(model, depth=depth, direction="LR") as film:
        for number in range(2):
            optimizer.zero_grad()
            (model(batch(number, 4, 3)) ** 2).mean().backward()
            optimizer.step()
    page = film.page()
    check_page(page)
    assert "module" in [vertex["kind"] for vertex in page["scenes"][0]["vertices"]] and str(film)
    assert page["scenes"][0]["direction"] == "LR" and "is not played" in " ".join(film.notes)


def test_a_film_without_training():
    model = nn.Linear(3, 1)
    with draw.film(model) as film:
        model(batch(0, 2, 3))
        with tg.no_grad():
            model(batch(1, 2, 3))
    assert len(film) == 1 and film[0].loss is None and film.page()["film"]["steps"][0]["loss"] is None
    with draw.film() as nothing:
        pass
    assert nothing.notes == ["nothing was computed with Tensors while the film was recorded"]
    assert nothing.page()["scenes"] == [] and "nothing was computed" in str(nothing) and nothing.html()


def test_a_loss_that_is_not_a_number():
    w = tg.tensor([-1.0], requires_grad=True)
    with draw.film({"w": w}) as film:
        w.sqrt().sum().backward()
    page = film.page()
    assert page["film"]["steps"][0]["loss"] == "nan" and "loss nan" in str(film)
    json.dumps(page, allow_nan=False)
    assert "nan" in film.html()


# ---- what goes wrong


@pytest.mark.parametrize("error", [ValueError("no <b>good</b>\nat all"), KeyboardInterrupt()])
def test_an_exception_ends_the_film_which_keeps_what_it_has(error):
    model = nn.Linear(3, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(type(error)), draw.film(model) as film:
        for number in range(3):
            optimizer.zero_grad()
            (model(batch(number, 4, 3)) ** 2).mean().backward()
            if number == 2:
                raise error
            optimizer.step()
    assert len(film) == 3 and not any(isinstance(event, Update) for event in film[2].events)
    text = "ended with ValueError: no <b>good</b>" if isinstance(error, ValueError) else "ended with KeyboardInterrupt"
    assert film.notes[0].endswith(text)
    check_page(film.page())
    assert "<b>good" not in film.html()


def test_an_operation_that_fails():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(5, 1))
    with pytest.raises(RuntimeError), draw.film(model) as film:
        model(tg.ones(2, 3))
    assert "failed: " in str(film) and "failed" in [v["kind"] for v in film.page()["scenes"][0]["vertices"]]
    optimizer, model = None, nn.Linear(3, 1)
    with pytest.raises(RuntimeError), draw.film(model) as film:
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        model(tg.ones(2, 3)).sum().backward()
        optimizer.step()
        model(tg.ones(2, 4))
    assert len(film) == 2 and "step 2" in str(film)


class Breaks(tg.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        raise KeyboardInterrupt


def test_a_backward_pass_that_is_interrupted():
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    with draw.film({"w": w}) as film:
        with pytest.raises(KeyboardInterrupt):
            (Breaks.apply(w * 3) ** 2).sum().backward()
        (w * w).sum().backward()
        with tg.no_grad():
            w -= w.grad
        (w * w).sum().backward()
    assert len(film) == 2 and told(film[1]) and str(film)
    check_page(film.page())


def test_in_a_block_of_its_own_only():
    film = draw.film()
    with film, pytest.raises(RuntimeError, match="recorded already"), film:
        pass
    assert state.mode.observer is None


def test_two_films_at_once():
    model = nn.Linear(3, 1)
    with draw.film(model) as one, draw.film(model, steps=1) as other:
        line(3, 2, model=model)
    assert len(one) == 3 and len(other) == 1


@pytest.mark.parametrize(
    "named, text",
    [
        ({"steps": 0}, "steps must be"), ({"steps": True}, "steps must be"), ({"max_values": 0}, "max_values must be"),
        ({"direction": "up"}, "direction must be"), ({"params": 3}, "params must be"), ({"inputs": [3]}, "inputs"),
    ],
)  # fmt: skip
def test_bad_arguments(named, text):
    with pytest.raises((ValueError, TypeError), match=text):
        draw.film(**named)


# ---- files


def test_saving(tmp_path):
    film, _ = line(2, 5)
    path = tmp_path / "new" / "x.html"
    assert film.save(path) == str(path) and path.read_text(encoding="utf-8") == film.html()
    with pytest.raises(ValueError, match=r"must end in .html"):
        film.save(tmp_path / "x.gif")
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["x.html"]
    shown = film._repr_html_()
    assert shown.startswith("<iframe") and "<script" not in shown and "srcdoc=" in shown


def test_saved_after_more_training():
    film, model = line(2, 5)
    before = film.html()
    line(3, 1, model=model)
    model.weight.data = tg.zeros(1, 3)
    assert film.html() == before and "weight" in str(film)


def test_hostile_names():
    name = "<script>alert(1)</script>\"'\u2028\x00é"
    w = tg.tensor([1.0], requires_grad=True)
    with draw.film({name: w}, title=name) as film:
        (w * w).sum().backward()
    assert "<script>alert" not in film.html() and "<script>alert" not in film._repr_html_()


def test_a_large_film_fits(tmp_path):
    layers = []
    for _ in range(30):
        layers += [nn.Linear(64, 64), nn.Tanh()]
    model = nn.Sequential(*layers)
    optimizer = optim.Adam(model.parameters())
    with draw.film(model) as film:
        for number in range(6):
            optimizer.zero_grad()
            (model(batch(number, 32, 64)) ** 2).mean().backward()
            optimizer.step()
    assert len(film.html()) < 3_000_000
    text = str(film)
    assert len(text.splitlines()) < 6 * 130 and "… 30 more" in text


def test_many_values_are_described_in_less_detail():
    sizes = []
    for count in (10, 2000, 12_000):
        pool = Pool()
        for number in range(count):
            array = np.zeros((40, 40))
            array[0, 0] = number + 1
            assert pool.number(sampled(array, 2000)) == pool.number(sampled(array, 2000)) == number
        sizes.append(len(json.dumps(pool.described()[:10])))
    assert sizes[0] > 2 * sizes[1] > 4 * sizes[2]


def test_the_text_tells_what_is_given_once():
    model, x = nn.Linear(3, 1), [batch(number, 1, 3) for number in (0, 0, 1)]
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with draw.film(model) as film:
        for each in x:
            optimizer.zero_grad()
            model(each).sum().backward()
            optimizer.step()
    first, second, third = str(film).split("step ")[1:]
    assert "input = …" in first and "weight = …" in first.split("forward")[0] and "given" not in second
    assert third.split("forward")[0].count("= …") == 1 and "input = …" in third


def test_arrays_are_not_kept():
    w = tg.tensor(np.zeros((1000, 1000), np.float32), requires_grad=True)
    with draw.film({"w": w}) as film:
        for _ in range(3):
            y = (w * np.ones((1000, 1000), np.float32))[np.arange(10000) % 1000]
            (y * y).sum().backward()
            with tg.no_grad():
                w -= w.grad
    found, todo = set(), [film]
    arrays = []
    while todo:  # everything that the film holds, but for tensors that are alive anyway
        each = todo.pop()
        if id(each) in found or isinstance(each, (type, type(sys), tg.Tensor)) or callable(each):
            continue
        found.add(id(each))
        if isinstance(each, np.ndarray):
            arrays.append(each)
        todo += list(getattr(each, "__dict__", {}).values())
        todo += [getattr(each, name) for name in getattr(type(each), "__slots__", ()) if hasattr(each, name)]
        todo += list(each.values()) if isinstance(each, dict) else list(each) if isinstance(each, (list, tuple)) else []
    assert len(arrays) > 20 and max(owner_of(array).nbytes for array in arrays) <= 2048 * 4
