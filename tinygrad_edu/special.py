import math
import numpy as np
_erf = np.vectorize(math.erf, otypes=[float])
_erfc = np.vectorize(math.erfc, otypes=[float])
def erf(x): return _erf(x).astype(x.dtype)
def erfc(x): return _erfc(x).astype(x.dtype)
