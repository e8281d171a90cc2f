"""How important positions of a cache are: by what a few queries of the newest scale look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.networks.next_scale.budgeted_cache import Look


def evenly_spaced(count: int, among: int, device: torch.device) -> Tensor:
    """``int64 [min(count,among)]``: as many of ``among`` places, evenly spaced; all where there are no more."""
    if among <= count:
        return torch.arange(among, device=device)
    return torch.arange(count, device=device) * among // count


def attention_of(query: Tensor, key: Tensor, queries: int) -> Tensor:
    """Attention of evenly spaced queries, ``float32 [R,heads,Q,S]``.

    Args:
        query: ``[R,heads,T,D]``, the scale of the softmax included.
        key: ``[R,heads,S,D]``.
        queries: Q at most.
    """
    asking = query[:, :, evenly_spaced(queries, query.shape[2], query.device)].float()
    return (asking @ key.float().transpose(2, 3)).softmax(dim=-1)


def mean_attention(look: Look, queries: int) -> Tensor:
    """``float32 [R,heads,S]``: the mean over evenly spaced queries."""
    return attention_of(look.query, look.key, queries).mean(dim=2)


def grid_centres(height: int, width: int, side: int, device: torch.device) -> Tensor:
    """Places ``int64 [side²]`` in the middle of the cells of a grid over a map, row after row; none where it is too
    small to have one."""
    rows, columns = height // side, width // side
    if not rows or not columns:
        return torch.zeros(0, dtype=torch.int64, device=device)
    cells = torch.arange(side, device=device)
    row, column = cells * rows + (rows - 1) // 2, cells * columns + (columns - 1) // 2
    return (row[:, None] * width + column).flatten()


def raw_scores(look: Look, window: Tensor, pool: int) -> Tensor:
    """Products of a window's raw queries with all keys, added up; the largest of ``pool`` neighbours: ``[R,heads,S]``.

    The window's own positions take no part. It is the score of ScaleKV's code: its queries are without bias, norm and
    rotation, its keys with all of them.

    Args:
        look: at a scale, whose T positions are the last of S.
        window: places ``int64 [W]`` among the T.
        pool: odd.
    """
    asking = look.raw()[:, :, window].float().sum(dim=2, keepdim=True)
    found = (asking @ look.key.float().transpose(2, 3))[:, :, 0]
    own = found.shape[-1] - look.query.shape[2] + window
    found = found.index_fill(-1, own, -torch.inf)
    return F.max_pool1d(found, pool, stride=1, padding=pool // 2)
