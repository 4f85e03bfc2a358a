"""What cases_check.py is made of: functions with right and wrong gradients, and how to hand them to three libraries.

A Case is mathematics written with NumPy: value(*inputs), and vjp(g, *inputs), which gives Σ g · d(value)/d(input) for
each input. So the same pair can be handed to this library, to PyTorch (autograd.Function) and to JAX (custom_vjp).
Wrong gradients are made from the right one by the faults in FAULTS, as far as they change it, and by vjps of the case's
own.
"""

import warnings
from collections import Counter

import numpy as np

SMALLEST = {np.dtype(np.float64): 1e-6, np.dtype(np.float32): 1e-3, np.dtype(np.float16): 0.2}
"""The smallest relative fault that has to be found."""


def factor(pulled, inputs):
    return [g * g.dtype.type(1 + SMALLEST[g.dtype]) for g in pulled]


def sign(pulled, inputs):
    return [-g for g in pulled]


def zero(pulled, inputs):
    return [0 * g for g in pulled]


def first_zero(pulled, inputs):
    return [0 * pulled[0], *pulled[1:]]


def nan(pulled, inputs):
    return [np.where(np.arange(g.size).reshape(g.shape) == g.size // 2, g.dtype.type(np.nan), g) for g in pulled]


def shifted(pulled, inputs):
    return [np.roll(g, 1) for g in pulled]


def transposed(pulled, inputs):
    return [np.swapaxes(g, -1, -2) if g.ndim > 1 and g.shape[-1] == g.shape[-2] else g for g in pulled]


def swapped(pulled, inputs):
    return pulled[::-1] if len({g.shape for g in pulled}) == 1 else pulled


def negative(pulled, inputs):
    return [np.where(x < 0, g * g.dtype.type(1.5), g) for g, x in zip(pulled, inputs)]


def one_element(pulled, inputs):
    last = np.zeros(pulled[-1].shape, bool)
    last.reshape(-1)[-1:] = True
    return [*pulled[:-1], np.where(last, factor(pulled[-1:], ())[0], pulled[-1])]


FAULTS = {
    "factor": factor, "sign": sign, "zero": zero, "zero for the first": first_zero, "NaN": nan,
    "shifted by one": shifted, "transposed": transposed, "to the wrong input": swapped,
    "wrong where negative": negative, "one element": one_element,
}  # fmt: skip
"""What can be done to any gradient. Besides these: "stale", the gradient at inputs that are 1 % larger; "g dropped"."""


class Case:
    """A function, its right gradient, and wrong ones.

    right  the verdict on the right gradient
    wrong  name -> vjp: faults of its own. `faults=False` switches the common ones off (at a kink they may be right)
    hard   names of wrong gradients that differences cannot tell from right ones here: "inconclusive" is expected
    why    why "inconclusive", where that is expected
    """

    def __init__(self, name, value, vjp, *inputs, right="ok", wrong=None, faults=True, hard=(), why=""):
        self.name, self.value, self.right, self.hard, self.why = name, value, right, tuple(hard), why
        self.inputs = tuple(x if isinstance(x, np.ndarray) else np.array(x, float) for x in inputs)
        self.vjp = self._lists(vjp)
        self.wrong = {fault: self._lists(made) for fault, made in (wrong or {}).items()}
        if faults:
            self.wrong.update(self._common())

    def _lists(self, vjp):
        def call(g, *inputs):
            with np.errstate(all="ignore"):
                pulled = vjp(g, *inputs)
                pulled = pulled if isinstance(pulled, (tuple, list)) else [pulled]
                return [np.asarray(p, x.dtype).reshape(x.shape) for p, x in zip(pulled, inputs)]

        return call

    def _common(self):
        """Those of the common faults that change this gradient, each in a way of its own."""
        shape = self.result().shape
        g = np.random.default_rng(1).uniform(0.5, 1.5, shape).astype(self.result().dtype)
        right = self.vjp(g, *self.inputs)
        made = {name: lambda g, *xs, fault=fault: fault(self.vjp(g, *xs), xs) for name, fault in FAULTS.items()}
        made["stale"] = lambda g, *xs: self.vjp(g, *[x * x.dtype.type(1.01) for x in xs])
        made["g dropped"] = lambda g, *xs: self.vjp(np.ones_like(g), *xs)
        chosen, seen = {}, []
        for name, vjp in made.items():
            pulled = vjp(g, *self.inputs)
            new = not any(all(map(_equal, pulled, other)) for other in seen)
            if new and _differs(pulled, right):
                chosen[name] = vjp
                seen.append(pulled)
        return chosen

    def result(self):
        with np.errstate(all="ignore"):
            return np.asarray(self.value(*self.inputs))

    def at(self, inputs):
        with np.errstate(all="ignore"):
            return np.asarray(self.value(*inputs))

    def gradient(self, fault=None):
        """The right vjp, or a wrong one."""
        return self.vjp if fault is None else self.wrong[fault]

    def expected(self, fault=None):
        """The verdict on the right gradient, or on a wrong one."""
        return self.right if fault is None else "inconclusive" if fault in self.hard else "wrong"


def _equal(a, b):
    return np.array_equal(a, b, equal_nan=True)


def _differs(wrong, right):
    """Whether gradients differ by at least half the smallest fault that has to be found, relative to the element
    itself."""
    return any(
        (~(np.abs(np.float64(w) - np.float64(r)) <= 0.5 * SMALLEST[r.dtype] * np.abs(np.float64(r)))).any()
        for w, r in zip(wrong, right)
    )


def each(f, slope):
    """(value, vjp) of a function that works element by element."""
    return f, lambda g, x: g * slope(x)


def scalar(f, gradient):
    """(value, vjp) of a function with one number as its result."""

    def vjp(g, *xs):
        found = gradient(*xs)
        return [g * d for d in found] if isinstance(found, tuple) else g * found

    return f, vjp


# ---- the same mathematics in each library


def as_pair(case, fault=None):
    """For `check.gradients`: the pair of NumPy functions."""
    from tinygrad_edu import check

    vjp = case.gradient(fault)
    return check.of_numpy(case.value, vjp=vjp if len(case.inputs) > 1 else lambda g, x: vjp(g, x)[0])


def as_function(case, fault=None):
    """A custom Function of this library."""
    import tinygrad_edu as tg

    return _custom(
        tg, tg.autograd.Function, case, fault, lambda x: x.detach().numpy(), lambda x: tg.tensor(np.array(x))
    )


def as_torch(case, fault=None):
    """A custom Function of PyTorch."""
    import torch

    return _custom(
        torch,
        torch.autograd.Function,
        case,
        fault,
        lambda x: x.detach().numpy(),
        lambda x: torch.from_numpy(np.array(x)),
    )


def _custom(library, Function, case, fault, out, back):
    vjp = case.gradient(fault)

    class Custom(Function):
        @staticmethod
        def forward(ctx, *inputs):
            ctx.save_for_backward(*inputs)
            return back(case.at([out(x) for x in inputs]))

        @staticmethod
        @library.autograd.function.once_differentiable
        def backward(ctx, g):
            inputs = [out(x) for x in ctx.saved_tensors]
            pulled = tuple(back(p) for p in vjp(out(g), *inputs))
            return pulled if len(pulled) > 1 else pulled[0]

    Custom.__name__ = "".join(c if c.isalnum() else "_" for c in case.name)
    return Custom.apply


def as_jax(case, fault=None):
    """A function of JAX with a custom_vjp."""
    import jax

    vjp = case.gradient(fault)

    def shapes(arrays):
        return [jax.ShapeDtypeStruct(np.shape(x), np.asarray(x).dtype) for x in arrays]

    @jax.custom_vjp
    def custom(*inputs):
        return jax.pure_callback(lambda *xs: case.at([np.asarray(x) for x in xs]), shapes([case.result()])[0], *inputs)

    def backward(inputs, g):
        def pulled(g, *xs):
            return tuple(vjp(np.asarray(g), *[np.asarray(x) for x in xs]))

        return jax.pure_callback(pulled, tuple(shapes(case.inputs)), g, *inputs)

    custom.defvjp(lambda *inputs: (custom(*inputs), inputs), backward)
    return custom


# ---- what other checkers say, with their defaults


def torch_passes(fn, inputs, order=1):
    """Whether PyTorch's gradcheck (or gradgradcheck) accepts a function of its tensors."""
    import torch

    tensors = [torch.from_numpy(np.array(x)).requires_grad_() for x in inputs]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            passed = torch.autograd.gradcheck(fn, tensors)
            return bool(passed and (order == 1 or torch.autograd.gradgradcheck(fn, tensors)))
    except Exception:  # noqa: BLE001  # how it says no
        return False


def jax_passes(fn, inputs):
    """Whether JAX' check_grads accepts a function with a custom_vjp."""
    import jax
    from jax.test_util import check_grads

    try:
        with jax.enable_x64(True), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_grads(fn, tuple(jax.numpy.asarray(x) for x in inputs), order=1, modes=["rev"])
        return True
    except Exception:  # noqa: BLE001  # how it says no
        return False


# ---- the table


def peers(case, fault=None):
    """Whether PyTorch's gradcheck and JAX' check_grads accept a gradient."""
    return [torch_passes(as_torch(case, fault), case.inputs), jax_passes(as_jax(case, fault), case.inputs)]


def print_table(cases, native):
    """As Markdown: what this library's checker, PyTorch's gradcheck and JAX' check_grads say, each with its
    defaults."""
    from tinygrad_edu import check

    print("| function | right: here | PyTorch | JAX | wrong ones | missed: here | PyTorch | JAX |")
    print("|---|---|---|---|--:|--:|--:|--:|")
    right, wrong, faults = Counter(), Counter(), {}
    for case in cases:
        verdict = check.gradients(as_pair(case), *case.inputs).verdict
        others = peers(case)
        right.update([verdict, *(name for name, passed in zip(("PyTorch", "JAX"), others) if not passed)])
        missed = np.zeros(3, int)
        for fault in case.wrong:
            found = check.gradients(as_pair(case, fault), *case.inputs).verdict
            wrong[found] += 1
            passed = np.array([found in ("ok", "kink"), *peers(case, fault)], int)
            kind = fault if fault in FAULTS or fault in ("stale", "g dropped") else "others"
            faults[kind] = faults.get(kind, 0) + np.array([1, *passed])
            missed += passed
        row = [case.name, verdict, *("passes" if passed else "fails" for passed in others), len(case.wrong), *missed]
        print("| " + " | ".join(map(str, row)).replace("|x|", "\\|x\\|") + " |")
    print("\n| wrong gradients | number | missed: here | PyTorch | JAX |\n|---|--:|--:|--:|--:|")
    for kind, row in [*faults.items(), ("all", sum(faults.values()))]:
        print(f"| {kind} | " + " | ".join(map(str, row)) + " |")
    print(f"\n{len(cases)} right gradients: {dict(right)}, where PyTorch and JAX are those that they refuse.")
    print(f"{wrong.total()} wrong gradients: {dict(wrong)}.\n")
    print_native(native)


def print_native(native):
    """The same for functions of Tensors."""
    import torch

    import tinygrad_edu as tg
    from tinygrad_edu import check

    print("| function of Tensors | order | gradient | here | PyTorch's function, here | PyTorch's gradcheck |")
    print("|---|--:|---|---|---|---|")
    for name, (fn, inputs, order, expected) in native.items():
        own = check.gradients(lambda *xs, fn=fn: fn(tg, *xs), *inputs, order=order).verdict
        theirs = check.gradients(check.of_torch(lambda *xs, fn=fn: fn(torch, *xs)), *inputs, order=order).verdict
        passed = "passes" if torch_passes(lambda *xs, fn=fn: fn(torch, *xs), inputs, order) else "fails"
        print(f"| {name} | {order} | {'wrong' if expected == 'wrong' else 'right'} | {own} | {theirs} | {passed} |")
