"""Where a computation leaves the graph: which step of a recording cuts off a gradient, in words."""

from .answer import Answer
from .flow import values_in

WAYS = {
    "detach()": ("detached", "Leave out detach() on this path, if the gradient is wanted."),
    "detach_()": ("detached", "Leave out detach_() on this path, if the gradient is wanted."),
    ".data": ("data", "Use the tensor itself instead of its .data, if the gradient is wanted."),
    "numpy()": ("numpy", "Compute with operations of tinygrad_edu instead of NumPy's."),
    "numpy.asarray": ("numpy", "Compute with operations of tinygrad_edu instead of NumPy's."),
    "tensor()": ("rebuilt", "tensor() copies values only. Use the tensor itself; stack([...]) joins several."),
    "item()": ("item", "Compute with the tensor; take item() only of what is printed."),
    "tolist()": ("tolist", "Compute with the tensor; take tolist() only of what is printed."),
}
"""How values leave a graph -> (keyword, advice)."""

CHOICES = ("argmax", "argmin", "argsort")
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor", "logical_not")


def reason(step):
    """(keyword, text, advice) for a step that gives values without a graph."""
    name = step.name
    if step.left is not None:
        keyword, advice = WAYS[name]
        return keyword, f"`{name}` takes its values out of the graph", advice
    if not step.grad_enabled:
        return (
            "no_grad",
            f"`{name}` is computed under no_grad(), which records nothing",
            "Compute it outside of the no_grad() block, if the gradient is wanted.",
        )
    if name in CHOICES:
        return (
            "argmax",
            f"`{name}` gives positions, as integers, which have no gradient",
            "Use a smooth choice, such as softmax, or a loss of the scores themselves, such as cross_entropy.",
        )
    if name in COMPARISONS:
        return (
            "comparison",
            f"the comparison `{name}` gives True or False, which have no gradient",
            "An accuracy cannot be trained. Use a smooth loss, such as binary_cross_entropy_with_logits.",
        )
    if name == "cast":
        kind = next((result.dtype for result in step.results), "integer")
        return (
            "cast",
            f"it is converted to {kind}, and integers have no gradient",
            "Keep floating values on the path to the loss.",
        )
    return "no gradient", f"`{name}` has no gradient", "Use an operation that has one."


def find_cut(flow, values, root):
    """The Step that cuts the values off from the Value `root` (None: from any), or None.

    Of several the one whose result goes on to the root, else the one whose contents come back in the root's
    computation, else the one whose result is used for nothing else, plain numbers (for printing) last.
    """
    reached = flow.reached(values, traced=True)
    cuts = flow.cuts(reached)
    if not cuts:
        return None
    ancestors = flow.ancestors(root) if root is not None else {}
    for step in cuts:
        beyond = flow.reached(list(step.results))
        if any(number in ancestors for number in beyond):
            return step
    for step in cuts:
        if step.left is not None and flow.returned(step, ancestors):
            return step
    printed = ("item()", "tolist()")
    open_ends = [step for step in cuts if ends_with(flow, step)]
    return min(open_ends, key=lambda step: (step.name in printed, -step.number), default=None)


def ends_with(flow, step):
    """Whether the recorded operand of a cut is used for nothing but cuts."""
    for value in values_in(step.operands):
        for other in flow.consumers.get(value.number, ()):
            if any(result.traced for result in other.results):
                return False
    return True


def answer_for(step, name):
    """The Answer that this step cuts off the tensor called `name`."""
    keyword, text, advice = reason(step)
    within = ""
    if step.module_call is not None:
        within = f" (in {type(step.module_call.module).__name__})"
    return Answer(keyword, f"No gradient reaches {name}: on the way to the loss, {text}{within}.", step.place, advice)
