"""MNIST and its like, four IDX files; and the small digits of scikit-learn."""

import functools
import os

import numpy as np

from .formats import read_idx
from .places import cache_folder, data_folders, fetch, find, path_in, search
from .results import labelled
from .stand_ins import bundled_digits, enlarged

__all__ = ["digits", "find_mnist", "load_digits", "load_fashion_mnist", "load_mnist", "mnist", "mnist_folders"]

MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"

MNIST_FILES = {
    "train-images-idx3-ubyte": (
        (60000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "sha256:440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    "train-labels-idx1-ubyte": (
        (60000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "sha256:3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    "t10k-images-idx3-ubyte": (
        (10000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "sha256:8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    "t10k-labels-idx1-ubyte": (
        (10000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        "sha256:f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
}
"""name -> shape, SHA-256 of the unpacked content, checksum of the .gz file as it is served.

Copies of MNIST are packed in different ways, so what is found on a disk is judged by its content.
"""

FASHION_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"

FASHION_FILES = {
    "train-images-idx3-ubyte": ((60000, 28, 28), None, "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
    "train-labels-idx1-ubyte": ((60000,), None, "md5:25c81989df183df01b3e8a0aad5dffbe"),
    "t10k-images-idx3-ubyte": ((10000, 28, 28), None, "md5:bef4ecab320f06d8554ea6380940ec79"),
    "t10k-labels-idx1-ubyte": ((10000,), None, "md5:bb300cfdad3c16e7a12a480ee83cd310"),
}
"""The same of Fashion-MNIST; that gzip's own checksum is right must do for what is found on a disk."""

DIGITS = tuple("0123456789")

CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def load_mnist(download=True):
    """MNIST: 60,000 + 10,000 handwritten digits (LeCun, Bottou, Bengio & Haffner 1998; CC BY-SA 3.0).

    download  whether to download the files (11 MB) into the user's cache if they are not found.
              Needs pooch: pip install "tinygrad-edu[data]"

    LabelledImages (N, 28, 28), 0 is paper and 1 ink. Without MNIST, scikit-learn's digits of 8×8 pixels, enlarged to
    28×28, stand in for it. ValueError if a file is damaged.
    """
    get = functools.partial(fetch_files, MNIST_URL, MNIST_FILES, "mnist") if download else None
    return load_idx("MNIST", "mnist", MNIST_FILES, get, DIGITS)


def load_fashion_mnist(download=True):
    """Fashion-MNIST: 60,000 + 10,000 pictures of clothes (Xiao, Rasul & Vollgraf 2017; MIT licence).

    As `load_mnist`; the files (31 MB) belong into the subfolder fashion_mnist. The stand-in is the same, digits.
    """
    get = functools.partial(fetch_files, FASHION_URL, FASHION_FILES, "fashion_mnist") if download else None
    return load_idx("Fashion-MNIST", "fashion_mnist", FASHION_FILES, get, CLOTHES)


def load_digits(test_size=450, seed=0):
    """1,797 handwritten digits of 8×8 pixels, which come with scikit-learn (the test set of Alpaydin & Kaynak 1998).

    test_size  how many of them are for testing
    seed       which ones: the set is shuffled by it, and the last `test_size` are taken

    LabelledImages (N, 8, 8). Needs scikit-learn: pip install "tinygrad-edu[demos]".
    """
    images, labels = bundled_digits(seed)
    if not 0 < test_size < len(labels):
        raise ValueError(
            f"load_digits: test_size must be between 1 and {len(labels) - 1}, not {test_size}, of {len(labels)} digits"
        )
    cut = len(labels) - test_size
    source = "The 1,797 digits of 8×8 pixels that come with scikit-learn."
    return labelled((images[:cut], labels[:cut]), (images[cut:], labels[cut:]), DIGITS, source, True)


def load_idx(title, subfolder, files, download, classes):
    """The data set of four IDX files, or what stands in for it."""
    folder, why = search(subfolder, list(files), download, packed=True)
    if folder is None:
        images, labels = bundled_digits()
        images = enlarged(images, 28)
        source = f"scikit-learn's digits, enlarged to 28×28 pixels, stand in for {title}: {why}."
        return labelled((images[:-450], labels[:-450]), (images[-450:], labels[-450:]), DIGITS, source, False)
    train_x, train_y, test_x, test_y = [read_part(folder, name, *facts[:2]) for name, facts in files.items()]
    return labelled((train_x, train_y), (test_x, test_y), classes, f"{title}, {why}.", True)


def read_part(folder, name, shape, content):
    """The bytes in one of the files: intensities, or numbers of classes."""
    path = path_in(folder, name)
    values = read_idx(path, shape, content)
    if values.dtype != np.uint8:
        raise ValueError(f"{path} has values of type {values.dtype}, and should have bytes. Delete it and get it again")
    if values.ndim == 1 and values.max() > 9:
        raise ValueError(f"{path} has the label {values.max()}, and there are 10 classes. Delete it and get it again")
    return values


def fetch_files(url, files, subfolder):
    """Fetch the files of a data set into the user's cache, check them, and return their folder."""
    folder = os.path.join(cache_folder(), subfolder)
    otherwise = "Put its files into a folder and set TINYGRAD_EDU_DATA to its path"
    for name, (_, _, checksum) in files.items():
        fetch(f"{url}{name}.gz", checksum, folder, otherwise)
    return folder


# ---- MNIST and the digits as plain pairs


def digits(test_size=450, seed=0):
    """(x_train, y_train), (x_test, y_test) of `load_digits`."""
    data = load_digits(test_size, seed)
    return data.train, data.test


def mnist(download=False):
    """(x_train, y_train), (x_test, y_test) of `load_mnist`, without a stand-in.

    Raises FileNotFoundError if the files are not found, ValueError if one is damaged, OSError if a download fails.
    """
    if find_mnist() is None:
        if not download:
            folders = " or ".join(mnist_folders())
            raise FileNotFoundError(f"MNIST is not in {folders}. mnist(download=True) downloads it (11 MB)")
        fetch_files(MNIST_URL, MNIST_FILES, "mnist")
    data = load_mnist(download=False)
    return data.train, data.test


def find_mnist():
    """The first of `mnist_folders()` that has all four files, packed or not; None if there is none."""
    return find("mnist", list(MNIST_FILES), packed=True)


def mnist_folders():
    """Where MNIST is looked for, in this order."""
    return data_folders("mnist")
