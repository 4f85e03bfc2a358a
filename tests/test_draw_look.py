"""What pictures show besides operations: the backward graph, gradients, values, costs, themes, edges with shapes."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.draw import graph
from tinygrad_edu.draw.gradients import magnitude
from tinygrad_edu.draw.theme import THEMES, between, colour_of_gradient, ink_on
from tinygrad_edu.recording import record


def leaf(*shape):
    return tg.ones(shape, requires_grad=True)


def svg_texts(drawing):
    pytest.importorskip("pygraphviz")
    elements = ElementTree.fromstring(drawing.render("svg")).iter()
    return [element.text for element in elements if element.tag.endswith("}text")]


def gradients_of(drawing):
    return {v.name or v.label: v.gradient for v in drawing.picture.vertices if v.gradient is not None}


def program_and_model(layers=2):
    model = nn.Sequential(*[part for _ in range(layers) for part in (nn.Linear(3, 3), nn.Sigmoid())])
    x = tg.randn(5, 3)
    with record() as program:
        loss = model(x).square().mean()
        loss.backward()
    return program, model, x, loss


# ---- the backward graph


def test_the_backward_graph_mirrors_the_forward_graph():
    x, w, fixed = leaf(2, 3), leaf(3), tg.ones(3)
    h = x * w
    loss = (h.tanh() + h.detach() * fixed + h).sum()
    with record() as program:
        h = x * w
        loss = (h.tanh() + h.detach() * fixed + h).sum()
    for drawing in (graph(loss, {"w": w}, {"x": x}, backward=True), graph(program, {"w": w}, {"x": x}, backward=True)):
        mirror = {v.of: v for v in drawing.picture.vertices if v.kind == "gradient"}
        assert sorted(v.label for v in mirror.values()) == sorted(["Σ′", "+′", "+′", "tanh′", "×′", "∂ x", "∂ w"])
        forward = [v for v in drawing.picture.vertices if v.kind != "gradient"]
        expected = {
            (mirror[vertex], mirror[operand])
            for vertex in forward
            for operand in vertex.operands
            if vertex in mirror and operand in mirror
        }
        backward = {(operand, v) for v in mirror.values() for operand in v.operands if operand.kind == "gradient"}
        assert backward == expected
        (start,) = [v for v in mirror.values() if v.operands[0].kind == "output"]
        assert start.label == "Σ′"
        seen = set()
        for vertex in drawing.picture.vertices:
            assert seen.issuperset(vertex.operands)
            seen.add(vertex)
        assert drawing.source.count("dir=back") == len(backward) + 1


def test_backward_of_rolled_and_folded_pictures():
    program, model, _, _ = program_and_model(8)
    picture = graph(program, model, roll=True, backward=True).picture
    labels = [v.label for v in picture.vertices if v.kind == "gradient"]
    assert [(a.label, b.label) for a, b in picture.loops] == [("σ", "linear"), ("linear′", "σ′")]
    assert labels == ["mean′", "x²′", "σ′", "linear′", "∂ 0…14.bias", "∂ 0…14.weight"]
    labels = [v.label for v in graph(program, model, depth=1, roll=False, backward=True).picture.vertices]
    assert labels[-3:] == ["2′", "1′", "0′"]


# ---- gradients


def test_gradients_are_those_of_the_recording():
    program, model, x, _ = program_and_model()
    drawing = graph(program, model, {"x": x}, gradients=True)
    found = gradients_of(drawing)
    for name, parameter in model.named_parameters():
        np.testing.assert_allclose(found[name], parameter.grad.numpy(), rtol=1e-5)
    assert found["loss"] == 1
    rms = float(np.sqrt(np.mean(model[0].weight.grad.numpy() ** 2)))
    assert f"∇ {rms:.1e}" in svg_texts(drawing)
    assert colour_of_gradient(THEMES["light"], rms) in drawing.source
    (given,) = [v for v in drawing.picture.vertices if v.name == "x"]
    assert given.magnitude is None  # it needs no gradient


def test_gradients_are_computed_for_tensors_and_modules():
    _, model, x, _ = program_and_model()
    for parameter in model.parameters():
        parameter.grad = None
    loss = model(x).square().mean()
    drawings = [graph(loss, model, {"x": x}, gradients=True), graph(nn.Sequential(model, Mean()), x, gradients=True)]
    assert all(parameter.grad is None for parameter in model.parameters())
    loss.backward()
    for drawing, prefix in zip(drawings, ("", "0.")):
        found = gradients_of(drawing)
        for name, parameter in model.named_parameters():
            np.testing.assert_allclose(found[prefix + name], parameter.grad.numpy(), rtol=1e-5)
    with pytest.raises(ValueError, match=r"Draw before backward\(\), or record both"):
        graph(loss, model, gradients=True)
    assert "gradients are those of the sum of all outputs" in str(graph(model, x, gradients=True))
    assert "sum of all outputs" not in str(drawings[1])


class Mean(nn.Module):
    def forward(self, x):
        return x.square().mean()


def test_a_rolled_box_has_the_largest_of_its_gradients():
    program, model, _, _ = program_and_model(10)
    rolled, whole = (graph(program, model, gradients=True, roll=roll).picture.vertices for roll in (True, False))
    (linear,) = [v for v in rolled if v.operation == "linear"]
    assert linear.magnitude == max(v.magnitude for v in whole if v.operation == "linear")


def test_operands_that_were_broadcast_and_used_twice():
    b, x = leaf(3), leaf(4, 3)
    with record() as program:
        loss = ((x + b) * b).sum()
        loss.backward()
    np.testing.assert_allclose(gradients_of(graph(program, {"b": b}, {"x": x}, gradients=True))["b"], b.grad.numpy())


def test_gradients_of_what_is_used_twice():
    w = tg.tensor([0.5, 2.0], requires_grad=True)
    with record() as program:
        h = w * 3.0
        h.retain_grad()
        (h * h + h).sum().backward()
    drawing = graph(program, {"w": w}, {"h": h}, gradients=True)
    np.testing.assert_allclose(gradients_of(drawing)["h"], h.grad.numpy())


def test_outputs_outside_of_the_graph_have_no_backward_graph():
    w = leaf(2)
    with record() as program:
        (w * 2.0).sum()
        w.detach() * 3.0
    text = str(graph(program, {"w": w}, backward=True)).split("\n")
    assert text[-3:] == ["∂%2 ← output 0    scalar", "∂%1 ← ∂%2         (2,)", "∂w ← ∂%1          (2,)"]
    (w * w).sum().backward()
    with record() as program:
        (w * w).sum().backward()
    text = str(graph(program, {"w": w}, gradients=True, backward=True)).split("\n")
    assert text[-2:] == ["∂%1 ← ∂%2        (2,)   ∇ 1.0e+00", "∂w ← ∂%1 + ∂%1   (2,)   ∇ 2.0e+00"]


def test_several_results():
    a = tg.tensor([[2.0, 0.5], [0.5, 1.0]], requires_grad=True)
    with record() as program:
        values, vectors = tg.linalg.eigh(a)
        (values.sum() + vectors.square().sum()).backward()
    found = gradients_of(graph(program, {"a": a}, gradients=True))
    np.testing.assert_allclose(found["a"], a.grad.numpy(), atol=1e-6)


@pytest.mark.parametrize(
    "arrays, expected",
    [
        ([np.array([3.0, 4.0])], np.sqrt(12.5)), ([np.zeros(3)], 0.0), ([], None), ([np.empty(0)], None),
        ([np.array([1e-30, 1e-30], np.float32)], 1e-30), ([np.array([1e30], np.float32)], 1e30),
        ([np.array([1.0, np.inf])], np.inf), ([np.array(1.0), np.array(2.0)], 2.0),
    ],
)  # fmt: skip
def test_magnitudes(arrays, expected):
    found = magnitude(arrays)
    assert found is None if expected is None else found == pytest.approx(expected, rel=1e-5)


def test_a_magnitude_that_is_no_number():
    assert np.isnan(magnitude([np.array([1.0]), np.array([np.nan]), np.array([2.0])]))
    w = leaf(2)
    with record() as program:
        (w * tg.tensor([np.nan, 0.0])).sum().backward()
    drawing = graph(program, {"w": w}, gradients=True)
    assert "not finite" in drawing.source and THEMES["light"].bad in drawing.source


def test_the_scale_of_gradients():
    for theme in THEMES.values():
        assert colour_of_gradient(theme, 1e-8) == colour_of_gradient(theme, 1e-30) == theme.ramp[0]
        assert colour_of_gradient(theme, 1e4) == colour_of_gradient(theme, 1e30) == theme.ramp[-1]
        assert colour_of_gradient(theme, 1e-2) == theme.ramp[2] and colour_of_gradient(theme, 0.0) == theme.zero
    assert between(("#000000", "#ffffff", "#ff0000"), 0.25) == "#808080" and ink_on("#ffffff") == "#111111"
    texts = svg_texts(graph(leaf(2).sum(), gradients=True))
    assert {"≤ 1e-8", "1e-2", "≥ 1e+4", "∇ 1.0e+00"} <= set(texts)


# ---- values


def test_values():
    w = tg.tensor([[1.5, -2.0], [0.25, np.nan]], requires_grad=True)
    with record() as program:
        big = w.repeat(20, 20) * 3.0
        chosen = big > 2
    drawing = graph(program, {"w": w}, values=True)
    texts = svg_texts(drawing)
    assert {"1.5", "-2", "0.25", "nan"} <= set(texts) and any("mean" in text for text in texts)
    assert drawing.source.count('FIXEDSIZE="TRUE" WIDTH="72" HEIGHT="72"') == 3  # heat maps of 12 × 12 cells
    assert "WIDTH=" not in graph(program, {"w": w}).source
    assert chosen.dtype == tg.bool


def test_gradients_are_values_of_the_backward_graph():
    w = tg.tensor([0.5, -1.25], requires_grad=True)
    with record() as program:
        (w * w * w).sum().backward()
    texts = svg_texts(graph(program, {"w": w}, values=True, gradients=True, backward=True))
    assert {"0.75", "4.69", "∇ 3.4e+00"} <= set(texts)  # 3 w²


def test_values_need_a_recording():
    w = leaf(2)
    drawing = graph((w * 7.0).sum(), {"w": w}, values=True)
    assert drawing.picture.notes == ["values are known of recordings and models only"]


# ---- costs, shapes, themes


def test_costs():
    drawing = graph(nn.Linear(10, 20), tg.ones(5, 10), costs=True)
    assert "1,000 multiply-adds, 400 bytes" in svg_texts(drawing)
    model = nn.Sequential(nn.Linear(100, 200), nn.ReLU(), nn.Linear(200, 10))
    assert any("110 k multiply-adds" in text for text in svg_texts(graph(model, tg.ones(5, 100), costs=True, depth=0)))


def test_shapes_along_the_edges():
    a = leaf(3, 3)
    with record() as program:
        values, vectors = tg.linalg.eigh(a)
        vectors @ values
    texts = [text.strip("\xa0 ") for text in svg_texts(graph(program, {"a": a}, shapes="edges"))]
    assert {"(3, 3)", "[0] (3,)", "[1] (3, 3)", "(3,)"} <= set(texts)
    assert "(3, 3), " not in str(texts)


@pytest.mark.parametrize("theme", THEMES)
def test_themes(theme):
    program, model, x, _ = program_and_model()
    drawing = graph(program, model, {"x": x}, theme=theme, legend=True, backward=True, gradients=True, values=True)
    assert f'bgcolor="{THEMES[theme].page}"' in drawing.source
    used = set(re.findall("#[0-9a-f]{6}", drawing.source))
    if theme == "print":  # shades of grey only
        assert all(colour[1:3] == colour[3:5] == colour[5:7] for colour in used)
    assert {"parameter", "input or leaf", "operation", "output", "gradient"} <= set(svg_texts(drawing))
    assert "failed" not in svg_texts(drawing)  # the legend explains what is there


def test_names_are_short_within_frames():
    model = nn.Sequential(nn.Sequential(nn.Linear(3, 3), nn.ReLU()))
    texts = svg_texts(graph(model, tg.ones(1, 3)))
    assert {"0: Sequential", "0: Linear", "weight", "bias", "1: ReLU"} <= set(texts) and "0.0.weight" not in texts
    assert "0.0.weight" in str(graph(model, tg.ones(1, 3)))


def test_values_of_odd_arrays():
    with record() as program:
        tg.zeros(0, 3) * 1
        tg.zeros(3, 0) + 1
        tg.ones(2, 2, 2) - 1
        tg.full((50, 50), np.nan) * 2
        tg.tensor(7) * 2
        tg.tensor([True, False]).logical_not()
    texts = svg_texts(graph(program, values=True))
    assert {"(0, 3)", "(3, 0)", "14", "True", "False"} <= set(texts)
