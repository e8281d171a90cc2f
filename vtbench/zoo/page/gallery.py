"""``python -m vtbench.zoo.page.gallery docs``: what the zoo makes, to be looked at; the pictures of ``docs/zoo.md``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image, ImageDraw, ImageFont

from vtbench.core.disk.files import atomic_path
from vtbench.core.pixels import to_uint8, to_unit
from vtbench.data.open import open_data
from vtbench.data.preparing.presets import make_preset
from vtbench.generators.resolve import resolve_generator
from vtbench.tasks.suites import load_suite
from vtbench.tokenizers.resolve import resolve_tokenizer
from vtbench.zoo.cards import SUITE, learnt
from vtbench.zoo.generators.fitting import samples_by_class
from vtbench.zoo.keeping import enlarged, rows_of

if TYPE_CHECKING:
    from torch import Tensor

RECONSTRUCTIONS, SAMPLES = "figures/zoo-reconstructions.png", "figures/zoo-samples.png"
"""Tiles of photographs through each tokenizer, and samples of each class by each generator."""
_TILES = 12
_SIDE = 32
_CLASSES = 10
_ROWS = 2
_SCALE = 3
_MARGIN = 190
"""Width of the column of names."""
_TEXT_SIZE = 20


def reconstructions(models: Sequence[str], count: int = _TILES) -> dict[str, Tensor]:
    """Tiles of photographs, and what each tokenizer makes of them: ``uint8 [count,3,32,32]`` by name.

    Args:
        models: references of tokenizers.
        count: of tiles.
    """
    tiles, preset = open_data(f"tiles-mini,count={count}"), make_preset("adm-center-crop@1", _SIDE)
    shown = torch.stack([preset.prepare(tiles[place]).model_input for place in range(count)])
    made = {"the tiles": shown}
    return {**made, **{model: to_uint8(_through(model, to_unit(shown))) for model in models}}


def _through(model: str, images: Tensor) -> Tensor:
    tokenizer: Any = resolve_tokenizer(model)
    found: Tensor = tokenizer.decode(tokenizer.encode(images))
    return found


def samples(models: Sequence[str], classes: int = _CLASSES, rows: int = _ROWS) -> dict[str, Tensor]:
    """Samples of each class in turn by each generator: ``uint8 [rows * classes,3,32,32]`` by name.

    Args:
        models: references of generators.
        classes: that they know.
        rows: of samples of all classes.
    """
    return {model: samples_by_class(resolve_generator(model), classes, rows) for model in models}


def picture(rows: Mapping[str, Tensor], columns: int) -> Image.Image:
    """Rows of images with their names on the left, three times as large as they are.

    Args:
        rows: ``uint8 [N,3,H,W]`` by name, so many rows as come to ``N``.
        columns: images in a row.
    """
    drawn = [(name, part) for name, images in rows.items() for part in torch.split(images, columns)]
    high, wide = (_SCALE * side for side in drawn[0][1].shape[-2:])
    whole = Image.new("RGB", (_MARGIN + columns * wide, len(drawn) * high), "white")
    pen, font = ImageDraw.Draw(whole), ImageFont.load_default(_TEXT_SIZE)
    for place, (name, images) in enumerate(drawn):
        if place == 0 or drawn[place - 1][0] != name:
            pen.text((4, place * high + high // 2), name, fill="black", font=font, anchor="lm")
        whole.paste(enlarged(rows_of(images), _SCALE), (_MARGIN, place * high))
    return whole


def write_gallery(folder: Path, tokenizers: Sequence[str], generators: Sequence[str]) -> None:
    """Both pictures below a folder; of no generators, the first alone.

    Args:
        folder: of the docs.
        tokenizers: references.
        generators: references.
    """
    _write(folder / RECONSTRUCTIONS, picture(reconstructions(tokenizers), _TILES))
    if generators:
        _write(folder / SAMPLES, picture(samples(generators), _CLASSES))


def _write(path: Path, whole: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        whole.save(temporary, format="PNG", optimize=True)


def main() -> None:
    """Of the suite ``zoo``, into the folder of docs that is given."""
    suite = load_suite(SUITE)
    write_gallery(Path(sys.argv[1]), learnt(suite.tokenizers), suite.generators)


if __name__ == "__main__":
    main()
