"""Classifier and Regressor, as scikit-learn wants its estimators."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn", "1.6", reason="the estimators need scikit-learn")

from sklearn.base import clone  # noqa: E402
from sklearn.datasets import load_digits, make_regression  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import estimator_checks_generator  # noqa: E402

import tinygrad_edu as tg  # noqa: E402
from tinygrad_edu import nn, train  # noqa: E402


@pytest.fixture(autouse=True)
def seed_put_back(unchanged_settings):
    """scikit-learn's checks, and random_state=None as everywhere there, use NumPy's global generator."""
    state = np.random.get_state()
    yield
    np.random.set_state(state)


def checks(estimator):
    for checked, check in estimator_checks_generator(estimator):
        name = getattr(check, "func", check).__name__
        yield pytest.param(checked, check, id=f"{type(estimator).__name__}-{name}")


@pytest.mark.parametrize(
    "estimator, check",
    [*checks(train.Classifier(epochs=20, lr=0.01)), *checks(train.Regressor(epochs=20, lr=0.01))],
)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def wide(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, 32), nn.Tanh(), nn.Dropout(0.1), nn.Linear(32, outputs))


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(n_class=4, return_X_y=True)
    return x[:300] / 16, np.array(["zero", "one", "two", "three"])[y[:300]]


def test_classifies(digits):
    x, y = digits
    model = train.Classifier(epochs=15, lr=0.01, random_state=0).fit(x[:200], y[:200])
    assert model.score(x[200:], y[200:]) > 0.9 and list(model.classes_) == ["one", "three", "two", "zero"]
    probabilities = model.predict_proba(x)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert (model.classes_[probabilities.argmax(1)] == model.predict(x)).all()
    assert model.history_.epochs == 15 and probabilities.dtype == np.float64


def test_random_state_decides_everything_and_nothing_else_changes(digits):
    x, y = digits
    before = tg.get_rng_state()
    first, second, other = [
        train.Classifier(module=wide, epochs=2, random_state=seed).fit(x, y).predict_proba(x) for seed in (1, 1, 2)
    ]
    assert (first == second).all() and (first != other).any() and (tg.get_rng_state() == before).all()


def test_float32(digits):
    x, y = digits
    model = train.Classifier(epochs=2).fit(x.astype(np.float32), y)
    assert model.predict_proba(x).dtype == np.float32 and next(model.model_.parameters()).dtype == tg.float32


@pytest.mark.parametrize("targets", [1, 3])
def test_regresses(targets):
    x, y = make_regression(150, 5, n_targets=targets, noise=0.1, random_state=0)
    model = make_pipeline(StandardScaler(), train.Regressor(hidden=(), lr=0.5, epochs=60, random_state=0))
    assert model.fit(x, y).score(x, y) > 0.99 and model.predict(x).shape == y.shape
    assert model[-1].fit(x, y.reshape(len(y), -1)).predict(x).shape == (150, targets)


def test_searches_copies_and_pickles(digits):
    x, y = digits
    early = train.EarlyStopping("val_loss", patience=3)
    estimator = train.Classifier(
        module=wide, optimizer="sgd", lr=0.1, epochs=3, validation=0.2, callbacks=(early,), random_state=0
    )
    estimator.fit(x, y)
    assert not hasattr(early, "best")
    search = GridSearchCV(estimator, {"lr": [1e-6, 0.5]}, cv=2).fit(x, y)
    assert search.best_params_ == {"lr": 0.5} and not hasattr(early, "best")
    best = search.best_estimator_
    again = pickle.loads(pickle.dumps(best))
    assert (again.predict_proba(x) == best.predict_proba(x)).all()
    copy = clone(best)
    assert copy.get_params().keys() == best.get_params().keys() and not hasattr(copy, "model_")
    assert len(cross_val_score(make_pipeline(StandardScaler(), copy), x, y, cv=3)) == 3


def test_settings(digits):
    x, y = digits
    model = train.Classifier(hidden=7, activation="tanh", epochs=1).fit(x, y).model_
    assert [type(layer) for layer in model] == [nn.Linear, nn.Tanh, nn.Linear] and model[0].out_features == 7
    assert len(train.Classifier(hidden=(), epochs=1).fit(x, y).model_) == 1
    with pytest.raises(ValueError, match="activation is one of relu"):
        train.Classifier(activation="reluu").fit(x, y)
    with pytest.raises(ValueError, match="lr=0.1 goes with the name of an optimizer"):
        train.Classifier(optimizer=tg.optim.SGD, lr=0.1).fit(x, y)


def test_without_scikit_learn():
    code = """if True:
        import sys
        sys.modules["sklearn"] = None
        from tinygrad_edu import train
        train.fit
        try:
            train.Classifier
        except ImportError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert 'pip install "tinygrad-edu[estimators]"' in done.stdout, done.stderr
