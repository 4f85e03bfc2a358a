"""backward and grad: accumulation, ownership, freeing, depth, modes, hooks, higher orders, threads."""

import gc
import sys
import threading
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.autograd import Function


def leaf(values, dtype=np.float64):
    return tg.tensor(np.array(values, dtype), requires_grad=True)


# ---- faults seen in other libraries


def test_the_callers_gradient_is_never_changed():
    a, g = leaf(np.ones((4, 4))), tg.tensor(np.ones((2, 8)))
    for _ in range(3):
        a.reshape(2, 8).backward(g)
    assert g.tolist() == np.ones((2, 8)).tolist() and a.grad.tolist() == np.full((4, 4), 3.0).tolist()


def test_leaves_own_their_gradients():
    for create_graph in (False, True):
        x, y, g = leaf([1.0, 2]), leaf([3.0, 4]), tg.tensor(np.array([1.0, 1]))
        (x + y).backward(g, create_graph=create_graph)
        x.grad.detach().mul_(10)
        assert y.grad.tolist() == [1, 1] and g.tolist() == [1, 1]
        x, y = leaf([1.0, 2]), leaf([3.0, 4])
        z = (x + y) * 1
        z.retain_grad()
        z.sum().backward(create_graph=create_graph)
        arrays = [t.grad.array for t in (x, y, z)]
        assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])
        assert all(a.flags.writeable and a.flags.c_contiguous for a in arrays)


@pytest.mark.parametrize("n", [5_000, 200_000])  # added up in place; and in blocks
def test_a_large_sum_of_gradients_does_not_write_into_anything_kept(n):
    x, g = leaf(np.ones(n)), tg.tensor(np.ones(n))
    y = x * 2
    y.retain_grad()
    seen = []
    y.register_hook(lambda d: seen.append(d))
    ((y + y) + (y + y)).backward(g)
    assert (
        g.array.max() == 1
        and y.grad.array.max() == y.grad.array.min() == 4
        and x.grad.array.max() == 8
        and seen[0].array.max() == 4
    )


def test_a_second_backward():
    x = leaf(2.0)
    y = 3 * x**2
    y.backward()
    with pytest.raises(RuntimeError, match="second time.*retain_graph=True"):
        y.backward()
    assert x.grad.item() == 12
    x.grad, y = None, 3 * x**2
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 24


def test_deep_chains():
    x = leaf(1.0)
    for n in (1_200, 1_000_000):  # were anything quadratic in n, the test would not end within pytest's time limit
        y = x
        for i in range(n):
            y = y * 1.0 if i % 2 else y + 1.0
        y.backward(retain_graph=True)
        assert x.grad.item() == 1
        node = weakref.ref(y.node)
        del y
        assert node() is None
        x.grad = None


def test_time_is_linear_in_shared_nodes():
    x = leaf(1.0)
    y = x
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad.item() == 2.0**60


def step(w, x):
    h = (x @ w).tanh()
    (tg.stack([h, h * 2]).sum() + h[0].exp().mean()).backward()
    return h


class Fails(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.out = x * 2
        return ctx.out

    @staticmethod
    def backward(ctx, g):
        if g.array.size > 8:
            raise ZeroDivisionError
        return g * 2


@pytest.mark.parametrize("case", ["step", "exception", "create_graph", "view", "freed"])
def test_reference_counting_alone_frees_everything(case):
    gc.collect()
    gc.disable()
    try:
        w, x = leaf(np.ones((3, 3))), tg.tensor(np.ones((4 if case == "exception" else 2, 3)))
        h = step(w, x) if case in ("step", "exception") else (x @ w).tanh()
        h = Fails.apply(h)
        if case == "exception":
            with pytest.raises(ZeroDivisionError):
                h.sum().backward()
            with pytest.raises(ValueError):
                h @ tg.tensor(np.ones(7))
        if case == "create_graph":
            (d,) = tg.grad((h * h)[0].sum(), w, create_graph=True)
            d.sum().backward()
            d = None
        if case == "view":
            h = h.reshape(-1)[1:]
            h.mul_(2)
        references = [weakref.ref(h.node), weakref.ref(h.node.parents[0]), weakref.ref(h.array), weakref.ref(h)]
        del h
        assert [r() for r in references] == [None] * 4
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_backward_frees_what_it_has_used():
    x = leaf(np.ones(3))
    h = x.exp()
    kept, y = weakref.ref(h.array), h.sin().sum()
    del h
    assert kept() is not None
    y.backward()
    assert kept() is None


def test_where():
    c = tg.tensor([[True], [False]])
    x, y = leaf([1.0, 2.0]), leaf(5.0)
    z = tg.where(c, x, y)
    z.sum().backward()
    assert tuple(z.shape) == (2, 2) and x.grad.tolist() == [1, 1] and y.grad.item() == 2
    x = leaf([0.0, 4.0, -1.0, np.inf])
    tg.where((x > 0) & x.isfinite(), x.sqrt().log(), 0.0).sum().backward()
    inside = tg.where(tg.tensor([False, True, False, False]), x, 1.0)
    assert tg.grad(tg.where(inside > 1, inside.sqrt(), 0.0).sum(), x)[0].tolist() == [0, 0.25, 0, 0]
    y = leaf([1.0, np.nan, np.inf, 2.0], np.float32)
    z = tg.where(y.isfinite(), y * 2, 0.0)
    z.sum().backward()
    assert z.dtype == y.grad.dtype == np.float32 and y.grad.tolist() == [2, 0, 0, 2]


@pytest.mark.parametrize("zeros", [(), (1,), (0, 2)])
def test_prod_with_zeros(zeros, torch):
    values = np.array([2.0, 3.0, 4.0])
    values[list(zeros)] = 0
    x, z = leaf(values), torch.tensor(values, requires_grad=True)
    (x.prod() ** 2 + x.prod() + x.cumprod(0).sum()).backward()
    (z.prod() ** 2 + z.prod() + z.cumprod(0).sum()).backward()
    assert x.grad.tolist() == z.grad.tolist()


def test_shapes_and_dtypes():
    a, b = leaf(np.ones((5, 2, 3)), np.float32), leaf(np.ones((3, 4)), np.float32)
    c = (a @ b) * 2.0 + 1 - np.float64(3) * np.float32(2)
    c.sum().backward()
    assert tuple(c.shape) == (5, 2, 4) and {t.dtype for t in (c, a.grad, b.grad)} == {np.dtype(np.float32)}
    assert b.grad.array.max() == 20 and tuple(b.grad.shape) == (3, 4)
    x, y = leaf([1.0], np.float32), leaf([1.0], np.float64)
    (x * y).sum().backward()
    assert (x * y).dtype == np.float64 and x.grad.dtype == np.float32 and y.grad.dtype == np.float64


# ---- backward and grad


def test_backward_needs_a_number_or_a_gradient():
    y = leaf([1.0, 2.0]) * 2
    with pytest.raises(RuntimeError, match=r"shape \(2,\).*loss.sum\(\).backward\(\)"):
        y.backward()
    with pytest.raises(RuntimeError, match=r"\(3,\).*\(2,\)"):
        y.backward(tg.tensor(np.ones(3)))
    with pytest.raises(RuntimeError, match="does not require gradients"):
        tg.tensor([1.0]).backward()
    with pytest.raises(RuntimeError, match="2 tensors, but 1"):
        tg.backward([y, y], [tg.tensor(np.ones(2))])
    y.backward(np.array([1.0, 2.0]))


def test_integers_have_no_gradients():
    with pytest.raises(RuntimeError, match="floating dtype.*float()"):
        tg.tensor([1, 2], requires_grad=True)
    with pytest.raises(RuntimeError, match="floating dtype"):
        tg.tensor([True]).requires_grad_()
    x = leaf([1.5, 2.5])
    assert not x.long().requires_grad and not (x > 2).requires_grad and not x.argmax().requires_grad


def test_accumulation_and_several_roots():
    x = leaf([1.0, 2.0])
    (x * x).sum().backward()
    (x * 3).sum().backward()
    assert x.grad.tolist() == [5, 7]
    x.grad = None
    y, z = (x * x).sum(), x * 3
    tg.backward([y, z, y], [None, tg.tensor(np.array([1.0, 10])), None])
    assert x.grad.tolist() == [7, 38]


def test_backward_with_inputs():
    x, y = leaf(2.0), leaf(3.0)
    h = x * y
    (h * h).backward(inputs=[x, h], retain_graph=True)
    assert x.grad.item() == 36 and h.grad.item() == 12 and y.grad is None
    (h * h).backward(inputs=x)
    assert x.grad.item() == 72


def test_grad():
    x, y, unused = leaf(2.0), leaf([3.0, 4.0]), leaf([1.0, 2.0])
    h = x * y
    z = (h * h).sum()
    dx, dh, dz = tg.grad(z, [x, h, z], retain_graph=True)
    assert dx.item() == 100 and dh.tolist() == [12, 16] and dz.item() == 1 and x.grad is None and not dx.requires_grad
    with pytest.raises(RuntimeError, match=r"inputs\[1\].*allow_unused=True"):
        tg.grad(z, [x, unused], retain_graph=True)
    assert tg.grad(z, [x, unused], allow_unused=True, retain_graph=True)[1] is None
    assert tg.grad(z, [unused], materialize_grads=True, retain_graph=True)[0].tolist() == [0, 0]
    with pytest.raises(RuntimeError, match=r"inputs\[0\].*does not require"):
        tg.grad(z, tg.tensor([1.0]))
    (dh,) = tg.grad(z, h, retain_graph=False)  # does not use, hence does not free, what lies below h
    assert dh.tolist() == [12, 16] and tg.grad(h.sum(), x)[0].item() == 7
    (same,) = tg.grad(h, h, g := tg.tensor(np.ones(2)))
    same.mul_(3)
    assert g.tolist() == [1, 1]


def test_gradient_of_several_results_of_one_operation(torch):
    x, z = leaf([3.0, 1.0, 2.0]), torch.tensor([3.0, 1, 2], dtype=torch.float64, requires_grad=True)
    for t in (x, z):
        values, indices = t.sort()
        (values * values[0]).sum().backward()
    assert x.grad.tolist() == z.grad.tolist()


@pytest.mark.parametrize("function, derivatives", [
    (lambda x: x**4, [32, 48, 48, 24]),
    (lambda x: (2 * x).exp(), [2 * np.exp(4), 4 * np.exp(4), 8 * np.exp(4), 16 * np.exp(4)]),
    (lambda x: 1 / x, [-1 / 4, 1 / 4, -3 / 8, 3 / 4]),
])  # fmt: skip
def test_higher_derivatives(function, derivatives):
    x = leaf(2.0)
    y = function(x)
    for expected in derivatives:
        (y,) = tg.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(expected, rel=1e-12)


def test_backward_with_create_graph():
    x = leaf([1.0, 2.0])
    (x**3).sum().backward(create_graph=True)
    penalty = (x.grad**2).sum()
    (d,) = tg.grad(penalty, x)
    assert x.grad.requires_grad and np.allclose(d.array, 36 * x.array**3)
    (x**3).sum().backward(create_graph=True)
    assert np.allclose(x.grad.array, 6 * x.array**2) and x.grad.requires_grad
    x.sum().backward()
    assert np.allclose(x.grad.array, 6 * x.array**2 + 1) and not x.grad.requires_grad
    assert tg.is_grad_enabled()


# ---- modes


def test_grad_modes():
    x = leaf(1.0)

    @tg.no_grad()
    def unrecorded(fail=False):
        assert not tg.is_grad_enabled()
        if fail:
            raise KeyError
        return x * 2

    @tg.no_grad
    def without_parentheses():
        return x * 2

    @tg.enable_grad()
    def recorded():
        return x * 2

    @tg.set_grad_enabled(False)
    def switched():
        return x * 2

    assert (
        not any(f().requires_grad for f in (unrecorded, without_parentheses, switched))
        and unrecorded.__name__ == "unrecorded"
    )
    assert tg.is_grad_enabled()
    with tg.no_grad():
        assert recorded().requires_grad and not (x * 2).requires_grad
        with tg.enable_grad(), tg.set_grad_enabled(True):
            assert (x * 2).requires_grad
            with tg.no_grad():
                assert not (x * 2).requires_grad
            assert tg.is_grad_enabled()
        assert not tg.is_grad_enabled()
        x.mul_(2)
    assert tg.is_grad_enabled() and x.item() == 2
    with pytest.raises(KeyError):
        unrecorded(fail=True)
    with pytest.raises(ZeroDivisionError), tg.no_grad():
        1 // 0
    assert tg.is_grad_enabled()
    mode = tg.no_grad()
    with mode, mode:
        pass
    assert tg.is_grad_enabled()
    tg.set_grad_enabled(False)
    assert not tg.is_grad_enabled()
    tg.set_grad_enabled(True)


def test_a_failed_backward_leaves_the_modes_as_they_were():
    with pytest.raises(ZeroDivisionError):
        Fails.apply(leaf(np.ones(9))).sum().backward(create_graph=True)
    with tg.no_grad(), pytest.raises(ZeroDivisionError):
        y = None
        with tg.enable_grad():
            y = Fails.apply(leaf(np.ones(9))).sum()
        y.backward(create_graph=True)
    assert tg.is_grad_enabled()
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        np.log(np.zeros(1))
    assert tg.log(tg.tensor([0.0])).item() == -np.inf


def test_modes_and_backward_belong_to_threads():
    found, w = {}, leaf(np.ones((4, 4)))
    ready = threading.Barrier(5, timeout=60)

    def work(number):
        with tg.set_grad_enabled(number % 2 == 0):
            ready.wait()
            found[number, "mode"] = (w * 1).requires_grad
        x = leaf(np.full((4, 4), float(number)))
        for _ in range(200):
            x.grad = None
            (x @ w.detach() * x).sum().backward()
        found[number] = x.grad.array

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    with tg.no_grad():
        ready.wait()
        for thread in threads:
            thread.join()
        assert not tg.is_grad_enabled()
    for i in range(4):
        assert found[i, "mode"] == (i % 2 == 0) and (found[i] == 8 * i).all()


# ---- hooks


def test_hooks():
    x, order = leaf([1.0, 2.0]), []
    y = x * 3
    first = y.register_hook(lambda g: order.append("first") or g * 2)
    second = y.register_hook(lambda g: order.append(g.tolist()))
    x.register_hook(lambda g: g + 1)
    y.sum().backward()
    assert x.grad.tolist() == [7, 7] and order == ["first", [2, 2]]
    first.remove(), second.remove(), second.remove()
    (x.grad, y) = (None, x * 3)
    with y.register_hook(lambda g: g * 100):
        pass
    y.sum().backward()
    assert x.grad.tolist() == [4, 4] and len(order) == 2
    with pytest.raises(RuntimeError, match="does not require gradients"):
        tg.tensor(1.0).register_hook(print)


def test_hooks_with_create_graph_and_grad():
    x = leaf(3.0)
    y = x * x
    y.register_hook(lambda g: g * x)
    (d,) = tg.grad(y, x, create_graph=True)
    assert d.item() == 18 and tg.grad(d, x)[0].item() == 12


def test_retain_grad():
    x = leaf([1.0, 2.0])
    y = x * x
    assert y.grad is None and not y.retains_grad
    y.retain_grad()
    (y * y).sum().backward()
    assert y.retains_grad and y.grad.tolist() == [2, 8] and x.grad.tolist() == [4, 32]
    with pytest.raises(RuntimeError, match="does not require gradients"):
        tg.tensor(1.0).retain_grad()


def test_a_hook_that_writes_into_what_a_gradient_needs():
    x = leaf([1.0, 2.0])
    h = x * 1
    y = h * h * 1

    def spoil(g):
        with tg.no_grad():
            h.zero_()

    y.register_hook(spoil)
    with pytest.raises(RuntimeError, match="zero_.*changed it in place"):
        y.sum().backward()


# ---- leaves


def test_gradients_can_be_set_and_requires_grad_switched():
    x = leaf([1.0, 2.0])
    x.grad = tg.tensor(np.array([5.0, 5.0]))
    x.sum().backward()
    assert x.grad.tolist() == [6, 6]
    with pytest.raises(RuntimeError, match=r"\(3,\)"):
        x.grad = tg.tensor(np.ones(3))
    with pytest.raises(TypeError, match="float"):
        x.grad = 1.0
    x.requires_grad = False
    assert not (x * 2).requires_grad and x.grad.tolist() == [6, 6]
    x.requires_grad_()
    x.sum().backward()
    assert x.grad.tolist() == [7, 7]
    with pytest.raises(RuntimeError, match="leaves only.*detach"):
        (x * 2).requires_grad = False
    assert x.is_leaf and x.grad_fn is None and (x * 2).grad_fn.name == "mul" and x.detach().is_leaf


def test_import_is_light():
    heavy = {"inspect", "dataclasses", "json", "typing", "tempfile"}
    import subprocess

    code = "import numpy, sys; before = set(sys.modules); import tinygrad_edu; "
    code += f"print(sorted({heavy} & (set(sys.modules) - before)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
