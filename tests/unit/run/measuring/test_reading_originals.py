"""Readings against readings: what is compared, with which floor, and what OmniDoc-TokenBench's script makes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vtbench.metrics.images.compat_omnidoc import CompatOmnidocPsnr
from vtbench.metrics.texts.compat_omnidoc import omnidoc_counts
from vtbench.readers.cache import CachedReader
from vtbench.readers.contract import ReadResult
from vtbench.run.measuring.reading_originals.rereading import OmnidocScorer, RereadScorer, moved_by_a_level


class ByMean:
    """Reads the mean level, in two lines; nothing on black. Level by level, so that a level's noise can change it."""

    languages = None
    required_assets = ()
    concurrent = True

    def __init__(self, name: str, step: int) -> None:
        self.id, self.step = f"by-mean-{name}-{step}@1+0", step

    def read(self, images: list[Tensor]) -> list[ReadResult]:
        return [ReadResult.of(self._lines(image)) for image in images]

    def _lines(self, image: Tensor) -> Sequence[str]:
        level = round(float(image.float().mean()))
        return () if level == 0 else (f"level {level // self.step}", f"of {image.shape[-1]}")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path))
    return tmp_path


def flat(*levels: int) -> Tensor:
    return torch.stack([torch.full((3, 8, 8), level, dtype=torch.uint8) for level in levels])


def test_the_reading_of_the_original_is_the_truth_and_noise_of_a_level_the_floor(cache: Path) -> None:
    reader = CachedReader(ByMean("a", 10))
    scorer = RereadScorer(reader, "keep")
    rows = scorer(flat(25, 38, 90), flat(25, 24, 0), [None, {"text": "not looked at"}, None])
    assert rows[0]["text_edits"] == rows[0]["floor_text_edits"] == 0.0 and rows[0]["text_exact"] == 1.0
    assert rows[1]["text_edits"] == 1.0 and rows[1]["text_length"] == len("level 2 of 8")
    assert rows[2] == {}, "nothing is read on the original"
    assert scorer(flat(25), flat(25), [None])[0] == rows[0], "what stands beside an image does not move it"
    again = reader.read_count
    scorer(flat(25), flat(25), [None])
    assert reader.read_count == again


def test_the_floor_moves_where_the_reader_is_restless(cache: Path) -> None:
    image = flat(100)
    noisy = moved_by_a_level(image[0])
    difference = noisy.int() - image[0].int()
    assert set(difference.unique().tolist()) == {-1, 0, 1}
    assert torch.equal(noisy, moved_by_a_level(image[0]))
    black = moved_by_a_level(flat(0)[0])
    assert black.max() == 1, "clamped, not wrapped"


def test_languages_decide_what_a_space_is_worth(cache: Path) -> None:
    class Spaced(ByMean):
        def _lines(self, image: Tensor) -> Sequence[str]:
            return ("中 文",) if image.float().mean() > 99 else ("中", "文")

    scorer = RereadScorer(CachedReader(Spaced("spaced", 1)), "keep")
    unstated, english = (scorer(flat(200), flat(50), [target])[0] for target in (None, {"language": "en"}))
    assert unstated["text_edits"] == english["text_edits"] == 0.0  # a line break is a space
    assert unstated["text_length"] == 2.0 and english["text_length"] == 3.0
    assert math.isnan(unstated["text_words"]) and english["text_words"] == 2.0


def distance(first: str, second: str) -> int:
    """Levenshtein's, by its definition."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        left, row[0] = row[0], i
        for j, b in enumerate(second, start=1):
            left, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, left + (a != b))
    return row[-1]


def test_the_script_joins_lines_by_nothing_and_leaves_out_what_reads_empty(cache: Path) -> None:
    scorer = OmnidocScorer(CachedReader(ByMean("b", 10)))
    found = scorer(flat(38, 90), flat(24, 0), [None, None])
    texts = "level 3of 8", "level 2of 8"
    assert found[0] == {
        "compat_omnidoc_edits": distance(*texts),
        "compat_omnidoc_max_length": max(map(len, texts)),
    }
    assert found[1] == {} == omnidoc_counts("noise", "")
    assert omnidoc_counts("", "gone") == {"compat_omnidoc_edits": 4.0, "compat_omnidoc_max_length": 4.0}


def test_the_scripts_psnr_is_piqs_formula_and_a_copy_has_80_decibels() -> None:
    random = torch.Generator().manual_seed(0)
    first, second = (torch.randint(0, 256, (4, 3, 16, 16), generator=random, dtype=torch.uint8) for _ in range(2))
    second[3] = first[3]
    expected = [
        -10 * math.log10(float(((a / 255 - b / 255) ** 2).double().mean()) + 1e-8)
        for a, b in zip(first, second, strict=True)
    ]
    found = CompatOmnidocPsnr()(first, second)
    assert found.tolist() == pytest.approx(expected, abs=1e-5)
    assert found[3] == pytest.approx(80.0)
