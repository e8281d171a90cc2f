"""Multinomial logistic regression by L-BFGS, its regularisation chosen on images that are fitted: no draw, no order.

The form of DINOv2's ``log_regression.py`` (Oquab et al., 2304.07193): C by a share of the images to be fitted, then all
of them fitted once more. Unlike there, features are standardised, C is one of eight instead of 45, and what decides is
the loss, not the accuracy, in which a few images make ties and one of them a power of ten.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from vtbench.core.errors import UsageError
from vtbench.metrics.probes.problem import Answer, Labels, Matrix, Problem

STRENGTHS = tuple(10.0**power for power in range(-5, 3))
"""scikit-learn's C: the weight of the summed losses against half the squared norm of the weights."""
MOST_WEIGHTS = 1 << 25
"""Classes times features: L-BFGS holds some 25 vectors of that many float64, here 7 GB."""


@dataclass(frozen=True)
class LogisticProbe:
    """scikit-learn's ``StandardScaler`` and ``LogisticRegression``.

    A sparse matrix is scaled and not centred, which the intercept, not regularised, makes the same. Features that are
    constant among the images fitted are left out.
    """

    steps: ClassVar[int] = 2000
    tolerance: ClassVar[float] = 1e-5

    def __call__(self, problem: Problem) -> Answer:
        """See :class:`~vtbench.metrics.probes.problem.Probe`.

        Raises:
            UsageError: more weights than are fitted.
        """
        fitted = ~problem.held_out
        columns = _varying(problem.features[fitted])
        _refuse_too_many(len(np.unique(problem.labels[fitted])), len(columns))
        if not len(columns):  # all images alike: the commonest label
            commonest = np.bincount(problem.labels[fitted]).argmax()
            return Answer(np.full(int(problem.held_out.sum()), commonest), {"width": 0})
        features = problem.features[:, columns]
        strength, loss = self._chosen(features, problem)
        model = self._fitted(strength, features[fitted], problem.labels[fitted])
        steps = int(model[-1].n_iter_.max())
        settled = {"width": len(columns), "C": strength, "validation_nats": loss, "steps": steps}
        told = f"L-BFGS had not converged after {steps} steps" if steps >= self.steps else ""
        return Answer(model.predict(features[problem.held_out]), settled, told)

    def _chosen(self, features: Matrix, problem: Problem) -> tuple[float, float]:
        """C, and the loss of the images left out under it: from the smallest on, up to where the loss rises again."""
        from sklearn.metrics import log_loss

        learnt, tried = ~problem.held_out & ~problem.validation, problem.validation
        best, least = STRENGTHS[0], np.inf
        for strength in STRENGTHS:
            model = self._fitted(strength, features[learnt], problem.labels[learnt])
            told = model.predict_proba(features[tried])
            loss = float(log_loss(problem.labels[tried], told, labels=model.classes_))
            if loss >= least:
                break
            best, least = strength, loss
        return best, least

    def _fitted(self, strength: float, features: Matrix, labels: Labels) -> Any:
        from scipy.sparse import issparse
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler(with_mean=not issparse(features))
        regression = LogisticRegression(C=strength, max_iter=self.steps, tol=self.tolerance)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # told in the answer
            return make_pipeline(scaler, regression).fit(features, labels)


def _refuse_too_many(classes: int, features: int) -> None:
    if classes * features > MOST_WEIGHTS:
        raise UsageError(
            f"{features} features and {classes} labels are {classes * features} weights, of at most {MOST_WEIGHTS}",
            "fewer labels, or a tokenizer with a smaller codebook",
        )


def _varying(features: Matrix) -> Any:
    """Columns that are not the same in all rows, ``int64 [D']``."""
    spread = features.max(axis=0) - features.min(axis=0)
    return np.flatnonzero(np.asarray(spread.todense() if hasattr(spread, "todense") else spread).ravel())
