"""A film as plain text: what happened, line by line.

step 1: loss 6
  given
    w = …                                       2
    x = …                                       3
  forward
    %1 = mul(w, x)                              6
  backward
    %1.grad = … (backpropagation starts here)   1
    w.grad += … through %1                      3
  update
    w = …                                       1.7
"""

from itertools import groupby

from ..recording import Step, Update
from .film_recorder import Arrival, Contribution
from .listing import line_of, names_in
from .values import text_of

LINES = 30
"""Of each phase of a training step so many events are told."""

WHY = {
    "start": "backpropagation starts here",
    "added": "added to the gradient that was there before",
    "hook": "after a hook",
    "changed": "changed before the update",
}


def film_text(film):
    """The text of a Film."""
    lines = [film.title, *[f"({note})" for note in film.notes]]
    scenes, parts = film.arranged()
    known = [{} for _ in scenes]  # for each scene: number of a vertex -> the Sample that was told last
    for part, number, places in parts:
        training, picture = part.training, scenes[number].picture
        names = names_in(picture)
        called = [names[vertex] for vertex in picture.vertices]
        loss = "" if training.loss is None else f": loss {training.loss:.6g}"
        lines.append(f"step {training.number}{loss}")
        rows = list(given(part, places, called, known[number]))
        rows += [row for event in training.events for row in rows_of(event, places, picture, names, called)]
        known[number].update({v: after.data for before, after in changes_of(training) for v in places.of_value(before)})
        phases = [(phase, list(group)) for phase, group in groupby(rows, lambda row: row[0])]
        told = [row for _, group in phases for row in group[:LINES]]
        width = min(max([len(left) for _, left, _ in told], default=0), 60) + 3
        for phase, group in phases:
            lines.append(f"  {phase}")
            lines += [f"    {left + '   ':<{width}}{right}".rstrip() for _, left, right in group[:LINES]]
            if len(group) > LINES:
                lines.append(f"    … {len(group) - LINES:,} more")
    return "\n".join(lines)


def given(part, places, called, known):
    """Rows for the parameters and inputs that are other than those that were told last."""
    for value in part.outside:
        for vertex in places.of_value(value)[:1]:
            if vertex not in known or not known[vertex].same(value.data):
                known[vertex] = value.data
                yield "given", f"{called[vertex]} = …", text_of(value.data)


def changes_of(training):
    return [change for event in training.events if isinstance(event, Update) for change in event.changes]


def rows_of(event, places, picture, names, called):
    """(phase, what, value) of what one event says."""
    if isinstance(event, Step):
        for vertex in places.of_step(event):
            value = text_of(event.results[0].data) if event.results else f"failed: {event.error}"
            yield "forward", line_of(picture.vertices[vertex], names), value
    elif isinstance(event, Contribution):
        _, vertex = places.of_contribution(event)
        users = places.of_step(event.step)
        if vertex is not None and users:
            total = "" if event.so_far is event.part else f", in all {text_of(event.so_far)}"
            yield "backward", f"{called[vertex]}.grad += … through {called[users[0]]}", text_of(event.part) + total
    elif isinstance(event, Arrival):
        for vertex in places.of_value(event.value)[:1]:
            yield "backward", f"{called[vertex]}.grad = … ({WHY[event.why]})", text_of(event.gradient)
    elif isinstance(event, Update):
        for before, after in event.changes:
            for vertex in places.of_value(before)[:1]:
                yield "update", f"{called[vertex]} = …", text_of(after.data)
