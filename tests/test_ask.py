"""`why` and `lint` name the true cause of seeded mistakes, with the line, and find nothing where all is correct."""

import gc
import inspect
import warnings

import numpy as np
import pytest
from cases_asked import ASKED
from cases_correct import PROGRAMS
from cases_mistakes import CORRECT, LOST, SILENT

import tinygrad_edu as tg
from tinygrad_edu import lately, lint, why


@pytest.fixture(autouse=True, scope="module")
def nothing_else():
    """The garbage collector, which `why` and `lint` ask for all objects, forgets those of pytest and of other tests: a
    program that is asked about has some thousands, not half a million."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def new_program():
    tg.manual_seed(0)
    for queue in (lately.departures, lately.departures_of_leaves, lately.backwards, lately.resets, lately.unrecorded):
        queue.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def line_marked(program):
    """The number of the line with the comment `# here` in the source of a program, or None."""
    lines, start = inspect.getsourcelines(program)
    return next((start + i for i, line in enumerate(lines) if line.rstrip().endswith("# here")), None)


def check_place(program, answer):
    line = line_marked(program)
    if line is not None:
        assert answer.place is not None, answer
        assert answer.place.rpartition(":")[2] == str(line), answer
        assert answer.line


@pytest.mark.parametrize("name", LOST)
def test_why_is_sure_with_a_function(name):
    program, cause, _, _ = LOST[name]
    parameter, loss = program()
    answer = why(parameter, loss)
    assert answer.cause == cause, answer
    check_place(program, answer)
    assert parameter.grad is None


@pytest.mark.parametrize("name", LOST)
def test_why_reads_the_graph_of_a_loss(name):
    program, _, cause, _ = LOST[name]
    parameter, loss = program()
    assert why(parameter, loss()).cause == cause, why(parameter, loss())


@pytest.mark.parametrize("name", [name for name in LOST if LOST[name][3] != "no backward"])
def test_why_remembers(name):
    program, _, _, cause = LOST[name]
    parameter, loss = program()
    value = loss()
    value.backward()
    answer = why(parameter)
    assert answer.cause == cause, answer


@pytest.mark.parametrize("name", LOST)
def test_why_reads_a_recording(name):
    from tinygrad_edu.recording import record

    program, cause, _, _ = LOST[name]
    parameter, loss = program()
    with record() as recording:
        value = loss()
        if value.requires_grad:
            value.backward()
    answer = why(parameter, recording)
    assert answer.cause == cause, answer


@pytest.mark.parametrize("name", SILENT)
def test_lint_names_the_cause(name):
    program, cause = SILENT[name]
    report = lint(*program())
    assert cause in report.causes, report
    finding = report[report.causes.index(cause)]
    check_place(program, finding)
    assert cause in str(report) and str(finding) in str(report)


@pytest.mark.parametrize("name", ASKED)
def test_mistakes_as_beginners_ask_about_them(name):
    program, causes = ASKED[name]
    answers = program()
    for answer in answers if type(answers) is tuple else (answers,):
        named = answer.causes if isinstance(answer, list) else [answer.cause]
        assert set(named) & set(causes), answer


@pytest.mark.parametrize("name", PROGRAMS)
def test_lint_knows_what_is_meant_so(name):
    report = lint(*PROGRAMS[name]())
    assert not report, report


@pytest.mark.parametrize("name", CORRECT)
def test_lint_has_nothing_to_say_of_correct_programs(name):
    report = lint(*CORRECT[name]())
    assert not report, report


@pytest.mark.parametrize("name", CORRECT)
def test_lint_leaves_everything_as_it_was(name):
    model, step = CORRECT[name]()
    state = {key: value.numpy().copy() for key, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    numbers = tg.get_rng_state().numpy().copy()
    lint(model, step)
    assert all(np.array_equal(state[key], value.numpy()) for key, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert modes == [module.training for module in model.modules()]
    assert np.array_equal(numbers, tg.get_rng_state().numpy())


def test_answers_have_parts():
    model = tg.nn.Linear(2, 1)
    answer = why(model.weight, lambda: model(tg.ones(1, 2)).detach().sum())
    file, _, line = answer.place.rpartition(":")
    assert file == __file__ and "detach().sum()" in answer.line and int(line) > 0
    assert str(answer) == repr(answer) == f"{answer.text}\n    {answer.place}:  {answer.line}\n{answer.advice}"
    assert "`weight`" in answer.text or "`model.weight`" in answer.text


def test_a_parameter_that_learns_is_fine():
    model = tg.nn.Linear(2, 1)
    optimizer = tg.optim.SGD(model.parameters(), lr=0.1)
    x = tg.ones(3, 2)

    def step():
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()

    before = model.weight.tolist()
    assert why(model.weight, step).cause == "fine"
    assert model.weight.tolist() == before and model.weight.grad is None
    step()
    assert why(model.weight).cause == "fine"
    loss = model(x).square().mean()
    assert why(model.weight, loss).cause == "fine"
    assert loss.requires_grad
    loss.backward()  # its graph was left as it was


def test_what_cannot_be_asked():
    model = tg.nn.Linear(2, 1)
    with pytest.raises(TypeError, match=r"why\(parameter\), not why\(parameter.grad\)"):
        why(model.weight.grad)
    with pytest.raises(TypeError, match="the loss is a Tensor, a function .* it has left the graph"):
        why(model.weight, 0.5)
    with pytest.raises(TypeError, match="the model is a Module, not function"):
        lint(lambda x: x, lambda: 0)
    with pytest.raises(TypeError, match="give a function that computes the loss"):
        lint(model, tg.nn.MSELoss())
    with pytest.raises(TypeError, match="not float"):
        lint(model, 1.0)
    with pytest.raises(TypeError, match="not an Optimizer, but Linear"):
        lint(model, lambda: 0, model)
    with pytest.raises(ZeroDivisionError):
        why(model.weight, lambda: 1 / 0)


def test_an_error_of_the_function_is_a_finding_with_its_line():
    model = tg.nn.Linear(2, 1)
    report = lint(model, lambda: model(tg.ones(1, 3)))
    assert report.causes == ["error"]
    assert report[0].place.rpartition(":")[0] == __file__ and "tg.ones(1, 3)" in report[0].line
    assert all(p.grad is None for p in model.parameters())


def test_a_report_prints():
    model = tg.nn.Linear(2, 1)
    good = lint(model, lambda: model(tg.ones(1, 2)).sum())
    assert good == [] and str(good).startswith("nothing found")
    bad = lint(model, lambda: model(tg.ones(1, 2)).detach().sum())
    assert str(bad).startswith("1. [detached] No gradient reaches `weight`, `bias`")


def test_asking_leaves_no_trace():
    """What is noted while a question is answered is forgotten, and modes and gradients are as they were."""
    model = tg.nn.Sequential(tg.nn.Linear(2, 2), tg.nn.BatchNorm1d(2))
    optimizer = tg.optim.Adam(model.parameters())
    x = tg.randn(4, 2)

    def step():
        model.train()
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        model.eval()
        return loss.item()

    step()
    grads = [p.grad.tolist() for p in model.parameters()]
    events = [len(queue) for queue in (lately.departures, lately.backwards, lately.resets)]
    state = {name: value.tolist() for name, value in model.state_dict().items()}
    moments = [{name: value.tolist() for name, value in optimizer.state[p].items()} for p in model.parameters()]
    for ask in (lambda: lint(model, step), lambda: why(model[0].weight, step)):
        ask()
        assert grads == [p.grad.tolist() for p in model.parameters()]
        assert events == [len(queue) for queue in (lately.departures, lately.backwards, lately.resets)]
        assert state == {name: value.tolist() for name, value in model.state_dict().items()}
        assert moments == [{n: v.tolist() for n, v in optimizer.state[p].items()} for p in model.parameters()]
        assert not model.training


def test_noted_events_keep_nothing_alive():
    import gc
    import weakref

    x = tg.ones(2, requires_grad=True)
    loss = (x * 2).sum()
    loss.item()
    loss.backward()
    node = weakref.ref(loss.node)
    place = lately.events(lately.backwards)[0].place
    assert place.rpartition(":")[0] == __file__
    del loss
    gc.collect()
    assert node() is None and lately.events(lately.backwards)[0].subject is None


def test_a_recording_without_a_backward_pass():
    from tinygrad_edu.recording import record

    model = tg.nn.Linear(2, 3)
    with record() as recording:
        model(tg.ones(1, 2))
    assert why(model.weight, recording).cause == "backward not called"
    with record() as recording:
        model(tg.ones(1, 2)).sum()
    answer = why(model.weight, recording)
    assert answer.cause == "backward not called" and "sum()" in answer.line
