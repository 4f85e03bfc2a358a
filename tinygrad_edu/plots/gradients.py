"""How large the gradients of each layer are over time: vanishing and exploding ones are seen at once."""

import numpy as np

from .figures import new_figure


class GradientNorms:
    """Notes the size of every parameter's gradient during training.

        norms = GradientNorms(model)
        for x, y in loader:
            optimizer.zero_grad()
            loss_of(model(x), y).backward()
            norms.note()
            optimizer.step()
        save(norms.figure(), "out/gradients.png")

    names    of the parameters, in the order of the model
    history  one list of norms for each `note()`: ‖∂loss/∂p‖ / √(elements of p), the root mean square of the gradient,
             so that layers of different sizes can be compared; NaN where there was no gradient
    """

    def __init__(self, model):
        self.parameters = dict(model.named_parameters())
        if not self.parameters:
            raise ValueError(f"GradientNorms: this {type(model).__name__} has no parameters")
        self.names, self.history = list(self.parameters), []

    def note(self):
        """Note the gradients as they are now: between backward() and the next zero_grad()."""
        self.history.append([root_mean_square(p.grad) for p in self.parameters.values()])

    def figure(self, title="root mean square of the gradients", most=40):
        """A row for each parameter, time to the right, powers of ten as colours; grey where there was no gradient or
        it was 0. Of more than `most` parameters those that are weights (at least two dimensions) are shown."""
        if not self.history:
            raise ValueError("GradientNorms: nothing was noted; call note() after each backward()")
        shown = range(len(self.names))
        if len(self.names) > most:
            shown = [i for i in shown if self.parameters[self.names[i]].ndim >= 2] or list(shown)
        values = np.array(self.history).T[list(shown)]
        with np.errstate(divide="ignore", invalid="ignore"):
            powers = np.where(values > 0, np.log10(values), np.nan)
        figure = new_figure(7.5, 1.5 + 0.24 * len(values))
        axes = figure.subplots()
        axes.set_facecolor("#d1d5db")
        drawn = axes.imshow(
            powers, aspect="auto", cmap="viridis", interpolation="nearest",
            extent=(0.5, values.shape[1] + 0.5, len(values), 0),
        )  # fmt: skip
        axes.set(xlabel="step", title=title, yticks=np.arange(len(values)) + 0.5)
        axes.set_yticklabels([self.names[i] for i in shown], fontsize=8)
        figure.colorbar(drawn, label="power of ten")
        return figure


def root_mean_square(gradient):
    if gradient is None or not gradient.array.size:
        return float("nan")
    return float(np.sqrt(np.mean(np.square(gradient.array, dtype=np.float64))))
