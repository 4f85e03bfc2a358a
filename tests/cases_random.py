"""Random numbers: the same seed gives PyTorch's, in every distribution, in any sequence and mixture."""

import math

import numpy as np

RNG = np.random.default_rng(0)
A, P = RNG.standard_normal((5, 6)), RNG.uniform(0.1, 0.9, (5, 6))
CUBE, IMAGES = RNG.standard_normal((4, 3, 2)), RNG.standard_normal((3, 4, 2, 5))
SIZES = (0, 1, 2, 7, 15, 16, 17, 31, 32, 100)
DTYPES = ("float32", "float64", "float16")


def seeded(call, seed=0):
    """`call` after manual_seed; and a number drawn after it, which says whether as many words were taken."""

    def run(T, *tensors):
        T.manual_seed(seed)
        return call(T, *tensors), T.rand(3), T.randn(1), T.randn(1)

    return run


def without(call, seed=0):
    """The case of a call without operands."""
    return (), seeded(call, seed)


def rounded(*cases):
    """Cases that make normal numbers in float32, of which PyTorch's vectorized functions round the last digits
    otherwise."""
    for _, call in cases:
        call.rounding_of_float32 = 2e-6
    return cases


def overwritten(name, *args, dtypes=DTYPES, **named):
    """The in-place method on tensors of several sizes and dtypes, on parts of tensors, and on tensors that lie
    otherwise in memory."""

    def draw(x):
        return getattr(x, name)(*args, **named)

    def layouts(T, dtype):
        rows, columns, block = T.zeros(6, 8, dtype=dtype), T.zeros(5, 4, dtype=dtype), T.zeros(2, 3, 4, dtype=dtype)
        draw(rows[:, ::2]), draw(columns.t()), draw(block.permute(2, 0, 1)), draw(rows[1:3]), draw(block[:, 1].t())
        return rows, columns, block

    return [
        *[without(lambda T, d=d: [draw(T.zeros(n, dtype=getattr(T, d))) for n in SIZES]) for d in dtypes],
        *[without(lambda T, d=d: layouts(T, getattr(T, d)), 1) for d in dtypes],
    ]


def mixture(T):
    """Many kinds of draws, one after the other, so that a word too many anywhere shows in all that follows."""
    found, g = [], T.Generator().manual_seed(5)
    for n in (1, 3, 16, 40, 5):
        found += [T.randn(n), T.rand(n, dtype=T.float64), T.randperm(n), T.randint(-5, 2**40, (n,)), T.randint(7, (n,))]
        found += [
            T.zeros(n).exponential_(2.0),
            T.zeros(n).bernoulli_(0.3),
            T.zeros(n, dtype=T.float64).normal_(1.0, 2.0),
        ]
        found += [T.bernoulli(T.full((n,), 0.4)), T.multinomial(T.arange(1.0, n + 2), 1), T.zeros(n).geometric_(0.2)]
        found += [
            T.multinomial(T.arange(1.0, n + 2), 2 * n, replacement=True),
            T.zeros(n).log_normal_(),
            T.zeros(n).cauchy_(),
        ]
        found += [T.randn(n, generator=g), T.rand(n, generator=g), T.nn.functional.dropout(T.ones(n), 0.3)]
        found += [
            T.nn.Linear(n, 3).weight.detach(),
            T.normal(T.arange(1.0 * n), 2.0),
            T.zeros(n, dtype=T.int64).random_(),
        ]
    return found


def state_moves(T):
    """States taken, set, cloned, pickled: with a spare normal number and without."""
    import copy
    import pickle

    T.manual_seed(2**40 + 3)
    fresh = T.get_rng_state()
    T.randn(3), T.rand(700)
    state = T.get_rng_state()
    first = T.randn(2), T.rand(2)
    T.set_rng_state(state)
    again = T.randn(2), T.rand(2)
    g = T.Generator().manual_seed(9)
    T.randn(1, generator=g)
    others = [g.clone_state(), pickle.loads(pickle.dumps(g)), T.Generator().set_state(g.get_state()), copy.deepcopy(g)]
    drawn = [T.randn(3, generator=other) for other in others]
    with T.random.fork_rng(devices=[]):
        inner = T.rand(2)
    seeds = T.initial_seed(), T.Generator().initial_seed()
    return fresh, state, T.get_rng_state(), first, again, drawn, inner, T.rand(2), *seeds


class Noisy:
    """A data set whose samples contain random numbers."""

    def __init__(self, T, n):
        self.T, self.n = T, n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        return index, self.T.rand(2)


def epochs(**options):
    """Two passes over shuffled data, and what the generators give between them."""

    def run(T):
        T.manual_seed(11)
        data = T.utils.data
        named = {**options}
        if "seed" in named:
            named["generator"] = T.Generator().manual_seed(named.pop("seed"))
        if "make_sampler" in named:
            named["sampler"] = named.pop("make_sampler")(data, T)
        loader = data.DataLoader(Noisy(T, 23), **named)
        found = []
        for _ in range(2):
            found += [[batch for batch in loader], T.rand(2), T.randn(1)]
        if "generator" in named:
            found.append(T.rand(2, generator=named["generator"]))
        return found

    return (), run


SAMPLERS = {
    "random": lambda data, T: data.RandomSampler(range(23), num_samples=50),
    "replacement": lambda data, T: data.RandomSampler(range(23), replacement=True, num_samples=64),
    "weighted": lambda data, T: data.WeightedRandomSampler(T.arange(1.0, 24.0), 30),
    "weighted, different": lambda data, T: data.WeightedRandomSampler([0.5] * 23, 20, replacement=False),
    "subset": lambda data, T: data.SubsetRandomSampler([3, 1, 4, 15, 9, 2, 6]),
    "generator": lambda data, T: data.RandomSampler(range(23), generator=T.Generator().manual_seed(4)),
}


def splits(T):
    """random_split by numbers, by fractions, with a generator."""
    data = T.utils.data
    T.manual_seed(3)
    parts = data.random_split(range(20), [3, 17]) + data.random_split(range(10), [0.35, 0.35, 0.3], T.Generator())
    return [list(part.indices) for part in parts], T.rand(1)


def initial(name, *args, size=(6, 8), **named):
    """A function of nn.init on tensors of several dtypes."""

    def run(T):
        made = [getattr(T.nn.init, name)(T.empty(size, dtype=d), *args, **named) for d in (T.float32, T.float64)]
        g = T.Generator().manual_seed(8)
        return [*made, getattr(T.nn.init, name)(T.empty(size), *args, **named, generator=g), T.rand(2, generator=g)]

    return without(run)


def parameters(make):
    """The initial values of a module's parameters, and of another one after it."""
    return without(lambda T: [p.detach() for _ in range(2) for p in make(T.nn).parameters()])


CALLS = {
    "random: a mixture": rounded(*[without(mixture, seed) for seed in (0, 1, -1, 2**32 + 1, 2**64 - 1)]),
    "random: states": [((), state_moves)],
    "rand": [without(lambda T, d=d: [T.rand(n, dtype=getattr(T, d)) for n in SIZES]) for d in DTYPES],
    "randn": [
        *rounded(
            without(lambda T: [T.randn(n) for n in SIZES]),
            without(lambda T: [T.randn(()), T.randn(40_000), T.randn(3, 0), T.randn(2, 8), T.randn((4, 5))]),
        ),
        *[without(lambda T, d=d: [T.randn(n, dtype=getattr(T, d)) for n in SIZES]) for d in DTYPES[1:]],
    ],
    "randint": [
        without(lambda T: [T.randint(high, (5,))
                           for high in (1, 2, 10, 2**24, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**63 - 1)]),
        without(lambda T: [T.randint(-(2**63), 2**63 - 1, (5,)), T.randint(-10, -3, (2, 3)), T.randint(10, ())]),
        without(lambda T: [T.randint(0, 9, (5,), dtype=d) for d in (T.int32, T.uint8, T.int8, T.float32, T.float16)]),
        without(lambda T: T.randint(0, 2, (50,), dtype=T.bool)),
    ],
    "randperm": [
        without(lambda T: [T.randperm(n) for n in (0, 1, 2, 3, 10, 1000, 5000)] + [T.randperm(30, dtype=T.int32)], seed)
        for seed in range(5)
    ],
    "random_like": [
        ((A,),
         seeded(lambda T, x: [f(y.detach()) for f in (T.rand_like, T.randn_like)
                              for y in (x, x.t(), x[::2], x[:, 1:3])])),
        ((CUBE,), seeded(lambda T, x: [T.randn_like(x.permute(2, 0, 1)), T.randint_like(x.permute(1, 2, 0), 3, 90)])),
        ((A,),
         seeded(lambda T, x: [T.rand_like(x[:1].expand(5, 6)), T.rand_like(x, dtype=T.float32), T.randint_like(x, 5)])),
    ],
    "normal": [
        *rounded(without(lambda T: [T.normal(1.0, 2.0, (n,)) for n in SIZES])),
        ((A, P),
         seeded(lambda T, m, s: [T.normal(m.detach(), s.detach()), T.normal(m.detach().t(), 2.0),
                                 T.normal(1.0, s.detach())])),
        ((A[:1], P[:, :1]), seeded(lambda T, m, s: T.normal(m.detach(), s.detach()))),
    ],
    "bernoulli": [
        ((P,),
         seeded(lambda T, p: [T.bernoulli(q) for q in (p.detach(), p.detach().t())]
                + [T.bernoulli(p.detach(), 0.3), p.detach().bernoulli(0.9)])),
        without(lambda T: [T.bernoulli(T.full((40,), 0.3)), T.bernoulli(T.full((40,), 0.3, dtype=T.float16))]),
    ],
    "multinomial": [
        ((P,),
         seeded(lambda T, p: [T.multinomial(p.detach(), 1), T.multinomial(p.detach(), 4),
                              T.multinomial(p.detach().t(), 3)])),
        ((P,), seeded(lambda T, p: [T.multinomial(p.detach(), 9, True), T.multinomial(p.detach()[0], 1, True)])),
        without(lambda T: [T.multinomial(T.tensor([0.0, 3, 1, 0, 2]).to(d), 2)
                           for d in (T.float32, T.float64, T.float16)]),
        without(lambda T: [T.multinomial(T.tensor([0.0, 3, 1, 0, 2]).to(d), 9, True)
                           for d in (T.float32, T.float64, T.float16)]),
    ],
    "uniform_": [*overwritten("uniform_"), *overwritten("uniform_", -0.0357, 0.7), *overwritten("uniform_", to=3.0),
                 *overwritten("uniform_", 2, 2)],
    "normal_": [
        *rounded(*overwritten("normal_", dtypes=DTYPES[:1]), *overwritten("normal_", 1.5, 0.3, dtypes=DTYPES[:1])),
        *overwritten("normal_", dtypes=DTYPES[1:]), *overwritten("normal_", 1.5, 0.3, dtypes=DTYPES[1:]),
        *overwritten("normal_", std=0.0),
    ],
    "log_normal_": [*overwritten("log_normal_", dtypes=DTYPES[:2]), *overwritten("log_normal_", 0.5, 0.3)],
    "exponential_": [*overwritten("exponential_"), *overwritten("exponential_", 2.5)],
    "cauchy_": [*overwritten("cauchy_", dtypes=DTYPES[:2]), *overwritten("cauchy_", 1.0, 0.3, dtypes=DTYPES[:2])],
    "geometric_": [*overwritten("geometric_", 0.3, dtypes=(*DTYPES, "int64", "uint8")),
                   *overwritten("geometric_", p=0.01)],
    "random_": [
        *overwritten("random_", dtypes=(*DTYPES, "int64", "int32", "int16", "int8", "uint8", "bool")),
        *overwritten("random_", 7, dtypes=("float32", "int64", "uint8")),
        *overwritten("random_", -3, 100, dtypes=("float64", "int8")),
        *overwritten("random_", 5, None, dtypes=(*DTYPES, "int64", "int32", "uint8")), *overwritten("random_", to=9),
        *overwritten("random_", **{"from": 2, "to": 9}), *overwritten("random_", -(2**63), None, dtypes=("int64",)),
    ],
    "bernoulli_": [
        *overwritten("bernoulli_"), *overwritten("bernoulli_", 0.3, dtypes=(*DTYPES, "int64", "bool")),
        *overwritten("bernoulli_", p=1.0),
        *overwritten("bernoulli_", 0.0),
        ((P,), seeded(lambda T, p: [T.zeros(5, 6).bernoulli_(p.detach()), T.zeros(6, 5).t().bernoulli_(p.detach())])),
        ((P,),
         seeded(lambda T, p: [T.zeros(6, 5, dtype=T.int64).t().bernoulli_(p.detach().to(T.float32)),
                              T.zeros(3).bernoulli_(T.tensor(0.5))])),
    ],
    "dropout": [
        *[((A,), seeded(lambda T, x, p=p: T.nn.functional.dropout(x, p))) for p in (0.0, 0.1, 0.5, 0.9, 1.0)],
        ((A,),
         seeded(lambda T, x: [T.nn.functional.dropout(x.t(), 0.3), T.nn.functional.dropout(x[:, ::2]),
                              T.dropout(x, 0.5, False)])),
        ((IMAGES,),
         seeded(lambda T, x: [T.nn.functional.dropout(x.permute(0, 2, 3, 1), 0.3), T.dropout(x, 0.2, True)])),
        ((A,), seeded(lambda T, x: T.nn.functional.dropout(x * 1, 0.3, inplace=True))),
        without(lambda T: [T.nn.functional.dropout(T.ones(70_000), 0.3), T.nn.functional.dropout(T.ones(0))]),
    ],
    "feature dropout": [
        *[((CUBE,), seeded(lambda T, x, p=p: T.nn.functional.dropout1d(x, p))) for p in (0.0, 0.3, 1.0)],
        ((A,), seeded(lambda T, x: T.nn.functional.dropout1d(x, 0.3))),
        ((A,), seeded(lambda T, x: T.feature_dropout(x.t(), 0.4, True))),
        ((IMAGES,), seeded(lambda T, x: [T.nn.functional.dropout2d(x, 0.4), T.nn.functional.dropout3d(x, 0.4)])),
        ((IMAGES[:, :, None],), seeded(lambda T, x: T.nn.functional.dropout3d(x * 1, 0.4, True, True))),
        ((CUBE,), seeded(lambda T, x: T.feature_dropout(x.transpose(0, 1), 0.4, True))),
    ],
    "alpha dropout": [
        *[((A,), seeded(lambda T, x, p=p: T.nn.functional.alpha_dropout(x, p, True))) for p in (0.0, 0.3, 1.0)],
        ((A,),
         seeded(lambda T, x: [T.nn.functional.alpha_dropout(x.t(), 0.3, True), T.nn.functional.alpha_dropout(x)])),
        ((IMAGES,),
         seeded(lambda T, x: [T.nn.functional.feature_alpha_dropout(x, 0.3, True),
                              T.feature_alpha_dropout(x, 0.2, False)])),
        ((A,), seeded(lambda T, x: T.nn.functional.alpha_dropout(x * 1, 0.3, True, True))),
    ],
    "init": [
        initial("uniform_"), initial("uniform_", -0.3, 0.2), initial("xavier_uniform_"),
        initial("xavier_uniform_", 2.0), initial("kaiming_uniform_"),
        initial("kaiming_uniform_", math.sqrt(5), size=(2, 3)),
        initial("kaiming_uniform_", mode="fan_out", nonlinearity="relu"),
        *rounded(
            initial("normal_", 1.0, 0.5), initial("xavier_normal_", size=(6, 4, 3)), initial("kaiming_normal_", 0.2),
            initial("orthogonal_"), initial("orthogonal_", 2.0, size=(7, 3)), initial("orthogonal_", size=(3, 4, 5)),
            initial("sparse_", 0.3), initial("sparse_", 0.5, 0.1), initial("trunc_normal_"),
            initial("trunc_normal_", 1.0, 2.0, -1.0, 1.5), initial("trunc_normal_", std=0.02),
            initial("trunc_normal_", a=-0.45, b=0.45),
        ),
        initial("trunc_normal_", a=1.5, b=4.0), initial("trunc_normal_", 0.0, 1.0, -0.1, 0.1),
        initial("trunc_normal_", a=-0.2, b=0.2), initial("trunc_normal_", size=(2, 3)),
        without(lambda T: [T.nn.init.trunc_normal_(T.empty(8, 5).t()), T.nn.init.kaiming_uniform_(T.empty(8, 5).t())]),
    ],
    "initial parameters": [
        parameters(lambda nn: nn.Linear(6, 4)), parameters(lambda nn: nn.Linear(40, 30, bias=False)),
        parameters(lambda nn: nn.Bilinear(3, 4, 5)),
        *rounded(parameters(lambda nn: nn.Embedding(10, 3))),
        parameters(lambda nn: nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2))),
    ],
    "skip_init": [
        without(lambda T: [tuple(T.nn.utils.skip_init(T.nn.Linear, 3, out_features=2).weight.shape), T.rand(2)]),
    ],
    "DataLoader": [
        epochs(), epochs(batch_size=4), epochs(batch_size=4, shuffle=True),
        epochs(shuffle=True, batch_size=5, drop_last=True),
        epochs(batch_size=4, shuffle=True, seed=5), epochs(batch_size=None, shuffle=True),
        epochs(batch_size=23, shuffle=True, seed=6),
        *[epochs(batch_size=5, make_sampler=make) for make in SAMPLERS.values()],
    ],
    "random_split": [((), splits)],
}  # fmt: skip

MODULES = {
    "nn.Dropout()": (A,), "nn.Dropout(0.2, inplace=False)": (A,), "nn.Dropout(p=1)": (A,),
    "nn.Dropout1d(0.3)": (CUBE,), "nn.Dropout2d(0.3)": (IMAGES,), "nn.Dropout3d(0.3)": (IMAGES,),
    "nn.AlphaDropout(0.3)": (A,), "nn.FeatureAlphaDropout(0.3)": (IMAGES,),
    "nn.AlphaDropout(p=0.1, inplace=True)": (A,),
    "nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Dropout(0.4), nn.Linear(20, 3), nn.Dropout(0.1, inplace=True))": (A,
        ),
}  # fmt: skip

ERRORS = {
    "skip_init: no module": lambda T: T.nn.utils.skip_init(dict),
    "skip_init: device": lambda T: T.nn.utils.skip_init(T.nn.ReLU),
    "rand: integers": lambda T: T.rand(2, dtype=T.int64),
    "randint: empty": lambda T: T.randint(5, 5, (2,)),
    "randint: too large for uint8": lambda T: T.randint(0, 300, (2,), dtype=T.uint8),
    "random_: 0": lambda T: T.zeros(2).random_(0),
    "random_: too large for int8": lambda T: T.zeros(2, dtype=T.int8).random_(200),
    "randperm: negative": lambda T: T.randperm(-1),
    "randperm: too many for uint8": lambda T: T.randperm(300, dtype=T.uint8),
    "geometric_: 0": lambda T: T.zeros(2).geometric_(0.0),
    "geometric_: 1": lambda T: T.zeros(2).geometric_(1.0),
    "cauchy_: sigma": lambda T: T.zeros(2).cauchy_(0.0, -1.0),
    "cauchy_: integers": lambda T: T.zeros(2, dtype=T.int64).cauchy_(),
    "log_normal_: std": lambda T: T.zeros(2).log_normal_(1.0, 0.0),
    "exponential_: rate": lambda T: T.zeros(2).exponential_(0.0),
    "exponential_: integers": lambda T: T.zeros(2, dtype=T.int64).exponential_(),
    "normal_: std": lambda T: T.zeros(2).normal_(0.0, -1.0),
    "normal: a single number": lambda T: T.normal(0.0, 1.0),
    "uniform_: order": lambda T: T.zeros(2).uniform_(2.0, 1.0),
    "uniform_: width": lambda T: T.zeros(2).uniform_(-3e38, 3e38),
    "uniform_: name": lambda T: T.zeros(2).uniform_(b=3),
    "bernoulli_: p": lambda T: T.zeros(2).bernoulli_(1.5),
    "bernoulli_: integers": lambda T: T.zeros(2).bernoulli_(T.tensor([0, 1])),
    "bernoulli_: shape": lambda T: T.zeros(3).bernoulli_(T.tensor([0.5, 0.5])),
    "bernoulli: integers": lambda T: T.bernoulli(T.tensor([0, 1])),
    "manual_seed: too large": lambda T: T.manual_seed(2**64),
    "Generator: a fraction": lambda T: T.Generator().manual_seed(1.5),
    "set_rng_state: dtype": lambda T: T.set_rng_state(T.zeros(5056)),
    "set_rng_state: size": lambda T: T.set_rng_state(T.zeros(5, dtype=T.uint8)),
    "set_rng_state: bytes": lambda T: T.set_rng_state(T.zeros(5056, dtype=T.uint8)),
    "dropout: p": lambda T: T.nn.functional.dropout(T.ones(2), 1.5),
    "dropout: integers": lambda T: T.nn.functional.dropout(T.ones(2, dtype=T.int64), 0.5),
    "dropout1d: dimensions": lambda T: T.nn.functional.dropout1d(T.ones(2, 2, 2, 2)),
    "feature_dropout: dimensions": lambda T: T.feature_dropout(T.ones(2), 0.5, True),
    "Dropout2d: p": lambda T: T.nn.Dropout2d(-0.1),
    "RandomSampler: nothing": lambda T: T.utils.data.RandomSampler([]),
    "RandomSampler: none wanted": lambda T: T.utils.data.RandomSampler([1], num_samples=0),
}
