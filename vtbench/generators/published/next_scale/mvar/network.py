"""M-VAR's transformer in the names of its published files: VAR's, with a Mamba-2 scan before every feed-forward part.

A scale sees itself alone in attention; what scales know of one another goes through the scan over the positions of all
scales so far, which is transformers' ``Mamba2Mixer``. As in the authors' sampler, a pass runs it from the first one on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.core.extras import install_extra
from vtbench.generators.published.next_scale.mvar.history import ScanHistory
from vtbench.generators.published.next_scale.var.network import VarGeometry, VarNetwork
from vtbench.networks.modulation import modulated
from vtbench.networks.next_scale.attention import ScaleAttention
from vtbench.networks.next_scale.blocks import BlockModulation, FeedForward
from vtbench.networks.next_scale.masks import block_diagonal

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vtbench.networks.next_scale.pruning import TokenPruning

HEAD_WIDTH, STATES, KERNEL, EXPANSION = 64, 64, 4, 2
"""Of the scan."""
SIZES: dict[str, dict[str, int | bool]] = {
    **{f"d{depth}": {"depth": depth, "width": 64 * depth, "heads": depth, "cosine": depth > 20} for depth in (16, 20)},
    **{f"d{depth}": {"depth": depth, "width": 64 * depth, "heads": depth} for depth in (24, 32)},
    "tiny": {"depth": 2, "width": 64, "heads": 2},
}
"""Published sizes whose attention is stated, and one for tests that no file has."""


class ScanBlock(BlockModulation):
    """Attention, scan and feed-forward, each of a modulated norm and behind a gate.

    Names: ``attn``, ``mamba``, ``ffn``, ``ada_lin.1``, of nine vectors.

    Args:
        geometry: sizes of the network.
    """

    def __init__(self, geometry: VarGeometry) -> None:
        super().__init__(geometry.width, 3, shared=False)
        self.attn = ScaleAttention(geometry.width, geometry.heads, cosine=geometry.cosine)
        self.mamba = scan(geometry.width)
        self.ffn = FeedForward(geometry.width)

    def forward(
        self, x: Tensor, condition: Tensor, mask: Tensor | None, history: ScanHistory | None, layer: int, *_: object
    ) -> Tensor:
        """``[R,T,width]`` to the same.

        Args:
            x: positions of a scale, or of all.
            condition: ``[R,width]``.
            mask: ``bool [T,T]`` of attention; ``None`` for one scale.
            history: of the scales before, which these join; ``None`` where there are none.
            layer: of the history.
        """
        attention, through, forth = self.vectors(condition)
        gate, scale, shift = attention
        x = x + self.attn(modulated(x, shift, scale), mask, None, layer) * gate
        seen = x if history is None else history.joined(layer, x)
        gate, scale, shift = through
        x = x + self.mamba(modulated(seen, shift, scale))[:, -x.shape[1] :] * gate
        gate, scale, shift = forth
        return x + self.ffn(modulated(x, shift, scale)) * gate  # type: ignore[no-any-return]


class MvarNetwork(VarNetwork):
    """Predicts the token maps of an image from its class and the scales before. Names as VAR's but for the blocks."""

    def block(self) -> nn.Module:
        """One of the blocks."""
        return ScanBlock(self.geometry)

    def mask(self, lengths: Sequence[int], past: int, device: torch.device) -> Tensor | None:
        """Each scale sees itself alone, whatever there is of others."""
        return block_diagonal(lengths, device)

    def make_cache(self, rows: int, positions: int) -> ScanHistory:
        """An empty history in the precision of the weights."""
        return ScanHistory(self.geometry.depth, rows, positions, self.head.weight)

    def step(
        self,
        maps: Sequence[Tensor | None],
        first: int,
        condition: Tensor,
        cache: Any,
        pruning: TokenPruning | None = None,
    ) -> Tensor:
        """As :meth:`vtbench.generators.sampling.next_scale.strategy.NextScaleHost.step`.

        Raises:
            UsageError: token pruning, or a cache of keys and values.
        """
        if pruning is not None or not isinstance(cache, ScanHistory | None):
            raise UsageError(
                "M-VAR keeps no keys and values, and its scan needs every position",
                "leave out strategies that choose among them",
            )
        return super().step(maps, first, condition, cache)


def scan(width: int) -> Any:
    """Mamba-2 (Dao and Gu 2024) with random weights: ``[R,T,width]`` to the same, each position seeing those before it.

    Names: ``in_proj``, ``conv1d``, ``dt_bias``, ``A_log``, ``D``, ``norm``, ``out_proj``, which mamba_ssm gives too.

    Raises:
        AssetMissingError: transformers is not there, or too old.
    """
    try:
        from transformers.models.mamba2.configuration_mamba2 import Mamba2Config
        from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer
    except ImportError as error:
        raise AssetMissingError(
            "m-var needs transformers 4.44 or newer", install_extra("hub", "transformers>=4.44")
        ) from error
    config = Mamba2Config(
        hidden_size=width,
        num_heads=EXPANSION * width // HEAD_WIDTH,
        head_dim=HEAD_WIDTH,
        state_size=STATES,
        n_groups=1,
        expand=EXPANSION,
        conv_kernel=KERNEL,
        layer_norm_epsilon=1e-5,
        num_hidden_layers=1,
    )
    return Mamba2Mixer(config, layer_idx=0)
