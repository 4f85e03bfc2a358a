"""What a gradient check found: a Report of Elements."""

VERDICTS = ("ok", "not differentiable", "undecided", "wrong")
"""From good to bad. A report's verdict is the worst of its elements'.

ok                  analytic and numerical derivative agree within the error of the latter
not differentiable  the function has a kink or a jump here, and the analytic derivative lies between the one-sided ones
undecided           the numerical derivative is not accurate enough to tell
wrong               they differ by more than the error
"""


class Element:
    """One derivative that was compared.

    order       1 for a gradient, 2 for the gradient of a gradient
    input       the number of the input; with order 2 the numbers after the inputs' are those of the outputs' weights
    index       the position in the input; None for a derivative along a random direction
    weights     "output 0[1, 2]" or "random weights": what was differentiated, Σ weights · outputs
    analytic    what the gradient rules gave
    numerical   what differences gave, and `error`, how far that may be off
    verdict     one of VERDICTS
    """

    __slots__ = ("order", "input", "index", "weights", "analytic", "numerical", "error", "tolerance", "verdict")

    def __init__(self, **fields):
        for name, value in fields.items():
            setattr(self, name, value)

    @property
    def excess(self):
        """How many times the tolerance the difference is."""
        difference = abs(self.analytic - self.numerical)
        return difference / self.tolerance if self.tolerance > 0 and difference == difference else float("inf")

    @property
    def rank(self):
        return VERDICTS.index(self.verdict), self.excess

    def __str__(self):
        place = "along a random direction" if self.index is None else f"[{', '.join(map(str, self.index))}]"
        kind = "gradient" if self.order == 1 else "gradient of the gradient"
        return (
            f"{kind}, input {self.input} {place}, for {self.weights}: analytic {self.analytic:.10g}, "
            f"numerical {self.numerical:.10g} ± {self.error:.1g}"
        )

    def __repr__(self):
        return f"<{self.verdict}: {self}>"


class Report:
    """The outcome of `gradients`: `verdict` and, for every derivative compared, an Element. True if all are right.

    elements  all of them;  worst  the one that decided the verdict
    notes     what the reader should know, such as inputs that were converted
    """

    def __init__(self, elements, notes=()):
        self.elements, self.notes = list(elements), list(notes)
        self.worst = max(self.elements, key=lambda element: element.rank, default=None)
        self.verdict = "ok" if self.worst is None else self.worst.verdict

    def __bool__(self):
        return self.verdict in ("ok", "not differentiable")

    def __str__(self):
        count = {verdict: 0 for verdict in VERDICTS}
        for element in self.elements:
            count[element.verdict] += 1
        counts = ", ".join(f"{number} {verdict}" for verdict, number in count.items() if number)
        lines = [f"gradients: {self.verdict} ({counts or 'nothing to compare'})"]
        if self.verdict != "ok":
            lines.append(f"  worst: {self.worst}")
            hint = self._hint()
            if hint:
                lines.append(f"  {hint}")
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def __repr__(self):
        return f"<{self}>"

    def _hint(self):
        """What all wrong elements have in common, if anything."""
        wrong = [element for element in self.elements if element.verdict == "wrong"]
        if self.verdict == "undecided":
            return (
                "the function changes too little, or too irregularly, around this point; try another point or a `step`"
            )
        if self.verdict == "not differentiable":
            return "the analytic value lies between the derivatives from the left and from the right"
        if any(element.analytic != element.analytic for element in wrong):
            return "the analytic gradient is NaN"
        if len(wrong) > 1:
            if all(element.analytic == 0 for element in wrong):
                return "every wrong gradient is 0: is there a detach(), numpy() or no_grad() on the way?"
            ratios = [element.analytic / element.numerical for element in wrong if element.numerical]
            if len(ratios) == len(wrong) and max(ratios) - min(ratios) <= 1e-4 * abs(ratios[0]):
                return f"every wrong gradient is {ratios[0]:.6g} times what it should be"
        return None
