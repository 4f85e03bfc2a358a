"""Training programs of all kinds, for the tests of films: each trains a few steps and says what the gradients were."""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.autograd import Function

PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


def trained(model, loss_of, optimizer, steps=3, after_backward=None):
    """Train; returns (parameters by name, their gradients at each update)."""
    parameters, grads = dict(model.named_parameters()), []
    for number in range(steps):
        optimizer.zero_grad()
        loss_of(number).backward()
        if after_backward:
            after_backward()
        grads.append(copies(parameters))
        optimizer.step()
    return parameters, grads


def copies(parameters):
    return {name: None if p.grad is None else p.grad.array.copy() for name, p in parameters.items()}


def batch(number, *shape):
    return tg.tensor(np.random.default_rng(number).normal(size=shape).astype(np.float32))


@program
def micrograd():
    """Scalars, updated by hand."""
    p = {"a": tg.tensor(2.0, requires_grad=True), "b": tg.tensor(-3.0, requires_grad=True)}
    grads = []
    for _ in range(3):
        c = p["a"] * p["b"]
        (c + p["a"] * p["a"] + c.tanh()).backward()
        grads.append(copies(p))
        with tg.no_grad():
            for x in p.values():
                x -= 0.1 * x.grad
                x.grad = None
    return p, grads


@program
def data_is_written():
    """Updated through `.data`, in place."""
    p, grads = {"w": batch(0, 3, 2).requires_grad_(), "v": batch(1, 2).requires_grad_()}, []
    for number in range(3):
        x = batch(number, 4, 3) * 2  # belongs to the step that follows
        ((x @ p["w"] + p["v"]) ** 2).mean().backward()
        grads.append(copies(p))
        for tensor in p.values():
            tensor.data -= 0.1 * tensor.grad
            tensor.grad.zero_()
    return p, grads


@program
def data_is_replaced():
    """Updated by `.data = ...`."""
    p, grads = {"w": batch(0, 3, 2).requires_grad_()}, []
    for number in range(3):
        ((batch(number, 4, 3) @ p["w"]) ** 2).mean().backward()
        grads.append(copies(p))
        p["w"].data = p["w"].data - 0.1 * p["w"].grad
        p["w"].grad = None
    return p, grads


@program
def copied_into():
    """Updated by copy_, with gradients by autograd.grad."""
    p, grads = {"w": batch(0, 3, 2).requires_grad_(), "b": batch(1, 1, 2).requires_grad_()}, []
    for number in range(3):
        loss = ((batch(number, 4, 3) @ p["w"] + p["b"]).relu() ** 2).sum()
        found = tg.autograd.grad(loss, list(p.values()))
        grads.append({name: g.array.copy() for name, g in zip(p, found)})
        with tg.no_grad():
            for tensor, g in zip(p.values(), found):
                tensor.copy_(tensor - 0.01 * g)
    return p, grads


@program
def momentum():
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    return trained(model, lambda n: ((model(batch(n, 8, 3)) - batch(n + 9, 8, 1)) ** 2).mean(), optimizer)


@program
def adam_with_dropout():
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
    optimizer = optim.AdamW(model.parameters(), lr=0.1)
    labels = tg.tensor([0, 1, 2, 1])
    return trained(model, lambda n: nn.functional.cross_entropy(model(batch(n, 4, 6)), labels), optimizer)


@program
def convolution():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 2)
    )
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    return trained(model, lambda n: (model(batch(n, 3, 1, 6, 6)) ** 2).mean(), optimizer)


@program
def recurrent():
    """A recurrent network: weights that are used many times."""
    model = nn.ParameterDict({"w": batch(0, 3, 4), "u": batch(1, 4, 4), "b": batch(2, 4)})

    def loss_of(number):
        h, x = tg.zeros(2, 4), batch(number, 5, 2, 3)
        for t in range(5):
            h = (x[t] @ model["w"] + h @ model["u"] + model["b"]).tanh()
        return (h**2).sum()

    return trained(model, loss_of, optim.SGD(model.parameters(), lr=0.05))


@program
def lstm():
    model = nn.LSTM(3, 4, num_layers=2)
    return trained(model, lambda n: (model(batch(n, 5, 2, 3))[0] ** 2).sum(), optim.SGD(model.parameters(), lr=0.05))


@program
def embeddings_shared():
    """The embedding is also the output layer."""
    model = nn.Embedding(7, 4)
    ids = tg.tensor([1, 5, 1, 0])

    def loss_of(number):
        return nn.functional.cross_entropy(model(ids).tanh() @ model.weight.T, tg.tensor([5, 1, 0, 6]))

    return trained(model, loss_of, optim.Adagrad(model.parameters(), lr=0.5))


@program
def in_place_and_views():
    model = nn.ParameterDict({"w": batch(0, 3, 4)})

    def loss_of(number):
        x = batch(number, 5, 3) @ model["w"]
        x[0] = x[1] * 2
        x[:, 1] += model["w"][0, 1]
        row = x[2]
        row.mul_(3)
        x.add_(1).relu_()
        part = tg.zeros(5, 2)
        part[:, 0] = x[:, 3]
        return (x.view(-1) ** 2).mean() + part.sum()

    return trained(model, loss_of, optim.SGD(model.parameters(), lr=0.05))


@program
def several_results():
    model = nn.ParameterDict({"w": batch(0, 6, 4)})

    def loss_of(number):
        top, which = (batch(number, 5, 6) @ model["w"]).max(dim=1)
        a, b = model["w"].chunk(2)
        q, r = tg.linalg.qr(a.T)
        return (top * which).sum() + tg.cat([a, b.exp()]).mean() + tg.stack([q.sum(), r.sum()]).sum()

    return trained(model, loss_of, optim.SGD(model.parameters(), lr=0.01))


class Cube(Function):
    @staticmethod
    def forward(ctx, x, scale):
        ctx.save_for_backward(x)
        ctx.scale = scale
        return scale * x**3, x.abs()

    @staticmethod
    def backward(ctx, g, h):
        (x,) = ctx.saved_tensors
        return g * 3 * ctx.scale * x**2 + h * x.sign(), None


@program
def custom_function():
    model = nn.ParameterDict({"w": batch(0, 4)})

    def loss_of(number):
        cubes, sizes = Cube.apply(model["w"], 0.1)
        return cubes.sum() + (sizes * batch(number, 4)).sum()

    return trained(model, loss_of, optim.SGD(model.parameters(), lr=0.05))


@program
def accumulation():
    """Two backward passes for each update."""
    model, grads = nn.Linear(3, 2), []
    optimizer, parameters = optim.SGD(model.parameters(), lr=0.1), dict(model.named_parameters())
    for number in range(2):
        optimizer.zero_grad()
        for half in range(2):
            (model(batch(2 * number + half, 4, 3)) ** 2).mean().backward()
        grads.append(copies(parameters))
        optimizer.step()
    return parameters, grads


@program
def zeroed_gradients():
    """Gradients are set to zero, not to None."""
    model, grads = nn.Linear(3, 2), []
    optimizer, parameters = optim.SGD(model.parameters(), lr=0.1), dict(model.named_parameters())
    for number in range(3):
        optimizer.zero_grad(set_to_none=False)
        (model(batch(number, 4, 3)) ** 2).mean().backward()
        grads.append(copies(parameters))
        optimizer.step()
    return parameters, grads


@program
def twice_through_one_graph():
    model, grads = nn.Linear(3, 2), []
    optimizer, parameters = optim.SGD(model.parameters(), lr=0.1), dict(model.named_parameters())
    for number in range(2):
        optimizer.zero_grad()
        y = model(batch(number, 4, 3))
        y.sum().backward(retain_graph=True)
        (y**2).mean().backward()
        grads.append(copies(parameters))
        optimizer.step()
    return parameters, grads


@program
def evaluation_in_between():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    optimizer, grads = optim.SGD(model.parameters(), lr=0.1), []
    parameters = dict(model.named_parameters())
    for number in range(3):
        model.train()
        optimizer.zero_grad()
        loss = (model(batch(number, 8, 3)) ** 2).mean()
        loss.backward()
        grads.append(copies(parameters))
        optimizer.step()
        model.eval()
        with tg.no_grad():
            (model(batch(99, 8, 3)).abs() < 0.5).float().mean().item()
        loss.item()
    return parameters, grads


@program
def clipped():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    clip = lambda: nn.utils.clip_grad_norm_(model.parameters(), 0.01)
    return trained(model, lambda n: (model(batch(n, 8, 3)) ** 2).mean(), optimizer, after_backward=clip)


@program
def hooked():
    """Hooks change gradients on the way."""
    model = nn.ParameterDict({"w": batch(0, 4)})
    model["w"].register_hook(lambda g: g * 2)

    def loss_of(number):
        y = model["w"] * batch(number, 4)
        y.register_hook(lambda g: g + 1)
        return (y**2).sum()

    return trained(model, loss_of, optim.SGD(model.parameters(), lr=0.05))


@program
def hooked_modules():
    """Hooks of modules see, and change, gradients on the way."""
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    model[1].register_full_backward_hook(lambda module, given, taken: (given[0] * 2,))
    model[2].register_full_backward_hook(lambda module, given, taken: None)
    return trained(model, lambda n: (model(batch(n, 8, 3)) ** 2).mean(), optim.SGD(model.parameters(), lr=0.1))


@program
def closures():
    model = nn.ParameterDict({"w": batch(0, 4)})
    optimizer, grads = optim.LBFGS(model.parameters(), lr=0.5, max_iter=1), []
    for _ in range(3):

        def closure():
            optimizer.zero_grad()
            loss = ((model["w"] - 1) ** 4).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        grads.append(copies(dict(model.named_parameters())))
    return dict(model.named_parameters()), grads


@program
def two_models():
    """Two optimizers take turns, as for a generator and a discriminator."""
    one, other = nn.Linear(2, 2), nn.Linear(2, 1)
    first, second = optim.Adam(one.parameters(), lr=0.1), optim.Adam(other.parameters(), lr=0.1)
    both, grads = nn.ModuleDict({"one": one, "other": other}), []
    parameters = dict(both.named_parameters())
    for number in range(2):
        second.zero_grad()
        (other(one(batch(number, 4, 2)).detach()) - 1).square().mean().backward()
        grads.append(copies(dict(other.named_parameters(prefix="other"))))
        second.step()
        first.zero_grad()
        other(one(batch(number, 4, 2))).square().mean().backward()
        grads.append(copies(parameters))
        first.step()
    return parameters, grads


@program
def gradient_penalty():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))

    def loss_of(number):
        x = batch(number, 5, 3).requires_grad_()
        y = model(x)
        (slope,) = tg.autograd.grad(y.sum(), x, create_graph=True)
        return (y**2).mean() + (slope.norm(dim=1) - 1).square().mean()

    return trained(model, loss_of, optim.SGD(model.parameters(), lr=0.1))


@program
def frozen_part():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    for p in model[0].parameters():
        p.requires_grad_(False)
    return trained(model, lambda n: (model(batch(n, 5, 3)) ** 2).mean(), optim.SGD(model.parameters(), lr=0.1))


@program
def without_updates():
    """Gradients only, for one input after the other."""
    p, grads = {"w": batch(0, 3)}, []
    p["w"].requires_grad_()
    for number in range(3):
        p["w"].grad = None
        (p["w"] * batch(number, 3)).square().sum().backward()
        grads.append(copies(p))
    return p, grads


@program
def picked_by_index():
    """Batches are picked by tensors of indices."""
    model, data, labels = nn.Linear(3, 4), batch(0, 100, 3), tg.tensor(np.arange(100) % 4)
    pick = lambda n: tg.tensor(np.random.default_rng(n).permutation(100)[:70])

    def loss_of(number):
        index = pick(number)
        return nn.functional.cross_entropy(model(data[index]), labels[index])

    return trained(model, loss_of, optim.SGD(model.parameters(), lr=0.1))
