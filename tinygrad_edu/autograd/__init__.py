"""Gradients: `backward`, `grad`, custom `Function`s and what is built on them."""
from . import hooks
from .gradients import backward, grad
