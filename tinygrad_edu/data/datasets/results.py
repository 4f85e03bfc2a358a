"""What the loaders return."""

import numpy as np

from ...tensor import of_array

__all__ = ["LabelledImages", "Names", "Text"]


class LabelledImages:
    """Images to train with and to test with, each with the number of its class.

    train_x, test_x  float32 tensors (N, height, width), or of color images (N, height, width, 3), values from 0 to 1
    train_y, test_y  int64 tensors (N,), from 0 to len(classes) − 1
    train, test      the pairs (train_x, train_y) and (test_x, test_y)
    classes          a tuple with the name of each class
    source           a sentence: which data these are, where from, and if others stand in for them, why
    real             False if others stand in for them
    """

    def __init__(self, train, test, classes, source, real):
        self.train_x, self.train_y = train
        self.test_x, self.test_y = test
        self.classes, self.source, self.real = tuple(classes), source, real

    @property
    def train(self):
        return self.train_x, self.train_y

    @property
    def test(self):
        return self.test_x, self.test_y

    def channels_first(self):
        """The same with images as convolutions take them: (N, 1 or 3, height, width)."""
        train, test = [
            (x.unsqueeze(1) if x.ndim == 3 else x.permute(0, 3, 1, 2).contiguous(), y)
            for x, y in (self.train, self.test)
        ]
        return LabelledImages(train, test, self.classes, self.source, self.real)

    def __repr__(self):
        size = "×".join(map(str, self.train_x.shape[1:]))
        counts = f"{len(self.train_x):,} + {len(self.test_x):,} of {size}, {len(self.classes)} classes"
        return f"LabelledImages({counts}): {self.source}"


class Names:
    """A list of names.

    names         a list of str
    source, real  as of LabelledImages
    """

    def __init__(self, names, source, real):
        self.names, self.source, self.real = names, source, real

    def __repr__(self):
        return f"Names({len(self.names):,}: {', '.join(self.names[:3])}, …): {self.source}"


class Text:
    """A text.

    text          a str
    source, real  as of LabelledImages
    """

    def __init__(self, text, source, real):
        self.text, self.source, self.real = text, source, real

    def __repr__(self):
        return f"Text({len(self.text):,} characters): {self.source}"


def labelled(train, test, classes, source, real):
    """LabelledImages of two pairs (images, labels) of arrays; images of integers have intensities from 0 to 255."""
    train, test = [
        (of_array(scaled(images), None), of_array(labels.astype(np.int64), None)) for images, labels in (train, test)
    ]
    return LabelledImages(train, test, classes, source, real)


def scaled(images):
    """Intensities as float32 from 0 to 1."""
    if images.dtype.kind == "f":
        return np.ascontiguousarray(images, np.float32)
    return np.true_divide(images, np.float32(255), dtype=np.float32)
