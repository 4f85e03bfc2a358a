"""Measures pages: python tests/page_speed.py prints how large the page of a film is, how long it takes to write, and at how
many frames a second it plays 60 events a second in headless Chromium. Not a test: on a busy machine the figures mean
little."""

import shutil
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

import tinygrad_edu as tg
from tinygrad_edu import draw, nn, optim

PLAYED = 4  # seconds

FRAMES = """async (milliseconds) => {
    document.getElementById("speed").value = 60;
    document.getElementById("speed").dispatchEvent(new Event("change"));
    document.getElementById("play").click();
    const began = performance.now();
    let frames = 0, longest = 0, last = began;
    await new Promise((done) => {
        const count = (now) => {
            frames++;
            longest = Math.max(longest, now - last);
            last = now;
            if (now - began < milliseconds) requestAnimationFrame(count);
            else done();
        };
        requestAnimationFrame(count);
    });
    document.getElementById("play").click();
    return [frames, longest];
}"""


def recorded():
    """A film of 10 training steps of 128 layers."""
    tg.manual_seed(0)
    model = nn.Sequential(*[layer for _ in range(128) for layer in (nn.Linear(16, 16), nn.Tanh())])
    optimizer, x = optim.SGD(model.parameters(), lr=0.1), tg.randn(8, 16)
    with draw.film(model, max_nodes=None) as film:
        for _ in range(10):
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()
    return film


def main():
    film = recorded()
    with tempfile.TemporaryDirectory() as folder:
        path, began = Path(folder) / "film.html", time.perf_counter()
        film.save(path)
        seconds = time.perf_counter() - began
        (scene,) = film.page()["scenes"]
        print(f"{len(scene['vertices'])} vertices: {path.stat().st_size / 1e6:.2f} MB, written in {seconds:.1f} s")
        with sync_playwright() as playwright:
            program = shutil.which("chromium") or shutil.which("google-chrome")
            page = playwright.chromium.launch(executable_path=program).new_page(viewport={"width": 1280, "height": 800})
            page.goto(path.as_uri())
            for what, button in (("as it opens", None), ("all modules open", "#expand"), ("all in view", "#fit")):
                if button:
                    page.click(button)
                page.wait_for_timeout(500)
                frames, longest = page.evaluate(FRAMES, 1000 * PLAYED)
                print(f"{what}: {frames / PLAYED:.0f} frames a second, the longest {longest:.0f} ms")


if __name__ == "__main__":
    main()
