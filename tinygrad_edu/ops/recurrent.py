"""Recurrent networks of several layers and directions, and single steps, under the names that PyTorch has for them.

`params` lists the parameters of all layers: for each layer, and for each direction in it, weight_ih, weight_hh, then
bias_ih and bias_hh if there are biases, then weight_hr if there is a projection. Of several layers, each takes the
output of the one before, after dropout in training; of two directions, the outputs stand side by side.
"""

from ..define import composite
from ..errors import OperationError
from .joining import cat, stack
from .random import dropout as dropped_out
from .recurrent_gru import gru_by_steps, gru_layer, gru_step
from .recurrent_lstm import lstm_by_steps, lstm_layer, lstm_step
from .recurrent_simple import simple_by_steps, simple_layer, simple_step
from .shape import transpose


def network(
    name, layer, by_steps, x, states, params, has_biases, num_layers, dropout, train, bidirectional, batch_sizes,
    **settings,
):  # fmt: skip
    """(output, *final states) of a network; `layer` computes one layer in one direction, `by_steps` its definition."""
    directions = 2 if bidirectional else 1
    projected = name == "lstm" and states[0].shape[-1] != states[1].shape[-1]
    each = 2 + 2 * bool(has_biases) + projected
    if len(params) != each * num_layers * directions:
        raise OperationError(
            f"{name}: {num_layers} layers in {directions} directions take {each} parameters each, "
            f"{each * num_layers * directions}, and {len(params)} are given"
        )
    for state in states:
        if state.ndim != 3 or state.shape[0] != num_layers * directions:
            raise OperationError(
                f"{name}: an initial state must be (layers · directions, batch, features) with "
                f"{num_layers * directions} in front, not {tuple(state.shape)}"
            )
    if batch_sizes is None and x.ndim == 3 and x.shape[0] == 1:
        layer = by_steps  # for a single step it does not pay to prepare the weights
    finals = []
    for number in range(num_layers):
        outputs = []
        for index in range(number * directions, (number + 1) * directions):
            w_ih, w_hh, *rest = params[index * each : (index + 1) * each]
            weights = [w_ih, w_hh, *(rest[:2] if has_biases else (None, None))]
            if name == "lstm":
                weights.append(rest[-1] if projected else None)
            reverse = index % directions == 1
            output, *final = layer(
                x, *[s[index] for s in states], *weights, batch_sizes=batch_sizes, reverse=reverse, **settings
            )
            outputs.append(output)
            finals.append(final)
        x = outputs[0] if directions == 1 else cat(outputs, -1)
        if train and dropout and number + 1 < num_layers:
            x = dropped_out(x, dropout, True)
    return (x, *[stack(parts) for parts in zip(*finals)])


def _network(name, layer, by_steps, args, **settings):
    """PyTorch's two forms of a call: (input, hx, params, ..., batch_first); packed, (data, batch_sizes, hx, params,
    ...)."""
    packed = isinstance(args[3], (list, tuple))
    if packed:
        x, batch_sizes, hx, *rest = args
        batch_sizes, batch_first = tuple(int(n) for n in batch_sizes), False
    else:
        x, hx, *rest, batch_first = args
        batch_sizes = None
    states = tuple(hx) if name == "lstm" else (hx,)
    if batch_first:
        x = transpose(x, 0, 1)
    output, *finals = network(name, layer, by_steps, x, states, *rest, batch_sizes, **settings)
    return (transpose(output, 0, 1) if batch_first else output, *finals)


@composite(method=False)
def lstm(*args):
    """Long short-term memory: (output, h_n, c_n), of two forms of call, for padded and for packed input:

        lstm(input, (h_0, c_0), params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
        lstm(data, batch_sizes, (h_0, c_0), params, has_biases, num_layers, dropout, train, bidirectional)

    nn.LSTM describes shapes and formulas; `params` is the list of its parameters.
    """
    return _network("lstm", lstm_layer, lstm_by_steps, args)


@composite(method=False)
def gru(*args):
    """Gated recurrent units: (output, h_n), of the same two forms of call as `lstm`, with h_0 for (h_0, c_0). See
    nn.GRU."""
    return _network("gru", gru_layer, gru_by_steps, args)


@composite(method=False)
def rnn_tanh(*args):
    """Simple recurrent layers with tanh: (output, h_n), of the same two forms of call as `gru`. See nn.RNN."""
    return _network("rnn_tanh", simple_layer, simple_by_steps, args, nonlinearity="tanh")


@composite(method=False)
def rnn_relu(*args):
    """Simple recurrent layers with relu: (output, h_n), of the same two forms of call as `gru`. See nn.RNN."""
    return _network("rnn_relu", simple_layer, simple_by_steps, args, nonlinearity="relu")


# ---- single steps


def check_step(name, x, states, w_ih, w_hh):
    for state in states:
        if x.ndim != 2 or state.ndim != 2 or state.shape[0] != x.shape[0]:
            raise OperationError(
                f"{name}: the input must be (batch, features) and a state (batch, hidden), not {tuple(x.shape)} and "
                f"{tuple(state.shape)}"
            )
    for value, weight, kind in ((x, w_ih, "input"), (states[0], w_hh, "state")):
        if value.shape[1] != weight.shape[1]:
            raise OperationError(
                f"{name}: the {kind} has {value.shape[1]} features, but its weights of shape {tuple(weight.shape)} "
                f"take {weight.shape[1]}"
            )


@composite(method=False)
def lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of long short-term memory: the new (h, c) from an input (batch, features) and hx = (h, c). See
    nn.LSTMCell."""
    check_step("lstm_cell", input, tuple(hx), w_ih, w_hh)
    return lstm_step(input, *hx, w_ih, w_hh, b_ih, b_hh)


@composite(method=False)
def gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of gated recurrent units: the new h from an input (batch, features) and h. See nn.GRUCell."""
    check_step("gru_cell", input, (hx,), w_ih, w_hh)
    return gru_step(input, hx, w_ih, w_hh, b_ih, b_hh)[0]


@composite(method=False)
def rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of a simple recurrent layer with tanh: the new h from an input (batch, features) and h. See
    nn.RNNCell."""
    check_step("rnn_tanh_cell", input, (hx,), w_ih, w_hh)
    return simple_step(input, hx, w_ih, w_hh, b_ih, b_hh)[0]


@composite(method=False)
def rnn_relu_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of a simple recurrent layer with relu: the new h from an input (batch, features) and h. See
    nn.RNNCell."""
    check_step("rnn_relu_cell", input, (hx,), w_ih, w_hh)
    return simple_step(input, hx, w_ih, w_hh, b_ih, b_hh, "relu")[0]
