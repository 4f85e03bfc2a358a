"""The part of torchvision: transforms against stored numbers of torchvision and by their properties, data sets,
grids."""

import gzip
import io
import os
import random
import subprocess
import sys
import tarfile

import numpy as np
import pytest
from test_datasets import idx, small_mnist, written  # noqa: F401, a fixture

import tinygrad_edu as tg
from tinygrad_edu.data.datasets import mnist_like as sources
from tinygrad_edu.interop import torchvision
from tinygrad_edu.interop.torchvision import datasets, transforms, utils
from tinygrad_edu.interop.torchvision.transforms import functional as F
from tinygrad_edu.interop.torchvision.transforms import on_tensors

Image = pytest.importorskip("PIL.Image")

N = np.arange(3 * 20 * 24).reshape(3, 20, 24)
PIXELS = (np.sin(N * 0.37) + np.cos(N * N * 0.011)) / 4 + 0.5
TENSOR = tg.tensor(PIXELS)
BYTES = np.round(PIXELS * 255).astype(np.uint8)
IMAGE = Image.fromarray(np.ascontiguousarray(BYTES.transpose(1, 2, 0)))
SHADES = Image.fromarray(BYTES[0])
NAMES = {name: getattr(transforms, name) for name in transforms.__all__}

STORED = {
    "Resize(13)": ((13, 15), (2.10148, 2.10148), (536.3463, 536.3463)),
    "Resize((9, 31), interpolation=InterpolationMode.BICUBIC)": ((9, 31), (0.87043, 0.87043), (215.04059, 215.04059)),
    "Resize((9, 31), interpolation=InterpolationMode.NEAREST)": ((9, 31), (2.93472, 2.93472), (409.5827, 409.5827)),
    "CenterCrop((11, 30))": ((11, 30), (-0.62038, -0.62038), (-163.0069, -163.0069)),
    'Pad((3, 1, 4, 2), padding_mode="symmetric")': ((23, 31), (-3.7186, -3.7186), (-937.20671, -937.20671)),
    'RandomCrop(12, padding=4, padding_mode="reflect")': ((12, 12), (0.89935, -6.26671), (230.90751, -1593.30294)),
    "RandomHorizontalFlip()": ((20, 24), (4.81464, -0.83811), (1233.30611, -220.88267)),
    "RandomVerticalFlip()": ((20, 24), (7.83418, -0.83811), (1986.18692, -220.88267)),
    "RandomResizedCrop(10)": ((10, 10), (-1.12146, -1.36075), (-288.94966, -344.31889)),
    "RandomResizedCrop((8, 12), scale=(0.8, 1.0), ratio=(3.0, 4.0))": (
        (8, 12),
        (0.89331, 0.89331),
        (227.22701, 227.22701),
    ),
    "RandomRotation(40)": ((20, 24), (-0.83811, -0.40394), (-220.88267, -86.21535)),
    "RandomRotation((10, 80), interpolation=InterpolationMode.BILINEAR, expand=True, fill=1)": (
        (32, 30),
        (-15.14335, 7.79681),
        (-1190.63591, 121.84315),
    ),
    "RandomAffine((10, 30), translate=(0.1, 0.3), scale=(0.7, 1.3), shear=(-5, 5, -20, 20), "
    "interpolation=InterpolationMode.BILINEAR)": (
        (20, 24),
        (0.84298, 2.37535),
        (99.28336, 600.14439),
    ),
    "RandomAffine(20, center=(2, 8), shear=10)": ((20, 24), (-7.82627, 4.34926), (-1945.74855, 1106.7243)),
    "ColorJitter(0.4, 0.4, 0.4, 0.1)": ((20, 24), (-0.53466, -0.3538), (-116.22566, -153.9662)),
    "ColorJitter(brightness=(0.5, 2.0), hue=(-0.1, 0.5))": ((20, 24), (0.24152, 3.24977), (39.95964, 787.46101)),
    "Grayscale()": ((20, 24), (0.67107, 0.67107), (164.6668, 164.6668)),
    "RandomGrayscale(0.5)": ((20, 24), (0.72302, -0.83811), (181.39245, -220.88267)),
    "GaussianBlur((5, 3))": ((20, 24), (-0.35644, -0.11573), (-95.71398, -45.62759)),
    'RandomErasing(0.9, value="random")': ((20, 24), (14.32214, 9.32954), None),
    "RandomErasing(0.9, value=(1, 2, 3))": ((20, 24), (4.96796, -0.82314), None),
    "RandomApply([RandomCrop(9)], p=0.6)": ((20, 24), (-0.67554, -0.83811), (-166.36222, -220.88267)),
    "RandomChoice([RandomRotation(20), CenterCrop(9)], p=[0.4, 0.6])": (
        (20, 24),
        (1.72314, -1.35827),
        (443.2861, -336.89285),
    ),
    "RandomOrder([RandomRotation(20), RandomCrop(9), ColorJitter(0.3)])": (
        (9, 9),
        (-0.68059, 2.89501),
        (-168.69457, 745.94146),
    ),
}
"""transform -> (height, width) with seed 1; Σ value · cos(number of the value) with the seeds 0 and 1, for TENSOR and
IMAGE.

The numbers are those of torchvision 0.28 with PyTorch 2.13 and Pillow 13.
"""

TEXTS = {
    "Resize(13)": "Resize(size=13, interpolation=bilinear, max_size=None, antialias=True)",
    "Resize((9, 31), interpolation=InterpolationMode.BICUBIC)": (
        "Resize(size=(9, 31), interpolation=bicubic, max_size=None, antialias=True)"
    ),
    "Resize((9, 31), interpolation=InterpolationMode.NEAREST)": (
        "Resize(size=(9, 31), interpolation=nearest, max_size=None, antialias=True)"
    ),
    "CenterCrop((11, 30))": "CenterCrop(size=(11, 30))",
    'Pad((3, 1, 4, 2), padding_mode="symmetric")': "Pad(padding=(3, 1, 4, 2), fill=0, padding_mode=symmetric)",
    'RandomCrop(12, padding=4, padding_mode="reflect")': "RandomCrop(size=(12, 12), padding=4)",
    "RandomHorizontalFlip()": "RandomHorizontalFlip(p=0.5)",
    "RandomVerticalFlip()": "RandomVerticalFlip(p=0.5)",
    "RandomResizedCrop(10)": (
        "RandomResizedCrop(size=(10, 10), scale=(0.08, 1.0), ratio=(0.75, 1.3333), interpolation=bilinear, "
        "antialias=True)"
    ),
    "RandomResizedCrop((8, 12), scale=(0.8, 1.0), ratio=(3.0, 4.0))": (
        "RandomResizedCrop(size=(8, 12), scale=(0.8, 1.0), ratio=(3.0, 4.0), interpolation=bilinear, antialias=True)"
    ),
    "RandomRotation(40)": "RandomRotation(degrees=[-40.0, 40.0], interpolation=nearest, expand=False, fill=0)",
    "RandomRotation((10, 80), interpolation=InterpolationMode.BILINEAR, expand=True, fill=1)": (
        "RandomRotation(degrees=[10.0, 80.0], interpolation=bilinear, expand=True, fill=1)"
    ),
    "RandomAffine((10, 30), translate=(0.1, 0.3), scale=(0.7, 1.3), shear=(-5, 5, -20, 20), "
    "interpolation=InterpolationMode.BILINEAR)": (
        "RandomAffine(degrees=[10.0, 30.0], translate=(0.1, 0.3), scale=(0.7, 1.3), shear=[-5.0, 5.0, -20.0, "
        "20.0], interpolation=bilinear)"
    ),
    "RandomAffine(20, center=(2, 8), shear=10)": (
        "RandomAffine(degrees=[-20.0, 20.0], shear=[-10.0, 10.0], center=(2, 8))"
    ),
    "ColorJitter(0.4, 0.4, 0.4, 0.1)": (
        "ColorJitter(brightness=(0.6, 1.4), contrast=(0.6, 1.4), saturation=(0.6, 1.4), hue=(-0.1, 0.1))"
    ),
    "ColorJitter(brightness=(0.5, 2.0), hue=(-0.1, 0.5))": (
        "ColorJitter(brightness=(0.5, 2.0), contrast=None, saturation=None, hue=(-0.1, 0.5))"
    ),
    "Grayscale()": "Grayscale(num_output_channels=1)",
    "RandomGrayscale(0.5)": "RandomGrayscale(p=0.5)",
    "GaussianBlur((5, 3))": "GaussianBlur(kernel_size=(5, 3), sigma=(0.1, 2.0))",
    'RandomErasing(0.9, value="random")': (
        "RandomErasing(p=0.9, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=random, inplace=False)"
    ),
    "RandomErasing(0.9, value=(1, 2, 3))": (
        "RandomErasing(p=0.9, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=(1, 2, 3), inplace=False)"
    ),
    "RandomApply([RandomCrop(9)], p=0.6)": "RandomApply(\n    p=0.6\n    RandomCrop(size=(9, 9), padding=None)\n)",
    "RandomChoice([RandomRotation(20), CenterCrop(9)], p=[0.4, 0.6])": (
        "RandomChoice(\n    RandomRotation(degrees=[-20.0, 20.0], interpolation=nearest, expand=False, "
        "fill=0)\n    CenterCrop(size=(9, 9))\n)(p=[0.4, 0.6])"
    ),
    "RandomOrder([RandomRotation(20), RandomCrop(9), ColorJitter(0.3)])": (
        "RandomOrder(\n    RandomRotation(degrees=[-20.0, 20.0], interpolation=nearest, expand=False, "
        "fill=0)\n    RandomCrop(size=(9, 9), padding=None)\n    ColorJitter(brightness=(0.7, 1.3), "
        "contrast=None, saturation=None, hue=None)\n)"
    ),
}
"""transform -> how torchvision writes it."""


@pytest.fixture(autouse=True)
def same_random():
    before = random.getstate()
    yield
    random.setstate(before)


def summed(result):
    array = F.pil_to_tensor(result).numpy() if isinstance(result, Image.Image) else result.numpy()
    return array.shape[-2:], float((array.astype(float).ravel() * np.cos(np.arange(array.size))).sum())


def seeded(seed, transform, image):
    tg.manual_seed(seed)
    random.seed(seed)
    return transform(image)


@pytest.mark.parametrize("kind", ["tensor", "image"])
@pytest.mark.parametrize("spec", STORED)
def test_the_same_seed_gives_the_same_result(spec, kind):
    size, *stored = STORED[spec]
    expected = stored[kind == "image"]
    if expected is None:
        pytest.skip("for tensors only")
    transform = eval(spec, NAMES)
    # a version of Pillow may round a few pixels otherwise
    near = {"rel": 1e-6, "abs": 2e-5} if kind == "tensor" else {"abs": 3}
    for seed, value in enumerate(expected):
        found, total = summed(seeded(seed, transform, TENSOR if kind == "tensor" else IMAGE))
        assert not seed or found == size
        assert total == pytest.approx(value, **near)


@pytest.mark.parametrize("spec", TEXTS)
def test_texts(spec):
    assert repr(eval(spec, NAMES)) == TEXTS[spec]


def test_parameters_are_drawn_in_the_same_order():
    tg.manual_seed(5)
    assert transforms.RandomCrop.get_params(IMAGE, (7, 9)) == (1, 14, 7, 9)
    assert transforms.RandomResizedCrop.get_params(IMAGE, (0.1, 0.5), (0.5, 2.0)) == (8, 4, 12, 19)
    assert transforms.RandomRotation.get_params([-10, 10]) == pytest.approx(-6.712169647216797, rel=1e-6)
    angle, moved, scale, shear = transforms.RandomAffine.get_params(
        [-10, 10], (0.1, 0.2), (0.5, 2), [-5, 5, -3, 3], [24, 20]
    )
    assert moved == (-2, 4)
    assert (angle, scale, *shear) == pytest.approx((4.758387565, 1.409642815, 0.645712614, -2.565526962), rel=1e-6)
    assert transforms.GaussianBlur.get_params(0.1, 2) == pytest.approx(1.3527439832687378, rel=1e-6)


# ---- properties of the functions


def same(a, b):
    if isinstance(a, Image.Image):
        return a.mode == b.mode and np.array_equal(np.asarray(a), np.asarray(b))
    return a.dtype == b.dtype and np.array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("image", [IMAGE, SHADES, TENSOR, tg.tensor(BYTES)])
def test_mirrors_and_parts(image):
    channels, rows, columns = F.get_dimensions(image)
    assert [rows, columns] == [20, 24] and F.get_image_size(image) == [24, 20]
    assert F.get_image_num_channels(image) == channels
    assert same(F.hflip(F.hflip(image)), image) and not same(F.hflip(image), image)
    assert same(F.vflip(F.vflip(image)), image) and not same(F.vflip(image), image)
    assert same(F.rotate(image, 180), F.hflip(F.vflip(image)))
    assert same(F.rotate(F.rotate(image, 90, expand=True), -90, expand=True), image)
    assert same(F.center_crop(image, (8, 10)), F.crop(image, 6, 7, 8, 10))
    assert same(F.center_crop(image, (23, 20)), F.crop(F.pad(image, (0, 1, 0, 2)), 0, 2, 23, 20))
    assert same(F.crop(F.pad(image, (3, 1, 4, 2)), 1, 3, 20, 24), image)
    assert same(F.pad(F.crop(image, 1, 3, 12, 14), (3, 1, 7, 7)), F.pad(F.pad(image, (-3, -1, -7, -7)), (3, 1, 7, 7)))
    assert same(F.crop(image, -2, 20, 9, 9), F.crop(F.pad(image, 9), 7, 29, 9, 9))
    assert same(F.affine(image, 0, (2, 3), 1, 0), F.crop(image, -3, -2, 20, 24))
    assert same(F.resize(image, (20, 24)), image) and F.get_image_size(F.resize(image, 10)) == [12, 10]
    assert F.get_image_size(F.resize(image, 10, max_size=11)) == [11, 9]
    assert same(F.adjust_brightness(image, 1), image) and same(F.adjust_hue(SHADES, 0.3), SHADES)
    for mode in ("edge", "reflect", "symmetric"):
        array = np.asarray(image) if isinstance(image, Image.Image) else image.numpy().transpose(1, 2, 0)
        sides = ((1, 2), (3, 4), (0, 0))[: array.ndim]
        found = F.pad(image, (3, 1, 4, 2), padding_mode=mode)
        found = np.asarray(found) if isinstance(image, Image.Image) else found.numpy().transpose(1, 2, 0)
        assert np.array_equal(found, np.pad(array, sides, mode))


def test_tensors_and_images_agree():
    """What is computed on a tensor and by Pillow differs by rounding."""
    x = tg.tensor(BYTES)
    for change, most in (
        (lambda image: F.resize(image, (11, 30)), 1), (lambda image: F.adjust_contrast(image, 0.6), 2),
        (lambda image: F.adjust_saturation(image, 1.7), 3), (lambda image: F.rgb_to_grayscale(image), 1),
        (lambda image: F.adjust_brightness(image, 1.3), 1), (lambda image: F.gaussian_blur(image, 5), 0),
        (lambda image: F.rotate(image, 30, center=(3, 5)), 0), (lambda image: F.adjust_hue(image, -0.2), 12),
    ):  # fmt: skip
        difference = change(x).numpy().astype(int) - F.pil_to_tensor(change(IMAGE)).numpy()
        assert np.quantile(np.abs(difference), 0.98) <= most


def test_gradients_flow_through_tensors():
    x = tg.tensor(PIXELS[:, :6, :7], requires_grad=True)
    for change in (
        lambda x: F.normalize(x, (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)), lambda x: F.resize(x, (4, 9)),
        lambda x: F.rotate(x, 20, transforms.InterpolationMode.BILINEAR, fill=[0.5]),
        lambda x: F.pad(x, 2, padding_mode="symmetric"),
        lambda x: F.adjust_saturation(x, 0.5), lambda x: F.gaussian_blur(x, 3), lambda x: F.crop(x, -1, 2, 4, 7),
        lambda x: on_tensors.from_hue(*on_tensors.hue_saturation_value(x)),
    ):  # fmt: skip
        assert tg.autograd.gradcheck(change, (x,))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F", "I;16"])
def test_images_become_tensors_and_back(mode):
    image = SHADES.convert("I").point(lambda v: v * 100).convert("I;16") if mode == "I;16" else IMAGE.convert(mode)
    x = F.pil_to_tensor(image)
    assert tuple(x.shape) == (len(image.getbands()), 20, 24)
    scaled = F.to_tensor(image)
    bytewise = x.dtype in (np.uint8, np.bool_)
    assert scaled.dtype == (np.float32 if bytewise else np.int16 if mode == "I;16" else x.dtype)
    assert scaled.is_contiguous() and np.allclose(scaled.numpy(), x.numpy() / (255 if x.dtype == np.uint8 else 1))
    if mode != "1":
        given = scaled.numpy() if mode == "I;16" else x.numpy()
        back = F.to_pil_image(tg.tensor(given), mode)
        assert same(back, image) and (
            mode in ("HSV", "YCbCr", "CMYK")
            or same(F.to_pil_image(tg.tensor(given), None if mode != "F" else "F"), image)
        )
    if mode in ("L", "RGB"):
        assert same(F.to_pil_image(scaled), image) and same(F.to_pil_image(np.asarray(image)), image)
        assert same(F.to_tensor(np.asarray(image)), scaled)


def test_to_tensor_leaves_the_image_alone():
    for array in (np.asarray(SHADES.convert("F")).copy(), BYTES[0].copy()):
        image = Image.fromarray(array)
        F.to_tensor(image).zero_()
        F.pil_to_tensor(image).zero_()
        assert np.array_equal(np.asarray(image), array)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(F, "get_default_dtype", lambda: tg.float64)
        assert F.to_tensor(IMAGE).dtype == np.float64


def test_dtypes_of_images():
    x = tg.tensor([[[0, 1, 128, 255]]], dtype=tg.uint8)
    for dtype, highest in ((tg.int16, 255 * 128), (tg.int32, 255 << 23), (tg.float32, 1), (tg.float64, 1)):
        y = F.convert_image_dtype(x, dtype)
        assert y.dtype == dtype and y.max().item() == highest
        assert same(F.convert_image_dtype(y, tg.uint8), x)
    assert F.convert_image_dtype(tg.tensor([[[0.0, 0.999, 1.0]]]), tg.uint8).tolist() == [[[0, 255, 255]]]
    with pytest.raises(RuntimeError, match="overflow"):
        F.convert_image_dtype(TENSOR, tg.int64)


def test_normalize_in_place():
    x = tg.tensor(PIXELS)
    y = F.normalize(x, [0.5], [0.25], inplace=True)
    assert y is x and np.allclose(x.numpy(), (PIXELS - 0.5) / 0.25)
    assert same(transforms.Normalize((0.5,), (0.25,))(TENSOR), x) and np.array_equal(TENSOR.numpy(), PIXELS)


def test_erasing():
    erase = transforms.RandomErasing(1, value=7)
    found = seeded(3, erase, TENSOR).numpy() == 7
    assert found[0].any() and (found == found[:1]).all() and not (TENSOR.numpy() == 7).any()
    rows, columns = found[0].any(1), found[0].any(0)
    assert np.array_equal(found[0], np.outer(rows, columns))
    # a rectangle as high as the image is not taken; after ten of them it is the whole image
    assert erase.get_params(tg.zeros(1, 4, 9), (16 / 36, 16 / 36), (1.0, 1.0), [0.0])[:4] == (0, 0, 4, 9)
    x = TENSOR.clone()
    assert seeded(3, transforms.RandomErasing(1, value=7, inplace=True), x) is x and same(x, seeded(3, erase, TENSOR))


def test_choices_follow_their_probabilities():
    choice = transforms.RandomChoice(
        [transforms.Lambda(lambda x: x + "a"), transforms.Lambda(lambda x: x + "b")], p=[0, 1]
    )
    assert {choice("") for _ in range(20)} == {"b"}


def test_modules_in_random_apply():
    chance = transforms.RandomApply([transforms.Resize(5)], p=1)
    assert F.get_image_size(chance(IMAGE)) == [6, 5]
    chance = transforms.RandomApply(tg.nn.ModuleList([transforms.Resize(5)]), p=0)
    assert chance(IMAGE) is IMAGE and len(list(chance.children())) == 1


ERRORS = {
    "Resize(1.5)": TypeError, "Resize((1, 2, 3))": ValueError, "Resize(5, interpolation='bilinear')": TypeError,
    "Resize(5, max_size=4)(IMAGE)": ValueError, "Resize((5, 5), max_size=9)(IMAGE)": ValueError,
    "Resize(5)(3)": TypeError,
    "CenterCrop((1, 2, 3))": ValueError, "Pad('a')": TypeError, "Pad(1, fill=None)": TypeError,
    "Pad((1, 2, 3))": ValueError,
    "Pad(1, padding_mode='x')": ValueError, "Pad(1, fill=(1, 2))(IMAGE)": ValueError,
    "Pad(1, fill=(1, 2, 3))(TENSOR)": TypeError,
    "Pad(30, padding_mode='reflect')(TENSOR)": RuntimeError, "Pad(30, padding_mode='reflect')(IMAGE)": RuntimeError,
    "Pad(30, padding_mode='symmetric')(TENSOR)": RuntimeError, "Lambda(3)": TypeError, "RandomOrder(Lambda)": TypeError,
    "RandomChoice([Lambda], p=1)": TypeError, "RandomCrop(100)(IMAGE)": ValueError, "RandomRotation(-1)": ValueError,
    "RandomRotation((1, 2, 3))": ValueError, "RandomRotation(1, center=3)": TypeError,
    "RandomRotation(1, interpolation=InterpolationMode.BICUBIC)(TENSOR)": ValueError,
    "RandomRotation(1, fill=(1, 2))(TENSOR)": ValueError, "RandomRotation(1, fill=(1, 2))(IMAGE)": ValueError,
    "RandomAffine(1, translate=(2, 0))": ValueError, "RandomAffine(1, scale=(0, 1))": ValueError,
    "RandomAffine(1, shear=(1, 2, 3))": ValueError, "ColorJitter(-1)": ValueError, "ColorJitter('a')": TypeError,
    "ColorJitter(hue=0.6)": ValueError, "ColorJitter((2, 1))": ValueError, "Grayscale(2)(IMAGE)": ValueError,
    "Grayscale()(TENSOR[:2])": TypeError, "RandomErasing(value='a')": ValueError,
    "RandomErasing(value=None)": TypeError,
    "RandomErasing(p=2)": ValueError, "RandomErasing(scale=(0.5, 2))": ValueError, "RandomErasing(scale=1)": TypeError,
    "RandomErasing(1, value=(1, 2))(TENSOR)": ValueError, "GaussianBlur(4)": ValueError,
    "GaussianBlur(3, sigma=0)": ValueError,
    "ToTensor()(TENSOR)": TypeError, "ToTensor()(np.zeros(3))": ValueError,
    "ToPILImage()(np.zeros((2, 2, 5)))": ValueError,
    "ToPILImage()(3)": TypeError, "ToPILImage()(np.zeros((2, 2, 3), np.int64))": TypeError,
    "ToPILImage()(np.zeros((2, 2), np.int64))": TypeError, "ToPILImage('RGB')(np.zeros((2, 2), np.uint8))": ValueError,
    "PILToTensor()(3)": TypeError, "Normalize(0, 0)(TENSOR)": ValueError, "Normalize([0], [1])(IMAGE)": TypeError,
    "Normalize([0], [1])(TENSOR.byte())": TypeError, "Normalize([0], [1])(TENSOR[0])": ValueError,
    "functional.rotate(IMAGE, 'a')": TypeError, "functional.affine(TENSOR, 3, 5, 1, 0)": TypeError,
    "functional.affine(TENSOR, 3, (1, 2), 0, 0)": ValueError,
    "functional.affine(TENSOR, 3, (1, 2), 1, (1, 2, 3))": ValueError,
    "functional.adjust_hue(TENSOR, 0.7)": ValueError, "functional.adjust_brightness(TENSOR, -1)": ValueError,
    "functional.erase(IMAGE, 1, 1, 1, 1, 0)": TypeError, "functional.get_dimensions(TENSOR[0, 0])": TypeError,
    "functional.to_grayscale(TENSOR)": TypeError, "functional.gaussian_blur(TENSOR, [3, 3, 3])": ValueError,
}  # fmt: skip


@pytest.mark.parametrize("spec", ERRORS)
def test_errors(spec):
    with pytest.raises(ERRORS[spec]):
        eval(spec, {**NAMES, "IMAGE": IMAGE, "TENSOR": TENSOR, "np": np})


def test_warnings():
    with pytest.warns(UserWarning, match="lowest, highest"):
        transforms.RandomResizedCrop(3, scale=(1, 0.5))
    with pytest.warns(UserWarning, match="antialias"):
        F.resize(IMAGE, 5, antialias=False)


# ---- grids


GRIDS = [
    ({}, (24, 132), -32.04769458320351),
    ({"nrow": 3, "padding": 1, "normalize": True}, (43, 76), -0.8362078388988739),
    ({"nrow": 2, "normalize": True, "scale_each": True, "pad_value": 0.5}, (68, 54), -8.063660761601476),
    ({"normalize": True, "value_range": (-1, 3), "padding": 0}, (20, 120), 4.259528148708284),
]


@pytest.mark.parametrize("settings, size, total", GRIDS)
def test_grids(settings, size, total):
    images = TENSOR.unsqueeze(0).repeat(5, 1, 1, 1) * tg.arange(1, 6)[:, None, None, None]
    given = images.clone()
    for form in (images, list(images)):
        found = summed(utils.make_grid(form, **settings))
        assert found[0] == size and found[1] == pytest.approx(total, rel=1e-9)
    assert same(images, given)


def test_layout_of_a_grid():
    images = tg.tensor(np.arange(1, 6, dtype=np.uint8)[:, None, None, None]) * tg.ones((5, 1, 2, 3), dtype=tg.uint8)
    grid = utils.make_grid(images, nrow=3, padding=1, pad_value=9)
    rows = [
        "9999999999999",
        "9111922293339",
        "9111922293339",
        "9999999999999",
        "9444955599999",
        "9444955599999",
        "9" * 13,
    ]
    assert grid.dtype == np.uint8 and grid.tolist() == [[[int(v) for v in row] for row in rows]] * 3
    assert same(utils.make_grid(TENSOR), TENSOR) and tuple(utils.make_grid(TENSOR[0]).shape) == (3, 20, 24)
    with pytest.raises(TypeError, match="list of tensors"):
        utils.make_grid([1, 2])


def test_an_image_is_saved(tmp_path):
    utils.save_image(TENSOR, tmp_path / "a.png")
    expected = np.clip(PIXELS * 255 + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), expected)
    memory = io.BytesIO()
    utils.save_image([TENSOR, TENSOR], memory, format="PNG", padding=0)
    with Image.open(memory) as image:
        assert np.array_equal(np.asarray(image), np.concatenate([expected, expected], 1))
    with pytest.raises(ValueError, match="'.txt' is not the ending"):
        utils.save_image(TENSOR, tmp_path / "a.txt")
    with pytest.raises(TypeError):  # there are no images of five channels
        utils.save_image(tg.zeros(5, 4, 4), tmp_path / "a.png")
    with pytest.raises(ValueError, match="not supported"):  # which shows when it is written
        utils.save_image(tg.zeros(4, 4, 4), tmp_path / "a.png", format="EPS")
    assert sorted(os.listdir(tmp_path)) == ["a.png"]
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), expected)


# ---- data sets


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("kind", [datasets.MNIST, datasets.FashionMNIST])
def test_mnist_is_read_from_its_folder(small_mnist, tmp_path, kind, suffix):  # noqa: F811
    files = small_mnist.packed if suffix else small_mnist.contents
    small_mnist(tmp_path / kind.__name__ / "raw", files, suffix)
    for train, name, count in ((True, "train", 5), (False, "t10k", 3)):
        data = kind(str(tmp_path), train, transforms.ToTensor(), lambda label: -label)
        pixels = np.frombuffer(small_mnist.contents[f"{name}-images-idx3-ubyte"][16:], np.uint8).reshape(count, 4, 4)
        labels = list(small_mnist.contents[f"{name}-labels-idx1-ubyte"][8:])
        assert data.data.dtype == np.uint8 and np.array_equal(data.data.numpy(), pixels)
        assert data.targets.dtype == np.int64 and data.targets.tolist() == labels and len(data) == count
        x, y = data[1]
        assert type(y) is int and y == -labels[1] and np.array_equal(x.numpy(), pixels[1:2] / np.float32(255))
        image, _ = kind(tmp_path, train)[-1]
        assert image.mode == "L" and np.array_equal(np.asarray(image), pixels[-1])
    assert repr(data) == (
        f"Dataset {kind.__name__}\n    Number of datapoints: 3\n    Root location: {tmp_path}\n    Split: Test\n"
        f"    StandardTransform\nTransform: ToTensor()\nTarget transform: {data.target_transform!r}"
    )
    assert len(data.classes) == 10 and data.class_to_idx[kind.classes[3]] == 3


def test_mnist_is_found_elsewhere(small_mnist, monkeypatch, tmp_path):  # noqa: F811
    with pytest.raises(RuntimeError, match="download=True"):
        datasets.MNIST(tmp_path / "none")
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(tmp_path / "shared"))
    small_mnist(tmp_path / "shared" / "mnist")
    assert len(datasets.MNIST(tmp_path / "none", download=True)) == 5
    with pytest.raises(RuntimeError, match="FashionMNIST is not in .*none.FashionMNIST.raw.*download=True"):
        datasets.FashionMNIST(tmp_path / "none")
    labels = small_mnist.contents["train-labels-idx1-ubyte"]
    written(
        tmp_path / "shared" / "mnist",
        gzip.compress(idx(np.frombuffer(labels[8:-1], np.uint8))),
        "train-labels-idx1-ubyte.gz",
    )
    with pytest.raises(ValueError, match=r"shapes \(5, 4, 4\) and \(4,\)"):
        datasets.MNIST(tmp_path / "none")


def test_mnist_is_downloaded_only_if_asked_for(small_mnist, monkeypatch, tmp_path):  # noqa: F811
    fetched = []

    def fetch(url, checksum, folder, otherwise):
        name = url.rpartition("/")[2].removesuffix(".gz")
        assert checksum == sources.MNIST_FILES[name][2] and str(folder) in otherwise
        fetched.append(name)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name + ".gz"), "wb") as file:
            file.write(small_mnist.packed[name])

    monkeypatch.setattr(sources, "fetch", fetch)
    assert len(datasets.MNIST(tmp_path, download=True)) == 5 and len(fetched) == 4
    datasets.MNIST(tmp_path, download=True)
    assert len(fetched) == 4 and os.path.isfile(tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz")


@pytest.fixture
def small_cifar():
    """The binary files of a small CIFAR-10: name -> (images, labels, content)."""
    rng = np.random.default_rng(0)
    files = {}
    for name in (*datasets.CIFAR10.train_list, *datasets.CIFAR10.test_list):
        images, labels = rng.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, 2, dtype=np.uint8)
        rows = np.concatenate([labels[:, None], images.transpose(0, 3, 1, 2).reshape(2, -1)], 1)
        files[name] = images, labels, rows.tobytes()
    return files


def test_cifar(small_cifar, monkeypatch, tmp_path):
    with pytest.raises(RuntimeError, match="download=True"):
        datasets.CIFAR10(tmp_path)
    (tmp_path / "cifar-10-batches-py").mkdir()
    with pytest.raises(RuntimeError, match="download=True.*pickles"):
        datasets.CIFAR10(tmp_path)

    def fetch(url, checksum, folder, otherwise):
        assert checksum == "md5:c32a1d4ab5d03f1284b67883e8d87530" and url.endswith("/cifar-10-binary.tar.gz")
        path = os.path.join(folder, "cifar-10-binary.tar.gz")
        with tarfile.open(path, "w:gz") as tar:
            for name, (_, _, content) in {**small_cifar, "../../outside": (0, 0, b"not wanted")}.items():
                entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        return path

    monkeypatch.setattr("tinygrad_edu.interop.torchvision.datasets.cifar.fetch", fetch)
    data = datasets.CIFAR10(str(tmp_path), download=True)
    assert sorted(os.listdir(tmp_path / "cifar-10-batches-bin")) == sorted(small_cifar)
    assert not (tmp_path.parent / "outside").exists() and not (tmp_path / "outside").exists()
    expected = [images for images, _, _ in small_cifar.values()]
    assert np.array_equal(data.data, np.concatenate(expected[:5])) and len(data) == 10
    test = datasets.CIFAR10(tmp_path, train=False, transform=transforms.ToTensor())
    image, label = data[3]
    assert image.mode == "RGB" and np.array_equal(np.asarray(image), expected[1][1])
    assert type(label) is int and label == data.targets[3] == small_cifar["data_batch_2.bin"][1][1]
    x, _ = test[0]
    assert np.array_equal(x.numpy(), expected[5][0].transpose(2, 0, 1) / np.float32(255))
    assert "Split: Test" in repr(test) and data.class_to_idx["ship"] == 8
    for content, message in (
        (b"\x01" * 3072, "no multiple of 3073"),
        (b"\x0a" + bytes(3072), "label 10"),
        (b"", "0 bytes"),
    ):
        (tmp_path / "cifar-10-batches-bin" / "test_batch.bin").write_bytes(content)
        with pytest.raises(ValueError, match=message):
            datasets.CIFAR10(tmp_path, train=False)


def test_image_folder(tmp_path):
    for name in ("dog/b.png", "dog/a.png", "dog/old/A.PNG", "cat/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (SHADES if "cat" in name else IMAGE).save(tmp_path / name)
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    data = datasets.ImageFolder(tmp_path, transforms.ToTensor())
    assert data.classes == ["cat", "dog"] and data.class_to_idx == {"cat": 0, "dog": 1} and data.targets == [0, 1, 1, 1]
    paths = [os.path.relpath(path, tmp_path).replace(os.sep, "/") for path, _ in data.samples]
    assert paths == ["cat/1.png", "dog/a.png", "dog/b.png", "dog/old/A.PNG"]
    x, y = data[1]
    assert y == 1 and same(x, F.to_tensor(IMAGE)) and tuple(data[0][0].shape) == (3, 20, 24)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"classes empty; files count that end in \.jpg"):
        datasets.ImageFolder(tmp_path)
    assert len(datasets.ImageFolder(tmp_path, allow_empty=True)) == 4
    only = datasets.DatasetFolder(tmp_path, str, is_valid_file=lambda path: path.endswith(".txt"), allow_empty=True)
    assert [os.path.basename(path) for path, _ in only] == ["notes.txt"]
    with pytest.raises(FileNotFoundError, match="no folder"):
        datasets.ImageFolder(tmp_path / "empty")


def test_fake_data():
    data = datasets.FakeData(3, (3, 4, 5), num_classes=7, random_offset=2)
    tg.manual_seed(0)
    first, (image, label) = tg.rand(1).item(), data[1]
    tg.manual_seed(0)
    assert tg.rand(1).item() == first and type(label) is int and 0 <= label < 7
    tg.manual_seed(3)
    pixels = (tg.randn(3, 4, 5).numpy() * 255).astype(np.int32).astype(np.uint8)
    assert np.array_equal(np.asarray(image), pixels.transpose(1, 2, 0)) and label == tg.randint(0, 7, (1,)).item()
    assert len(list(data)) == 3 and repr(data) == "Dataset FakeData\n    Number of datapoints: 3"


def test_transforms_for_pairs():
    both = datasets.VisionDataset("~", transforms=lambda x, y: (y, x))
    assert both.root == os.path.expanduser("~") and both.transforms(1, 2) == (2, 1)
    with pytest.raises(ValueError, match="excludes"):
        datasets.VisionDataset("", transforms=len, transform=len)
    with pytest.raises(NotImplementedError, match="__len__"):
        len(both)


# ---- as torchvision


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_pillow_is_imported_for_images_only():
    code = "import sys, numpy, tinygrad_edu.interop.torchvision as t; T = t.transforms;"
    code += "x = T.ToTensor()(numpy.zeros((5, 5), numpy.uint8)); T.RandomRotation(20)(T.Normalize(0, 1)(x));"
    assert run(code + "print('PIL' in sys.modules)") == ["False"]


def test_without_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    for use in (lambda: F.to_pil_image(TENSOR), lambda: datasets.FakeData(1, (3, 2, 2))[0]):
        with pytest.raises(ImportError, match=r'pip install "tinygrad-edu\[vision\]"'):
            use()
    assert tuple(F.resize(TENSOR, 10).shape) == (3, 10, 12)


def test_programs_for_torchvision():
    code = """
from tinygrad_edu.interop import torch; torch.install()
import torch, torchvision, torchvision.transforms as T, torchvision.transforms.functional as TF
from torchvision import datasets, models
from torchvision.datasets.folder import default_loader
from torchvision.utils import make_grid
images = datasets.FakeData(8, (3, 9, 9), transform=T.ToTensor())
loader = torch.utils.data.DataLoader(images, batch_size=4, num_workers=2)
print(torchvision.__version__, [tuple(make_grid(x).shape) for x, _ in loader] == [(3, 13, 46)] * 2)
try:
    from torchvision.models import resnet18
except ImportError as error:
    print("resnet18" in str(error), "not part" in str(error))
"""
    assert run(code) == ["0.28.0", "True", "True", "True"]
    assert torchvision.__version__ == "0.28.0" and not hasattr(torchvision.models, "__wrapped__")
