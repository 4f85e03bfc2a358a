"""What a gradient check found: a Report of Elements."""

VERDICTS = ("ok", "kink", "inconclusive", "wrong")
"""From good to bad. A report's verdict is the worst of its elements'.

ok            the analytic derivative lies in the interval of the numerical one, and that is narrow enough to mean
              something
kink          the function has different derivatives on its two sides here, and the analytic one lies between them
inconclusive  the interval is too wide, or there is none; the reason says why
wrong         the analytic derivative lies outside the interval
"""


class Element:
    """One derivative that was compared.

    order      1 for a gradient, 2 for the gradient of a gradient
    input      the number of the input, and `name`, what it is called; with order 2 the numbers after the inputs' are
               those of the outputs' weights
    index      the position in the input; None for a derivative along a random direction
    weights    "output 0 [1, 2]" or "random weights": what was differentiated, Σ weights · outputs
    analytic   what the gradient rules gave
    numerical  what differences gave, and `error`, how far that may be off: the half-width of the interval
    step       the largest step of the differences that gave it
    verdict    one of VERDICTS, and `reason`, why, where it is not plain
    """

    __slots__ = (
        "order", "input", "name", "index", "weights", "analytic", "numerical", "error", "step", "verdict", "reason",
        "operand",
    )  # fmt: skip

    def __init__(self, **fields):
        self.order, self.input, self.name, self.index, self.step, self.reason = 1, 0, "input 0", None, None, ""
        for name, value in fields.items():
            setattr(self, name, value)

    @property
    def excess(self):
        """The distance of analytic and numerical value in units of the error."""
        difference = abs(self.analytic - self.numerical)
        return difference / self.error if self.error > 0 and difference == difference else float("inf")

    @property
    def rank(self):
        """For sorting from good to bad; a single element says more than a direction."""
        return VERDICTS.index(self.verdict), self.index is not None, self.excess

    def __str__(self):
        place = "along a random direction" if self.index is None else f"[{', '.join(map(str, self.index))}]"
        kind = "gradient" if self.order == 1 else "gradient of the gradient"
        reason = f" ({self.reason})" if self.reason else ""
        return (
            f"{kind}, {self.name} {place}, for {self.weights}: analytic {self.analytic:.10g}, "
            f"numerical {self.numerical:.10g} ± {self.error:.1g}{reason}"
        )

    def __repr__(self):
        return f"<{self.verdict}: {self}>"


class Report:
    """The outcome of `gradients`: `verdict` and, for every derivative compared, an Element. True if ok or at a kink.

    elements     all of them;  worst  the one that decided the verdict
    culprit      on "wrong": the Culprit, the recorded operation whose own rule is wrong, if one was found
    reason       why the whole check is inconclusive, where not even one derivative could be compared
    adjointness  |⟨w, J d⟩ - ⟨Jᵀ w, d⟩| relative to its terms: J d and Jᵀ w by automatic differentiation; None if not
                 taken
    taylor_rate  the power of h with which f(x + h d) - f(x) - h ⟨g, d⟩ vanishes along a random direction: 2 (or more)
                 where the gradient g is right, 1 where it is wrong; None where rounding hides it
    evaluations  how often the function was called, and `pullbacks`, how often its gradient was
    notes        what the reader should know, such as inputs that were converted
    """

    def __init__(
        self, elements=(), notes=(), reason="", adjointness=None, taylor_rate=None, evaluations=0, pullbacks=0
    ):
        self.elements, self.notes, self.reason = list(elements), list(notes), reason
        self.adjointness, self.taylor_rate = adjointness, taylor_rate
        self.evaluations, self.pullbacks, self.culprit = evaluations, pullbacks, None
        self.worst = max(self.elements, key=lambda element: element.rank, default=None)
        self.verdict = "inconclusive" if reason else "ok" if self.worst is None else self.worst.verdict

    def __bool__(self):
        return self.verdict in ("ok", "kink")

    def __str__(self):
        count = {verdict: 0 for verdict in VERDICTS}
        for element in self.elements:
            count[element.verdict] += 1
        counts = ", ".join(f"{number} {verdict}" for verdict, number in count.items() if number)
        cost = f"{self.evaluations} evaluations of the function, {self.pullbacks} of its gradient"
        lines = [f"gradients: {self.verdict} ({counts or 'nothing to compare'}; {cost})"]
        if self.reason:
            lines.append(f"  {self.reason}")
        if self.worst is not None and self.verdict != "ok":
            lines.append(f"  worst: {self.worst}")
            hint = self._hint()
            if hint:
                lines.append(f"  {hint}")
        if self.culprit is not None:
            lines.append(f"  culprit: {self.culprit}")
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def __repr__(self):
        return f"<{self}>"

    def _hint(self):
        """What all wrong elements have in common, if anything."""
        wrong = [element for element in self.elements if element.verdict == "wrong"]
        if any(element.analytic != element.analytic for element in wrong):
            return "the analytic gradient is NaN"
        if len(wrong) > 1:
            if all(element.analytic == 0 for element in wrong):
                return "every wrong gradient is 0: is there a detach(), numpy() or no_grad() on the way?"
            ratios = [element.analytic / element.numerical for element in wrong if element.numerical]
            if len(ratios) == len(wrong) and max(ratios) - min(ratios) <= 1e-2 * abs(ratios[0] - 1):
                return f"every wrong gradient is {ratios[0]:.6g} times what it should be"
        return None
