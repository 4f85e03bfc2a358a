"""Correct programs of many kinds, with things that look like mistakes: each gives the arguments of `lint`, which must
have nothing to say."""

import copy

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.nn import functional as F

PROGRAMS = {}


def case(program):
    PROGRAMS[program.__name__] = program
    return program


tg.manual_seed(1)
X = tg.randn(16, 3)
Y = X.sum(1, keepdim=True)
L = tg.randint(0, 4, (16,))  # labels
B = (Y > 0).float()


def mlp(*end, out=4):
    return nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, out), *end)


def train(m, f, o=None, clip=False):
    o = o or optim.Adam([p for p in m.parameters() if p.requires_grad], 1e-3)

    def step():
        o.zero_grad()
        l = f()
        l.backward()
        if clip:
            nn.utils.clip_grad_norm_(m.parameters(), 1.0)
        o.step()
        return l.item()

    return m, step


@case
def nll():
    m = mlp(nn.LogSoftmax(1))
    return train(m, lambda: F.nll_loss(m(X), L))


@case
def bce():
    m = mlp(nn.Sigmoid(), out=1)
    return train(m, lambda: F.binary_cross_entropy(m(X), B), clip=True)


@case
def bce_logits_row():
    m = mlp(out=1)
    return train(m, lambda: F.binary_cross_entropy_with_logits(m(X)[:, 0], B[:, 0]))


@case
def smoothing():
    m = mlp()
    return train(m, lambda: F.cross_entropy(m(X), L, weight=tg.tensor([1.0, 2.0, 1.0, 0.5]), label_smoothing=0.1))


@case
def focal():
    m = mlp()

    def f():
        lp = F.log_softmax(m(X), 1).gather(1, L[:, None])[:, 0]
        return (-((1 - lp.exp()) ** 2) * lp).mean()

    return train(m, f)


@case
def distill():
    t, m = mlp(), mlp()
    t.eval()

    def f():
        with tg.no_grad():
            p = F.softmax(t(X) / 2, 1)
        return F.kl_div(F.log_softmax(m(X) / 2, 1), p, reduction="batchmean") + F.cross_entropy(m(X), L)

    return train(m, f)


@case
def distill_train_teacher():
    t, m = mlp(nn.Dropout(0.1)), mlp(nn.Dropout(0.1))

    def f():
        with tg.no_grad():
            p = F.softmax(t(X) / 2, 1)
        return F.kl_div(F.log_softmax(m(X) / 2, 1), p, reduction="batchmean")

    return train(m, f)


@case
def actor_critic():
    class AC(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Linear(3, 16)
            self.pi = nn.Linear(16, 4)
            self.v = nn.Linear(16, 1)

        def forward(self, x):
            h = self.body(x).tanh()
            return self.pi(h), self.v(h)[:, 0]

    m = AC()
    R = tg.randn(16)

    def f():
        logits, v = m(X)
        lp = F.log_softmax(logits, 1)
        adv = (R - v).detach()
        a = lp.gather(1, L[:, None])[:, 0]
        return -(a * adv).mean() + F.mse_loss(v, R) - 0.01 * -(lp.exp() * lp).sum(1).mean()

    return train(m, f)


@case
def reinforce():
    m = mlp()

    def f():
        p = F.softmax(m(X), 1)
        a = tg.multinomial(p, 1)
        return -(p.gather(1, a).log()[:, 0] * tg.randn(16)).mean()

    return train(m, f)


@case
def dqn_in_one_module():
    class Q(nn.Module):
        def __init__(self):
            super().__init__()
            self.online = mlp()
            self.target = copy.deepcopy(self.online).requires_grad_(False)

        def forward(self, x):
            return self.online(x)

    m = Q()

    def f():
        q = m(X).gather(1, L[:, None])[:, 0]
        return F.mse_loss(q, tg.randn(16) + 0.9 * m.target(X).max(1).values)

    return train(m, f)


@case
def byol():
    class M(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc = mlp()
            self.momentum = mlp()
            self.pred = nn.Linear(4, 4)

    m = M()
    o = optim.SGD([*m.enc.parameters(), *m.pred.parameters()], 0.1)

    def step():
        o.zero_grad()
        with tg.no_grad():
            z = m.momentum(X + 0.1)
        l = -F.cosine_similarity(m.pred(m.enc(X).relu()), z).mean()
        l.backward()
        o.step()
        with tg.no_grad():
            for a, b in zip(m.momentum.parameters(), m.enc.parameters()):
                a.mul_(0.9).add_(0.1 * b)

    return m, step


@case
def simsiam():
    class M(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc = mlp()
            self.pred = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))

    m = M()

    def f():
        a, b = m.enc(X), m.enc(X + 0.1)
        return -F.cosine_similarity(m.pred(a), b.detach()).mean() - F.cosine_similarity(m.pred(b), a.detach()).mean()

    return train(m, f)


@case
def moe():
    class M(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = nn.Linear(3, 4)
            self.experts = nn.ModuleList([mlp(out=1) for _ in range(4)])

        def forward(self, x):
            p = F.softmax(self.gate(x).mean(0), 0)
            k = int(p.argmax())
            return self.experts[k](x) * p[k]

    m = M()
    return train(m, lambda: F.mse_loss(m(X), Y))


@case
def supcon():
    m = mlp()

    def f():
        z = F.normalize(m(X), dim=1)
        s = z @ z.mT / 0.5
        same = (L[:, None] == L).float() - tg.eye(16)
        lp = F.log_softmax(s - 1e9 * tg.eye(16), 1)
        return -(same * lp).sum() / 16

    return train(m, f)


@case
def rbf():
    class R(nn.Module):
        def __init__(self):
            super().__init__()
            self.c = nn.Parameter(tg.randn(16))
            self.out = nn.Linear(16, 1)

        def forward(self, x):
            return self.out((-((x[:, :1] - self.c) ** 2)).exp())

    m = R()
    return train(m, lambda: F.mse_loss(m(X), Y))


@case
def pinn():
    m = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    t = tg.linspace(0, 1, 9)[:, None]

    def f():
        s = t.clone().requires_grad_()
        u = m(s)
        (d,) = tg.grad(u.sum(), s, create_graph=True)
        return (d + u).square().mean() + (m(tg.zeros(1, 1)) - 1).square().mean()

    return train(m, f)


@case
def wgan():
    g, d = mlp(out=3), mlp(out=1)
    og, od = optim.RMSprop(g.parameters(), 1e-3), optim.RMSprop(d.parameters(), 1e-3)

    def step():
        for _ in range(2):
            od.zero_grad()
            with tg.no_grad():
                fake = g(tg.randn(16, 3))
            (d(fake).mean() - d(X).mean()).backward()
            od.step()
            for p in d.parameters():
                p.data.clamp_(-0.5, 0.5)
        og.zero_grad()
        (-d(g(tg.randn(16, 3))).mean()).backward()
        og.step()

    return g, step


@case
def gan_bn():
    g = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    d = mlp(out=1)
    od = optim.Adam(d.parameters())

    def step():
        od.zero_grad()
        with tg.no_grad():
            fake = g(tg.randn(16, 3))
        (F.softplus(d(fake)).mean() + F.softplus(-d(X)).mean()).backward()
        od.step()

    return g, step


@case
def frozen_bn():
    m = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4))
    m[1].eval().requires_grad_(False)
    return train(m, lambda: F.cross_entropy(m(X), L))


@case
def lstm_state():
    r = nn.LSTM(3, 8)
    o = optim.SGD(r.parameters(), 0.1)
    st = [None]
    x = tg.randn(5, 2, 3)

    def step():
        o.zero_grad()
        h, s = r(x, st[0])
        h.square().mean().backward()
        o.step()
        st[0] = tuple(a.detach() for a in s)

    return r, step


@case
def triplet():
    m = mlp()
    return train(
        m, lambda: F.relu((m(X) - m(X + 0.1)).square().sum(1) - (m(X) - m(X.flip(0))).square().sum(1) + 1).mean()
    )


@case
def embedding_bag():
    m = nn.Sequential(nn.Embedding(20, 8, padding_idx=0), nn.Flatten(), nn.Linear(32, 4))
    x = tg.randint(0, 20, (16, 4))
    return train(m, lambda: F.cross_entropy(m(x), L))


@case
def seq2seq_ignore():
    m = nn.Sequential(nn.Embedding(9, 8), nn.Linear(8, 9))
    x = tg.randint(0, 9, (4, 5))
    y = x.clone()
    y[:, 3:] = -100
    return train(m, lambda: F.cross_entropy(m(x).flatten(0, 1), y.flatten()))


@case
def segmentation():
    m = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 1))
    x = tg.rand(2, 3, 8, 8)
    y = tg.randint(0, 4, (2, 8, 8))
    return train(m, lambda: F.cross_entropy(m(x), y))


@case
def bytes_scaled():
    m = nn.Sequential(nn.Flatten(), nn.Linear(16, 4))
    x = tg.randint(0, 256, (16, 4, 4), dtype=tg.uint8)
    return train(m, lambda: F.cross_entropy(m(x.float() / 255), L))


@case
def counts():
    m = nn.Linear(3, 1)
    x = tg.randint(0, 9, (16, 3)).float()
    return train(
        m,
        lambda: (
            F.poisson_nll_loss(m(x), Y.abs().round())
            if hasattr(F, "poisson_nll_loss")
            else (m(x).exp() - Y.abs() * m(x)).mean()
        ),
    )


@case
def weight_norm():
    m = nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Linear(3, 8)),
        nn.ReLU(),
        nn.utils.parametrizations.spectral_norm(nn.Linear(8, 4)),
    )
    return train(m, lambda: F.cross_entropy(m(X), L))


@case
def residual_zero_init():
    class B(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 8)
            self.b = nn.Linear(8, 3)
            nn.init.zeros_(self.b.weight)
            nn.init.zeros_(self.b.bias)

        def forward(self, x):
            return x + self.b(self.a(x).relu())

    m = nn.Sequential(B(), B(), nn.Linear(3, 4))
    return train(m, lambda: F.cross_entropy(m(X), L))


@case
def rezero():
    class B(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 3)
            self.alpha = nn.Parameter(tg.zeros(1))

        def forward(self, x):
            return x + self.alpha * self.a(x).relu()

    m = nn.Sequential(B(), nn.Linear(3, 4))
    return train(m, lambda: F.cross_entropy(m(X), L))


@case
def two_optimizers():
    m = mlp()
    a, b = optim.SGD(m[0].parameters(), 0.1), optim.Adam(m[2].parameters())

    def step():
        m.zero_grad()
        F.cross_entropy(m(X), L).backward()
        a.step()
        b.step()

    return m, step


@case
def groups_and_clip():
    m = mlp()
    return train(
        m,
        lambda: F.cross_entropy(m(X), L),
        optim.SGD([{"params": m[0].parameters(), "lr": 1e-3}, {"params": m[2].parameters()}], 0.1, momentum=0.9),
        True,
    )


@case
def plateau():
    m = mlp(out=1)
    o = optim.SGD(m.parameters(), 0.01)
    s = optim.lr_scheduler.ReduceLROnPlateau(o)

    def ep():
        o.zero_grad()
        l = F.mse_loss(m(X), Y)
        l.backward()
        o.step()
        m.eval()
        with tg.no_grad():
            v = F.mse_loss(m(X), Y)
        s.step(v.item())
        m.train()

    return m, ep


@case
def loader():
    from tinygrad_edu.data import DataLoader, TensorDataset

    m = mlp()
    o = optim.Adam(m.parameters())
    d = DataLoader(TensorDataset(X, L), batch_size=5, shuffle=True)

    def ep():
        tot = 0
        for x, y in d:
            o.zero_grad()
            l = F.cross_entropy(m(x), y)
            l.backward()
            o.step()
            tot += l.item()
        return tot

    return m, ep


@case
def history_of_items():
    m = mlp()
    h = []
    o = optim.Adam(m.parameters())

    def s():
        o.zero_grad()
        l = F.cross_entropy(m(X), L)
        l.backward()
        o.step()
        h.append(l.detach())
        h.append(l.item())

    return m, s


@case
def last_loss_kept():
    m = mlp()
    st = {}
    o = optim.Adam(m.parameters())

    def s():
        o.zero_grad()
        st["loss"] = F.cross_entropy(m(X), L)
        st["loss"].backward()
        o.step()

    return m, s


@case
def hinge():
    m = nn.Linear(3, 1)
    return train(m, lambda: (1 - B.mul(2).sub(1) * m(X)).clamp(min=0).mean() + 0.01 * m.weight.square().sum())


@case
def hard_attention_mask():
    q = nn.MultiheadAttention(8, 2, batch_first=True)
    x = tg.randn(2, 5, 8)
    pad = tg.zeros(2, 5, dtype=tg.bool)
    pad[1, 3:] = True
    return train(q, lambda: q(x, x, x, key_padding_mask=pad)[0].square().mean())


@case
def single_relu_out():
    m = mlp(nn.ReLU(), out=1)
    with tg.no_grad():
        m[2].bias.fill_(1.0)
    return train(m, lambda: F.mse_loss(m(X), Y.abs()))


@case
def xor():
    m = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 1), nn.Sigmoid())
    x = tg.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    y = tg.tensor([[0.0], [1], [1], [0]])
    return train(m, lambda: F.mse_loss(m(x), y), optim.SGD(m.parameters(), 0.5))


@case
def linear_regression_zero_init():
    m = nn.Linear(3, 1)
    nn.init.zeros_(m.weight)
    nn.init.zeros_(m.bias)
    return train(m, lambda: F.mse_loss(m(X), Y))


@case
def softmax_regression_zero_init():
    m = nn.Linear(3, 4)
    nn.init.zeros_(m.weight)
    nn.init.zeros_(m.bias)
    return train(m, lambda: F.cross_entropy(m(X), L))


@case
def plain_attributes():
    class M(nn.Module):
        def __init__(self):
            super().__init__()
            self.sizes = [3, 8]
            self.cache = {}
            self.l = nn.Linear(3, 1)
            self.scale = tg.ones(1)
            self.teacher = [nn.Linear(3, 1).requires_grad_(False)]

        def forward(self, x):
            self.cache["x"] = self.l(x)
            return self.cache["x"] * self.scale + self.teacher[0](x)

    m = M()
    return train(m, lambda: F.mse_loss(m(X), Y))


@case
def lazy():
    m = nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.Linear(8, 1))
    m(X)
    return train(m, lambda: F.mse_loss(m(X), Y))


@case
def lr_search():
    m = nn.Linear(3, 1)
    return train(m, lambda: F.mse_loss(m(X), Y), optim.SGD(m.parameters(), 0.3))


@case
def adversarial():
    m = mlp()
    o = optim.Adam(m.parameters())

    def s():
        x = X.clone().requires_grad_()
        F.cross_entropy(m(x), L).backward()
        adv = (X + 0.1 * x.grad.sign()).detach()
        o.zero_grad()
        F.cross_entropy(m(adv), L).backward()
        o.step()

    return m, s


@case
def mc_dropout_no():
    m = mlp(nn.Dropout(0.3))
    m.eval()
    return m, lambda: F.cross_entropy(m(X), L)


@case
def loss_only_eval_tensor():
    m = mlp()
    return m, F.cross_entropy(m(X), L)


@case
def no_grad_eval_tensor():
    m = mlp()
    m.eval()

    def f():
        with tg.no_grad():
            return F.cross_entropy(m(X), L).item()

    return m, f


@case
def d_gpt():
    from demos.gpt import GPT

    m = GPT(20, 8, 16, 2)
    x = tg.randint(0, 20, (3, 9))
    return train(m, lambda: F.cross_entropy(m(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten()))


@case
def d_vae():
    from demos.vae import VAE, negative_elbo

    m = VAE(64)
    x = tg.rand(6, 64)
    return train(m, lambda: negative_elbo(x, *m(x))[0])


@case
def d_digits():
    from demos.digits import network, objective

    m = network(64)
    x = tg.rand(16, 64)
    y = tg.randint(0, 10, (16,))

    def f():
        r = objective(m(x), y, dict(m.named_parameters()), 1e-3)
        return r[0] if isinstance(r, tuple) else r

    return train(m, f)


@case
def d_flower():
    from demos.flower import network

    m = network()
    x = tg.randn(16, 2).double()
    return train(m, lambda: F.binary_cross_entropy(m(x), B.double()))


@case
def d_ode():
    from demos.ode import Field

    m = Field()
    x = tg.randn(5, 2)
    return train(m, lambda: (x + 0.1 * m(x) - x * 0.9).square().mean())


@case
def resnet_block():
    class B(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.a = nn.Conv2d(c, c, 3, padding=1, bias=False)
            self.n = nn.BatchNorm2d(c)
            self.b = nn.Conv2d(c, c, 3, padding=1, bias=False)
            self.m = nn.BatchNorm2d(c)

        def forward(self, x):
            return (x + self.m(self.b(self.n(self.a(x)).relu()))).relu()

    m = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), B(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4))
    x = tg.rand(4, 3, 8, 8)
    return train(m, lambda: F.cross_entropy(m(x), L[:4]))


@case
def stn_like_grid():
    m = nn.Linear(3, 2)
    return train(m, lambda: F.smooth_l1_loss(m(X), tg.cat([Y, -Y], 1)))
