"""Where PyTorch's modules are found here, and what PyTorch calls the operations in a graph."""

import math

VERSION = "2.13.0"
"""The version of PyTorch whose names and meanings hold."""

MODULES = {
    "torch.nn.modules": "nn",
    "torch.nn.modules.adaptive": "nn",
    "torch.nn.modules.channelshuffle": "nn",
    "torch.nn.modules.container": "nn.containers",
    "torch.nn.modules.fold": "nn",
    "torch.nn.modules.instancenorm": "nn",
    "torch.nn.modules.pixelshuffle": "nn",
    "torch.nn.modules.sparse": "nn.embedding",
    "torch.nn.modules.utils": "nn",
    "torch.nn.parallel": "compat.parallel",
    "torch.nn.parallel.distributed": "compat.parallel",
    "torch.nn.utils.clip_grad": "nn.utils",
    "torch.nn.utils.convert_parameters": "nn.utils",
    "torch.optim.adamw": "optim.adam",
    "torch.optim.nadam": "optim",
    "torch.optim.radam": "optim",
    "torch.utils.data": "data",
    "torch.utils.data.dataloader": "data.loader",
    "torch.utils.data.dataset": "data.dataset",
    "torch.utils.data.sampler": "data.sampler",
    "torch.utils.data._utils.collate": "data.collate",
    "torch.autograd.gradcheck": "compat.autograd",
    "torch.autograd.variable": "compat.autograd",
    "torch.amp.autocast_mode": "compat.amp",
    "torch.amp.grad_scaler": "compat.amp",
    "torch.cuda.amp": "compat.amp",
    "torch.func": "func",
    "torch.functional": "",
    "torch.types": "compat.types",
    "torch._tensor": "tensor",
    "torch.tensor": "tensor",
    "torchvision": "interop.torchvision",
}
"""Modules of PyTorch whose place here has another name. Others are looked up under their own name."""

COMPAT = "accelerator", "amp", "backends", "cuda", "distributed", "jit", "mps", "onnx", "profiler", "random", "version", "xpu"
"""Modules of PyTorch that stand in `compat`."""

BACKWARD = {
    "binary_cross_entropy": "BinaryCrossEntropy",
    "binary_cross_entropy_with_logits": "BinaryCrossEntropyWithLogits",
    "cast": "ToCopy",
    "clamp_to_numbers": "Clamp",
    "concatenate": "Cat",
    "contiguous": "Clone",
    "contract": "Bmm",
    "copy_into": "CopySlices",
    "dropout": "Mul",
    "flatten": "View",
    "gather": "Gather",
    "getitem": "Slice",
    "huber_loss": "HuberLoss",
    "index_put": "IndexPut",
    "inv": "LinalgInvEx",
    "l1_loss": "Mean",
    "log_softmax": "LogSoftmax",
    "logsigmoid": "LogSigmoid",
    "mse_loss": "MseLoss",
    "nll_loss": "NllLoss",
    "pad_zeros": "ConstantPadNd",
    "reshape": "View",
    "smooth_l1_loss": "SmoothL1Loss",
    "softmax": "Softmax",
    "sparse_cross_entropy": "NllLoss",
    "stack_all": "Stack",
    "unflatten": "View",
    "vector_norm": "LinalgVectorNorm",
}
"""The operations whose gradient functions PyTorch names otherwise than after the operation."""


def backward_name(node):
    """What PyTorch writes for the gradient function of a recorded operation: "MulBackward0"."""
    name = node.name
    if name in ("matmul", "linear"):
        ndim = max(len(shape) for shape in [node.shape, *[parent.shape for parent in node.parents if parent is not None]])
        if name == "matmul":
            word = {0: "Dot", 1: "Mv" if math.prod(node.shape) and node.shape else "Dot", 2: "Mm"}.get(ndim, "UnsafeView")
        else:
            word = "Addmm" if len(node.parents) > 2 and node.parents[2] is not None else "Mm"
            word = word if ndim <= 2 else "View" if word == "Addmm" else "UnsafeView"
        return word + "Backward0"
    if name in ("sum", "mean", "amax", "amin", "prod", "var"):
        of_all = (node.attributes or {}).get("dim") is None
        return f"{name.capitalize()}Backward{0 if of_all or name in ('amax', 'amin', 'var') else 1}"
    if name == "getitem" and "Select" in selected(node):
        return selected(node)
    if name in ("softmax", "log_softmax", "logsigmoid"):
        return BACKWARD[name] + "Backward0"
    word = BACKWARD.get(name) or "".join(part.capitalize() for part in name.split("_"))
    return word + "Backward0"


def selected(node):
    """The name for an index: an integer last selects, an array or mask indexes, a slice slices."""
    index = (node.attributes or {}).get("index")
    last = index[-1] if isinstance(index, tuple) and index else index
    return "SelectBackward0" if isinstance(last, int) else ""
