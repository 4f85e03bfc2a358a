"""CIFAR-10, read from its binary files."""

import os
import shutil
import tarfile

import numpy as np

from ....data.datasets import fetch
from ....serialization.files import opened_for_writing
from ..pillow import pillow
from .vision import VisionDataset

__all__ = ["CIFAR10"]

THINGS = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]

PIXELS = 3 * 32 * 32


class CIFAR10(VisionDataset):
    """50,000 + 10,000 color photographs of 32×32 pixels in 10 classes (Krizhevsky 2009): (image of mode RGB, class).

    root                         the folder whose subfolder cifar-10-batches-bin has the files data_batch_1.bin ... and
                                 test_batch.bin
    train                        whether the 50,000 for training, or the 10,000 for testing
    transform, target_transform  functions of the image and of the class
    download                     fetch and unpack the files (170 MB) if they are not found.
                                 Needs pooch: pip install "tinygrad-edu[data]"

    Attributes: `data`, uint8 array (number, 32, 32, 3); `targets`, list of numbers; `classes`; `class_to_idx`.

    The version "for Python", cifar-10-batches-py, consists of pickles, which can execute anything when they are read.
    It is not read.

    Raises RuntimeError if the files are not found, ValueError if one is damaged, OSError if a download fails.
    """

    base_folder = "cifar-10-batches-bin"
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
    tgz_md5 = "c32a1d4ab5d03f1284b67883e8d87530"
    train_list = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
    test_list = ("test_batch.bin",)
    classes = THINGS

    def __init__(self, root, train=True, transform=None, target_transform=None, download=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        self.folder = os.path.join(self.root, self.base_folder)
        if not self.is_found():
            if not download:
                raise RuntimeError(self.not_found())
            self.download()
        batches = [
            self.read(os.path.join(self.folder, name)) for name in (self.train_list if train else self.test_list)
        ]
        self.data = np.concatenate([images for images, _ in batches])
        self.targets = np.concatenate([labels for _, labels in batches]).tolist()
        self.class_to_idx = {name: number for number, name in enumerate(self.classes)}

    def is_found(self):
        return all(os.path.isfile(os.path.join(self.folder, name)) for name in (*self.train_list, *self.test_list))

    def not_found(self):
        text = f"CIFAR-10 is not in {self.folder}. CIFAR10(root, download=True) downloads it (170 MB)"
        if os.path.isdir(os.path.join(self.root, "cifar-10-batches-py")):
            text += (
                f". The files in {os.path.join(self.root, 'cifar-10-batches-py')} are pickles, which can execute "
                "anything when they are read, and are not read; the binary version has the same images"
            )
        return text

    def read(self, path):
        """(images, labels) of a file: for each image a byte that is its label, then its red, green and blue pixels."""
        content = np.fromfile(path, np.uint8)
        if content.size == 0 or content.size % (1 + PIXELS):
            raise ValueError(
                f"{path} has {content.size} bytes, no multiple of {1 + PIXELS}, a label and the pixels of an image. "
                "Delete it and get it again"
            )
        rows = content.reshape(-1, 1 + PIXELS)
        if rows[:, 0].max() >= len(self.classes):
            raise ValueError(
                f"{path} has the label {rows[:, 0].max()}, and there are 10 classes. Delete it and get it again"
            )
        return np.ascontiguousarray(rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), rows[:, 0]

    def download(self):
        """Fetch the archive, unless it is in `root` already, and unpack those of its files that are needed."""
        archive = fetch(self.url, f"md5:{self.tgz_md5}", self.root, f"Put it into {self.root}")
        os.makedirs(self.folder, exist_ok=True)
        with tarfile.open(archive) as tar:
            for name in (*self.train_list, *self.test_list):
                path = os.path.join(self.folder, name)
                with tar.extractfile(f"{self.base_folder}/{name}") as packed, opened_for_writing(path) as file:
                    shutil.copyfileobj(packed, file)

    def __getitem__(self, index):
        return self.transformed(pillow().fromarray(self.data[index]), self.targets[index])

    def __len__(self):
        return len(self.data)

    def extra_repr(self):
        return f"Split: {'Train' if self.train else 'Test'}"
