"""Networks as estimators of scikit-learn: in pipelines, cross-validation and searches for hyper-parameters."""

import copy

import numpy as np

from .. import nn
from ..generator import Generator, as_default
from ..nn import functional as F
from .evaluation import predict
from .fit import fit

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        'Classifier and Regressor need scikit-learn, 1.6 or later: pip install "tinygrad-edu[estimators]"'
    ) from error

__all__ = ["Classifier", "Regressor"]

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU, "elu": nn.ELU}


class Network(BaseEstimator):
    """The base of both estimators: their settings, and how the model is made and trained."""

    def __init__(
        self, hidden=(64,), *, module=None, activation="relu", loss=None, optimizer="adam", lr=None, epochs=100,
        batch_size=32, validation=None, callbacks=(), progress=False, random_state=None,
    ):  # fmt: skip
        self.hidden = hidden
        self.module = module
        self.activation = activation
        self.loss = loss
        self.optimizer = optimizer
        self.lr = lr
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation = validation
        self.callbacks = callbacks
        self.progress = progress
        self.random_state = random_state

    def new_model(self, inputs, outputs):
        """The model before training, for so many features and outputs."""
        if self.module is not None:
            return self.module(inputs, outputs)
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation is one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")
        sizes = [inputs, *([self.hidden] if isinstance(self.hidden, (int, np.integer)) else self.hidden)]
        layers = []
        for before, after in zip(sizes, sizes[1:]):
            layers += [nn.Linear(before, after), ACTIVATIONS[self.activation]()]
        return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))

    def train(self, X, y, outputs, loss):
        """Make a model and train it; all random numbers come from `random_state`."""
        optimizer = self.optimizer
        if self.lr is not None:
            if not isinstance(optimizer, str):
                raise ValueError(f"lr={self.lr} goes with the name of an optimizer, and not with {optimizer!r:.60}")
            optimizer = optimizer, {"lr": self.lr}
        generator = Generator().manual_seed(int(check_random_state(self.random_state).randint(1 << 31)))
        with as_default(lambda: generator):
            self.model_ = self.new_model(X.shape[1], outputs).to(X.dtype)
            self.history_ = fit(
                self.model_, (X, y), loss=self.loss or loss, optimizer=optimizer, epochs=self.epochs,
                validation=self.validation, callbacks=copy.deepcopy(self.callbacks), batch_size=self.batch_size,
                progress=self.progress,
            )  # fmt: skip
        return self

    def outputs_for(self, X):
        """What the model gives for the rows of X, a Tensor."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        return predict(self.model_, X.astype(next(self.model_.parameters()).dtype, copy=False))


class Classifier(ClassifierMixin, Network):
    """A network as a classifier of scikit-learn.

        Classifier(hidden=(64, 64), epochs=50, random_state=0).fit(X, y).score(X_test, y_test)
        make_pipeline(StandardScaler(), Classifier())
        Classifier(module=lambda inputs, classes: nn.Sequential(nn.Linear(inputs, classes)))

    hidden        widths of the hidden layers; () is softmax regression
    module        instead of hidden and activation: a function (number of features, number of classes) -> the model,
                  whose outputs are scores (N, classes); at the top level of a file, if the estimator is to be pickled
    activation    "relu", "tanh", "sigmoid", "gelu" or "elu"
    loss          of scores and class numbers (default: "cross_entropy")
    optimizer, epochs, batch_size, validation, callbacks, progress  as for `fit`; callbacks are copied
    lr            the learning rate of an optimizer given by its name; by default the optimizer's own
    random_state  an integer, a RandomState or None: decides the first weights, the order of samples and dropout

    After fit: model_, the module; history_, the History; classes_; n_features_in_. It computes in float64, with float32
    data in float32.
    """

    def fit(self, X, y):
        """Train a new model with the rows of X, (n, features), and their classes y, (n,): numbers or texts."""
        X, y = validate_data(self, X, y, dtype=(np.float64, np.float32))
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        return self.train(X, numbers, len(self.classes_), "cross_entropy")

    def predict_proba(self, X):
        """The probability of each class for each row: (n, classes)."""
        return F.softmax(self.outputs_for(X), 1).numpy()

    def predict(self, X):
        """The class of each row: (n,)."""
        chosen = self.outputs_for(X).array.argmax(1)
        return self.classes_[chosen]


class Regressor(RegressorMixin, Network):
    """A network as a regressor of scikit-learn; settings as for Classifier, with targets (n,) or (n, k).

    module  a function (number of features, number of targets) -> the model, whose outputs have the shape (N, targets)
    loss    (default: "mse")
    """

    def fit(self, X, y):
        """Train a new model with the rows of X, (n, features), and their targets y, (n,) or (n, k)."""
        X, y = validate_data(self, X, y, dtype=(np.float64, np.float32), multi_output=True, y_numeric=True)
        y = y.astype(X.dtype, copy=False)
        self.target_shape_ = y.shape[1:]
        return self.train(X, y.reshape(len(y), -1), y[:1].size, "mse")

    def predict(self, X):
        """The targets of each row, in the shape of those of `fit`."""
        return self.outputs_for(X).numpy().reshape(-1, *self.target_shape_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
