"""Functions that are composed of operations: value and gradient are those of PyTorch's function of the same name.

The table below has calls for each, or a file `cases_*.py` (see test_as_torch.py); those that have tests of their own
elsewhere are listed with the file.
"""

import re
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.define import COMPOSITES

RNG = np.random.default_rng(0)
A, B, S = RNG.standard_normal((3, 4)), RNG.standard_normal((3, 4)), RNG.standard_normal((2, 3, 4))
M, V, W = RNG.standard_normal((4, 2)), RNG.standard_normal(4), RNG.standard_normal(3)
I, MASK = np.array([2, 0, 2]), A > 0

# name: calls (T, x) -> result, where T is either library and x the operand as its tensor, float64, requiring gradients
CALLS = {
    "add": [(A, lambda T, x: x.add(T.tensor(B), alpha=-0.5)), (A, lambda T, x: T.add(x, 2)),
            (A, lambda T, x: (x * 1).add_(x, alpha=3))],
    "addcdiv": [(A, lambda T, x: T.addcdiv(x, x, x * x + 1, value=0.5)),
                (A, lambda T, x: (x * 1).addcdiv_(x, T.tensor(B) ** 2 + 1))],
    "addcmul": [(A, lambda T, x: T.addcmul(T.tensor(B), x, x, value=2)), (A, lambda T, x: (x * 1).addcmul_(x, x))],
    "bmm": [(S, lambda T, x: T.bmm(x, T.tensor(np.stack([M, -M]))))],
    "cat": [(A, lambda T, x: T.cat([x, T.tensor(B), x], dim=1)), (A, lambda T, x: T.cat((x, T.zeros(0), x)))],
    "chunk": [(A, lambda T, x: x.chunk(3, 1)), (A, lambda T, x: T.chunk(x, 2))],
    "dot": [(V, lambda T, x: x.dot(x))],
    "expand_as": [(V, lambda T, x: x.expand_as(T.tensor(A)))],
    "hstack": [(A, lambda T, x: T.hstack([x, x[:, :1]])), (V, lambda T, x: T.hstack((x, x)))],
    "index_select": [(A, lambda T, x: x.index_select(0, T.tensor(I))),
                     (A, lambda T, x: T.index_select(x, -1, T.tensor(I)))],
    "lerp": [(A, lambda T, x: T.lerp(x, T.tensor(B), 0.3)),
             (A, lambda T, x: (x * 1).lerp_(T.tensor(B), T.tensor(np.abs(B))))],
    "linalg_norm": [(A, lambda T, x: T.linalg.norm(x)), (A, lambda T, x: T.linalg.norm(x, 1, dim=1)),
                    (S, lambda T, x: T.linalg.norm(x, "fro", (1, 2)))],
    "masked_fill": [(A, lambda T, x: x.masked_fill(T.tensor(MASK), 0.5)),
                    (A, lambda T, x: x.masked_fill(T.tensor(MASK[:, :1]), 2))],
    "masked_select": [(A, lambda T, x: x.masked_select(T.tensor(MASK))),
                      (A, lambda T, x: T.masked_select(x, T.tensor(MASK[0])))],
    "max": [
        (A, lambda T, x: x.max()), (A, lambda T, x: x.max(1)[0]),
        (A, lambda T, x: T.max(x, dim=0, keepdim=True).values),
        (A, lambda T, x: x.max(1).indices), (A, lambda T, x: T.max(x, T.tensor(B))),
    ],
    "min": [(A, lambda T, x: x.min()), (A, lambda T, x: x.min(-1).values), (A, lambda T, x: T.min(x, T.tensor(B)))],
    "mm": [(A, lambda T, x: x.mm(T.tensor(M)))],
    "mv": [(A, lambda T, x: T.mv(x, T.tensor(V)))],
    "narrow": [(A, lambda T, x: x.narrow(1, 1, 2)), (A, lambda T, x: T.narrow(x, 0, -2, 1))],
    "nonzero": [(A, lambda T, x: (x > 0).nonzero()), (A, lambda T, x: T.nonzero(x < 0, as_tuple=True))],
    "outer": [(V, lambda T, x: T.outer(x, T.tensor(W)))],
    "ravel": [(S, lambda T, x: x.ravel())],
    "rand_like": [(A, lambda T, x: T.rand_like(x) * 0 + x)],
    "randint_like": [(A, lambda T, x: T.randint_like(x, 3, 4))],
    "randn_like": [(A, lambda T, x: T.randn_like(x) * 0 + x)],
    "repeat_interleave": [
        (A, lambda T, x: x.repeat_interleave(2, dim=1)), (A, lambda T, x: T.repeat_interleave(x, 3)),
        (A, lambda T, x: x.repeat_interleave(T.tensor([1, 0, 2]), dim=0)),
    ],
    "reshape_as": [(A, lambda T, x: x.reshape_as(T.zeros(2, 6)))],
    "rot90": [(A, lambda T, x, k=k: T.rot90(x, k)) for k in (-1, 0, 1, 2, 3)]
    + [(S, lambda T, x: T.rot90(x, 1, (1, 2)))],
    "scatter": [(A, lambda T, x: x.scatter(1, T.tensor([[0, 1], [3, 2]]), T.tensor(B))),
                (A, lambda T, x: x.scatter(0, T.tensor([[1, 0]]), 5.0))],
    "scatter_add": [
        (A, lambda T, x: x.scatter_add(1, T.tensor([[0, 0], [3, 2]]), T.tensor(B))),
        (A, lambda T, x: x.scatter_add(1, T.tensor([[0, 0], [3, 2]]), (x * 2)[:2, :2])),
    ],
    "select": [(S, lambda T, x: x.select(1, 2)), (S, lambda T, x: T.select(x, -1, -1))],
    "sort": [(A, lambda T, x: x.sort()[0]), (A, lambda T, x: T.sort(x, dim=0, descending=True)[0]),
             (A, lambda T, x: x.sort(descending=True).indices)],
    "split": [(A, lambda T, x: x.split(3, dim=1)), (A, lambda T, x: T.split(x, [1, 2]))],
    "stack": [(A, lambda T, x: T.stack([x, T.tensor(B)], dim=-1)), (V, lambda T, x: T.stack((x, x)))],
    "std": [(A, lambda T, x: x.std()), (A, lambda T, x: x.std(1, keepdim=True)),
            (A, lambda T, x: T.std(x, dim=0, correction=0))],
    "sub": [(A, lambda T, x: T.sub(T.tensor(B), x, alpha=2)), (A, lambda T, x: x.sub(1.5)),
            (A, lambda T, x: (x * 1).sub_(x * x, alpha=0.5))],
    "take": [(A, lambda T, x: x.take(T.tensor([[0, 5], [11, 5]])))],
    "tensor_split": [(A, lambda T, x: x.tensor_split(3, dim=1)), (A, lambda T, x: T.tensor_split(x, (1, 2)))],
    "tile": [(A, lambda T, x: x.tile((2,))), (A, lambda T, x: T.tile(x, (2, 1, 3)))],
    "to": [(A, lambda T, x: x.to(T.float32)), (A, lambda T, x: x.to("cpu", T.float64))],
    "topk": [(A, lambda T, x: x.topk(2)[0]), (A, lambda T, x: T.topk(x, 2, dim=0, largest=False).values),
             (A, lambda T, x: x.topk(3).indices)],
    "type_as": [(A, lambda T, x: x.type_as(T.zeros(1)))],
    "unbind": [(A, lambda T, x: x.unbind()), (S, lambda T, x: T.unbind(x, -1))],
    "vdot": [(V, lambda T, x: T.vdot(x, x * 2))],
    "vector_norm": [(A, lambda T, x: T.linalg.vector_norm(x, 3, dim=1)),
                    (A, lambda T, x: T.linalg.vector_norm(x, float("inf")))],
    "view": [(A, lambda T, x: x.view(2, -1)), (A, lambda T, x: x.view((12,)))],
    "view_as": [(A, lambda T, x: x.view_as(T.zeros(4, 3)))],
    "vstack": [(A, lambda T, x: T.vstack([x, x[:1]])), (V, lambda T, x: T.vstack((x, x)))],
}  # fmt: skip

ELSEWHERE = {
    "test_linalg.py": (
        "addbmm addmm addmv addr baddbmm cdist cross eigvalsh einsum inner kron logdet lstsq matrix_norm matrix_power "
        "multi_dot norm svdvals tensordot trace vecdot"
    ),
    "test_loss.py": (
        "celu cross_entropy glu hardshrink hardsigmoid hardswish kl_div l1_penalty l2_penalty mish prelu relu6 selu "
        "softmin softshrink softsign tanhshrink threshold"
    ),
    "test_creation_random.py": (
        "bernoulli cartesian_prod diag empty_like full_like meshgrid multinomial ones_like zeros_like"
    ),
    "test_tensor.py": "clamp",
}


def test_every_composite_is_tested():
    cases = "\n".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("cases_*.py"))
    in_cases = {name for name in COMPOSITES if re.search(rf"\b{name}\b", cases)}
    listed = {name for names in ELSEWHERE.values() for name in names.split()}
    assert set(COMPOSITES) - listed - in_cases <= set(CALLS) <= set(COMPOSITES) and not listed & set(CALLS)
    for file, names in ELSEWHERE.items():
        text = (Path(__file__).parent / file).read_text(encoding="utf-8")
        assert [name for name in names.split() if not re.search(rf"\b{name}\b", text)] == []


@pytest.mark.parametrize("name", sorted(CALLS))
def test_composite_as_torch(name, torch):
    for numbers, call in CALLS[name]:
        outcomes = []
        for T in (tg, torch):
            x = T.tensor(numbers, dtype=T.float64, requires_grad=True)
            results = call(T, x)
            results = list(results) if isinstance(results, (tuple, list)) else [results]
            outcome = [(r.detach().numpy(), str(r.dtype).removeprefix("torch.")) for r in results]
            floating = [r for r in results if r.requires_grad]
            if floating:
                total = sum(
                    (r * T.tensor(np.cos(np.arange(r.numel())).reshape(tuple(r.shape)))).sum() for r in floating
                )
                total.backward()
                outcome.append((x.grad.numpy(), len(floating)))
            outcomes.append(outcome)
        for (ours, kind), (theirs, other_kind) in zip(*outcomes, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)
            assert ours.shape == theirs.shape and kind == other_kind


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda x: x.split([1, 1]), "add up to 3"), (lambda x: x.chunk(0), "positive"), (lambda x: x.topk(9), "not 9"),
        (lambda x: x.narrow(0, 2, 5), "lies outside"), (lambda x: tg.cat([]), "at least one"),
        (lambda x: x.mv(x), "1 dimensions"),
        (lambda x: x.t().view(-1), "reshape"), (lambda x: x.gather(0, tg.tensor([0])), "as many dimensions"),
        (lambda x: x.index_select(0, tg.tensor([0.5])), "integers"), (lambda x: tg.stack([x, x[0]]), "shape"),
    ],
)  # fmt: skip
def test_errors_help(call, error):
    with pytest.raises((RuntimeError, ValueError, IndexError, TypeError), match=error):
        call(tg.tensor(A))
