"""A layer of gated recurrent units over a whole sequence (Cho et al. 2014).

    r, z = σ(·) of W_ih x + b_ih + W_hh h + b_hh, the first two thirds
    n = tanh(W_in x + b_in + r (W_hn h + b_hn)),   h ← (1 − z) n + z h

The reset gate stands outside the product with W_hn, as in PyTorch, so that one product serves all gates. Kernel and rule are
built as those of the LSTM, see there.
"""

import numpy as np

from ..define import case, op
from .activation import sigmoid
from .by_definition import gradients_by_definition
from .elementary import tanh
from .linear import linear
from .recurrent_steps import Product, Steps, check_layer, over_time, resized, stacked, weight_gradients, working


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
    operands=6, saves=("tape",), promotes=False, internal=True, label="GRU", domain=(-1.5, 1.5), definition=gru_by_steps,
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
    one, half = np.array(1, kind), np.array(0.5, kind)
    biased = b_ih is not None
    for_gates = Product(stacked(w_ih[: 2 * hidden], (b_ih + b_hh)[: 2 * hidden] if biased else None, w_hh[: 2 * hidden], half))
    for_x = Product(stacked(w_ih[2 * hidden :], b_ih[2 * hidden :] if biased else None, w_hh[:hidden, :0]))
    for_h = Product(stacked(w_ih[:hidden, :0], b_hh[2 * hidden :] if biased else None, w_hh[2 * hidden :]))

    steps = Steps(shape, batch_sizes, reverse)
    columns = steps.blocks(inputs + 1 + hidden, kind, beyond=True)  # input, 1 and h before each step
    gates, parts = steps.blocks(2 * hidden, kind), steps.blocks(2 * hidden, kind)
    rows, output = x.reshape(steps.total, inputs), np.empty((steps.total, hidden), dtype)
    last_h = np.empty(h.shape, dtype)
    steps.to_columns(rows, columns, slice(0, inputs))
    columns[0][inputs + 1 :] = h[: steps.sizes[0]].T
    for number, (size, place) in enumerate(zip(steps.sizes, steps.places)):
        column, r_and_z, after = columns[number], gates[number], columns[number + 1]
        column[inputs] = one
        for_gates(column, r_and_z)
        np.tanh(r_and_z, out=r_and_z)
        r_and_z *= half
        r_and_z += half
        r, z = r_and_z[:hidden], r_and_z[hidden:]
        n, from_h = parts[number][:hidden], parts[number][hidden:]
        for_x(column[: inputs + 1], n)
        for_h(column[inputs:], from_h)
        n += r * from_h
        np.tanh(n, out=n)
        new_h = after[inputs + 1 :] if after.shape[1] == size else np.empty((hidden, size), kind)
        np.subtract(column[inputs + 1 :], n, out=new_h)
        new_h *= z
        new_h += n
        if after.shape[1] != size:
            after[inputs + 1 :] = resized(new_h, after.shape[1], h, last_h)
        if not steps.uniform:
            output[place] = new_h.T
    if steps.uniform:
        steps.by_step(output)[...] = columns.whole[1:, inputs + 1 :]
    last_h[:size] = new_h.T
    return (output.reshape(*shape[:-1], hidden), last_h), (columns, gates, parts)


def backward_in_time(g, tape, x, w_ih, w_hh, steps, needs):
    """The gradients of gru_layer's operands, from the last step to the first."""
    g_output, g_h = g
    columns, gates, parts = tape
    x, w_ih, w_hh = working(x, w_ih, w_hh)
    kind, inputs, hidden = x.dtype, x.shape[-1], w_hh.shape[1]
    one = np.array(1, kind)
    arriving = steps.blocks(hidden, kind)
    steps.to_columns(g_output.reshape(steps.total, hidden), arriving)
    before = Product(w_hh.T)
    sums = steps.wide(3 * hidden, kind)  # gradients of what is added up with W_ih x,
    sums_of_h = steps.wide(hidden, kind)  # and of W_hn h + b_hn
    d_h = np.empty(g_h.shape, kind)
    dh = g_h[: steps.sizes[-1]].T.astype(kind, order="C")
    for number in range(len(steps) - 1, -1, -1):
        size, place, r_and_z = steps.sizes[number], steps.places[number], gates[number]
        dh = resized(dh, size, g_h, d_h)
        dh += arriving[number]
        r, z = r_and_z[:hidden], r_and_z[hidden:]
        n, from_h = parts[number][:hidden], parts[number][hidden:]
        rest = one - r_and_z
        slopes = np.empty((3 * hidden, size), kind)  # of the sums in r, in z, and of W_hn h + b_hn
        d_r, d_z, d_from_h = slopes.reshape(3, hidden, size)

        d_n = n * n
        np.subtract(one, d_n, out=d_n)
        d_n *= rest[hidden:]
        d_n *= dh
        np.multiply(d_n, r, out=d_from_h)
        np.multiply(d_from_h, from_h, out=d_r)
        d_r *= rest[:hidden]
        dh *= z  # the part that h gets past the gates
        np.subtract(columns[number][inputs + 1 :], n, out=d_z)
        d_z *= rest[hidden:]
        d_z *= dh
        sums[: 2 * hidden, place] = slopes[: 2 * hidden]
        sums[2 * hidden :, place] = d_n
        sums_of_h[:, place] = d_from_h
        dh += before(slopes, np.empty((hidden, size), kind))
    d_h[:size] = dh.T
    states = steps.side_by_side(columns, slice(inputs, None))
    d_w_ih, _, d_b_ih, _ = weight_gradients((needs[2], False, needs[4], False), sums, x.reshape(steps.total, inputs), states)
    of_gates, of_h = (
        weight_gradients((False, needs[3], False, needs[5]), columns, None, states) for columns in (sums[: 2 * hidden], sums_of_h)
    )
    d_w_hh, d_b_hh = (None if a is None else np.concatenate([a, b]) for a, b in zip(of_gates[1::2], of_h[1::2]))
    d_x = (sums.T @ w_ih).reshape(x.shape) if needs[0] else None
    return d_x, d_h, d_w_ih, d_w_hh, d_b_ih, d_b_hh
