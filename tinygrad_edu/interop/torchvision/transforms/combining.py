"""Several transforms as one."""

import random
from collections.abc import Sequence

from ....nn.module import Module
from .settings import happens

__all__ = ["Compose", "Lambda", "RandomApply", "RandomChoice", "RandomOrder"]


def listed(name, lines):
    """The text of a transform that consists of others."""
    return "".join([f"{name}(", *[f"\n    {line}" for line in lines], "\n)"])


class Compose:
    """One transform after the other: Compose([RandomCrop(28), ToTensor()])."""

    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, img):
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self):
        return listed(type(self).__name__, self.transforms)


class Lambda:
    """A function as a transform."""

    def __init__(self, lambd):
        if not callable(lambd):
            raise TypeError(f"Lambda takes a function, not a {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, img):
        return self.lambd(img)

    def __repr__(self):
        return f"{type(self).__name__}()"


class RandomApply(Module):
    """With probability p, a list of transforms one after the other; else none of them."""

    def __init__(self, transforms, p=0.5):
        super().__init__()
        if isinstance(transforms, Module):
            self.transforms = transforms
        else:  # a plain list is right here: these modules have no parameters that it could hide
            object.__setattr__(self, "transforms", transforms)
        self.p = p

    def forward(self, img):
        if not happens(self.p):
            return img
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self):
        return listed(type(self).__name__, [f"p={self.p}", *self.transforms])


class OneOfMany:
    """What chooses among transforms, by Python's `random`: random.seed() makes it repeatable."""

    def __init__(self, transforms):
        if not isinstance(transforms, Sequence):
            raise TypeError(f"{type(self).__name__} takes a list of transforms, not a {type(transforms).__name__}")
        self.transforms = transforms

    def __repr__(self):
        return listed(type(self).__name__, self.transforms)


class RandomOrder(OneOfMany):
    """All transforms of a list, in random order."""

    def __call__(self, img):
        order = list(range(len(self.transforms)))
        random.shuffle(order)
        for number in order:
            img = self.transforms[number](img)
        return img


class RandomChoice(OneOfMany):
    """One transform of a list, each as probable as its number in p says; equally probable without p."""

    def __init__(self, transforms, p=None):
        super().__init__(transforms)
        if p is not None and not isinstance(p, Sequence):
            raise TypeError(f"RandomChoice: p is a list with a number for each transform, not a {type(p).__name__}")
        self.p = p

    def __call__(self, *args):
        return random.choices(self.transforms, weights=self.p)[0](*args)

    def __repr__(self):
        return f"{super().__repr__()}(p={self.p})"
