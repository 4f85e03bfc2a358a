"""Mixed precision, which does not exist here: everything is computed in the dtype that it has."""

import functools


class autocast:
    """A context and decorator that changes nothing: operations keep the dtypes of their operands.

    PyTorch would compute parts of the program in a shorter dtype, so that results agree to that dtype's digits only.
    """

    def __init__(self, device_type="cpu", dtype=None, enabled=True, cache_enabled=None):
        self.device, self.fast_dtype, self.enabled = device_type, dtype, enabled

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

    def __call__(self, function):
        @functools.wraps(function)
        def call(*args, **named):
            with self:
                return function(*args, **named)

        return call


class GradScaler:
    """Scales no loss, since no gradient can be too small for float16 here: every method does what a disabled one
    does."""

    def __init__(
        self, device="cuda", init_scale=65536.0, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000,
        enabled=True,
    ):  # fmt: skip
        pass

    def scale(self, outputs):
        """The outputs themselves."""
        return outputs

    def unscale_(self, optimizer):
        """Does nothing: the gradients are not scaled."""

    def step(self, optimizer, *args, **named):
        """optimizer.step()"""
        return optimizer.step(*args, **named)

    def update(self, new_scale=None):
        """Does nothing: there is no scale."""

    def get_scale(self):
        return 1.0

    def is_enabled(self):
        return False

    def state_dict(self):
        return {}

    def load_state_dict(self, state_dict):
        """Does nothing: there is no state."""


def custom_fwd(fwd=None, *, device_type=None, cast_inputs=None):
    """The function itself."""
    return fwd if fwd is not None else lambda fwd: fwd


custom_bwd = custom_fwd


def is_autocast_available(device_type):
    return False
