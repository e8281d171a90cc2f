"""Weighted votes of the nearest images (Wu et al. 2018; DINOv2's ``knn.py``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vtbench.core.errors import UsageError
from vtbench.metrics.probes.problem import Answer, Problem


@dataclass(frozen=True)
class NearestProbe:
    """The nearest of the images fitted, by cosine, vote with weights ``exp(similarity / temperature)``.

    Features are taken as they are, neither centred nor scaled, as DINOv2 takes them. scikit-learn's classifier does it.

    Attributes:
        k: images that vote; all where there are fewer.
        temperature: of the weights.

    Raises:
        UsageError: a value out of range.
    """

    k: int = 20
    temperature: float = 0.07

    def __post_init__(self) -> None:
        if self.k < 1 or not self.temperature > 0:
            told = f"nearest images cannot vote by k={self.k}, temperature={self.temperature}"
            raise UsageError(told, "k is 1 or more, the temperature above 0")

    def __call__(self, problem: Problem) -> Answer:
        """See :class:`~vtbench.metrics.probes.problem.Probe`; of equal votes the first label."""
        from sklearn.neighbors import KNeighborsClassifier

        fitted = ~problem.held_out
        k = min(self.k, int(fitted.sum()))
        model = KNeighborsClassifier(k, weights=self._weights, algorithm="brute", metric="cosine")
        model.fit(problem.features[fitted], problem.labels[fitted])
        settled = {"width": problem.features.shape[1], "k": k, "temperature": self.temperature}
        return Answer(model.predict(problem.features[problem.held_out]), settled)

    def _weights(self, distances: Any) -> Any:
        """Up to a factor a row, so that no temperature makes them overflow, or all of them vanish."""
        return np.exp((distances.min(axis=1, keepdims=True) - distances) / self.temperature)
