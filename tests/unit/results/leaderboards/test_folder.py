"""Leaderboards follow from records, byte for byte; published numbers are whole and stay apart."""

from __future__ import annotations

import csv
import json
import random
import re
import time
from pathlib import Path

import pytest

from vtbench.core.errors import UsageError, VtbenchError
from vtbench.results.leaderboards.check import check
from vtbench.results.leaderboards.columns import KEY_COLUMNS, columns_of
from vtbench.results.leaderboards.folder import add_records, build
from vtbench.results.leaderboards.published import COLUMNS, read_published
from vtbench.results.records.record import RunRecord, write_record

SHIPPED = Path(__file__).parents[4] / "leaderboards"


def made(model: str = "jpeg", psnr: float = 27.5, kind: str = "reconstruction", **more: object) -> RunRecord:
    results = [
        {
            "metric": "psnr",
            "value": psnr,
            "n": 4,
            "ci_low": psnr - 1,
            "ci_high": psnr + 1,
            "ci_method": "b",
            "unit": "dB",
        },
        {"metric": "bits_per_pixel", "value": 0.5, "n": 4},
    ]
    content = {
        "status": "complete",
        "created": "2026-01-01T00:00:00Z",
        "finished": "2026-01-01T00:01:00Z",
        "model": {"reference": model, "label": model, "name": model, "kind": "codec"},
        "task": {"name": "photos", "version": 1, "protocol_id": "photos@1+00000000", "spec": {"kind": kind}},
        "data": {"source": "photos", "fingerprint": "f" * 64, "n_expected": 4, "n_scored": 4, "scored_size": [64, 64]},
        "environment": {"python": "3.11", "platform": "linux"},
        "code": {"vtbench_version": "0.1.0"},
        "results": results,
        **more,
    }
    return RunRecord.model_validate(content)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "boards"
    for number, (model, value) in enumerate([("webp", 30.25), ("jpeg", 27.5), ("avif", float("inf"))]):
        write_record(made(model, value), tmp_path / "runs" / str(number) / "record.json")
    write_record(made("tiny", 3.0, kind="generation"), tmp_path / "runs" / "g" / "record.json")
    add_records([tmp_path / "runs"], folder)
    build(folder)
    return folder


def table(root: Path, family: str = "reconstruction") -> list[dict[str, str]]:
    with (root / f"{family}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_rows_are_sorted_formatted_and_kept_by_family(root: Path) -> None:
    rows = table(root)
    assert [row["model"] for row in rows] == ["avif", "jpeg", "webp"]
    assert [row["psnr"] for row in rows] == ["inf", "27.5", "30.25"]
    assert rows[1]["psnr_ci_low"] == "26.5" and rows[1]["ssim"] == "" and rows[1]["bits_per_pixel"] == "0.5"
    assert list(rows[0]) == columns_of("reconstruction")
    assert [row["model"] for row in table(root, "generation")] == ["tiny"]
    assert check(root) == []


def test_a_second_build_and_shuffled_files_give_the_same_bytes(root: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in root.glob("*.csv")}
    build(root)
    assert {path.name: path.read_bytes() for path in root.glob("*.csv")} == before
    other = tmp_path / "other"
    files = sorted((root / "records").rglob("*.json"))
    random.Random(0).shuffle(files)
    for number, file in enumerate(files):
        target = other / "records" / f"deep{number % 2}" / f"{number}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    build(other)
    assert {path.name: path.read_bytes() for path in other.glob("*.csv")} == before


def without(model: str, text: str) -> str:
    return "".join(line for line in text.splitlines(True) if not line.startswith(model))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text.replace("27.5,", "28.5,", 1),
            r"jpeg on photos@1\+00000000, float32: psnr is '28.5', its record says '27.5'",
        ),
        (lambda text: without("webp", text), "webp .* is missing"),
        (lambda text: text + text.splitlines(True)[1].replace("avif", "ghost"), "ghost .* has no record"),
        (lambda text: text.replace("\n", "\r\n"), "other bytes"),
        (lambda text: text + text.splitlines(True)[2], r"reconstruction.csv:5: jpeg .* is there twice"),
        (lambda text: text.replace("complete,", "reported,", 1), "csv:2: avif .* status is 'reported', its record"),
        (lambda text: text + "short,row\n", "csv:5: a row with too few or too many cells"),
        (lambda text: text.replace("psnr,", "PSNR,", 1), "csv:1: other columns"),
    ],
)
def test_check_names_the_row_that_was_tampered_with(root: Path, change, message: str) -> None:  # type: ignore[no-untyped-def]
    file = root / "reconstruction.csv"
    file.write_bytes(change(file.read_bytes().decode()).encode())
    problems = check(root)
    assert len(problems) == 1
    assert re.search(message, problems[0]), problems


def test_two_claims_under_one_key_are_refused_and_a_repeat_is_not(root: Path, tmp_path: Path) -> None:
    write_record(made("jpeg", 27.5), tmp_path / "again" / "record.json")
    add_records([tmp_path / "again"], root)
    write_record(made("jpeg", 29.0), tmp_path / "better" / "record.json")
    with pytest.raises(UsageError, match=r"two results for jpeg on photos@1\+00000000, float32"):
        add_records([tmp_path / "better"], root)
    (root / "records" / "extra.json").write_bytes((tmp_path / "better" / "record.json").read_bytes())
    with pytest.raises(UsageError, match="two results for jpeg"):
        build(root)


def publish(folder: Path, *rows: dict[str, str], header: tuple[str, ...] = COLUMNS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    good = dict(
        zip(COLUMNS, ("VQ", "psnr", "22.5", "dB", "all", "as stated", "Paper", "table 1", "reported"), strict=True)
    )
    with (folder / "a.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, header, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows([good, *({**good, "model": "other", **row} for row in rows)])
    return folder


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"value": "nan"}, "a.csv:3: the value is NaN"),
        ({"value": "22,5"}, "a.csv:3: '22,5' is no number"),
        ({"value": ""}, "a.csv:3: value is empty"),
        ({"source": ""}, "a.csv:3: source is empty"),
        ({"protocol": " "}, "a.csv:3: protocol is empty"),
        ({"status": "measured"}, "a.csv:3: status is 'measured'"),
        ({"model": "VQ"}, "a.csv:3: psnr of VQ was given before, in a.csv:2"),
    ],
)
def test_a_published_row_that_is_not_whole_is_refused_with_its_line(
    tmp_path: Path, row: dict[str, str], message: str
) -> None:
    with pytest.raises(VtbenchError) as caught:
        read_published(publish(tmp_path / "published", row))
    assert message in str(caught.value)


def test_other_columns_and_missing_cells_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VtbenchError, match="columns must be"):
        read_published(publish(tmp_path / "published", header=COLUMNS[:-1]))
    folder = publish(tmp_path / "short")
    with (folder / "a.csv").open("a") as stream:
        stream.write("VQ,ssim,0.5\n")
    with pytest.raises(VtbenchError, match=r"a.csv:3: 9 cells"):
        read_published(folder)


def test_what_is_shipped_is_whole() -> None:
    assert check(SHIPPED) == []
    rows = read_published(SHIPPED / "published")
    found = {(row.model, row.metric, row.stratum, row.table): row.value for row in rows}
    # spot checks, by eye against the papers' tables
    assert found["FLUX.1-dev", "t_acc", "mean", "1024x1024"] == 93.09
    assert found["UniTok", "face_similarity", "small", "256x256"] == 0.15
    assert found["Resize", "psnr", "text set", "1024x1024"] == float("inf")
    assert found["SD-3.5", "psnr", "face set", "512x512"] == 30.06
    assert found["VideoGPT 4x4x4", "rfvd", "all", "leaderboard"] == 13.855
    assert found["CIFAR-10 train", "is_mean", "all", ""] == 11.23678
    assert found["Hi-MAR-L", "gfid", "all", ""] == 1.66
    assert found["FlowMo-Hi", "psnr", "all", "table 1"] == 24.93
    assert found["ARRA", "fid_change", "all", "headline"] < 0
    assert len(rows) > 1200
    at_256 = {row.model for row in rows if (row.metric, row.table) == ("t_acc", "256x256")}
    assert at_256 >= {"Resize", "TiTok", "DC-AE"} and len(at_256) == 20


def test_ten_thousand_records_are_built_in_seconds(tmp_path: Path) -> None:
    """A tenth of that here; the whole is in the benchmarks."""
    folder = tmp_path / "records"
    folder.mkdir()
    content = json.loads(made().model_dump_json())
    for number in range(1000):
        content["model"]["label"] = f"model-{number}"
        (folder / f"{number}.json").write_text(json.dumps(content))
    begun = time.perf_counter()
    build(tmp_path)
    assert time.perf_counter() - begun < 10
    assert len(table(tmp_path)) == 1000
    assert {tuple(row[name] for name in KEY_COLUMNS) for row in table(tmp_path)} == {
        (f"model-{number}", "", "photos@1+00000000", "float32") for number in range(1000)
    }


def test_a_leaderboard_is_a_frame_with_fixed_dtypes(root: Path) -> None:
    import vtbench

    frame = vtbench.leaderboard_frame(root / "reconstruction.csv")
    assert list(frame.columns) == columns_of("reconstruction")
    assert frame["psnr"].tolist() == [float("inf"), 27.5, 30.25]
    assert str(frame["psnr"].dtype) == "float64" and str(frame["n_scored"].dtype) == "Int64"
    assert frame["ssim"].isna().all() and frame["model"].tolist() == ["avif", "jpeg", "webp"]
    with pytest.raises(UsageError, match="no leaderboard"):
        vtbench.leaderboard_frame(root / "other.csv")
