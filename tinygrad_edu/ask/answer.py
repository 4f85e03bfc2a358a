"""What `why` and `lint` say: short texts with a keyword and a place in the program."""

import linecache


class Answer:
    """Why something is as it is; str() is the text.

    cause    a stable keyword: docs/asking.md lists them
    text     one or two sentences
    place    "file:line" of the program, or None;  line  the text of that line
    advice   what to write instead, or how to learn more; may be empty
    """

    def __init__(self, cause, text, place=None, advice=""):
        self.cause, self.text, self.place, self.advice = cause, text, place, advice
        self.line = line_at(place)

    def __str__(self):
        parts = [self.text]
        if self.place is not None:
            parts.append(f"    {self.place}" + (f":  {self.line}" if self.line else ""))
        if self.advice:
            parts.append(self.advice)
        return "\n".join(parts)

    def __repr__(self):
        return str(self)


class Report(list):
    """The Answers of `lint`, the surest and worst first; str() is all of them. Empty, and so false, if nothing was
    found."""

    notes = ()

    @property
    def causes(self):
        return [finding.cause for finding in self]

    def __str__(self):
        texts = [f"{number}. [{finding.cause}] {finding}" for number, finding in enumerate(self, 1)]
        return "\n".join([*(texts or ["nothing found"]), *(f"({note})" for note in self.notes)])

    def __repr__(self):
        return str(self)


def line_at(place):
    """The text of the line at "file:line"; empty if it is not known."""
    file, _, line = (place or "").rpartition(":")
    return linecache.getline(file, int(line)).strip() if line.isdigit() else ""


def listed(names, most=4):
    """'`a`, `b` and 3 more'"""
    names = [f"`{name}`" for name in names]
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
