"""Letters of five scripts, each in twelve fonts: many things of which there are many pictures, on every machine."""

import os
import unicodedata

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.data import augment

FONTS = [
    f"DejaVu{family}{style}.ttf"
    for family, slanted in (("Sans", "Oblique"), ("SansMono", "Oblique"), ("Serif", "Italic"))
    for style in ("", "-Bold", f"-{slanted}", f"-Bold{slanted}")
]
"""They come with matplotlib, and have letters of Latin, Greek, Cyrillic, Armenian and Georgian."""

ALIKE = 0.07
"""Pictures of two letters differ at least so much, as the root of the mean square over all pixels and fonts."""


def letters(size=28, tried=None):
    """(letters, their pictures): a text of n letters, and an array (n, 12, size, size) of ink from 0 to 1.

    tried  how many letters are looked at, by default all

    Letters with accents are left out, and so are those that look as an earlier one does: "A" is a letter of three
    scripts.
    """
    import matplotlib
    from matplotlib.ft2font import FT2Font
    from PIL import ImageFont

    paths = [os.path.join(matplotlib.get_data_path(), "fonts", "ttf", name) for name in FONTS]
    codes = set.intersection(*[set(FT2Font(path).get_charmap()) for path in paths])  # those that each font has
    candidates = [letter for letter in map(chr, sorted(codes)) if is_plain_letter(letter)][:tried]
    fonts = [ImageFont.truetype(path, size * 5 // 7, layout_engine=ImageFont.Layout.BASIC) for path in paths]
    pictures = np.stack([[drawn(letter, font, size) for font in fonts] for letter in candidates])
    distances = tg.cdist(*[tg.tensor(pictures).flatten(1)] * 2).numpy() / pictures[0].size ** 0.5
    kept = []
    for index in range(len(candidates)):
        if (distances[index, kept] >= ALIKE).all():
            kept.append(index)
    return "".join(candidates[index] for index in kept), pictures[kept]


def is_plain_letter(letter):
    return unicodedata.category(letter) in ("Lu", "Ll", "Lo") and not unicodedata.decomposition(letter)


def drawn(letter, font, size):
    """The letter in the middle of (size, size), ink from 0 to 1."""
    from PIL import Image, ImageDraw

    left, top, right, bottom = font.getbbox(letter)
    image = Image.new("L", (size, size))
    ImageDraw.Draw(image).text(((size - left - right) / 2, (size - top - bottom) / 2), letter, 255, font)
    return np.asarray(image) / np.float32(255)


def photographs(drawn, draws, random):
    """Letters (n, 12, H, W), each font drawn several times: (n, 12 · draws, 1, H, W), for all in the same order."""
    drawn, looks = tg.tensor(drawn).unsqueeze(2), []
    for font in random.permutation(np.tile(np.arange(drawn.shape[1]), draws)):
        x = augment.shear(drawn[:, font], 10, seed=random, channels="first")
        x = augment.rotate(x, 10, seed=random, channels="first")
        looks.append(augment.random_crop(x, padding=2, seed=random, channels="first"))
    return tg.stack(looks, 1)
