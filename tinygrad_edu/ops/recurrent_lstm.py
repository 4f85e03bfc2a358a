"""A layer of long short-term memory over a whole sequence (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000).

    i, f, g, o = σ(·), σ(·), tanh(·), σ(·)   of   W_ih x + b_ih + W_hh h + b_hh, a quarter each
    c ← f c + i g,   h ← o tanh(c),   or h ← W_hr (o tanh(c)) with a projection (Sak, Senior & Beaufays 2014)

The fused kernel takes one product for all gates of a step. As σ(x) = (1 + tanh(x/2)) / 2, halving the rows of three gates
beforehand makes one tanh do for all four. The rule goes back in time with one product a step, for the state before; what the
gates' sums get is collected, and gives each weight its gradient in one product at the end.
"""

import numpy as np

from ..define import case, op
from .activation import sigmoid
from .by_definition import gradients_by_definition
from .elementary import tanh
from .linear import linear
from .recurrent_steps import Product, Steps, check_layer, over_time, resized, stacked, weight_gradients, working


def lstm_step(x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr=None):
    """One step by operations: the new (h, c)."""
    gates = linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)
    size = gates.shape[-1] // 4
    i, f, g, o = (gates[..., start : start + size] for start in range(0, 4 * size, size))
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    h = sigmoid(o) * tanh(c)
    return h if w_hr is None else linear(h, w_hr), c


def lstm_by_steps(x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, batch_sizes=None, reverse=False):
    return over_time(lambda x, h, c: lstm_step(x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr), x, (h, c), batch_sizes, reverse)


def _gradients(g, tape, x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, batch_sizes, reverse, needs):
    if tape is None:
        operands, attributes = (x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr), {"batch_sizes": batch_sizes, "reverse": reverse}
        return gradients_by_definition(lstm_by_steps, g, operands, attributes, needs)
    return backward_in_time(g, tape, x, w_ih, w_hh, w_hr, Steps(x.shape, batch_sizes, reverse), needs)


@op(
    joint=lambda g, tape, x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, batch_sizes, reverse, needs: _gradients(
        g, tape, x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, batch_sizes, reverse, needs),
    operands=8, saves=("tape",), promotes=False, internal=True, label="LSTM", domain=(-1.5, 1.5), definition=lstm_by_steps,
    samples=[
        case((3, 2, 3), (2, 2), (2, 2), (8, 3), (8, 2), (8,), (8,), None),
        case((2, 2, 3), (2, 2), (2, 2), (8, 3), (8, 2), None, None, None, reverse=True),
        case((3, 2, 1), (2, 2), (2, 3), (12, 1), (12, 2), (12,), (12,), (2, 3)),
        case((6, 2), (3, 2), (3, 2), (8, 2), (8, 2), (8,), (8,), None, batch_sizes=(3, 2, 1)),
        case((6, 2), (3, 1), (3, 2), (8, 2), (8, 1), (8,), (8,), (1, 2), batch_sizes=(3, 2, 1), reverse=True),
    ],
)  # fmt: skip
def lstm_layer(x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, batch_sizes=None, reverse=False):
    """One layer in one direction: (output, h after the last step, c after the last step). See recurrent_steps for the forms.

    x           (steps, batch, features), or (rows, features) with `batch_sizes`
    h, c        the state before the first step, (batch, size of the output) and (batch, hidden)
    w_ih, w_hh  (4 hidden, features), (4 hidden, size of the output): gates in the order i, f, g, o
    b_ih, b_hh  (4 hidden,), or None both
    w_hr        (size of the output, hidden), or None
    """
    weights = [w for w in (w_ih, w_hh, b_ih, b_hh, w_hr) if w is not None]
    check_layer("lstm", x, (h, c), weights, batch_sizes)
    dtype, shape = x.dtype, x.shape
    x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr = working(x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr)
    inputs, hidden, kind = x.shape[-1], c.shape[1], x.dtype
    half = np.array(0.5, kind)
    scale = np.full((4, hidden), half)
    scale[2] = 1
    weights = Product(stacked(w_ih, None if b_ih is None else b_ih + b_hh, w_hh, scale.reshape(-1, 1)))

    steps = Steps(shape, batch_sizes, reverse)
    columns = steps.blocks(inputs + 1 + h.shape[1], kind, beyond=True)  # input, 1 and h before each step
    gates, terms, outputs = steps.blocks(4 * hidden, kind), steps.blocks(2 * hidden, kind), steps.blocks(2 * hidden, kind)
    rows, output = x.reshape(steps.total, inputs), np.empty((steps.total, h.shape[1]), dtype)
    last_h, last_c = np.empty(h.shape, dtype), np.empty(c.shape, dtype)
    steps.to_columns(rows, columns, slice(0, inputs))
    columns[0][inputs + 1 :] = h[: steps.sizes[0]].T
    cell = c[: steps.sizes[0]].T.copy(order="C")
    for number, (size, place) in enumerate(zip(steps.sizes, steps.places)):
        columns[number][inputs] = 1
        all_gates, after = gates[number], columns[number + 1]
        weights(columns[number], all_gates)
        np.tanh(all_gates, out=all_gates)
        i, f, g, o = all_gates.reshape(4, hidden, size)
        both = all_gates[: 2 * hidden]
        both *= half
        both += half
        o *= half
        o += half
        ig, fc = terms[number].reshape(2, hidden, size)
        tanh_c, m = outputs[number].reshape(2, hidden, size)
        np.multiply(i, g, out=ig)
        np.multiply(f, cell, out=fc)
        np.add(ig, fc, out=cell)
        np.tanh(cell, out=tanh_c)
        np.multiply(o, tanh_c, out=m)
        new_h = m if w_hr is None else w_hr.dot(m)
        after[inputs + 1 :] = resized(new_h, after.shape[1], h, last_h)
        cell = resized(cell, after.shape[1], c, last_c)
        if not steps.uniform:
            output[place] = new_h.T
    if steps.uniform:
        steps.by_step(output)[...] = columns.whole[1:, inputs + 1 :]
    last_h[:size], last_c[:size] = new_h.T, cell.T
    return (output.reshape(*shape[:-1], h.shape[1]), last_h, last_c), (columns, gates, terms, outputs)


def backward_in_time(g, tape, x, w_ih, w_hh, w_hr, steps, needs):
    """The gradients of lstm_layer's operands, from the last step to the first.

    With p = i g and q = f c, the two terms of the new c, and m = o tanh(c), the derivatives need few products:
    dp/di-sum = p − p i, dq/df-sum = q − q f, dp/dg-sum = i − p g, dm/do-sum = m − m o, dm/dc = o − m tanh(c).
    """
    g_output, g_h, g_c = g
    columns, gates, terms, outputs = tape
    x, w_ih, w_hh, w_hr = working(x, w_ih, w_hh, w_hr)
    kind, inputs, hidden, projected = x.dtype, x.shape[-1], w_ih.shape[0] // 4, w_hh.shape[1]
    arriving = steps.blocks(projected, kind)
    steps.to_columns(g_output.reshape(steps.total, projected), arriving)
    before = Product(w_hh.T)
    sums = steps.wide(4 * hidden, kind)  # gradients of what the gates' functions are applied to
    d_h, d_c = np.empty(g_h.shape, kind), np.empty(g_c.shape, kind)
    dh, dc = (d[: steps.sizes[-1]].T.astype(kind, order="C") for d in (g_h, g_c))
    for number in range(len(steps) - 1, -1, -1):
        size, all_gates = steps.sizes[number], gates[number]
        dh, dc = resized(dh, size, g_h, d_h), resized(dc, size, g_c, d_c)
        dh += arriving[number]
        if w_hr is None:
            dm = dh
        else:
            arriving[number][...] = dh
            dm = w_hr.T.dot(dh)
        i, f, g, o = all_gates.reshape(4, hidden, size)
        tanh_c, m = outputs[number].reshape(2, hidden, size)
        slopes = np.empty((4 * hidden, size), kind)
        by_gate = slopes.reshape(4, hidden, size)
        _, _, d_g, d_o = by_gate
        np.multiply(terms[number], all_gates[: 2 * hidden], out=slopes[: 2 * hidden])
        np.subtract(terms[number], slopes[: 2 * hidden], out=slopes[: 2 * hidden])
        np.multiply(terms[number][:hidden], g, out=d_g)
        np.subtract(i, d_g, out=d_g)
        np.multiply(m, o, out=d_o)
        np.subtract(m, d_o, out=d_o)
        d_o *= dm
        through_m = m * tanh_c
        np.subtract(o, through_m, out=through_m)
        through_m *= dm
        dc += through_m
        by_gate[:3] *= dc
        dc *= f
        sums[:, steps.places[number]] = slopes
        dh = before(slopes, np.empty((projected, size), kind))
    d_h[:size], d_c[:size] = dh.T, dc.T
    states = steps.side_by_side(columns, slice(inputs, None))
    d_weights = weight_gradients(needs[3:7], sums, x.reshape(steps.total, inputs), states)
    d_x = (sums.T @ w_ih).reshape(x.shape) if needs[0] else None
    d_hr = None
    if needs[7]:
        ms = steps.side_by_side(outputs, slice(hidden, None))
        d_hr = steps.side_by_side(arriving, slice(None)) @ ms.T
    return d_x, d_h, d_c, *d_weights, d_hr
