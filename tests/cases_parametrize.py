"""Parametrizations, norms of gradients and fused layers, compared with PyTorch."""

import numpy as np

RNG = np.random.default_rng(0)
X, X5, W = RNG.standard_normal((4, 3)), RNG.standard_normal((4, 5)), RNG.standard_normal((5, 5))
SKEW = (W - W.T) * 2
STACK = RNG.standard_normal((2, 3, 3)) * 5
TALL, TAU = RNG.standard_normal((5, 3)), RNG.uniform(0.5, 1.5, 3)
P = "nn.utils.parametrizations"


def once(T, m, *inputs):
    """The result and first gradients only: PyTorch's second gradients of weight_norm are not those of the function."""
    y = m(*inputs)
    return y.detach(), [
        g.detach() for g in T.autograd.grad((y * y).sum(), [*inputs, *m.parameters()], allow_unused=True)
    ]


CALLS = {
    "matrix_exp": [
        *[((x,), lambda T, x: T.matrix_exp(x)) for x in (W, SKEW, STACK, W * 0, W[:1, :1], STACK[:0])],
        ((W * 0.01,), lambda T, x: T.linalg.matrix_exp(x)),
    ],
    "householder_product": [
        ((TALL, TAU), lambda T, x, tau: T.linalg.householder_product(x, tau)),
        ((TALL, TAU), lambda T, x, tau: T.linalg.householder_product(x, tau[:2])),
        ((STACK, TAU[None].repeat(2, 0)), lambda T, x, tau: T.linalg.householder_product(x, tau)),
    ],
    "get_total_norm": [
        ((X, W), lambda T, x, w, p=p: T.nn.utils.get_total_norm([x.detach(), w.detach()], p)) for p in (1.0, 2.0, 3.0,
        float("inf"))
    ] + [((X,), lambda T, x: T.nn.utils.get_total_norm(x.detach())), ((), lambda T: T.nn.utils.get_total_norm([]))],
    "parameters_to_vector": [((X, W), lambda T, x, w: T.nn.utils.parameters_to_vector([x, w]))],
    "fuse_linear_bn_weights": [
        ((W, X5[0], X5[1], X5[2] ** 2, X5[3], X5[0]), lambda T, w, b, m, v, bw, bb: [
            p.detach() for p in T.nn.utils.fuse_linear_bn_weights(w, b, m.detach(), v.detach(), 0.1, bw, bb)]),
    ],
}  # fmt: skip

MODULES = {
    **{f"{P}.weight_norm({layer}{settings})": ((x,), once) for layer, settings, x in (
        ("nn.Linear(3, 4)", "", X), ("nn.Linear(3, 4)", ", dim=1", X), ("nn.Linear(3, 4)", ", dim=None", X),
        ("nn.Linear(3, 4)", ", 'bias'", X),
    )},
    f"{P}.spectral_norm(nn.Linear(3, 4))": (X,),
    f"{P}.spectral_norm(nn.Linear(3, 4), n_power_iterations=3, dim=1)": (X,),
    f"{P}.spectral_norm(nn.Linear(3, 4), 'bias')": (X,),
    **{f"{P}.orthogonal(nn.Linear({n}, {k}){settings})": ((X if n == 3 else X5),)
      for n, k in ((3, 4), (5, 5), (5, 2)) for settings in (
        "", ", orthogonal_map='cayley'", ", orthogonal_map='matrix_exp'", ", orthogonal_map='householder'",
    )},
    f"{P}.orthogonal(nn.Linear(5, 2), orthogonal_map='householder', use_trivialization=False)": (X5,),
    f"{P}.orthogonal(nn.Linear(5, 5), orthogonal_map='cayley', use_trivialization=False)": (X5,),
    f"{P}.weight_norm({P}.spectral_norm(nn.Linear(3, 4)), 'bias')": ((X,), once),
    f"nn.Sequential({P}.weight_norm(nn.Linear(3, 5)), nn.Tanh(), {P}.orthogonal(nn.Linear(5, 5)))": ((X,), once),
    f"nn.utils.parametrize.remove_parametrizations({P}.weight_norm(nn.Linear(3, 4)), 'weight')": (X,),
    f"nn.utils.parametrize.remove_parametrizations({P}.orthogonal(nn.Linear(3, 4)), 'weight', "
    f"leave_parametrized=False)": (X,),
    "nn.utils.parametrize.register_parametrization(nn.Linear(5, 5), 'weight', nn.Tanh())": (X5,),
    "nn.utils.spectral_norm(nn.Linear(3, 4))": (X,),
    "nn.utils.spectral_norm(nn.Linear(3, 4), n_power_iterations=2, dim=1)": (X,),
}  # fmt: skip

ERRORS = {
    "register: no such tensor": lambda T: T.nn.utils.parametrize.register_parametrization(T.nn.Linear(3, 4), "w",
    T.nn.Tanh()),
    "register: shape": lambda T: T.nn.utils.parametrize.register_parametrization(T.nn.Linear(3, 4), "weight",
    T.nn.Flatten(0)),
    "remove: none": lambda T: T.nn.utils.parametrize.remove_parametrizations(T.nn.Linear(3, 4), "weight"),
    "remove: several": lambda T: T.nn.utils.parametrize.remove_parametrizations(
        T.nn.utils.parametrizations.weight_norm(T.nn.Linear(3, 4)), "weight", leave_parametrized=False),
    "assign: no inverse": lambda T: setattr(
        T.nn.utils.parametrize.register_parametrization(T.nn.Linear(3, 3), "weight", T.nn.Tanh()), "weight",
        T.zeros(3, 3)),
    "spectral_norm: iterations": lambda T: T.nn.utils.parametrizations.spectral_norm(T.nn.Linear(3, 4),
    n_power_iterations=0),
    "spectral_norm: dim": lambda T: T.nn.utils.parametrizations.spectral_norm(T.nn.Linear(3, 4), dim=2),
    "orthogonal: map": lambda T: T.nn.utils.parametrizations.orthogonal(T.nn.Linear(3, 4), orthogonal_map="exp"),
    "orthogonal: vector": lambda T: T.nn.utils.parametrizations.orthogonal(T.nn.Linear(3, 4), "bias"),
    "spectral_norm: no such": lambda T: T.nn.utils.remove_spectral_norm(T.nn.Linear(3, 4)),
    "weight_norm: no such": lambda T: T.nn.utils.remove_weight_norm(T.nn.Linear(3, 4)),
    "get_total_norm: infinite": lambda T: T.nn.utils.get_total_norm([T.tensor([float("inf")])],
    error_if_nonfinite=True),
    "vector_to_parameters: sequence": lambda T: T.nn.utils.vector_to_parameters([1.0], []),
    "matrix_exp: square": lambda T: T.matrix_exp(T.zeros(2, 3)),
    "householder_product: wide": lambda T: T.linalg.householder_product(T.zeros(2, 3), T.zeros(2)),
    "fuse: training": lambda T: T.nn.utils.fuse_linear_bn_eval(T.nn.Linear(3, 4), T.nn.BatchNorm1d(4)),
    "fuse: features": lambda T: T.nn.utils.fuse_linear_bn_eval(T.nn.Linear(3, 4).eval(), T.nn.BatchNorm1d(5).eval()),
}  # fmt: skip
