"""Figures one after the other: animations as GIF files."""

import io
import os

from ..files import write_whole

__all__ = ["Animation"]


class Animation:
    """Figures that are shown one after the other, and again from the start; the last one stays for a while.

        Animation(frame(step) for step in range(0, 100, 5)).save("out/training.gif")

    figures  matplotlib Figures of one size; an iterable, of which one at a time is drawn when the file is saved
    seconds  how long each is shown
    pause    how long the last one is shown
    dpi      pixels per inch

    Needs matplotlib and Pillow: pip install "tinygrad-edu[plots,vision]".
    """

    def __init__(self, figures, seconds=0.1, pause=2.0, dpi=80):
        self.figures, self.seconds, self.pause, self.dpi = figures, seconds, pause, dpi

    def save(self, path):
        """Write the GIF, whole or not at all; returns the path. Missing folders are made.

        Raises ValueError if there are no figures, or the path does not end in .gif.
        """
        try:
            from PIL import Image
        except ImportError as error:
            raise ImportError('animations need Pillow: pip install "tinygrad-edu[vision]"') from error
        if os.path.splitext(os.fspath(path))[1].lower() != ".gif":
            raise ValueError(f"Animation: {os.fspath(path)!r} must end in .gif; there is no other format of animations")
        frames = []
        for figure in self.figures:
            drawn = io.BytesIO()
            figure.savefig(drawn, format="png", dpi=self.dpi)
            frames.append(Image.open(drawn).convert("RGB").quantize(128))
        if not frames:
            raise ValueError("Animation: there are no figures to show; an iterator may have been used up before")
        times = [round(1000 * self.seconds)] * (len(frames) - 1) + [round(1000 * self.pause)]
        content = io.BytesIO()
        frames[0].save(content, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0)
        return write_whole(path, content.getvalue())
