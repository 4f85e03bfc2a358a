"""Handwritten digits: `digits`, a small set that comes with scikit-learn, and `mnist`.

Each returns (x_train, y_train), (x_test, y_test): images as float32 tensors with values from 0 (paper) to 1 (ink), of
shape (number, height, width), and labels as int64 tensors, of shape (number,).

MNIST is looked for in the folder that the environment variable TINYGRAD_EDU_DATA names, in its subfolder `mnist`, and
in the user's cache. It is never downloaded unless that is asked for.
"""

import math
import os

import numpy as np

from ..tensor import of_array

__all__ = ["digits", "find_mnist", "mnist", "mnist_folders", "read_idx"]

MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"

MNIST_FILES = {
    "train-images-idx3-ubyte": (
        (60000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    "train-labels-idx1-ubyte": (
        (60000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    "t10k-images-idx3-ubyte": (
        (10000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    "t10k-labels-idx1-ubyte": (
        (10000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
}
"""name -> shape, SHA-256 of the unpacked content, SHA-256 of the .gz file as it is served.

Copies of MNIST are packed in different ways, so what is found on a disk is judged by its content.
"""

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def digits(test_size=450, seed=0):
    """1,797 handwritten digits of 8×8 pixels, which come with scikit-learn (the test set of Alpaydin & Kaynak 1998).

    test_size  how many of them are for testing
    seed       which ones: the set is shuffled by it, and the last `test_size` are taken

    Needs scikit-learn: pip install "tinygrad-edu[demos]".
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            'the bundled digits are those of scikit-learn, which is not installed: pip install "tinygrad-edu[demos]"'
        ) from error
    data = load_digits()
    count = len(data.target)
    if not 0 < test_size < count:
        raise ValueError(f"digits: test_size must be between 1 and {count - 1}, not {test_size}, of {count} digits")
    order = np.random.default_rng(seed).permutation(count)
    images, labels = data.images[order], data.target[order]
    cut = count - test_size
    return as_tensors(images[:cut], labels[:cut], 16), as_tensors(images[cut:], labels[cut:], 16)


def mnist(download=False):
    """MNIST: 60,000 + 10,000 handwritten digits of 28×28 pixels (LeCun, Bottou, Bengio & Haffner 1998; CC BY-SA 3.0).

    download  fetch the files (11 MB) into the user's cache if they are not found.
              Needs pooch: pip install "tinygrad-edu[demos]"

    Raises FileNotFoundError if they are not found, ValueError if a file is damaged, OSError if a download fails.
    """
    folder = find_mnist()
    if folder is None:
        if not download:
            folders = " or ".join(mnist_folders())
            raise FileNotFoundError(f"MNIST is not in {folders}. mnist(download=True) downloads it (11 MB)")
        folder = download_mnist()
    train_x, train_y, test_x, test_y = [
        read_idx(path_in(folder, name), shape, content) for name, (shape, content, _) in MNIST_FILES.items()
    ]
    return as_tensors(train_x, train_y, 255), as_tensors(test_x, test_y, 255)


def find_mnist():
    """The first of `mnist_folders()` that has all four files, packed or not; None if there is none."""
    for folder in mnist_folders():
        if all(path_in(folder, name) for name in MNIST_FILES):
            return folder
    return None


def mnist_folders():
    """Where MNIST is looked for, in this order."""
    folders = [os.path.join(cache_folder(), "mnist")]
    given = os.environ.get("TINYGRAD_EDU_DATA")
    if given:
        given = os.path.expanduser(given)
        folders = [given, os.path.join(given, "mnist"), *folders]
    return folders


def cache_folder():
    """Where this user keeps what can be downloaded again."""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(caches, "tinygrad_edu")


def path_in(folder, name):
    """The path of a file in `folder`, packed or not; None if it has neither."""
    paths = os.path.join(folder, f"{name}.gz"), os.path.join(folder, name)
    return next((path for path in paths if os.path.isfile(path)), None)


def download_mnist():
    """Fetch the four files into the user's cache, check them, and return their folder."""
    folder = os.path.join(cache_folder(), "mnist")
    otherwise = "Put the four files of MNIST into a folder and set TINYGRAD_EDU_DATA to its path"
    for name, (_, _, served) in MNIST_FILES.items():
        fetch(f"{MNIST_URL}{name}.gz", f"sha256:{served}", folder, otherwise)
    return folder


def fetch(url, checksum, folder, otherwise):
    """Download a file into `folder`, unless it is there already, and return its path.

    checksum   "sha256:..." or "md5:..."; a file that has another is not kept (ValueError)
    otherwise  what to do if the download fails, for the error (OSError)
    """
    try:
        import pooch
    except ImportError as error:
        raise ImportError('downloading needs pooch, which is not there: pip install "tinygrad-edu[demos]"') from error
    downloader = pooch.HTTPDownloader(timeout=10)  # seconds without an answer; a slow download may take longer
    try:  # pooch gives a file its name only when it is complete and its checksum right
        return pooch.retrieve(url, checksum, url.rpartition("/")[2], folder, downloader=downloader)
    except ValueError as error:
        raise ValueError(f"the download of {url} is damaged, and nothing of it was kept: {error}") from error
    except OSError as error:  # the errors of requests, which pooch uses, are among them
        raise OSError(f"could not download {url}: {reason(error)}. {otherwise}") from error


def reason(error):
    """The innermost cause of an error, in a few words."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def read_idx(path, shape=None, sha256=None):
    """The array in an IDX file, which may be packed by gzip.

    shape, sha256  what it must have: its shape, and the checksum of the (unpacked) file

    The format (LeCun): two zero bytes, a byte for the type, a byte for the number of dimensions, each size as a 4-byte
    integer, then the values, the last dimension fastest; most significant bytes first. ValueError for anything else.
    """
    import gzip
    import hashlib
    import zlib

    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else open(path, "rb") as file:
            header, found, dtype = read_header(file)
            if shape is not None and found != tuple(shape):
                raise ValueError(f"its values have shape {found}, and should have {tuple(shape)}")
            size = math.prod(found) * dtype.itemsize
            values = file.read(size + 1)
        if len(values) != size:
            count = "more" if len(values) > size else f"only {len(values)}"
            raise ValueError(f"values of shape {found} and type {dtype} are {size} bytes, and it has {count}")
        if sha256 is not None:
            checksum = hashlib.sha256(header)
            checksum.update(values)
            if checksum.hexdigest() != sha256:
                raise ValueError(f"its SHA-256 is {checksum.hexdigest()}, and should be {sha256}")
    except (ValueError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        kind = "an IDX file" if sha256 is None else "the IDX file that it should be"
        raise ValueError(f"{path} is not {kind}: {error}. Delete it and get it again") from error
    return np.frombuffer(values, dtype).reshape(found)


def read_header(file):
    """(the bytes of the header, shape, dtype) of an open IDX file."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in IDX_TYPES or magic[3] == 0:
        raise ValueError(f"it starts with {magic.hex(' ') or 'nothing'}, which is not the magic number of an IDX file")
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise ValueError(f"it ends within its header, which announces {magic[3]} dimensions")
    return magic + sizes, tuple(np.frombuffer(sizes, ">u4").tolist()), np.dtype(IDX_TYPES[magic[2]])


def as_tensors(images, labels, ink):
    """(images divided by `ink`, their highest value, labels) as tensors."""
    images = np.true_divide(images, np.float32(ink), dtype=np.float32)
    return of_array(images, None), of_array(labels.astype(np.int64), None)
