"""What the tests of demos share. Whoever imports this is skipped if a package that demos need is not installed."""

import importlib
import os
import xml.etree.ElementTree as xml

import pytest

for package in ("sklearn", "matplotlib", "PIL", "threadpoolctl", "tqdm"):
    pytest.importorskip(package)


def check_pictures(folder, *names):
    """The folder has these files and no others, and each is a picture."""
    assert sorted(os.listdir(folder)) == sorted(names)
    for name in names:
        if name.endswith(".svg"):
            assert xml.parse(folder / name).getroot().tag.endswith("svg")
        else:
            pixels = importlib.import_module("matplotlib.image").imread(folder / name)
            assert min(pixels.shape[:2]) > 200 and pixels.std() > 0.02, name
