"""`why`: why the gradient of a tensor is None, zero, NaN or infinite."""

import ast

import numpy as np

from .. import lately
from ..autograd.nonfinite import bad
from ..recording import Recording
from ..tensor import Tensor
from .answer import Answer
from .cuts import answer_for, find_cut, reason
from .flow import Flow
from .graph import recording_of_graph
from .memory import ask_memory, cut_of_values, reset_after, reset_during
from .nonfinite import explain_nonfinite
from .things import Things, asking_frame, assignments, variables
from .trial import Trial
from .zeros import VANISHING, explain_zero, size_of


def why(tensor, loss=None):
    """Why the gradient of `tensor` is None, zero, NaN or infinite, or why it does not change: an Answer, which prints
    as a short text, with `cause` (a keyword), `place` ("file:line") and `line` (its text).

    tensor  a parameter, or any other Tensor
    loss    nothing: the answer comes from what happened lately, as far as that is known;
            the loss, a Tensor: from its graph; before backward(), or after backward(retain_graph=True), values are
            known too;
            a function without arguments that computes the loss, and may call backward or do a whole training step:
            it is run and watched, which gives the exact answer. Afterwards the state of all parameters, buffers,
            optimizers, schedules and random generators is as it was;
            a Recording that contains the computation, from `with record() as r:`

    Raises TypeError if `tensor` is not a Tensor, or `loss` none of these.
    """
    if not isinstance(tensor, Tensor):
        what = (
            "None: was it the gradient? Ask why(parameter), not why(parameter.grad)"
            if tensor is None
            else type(tensor).__name__
        )
        raise TypeError(f"why() explains the gradient of a Tensor, not {what}")
    question = Question(tensor)
    if loss is None:
        return question.at_first_sight() or ask_memory(question, None)
    if isinstance(loss, Recording):
        return question.at_first_sight(loss) or question.ask_recording(loss)
    if isinstance(loss, Tensor):
        return question.at_first_sight() or question.ask_graph(loss)
    if callable(loss):
        return question.ask_function(loss)
    raise TypeError(
        f"why(tensor, loss): the loss is a Tensor, a function that computes it, or a Recording, not a "
        f"{type(loss).__name__}"
        + (": it has left the graph. Give the tensor, not its item()" if isinstance(loss, (float, int)) else "")
    )


class Question:
    """A tensor whose gradient is asked for, and what is known around it."""

    def __init__(self, tensor, things=None):
        self.tensor, self.frame = tensor, asking_frame()
        self.things = Things() if things is None else things
        self.name = self.things.name(tensor, self.frame)

    # ---- what the tensor itself shows

    def at_first_sight(self, recording=None):
        """An Answer from the tensor alone, or None."""
        tensor, name = self.tensor, self.name
        if tensor.array.dtype.kind not in "fc":
            return Answer(
                "integer",
                f"{name} holds {tensor.array.dtype} values, and only floating numbers have gradients.",
                advice="Make it floating: x.float().requires_grad_(), before it is used.",
            )
        if tensor.node is None:
            return self.without_graph(recording)
        if not tensor.is_leaf and not tensor.retains_grad:
            return self.not_a_leaf()
        return None

    def without_graph(self, recording):
        """requires_grad is False: frozen, forgotten, or computed without a graph."""
        tensor, name = self.tensor, self.name
        value = None if recording is None else recording.value_of(tensor)
        if value is not None and value.source is not None:
            step = cut_of_values(Flow(recording), value)
            if step is not None:
                keyword, text, advice = reason(step)
                return Answer(keyword, f"{name} has no gradient: {text}.", step.place, advice)
        place = self.replaced()
        if place is not None:
            return place
        if id(tensor) in self.things.names:
            return Answer(
                "frozen",
                f"{name} is a parameter with requires_grad=False: it is frozen, so no gradient is computed.",
                advice="To train it: parameter.requires_grad_(True).",
            )
        computed = self.assigned(ast.Assign, ast.AnnAssign)
        line = computed[-1][0] if computed else None
        return Answer(
            "requires_grad",
            f"{name} has requires_grad=False: it was made without it, or computed under no_grad() or "
            "after detach(), so no gradient is computed for it.",
            line,
            "Make it with requires_grad=True, or an nn.Parameter, before it is used.",
        )

    def not_a_leaf(self):
        replaced = self.replaced()
        if replaced is not None:
            return replaced
        lines = self.assigned(ast.Assign, ast.AnnAssign)
        text = (
            f"{self.name} is not a leaf: it was computed by `{self.tensor.node.name}`, and only leaves keep their "
            "gradient."
        )
        return Answer(
            "not a leaf",
            text,
            lines[-1][0] if lines else None,
            "Call retain_grad() on it before backward(); or, if it is meant as a parameter, compute its values first "
            "and then make it a leaf: x = (...).detach().requires_grad_().",
        )

    def assigned(self, *kinds):
        """[(place, statement)] that assign to the variable that holds the tensor."""
        names = variables(self.tensor, self.frame)
        found = assignments(names[0], self.frame) if names else []
        return [(place, node) for place, node in found if isinstance(node, kinds)]

    def replaced(self):
        """`w = w - lr * w.grad` makes a new tensor of the name of the parameter: an Answer if the program does that."""
        for name in variables(self.tensor, self.frame):
            for place, node in self.assigned(ast.Assign):
                names = {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
                grads = any(isinstance(part, ast.Attribute) and part.attr == "grad" for part in ast.walk(node.value))
                if name in names and grads:
                    return Answer(
                        "replaced",
                        f"`{name}` is not the parameter any more: this line makes a new tensor of the name "
                        f"`{name}`, which has no gradient.",
                        place,
                        f"Change the parameter itself: with no_grad(): {name} -= lr * {name}.grad",
                    )
        return None

    # ---- from the graph of a loss

    def ask_graph(self, loss):
        if loss.node is None:
            return ask_memory(self, loss)
        recording = recording_of_graph(loss, [self.tensor])
        if self.tensor.node not in recording.values_of or recording.freed:  # no way leads there, or values are unknown
            return ask_memory(self, loss)
        if self.tensor.grad is None and recording.gradients:
            gradient = Flow(recording).gradient_of(recording.values_of[self.tensor.node])
            if not bad(gradient) and size_of(gradient) > VANISHING:
                return ask_memory(self, loss)
        if recording.gradients or bad(loss):
            return self.from_gradients(Flow(recording), recording.values_of[self.tensor.node])
        return ask_memory(self, loss)

    # ---- from a recording

    def ask_recording(self, recording):
        flow = Flow(recording)
        values = flow.values_of(self.tensor)
        roots = recording.roots
        if not values:
            return self.not_met(flow, roots[-1] if roots else None)
        root = next(
            (root for root in reversed(roots) if self.leads_to(flow, values, root)), roots[-1] if roots else None
        )
        if root is None:
            last = [step for step in recording.steps if step.results and step.results[0].shape == ()]
            root = last[-1].results[0] if last else None
            if root is None or self.leads_to(flow, values, root):
                return Answer(
                    "backward not called",
                    f"{self.name} is part of the computation, but backward() was not called on its result.",
                    last[-1].place if last else None,
                    "Call loss.backward().",
                )
        return self.from_flow(flow, values, root)

    def leads_to(self, flow, values, root):
        return root.number in flow.reached(values, traced=True)

    def ask_function(self, function):
        trial = Trial(function, self.tensor)
        flow = Flow(trial.recording)
        first = self.at_first_sight(trial.recording)
        if first is not None:
            return first
        values = flow.values_of(self.tensor)
        root = trial.root
        if root is None and trial.error is not None and not values:
            raise trial.error
        if not values:
            return self.not_met(flow, root)
        for other in reversed(trial.recording.roots):
            if self.leads_to(flow, values, other):
                root = other
                break
        if root is None:
            return self.no_loss(flow, values, trial)
        answer = self.from_flow(flow, values, root)
        return self.since(answer, flow, values, trial) if answer.cause == "fine" else answer

    def since(self, answer, flow, values, trial):
        """A gradient arrives when the function is run: what becomes of it, and why is it not there now?"""
        tensor, name = self.tensor, self.name
        if trial.ran_backward:
            if trial.gradient is None and not self.changed(flow, values):
                return reset_during(self, trial) or answer
            return answer
        if tensor.grad is None:
            return reset_after(self, lately.events(lately.backwards)) or Answer(
                "backward not called",
                f"When the function is run and backward() called on its result, {name} gets a gradient, with elements "
                f"of up to {size_of(flow.gradient_of(values)):.4g}. It has none now because backward() has not been "
                "called since it was made, or since its gradient was reset.",
                advice="Call loss.backward() before the gradient is used.",
            )
        if size_of(tensor.grad.array) <= VANISHING:
            return reset_after(self, lately.events(lately.backwards)) or Answer(
                "overwritten",
                f"{answer.text} But what its `grad` holds now is zero: it was written into after backward(), or comes "
                "from another loss.",
                advice="Look at what changes the gradient before step().",
            )
        return answer

    def changed(self, flow, values):
        """Whether the run changed the tensor after it had been used."""
        numbers = {value.number for value in values}
        return any(before.number in numbers for update in flow.recording.updates for before, _ in update.changes)

    def no_loss(self, flow, values, trial):
        step = find_cut(flow, values, None)
        if step is not None:
            return answer_for(step, self.name)
        if trial.error is not None:
            raise trial.error
        return Answer(
            "no loss",
            f"The function returned {type(trial.result).__name__}, not a loss, and did not call backward(): "
            f"nothing asks for the gradient of {self.name}.",
            advice="Return the loss, a Tensor of one element, or call loss.backward() in the function.",
        )

    def not_met(self, flow, root):
        """The tensor was not used at all."""
        other = self.namesake(flow)
        if other is not None:
            return other
        text = f"{self.name} is not used in the computation of the loss at all."
        advice = "Use it in forward."
        _, module = self.things.owner(self.tensor)
        called = {id(call.module) for call in flow.recording.calls}
        if module is not None and id(module) not in called:
            text = f"{self.name} is not used: its module, {type(module).__name__}, is never called."
            advice = "Call the module in forward, or leave it out."
        return Answer("not used", text, advice=advice)

    def namesake(self, flow):
        """Another tensor of the same shape took this one's place: an optimizer or variable holds an old parameter."""
        if id(self.tensor) in self.things.names and not self.things.optimizers_of(self.tensor):
            return None
        known = {id(t) for t in self.things.tensors if id(t) in self.things.names}
        if id(self.tensor) in known:
            return None
        used = [t for t in self.things.tensors if id(t) in known and t.shape == self.tensor.shape and flow.values_of(t)]
        if used and (self.things.optimizers_of(self.tensor) or type(self.tensor) is type(used[0])):
            held = " An optimizer holds it." if self.things.optimizers_of(self.tensor) else ""
            return Answer(
                "replaced",
                f"{self.name} is not the parameter that is used: {self.things.name(used[0])}, of the same "
                f"shape, has taken its place.{held}",
                advice="Make the optimizer after the parameters are replaced (loaded, copied, converted).",
            )
        return None

    def from_flow(self, flow, values, root):
        """The Answer for a tensor that was used, from the Value of the loss."""
        if self.leads_to(flow, values, root):
            return self.from_gradients(flow, values)
        step = find_cut(flow, values, root)
        if step is not None:
            return answer_for(step, self.name)
        reached = flow.reached(values)
        last = [step for step in flow.steps if any(result.number in reached for result in step.results)]
        return Answer(
            "not used",
            f"{self.name} is used, but what is computed from it never comes to the loss. Its last use is "
            f"`{last[-1].name}`."
            if last
            else f"{self.name} is not used in the computation of the loss.",
            last[-1].place if last else None,
            "Add that result to the loss, or give it to what follows.",
        )

    def from_gradients(self, flow, values):
        """The Answer for a tensor that the loss depends on."""
        gradient = flow.gradient_of(values)
        if gradient is None:
            return self.withheld(flow, values)
        broken = explain_nonfinite(flow, self.name)
        if broken is not None and (bad(gradient) or bad_root(flow)):
            return broken
        if size_of(gradient) <= VANISHING:
            answer = explain_zero(flow, values, self.name)
            if answer is not None:
                return answer
        return self.fine(gradient, flow)

    def withheld(self, flow, values):
        """The loss depends on the tensor, but a rule gave None for it."""
        numbers = flow.reached(values, traced=True)
        for gradient in flow.recording.gradients:
            step = gradient.step
            for index, value in enumerate(step.operands):
                mine = getattr(value, "number", None) in numbers and getattr(value, "traced", False)
                if mine and index not in gradient.parts:
                    return Answer(
                        "no gradient",
                        f"No gradient reaches {self.name}: the backward of `{step.name}` returns None "
                        f"for {step.name_of(index)}.",
                        step.place,
                        "Return its gradient from backward().",
                    )
        return ask_memory(self, None)

    def fine(self, gradient, flow=None):
        """The gradient is as it should be: does an optimizer use it?"""
        tensor, things = self.tensor, self.things
        hooks = tensor.node.extras.hooks if tensor.node is not None and tensor.node.extras is not None else {}
        if hooks and tensor.grad is not None and size_of(tensor.grad.array) <= VANISHING:
            return Answer(
                "hook",
                f"The gradient of {self.name} is zero because a hook on it makes it so.",
                advice="Remove the hook: the handle that register_hook returned has remove().",
            )
        zeros = int((np.asarray(gradient) == 0).sum())
        note = f" {zeros} of its {gradient.size} elements are 0." if zeros and gradient.size > 1 else ""
        text = f"{self.name} has a gradient, with elements of up to {size_of(gradient):.4g}.{note}"
        if not things.optimizers or things.optimizers_of(tensor):
            return self.with_step(text)
        if flow is not None and self.changed(flow, flow.values_of(tensor)):
            return Answer("fine", text)  # by the program itself
        contained = things.container_of(things.owner(tensor)[0]) or things.container_of(tensor)
        if contained is not None:
            module, path, kind = contained
            return Answer(
                "plain list",
                f"{text} But no optimizer changes it: it lies in `{path}` of {type(module).__name__}, a "
                f"plain {kind}, whose modules parameters() does not list.",
                advice="Use nn.ModuleList (nn.ModuleDict, nn.ParameterList) instead of the plain container.",
            )
        stale = [
            p
            for o in things.optimizers
            for g in o.param_groups
            for p in g["params"]
            if id(p) not in things.names and p.shape == tensor.shape and p is not tensor
        ]
        if stale:
            return Answer(
                "replaced",
                f"{text} But the optimizer holds another tensor of its shape that is in no module any "
                "more: the parameters were replaced after the optimizer was made.",
                advice="Make the optimizer after the model is complete, loaded and converted.",
            )
        return Answer(
            "not in the optimizer",
            f"{text} But no optimizer has it, so nothing changes it.",
            advice="Give it to the optimizer: optimizer.add_param_group({'params': [parameter]}), or make the "
            "optimizer after the layer was added.",
        )

    def with_step(self, text):
        """Whether the optimizer can change it."""
        for optimizer in self.things.optimizers_of(self.tensor):
            for group in optimizer.param_groups:
                if any(p is self.tensor for p in group["params"]) and float(group.get("lr", 1.0)) == 0.0:
                    return Answer(
                        "learning rate 0",
                        f"{text} But the learning rate of its group is 0: it does not change.",
                        advice="Set lr, and look at what the schedule does with it.",
                    )
        return Answer("fine", text)


def bad_root(flow):
    return any(bad(root.data) for root in flow.recording.roots)
