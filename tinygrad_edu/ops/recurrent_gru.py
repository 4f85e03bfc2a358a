"""A layer of gated recurrent units over a whole sequence (Cho et al. 2014).

    r, z = σ(·) of W_ih x + b_ih + W_hh h + b_hh, the first two thirds
    n = tanh(W_in x + b_in + r (W_hn h + b_hn)),   h ← (1 − z) n + z h

The reset gate stands outside the product with W_hn, as in PyTorch, so that one product of the state serves all. Kernel
and rule are built as those of the LSTM, see there.
"""

import numpy as np

from ..define import case, op
from .activation import sigmoid
from .by_definition import gradients_by_definition
from .elementary import tanh
from .linear import linear
from .recurrent_products import Gradients, Product
from .recurrent_steps import Steps, check_layer, multiply_adds, over_time, resized, working


def gru_step(x, h, w_ih, w_hh, b_ih, b_hh):
    """One step by operations: the new (h,)."""
    from_x, from_h = linear(x, w_ih, b_ih), linear(h, w_hh, b_hh)
    size = h.shape[-1]
    gates = sigmoid(from_x[..., : 2 * size] + from_h[..., : 2 * size])
    r, z = gates[..., :size], gates[..., size:]
    n = tanh(from_x[..., 2 * size :] + r * from_h[..., 2 * size :])
    return (n + z * (h - n),)


def gru_by_steps(x, h, w_ih, w_hh, b_ih, b_hh, batch_sizes=None, reverse=False):
    return over_time(lambda x, h: gru_step(x, h, w_ih, w_hh, b_ih, b_hh), x, (h,), batch_sizes, reverse)


def _gradients(g, tape, x, h, w_ih, w_hh, b_ih, b_hh, batch_sizes, reverse, needs):
    if tape is None:
        operands, attributes = (x, h, w_ih, w_hh, b_ih, b_hh), {"batch_sizes": batch_sizes, "reverse": reverse}
        return gradients_by_definition(gru_by_steps, g, operands, attributes, needs)
    return backward_in_time(g, tape, x, w_ih, w_hh, Steps(x.shape, batch_sizes, reverse), needs)


@op(
    joint=lambda g, tape, x, h, w_ih, w_hh, b_ih, b_hh, batch_sizes, reverse, needs: _gradients(
        g, tape, x, h, w_ih, w_hh, b_ih, b_hh, batch_sizes, reverse, needs),
    operands=6, saves=("tape",), promotes=False, internal=True, label="GRU", domain=(-0.8, 0.8),
    definition=gru_by_steps, multiply_adds=lambda x, w_ih, w_hh: multiply_adds(x, w_ih, w_hh),
    samples=[
        case((3, 2, 3), (2, 2), (6, 3), (6, 2), (6,), (6,)),
        case((2, 2, 3), (2, 2), (6, 3), (6, 2), None, None, reverse=True),
        case((6, 2), (3, 2), (6, 2), (6, 2), (6,), (6,), batch_sizes=(3, 2, 1)),
        case((6, 2), (3, 1), (3, 2), (3, 1), (3,), (3,), batch_sizes=(3, 2, 1), reverse=True),
    ],
)  # fmt: skip
def gru_layer(x, h, w_ih, w_hh, b_ih, b_hh, batch_sizes=None, reverse=False):
    """One layer in one direction: (output, h after the last step). See recurrent_steps for the forms.

    x           (steps, batch, features), or (rows, features) with `batch_sizes`
    h           the state before the first step, (batch, hidden)
    w_ih, w_hh  (3 hidden, features), (3 hidden, hidden): in the order r, z, n
    b_ih, b_hh  (3 hidden,), or None both
    """
    check_layer("gru", x, (h,), [w for w in (w_ih, w_hh, b_ih, b_hh) if w is not None], batch_sizes)
    dtype, shape = x.dtype, x.shape
    x, h, w_ih, w_hh, b_ih, b_hh = working(x, h, w_ih, w_hh, b_ih, b_hh)
    inputs, hidden, kind = x.shape[-1], h.shape[1], x.dtype
    half = np.array(0.5, kind)
    of_input = np.empty((3 * hidden, inputs + 1), kind)
    of_input[:, :inputs] = w_ih
    of_input[:, inputs] = 0 if b_ih is None else b_ih
    of_state = np.empty((3 * hidden, 1 + hidden), kind)
    of_state[:, 0] = 0 if b_hh is None else b_hh
    of_state[:, 1:] = w_hh
    for weights in (of_input, of_state):
        weights[: 2 * hidden] *= half  # σ(x) = (1 + tanh(x/2)) / 2
    of_input, of_state = Product(of_input), Product(of_state)

    steps = Steps(shape, batch_sizes, reverse)
    columns = steps.blocks(inputs + 1 + hidden, kind, beyond=True)  # input, 1 and h before each step
    gates, from_state = steps.blocks(3 * hidden, kind), steps.blocks(hidden, kind)  # r, z, n; W_hn h + b_hn
    output, last_h = np.empty((steps.total, hidden), dtype), np.empty(h.shape, dtype)
    steps.to_columns(x.reshape(steps.total, inputs), columns, slice(0, inputs))
    for column in columns:
        column[inputs] = 1
    columns[0][inputs + 1 :] = h[: steps.sizes[0]].T
    for chunk in steps.chunks():
        of_input.of_chunk(steps, chunk, columns, gates)
        for number in range(*chunk):
            size, place = steps.sizes[number], steps.places[number]
            column, after = columns[number], columns[number + 1]
            products = of_state(column[inputs:])
            r_and_z, n = gates[number][: 2 * hidden], gates[number][2 * hidden :]
            r_and_z += products[: 2 * hidden]
            np.tanh(r_and_z, out=r_and_z)
            r_and_z *= half
            r_and_z += half
            from_state[number][...] = products[2 * hidden :]
            n += r_and_z[:hidden] * products[2 * hidden :]
            np.tanh(n, out=n)
            new_h = column[inputs + 1 :] - n
            new_h *= r_and_z[hidden:]
            new_h += n
            after[inputs + 1 :] = resized(new_h, after.shape[1], h, last_h)
            if not steps.uniform:
                output[place] = new_h.T
    if steps.uniform:
        steps.by_step(output)[...] = columns.whole[1:, inputs + 1 :]
    last_h[:size] = new_h.T
    return (output.reshape(*shape[:-1], hidden), last_h), (columns, gates, from_state)


def backward_in_time(g, tape, x, w_ih, w_hh, steps, needs):
    """The gradients of gru_layer's operands, from the last step to the first."""
    g_output, g_h = g
    columns, gates, from_state = tape
    x, w_ih, w_hh = working(x, w_ih, w_hh)
    kind, inputs, hidden = x.dtype, x.shape[-1], w_hh.shape[1]
    one = np.array(1, kind)
    arriving = steps.blocks(hidden, kind)
    steps.to_columns(g_output.reshape(steps.total, hidden), arriving)
    before = Product(w_hh.T)
    d_h = np.empty(g_h.shape, kind)
    dh = g_h[: steps.sizes[-1]].T.astype(kind, order="C")
    gradients = Gradients(steps, x, columns, w_ih, (needs[0], *needs[2:6]))
    for chunk in reversed(steps.chunks()):
        rows = steps.rows_of(chunk)
        sums = np.empty(
            (3 * hidden, rows.stop - rows.start), kind
        )  # gradients of W_ih x + b_ih, with what is added to it
        sums_of_h = np.empty_like(sums)  # and of W_hh h + b_hh
        for number in range(chunk[1] - 1, chunk[0] - 1, -1):
            size, place, r_and_z = steps.sizes[number], steps.places[number], gates[number][: 2 * hidden]
            r, z, n = gates[number].reshape(3, hidden, size)
            dh = resized(dh, size, g_h, d_h)
            dh += arriving[number]
            rest = one - r_and_z
            slopes = np.empty((3 * hidden, size), kind)  # of r and z, and of W_hn h + b_hn
            d_r, d_z, d_from_state = slopes.reshape(3, hidden, size)
            d_n = n * n
            np.subtract(one, d_n, out=d_n)
            d_n *= rest[hidden:]
            d_n *= dh
            np.multiply(d_n, r, out=d_from_state)
            np.multiply(d_from_state, from_state[number], out=d_r)
            d_r *= rest[:hidden]
            dh *= z  # the part that reaches h past the gates
            np.subtract(columns[number][inputs + 1 :], n, out=d_z)
            d_z *= rest[hidden:]
            d_z *= dh
            here = slice(place.start - rows.start, place.stop - rows.start)
            sums[: 2 * hidden, here] = slopes[: 2 * hidden]
            sums[2 * hidden :, here] = d_n
            sums_of_h[:, here] = slopes
            dh += before(slopes)
        gradients.add(chunk, sums, sums_of_h)
    d_h[:size] = dh.T
    d_x, *d_weights = gradients.results()
    return d_x, d_h, *d_weights
