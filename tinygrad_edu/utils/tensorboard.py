"""Curves for TensorBoard: a SummaryWriter that writes its files without TensorFlow or TensorBoard.

    writer = SummaryWriter("runs/first")
    writer.add_scalar("loss", loss, step)
    writer.close()                            # then: tensorboard --logdir runs

Numbers, histograms and texts are written. Everything else that PyTorch's writer has (images, graphs, embeddings, ...)
is accepted and left out, and a warning says so once.

A file is a row of records, each a message `Event` in the coding of protocol buffers, between its length and check
sums. Sources: TensorFlow, tensorflow/core/lib/io/record_writer.h, core/util/event.proto, core/framework/summary.proto;
protobuf.dev, "Encoding"; RFC 3720, appendix B.4 (CRC-32C).
"""

import functools
import itertools
import os
import socket
import struct
import threading
import time
import warnings

import numpy as np

from ..tensor import Tensor

__all__ = ["SummaryWriter"]

LEFT_OUT = (
    "add_audio", "add_custom_scalars", "add_custom_scalars_marginchart", "add_custom_scalars_multilinechart",
    "add_embedding", "add_figure", "add_graph", "add_histogram_raw", "add_hparams", "add_image", "add_image_with_boxes",
    "add_images", "add_mesh", "add_onnx_graph", "add_pr_curve", "add_pr_curve_raw", "add_tensor", "add_video",
)  # fmt: skip

_files = itertools.count()


class SummaryWriter:
    """Writes numbers that change during training into a folder that TensorBoard shows.

    log_dir          the folder; by default runs/DATE_HOSTNAME with `comment` behind it
    flush_secs       after so many seconds what was added is written to the file, at the latest by flush() or close()
    filename_suffix  what the names of the files end with
    purge_step, max_queue  accepted, without effect
    """

    def __init__(self, log_dir=None, comment="", purge_step=None, max_queue=10, flush_secs=120, filename_suffix=""):
        if not log_dir:
            started = time.strftime("%b%d_%H-%M-%S")
            log_dir = os.path.join("runs", f"{started}_{socket.gethostname()}{comment}")
        self.log_dir = os.fspath(log_dir)
        self.flush_secs, self.suffix = flush_secs, filename_suffix
        self.files = {}  # folder -> EventFile: add_scalars has one for each curve
        self.left_out = set()
        self._file()

    def _file(self, folder=None):
        folder = self.log_dir if folder is None else folder
        if folder not in self.files:
            self.files[folder] = EventFile(folder, self.suffix, self.flush_secs)
        return self.files[folder]

    def get_logdir(self):
        """The folder."""
        return self.log_dir

    def add_scalar(self, tag, scalar_value, global_step=None, walltime=None, new_style=False, double_precision=False):
        """Add a point to the curve `tag`: a number (or a tensor of one element) at a step."""
        self._file().add(value_of(tag, number(2, scalar_of(scalar_value, tag))), global_step, walltime)

    def add_scalars(self, main_tag, tag_scalar_dict, global_step=None, walltime=None):
        """Add a point to several curves in one picture. Each curve has a folder of its own within the folder."""
        for tag, value in tag_scalar_dict.items():
            folder = os.path.join(self.log_dir, main_tag.replace("/", "_") + "_" + tag)
            value = value_of(main_tag, number(2, scalar_of(value, main_tag)))
            self._file(folder).add(value, global_step, walltime)

    def add_histogram(self, tag, values, global_step=None, bins="tensorflow", walltime=None, max_bins=None):
        """Add the distribution of the elements of a tensor.

        bins  "tensorflow": limits in equal ratios; else as in numpy.histogram
        """
        values = np.asarray(values, np.float64).ravel()
        values = values[np.isfinite(values)]
        if values.size == 0:
            raise ValueError(f"add_histogram: {tag!r} has no finite values")
        counts, limits = np.histogram(
            values, ratio_limits() if isinstance(bins, str) and bins == "tensorflow" else bins
        )
        if max_bins is not None and len(counts) > max_bins:
            group = -(-len(counts) // max_bins)
            counts = np.add.reduceat(counts, np.arange(0, len(counts), group))
            limits = np.append(limits[:-1:group], limits[-1])
        used = np.flatnonzero(counts)
        first, last = (used[0], used[-1] + 1) if used.size else (0, 0)
        counts, limits = counts[first:last], limits[first + 1 : last + 1]
        facts = (values.min(), values.max(), float(values.size), values.sum(), (values * values).sum())
        histogram = b"".join(double(field, fact) for field, fact in enumerate(facts, 1))
        histogram += message(6, limits.astype("<f8").tobytes()) + message(7, counts.astype("<f8").tobytes())
        self._file().add(value_of(tag, message(5, histogram)), global_step, walltime)

    def add_text(self, tag, text_string, global_step=None, walltime=None):
        """Add a text, which TensorBoard shows as Markdown."""
        plugin = message(1, message(1, b"text"))
        content = varint_field(1, 7) + message(2, message(2, varint_field(1, 1))) + message(8, text_string.encode())
        value = value_of(f"{tag}/text_summary", message(9, plugin) + message(8, content))
        self._file().add(value, global_step, walltime)

    def __getattr__(self, name):
        if name not in LEFT_OUT:
            raise AttributeError(f"SummaryWriter has no attribute {name!r}")
        return functools.partial(self._leave_out, name)

    def _leave_out(self, name, *args, **named):
        if name not in self.left_out:
            self.left_out.add(name)
            warnings.warn(
                f"SummaryWriter.{name} writes nothing: this writer has numbers (add_scalar, add_scalars), "
                "add_histogram and add_text",
                UserWarning,
                stacklevel=2,  # the partial on the way has no frame
            )

    def flush(self):
        """Write what was added to the files."""
        for file in self.files.values():
            file.flush()

    def close(self):
        """Write what was added, and close the files. Adding more opens new ones."""
        for file in self.files.values():
            file.close()
        self.files = {}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


class EventFile:
    """One file of events in a folder, which is made if needed."""

    def __init__(self, folder, suffix, flush_secs):
        os.makedirs(folder, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}.{next(_files)}{suffix}"
        self.file = open(os.path.join(folder, name), "ab")  # noqa: SIM115, closed by close()
        self.lock = threading.Lock()
        self.flush_secs, self.flushed = flush_secs, time.monotonic()
        self.write(double(1, time.time()) + message(3, b"brain.Event:2"))
        self.flush()

    def add(self, value, step, walltime):
        step = b"" if step is None else varint_field(2, int(step))
        self.write(double(1, time.time() if walltime is None else walltime) + step + message(5, message(1, value)))

    def write(self, event):
        length = struct.pack("<Q", len(event))
        with self.lock:
            self.file.write(length + check_sum(length) + event + check_sum(event))
        if time.monotonic() - self.flushed > self.flush_secs:
            self.flush()

    def flush(self):
        self.flushed = time.monotonic()
        self.file.flush()

    def close(self):
        self.file.close()


def scalar_of(value, tag):
    """A number from what may be a tensor or array of one element."""
    if isinstance(value, Tensor):
        value = value.array
    if np.size(value) != 1 or np.asarray(value).dtype.kind not in "biuf":
        raise TypeError(f"the value for {tag!r} must be a number or a tensor of one element, not {value!r:.60}")
    return float(np.asarray(value).reshape(()))


@functools.lru_cache(maxsize=1)
def ratio_limits():
    """… −1.1e−12, −1e−12, 0, 1e−12, 1.1e−12, … up to 1e20: the customary limits of histograms."""
    positive = 1e-12 * 1.1 ** np.arange(int(np.log(1e32) / np.log(1.1)) + 1)
    edge = np.finfo(np.float64).max
    return np.concatenate([[-edge], -positive[::-1], [0.0], positive, [edge]])


# ---- protocol buffers: a field is its number and kind, then its value


def varint(value):
    """A number in groups of seven bits, the lowest first; negative ones as 64 bits."""
    value &= (1 << 64) - 1
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def varint_field(field, value):
    return varint(field << 3) + varint(value)


def double(field, value):
    return varint(field << 3 | 1) + struct.pack("<d", value)


def number(field, value):
    """A float of 32 bits; too large ones become infinite."""
    with np.errstate(over="ignore"):
        return varint(field << 3 | 5) + np.array(value).astype("<f4").tobytes()


def message(field, data):
    """Bytes, text or a message within a message."""
    return varint(field << 3 | 2) + varint(len(data)) + data


def value_of(tag, content):
    """A `Summary.Value`."""
    return message(1, str(tag).encode()) + content


# ---- check sums


@functools.lru_cache(maxsize=1)
def crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


def crc32c(data):
    table, value = crc_table(), 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 255] ^ value >> 8
    return value ^ 0xFFFFFFFF


def check_sum(data):
    """The masked CRC-32C of records."""
    value = crc32c(data)
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)
