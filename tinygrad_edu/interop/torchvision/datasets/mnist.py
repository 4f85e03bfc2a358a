"""MNIST and Fashion-MNIST."""

import os

import numpy as np

from ....data.datasets import mnist_like
from ....tensor import of_array
from ..pillow import pillow
from .vision import VisionDataset

__all__ = ["MNIST", "FashionMNIST"]

DIGITS = [
    "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven", "8 - eight",
    "9 - nine",
]  # fmt: skip


class MNIST(VisionDataset):
    """60,000 + 10,000 handwritten digits of 28×28 pixels (LeCun, Bottou, Bengio & Haffner 1998): (image of mode L,
    digit).

    root                         the folder whose subfolder MNIST/raw has the four IDX files, packed by gzip or not
    train                        whether the 60,000 for training, or the 10,000 for testing
    transform, target_transform  functions of the image and of the digit
    download                     fetch the files (11 MB) into MNIST/raw if they are not found.
                                 Needs pooch: pip install "tinygrad-edu[data]"

    Where MNIST/raw has not all four files, those that `tinygrad_edu.data.datasets.find_mnist()` finds are taken: in the
    folder that the environment variable TINYGRAD_EDU_DATA names, or in the user's cache.

    Attributes: `data`, uint8 tensor (number, 28, 28); `targets`, int64 tensor; `classes`; `class_to_idx`.

    Raises RuntimeError if the files are not found, ValueError if one is damaged, OSError if a download fails.
    """

    classes = DIGITS

    def __init__(self, root, train=True, transform=None, target_transform=None, download=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        folder = self.find()
        if folder is None:
            if not download:
                raise RuntimeError(
                    f"{type(self).__name__} is not in {self.raw_folder}. {type(self).__name__}(root, download=True) "
                    "downloads it"
                )
            self.download()
            folder = self.raw_folder
        part = "train" if train else "t10k"
        images, labels = [
            mnist_like.read_idx(mnist_like.path_in(folder, name)) for name in self.files() if name.startswith(part)
        ]
        if images.dtype != np.uint8 or images.ndim != 3 or labels.shape != images.shape[:1]:
            raise ValueError(
                f"the IDX files of {folder} have arrays of shapes {images.shape} and {labels.shape}, dtype "
                f"{images.dtype}; as many images as labels are needed, of dtype uint8"
            )
        self.data, self.targets = of_array(images.copy(), None), of_array(labels.astype(np.int64), None)

    @property
    def raw_folder(self):
        """Where the files belong."""
        return os.path.join(self.root, type(self).__name__, "raw")

    @property
    def class_to_idx(self):
        return {name: number for number, name in enumerate(self.classes)}

    def files(self):
        """{name: URL and checksum of its .gz file}, the images before the labels."""
        return {
            name: (f"{mnist_like.MNIST_URL}{name}.gz", checksum)
            for name, (_, _, checksum) in mnist_like.MNIST_FILES.items()
        }

    def find(self):
        """The folder that has all files, or None."""
        if all(mnist_like.path_in(self.raw_folder, name) for name in self.files()):
            return self.raw_folder
        return mnist_like.find_mnist()

    def download(self):
        """Fetch those files that are not in MNIST/raw yet. What arrives damaged is not kept."""
        for name, (url, checksum) in self.files().items():
            if not mnist_like.path_in(self.raw_folder, name):
                mnist_like.fetch(url, checksum, self.raw_folder, f"Put the four files into {self.raw_folder}")

    def __getitem__(self, index):
        image = pillow().fromarray(self.data[index].numpy())
        return self.transformed(image, int(self.targets[index]))

    def __len__(self):
        return len(self.data)

    def extra_repr(self):
        return f"Split: {'Train' if self.train else 'Test'}"


class FashionMNIST(MNIST):
    """60,000 + 10,000 pictures of clothes of 28×28 pixels (Xiao, Rasul & Vollgraf 2017): (image of mode L, class).

    Arguments, attributes and errors are those of MNIST; the files (31 MB) belong into root/FashionMNIST/raw, and are
    not looked for elsewhere.
    """

    classes = list(mnist_like.CLOTHES)

    def files(self):
        return {
            name: (f"{mnist_like.FASHION_URL}{name}.gz", checksum)
            for name, (_, _, checksum) in mnist_like.FASHION_FILES.items()
        }

    def find(self):
        found = all(mnist_like.path_in(self.raw_folder, name) for name in self.files())
        return self.raw_folder if found else None
