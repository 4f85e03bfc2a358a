"""Names of `torch.autograd` that are old, or that another part of this library does better: Variable, gradcheck."""

from ..check import gradients
from ..tensor import Tensor, as_tensor


def Variable(data, requires_grad=False):
    """The tensor itself, which may be asked for gradients: tensors have long been what variables were."""
    x = data.detach() if isinstance(data, Tensor) else as_tensor(data)
    return x.requires_grad_() if requires_grad else x


class GradcheckError(RuntimeError):
    """A gradient differs from the numerical derivative. The text is the report of `check.gradients`."""


def gradcheck(func, inputs, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True, nondet_tol=0.0, **settings):
    """Whether the gradients of func(*inputs) equal numerical derivatives: True, or GradcheckError (or False).

    inputs           a Tensor or a tuple; those that require gradients are checked
    atol, rtol       differences to tolerate; `check.gradients` derives what rounding explains by itself
    raise_exception  whether to raise instead of returning False
    eps, nondet_tol and the other settings of PyTorch are accepted and not needed: steps are chosen for each element.

    `check.gradients` tells more: which elements, expected and given value.
    """
    return _checked(func, inputs, 1, atol, rtol, raise_exception)


def gradgradcheck(func, inputs, grad_outputs=None, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True, **settings):
    """As `gradcheck`, of the gradients of the gradients."""
    return _checked(func, inputs, 2, atol, rtol, raise_exception)


def _checked(func, inputs, order, atol, rtol, raise_exception):
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    wrt = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not wrt:
        raise ValueError("gradcheck: no input requires gradients; call requires_grad_() on those to be checked")
    report = gradients(func, *inputs, order=order, wrt=wrt)
    good = not report.reason and all(
        e.verdict in ("ok", "kink") or abs(e.analytic - e.numerical) <= atol + rtol * abs(e.numerical)
        for e in report.elements
    )
    if not good and raise_exception:
        raise GradcheckError(str(report))
    return good
