"""The SummaryWriter: its files, read back by a few lines that know nothing of how they were written."""

import os
import struct
import warnings

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.utils.tensorboard import SummaryWriter, check_sum, crc32c


def fields(data):
    """[(number, value)] of a message: ints, floats, bytes."""
    found, i = [], 0

    def varint():
        nonlocal i
        value = shift = 0
        while True:
            byte = data[i]
            i += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while i < len(data):
        key = varint()
        if key & 7 == 0:
            value = varint()
        elif key & 7 == 1:
            (value,), i = struct.unpack_from("<d", data, i), i + 8
        elif key & 7 == 5:
            (value,), i = struct.unpack_from("<f", data, i), i + 4
        else:
            length = varint()
            value, i = data[i : i + length], i + length
        found.append((key >> 3, value))
    return found


def events(folder):
    """[(step, tag, value fields)] of the one file in a folder."""
    (name,) = [name for name in os.listdir(folder) if "tfevents" in name]
    with open(os.path.join(folder, name), "rb") as file:
        data = file.read()
    found, i = [], 0
    while i < len(data):
        (length,) = struct.unpack_from("<Q", data, i)
        event = data[i + 12 : i + 12 + length]
        assert (
            check_sum(data[i : i + 8]) == data[i + 8 : i + 12]
            and check_sum(event) == data[i + 12 + length : i + 16 + length]
        )
        i += 16 + length
        found.append(dict(fields(event)))
    assert found[0][3] == b"brain.Event:2" and found[0][1] > 1e9
    result = []
    for event in found[1:]:
        value = dict(fields(dict(fields(event[5]))[1]))
        result.append((event.get(2), value.pop(1).decode(), value))
    return result


def test_check_sums():
    assert crc32c(b"123456789") == 0xE3069283  # RFC 3720 and every implementation since
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    assert check_sum(b"123456789") == struct.pack("<I", 0xC78AB0E5)  # as TensorBoard computes it


def test_numbers_histograms_and_texts(tmp_path):
    with SummaryWriter(tmp_path / "a", flush_secs=0) as writer:
        assert writer.get_logdir() == str(tmp_path / "a")
        for step, value in enumerate((1, 2.5, tg.tensor([3.0], requires_grad=True), np.float64(4), float("nan"))):
            writer.add_scalar("loss/train", value, step, walltime=5.0)
        writer.add_scalar("loss", 1e300, -1)
        writer.add_text("note", "**hello**", 7)
        writer.add_histogram("w", tg.tensor([-1.0, 0.0, 2.0, 2.0, float("inf")]), 1)
        writer.add_histogram("v", np.arange(10), 2, bins=4)
        writer.add_histogram("u", np.arange(10), 2, bins=5, max_bins=3)
        writer.add_scalars("both", {"x": 1, "y": 2}, 3)
        for call in (
            lambda: writer.add_scalar("x", [1, 2]),
            lambda: writer.add_scalar("x", "1"),
            lambda: writer.add_scalar("x", None),
        ):
            with pytest.raises(TypeError, match="number or a tensor of one element"):
                call()
        with pytest.raises(ValueError, match="no finite values"):
            writer.add_histogram("w", [])
    found = events(tmp_path / "a")
    assert [(step, tag) for step, tag, _ in found[:5]] == [(i, "loss/train") for i in range(5)]
    assert [value[2] for _, _, value in found[:4]] == [1, 2.5, 3, 4] and np.isnan(found[4][2][2])
    assert found[5] == (2**64 - 1, "loss", {2: float("inf")})  # −1, as protocol buffers write it
    step, tag, text = found[6]
    assert (step, tag) == (7, "note/text_summary")
    assert dict(fields(dict(fields(text[9]))[1])) == {1: b"text"} and dict(fields(text[8]))[8] == b"**hello**"
    for (_, _, value), expected in zip(
        found[7:], [([-1, 2, 4, 3, 9], 4), ([0, 9, 10, 45, 285], 10), ([0, 9, 10, 45, 285], 10)]
    ):
        histogram = dict(fields(value[5]))
        limits, counts = np.frombuffer(histogram[6]), np.frombuffer(histogram[7])
        assert (
            [histogram[i] for i in range(1, 6)] == expected[0]
            and counts.sum() == expected[1]
            and len(limits) == len(counts)
        )
        assert (np.diff(limits) > 0).all() and limits[-1] >= expected[0][1] and counts[0] > 0 and counts[-1] > 0
    assert events(tmp_path / "a" / "both_x") == [(3, "both", {2: 1.0})] and events(tmp_path / "a" / "both_y") == [
        (3, "both", {2: 2.0})
    ]


def test_the_rest_is_left_out_and_says_so_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    writer = SummaryWriter(comment="-x")
    assert (
        writer.log_dir.startswith(os.path.join("runs", ""))
        and writer.log_dir.endswith("-x")
        and os.path.isdir(writer.log_dir)
    )
    with pytest.warns(UserWarning, match="add_image writes nothing") as caught:
        writer.add_image("x", tg.zeros(3, 4, 4), 0)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        writer.add_image("x", tg.zeros(3, 4, 4), global_step=1)
    with pytest.raises(AttributeError):
        writer.add_nonsense()
    writer.flush()
    writer.close()
    writer.add_scalar("x", 1)
    writer.close()
