"""Pillow, imported when an image is needed."""

import sys


def pillow(*names):
    """Modules of Pillow by name, or its Image alone."""
    try:
        import PIL.Image
        import PIL.ImageEnhance
        import PIL.ImageOps
    except ImportError as error:
        raise ImportError(
            'images are those of Pillow, which is not installed: pip install "tinygrad-edu[vision]"; tensors need no '
            "Pillow"
        ) from error
    modules = [getattr(PIL, name) for name in names or ("Image",)]
    return modules if len(modules) > 1 else modules[0]


def is_image(x):
    """Whether x is an image of Pillow; there is none where Pillow has not been imported."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(x, module.Image)


def image_of(array, mode):
    """The image of a mode whose pixels an array has: (height, width) or (height, width, bands)."""
    image = pillow()
    if array.dtype == bool:  # Pillow has eight pixels in a byte
        return image.fromarray(array)
    height, width = array.shape[:2]
    return image.frombuffer(mode, (width, height), array.tobytes(), "raw", mode, 0, 1)
