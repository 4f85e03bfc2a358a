"""CIFAR-10, read from its binary files."""

import os

import numpy as np

from ....data.datasets import photographs
from ....data.datasets.formats import read_cifar10
from ....data.datasets.places import fetch
from ..pillow import pillow
from .vision import VisionDataset

__all__ = ["CIFAR10"]


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

    base_folder = photographs.CIFAR10_FOLDER
    url = photographs.CIFAR10_URL
    tgz_md5 = photographs.CIFAR10_CHECKSUM.removeprefix("md5:")
    train_list, test_list = photographs.CIFAR10_TRAIN, photographs.CIFAR10_TEST
    classes = list(photographs.THINGS)

    def __init__(self, root, train=True, transform=None, target_transform=None, download=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        self.folder = os.path.join(self.root, self.base_folder)
        if not self.is_found():
            if not download:
                raise RuntimeError(self.not_found())
            self.download()
        batches = [
            read_cifar10(os.path.join(self.folder, name)) for name in (self.train_list if train else self.test_list)
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

    def download(self):
        """Fetch the archive, unless it is in `root` already, and unpack those of its files that are needed."""
        photographs.unpack_cifar10(fetch(self.url, f"md5:{self.tgz_md5}", self.root, f"Put it into {self.root}"))

    def __getitem__(self, index):
        return self.transformed(pillow().fromarray(self.data[index]), self.targets[index])

    def __len__(self):
        return len(self.data)

    def extra_repr(self):
        return f"Split: {'Train' if self.train else 'Test'}"
