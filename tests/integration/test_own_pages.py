"""The pages on what one may bring are run as printed: files written, tasks read, commands run, plug-ins offered."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from vtbench.tasks import load_suite, load_task

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CommandLine = Callable[..., CompletedProcess[str]]
TASK = """
name: t
version: 1
kind: reconstruction
summary: s
data: {source: photos-mini}
preprocess: {preset: native@1}
image_metrics: [psnr]
"""
PAGES = ("adding-a-metric.md", "adding-a-dataset.md", "adding-a-reader.md", "adding-a-feature-extractor.md")


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def write_files(page: str, folder: Path) -> None:
    """Every block that begins with ``# file``; blocks of one file follow one another."""
    for language in ("python", "yaml"):
        for block in blocks(page, language):
            named = re.match(r"# ([\w-]+\.(?:py|yaml))\n", block)
            if named is not None:
                with (folder / named[1]).open("a", encoding="utf-8") as file:
                    file.write(f"{block}\n\n")


def names(page: str) -> dict[str, Any]:
    """What all the Python of a page defines."""
    space: dict[str, Any] = {}
    for block in blocks(page, "python"):
        exec(compile(block, page, "exec"), space)  # noqa: S102 - the page's own code
    return space


@pytest.mark.parametrize("page", PAGES)
def test_its_commands_run_in_a_folder_with_its_files(page: str, tmp_path: Path, command_line: CommandLine) -> None:
    write_files(page, tmp_path)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.fromarray(np.arange(12288, dtype=np.uint8).reshape(64, 64, 3)).save(pictures / "a.png")
    (pictures / "captions.json").write_text('{"a.png": "a ramp"}')
    lines = [line for block in blocks(page, "bash") for line in block.splitlines()]
    assert lines
    for line in lines:
        words = line.split()
        fewer = ["--limit", "2"] if words[1] == "run" else []
        done = command_line(*words[1:], *fewer, cwd=tmp_path)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert done.stdout.strip()


@pytest.mark.parametrize("page", PAGES)
def test_its_entry_points_name_groups_that_are_read(page: str) -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "vtbench").rglob("*.py")]
    groups = {group for source in sources for group in re.findall(r'"(vtbench\.[a-z_]+)"', source)}
    offered = [tomllib.loads(block)["project"]["entry-points"] for block in blocks(page, "toml")]
    assert offered and {group for points in offered for group in points} <= groups


def test_the_prompt_metric_of_the_page_applies_where_it_says() -> None:
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    images[:, 0] = 200
    found = names("adding-a-metric.md")["Redness"]()(images, ["a red box", "a blue box"])
    assert found[0] == 1 and found[1].isnan() and found.dtype == torch.float64


def test_the_estimator_of_the_page_takes_rows_and_moments() -> None:
    from types import SimpleNamespace

    from vtbench.metrics.feature_matrix import ArrayFeatures

    rows = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    near, far = ArrayFeatures(rows), ArrayFeatures(rows + np.float32(2))
    estimator = names("adding-a-metric.md")["MeanShift"]()
    assert estimator(near, near)["mean_shift"].value == 0
    assert estimator(far, near)["mean_shift"].value == pytest.approx(2 * 3**0.5, rel=1e-5)
    moments = SimpleNamespace(n=8, mean=rows.astype(np.float64).mean(axis=0), scatter=np.eye(3))
    assert estimator(far, moments)["mean_shift"].value == pytest.approx(2 * 3**0.5, rel=1e-5)


def test_the_reader_of_the_page_reads() -> None:
    image = torch.full((3, 9, 40), 255, dtype=torch.uint8)
    for start, stop in ((2, 5), (8, 20), (30, 33)):
        image[:, :, start:stop] = 0
    reader = names("adding-a-reader.md")["Barcode"]()
    assert [result.text for result in reader.read([image, image[:, :, :6]])] == [".-.", "."]


def test_the_extractor_of_the_page_keeps_its_contract() -> None:
    extractor = names("adding-a-feature-extractor.md")["SmallNet"]().to(device=torch.device("cpu"))
    images = torch.randint(0, 256, (3, 3, 50, 70), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    found = extractor(images)["pool"]
    assert found.shape == (3, 64) and found.dtype == torch.float32
    torch.testing.assert_close(found[1:2], extractor(images[1:2])["pool"])


def test_its_distances_follow_from_its_name_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from vtbench.cli.main import app
    from vtbench.features import EXTRACTORS

    write_files("adding-a-feature-extractor.md", tmp_path)
    monkeypatch.setitem(EXTRACTORS.builtin, "my_net", f"{tmp_path / 'my_net.py'}:SmallNet")
    monkeypatch.chdir(tmp_path)
    (metrics,) = blocks("adding-a-feature-extractor.md", "yaml")
    Path("t.yaml").write_text(TASK + metrics, encoding="utf-8")
    words = ["run", "--task", "t.yaml", "-t", "identity", "-t", "jpeg,quality=5", "--limit", "40", "--json"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    same, worse = (row["results"] for row in json.loads(done.stdout))
    assert same["fd_my_net"]["value"] == pytest.approx(0, abs=1e-6) and worse["fd_my_net"]["value"] > 1e-4
    assert worse["kid_my_net"]["value"] > same["kid_my_net"]["value"]


def test_the_suite_of_the_task_page_is_one(tmp_path: Path) -> None:
    task, suite = blocks("adding-a-task.md", "yaml")
    (tmp_path / "my-task.yaml").write_text(task, encoding="utf-8")
    (tmp_path / "my-suite.yaml").write_text(suite, encoding="utf-8")
    found = load_suite(str(tmp_path / "my-suite.yaml"))
    assert [load_task(name).name for name in found.tasks] == ["photos-mini", "my-task"] and len(found.tokenizers) == 2
