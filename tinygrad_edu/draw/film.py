"""`film`: training steps recorded value by value and gradient by gradient, to be played forwards and backwards."""

import html
import os
from contextlib import ExitStack

from ..files import write_whole
from ..observing import observing
from .film_recorder import FilmRecorder
from .film_scenes import Part, Scene
from .film_text import film_text
from .naming import Names, counted, enumeration


class Film:
    """A film of training steps; made by `film`. `print` tells what happened, notebooks show the page.

    steps  the training steps (see film_recorder.py); a film can also be indexed and iterated over
    notes  sentences on what the film does not show
    """

    def __init__(self, params, inputs, steps, max_values, title, direction, picture):
        self.params, self.inputs, self.direction = params, inputs, direction
        self.title = title if title is not None else default_title(params)
        self.settings = picture
        self.recorder = FilmRecorder(steps, max_values)
        self.error = self._stack = self._cache = None

    def __enter__(self):
        if self._stack is not None:
            raise RuntimeError("this film is being recorded already; for another one call draw.film again")
        self._stack, self._cache = ExitStack(), None
        if self.recorder.over is None:
            self._stack.enter_context(observing(self.recorder))
        return self

    def __exit__(self, kind, error, traceback):
        stack, self._stack = self._stack, None
        stack.close()
        self.error = (
            error if error is None else first_line_of(error)
        )  # with the error itself, all its frames would stay
        self.recorder.finish(error)

    # ---- what it has

    @property
    def steps(self):
        return self.recorder.training

    def __len__(self):
        return len(self.steps)

    def __getitem__(self, number):
        return self.steps[number]

    def __iter__(self):
        return iter(self.steps)

    def arranged(self):
        """(scenes, parts): the different pictures; for each training step what is shown of it, the number of its scene,
        and where its events take place there (see film_scenes.py)."""
        if self._stack is not None:
            return self._arrange()
        if self._cache is None:
            self._cache = self._arrange()
        return self._cache

    def _arrange(self):
        scenes, number_of, parts = [], {}, []
        for training in self.steps:
            part = Part(training)
            if part.steps:
                if part.kind not in number_of:
                    number_of[part.kind] = len(scenes)
                    names = self.params, self.inputs
                    scenes.append(Scene(part, self.recorder.recording, names, self.settings))
                scene = number_of[part.kind]
                parts.append((part, scene, scenes[scene].places(part)))
        return scenes, parts

    @property
    def notes(self):
        recorder, (scenes, parts) = self.recorder, self.arranged()
        notes = [recorder.over] if recorder.over else []
        if self.error is not None:
            notes.append(f"the film ended with {self.error}")
        if not parts:
            notes.append("nothing was computed with Tensors while the film was recorded")
        left = [training.number for training in self.steps if training.leftover]
        if left:
            notes.append(
                f"in step {enumerated(left)} parameters were updated by gradients to which those of an earlier step "
                "were still added: is zero_grad() missing?"
            )
        hidden = sum(part.hidden for part, _, _ in parts)
        if hidden:
            notes.append(f"operations that do not lead to the loss are not shown ({hidden:,} of them)")
        unseen = sum(not places.of_step(step) for part, _, places in parts for step in part.steps)
        if unseen:
            notes.append(
                f"what happens where one box stands for several operations is not played ({unseen:,} operations)"
            )
        if any(part.settings != scenes[scene].part.settings for part, scene, _ in parts):
            notes.append("settings of operations and constants that differ from step to step stand as in the first one")
        notes += [note for scene in scenes for note in scene.picture.notes]
        if recorder.thinned:
            notes.append("of large arrays a sample is kept: their statistics, except the extremes, are estimates")
        return list(dict.fromkeys(notes))

    # ---- as text, page, file

    def __str__(self):
        return film_text(self)

    def __repr__(self):
        return (
            f"<Film of {counted(len(self.steps), 'training step')}; print() tells it, .save(path) makes a page of it>"
        )

    def page(self):
        """The data of its page (see page/data.py)."""
        from .film_data import film_page

        return film_page(self)

    def html(self):
        """The page as text: one HTML file that needs no other and no network."""
        from . import page

        return page.html(self.page())

    def save(self, path):
        """Write the page to a file whose name ends in .html. Returns the path.

        Missing folders are created. The file appears when it is complete: a failure leaves what was there before.
        """
        path = os.fspath(path)
        if os.path.splitext(path)[1].lower() not in (".html", ".htm"):
            raise ValueError(f"a film is saved as a page: the name of the file must end in .html, not as in {path!r}")
        write_whole(path, self.html())
        return path

    def _repr_html_(self):
        return (
            '<iframe style="width: 100%; height: 640px; border: 0" sandbox="allow-scripts" '
            f'srcdoc="{html.escape(self.html())}"></iframe>'
        )


def film(params=None, inputs=None, steps=10, max_values=50_000, title=None, direction="TB", max_nodes=400, depth=None):
    """Record training steps to be played later: forward, backward and update, value by value.

        with draw.film(model) as film:
            for x, y in batches:
                optimizer.zero_grad()
                loss = cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
        film.save("training.html")

    params      what gives parameters their names: a Module, or a dict of Tensors and Modules
    inputs      likewise for inputs: a Tensor, a sequence of Tensors or a dict name -> Tensor
    steps       at most so many training steps are recorded. A step ends when, after a backward pass, parameters have
                been changed, by an optimizer or by hand, or gradients cleared, and something new is computed from
                parameters. The rest of the program runs as if there was no film
    max_values  at most so many arrays are kept, small ones whole, large ones as samples: 50,000 are about 100 MB
    title, direction, max_nodes, depth  of the picture, as for `graph`

    The block may be any program of this thread: with several losses, manual updates under no_grad, optimizers of any
    kind. An exception ends the film, which keeps what it has until then, and is passed on. The numbers that the program
    computes are those that it computes without a film, bit for bit.
    """
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
        raise ValueError(f"film: steps must be a number of training steps, at least 1; not {steps!r}")
    if not isinstance(max_values, int) or isinstance(max_values, bool) or max_values < 1:
        raise ValueError(f"film: max_values must be a number of arrays, at least 1; not {max_values!r}")
    if direction not in ("TB", "LR"):
        raise ValueError(f'direction must be "TB" (top to bottom) or "LR" (left to right), not {direction!r}')
    Names(params, inputs)  # complains now of what cannot be named
    return Film(
        params, inputs, steps, max_values, title, direction, {"max_nodes": max_nodes, "depth": depth, "roll": False}
    )


def default_title(params):
    return f"Training {type(params).__name__}" if hasattr(params, "named_parameters") else "Training"


def first_line_of(error):
    """'ValueError: what it says'"""
    return ": ".join(filter(None, (type(error).__name__, str(error).strip().partition("\n")[0])))


def enumerated(numbers):
    return enumeration([str(number) for number in numbers])
