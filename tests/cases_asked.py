"""Mistakes as beginners make them, asked as they would ask: each program returns the answers of `why` and `lint`,
each of which must give one of the causes."""

import copy
import math

import tinygrad_edu as tg
from tinygrad_edu import lint, nn, optim, why
from tinygrad_edu.nn import functional as F

ASKED = {}


def case(*causes):
    def register(program):
        ASKED[program.__name__] = program, causes
        return program

    return register


tg.manual_seed(1)
X = tg.randn(16, 3)
Y = X.sum(1, keepdim=True)
L = tg.randint(0, 4, (16,))  # labels
B = (Y > 0).float()


def mlp(*end, out=4):
    return nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, out), *end)


@case("requires_grad")
def forgot_requires_grad():
    x = tg.tensor([1.0, 2.0])
    w = tg.tensor([3.0, 4.0], requires_grad=True)
    (x * w).sum().backward()
    return why(x)


@case("not a leaf")
def intermediate():
    x = tg.tensor([1.0], requires_grad=True)
    y = x * 2
    z = y.mean()
    z.backward()
    return why(y)


@case("not a leaf")
def moved():
    a = tg.randn(3, requires_grad=True).to(tg.float64)
    a.sum().backward()
    return why(a)


@case("not a leaf")
def list_of_scaled():
    ws = [tg.randn(3, 3, requires_grad=True) * 0.01 for _ in range(2)]
    h = X
    for w in ws:
        h = h @ w
    h.sum().backward()
    return why(ws[0])


@case("data")
def weight_data():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 4)
            self.out = nn.Linear(4, 1)

        def forward(self, x):
            return self.out(F.linear(x, self.fc.weight.data))

    m = Net()
    F.mse_loss(m(X), Y).backward()
    return why(m.fc.weight)


@case("comparison")
def thresholded():
    m = mlp(out=1)
    o = optim.SGD(m.parameters(), 0.1)

    def step():
        o.zero_grad()
        pred = (m(X) > 0).float()
        loss = F.binary_cross_entropy(pred, B)
        loss.backward()
        o.step()

    return lint(m, step)


@case("item")
def rewrapped():
    m = mlp(out=1)
    o = optim.SGD(m.parameters(), 0.1)

    def step():
        o.zero_grad()
        loss = F.mse_loss(m(X), Y)
        loss = tg.tensor(loss.item(), requires_grad=True)
        loss.backward()
        o.step()

    return lint(m, step), why(m[0].weight, step)


@case("data", "detached")
def rewrapped_data():
    m = mlp(out=1)
    o = optim.SGD(m.parameters(), 0.1)

    def step():
        o.zero_grad()
        loss = F.mse_loss(m(X), Y)
        loss = loss.data.requires_grad_()
        loss.backward()
        o.step()

    return lint(m, step), why(m[0].weight, step)


@case("detached")
def summed_detached():
    a, b = nn.Linear(3, 1), nn.Linear(3, 1)

    def f():
        loss = 0
        for k, m in enumerate((a, b)):
            l = F.mse_loss(m(X), Y)
            loss = loss + (l.detach() if k == 0 else l)
        return loss

    return why(a.weight, f)


@case("replaced")
def new_parameter_each_step():
    m = nn.Linear(3, 1)
    o = optim.SGD(m.parameters(), 0.1)
    m.weight = nn.Parameter(m.weight * 0.9)

    def step():
        o.zero_grad()
        F.mse_loss(m(X), Y).backward()
        o.step()

    return lint(m, step), why(m.weight, step)


@case("replaced", "not in the optimizer")
def deepcopied():
    m = mlp()
    o = optim.SGD(m.parameters(), 0.1)
    m = copy.deepcopy(m)

    def step():
        o.zero_grad()
        F.cross_entropy(m(X), L).backward()
        o.step()

    return lint(m, step)


@case("nll_loss without log_softmax", "softmax over the batch")
def softmax_over_batch():
    m = mlp(nn.LogSoftmax(0))
    o = optim.SGD(m.parameters(), 0.1)

    def step():
        o.zero_grad()
        F.nll_loss(m(X), L).backward()
        o.step()

    return lint(m, step)


@case("batch of one")
def batch_of_one():
    m = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
    return lint(m, lambda: F.mse_loss(m(X[:1]), Y[:1]))


@case("missing zero_grad")
def zero_grad_without_call():
    m = mlp()
    o = optim.Adam(m.parameters())

    def step():
        o.zero_grad
        F.cross_entropy(m(X), L).backward()
        o.step()

    return lint(m, step)


@case("backward not called")
def backward_without_call():
    m = mlp()
    o = optim.Adam(m.parameters())

    def step():
        o.zero_grad()
        loss = F.cross_entropy(m(X), L)
        loss.backward
        o.step()

    return lint(m, step)


@case("no step")
def step_without_call():
    m = mlp()
    o = optim.Adam(m.parameters())

    def step():
        o.zero_grad()
        loss = F.cross_entropy(m(X), L)
        loss.backward()
        o.step

    return lint(m, step)


@case("eval during training")
def eval_never_undone():
    m = mlp(nn.Dropout(0.2))
    o = optim.Adam(m.parameters())

    def epoch():
        o.zero_grad()
        F.cross_entropy(m(X), L).backward()
        o.step()
        m.eval()
        with tg.no_grad():
            return (m(X).argmax(1) == L).float().mean().item()

    return lint(m, epoch)


@case("dropout during evaluation")
def functional_dropout():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 16)
            self.b = nn.Linear(16, 4)

        def forward(self, x):
            return self.b(F.dropout(self.a(x).relu(), 0.5))

    m = Net()
    m.eval()

    def test():
        with tg.no_grad():
            return (m(X).argmax(1) == L).float().mean().item()

    return lint(m, test)


@case("0/0")
def constant_feature():
    m = nn.Linear(3, 1)
    x = X.clone()
    x[:, 1] = 2.0

    def f():
        z = (x - x.mean(0)) / x.std(0)
        return F.mse_loss(m(z), Y)

    return why(m.weight, f), lint(m, f)


@case("log of 0")
def own_cross_entropy():
    m = nn.Linear(3, 4)

    def f():
        e = m(X * 100).softmax(1)
        return -(e.log() * F.one_hot(L, 4)).sum(1).mean()

    return why(m.weight, f), lint(m, f)


@case("sqrt at 0")
def distance_of_equal_points():
    m = nn.Linear(3, 2)

    def f():
        a, b = m(X), m(X)
        return (((a - b) ** 2).sum(1)).sqrt().mean()

    return why(m.weight, f), lint(m, f)


@case("targets out of range")
def relu_regression():
    m = mlp(nn.ReLU(), out=1)
    return lint(m, lambda: F.mse_loss(m(X), Y - 20))


@case("targets out of range")
def sigmoid_regression():
    m = mlp(nn.Sigmoid(), out=1)
    return lint(m, lambda: F.mse_loss(m(X), Y * 20 + 100))


@case("frozen")
def all_frozen():
    m = mlp()
    for p in m.parameters():
        p.requires_grad = False
    return lint(m, lambda: F.cross_entropy(m(X), L)), why(m[0].weight, lambda: F.cross_entropy(m(X), L))


@case("backward gives None", "custom function", "no gradient")
def function_without_backward():
    class Clip(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clamp(0, 1)

        @staticmethod
        def backward(ctx, g):
            return None

    m = nn.Linear(3, 1)
    f = lambda: F.mse_loss(Clip.apply(m(X)), Y)
    return why(m.weight, f), lint(m, f)


@case("hook")
def hook():
    m = nn.Linear(3, 1)
    m.weight.register_hook(lambda g: g * 0)
    F.mse_loss(m(X), Y).backward()
    return why(m.weight), why(m.weight, lambda: F.mse_loss(m(X), Y))


@case("no_grad")
def everything_under_no_grad():
    m = mlp()
    o = optim.Adam(m.parameters())

    def step():
        with tg.no_grad():
            o.zero_grad()
            loss = F.cross_entropy(m(X), L)
            loss.backward()
            o.step()

    return lint(m, step)


@case("no_grad")
def switched_off():
    m = mlp()
    tg.set_grad_enabled(False)
    try:
        return lint(m, lambda: F.cross_entropy(m(X), L)), why(m[0].weight, lambda: F.cross_entropy(m(X), L))
    finally:
        tg.set_grad_enabled(True)


@case("input and target exchanged")
def swapped():
    m = mlp(nn.Sigmoid(), out=1)
    return lint(m, lambda: F.binary_cross_entropy(B, m(X)))


@case("replaced", "not in the optimizer")
def copies_in_optimizer():
    m = mlp()
    o = optim.SGD([p.detach().clone().requires_grad_() for p in m.parameters()], 0.1)

    def step():
        o.zero_grad()
        F.cross_entropy(m(X), L).backward()
        o.step()

    return lint(m, step), why(m[0].weight, step)


@case("clamped")
def clamped_probabilities():
    m = nn.Linear(3, 1)
    with tg.no_grad():
        m.bias.fill_(9.0)
    f = lambda: F.binary_cross_entropy(m(X).clamp(0.01, 0.99), B)
    return why(m.weight, f), lint(m, f)


@case("detached", "data")
def recurrent_data():
    c = nn.RNNCell(3, 4)
    e = nn.Linear(3, 3)

    def f():
        h = tg.zeros(16, 4)
        z = e(X).data
        for _ in range(3):
            h = c(z, h)
        return h.square().mean()

    return why(e.weight, f)


@case("graph kept")
def running_loss():
    m = mlp()
    o = optim.SGD(m.parameters(), 0.1)
    s = {"total": 0.0}

    def step():
        o.zero_grad()
        l = F.cross_entropy(m(X), L)
        l.backward()
        o.step()
        s["total"] = s["total"] + l

    return lint(m, step)


@case("saturated")
def unnormalised_sigmoid():
    m = nn.Sequential(nn.Linear(3, 8), nn.Sigmoid(), nn.Linear(8, 1))
    x = X * 1e6 + 3e6
    f = lambda: F.mse_loss(m(x), Y)
    f().backward()
    return why(m[0].weight), why(m[0].weight, f)


@case("rebuilt")
def rebuilt_loss():
    m = nn.Linear(3, 1)
    f = lambda: tg.tensor([F.mse_loss(m(X), Y), m.weight.square().sum()], requires_grad=True).mean()
    f().backward()
    return why(m.weight), why(m.weight, f), lint(m, f)


@case("rebuilt")
def tensor_of_tensor():
    a, b = nn.Linear(3, 4), nn.Linear(4, 1)
    f = lambda: F.mse_loss(b(tg.tensor(a(X))), Y)
    f().backward()
    return why(a.weight), why(a.weight, f)


@case("no_grad")
def inference():
    a, b = nn.Linear(3, 4), nn.Linear(4, 1)

    @tg.inference_mode()
    def features(x):
        return a(x)

    f = lambda: F.mse_loss(b(features(X)), Y)
    f().backward()
    return why(a.weight), why(a.weight, f)


@case("detached")
def clone_detach():
    a, b = nn.Linear(3, 4), nn.Linear(4, 1)

    def f():
        h = a(X).clone().detach()
        h.requires_grad = True
        return F.mse_loss(b(h), Y)

    f().backward()
    return why(a.weight), why(a.weight, f)


@case("overflow")
def half_overflow():
    w = tg.ones(4, dtype=tg.float16, requires_grad=True)
    x = tg.full((4,), 300.0, dtype=tg.float16)
    f = lambda: ((w * x) ** 2).sum()
    return why(w, f), why(w, f())


@case("nothing left by the mask")
def masked_row():
    m = nn.Linear(3, 4)
    mask = tg.zeros(16, 4, dtype=tg.bool)
    mask[2] = True
    f = lambda: m(X).masked_fill(mask, -math.inf).softmax(1).square().sum()
    return why(m.weight, f), lint(m, f)


@case("log of a negative number")
def log1p_negative():
    m = nn.Linear(3, 1)
    f = lambda: (1 + 5 * m(X)).log().mean()
    return why(m.weight, f), lint(m, f)


@case("power at 0")
def power_half():
    m = nn.Linear(3, 1)
    f = lambda: ((m(X) - m(X)) ** 0.5).mean()
    return why(m.weight, f), lint(m, f)


@case("nothing to reduce")
def empty_selection():
    m = nn.Linear(3, 1)
    f = lambda: ((m(X) - Y) ** 2)[Y > 100].mean()
    return why(m.weight, f), lint(m, f)


@case("NaN in a parameter")
def blown_up():
    m = nn.Linear(3, 1)
    o = optim.SGD(m.parameters(), 1e6)
    for _ in range(20):
        o.zero_grad()
        l = F.mse_loss(m(X), Y)
        l.backward()
        o.step()
    return why(m.weight), why(m.weight, lambda: F.mse_loss(m(X), Y))


@case("not registered", "plain list", "not in the optimizer")
def closure_layer():
    layer = nn.Linear(3, 3)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = lambda x: layer(x).relu()
            self.out = nn.Linear(3, 1)

        def forward(self, x):
            return self.out(self.f(x))

    m = Net()
    o = optim.SGD(m.parameters(), 0.1)

    def step():
        o.zero_grad()
        F.mse_loss(m(X), Y).backward()
        o.step()

    return lint(m, step), why(layer.weight, step)


@case("replaced", "not in the optimizer")
def data_in_optimizer():
    w = tg.randn(3, 1, requires_grad=True)
    o = optim.SGD([w.data], 0.1)

    def step():
        o.zero_grad()
        F.mse_loss(X @ w, Y).backward()
        o.step()

    return why(w, step)


@case("not used")
def wrong_loss():
    a, b = nn.Linear(3, 1), nn.Linear(3, 1)
    first, second = F.mse_loss(a(X), Y), F.mse_loss(b(X), Y)
    second.backward()  # instead of (first + second).backward()
    assert first > 0
    return why(a.weight, second)


@case("backward twice")
def twice():
    m = nn.Linear(3, 1)

    def step():
        l = F.mse_loss(m(X), Y)
        l.backward()
        l.backward()

    return lint(m, step)


@case("changed in place")
def in_place():
    m = nn.Linear(3, 1)

    def step():
        h = m(X).exp()
        z = h.log()
        h += 1
        (z + h).sum().backward()

    return lint(m, step)


@case("masked", "multiplied by zero")
def mask_zero_attention():
    m = nn.Linear(3, 1)
    mask = tg.zeros(16, 1)
    f = lambda: (F.mse_loss(m(X), Y, reduction="none") * mask).sum() / 16
    return why(m.weight, f)


@case("sigmoid before cross-entropy")
def sigmoid_ce():
    m = mlp(nn.Sigmoid())
    return lint(m, lambda: nn.CrossEntropyLoss()(m(X), L))


@case("softmax before cross-entropy")
def softmax_ce_reshaped():
    m = mlp()

    def f():
        p = F.softmax(m(X), dim=-1).reshape(4, 4, 4)
        return F.cross_entropy(p.reshape(-1, 4), L)

    return lint(m, f), lint(m, f())


@case("softmax before cross-entropy")
def one_hot_targets():
    m = mlp(nn.Softmax(-1))
    return lint(m, lambda: F.cross_entropy(m(X), F.one_hot(L, 4).float()))


@case("shapes broadcast")
def l1_row():
    m = nn.Linear(3, 1)
    y = Y.squeeze()
    return lint(m, lambda: (m(X) - y).abs().mean()), lint(m, nn.L1Loss()(m(X), y))


@case("error")
def shape_error():
    m = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(5, 1))
    return lint(m, lambda: m(X).sum())


@case("train during evaluation")
def validation_in_train_mode():
    m = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4))
    o = optim.Adam(m.parameters())

    def epoch():
        o.zero_grad()
        F.cross_entropy(m(X), L).backward()
        o.step()
        with tg.no_grad():
            return F.cross_entropy(m(X), L).item()

    return lint(m, epoch)


@case("scheduler before optimizer")
def sched_epoch():
    m = mlp()
    o = optim.Adam(m.parameters())
    s = optim.lr_scheduler.CosineAnnealingLR(o, 10)

    def epoch():
        s.step()
        for i in range(2):
            o.zero_grad()
            F.cross_entropy(m(X[i::2]), L[i::2]).backward()
            o.step()

    return lint(m, epoch)


@case("dead relu")
def relu_of_relu_negative():
    m = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1))
    with tg.no_grad():
        m[2].weight.abs_().neg_()
        m[2].bias.fill_(-1)
    f = lambda: F.mse_loss(m(X), Y)
    b = why(m[0].weight, f())
    f().backward()
    return why(m[0].weight), b, why(m[0].weight, f), lint(m, f)


@case("vanishing")
def deep_sigmoids():
    m = nn.Sequential(*[x for _ in range(40) for x in (nn.Linear(8, 8), nn.Sigmoid())])
    x = tg.randn(4, 8)
    f = lambda: m(x).square().mean()
    return why(m[0].weight, f), lint(m, f)


def loop(m, o, f, n=3):
    for _ in range(n):
        o.zero_grad()
        l = f()
        l.backward()
        o.step()
        assert l.item() == l.item()


@case("detached")
def a_detach_loop():
    class N(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 8)
            self.b = nn.Linear(8, 4)

        def forward(self, x):
            return self.b(self.a(x).relu().detach())

    m = N()
    o = optim.Adam(m.parameters())
    loop(m, o, lambda: F.cross_entropy(m(X), L))
    return why(m.a.weight), why(m.a.bias)


@case("data")
def a_data_loop():
    class N(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 8)
            self.b = nn.Linear(8, 4)

        def forward(self, x):
            h = self.a(x).tanh()
            return self.b(h.data)

    m = N()
    o = optim.Adam(m.parameters())
    loop(m, o, lambda: F.cross_entropy(m(X), L))
    return (why(m.a.weight),)


@case("numpy", "detached")
def a_numpy_loop():
    class N(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 8)
            self.b = nn.Linear(8, 4)

        def forward(self, x):
            h = self.a(x).detach().numpy()
            h = tg.from_numpy(h * (h > 0))
            return self.b(h)

    m = N()
    o = optim.Adam(m.parameters())
    loop(m, o, lambda: F.cross_entropy(m(X), L))
    return why(m.a.weight), lint(m, lambda: F.cross_entropy(m(X), L))


@case("no_grad")
def a_nograd_loop():
    class N(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 8)
            self.b = nn.Linear(8, 4)

        def forward(self, x):
            with tg.no_grad():
                h = self.a(x).relu()
            return self.b(h)

    m = N()
    o = optim.Adam(m.parameters())
    loop(m, o, lambda: F.cross_entropy(m(X), L))
    return (why(m.a.weight),)


@case("not used")
def a_unused_loop():
    class N(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 8)
            self.skip = nn.Linear(3, 8)
            self.b = nn.Linear(8, 4)

        def forward(self, x):
            y = self.skip(x)
            return self.b(self.a(x).relu())

    m = N()
    o = optim.Adam(m.parameters())
    loop(m, o, lambda: F.cross_entropy(m(X), L))
    return (
        why(m.skip.weight),
        why(m.skip.weight, lambda: F.cross_entropy(m(X), L)),
        lint(m, lambda: F.cross_entropy(m(X), L)),
    )


@case("dead relu")
def a_dead_loop():
    m = mlp()
    o = optim.SGD(m.parameters(), 1e3)
    loop(m, o, lambda: F.cross_entropy(m(X), L), 5)
    with tg.no_grad():
        m[0].bias.fill_(-1e12)
    loop(m, o, lambda: F.cross_entropy(m(X), L), 1)
    return why(m[0].weight), why(m[0].weight, lambda: F.cross_entropy(m(X), L))


@case("plain list", "not in the optimizer")
def a_list():
    class N(nn.Module):
        def __init__(self):
            super().__init__()
            self.ls = [nn.Linear(3, 3) for _ in range(2)]
            self.b = nn.Linear(3, 4)

        def forward(self, x):
            for l in self.ls:
                x = l(x).relu()
            return self.b(x)

    m = N()
    o = optim.Adam(m.parameters())
    loop(m, o, lambda: F.cross_entropy(m(X), L))
    return why(m.ls[0].weight), why(m.ls[0].weight, lambda: F.cross_entropy(m(X), L))


@case("multiplied by zero", "masked")
def a_mask_loop():
    m = nn.Linear(3, 1)
    o = optim.SGD(m.parameters(), 0.1)
    mask = tg.zeros(16, 1)
    loop(m, o, lambda: (mask * (m(X) - Y) ** 2).sum())
    return why(m.weight, lambda: (mask * (m(X) - Y) ** 2).sum()), lint(m, lambda: (mask * (m(X) - Y) ** 2).sum())


@case("cast", "comparison", "argmax", "no gradient", "loss without graph")
def b_cast():
    m = nn.Linear(3, 1)
    l = (m(X) > 0).float().mean()
    return why(m.weight, l), why(m.weight, lambda: (m(X) > 0).float().mean())


@case("shapes broadcast")
def tensor_lint_sub():
    m = nn.Linear(3, 1)
    t = Y[:, 0]
    return lint(m, ((m(X) - t) ** 2).mean()), lint(m, F.mse_loss(m(X), t))


@case("missing zero_grad")
def module_style():
    m = mlp()
    o = optim.SGD(m.parameters(), 0.1)
    crit = nn.CrossEntropyLoss()

    def train():
        for i in range(4):
            l = crit(m(X[i::4]), L[i::4])
            l.backward()
            o.step()

    return lint(m, train)


@case("label out of range")
def neg_label():
    m = mlp()
    return lint(m, lambda: F.cross_entropy(m(X), L - 1))


@case("label dtype")
def float_nll():
    m = mlp(nn.LogSoftmax(1))
    return lint(m, lambda: F.nll_loss(m(X), L.float()))


@case("error")
def int_input():
    m = nn.Linear(3, 1)
    return lint(m, lambda: m(tg.ones(4, 3, dtype=tg.int64)).sum())


@case("learning rate too large")
def lr_adam():
    m = mlp(out=1)
    return lint(m, mk(m, optim.SGD(m.parameters(), 10.0)))


def mk(m, o):
    def s():
        o.zero_grad()
        l = F.mse_loss(m(X * 3), Y * 3)
        l.backward()
        o.step()
        return l.item()

    return s


@case("where")
def sinc():
    m = nn.Linear(3, 1)
    with tg.no_grad():
        m.weight.zero_()
        m.bias.zero_()
    f = lambda: tg.where(m(X) == 0, tg.ones(16, 1), m(X).sin() / m(X)).sum()
    return why(m.bias, f), lint(m, f)


@case("norm of 0", "sqrt at 0", "0/0")
def normalize_zero():
    m = nn.Linear(3, 2)
    nn.init.zeros_(m.weight)
    nn.init.zeros_(m.bias)
    f = lambda: (m(X) / m(X).pow(2).sum(1, keepdim=True).sqrt()).sum()
    return why(m.weight, f), lint(m, f)


@case("overflow")
def softplus_by_hand():
    m = nn.Linear(3, 1)
    f = lambda: (1 + (m(X * 1e4)).exp()).log().mean()
    return why(m.weight, f), lint(m, f)


@case("log of 0")
def bce_by_hand():
    m = nn.Linear(3, 1)

    def f():
        p = (m(X) * 1e4).sigmoid()
        return -(B * p.log() + (1 - B) * (1 - p).log()).mean()

    return why(m.weight, f), lint(m, f)


@case("graph kept")
def outputs_collected():
    m = mlp()
    o = optim.SGD(m.parameters(), 0.1)
    outs = []

    def s():
        o.zero_grad()
        y = m(X)
        outs.append(y)
        F.cross_entropy(y, L).backward()
        o.step()

    return lint(m, s)


@case("eval during training")
def bn_eval_manual():
    m = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4))
    m.eval()
    o = optim.Adam(m.parameters())
    return lint(m, lambda: F.cross_entropy(m(X), L), o)


@case("one class", "softmax of one")
def binary_softmax():
    m = mlp(nn.Softmax(1), out=1)
    return lint(m, lambda: F.binary_cross_entropy(m(X), B))


@case("requires_grad", "no_grad", "frozen")
def param_no_grad():
    class N(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = tg.randn(3, 1)
            self.b = nn.Parameter(tg.zeros(1))

        def forward(self, x):
            return x @ self.w + self.b

    m = N()
    F.mse_loss(m(X), Y).backward()
    return (why(m.w),)


@case("not a leaf", "no_grad", "requires_grad")
def init_scaled_param():
    w = tg.randn(3, 1, requires_grad=True)
    w = w / 3**0.5
    F.mse_loss(X @ w, Y).backward()
    return (why(w),)


@case("replaced")
def manual_update():
    w = tg.randn(3, 1, requires_grad=True)
    for i in range(2):
        l = F.mse_loss(X @ w, Y)
        l.backward()
        if i == 0:
            with tg.no_grad():
                w.copy_(w - 0.1 * w.grad)
    w = w - 0.1 * w.grad
    return (why(w),)


@case("detached")
def attention_detached():
    class N(nn.Module):
        def __init__(self):
            super().__init__()
            self.q = nn.Linear(3, 4)
            self.k = nn.Linear(3, 4)
            self.v = nn.Linear(3, 4)

        def forward(self, x):
            a = (self.q(x) @ self.k(x).mT).softmax(-1)
            return a.detach() @ self.v(x)

    m = N()
    o = optim.Adam(m.parameters())
    f = lambda: F.cross_entropy(m(X), L)

    def step():
        o.zero_grad()
        l = f()
        l.backward()
        o.step()

    return why(m.q.weight, f), lint(m, step), why(m.q.weight, f())


@case("detached", "data")
def residual_partial():
    class N(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 3)
            self.b = nn.Linear(3, 4)

        def forward(self, x):
            return self.b(x + self.a(x).data)

    m = N()
    F.cross_entropy(m(X), L).backward()
    return why(m.a.weight), lint(m, lambda: F.cross_entropy(m(X), L))


@case("item")
def weighted_by_item():
    m = nn.Linear(3, 1)
    g = nn.Parameter(tg.ones(1))
    f = lambda: F.mse_loss(m(X), Y) * float(g)
    f().backward()
    return why(g), why(g, f)


@case("no_grad")
def decorated_forward():
    class E(nn.Module):
        def __init__(self):
            super().__init__()
            self.l = nn.Linear(3, 4)

        @tg.no_grad()
        def forward(self, x):
            return self.l(x)

    e, h = E(), nn.Linear(4, 4)
    m = nn.Sequential(e, h)
    o = optim.Adam(m.parameters())

    def step():
        o.zero_grad()
        l = F.cross_entropy(m(X), L)
        l.backward()
        o.step()

    r = lint(m, step)
    step()
    return r, why(e.l.weight), why(e.l.weight, step)


@case("rounded", "cast")
def quantized():
    m = nn.Linear(3, 1)
    f = lambda: F.mse_loss((m(X) * 10).floor() / 10, Y)
    f().backward()
    return why(m.weight, f), lint(m, f)


@case("argmax", "no gradient", "detached", "cast")
def hard_attention():
    e = nn.Linear(3, 5)
    v = nn.Parameter(tg.randn(5, 4))
    f = lambda: F.cross_entropy(v[e(X).argmax(1)], L)
    f().backward()
    return why(e.weight, f)


@case("clamped")
def relu_clipped():
    m = nn.Sequential(nn.Linear(3, 1), nn.ReLU6())
    with tg.no_grad():
        m[0].bias.fill_(100.0)
    f = lambda: F.mse_loss(m(X), Y)
    return why(m[0].weight, f)


@case("clamped")
def hardtanh():
    m = nn.Sequential(nn.Linear(3, 1), nn.Hardtanh())
    with tg.no_grad():
        m[0].bias.fill_(100.0)
    f = lambda: F.mse_loss(m(X), Y)
    f().backward()
    return why(m[0].weight), why(m[0].weight, f), lint(m, f)


@case("masked", "multiplied by zero")
def padding_mask():
    emb = nn.Embedding(5, 4)
    x = tg.zeros(8, dtype=tg.int64)
    mask = x != 0
    f = lambda: (emb(x) * mask[:, None].float()).sum()
    return why(emb.weight, f)


@case("not used")
def overwritten_output():
    class N(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 8)
            self.b = nn.Linear(3, 8)
            self.c = nn.Linear(8, 4)

        def forward(self, x):
            h = self.a(x).relu()
            h = self.b(x).relu()
            return self.c(h)

    m = N()
    o = optim.Adam(m.parameters())
    f = lambda: F.cross_entropy(m(X), L)

    def step():
        o.zero_grad()
        l = f()
        l.backward()
        o.step()

    return lint(m, step), lint(m, f), lint(m, f()), why(m.a.weight, f)


@case("plain list")
def dict_of_layers():
    class N(nn.Module):
        def __init__(self):
            super().__init__()
            self.d = {"a": nn.Linear(3, 8), "b": [nn.Linear(8, 4)]}

        def forward(self, x):
            return self.d["b"][0](self.d["a"](x).relu())

    m = N()
    return lint(m, lambda: F.cross_entropy(m(X), L)), lint(m, F.cross_entropy(m(X), L))


@case("softmax before cross-entropy")
def softmax_in_model_crit():
    class N(nn.Module):
        def __init__(self):
            super().__init__()
            self.l = nn.Linear(3, 4)

        def forward(self, x):
            return tg.softmax(self.l(x), dim=1)

    m = N()
    crit = nn.CrossEntropyLoss()
    return lint(m, crit(m(X), L)), lint(m, lambda: crit(m(X), L))


@case("shapes broadcast")
def crit_mse():
    m = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    crit = nn.MSELoss()
    y = Y.flatten()

    def step():
        l = crit(m(X), y)
        l.backward()
        return l

    return lint(m, step), lint(m, crit(m(X), y))


@case("shapes broadcast")
def huber_rev():
    m = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0))
    return lint(m, lambda: F.huber_loss(m(X), Y))


@case("zero_grad after backward")
def zero_then_step():
    m = mlp()
    o = optim.SGD(m.parameters(), 0.1)

    def step():
        l = F.cross_entropy(m(X), L)
        l.backward()
        m.zero_grad()
        o.step()

    return lint(m, step), why(m[0].weight, step)


@case("step before backward")
def step_first():
    m = mlp()
    o = optim.SGD(m.parameters(), 0.1)

    def step():
        l = F.cross_entropy(m(X), L)
        o.step()
        o.zero_grad()
        l.backward()

    return lint(m, step)


@case("log of 0", "not finite")
def entropy():
    p = tg.tensor([0.5, 0.5, 0.0], requires_grad=True)
    f = lambda: -(p * p.log()).sum()
    f().backward()
    return why(p), why(p, f)


@case("NaN in the data")
def missing_values():
    m = mlp(out=1)
    x = X.clone()
    x[3, 1] = math.nan
    f = lambda: F.mse_loss(m(x), Y)
    return why(m[0].weight, f), lint(m, f)


@case("NaN in the data")
def nan_target():
    m = mlp(out=1)
    y = Y.clone()
    y[3] = math.nan
    f = lambda: F.mse_loss(m(X), y)
    return why(m[0].weight, f), lint(m, f)


@case("where")
def safe_log_wrong():
    m = nn.Linear(3, 1)
    f = lambda: tg.where(m(X) > 0, m(X).log(), tg.zeros(16, 1)).mean()
    return lint(m, f)


@case("train during evaluation")
def test_fn():
    m = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Linear(8, 4))

    def test():
        c = 0
        with tg.no_grad():
            for i in range(4):
                c += (m(X[i::4]).argmax(1) == L[i::4]).sum().item()
        return c / 16

    return lint(m, test)


@case("graph kept between steps")
def lstm_hidden():
    r = nn.LSTM(3, 8)
    o = optim.SGD(r.parameters(), 0.1)
    st = [None]
    x = tg.randn(5, 2, 3)

    def step():
        o.zero_grad()
        h, st[0] = r(x, st[0])
        h.square().mean().backward()
        o.step()

    return lint(r, step)


@case("same initial weights")
def constant_init():
    m = mlp()
    for p in m.parameters():
        nn.init.constant_(p, 0.5)
    o = optim.SGD(m.parameters(), 0.1)

    def step():
        o.zero_grad()
        F.cross_entropy(m(X), L).backward()
        o.step()

    return lint(m, step)


@case("not in the optimizer")
def forgot_head():
    body, head = nn.Linear(3, 8), nn.Linear(8, 4)
    m = nn.Sequential(body, nn.ReLU(), head)
    o = optim.Adam(body.parameters())

    def step():
        o.zero_grad()
        F.cross_entropy(m(X), L).backward()
        o.step()

    return lint(m, step), why(head.weight, step)


@case("frozen")
def frozen_param():
    m = mlp()
    m[0].weight.requires_grad = False
    F.cross_entropy(m(X), L).backward()
    return why(m[0].weight), why(m[0].weight, lambda: F.cross_entropy(m(X), L))


@case("saturated")
def softmax_saturated():
    m = nn.Linear(3, 4)
    f = lambda: (m(X * 1e7).softmax(1) * tg.randn(4)).sum()
    return (why(m.weight, f),)


@case("saturated", "vanishing")
def big_init():
    m = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    nn.init.normal_(m[0].weight, std=1e5)
    f = lambda: F.mse_loss(m(X), Y)
    return why(m[0].weight, f), lint(m, f), why(m[0].weight, f())
