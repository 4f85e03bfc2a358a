"""The data sets: the IDX reader refuses what is not exactly right, and MNIST is found where the documentation says."""

import functools
import gzip
import hashlib
import http.server
import os
import re
import struct
import subprocess
import sys
import threading

import numpy as np
import pytest

from tinygrad_edu.data import datasets
from tinygrad_edu.data.datasets import formats, mnist_like, places


def idx(array, code=0x08):
    """The content of an IDX file."""
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def written(folder, content, name="x-idx.gz"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return str(folder / name)


TYPES = [(0x08, ">u1"), (0x09, ">i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")]
IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@pytest.fixture
def small_mnist(monkeypatch, tmp_path):
    """Files like MNIST's, but of a few images: a function that writes them into a folder. No others can be found."""
    random = np.random.default_rng(0)
    shapes = {
        "train-images-idx3-ubyte": (5, 4, 4), "train-labels-idx1-ubyte": (5,),
        "t10k-images-idx3-ubyte": (3, 4, 4), "t10k-labels-idx1-ubyte": (3,),
    }  # fmt: skip
    contents = {
        name: idx(random.integers(0, 256 if len(shape) == 3 else 10, shape, dtype=np.uint8))
        for name, shape in shapes.items()
    }
    packed = {name: gzip.compress(content, mtime=0) for name, content in contents.items()}
    table = {
        name: (shape, hashlib.sha256(contents[name]).hexdigest(), f"sha256:{hashlib.sha256(packed[name]).hexdigest()}")
        for name, shape in shapes.items()
    }
    monkeypatch.setattr(mnist_like, "MNIST_FILES", table)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TINYGRAD_EDU_DATA", raising=False)

    def write(folder, files=packed, suffix=".gz"):
        for name, content in files.items():
            written(folder, content, name + suffix)

    write.contents, write.packed = contents, packed
    return write


# ---- the reader


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
@pytest.mark.parametrize("code, dtype", TYPES)
def test_idx_is_read(tmp_path, pack, code, dtype):
    array = (IMAGES.astype(int) - 3).astype(dtype)
    found = datasets.read_idx(written(tmp_path, pack(idx(array, code))))
    assert found.dtype == dtype and np.array_equal(found, array)


FAULTS = {
    "no file at all": (b"", "starts with nothing"),
    "another format": (b"\x89PNG\r\n\x1a\n" + bytes(40), "magic number"),
    "unknown type": (b"\0\0\x07\x01" + bytes(8), "magic number"),
    "no dimensions": (b"\0\0\x08\0" + bytes(8), "magic number"),
    "header cut": (idx(IMAGES)[:9], "ends within its header"),
    "values cut": (idx(IMAGES)[:-1], "are 24 bytes, and it has only 23"),
    "too long": (idx(IMAGES) + b"!", "are 24 bytes, and it has more"),
    "gzip cut": (gzip.compress(idx(IMAGES))[:-9], "is not an IDX file"),
    "gzip damaged": (gzip.compress(idx(IMAGES))[:-8] + bytes(8), "is not an IDX file"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_idx_is_refused(tmp_path, fault):
    content, message = FAULTS[fault]
    path = written(tmp_path, content)
    with pytest.raises(ValueError, match=message) as caught:
        datasets.read_idx(path)
    assert path in str(caught.value)


def test_idx_of_another_shape_or_content_is_refused(tmp_path):
    path, right = written(tmp_path, gzip.compress(idx(IMAGES))), hashlib.sha256(idx(IMAGES)).hexdigest()
    assert np.array_equal(datasets.read_idx(path, (2, 3, 4), right), IMAGES)
    with pytest.raises(ValueError, match=r"shape \(2, 3, 4\), and should have \(2, 12\)"):
        datasets.read_idx(path, (2, 12))
    with pytest.raises(ValueError, match=f"SHA-256 is {right}, and should be 00"):
        datasets.read_idx(path, sha256="0" * 64)


# ---- where MNIST is looked for


@pytest.mark.parametrize("suffix", [".gz", ""])
@pytest.mark.parametrize("place", ["data/mnist", "cache/tinygrad_edu/mnist"])
def test_mnist_is_found(small_mnist, monkeypatch, tmp_path, place, suffix):
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(tmp_path / "data"))
    small_mnist(tmp_path / place, small_mnist.packed if suffix else small_mnist.contents, suffix)
    assert datasets.find_mnist() == str(tmp_path / place)
    (x, y), (x_test, y_test) = datasets.mnist()
    assert [tuple(part.shape) for part in (x, y, x_test, y_test)] == [(5, 4, 4), (5,), (3, 4, 4), (3,)]
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    pixels = np.frombuffer(small_mnist.contents["train-images-idx3-ubyte"][16:], np.uint8).reshape(5, 4, 4)
    assert np.array_equal(x.numpy(), pixels / np.float32(255))
    assert np.array_equal(y_test.numpy(), list(small_mnist.contents["t10k-labels-idx1-ubyte"][8:]))


def test_incomplete_mnist_is_not_found(small_mnist, monkeypatch, tmp_path):
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(tmp_path / "data"))
    small_mnist(tmp_path / "data" / "mnist")
    os.remove(tmp_path / "data" / "mnist" / "t10k-labels-idx1-ubyte.gz")
    with pytest.raises(FileNotFoundError) as caught:
        datasets.mnist()
    for folder in ("data/mnist", "cache/tinygrad_edu/mnist"):
        assert str(tmp_path / folder) in str(caught.value)


def test_mnist_with_exchanged_files_is_refused(small_mnist, monkeypatch, tmp_path):
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(tmp_path))
    changed = bytearray(small_mnist.contents["train-labels-idx1-ubyte"])
    changed[-1] ^= 1  # one label
    small_mnist(tmp_path / "mnist", {**small_mnist.packed, "train-labels-idx1-ubyte": gzip.compress(bytes(changed))})
    with pytest.raises(ValueError, match="train-labels-idx1-ubyte.gz is not the IDX file .*: its SHA-256"):
        datasets.mnist()


# ---- downloading, from a server on this machine


@pytest.fixture
def server(small_mnist, monkeypatch, tmp_path):
    """The folder of a web server from which `mnist` downloads."""
    pytest.importorskip("pooch")
    folder = tmp_path / "served"
    small_mnist(folder)

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=str(folder))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.delenv("TINYGRAD_EDU_OFFLINE")
        monkeypatch.setattr(mnist_like, "MNIST_URL", f"http://127.0.0.1:{running.server_port}/")
        yield folder
        running.shutdown()


def test_mnist_is_downloaded_only_if_asked_for(server, tmp_path):
    with pytest.raises(FileNotFoundError, match="download=True"):
        datasets.mnist()
    (x, _), _ = datasets.mnist(download=True)
    assert tuple(x.shape) == (5, 4, 4) and datasets.find_mnist() == str(tmp_path / "cache" / "tinygrad_edu" / "mnist")
    for file in server.iterdir():
        file.unlink()
    datasets.mnist(download=True)  # nothing is fetched twice


def test_a_damaged_download_is_not_kept(server):
    written(server, b"not found, but politely", "train-labels-idx1-ubyte.gz")
    with pytest.raises(ValueError, match="train-labels-idx1-ubyte.gz is damaged, and nothing of it was kept"):
        datasets.mnist(download=True)
    assert datasets.find_mnist() is None


def test_a_failed_download_says_what_to_do(server):
    (server / "t10k-images-idx3-ubyte.gz").unlink()
    with pytest.raises(OSError, match="could not download .*t10k-images.*404.*TINYGRAD_EDU_DATA"):
        datasets.mnist(download=True)


def test_a_loader_downloads(server):
    data = datasets.load_mnist()
    assert data.real and "MNIST, downloaded into" in data.source and tuple(data.train_x.shape) == (5, 4, 4)


@pytest.mark.parametrize("why", ["could not download .*404", "is damaged, and nothing of it was kept", "needs pooch"])
def test_a_loader_says_why_it_could_not_download(server, monkeypatch, why):
    if "404" in why:
        (server / "train-images-idx3-ubyte.gz").unlink()
    elif "damaged" in why:
        written(server, b"not found, but politely", "train-images-idx3-ubyte.gz")
    else:
        monkeypatch.setitem(sys.modules, "pooch", None)
    data = datasets.load_mnist()
    assert not data.real and re.search(why, data.source)
    assert "digits, enlarged to 28×28 pixels, stand in for MNIST: the files train-images" in data.source


@pytest.mark.parametrize("terminal, tqdm", [(True, True), (True, False), (False, True)])
def test_a_bar_shows_the_progress_on_a_terminal(monkeypatch, tmp_path, terminal, tqdm):
    pooch, asked = pytest.importorskip("pooch"), []
    monkeypatch.delenv("TINYGRAD_EDU_OFFLINE")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(places, "find_spec", lambda name: "spec" if tqdm else None)
    monkeypatch.setattr(pooch, "retrieve", lambda *args, downloader: asked.append((args, downloader.progressbar)))
    places.fetch("http://localhost/folder/x.gz", "md5:0", str(tmp_path), "")
    assert asked == [(("http://localhost/folder/x.gz", "md5:0", "x.gz", str(tmp_path)), terminal and tqdm)]


def test_offline_nothing_is_downloaded(server, monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_OFFLINE", "1")
    assert "TINYGRAD_EDU_OFFLINE is set" in datasets.load_mnist().source
    with pytest.raises(OSError, match="TINYGRAD_EDU_OFFLINE is set"):
        datasets.mnist(download=True)
    assert "TINYGRAD_EDU_OFFLINE" not in datasets.load_mnist(download=False).source


# ---- packages that are not there; the bundled digits; the real MNIST


@pytest.mark.parametrize("package, extra", [("sklearn", "demos"), ("pooch", "data"), ("h5py", "data")])
def test_missing_packages_are_named(monkeypatch, tmp_path, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("TINYGRAD_EDU_OFFLINE")
    use = {
        "sklearn": datasets.digits,
        "pooch": lambda: places.fetch("http://localhost/x", "md5:0", str(tmp_path), ""),
        "h5py": lambda: formats.read_hdf5(written(tmp_path, b"", "x.h5"), {}),
    }
    with pytest.raises(ImportError, match=rf'pip install "tinygrad-edu\[{extra}\]"'):
        use[package]()


def test_importing_datasets_imports_no_optional_package():
    code = "import sys, tinygrad_edu.data.datasets; print({'sklearn', 'pooch', 'h5py', 'gzip'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_digits():
    bundled = pytest.importorskip("sklearn.datasets").load_digits()
    (x, y), (x_test, y_test) = datasets.digits()
    assert (tuple(x.shape), tuple(x_test.shape)) == ((1347, 8, 8), (450, 8, 8))
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    images = (bundled.images / 16).astype(np.float32)
    pairs = {(image.tobytes(), label) for image, label in zip(images, bundled.target.tolist())}
    found = [(x[i].numpy().tobytes(), y[i].item()) for i in range(len(x))]
    test = [(x_test[i].numpy().tobytes(), y_test[i].item()) for i in range(len(x_test))]
    assert set(found) | set(test) == pairs and not set(found) & set(test)
    assert datasets.digits()[0][1].tolist() == y.tolist() != datasets.digits(seed=1)[0][1].tolist()
    for size in (0, 1797):
        with pytest.raises(ValueError, match="between 1 and 1796"):
            datasets.digits(test_size=size)


@pytest.mark.skipif("not os.environ.get('TINYGRAD_EDU_DATA')", reason="TINYGRAD_EDU_DATA does not say where MNIST is")
def test_real_mnist():
    (x, y), (x_test, y_test) = datasets.mnist()
    assert (tuple(x.shape), tuple(x_test.shape)) == ((60000, 28, 28), (10000, 28, 28))
    assert y[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(y_test.numpy()).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert x.numpy().min() == 0 and x.numpy().max() == 1
