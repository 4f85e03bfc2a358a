"""What the tests of optimizers share: the options to try, and a problem in either library."""

import numpy as np
import pytest

SHAPES = (4, 3), (3,), (), (5, 1), (2, 3, 2)

CASES = {
    "SGD": [
        {}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        {"momentum": 0.5, "dampening": 0.3},
        {"weight_decay": 0.1, "maximize": True}, {"momentum": 0.9, "maximize": True, "dampening": 0.1},
        {"momentum": 0.9, "weight_decay": 0.1, "dampening": 0.5, "foreach": True}, {"momentum": 0.9, "fused": False},
    ],
    "Adam": [
        {}, {"amsgrad": True}, {"weight_decay": 0.1}, {"betas": (0.5, 0.9), "eps": 1e-3},
        {"maximize": True, "weight_decay": 0.1},
        {"decoupled_weight_decay": True, "weight_decay": 0.1}, {"foreach": True, "amsgrad": True}, {"fused": False},
    ],
    "AdamW": [{}, {"weight_decay": 0.3, "amsgrad": True}, {"maximize": True}],
    "Adamax": [{}, {"weight_decay": 0.1, "betas": (0.8, 0.99)}, {"maximize": True, "eps": 1e-2}],
    "NAdam": [
        {}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True},
        {"momentum_decay": 0.1, "eps": 1e-3},
        {"maximize": True, "betas": (0.5, 0.9)},
    ],
    "RAdam": [
        {}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True},
        {"betas": (0.8, 0.9), "eps": 1e-3},
        {"maximize": True},
    ],
    "RMSprop": [
        {}, {"momentum": 0.9}, {"centered": True},
        {"centered": True, "momentum": 0.5, "weight_decay": 0.1, "alpha": 0.98},
        {"maximize": True, "eps": 1e-3},
    ],
    "Adagrad": [{}, {"lr_decay": 0.1, "weight_decay": 0.1}, {"initial_accumulator_value": 0.5, "maximize": True}],
    "Adadelta": [{}, {"rho": 0.5, "weight_decay": 0.1, "lr": 0.5}, {"maximize": True, "eps": 1e-3}],
    "Rprop": [{}, {"etas": (0.6, 1.1)}, {"step_sizes": (5e-3, 0.02)}, {"maximize": True}],
    "ASGD": [{}, {"t0": 5, "weight_decay": 0.1}, {"lambd": 0.1, "alpha": 0.5, "t0": 10}, {"maximize": True}],
    "Adafactor": [
        {}, {"beta2_decay": -0.3, "weight_decay": 0.1}, {"eps": (1e-2, 0.1), "d": 2.0},
        {"maximize": True, "lr": 0.02, "beta2_decay": -2.0, "d": 1.02},
    ],
}  # fmt: skip
ALL = [(name, options) for name, cases in CASES.items() for options in cases]
PARAMETERS = pytest.mark.parametrize("name, options", ALL, ids=[f"{name}-{i}" for i, (name, _) in enumerate(ALL)])


def problem(library, dtype, shapes=SHAPES):
    """Parameters and a function that computes a loss of them, the same in either library."""
    rng = np.random.default_rng(7)
    parameters = [library.tensor(np.array(rng.standard_normal(s)).astype(dtype), requires_grad=True) for s in shapes]
    scales = [library.tensor(np.array(rng.uniform(0.1, 2, s)).astype(dtype)) for s in shapes]

    def loss():
        return sum((scale * p * p + (p * 3).sin()).sum() for scale, p in zip(scales, parameters))

    return parameters, loss


def groups(parameters):
    return [{"params": parameters[:2]}, {"params": parameters[2:], "lr": 0.003}]


def go_on(optimizer, parameters, loss, first, last):
    """Take steps first to last - 1."""
    for t in range(first, last):
        optimizer.zero_grad()
        loss().backward()
        if t % 5 == 0:  # a parameter without a gradient is left alone, also in what is remembered of it
            parameters[1].grad = None
        optimizer.step()


def train(library, name, options, dtype, steps=50):
    parameters, loss = problem(library, dtype)
    optimizer = getattr(library.optim, name)(groups(parameters), **{"lr": 0.01, **options})
    go_on(optimizer, parameters, loss, 0, steps)
    return parameters, optimizer


def assert_state(mine, torchs, tolerance):
    """A state of ours and one of PyTorch's have the same keys, dtypes and values."""
    assert mine["state"].keys() == torchs["state"].keys()
    for number, values in torchs["state"].items():
        kept = {key: value for key, value in values.items() if value is not None}
        assert mine["state"][number].keys() == kept.keys()
        for key, value in kept.items():
            ours = mine["state"][number][key]
            assert str(value.dtype) == f"torch.{ours.array.dtype}", key
            np.testing.assert_allclose(ours.array, value.numpy(), rtol=tolerance, atol=tolerance, err_msg=key)
    for group, other in zip(mine["param_groups"], torchs["param_groups"]):
        assert group == other


def converted(library, state):
    """A state of the one library with the tensors of the other."""
    if isinstance(state, dict):
        return {key: converted(library, value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return type(state)(converted(library, value) for value in state)
    return library.tensor(state.detach().numpy()) if hasattr(state, "detach") else state
