"""Tiles: a class of diffusers made to work on overlapping parts of large images, and where the seams lie."""

from __future__ import annotations

from typing import Any

from vtbench.core.errors import UsageError


def turn_on_tiles(network: Any, side: int | None, factor: int) -> int:
    """Let the network work in tiles.

    Args:
        network: of diffusers.
        side: of a tile in pixels; the library's own unless given. The overlap keeps its share of the side.
        factor: pixels a position of the latents.

    Returns:
        Pixels from one seam to the next: a tile's side less its overlap. Seams lie at its multiples; the blending of
        neighbours begins there and goes on for the width of the overlap.

    Raises:
        UsageError: the class has no tiles, states no side, or has no tiles of this one.
    """
    kind = type(network).__name__
    try:
        network.enable_tiling()
    except (AttributeError, NotImplementedError) as error:
        raise UsageError(f"{kind} cannot work in tiles", "--dtype bfloat16 halves the memory") from error
    sides = [name for name in ("tile_sample_min_size", "tile_sample_min_height") if hasattr(network, name)]
    if not sides:
        if side is None:
            return 0
        raise UsageError(f"{kind} does not say how large its tiles are", "tiled=true takes those it has")
    pitch, before = _pitch(network, sides[0]), int(getattr(network, sides[0]))
    if side is None:
        return pitch
    if side < factor or side % factor or side * pitch % (before * factor):
        steps = range(factor, factor * before + 1, factor)
        step = next(step for step in steps if step * pitch % (before * factor) == 0)
        raise UsageError(f"{kind} has no tiles of {side} pixels", f"give a multiple of {step}, as tiled={step * 4}")
    moved = side * pitch // before
    _resize(network, side, moved, factor)
    return moved


def _pitch(network: Any, name: str) -> int:
    side = int(getattr(network, name))
    if hasattr(network, "tile_sample_stride_height"):
        return int(network.tile_sample_stride_height)
    height = getattr(network, "tile_overlap_factor_height", 0.0)
    return side - int(side * float(getattr(network, "tile_overlap_factor", height)))


def _resize(network: Any, side: int, pitch: int, factor: int) -> None:
    sizes = {"tile_sample_min": side, "tile_latent_min": side // factor, "tile_sample_stride": pitch}
    for stem, value in sizes.items():
        for end in ("size", "height", "width"):
            if hasattr(network, f"{stem}_{end}"):
                setattr(network, f"{stem}_{end}", value)
    if hasattr(network, "tile_overlap_factor_width"):
        network.tile_overlap_factor_width = network.tile_overlap_factor_height
