"""Recurrent networks over sequences and step by step, and packed and padded sequences."""

import numpy as np

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape)


X, X1, ONE = normal(4, 3, 2), normal(4, 2), normal(1, 3, 2)
LENGTHS, UNSORTED = [4, 2, 1], np.array([2, 4, 1])
SEQUENCES = normal(4, 2), normal(2, 2), normal(1, 2)
LSTM_WEIGHTS = [normal(20, 2), normal(20, 5), normal(20), normal(20)]
GRU_WEIGHTS = [normal(9, 2), normal(9, 3), normal(9), normal(9)]
RNN_WEIGHTS = [normal(3, 2), normal(3, 3), normal(3), normal(3)]
H, H5, H_PROJECTED, H2 = normal(1, 3, 3), normal(1, 3, 5), normal(2, 3, 2), normal(4, 3, 3)


def packed(T, x, lengths, **settings):
    return T.nn.utils.rnn.pack_padded_sequence(x, T.as_tensor(lengths), **settings)


def through_packed(**settings):
    """A call of a module with x packed, and the output padded again."""

    def call(T, module, x, lengths, hx=None):
        output, hidden = module(packed(T, x, lengths, **settings), hx)
        return output, T.nn.utils.rnn.pad_packed_sequence(output, batch_first=True, padding_value=0.5), hidden

    return call


def with_pair(T, module, x, h, c):
    return module(x, (h, c))


def repeated(T, cell, x, *state):
    """A cell, step by step."""
    state = (None if not state else state[0]) if len(state) < 2 else state
    for step in x:
        state = cell(step, state)
    return state


MODULES = {
    "nn.RNN(2, 3)": (X,),
    "nn.RNN(2, 3, 2, 'relu')": (X, H2[:2]),
    "nn.RNN(2, 3, 2, nonlinearity='relu', bias=False, batch_first=True, bidirectional=True)": (X.swapaxes(0, 1), H2),
    "nn.RNN(2, 3, bidirectional=True)": ((X, np.array(LENGTHS)), through_packed()),
    "nn.GRU(2, 3)": (X, H),
    "nn.GRU(2, 3, 2, bidirectional=True)": (X, H2),
    "nn.GRU(2, 3, 2, False)": (X1, H2[:2, 0]),
    "nn.GRU(2, 3, 3, batch_first=True)": (X,),
    "nn.GRU(2, 3, bidirectional=True, bias=False)": ((X, UNSORTED, H2[:2]), through_packed(enforce_sorted=False)),
    "nn.GRU(2, 3, num_layers=2)": ((ONE,), lambda T, m, x: m(x)),
    "nn.LSTM(2, 5)": (X,),
    "nn.LSTM(2, 5, 1)": ((X, H5, H5 + 0.1), with_pair),
    "nn.LSTM(2, 3, 2, bidirectional=True)": ((X, H2, H2 + 0.2), with_pair),
    "nn.LSTM(2, 3, bias=False, batch_first=True)": (X1,),
    "nn.LSTM(2, 3, bidirectional=True)": ((X1, H2[:2, 0], H2[:2, 1]), with_pair),
    "nn.LSTM(2, 3, num_layers=2, proj_size=2)": ((X, H_PROJECTED, H2[:2]), with_pair),
    "nn.LSTM(2, 3, 2, bidirectional=True, proj_size=1, bias=False)": (X,),
    "nn.LSTM(2, 3, 2, dropout=0.0)": ((X, UNSORTED), through_packed(enforce_sorted=False)),
    "nn.LSTM(2, 3, 1, bidirectional=True, proj_size=2)": (
        (X, np.array(LENGTHS), H_PROJECTED, H2[:2]), lambda T, m, x, n, h, c: through_packed()(T, m, x, n, (h, c))),
    "nn.LSTM(2, 3, 1, proj_size=2)": (ONE,),
    "nn.LSTM(2, 3, 1)": ((X[:, :0],), lambda T, m, x: m(x)),
    "nn.LSTM(2, 4, 1, batch_first=True)": ((X,), lambda T, m, x: m(x)[1][1]),
    "nn.LSTM(2, 4, 2, batch_first=True, bidirectional=True)": ((X,), lambda T, m, x: m(x.transpose(1, 0)[:, ::2])[0]),
    "nn.RNNCell(2, 3)": ((X,), repeated),
    "nn.RNNCell(2, 3, nonlinearity='relu')": ((X, H[0]), repeated),
    "nn.RNNCell(2, 3, False)": ((X1,), repeated),
    "nn.GRUCell(2, 3)": ((X, H[0]), repeated),
    "nn.GRUCell(2, 3, bias=False)": ((X1,), repeated),
    "nn.LSTMCell(2, 5)": ((X, H5[0], H5[0] + 0.1), repeated),
    "nn.LSTMCell(2, 3, bias=False)": ((X1, H[0, 0], H[0, 1]), repeated),
}  # fmt: skip

CALLS = {
    "lstm": [
        ((X, H5, H5 - 0.2, *LSTM_WEIGHTS),
         lambda T, x, h, c, *ws: T.lstm(x, (h, c), ws, True, 1, 0.0, True, False, False)),
        ((X, H5, H5 - 0.2, *LSTM_WEIGHTS[:2]),
         lambda T, x, h, c, *ws: T.lstm(x * 2, (h, c), ws, False, 1, 0.0, False, False, False)),
        # one operand computed from another: their gradients must not be counted twice
        ((X, *LSTM_WEIGHTS),
         lambda T, x, *ws: T.lstm(x, (x[:1] @ ws[1][:2], x[:1] @ ws[0][:5].T), ws, True, 1, 0.0, True, False, False)),
        ((normal(7, 2), H5, H5, *LSTM_WEIGHTS), lambda T, x, h, c, *ws: T.lstm(
            x, T.tensor([3, 2, 1, 1]), (h, c), ws, True, 1, 0.0, True, False)),
    ],
    "gru": [
        ((X, H, *GRU_WEIGHTS), lambda T, x, h, *ws: T.gru(x, h, ws, True, 1, 0.0, True, False, False)),
        ((normal(7, 2), H, *GRU_WEIGHTS),
         lambda T, x, h, *ws: T.gru(x, T.tensor([3, 2, 1, 1]), h, ws, True, 1, 0.0, True, False)),
    ],
    "rnn_tanh": [
        ((X, H, *RNN_WEIGHTS), lambda T, x, h, *ws: T.rnn_tanh(x, h, ws, True, 1, 0.0, True, False, False)),
        ((X, H2[:2], *RNN_WEIGHTS[:2], *RNN_WEIGHTS[:2]),
         lambda T, x, h, *ws: T.rnn_tanh(x, h, ws, False, 1, 0.0, True, True, False)),
    ],
    "rnn_relu": [((X, H, *RNN_WEIGHTS), lambda T, x, h, *ws: T.rnn_relu(x, h, ws, True, 1, 0.0, True, False, False))],
    "lstm_cell": [
        ((X[0], H5[0], H5[0], *LSTM_WEIGHTS), lambda T, x, h, c, *ws: T.lstm_cell(x, (h, c), *ws)),
        ((X[0], H5[0], H5[0], *LSTM_WEIGHTS[:2]), lambda T, x, h, c, *ws: T.lstm_cell(x, (h, c), *ws)),
    ],
    "gru_cell": [((X[0], H[0], *GRU_WEIGHTS), lambda T, *xs: T.gru_cell(*xs))],
    "rnn_tanh_cell": [((X[0], H[0], *RNN_WEIGHTS), lambda T, *xs: T.rnn_tanh_cell(*xs))],
    "rnn_relu_cell": [((X[0], H[0], *RNN_WEIGHTS), lambda T, *xs: T.rnn_relu_cell(*xs))],
    "pack_padded_sequence": [
        ((X,), lambda T, x: packed(T, x, LENGTHS)),
        ((X,), lambda T, x: T.nn.utils.rnn.pack_padded_sequence(x, LENGTHS)),
        ((X.swapaxes(0, 1),), lambda T, x: packed(T, x, UNSORTED, batch_first=True, enforce_sorted=False)),
        ((X,), lambda T, x: packed(T, x, [2, 2, 1])),
        ((X[..., 0],), lambda T, x: packed(T, x, [2, 3, 3], enforce_sorted=False)),
    ],
    "pad_packed_sequence": [
        ((X,), lambda T, x: T.nn.utils.rnn.pad_packed_sequence(packed(T, x, LENGTHS), total_length=5)),
        ((X,),
         lambda T, x: T.nn.utils.rnn.pad_packed_sequence(packed(T, x, UNSORTED, enforce_sorted=False), True, -1.0)),
    ],
    "pad_sequence": [
        (SEQUENCES, lambda T, *xs: T.nn.utils.rnn.pad_sequence(xs)),
        (SEQUENCES, lambda T, *xs: T.nn.utils.rnn.pad_sequence([x[:, 0] for x in xs], True, 9.0)),
        (SEQUENCES,
         lambda T, *xs: T.nn.utils.rnn.pad_sequence(xs, batch_first=True, padding_value=-1.0, padding_side="left")),
        (SEQUENCES[:1], lambda T, *xs: T.nn.utils.rnn.pad_sequence(xs)),
    ],
    "pack_sequence": [
        (SEQUENCES, lambda T, *xs: T.nn.utils.rnn.pack_sequence(xs)),
        (SEQUENCES[::-1], lambda T, *xs: T.nn.utils.rnn.pack_sequence(list(xs), enforce_sorted=False)),
    ],
    "unpad_sequence": [
        ((X,), lambda T, x: T.nn.utils.rnn.unpad_sequence(x.clone(), T.tensor(LENGTHS))),
        ((X,), lambda T, x: T.nn.utils.rnn.unpad_sequence(x, T.tensor([1, 2, 2, 0]), batch_first=True)),
    ],
    "unpack_sequence": [
        (SEQUENCES[::-1],
         lambda T, *xs: T.nn.utils.rnn.unpack_sequence(T.nn.utils.rnn.pack_sequence(xs, enforce_sorted=False))),
    ],
    "invert_permutation": [((np.array([2, 0, 1]),), lambda T, p: T.nn.utils.rnn.invert_permutation(p))],
    "PackedSequence": [
        ((X1,), lambda T, x: T.nn.utils.rnn.PackedSequence(x, T.tensor([2, 2]), T.tensor([1, 0])).double()),
        ((X1,), lambda T, x: T.nn.utils.rnn.PackedSequence((x, T.tensor([3, 1]))).to(T.float32)),
    ],
}  # fmt: skip

ERRORS = {
    "input dtype": lambda T: T.nn.LSTM(2, 3)(T.zeros(4, 3, 2, dtype=T.float64)),
    "input of one dimension": lambda T: T.nn.GRU(2, 3)(T.zeros(2)),
    "input size": lambda T: T.nn.RNN(2, 3)(T.zeros(4, 3, 3)),
    "no steps": lambda T: T.nn.LSTM(2, 3)(T.zeros(0, 3, 2)),
    "no steps, gru": lambda T: T.nn.GRU(2, 3)(T.zeros(0, 3, 2)),
    "hidden size": lambda T: T.nn.GRU(2, 3)(T.zeros(4, 3, 2), T.zeros(1, 3, 4)),
    "hidden dimensions": lambda T: T.nn.GRU(2, 3)(T.zeros(4, 3, 2), T.zeros(3, 3)),
    "hidden dimensions without batch": lambda T: T.nn.LSTM(2, 3)(T.zeros(4, 2), (T.zeros(1, 1, 3), T.zeros(1, 1, 3))),
    "cell size": lambda T: T.nn.LSTM(2, 3)(T.zeros(4, 3, 2), (T.zeros(1, 3, 3), T.zeros(1, 3, 4))),
    "batch of the state": lambda T: T.nn.LSTM(2, 3)(T.zeros(4, 3, 2), (T.zeros(1, 2, 3), T.zeros(1, 2, 3))),
    "packed input size": lambda T: T.nn.RNN(2, 3)(packed(T, T.zeros(4, 3, 3), LENGTHS)),
    "packed state": lambda T: T.nn.RNN(2, 3)(packed(T, T.zeros(4, 3, 2), LENGTHS), T.zeros(1, 2, 3)),
    "projection of a GRU": lambda T: T.nn.GRU(2, 3, proj_size=2),
    "projection of an RNN": lambda T: T.nn.RNN(2, 3, proj_size=2),
    "projection too large": lambda T: T.nn.LSTM(2, 3, proj_size=3),
    "projection negative": lambda T: T.nn.LSTM(2, 3, proj_size=-1),
    "nonlinearity": lambda T: T.nn.RNN(2, 3, nonlinearity="sigmoid"),
    "mode": lambda T: T.nn.RNNBase("CNN", 2, 3),
    "no layers": lambda T: T.nn.GRU(2, 3, num_layers=0),
    "no features": lambda T: T.nn.GRU(0, 3),
    "no hidden size": lambda T: T.nn.GRU(2, 0),
    "hidden size no integer": lambda T: T.nn.GRU(2, 3.0),
    "input size no integer": lambda T: T.nn.GRU("2", 3),
    "bias no bool": lambda T: T.nn.GRU(2, 3, bias=1),
    "batch_first no bool": lambda T: T.nn.GRU(2, 3, batch_first=1),
    "dropout too large": lambda T: T.nn.GRU(2, 3, 2, dropout=1.5),
    "dropout no number": lambda T: T.nn.GRU(2, 3, 2, dropout=True),
    "cell input": lambda T: T.nn.LSTMCell(2, 3)(T.zeros(1, 1, 2)),
    "cell state": lambda T: T.nn.GRUCell(2, 3)(T.zeros(1, 2), T.zeros(1, 1, 3)),
    "cell features": lambda T: T.nn.RNNCell(2, 3)(T.zeros(1, 3)),
    "cell state size": lambda T: T.nn.RNNCell(2, 3)(T.zeros(1, 2), T.zeros(1, 2)),
    "cell batch": lambda T: T.nn.GRUCell(2, 3)(T.zeros(2, 2), T.zeros(3, 3)),
    "cell nonlinearity": lambda T: T.nn.RNNCell(2, 3, nonlinearity="x")(T.zeros(1, 2)),
    "too few weights": lambda T: T.gru(
        T.zeros(4, 3, 2), T.zeros(1, 3, 3), [T.zeros(9, 2)], False, 1, 0.0, False, False, False
    ),
    "pack: not sorted": lambda T: packed(T, T.zeros(4, 3, 2), UNSORTED),
    "pack: lengths": lambda T: packed(T, T.zeros(4, 3, 2), [4, 3]),
    "pack: length 0": lambda T: packed(T, T.zeros(4, 3, 2), [4, 3, 0]),
    "pad: too short": lambda T: T.nn.utils.rnn.pad_packed_sequence(
        packed(T, T.zeros(4, 3, 2), LENGTHS), total_length=3
    ),
    "pad_sequence: nothing": lambda T: T.nn.utils.rnn.pad_sequence([]),
    "pad_sequence: number": lambda T: T.nn.utils.rnn.pad_sequence(3),
    "pad_sequence: side": lambda T: T.nn.utils.rnn.pad_sequence([T.zeros(2)], padding_side="top"),
    "pad_sequence: sizes": lambda T: T.nn.utils.rnn.pad_sequence([T.zeros(2, 1), T.zeros(2, 2)]),
    "PackedSequence without sizes": lambda T: T.nn.utils.rnn.PackedSequence(T.zeros(2)),
    "unpad: lengths": lambda T: (
        T.nn.utils.rnn.unpad_sequence(T.zeros(2, 3), T.tensor([1, 1]), batch_first=True)
        and T.nn.utils.rnn.unpad_sequence(T.zeros(2, 3), T.tensor([1]), batch_first=True)
    ),
}
