"""Pictures in which what is repeated is drawn once: the edges are those of the program, whatever it is."""

import random
from collections import Counter

import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.draw import graph
from tinygrad_edu.draw.program import picture_of_recording
from tinygrad_edu.draw.vertex import LEAVES
from tinygrad_edu.recording import Step, record


def rolled_and_whole(program, **more):
    return [picture_of_recording(program, roll=roll, **more) for roll in (True, False)]


def check(program, **more):
    """Every operation, and every edge of the whole picture, has its place in the rolled one; nothing else is there."""
    rolled, whole = rolled_and_whole(program, **more)
    place = {member: vertex for vertex in rolled.vertices for member in vertex.members}
    steps = [member for vertex in rolled.vertices for member in vertex.members if isinstance(member, Step)]
    assert Counter(steps) == Counter([vertex.made for vertex in whole.vertices if isinstance(vertex.made, Step)])
    expected = set()
    for vertex in whole.vertices:
        for operand in vertex.operands:
            if vertex.kind == "operation" and operand.made is not None:
                expected.add((place[operand.made], place[vertex.made]))
    drawn = {
        (operand, vertex)
        for vertex in rolled.vertices
        for operand in vertex.operands
        if vertex.kind == "operation" and operand.made is not None
    }
    loops = set(rolled.loops)
    assert drawn <= expected and expected - drawn <= loops <= expected
    seen = set()
    for vertex in rolled.vertices:
        assert seen.issuperset(vertex.operands)
        seen.add(vertex)
    return rolled


def operations(picture):
    return [vertex for vertex in picture.vertices if vertex.kind not in LEAVES and vertex.kind != "output"]


def random_program(rng):
    """Operations with few kinds and few operands, partly in loops, so that much of it repeats by accident."""
    values = [tg.ones(2, requires_grad=True) for _ in range(3)]
    kinds = rng.choices([tg.add, tg.mul, tg.tanh, tg.sin], k=2)
    for _ in range(rng.randrange(1, 5)):
        body = [(rng.choice(kinds), rng.randrange(1, 5), rng.randrange(1, 5)) for _ in range(rng.randrange(1, 5))]
        fixed = rng.choice(values)
        for _ in range(rng.randrange(1, 9)):
            for kind, near, far in body:
                if rng.random() < 0.02:
                    kind = tg.cos
                operands = [values[-min(near, len(values))], rng.choice([fixed, values[-min(far, len(values))]])]
                if far == 4 and rng.random() < 0.5:
                    operands[1] = tg.ones(2, requires_grad=True)
                values.append(kind(*operands[: 2 if kind in (tg.add, tg.mul) else 1]))
    return values[-1]


@pytest.mark.parametrize("seed", range(60))
def test_edges_of_random_programs(seed):
    with record() as program:
        random_program(random.Random(seed))
    check(program)


def test_that_random_programs_are_rolled_up_at_all():
    saved = 0
    for seed in range(60):
        with record() as program:
            random_program(random.Random(seed))
        rolled, whole = rolled_and_whole(program)
        saved += len(whole.vertices) > len(rolled.vertices)
    assert saved > 20


def unrolled(steps):
    w, u = tg.ones(3, 3, requires_grad=True), tg.ones(3, 3, requires_grad=True)
    x, h, every = tg.ones(2, steps, 3), tg.zeros(2, 3), []
    for t in range(steps):
        h = (x[:, t] @ w + h @ u).tanh()
        every.append(h)
    return tg.stack(every), {"w": w, "u": u}, {"x": x}


def test_an_unrolled_recurrent_network():
    with record() as program:
        _, params, inputs = unrolled(12)
    picture = check(program, params=params, inputs=inputs)
    first, _, by_u, _, tanh, stack = operations(picture)
    assert first.label == "[:, 0…11]" and len(tanh.members) == 12 and stack.times == 1
    assert picture.loops == [(tanh, by_u)] and first.cluster is tanh.cluster and stack.cluster is None
    assert tanh.cluster.title == "×12" and tanh.cluster.times == 12
    start = by_u.operands[0]  # the state before the first step comes from outside
    assert (start.kind, start.cluster) == ("constant", None)
    text = str(graph(program, params, inputs, roll=True))
    assert "×12, %3 takes %5 of the round before\n    %1 = x[:, 0…11]" in text
    assert "(55 repeated operations are drawn once, with their count)" in text


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(4)]
        self.norm, self.inner = nn.LayerNorm(4), nn.Sequential(*layers)

    def forward(self, x):
        return x + self.inner(self.norm(x))


class Stack(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.blocks, self.head = nn.ModuleList([Block() for _ in range(count)]), nn.Linear(4, 2)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def test_blocks_within_blocks():
    model, x = Stack(5), tg.ones(3, 4)
    with record() as program:
        model(x)
    picture = check(program)
    norm, linear, relu, plus, head = operations(picture)
    titles = [cluster.title for cluster in linear.cluster.chain()]
    assert titles == [
        "blocks.0…4.inner.0…3.0: Linear", "blocks.0…4.inner.0…3: Sequential ×4", "blocks.0…4.inner: Sequential",
        "blocks.0…4: Block ×5", "Stack",
    ]  # fmt: skip
    weight = linear.operands[1]
    assert weight.label == "blocks.0…4.inner.0…3.0.weight" and len(weight.members) == 20 == len(linear.members)
    assert set(picture.loops) == {(plus, norm), (plus, plus), (relu, linear)}
    assert head.operands[0] is plus and head.cluster.title == "head: Linear"


def test_folded_modules_are_rolled_up_too():
    drawing = graph(Stack(7), tg.ones(3, 4), depth=1, roll=True)
    block, _ = [vertex for vertex in drawing.picture.vertices if vertex.kind == "module"]
    assert (block.name, block.label, block.times, block.settings) == ("blocks.0…6", "Block", 7, "88 parameters")
    assert "blocks.0…6" in drawing.source and "×7" in drawing.source and "peripheries=2" in drawing.source
    assert "blocks.0…6(x)  [88 parameters]  ×7" in str(drawing)


def test_small_pictures_are_drawn_in_full_unless_asked():
    model, x = Stack(3), tg.ones(3, 4)
    assert not graph(model, x).picture.loops and graph(model, x, roll=True).picture.loops
    assert graph(Stack(12), x).picture.loops and not graph(Stack(12), x, roll=False).picture.loops


def test_leaves_that_others_use_too_are_not_merged():
    weights = [tg.ones(3, requires_grad=True) for _ in range(8)]
    with record() as program:
        y = tg.ones(3)
        for w in weights:
            y = y * w + 1
    assert len(operations(check(program))) == 2
    with record() as program:
        y = tg.ones(3)
        for w in weights:
            y = y * w + 1
        y * weights[4]  # this one plays a part of its own
    picture = check(program)
    assert sum(v.kind == "leaf" and len(v.members) == 1 for v in picture.vertices) >= 1


def test_what_comes_from_two_rounds_before_is_not_rolled_up():
    with record() as program:
        a, b = tg.ones(3, requires_grad=True), tg.ones(3, requires_grad=True)
        for _ in range(10):
            a, b = b, (a + b).tanh()
    check(program)


def test_the_losses_of_several_rounds_are_one_output():
    w, x = tg.ones(3, requires_grad=True), tg.ones(2, 3)
    with record() as program:
        for _ in range(4):
            loss = (x * w).square().sum()
            loss.backward()
            with tg.no_grad():
                w -= 0.1 * w.grad
            w.grad = None
    picture = check(program, params={"w": w})
    assert [vertex.label for vertex in picture.vertices if vertex.kind == "output"] == ["loss 0…3"]
    (weight,) = [vertex for vertex in picture.vertices if vertex.kind == "parameter"]
    assert len(weight.members) == 4  # its values before each step


def test_20_000_operations_without_recursion():
    with record(keep=lambda array: None) as program:
        unrolled(4000)
    picture = check(program)
    assert len(operations(picture)) == 6
    y = tg.ones(3, requires_grad=True)
    for _ in range(20_000):
        y = y.tanh()
    drawing = graph(y)
    (tanh,) = operations(drawing.picture)
    assert tanh.times == 20_000 and drawing.picture.loops == [(tanh, tanh)] and "tanh(leaf)  ×20,000" in str(drawing)
