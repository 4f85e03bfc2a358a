"""A layer of long short-term memory over a whole sequence (Hochreiter & Schmidhuber 1997, with the forget gate of Gers
et al. 2000).

    i, f, g, o = σ(·), σ(·), tanh(·), σ(·)   of   W_ih x + b_ih + W_hh h + b_hh, a quarter each
    c ← f c + i g,   h ← o tanh(c),   or h ← W_hr (o tanh(c)) with a projection (Sak, Senior & Beaufays 2014)

In the fused kernel, as σ(x) = (1 + tanh(x/2)) / 2, halving the rows of three gates beforehand makes one tanh do for all
four. It keeps what its rule needs to go back in time with few calls a step; see recurrent_products for the rest.
"""

import numpy as np

from ..define import case, op
from .activation import sigmoid
from .by_definition import gradients_by_definition
from .elementary import tanh
from .linear import linear
from .recurrent_products import Gradients, Product
from .recurrent_steps import Steps, check_layer, multiply_adds, over_time, resized, working


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
    operands=8, saves=("tape",), promotes=False, internal=True, label="LSTM", domain=(-0.8, 0.8),
    definition=lstm_by_steps, multiply_adds=lambda x, w_ih, w_hh, w_hr: multiply_adds(x, w_ih, w_hh, w_hr),
    samples=[
        case((3, 2, 3), (2, 2), (2, 2), (8, 3), (8, 2), (8,), (8,), None),
        case((2, 2, 3), (2, 2), (2, 2), (8, 3), (8, 2), None, None, None, reverse=True),
        case((3, 2, 1), (2, 2), (2, 3), (12, 1), (12, 2), (12,), (12,), (2, 3)),
        case((6, 2), (3, 2), (3, 2), (8, 2), (8, 2), (8,), (8,), None, batch_sizes=(3, 2, 1)),
        case((6, 2), (3, 1), (3, 2), (8, 2), (8, 1), (8,), (8,), (1, 2), batch_sizes=(3, 2, 1), reverse=True),
    ],
)  # fmt: skip
def lstm_layer(x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, batch_sizes=None, reverse=False):
    """One layer in one direction: (output, h after the last step, c after the last step). See recurrent_steps for the
    forms.

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
    (inputs, hidden, size_of_h), kind = (x.shape[-1], c.shape[1], h.shape[1]), x.dtype
    half = np.array(0.5, kind)
    scale = np.full((4, hidden), half)
    scale[2] = 1
    scale = scale.reshape(-1, 1)
    of_input = np.empty((4 * hidden, inputs + 1), kind)
    np.multiply(w_ih, scale, out=of_input[:, :inputs])
    of_input[:, inputs] = 0 if b_ih is None else (b_ih + b_hh) * scale[:, 0]
    of_input, of_state = Product(of_input), Product(w_hh * scale)

    steps = Steps(shape, batch_sizes, reverse)
    columns = steps.blocks(inputs + 1 + size_of_h, kind, beyond=True)  # input, 1 and h before each step
    gates, terms, outputs = (
        steps.blocks(4 * hidden, kind),
        steps.blocks(2 * hidden, kind),
        steps.blocks(2 * hidden, kind),
    )
    output = np.empty((steps.total, size_of_h), dtype)
    last_h, last_c = np.empty(h.shape, dtype), np.empty(c.shape, dtype)
    steps.to_columns(x.reshape(steps.total, inputs), columns, slice(0, inputs))
    for column in columns:
        column[inputs] = 1
    columns[0][inputs + 1 :] = h[: steps.sizes[0]].T
    cell = c[: steps.sizes[0]].T.copy(order="C")
    for chunk in steps.chunks():
        of_input.of_chunk(steps, chunk, columns, gates)
        for number in range(*chunk):
            size, place = steps.sizes[number], steps.places[number]
            all_gates, after = gates[number], columns[number + 1]
            all_gates += of_state(columns[number][inputs + 1 :])
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
    return (output.reshape(*shape[:-1], size_of_h), last_h, last_c), (columns, gates, terms, outputs)


def backward_in_time(g, tape, x, w_ih, w_hh, w_hr, steps, needs):
    """The gradients of lstm_layer's operands, from the last step to the first.

    With p = i g and q = f c, the two terms of the new c, and m = o tanh(c), the derivatives need few products:
    dp/di-sum = p − p i, dq/df-sum = q − q f, dp/dg-sum = i − p g, dm/do-sum = m − m o, dm/dc = o − m tanh(c).
    """
    g_output, g_h, g_c = g
    columns, gates, terms, outputs = tape
    x, w_ih, w_hh, w_hr = working(x, w_ih, w_hh, w_hr)
    kind, hidden, size_of_h = x.dtype, w_ih.shape[0] // 4, w_hh.shape[1]
    arriving = steps.blocks(size_of_h, kind)
    steps.to_columns(g_output.reshape(steps.total, size_of_h), arriving)
    before = Product(w_hh.T)
    d_h, d_c = np.empty(g_h.shape, kind), np.empty(g_c.shape, kind)
    dh, dc = (d[: steps.sizes[-1]].T.astype(kind, order="C") for d in (g_h, g_c))
    gradients = Gradients(steps, x, columns, w_ih, (needs[0], *needs[3:7]))
    for chunk in reversed(steps.chunks()):
        rows = steps.rows_of(chunk)
        sums = np.empty(
            (4 * hidden, rows.stop - rows.start), kind
        )  # gradients of what the gates' functions are applied to
        for number in range(chunk[1] - 1, chunk[0] - 1, -1):
            size, place, all_gates = steps.sizes[number], steps.places[number], gates[number]
            dh, dc = resized(dh, size, g_h, d_h), resized(dc, size, g_c, d_c)
            dh += arriving[number]
            dm = dh
            if w_hr is not None:
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
            sums[:, place.start - rows.start : place.stop - rows.start] = slopes
            dh = before(slopes)
        gradients.add(chunk, sums, sums)
    d_h[:size], d_c[:size] = dh.T, dc.T
    d_x, *d_weights = gradients.results()
    d_hr = None
    if needs[7]:
        whole = (0, len(steps))
        d_hr = steps.to_rows(arriving, slice(None), whole).T @ steps.to_rows(outputs, slice(hidden, None), whole)
    return d_x, d_h, d_c, *d_weights, d_hr
