"""Random changes of images: each is what its formula says, for every kind of image, and the same for the same seed."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.data import augment

Image = pytest.importorskip("PIL.Image")

RANDOM = np.random.default_rng(0)
COLORED, GRAY = RANDOM.random((5, 8, 6, 3)), RANDOM.random((5, 8, 6))
AXES = np.array([[0.2, 0.1, 0.3], [0.1, -0.2, 0.3], [0.0, 0.1, 0.3]])
CHANGES = {
    "mirror": {}, "random_crop": {"padding": 2}, "rotate": {"degrees": 40}, "shear": {"degrees": 30}, "warp": {},
    "shift_colors": {"amount": 0.3}, "pca_colors": {"axes": AXES, "amount": 0.5},
}  # fmt: skip
GEOMETRIC = ("mirror", "random_crop", "rotate", "shear", "warp")


def changed(name, x, **more):
    return getattr(augment, name)(x, **CHANGES[name], **more)


@pytest.mark.parametrize("name", CHANGES)
def test_all_kinds_of_images(name):
    before = COLORED.copy()
    result = changed(name, COLORED, seed=1)
    assert result.dtype == np.float64 and result.shape == COLORED.shape and np.array_equal(COLORED, before)
    assert not np.array_equal(result, COLORED) and 0 <= result.min() <= result.max() <= 1
    assert np.array_equal(changed(name, COLORED, seed=1), result)
    assert not np.array_equal(changed(name, COLORED, seed=3), result)
    assert np.array_equal(changed(name, COLORED, seed=np.random.default_rng(1)), result)
    tensor = changed(name, tg.tensor(COLORED), seed=1)
    assert isinstance(tensor, tg.Tensor) and np.array_equal(tensor.numpy(), result)
    first = changed(name, np.ascontiguousarray(COLORED.transpose(0, 3, 1, 2)), seed=1, channels="first")
    assert np.array_equal(first.transpose(0, 2, 3, 1), result)
    single = changed(name, COLORED.astype(np.float32), seed=1)
    assert single.dtype == np.float32 and np.allclose(single, result, atol=1e-5)
    coded = np.rint(COLORED * 255).astype(np.uint8)
    bytes_ = changed(name, coded, seed=1)
    assert bytes_.dtype == np.uint8 and np.allclose(bytes_ / 255, changed(name, coded / 255, seed=1), atol=0.51 / 255)
    image = changed(name, Image.fromarray(coded[0]), seed=1)
    assert image.mode == "RGB" and np.array_equal(np.asarray(image), changed(name, coded[:1], seed=1)[0])
    assert changed(name, COLORED[:0], seed=1).shape == (0, 8, 6, 3)


@pytest.mark.parametrize("name", [*GEOMETRIC, "shift_colors"])
def test_gray_images(name):
    result = changed(name, GRAY, seed=1)
    assert result.shape == GRAY.shape and np.array_equal(result, changed(name, GRAY[..., None], seed=1)[..., 0])
    image = Image.fromarray(np.rint(GRAY[0] * 255).astype(np.uint8))
    assert changed(name, image, seed=1).mode == "L"
    if name in GEOMETRIC:
        clear = Image.new("RGBA", (6, 8), (10, 20, 30, 40))
        assert changed(name, clear, seed=1).mode == "RGBA"


@pytest.mark.parametrize("name", CHANGES)
def test_the_librarys_seed_decides_where_none_is_given(name):
    results = []
    for seed in (0, 0, 5):
        tg.manual_seed(seed)
        results.append((changed(name, COLORED), changed(name, COLORED)))
    assert np.array_equal(results[0][1], results[1][1]) and not np.array_equal(results[0][1], results[2][1])
    assert not np.array_equal(*results[0])


def test_each_image_has_its_own_draw():
    same = np.repeat(COLORED[:1], 60, axis=0)
    for name in CHANGES:
        kinds = {image.tobytes() for image in changed(name, same, seed=0)}
        assert len(kinds) == (2 if name == "mirror" else 25 if name == "random_crop" else 60) or (
            name == "random_crop" and 15 <= len(kinds) <= 25
        )


def test_mirror():
    assert np.array_equal(augment.mirror(COLORED, p=1), COLORED[:, :, ::-1])
    assert np.array_equal(augment.mirror(COLORED, p=0), COLORED)
    mirrored = (augment.mirror(np.arange(2.0).reshape(1, 1, 2).repeat(4000, 0) / 2, p=0.25, seed=0)[:, 0, 0] > 0).mean()
    assert abs(mirrored - 0.25) < 0.03


@pytest.mark.parametrize("mode, numpys", [("zeros", "constant"), ("border", "edge"), ("reflection", "symmetric")])
def test_random_crop(mode, numpys):
    padded = np.pad(GRAY, [(0, 0), (2, 2), (2, 2)], numpys)
    parts = augment.random_crop(GRAY.repeat(200, 0), (3, 4), 2, mode, seed=0)
    assert parts.shape == (1000, 3, 4)
    for k in range(5):
        windows = np.lib.stride_tricks.sliding_window_view(padded[k], (3, 4))  # (10, 7, 3, 4)
        places = {window.tobytes() for row in windows for window in row}
        assert {part.tobytes() for part in parts[200 * k : 200 * (k + 1)]} <= places
    windows = np.lib.stride_tricks.sliding_window_view(padded[0], (3, 4)).reshape(70, 12)
    seen = augment.random_crop(GRAY[:1].repeat(3000, 0), (3, 4), 2, "border", seed=0)
    assert len({part.tobytes() for part in seen}) == 70 and len(windows) == 70  # every place
    assert augment.random_crop(GRAY, 5).shape == (5, 5, 5)
    assert np.array_equal(augment.random_crop(GRAY), GRAY)


class Drawn(np.random.Generator):
    """A generator whose uniform numbers are the highest, so that what is drawn is known."""

    def __init__(self):
        super().__init__(np.random.PCG64(0))

    def uniform(self, low, high, size):
        return np.full(size, float(high))


SQUARE = RANDOM.random((2, 7, 7))


def test_rotate():
    for degrees, turns in ((90, 1), (180, 2)):
        result = augment.rotate(SQUARE, degrees, seed=Drawn())
        assert np.allclose(result, np.rot90(SQUARE, turns, axes=(1, 2)), atol=1e-6)  # counter-clockwise
    assert np.allclose(augment.rotate(GRAY, 0), GRAY, atol=1e-6)
    smooth = np.outer(np.hanning(41), np.hanning(41)).astype(np.float32)
    smooth[:, 25:] *= 0.5
    theirs = np.asarray(Image.fromarray(smooth).rotate(30, Image.Resampling.BILINEAR))
    assert np.allclose(augment.rotate(smooth[None], 30, seed=Drawn())[0], theirs, atol=2e-3)


def test_shear():
    y, x = np.mgrid[-3:4, -3:4]
    picture = 0.5 + 0.05 * x[None] + 0.02 * y[None]  # linear, so that reading between pixels is exact
    result = augment.shear(picture, 30, "border", seed=Drawn())[0]
    assert np.allclose(result[:, 2:5], (0.5 + 0.05 * (x + y * np.tan(np.radians(30))) + 0.02 * y)[:, 2:5], atol=1e-6)
    upright = augment.shear(np.eye(7)[None], 45, seed=Drawn())[0]  # a stroke "\\" becomes "|"
    assert np.allclose(upright, np.eye(7)[[3] * 7], atol=1e-6)


def test_warp_moves_by_smooth_noise_of_the_given_size():
    ramp = np.tile(np.linspace(0, 1, 101), (40, 101, 1))  # value = column / 100
    moved = 100 * (augment.warp(ramp, 2.0, 5.0, "border", seed=0) - ramp)[:, :, 15:-15]  # Δx, in pixels
    assert abs(moved.std() - 2) < 0.15 and abs(moved.mean()) < 0.2
    # neighbours at distance d are correlated as exp(−d² / (4 · smoothness²))
    for d in (5, 10):
        correlation = (moved[:, :, d:] * moved[:, :, :-d]).mean() / moved.var()
        assert abs(correlation - np.exp(-(d**2) / 100)) < 0.08
    turned = ramp.transpose(0, 2, 1)
    downwards = 100 * (augment.warp(turned, 2.0, 5.0, "border", seed=0) - turned)[:, 15:-15]  # Δy
    assert abs(downwards.std() - 2) < 0.15
    assert abs(np.corrcoef(moved[:, 15:-15].ravel(), downwards[:, :, 15:-15].ravel())[0, 1]) < 0.1
    # as much at the border, where there is less noise to smooth: all four sides
    small = np.tile(np.linspace(0, 1, 41), (120, 41, 1))
    sideways = 40 * (augment.warp(small, 0.5, 5.0, "border", seed=1) - small)[:, :, 3:-3]
    small = small.transpose(0, 2, 1)
    downwards = 40 * (augment.warp(small, 0.5, 5.0, "border", seed=1) - small)[:, 3:-3]
    for side in (sideways[:, 0], sideways[:, -1], downwards[:, :, 0], downwards[:, :, -1]):
        assert abs(side.std() - 0.5) < 0.04
    assert np.allclose(augment.warp(GRAY, 0), GRAY, atol=1e-6)


def test_shift_colors():
    middle = np.full((2000, 2, 2, 3), 0.5)
    shifts = augment.shift_colors(middle, 0.2, seed=0) - 0.5
    assert np.array_equal(shifts, np.broadcast_to(shifts[:, :1, :1], shifts.shape))  # the same for all pixels
    assert abs(shifts.min() + 0.2) < 1e-3 and abs(shifts.max() - 0.2) < 1e-3
    assert abs(np.corrcoef(shifts[:, 0, 0].T) - np.eye(3)).max() < 0.1  # each channel by itself
    assert augment.shift_colors(np.ones((50, 2, 2)), 0.5, seed=0).max() == 1


def test_pca_colors():
    random = np.random.default_rng(0)
    basis = np.linalg.qr(random.normal(size=(3, 3)))[0]
    pixels = 0.5 + (random.normal(size=(5000, 3)) * [0.1, 0.05, 0.01]) @ basis.T
    axes = augment.color_axes(pixels.reshape(50, 10, 10, 3))
    assert np.allclose(np.linalg.norm(axes, axis=0), [0.01, 0.05, 0.1], rtol=0.05)
    assert np.allclose(abs(axes / np.linalg.norm(axes, axis=0)), abs(basis[:, ::-1]), atol=0.05)
    assert np.allclose(axes @ axes.T, np.cov(pixels, rowvar=False))
    gray = random.random((20, 9, 9, 1)).repeat(3, axis=3)  # rounding may leave variances below 0
    assert np.allclose(augment.color_axes(gray)[:, 2] ** 2, gray.var(), rtol=1e-2)
    assert np.allclose(augment.color_axes(gray)[:, :2], 0, atol=1e-7)
    middle = np.full((4000, 1, 2, 3), 0.5)
    shifts = augment.pca_colors(middle, axes, 0.5, seed=0) - 0.5
    assert np.array_equal(shifts[:, 0, 0], shifts[:, 0, 1])
    assert np.allclose(np.cov(shifts[:, 0, 0], rowvar=False), 0.25 * axes @ axes.T, atol=2e-4)


@pytest.mark.parametrize(
    "use, error, message",
    [
        (lambda: augment.mirror(np.zeros((2, 3, 8, 8))), ValueError, "have 8 channels.*channels='first'"),
        (lambda: augment.mirror(COLORED, channels="first"), ValueError, "have 8 channels.*channels='last'"),
        (lambda: augment.mirror(COLORED, channels="second"), ValueError, "channels is 'last' or 'first'"),
        (lambda: augment.mirror(np.zeros((8, 8))), ValueError, r"not of shape \(8, 8\)"),
        (lambda: augment.mirror(np.zeros((1, 8, 8), int)), TypeError, "not int64"),
        (lambda: augment.mirror(Image.new("P", (4, 4))), ValueError, "not P: image.convert"),
        (lambda: augment.mirror(GRAY, 1.5), ValueError, "not 1.5"),
        (lambda: augment.random_crop(GRAY, 9), ValueError, "images of 8×6 with padding 0 have no part of 9×9"),
        (lambda: augment.random_crop(GRAY, 0), ValueError, "no part of 0×0"),
        (lambda: augment.random_crop(GRAY, padding=1, padding_mode="edge"), ValueError, "no padding_mode 'edge'"),
        (lambda: augment.rotate(GRAY, -1), ValueError, "from 0 to 180, not -1"),
        (lambda: augment.rotate(GRAY, padding_mode="edge"), ValueError, "no padding_mode 'edge'"),
        (lambda: augment.shear(GRAY, 90), ValueError, "from 0 to 89, not 90"),
        (lambda: augment.warp(GRAY, -1), ValueError, "not -1"),
        (lambda: augment.warp(GRAY, 1, 0), ValueError, "smoothness positive"),
        (lambda: augment.shift_colors(GRAY, -1), ValueError, "not -1"),
        (lambda: augment.shift_colors(GRAY - 0.5), ValueError, "from 0 to 1, and these are from -0.*standardized"),
        (lambda: augment.pca_colors(GRAY, AXES), ValueError, "have 1 channels, and should have 3"),
        (lambda: augment.pca_colors(COLORED, AXES[:2]), ValueError, r"not of shape \(2, 3\)"),
        (lambda: augment.pca_colors(COLORED, AXES, -1), ValueError, "not -1"),
        (lambda: augment.color_axes(COLORED * 255), ValueError, "color_axes takes values from 0 to 1"),
    ],
)
def test_mistakes_are_explained(use, error, message):
    with pytest.raises(error, match=message):
        use()
