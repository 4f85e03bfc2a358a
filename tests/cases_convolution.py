"""Convolutions, transposed convolutions, windows, and their layers: every argument, sizes at the edge, no batch."""

import functools
import warnings

import numpy as np

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape)


X1, X2, X3 = normal(2, 4, 7), normal(2, 4, 6, 7), normal(2, 4, 4, 5, 6)
MANY = normal(19, 4, 6, 5)
B = normal(6)


def conv(dims, x, kernel, groups=1, bias=True, name="conv", **settings):
    """Operands and call of a convolution to 6 channels."""
    inputs = x.shape[-1 - dims]
    weight = normal(6, inputs // groups, *kernel) if name == "conv" else normal(inputs, 6 // groups, *kernel)

    def call(T, x, weight, bias=None):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch warns of a copy for padding="same"
            return getattr(T.nn.functional, f"{name}{dims}d")(x, weight, bias, groups=groups, **settings)

    return (x, weight, B) if bias else (x, weight), call


transposed = functools.partial(conv, name="conv_transpose")


CALLS = {
    "conv1d": [
        conv(1, X1, (3,)), conv(1, X1, (1,), bias=False), conv(1, X1, (2,), stride=2, padding=3),
        conv(1, X1, (3,), dilation=2, groups=2),
        conv(1, X1[0], (3,)), conv(1, X1, (4,), padding="same"), conv(1, X1, (3,), padding="valid"),
        conv(1, X1, (3,), padding=(2,)),
        conv(1, normal(40, 4, 5), (3,), padding=1), conv(1, normal(40, 4, 9), (3,), stride=3, groups=2),
        conv(1, X1[:0], (3,)),
        conv(1, X1[:, :, :3], (3,)),
    ],
    "conv2d": [
        conv(2, X2, (3, 3)), conv(2, X2, (3, 3), bias=False), conv(2, X2, (1, 1)), conv(2, X2, (2, 3), stride=2),
        conv(2, X2, (3, 2), stride=(3, 1)),
        conv(2, X2, (3, 3), padding=1), conv(2, X2, (3, 2), padding=(0, 2)), conv(2, X2, (5, 4), padding=4),
        conv(2, X2, (3, 3), dilation=2),
        conv(2, X2, (2, 3), dilation=(3, 1), padding=2, stride=2), conv(2, X2, (3, 3), padding="same"),
        conv(2, X2, (4, 2), padding="same", dilation=(1, 3)),
        conv(2, X2, (3, 3), padding="valid"), conv(2, X2, (3, 3), groups=2),
        conv(2, X2[:, :2], (3, 3), groups=2, stride=2, padding=1),
        conv(2, X2[:, :3], (2, 2), groups=3), conv(2, X2[0], (3, 3), padding=1), conv(2, X2[:1], (3, 3)),
        conv(2, X2[:0], (3, 3)),
        conv(2, MANY, (3, 3)), conv(2, MANY, (3, 3), padding=1), conv(2, MANY, (3, 2), stride=2, padding=1),
        conv(2, MANY, (2, 3), stride=(3, 2), groups=2),
        conv(2, MANY, (1, 1)), conv(2, MANY, (1, 1), stride=2), conv(2, MANY, (3, 1), padding=(1, 0)),
        conv(2, MANY, (2, 2), dilation=(2, 1)),
        conv(2, MANY, (2, 2), dilation=(1, 2), padding=(1, 0), stride=(1, 2)),
        conv(2, MANY[:, :2], (5, 5), padding=2, groups=2),
        
        ((MANY, normal(3, 2, 3, 3)), lambda T, x, w: T.nn.functional.conv2d(x.transpose(2, 3)[:, ::2], w, padding=1)),
        ((X2, normal(4, 3, 3, 3)),
         lambda T, x, w: T.nn.functional.conv2d(x[..., ::2].transpose(1, 3)[:, :3], w.transpose(2, 3)[:, :3])),
        conv(2, normal(2, 4, 3, 40), (2, 3), padding=1),
        conv(2, normal(3, 4, 4, 64), (2, 3), stride=(2, 1)), conv(2, X2[:, :, :3, :3], (3, 3)),
        (((np.arange(96).reshape(1, 2, 6, 8)), np.arange(-9, 9).reshape(1, 2, 3, 3)),
         lambda T, x, w: T.nn.functional.conv2d(x, w, padding=1)),
    ],
    "conv3d": [
        conv(3, X3, (2, 3, 2)), conv(3, X3, (3, 3, 3), padding=1), conv(3, X3, (1, 1, 1), bias=False),
        conv(3, X3, (2, 2, 3), stride=(1, 2, 2), padding=(1, 0, 2)),
        conv(3, X3, (2, 2, 2), dilation=(2, 1, 3)), conv(3, X3, (2, 2, 2), groups=2, padding="same"),
        conv(3, X3[1], (2, 3, 2)),
        conv(3, normal(17, 2, 3, 3, 4), (2, 2, 2), padding=1),
    ],
    "conv_transpose1d": [
        transposed(1, X1, (3,)), transposed(1, X1, (2,), stride=3, output_padding=2, bias=False),
        transposed(1, X1[0], (3,), padding=1),
        transposed(1, X1, (3,), stride=2, dilation=2, groups=2),
        transposed(1, normal(40, 4, 5), (3,), stride=2, padding=1, output_padding=1),
    ],
    "conv_transpose2d": [
        transposed(2, X2, (3, 3)), transposed(2, X2, (3, 3), bias=False), transposed(2, X2, (2, 2), stride=2),
        transposed(2, X2, (4, 4), stride=2, padding=1),
        transposed(2, X2, (3, 2), stride=(2, 3), padding=(1, 0), output_padding=(1, 2)),
        transposed(2, X2, (3, 3), dilation=2, padding=2),
        transposed(2, X2, (2, 3), dilation=(3, 2), stride=2, output_padding=(2, 1)),
        transposed(2, X2, (3, 3), groups=2), transposed(2, X2, (1, 1)),
        transposed(2, X2, (3, 3), dilation=2, output_padding=1), transposed(2, X2[0], (3, 3), stride=2),
        transposed(2, X2[:0], (3, 3)),
        transposed(2, MANY, (3, 3)), transposed(2, MANY, (3, 3), stride=2, padding=1, output_padding=1),
        transposed(2, MANY, (2, 5), stride=3, groups=2),
        transposed(2, MANY, (2, 2), stride=(3, 4)), transposed(2, MANY, (1, 3), dilation=(1, 2)),
        transposed(2, X2, (3, 3), padding=3),
    ],
    "conv_transpose3d": [
        transposed(3, X3, (2, 3, 2)), transposed(3, X3, (3, 3, 3), stride=2, padding=1, output_padding=1),
        transposed(3, X3, (2, 2, 2), stride=(1, 2, 1), dilation=(2, 1, 1), groups=2), transposed(3, X3[0], (1, 2, 3)),
    ],
    "unfold": [
        ((X2,), lambda T, x: T.nn.functional.unfold(x, 3)), ((X2[0],), lambda T, x: T.nn.functional.unfold(x, (2, 3))),
        ((X2,), lambda T, x: T.nn.functional.unfold(x, (2, 3), dilation=2, padding=(1, 2), stride=(1, 3))),
        ((X2,), lambda T, x: T.nn.functional.unfold(x, 1)), ((X2[:0],), lambda T, x: T.nn.functional.unfold(x, 2)),
    ],
    "fold": [
        ((normal(2, 18, 20),), lambda T, x: T.nn.functional.fold(x, (6, 7), 3)),
        ((normal(12, 14),),
         lambda T, x: T.nn.functional.fold(x, (6, 7), (2, 3), dilation=(1, 2), padding=(1, 2), stride=(1, 4))),
        ((normal(2, 8, 9),), lambda T, x: T.nn.functional.fold(x, 6, 2, stride=2)),
    ],
    "Tensor.unfold": [
        ((X1,), lambda T, x: x.unfold(2, 3, 2)), ((X1,), lambda T, x: x.unfold(-2, 2, 1)),
        ((X1,), lambda T, x: x.unfold(0, 2, 5)),
        ((X1,), lambda T, x: x.unfold(2, 7, 1)), ((X2,), lambda T, x: x.unfold(2, 2, 2).unfold(3, 3, 2)),
        ((X1,), lambda T, x: x.unfold(1, 0, 3)),
        ((np.array(2.0),), lambda T, x: x.unfold(0, 1, 1)),
        ((X1[0, 0],), lambda T, x: x.unfold(dimension=0, size=3, step=3)),
    ],
}  # fmt: skip

MODULES = {
    **{f"nn.{name}": (X1,) for name in (
        "Conv1d(4, 6, 3)", "Conv1d(4, 6, 3, 2, 1, bias=False)",
        "Conv1d(4, 6, (3,), padding='same', padding_mode='circular')",
        "Conv1d(4, 6, 3, padding=2, padding_mode='reflect')", "ConvTranspose1d(4, 6, 3, stride=2, output_padding=1)",
    )},
    **{f"nn.{name}": (X2,) for name in (
        "Conv2d(4, 6, 3)", "Conv2d(4, 6, (3, 2), stride=2, padding=(1, 0), bias=False)",
        "Conv2d(4, 6, 3, padding='same', dilation=2)",
        "Conv2d(4, 6, 3, padding='valid', groups=2)", "Conv2d(4, 8, 3, groups=4)",
        "Conv2d(4, 6, [3, 3], padding=[1, 2])",
        "Conv2d(4, 6, 3, padding=(1, 2), padding_mode='reflect')",
        "Conv2d(4, 6, 3, padding=2, padding_mode='replicate', stride=2)",
        "Conv2d(4, 6, (2, 3), padding='same', padding_mode='circular')",
        "Conv2d(4, 6, 3, padding='valid', padding_mode='replicate')",
        "ConvTranspose2d(4, 6, 3)",
        "ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2, bias=False)",
        "ConvTranspose2d(4, 6, (3, 2), dilation=(1, 2))", "Unfold(3)",
        "Unfold((2, 3), dilation=2, padding=1, stride=(2, 1))",
    )},
    **{f"nn.{name}": (X3,) for name in (
        "Conv3d(4, 6, 2)", "Conv3d(4, 6, 3, padding=1, padding_mode='replicate')", "ConvTranspose3d(4, 6, 2, stride=2)",
    )},
    "nn.Fold((6, 7), 3)": (normal(2, 18, 20),),
    "nn.Fold(6, kernel_size=2, stride=2)": (normal(2, 8, 9),),
    "nn.ConvTranspose2d(4, 6, 3, stride=3)": ((X2,), lambda T, m, x: m(x, output_size=(20, 22))),
    "nn.ConvTranspose1d(4, 6, 3, stride=3, dilation=2)": ((X1,), lambda T, m, x: m(x, output_size=[2, 6, 24])),
    "nn.ConvTranspose2d(4, 6, 2, stride=2, padding=1)": ((X2[0],), lambda T, m, x: m(x, [11, 12])),
    "nn.Sequential(nn.Conv2d(4, 3, 3), nn.ReLU(), nn.Conv2d(3, 2, 1))": (X2,),
}  # fmt: skip

ERRORS = {
    "channels": lambda T: T.nn.functional.conv2d(T.zeros(1, 3, 8, 8), T.zeros(4, 2, 3, 3)),
    "dimensions": lambda T: T.nn.functional.conv2d(T.zeros(8, 8), T.zeros(4, 3, 3, 3)),
    "weight": lambda T: T.nn.functional.conv2d(T.zeros(1, 3, 8, 8), T.zeros(4, 3, 3)),
    "too small": lambda T: T.nn.functional.conv2d(T.zeros(1, 3, 2, 2), T.zeros(4, 3, 3, 3)),
    "bias": lambda T: T.nn.functional.conv2d(T.zeros(1, 3, 8, 8), T.zeros(4, 3, 3, 3), T.zeros(3)),
    "stride": lambda T: T.nn.functional.conv2d(T.zeros(1, 3, 8, 8), T.zeros(4, 3, 3, 3), stride=0),
    "padding": lambda T: T.nn.functional.conv2d(T.zeros(1, 3, 8, 8), T.zeros(4, 3, 3, 3), padding=-1),
    "padding, name": lambda T: T.nn.functional.conv2d(T.zeros(1, 3, 8, 8), T.zeros(4, 3, 3, 3), padding="all"),
    "padding, three": lambda T: T.nn.functional.conv2d(T.zeros(1, 3, 8, 8), T.zeros(4, 3, 3, 3), padding=(1, 1, 1)),
    "same, strided": lambda T: T.nn.functional.conv2d(
        T.zeros(1, 3, 8, 8), T.zeros(4, 3, 3, 3), padding="same", stride=2
    ),
    "groups": lambda T: T.nn.functional.conv2d(T.zeros(1, 3, 8, 8), T.zeros(4, 1, 3, 3), groups=3),
    "no groups": lambda T: T.nn.functional.conv2d(T.zeros(1, 3, 8, 8), T.zeros(4, 3, 3, 3), groups=0),
    "dilation": lambda T: T.nn.functional.conv2d(T.zeros(1, 3, 8, 8), T.zeros(4, 3, 3, 3), dilation=0),
    "dtypes": lambda T: T.nn.functional.conv2d(T.zeros(1, 3, 8, 8), T.zeros(4, 3, 3, 3, dtype=T.float64)),
    "dtype of bias": lambda T: T.nn.functional.conv2d(
        T.zeros(1, 3, 8, 8), T.zeros(4, 3, 3, 3), T.zeros(4, dtype=T.float64)
    ),
    "booleans": lambda T: T.nn.functional.conv2d(T.ones(1, 1, 4, 4) > 0, T.ones(1, 1, 3, 3) > 0),
    "no kernel": lambda T: T.nn.functional.conv2d(T.zeros(1, 3, 8, 8), T.zeros(4, 3, 0, 3)),
    "no outputs": lambda T: T.nn.functional.conv2d(T.zeros(1, 3, 8, 8), T.zeros(0, 3, 3, 3)),
    "transposed, channels": lambda T: T.nn.functional.conv_transpose2d(T.zeros(1, 3, 8, 8), T.zeros(4, 2, 3, 3)),
    "transposed, output_padding": lambda T: T.nn.functional.conv_transpose2d(
        T.zeros(1, 3, 8, 8), T.zeros(3, 2, 3, 3), output_padding=1
    ),
    "transposed, padding": lambda T: T.nn.functional.conv_transpose2d(
        T.zeros(1, 4, 8, 8), T.zeros(4, 2, 3, 3), padding=12
    ),
    "transposed, same": lambda T: T.nn.functional.conv_transpose2d(
        T.zeros(1, 4, 8, 8), T.zeros(4, 2, 3, 3), padding="same"
    ),
    "transposed, bias": lambda T: T.nn.functional.conv_transpose2d(
        T.zeros(1, 4, 8, 8), T.zeros(4, 2, 3, 3), T.zeros(3)
    ),
    "unfold, dimensions": lambda T: T.nn.functional.unfold(T.zeros(8, 8), 3),
    "unfold, too small": lambda T: T.nn.functional.unfold(T.zeros(2, 3, 2, 8), 3),
    "fold, kernel": lambda T: T.nn.functional.fold(T.zeros(2, 26, 36), (8, 8), 3),
    "fold, blocks": lambda T: T.nn.functional.fold(T.zeros(2, 27, 35), (8, 8), 3),
    "fold, dimensions": lambda T: T.nn.functional.fold(T.zeros(2, 27, 35, 1), (8, 8), 3),
    "Tensor.unfold, step": lambda T: T.zeros(8).unfold(0, 3, 0),
    "Tensor.unfold, size": lambda T: T.zeros(8).unfold(0, 9, 1),
    "Tensor.unfold, dimension": lambda T: T.zeros(2, 8).unfold(2, 2, 1),
    "Conv2d: groups": lambda T: T.nn.Conv2d(3, 4, 3, groups=2),
    "Conv2d: groups of outputs": lambda T: T.nn.Conv2d(4, 3, 3, groups=2),
    "Conv2d: no groups": lambda T: T.nn.Conv2d(3, 4, 3, groups=0),
    "Conv2d: padding": lambda T: T.nn.Conv2d(3, 4, 3, padding="full"),
    "Conv2d: same, strided": lambda T: T.nn.Conv2d(3, 4, 3, padding="same", stride=2),
    "Conv2d: padding_mode": lambda T: T.nn.Conv2d(3, 4, 3, padding_mode="constant"),
    "Conv2d: channels": lambda T: T.nn.Conv2d(3, 4, 3)(T.zeros(1, 2, 8, 8)),
    "ConvTranspose2d: padding_mode": lambda T: T.nn.ConvTranspose2d(3, 4, 3, padding_mode="reflect"),
    "ConvTranspose2d: output_size": lambda T: T.nn.ConvTranspose2d(3, 4, 3)(T.zeros(1, 3, 8, 8), output_size=(5, 5)),
    "ConvTranspose2d: sizes": lambda T: T.nn.ConvTranspose2d(3, 4, 3)(T.zeros(1, 3, 8, 8), output_size=(10, 10, 10)),
    "LazyConv2d: dimensions": lambda T: T.nn.LazyConv2d(4, 3)(T.zeros(8, 8)),
    "LazyConv2d: shape": lambda T: T.nn.LazyConv2d(4, 3).weight.shape,
    "LazyLinear: numel": lambda T: sum(p.numel() for p in T.nn.LazyLinear(4).parameters()),
}
