"""What `tune` draws: where draws fall, what trials found, how models learn."""

import numpy as np

from tinygrad_edu import plots

from .spaces import SPACE


def scales(drawn, count=80):
    figure = plots.new_figure(10, 4.6)
    for row, (name, values) in zip(figure.subplots(2, 2), drawn.items()):
        for axes, scale in zip(row, ("linear", "log")):
            for height, some in enumerate(values):
                places = height + np.linspace(-0.2, 0.2, count)
                axes.plot(some[:count], places, ".", color=plots.COLORS[height], markersize=5)
            axes.set(xscale=scale, ylim=(-0.5, 1.5), yticks=(0, 1), yticklabels=("linear scale", "10^r"))
            axes.set_xlabel(f"{'learning rate' if name == 'rate' else '1 − β'}, {scale} axis")
            axes.xaxis.set_major_formatter("{x:g}")
            axes.minorticks_off()
    return figure


def errors_of_trials(trials):
    """The trials of each search in the plane of learning rate and β, colored by their error."""
    figure = plots.new_figure(10, 7.4)
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    for axes, (name, found) in zip(panels.flat, trials.items()):
        rates, betas, errors = np.transpose([(t.settings["rate"], t.settings["β"], 100 - t.accuracy) for t in found])
        dots = axes.scatter(rates, 1 - betas, c=errors, cmap="viridis_r", norm="log", vmin=5, vmax=100, s=34)
        best = np.argmin(errors)
        axes.plot(rates[best], 1 - betas[best], "*", color=plots.COLORS[1], markersize=15, markerfacecolor="none")
        axes.set(xscale="log", yscale="log", title=f"{name}: best {100 - errors[best]:.1f} %")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
    for axes in panels[1]:
        axes.set_xlabel("learning rate")
    for axes in panels[:, 0]:
        axes.set(ylabel="β", yticks=(0.001, 0.01, 0.1), yticklabels=("0.999", "0.99", "0.9"))
    bar = figure.colorbar(dots, ax=panels, ticks=(5, 10, 20, 50, 100), format="{x:g}")
    bar.set_label("error on the dev set in %")
    bar.minorticks_off()
    return figure


def curves(trials, history):
    """The trials of a search side by side, and the model that was watched."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import MaxNLocator

    figure = plots.new_figure(11, 4.2)
    many, one = figure.subplots(1, 2)
    low, high, value = SPACE["rate"]
    color_of = ScalarMappable(LogNorm(value(low), value(high)), "plasma")
    figure.colorbar(color_of, ax=many, label="learning rate", format="{x:g}").minorticks_off()
    for t in trials:
        epochs = range(1, len(t.accuracies) + 1)
        many.plot(epochs, t.accuracies, color=color_of.to_rgba(t.settings["rate"]), linewidth=1)
    many.set_title("caviar: many models side by side")

    epochs = range(1, history.epochs + 1)
    one.plot(epochs, 100 * np.array(history["val_accuracy"]), color=plots.COLORS[0])
    one.set_title("panda: one model, watched")
    rate = one.twinx()
    rate.step(epochs, history["lr"], color=plots.COLORS[1], where="mid")
    rate.set_yscale("log")
    rate.yaxis.set_major_formatter("{x:g}")
    rate.set_ylabel("learning rate", color=plots.COLORS[1])
    for axes in (many, one):
        axes.set(xlabel="epoch", ylabel="accuracy on the dev set in %")
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    return figure
