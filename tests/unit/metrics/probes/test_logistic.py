"""The logistic probe: scikit-learn's own pipeline, the optimum of its formula, and cases one knows beforehand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import special
from scipy.sparse import csr_array
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vtbench.core.errors import UsageError
from vtbench.metrics.probes import logistic
from vtbench.metrics.probes.logistic import STRENGTHS, LogisticProbe
from vtbench.metrics.probes.problem import Problem


@pytest.fixture(scope="module")
def digits() -> Problem:
    """300 of scikit-learn's digits, 64 grey values each, some of them always 0."""
    features, labels = load_digits(return_X_y=True)
    part = np.arange(300) % 5
    return Problem(features[:300].astype(np.float64), labels[:300].astype(np.int64), part == 0, part == 1)


def test_it_is_scikit_learns_own_pipeline(digits: Problem) -> None:
    learnt, tried = ~digits.held_out & ~digits.validation, digits.validation
    losses = []
    for strength in STRENGTHS:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000, tol=1e-5))
        model.fit(digits.features[learnt], digits.labels[learnt])
        told = model.predict_proba(digits.features[tried])
        losses.append(-np.log(told[np.arange(len(told)), digits.labels[tried]]).mean())
    best = STRENGTHS[int(np.argmin(losses))]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=best, max_iter=2000, tol=1e-5))
    model.fit(digits.features[~digits.held_out], digits.labels[~digits.held_out])
    answer = LogisticProbe()(digits)
    assert answer.details["C"] == best and answer.details["validation_nats"] == pytest.approx(min(losses))
    assert np.array_equal(answer.labels, model.predict(digits.features[digits.held_out]))
    assert (answer.labels == digits.labels[digits.held_out]).mean() > 0.9
    assert not answer.warning


def test_its_weights_are_the_optimum_of_the_formula(digits: Problem) -> None:
    """Where the gradient of C times the summed losses plus half the squared weights is 0."""
    features = digits.features[:, np.ptp(digits.features, axis=0) > 0]
    model = LogisticProbe()._fitted(0.1, features, digits.labels)
    scaled = (features - features.mean(0)) / features.std(0)
    told = special.softmax(scaled @ model[-1].coef_.T + model[-1].intercept_, axis=1)
    gradient = 0.1 * (told - np.eye(10)[digits.labels]).T @ scaled + model[-1].coef_
    assert np.abs(gradient).max() <= 1e-5 * 0.1 * len(features)
    assert np.abs(model[-1].coef_).max() > 0.05


def test_sparse_features_are_the_same_as_dense_ones(digits: Problem) -> None:
    sparse = replace(digits, features=csr_array(digits.features))
    dense, other = LogisticProbe()(digits), LogisticProbe()(sparse)
    assert other.details["C"] == dense.details["C"] and other.details["width"] == dense.details["width"] < 64
    assert other.details["validation_nats"] == pytest.approx(dense.details["validation_nats"], rel=1e-2)
    assert np.array_equal(other.labels, dense.labels)


def test_the_order_of_features_decides_nothing(digits: Problem) -> None:
    turned = replace(digits, features=digits.features[:, np.random.default_rng(0).permutation(64)])
    assert np.array_equal(LogisticProbe()(turned).labels, LogisticProbe()(digits).labels)


def test_features_that_are_all_alike_tell_the_commonest_label(digits: Problem) -> None:
    for ones in (np.ones((300, 3)), csr_array(np.ones((300, 3)))):
        answer = LogisticProbe()(replace(digits, features=ones))
        assert set(answer.labels) == {np.bincount(digits.labels[~digits.held_out]).argmax()}
        assert answer.details["width"] == 0


def test_what_separates_labels_tells_all(digits: Problem) -> None:
    answer = LogisticProbe()(replace(digits, features=np.eye(10)[digits.labels]))
    assert np.array_equal(answer.labels, digits.labels[digits.held_out])


def test_what_tells_nothing_is_regularised_most(digits: Problem) -> None:
    noise = np.random.default_rng(0).normal(size=(300, 200))
    assert LogisticProbe()(replace(digits, features=noise)).details["C"] <= 1e-3


def test_more_weights_than_memory_holds_are_refused(digits: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic, "MOST_WEIGHTS", 500)
    with pytest.raises(UsageError, match=r"\d+ features and 10 labels are \d+ weights, of at most 500"):
        LogisticProbe()(digits)


def test_a_fit_that_does_not_end_is_told(digits: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogisticProbe, "steps", 2)
    assert LogisticProbe()(digits).warning == "L-BFGS had not converged after 2 steps"
