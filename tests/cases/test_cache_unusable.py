"""A cache that cannot be used costs no run: one warning, equal results."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RUN = ("run", "--task", "quick.yaml", "--data", "d", "--json", "-t")
PROGRAM = """
import json, sys
from pathlib import Path
from PIL import Image
for line in sys.stdin:
    wanted = json.loads(line)
    with open("asked", "a") as log:
        log.write("x")
    Image.open(wanted["image"]).point(lambda value: value // 2).save(wanted["output"])
"""


@pytest.fixture
def cache(images: Callable[..., Any], place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    images("d", 4)
    (place / "half.py").write_text(PROGRAM)
    monkeypatch.setenv("VTBENCH_CACHE", str(place / "cache"))
    return place / "cache"


def file_in_its_place(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write_text("a file")


def below_a_file(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.with_name("file").write_text("a file")
    monkeypatch.setenv("VTBENCH_CACHE", str(cache.with_name("file") / "cache"))


def nowhere(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTBENCH_CACHE", "/proc/cache")


def files_in_the_folders(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.mkdir()
    for name in ("references", "fitted", "readings", "command", "assets"):
        (cache / name).write_text("a file")


def full(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def no_room(handle: int) -> None:
        if str(cache) in str(Path(f"/proc/self/fd/{handle}").readlink()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", no_room)


EVERY = [file_in_its_place, below_a_file, nowhere, files_in_the_folders, full]
MODELS = ["patch-pca", f"command,run='{sys.executable} half.py'"]


@pytest.mark.parametrize("spoil", EVERY, ids=lambda spoil: spoil.__name__)
def test_one_warning_and_equal_results(
    vt: Callable[..., Any], place: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[..., None]
) -> None:
    words = [word for model in MODELS for word in ("-t", model)]
    whole = vt(*RUN[:-1], *words, "--out", "whole")
    assert whole.code == 0 and "VTBENCH_CACHE" not in whole.err, whole.err
    shutil.rmtree(cache)
    spoil(cache, monkeypatch)
    done = vt(*RUN[:-1], *words, "--out", "without")
    assert done.code == 0, done.err
    assert done.err.count("VTBENCH_CACHE=DIR") == 1 and done.err.count("warning: ") == 1, done.err
    named = "/proc/cache" if spoil is nowhere else str(cache.parent)
    assert named in next(line for line in done.err.splitlines() if "VTBENCH_CACHE" in line)
    for row in range(2):
        assert done.value("psnr", row) == whole.value("psnr", row)
    assert not list(place.rglob(".*.partial"))


def test_a_program_is_not_asked_for_what_a_read_only_cache_holds(
    vt: Callable[..., Any], place: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    first = vt(*RUN, MODELS[1], "--out", "a")
    assert first.code == 0 and (place / "asked").read_text() == "x" * 4
    real = tempfile.TemporaryFile

    def refuse(*given: Any, dir: Any = None, **named: Any) -> Any:
        if str(cache) in str(dir):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(dir))
        return real(*given, dir=dir, **named)

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    again = vt(*RUN, MODELS[1], "--out", "b")
    assert again.code == 0 and again.value("psnr") == first.value("psnr")
    assert (place / "asked").read_text() == "x" * 4 and "read-only" in again.err


def test_a_folder_for_images_that_was_asked_for_is_no_cache(vt: Callable[..., Any], place: Path, cache: Path) -> None:
    (place / "afile").write_text("kept")
    done = vt(*RUN, f"{MODELS[1]},work=afile/x", "--out", "a")
    assert done.code == 1 and "afile is a file" in done.err and "work=DIR" in done.err, done.err


@pytest.mark.parametrize("words", [("fetch", "lpips_alex"), ("stats", "build", "--data", "d", "--name", "mine")])
def test_what_is_for_the_cache_refuses_one_that_cannot_be_written(
    vt: Callable[..., Any], cache: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    cache.write_text("a file")
    monkeypatch.delenv("VTBENCH_ASSETS", raising=False)
    done = vt(*words)
    assert done.code == 2 and done.out == "" and "VTBENCH_CACHE" in done.err and str(cache) in done.err, done.err
