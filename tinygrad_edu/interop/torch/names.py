"""Where PyTorch's modules are found here, and what PyTorch calls the operations in a graph."""

VERSION = "2.13.0"
"""The version of PyTorch whose names and meanings hold."""

MODULES = {
    "torch.nn.modules": "nn",
    "torch.nn.modules.channelshuffle": "nn.upsampling",
    "torch.nn.modules.container": "nn.containers",
    "torch.nn.modules.fold": "nn.conv",
    "torch.nn.modules.instancenorm": "nn.batchnorm",
    "torch.nn.modules.pixelshuffle": "nn.upsampling",
    "torch.nn.modules.sparse": "nn.embedding",
    "torch.nn.modules.utils": "compat.tuples",
    "torch.nn.parallel": "compat.parallel",
    "torch.nn.parallel.distributed": "compat.parallel",
    "torch.nn.utils": "nn.utils",
    "torch.nn.utils.rnn": "nn.utils.rnn",
    "torch.optim.adamw": "optim.adam",
    "torch.optim.lr_scheduler": "optim.lr_scheduler",
    "torch.optim.swa_utils": "optim.swa_utils",
    "torch.utils.data": "data",
    "torch.utils.data.dataloader": "data.loader",
    "torch.utils.data.dataset": "data.dataset",
    "torch.utils.data.sampler": "data.sampler",
    "torch.utils.data._utils": "data",
    "torch.utils.data._utils.collate": "data.collate",
    "torch.autograd.grad_mode": "grad_mode",
    "torch.autograd.gradcheck": "compat.autograd",
    "torch.autograd.variable": "compat.autograd",
    "torch.amp.autocast_mode": "compat.amp",
    "torch.amp.grad_scaler": "compat.amp",
    "torch.cuda.amp": "compat.amp",
    "torch.func": "func",
    "torch.functional": "",
    "torch.types": "compat.types",
    "torch._tensor": "tensor",
    "torchvision": "interop.torchvision",
}
"""Modules of PyTorch whose place here has another name, or that are there as soon as the module above them is. Others
are looked up under their own name."""

COMPAT = "accelerator amp backends cuda distributed jit mps onnx profiler version xpu".split()
"""Modules of PyTorch that stand in `compat`."""

CLASSES = {
    "nn.modules.activation": "MultiheadAttention",
    "nn.modules.channelshuffle": "ChannelShuffle",
    "nn.modules.container": "ModuleDict ModuleList ParameterDict ParameterList Sequential",
    "nn.modules.conv": "LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d",
    "nn.modules.fold": "Fold Unfold",
    "nn.modules.instancenorm": "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
    "nn.modules.linear": "LazyLinear",
    "nn.modules.loss": (
        "CosineEmbeddingLoss GaussianNLLLoss HingeEmbeddingLoss MarginRankingLoss MultiLabelMarginLoss "
        "MultiLabelSoftMarginLoss MultiMarginLoss PoissonNLLLoss SoftMarginLoss TripletMarginLoss "
        "TripletMarginWithDistanceLoss"
    ),
    "nn.modules.pixelshuffle": "PixelShuffle PixelUnshuffle",
    "nn.modules.sparse": "Embedding EmbeddingBag",
    "nn.parameter": "UninitializedParameter",
    "nn.utils.rnn": "PackedSequence",
    "optim": "Adafactor Muon",
    "optim.adamw": "AdamW",
}
"""Classes that PyTorch has in another file than this library: its module -> their names."""

FILE_OF = {name: file for file, names in CLASSES.items() for name in names.split()}
"""The same the other way round."""

BACKWARD = {
    "avg_pool": "AvgPool{dims}DBackward0",
    "cast": "ToCopyBackward0",
    "cholesky": "LinalgCholeskyExBackward0",
    "clamp_to_numbers": "ClampBackward1",
    "col2im": "Col2ImBackward0",
    "concatenate": "CatBackward0",
    "contiguous": "CloneBackward0",
    "contract": "BmmBackward0",
    "conv": "ConvolutionBackward0",
    "conv_transpose": "ConvolutionBackward0",
    "copy_into": "CopySlices",
    "det": "LinalgDetBackward0",
    "dropout": "MulBackward0",
    "flatten": "ViewBackward0",
    "im2col": "Im2ColBackward0",
    "inv": "LinalgInvExBackward0",
    "l1_loss": "MeanBackward0",
    "layer_norm": "NativeLayerNormBackward0",
    "log1p": "Log1PBackward0",
    "logsigmoid": "LogSigmoidBackward0",
    "max_pool": "MaxPool{dims}DWithIndicesBackward0",
    "movedim": "PermuteBackward0",
    "overwrite": "CopySlices",
    "pad_zeros": "ConstantPadNdBackward0",
    "reshape": "ViewBackward0",
    "scatter_add_values": "ScatterAddBackward0",
    "scatter_values": "ScatterBackward1",
    "solve": "LinalgSolveExBackward0",
    "sparse_cross_entropy": "NllLossBackward0",
    "square": "PowBackward0",
    "stack_all": "StackBackward0",
    "take_rows": "EmbeddingBackward0",
    "unflatten": "ViewBackward0",
    "vector_norm": "LinalgVectorNormBackward0",
    "windows": "UnfoldBackward0",
}
"""The operations whose gradient functions PyTorch names otherwise than after the operation."""


def backward_name(node):
    """What PyTorch writes for the gradient function of a recorded operation: "MulBackward0"."""
    name, attributes = node.name, node.attributes or {}
    if name in ("matmul", "linear"):
        return product_name(node)
    if name == "getitem":
        return index_name(attributes.get("index"))
    if name == "normalize_channels":
        return f"Native{'Batch' if attributes.get('groups') is None else 'Group'}NormBackward0"
    if name in ("sum", "mean", "prod", "squeeze"):
        return f"{name.capitalize()}Backward{0 if attributes.get('dim') is None else 1}"
    if name in ("avg_pool", "max_pool"):
        dims = len(attributes.get("windows", (1, 1)))
        return "SqueezeBackward1" if dims == 1 else BACKWARD[name].format(dims=dims)  # PyTorch makes images of rows
    return BACKWARD.get(name) or "".join(part.capitalize() for part in name.split("_")) + "Backward0"


def product_name(node):
    """The name for a matrix product, with or without a bias."""
    parents = [parent.shape for parent in node.parents if parent is not None]
    ndim = max(map(len, [node.shape, *parents]))
    if node.name == "matmul":
        return {0: "Dot", 1: "Mv", 2: "Mm"}.get(len(node.shape) if ndim <= 2 else ndim, "UnsafeView") + "Backward0"
    bias = len(node.parents) > 2 and node.parents[2] is not None
    word = ("Addmm" if bias else "Mm") if ndim <= 2 else "View" if bias else "UnsafeView"
    return word + "Backward0"


def index_name(index):
    """The name for x[index]: arrays and masks index, an integer last selects, a slice slices."""
    parts = index if isinstance(index, tuple) else (index,)
    if any(hasattr(part, "shape") or isinstance(part, list) for part in parts):
        return "IndexBackward0"
    return "SelectBackward0" if isinstance(parts[-1], int) else "SliceBackward0"
