"""Images of whole numbers in another size."""

import numpy as np
import pytest

import tinygrad_edu as tg

IMAGE = np.random.default_rng(0).integers(0, 256, (2, 3, 9, 14)).astype(np.uint8)


@pytest.mark.parametrize("size", [(4, 5), (9, 20), (18, 28), (13, 7)])
@pytest.mark.parametrize("mode, antialias", [
    ("bilinear", False), ("bicubic", False), ("bilinear", True), ("bicubic", True), ("lanczos", True),
])  # fmt: skip
def test_bytes_between_bytes_are_those_of_pytorch(mode, antialias, size, torch):
    """But for a unit: PyTorch computes with weights of 16 bits."""
    ours, theirs = (
        T.nn.functional.interpolate(T.tensor(IMAGE), size, mode=mode, antialias=antialias).numpy() for T in (tg, torch)
    )
    assert ours.dtype == theirs.dtype == np.uint8
    difference = np.abs(ours.astype(int) - theirs.astype(int))
    assert difference.max() <= 1 and difference.mean() < 0.1


def test_bytes_are_rounded_and_do_not_wrap_around():
    ours = tg.nn.functional.interpolate(tg.tensor(IMAGE), (9, 20), mode="bicubic").numpy()  # one dimension changes
    exact = tg.nn.functional.interpolate(tg.tensor(IMAGE.astype(float)), (9, 20), mode="bicubic").numpy()
    assert exact.min() < 0 and exact.max() > 255, "these do not fit"
    np.testing.assert_allclose(ours, exact.clip(0, 255), atol=0.5001)
