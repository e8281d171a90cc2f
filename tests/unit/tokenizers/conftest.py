"""Real photographs, and a cache of fits that the tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from vtbench.core.pixels import to_unit
from vtbench.data.embedded.photographs.photos_mini import PhotosMini


@pytest.fixture(scope="session")
def photos() -> Tensor:
    """Six crops of different photographs: ``float32 [6,3,256,256]``."""
    dataset = PhotosMini()
    return to_unit(torch.stack([dataset[index].image for index in range(0, len(dataset), len(dataset) // 5)][:6]))


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def fits(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fits of this test session lie here; the user's own cache is left alone."""
    monkeypatch.setenv("VTBENCH_CACHE", str(shared_cache))
    return shared_cache


@pytest.fixture
def without_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of random weights are built on the meta device: whole ones too, for their names and shapes."""

    def on_meta(build: Any, seed: int) -> Any:
        with torch.device("meta"):
            return build()

    monkeypatch.setattr("vtbench.checkpoints.loading.seeded", on_meta)
