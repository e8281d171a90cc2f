"""Pages of text drawn with Pillow's own font, and a cache folder of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from vtbench.core.disk.files import CACHE_VARIABLE
from vtbench.data.pixels import from_pillow


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def pangrams() -> tuple[str, ...]:
    """Four lines with every letter of the alphabet."""
    return (
        "The quick brown fox jumps",
        "over the lazy dog, while",
        "seven bright quartz vases",
        "glow in the warm evening.",
    )


@pytest.fixture(scope="session")
def draw_page() -> Callable[..., Tensor]:
    """``draw_page(lines, size, ink=, paper=) -> uint8 [3,H,W]``: one size (pixels), a margin as wide."""

    def draw(lines: Sequence[str], size: int, *, ink: int = 0, paper: int = 255) -> Tensor:
        font = ImageFont.load_default(size)
        step = round(1.5 * size)
        width = round(max(font.getlength(line) for line in lines)) + 2 * size
        page = Image.new("RGB", (width, step * len(lines) + 2 * size), (paper,) * 3)
        canvas = ImageDraw.Draw(page)
        for index, line in enumerate(lines):
            canvas.text((size, size + index * step), line, font=font, fill=(ink,) * 3)
        return from_pillow(page)

    return draw
