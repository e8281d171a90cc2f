"""Votes of the nearest images against the same counted by hand, one image after another."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest

from vtbench.core.errors import UsageError
from vtbench.metrics.probes.nearest import NearestProbe
from vtbench.metrics.probes.problem import Problem


@pytest.fixture(scope="module")
def problem() -> Problem:
    draw = np.random.default_rng(3)
    labels = np.arange(120) % 4
    features = draw.normal(size=(4, 6))[labels] + draw.normal(size=(120, 6))
    return Problem(features, labels, np.arange(120) % 3 == 0, np.zeros(120, dtype=np.bool_))


def by_hand(problem: Problem, k: int, temperature: float) -> list[int]:
    told = []
    fitted = [place for place, out in enumerate(problem.held_out) if not out]
    for place in np.flatnonzero(problem.held_out):
        one = problem.features[place]
        similar = [
            (float(one @ other) / math.sqrt(float(one @ one) * float(other @ other)), int(problem.labels[near]))
            for near, other in ((near, problem.features[near]) for near in fitted)
        ]
        votes: dict[int, float] = defaultdict(float)
        for similarity, label in sorted(similar, reverse=True)[:k]:
            votes[label] += math.exp(similarity / temperature)
        told.append(min(votes, key=lambda label: (-votes[label], label)))
    return told


@pytest.mark.parametrize(("k", "temperature"), [(20, 0.07), (1, 0.07), (7, 1.0), (60, 0.5)])
def test_it_is_what_one_counts_by_hand(problem: Problem, k: int, temperature: float) -> None:
    answer = NearestProbe(k, temperature)(problem)
    assert answer.labels.tolist() == by_hand(problem, k, temperature)
    assert answer.details == {"width": 6, "k": k, "temperature": temperature}


def test_the_defaults_are_dinov2s() -> None:
    assert NearestProbe() == NearestProbe(20, 0.07)


def test_no_temperature_overflows(problem: Problem) -> None:
    assert NearestProbe(20, 1e-6)(problem).labels.tolist() == NearestProbe(1)(problem).labels.tolist()


def test_all_vote_where_there_are_fewer(problem: Problem) -> None:
    assert NearestProbe(500, 10.0)(problem).details["k"] == 80


def test_length_of_features_decides_nothing(problem: Problem) -> None:
    scale = np.linspace(0.1, 10.0, 120)[:, None]
    longer = Problem(problem.features * scale, problem.labels, problem.held_out, problem.validation)
    assert np.array_equal(NearestProbe()(longer).labels, NearestProbe()(problem).labels)


@pytest.mark.parametrize("arguments", [{"k": 0}, {"temperature": 0.0}, {"temperature": math.nan}])
def test_what_cannot_vote_is_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="cannot vote"):
        NearestProbe(**arguments)  # type: ignore[arg-type]
