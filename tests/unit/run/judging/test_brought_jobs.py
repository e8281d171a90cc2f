"""What was brought is a job like any: rescored, verified, compared prompt by prompt, and shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vtbench
from tests.unit.run.judging.conftest import Bring, Lines
from vtbench.metrics.catalog.judged import GENEVAL_TAGS
from vtbench.results.comparing.compare import compare
from vtbench.results.leaderboards.folder import add_records, build
from vtbench.results.leaderboards.frame import leaderboard_frame
from vtbench.results.records.record import read_record, write_record
from vtbench.results.records.samples import read_samples
from vtbench.run.judging.formats.table import FORMATS
from vtbench.run.rescore import rescore
from vtbench.run.verifying.walk import verify


def _rows(seed: int, better: float = 0.0, prompts: int = 12) -> list[dict[str, Any]]:
    generator = np.random.default_rng(seed)
    chances = np.random.default_rng(0).random((6, prompts))
    return [
        {
            "filename": f"/data/{tag}{prompt}/samples/{image:04d}.png",
            "tag": tag,
            "prompt": f"{tag} {prompt}",
            "correct": bool(generator.random() < chances[place, prompt] + better),
        }
        for place, tag in enumerate(GENEVAL_TAGS)
        for prompt in range(prompts)
        for image in range(4)
    ]


@pytest.fixture
def two(lines: Lines, brought: Bring) -> tuple[Path, Path]:
    """Jobs of two models, the second clearly better."""
    brought("geneval", lines("a.jsonl", _rows(1)), model="first")
    brought("geneval", lines("b.jsonl", reversed(_rows(2, 0.3))), model="second")
    runs = next(lines("x", []).parent.glob("runs/geneval"))
    return runs / "first", runs / "second"


def test_two_models_compare_prompt_by_prompt(two: tuple[Path, Path]) -> None:
    rows = {(row.metric, row.stratum): row for row in compare([*two], strata=True).rows}
    overall = rows["geneval", "all"]
    assert overall.verdict == "better" and overall.method.startswith("paired") and "72 samples" in overall.why
    assert overall.difference is not None and overall.value is not None and overall.baseline_value is not None
    assert overall.difference == pytest.approx(overall.value - overall.baseline_value)
    # the difference of means of means of tags, worked out from the rows; its error from the spread within tags
    before, after = (read_samples(next(side.rglob("samples.parquet"))) for side in two)
    gaps = after.metrics["geneval"] - before.metrics["geneval"]
    tags = np.array(before.strata["tag"])
    own = [gaps[tags == tag] for tag in GENEVAL_TAGS]
    assert overall.difference == pytest.approx(np.mean([gap.mean() for gap in own]))
    error = 1.96 * np.sqrt(sum(gap.var(ddof=1) / len(gap) for gap in own)) / 6
    assert overall.ci_low is not None and overall.ci_high is not None
    assert (overall.ci_high - overall.ci_low) / 2 == pytest.approx(error, rel=0.15)
    assert rows["geneval", "tag=colors"].method.startswith("paired")


def test_brought_jobs_are_rescored_and_verified(two: tuple[Path, Path]) -> None:
    file = next(two[0].rglob("record.json"))
    before = read_record(file)
    (after,) = rescore(two[0])
    assert after.results_digest() == before.results_digest()
    assert {finding.status for finding in verify([two[0], two[1]])} == {"ok"}
    wrong = before.results[0].model_copy(update={"value": before.results[0].value + 0.125, "ci_high": 2.0})
    write_record(before.model_copy(update={"results": (wrong, *before.results[1:])}), file)
    told = [finding.what for finding in verify([two[0]])]
    assert any("says geneval (all)" in what and "its rows give" in what for what in told), told


def test_the_same_files_come_to_the_same_folder(lines: Lines, brought: Bring) -> None:
    rows = _rows(3, prompts=2)
    first = brought("geneval", lines("a.jsonl", rows))
    again = brought("geneval", lines("b.jsonl", rows[::-1]))
    assert first.job_key == again.job_key and first.results_digest() == again.results_digest()
    other = brought("geneval", lines("a.jsonl", rows), judge="grounding-dino")
    assert other.job_key != first.job_key and other.result("geneval[grounding-dino]") is not None
    assert other.task.protocol_id != first.task.protocol_id
    rewritten = brought("geneval", lines("a.jsonl", rows), prompts="rewritten")
    assert rewritten.task.name == "geneval-rewritten" and rewritten.task.protocol_id != first.task.protocol_id


def test_a_leaderboard_of_what_judges_found(two: tuple[Path, Path], tmp_path: Path) -> None:
    board = tmp_path / "board"
    board.mkdir()
    added = add_records([two[0].parent], board)
    assert len(added) == 2 and not any("machine" in told for one in added for told in one.warnings)
    frame = leaderboard_frame(build(board)["judged"])
    assert list(frame["model"]) == ["first", "second"] and frame["geneval"].notna().all()
    assert {finding.status for finding in verify([board])} == {"ok"}


def test_from_python(lines: Lines, tmp_path: Path) -> None:
    path = lines("a.jsonl", [{"id": "a", "metric": "m", "value": 3, "judge": "j"}])
    record = vtbench.import_judgements("judgements", path, model="x", out=tmp_path / "out", benchmark="ours")
    assert record.result("m[j]").value == 3 and record.task.name == "ours"  # type: ignore[union-attr]
    (frame,) = [vtbench.metrics_frame(vtbench.load_records(tmp_path / "out"))]
    assert "m[j]" in set(frame["metric"])


def test_what_is_shown_of_formats_and_judged_names(vt: Callable[..., Any], lines: Lines) -> None:
    told = {row["field"]: row["value"] for row in vt("show", "wise[gpt-4o]", "--json").rows}
    assert told["metric_kind"] == "judged" and "Judged by gpt-4o" in told["summary"]
    listed = {row["name"]: row for row in vt("list", "formats", "--json").rows}
    assert listed["dpg-bench"]["source"].startswith("TencentQQGYLab/ELLA@") and set(listed) == set(FORMATS)
    kinds = [row["of"] for row in vt("list", "tasks", "--json").rows]
    assert len(set(kinds)) == sum(before != after for before, after in zip([None, *kinds], kinds, strict=False))
    path = lines("j.jsonl", [{"id": "a", "metric": "m", "value": 1, "judge": "j"}])
    done = vt("import", "judgements", path, "--model", "x", "--json")
    assert done.code == 0 and done.rows[0]["model"] == "x"
    assert vt("import", "geneval", path, "--model", "x").code == 2
