"""`torch.backends`: which libraries there are (none of these), and switches that nothing reads."""

import types


class Backend(types.SimpleNamespace):
    """A library that is not used here. Its settings can be read and written, and change nothing."""

    def is_available(self):
        return False

    is_built = is_available

    def version(self):
        return None

    def flags(self, **settings):
        """A context that changes nothing."""
        import contextlib

        return contextlib.nullcontext()


cudnn = Backend(enabled=False, benchmark=False, deterministic=False, allow_tf32=False)
cuda = Backend(matmul=types.SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=False))
mps, mkl, mkldnn, openmp, opt_einsum, quantized = [Backend(enabled=False) for _ in range(6)]
