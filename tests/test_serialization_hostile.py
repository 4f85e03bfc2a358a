"""Files that lie, are damaged, or mean harm: each is an error that says so, and nothing is executed."""

import io
import json
import os
import pickle
import random
import struct
import time
import tracemalloc
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, serialization
from tinygrad_edu.serialization import LoadError, RefusedError


def archive(data, files=(), name="archive", compression=zipfile.ZIP_STORED):
    """A file as torch.save writes it, of this pickle and these storages."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as target:
        target.writestr(f"{name}/data.pkl", data)
        for key, value in dict(files).items():
            target.writestr(f"{name}/{key}", value)
    return file.getvalue()


def load(data):
    return tg.load(io.BytesIO(data))


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value):
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def storage(kind=b"torch\nFloatStorage", key="0", count=6):
    return b"(" + text("storage") + b"c" + kind + b"\n" + text(key) + text("cpu") + number(count) + b"tQ"


def tensor(offset=0, size=(2, 3), stride=(3, 1), memory=None, requires_grad=b"\x89", more=b""):
    def numbers(values):
        return b"(" + b"".join(value if isinstance(value, bytes) else number(value) for value in values) + b"t"

    start = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + (storage() if memory is None else memory)
    end = requires_grad + b"ccollections\nOrderedDict\n)R" + more + b"tR."
    return start + number(offset) + numbers(size) + numbers(stride) + end


SIX = {"data/0": np.arange(6, dtype="<f4").tobytes()}


def test_the_tools_of_this_test_make_a_valid_file():
    assert load(archive(tensor(), SIX)).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert load(archive(tensor(1, (2, 2), (1, 2)), SIX)).tolist() == [[1, 3], [2, 4]]


class Attack:
    """What its pickle asks for leaves a trace."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def attacks(path):
    command = f"touch {path}"
    return {
        "os.system": pickle.dumps(Attack(os.system, command), 2),
        "eval": pickle.dumps(Attack(eval, f"open({str(path)!r}, 'w')"), 2),
        "exec, protocol 4": pickle.dumps({"weight": [Attack(exec, f"open({str(path)!r}, 'w')")]}, 4),
        "by getattr": b"\x80\x02cbuiltins\ngetattr\ncos\nsystem\n\x86R" + text(command) + b"\x85R.",
        "a dotted name": b"\x80\x04" + b"\x8c\x05torch\x8c\x12serialization.open\x93" + text(str(path)) + b"\x85R.",
        "through numpy": b"\x80\x02cnumpy.testing._private.utils\nrunstring\n"
        + text(f"open({str(path)!r}, 'w')")
        + b"}\x86R.",
        "through torch": b"\x80\x02ctorch.serialization\nos.system\n" + text(command) + b"\x85R.",
        "INST": b"(" + text(command) + b"ios\nsystem\n.",
        "OBJ": b"(cos\nsystem\n" + text(command) + b"o.",
        "extension": b"\x80\x02\x82\x01.",
        "a class for NEWOBJ": b"\x80\x02csubprocess\nPopen\n" + text(command) + b"\x85\x81.",
        "state of a dictionary": b"\x80\x02ccollections\nOrderedDict\n)R}" + text("items") + b"cos\nsystem\nsb.",
    }


@pytest.mark.parametrize("name", attacks(""))
def test_nothing_is_executed(name, tmp_path):
    path = tmp_path / "trace"
    for mode in (True, False):
        with pytest.raises(LoadError), serialization.safe_globals([os.system, eval]):
            tg.load(io.BytesIO(archive(attacks(path)[name])), weights_only=mode)
    assert not path.exists()


def test_the_error_names_what_the_file_asks_for():
    with pytest.raises(RefusedError, match=r"posix\.system|nt\.system|os\.system") as info:
        load(archive(pickle.dumps(Attack(os.system, "true"), 2)))
    assert "model.state_dict()" in str(info.value) and isinstance(info.value, (pickle.UnpicklingError, ValueError))
    with (
        serialization.safe_globals([Attack]),
        pytest.raises(RefusedError, match="registered with add_safe_globals, which does not"),
    ):
        load(archive(b"\x80\x02c" + f"{Attack.__module__}\n{Attack.__qualname__}\n".encode() + b")\x81."))


BOMB = b"\x80\x02" + text("x" * 1000) + b"q\x00c_codecs\nencode\nq\x01]("

DEEP = 200_000  # hashing tuples in tuples as deep as this ends the process

PICKLES = {
    "empty": (b"", "cut off"),
    "no end": (b"\x80\x02]", "cut off"),
    "text longer than the file": (b"\x80\x02X\xff\xff\xff\x7fabc.", "cut off"),
    "bytes longer than the file": (b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f.", "cut off"),
    "integer longer than the file": (b"\x80\x02\x8b\xff\xff\xff\x7f.", "cut off"),
    "stack empty": (b"\x80\x02\x86.", "stack"),
    "end without an object": (b"\x80\x02.", "stack"),
    "two objects": (b"\x80\x02NN.", "stack"),
    "mark missing": (b"\x80\x02te.", "mark"),
    "mark open": (b"\x80\x02N(N.", "stack"),
    "not remembered": (b"\x80\x02h\x05.", "recalls"),
    "items of a tuple": (b"\x80\x02)Na.", "adds items"),
    "items of a tensor class": (b"\x80\x02ctorch\nTensor\nNNs.", "adds items"),
    "odd items": (b"\x80\x02}(Nu.", "without a value"),
    "unknown instruction": (b"\x80\x02P1\n.", "instruction"),
    "call of a number": (b"\x80\x02K\x01)R.", "calls a int"),
    "call of a class": (b"\x80\x02ctorch\nTensor\n)R.", "call of torch.Tensor"),
    "call of a storage class": (b"\x80\x02ctorch\nFloatStorage\nJ\xff\xff\xff\x7f\x85R.", "call of torch.FloatStorage"),
    "many zeros": (b"\x80\x02c__builtin__\nbytearray\n" + number(1 << 40) + b"\x85R.", "of a int"),
    "many zeros as bytes": (b"\x80\x02c__builtin__\nbytes\n" + number(1 << 40) + b"\x85R.", "of a int"),
    "another coding": (b"\x80\x02c_codecs\nencode\n" + text("x") + text("zip") + b"\x86R.", "coding"),
    "state of a list": (b"\x80\x02]}b.", "state of a list"),
    "hiding a method": (b"\x80\x02ccollections\nOrderedDict\n)R}" + text("items") + b"Nsb.", "attribute 'items'"),
    "list as key": (b"\x80\x02}]Ns.", "list as a key"),
    "deep key": (b"\x80\x02}" + b")" + b"\x85" * DEEP + b"Ns.", "tuple as a key"),
    "deep key of a set": (b"\x80\x02c__builtin__\nset\n])" + b"\x85" * DEEP + b"a\x85R.",
                          "a set in the file has a tuple as a key"),
    "deep storage": (b"\x80\x02(" + text("storage") + b")" + b"\x85" * DEEP + text("0") + text("cpu") + b"K\x00tQ.",
                     "unknown class"),
    "deep Size": (b"\x80\x02ctorch\nSize\n)" + b"\x85" * DEEP + b"R.", "Size"),
    "many equal hashes": (b"\x80\x02}(" + b"".join(number((2**61 - 1) * n) + b"N" for n in range(2000)) + b"u.",
                          "64 bits"),
    "deep tuples": (b"\x80\x02)" + b"\x85" * DEEP + b".", "deep"),
    "deep lists": (b"\x80\x02" + b"]" * DEEP + b"a" * (DEEP - 1) + b".", "deep"),
    "a list in itself": (b"\x80\x02]q\x00h\x00a.", "contains itself"),
    "one text encoded many times": (BOMB + (b"h\x01h\x00" + text("latin1") + b"\x86R") * 5000 + b"e.",
                                    "many times its size"),
    "a class left over": (b"\x80\x02]ctorch\nTensor\na.", "reference to torch.Tensor"),
    "storage in no archive": (b"\x80\x02" + storage(key="../../etc/passwd") + b".", "lacks"),
    "id of something else": (b"\x80\x02K\x05Q.", "no storage"),
    "NumPy objects": (b"\x80\x02cnumpy\ndtype\n" + text("O8") + b"\x89\x88\x87R.", "none of numbers"),
    "NumPy structure": (b"\x80\x02cnumpy\ndtype\n" + text("(1000,1000)f8") + b"\x89\x88\x87R.", "none of numbers"),
    "a device that does not exist": (b"\x80\x02ctorch\ndevice\n" + text("moon") + b"\x85R.", "moon"),
    "sparse": (b"\x80\x02ctorch._utils\n_rebuild_sparse_tensor\n)R.", "sparse tensors"),
    "quantized": (b"\x80\x02ctorch\nQUInt8Storage\n.", "quantized tensors"),
    "float8": (b"\x80\x02ctorch\nfloat8_e4m3fn\n.", "8-bit floats"),
}  # fmt: skip


@pytest.mark.parametrize("name", PICKLES)
def test_damaged_pickles(name):
    data, message = PICKLES[name]
    data = archive(data)
    start = time.perf_counter()
    tracemalloc.start()
    try:
        with pytest.raises(LoadError, match=message):
            load(data)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - start < 20


TENSORS = {
    "beyond the storage": (tensor(1), "reach to element 6"),
    "far beyond": (tensor(0, (2, 3), (1 << 62, 1)), "reach to element"),
    "overflowing": (tensor(0, (1 << 70, 1 << 70), (0, 0)), "shape"),
    "too large": (tensor(0, (1 << 40, 1 << 40), (0, 0)), "no array can have shape"),
    "negative offset": (tensor(-1), "describe no array"),
    "negative size": (tensor(0, (-2, -3)), "describe no array"),
    "negative stride": (tensor(5, (2, 3), (-3, -1)), "describe no array"),
    "too few strides": (tensor(0, (2, 3), (1,)), "describe no array"),
    "sizes that are no integers": (tensor(0, (b"\x88", 3), (3, 1)), "describe no array"),
    "a hundred dimensions": (tensor(0, (1,) * 100, (1,) * 100), "no array can have shape"),
    "empty, with an impossible size": (tensor(0, (0, 1 << 80), (1, 1)), "no array can have shape"),
    "storage with the wrong count": (tensor(memory=storage(count=5)), "should have 5 elements"),
    "storage with a huge count": (tensor(memory=storage(count=1 << 70)), "elements"),
    "storage of other elements": (tensor(memory=storage(b"torch\nDoubleStorage")), "should have 6 elements"),
    "storage of two classes": (
        b"\x80\x02(" + storage() + storage(b"torch\nIntStorage") + b"t.", "two classes",
    ),
    "no storage": (tensor(memory=b"N"), "not made of a storage"),
    "a bare storage": (b"\x80\x02" + storage() + b".", "bare storage"),
    "negated when read": (tensor(more=b"}" + text("neg") + b"\x88s"), "conjugated or negated"),
    "integers with gradients": (
        tensor(memory=storage(b"torch\nIntStorage"), requires_grad=b"\x88"), "floating dtype",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TENSORS)
def test_damaged_tensors(name):
    data, message = TENSORS[name]
    with pytest.raises(LoadError, match=message):
        load(archive(data, SIX))


def test_damaged_archives():
    good = archive(tensor(), SIX)
    for data, message in [
        (b"", "empty"), (good[:-1], "cut off|damaged"), (good[:100], "cut off|damaged"), (good[:3], "neither"),
        (archive(tensor(), SIX, compression=zipfile.ZIP_DEFLATED), "compressed"),
        (archive(tensor(), {"data/0": SIX["data/0"][:-4]}), "24|20 bytes|6 elements"),
        (archive(tensor()), "lacks `data/0`"),
        (archive(tensor(), {**SIX, "byteorder": b"middle"}), "byte order"),
        (archive(tensor(), {**SIX, "constants.pkl": b""}), "TorchScript"),
        (good.replace(SIX["data/0"], b"\x01" + SIX["data/0"][1:]), "checksum"),
        (pickle.dumps([1], 2), "is a pickle"),
        (pickle.dumps(0x1950A86A20F9469CFC6C, 2), "before version 1.6.*save it again"),
        (b"\x93NUMPY\x01\x00", "numpy.load"), (os.urandom(8) + b"\x00" * 100, "neither"),
    ]:  # fmt: skip
        with pytest.raises(LoadError, match=message):
            load(data)
    file = io.BytesIO()
    np.savez(file, x=np.ones(1))
    with pytest.raises(LoadError, match=r"npz.*numpy\.load"):
        load(file.getvalue())
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        target.writestr("a/data.pkl", b"\x80\x02N.")
        target.writestr("b/data.pkl", b"\x80\x02N.")
    with pytest.raises(LoadError, match="several"):
        load(file.getvalue())


def test_big_endian_and_unchecked_archives():
    big = {"data/0": np.arange(6, dtype=">f4").tobytes(), "byteorder": b"big"}
    assert load(archive(tensor(), big)).tolist() == [[0, 1, 2], [3, 4, 5]]
    data = bytearray(archive(tensor(), SIX))
    directory = data.index(b"PK\x01\x02")
    while data[directory : directory + 4] == b"PK\x01\x02":
        data[directory + 16 : directory + 20] = b"\0" * 4  # the checksum that PyTorch writes if told to compute none
        name, extra, comment = struct.unpack("<HHH", data[directory + 28 : directory + 34])
        directory += 46 + name + extra + comment
    assert load(bytes(data)).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_an_archive_that_unfolds():
    """A thousand entries of the directory that all mean the same megabyte."""
    data, count = bytes(1 << 20), 200
    memory = [storage(b"torch\nByteStorage", str(i), 1 << 20) for i in range(count)]
    good = archive(
        b"\x80\x02(" + b"".join(memory) + b"t.", {f"data/{i}": data if i == 0 else b"" for i in range(count)}
    )
    file = io.BytesIO(good)
    with zipfile.ZipFile(file) as source:
        infos = source.infolist()
    patched, position = bytearray(good), good.rindex(b"PK\x01\x02", 0, good.index(b"PK\x01\x02") + 4)
    first = next(info for info in infos if info.filename.endswith("data/0"))
    for info in infos:
        if "/data/" in info.filename:
            struct.pack_into("<III", patched, position + 16, first.CRC, 1 << 20, 1 << 20)
            struct.pack_into("<I", patched, position + 42, first.header_offset)
        position += 46 + len(info.filename)
    with pytest.raises(LoadError, match="larger than the archive|damaged"):
        load(bytes(patched))


# ---- safetensors


def safetensors(header, data=b"", length=None):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def own(structure, tensors=None, **more):
    return {
        "__metadata__": {
            "tinygrad_edu": json.dumps({"version": 1, "structure": structure, "tensors": tensors or {}, **more})
        }
    }


HEADERS = {
    "header longer than the file": (safetensors({"x": entry()}, bytes(8), 1000), "cut off"),
    "header of exabytes": (safetensors({"x": entry()}, bytes(8), 1 << 62), "damaged"),
    "no JSON": (safetensors(b"{nonsense"), "no valid JSON"),
    "not text": (safetensors(b'{"\xff": 1}'), "no valid JSON"),
    "a name twice": (safetensors(b'{"x": 1, "x": 2}'), "twice"),
    "NaN": (safetensors(b'{"x": NaN}'), "NaN"),
    "deep": (safetensors(b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "no valid JSON"),
    "data cut off": (safetensors({"x": entry()}, bytes(7)), "cut off"),
    "more data": (safetensors({"x": entry()}, bytes(9)), "it has 9"),
    "overlap": (safetensors({"x": entry(), "y": entry(offsets=(4, 12))}, bytes(12)), "ends at 8"),
    "gap": (safetensors({"x": entry(), "y": entry(offsets=(12, 20))}, bytes(20)), "ends at 8"),
    "reversed": (safetensors({"x": entry(shape=(0,), offsets=(8, 0))}, bytes(8)), "do not fill"),
    "negative": (safetensors({"x": entry(shape=(-1, -2))}, bytes(8)), "integers from 0"),
    "negative offsets": (safetensors({"x": entry(offsets=(-8, 0))}, bytes(8)), "integers from 0"),
    "fractional": (safetensors({"x": entry(shape=(2.0,))}, bytes(8)), "integers from 0"),
    "truth as a size": (safetensors({"x": entry("U8", (True,), (0, 1))}, bytes(1)), "integers from 0"),
    "wrong size": (safetensors({"x": entry(shape=(3,))}, bytes(8)), "do not fill"),
    "overflowing": (safetensors({"x": entry(shape=(1 << 62, 1 << 62))}, bytes(8)), "do not fill"),
    "empty and impossible": (safetensors({"x": entry(shape=(0, 1 << 62, 1 << 62), offsets=(0, 0))}),
                             "no array can have shape"),
    "unknown dtype": (safetensors({"x": entry("F8_E4M3", (8,))}, bytes(8)), "F8_E4M3"),
    "dtype that is a list": (safetensors({"x": entry(["F32"])}, bytes(8)), "damaged|dtype"),
    "more than an entry has": (safetensors({"x": {**entry(), "code": 1}}, bytes(8)), "nothing else"),
    "no entry": (safetensors({"x": 5}), "nothing else"),
    "later version": (safetensors({"__metadata__": {"tinygrad_edu": '{"version": 2}'}}), "later version"),
    "structure without its tensor": (safetensors(own({"tensor": "x"})), "does not hold `x`"),
    "tensor that the structure lacks": (safetensors({**own([]), "x": entry()}, bytes(8)), "does not mention `x`"),
    "unknown kind": (safetensors(own({"os.system": "true"})), "os.system"),
    "two kinds": (safetensors(own({"int": "1", "float": "2"})), "2 entries"),
    "deep structure": (safetensors(own(json.loads("[" * 200 + "]" * 200))), "deep"),
    "deep key": (safetensors(own({"dict": [[{"tuple": [{"tuple": []}]}, 1]]})), "tuple as a key"),
    "integer as key": (safetensors(own({"dict": [[{"int": hex(1 << 80)}, 1]]})), "64 bits"),
    "hiding a method": (safetensors(own({"OrderedDict": {"items": [], "attributes": [["items", 1]]}})),
                        "attribute 'items'"),
    "view beyond the storage": (
        safetensors({**own({"tensor": "v"}, {"v": {"storage": "x", "offset": 1, "shape": [2], "stride": [1]}}),
                     "x": entry()}, bytes(8)),
        "reach to element 2",
    ),
    "view without a shape": (
        safetensors({**own({"tensor": "v"}, {"v": {"storage": "x"}}), "x": entry()}, bytes(8)), "damaged",
    ),
    "complex of integers": (
        safetensors({**own({"tensor": "x"}, {"x": {"complex": True}}), "x": entry("I64", (1,))}, bytes(8)), "complex",
    ),
    "gradients of integers": (
        safetensors({**own({"tensor": "x"}, {"x": {"requires_grad": True}}), "x": entry("I64", (1,))}, bytes(8)),
        "floating dtype",
    ),
    "a number of too few bytes": (safetensors(own({"number": ["f8", "00"]})), "damaged"),
    "a dtype of objects": (safetensors(own({"numpy.dtype": "O"})), "none of numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_damaged_safetensors(name):
    data, message = HEADERS[name]
    with pytest.raises(LoadError, match=message):
        load(data)


# ---- random damage


def mutated(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8])):
        kind, i = rng.randrange(5), rng.randrange(len(data))
        if kind == 0:
            data[i] = rng.randrange(256)
        elif kind == 1:
            data[i] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del data[i : i + rng.randrange(1, 20)]
        elif kind == 3:
            data[i:i] = bytes(rng.randrange(256) for _ in range(rng.randrange(8)))
        else:
            j = rng.randrange(len(data))
            data[i:i] = data[j : j + rng.randrange(1, 30)]
        if not data:
            break
    return bytes(data)


def checkpoint():
    x = tg.arange(12.0).reshape(3, 4)
    state = OrderedDict(
        x=x, row=x[1], p=nn.Parameter(tg.ones(2, 3)), half=tg.ones(3, dtype=tg.float16), epoch=3, lr=0.1
    )
    state["rest"] = [
        np.float64(2.5),
        np.arange(3),
        {1, 2},
        1j,
        b"abc",
        tg.Size([1, 2]),
        (1, [2, {4: "five"}]),
        tg.float32,
    ]
    return state


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("format", ["torch", "safetensors"])
def test_random_damage_is_found(format, seed):
    rng = random.Random(seed)
    file = io.BytesIO()
    tg.save(checkpoint(), file, format=format)
    data, whole = file.getvalue(), repr(checkpoint())
    for _ in range(300):
        try:
            state = load(mutated(data, rng))
        except LoadError:
            continue
        if format == "torch":  # its checksums cover all values
            assert repr(state) == whole


@pytest.mark.parametrize("seed", range(4))
def test_random_damage_of_the_pickle_is_harmless(seed):
    rng = random.Random(seed)
    file = io.BytesIO()
    tg.save(checkpoint(), file)
    with zipfile.ZipFile(file) as source:
        files = {name.removeprefix("archive/"): source.read(name) for name in source.namelist()}
    data = files.pop("data.pkl")
    for _ in range(400):
        try:
            load(archive(mutated(data, rng), files))
        except LoadError:
            continue


@pytest.mark.parametrize("format", ["torch", "safetensors"])
def test_every_cut_is_found(format):
    file = io.BytesIO()
    tg.save({"x": tg.ones(3), "y": [1, "two"]}, file, format=format)
    data = file.getvalue()
    for length in range(len(data)):
        with pytest.raises(LoadError):
            load(data[:length])


def test_random_bytes():
    rng = random.Random(0)
    for start in (b"", b"PK\x03\x04", b"\x10\0\0\0\0\0\0\0{", b"\x80\x02"):
        for length in (0, 1, 8, 9, 30, 500):
            with pytest.raises(LoadError):
                load(start + rng.randbytes(length))
