"""Checks of the training step: what is done in which order, and with which settings. Each takes a Case and yields
Answers."""

import numpy as np

from ..errors import AutogradError, GraphFreedError, OverwrittenError
from .answer import Answer, line_at, listed

RANDOM_OR_RUNNING = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "BatchNorm1d", "BatchNorm2d",
                     "BatchNorm3d", "FeatureAlphaDropout")  # fmt: skip
"""Modules that compute something else in training than in evaluation."""

EXPLOSION = 1e3


def exceptions(case):
    for number, run in enumerate(case.runs):
        if run.error is not None and not (number and isinstance(run.error, StopIteration)):
            keyword, advice = kind_of(run.error, number)
            when = "" if number == 0 else f" in run {number + 1} of the function"
            yield Answer(keyword, f"{type(run.error).__name__}{when}: {run.error}", run.error_place, advice)


def kind_of(error, number):
    """(keyword, advice) for an exception."""
    text = str(error)
    if isinstance(error, IndexError) and "classes" in text:
        return (
            "label out of range",
            "Labels are numbers from 0 to classes − 1: subtract 1 if they start at 1, or give the last layer more "
            "outputs.",
        )
    if isinstance(error, GraphFreedError):
        if number:
            return "graph kept between steps", (
                "Something of the last step is used in this one, with its graph: write state = state.detach() between "
                "the steps, or compute it anew."
            )
        return "backward twice", "Call backward() once on the sum of the losses."
    if isinstance(error, OverwrittenError):
        return "changed in place", ""
    if isinstance(error, AutogradError) and "does not require gradients" in text:
        return "loss without graph", ""
    if "numbers of classes" in text:
        return "label dtype", "Convert the labels: target.long()."
    if "probabilities from 0 to 1" in text:
        return "logits into BCE", "Use binary_cross_entropy_with_logits (BCEWithLogitsLoss)."
    if "more than 1 value per channel" in text:
        return "batch of one", ""
    return "error", ""


def missing_zero_grad(case):
    for run in case.runs:
        for optimizer, place in run.stale.items():
            yield Answer(
                "missing zero_grad",
                f"{type(optimizer).__name__}.step() uses gradients to which those of the step "
                "before have been added: they are never reset.",
                place,
                "Call optimizer.zero_grad() before backward().",
            )
            return


def order(case):
    """backward and step in the wrong order, gradients forgotten between them, and steps that never come."""
    run = case.run
    kinds = [event[0] for event in run.events]
    if case.experiment is None or run.error is not None:
        return
    for index, event in enumerate(run.events):
        if event[0] == "step" and not event[3]:
            _, optimizer, place, _ = event
            mine = {id(p) for group in optimizer.param_groups for p in group["params"]}
            got = any(case.gradient(p, case.flow) is not None for p in case.model.parameters() if id(p) in mine)
            zero = got and not any(
                np.any(case.gradient(p, case.flow))
                for p in case.model.parameters()
                if id(p) in mine and case.gradient(p, case.flow) is not None
            )
            if "backward" not in kinds:
                yield Answer(
                    "backward not called",
                    f"{type(optimizer).__name__}.step() finds no gradients: backward() is not called in this step.",
                    place,
                    "Call loss.backward() before optimizer.step().",
                )
            elif "backward" not in kinds[:index]:
                yield Answer(
                    "step before backward",
                    f"{type(optimizer).__name__}.step() comes before backward(): it finds no "
                    "gradients, or those of the step before.",
                    place,
                    "The order is zero_grad, backward, step.",
                )
            elif got and not zero:
                yield Answer(
                    "zero_grad after backward",
                    f"{type(optimizer).__name__}.step() finds no gradients: they were "
                    "reset between backward() and step().",
                    place,
                    "The order is zero_grad, backward, step.",
                )
            return
    steps = [index for index, kind in enumerate(kinds) if kind == "step"]
    if steps and "backward" in kinds and steps[-1] < kinds.index("backward"):
        yield Answer(
            "step before backward",
            "optimizer.step() comes before backward(): it uses the gradients of the step before.",
            run.events[steps[0]][2],
            "The order is zero_grad, backward, step.",
        )


def never_changed(case):
    """A step without optimizer.step()."""
    reset = [] if case.optimizer is None else [case.optimizer]
    reset += [optimizer for run in case.runs for optimizer in run.reset]
    if case.experiment is None or not reset or not case.run.ran_backward or len(case.runs) < 2:
        return
    if any(run.steps() or run.error for run in case.runs):
        return
    if not any(case.experiment.changed(p) for p in case.model.parameters() if p.node is not None):
        yield Answer(
            "no step",
            "The function calls backward(), but optimizer.step() is never called: the parameters do not change.",
            next((e[1] for e in case.run.events if e[0] == "backward"), None),
            "Call optimizer.step() after backward().",
        )


def schedule_order(case):
    for run in case.runs:
        for schedule, place in run.early:
            if run is case.runs[-1] or len(case.runs) > 1:
                yield Answer(
                    "scheduler before optimizer",
                    f"{type(schedule).__name__}.step() comes before optimizer.step(): "
                    "the first learning rate of the schedule is skipped.",
                    place,
                    "Call optimizer.step() first, then scheduler.step().",
                )
                return


def learning_rates(case):
    if case.experiment is None:
        rates = (
            []
            if case.optimizer is None
            else [(case.optimizer, [g.get("lr", 1.0) for g in case.optimizer.param_groups])]
        )
        scheduled = []
    else:
        rates, scheduled = case.experiment.watch.rates, [s.optimizer for s in case.experiment.watch.schedules]
    for optimizer in dict.fromkeys(optimizer for optimizer, _ in rates):
        seen = [rate for o, rate in rates if o is optimizer]
        if all(not any(rate) for rate in seen) and not any(o is optimizer for o in scheduled):
            yield Answer(
                "learning rate 0",
                f"The learning rate of {type(optimizer).__name__} is 0: nothing changes.",
                None,
                "Give it a learning rate, such as lr=1e-3.",
            )
    losses = [run.losses[0] for run in case.runs if run.losses and run.steps()]
    if len(losses) < 3 or not np.isfinite(losses[0]):
        return
    growing = all(abs(b) > abs(a) for a, b in zip(losses, losses[1:]) if np.isfinite(b))
    if not np.isfinite(losses[-1]) or (growing and abs(losses[-1]) > EXPLOSION * max(abs(losses[0]), 1e-2)):
        optimizer = case.stepping[0]
        shown = ", ".join(f"{value:.4g}" for value in losses)
        yield Answer(
            "learning rate too large",
            f"The loss explodes within {len(losses)} steps: {shown}; the learning rate of "
            f"{type(optimizer).__name__} is {optimizer.param_groups[0].get('lr')}.",
            next((event[2] for event in case.run.steps()), None),
            "Make it smaller, by factors of 10; look at whether the data and targets are normalised.",
        )


def not_optimized(case):
    """Parameters that get gradients, while another tensor, or none, is in the optimizer."""
    stepping = case.stepping
    if not stepping or not case.things.optimizers:
        return
    held = {id(p) for o in (*case.things.optimizers, *stepping) for g in o.param_groups for p in g["params"]}
    lost = [
        (name, p)
        for name, p in case.model.named_parameters()
        if id(p) not in held
        and p.node is not None
        and case.gradient(p, case.flow) is not None
        and not (case.experiment is not None and case.experiment.changed(p))
        and in_training(case, p)
    ]
    if not lost:
        return
    stale = [
        p
        for o in stepping
        for g in o.param_groups
        for p in g["params"]
        if id(p) not in case.things.names and case.gradient(p, case.flow) is None
    ]
    names = listed([name for name, _ in lost])
    if stale and any(p.shape == q.shape for p in stale for _, q in lost):
        yield Answer(
            "replaced",
            f"The optimizer holds {len(stale)} tensors that belong to no module: {names} took their place "
            "after the optimizer was made, and nothing changes them.",
            None,
            "Make the optimizer after the model is complete: loaded, copied, converted, its last layer replaced.",
        )
    else:
        yield Answer(
            "not in the optimizer",
            f"{names} get gradients, but no optimizer has them: nothing changes them.",
            None,
            "Give the optimizer all parameters: model.parameters(), after the last layer was added. If they shall stay "
            "as they are: requires_grad_(False).",
        )


def in_training(case, p):
    """Whether the module of a parameter is in training mode; one in evaluation mode may be frozen on purpose."""
    _, module = case.things.owner(p)
    return module is None or module.training or not case.model.training


def modes(case):
    """eval() while training, train() while evaluating."""
    if case.experiment is None:
        return
    special = {
        id(m): m for m in case.model.modules() if type(m).__name__ in RANDOM_OR_RUNNING and getattr(m, "p", 1) > 0
    }
    called = [[call for call in run.modules if id(call[0]) in special] for run in case.runs[:2]]
    calls = [call for run in called for call in run]
    if not calls:
        return
    mine = {id(p) for p in case.model.parameters()}
    stepped = any(id(p) in mine for o in case.stepping for g in o.param_groups for p in g["params"])
    names = listed(dict.fromkeys(type(m).__name__ for m, *_ in calls))
    asleep = [  # in one of the runs
        any(grad for *_, grad in some)
        and not any(t for _, t, grad in some if grad)
        and not any(t for m, t, grad in run.modules if m is case.model and grad)
        for run, some in zip(case.runs, called)
    ]
    if stepped and any(asleep) and case.run.roots:
        yield Answer(
            "eval during training",
            f"The model is trained in evaluation mode, in which {names} do not do what they are for.",
            next((e[1] for e in case.run.events if e[0] == "backward"), None),
            "Call model.train() before training, each time after model.eval().",
        )
    evaluated = [m for m, t, grad in calls if t and not grad]
    if evaluated and not leads_on(case, evaluated):
        call = next(c for c in case.flow.recording.calls if any(c.module is m for m in evaluated))
        yield Answer(
            "train during evaluation",
            f"The model is evaluated, under no_grad(), in training mode: {names} drop "
            "units at random, or use (and change) the statistics of the batch.",
            list(call.chain())[-1].place,
            "Call model.eval() before evaluation, and model.train() after it.",
        )


def functional_dropout(case):
    """F.dropout that does not know of eval()."""
    for step in case.flow.steps:
        if step.name == "mul" and step.module_call is not None and not step.module_call.module.training:
            if type(step.module_call.module).__name__ not in RANDOM_OR_RUNNING and "dropout(" in line_at(step.place):
                yield Answer(
                    "dropout during evaluation",
                    f"{type(step.module_call.module).__name__} is in evaluation mode, but "
                    "drops units at random: the function dropout() does so unless it is told not to.",
                    step.place,
                    "F.dropout(x, p, training=self.training), or the module nn.Dropout.",
                )
                return


def leads_on(case, modules):
    """Whether what these modules computed under no_grad() was used for training something else."""
    flow = case.flow
    made = [
        result
        for step in flow.steps
        if not step.grad_enabled
        and step.module_call is not None
        and any(call.module is m for call in step.module_call.chain() for m in modules)
        for result in step.results
    ]
    return any(value.traced for value in flow.reached(made).values())


def kept_graphs(case):
    if case.experiment is not None and case.experiment.kept_graphs:
        yield Answer(
            "graph kept",
            "Parts of the first run's graph are still there after the last run: the program keeps losses or outputs as "
            "tensors, so that memory grows with every step.",
            next((e[1] for e in case.run.events if e[0] == "backward"), None),
            "Keep numbers: total += loss.item(), losses.append(loss.item()), or detach() what is kept.",
        )


TRAINING_CHECKS = (
    exceptions, missing_zero_grad, order, never_changed, schedule_order, learning_rates, not_optimized, modes,
    functional_dropout, kept_graphs,
)  # fmt: skip
