"""``--samples`` on a run that is finished writes the images, which no run keeps, and never leaves another's there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vtbench.core.foreign.programs import digest_command

PROMPTED = """
name: prompted
version: 1
kind: generation
summary: Prompts, scored by nothing but kept as files.
conditions: {of: prompts, per_prompt: 2}
preprocess: {preset: native@1}
block_size: 2
"""
PAINTER = """
import json, sys
from PIL import Image
from colours import BLUE
for line in sys.stdin:
    request = json.loads(line)
    Image.new("RGB", (32, 32), (request["seed"] % 256, 0, BLUE)).save(request["output"])
"""


@pytest.fixture
def run(place: Path, vt: Callable[..., Any]) -> Callable[..., Any]:
    (place / "prompted.yaml").write_text(PROMPTED)
    (place / "painter.py").write_text(PAINTER)
    (place / "colours.py").write_text("BLUE = 9")
    (place / "prompts.txt").write_text("a red dog\na blue cat\n")
    painter = f"command,run={sys.executable} painter.py,conditions=prompt,work=work"
    common = ("run", "-g", painter, "--task", "prompted.yaml", "--data", "prompts.txt", "--out", "r", "--json")
    return lambda *more: vt(*common, *more)


def test_images_are_made_again_where_they_are_not_kept(place: Path, run: Callable[..., Any]) -> None:
    assert run().code == 0
    asked = run("--samples", "kept")
    images = sorted((place / "kept").rglob("*.png"))
    assert asked.code == 0 and len(images) == 4, asked.err
    assert "2 blocks are sampled again: their images are not in kept" in asked.err
    again = run("--samples", "kept")
    assert "sampled again" not in again.err and "reused the record" in again.err
    images[0].unlink()
    mended = run("--samples", "kept")
    assert images[0].is_file() and "1 blocks are sampled again" in mended.err
    younger = images[3].stat().st_mtime + 10
    images[3].write_bytes(b"another run's")
    os.utime(images[3], (younger, younger))
    assert "sampled again" in run("--samples", "kept").err and images[3].read_bytes()[:4] == b"\x89PNG"


def test_a_program_is_told_by_the_modules_beside_it(place: Path, run: Callable[..., Any]) -> None:
    words = [sys.executable, "./painter.py"]
    first = digest_command(words)
    (place / "colours.py").write_text("BLUE = 10")
    import vtbench.core.sources.modules as sources

    sources._source_digest.cache_clear()  # as in another process
    assert digest_command(words) != first
    weights = place / "w.bin"
    digests = []
    for content in ("0", "1", "1"):
        weights.write_text(content)
        digests.append(digest_command([*words, "--weights=w.bin"]))
    assert digests[0] != digests[1] == digests[2]
