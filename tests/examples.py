"""Examples that several tests use."""

from tinygrad_edu.autograd import Function


class Cube(Function):
    """A custom operation as users write it: x³, with the gradient 3 g x²."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * g * x**2
