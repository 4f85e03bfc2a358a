"""Answers from what happened lately, when nobody was recording: what the queues of `lately` remember, the graph of the
last loss if it is still there, and what the program's modules and optimizers look like."""

import math

from .. import lately
from ..autograd.nonfinite import bad
from ..clock import owner_of, writes
from ..engine import reachable
from .answer import Answer
from .cuts import WAYS
from .memory_values import CERTAIN, loss_not_finite, not_finite, zero
from .zeros import VANISHING, size_of


def cut_of_values(flow, value):
    """The latest step among those a Value was computed from that left the graph, or None."""
    ancestors = flow.ancestors(value)
    for step in reversed(flow.steps):
        made = any(result.number in ancestors for result in step.results)
        if made and any(operand.traced for operand in step.operands if hasattr(operand, "traced")):
            if not any(result.traced for result in step.results):
                return step
    return None


def ask_memory(question, loss, flowing=False):
    """The Answer for a tensor that requires gradients, without a recording.

    loss     the loss, a Tensor, if it was given
    flowing  a run has shown that a gradient would arrive
    """
    tensor, name = question.tensor, question.name
    if tensor.grad is not None:
        if bad(tensor.grad):
            return not_finite(question)
        if size_of(tensor.grad.array) > VANISHING:
            return loss_not_finite(question) or question.fine(tensor.grad.array)
        return zero(question, loss)
    waiting = waiting_loss(question)
    if loss is None and waiting is not None:
        return Answer(
            "backward not called",
            f"{name} has no gradient because backward() has not been called on the result of "
            f"`{waiting.node.name}` that was computed from it, the latest number that was.",
            advice="Call loss.backward() before the gradient is used.",
        )
    started = [event for event in lately.events(lately.backwards) if loss is None or event.subject is loss.node]
    in_graph = loss is not None and loss.node is not None and tensor.node in reachable([loss.node])
    if not started and (flowing or in_graph):
        return Answer(
            "backward not called",
            f"{name} has no gradient because backward() has not been called on the loss.",
            advice="Call loss.backward() before the gradient is used.",
        )
    cleared = reset_after(question, started)
    root = loss.node if loss is not None else next((e.subject for e in started if e.subject is not None), None)
    reaches = root is not None and tensor.node in reachable([root])
    if cleared is not None and (reaches or flowing or root is None):
        return cleared
    if reaches or flowing:
        return Answer(
            "gradient removed",
            f"A gradient reaches {name}, but it is None now: it was set to None after backward(), "
            "or backward(inputs=...) or grad(...) was asked for others only.",
            started[0].place if started else None,
            "Look at the gradient between backward() and what resets it.",
        )
    if loss is not None and loss.node is None:
        found = departed(question) or without_recording(question)
        if found is not None:
            return found
        held = [t for t in question.things.tensors if t.node is not None and t.node.op is not None]
        held = [t for t in held if question.tensor.node in reachable([t.node])]
        last = max(held, key=lambda t: t.node.number, default=None)
        known = ""
        if last is not None:
            known = (
                f" The last recorded result from it is that of `{last.node.name}`; what follows has none: argmax, a "
                "comparison, a conversion to integers or a no_grad() block."
            )
        return Answer(
            "loss without graph",
            f"The loss requires no gradient: it was computed without a graph, so none reaches {name}.{known}",
            advice=CERTAIN,
        )
    found = departed(question) or without_recording(question)
    if found is not None:
        return found
    if not started and loss is None:
        return Answer(
            "backward not called",
            f"{name} has no gradient because no backward pass has been run.",
            advice="Call loss.backward(). " + CERTAIN,
        )
    if loss is None and loss_unknown(question, started):
        return Answer(
            "backward not called",
            f"{name} has no gradient: its module was called after the last backward pass, and backward() has not been "
            "called since.",
            advice="Call loss.backward() before the gradient is used. " + CERTAIN,
        )
    return changed_by_hand(question, started) or unused(question, root, started)


def changed_by_hand(question, started):
    """The Answer that the tensor was written into after the last backward pass, as who updates by hand does."""
    write = writes.by_owner.get(id(owner_of(question.tensor.array)))
    if not started or write is None or write.time < started[0].time:
        return None
    return Answer(
        "gradient removed",
        f"{question.name} has no gradient now. After the last backward pass `{write.operation}` has changed it; "
        "probably its gradient was set to None then.",
        write.place,
        CERTAIN,
    )


def loss_unknown(question, started):
    """Whether the tensor's module was called after the last backward pass."""
    _, module = question.things.owner(question.tensor)
    latest = started[0].time if started else 0
    return module is not None and bool(module._calls) and module._calls[-1][0] > latest


def waiting_loss(question):
    """The latest tensor of one element that was computed from the tensor, if that was after all backward passes."""
    node = question.tensor.node
    latest = next((event.time for event in lately.events(lately.backwards)), 0)
    found = [t for t in question.things.tensors if t.array.size == 1 and t.node is not None and t.node.number > latest]
    found = [t for t in found if t.node is not node and node in reachable([t.node])]
    return max(found, key=lambda t: t.node.number, default=None)


def reset_after(question, started):
    """The Answer that zero_grad() came after the last backward pass, or None."""
    if not started:
        return None
    for event in lately.events(lately.resets):
        if event.time < started[0].time:
            return None
        if holds(event.subject, question.tensor):
            return Answer(
                "zero_grad after backward",
                f"{question.name} has no gradient because zero_grad() was called after backward(), and forgot it.",
                event.place,
                "Call zero_grad() before backward(), and step() right after it.",
            )
    return None


def reset_during(question, trial):
    """The Answer that a run reset the gradient before anything used it, or None."""
    for event in trial.resets:
        if holds(event.subject, question.tensor):
            return Answer(
                "zero_grad after backward",
                f"{question.name} gets a gradient, but zero_grad() forgets it before it is used.",
                event.place,
                "Call zero_grad() before backward(), and step() right after it.",
            )
    return None


def holds(subject, tensor):
    """Whether an optimizer or a module has a parameter."""
    if subject is None:
        return False
    if hasattr(subject, "parameters"):
        return any(p is tensor for p in subject.parameters())
    return any(p is tensor for group in subject.param_groups for p in group["params"])


def departed(question):
    """The Answer that names a line where values computed from the tensor have left their graph; None if no departure of
    which that is certain is known."""
    node = question.tensor.node
    certain, logged = None, None
    for event in lately.events(lately.departures_of_leaves) + lately.events(lately.departures):
        if event.subject is None or node not in reachable([event.subject]):
            continue
        if event.how in ("item()", "tolist()"):
            logged = logged or event
        elif certain is None or event.time < certain.time:
            certain = event
    event = certain or logged
    if event is None:
        return None
    keyword, advice = WAYS[event.how]
    return Answer(
        keyword,
        f"No gradient reaches {question.name}: `{event.how}` takes what was computed from it out of the graph.",
        event.place,
        f"{advice} {CERTAIN}",
    )


def without_recording(question):
    """The Answer that the tensor's module was last called under no_grad(), or None."""
    root, module = question.things.owner(question.tensor)
    for candidate in (module, root):
        time = None if candidate is None else candidate.__dict__.get("_unrecorded")
        if time is not None:
            recorded = max((start for start, _ in candidate._calls), default=0)
            if time > recorded:
                entries = (entry.place for entry in lately.events(lately.unrecorded) if entry.time < time)
                return Answer(
                    "no_grad",
                    f"No gradient reaches {question.name}: its module, {type(candidate).__name__}, was "
                    "called under no_grad(), which records nothing.",
                    next(entries, None),
                    "Call it outside of the no_grad() block, if the gradient is wanted.",
                )
    return None


def unused(question, root, started):
    """No way leads from the last loss to the tensor, and no cut is known for certain."""
    things, tensor, name = question.things, question.tensor, question.name
    _, module = things.owner(tensor)
    if module is not None and not module._calls and "_unrecorded" not in module.__dict__:
        return Answer(
            "not used",
            f"{name} has no gradient because its module, {type(module).__name__}, has never been called.",
            advice="Call it in forward, or leave it out.",
        )
    alive = [
        t for t in things.tensors if t.node is not None and t.node.op is not None and tensor.node in t.node.parents
    ]
    backs = lately.events(lately.backwards)
    computed = root.number if root is not None else started[0].number if started else math.inf
    previous = max((event.time for event in backs if event.time < computed), default=0)
    losses = {event.number for event in backs}
    suspects = [e for e in lately.events(lately.departures) if e.subject is None and previous < e.time < computed]
    suspects = [e for e in suspects if e.number not in losses]  # those are printed
    suspects = [e for e in suspects if e.how not in ("item()", "tolist()")] or suspects
    entries = [e for e in lately.events(lately.unrecorded) if previous < e.time < computed]
    if id(tensor) not in things.names and root is not None:
        leaves = [node for node in reachable([root]) if node.op is None and node.shape == tensor.node.shape]
        owners = [t for t in things.tensors if t.node in leaves and id(t) in things.names]
        if owners and (type(tensor) is type(owners[0]) or things.optimizers_of(tensor)):
            return Answer(
                "replaced",
                f"{name} is not the parameter that is used: {things.name(owners[0])}, of the same shape, "
                "has taken its place.",
                advice="Make the optimizer after the parameters are replaced.",
            )
    if suspects and not alive:
        event = suspects[0]
        keyword, advice = WAYS[event.how]
        also = f" (also: {', '.join(e.place for e in suspects[1:3])})" if len(suspects) > 1 else ""
        return Answer(
            keyword,
            f"No gradient reaches {name}. Probably `{event.how}` has taken what was computed from it out of "
            f"the graph{also}.",
            event.place,
            f"{advice} {CERTAIN}",
        )
    if entries and not alive:
        return Answer(
            "no_grad",
            f"No gradient reaches {name}. Probably it was used under no_grad() only.",
            entries[0].place,
            CERTAIN,
        )
    used = f" It was used by `{alive[0].node.name}`, whose result does not come to the loss." if alive else ""
    return Answer("not used", f"No gradient reaches {name}: the loss does not depend on it.{used}", None, CERTAIN)
