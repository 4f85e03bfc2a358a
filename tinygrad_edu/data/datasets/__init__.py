"""The data sets of the demos: images, names, a text, points in the plane.

`places` says where they are looked for, and what happens if they are not found.
"""

from .formats import read_idx
from .mnist_like import digits, find_mnist, load_digits, load_fashion_mnist, load_mnist, mnist, mnist_folders
from .photographs import load_cats, load_cifar10, load_sign_digits
from .places import cache_folder
from .results import LabelledImages, Names, Text
from .texts import load_dinosaurs, load_names, load_shakespeare
from .toys import blobs, circles, flower, moons, spirals

__all__ = [
    "LabelledImages", "Names", "Text", "blobs", "cache_folder", "circles", "digits", "find_mnist", "flower",
    "load_cats", "load_cifar10", "load_digits", "load_dinosaurs", "load_fashion_mnist", "load_mnist", "load_names",
    "load_shakespeare", "load_sign_digits", "mnist", "mnist_folders", "moons", "read_idx", "spirals",
]  # fmt: skip
