"""The loaders: what they return for the real files, what stands in for them, and that a damaged file is named."""

import gzip
import hashlib
import io
import os
import pickle
import re
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu.data import datasets
from tinygrad_edu.data.datasets import formats, mnist_like, photographs, places, stand_ins, texts

h5py, _ = pytest.importorskip("h5py"), pytest.importorskip("sklearn")


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """The folder that TINYGRAD_EDU_DATA names, in which nothing is yet; nothing is found elsewhere."""
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "data"


def written(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def in_memory(write):
    """The bytes that a function writes into a file."""
    file = io.BytesIO()
    write(file)
    return file.getvalue()


# ---- stand-ins

STAND_INS = {
    "load_mnist": ((28, 28), 10), "load_fashion_mnist": ((28, 28), 10), "load_cifar10": ((32, 32, 3), 10),
    "load_cats": ((64, 64, 3), 2), "load_sign_digits": ((64, 64, 3), 10),
}  # fmt: skip


@pytest.mark.parametrize("name", STAND_INS)
def test_stand_ins_for_images(name, folder):
    size, classes = STAND_INS[name]
    data = getattr(datasets, name)()
    assert not data.real and "scikit-learn's digits" in data.source and "stand in" in data.source
    assert str(folder) in data.source and data.source.endswith(".") and data.source in repr(data)
    assert len(data.classes) == classes
    for x, y in (data.train, data.test):
        assert x.dtype == np.float32 and y.dtype == np.int64 and len(x) == len(y) >= 50
        assert tuple(x.shape[1:]) == size and set(y.tolist()) == set(range(classes))
        assert 0 <= x.numpy().min() < 0.05 and 0.95 < x.numpy().max() <= 1
    train, test = [{image.tobytes() for image in x.numpy()} for x in (data.train_x, data.test_x)]
    assert not train & test
    again = getattr(datasets, name)()
    assert np.array_equal(again.train_x.numpy(), data.train_x.numpy()) and again.test_y.tolist() == data.test_y.tolist()
    moved = data.channels_first()
    if len(size) == 3:
        assert np.array_equal(moved.train_x.numpy(), data.train_x.numpy().transpose(0, 3, 1, 2))
    else:
        assert np.array_equal(moved.test_x.numpy(), data.test_x.numpy()[:, None])
    assert moved.source == data.source and moved.train_y is data.train_y


def test_cats_have_as_many_stand_ins():
    data = datasets.load_cats()
    assert (len(data.train_x), len(data.test_x)) == (209, 50) and data.classes == ("odd", "even")
    images, labels = stand_ins.bundled_digits()
    assert data.train_y[:9].tolist() == [int(label % 2 == 0) for label in labels[:9]]
    assert np.array_equal(data.train_x.numpy()[0, ::8, ::8, 1], images[0])


def test_enlarged_images_have_squares_in_the_middle():
    image = np.array([[[1.0, 2], [3, 4]]])
    assert np.array_equal(
        stand_ins.enlarged(image, 5)[0],
        [[1, 1, 2, 2, 0], [1, 1, 2, 2, 0], [3, 3, 4, 4, 0], [3, 3, 4, 4, 0], [0, 0, 0, 0, 0]],
    )
    assert stand_ins.enlarged(image, 6).sum() == 90 and stand_ins.enlarged(image, 6, 3).shape == (1, 6, 6, 3)


def test_digits_on_photographs_invert_them():
    blank, ink = [stand_ins.digits_on_photographs(np.full((2, 8, 8), ink, np.float32), 32) for ink in (0, 1)]
    assert np.allclose(ink, 1 - blank, atol=1e-6) and blank.std() > 0.05
    reddish = stand_ins.digits_on_photographs(np.zeros((40, 8, 8), np.float32), 32).mean(axis=(1, 2)) @ [1, 0, -1]
    assert reddish.max() > 0.5 and (reddish < 0).sum() > 5  # parts of the red flower, and of the blue sky


def test_stand_ins_for_text(folder):
    names, dinosaurs, text = datasets.load_names(), datasets.load_dinosaurs(), datasets.load_shakespeare()
    assert (len(names.names), len(dinosaurs.names)) == (1445, 502)
    assert "gimel" in names.names and "anusvara" in dinosaurs.names
    assert all(name.isascii() and name.islower() for name in [*names.names, *dinosaurs.names])
    assert len(text.text) > 300_000
    for data, file in ((names, "names.txt"), (dinosaurs, "dinos.txt"), (text, "tiny_shakespeare.txt")):
        assert not data.real and f"the file {file} is not in {folder}" in data.source and data.source in repr(data)


# ---- real files, made small


@pytest.fixture
def cats(monkeypatch, folder):
    """Files like those of the cats; a function that replaces an array in one."""
    table, arrays = {}, {}
    for part, count in (("train", 4), ("test", 3)):
        random = np.random.default_rng(count)
        x, y = random.integers(0, 256, (count, 5, 5, 3), dtype=np.uint8), np.arange(count) % 2
        shapes = {f"{part}_set_x": x.shape, f"{part}_set_y": y.shape}
        table[f"{part}_catvnoncat.h5"] = shapes, hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest()
        arrays[f"{part}_catvnoncat.h5"] = {f"{part}_set_x": x, f"{part}_set_y": y}
    monkeypatch.setattr(photographs, "CATS_FILES", table)

    def write(file="train_catvnoncat.h5", **changed):
        for name, parts in arrays.items():
            (folder / "cats").mkdir(parents=True, exist_ok=True)
            with h5py.File(folder / "cats" / name, "w") as opened:
                for key, array in {**parts, **(changed if name == file else {})}.items():
                    if array is not None:
                        opened[key] = array
        return folder / "cats" / file

    write.arrays = arrays
    return write


def test_cats(cats, folder):
    cats()
    data, arrays = datasets.load_cats(), cats.arrays["test_catvnoncat.h5"]
    assert data.real and data.classes == ("non-cat", "cat")
    assert data.source == f"The photographs of cats, found in {folder / 'cats'}."
    assert np.array_equal(data.test_x.numpy(), arrays["test_set_x"] / np.float32(255))
    assert data.test_x.dtype == np.float32 and data.test_y.tolist() == [0, 1, 0] and data.test_y.dtype == np.int64


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"train_set_x": None}, "it has no array 'train_set_x', but 'train_set_y'"),
        ({"train_set_x": np.zeros((4, 5, 5))}, r"has shape \(4, 5, 5\), and should have \(4, 5, 5, 3\)"),
        ({"train_set_y": np.array([0, 1, 0, 0])}, "its arrays' SHA-256 is"),
        ({"train_set_y": np.array([b"0", b"1", b"0", b"1"])}, "is not one of numbers"),
        ({"train_set_y": h5py.ExternalLink("/etc/hostname", "x")}, "is not the HDF5 file"),
    ],
)
def test_other_cats_are_refused(cats, changed, message):
    path = cats(**changed)
    with pytest.raises(ValueError, match=message) as caught:
        datasets.load_cats()
    assert str(path) in str(caught.value) and "Delete it and get it again" in str(caught.value)


def test_hdf5_that_reads_other_files_is_refused(cats, tmp_path):
    secret = written(tmp_path / "secret", bytes(4 * 8))
    path = cats(train_set_y=None)
    with h5py.File(path, "a") as file:
        file.create_dataset("train_set_y", (4,), "<i8", external=[(str(secret), 0, 32)])
    with pytest.raises(ValueError, match="is not one of numbers that it contains itself"):
        datasets.load_cats()
    with h5py.File(path, "a") as file, h5py.File(tmp_path / "other.h5", "w") as other:
        other["y"] = np.arange(4)
        del file["train_set_y"]
        file["train_set_y"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "y")
    with pytest.raises(ValueError, match="is not one of numbers that it contains itself"):
        datasets.load_cats()
    layout = h5py.VirtualLayout((4,), "<i8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "y", (4,))
    with h5py.File(path, "a") as file:
        del file["train_set_y"]
        file.create_virtual_dataset("train_set_y", layout)
    with pytest.raises(ValueError, match="is not one of numbers that it contains itself"):
        datasets.load_cats()


@pytest.mark.parametrize("keep", [0, 7, 100, 1000, -1])
def test_cut_cats_are_refused(cats, keep):
    path = cats()
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="train_catvnoncat.h5 is not the HDF5 file that it should be"):
        datasets.load_cats()


def signs(count=30, **changed):
    """The content of a small file of the sign digits."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)
    arrays = {"images": images, "labels": (np.arange(count) % 10).astype(np.uint8), **changed}
    return in_memory(lambda file: np.savez_compressed(file, **{k: v for k, v in arrays.items() if v is not None}))


def test_sign_digits(folder):
    path = written(folder / "sign_digits" / photographs.SIGN_DIGITS_FILE, signs())
    data = datasets.load_sign_digits(test_size=1 / 3)
    assert data.real and str(path.parent) in data.source and data.classes == tuple("0123456789")
    assert sorted(data.test_y.tolist()) == list(range(10)) and len(data.train_y) == 20
    stored = dict(zip([image.tobytes() for image in np.load(path)["images"]], np.load(path)["labels"].tolist()))
    for x, y in (data.train, data.test):
        for image, label in zip(np.rint(x.numpy() * 255).astype(np.uint8), y.tolist()):
            assert stored.pop(image.tobytes()) == label
    assert len(datasets.load_sign_digits(test_size=10).test_y) == 10 and not stored
    assert datasets.load_sign_digits(10, seed=1).test_x.tolist() != datasets.load_sign_digits(10).test_x.tolist()


class Dangerous:
    """Makes a folder when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("unpickled",)


def changed_byte(content, place):
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def with_images(content, change):
    """An archive in which the bytes of the first array are changed by a function, and the checksums agree."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts["images.npy"] = change(parts["images.npy"])

    def write(file):
        with zipfile.ZipFile(file, "w") as new:
            for name, part in parts.items():
                new.writestr(name, part)

    return in_memory(write)


SIGNS = signs()


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "is not a .npz file"),
        (SIGNS[:-1], "is not a .npz file"),
        (SIGNS[: len(SIGNS) // 2], "is not a .npz file"),
        (changed_byte(SIGNS, len(SIGNS) // 2), "is not a .npz file"),
        (with_images(SIGNS, lambda part: part[:-1]), "its array 'images' cannot be read"),
        (with_images(SIGNS, lambda part: part.replace(b"}", b" ")), "its array 'images' cannot be read"),
        (with_images(SIGNS, lambda part: part + b"!"), "there is more after the values of its array 'images'"),
        (signs(labels=None), "it has no array 'labels', but 'images'"),
        (signs(images=np.array([Dangerous()] * 30, object)), "Object arrays cannot be loaded"),
        (in_memory(lambda file: np.save(file, np.array([Dangerous()], object))), "is not a .npz file"),
        (pickle.dumps(Dangerous()), "is not a .npz file"),
        (signs(images=np.zeros((30, 64, 64), np.uint8)), r"images of shape \(30, 64, 64\) and dtype uint8"),
        (signs(images=np.zeros((30, 64, 64, 3))), "dtype float64"),
        (signs(labels=np.arange(29)), r"labels of shape \(29,\)"),
        (signs(labels=np.arange(30) % 11), "must have the labels 0 to 9"),
        (signs(labels=np.arange(30) % 9), "must have the labels 0 to 9"),
        (signs(labels=np.arange(30) / 3), "must have the labels 0 to 9"),
    ],
)
def test_damaged_sign_digits_are_refused(folder, monkeypatch, tmp_path, content, message):
    monkeypatch.chdir(tmp_path)
    path = written(folder / "sign_digits" / photographs.SIGN_DIGITS_FILE, content)
    with pytest.raises(ValueError, match=message) as caught:
        datasets.load_sign_digits()
    assert str(path) in str(caught.value) and not os.path.exists("unpickled")


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_names_and_text(folder, monkeypatch, ends):
    wanted = hashlib.sha256(b"Rex\nIguanodon\nZuul").hexdigest()
    monkeypatch.setattr(texts, "CHECKSUMS", dict.fromkeys(texts.CHECKSUMS, wanted))
    for name in texts.CHECKSUMS:
        written(folder / "text" / name, f"Rex{ends}Iguanodon{ends}Zuul{ends}".encode())
    data = datasets.load_dinosaurs()
    assert data.names == datasets.load_names().names == ["rex", "iguanodon", "zuul"] and data.real
    assert data.source == f"The names of dinosaurs, found in {folder / 'text'}."
    assert datasets.load_shakespeare().text == "Rex\nIguanodon\nZuul"


@pytest.mark.parametrize("content", [b"First Citizen:\nBefore we", b"\xff\xfe", b""])
def test_a_cut_text_is_refused(folder, content):
    path = written(folder / "text" / "tiny_shakespeare.txt", content)
    with pytest.raises(ValueError, match="is not the text that it should be") as caught:
        datasets.load_shakespeare()
    assert str(path) in str(caught.value)


# ---- CIFAR-10 and Fashion-MNIST


def cifar(count, label=None):
    rows = np.random.default_rng(count).integers(0, 256, (count, 3073), dtype=np.uint8)
    rows[:, 0] = rows[:, 0] % 10 if label is None else label
    return rows


CIFAR_FILES = (*photographs.CIFAR10_TRAIN, *photographs.CIFAR10_TEST)


def test_cifar10_is_downloaded_unpacked_and_read(folder, monkeypatch):
    monkeypatch.setattr(photographs, "CIFAR10_COUNT", 3)
    rows = cifar(3)

    def fetch(url, checksum, target, otherwise):
        assert url.startswith("https://www.cs.toronto.edu/") and checksum.startswith("md5:")
        path = os.path.join(target, url.rpartition("/")[2])
        os.makedirs(target)
        with tarfile.open(path, "w:gz") as tar:
            for name in CIFAR_FILES:
                entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
                entry.size = rows.nbytes
                tar.addfile(entry, io.BytesIO(rows.tobytes()))
        return path

    monkeypatch.setattr(photographs, "fetch", fetch)
    assert not datasets.load_cifar10(download=False).real
    for how in ("downloaded into", "found in"):
        data = datasets.load_cifar10()
        assert data.real and f"CIFAR-10, {how} {places.cache_folder()}" in data.source
        assert tuple(data.train_x.shape) == (15, 32, 32, 3) and data.classes[6] == "frog"
        pixels = rows[:, 1:].reshape(3, 3, 32, 32).transpose(0, 2, 3, 1)
        assert np.array_equal(data.test_x.numpy(), pixels / np.float32(255))
        assert data.test_y.tolist() == rows[:, 0].tolist()


@pytest.mark.parametrize(
    "content, message",
    [
        (cifar(3).tobytes()[:-1], "no multiple of 3073"),
        (b"", "0 bytes"),
        (cifar(2).tobytes(), "has 2 images, and should have 3"),
        (cifar(3, label=10).tobytes(), "the label 10"),
    ],
)
def test_damaged_cifar10_is_refused(folder, monkeypatch, content, message):
    monkeypatch.setattr(photographs, "CIFAR10_COUNT", 3)
    for name in CIFAR_FILES:
        written(folder / "cifar-10-batches-bin" / name, cifar(3).tobytes())
    path = written(folder / "cifar-10-batches-bin" / "data_batch_4.bin", content)
    with pytest.raises(ValueError, match=message) as caught:
        datasets.load_cifar10()
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "array, message",
    [
        (np.array([0, 9], np.uint8), None),
        (np.array([0, 10], np.uint8), "the label 10, and there are 10 classes"),
        (np.array([0, 9], ">i4"), "values of type >i4, and should have bytes"),
        (np.array([0, 9, 1], np.uint8), r"shape \(3,\), and should have \(2,\)"),
    ],
)
def test_fashion_mnist(folder, monkeypatch, array, message):
    images, labels = np.arange(18, dtype=np.uint8).reshape(2, 3, 3), np.array([4, 5], np.uint8)
    contents = dict(zip(mnist_like.FASHION_FILES, (images, labels, images, array)))
    shapes = {name: ((2, 3, 3) if array.ndim == 3 else (2,), None, "") for name, array in contents.items()}
    monkeypatch.setattr(mnist_like, "FASHION_FILES", shapes)
    for name, part in contents.items():
        code = 0x08 if part.dtype == np.uint8 else 0x0C
        header = bytes([0, 0, code, part.ndim]) + struct.pack(f">{part.ndim}I", *part.shape)
        path = written(folder / "fashion_mnist" / f"{name}.gz", gzip.compress(header + part.tobytes()))
    if message is None:
        data = datasets.load_fashion_mnist()
        assert data.real and data.classes[9] == "Ankle boot" and data.train_y.tolist() == [4, 5]
        assert np.array_equal(data.test_x.numpy(), images / np.float32(255)) and data.test_y.tolist() == [0, 9]
    else:
        with pytest.raises(ValueError, match=message) as caught:
            datasets.load_fashion_mnist()
        assert str(path) in str(caught.value)


# ---- the real ones, where they are

REAL = os.environ.get("TINYGRAD_EDU_DATA")  # read before the fixture changes it


@pytest.mark.skipif(not REAL, reason="TINYGRAD_EDU_DATA does not say where the real files are")
def test_real_files(monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_DATA", REAL)
    cats = datasets.load_cats()
    assert cats.train_y.sum().item() == 72 and cats.test_y.sum().item() == 33 and cats.real
    hands = datasets.load_sign_digits()
    assert (len(hands.train_x), len(hands.test_x)) == (1650, 412) and hands.real
    assert set(np.bincount(hands.test_y.numpy())) <= {40, 41, 42}
    assert len(datasets.load_names().names) == 32_033 and len(datasets.load_dinosaurs().names) == 1536
    assert len(datasets.load_shakespeare().text) == 1_115_393


def test_readers_without_checksums(tmp_path):
    path = written(tmp_path / "x.h5", b"no")
    with pytest.raises(ValueError, match="x.h5 is not an HDF5 file"):
        formats.read_hdf5(str(path), {})
    with pytest.raises(FileNotFoundError):
        formats.read_hdf5(str(tmp_path / "none.h5"), {})


# ---- the page


def test_the_page_runs_and_is_right(folder, monkeypatch, tmp_path):
    page = (Path(__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    Image = pytest.importorskip("PIL.Image")
    for digit in range(10):
        (tmp_path / "Dataset" / str(digit)).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (100, 100), (20 * digit, 80 * number, 0)).save(f"Dataset/{digit}/{number}.JPG")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.S):
        exec(block, names)
    assert names["vocabulary"].decode(names["numbers"]) == names["names"][0] + "\n"
    (folder / "sign_digits").mkdir(parents=True)
    os.rename(photographs.SIGN_DIGITS_FILE, folder / "sign_digits" / photographs.SIGN_DIGITS_FILE)
    hands = datasets.load_sign_digits(test_size=10)
    assert hands.real and sorted(hands.test_y.tolist()) == list(range(10))
    for name in datasets.__all__:
        assert not name.startswith("load_") or f"| `{name}` |" in page
