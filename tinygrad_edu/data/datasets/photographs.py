"""Color photographs: CIFAR-10, cats, hands that show digits."""

import os

import numpy as np

from ..splits import split
from .formats import read_cifar10, read_hdf5, read_npz
from .mnist_like import DIGITS
from .places import cache_folder, fetch, search
from .results import labelled
from .stand_ins import bundled_digits, digits_on_photographs, enlarged

__all__ = ["load_cats", "load_cifar10", "load_sign_digits"]

# ---- CIFAR-10

CIFAR10_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
CIFAR10_CHECKSUM = "md5:c32a1d4ab5d03f1284b67883e8d87530"
CIFAR10_FOLDER = "cifar-10-batches-bin"
CIFAR10_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
CIFAR10_TEST = ("test_batch.bin",)
CIFAR10_COUNT = 10_000
"""The images in each file."""

THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def load_cifar10(download=True):
    """CIFAR-10: 50,000 + 10,000 color photographs of things and animals (Krizhevsky 2009).

    download  whether to download the files (170 MB) into the user's cache if they are not found.
              Needs pooch: pip install "tinygrad-edu[data]"

    LabelledImages (N, 32, 32, 3); they take 740 MB of memory. Without CIFAR-10, scikit-learn's digits, written on parts
    of photographs, stand in for it. The files are those of the binary version, in a folder cifar-10-batches-bin: those
    "for Python" are pickles, which can execute anything when they are read, and are not read. ValueError if a file is
    damaged.
    """
    folder, why = search(CIFAR10_FOLDER, [*CIFAR10_TRAIN, *CIFAR10_TEST], download_cifar10 if download else None)
    if folder is None:
        images, labels = bundled_digits()
        images = digits_on_photographs(images, 32)
        source = f"scikit-learn's digits, on parts of photographs, stand in for CIFAR-10: {why}."
        return labelled((images[:-450], labels[:-450]), (images[-450:], labels[-450:]), DIGITS, source, False)
    train, test = [
        [np.concatenate(parts) for parts in zip(*[read_cifar10(os.path.join(folder, n), CIFAR10_COUNT) for n in names])]
        for names in (CIFAR10_TRAIN, CIFAR10_TEST)
    ]
    return labelled(train, test, THINGS, f"CIFAR-10, {why}.", True)


def download_cifar10():
    """Fetch the archive into the user's cache, unpack it, and return the folder of the files."""
    otherwise = f"Put its folder {CIFAR10_FOLDER} into a folder and set TINYGRAD_EDU_DATA to its path"
    return unpack_cifar10(fetch(CIFAR10_URL, CIFAR10_CHECKSUM, cache_folder(), otherwise))


def unpack_cifar10(archive):
    """Unpack those files that are needed beside the archive, each whole or not at all, and return their folder."""
    import shutil
    import tarfile

    from ...serialization.files import opened_for_writing

    folder = os.path.join(os.path.dirname(archive), CIFAR10_FOLDER)
    os.makedirs(folder, exist_ok=True)
    with tarfile.open(archive) as tar:
        for name in (*CIFAR10_TRAIN, *CIFAR10_TEST):
            with (
                tar.extractfile(f"{CIFAR10_FOLDER}/{name}") as packed,
                opened_for_writing(os.path.join(folder, name)) as file,
            ):
                shutil.copyfileobj(packed, file)
    return folder


# ---- cats

CATS_FILES = {
    "train_catvnoncat.h5": (
        {"train_set_x": (209, 64, 64, 3), "train_set_y": (209,)},
        "f19135472731081e70474f7c5ee3ce3d87911a74cc4fb4304cac932037506996",
    ),
    "test_catvnoncat.h5": (
        {"test_set_x": (50, 64, 64, 3), "test_set_y": (50,)},
        "cc71f43ca60bb555ad8f09e4126400c8dedbb6a4fed536b9724b5f89f7dcf048",
    ),
}
"""name -> the shapes of its arrays, the SHA-256 of their bytes."""


def load_cats():
    """209 + 50 photographs, with a cat (1) or without (0), from the course "Neural Networks and Deep Learning".

    LabelledImages (N, 64, 64, 3). They have no public address: the files train_catvnoncat.h5 and test_catvnoncat.h5 are
    read from the subfolder cats, which needs h5py: pip install "tinygrad-edu[data]". Without them, as many of
    scikit-learn's digits, enlarged, stand in for them: even (1) or odd (0). ValueError if a file is damaged.
    """
    folder, why = search("cats", list(CATS_FILES))
    if folder is None:
        images, labels = [part[: 209 + 50] for part in bundled_digits()]
        images, labels = enlarged(images, 64, channels=3), 1 - labels % 2
        source = f"scikit-learn's digits, odd or even, stand in for the photographs of cats: {why}."
        return labelled((images[:209], labels[:209]), (images[209:], labels[209:]), ("odd", "even"), source, False)
    train, test = [read_hdf5(os.path.join(folder, name), *facts) for name, facts in CATS_FILES.items()]
    return labelled(train, test, ("non-cat", "cat"), f"The photographs of cats, {why}.", True)


# ---- sign digits

SIGN_DIGITS_FILE = "sign_language_digits_64x64.npz"


def load_sign_digits(test_size=0.2, seed=0):
    """2,062 photographs of hands that show the digits 0 to 9 (Mavi & Dikle 2017, "Sign Language Digits"; Apache-2.0).

    test_size  which part of them is for testing, or how many
    seed       which ones; of each digit the same part

    LabelledImages (N, 64, 64, 3). The file sign_language_digits_64x64.npz, with uint8 arrays `images` (N, 64, 64, 3)
    and `labels` (N,), is read from the subfolder sign_digits; docs/data.md says how to make it of the photographs.
    Without it, scikit-learn's digits, enlarged, stand in for it. ValueError if it is damaged.
    """
    folder, why = search("sign_digits", [SIGN_DIGITS_FILE])
    if folder is None:
        images, labels = bundled_digits()
        images = enlarged(images, 64, channels=3)
        source = f"scikit-learn's digits, enlarged, stand in for the hands that show digits: {why}."
    else:
        images, labels = read_sign_digits(os.path.join(folder, SIGN_DIGITS_FILE))
        source = f"The hands that show digits, {why}."
    sizes = (len(labels) - test_size, test_size) if isinstance(test_size, int) else (1 - test_size, test_size)
    return labelled(*split(images, labels, sizes, seed, stratify=True), DIGITS, source, folder is not None)


def read_sign_digits(path):
    images, labels = read_npz(path, ("images", "labels"))
    if images.dtype != np.uint8 or images.shape[1:] != (64, 64, 3) or labels.shape != (len(images),):
        raise ValueError(
            f"{path} has images of shape {images.shape} and dtype {images.dtype}, and labels of shape {labels.shape}; "
            "images (N, 64, 64, 3) of uint8 and labels (N,) are needed"
        )
    if sorted(set(labels.tolist())) != list(range(10)):
        raise ValueError(f"{path} must have the labels 0 to 9, all of them and no others")
    return images, labels
