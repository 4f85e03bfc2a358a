"""What is saved of an object so that training can go on later: the attributes that its class names."""

__all__ = ["Remembering"]


class Remembering:
    """The base of callbacks and metrics.

    remembers  names of the attributes that change during training: numbers, text, arrays, tensors, and lists and dicts
               of them. They are what a checkpoint holds of the object
    """

    remembers = ()

    def state_dict(self):
        """The attributes in `remembers` by name."""
        return {name: getattr(self, name) for name in self.remembers}

    def load_state_dict(self, state):
        """Go on from where `state_dict` was called."""
        if set(state) != set(self.remembers):
            raise ValueError(
                f"{type(self).__name__} remembers {list(self.remembers)}, and the saved state has {list(state)}; it "
                "belongs to another class, or to another version of this one"
            )
        for name, value in state.items():
            setattr(self, name, value)
