"""Counts and sums by size bucket, against the means of the instances themselves, and closed forms for words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtbench.data.preparing.tokbench_buckets import BUCKETS, bucket_means, face_edges, text_edges
from vtbench.metrics.texts.instances import (
    IGNORED,
    UNSCORED,
    Instance,
    count_column,
    instance_columns,
    sum_column,
    tally,
    word_scores,
)

FACES = st.lists(st.tuples(st.floats(0, 1.2), st.floats(-1, 1)), max_size=40)


@given(st.lists(FACES, min_size=1, max_size=4))
def test_sums_of_images_give_the_means_of_all_their_instances(images: list[list[tuple[float, float]]]) -> None:
    edges = face_edges(256)
    rows = [tally([Instance(r, {"face_similarity": v}) for r, v in image], "faces", edges) for image in images]
    together = [pair for image in images for pair in image]
    expected = bucket_means([v for _, v in together], [r for r, _ in together], edges)
    for place, bucket in enumerate(BUCKETS):
        count = sum(row[count_column(bucket)] for row in rows)
        total = sum(row[sum_column("face_similarity", bucket)] for row in rows)
        assert count == expected.counts[place]
        if count:
            assert total / count == pytest.approx(expected.means[place], abs=1e-12)
    assert sum(row[IGNORED] for row in rows) == expected.ignored
    assert all(tuple(sorted(row)) == tuple(sorted(instance_columns("faces"))) for row in rows)


def test_an_instance_without_a_score_is_counted_apart() -> None:
    found = [Instance(0.5, {"face_similarity": 0.25}), Instance(0.6, {"face_similarity": math.nan})]
    row = tally([*found, Instance(0.01, {})], "faces", face_edges(256))
    assert (row[count_column("large")], row[sum_column("face_similarity", "large")]) == (1.0, 0.25)
    assert (row[UNSCORED], row[IGNORED]) == (1.0, 1.0)


def test_an_image_without_instances_has_counts_of_zero_and_not_nan() -> None:
    assert set(tally([], "words", text_edges(512)).values()) == {0.0}


@pytest.mark.parametrize(
    ("read", "truth", "exact", "similarity"),
    [
        ("Exit", "Exit", 1.0, 1.0),
        ("EXIT", "Exit", 0.0, 0.25),
        ("Ex", "Exit", 0.0, 0.5),
        ("", "Exit", 0.0, 0.0),
        ("Exits", "Exit", 0.0, 0.8),
        ("", "", 1.0, 1.0),
        ("\ufb01n", "fin", 0.0, 1 / 3),  # a ligature is not its letters: nothing is normalised
    ],
)
def test_words_are_compared_as_they_stand(read: str, truth: str, exact: float, similarity: float) -> None:
    assert word_scores(read, truth) == {"t_acc": exact, "t_ned": pytest.approx(similarity)}
