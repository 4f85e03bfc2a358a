"""Operations that users reach under another name than that of the table, or with other arguments: how to call them.

For each a few calls, as Python text with {} for the operands, and the operands, kept small: shapes, or arrays that are
no inputs. The other operations of the table are written as an operator or as a function of the package.
"""

import numpy as np

WRITTEN = {
    "concatenate": (
        ("tg.cat([{}, {}])", (1, 2), (2, 2)), ("tg.cat([{}, {}, {}], dim=1)", (2, 1), (2, 2), (2, 1)),
        ("tg.cat([{}, {}])", (2,), (3,)),
    ),
    "stack_all": (
        ("tg.stack([{}, {}])", (2,), (2,)), ("tg.stack([{}, {}], dim=-1)", (2, 3), (2, 3)),
        ("tg.stack([{}, {}])", (), ()),
    ),
    "pad_zeros": (
        ("F.pad({}, (1, 0))", (2,)), ("F.pad({}, (1, 2, 0, 1))", (2, 3)), ("F.pad({}, (0, 1), value=0.5)", (2, 2)),
    ),
    "pad_border": (
        ('F.pad({}, (1, 1), mode="circular")', (1, 3)), ('F.pad({}, (2, 1), mode="reflect")', (2, 4)),
        ('F.pad({}, (1, 0, 2, 1), mode="replicate")', (1, 2, 2)),
    ),
    "clamp_to_numbers": (
        ("tg.clamp({}, min=-3.5, max=0.75)", (2, 2)), ("tg.clamp({}, min=0.75)", (3,)), ("tg.clamp({}, max=-0.25)", ()),
    ),
    "vector_norm": (
        ("tg.linalg.vector_norm({})", (3,)), ("tg.linalg.vector_norm({}, ord=1.0, dim=1)", (2, 2)),
        ("tg.linalg.vector_norm({}, ord=3.0, dim=0, keepdim=True)", (2, 3)),
        ('tg.linalg.vector_norm({}, ord=float("inf"), dim=1)', (2, 3)), ("tg.linalg.vector_norm({}, ord=0.5)", (3,)),
    ),
    "linear": (
        ("F.linear({}, {}, {})", (2, 3), (2, 3), (2,)), ("F.linear({}, {})", (3,), (2, 3)),
        ("F.linear({}, {}, {})", (2, 1, 2), (3, 2), (3,)),
    ),
    "attention": (
        ("F.scaled_dot_product_attention({}, {}, {})", (2, 2), (3, 2), (3, 1)),
        ("F.scaled_dot_product_attention({}, {}, {}, is_causal=True)", (2, 2), (2, 2), (2, 2)),
        ("F.scaled_dot_product_attention({}, {}, {}, {}, scale=0.5)", (2, 1, 2), (2, 2, 2), (2, 2, 1), (1, 2)),
        ("F.scaled_dot_product_attention({}, {}, {}, np.array([[True, False], [True, True]]))", (2, 2), (2, 2), (2, 2)),
    ),
    "sparse_cross_entropy": (
        ("F.cross_entropy({}, {})", (2, 3), np.array([1, 0])),
        ('F.cross_entropy({}, {}, {}, reduction="none")', (3, 3), np.array([1, 0, 2]), (3,)),
    ),
    "nll_loss": (
        ("F.nll_loss({}, {})", (2, 3), np.array([1, 0])), ("F.nll_loss({}, {}, {})", (3, 3), np.array([1, 0, 2]), (3,)),
        ('F.nll_loss({}, {}, reduction="sum")', (1, 3, 2), np.array([[1, 0]])),
    ),
    "conv": (
        ("F.conv1d({}, {}, {})", (1, 2, 3), (2, 2, 2), (2,)),
        ("F.conv1d({}, {}, stride=2, padding=1)", (2, 1, 4), (2, 1, 3)),
        ("F.conv2d({}, {}, {})", (1, 1, 3, 3), (2, 1, 2, 2), (2,)),
        ("F.conv2d({}, {}, {}, groups=2, dilation=(1, 2))", (1, 2, 2, 4), (2, 1, 1, 2), (2,)),
        ("F.conv3d({}, {})", (1, 1, 2, 2, 2), (1, 1, 2, 1, 2)),
    ),
    "conv_transpose": (
        ("F.conv_transpose1d({}, {}, {})", (1, 2, 2), (2, 1, 2), (1,)),
        ("F.conv_transpose1d({}, {}, stride=2)", (1, 1, 3), (1, 2, 2)),
        ("F.conv_transpose2d({}, {}, {}, padding=1)", (1, 1, 2, 3), (1, 1, 3, 2), (1,)),
    ),
    "max_pool": (
        ("F.max_pool1d({}, 2)", (1, 2, 4)), ("F.max_pool2d({}, 2, stride=1)", (1, 3, 3)),
        ("F.max_pool1d({}, 3, stride=1, padding=1)", (1, 4)),
    ),
    "avg_pool": (
        ("F.avg_pool1d({}, 2)", (1, 2, 4)), ("F.avg_pool2d({}, 2, stride=1)", (1, 3, 3)),
        ("F.avg_pool1d({}, 3, stride=1, padding=1)", (1, 4)),
    ),
    "resample": (
        ('F.interpolate({}, size=5, mode="linear", align_corners=True)', (1, 1, 3)),
        ('F.interpolate({}, scale_factor=2, mode="bilinear")', (1, 1, 2, 2)),
    ),
    "layer_norm": (
        ("F.layer_norm({}, (3,), {}, {}, eps=0.1)", (2, 3), (3,), (3,)),
        ("F.layer_norm({}, (2, 2), eps=0.1)", (2, 2, 2)),
        ("F.layer_norm({}, (3,), {}, eps=0.1)", (3,), (3,)),
    ),
    "rms_norm": (
        ("F.rms_norm({}, (3,), {}, eps=0.1)", (2, 3), (3,)), ("F.rms_norm({}, (2,), eps=0.1)", (2, 2)),
    ),
    "normalize_channels": (
        ("F.batch_norm({}, weight={}, bias={}, training=True, eps=0.1)", (3, 2), (2,), (2,)),
        ("F.batch_norm({}, training=True, eps=0.1)", (2, 2, 2)),
        ("F.group_norm({}, 2, {}, {}, eps=0.1)", (1, 4, 2), (4,), (4,)), ("F.instance_norm({}, eps=0.1)", (1, 2, 3)),
    ),
    "scale_channels": (
        ("F.batch_norm({}, np.array([0.5, -0.5]), np.array([1.0, 2.0]), {}, {})", (2, 2), (2,), (2,)),
        ("F.batch_norm({}, np.array([0.5]), np.array([2.0]), {}, {})", (1, 1, 3), (1,), (1,)),
    ),
    "take_rows": (
        ("F.embedding(np.array([1, 0, 1]), {})", (2, 2)), ("F.embedding(np.array([[2], [0]]), {})", (3, 1)),
    ),
    "contract": (
        ('tg.einsum("ij,jk->ik", {}, {})', (2, 2), (2, 3)), ('tg.einsum("i,j->ji", {}, {})', (2,), (3,)),
        ('tg.einsum("bij,kbj->kbi", {}, {})', (2, 1, 2), (2, 2, 2)), ('tg.einsum("ij,ij->", {}, {})', (2, 2), (2, 2)),
    ),
    "euclidean_distances": (
        ("tg.cdist({}, {})", (2, 2), (3, 2)), ("tg.cdist({}, {})", (1, 1), (2, 1)),
    ),
    "ctc_losses": (
        ("F.ctc_loss({}, np.array([[1, 2]]), np.array([3]), np.array([2]))", (3, 1, 3)),
        ('F.ctc_loss({}, np.array([[1]]), np.array([2]), np.array([1]), reduction="none")', (2, 1, 2)),
    ),
    "svd": (
        ("tg.linalg.svd({}, full_matrices=False)", (2, 2)), ("tg.linalg.svd({}, full_matrices=False)", (3, 2)),
        ("tg.linalg.svd({}, full_matrices=False)", (2, 3)), ("tg.linalg.svd({})", (3, 2)),
        ("tg.linalg.svd({})", (2, 3)),
    ),
    "huber_loss": (
        ("F.huber_loss({}, {})", (2, 2), (2, 2)), ("F.huber_loss({}, {}, delta=0.5)", (3,), (3,)),
        ('F.huber_loss({}, {}, reduction="none")', (2, 2), (2, 2)),
    ),
    "scatter_values": (("tg.scatter({}, 1, np.array([[0, 2], [1, 0]]), {})", (2, 3), (2, 2)),),
    "scatter_add_values": (("tg.scatter_add({}, 1, np.array([[0, 0], [1, 0]]), {})", (2, 3), (2, 2)),),
}  # fmt: skip

CASES = {
    "gru_layer": (((2, 1, 2), (1, 1), (3, 2), (3, 1), (3,), (3,)), ((1, 2, 1), (2, 2), (6, 1), (6, 2), None, None)),
    "lstm_layer": (
        ((2, 1, 2), (1, 1), (1, 1), (4, 2), (4, 1), (4,), (4,), None),
        ((2, 1, 1), (1, 1), (1, 2), (8, 1), (8, 1), None, None, (1, 2)),
    ),
    "simple_layer": (((2, 1, 2), (1, 2), (2, 2), (2, 2), (2,), (2,)), ((2, 2, 1), (2, 1), (1, 1), (1, 1), None, None)),
    "conv_weight": (((2, 1, 3), (2, 2, 2)),),
}
"""Smaller operands than the samples of the table have, for operations that are called by their own name."""

ATTRIBUTES = {
    "conv_weight": {"kernel": (2,), "stride": (1,), "padding": ((0, 0),), "dilation": (1,), "groups": 1},
}
"""The attributes that go with CASES."""
