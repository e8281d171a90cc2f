"""The two-stream transformer of FlowMo: patches of an image and tokens of a code attend to one another.

Sources: Sargent et al., Flow to the Mode, 2503.11056; the blocks after Esser et al., Scaling Rectified Flow
Transformers, 2403.03206, and FLUX.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from vtbench.networks.modulation import WAVELENGTH, modulated, norm, waves

if TYPE_CHECKING:
    from torch import Tensor

FREQUENCIES = 256
ATTENTION_SCALE = 8.0
"""Scores are scaled by this over the width of a head, as maximal update parametrisation has it, not by its root."""


class RootMeanSquare(nn.Module):
    """Divide by the root mean square. Name: ``scale``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        normed = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-6)
        return normed.to(x.dtype) * self.scale


class Stream(nn.Module):
    """What one of the two streams has in a block. Names are set by :class:`Block`, which holds the parts flat."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.norm = nn.ModuleDict(
            {"query_norm": RootMeanSquare(width // heads), "key_norm": RootMeanSquare(width // heads)}
        )
        self.proj = nn.Linear(width, width)

    def heads(self, x: Tensor, count: int) -> list[Tensor]:
        """Query, key and value, ``[B,heads,N,width/heads]``, the first two normed."""
        query, key, value = self.qkv(x).unflatten(-1, (3, count, -1)).permute(2, 0, 3, 1, 4)
        return [self.norm["query_norm"](query), self.norm["key_norm"](key), value]


class Block(nn.Module):
    """Joint attention, then a perceptron a stream, both modulated by the time where there is one.

    Names: ``img_mod.lin``, ``img_attn``, ``img_mlp``, and the same with ``txt`` for the code.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        for name in ("img", "txt"):
            hidden = nn.Sequential(
                nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width)
            )
            self.add_module(f"{name}_mod", nn.ModuleDict({"lin": nn.Linear(width, 6 * width)}))
            self.add_module(f"{name}_attn", Stream(width, heads))
            self.add_module(f"{name}_mlp", hidden)

    def forward(self, image: Tensor, code: Tensor, time: Tensor | None, turn: tuple[Tensor, Tensor]) -> list[Tensor]:
        streams = {"txt": code, "img": image}
        changes = {name: self._changes(name, time) for name in streams}
        parts = [
            getattr(self, f"{name}_attn").heads(modulated(x, *changes[name][:2]), self._heads)
            for name, x in streams.items()
        ]
        query, key, value = (torch.cat(both, dim=2) for both in zip(*parts, strict=True))
        scale = ATTENTION_SCALE / query.shape[-1]
        attended = F.scaled_dot_product_attention(_turned(query, *turn), _turned(key, *turn), value, scale=scale)
        joint = attended.transpose(1, 2).flatten(2)
        mixed = {"txt": joint[:, : code.shape[1]], "img": joint[:, code.shape[1] :]}
        return [self._stream(name, streams[name], mixed[name], changes[name]) for name in ("img", "txt")]

    def _stream(self, name: str, x: Tensor, attended: Tensor, changes: Sequence[Tensor | float]) -> Tensor:
        x = x + changes[2] * getattr(self, f"{name}_attn").proj(attended)
        output: Tensor = x + changes[5] * getattr(self, f"{name}_mlp")(modulated(x, *changes[3:5]))
        return output

    def _changes(self, name: str, time: Tensor | None) -> Sequence[Tensor | float]:
        """Shift, scale and gate of the attention and of the perceptron."""
        if time is None:
            return (0.0, 0.0, 1.0, 0.0, 0.0, 1.0)
        found: Sequence[Tensor] = getattr(self, f"{name}_mod")["lin"](F.silu(time))[:, None].chunk(6, dim=-1)
        return found


class Head(nn.Module):
    """A norm and a matrix. Names: ``linear``, ``adaLN_modulation.1``."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, outputs)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))

    def forward(self, x: Tensor, time: Tensor | None) -> Tensor:
        if time is not None:
            shift, scale = self.adaLN_modulation(time)[:, None].chunk(2, dim=-1)
            x = modulated(x, shift, scale)
        output: Tensor = self.linear(norm(x))
        return output


class Transformer(nn.Module):
    """An image and a code in, both of their shapes out.

    Names: ``time_in``, ``img_in``, ``txt_in``, ``double_blocks``, ``final_layer_img``, ``final_layer_txt``.

    Args:
        code_width: channels of the code.
        patch: side of a patch.
        axes: channels of a head that turn with place in the code, row and column.
        heads: attention heads; the width is ``heads * sum(axes)``.
        depth: blocks.
    """

    def __init__(self, code_width: int, patch: int, axes: Sequence[int], heads: int, depth: int) -> None:
        super().__init__()
        width = heads * sum(axes)
        self._axes, self._patch = tuple(axes), patch
        layers = {"in_layer": nn.Linear(FREQUENCIES, width), "silu": nn.SiLU(), "out_layer": nn.Linear(width, width)}
        self.time_in = nn.Sequential()
        for name, layer in layers.items():
            self.time_in.add_module(name, layer)
        self.img_in = nn.Linear(3 * patch**2, width)
        self.txt_in = nn.Linear(code_width, width)
        self.double_blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.final_layer_img = Head(width, 3 * patch**2)
        self.final_layer_txt = Head(width, code_width)

    def forward(self, images: Tensor, code: Tensor, time: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """``[B,3,H,W]``, ``[B,N,code_width]``, and the time from 0 (image) to 1 (noise), ``[B]``."""
        batch, _, height, width = images.shape
        rows, columns = height // self._patch, width // self._patch
        patches = images.reshape(batch, 3, rows, self._patch, columns, self._patch).permute(0, 2, 4, 3, 5, 1)
        turn = _turns(code.shape[1], rows, columns, self._axes, images.device)
        when = None if time is None else self.time_in(waves(time, FREQUENCIES).to(images.dtype))
        image, text = self.img_in(patches.reshape(batch, rows * columns, -1)), self.txt_in(code)
        for block in self.double_blocks:
            image, text = block(image, text, when, turn)
        places = self.final_layer_img(image, when).reshape(batch, rows, columns, self._patch, self._patch, 3)
        pixels = places.permute(0, 5, 1, 3, 2, 4).reshape(images.shape)
        return pixels, self.final_layer_txt(text, when)


def _turns(tokens: int, rows: int, columns: int, axes: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the angle of every pair of channels at every place, code first, ``[N,sum(axes)/2]``."""
    places = torch.arange(tokens, device=device, dtype=torch.float64)[:, None].expand(tokens, 3)
    down, across = torch.meshgrid(*(torch.arange(side, device=device) for side in (rows, columns)), indexing="ij")
    grid = torch.stack((torch.zeros_like(down), down, across), dim=-1).reshape(-1, 3).double()
    every = torch.cat((places, grid))
    rates = [WAVELENGTH ** -(torch.arange(0, size, 2, device=device, dtype=torch.float64) / size) for size in axes]
    angles = torch.cat([every[:, index, None] * rate for index, rate in enumerate(rates)], dim=-1)
    return angles.cos().float(), angles.sin().float()


def _turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary position: neighbouring channels are turned together (Su et al., RoFormer, 2104.09864)."""
    first, second = x.float().reshape(*x.shape[:-1], -1, 2).unbind(-1)
    turned = torch.stack((cosine * first - sine * second, sine * first + cosine * second), dim=-1)
    return turned.flatten(-2).to(x.dtype)
