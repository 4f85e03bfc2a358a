"""Data sets of files: a folder of each class."""

import os

from ..pillow import pillow
from .vision import VisionDataset

__all__ = [
    "IMG_EXTENSIONS",
    "DatasetFolder",
    "ImageFolder",
    "default_loader",
    "find_classes",
    "make_dataset",
    "pil_loader",
]

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def find_classes(directory):
    """(names, {name: number}) of the classes: the folders in `directory`, sorted."""
    with os.scandir(directory) as entries:
        classes = sorted(entry.name for entry in entries if entry.is_dir())
    if not classes:
        raise FileNotFoundError(
            f"there is no folder in {directory}; it has to have one for each class, with its files in it"
        )
    return classes, {name: number for number, name in enumerate(classes)}


def make_dataset(directory, class_to_idx=None, extensions=None, is_valid_file=None, allow_empty=False):
    """[(path, number of its class)] of all files below the folders of the classes, class by class, sorted.

    class_to_idx   {name of a folder: number}; by default that of `find_classes`
    extensions     a file counts if its name ends so, in small or capital letters; or instead
    is_valid_file  a function that says of a path whether the file counts
    allow_empty    whether a class may have no file; else that is a FileNotFoundError
    """
    directory = os.path.expanduser(directory)
    if class_to_idx is None:
        class_to_idx = find_classes(directory)[1]
    if not class_to_idx:
        raise ValueError("make_dataset: class_to_idx has no class")
    if (extensions is None) == (is_valid_file is None):
        raise ValueError("make_dataset: give either extensions or is_valid_file")
    if extensions is not None:
        endings = extensions if isinstance(extensions, str) else tuple(extensions)

        def is_valid_file(path):
            return path.lower().endswith(endings)

    samples, empty = [], []
    for name in sorted(class_to_idx):
        before = len(samples)
        for folder, _, files in sorted(os.walk(os.path.join(directory, name), followlinks=True)):
            paths = [os.path.join(folder, file) for file in sorted(files)]
            samples += [(path, class_to_idx[name]) for path in paths if is_valid_file(path)]
        if len(samples) == before:
            empty.append(name)
    if empty and not allow_empty:
        wanted = (
            ""
            if extensions is None
            else f"; files count that end in {', '.join([endings] if isinstance(endings, str) else endings)}"
        )
        raise FileNotFoundError(f"{directory} has no file for the classes {', '.join(empty)}{wanted}")
    return samples


def pil_loader(path):
    """The image of a file as Pillow's, of mode RGB."""
    with open(path, "rb") as file:
        return pillow().open(file).convert("RGB")


def default_loader(path):
    """`pil_loader`."""
    return pil_loader(path)


class DatasetFolder(VisionDataset):
    """The files in root/class/**, each with the number of its class.

    loader                                   a function of a path that returns the sample
    extensions, is_valid_file, allow_empty   as in `make_dataset`

    Attributes: `classes`, their names; `class_to_idx`; `samples`, pairs (path, number); `targets`, the numbers.
    """

    def __init__(
        self,
        root,
        loader,
        extensions=None,
        transform=None,
        target_transform=None,
        is_valid_file=None,
        allow_empty=False,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.loader, self.extensions = loader, extensions
        self.classes, self.class_to_idx = self.find_classes(self.root)
        self.samples = self.make_dataset(
            self.root,
            self.class_to_idx,
            extensions=extensions,
            is_valid_file=is_valid_file,
            allow_empty=allow_empty,
        )
        self.targets = [target for _, target in self.samples]

    @staticmethod
    def make_dataset(directory, class_to_idx, extensions=None, is_valid_file=None, allow_empty=False):
        """What the samples are; a subclass may find them otherwise."""
        if class_to_idx is None:
            raise ValueError("make_dataset: class_to_idx is None; find_classes(directory) gives it")
        return make_dataset(directory, class_to_idx, extensions, is_valid_file, allow_empty)

    def find_classes(self, directory):
        """What the classes are; a subclass may find them otherwise."""
        return find_classes(directory)

    def __getitem__(self, index):
        path, target = self.samples[index]
        return self.transformed(self.loader(path), target)

    def __len__(self):
        return len(self.samples)


class ImageFolder(DatasetFolder):
    """The images in root/class/**, of mode RGB, each with the number of its class: root/cat/1.png,
    root/dog/old/2.jpg."""

    def __init__(
        self,
        root,
        transform=None,
        target_transform=None,
        loader=default_loader,
        is_valid_file=None,
        allow_empty=False,
    ):
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(root, loader, extensions, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples
