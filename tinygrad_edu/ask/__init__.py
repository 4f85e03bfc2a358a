"""Questions to a program: `why` a gradient is missing, zero or not finite; `lint`, which mistakes a training step has.

    why(model.encoder.weight)                        from what happened lately
    why(model.encoder.weight, loss)                  from the graph of the loss
    why(model.encoder.weight, lambda: loss_of(x))    from a run of the function, for certain
    lint(model, training_step)

docs/asking.md shows what they answer.
"""

from .answer import Answer, Report
from .lint import lint
from .why import why

__all__ = ["Answer", "Report", "lint", "why"]
