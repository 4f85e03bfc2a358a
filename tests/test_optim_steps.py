"""Steps of optimizers: graphs, groups, names, hooks, optimizers of one's own, mistakes."""

import copy
import pickle

import numpy as np
import pytest
from optimizers import ALL, converted, go_on, problem, train

import tinygrad_edu as tg
from tinygrad_edu import optim


def test_a_step_is_noticed_by_a_graph_that_needs_the_old_value():
    for count in (1, 5):
        ws = [tg.tensor([1.0, 2.0], requires_grad=True) for _ in range(count)]
        loss = sum((w * w).sum() for w in ws)
        for w in ws:
            w.grad = tg.tensor([1.0, 1.0])
        optim.SGD(ws, lr=0.1).step()
        with pytest.raises(tg.OverwrittenError, match=r"SGD\.step.*test_optim_steps\.py"):
            loss.backward()


def test_gradients_are_read_and_never_written():
    for name, options in [*ALL, ("Muon", {})]:
        values = np.array([[1.0, -2.0, 3.0]])
        ws = [tg.tensor(np.ones((1, 3)), requires_grad=True) for _ in range(4)]
        for w in ws:
            w.grad = tg.tensor(values)
        optimizer = getattr(optim, name)(ws, **{"lr": 0.1, **options})
        for _ in range(3):
            optimizer.step()
        assert all(w.grad.tolist() == values.tolist() for w in ws), name


def test_learning_rates_may_be_tensors(torch):
    results = []
    for library in (tg, torch):
        parameters, loss = problem(library, "float64")
        optimizer = library.optim.Adam(parameters, lr=library.tensor(0.25), foreach=False)
        for t in range(4):
            optimizer.param_groups[0]["lr"].fill_(0.25 / (1 + t))
            go_on(optimizer, parameters, loss, t, t + 1)
        results.append((repr(optimizer), [p.detach().numpy() for p in parameters]))
    assert results[0][0] == results[1][0]
    for p, q in zip(results[0][1], results[1][1]):
        np.testing.assert_allclose(p, q, rtol=1e-7)
    with pytest.raises(ValueError, match="one element"):
        optim.SGD([tg.ones(1, requires_grad=True)], lr=tg.tensor([0.1, 0.2]))


def test_closure_zero_grad_and_copies():
    w = tg.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with tg.no_grad():
        assert optimizer.step(closure).item() == 1.0  # the closure is recorded all the same
    assert w.item() == 0.0
    w.grad.fill_(3.0)
    kept = w.grad
    optimizer.zero_grad(set_to_none=False)
    assert w.grad is kept and kept.tolist() == [0.0]
    optimizer.zero_grad()
    assert w.grad is None
    for clone in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        (p,) = clone.param_groups[0]["params"]
        assert p is not w
        p.grad = tg.tensor([2.0])
        clone.step()
        assert p.item() == -1.0 and w.item() == 0.0


def test_groups_are_the_dicts_that_were_given():
    v, w = tg.ones(1, requires_grad=True), tg.ones(2, requires_grad=True)
    group = {"params": (x for x in [v]), "lr": 0.5}
    optimizer = optim.SGD([group], lr=0.25, momentum=0.5)
    assert optimizer.param_groups[0] is group and group["params"] == [v] and group["momentum"] == 0.5
    optimizer.add_param_group({"params": w})
    assert optimizer.param_groups[1]["lr"] == 0.25
    group["lr"] = 1.0
    v.grad, w.grad = tg.ones(1), tg.ones(2)
    optimizer.step()
    assert v.tolist() == [0.0] and w.tolist() == [0.75, 0.75]


def test_names_of_parameters_are_kept(torch):
    results = []
    for T in (tg, torch):
        model = T.nn.Sequential(T.nn.Linear(2, 3), T.nn.Linear(3, 1))
        optimizer = T.optim.SGD(model.named_parameters(), lr=0.1)
        saved = optimizer.state_dict()
        other = T.optim.SGD([(f"x{i}", p) for i, p in enumerate(model.parameters())], lr=0.2)
        other.load_state_dict(saved)
        plain = T.optim.SGD(model.parameters(), lr=0.2).state_dict()
        optimizer.load_state_dict(plain)
        groups = [
            saved["param_groups"],
            other.param_groups[0]["param_names"],
            optimizer.param_groups[0]["param_names"],
            plain,
        ]
        results.append(groups)
    assert results[0] == results[1]


def test_hooks():
    w = tg.ones(1, requires_grad=True)
    w.grad = tg.ones(1)
    optimizer, seen = optim.SGD([w], lr=1.0), []
    handles = [
        optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("before", o is optimizer, args[0] is o))),
        optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("after", w.item()))),
        optim.optimizer.register_optimizer_step_pre_hook(lambda o, args, kwargs: seen.append("all before")),
        optim.optimizer.register_optimizer_step_post_hook(lambda o, args, kwargs: seen.append("all after")),
    ]
    optimizer.step()
    assert seen == ["all before", ("before", True, True), ("after", 0.0), "all after"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(seen) == 4
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: 5.0), {}))
    assert optimizer.step() == 5.0
    seen.clear()
    optimizer.register_state_dict_pre_hook(lambda o: seen.append(1))
    optimizer.register_state_dict_pre_hook(lambda o: seen.append(0), prepend=True)
    optimizer.register_state_dict_post_hook(lambda o, saved: {**saved, "more": 2})
    saved = optimizer.state_dict()
    assert seen == [0, 1] and saved["more"] == 2
    optimizer.register_load_state_dict_pre_hook(lambda o, state: state["inner"])
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append(o.param_groups[0]["lr"]))
    saved["param_groups"][0]["lr"] = 0.125
    optimizer.load_state_dict({"inner": saved})
    assert seen[-1] == 0.125


def test_an_optimizer_of_ones_own():
    class SignDescent(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @tg.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p -= group["lr"] * p.grad.sign()
                    self.state[p]["step"] = self.state[p].get("step", 0) + 1

    class Twice(SignDescent):
        def step(self, closure=None):
            super().step()
            return super().step()

    for kind, expected in ((SignDescent, [0.75, -0.75]), (Twice, [0.5, -0.5])):
        w, calls = tg.tensor([1.0, -1.0], requires_grad=True), []
        (w * w).sum().backward()
        optimizer = kind([w], lr=0.25)
        optimizer.register_step_post_hook(lambda *_, calls=calls: calls.append(1))
        optimizer.step()
        assert w.tolist() == expected and calls == [1]
        other = kind([w], lr=0.5)
        other.load_state_dict(optimizer.state_dict())
        assert other.state[w] == optimizer.state[w] and other.param_groups[0]["lr"] == 0.25


def test_default_dtype_of_steps():
    tg.set_default_dtype(tg.float64)
    w = tg.ones(2, requires_grad=True)
    w.grad = tg.ones(2)
    optimizer = optim.ASGD([w])
    optimizer.step()
    assert {key: value.dtype for key, value in optimizer.state[w].items()} == dict.fromkeys(
        ("step", "eta", "mu", "ax"), tg.float64
    )
    tg.set_default_dtype(tg.float32)


MISTAKES = [
    (lambda T, w: T.optim.SGD([]), ValueError, "empty"),
    (lambda T, w: T.optim.SGD(w), TypeError, r"put it into a list: \[x\]"),
    (lambda T, w: T.optim.SGD([w * 2]), ValueError, "computed by `mul`"),
    (lambda T, w: T.optim.SGD([w, 3.0]), TypeError, "parameter 1 is a float"),
    (lambda T, w: T.optim.SGD([w, w]), ValueError, "already"),
    (lambda T, w: T.optim.SGD([{"params": [w]}, {"params": w}]), ValueError, "already"),
    (lambda T, w: T.optim.SGD([{"params": {w}}]), TypeError, "order"),
    (lambda T, w: T.optim.SGD([("a", w), T.ones(1)]), ValueError, "names"),
    (lambda T, w: T.optim.SGD([{"params": [("a", w)]}, {"params": T.ones(1)}]), ValueError, "names"),
    (lambda T, w: T.optim.SGD([w]).add_param_group([w]), TypeError, "a dict with the key 'params'"),
    (lambda T, w: T.optim.SGD([w], lr=-1), ValueError, "lr must be at least 0, and is -1"),
    (lambda T, w: T.optim.SGD([{"params": [w], "lr": 1}], lr=-1), ValueError, "lr must be at least 0, and is -1"),
    (lambda T, w: T.optim.SGD([w], momentum=-1), ValueError, "momentum"),
    (lambda T, w: T.optim.SGD([w], nesterov=True), ValueError, "nesterov needs a momentum"),
    (lambda T, w: T.optim.SGD([w], fused=True, foreach=True), RuntimeError, "cannot both be True"),
    (lambda T, w: T.optim.Adam([w], lr=float("nan")), ValueError, "lr"),
    (lambda T, w: T.optim.Adam([w], betas=(0.9, 1.0)), ValueError, r"betas\[1\] must be at least 0 and less than 1"),
    (lambda T, w: T.optim.AdamW([w], betas=(-0.1, 0.9)), ValueError, r"AdamW: betas\[0\]"),
    (lambda T, w: T.optim.Adam([w]).load_state_dict({"state": {}, "param_groups": []}), ValueError, "another"),
    (lambda T, w: T.optim.Adamax([w], eps=-1), ValueError, "eps"),
    (lambda T, w: T.optim.NAdam([w], momentum_decay=-1), ValueError, "momentum_decay"),
    (lambda T, w: T.optim.RAdam([w], weight_decay=-1), ValueError, "weight_decay"),
    (lambda T, w: T.optim.RMSprop([w], alpha=-1), ValueError, "alpha"),
    (lambda T, w: T.optim.Adagrad([w], initial_accumulator_value=-1), ValueError, "initial_accumulator_value"),
    (lambda T, w: T.optim.Adadelta([w], rho=1.5), ValueError, "rho must be at least 0 and at most 1"),
    (lambda T, w: T.optim.Rprop([w], etas=(0.5, 0.9)), ValueError, "etas"),
    (lambda T, w: T.optim.ASGD([w], weight_decay=-1), ValueError, "weight_decay"),
    (lambda T, w: T.optim.Adafactor([w], beta2_decay=0.5), ValueError,
     "beta2_decay must be at least -inf and at most 0"),
    (lambda T, w: T.optim.Adafactor([w], d=0.5), ValueError, "d must be"),
    (lambda T, w: T.optim.Adafactor([w], eps=(None, -1)), ValueError, r"eps\[1\]"),
    (lambda T, w: T.optim.Muon([w]), ValueError, "Muon is for matrices"),
    (lambda T, w: T.optim.Muon([T.ones(2, 2, requires_grad=True)], adjust_lr_fn="x"), ValueError, "adjust_lr_fn"),
    (lambda T, w: T.optim.SparseAdam([w], lr=0), ValueError, "lr must be above 0"),
    (lambda T, w: T.optim.SparseAdam([w]).step(), RuntimeError, "use Adam"),
    (lambda T, w: T.optim.LBFGS([{"params": [w]}, {"params": T.ones(1)}]), ValueError, "one group"),
    (lambda T, w: T.optim.LBFGS([w], line_search_fn="x").step(lambda: w.sum()), RuntimeError, "'strong_wolfe' or None"),
    (lambda T, w: T.optim.LBFGS([w]).step(), TypeError, "closure"),
    (lambda T, w: T.optim.Optimizer([w], {}).step(), NotImplementedError, "Optimizer has neither"),
]  # fmt: skip


@pytest.mark.parametrize("mistake, error, message", MISTAKES)
def test_mistakes_are_explained(mistake, error, message):
    w = tg.tensor([1.0], requires_grad=True)
    w.grad = tg.tensor([1.0])
    with pytest.raises(error, match=message):
        mistake(tg, w)


@pytest.mark.parametrize("mistake, error, message", MISTAKES)
def test_mistakes_are_those_of_pytorch(mistake, error, message, torch):
    w = torch.tensor([1.0], requires_grad=True)
    w.grad = torch.tensor([1.0])
    if message == "already":
        pytest.skip("PyTorch warns of a parameter that is twice in one group")
    with pytest.raises(error):
        mistake(torch, w)


@pytest.mark.parametrize("flag", ["capturable", "differentiable"])
def test_what_does_not_exist_is_refused(flag):
    with pytest.raises(ValueError, match=f"{flag}=True"):
        optim.Adam([tg.ones(1, requires_grad=True)], **{flag: True})


def test_wrong_states_are_refused_and_change_nothing():
    parameters, optimizer = train(tg, "Adam", {}, "float64", 2)
    saved = converted(tg, optimizer.state_dict())
    saved["state"][2]["exp_avg"] = tg.zeros(3)
    saved["param_groups"][0]["lr"] = 9.0
    before = {key: value.array.copy() for key, value in optimizer.state[parameters[0]].items()}
    with pytest.raises(ValueError, match=r"exp_avg has shape \(3,\)"):
        optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["lr"] == 0.01
    for key, value in before.items():
        np.testing.assert_array_equal(optimizer.state[parameters[0]][key].array, value)
