"""A simple recurrent layer over a whole sequence (Elman 1990): h ← tanh(W_ih x + b_ih + W_hh h + b_hh), or relu for
tanh.

Kernel and rule are built as those of the LSTM, see there.
"""

import numpy as np

from ..define import case, op
from .activation import relu
from .by_definition import gradients_by_definition
from .elementary import tanh
from .linear import linear
from .recurrent_products import Gradients, Product
from .recurrent_steps import Steps, check_layer, multiply_adds, over_time, resized, working


def simple_step(x, h, w_ih, w_hh, b_ih, b_hh, nonlinearity="tanh"):
    """One step by operations: the new (h,)."""
    function = relu if nonlinearity == "relu" else tanh
    return (function(linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)),)


def simple_by_steps(x, h, w_ih, w_hh, b_ih, b_hh, nonlinearity="tanh", batch_sizes=None, reverse=False):
    return over_time(
        lambda x, h: simple_step(x, h, w_ih, w_hh, b_ih, b_hh, nonlinearity), x, (h,), batch_sizes, reverse
    )


def _gradients(g, tape, x, h, w_ih, w_hh, b_ih, b_hh, nonlinearity, batch_sizes, reverse, needs):
    if tape is None:
        attributes = {"nonlinearity": nonlinearity, "batch_sizes": batch_sizes, "reverse": reverse}
        return gradients_by_definition(simple_by_steps, g, (x, h, w_ih, w_hh, b_ih, b_hh), attributes, needs)
    return backward_in_time(g, tape, x, w_ih, w_hh, nonlinearity, Steps(x.shape, batch_sizes, reverse), needs)


@op(
    joint=lambda g, tape, x, h, w_ih, w_hh, b_ih, b_hh, nonlinearity, batch_sizes, reverse, needs: _gradients(
        g, tape, x, h, w_ih, w_hh, b_ih, b_hh, nonlinearity, batch_sizes, reverse, needs),
    operands=6, saves=("tape",), promotes=False, internal=True, label="RNN", domain=(-0.8, 0.8),
    definition=simple_by_steps, multiply_adds=lambda x, w_ih, w_hh: multiply_adds(x, w_ih, w_hh),
    samples=[
        case((3, 2, 3), (2, 2), (2, 3), (2, 2), (2,), (2,)),
        case((2, 2, 3), (2, 2), (2, 3), (2, 2), None, None, reverse=True),
        case((6, 2), (3, 2), (2, 2), (2, 2), (2,), (2,), batch_sizes=(3, 2, 1)),
        case((6, 2), (3, 1), (1, 2), (1, 1), (1,), (1,), batch_sizes=(3, 2, 1), reverse=True),
    ],
)  # fmt: skip
def simple_layer(x, h, w_ih, w_hh, b_ih, b_hh, nonlinearity="tanh", batch_sizes=None, reverse=False):
    """One layer in one direction: (output, h after the last step). See recurrent_steps for the forms.

    x           (steps, batch, features), or (rows, features) with `batch_sizes`
    h           the state before the first step, (batch, hidden)
    w_ih, w_hh  (hidden, features), (hidden, hidden)
    b_ih, b_hh  (hidden,), or None both
    """
    check_layer("rnn", x, (h,), [w for w in (w_ih, w_hh, b_ih, b_hh) if w is not None], batch_sizes)
    dtype, shape = x.dtype, x.shape
    x, h, w_ih, w_hh, b_ih, b_hh = working(x, h, w_ih, w_hh, b_ih, b_hh)
    inputs, hidden, kind = x.shape[-1], h.shape[1], x.dtype
    zero = np.array(0, kind)
    of_input = np.empty((hidden, inputs + 1), kind)
    of_input[:, :inputs] = w_ih
    of_input[:, inputs] = 0 if b_ih is None else b_ih + b_hh
    of_input, of_state = Product(of_input), Product(w_hh)

    steps = Steps(shape, batch_sizes, reverse)
    columns = steps.blocks(inputs + 1 + hidden, kind, beyond=True)  # input, 1 and h before each step
    results = steps.blocks(hidden, kind)
    output, last_h = np.empty((steps.total, hidden), dtype), np.empty(h.shape, dtype)
    steps.to_columns(x.reshape(steps.total, inputs), columns, slice(0, inputs))
    for column in columns:
        column[inputs] = 1
    columns[0][inputs + 1 :] = h[: steps.sizes[0]].T
    for chunk in steps.chunks():
        of_input.of_chunk(steps, chunk, columns, results)
        for number in range(*chunk):
            size, place = steps.sizes[number], steps.places[number]
            after, new_h = columns[number + 1], results[number]
            new_h += of_state(columns[number][inputs + 1 :])
            if nonlinearity == "relu":
                np.maximum(new_h, zero, out=new_h)
            else:
                np.tanh(new_h, out=new_h)
            after[inputs + 1 :] = resized(new_h, after.shape[1], h, last_h)
            if not steps.uniform:
                output[place] = new_h.T
    if steps.uniform:
        steps.by_step(output)[...] = results.whole
    last_h[:size] = new_h.T
    return (output.reshape(*shape[:-1], hidden), last_h), (columns, results)


def backward_in_time(g, tape, x, w_ih, w_hh, nonlinearity, steps, needs):
    """The gradients of simple_layer's operands, from the last step to the first."""
    g_output, g_h = g
    columns, results = tape
    x, w_ih, w_hh = working(x, w_ih, w_hh)
    kind, hidden = x.dtype, w_hh.shape[1]
    one = np.array(1, kind)
    arriving = steps.blocks(hidden, kind)
    steps.to_columns(g_output.reshape(steps.total, hidden), arriving)
    before = Product(w_hh.T)
    d_h = np.empty(g_h.shape, kind)
    dh = g_h[: steps.sizes[-1]].T.astype(kind, order="C")
    gradients = Gradients(steps, x, columns, w_ih, (needs[0], *needs[2:6]))
    for chunk in reversed(steps.chunks()):
        rows = steps.rows_of(chunk)
        sums = np.empty((hidden, rows.stop - rows.start), kind)  # gradients of what the function is applied to
        for number in range(chunk[1] - 1, chunk[0] - 1, -1):
            size, place, new_h = steps.sizes[number], steps.places[number], results[number]
            dh = resized(dh, size, g_h, d_h)
            dh += arriving[number]
            if nonlinearity == "relu":
                dh *= new_h > 0
            else:
                slope = new_h * new_h
                np.subtract(one, slope, out=slope)
                dh *= slope
            sums[:, place.start - rows.start : place.stop - rows.start] = dh
            dh = before(dh)
        gradients.add(chunk, sums, sums)
    d_h[:size] = dh.T
    d_x, *d_weights = gradients.results()
    return d_x, d_h, *d_weights
