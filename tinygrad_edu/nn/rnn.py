"""Recurrent networks: RNN, LSTM, GRU over whole sequences, and RNNCell, LSTMCell, GRUCell for single steps."""

import math
import numbers
import warnings

from ..creation import zeros
from ..ops import recurrent
from ..ops.indexing import index_select
from . import init
from .linear import empty_parameter
from .module import Module
from .utils.rnn import PackedSequence

GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """What RNN, LSTM and GRU share: parameters, checks, and the forms of input.

    For each layer k, and with the ending _reverse for the second direction:

    weight_ih_lk  (gates · hidden_size, features of the layer's input)
    weight_hh_lk  (gates · hidden_size, hidden_size, or proj_size)
    bias_ih_lk, bias_hh_lk  (gates · hidden_size,), without bias=False
    weight_hr_lk  (proj_size, hidden_size), with proj_size

    All start uniform in [−1/√hidden_size, 1/√hidden_size].
    """

    def __init__(
        self, mode, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0,
        bidirectional=False, proj_size=0, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        check_settings(mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                f"dropout={dropout} does nothing with one layer: it is applied between layers; write num_layers=2 or "
                "more",
                UserWarning,
                stacklevel=3,
            )
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        rows, size = GATES[mode] * hidden_size, proj_size or hidden_size
        self._all_weights = []
        for layer in range(num_layers):
            features = input_size if layer == 0 else size * (1 + bool(bidirectional))
            for ending in ("", "_reverse") if bidirectional else ("",):
                shapes = {"weight_ih": (rows, features), "weight_hh": (rows, size)}
                if bias:
                    shapes.update(bias_ih=(rows,), bias_hh=(rows,))
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                names = {f"{name}_l{layer}{ending}": shape for name, shape in shapes.items()}
                for name, shape in names.items():
                    setattr(self, name, empty_parameter(shape, dtype))
                self._all_weights.append(list(names))
        self.reset_parameters()

    def reset_parameters(self):
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self):
        """Nothing: it arranges memory for GPUs in PyTorch."""

    @property
    def all_weights(self):
        """A list of the parameters for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self):
        return [getattr(self, name) for names in self._all_weights for name in names]

    # ---- checks

    def check_input(self, input, batch_sizes):
        """Raise unless dtype and shape of the input fit the weights."""
        weight = getattr(self, self._all_weights[0][0])
        if input.dtype != weight.dtype:
            raise ValueError(
                f"{type(self).__name__}: the input is {input.dtype} and the weights are {weight.dtype}; write "
                f"input.to({weight.dtype}), or model.to({input.dtype})"
            )
        expected = 3 if batch_sizes is None else 2
        if input.ndim != expected:
            raise RuntimeError(f"{type(self).__name__}: the input must have {expected} dimensions, not {input.ndim}")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"{type(self).__name__}: the last size of the input must be input_size, {self.input_size}, and is "
                f"{input.shape[-1]}"
            )

    def get_expected_hidden_size(self, input, batch_sizes):
        """(layers · directions, batch, size of the output): the shape of the state h."""
        return self._state_shape(input, batch_sizes, self.proj_size or self.hidden_size)

    def _state_shape(self, input, batch_sizes, size):
        batch = input.shape[0 if self.batch_first else 1] if batch_sizes is None else int(batch_sizes[0])
        return self.num_layers * (1 + bool(self.bidirectional)), batch, size

    def check_hidden_size(self, hx, expected_hidden_size, msg="Expected hidden size {}, got {}"):
        if tuple(hx.shape) != tuple(expected_hidden_size):
            raise RuntimeError(msg.format(tuple(expected_hidden_size), list(hx.shape)))

    def check_forward_args(self, input, hidden, batch_sizes):
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx, permutation):
        """The examples of a state in another order."""
        return hx if permutation is None else index_select(hx, 1, permutation)

    # ---- the network

    def forward(self, input, hx=None):
        """(output, state after the last step)."""
        if isinstance(input, PackedSequence):
            data, batch_sizes, order, back = input
            hx = self._initial(data, batch_sizes) if hx is None else self.permute_hidden(hx, order)
            self.check_forward_args(data, hx, batch_sizes)
            output, hidden = self._compute(data, hx, batch_sizes)
            return PackedSequence(output, batch_sizes, order, back), self.permute_hidden(hidden, back)
        name = type(self).__name__
        if input.ndim not in (2, 3):
            raise ValueError(f"{name}: the input must have 3 dimensions, or 2 without a batch, not {input.ndim}")
        batched = input.ndim == 3
        for state in () if hx is None else self._states(hx):
            if state.ndim != input.ndim:
                raise RuntimeError(
                    f"{name}: with an input of {input.ndim} dimensions, the initial state must have {input.ndim}, "
                    f"too, not {state.ndim}"
                )
        if not batched:
            input = input.unsqueeze(0 if self.batch_first else 1)
            hx = None if hx is None else self._each(hx, lambda state: state.unsqueeze(1))
        if hx is None:
            hx = self._initial(input, None)
        self.check_forward_args(input, hx, None)
        output, hidden = self._compute(input, hx, None)
        if not batched:
            return output.squeeze(0 if self.batch_first else 1), self._each(hidden, lambda state: state.squeeze(1))
        return output, hidden

    def _initial(self, input, batch_sizes):
        if input.ndim != (3 if batch_sizes is None else 2):
            self.check_input(input, batch_sizes)
        return zeros(self.get_expected_hidden_size(input, batch_sizes), dtype=input.dtype)

    def _states(self, hx):
        """The tensors of a state."""
        return (hx,)

    def _each(self, hx, function):
        """A state with a function applied to each of its tensors."""
        return function(hx)

    def _compute(self, input, hx, batch_sizes):
        function = getattr(recurrent, self.mode.lower())
        settings = self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional
        if batch_sizes is None:
            output, *hidden = function(input, hx, *settings, self.batch_first)
        else:
            output, *hidden = function(input, batch_sizes, hx, *settings)
        return output, tuple(hidden) if len(hidden) > 1 else hidden[0]

    def extra_repr(self):
        settings = {
            "proj_size": (self.proj_size, 0), "num_layers": (self.num_layers, 1), "bias": (self.bias, True),
            "batch_first": (self.batch_first, False), "dropout": (self.dropout, 0),
            "bidirectional": (self.bidirectional, False),
        }  # fmt: skip
        given = [f"{name}={value}" for name, (value, default) in settings.items() if value != default]
        return ", ".join([str(self.input_size), str(self.hidden_size), *given])


def check_settings(mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size):
    if mode not in GATES:
        raise ValueError(f"there is no recurrent network of mode {mode!r}, only {', '.join(GATES)}")
    if not isinstance(dropout, numbers.Number) or isinstance(dropout, bool) or not 0 <= dropout <= 1:
        raise ValueError(
            f"dropout must be a number from 0 to 1, the probability of an element to be set to 0, not {dropout!r}"
        )
    for name, value, kind in (
        ("bias", bias, bool), ("batch_first", batch_first, bool), ("input_size", input_size, int),
        ("hidden_size", hidden_size, int),
    ):  # fmt: skip
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be of type {kind.__name__}, not {type(value).__name__} ({value!r})")
    for name, value in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero, not {value}")
    if not 0 <= proj_size < hidden_size:
        raise ValueError(f"proj_size must be smaller than hidden_size, {hidden_size}, and 0 or more, not {proj_size}")


def without_projection(kwargs):
    if "proj_size" in kwargs:
        raise ValueError("only LSTM has a projection: leave out proj_size")


class RNN(RNNBase):
    """Simple recurrent layers (Elman 1990): h ← tanh(W_ih x + b_ih + W_hh h + b_hh) at each step, or relu for tanh.

        RNN(input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False, dropout=0.0,
            bidirectional=False)

    num_layers     each layer takes the output of the one before
    nonlinearity   "tanh" or "relu"
    batch_first    input and output are (batch, steps, ...) instead of (steps, batch, ...); states are not affected
    dropout        probability of dropout on the outputs of all layers but the last, in training
    bidirectional  a second set of parameters reads from the last step to the first; the outputs stand side by side

    rnn(input, hx) gives (output, h_n):

    input   (steps, batch, input_size); (steps, input_size) without a batch; or a PackedSequence, and then so is the
            output
    hx      the initial state (layers · directions, batch, hidden_size), by default zeros
    output  (steps, batch, directions · hidden_size): the last layer's h at every step
    h_n     the states after the last step, of hx's shape
    """

    def __init__(self, *args, **kwargs):
        without_projection(kwargs)
        if len(args) > 3:
            args, nonlinearity = (*args[:3], *args[4:]), args[3]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f'nonlinearity must be "tanh" or "relu", not {nonlinearity!r}')
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = nonlinearity


class GRU(RNNBase):
    """Gated recurrent units (Cho et al. 2014). At each step, with r and z between 0 and 1,

        r, z = σ(W_ih x + b_ih + W_hh h + b_hh), two thirds of the rows
        n = tanh(W_in x + b_in + r (W_hn h + b_hn)),   h ← (1 − z) n + z h

        GRU(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False)

    Parameters, input and results as for RNN. The weights hold r, z and n one below the other.
    """

    def __init__(self, *args, **kwargs):
        without_projection(kwargs)
        super().__init__("GRU", *args, **kwargs)


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter & Schmidhuber 1997). At each step, with gates i, f, o between 0 and 1,

        i, f, g, o = σ(·), σ(·), tanh(·), σ(·)   of   W_ih x + b_ih + W_hh h + b_hh, a quarter of the rows each
        c ← f c + i g,   h ← o tanh(c);   with proj_size, h ← W_hr (o tanh(c))

        LSTM(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
        proj_size=0)

    Parameters and input as for RNN. lstm(input, (h_0, c_0)) gives (output, (h_n, c_n)); with proj_size, h and the
    output have that size instead of hidden_size.
    """

    def __init__(self, *args, **kwargs):
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(self, input, batch_sizes):
        """(layers · directions, batch, hidden_size): the shape of the state c."""
        return self._state_shape(input, batch_sizes, self.hidden_size)

    def check_forward_args(self, input, hidden, batch_sizes):
        self.check_input(input, batch_sizes)
        self.check_hidden_size(
            hidden[0], self.get_expected_hidden_size(input, batch_sizes), "Expected hidden[0] size {}, got {}"
        )
        self.check_hidden_size(
            hidden[1], self.get_expected_cell_size(input, batch_sizes), "Expected hidden[1] size {}, got {}"
        )

    def permute_hidden(self, hx, permutation):
        return self._each(hx, lambda state: RNNBase.permute_hidden(self, state, permutation))

    def _initial(self, input, batch_sizes):
        return super()._initial(input, batch_sizes), zeros(
            self.get_expected_cell_size(input, batch_sizes), dtype=input.dtype
        )

    def _states(self, hx):
        if not isinstance(hx, (tuple, list)) or len(hx) != 2:
            raise RuntimeError(f"LSTM: the initial state must be two tensors, (h_0, c_0), not a {type(hx).__name__}")
        return hx

    def _each(self, hx, function):
        return tuple([function(state) for state in self._states(hx)])


# ---- single steps


class RNNCellBase(Module):
    """What RNNCell, LSTMCell and GRUCell share.

    weight_ih, weight_hh  (num_chunks · hidden_size, input_size), (num_chunks · hidden_size, hidden_size)
    bias_ih, bias_hh      (num_chunks · hidden_size,), or None with bias=False

    All start uniform in [−1/√hidden_size, 1/√hidden_size].
    """

    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = empty_parameter((rows, input_size), dtype)
        self.weight_hh = empty_parameter((rows, hidden_size), dtype)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, empty_parameter((rows,), dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _step(self, function, input, states):
        """The states after a step, a tuple; `states` are those before it, or None."""
        name = type(self).__name__
        for kind, x in (("input", input), *[("state", s) for s in states or ()]):
            if x.ndim not in (1, 2):
                raise ValueError(
                    f"{name}: the {kind} must be (batch, features), or (features,) without a batch, not "
                    f"{tuple(x.shape)}"
                )
        batched = input.ndim == 2
        if not batched:
            input = input.unsqueeze(0)
            states = states and [s.unsqueeze(0) for s in states]
        if states is None:
            states = [zeros((input.shape[0], self.hidden_size), dtype=input.dtype)] * (2 if name == "LSTMCell" else 1)
        hx = tuple(states) if len(states) == 2 else states[0]
        result = function(input, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        result = result if isinstance(result, tuple) else (result,)
        return result if batched else tuple([r.squeeze(0) for r in result])

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else text + f", nonlinearity={nonlinearity}"


class RNNCell(RNNCellBase):
    """One step h ← tanh(W_ih x + b_ih + W_hh h + b_hh), or relu for tanh.

    cell(input, hx) gives the new h; input (batch, input_size) or (input_size,), h (batch, hidden_size) or
    (hidden_size,), by default zeros.
    """

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f'nonlinearity must be "tanh" or "relu", not {self.nonlinearity!r}')
        function = recurrent.rnn_tanh_cell if self.nonlinearity == "tanh" else recurrent.rnn_relu_cell
        return self._step(function, input, None if hx is None else (hx,))[0]


class LSTMCell(RNNCellBase):
    """One step of long short-term memory, see LSTM: cell(input, (h, c)) gives the new (h, c). Shapes as for RNNCell."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input, hx=None):
        return self._step(recurrent.lstm_cell, input, None if hx is None else tuple(hx))


class GRUCell(RNNCellBase):
    """One step of gated recurrent units, see GRU: cell(input, h) gives the new h. Shapes as for RNNCell."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input, hx=None):
        return self._step(recurrent.gru_cell, input, None if hx is None else (hx,))[0]
