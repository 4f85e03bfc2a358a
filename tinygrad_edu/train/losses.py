"""Losses and optimizers by name, and what a loss says about the outputs that it is for."""

from functools import partial

from .. import optim
from ..nn import functional as F
from ..nn.loss import BCELoss, BCEWithLogitsLoss
from ..tensor import Tensor, of_array

__all__ = ["loss_of", "optimizer_of", "threshold_of"]


def of_elements(function, output, target):
    """A loss that compares element by element. The target gets the dtype of the output, and (N,) the shape (N, 1) if
    the output has it: labels are often integers in a vector."""
    if isinstance(target, Tensor) and isinstance(output, Tensor) and target.node is None:
        array = target.array
        if array.ndim == output.array.ndim - 1 and (*array.shape, 1) == output.array.shape:
            array = array[..., None]
        target = of_array(array.astype(output.array.dtype, copy=False), None)
    return function(output, target)


LOSSES = {
    "cross_entropy": F.cross_entropy,
    "nll": F.nll_loss,
    **{name: partial(of_elements, function) for name, function in {
        "bce": F.binary_cross_entropy,
        "bce_with_logits": F.binary_cross_entropy_with_logits,
        "mse": F.mse_loss,
        "l1": F.l1_loss,
        "smooth_l1": F.smooth_l1_loss,
        "huber": F.huber_loss,
    }.items()},
}  # fmt: skip

OPTIMIZERS = {
    name.lower(): kind
    for name, kind in vars(optim).items()
    if isinstance(kind, type) and issubclass(kind, optim.Optimizer) and kind is not optim.Optimizer
}


def loss_of(loss):
    """A function (output, target) -> one number, of a function, a module or a name."""
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise ValueError(f"there is no loss {loss!r}; there are {', '.join(LOSSES)}; or give a function or module")
        return LOSSES[loss]
    if isinstance(loss, type) or not callable(loss):
        hint = f"make one: {loss.__name__}()" if isinstance(loss, type) else f"and this is a {type(loss).__name__}"
        raise TypeError(f"a loss is a function (output, target), a module or a name; {hint}")
    return loss


def threshold_of(loss):
    """From which output on the answer of a binary classifier is yes: 0.5 for a loss of probabilities, 0 for one of
    logits, None for others."""
    function = loss.args[0] if isinstance(loss, partial) and loss.func is of_elements else loss
    if function is F.binary_cross_entropy or isinstance(function, BCELoss):
        return 0.5
    if function is F.binary_cross_entropy_with_logits or isinstance(function, BCEWithLogitsLoss):
        return 0.0
    return None


def optimizer_of(optimizer, model):
    """An Optimizer: the one that is given, or a new one for the model's parameters.

    optimizer  an Optimizer; a name, "adam"; (name, options), ("sgd", {"lr": 0.1}); or a class or function that makes
               one of an iterable of parameters
    """
    if isinstance(optimizer, optim.Optimizer):
        return optimizer
    options = {}
    if isinstance(optimizer, tuple) and len(optimizer) == 2 and isinstance(optimizer[1], dict):
        optimizer, options = optimizer
    if isinstance(optimizer, str):
        if optimizer.lower() not in OPTIMIZERS:
            raise ValueError(f"there is no optimizer {optimizer!r}; there are {', '.join(sorted(OPTIMIZERS))}")
        optimizer = OPTIMIZERS[optimizer.lower()]
    if not callable(optimizer):
        raise TypeError(
            f"an optimizer is an Optimizer, a name such as 'adam', a pair such as ('sgd', {{'lr': 0.1}}), or a "
            f"function of the parameters; not a {type(optimizer).__name__}"
        )
    made = optimizer(model.parameters(), **options)
    if not isinstance(made, optim.Optimizer):
        raise TypeError(f"the function must make an Optimizer of the parameters, and it gave a {type(made).__name__}")
    return made
