"""A film as the data of a page (see page/data.py): scenes, and the events of each training step in them."""

import math

from ..recording import Step, Update
from .film_recorder import Arrival, Contribution
from .values import described

ROOM = 2_500_000
"""Bytes that values may take in the file."""

DETAILS = ((1900, 64, 32), (900, 64, 16), (450, 40, 8), (320, 24, 4), (0, 16, 0))
"""If there are at least so many bytes for each value: arrays of up to so many elements are written in full, and heat
maps have so many rows and columns."""


def film_page(film):
    """The PAGE of a Film."""
    from .page import scene_of

    values, scenes, state = Pool(), [], []
    pictures, parts = film.arranged()
    for scene in pictures:
        data = scene_of(scene.picture, film.direction)
        for vertex in data["vertices"]:
            vertex["value"] = vertex["gradient"] = None
        shown = {}
        for number, places in scene.of_outside.items():
            shown[places[0]] = values.number(scene.part.outside[number].data)
            for vertex in places:
                data["vertices"][vertex]["value"] = shown[places[0]]
        scenes.append(data)
        state.append(shown)
    steps = []
    for part, scene, places in parts:
        events = [*arriving(part, places, values, state[scene]), *played(part.training, places, values, state[scene])]
        steps.append({"scene": scene, "loss": loss_of(part.training), "events": events})
    return {
        "title": film.title, "notes": list(film.notes), "values": values.described(), "scenes": scenes,
        "film": {"notes": [], "steps": steps},
    }  # fmt: skip


class Pool:
    """The different values of a film, numbered."""

    def __init__(self):
        self.samples, self.numbers = [], {}

    def number(self, sample):
        """The number of a Sample; that of an equal one if there is one."""
        key = (sample.shape, sample.dtype.name, sample.extremes, sample.elements.tobytes())
        if key not in self.numbers:
            self.numbers[key] = len(self.samples)
            self.samples.append(sample)
        return self.numbers[key]

    def described(self):
        """What is written of each, in as much detail as there is room for."""
        room = ROOM / max(1, len(self.samples))
        full, cells = next(detail[1:] for detail in DETAILS if room >= detail[0])
        return [described(sample, full, cells) for sample in self.samples]


def arriving(part, places, values, shown):
    """Events for parameters and inputs that have other values than those that are `shown`: vertex -> number."""
    for value in part.outside:
        for vertex in places.of_value(value)[:1]:
            number = values.number(value.data)
            if shown.get(vertex) != number:
                shown[vertex] = number
                yield {"phase": "forward", "vertex": vertex, "value": number}


def loss_of(training):
    """The loss as JSON can hold it."""
    return training.loss if training.loss is None or math.isfinite(training.loss) else str(training.loss)


def played(training, places, values, shown):
    """The EVENTs of a training step."""
    for event in training.events:
        if isinstance(event, Step):
            if event.results:
                for vertex in places.of_step(event)[:1]:
                    yield {"phase": "forward", "vertex": vertex, "value": values.number(event.results[0].data)}
        elif isinstance(event, Contribution):
            edge, vertex = places.of_contribution(event)
            if vertex is not None:
                part = {"part": values.number(event.part)} if edge is not None else {"why": "unseen"}
                yield backward(edge, vertex, values.number(event.so_far), **part)
        elif isinstance(event, Arrival):
            for vertex in places.of_value(event.value)[:1]:
                yield backward(None, vertex, values.number(event.gradient), why=event.why)
        elif isinstance(event, Update):
            for before, after in event.changes:
                for vertex in places.of_value(before)[:1]:
                    number = values.number(after.data)
                    if shown.get(vertex) != number:
                        shown[vertex] = number
                        yield {"phase": "update", "vertex": vertex, "value": number}


def backward(edge, vertex, gradient, **more):
    return {"phase": "backward", "edge": edge, "vertex": vertex, "gradient": gradient, **more}
