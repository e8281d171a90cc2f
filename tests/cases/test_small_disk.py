"""A disk that is too small is told before any work, with what is needed for what; a small job fits on a small one."""

from __future__ import annotations

import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Usage = namedtuple("Usage", "total used free")


def test_room_is_asked_for_by_the_job(
    vt: Callable[..., Any], images: Callable[..., Any], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images("d", 12)
    run = ("run", "--task", "quick.yaml", "--data", "d", "-t", "identity", "--out", "runs")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(0, 0, 500_000))
    refused = vt(*run)
    assert refused.code == 1 and refused.out == "" and not list(place.glob("runs/**/plan.json"))
    assert "error: runs: 500 kB free, about " in refused.err and "previews" in refused.err
    assert "--limit" in refused.err and len(refused.err.strip().splitlines()) == 2
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(0, 0, 5 << 20))
    assert vt(*run).code == 0
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(0, 0, 1000))
    assert vt(*run).code == 0, "what is measured already needs no room"
