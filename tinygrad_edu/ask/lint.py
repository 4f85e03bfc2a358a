"""`lint`: silent mistakes of a model and its training step, found by trying it out."""

from ..nn.module import Module
from ..optim.optimizer import Optimizer
from ..recording import Recording
from ..tensor import Tensor
from .answer import Report
from .checks_loss import LOSS_CHECKS
from .checks_model import MODEL_CHECKS
from .checks_training import TRAINING_CHECKS
from .flow import Flow
from .graph import recording_of_graph
from .snapshot import RESTORED
from .things import Things
from .watch import Experiment, Run


def lint(model, loss, optimizer=None):
    """Look for mistakes that raise no error: a Report, a list of Answers, which is empty if nothing was found.

    model      the Module that is trained
    loss       a function without arguments that computes the loss, or does a whole training step (zero_grad, forward,
               backward, step): the more it does, the more can be seen. It is run up to 5 times and watched.
               Afterwards the state of all parameters, buffers, gradients, optimizers, schedules and random generators
               is as it was.
               Or the loss itself, a Tensor, best before backward(): only its graph is looked at.
    optimizer  the Optimizer, if the function does not call its step()

    An exception of the function becomes a finding too. Raises TypeError for other arguments.
    """
    if not isinstance(model, Module):
        raise TypeError(f"lint(model, loss): the model is a Module, not {type(model).__name__}")
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise TypeError(f"lint(model, loss, optimizer): not an Optimizer, but {type(optimizer).__name__}")
    if isinstance(loss, Module):
        raise TypeError("lint(model, loss): give a function that computes the loss: lambda: loss_module(model(x), y)")
    if isinstance(loss, Tensor):
        case = Case(model, optimizer, runs_of_tensor(model, loss), None)
    elif callable(loss):
        experiment = Experiment(loss)
        case = Case(model, optimizer, experiment.runs, experiment)
    else:
        raise TypeError(
            f"lint(model, loss): the loss is a Tensor, or a function that computes it or does a training step, not "
            f"{type(loss).__name__}"
        )
    report = Report()
    for check in (*LOSS_CHECKS, *MODEL_CHECKS, *TRAINING_CHECKS):
        for finding in check(case):
            if (finding.cause, finding.place, finding.text) not in [(f.cause, f.place, f.text) for f in report]:
                report.append(finding)
    report.notes = (RESTORED,) if case.experiment is not None else ()
    return report


def runs_of_tensor(model, loss):
    """A Run that holds what the graph of the loss shows."""
    run = Run()
    if loss.node is None:
        run.recording = Recording()
    else:
        run.recording = recording_of_graph(loss, [p for p in model.parameters() if p.node is not None])
        run.root = run.recording.roots[-1]
    run.tensor = loss
    return [run]


class Case:
    """What the checks look at.

    model, optimizer  as given;  runs  the Runs;  experiment  None if there was only a Tensor
    flows             the Flow of each recorded run
    things            what exists in the program
    """

    def __init__(self, model, optimizer, runs, experiment):
        self.model, self.optimizer, self.runs, self.experiment = model, optimizer, runs, experiment
        self.flows = [Flow(run.recording) for run in runs if run.recording is not None]
        self.flow, self.run = self.flows[0], runs[0]
        self.things = Things(model)
        self.leading = {}  # what the losses were computed from
        for root in [*self.flow.recording.roots, *([self.run.root] if self.run.root is not None else [])]:
            self.leading.update(self.flow.ancestors(root))

    def values_of(self, tensor, flow):
        """The Values of a tensor in a Flow."""
        of_node = getattr(flow.recording, "values_of", None)
        return of_node.get(tensor.node, []) if of_node is not None else flow.values_of(tensor)

    def gradient(self, tensor, flow):
        values = self.values_of(tensor, flow)
        return flow.gradient_of(values) if values else None

    @property
    def stepping(self):
        """The optimizers that step, and the one that was given."""
        found = [] if self.optimizer is None else [self.optimizer]
        for run in self.runs:
            found += [optimizer for _, optimizer, *_ in run.steps() if optimizer not in found]
        return found

    def steps_to_loss(self, *names):
        """The steps of these operations on the way to a loss."""
        for step in self.flow.steps:
            if step.entry is not None and (not names or step.name in names):
                if any(result.number in self.leading for result in step.results):
                    yield step
