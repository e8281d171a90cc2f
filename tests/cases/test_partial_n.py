"""Means over a part of the images say so wherever they are read, and are never the best."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

import vtbench

SIDES = (20, 22, 24, 26, 28, 30, 24, 26, 40, 200)
TASK = """
name: sizes
version: 1
kind: reconstruction
summary: Images of many sizes, some too small for a metric.
preprocess: {preset: native@1}
image_metrics: [psnr, ssim, ms_ssim, lpips_alex]
block_size: 4
table: [psnr, ssim, lpips_alex]
"""


@pytest.fixture
def scored(place: Path, vt: Callable[..., Any]) -> Callable[..., Any]:
    """Originals ``d``, noisy copies ``p1``, and ``p2``, which copies all but the two largest perfectly."""
    rng = np.random.default_rng(0)
    for folder in ("d", "p1", "p2"):
        (place / folder).mkdir()
    for number, side in enumerate(SIDES):
        image = rng.integers(40, 200, (side, side, 3), dtype=np.uint8)
        noisy = np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8)
        for folder, array in (("d", image), ("p1", noisy), ("p2", noisy if number > 7 else image)):
            Image.fromarray(array).save(place / folder / f"{number}.png")
    (place / "sizes.yaml").write_text(TASK)
    for name in ("p1", "p2"):
        done = vt("score", "--task", "sizes.yaml", "--data", "d", "--pred", name, "--out", "r", "--name", name)
        assert done.code == 0, done.err
    return vt


def test_the_record_warns_and_says_why(scored: Callable[..., Any]) -> None:
    first, second = vtbench.load_records("r")
    assert first.warnings == (
        "ms_ssim: 1 of 10 samples: 9 with a side below 161 px",
        "lpips_alex: 2 of 10 samples: 8 with a side below 31 px",
    )
    assert second.warnings[0] == "psnr: 2 of 10 samples: 8 perfect copies, whose value is infinite, left out"


def test_every_reader_of_the_number_sees_its_n(scored: Callable[..., Any], place: Path) -> None:
    from vtbench.results.tables.terminal import results_table

    records = vtbench.load_records("r")
    for width in (60, 160):
        console = Console(width=width, file=io.StringIO())
        console.print(results_table(records, width=width))
        shown = console.file.getvalue()  # type: ignore[attr-defined]
        assert shown.count("(n 2)") == 3 or "no room for" in shown, shown
    rows = list(csv.DictReader(io.StringIO(scored("show", "r").out), delimiter="\t"))
    assert [(row["n"], row["psnr_n"], row["lpips_alex_n"], row["ms_ssim_n"]) for row in rows] == [
        ("10", "10", "2", "1"),
        ("10", "2", "2", "1"),
    ]
    wide = vtbench.metrics_frame(records, wide=True)
    assert wide["psnr_n"].tolist() == [10, 2] and str(wide["psnr_n"].dtype) == "Int64"
    assert scored("report", "r", "-o", "r.md").code == 0 and scored("report", "r", "-o", "r.html").code == 0
    lines = [line for line in (place / "r.md").read_text().splitlines() if line.startswith("| p")]
    assert [line.count("(n 2)") for line in lines] == [1, 2]
    assert "**" not in lines[0] and lines[1].count("**") == 2, "ssim alone is over equal n and unequal values"
    assert "8 with a side below 31 px" in (place / "r.md").read_text().replace("\\", "")
    assert (place / "r.html").read_text().count("(n 2)") >= 3


def test_compare_shows_both_counts(scored: Callable[..., Any], place: Path) -> None:
    done = scored("compare", "r/sizes/p1", "r/sizes/p2", "--json")
    rows = {row["metric"]: row for row in done.rows}
    assert (rows["psnr"]["baseline_n"], rows["psnr"]["n"]) == (10, 2)
    assert rows["psnr"]["why"] == "n 10, now 2; paired on 10 samples; 8 perfect now"
    assert rows["ssim"]["why"].startswith("paired on 10")
    shown = scored("compare", "r/sizes/p1", "r/sizes/p2", "--format", "md").out.replace("\\", "")
    psnr = next(line for line in shown.splitlines() if line.startswith("| psnr "))
    assert "(n 2)" in psnr and "(n 10)" in psnr
    lpips = next(line for line in shown.splitlines() if line.startswith("| lpips_alex "))
    assert lpips.count("(n 2)") == 2
    for path in (place / "r").rglob("samples.parquet"):
        path.unlink()
    bare = {row["metric"]: row for row in scored("compare", "r/sizes/p1", "r/sizes/p2", "--json").rows}
    assert bare["psnr"]["verdict"] == "not comparable" and "no rows to pair" in bare["psnr"]["why"]


def test_leaderboard_rows_hold_the_count(scored: Callable[..., Any], place: Path) -> None:
    assert scored("leaderboard", "add", "r", "--root", "boards").code == 0
    assert scored("leaderboard", "build", "--root", "boards").code == 0
    with (place / "boards" / "reconstruction.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["model"], row["psnr_n"], row["lpips_alex_n"]) for row in rows] == [("p1", "10", "2"), ("p2", "2", "2")]
    shown = json.loads(scored("leaderboard", "show", "--root", "boards", "--json").out)
    assert [row["results"]["psnr"]["n"] for row in shown["measured"]] == [10, 2]
    board = "boards/reconstruction.csv"
    row = next(r for r in scored("compare", f"{board}#p1", f"{board}#p2", "--json").rows if r["metric"] == "psnr")
    assert (row["baseline_n"], row["n"], row["verdict"]) == (10, 2, "not comparable")
