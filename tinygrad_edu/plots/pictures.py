"""Many small pictures in a grid: images of a data set, weights of a layer."""

import numpy as np

from .figures import new_figure


def images(pictures, titles=None, title=None, columns=8, signed=False, width=1.0):
    """A grid of pictures, each with a line of text above it if there are `titles`.

    pictures  (number, height, width), or (number, height, width, 3) in colours from 0 to 1; arrays or Tensors
    signed    colour negative values blue and positive ones red, all on one scale, which ends below the largest 0.5 %;
              otherwise 0 is paper and 1 is ink
    width     of each picture, in inches; its height follows from its shape
    """
    pictures = np.asarray(pictures)
    if pictures.ndim not in (3, 4) or (pictures.ndim == 4 and pictures.shape[-1] not in (3, 4)):
        raise ValueError(
            f"images: shape {pictures.shape} is neither (number, height, width) nor (number, height, width, 3); "
            "reshape weights of a linear layer: weight.reshape(-1, 28, 28)"
        )
    columns = min(columns, max(len(pictures), int(np.ceil(4 / width))))  # room for the title
    rows = max(1, -(-len(pictures) // columns))
    height = width * pictures.shape[1] / pictures.shape[2] + (0.35 if titles else 0.0)
    figure = new_figure(width * columns + 0.9 * signed, height * rows + 0.4)
    colors = {"cmap": "gray_r", "vmin": 0, "vmax": 1}
    if signed:
        limit = float(np.quantile(np.abs(pictures), 0.995)) if pictures.size else 1.0
        colors = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    drawn = None
    grid = figure.subplots(rows, columns, squeeze=False)
    for index, axes in enumerate(grid.ravel()):
        axes.set(xticks=[], yticks=[])
        if index >= len(pictures):
            axes.axis("off")
            continue
        axes.spines[:].set_color("#d1d5db")
        drawn = axes.imshow(pictures[index], **colors)
        if titles:
            axes.set_title(titles[index], fontsize=9, pad=3)
    if signed and drawn is not None:
        figure.colorbar(drawn, ax=grid, shrink=0.6, pad=0.02, extend="both")
    if title:
        figure.suptitle(title, fontsize=11)
    return figure
