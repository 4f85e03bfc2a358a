"""Training in one call, and its parts: fit, evaluate, predict, metrics, callbacks, estimators of scikit-learn.

    history = train.fit(model, (x, y), loss="cross_entropy", optimizer="adam", epochs=10, validation=0.1,
                        metrics=["accuracy"])
    train.evaluate(model, (x_test, y_test), "cross_entropy", ["accuracy"])     # {"loss": …, "accuracy": …}
    train.predict(model, x_test)                                               # a Tensor

Nothing in models, losses, optimizers and loaders knows of it: a loop written by hand uses the same ones. Bars need
tqdm: pip install "tinygrad-edu[train]". docs/training.md tells all.
"""

from . import callbacks, metrics
from .callbacks import (
    Callback, ClipGradients, CSVLogger, EarlyStopping, LearningRateScheduler, ModelCheckpoint, TerminateOnNaN,
)  # fmt: skip
from .evaluation import evaluate, predict
from .fit import fit
from .history import History
from .metrics import (
    F1, Accuracy, ConfusionMatrix, MeanAbsoluteError, Metric, Precision, Recall, TopK,
)  # fmt: skip

__all__ = [
    "Accuracy", "CSVLogger", "Callback", "Classifier", "ClipGradients", "ConfusionMatrix", "EarlyStopping", "F1",
    "History", "LearningRateScheduler", "MeanAbsoluteError", "Metric", "ModelCheckpoint", "Precision", "Recall",
    "Regressor", "TerminateOnNaN", "TopK", "callbacks", "evaluate", "fit", "metrics", "predict",
]  # fmt: skip


def __getattr__(name):
    if name in ("Classifier", "Regressor"):  # they need scikit-learn
        from . import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
