"""From records to rows: what is read, which repeat is chosen, what is warned of and what is refused."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.metrics.catalog.lookup import metric_names
from vtbench.results.leaderboards.check import check
from vtbench.results.leaderboards.columns import FAMILIES, METRIC_COLUMNS, number_text
from vtbench.results.leaderboards.folder import add_records, build, build_tables, read_rows
from vtbench.results.leaderboards.published import COLUMNS, ReportedRow, published_problems, read_published
from vtbench.results.leaderboards.reported_metrics import looser_names
from vtbench.results.leaderboards.rows import MeasuredRow, read_row
from vtbench.results.records.record import RunRecord, read_record, write_record
from vtbench.results.tables.rows import input_size, metric_result, scored_size
from vtbench.tasks import load_task, task_files

MakeRecord = Callable[..., RunRecord]
LISTS = ("image", "set", "code", "text", "instance", "prompt", "block", "cost")


@pytest.fixture
def write(tmp_path: Path, make_record: MakeRecord) -> Callable[..., Path]:
    def write_one(name: str, label: str = "jpeg", kind: str = "reconstruction", **more: object) -> Path:
        record = make_record(label, **more)
        spec = {**record.task.spec, "kind": kind}
        path = tmp_path / "runs" / name / "record.json"
        write_record(record.model_copy(update={"task": record.task.model_copy(update={"spec": spec})}), path)
        return path

    return write_one


@pytest.mark.parametrize("case", ["plain", "perfect", "native", "oblong", "stated"])
def test_a_row_says_what_the_whole_record_says(write: Callable[..., Path], case: str) -> None:
    changes: dict[str, dict[str, object]] = {
        "plain": {},
        "perfect": {"perfect": True},
        "native": {"data": {"scored_size": None}, "model": {"input_size": None}},
        "oblong": {"data": {"scored_size": (256, 384)}, "model": {"input_size": (512, 768)}},
        "stated": {"results": []},
    }
    file = write(case, seed=3, **changes[case])
    row, record = read_row(file), read_record(file)
    assert row.key == (record.model.label, record.model.revision, record.task.protocol_id, record.model.dtype, "")
    assert (row.cells["input_size"], row.cells["scored_size"]) == (input_size(record), scored_size(record))
    for name in (*METRIC_COLUMNS["reconstruction"], "tokens_per_image", "bits_per_pixel"):
        found = metric_result(record, name)
        assert row.cells[name] == number_text(None if found is None else found.value), name
        if found is not None and found.ci_low is not None and name in METRIC_COLUMNS["reconstruction"]:
            ends = row.cells[f"{name}_ci_low"], row.cells[f"{name}_ci_high"]
            assert ends == (number_text(found.ci_low), number_text(found.ci_high)), name
    assert row.cells["record_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert row.cells["finished"] == "2025-03-01" and row.cells["n_scored"] == "64"


@pytest.mark.parametrize(
    ("value", "text"),
    [(27.123456789, "27.12346"), (1.0, "1"), (-0.0, "0"), (float("inf"), "inf"), (float("nan"), "nan"), (None, "")],
)
def test_numbers_have_one_spelling(value: float | None, text: str) -> None:
    assert number_text(value) == text


def test_every_metric_that_a_shipped_task_asks_for_has_a_column() -> None:
    for name in task_files():
        task = load_task(name)
        family = "compat" if task.quirks else task.kind
        asked = {request.name for part in LISTS for request in getattr(task, f"{part}_metrics")}
        assert asked - {"tokens_per_image", "tokens_per_clip", "bits_per_pixel"} - {"band_error"} <= set(
            METRIC_COLUMNS[family]
        ), name


def test_compat_tasks_stand_apart(write: Callable[..., Path], tmp_path: Path) -> None:
    quirky = {"name": "vtbench-released-256", "protocol_id": "vtbench-released-256@1+00000001"}
    add_records([write("a"), write("b", task=quirky)], tmp_path / "boards")
    assert sorted(build(tmp_path / "boards")) == ["compat", "reconstruction"]


def test_times_of_two_devices_are_two_rows_and_of_one_device_one(write: Callable[..., Path], tmp_path: Path) -> None:
    first, second = ({"device": "cuda", "device_name": name} for name in ("NVIDIA A", "NVIDIA B"))
    cost, root = {"kind": "cost"}, tmp_path / "boards"
    there = {"data": {"fingerprint": "ba5eba11" * 8}}  # a device is part of what the data of such a task are
    add_records([write("a", environment=first, **cost), write("b", environment=second, seed=1, **there, **cost)], root)
    rows = list(csv.DictReader(build(root)["cost"].read_text().splitlines()))
    assert sorted(row["device"] for row in rows) == ["NVIDIA A", "NVIDIA B"] and check(root) == []
    with pytest.raises(UsageError, match=r"two results for .*, NVIDIA A"):
        add_records([write("c", environment=first, seed=2, **cost)], root)
    cpu = read_row(write("d", environment={"cpu": "Processor", "threads": 2}, **cost))
    assert cpu.cells["device"] == "Processor, 2 threads"
    assert read_row(write("e", environment=first)).cells["device"] == "cuda", "only times belong to one device"


def test_the_first_of_equal_repeats_is_the_row_whatever_the_files_are_called(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    early, late = write("early"), write("late", created="2025-04-01T00:00:00Z", finished="2025-04-01T00:01:00Z")
    tables = []
    for names in (("a", "b"), ("b", "a")):
        root = tmp_path / "".join(names)
        (root / "records").mkdir(parents=True)
        for name, file in zip(names, (early, late), strict=True):
            (root / "records" / f"{name}.json").write_bytes(file.read_bytes())
        tables.append(build_tables(read_rows(root))["reconstruction"])
    assert tables[0] == tables[1]
    assert [row["finished"] for row in csv.DictReader(tables[0].splitlines())] == ["2025-03-01"]


def test_add_copies_bytes_once_under_a_name_that_says_what_it_is(write: Callable[..., Path], tmp_path: Path) -> None:
    root, file = tmp_path / "boards", write("one", "jpeg,quality=10")
    (added,) = add_records([file], root)
    assert added.path == root / "records" / "photos-mini" / f"jpeg-quality=10-{read_record(file).run_id}.json"
    assert added.is_new and added.warnings == () and added.path.read_bytes() == file.read_bytes()
    repeat = write("two", "jpeg,quality=10", created="2025-04-01T00:00:00Z", finished="2025-04-01T00:01:00Z")
    (again,) = add_records([repeat], root)
    assert not again.is_new and again.path == added.path
    assert added.path.read_bytes() == file.read_bytes()


def test_nothing_is_copied_where_one_record_is_refused(write: Callable[..., Path], tmp_path: Path) -> None:
    runs, root = tmp_path / "runs", tmp_path / "boards"
    write("a", "fine")
    first, second = write("b"), write("c", seed=5)
    with pytest.raises(UsageError, match="two results for jpeg") as caught:
        add_records([runs], root)
    assert str(first) in str(caught.value) and str(second) in str(caught.value)
    assert not list(root.rglob("*.json"))


def test_what_a_publisher_should_know_is_told_and_the_record_left_as_it_is(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    home = "/" + "home/someone/runs"
    file = write(
        "one",
        status="partial",
        warnings=["kid not computed"],
        command=["vtbench", "run", "--out", home],
        config={"given": {"limit": "3"}},
    )
    (added,) = add_records([file], tmp_path / "boards")
    paths, limit, status = added.warnings
    assert home in paths and "made with --limit 3" in limit and "partial: kid not computed" in status
    assert added.path.read_bytes() == file.read_bytes()


def test_a_limited_run_is_refused(write: Callable[..., Path], tmp_path: Path) -> None:
    limited = write("one", status="limited", data={"n_expected": 64, "limited_from": 500})
    with pytest.raises(UsageError, match=r"(?s)limited: 64 of 500 samples.*without --limit"):
        add_records([limited], tmp_path / "boards")
    assert not (tmp_path / "boards").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "reported"}, "status"),
        ({"schema_version": 99}, "schema 99"),
        ({"created": "2025-03-01T00:00:00"}, "created"),
        ({"model": {}}, "model.label"),
    ],
)
def test_a_file_that_is_no_record_is_refused_by_name(
    write: Callable[..., Path], tmp_path: Path, change: dict[str, object], message: str
) -> None:
    file = write("one")
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(VtbenchError, match=message) as caught:
        read_row(file)
    assert str(file) in str(caught.value)


def test_a_task_of_an_unknown_kind_has_no_leaderboard(write: Callable[..., Path]) -> None:
    with pytest.raises(VtbenchError, match="kind 'audio'"):
        read_row(write("one", kind="audio"))


def test_check_reads_records_whole_and_names_strangers(write: Callable[..., Path], tmp_path: Path) -> None:
    root = tmp_path / "boards"
    (added,) = add_records([write("one")], root)
    build(root)
    (root / "best.csv").write_text("model\n")
    known = ", ".join(FAMILIES)
    assert [problem.split(": ", 1)[1] for problem in check(root)] == [
        f"no family of leaderboards is called best; known: {known}"
    ]
    content = json.loads(added.path.read_text())
    added.path.write_text(json.dumps(content | {"warnings": ["none"]}))
    assert "was edited" in check(root)[0]
    del content["sha256"]  # as in a record of an earlier version
    added.path.write_text(json.dumps(content | {"unknown": 1}))
    assert "is not a record: unknown" in check(root)[0]


def test_measured_and_reported_rows_are_of_two_types_that_share_no_status(tmp_path: Path) -> None:
    assert set(get_args(get_type_hints(MeasuredRow)["status"])) == {"complete", "partial", "limited"}
    assert {"status", "cells"}.isdisjoint(field.name for field in fields(ReportedRow))
    for status in ("complete", "partial", "limited", "measured", ""):
        (tmp_path / "a.csv").write_text(",".join(COLUMNS) + f"\nVQ,psnr,22.5,dB,all,as stated,Paper,,{status}\n")
        with pytest.raises(VtbenchError, match=r"a.csv:2: status is"):
            read_published(tmp_path)


def test_every_bad_published_line_is_told(tmp_path: Path) -> None:
    good = "VQ,psnr,{},dB,all,{},Paper,,reported\n"
    lines = [good.format(22, "one"), good.format("nan", "two"), good.format(22, "one"), good.format("inf", "three")]
    (tmp_path / "a.csv").write_text(",".join(COLUMNS) + "\n" + "".join(lines))
    (tmp_path / "b.csv").write_text("model\n")
    problems = published_problems(tmp_path)
    assert [problem.removeprefix(f"{tmp_path}/").split(": ")[0] for problem in problems] == [
        "a.csv:3",
        "a.csv:4",
        "b.csv:1",
    ]


def test_a_published_row_has_a_name_of_the_registry_or_a_declared_one(tmp_path: Path) -> None:
    assert published_problems(Path(__file__).parents[4] / "leaderboards" / "published", metric_names()) == []
    row = "VQ,{},22,,all,as stated,Paper,,reported\n"
    names = ("psnr", "rfid", "lpips_unstated", "geneval", "lpips", "psrn")
    (tmp_path / "a.csv").write_text(",".join(COLUMNS) + "\n" + "".join(row.format(name) for name in names))
    assert published_problems(tmp_path) == []
    vague, unknown = published_problems(tmp_path, metric_names())
    assert vague == f"{tmp_path}/a.csv: VQ: lpips does not say which: name its network, lpips_alex or lpips_vgg; " + (
        "lpips_unstated where the source does not"
    )
    assert unknown == f"{tmp_path}/a.csv: VQ: unknown metric 'psrn', did you mean psnr or psnr_y?"
    assert looser_names("lpips_vgg") == looser_names("lpips_alex") == ("lpips_unstated",)
    assert looser_names("fid") == ("rfid", "gfid") and looser_names("psnr") == ()
