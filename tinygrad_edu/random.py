"""The default generator of random numbers, under the names of torch.random."""

from .generator import (
    default_generator, fork_rng, get_rng_state, initial_seed, manual_seed, seed, set_rng_state,
)  # fmt: skip

__all__ = [
    "default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state",
]  # fmt: skip
