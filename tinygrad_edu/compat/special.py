"""`torch.special`: other names of elementary functions."""

from ..ops.activation import sigmoid as expit  # noqa: F401
from ..ops.elementary import erf, erfc, erfinv, exp2, expm1, log1p  # noqa: F401
from ..ops.neural import log_softmax, softmax  # noqa: F401
from ..ops.reduce import logsumexp  # noqa: F401
