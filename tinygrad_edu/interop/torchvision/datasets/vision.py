"""What data sets of images have in common."""

import os

from ....data.dataset import Dataset

__all__ = ["StandardTransform", "VisionDataset"]


class VisionDataset(Dataset):
    """Samples (input, target) by number; a subclass defines `__getitem__` and `__len__`.

    root              the folder of the data; "~" is the user's
    transforms        a function of (input, target) that returns both; or instead
    transform         a function of the input, and
    target_transform  a function of the target
    """

    _repr_indent = 4

    def __init__(self, root=None, transforms=None, transform=None, target_transform=None):
        separate = transform is not None or target_transform is not None
        if transforms is not None and separate:
            raise ValueError(
                f"{type(self).__name__}: transforms, for inputs and targets together, excludes transform and "
                "target_transform"
            )
        self.root = os.path.expanduser(root) if isinstance(root, str) else root
        self.transform, self.target_transform = transform, target_transform
        self.transforms = StandardTransform(transform, target_transform) if separate else transforms

    def __len__(self):
        raise NotImplementedError(f"{type(self).__name__} does not define __len__(), the number of samples")

    def transformed(self, input, target):
        """A sample after `transform` and `target_transform`."""
        if self.transform is not None:
            input = self.transform(input)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return input, target

    def extra_repr(self):
        """Further lines for the text."""
        return ""

    def __repr__(self):
        lines = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            lines.append(f"Root location: {self.root}")
        lines += self.extra_repr().splitlines()
        if self.transforms is not None:
            lines.append(repr(self.transforms))
        return "\n".join(["Dataset " + type(self).__name__, *[" " * self._repr_indent + line for line in lines]])


class StandardTransform:
    """A function for inputs and one for targets, as one function of both."""

    def __init__(self, transform=None, target_transform=None):
        self.transform, self.target_transform = transform, target_transform

    __call__ = VisionDataset.transformed

    def __repr__(self):
        lines = [type(self).__name__]
        for head, transform in (("Transform: ", self.transform), ("Target transform: ", self.target_transform)):
            if transform is not None:
                lines.append(head + repr(transform).replace("\n", "\n" + " " * len(head)))
        return "\n".join(lines)
