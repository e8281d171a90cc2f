"""A finished run as a folder: results with intervals and strata, rows, and pictures."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(runs: ModuleType, tmp_path: Path) -> MakeRun:
    """``make_run("a", "grains", model={...}) -> folder``: eight images, two pictures, a stratum."""

    def make(name: str = "run", label: str = "grains", shift: float = 0.0, **changes: Any) -> Path:
        rows = runs.columns(8)
        rows["psnr"] = rows["psnr"] + shift
        samples = runs.samples_of(rows)
        strata = [
            {**result, "stratum": f"glyph_px={size}", "n": 4, "value": result["value"] + size}
            for result in runs.results_of(samples)[:1]
            for size in (8, 16)
        ]
        strata = [{**result, "ci_low": None, "ci_high": None, "ci_method": ""} for result in strata]
        folder = Path(
            runs.write_run(
                tmp_path / name, samples, label, **{"results": [*runs.results_of(samples), *strata], **changes}
            )
        )
        (folder / "previews").mkdir()
        for number in (0, 5):
            pixels = np.full((4, 3 * 4 + 8, 3), 40 * number, dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "previews" / f"{number:08d}-image-{number}.webp", lossless=True)
        return folder

    return make


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """``without("wandb")``: as where it is not installed."""

    def hide(package: str) -> None:
        for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
            monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.setitem(sys.modules, package, None)

    return hide
