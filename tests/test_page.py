"""Pages: the data in them, the file, and what a real browser makes of it (skipped where there is no Chromium)."""

import base64
import hashlib
import itertools
import json
import re
import shutil

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.define import OPS
from tinygrad_edu.draw import film, graph, page
from tinygrad_edu.draw.labels import visible
from tinygrad_edu.draw.page.rules import rules_of
from tinygrad_edu.draw.page.sizes import text_width

pytest.importorskip("pygraphviz", reason="pages are laid out by Graphviz")

HOSTILE = ["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", 'a"b', "x & y", "&lt;", "two\nlines"]
HOSTILE += ["Größe Σ 漢字 🙂", "<!--", "]]>", "\x00\x1f", "\u2028", "\u202egnp", "${alert(1)}", "\\", "\ud800", "'"]


class Residual(nn.Module):
    """x + linear(tanh(linear(x)))"""

    def __init__(self, width):
        super().__init__()
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x):
        return x + self.second(self.first(x).tanh())


def network():
    tg.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), Residual(4), Residual(4), nn.Linear(4, 2))


def drawing(**settings):
    model = network()
    return graph(model, tg.ones(5, 3), roll=False, title="A network", **settings)


def training(steps=3):
    """A film of a network so small that every number is shown."""
    tg.manual_seed(0)
    w, b = tg.tensor([[0.5, -1.0]], requires_grad=True), tg.tensor([0.25], requires_grad=True)
    x, y = tg.tensor([[1.0, 2.0], [-1.0, 0.5], [0.0, 3.0]]), tg.tensor([[1.0], [0.0], [-1.0]])
    optimizer = optim.SGD([w, b], lr=0.1)
    with film({"w": w, "b": b}, {"x": x, "y": y}, title="Training") as recorded:
        for _ in range(steps):
            optimizer.zero_grad()
            z = x @ w.T + b
            loss = ((z.tanh() - y) * z).square().sum()
            loss.backward()
            optimizer.step()
    return recorded


# ---- data


def test_vertices_and_edges_have_the_numbers_of_the_picture():
    drawn = drawing(values=True)
    scene = page.page_of(drawn)["scenes"][0]
    vertices = drawn.picture.vertices
    assert [v["label"] for v in scene["vertices"]] == [v.label for v in vertices]
    ends = [(e["from"], e["to"], e["operand"]) for e in scene["edges"]]
    assert ends == page.edges_of(drawn.picture)
    number_of = {vertex: number for number, vertex in enumerate(vertices)}
    assert [end[:2] for end in ends] == [(number_of[p], n) for n, v in enumerate(vertices) for p in v.operands]
    weight = scene["vertices"][[v.name for v in vertices].index("0.weight")]
    assert weight["value"]["full"] == pytest.approx(network()[0].weight.detach().numpy().ravel().tolist(), rel=1e-4)
    assert (weight["cells"], weight["bytes"], weight["traced"]) == ([4, 3], 48, True)
    linear = scene["vertices"][[v.operation for v in vertices].index("linear")]
    assert linear["multiply_adds"] == 5 * 3 * 4 and linear["dtype"] == "float32"
    assert scene["operations"]["linear"]["rules"] == rules_of(OPS["linear"])
    place, line = linear["place"], linear["source"]
    assert (
        place.startswith("tests/test_page.py:")
        and line == 'return graph(model, tg.ones(5, 3), roll=False, title="A network", **settings)'
    )


def overlap(a, b):
    return all(abs(a[k] - b[k]) < (a[size] + b[size]) / 2 - 0.2 for k, size in (("x", "width"), ("y", "height")))


def centred(box):
    return {**box, "x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}


def inside(a, b):
    return all(abs(a[k] - b[k]) <= (b[size] - a[size]) / 2 + 0.2 for k, size in (("x", "width"), ("y", "height")))


@pytest.mark.parametrize("direction", ["TB", "LR"])
def test_layout(direction):
    """Boxes and frames lie within the frames around them and do not overlap; edges lead from box to box."""
    scene = page.page_of(drawing(direction=direction))["scenes"][0]
    frames = [centred(cluster) for cluster in scene["clusters"]]
    assert len(frames) == 9
    for around in (None, *range(len(frames))):
        boxes = [vertex for vertex in scene["vertices"] if vertex["cluster"] == around]
        boxes += [frame for frame, cluster in zip(frames, scene["clusters"]) if cluster["around"] == around]
        assert not any(overlap(a, b) for a, b in itertools.combinations(boxes, 2))
        if around is not None:
            assert boxes and all(inside(box, frames[around]) for box in boxes)
    along, across = {"TB": ("y", 0), "LR": ("x", 1)}[direction]
    for edge in scene["edges"]:
        points, ends = edge["points"], [scene["vertices"][edge[end]] for end in ("from", "to")]
        assert len(points) % 6 == 2
        assert ends[0][along] < ends[1][along]
        for end, (x, y) in zip(ends, (points[:2], points[-2:])):
            assert overlap(end, {"x": x, "y": y, "width": 3, "height": 3})
        curves = [points[start : start + 8] for start in range(0, len(points) - 2, 6)]
        # where an edge enters or leaves a frame it goes on from the very point at which it arrived
        assert not [c for c in curves if abs(c[across] - c[across + 6]) > 1.5 and c[1 - across] == c[7 - across]]


def test_the_backward_graph_stands_outside_of_modules():
    scene = page.page_of(drawing(backward=True))["scenes"][0]
    rules = [vertex for vertex in scene["vertices"] if vertex["kind"] == "gradient"]
    assert rules and all(vertex["cluster"] is None for vertex in rules)
    below = [(scene["vertices"][e["from"]]["y"], scene["vertices"][e["to"]]["y"]) for e in scene["edges"]]
    assert all(start < end for start, end in below)


def test_equal_modules_look_equal():
    scene = page.page_of(drawing())["scenes"][0]
    first, second = [c for c in scene["clusters"] if c["kind"] == "Residual"]
    assert first["width"] == second["width"] and first["height"] == second["height"]
    paths = {c["path"]: number for number, c in enumerate(scene["clusters"])}

    def places(cluster):
        within = [v for v in scene["vertices"] if v["cluster"] == paths[cluster["path"]]]
        return [(round(v["x"] - cluster["x"], 1), round(v["y"] - cluster["y"], 1)) for v in within]

    assert np.allclose(places(first), places(second), atol=0.11) and len(places(first)) == 2


def test_what_is_repeated_leads_back():
    cell, h = nn.RNNCell(2, 3), tg.zeros(1, 3)
    for _ in range(5):
        h = cell(tg.ones(1, 2), h)
    scene = page.page_of(graph(h.sum(), cell, roll=True))["scenes"][0]
    again = [edge for edge in scene["edges"] if edge["operand"] is None]
    assert len(again) == 1 and [cluster["title"] for cluster in scene["clusters"]] == ["RNNCell ×5"]
    start, end = [scene["vertices"][again[0][key]] for key in ("from", "to")]
    assert again[0]["points"][:2] == pytest.approx([start["x"] + start["width"] / 2, start["y"]])
    assert again[0]["points"][-2:] == pytest.approx([end["x"] + end["width"] / 2, end["y"]])


def test_every_rule_has_a_text():
    for name, entry in OPS.items():
        rules = rules_of(entry)
        assert len(rules) == (1 if entry.joint else sum(rule is not None for rule in entry.rules)), name
        assert all(rule and "not at hand" not in rule for rule in rules), name
    assert rules_of(OPS["mul"]) == ["dx = g * y", "dy = g * x"]
    assert rules_of(OPS["abs"]) == ["dx = g * sign(x)"]
    joint, helper = rules_of(OPS["gelu"])[0].split("\n\n", 1)
    assert joint.startswith("dx = (_gelu_gradient(g,") and helper.startswith("def _gelu_gradient(")


def test_rules_without_source():
    space = {}
    exec("rule = lambda g: 2 * g", space)
    entry = type("Entry", (), {"joint": None, "operands": ("x",), "rules": (space["rule"],)})
    assert rules_of(entry) == ["the source of <lambda> is not at hand"]
    assert rules_of(None) == []

    class Double(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            return 2 * g

    scene = page.page_of(graph(Double.apply(tg.ones(2, requires_grad=True)), roll=False))["scenes"][0]
    assert "return 2 * g" in scene["operations"]["Double"]["rules"][0]


def test_text_width():
    assert text_width("", 13) == 0 < text_width("i", 13) < text_width("m", 13) < text_width("漢字", 13)
    assert text_width("abc", 26) == pytest.approx(2 * text_width("abc", 13))


# ---- the file


def data_in(text):
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)[1])


def test_one_file_that_needs_no_other(tmp_path):
    path = tmp_path / "folder" / "x.html"
    assert drawing().save(path) == str(path)
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\s\"'<)]*", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\s(src|href)\s*=|@import|\burl\((?!#)", text)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for tag in ("style", "script"):
        body = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert data_in(text)["title"] == "A network"
    assert "innerHTML" not in text and "insertAdjacentHTML" not in text


def test_hostile_names_stay_data():
    values = {name: tg.ones(2, requires_grad=True) for name in HOSTILE}
    drawn = graph({"</script>": sum(values.values())}, values, title="</title><script>alert(1)</script>")
    text = page.html(page.page_of(drawn))
    assert text.count("<script") == 2 and text.count("</script") == 2 and text.count("</title") == 1
    labels = {v["label"] for v in data_in(text)["scenes"][0]["vertices"]}
    assert labels.issuperset({visible(name) for name in (*HOSTILE, "</script>")})
    text.encode()


def test_five_hundred_nodes_are_small(tmp_path):
    tg.manual_seed(0)
    model = nn.Sequential(*[layer for _ in range(100) for layer in (nn.Linear(8, 8), nn.Tanh(), nn.LayerNorm(8))])
    drawn = graph(model, tg.ones(4, 8), roll=False, max_nodes=None, values=True, gradients=True)
    assert len(drawn.picture.vertices) > 500
    path = tmp_path / "x.html"
    drawn.save(path)
    assert path.stat().st_size < 2_000_000


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "x.html"
    path.write_text("before")

    def fail(source, format):
        raise ImportError("no Graphviz")

    monkeypatch.setattr("tinygrad_edu.draw.page.level.render", fail)
    with pytest.raises(ImportError, match="no Graphviz"):
        drawing().save(path)
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


# ---- in a browser


@pytest.fixture(scope="module")
def chromium():
    api = pytest.importorskip("playwright.sync_api", reason="pages are tested in a browser by Playwright")
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((found for name in names if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"none of the browsers {', '.join(names)} is installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@pytest.fixture
def show(chromium, tmp_path):
    """Open a Graph or Film in the browser; in the end there must have been no message in the console, no error and no
    request but for the file itself."""
    contexts, complaints, requests = [], [], []

    def open_page(drawn, width=1200, height=800, **settings):
        path = tmp_path / f"{len(contexts)}.html"
        drawn.save(path)
        settings = {"reduced_motion": "reduce", **settings}
        context = chromium.new_context(viewport={"width": width, "height": height}, **settings)
        contexts.append(context)
        shown = context.new_page()
        shown.on("console", lambda message: complaints.append(message.text))
        shown.on("pageerror", lambda error: complaints.append(str(error)))
        shown.on("dialog", lambda dialog: complaints.append(dialog.message))
        shown.on("request", lambda request: requests.append(request.url))
        shown.goto(path.as_uri())
        return shown

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
    assert len(requests) == len(contexts) and all(url.startswith("file://") for url in requests)


BOXES = ".box:not(.hidden)"
FOLDED = ".handle.folded:not(.hidden)"
PLACES = f"""() => [...document.querySelectorAll("{BOXES} > rect, .frame.folded:not(.hidden) > rect")].map(rect => {{
    const {{x, y, width, height}} = rect.getBoundingClientRect();
    return {{x: x + width / 2, y: y + height / 2, width, height}};
}})"""


def title_of(cluster):
    return f'.handle[aria-label^="module {cluster},"]'


def test_modules_collapse_and_expand(show):
    drawn = drawing()
    shown = show(drawn)
    everything = len(drawn.picture.vertices)
    assert shown.title() == shown.inner_text("#title") == "A network"
    assert shown.locator(BOXES).count() == everything and shown.locator(FOLDED).count() == 0

    shown.click(title_of("1: Residual"), position={"x": 5, "y": 5})
    assert shown.locator(title_of("1: Residual")).get_attribute("aria-expanded") == "false"
    assert shown.locator(BOXES).count() == everything - 8 and shown.locator(FOLDED).count() == 1
    assert shown.locator(FOLDED).text_content() == "+1: Residual4 operations"
    assert shown.locator("#details h2").inner_text() == "1: Residual"
    lines = shown.locator(".edge:not(.hidden)").evaluate_all("lines => lines.map(line => line.getTotalLength())")
    assert min(lines) > 5

    shown.click("#collapse")
    assert shown.locator(FOLDED).count() == 1
    outside = [v for v in drawn.picture.vertices if v.cluster is None]
    assert shown.locator(BOXES).count() == len(outside)
    for depth, folded in ((1, 4), (2, 4), (3, 0)):
        shown.fill("#depth", str(depth))
        assert shown.locator(FOLDED).count() == folded
        places = shown.evaluate(PLACES)
        assert not any(overlap(a, b) for a, b in itertools.combinations(places, 2))
    shown.fill("#depth", "1")
    scale = scale_of(shown.locator("#world").get_attribute("transform"))
    ends = sorted([p["y"] - p["height"] / 2, p["y"] + p["height"] / 2] for p in shown.evaluate(PLACES))
    assert all(start - end < 110 * scale for (_, end), (start, _) in itertools.pairwise(ends))
    shown.click("#expand")
    assert shown.locator(BOXES).count() == everything and shown.input_value("#depth") == "3"


def test_what_is_collapsed_stays_where_it_is_and_the_rest_moves_up(show):
    shown = show(drawing(), reduced_motion="no-preference")
    where = "rect => rect.getBoundingClientRect().y"
    middle = "rect => { const { x, width } = rect.getBoundingClientRect(); return x + width / 2; }"
    last, title = shown.locator(".box.output > rect"), shown.locator(title_of("1: Residual") + " .grip")
    before, clicked, at = last.evaluate(where), title.evaluate(where), title.evaluate(middle)
    shown.click(title_of("1: Residual"), position={"x": 5, "y": 5})
    while last.evaluate(where) > before - 100:  # it moves there in a quarter of a second
        shown.wait_for_timeout(20)
    assert title.evaluate(where) == pytest.approx(clicked, abs=0.2) and last.evaluate(where) > clicked + 50
    assert title.evaluate(middle) == pytest.approx(at, abs=0.2)


def test_search(show):
    shown = show(drawing())
    shown.click("#collapse")
    shown.keyboard.press("/")
    shown.keyboard.type("tanh")
    assert shown.inner_text("#found") == "2" and shown.locator(".frame.match:not(.hidden)").count() == 1
    shown.keyboard.press("Enter")
    assert shown.inner_text("#found") == "1 of 2" and shown.inner_text("#details h2") == "tanh"
    assert shown.locator(".box.selected:not(.hidden)").count() == 1
    first = shown.inner_text("#details .facts")
    shown.keyboard.press("Enter")
    assert shown.inner_text("#found") == "2 of 2" and shown.inner_text("#details .facts") != first
    shown.click("#next")
    assert shown.inner_text("#found") == "1 of 2" and shown.inner_text("#details .facts") == first
    shown.fill("#search", "PARAMETER weight")
    assert shown.inner_text("#found") == "6"
    shown.click("#previous")
    shown.click("#previous")
    assert shown.inner_text("#found") == "5 of 6"
    shown.fill("#search", "no such thing")
    assert shown.inner_text("#found") == "none" and shown.locator("#next").is_disabled()
    shown.press("#search", "Escape")
    assert shown.input_value("#search") == "" and shown.locator(".match").count() == 0


def test_details(show):
    model = network()
    x = tg.arange(15.0).reshape(5, 3)
    shown = show(graph(model, x, roll=False, values=True, gradients=True))
    shown.click('.box[aria-label^="0.weight"]')
    details = shown.locator("#details")
    assert "parameter" in details.inner_text() and "48 bytes" in details.inner_text()
    tables = details.locator("table.numbers")
    numbers = [[float(x.replace("\u2212", "-")) for x in t.split()] for t in tables.all_inner_texts()]
    result = model(x).sum()
    result.backward()
    assert numbers[0] == pytest.approx(model[0].weight.detach().numpy().ravel().tolist(), rel=1e-3, abs=1e-4)
    assert numbers[1] == pytest.approx(model[0].weight.grad.numpy().ravel().tolist(), rel=1e-3, abs=1e-3)
    details.get_by_role("button", name="linear", exact=True).click()
    text = details.inner_text()
    assert OPS["linear"].doc.split("\n")[0].replace("`", "")[:20] in text.replace("`", "")
    assert "(5, 4)" in text and "60" in text and "dx = " in text and "tests/test_page.py:" in text
    assert details.locator("pre.source").inner_text().startswith("shown = show(graph(model, x")
    shown.click("#close")
    assert shown.locator("#panel").is_hidden() and shown.locator(".selected").count() == 0


def test_large_values_have_a_histogram_and_a_heat_map(show):
    tg.manual_seed(0)
    model = nn.Linear(40, 30)
    shown = show(graph(model, tg.randn(20, 40), values=True))
    shown.click('.box[aria-label^="weight"]')
    assert shown.locator("#details .histogram rect").count() == 24
    canvas = shown.locator("#details canvas.heat")
    size = canvas.evaluate("canvas => [canvas.width, canvas.height]")
    assert size == [32, 30]
    colours = canvas.evaluate("c => [...c.getContext('2d').getImageData(0, 0, 32, 30).data]")
    cells = np.array(colours).reshape(30, 32, 4)[..., :3].astype(int)
    blocks = model.weight.detach().numpy()[:, np.arange(32) * 40 // 32]
    own = np.arange(32) * 40 // 32
    alone = np.diff(own, append=40) == 1  # cells of one element each: warm ones are positive
    warm = cells[..., 0] > cells[..., 2]
    sure = np.abs(blocks[:, alone]) > 0.01
    assert (warm[:, alone] == (blocks[:, alone] > 0))[sure].all()
    assert "±" in shown.locator('.box[aria-label^="weight"] .number').first.text_content()


def test_keyboard(show):
    shown = show(drawing())
    press, focused = shown.keyboard.press, "document.activeElement.getAttribute('aria-label')"
    press("ArrowDown")
    press("Escape")
    shown.click('.box[aria-label^="0.weight"]')
    press("ArrowDown")
    assert shown.evaluate(focused).startswith("linear")
    assert shown.inner_text("#details h2") == "linear"
    press("ArrowUp")
    assert shown.evaluate(focused).startswith(("0.weight", "0.bias", "input"))
    press("c")
    assert shown.evaluate(focused) == "module 0: Linear, collapsed"
    press("Enter")
    assert shown.evaluate(focused) == "module 0: Linear, open"
    press("Enter")
    press("ArrowDown")
    assert "linear" in shown.evaluate(focused) or "module" in shown.evaluate(focused)
    assert shown.evaluate("getComputedStyle(document.activeElement.querySelector('rect')).stroke") != "none"
    scale = "new DOMMatrix(getComputedStyle(document.getElementById('world')).transform).a"
    before = shown.evaluate("document.getElementById('world').getAttribute('transform')")
    press("+")
    larger = shown.evaluate("document.getElementById('world').getAttribute('transform')")
    press("-")
    assert before != larger and scale_of(larger) == pytest.approx(1.25 * scale_of(before), rel=1e-3)
    press("0")
    assert shown.evaluate(scale) > 0
    press("?")
    assert shown.locator("#keys").is_visible() and "search" in shown.inner_text("#keys")
    press("Escape")
    assert shown.locator("#keys").is_hidden()
    press("Escape")
    assert shown.locator("#panel").is_hidden()


def scale_of(transform):
    return float(re.search(r"scale\(([\d.]+)\)", transform)[1])


def test_the_path_from_a_parameter_to_the_loss(show):
    a, b, c = [tg.ones(2, requires_grad=True) for _ in range(3)]
    used = (a * b).tanh()
    loss = (used + used * c).sum()
    drawn = graph({"loss": loss}, {"a": a, "b": b, "c": c}, roll=False)
    shown = show(drawn)
    shown.click('.box[aria-label^="a,"]')
    shown.keyboard.press("p")
    lit = shown.locator(".box.on-path").evaluate_all("boxes => boxes.map(box => Number(box.dataset.vertex))")
    users = {}
    for vertex in drawn.picture.vertices:
        for operand in vertex.operands:
            users.setdefault(operand, []).append(vertex)
    found = waiting = [next(v for v in drawn.picture.vertices if v.name == "a")]
    while waiting:
        waiting = [user for vertex in waiting for user in users.get(vertex, ()) if user not in found]
        found = [*found, *dict.fromkeys(waiting)]
    assert {drawn.picture.vertices[n] for n in lit} == set(found) and len(found) == 7
    assert shown.locator(".edge.on-path").count() == 7
    dimmed = shown.locator('.box[aria-label^="c,"]').evaluate("box => getComputedStyle(box).opacity")
    assert float(dimmed) < 0.5
    shown.get_by_role("button", name="Hide the path").click()
    assert shown.locator(".on-path").count() == 0

    shown = show(graph({"loss": (a * b).sum()}, {"a": a, "b": b}, roll=False, backward=True))
    shown.click('.box[aria-label^="b,"]')
    shown.keyboard.press("p")
    lit = shown.locator(".box.on-path").evaluate_all("boxes => boxes.map(box => box.getAttribute('aria-label'))")
    assert [text.split(",")[0] for text in lit] == ["b", "×", "Σ", "loss"]


def test_light_and_dark(show):
    background = "getComputedStyle(document.body).backgroundColor"
    shown = show(drawing(), color_scheme="dark")
    dark = shown.evaluate(background)
    shown.click("#theme")
    light = shown.evaluate(background)
    sums = [sum(map(int, re.findall(r"\d+", colour))) for colour in (dark, light)]
    assert sums[0] < 150 and sums[1] > 700
    shown.keyboard.press("t")
    assert shown.evaluate(background) == dark


def test_moving_and_zooming(show):
    shown = show(drawing())
    box = shown.locator('.box[aria-label^="0.weight"] > rect')
    middle = (
        "rect => { const b = rect.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2, b.width]; }"
    )
    x, y, width = box.evaluate(middle)
    shown.mouse.move(x, y)
    shown.mouse.wheel(0, -120)
    shown.wait_for_timeout(50)
    assert box.evaluate(middle)[:2] == pytest.approx([x, y], abs=1)
    assert box.evaluate(middle)[2] > 1.2 * width
    shown.mouse.down()
    shown.mouse.move(x + 40, y - 50, steps=3)
    shown.mouse.up()
    assert box.evaluate(middle)[:2] == pytest.approx([x + 40, y - 50], abs=1)
    assert shown.locator(".selected").count() == 0
    before = box.evaluate(middle)
    pinch = """([x, y]) => {
        const drawing = document.getElementById("drawing");
        const fire = (kind, id, dx) => drawing.dispatchEvent(new PointerEvent("pointer" + kind,
            {pointerId: id, pointerType: "touch", bubbles: true, clientX: x + dx, clientY: y}));
        fire("down", 1, -50), fire("down", 2, 50), fire("move", 1, -75), fire("move", 2, 75);
        fire("up", 1, -75), fire("up", 2, 75);
    }"""
    shown.evaluate(pinch, before[:2])
    assert box.evaluate(middle)[2] == pytest.approx(1.5 * before[2], rel=0.01)
    assert box.evaluate(middle)[:2] == pytest.approx(before[:2], abs=20)
    shown.click("#fit")
    places = shown.evaluate(PLACES)
    assert min(p["y"] - p["height"] / 2 for p in places) > 40 and max(p["y"] + p["height"] / 2 for p in places) < 800


def test_hostile_names_are_shown_as_text(show):
    values = {name: tg.ones(2, requires_grad=True) for name in HOSTILE}
    shown = show(graph({"</script>": sum(values.values())}, values, roll=False, title="<b>&amp;</b>"))
    assert shown.inner_text("#title") == "<b>&amp;</b>"
    labels = shown.locator(".box.parameter .main").evaluate_all("spans => spans.map(span => span.textContent)")
    for label, name in zip(labels, HOSTILE, strict=True):
        assert visible(name) == label or visible(name).startswith(label.removesuffix("…")) and len(label) > 20
    for number in range(len(HOSTILE)):
        shown.locator(".box.parameter").nth(number).dispatch_event("click")
    assert shown.locator("img, #details script, b").count() == 0


def test_narrow_window(show):
    shown = show(training(1), width=380, height=700)
    shown.click('.box[aria-label^="w,"]')
    assert shown.evaluate("document.documentElement.scrollWidth") <= 380
    panel = shown.locator("#panel").bounding_box()
    assert panel["width"] == pytest.approx(380, abs=2) and panel["height"] > 100


# ---- films


def expected(data, time):
    """{number of a vertex: (value, gradient)} after the event `time`, as flat lists, computed afresh from the data."""
    events = [(number, event) for number, step in enumerate(data["film"]["steps"]) for event in step["events"]]
    step = events[time][0] if time >= 0 else 0
    vertices = data["scenes"][data["film"]["steps"][step]["scene"]]["vertices"]
    values = {number: vertex["value"] for number, vertex in enumerate(vertices)}
    gradients = {}
    for number, event in events[: time + 1]:
        if event["phase"] == "backward":
            if number == step:
                gradients[event["vertex"]] = event["gradient"]
        else:
            values[event["vertex"]] = event["value"]

    def flat(value):
        value = data["values"][value] if isinstance(value, int) else value
        return [] if value is None else value["full"]

    return {n: (flat(values[n]), flat(gradients.get(n))) for n, v in enumerate(vertices) if v["kind"] != "output"}


NUMBERS = """() => [...document.querySelectorAll(".box")].map(box => [Number(box.dataset.vertex),
    [...box.querySelectorAll(".number:not(.gradient)")].map(line => line.textContent).join(" "),
    [...box.querySelectorAll(".number.gradient")].map(line => line.textContent).join(" ")])"""


def shown_numbers(shown):
    def read(text):
        return [float(word.replace("\u2212", "-")) for word in text.split()]

    return {number: (read(value), read(gradient)) for number, value, gradient in shown.evaluate(NUMBERS)}


def assert_shows(shown, data, time):
    numbers = shown_numbers(shown)
    for vertex, (value, gradient) in expected(data, time).items():
        if data["scenes"][0]["vertices"][vertex]["cells"] is not None:
            assert numbers[vertex][0] == pytest.approx(value, rel=2e-3, abs=2e-4), (time, vertex)
            assert numbers[vertex][1] == pytest.approx(gradient, rel=2e-3, abs=2e-4), (time, vertex)


def test_stepping_through_a_film(show):
    recorded = training()
    data, shown = recorded.page(), show(recorded)
    events = [event for step in data["film"]["steps"] for event in step["events"]]
    assert_shows(shown, data, -1)
    for time, event in enumerate(events[:40]):
        shown.keyboard.press("]")
        assert_shows(shown, data, time)
        assert shown.locator(f'.box.now.{event["phase"]}[data-vertex="{event["vertex"]}"]').count() == 1
        assert shown.locator(".edge.now.backward").count() == (event.get("edge") is not None)
    shown.keyboard.press("[")
    assert_shows(shown, data, 38)
    rng = np.random.default_rng(0)
    for time in rng.integers(-1, len(events), 12).tolist():
        shown.locator("#time").evaluate(
            "(slider, time) => { slider.value = time; slider.dispatchEvent(new Event('input')); }", time
        )
        assert_shows(shown, data, time)
    output = next(n for n, v in enumerate(data["scenes"][0]["vertices"]) if v["kind"] == "output")
    assert shown_numbers(shown)[output][0] != []


def test_contributions_are_shown_before_they_are_added(show):
    recorded = training(1)
    data, shown = recorded.page(), show(recorded)
    events, scene = data["film"]["steps"][0]["events"], data["scenes"][0]
    uses = [n for n, event in enumerate(events) if event.get("edge") is not None]
    z = next(n for n, v in enumerate(scene["vertices"]) if v["operation"] == "add")
    first, second = [n for n in uses if events[n]["vertex"] == z]

    def go(time):
        shown.locator("#time").evaluate("(s, t) => { s.value = t; s.dispatchEvent(new Event('input')); }", time)
        return shown.inner_text("#event")

    assert "the sum so far is" in go(first) and "hands back to +" in go(second)
    assert shown.locator(".contribution").count() == 1
    parts = [np.array(data["values"][events[n]["part"]]["full"]) for n in (first, second)]
    assert shown_numbers(shown)[z][1] == pytest.approx((parts[0] + parts[1]).tolist(), rel=5e-3, abs=1e-3)
    start = next(n for n, event in enumerate(events) if event["phase"] == "backward")
    assert go(start).startswith("backpropagation starts at Σ") and shown.locator(".contribution").count() == 0


def test_single_contributions_have_a_sign(show):
    w = tg.tensor(2.0, requires_grad=True)
    with film({"w": w}) as recorded:
        (w - w * 3.0).backward()
    shown, seen = show(recorded), []
    for _ in recorded.page()["film"]["steps"][0]["events"]:
        shown.keyboard.press("]")
        seen += shown.locator(".contribution").all_text_contents()
    assert sorted(seen) == ["+1", "\u22121", "\u22123"]


def test_jumps_and_playing(show):
    recorded = training()
    data, shown = recorded.page(), show(recorded)
    steps = data["film"]["steps"]
    now, press = "Number(document.getElementById('time').value)", shown.keyboard.press
    press("}")
    assert shown.evaluate(now) == 0 and shown.inner_text("#step").startswith("step 1 of 3 · loss")
    press("}")
    assert shown.evaluate(now) == len(steps[0]["events"]) and "step 2 of 3" in shown.inner_text("#step")
    shown.click("#phases .backward")
    phases = [event["phase"] for event in steps[1]["events"]]
    assert shown.evaluate(now) == len(steps[0]["events"]) + phases.index("backward")
    assert shown.locator("#phases .backward").get_attribute("aria-pressed") == "true"
    press("{")
    assert shown.evaluate(now) == len(steps[0]["events"])
    press("{")
    assert shown.evaluate(now) == 0
    loss = float(shown.inner_text("#step").split()[-1])
    assert loss == pytest.approx(steps[0]["loss"], rel=1e-3)
    cursor = "Number(document.querySelector('#loss circle').getAttribute('cx'))"
    before = shown.evaluate(cursor)
    press(" ")
    assert shown.locator("#play").get_attribute("aria-label") == "Pause"
    shown.select_option("#speed", "300")
    last = sum(len(step["events"]) for step in steps) - 1
    shown.locator('#play[aria-label="Play"]').wait_for()
    assert shown.evaluate(now) == last
    assert shown.evaluate(cursor) > before
    assert_shows(shown, data, last)


def test_steps_that_look_different(show):
    """A program whose graph changes from step to step: the drawing changes with it, and values go on."""
    w = tg.tensor([0.5], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    with film({"w": w}) as recorded:
        for step in range(3):
            optimizer.zero_grad()
            loss = ((w * w).tanh() if step == 1 else w * w).sum()
            loss.backward()
            optimizer.step()
    data, shown = recorded.page(), show(recorded)
    assert len(data["scenes"]) == 2
    time = 0
    for step in data["film"]["steps"]:
        for _ in step["events"]:
            shown.keyboard.press("]")
            w_box = next(n for n, v in enumerate(data["scenes"][step["scene"]]["vertices"]) if v["name"] == "w")
            assert shown.locator(".box").count() == len(data["scenes"][step["scene"]]["vertices"])
            seen = shown_numbers(shown)[w_box][0]
            assert seen == [] or seen == pytest.approx(seen)
            time += 1
        assert seen == pytest.approx(data["values"][step["events"][-1]["value"]]["full"], rel=2e-3)
    assert float(w.item()) == pytest.approx(seen[0], rel=1e-3)


def test_a_film_of_nothing(show):
    with film() as recorded:
        pass
    shown = show(recorded)
    assert shown.locator("#player").is_hidden() and "nothing was computed" in shown.inner_text("#legend")
    shown.keyboard.press("ArrowDown")
    shown.click("#fit")


def test_events_inside_collapsed_modules_light_them_up(show):
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with film(model) as recorded:
        model(tg.ones(1, 2)).sum().backward()
        optimizer.step()
    shown = show(recorded)
    shown.fill("#depth", "1")
    lit = set()
    for _ in range(len(recorded.page()["film"]["steps"][0]["events"])):
        shown.keyboard.press("]")
        lit.update(
            shown.locator(".now.frame.folded:not(.hidden)").evaluate_all("all => all.map(one => one.classList[1])")
        )
        assert shown.locator(".now:is(.box:not(.hidden), .frame)").count() == 1
    assert lit
