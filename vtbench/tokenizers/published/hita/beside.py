"""The base of families whose published files leave DINOv2, which is not trained, out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vtbench.core.info import WeightFile
from vtbench.tokenizers.published.base import OfficialTokenizer, Source, load_official
from vtbench.tokenizers.published.hita.backbone import backbone_tensors, find_backbone

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.checkpoints.cards import Card
    from vtbench.checkpoints.files import Located

BACKBONE = "encode_transformer.backbone.pretrained_encoder."


def coarsest_first(levels: int) -> list[tuple[str, str]]:
    """Steps of ``renamed`` for a decoder's levels, which the authors count from the coarsest."""
    return [(rf"^decoder\.conv_blocks\.{level}\.", f"decoder.up.{levels - 1 - level}.") for level in range(levels)]


class BesideDinov2(OfficialTokenizer):
    """Reads a second file where the first has no DINOv2, and tells of both.

    A subclass sets ``_vision`` (size of the network and side of the image it sees) and ``_backbone`` (the file, or
    ``None``) before ``_setup``, and ends its ``_convert`` with :meth:`_with_backbone`.
    """

    _vision: tuple[str, int]
    _backbone: str | None
    _beside: tuple[WeightFile, ...] = ()

    @classmethod
    def beside(cls) -> tuple[Located, ...]:
        """DINOv2's weights; raises ``AssetMissingError``."""
        return (find_backbone(None, cls.family),)

    def _load(self, build: Any, source: Source, card: Card | None) -> tuple[Any, Any, str]:
        network, weights, revision = super()._load(build, source, card)
        return network, (*weights, *self._beside), revision

    def _with_backbone(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of the file, DINOv2's replaced by those of the network that sees images of this size."""
        rest = {name: tensor for name, tensor in state.items() if not name.startswith(BACKBONE)}
        seen = {name.removeprefix(BACKBONE): state[name] for name in state if name not in rest}
        source = "its backbone"
        if not seen and any(name.startswith("encode_transformer.") for name in rest):
            found = find_backbone(self._backbone, self.family)
            seen, source = load_official(found.path, family=self.family), str(found.path)
            self._beside = (WeightFile(name=found.path.name, sha256=found.sha256, source=found.source),)
        if seen:
            tensors = backbone_tensors(seen, *self._vision, source, self.family)
            rest.update({BACKBONE + name: tensor for name, tensor in tensors.items()})
        return rest
