"""Pictures of training: curves, what a classifier has learnt, weights, confusion matrices, gradients of each layer.

    save(curves({"loss": {"training": losses}}, xlabel="epoch"), "out/loss.png")

Each function returns a matplotlib Figure of its own, which belongs to no window and changes nothing global; those with
`axes` draw into yours if you give them. Needs matplotlib: pip install "tinygrad-edu[plots]".
"""

from .animations import Animation
from .classifiers import boundary, confusion
from .curves import curves, surface
from .figures import COLORS, new_figure, save
from .gradients import GradientNorms
from .pictures import images

__all__ = [
    "COLORS", "Animation", "GradientNorms", "boundary", "confusion", "curves", "images", "new_figure", "save",
    "surface",
]  # fmt: skip
