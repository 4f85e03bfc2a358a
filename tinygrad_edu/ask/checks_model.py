"""Checks of the model: what it is made of, and which of its parameters learn. Each takes a Case and yields Answers."""

import numpy as np

from ..autograd.nonfinite import bad
from ..clock import PACKAGE
from ..nn.module import Module
from ..nn.parameter import Parameter
from ..recording import Step, Value
from ..tensor import Tensor
from .answer import Answer, listed
from .cuts import find_cut, reason
from .things import REGISTRIES, items
from .why import Question
from .zeros import VANISHING, explain_zero, size_of

HARMFUL = ("dead relu", "saturated", "rounded", "clamped", "softmax of one", "vanishing", "hook")
"""Reasons of a zero gradient that are mistakes wherever they happen; others may be meant so."""


def trained(case, tensor):
    """Whether nothing speaks against a tensor being meant to learn: it is in an optimizer, or none is known."""
    optimizers = case.things.optimizers
    return not optimizers or any(p is tensor for o in optimizers for g in o.param_groups for p in g["params"])


def plain_containers(case):
    """Modules and parameters in plain lists, and leaves that are no Parameters."""
    listed_ones = {id(p) for p in case.model.parameters()}
    in_optimizers = {id(p) for o in case.things.optimizers for g in o.param_groups for p in g["params"]}
    for path, module in case.model.named_modules():
        for name, value in vars(module).items():
            if name in REGISTRIES:
                continue
            found = [item for _, item in items(value) if isinstance(item, (Module, Parameter))]
            parameters = [p for item in found for p in (item.parameters() if isinstance(item, Module) else [item])]
            lost = [
                p for p in parameters if id(p) not in listed_ones and id(p) not in in_optimizers and learns(case, p)
            ]
            where = f"{path}.{name}" if path else name
            if lost:
                kind = type(value).__name__
                family = "Module" if any(isinstance(item, Module) for item in found) else "Parameter"
                right = f"nn.{family}{'Dict' if isinstance(value, dict) else 'List'}"
                yield Answer(
                    "plain list",
                    f"`{where}` of {type(module).__name__} is a plain {kind}: {len(lost)} parameters in "
                    "it are not listed by parameters(), so no optimizer changes them, and they are not saved.",
                    defined_at(module),
                    f"self.{name} = {right}(...)",
                )
            elif (
                isinstance(value, Tensor) and not isinstance(value, Parameter) and value.is_leaf and value.requires_grad
            ):
                if id(value) not in in_optimizers and learns(case, value):
                    yield Answer(
                        "plain tensor",
                        f"`{where}` of {type(module).__name__} requires gradients but is no "
                        "Parameter: parameters() does not list it, so no optimizer changes it.",
                        defined_at(module),
                        f"self.{name} = nn.Parameter(...)",
                    )


def learns(case, tensor):
    """Whether a leaf got a gradient in the first run."""
    return tensor.node is not None and case.gradient(tensor, case.flow) is not None


def defined_at(module):
    code = getattr(type(module).__init__, "__code__", None)
    if code is None or code.co_filename.startswith(PACKAGE):
        return None
    return f"{code.co_filename}:{code.co_firstlineno}"


def made_in_forward(case):
    """Parameters that each run makes anew."""
    if len(case.flows) < 2:
        return
    run, flow = case.runs[1], case.flows[1]
    for number, call in run.created.items():
        if call is None:
            continue
        step = next((s for s in flow.consumers.get(number, ()) if s.recorded), None)
        if step is not None:
            yield Answer(
                "made in forward",
                f"A parameter of `{step.name}` is made anew in every call of "
                f"{type(outermost(call).module).__name__}: what it has learned is thrown away, and no optimizer has "
                "it.",
                step.place,
                "Make layers and parameters once, in __init__, and use them in forward.",
            )
            return


def outermost(call):
    return list(call.chain())[-1]


def not_registered(case):
    """Parameters used within the model that are no part of it, and that no optimizer has."""
    held = {id(p) for o in case.things.optimizers for g in o.param_groups for p in g["params"]}
    own = {id(p) for p in case.model.parameters()}
    contained = {id(p) for p in case.things.tensors if case.things.container_of(p) is not None}
    for p in case.things.tensors:
        if not isinstance(p, Parameter) or id(p) in held or id(p) in own or id(p) in contained or p.node is None:
            continue
        values = case.values_of(p, case.flow)
        if not values or case.gradient(p, case.flow) is None or not case.things.optimizers:
            continue
        step = next(
            (s for v in values for s in case.flow.consumers.get(v.number, ()) if s.module_call is not None), None
        )
        root, _ = case.things.owner(p)
        if step is None or case.things.container_of(root) is not None:
            continue
        if any(call.module is case.model for call in step.module_call.chain()):
            yield Answer(
                "not registered",
                f"{case.things.name(p)}, a parameter of {type(root).__name__}, is used in the model "
                "but is no part of it: parameters() does not list it, so no optimizer changes it.",
                step.place,
                "Assign the module to an attribute of the model: self.layer = layer.",
            )
            return


def without_gradient(case):
    """Parameters of the model that the loss never reaches, by cause."""
    error = case.run.error
    if error is not None and "does not require gradients" not in str(error):
        return  # it never came to the end
    if case.experiment is not None and error is None and not (case.run.roots or case.run.gave_loss or case.stepping):
        return  # it does not train
    parameters = list(case.model.parameters())
    if parameters and all(p.node is None for p in parameters) and (case.run.gave_loss or case.run.roots or error):
        yield Answer(
            "frozen",
            "All parameters of the model have requires_grad=False: nothing is trained.",
            None,
            "Set requires_grad_(True) on those that shall learn.",
        )
    groups = {}
    for name, p in case.model.named_parameters():
        if p.node is None or not trained(case, p) or any(case.gradient(p, flow) is not None for flow in case.flows):
            continue
        if case.run.root is None and not case.flow.recording.roots and not case.values_of(p, case.flow):
            continue  # the run never came to a loss
        cause, text, place, advice = cause_of(case, p)
        if cause is not None:
            groups.setdefault((cause, text, place, advice), []).append(name)
    for (cause, text, place, advice), names in groups.items():
        them = listed(names)
        yield Answer(cause, f"No gradient reaches {them}: {text.rstrip('.')}.", place, advice)


def cause_of(case, p):
    """(keyword, text, place, advice); all None if it may be meant so."""
    flow = case.flow
    values = case.values_of(p, flow)
    if not any(value.number in flow.consumers for value in values):
        _, module = case.things.owner(p)
        if used_by_turns(case, module):
            return None, None, None, None
        called = {id(m) for run in case.runs for m, *_ in run.modules}
        if case.experiment is None:
            answer = Question(p, case.things).ask_graph(case.run.tensor)
            return (
                answer.cause,
                answer.text.partition(" reaches ")[2].partition("`")[2].partition("`")[2].lstrip(":. "),
                (answer.place),
                "Give lint a function that computes the loss instead of the tensor: it knows the lines.",
            )
        what = (
            "it is not used in the computation"
            if id(module) in called
            else f"its module {type(module).__name__} is never called"
        )
        return "not used", what, defined_at(case.model), "Use it in forward, or leave it out."
    step = find_cut(flow, values, case.run.root)
    if step is not None:
        keyword, text, advice = reason(step)
        return keyword, f"on the way to the loss, {text}", step.place, advice
    reached = flow.reached(values)
    if case.run.root is not None and case.run.root.number in flow.reached(values, traced=True):
        answer = Question(p, case.things).withheld(flow, values)
        if answer.cause != "no gradient":
            return None, None, None, None
        return answer.cause, answer.text.partition(": ")[2].rstrip("."), answer.place, answer.advice
    if case.run.root is not None and case.run.root.number in reached:
        return None, None, None, None
    last = [s for s in flow.steps if any(r.number in reached for r in s.results)]
    if case.run.root is None and case.stepping:
        return None, None, None, None  # the order of things has been found wrong
    if case.run.root is None:
        return (
            "backward not called",
            "backward() is not called on a loss",
            last[-1].place if last else None,
            "Call loss.backward(), or return the loss from the function.",
        )
    return (
        "not used",
        "what is computed from it never comes to the loss",
        last[-1].place if last else None,
        "Add that result to the loss, or give it to what follows.",
    )


def used_by_turns(case, module):
    """Whether siblings of the same class in a ModuleList were used: one of several is chosen each time."""
    called = {id(m) for run in case.runs for m, *_ in run.modules}
    for parent in case.model.modules():
        children = list(parent._modules.values())
        for child in children:
            if child is not None and any(m is module for m in child.modules()):
                same = [c for c in children if type(c) is type(child) and c is not child and id(c) in called]
                if same and type(parent).__name__ in ("ModuleList", "ModuleDict"):
                    return True
    return False


def zero_gradients(case):
    """Parameters whose gradient is zero in all runs, for reasons that are mistakes, or if all are zero."""
    trained_ones = [(name, p) for name, p in case.model.named_parameters() if p.node is not None]
    zeros = [(name, p) for name, p in trained_ones if always_zero(case, p)]
    nothing_learns = bool(zeros) and len(zeros) == len(trained_ones)
    seen = set()
    for name, p in zeros:
        values = case.values_of(p, case.flow)
        if p.ndim > 1 and p.numel() > 1 and any(isinstance(v.data, np.ndarray) and not v.data.any() for v in values):
            if "zero weights" not in seen:
                seen.add("zero weights")
                yield Answer(
                    "same initial weights",
                    f"All elements of `{name}` are 0, and so is its gradient: the layer never begins to learn.",
                    None,
                    "Initialise weights at random (the layers of nn do so); only biases may start at 0.",
                )
            continue
        answer = explain_zero(case.flow, values, f"`{name}`")
        if answer is None or answer.cause == "at the minimum" or (answer.cause, answer.place) in seen:
            continue
        if answer.cause in HARMFUL or nothing_learns:
            seen.add((answer.cause, answer.place))
            yield answer


def always_zero(case, p):
    known = [g for g in (case.gradient(p, flow) for flow in case.flows) if g is not None]
    return bool(known) and not any(bad(g) or size_of(g) > VANISHING for g in known)


def symmetric_weights(case):
    """Layers whose units are all equal, and stay so because their gradients are."""
    for name, p in case.model.named_parameters():
        if p.ndim < 2 or p.shape[0] < 2 or p.node is None:
            continue
        for value in case.values_of(p, case.flow)[-1:]:
            gradient = case.gradient(p, case.flow)
            if gradient is None or not isinstance(value.data, np.ndarray) or bad(gradient) or not gradient.any():
                continue
            rows, slopes = value.data.reshape(len(value.data), -1), gradient.reshape(len(gradient), -1)
            scale = np.abs(slopes).max()
            consumers = [
                s
                for s in case.flow.consumers.get(value.number, ())
                if s.name in ("linear", "conv", "matmul", "t", "transpose")
            ]
            if consumers and (rows == rows[0]).all() and np.abs(slopes - slopes[0]).max() <= 1e-6 * scale:
                yield Answer(
                    "same initial weights",
                    f"All units of `{name}` have the same weights and the same gradients: they "
                    "stay equal for ever, and the layer is worth one unit.",
                    None,
                    "Initialise weights at random (the layers of nn do so); only biases may start equal.",
                )


def without_nonlinearity(case):
    """A Linear straight after a Linear, where the first one does not make it smaller."""
    for step in case.steps_to_loss("linear"):
        before = step.operands[0].source if isinstance(step.operands[0], Value) else None
        if not isinstance(before, Step) or before.name != "linear" or before.module_call is None:
            continue
        if step.module_call is None or len(case.flow.consumers[step.operands[0].number]) != 1:
            continue
        pair = [call.module for call in (before.module_call, step.module_call)]
        parents = [
            call.around.module if call.around is not None else None for call in (before.module_call, step.module_call)
        ]
        if any(type(m).__name__ != "Linear" for m in pair) or parents[0] is not parents[1] or pair[0] is pair[1]:
            continue
        if pair[0].out_features >= min(pair[0].in_features, pair[1].out_features):
            names = {id(m): path for path, m in case.model.named_modules()}
            them = [f"`{names.get(id(m)) or 'Linear'}`" for m in pair]
            yield Answer(
                "no nonlinearity",
                f"{them[0]} and {them[1]} follow each other without a nonlinearity between them: "
                "together they are one linear layer.",
                step.place,
                "Put relu, or another activation, between them.",
            )


MODEL_CHECKS = (
    plain_containers, made_in_forward, not_registered, without_gradient, zero_gradients, symmetric_weights,
    without_nonlinearity,
)  # fmt: skip
