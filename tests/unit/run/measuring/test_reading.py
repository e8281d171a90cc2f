"""Several threads read what one reads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vtbench.data.embedded.english_mini import EnglishMini
from vtbench.run.measuring.reading import TEXT_COLUMNS, text_scorer
from vtbench.tasks import ReaderSpec


def counts(threads: int, cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, float]]:
    monkeypatch.setenv("VTBENCH_CACHE", str(cache))
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    text_scorer.cache_clear()
    scorer = text_scorer(ReaderSpec(name="rapidocr"))
    assert scorer is not None
    data = EnglishMini()
    samples = [data[index] for index in (0, 1, 2, 3, 4, 7)]
    reference = torch.stack([sample.image for sample in samples])
    prediction = reference // 64 * 64
    found = [dict(row) for row in scorer(prediction, reference, [sample.target for sample in samples])]
    assert scorer.reader.read_count == 12
    return found


@pytest.mark.slow
def test_threads_do_not_change_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = counts(1, tmp_path / "one", monkeypatch)
    three = counts(3, tmp_path / "three", monkeypatch)
    text_scorer.cache_clear()
    assert one == three
    assert set(one[0]) == set(TEXT_COLUMNS)
    assert sum(row["text_edits"] for row in one) > sum(row["floor_text_edits"] for row in one)


def test_a_sample_without_true_text_has_no_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path))
    scorer = text_scorer(ReaderSpec(name="rapidocr"))
    assert scorer is not None
    image = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    assert scorer(image, image, [{"label": 3}]) == [{}]
    assert scorer(image, image, [None]) == [{}]
