"""Mistakes that beginners make, each a small program with the cause that must be named; and correct programs.

A function marked `@lost(cause)` returns a parameter and a function that computes the loss: `why` is asked on all three
levels. One marked `@silent(cause)` returns the arguments of `lint`. A line with the comment `# here` is the one that
must be named.
"""

import math

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.nn import functional as F

LOST, SILENT, CORRECT = {}, {}, {}


def lost(cause, graph=None, memory=None):
    """Register a program whose gradient is lost.

    cause   what must be said when the function is run
    graph   when the graph of the loss is given (None: the same);  memory  when nothing is given; "no backward" if the
            program cannot call backward()
    """

    def register(program):
        LOST[program.__name__] = program, cause, graph or cause, memory or graph or cause
        return program

    return register


def silent(cause):
    def register(program):
        SILENT[program.__name__] = program, cause
        return program

    return register


def correct(program):
    CORRECT[program.__name__] = program
    return program


def regression(n=12, features=3):
    x = tg.randn(n, features)
    return x, x.sum(1, keepdim=True) + 0.1 * tg.randn(n, 1)


def classes(n=12, features=3, count=4):
    return tg.randn(n, features), tg.randint(0, count, (n,))


def mlp(*end, features=3, hidden=16, out=4):
    return nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, out), *end)


def stepper(model, loss, optimizer):
    """The usual training step."""

    def step():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        return value.item()

    return step


# ---- gradients that are lost


class Halves(nn.Module):
    """An encoder and a head, with something between them."""

    def __init__(self, between):
        super().__init__()
        self.encoder, self.head, self.between = nn.Linear(3, 4), nn.Linear(4, 1), between

    def forward(self, x):
        return self.head(self.between(self.encoder(x)))


def halves(between):
    model, (x, y) = Halves(between), regression()
    return model.encoder.weight, lambda: F.mse_loss(model(x), y)


@lost("detached")
def detach_in_forward():
    return halves(lambda h: h.relu().detach())  # here


@lost("data")
def data_in_forward():
    return halves(lambda h: h.data.relu())  # here


@lost("detached", memory="detached")
def numpy_in_the_middle():
    return halves(lambda h: tg.tensor(np.maximum(h.detach().numpy(), 0)))  # here


@lost("numpy")
def asarray_in_the_middle():
    return halves(lambda h: tg.tensor(np.asarray(h) * 2))  # here


@lost("tolist")
def list_in_the_middle():
    return halves(lambda h: tg.tensor(h.tolist()))  # here


@lost("data", graph="detached")  # which of the two cannot be told afterwards
def another_departure_is_only_for_a_plot():
    plotted = []

    def between(h):
        cut = h.data.relu()  # here
        plotted.append(h.detach().numpy())
        return cut

    return halves(between)


@lost("no_grad")
def no_grad_around_a_module():
    encoder, head, (x, y) = nn.Linear(3, 4), nn.Linear(4, 1), regression()

    def loss():
        with tg.no_grad():
            h = encoder(x)  # here
        return F.mse_loss(head(h), y)

    return encoder.weight, loss


@lost("no_grad")
def no_grad_around_operations():
    w, v, (x, y) = tg.randn(3, 2, requires_grad=True), tg.randn(2, 1, requires_grad=True), regression()

    def loss():
        with tg.no_grad():
            h = x @ w  # here
        return F.mse_loss(h @ v, y)

    return w, loss


@lost("item")
def item_in_a_sum_of_losses():
    a, b, (x, y) = nn.Linear(3, 1), nn.Linear(3, 1), regression()

    def loss():
        first = F.mse_loss(a(x), y)
        second = F.l1_loss(b(x), y)
        return first.item() + second  # here

    return a.weight, loss


@lost("argmax", graph="loss without graph", memory="no backward")
def accuracy_as_loss():
    model, (x, y) = mlp(), classes()
    return model[0].weight, lambda: 1 - (model(x).argmax(1) == y).float().mean()  # here


@lost("comparison", graph="loss without graph", memory="no backward")
def threshold_as_loss():
    model, (x, y) = nn.Linear(3, 1), regression()
    return model.weight, lambda: ((model(x) > 0.5) != (y > 0.5)).float().mean()  # here


@lost("cast", graph="loss without graph", memory="no backward")
def conversion_to_integers():
    model, (x, y) = nn.Linear(3, 1), regression()
    return model.weight, lambda: (model(x).long() - y).abs().mean()  # here


@lost("rounded")
def rounded_predictions():
    model, (x, y) = nn.Linear(3, 1), regression()
    return model.weight, lambda: F.mse_loss(model(x).round(), y)  # here


@lost("dead relu")
def dead_relu():
    model, (x, y) = mlp(out=1), regression()
    with tg.no_grad():
        model[0].bias.fill_(-100.0)
    return model[0].weight, lambda: F.mse_loss(model(x), y)  # here


@lost("saturated")
def saturated_sigmoid():
    model, (x, y) = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 1)), regression()
    x = x.sign() * 1e4 + 1e5
    return model[0].weight, lambda: F.mse_loss(model(x), y)  # here


@lost("saturated")
def saturated_tanh():
    model, (x, y) = nn.Linear(3, 1), regression()
    with tg.no_grad():
        model.bias.fill_(400.0)
    return model.weight, lambda: F.mse_loss(model(x).tanh(), y)  # here


@lost("multiplied by zero")
def weight_of_the_loss_is_zero():
    model, (x, y) = nn.Linear(3, 1), regression()
    weight = tg.tensor(0.0)
    return model.weight, lambda: F.mse_loss(model(x), y) * weight  # here


@lost("masked", memory="multiplied by zero")
def mask_takes_the_others():
    w = tg.randn(4, requires_grad=True)
    v = tg.randn(4, requires_grad=True)
    mask = tg.tensor([1.0, 0.0, 1.0, 0.0])
    return w, lambda: ((w * mask + v) * (1 - mask)).sum()  # here


@lost("masked")
def where_never_takes_it():
    w, v = tg.randn(4, requires_grad=True), tg.randn(4, requires_grad=True)
    return w, lambda: tg.where(v < 100, v, w).sum()  # here


@lost("clamped")
def clamped_output():
    model, (x, y) = nn.Linear(3, 1), regression()
    with tg.no_grad():
        model.bias.fill_(50.0)
    return model.weight, lambda: F.mse_loss(model(x).clamp(0, 1), y)  # here


@lost("not chosen")
def smaller_one_of_a_maximum():
    w, v = tg.randn(4, requires_grad=True), tg.randn(4, requires_grad=True)
    return w, lambda: tg.maximum(w, v + 100).sum()  # here


@lost("not used")
def unused_layer():
    model = Halves(nn.Identity())
    x, y = regression()
    return model.encoder.weight, lambda: F.mse_loss(model.head(x.sum(1, keepdim=True).expand(-1, 4)), y)


@lost("not used")
def result_that_is_dropped():
    model, x, y = Halves(nn.Identity()), *regression()

    def loss():
        h = model.encoder(x)
        h.relu()
        return F.mse_loss(model.head(x @ tg.ones(3, 4)), y)

    return model.encoder.weight, loss


@lost("softmax of one")
def softmax_of_one_output():
    model, (x, y) = nn.Linear(3, 1), regression()
    return model.weight, lambda: F.mse_loss(model(x).softmax(1), y)  # here


@lost("cancels", graph="cancels", memory="saturated")
def sum_of_probabilities():
    w, x = tg.randn(3, 4, dtype=tg.float64, requires_grad=True), tg.randn(6, 3, dtype=tg.float64)
    return w, lambda: (x @ w).softmax(1).mean()


@lost("zero weights")
def layer_of_zeros():
    model, (x, y) = mlp(out=1), regression()
    nn.init.zeros_(model[2].weight)
    return model[0].weight, lambda: F.mse_loss(model(x), y)  # here


@lost("log of 0", memory="not finite")
def log_of_zero():
    w = tg.tensor([0.5, 0.0, 2.0], requires_grad=True)
    return w, lambda: w.log().sum()  # here


@lost("sqrt at 0", memory="not finite")
def root_of_zero():
    w = tg.tensor([0.5, 0.0, 2.0], requires_grad=True)
    return w, lambda: w.sqrt().sum()  # here


@lost("0/0", memory="not finite")
def zero_by_zero():
    w = tg.zeros(3, requires_grad=True)
    return w, lambda: (w / w.abs().sum()).sum()  # here


@lost("overflow", memory="not finite")
def overflow_in_exp():
    model, (x, y) = nn.Linear(3, 1), regression()
    return model.weight, lambda: (model(x * 1e3).exp() - y).square().mean()  # here


@lost("where", memory="not finite")
def where_with_a_log():
    w = tg.tensor([0.5, 0.0, 2.0], requires_grad=True)
    return w, lambda: tg.where(w > 0, w.log(), tg.zeros(3)).sum()  # here


@lost("NaN in the data", graph="not finite", memory="not finite")
def nan_in_the_data():
    model, (x, y) = nn.Linear(3, 1), regression()
    x[3, 1] = math.nan
    return model.weight, lambda: F.mse_loss(model(x), y)  # here


@lost("NaN in a parameter")
def nan_in_a_parameter():
    model, (x, y) = nn.Linear(3, 1), regression()
    with tg.no_grad():
        model.weight[0, 1] = math.nan
    return model.weight, lambda: F.mse_loss(model(x), y)  # here


# ---- mistakes that raise no error


def trained(model, loss):
    return model, stepper(model, loss, optim.SGD(model.parameters(), lr=0.01))


@silent("softmax before cross-entropy")
def softmax_into_cross_entropy():
    model, (x, y) = mlp(nn.Softmax(dim=1)), classes()
    return trained(model, lambda: F.cross_entropy(model(x), y))  # here


@silent("log_softmax before cross-entropy")
def log_softmax_into_cross_entropy():
    model, (x, y) = mlp(), classes()
    return trained(model, lambda: F.cross_entropy(F.log_softmax(model(x), 1), y))  # here


@silent("sigmoid before BCE with logits")
def sigmoid_into_logits():
    model, (x, y) = mlp(nn.Sigmoid(), out=1), regression()
    return trained(model, lambda: F.binary_cross_entropy_with_logits(model(x), (y > 0).float()))  # here


@silent("logits into BCE")
def logits_into_bce():
    model, (x, y) = mlp(out=1), regression()
    return trained(model, lambda: F.binary_cross_entropy(model(x) * 9, (y > 0).float()))  # here


@silent("nll_loss without log_softmax")
def logits_into_nll():
    model, (x, y) = mlp(), classes()
    return trained(model, lambda: F.nll_loss(model(x), y))  # here


@silent("nll_loss without log_softmax")
def probabilities_into_nll():
    model, (x, y) = mlp(nn.Softmax(1)), classes()
    return trained(model, lambda: F.nll_loss(model(x), y))  # here


@silent("shapes broadcast")
def column_against_row():
    model, (x, y) = nn.Linear(3, 1), regression()
    target = y[:, 0]
    return trained(model, lambda: ((model(x) - target) ** 2).mean())  # here


@silent("missing zero_grad")
def no_zero_grad():
    model, (x, y) = mlp(out=1), regression()
    optimizer = optim.Adam(model.parameters())

    def step():
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()  # here

    return model, step


@silent("zero_grad after backward")
def zero_grad_in_the_wrong_place():
    model, (x, y) = mlp(out=1), regression()
    optimizer = optim.Adam(model.parameters())

    def step():
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()  # here

    return model, step


@silent("step before backward")
def step_before_backward():
    model, (x, y) = mlp(out=1), regression()
    optimizer = optim.Adam(model.parameters())

    def step():
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        optimizer.step()  # here
        loss.backward()

    return model, step


@silent("backward not called")
def no_backward():
    model, (x, y) = mlp(out=1), regression()
    optimizer = optim.Adam(model.parameters())

    def step():
        optimizer.zero_grad()
        F.mse_loss(model(x), y)
        optimizer.step()  # here

    return model, step


class Stack(nn.Module):
    def __init__(self):  # here
        super().__init__()
        layers = [nn.Linear(3, 3) for _ in range(2)]
        object.__setattr__(self, "layers", layers)  # as `self.layers = layers`, which warns
        self.out = nn.Linear(3, 4)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x).relu()
        return self.out(x)


@silent("plain list")
def list_of_modules():
    model, (x, y) = Stack(), classes()
    return trained(model, lambda: F.cross_entropy(model(x), y))


class Scaled(nn.Module):
    def __init__(self):  # here
        super().__init__()
        self.layer, self.scale = nn.Linear(3, 4), tg.ones(4, requires_grad=True)

    def forward(self, x):
        return self.layer(x) * self.scale


@silent("plain tensor")
def tensor_as_parameter():
    model, (x, y) = Scaled(), classes()
    return trained(model, lambda: F.cross_entropy(model(x), y))


class Forgetful(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(8, 4)

    def forward(self, x):
        hidden = nn.Linear(3, 8)(x).relu()  # here
        return self.out(hidden)


@silent("made in forward")
def layer_made_in_forward():
    model, (x, y) = Forgetful(), classes()
    return trained(model, lambda: F.cross_entropy(model(x), y))


@silent("eval during training")
def eval_while_training():
    model, (x, y) = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4)), classes()
    model.eval()
    return trained(model, lambda: F.cross_entropy(model(x), y))


@silent("train during evaluation")
def train_while_evaluating():
    model, (x, y) = mlp(nn.Dropout(0.5)), classes()

    def accuracy():
        with tg.no_grad():
            return (model(x).argmax(1) == y).float().mean().item()  # here

    return model, accuracy


@silent("scheduler before optimizer")
def schedule_first():
    model, (x, y) = mlp(out=1), regression()
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.9)

    def step():
        optimizer.zero_grad()
        F.mse_loss(model(x), y).backward()
        schedule.step()
        optimizer.step()  # here

    return model, step


@silent("label out of range")
def labels_from_one():
    model, (x, y) = mlp(), classes()
    return trained(model, lambda: F.cross_entropy(model(x), y + 1))  # here


@silent("label dtype")
def floating_labels():
    model, (x, y) = mlp(), classes()
    return trained(model, lambda: F.cross_entropy(model(x), y.float()))  # here


@silent("one class")
def one_output_for_two_classes():
    model, (x, _) = mlp(out=1), classes()
    y = tg.zeros(12, dtype=tg.int64)
    return trained(model, lambda: F.cross_entropy(model(x), y))  # here


@silent("where")
def where_with_a_root():
    model, (x, y) = nn.Linear(3, 1), regression()

    def loss():
        h = model(x)
        return tg.where(h > 0, h.sqrt(), 0 * h).mean()  # here

    return model, loss


@silent("not in the optimizer")
def only_half_in_the_optimizer():
    model, (x, y) = mlp(), classes()
    optimizer = optim.SGD(model[2].parameters(), lr=0.01)
    return model, stepper(model, lambda: F.cross_entropy(model(x), y), optimizer)


@silent("replaced")
def layer_replaced_after_the_optimizer():
    model, (x, y) = mlp(), classes()
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    model[2] = nn.Linear(16, 4)
    return model, stepper(model, lambda: F.cross_entropy(model(x), y), optimizer)


@silent("detached")
def lint_names_a_detach():
    model = Halves(lambda h: h.detach())  # here
    x, y = regression()
    return trained(model, lambda: F.mse_loss(model(x), y))


@silent("graph kept")
def losses_are_collected():
    model, (x, y) = mlp(out=1), regression()
    optimizer, history = optim.SGD(model.parameters(), lr=0.01), []

    def step():
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()  # here
        optimizer.step()
        history.append(loss)

    return model, step


@silent("data not normalised")
def bytes_of_images():
    model, (_, y) = nn.Sequential(nn.Flatten(), nn.Linear(16, 4)), classes()
    x = tg.randint(0, 256, (12, 4, 4)).float()
    return trained(model, lambda: F.cross_entropy(model(x), y))  # here


@silent("learning rate too large")
def learning_rate_of_fifty():
    model, (x, y) = nn.Linear(3, 1), regression()
    return model, stepper(model, lambda: F.mse_loss(model(x), y), optim.SGD(model.parameters(), lr=50.0))


@silent("learning rate 0")
def learning_rate_of_zero():
    model, (x, y) = nn.Linear(3, 1), regression()
    return model, stepper(model, lambda: F.mse_loss(model(x), y), optim.SGD(model.parameters(), lr=0.0))


@silent("same initial weights")
def all_zeros():
    model, (x, y) = mlp(), classes()
    for p in model.parameters():
        nn.init.zeros_(p)
    return trained(model, lambda: F.cross_entropy(model(x), y))


@silent("same initial weights")
def all_equal():
    model, (x, y) = mlp(), classes()
    for p in model.parameters():
        nn.init.constant_(p, 0.1)
    nn.init.normal_(model[2].bias)
    return trained(model, lambda: F.cross_entropy(model(x), y))


@silent("relu before cross-entropy")
def relu_at_the_end():
    model, (x, y) = mlp(nn.ReLU()), classes()
    return trained(model, lambda: F.cross_entropy(model(x), y))  # here


@silent("no nonlinearity")
def two_linear_layers():
    model, (x, y) = nn.Sequential(nn.Linear(3, 16), nn.Linear(16, 4)), classes()
    return trained(model, lambda: F.cross_entropy(model(x), y))  # here


@silent("dead relu")
def dead_layer():
    model, (x, y) = mlp(), classes()
    with tg.no_grad():
        model[0].bias.fill_(-50.0)
    return trained(model, lambda: F.cross_entropy(model(x), y))  # here


@silent("graph kept between steps")
def hidden_state_with_its_graph():
    cell, (x, y) = nn.RNNCell(3, 4), regression()
    optimizer, state = optim.SGD(cell.parameters(), lr=0.01), [tg.zeros(12, 4)]

    def step():
        optimizer.zero_grad()
        state[0] = cell(x, state[0])
        state[0].square().mean().backward()
        optimizer.step()

    return cell, step


@silent("log of 0")
def log_of_a_probability():
    model, (x, y) = mlp(), classes()

    def loss():
        p = (model(x) * 500).softmax(1)
        return -p.log()[tg.arange(12), y].mean()  # here

    return model, loss


# ---- correct programs: nothing may be found


@correct
def classifier():
    model, (x, y) = mlp(), classes()
    return trained(model, lambda: F.cross_entropy(model(x), y))


@correct
def regression_with_momentum():
    model, (x, y) = mlp(out=1), regression()
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return model, stepper(model, lambda: F.mse_loss(model(x), y), optimizer)


@correct
def by_hand():
    model, (x, y) = nn.Linear(3, 1), regression()

    def step():
        F.mse_loss(model(x), y).backward()
        with tg.no_grad():
            for p in model.parameters():
                p -= 0.1 * p.grad
                p.grad = None

    return model, step


@correct
def accumulated_gradients():
    model, (x, y) = mlp(out=1), regression()
    optimizer = optim.Adam(model.parameters())

    def step():
        for part in range(3):
            loss = F.mse_loss(model(x[part::3]), y[part::3]) / 3
            loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return model, step


@correct
def zeroed_in_place():
    model, (x, y) = mlp(out=1), regression()
    optimizer = optim.SGD(model.parameters(), lr=0.01)

    def step():
        optimizer.zero_grad(set_to_none=False)
        F.mse_loss(model(x), y).backward()
        optimizer.step()

    return model, step


@correct
def gan():
    generator, discriminator = mlp(features=2, out=3), mlp(features=3, out=1)
    real, noise = tg.randn(8, 3), tg.randn(8, 2)
    of_d = optim.Adam(discriminator.parameters(), lr=1e-3)
    of_g = optim.Adam(generator.parameters(), lr=1e-3)
    bce = F.binary_cross_entropy_with_logits

    def step():
        fake = generator(noise)
        of_d.zero_grad()
        loss = bce(discriminator(real), tg.ones(8, 1)) + bce(discriminator(fake.detach()), tg.zeros(8, 1))
        loss.backward()
        of_d.step()
        of_g.zero_grad()
        bce(discriminator(fake), tg.ones(8, 1)).backward()
        of_g.step()

    return generator, step


@correct
def gan_seen_from_the_discriminator():
    _, step = gan()
    parts = dict(zip(step.__code__.co_freevars, [cell.cell_contents for cell in step.__closure__]))
    return parts["discriminator"], step


@correct
def frozen_encoder():
    model, (x, y) = mlp(), classes()
    model[0].requires_grad_(False)
    optimizer = optim.Adam([p for p in model.parameters() if p.requires_grad])
    return model, stepper(model, lambda: F.cross_entropy(model(x), y), optimizer)


@correct
def encoder_under_no_grad():
    model, (x, y) = Halves(nn.ReLU()), regression()
    optimizer = optim.Adam(model.head.parameters())

    def loss():
        with tg.no_grad():
            h = model.encoder(x)
        return F.mse_loss(model.head(h.relu()), y)

    return model, stepper(model, loss, optimizer)


@correct
def target_network():
    online, target = mlp(), mlp()
    target.load_state_dict(online.state_dict())
    state, following, reward = tg.randn(12, 3), tg.randn(12, 3), tg.randn(12)
    action = tg.randint(0, 4, (12,))
    optimizer = optim.Adam(online.parameters())

    def loss():
        with tg.no_grad():
            goal = reward + 0.9 * target(following).max(1).values
        return F.smooth_l1_loss(online(state).gather(1, action[:, None])[:, 0], goal)

    return online, stepper(online, loss, optimizer)


@correct
def tied_weights():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.out = nn.Embedding(10, 6), nn.Linear(6, 10, bias=False)
            self.out.weight = self.embedding.weight

        def forward(self, x):
            return self.out(self.embedding(x).tanh())

    model, x, y = Tied(), tg.randint(0, 10, (12,)), tg.randint(0, 10, (12,))
    return trained(model, lambda: F.cross_entropy(model(x), y))


@correct
def recurrent():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.out = nn.LSTM(3, 8, batch_first=True), nn.Linear(8, 1)

        def forward(self, x):
            return self.out(self.lstm(x)[0][:, -1])

    model, x, y = Model(), tg.randn(5, 7, 3), tg.randn(5, 1)
    return trained(model, lambda: F.mse_loss(model(x), y))


@correct
def truncated_backpropagation():
    cell, (x, y) = nn.GRUCell(3, 4), regression()
    optimizer, state = optim.SGD(cell.parameters(), lr=0.01), [tg.zeros(12, 4)]

    def step():
        optimizer.zero_grad()
        h = cell(x, state[0])
        h.square().mean().backward()
        optimizer.step()
        state[0] = h.detach()

    return cell, step


@correct
def two_losses():
    model, (x, y) = nn.ModuleDict({"body": nn.Linear(3, 8), "a": nn.Linear(8, 1), "b": nn.Linear(8, 4)}), regression()
    labels = tg.randint(0, 4, (12,))

    def loss():
        h = model["body"](x).relu()
        return F.mse_loss(model["a"](h), y) + 0.1 * F.cross_entropy(model["b"](h), labels)

    return trained(model, loss)


@correct
def evaluation():
    model, (x, y) = mlp(nn.Dropout(0.5)), classes()
    model.eval()

    def accuracy():
        with tg.no_grad():
            return (model(x).argmax(1) == y).float().mean().item()

    return model, accuracy


@correct
def training_and_evaluation():
    model, (x, y) = (
        nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 4)),
        classes(),
    )
    optimizer = optim.AdamW(model.parameters(), lr=1e-3)
    schedule = optim.lr_scheduler.StepLR(optimizer, 1)

    def epoch():
        model.train()
        for part in (slice(0, 6), slice(6, 12)):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[part]), y[part])
            loss.backward()
            optimizer.step()
        schedule.step()
        model.eval()
        with tg.no_grad():
            return F.cross_entropy(model(x), y).item()

    return model, epoch


@correct
def convolutions():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 4)
    )
    x, y = tg.rand(6, 1, 8, 8), tg.randint(0, 4, (6,))
    return trained(model, lambda: F.cross_entropy(model(x), y))


@correct
def transformer():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.out = nn.Embedding(11, 8), nn.Linear(8, 11)
            self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)

        def forward(self, x):
            mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
            return self.out(self.block(self.embedding(x), src_mask=mask))

    model, x = Model(), tg.randint(0, 11, (3, 6))
    return trained(model, lambda: F.cross_entropy(model(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten()))


@correct
def autoencoder():
    model = nn.Sequential(nn.Linear(8, 2), nn.Linear(2, 8))  # principal components: linear on purpose
    x = tg.randn(20, 8)
    return trained(model, lambda: F.mse_loss(model(x), x))


@correct
def low_rank_adapter():
    class Adapted(nn.Module):
        def __init__(self):
            super().__init__()
            self.base = nn.Linear(6, 4).requires_grad_(False)
            self.down, self.up = nn.Linear(6, 2, bias=False), nn.Linear(2, 4, bias=False)
            nn.init.zeros_(self.up.weight)

        def forward(self, x):
            return self.base(x) + self.up(self.down(x))

    model, x, y = Adapted(), tg.randn(12, 6), tg.randn(12, 4)
    optimizer = optim.Adam([p for p in model.parameters() if p.requires_grad])
    return model, stepper(model, lambda: F.mse_loss(model(x), y), optimizer)


@correct
def pairwise_distances():
    model, (x, y) = nn.Linear(3, 1), regression()

    def loss():
        score = model(x)[:, 0]
        return F.softplus((score[:, None] - score[None, :]) * (y - y[:, 0])).mean()  # every pair, on purpose

    return trained(model, loss)


@correct
def lbfgs():
    model, (x, y) = nn.Linear(3, 1), regression()
    optimizer = optim.LBFGS(model.parameters(), max_iter=3)

    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        return loss

    return model, lambda: optimizer.step(closure).item()


@correct
def gradient_penalty():
    model, (x, y) = mlp(out=1), regression()

    def loss():
        at = x.clone().requires_grad_()
        (slope,) = tg.grad(model(at).sum(), at, create_graph=True)
        return F.mse_loss(model(x), y) + 0.1 * (slope.norm(dim=1) - 1).square().mean()

    return trained(model, loss)


@correct
def safe_where():
    model, (x, y) = nn.Linear(3, 1), regression()

    def loss():
        h = model(x)
        positive = h > 0
        return tg.where(positive, tg.where(positive, h, 1.0).log(), h).square().mean()

    return trained(model, loss)


@correct
def straight_through():
    model, (x, y) = nn.Linear(3, 1), regression()

    def loss():
        h = model(x)
        return F.mse_loss(h + (h.round() - h).detach(), y)

    return trained(model, loss)


@correct
def warm_up():
    model, (x, y) = mlp(out=1), regression()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(step / 100, 1))
    inner = stepper(model, lambda: F.mse_loss(model(x), y), optimizer)
    return model, lambda: (inner(), schedule.step())


@correct
def moving_average_of_weights():
    model, average, (x, y) = mlp(out=1), mlp(out=1), regression()
    optimizer = optim.Adam(model.parameters())
    inner = stepper(model, lambda: F.mse_loss(model(x), y), optimizer)

    def step():
        inner()
        with tg.no_grad():
            for a, p in zip(average.parameters(), model.parameters()):
                a.mul_(0.9).add_(0.1 * p)

    return model, step


@correct
def variational_autoencoder():
    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.mean, self.spread = nn.Linear(8, 16), nn.Linear(16, 2), nn.Linear(16, 2)
            self.out = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 8))

        def forward(self, x):
            h = self.body(x).relu()
            mean, log_variance = self.mean(h), self.spread(h)
            return self.out(mean + tg.randn_like(mean) * (log_variance / 2).exp()), mean, log_variance

    model, x = VAE(), tg.rand(12, 8)

    def loss():
        logits, mean, log_variance = model(x)
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()
        return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") + kl

    return trained(model, loss)
