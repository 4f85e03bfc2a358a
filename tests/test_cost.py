"""What operations cost: counts of multiply-adds against counts of simpler operations, estimates of the rest."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.check.operands import operands_of
from tinygrad_edu.cost import flops, multiply_adds, nbytes
from tinygrad_edu.define import OPS
from tinygrad_edu.recording import record

COUNTED = [entry for entry in OPS.values() if entry.multiply_adds is not None]
SAMPLES = [
    pytest.param(entry, sample, id=f"{entry.name}-{number}")
    for entry in COUNTED
    for number, sample in enumerate(entry.samples)
]


def recorded(call, *operands, **attributes):
    with record() as recording:
        call(*[tg.as_tensor(x) if isinstance(x, np.ndarray) else x for x in operands], **attributes)
    return recording.steps


@pytest.mark.parametrize(("entry", "sample"), SAMPLES)
def test_counts(entry, sample):
    """A composition of simpler products does as many; with ones, each product adds 1 to the result."""
    shapes, attributes = sample
    if attributes.get("size", attributes.get("kernel")) in ((4, 4), (2, 3)) and shapes[0][0] == 17:
        pytest.skip("the definition fills missing places with zeros, and multiplies these, too")
    arrays = operands_of(entry, shapes, np.random.default_rng(0))
    (step,) = recorded(entry.call, *arrays, **attributes)
    if entry.definition is not None:
        wanted = sum(multiply_adds(part) for part in recorded(entry.definition, *arrays, **attributes))
    else:
        ones = [np.ones(x.shape) for x in arrays]
        if entry.name == "euclidean_distances":  # of each point with each
            wanted = np.einsum("...id,...jd->...ij", *ones).sum()
        else:
            wanted = entry.kernel(*ones, **attributes).sum()
    assert multiply_adds(step) == wanted and flops(step) == 2 * wanted


def test_estimates():
    x = tg.ones(4, 6, requires_grad=True)
    steps = recorded(lambda: x.exp().sum(1).unsqueeze(0)[0].reshape(2, 2).max().detach())
    assert [step.name for step in steps] == ["exp", "sum", "unsqueeze", "getitem", "reshape", "amax", "detach()"]
    assert [flops(step) for step in steps] == [24, 24, 0, 0, 0, 4, 0]
    assert [nbytes(step) for step in steps] == [96, 16, 0, 0, 0, 4, 0]
    with record() as recording, pytest.raises(RuntimeError):
        x @ tg.ones(3)
    assert [multiply_adds(step) for step in recording] == [0]


def test_a_network():
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    def count(T):
        model = T.nn.Sequential(
            T.nn.Conv2d(3, 8, 3, stride=2, padding=1), T.nn.ReLU(), T.nn.ConvTranspose2d(8, 4, 2, bias=False),
            T.nn.Flatten(), T.nn.Linear(4 * 25, 10),
        )  # fmt: skip
        return lambda: model(T.ones(2, 3, 8, 8))

    with FlopCounterMode(display=False) as counter:
        count(torch)()
    assert sum(2 * multiply_adds(step) for step in recorded(count(tg))) == counter.get_total_flops()
    assert nn.Linear(2, 3)(tg.ones(2)).shape == (3,)
