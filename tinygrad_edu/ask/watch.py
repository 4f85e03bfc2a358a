"""Trying out a training step: what it does, in what order, run after run; and everything put back after it."""

import gc
import time
import warnings
import weakref

import numpy as np

from .. import lately
from ..clock import calling_line, tick
from ..modes import state
from ..nn.parameter import Parameter
from ..observing import Observer, observing
from ..optim.lr_scheduler.base import LRScheduler
from ..optim.optimizer import Optimizer
from ..recording import Recorder, Recording
from .snapshot import Snapshot
from .things import living
from .trial import loss_among

RUNS = 5
LONG = 2.0
"""Seconds after which a step is not run more often than twice."""


class Run:
    """What one run of the function did.

    recording     a Recording, or None (only the first two runs are recorded)
    error         what it raised, or None;  error_place  in which line of the program
    ran_backward  whether it called backward itself
    gave_loss     whether it returned a Tensor
    events        ("backward", place) and ("step", optimizer, place, whether a parameter had a gradient), in order
    losses        the values that backward passes started from
    roots         weak references to the nodes that backward passes started from
    modules       [(module, training, whether gradients were recorded)] of all calls
    early         [(schedule, place)] of schedules that stepped before their optimizer did
    stale         {optimizer: place} where gradients of an earlier step were still in those of this one
    reset         the optimizers whose zero_grad() was called
    created       numbers of Values of Parameters that did not exist before the run
    """

    def __init__(self):
        self.recording = self.error = self.error_place = self.root = None
        self.ran_backward = self.gave_loss = False
        self.events, self.losses, self.roots, self.modules, self.early = [], [], [], [], []
        self.stale, self.created, self.reset = {}, {}, []

    def fails(self, error):
        frame = error.__traceback__
        while frame is not None:
            code = frame.tb_frame.f_code
            if not lately.of_this_package(code.co_filename):
                self.error_place = f"{code.co_filename}:{frame.tb_lineno}"
            frame = frame.tb_next
        self.error = error.with_traceback(None)

    def steps(self):
        return [event for event in self.events if event[0] == "step"]


class Watch(Observer):
    """Notes the order of things in Runs."""

    def __init__(self):
        (self.schedules,) = living(LRScheduler)
        self.after = {}  # id of a parameter -> the gradient that its optimizer has used already
        self.rates = []  # (optimizer, learning rate) at each step

    def start(self, run):
        self.run = run
        self.counts = [getattr(schedule, "_step_count", 0) for schedule in self.schedules]

    def module_starts(self, module, arguments):
        self.run.modules.append((module, module.training, state.grad_enabled))

    def backward_starts(self, tensor):
        for key, gradient in list(self.after.items()):
            if not gradient.array.any():  # set to zero in place
                del self.after[key]
        self.run.events.append(("backward", calling_line()))
        self.run.roots.append(weakref.ref(tensor.node))
        if tensor.array.size == 1:
            self.run.losses.append(float(tensor.array.reshape(())))

    def optimizer_starts(self, optimizer):
        if not self.run.steps():
            for schedule, count in zip(self.schedules, self.counts):
                if schedule.optimizer is optimizer and getattr(schedule, "_step_count", 0) > count:
                    self.run.early.append((schedule, calling_line()))
        self.rates.append((optimizer, [float(group.get("lr", 1.0)) for group in optimizer.param_groups]))

    def optimizer_ends(self, optimizer):
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        some = any(p.grad is not None and p.grad.array.any() for p in parameters)
        self.run.events.append(("step", optimizer, calling_line(), some))
        for p in parameters:
            if p.grad is not None:
                if self.after.get(id(p)) is p.grad:
                    self.run.stale[optimizer] = calling_line()
                self.after[id(p)] = p.grad


class NotingRecorder(Recorder):
    """A Recorder that also notes which Values are those of Parameters made during the run."""

    def __init__(self, recording, created, before):
        super().__init__(recording, lambda array: array.copy())
        self.created, self.known_before = created, before

    def now(self, tensor, value, *more):
        super().now(tensor, value, *more)
        if isinstance(tensor, Parameter) and tensor.node is not None and id(tensor) not in self.known_before:
            self.created[value.number] = self.within


class Experiment:
    """Several runs of a function, from one Snapshot that is restored in the end: `runs`."""

    def __init__(self, function):
        self.runs, self.kept_graphs = [], False
        self.snapshot = Snapshot()
        self.watch = Watch()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                begin = time.perf_counter()
                for number in range(RUNS):
                    run = self.once(function, number)
                    if run.error is not None or (number and not any(r.steps() for r in self.runs)):
                        break
                    if number and time.perf_counter() - begin > LONG:
                        break
            gc.collect()
            if len(self.runs) > 1:
                self.kept_graphs = bool(len(self.runs[0].recording._recorder.step_of_node))
            self.values_after = [(p, p.array.copy()) for p, *_ in self.snapshot.leaves]
        finally:
            self.snapshot.restore()

    def once(self, function, number):
        run = Run()
        self.runs.append(run)
        self.watch.start(run)
        if number < 2:
            run.recording = Recording()
            before = {id(p): p for p in living(Parameter)[0]}  # held, so that no new one gets the id of an old one
            recorder = run.recording._recorder = NotingRecorder(run.recording, run.created, before)
            with observing(recorder), observing(self.watch):
                self.call(function, run)
        else:
            with observing(self.watch):
                self.call(function, run)
        return run

    def call(self, function, run):
        result, self.began = None, tick()
        try:
            result = function()
        except Exception as error:
            run.fails(error)
        resets = [event.subject for event in lately.events(lately.resets) if event.time > self.began]
        run.reset = [subject for subject in resets if isinstance(subject, Optimizer)]
        run.ran_backward = bool(run.roots)
        loss = loss_among(result)
        run.gave_loss = loss is not None
        if loss is not None and run.recording is not None:
            run.root = run.recording.value_of(loss)
        if loss is not None and not run.ran_backward and run.error is None and loss.node is not None:
            if loss.array.size == 1:
                try:
                    loss.backward()
                except Exception as error:
                    run.fails(error)
            self.watch.after.clear()
            run.events.clear()
        if run.recording is not None and run.recording.roots:
            run.root = run.recording.roots[-1]

    def changed(self, parameter):
        """Whether the runs changed a parameter."""
        saved = next((values for p, _, values, *_ in self.snapshot.leaves if p is parameter), None)
        after = next((values for p, values in self.values_after if p is parameter), None)
        return saved is None or after is None or not np.array_equal(saved, after, equal_nan=True)
