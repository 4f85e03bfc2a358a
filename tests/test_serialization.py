"""Saving and loading: what comes back, in both formats, with and without PyTorch; and that no crash leaves half a
file."""

import base64
import copy
import errno
import io
import json
import os
import pickle
import signal
import struct
import sys
import zlib
from collections import Counter, OrderedDict, namedtuple

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim, serialization
from tinygrad_edu.serialization import files

FORMATS = ("torch", "safetensors")

FROM_TORCH = zlib.decompress(base64.b64decode("""
eNqlVN9r00AcvyRdm2Xa/dC5H8IEnyrMLmnXZnW4jiJ5yYO1IgRfQpqeTTBrdsl1Q2FQkA39I/zx5L+gb/4NAxEF31TEJ1999C7ZuiS1nc6D65
HmPj/um8/36iqXAoDnwcCYAjPA8EzL3oErLQMb+e2HjlLLgvux0WNN03UcaGLb7fjCba8FPdi6ZZtYQOBaAzE5LU3IdqHdtjBiTewSyrzexbbj
C7oHm13baekYdnzX03cKAuJyOS1DED7ZabQhSoUQQXFcA98N/xTQmMaQPSJKaxxZze0uyqhpjPg7KlBZlTtA4yqnMgdIeGZRFxMYnWug8xo5Km
jaho+yFtGxUlbII6FJK6OyGE0F+H00rTL7aCbEXsDoYgPNdvfQJW2cbNa3IDZoQdBc8H5eo9VCC3toMTC+Az2f1AJdVhnf95v5uprhc/7b51eJ
Ep31oRWfAwv9iucfuN6WgfUjNqU2myj80ZAo/Zufn5/Qc9A5nH4RyCf0R+XVDcdud7ZgByu14p8VRo/yKjVQ3UU/WCLBjjQwDap9A81HGLo0LE
pt/Sy6x8OxMXYg9bB/88sCjVp6pIcs2IilekVUajf+w0DI2tsgP1UANsnskfmqSh01vn2/Mk9ezJ/iaDnuSFJqOfD3+r13hGST6n2d/fSSCvAj
9SbBel+vny75rCUoClT58EX73unffwkUTgIYHNWHnk0S+Nigt4dut5Ra/h+NiKWyJIlrpUKxLFXKslgqVFZFWZbFckWsSKU1uVwS5XJRDurz9P
3rHPGRC1wy1GzfZ7RDpwacJ+/BJDragHMxpMeAYT2dJIk20WKM5DBKMtC5SZ5oI0zHeBosGGzAJDya2mwM/oEFid5JYqMJjGMtLoGVkthohiZj
2I8R7JDaRT/tUvzMKXBK6OpqOr18HFHueh/JJ9YJNlx/pcKV4Oh9D7hM+BzevmPpEMMH+8O9vwGLOpr7"""))  # fmt: skip
"""torch.save(nn.Linear(3, 2).state_dict()) of PyTorch 2.13, with the weight [[0, .25, .5], [.75, 1, 1.25]], bias [-1,
2]."""


def saved(obj, format="torch"):
    file = io.BytesIO()
    tg.save(obj, file, format=format)
    return file.getvalue()


def reloaded(obj, format="torch"):
    return tg.load(io.BytesIO(saved(obj, format)))


def assert_same(a, b):
    assert type(a) is type(b)
    if isinstance(a, tg.Tensor):
        assert a.dtype == b.dtype and a.shape == b.shape and a.requires_grad == b.requires_grad
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_array_equal(a, b)
    elif isinstance(a, dict):
        assert list(a) == list(b) and [type(key) for key in a] == [type(key) for key in b]
        for key in a:
            assert_same(a[key], b[key])
        assert vars(a) == vars(b) if isinstance(a, OrderedDict) else True
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            assert_same(x, y)
    else:
        assert a == b or repr(a) == repr(b)  # NaN equals nothing


PLAIN = [
    None, True, False, 0, 255, 256, -1, 2**31, -(2**31), 2**63, -(10**40), 1 << 2000, 1.5, -0.0, float("inf"),
    float("nan"),
    "", "text", "ünïcode 🙂", "\ud800", "line\nbreak", b"", b"bytes\xff\x00", bytearray(b"x"), 1 - 2j,
    complex("nan+infj"),
    [], (), {}, set(), [1, [2, (3, {"a": {4}})]], {1: "a", None: 2, False: 3.5, 2.5: 4, (1, "x"): 5, b"k": 6},
    OrderedDict(b=1, a=2), Counter("aab"), {1, "a", (2, 3)}, tg.Size([2, 3]), tg.float32, tg.bfloat16, tg.bool,
    tg.device("cpu"),
    tg.device("cuda", 1), tg.strided, np.float32(1.5), np.int64(-3), np.bool_(True), np.complex128(1j),
    np.dtype("float16"),
    np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3)), np.zeros((0, 3)), np.array(True),
    [{1}, {2}, Counter("a"), Counter("b"), bytearray(b"1"), bytearray(b"2")], "list", {"list": [1]}, [{"tensor": "x"}],
]  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("value", PLAIN, ids=lambda value: type(value).__name__)  # the text of a set varies
def test_plain_values(value, format):
    assert_same(reloaded(value, format), value)
    assert_same(reloaded({"key": [value]}, format), {"key": [value]})


def test_long_integers():
    value = {"n": -(7**9000)}
    assert reloaded(value, "safetensors") == value
    with pytest.raises(TypeError, match="integer of [0-9]* bits"):
        saved(value, "torch")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("dtype", [
    "bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64",
    "complex64", "complex128",
])  # fmt: skip
@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (2, 3, 4)])
def test_tensors(dtype, shape, format):
    values = np.random.default_rng(0).standard_normal(shape) * 100
    x = tg.from_numpy(np.asarray(values).astype("int64").astype(dtype))
    assert_same(reloaded(x, format), x)


@pytest.mark.parametrize("format", FORMATS)
def test_leaves_parameters_and_computed_tensors(format):
    w = tg.ones(2, requires_grad=True)
    obj = [
        nn.Parameter(tg.ones(2)),
        nn.Parameter(tg.arange(2), requires_grad=False),
        w,
        w * 2,
        tg.zeros(2),
        nn.Buffer(w.detach()),
    ]
    back = reloaded(obj, format)
    assert [type(x) for x in back] == [nn.Parameter, nn.Parameter, *[tg.Tensor] * 4]
    assert [x.requires_grad for x in back] == [True, False, True, True, False, False] and all(x.is_leaf for x in back)
    (back[0] * back[2]).sum().backward()
    assert back[0].grad.tolist() == [1, 1]


@pytest.mark.parametrize("format", FORMATS)
def test_sharing(format):
    x = tg.arange(12.0).reshape(3, 4)
    two = tg.arange(10.0)
    obj = {
        "row": x[1],
        "x": x,
        "transposed": x.t(),
        "same": x,
        "equal": x.detach(),
        "left": two[:6],
        "right": two[4:],
        "every": two[::2],
        "array": x.numpy(),
    }
    back = reloaded(obj, format)
    for key, value in obj.items():
        assert_same(back[key], value)
    assert back["same"] is back["x"]
    back["x"][1] = -1.0
    assert back["row"].tolist() == [-1.0] * 4 and back["transposed"][:, 1].tolist() == [-1.0] * 4
    assert back["equal"][1, 0].item() == -1
    back["left"][4] = 50.0
    assert back["right"][0].item() == 50 and back["every"][2].item() == 50
    if format == "safetensors":  # there arrays and tensors are stored alike
        assert back["array"][1, 0] == -1


@pytest.mark.parametrize("format", FORMATS)
def test_views_do_not_bring_their_memory_along(format):
    big = tg.zeros(1000, 1000)
    assert len(saved([big[0], big[1], big[3:5, 3:5], big[5:7, 3:5]], format)) < 20_000
    assert len(saved([big[:, 5], big[:, 7], big[:, 8:10]], format)) < 30_000
    assert reloaded(big[:, 5], format).is_contiguous()
    assert len(saved(big.expand(3, 1000, 1000)[:, 0, 0], format)) < 3000
    flipped = tg.from_numpy(np.arange(4.0)[::-1])
    base = tg.from_numpy(flipped.numpy().base)
    assert [x.tolist() for x in reloaded([flipped, base], format)] == [[3, 2, 1, 0], [0, 1, 2, 3]]
    secret = tg.arange(8.0)
    assert np.float32(3).tobytes() + np.float32(4).tobytes() not in saved([secret[0::4], secret[0:5:2]], format)


@pytest.mark.parametrize("format", FORMATS)
def test_one_container_in_two_places(format):
    inner = [tg.ones(1)]
    back = reloaded([inner, inner], format)
    assert back[0][0] is back[1][0]
    assert format != "torch" or back[0] is back[1]


@pytest.mark.parametrize("format", FORMATS)
def test_many_short_lived_objects(format):
    marked = [OrderedDict() for _ in range(300)]
    for i, one in enumerate(marked):
        one.number = i
    obj = (
        [{i} for i in range(300)]
        + [Counter(str(i)) for i in range(300)]
        + [bytearray([i % 256]) for i in range(300)]
        + marked
    )
    assert_same(reloaded(obj, format), obj)


def model():
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def trained(m, optimizer, schedule, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        m(tg.ones(2, 3)).pow(2).sum().backward()
        optimizer.step()
        schedule.step()
    return [p.tolist() for p in m.parameters()]


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("make", [
    lambda p: optim.SGD(p, 0.1, momentum=0.9), lambda p: optim.Adam(p, 0.1, amsgrad=True),
    lambda p: optim.RMSprop(p, 0.01),
])  # fmt: skip
def test_training_goes_on_from_a_file(make, suffix, tmp_path):
    tg.manual_seed(0)
    m = model()
    optimizer = make(m.parameters())
    schedule = optim.lr_scheduler.MultiStepLR(optimizer, [2, 4])
    trained(m, optimizer, schedule, 3)
    path = tmp_path / f"checkpoint{suffix}"
    tg.save(
        {"model": m.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(), "epoch": 3},
        path,
    )
    expected = trained(m, optimizer, schedule, 3)

    other = model()
    optimizer = make(other.parameters())
    schedule = optim.lr_scheduler.MultiStepLR(optimizer, [2, 4])
    state = tg.load(path, map_location="cpu")
    assert state["epoch"] == 3 and type(state["model"]) is OrderedDict
    other.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    assert trained(other, optimizer, schedule, 3) == expected


# ---- files


def test_format_is_chosen_by_suffix_and_read_by_content(tmp_path):
    for name, start in [("a.pt", b"PK"), ("a.pth", b"PK"), ("a", b"PK"), ("a.safetensors", b"{")]:
        path = tmp_path / name
        for f in (str(path), path):
            tg.save({"x": tg.ones(2)}, f)
            data = path.read_bytes()
            assert data.startswith(start) or data[8:9] == start
        with open(path, "wb") as file:
            tg.save({"x": tg.ones(2)}, file)
        assert path.read_bytes() == data
        other = path.rename(tmp_path / "renamed.bin")
        for mmap in (None, True):
            assert tg.load(other, mmap=mmap)["x"].tolist() == [1, 1]
        with open(other, "rb") as file:
            assert tg.load(file)["x"].tolist() == [1, 1]
    with pytest.raises(ValueError, match="'torch' or 'safetensors'"):
        tg.save(1, io.BytesIO(), format="pickle")


class Pipe(io.RawIOBase):
    """A file that only goes forward."""

    def __init__(self, data=b""):
        self.data, self.inner = bytearray(), io.BytesIO(data)

    def readable(self):
        return True

    def writable(self):
        return True

    def write(self, data):
        self.data += data
        return len(data)

    def readinto(self, buffer):
        return self.inner.readinto(buffer)


@pytest.mark.parametrize("format", FORMATS)
def test_files_that_cannot_seek_and_do_not_start_at_0(format):
    pipe = Pipe()
    tg.save([tg.ones(3)], pipe, format=format)
    assert tg.load(Pipe(bytes(pipe.data)))[0].tolist() == [1, 1, 1]
    file = io.BytesIO(b"head")
    file.seek(4)
    tg.save([tg.ones(3)], file, format=format)
    file.seek(4)
    assert tg.load(file)[0].tolist() == [1, 1, 1]
    assert tg.load(io.BytesIO(bytes(pipe.data)), map_location=lambda storage, place: storage)[0].tolist() == [1, 1, 1]


def test_wrong_files(tmp_path):
    with pytest.raises(TypeError, match="'wb'"):
        tg.save(1, io.StringIO())
    with pytest.raises(TypeError, match="'rb'"):
        tg.load(io.StringIO())
    with pytest.raises(TypeError, match="path or a binary file"):
        tg.save(1, 5)
    with pytest.raises(TypeError, match="path or a binary file"):
        tg.load(None)
    with pytest.raises(FileNotFoundError):
        tg.load(tmp_path / "nothing.pt")
    with pytest.raises(FileNotFoundError, match="makedirs"):
        tg.save(1, tmp_path / "nowhere" / "a.pt")
    with pytest.raises(IsADirectoryError):
        tg.save(1, tmp_path)
    with pytest.raises(ValueError, match="path"):
        tg.load(io.BytesIO(saved(1)), mmap=True)
    with pytest.raises(RuntimeError, match="cuda"):
        tg.load(io.BytesIO(saved(1)), map_location="cuda")
    assert os.listdir(tmp_path) == []


def test_mapped_files(tmp_path):
    for name in ("a.pt", "a.safetensors"):
        path = tmp_path / name
        odd = tg.ones(3, dtype=tg.int8)
        tg.save(OrderedDict(odd=odd, x=tg.arange(1000.0), y=tg.ones(3, dtype=tg.float64)), path)
        before = path.read_bytes()
        state = tg.load(path, mmap=True)
        assert state["x"].sum().item() == 499500
        assert state["x"].array.flags.aligned and state["y"].array.flags.aligned
        if name == "a.pt":  # at multiples of 64, as PyTorch has it
            assert all(x.array.__array_interface__["data"][0] % 64 == 0 for x in (state["odd"], state["x"], state["y"]))
        state["x"].zero_()
        assert path.read_bytes() == before and tg.load(path)["x"].sum().item() == 499500


@pytest.mark.skipif(os.name != "posix", reason="modes and links are POSIX's")
def test_modes_and_links(tmp_path):
    path, link = tmp_path / "a.pt", tmp_path / "link.pt"
    old = os.umask(0o027)
    try:
        tg.save(1, path)
        assert path.stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(old)
    path.chmod(0o604)
    link.symlink_to(path)
    tg.save(2, link)
    assert link.is_symlink() and tg.load(path) == 2 and path.stat().st_mode & 0o777 == 0o604
    tg.save(3, "/dev/null")
    assert not os.path.isfile("/dev/null")
    if os.geteuid():
        path.chmod(0o400)
        with pytest.raises(PermissionError, match="write-protected"):
            tg.save(3, path)
        assert tg.load(path) == 2
    assert sorted(os.listdir(tmp_path)) == ["a.pt", "link.pt"]


STATES = [{"x": tg.full((50_000,), float(i)), "i": i} for i in (1, 2)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("name", ["a.pt", "a.safetensors"])
def test_a_kill_at_any_moment_leaves_the_old_file_or_the_new_one(name, tmp_path):
    path = tmp_path / name
    tg.save(STATES[0], path)
    moments, found = count_events(lambda: tg.save(STATES[0], path)), []
    assert moments > 200
    for moment in [*range(1, moments, max(moments // 60, 1)), *range(max(moments - 40, 1), moments + 1)]:
        child = os.fork()
        if child == 0:
            try:
                count_events(lambda: tg.save(STATES[1], path), kill_at=moment)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        state = tg.load(path)
        assert state["x"].tolist() == [state["i"]] * 50_000
        found.append(state["i"])
    assert found[0] == 1 and found[-1] == 2 and 1 in found[:-40]


def count_events(function, kill_at=None):
    """How many calls and returns, of Python and C functions, happen in function(); at number `kill_at` the process
    dies."""
    count = 0

    def profile(frame, event, argument):
        nonlocal count
        count += 1
        if count == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


class FullDisk:
    """A file on a disk with room for `room` bytes."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        if len(data) > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(data)
        return self.file.write(data)


@pytest.mark.parametrize("name", ["a.pt", "a.safetensors"])
@pytest.mark.parametrize("room", [0, 100, 1000, 150_000])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(name, room, tmp_path, monkeypatch):
    path = tmp_path / name
    tg.save(STATES[0], path)
    start = files.Output.__init__
    monkeypatch.setattr(files.Output, "__init__", lambda self, file: start(self, FullDisk(file, room)))
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        tg.save(STATES[1], path)
    assert tg.load(path)["i"] == 1 and os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("method, error", [("fsync", OSError), ("replace", OSError), ("replace", KeyboardInterrupt)])
def test_what_fails_at_the_end_leaves_the_old_file_and_nothing_else(method, error, tmp_path, monkeypatch):
    tg.save(STATES[0], tmp_path / "a.pt")

    def fail(*args):
        raise error("now")

    monkeypatch.setattr(os, method, fail)
    with pytest.raises(error):
        tg.save(STATES[1], tmp_path / "a.pt")
    assert tg.load(tmp_path / "a.pt")["i"] == 1 and os.listdir(tmp_path) == ["a.pt"]


# ---- what is refused when it is saved


class Text(str):
    pass


@pytest.mark.parametrize("make, message", [
    (lambda: nn.Linear(1, 1), r"obj is of type .*Linear.*state_dict\(\)"),
    (lambda: {"a": [optim.SGD([tg.ones(1)], 0.1)]}, r"obj\['a'\]\[0\] is of type .*SGD.*state_dict\(\)"),
    (lambda: [print], "Functions"), (lambda: object(), "what it consists of"), (lambda: Text("x"), r"str\(x\)"),
    (lambda: namedtuple("Pair", "a b")(1, 2), "_asdict"), (lambda: np.array(["a"]), "booleans and numbers"),
    (lambda: np.ma.array([1]), "booleans and numbers"), (lambda: frozenset([1]), "what it consists of"),
    (lambda: {tg.ones(1): 1}, "Tensor as a key"), (lambda: {1 << 70: 1}, "64 bits"),
    (lambda: {((1,),): 1}, "tuple as a key"),
    (lambda: {object(): 1}, "object as a key"),
])  # fmt: skip
@pytest.mark.parametrize("format", FORMATS)
def test_what_cannot_be_saved(make, message, format, tmp_path):
    with pytest.raises(TypeError, match=message):
        tg.save(make(), tmp_path / "a", format=format)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("format", FORMATS)
def test_depth_and_cycles(format):
    deep = []
    for _ in range(99):
        deep = [deep]
    assert_same(reloaded(deep, format), deep)
    for obj, message in ([[deep]], "deep"), (((),), None):
        if message:
            with pytest.raises(TypeError, match=message):
                saved(obj, format)
    half = []
    for _ in range(60):
        half = [half]
    other = [half]  # half lies deeper here than where it is found first
    for _ in range(60):
        other = [other]
    with pytest.raises(TypeError, match="deep"):
        saved([half, other], format)
    cycle = {}
    cycle["a"] = [cycle]
    with pytest.raises(TypeError, match="contains itself"):
        saved(cycle, format)
    wide = [[]]
    for _ in range(60):  # 2**60 ways from top to bottom, 61 lists
        wide = [wide, wide]
    if format == "torch":
        assert len(reloaded(wide)) == 2


# ---- PyTorch, safetensors


def test_a_file_of_pytorch():
    for mode in (True, False):
        state = tg.load(io.BytesIO(FROM_TORCH), weights_only=mode)
    assert type(state) is OrderedDict and state._metadata == OrderedDict([("", {"version": 1})])
    m = nn.Linear(3, 2)
    m.load_state_dict(state)
    assert m.weight.tolist() == [[0, 0.25, 0.5], [0.75, 1, 1.25]] and m.bias.tolist() == [-1, 2]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_from_pytorch(torch, protocol):
    m = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    optimizer = torch.optim.Adam(m.parameters(), 0.1, amsgrad=True)
    m(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    x = torch.arange(12.0).reshape(3, 4)
    marked = torch.zeros(2)
    marked.note = "an attribute"
    obj = {
        "model": m.state_dict(), "optimizer": optimizer.state_dict(), "x": x, "row": x[1], "t": x.t(), "p": m[0].weight,
        "expanded": torch.ones(1, 3).expand(4, 3), "bf16": torch.randn(1000).bfloat16(),
        "u32": torch.tensor([1, 2**31], dtype=torch.uint32),
        "half": torch.randn(3).half(), "bool": torch.tensor([True, False]), "complex": torch.tensor([1 + 2j]),
        "empty": torch.zeros(0, 2),
        "schedule": torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 1, 3]).state_dict(), "size": torch.Size([2]),
        "dtype": torch.bfloat16, "device": torch.device("cuda:1"), "layout": torch.strided, "set": {1}, "bytes": b"x",
        "none": b"",
        "numpy": [np.float32(2.5), np.arange(6.0).reshape(2, 3), np.asfortranarray(np.eye(2)), np.bool_(True),
                  np.dtype("f4")],
        "buffer": torch.nn.Buffer(torch.ones(2)), "marked": marked,
        "parameter": torch.nn.Parameter(torch.ones(1), requires_grad=False),
    }  # fmt: skip
    file = io.BytesIO()
    torch.save(obj, file, pickle_protocol=protocol)
    file.seek(0)
    back = tg.load(file)
    assert_equals_torch(back, obj, torch)
    assert type(back["p"]) is nn.Parameter and back["p"].requires_grad and not back["parameter"].requires_grad
    back["x"].zero_()
    assert back["row"].tolist() == [0] * 4


def assert_equals_torch(ours, theirs, torch):
    if isinstance(theirs, torch.Tensor):
        values = theirs.detach()
        values = (values.float() if values.dtype == torch.bfloat16 else values).numpy()
        assert (
            ours.array.dtype == values.dtype
            and ours.shape == values.shape
            and ours.requires_grad == theirs.requires_grad
        )
        np.testing.assert_array_equal(ours.detach().numpy(), values)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs) and type(ours) is type(theirs)
        for key in theirs:
            assert_equals_torch(ours[key], theirs[key], torch)
    elif isinstance(theirs, (list, tuple)) and not isinstance(theirs, torch.Size):
        assert type(ours) is type(theirs) and len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            assert_equals_torch(a, b, torch)
    elif isinstance(theirs, (torch.Size, torch.dtype, torch.device, torch.layout)):
        assert str(theirs).endswith(str(ours)) or tuple(theirs) == tuple(ours)
    elif isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    else:
        assert ours == theirs and type(ours) is type(theirs)


def test_to_pytorch(torch, tmp_path):
    m = model()
    optimizer = optim.Adam(m.parameters(), 0.1)
    m(tg.ones(1, 3)).sum().backward()
    optimizer.step()
    x = tg.arange(12.0).reshape(3, 4)
    numbers = [value for value in PLAIN if not isinstance(value, (np.ndarray, np.generic, np.dtype))]
    obj = {
        "model": m.state_dict(), "optimizer": optimizer.state_dict(), "x": x, "row": x[1], "t": x.t(), "p": m[0].weight,
        **{name: tg.ones(2, dtype=getattr(tg, name))
           for name in ("float16", "float64", "int8", "uint8", "uint16", "uint32", "bool")},
        "empty": tg.zeros(0, 2), "complex": tg.from_numpy(np.array([1j])), "scalar": tg.tensor(2.5),
        "leaf": tg.ones(1, requires_grad=True),
        "many": [tg.full((3,), float(i)) for i in range(300)],
    }  # fmt: skip
    path = tmp_path / "a.pt"
    tg.save({**obj, "plain": numbers}, path)
    for mmap in (False, True):
        theirs = torch.load(path, weights_only=True, mmap=mmap)
        plain = theirs.pop("plain")
        assert_equals_torch(obj, theirs, torch)
    assert [type(a) for a in plain[:32]] == [type(a) for a in numbers[:32]] and plain[1:13] == numbers[1:13]
    assert theirs["x"].untyped_storage().data_ptr() == theirs["row"].untyped_storage().data_ptr()
    other = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    other.load_state_dict(theirs["model"])
    torch.optim.Adam(other.parameters(), 0.1).load_state_dict(theirs["optimizer"])
    tg.save([np.arange(3.0), np.float32(1.5)], path)  # arrays as torch.save writes them, hence not with weights_only
    array, number = torch.load(path, weights_only=False)
    assert array.tolist() == [0, 1, 2] and number == 1.5 and type(number) is np.float32


def test_with_the_safetensors_library(tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "a.safetensors"
    state = OrderedDict(
        [
            ("b", tg.arange(6.0).reshape(2, 3)),
            ("a.w", tg.arange(3)),
            ("c", tg.ones(2, dtype=tg.float64)),
            ("e", tg.zeros(0)),
        ]
    )
    tg.save(state, path)
    theirs = library.load_file(path)
    assert set(theirs) == set(state)
    for name, array in theirs.items():
        np.testing.assert_array_equal(array, state[name].numpy())
    library.save_file(
        {"x": np.arange(4.0), "y": np.eye(2, dtype=np.float16), "z": np.array([True])}, path, {"author": "x"}
    )
    back = tg.load(path)
    assert (
        type(back) is dict
        and back["x"].tolist() == [0, 1, 2, 3]
        and back["y"].dtype == tg.float16
        and back["z"].item() is True
    )


def test_safetensors_of_bfloat16():
    bits = np.arange(1 << 16, dtype=np.uint16)
    header = json.dumps({"x": {"dtype": "BF16", "shape": [2, 32768], "data_offsets": [0, 2 << 16]}}).encode()
    back = tg.load(io.BytesIO(struct.pack("<Q", len(header)) + header + bits.tobytes()))["x"]
    assert back.dtype == tg.float32 and back.shape == (2, 32768)
    np.testing.assert_array_equal(back.numpy().view(np.uint32).ravel(), bits.astype(np.uint32) << 16)


# ---- the rest


def test_pickles_and_copies():
    m = model()
    m.append(nn.Linear(1, 3)).append(nn.Linear(3, 4))
    m[4].weight = m[0].weight
    m[0].weight.grad = tg.ones(4, 3)
    for other in (copy.deepcopy(m), pickle.loads(pickle.dumps(m))):
        assert list(other.state_dict()) == list(m.state_dict()) and other[4].weight is other[0].weight
        assert type(other[0].weight) is nn.Parameter
        other[0].weight.data.zero_()
        assert m[0].weight.abs().sum().item() > 0
        other(tg.ones(1, 3)).sum().backward()
    assert copy.deepcopy(m)[0].weight.grad.tolist() == m[0].weight.grad.tolist()
    state = pickle.loads(pickle.dumps(m.state_dict()))
    assert_same(state, m.state_dict())


def test_safe_globals_are_remembered_and_never_called():
    class Loaded:
        def __init__(self, *args):
            raise AssertionError("called")

    with serialization.safe_globals([Loaded]):
        assert serialization.get_safe_globals() == [Loaded]
        serialization.add_safe_globals([(Loaded, "a.b")])
        assert len(serialization.get_safe_globals()) == 2
    assert serialization.get_safe_globals() == []
    serialization.add_safe_globals([Loaded])
    serialization.clear_safe_globals()
    assert serialization.get_safe_globals() == []


def test_messages_of_load_state_dict(torch):
    def message(T):
        m = T.nn.Linear(2, 3)
        state = {"weight": T.zeros(4, 4), "extra": T.zeros(1), "more": T.zeros(1)}
        with pytest.raises(RuntimeError) as info:
            m.load_state_dict(state)
        return str(info.value)

    assert message(tg) == message(torch).replace("torch.Size", "Size")
    m = nn.Linear(2, 1)
    before = m.weight.tolist()
    with pytest.raises(RuntimeError, match='While copying the parameter named "bias".*int'):
        m.load_state_dict({"weight": tg.zeros(1, 2), "bias": 3})
    assert m.weight.tolist() == before
