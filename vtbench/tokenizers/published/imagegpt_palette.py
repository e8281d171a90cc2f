"""``imagegpt-palette``: ImageGPT's tokenizer, a palette: every pixel becomes the nearest of its colours.

The colours lie in the ``preprocessor_config.json`` of its files, as ``clusters`` in [-1, 1]: k-means of pixels of
ImageNet. Indices equal those of transformers' ``ImageGPTImageProcessor`` on the same pixels (``tests/unit``); that the
processor first resizes to 32 pixels is a matter of the task.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.cards import Card
from vtbench.checkpoints.files import Located, locate_official
from vtbench.checkpoints.loading import Conventions, Source, WeightsFrom, require_source
from vtbench.core.codes import Codes
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.core.errors import AdapterError
from vtbench.core.outside.parsing import read_json
from vtbench.tokenizers.published.base import OfficialTokenizer, fill, nearest_codes

if TYPE_CHECKING:
    from torch import Tensor

FILE = "preprocessor_config.json"


class ImageGptPalette(OfficialTokenizer):
    """An index a pixel, of the nearest colour of a palette.

    Args:
        colours: of the palette.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        AdapterError: a file without a palette of so many colours.
    """

    family = "imagegpt-palette"
    citation = "Chen et al., Generative Pretraining from Pixels, ICML 2020"
    channels_last = False
    shrunken: ClassVar[dict[str, Any]] = {"colours": 32}

    def __init__(
        self,
        colours: int = 512,
        **where: Unpack[WeightsFrom],
    ) -> None:
        self._colours = colours
        self._setup(
            lambda: _network(colours),
            Source(**where),
            kind="discrete",
            codebook_sizes=(colours,),
            downsample_factor=1,
        )

    def _load(self, build: Callable[[], Any], source: Source, card: Card | None) -> tuple[Any, Any, str]:
        """As the base does, from JSON."""
        import torch

        if source.random_weights_seed is not None:
            return super()._load(build, source, card)
        require_source(source, card, Conventions(family=self.family, listing="tokenizers"))
        found = _located(source.checkpoint, card)
        network = build()
        palette = torch.tensor(_clusters(found.path, self._colours))
        fill(network, {"palette": palette}, family=self.family, source=str(found.path))
        return network, found.weights(), found.sha256[:12]

    def _encode(self, images: Tensor) -> Codes:
        return Codes(levels=(nearest_codes(images, self._network.palette),))

    def codebook(self, level: int) -> Tensor:
        """The palette: colours in [-1, 1]."""
        rows: Tensor = self._network.palette
        return rows

    def _decode(self, codes: Codes) -> Tensor:
        pixels: Tensor = self._network.palette[codes.levels[0]]
        return pixels.movedim(-1, 1)


def _located(given: str | None, card: Card | None) -> Located:
    """The file that was given, or that of the card."""
    if given is None or not user_path(given).is_dir():
        return locate_official(given, card)
    file = user_path(given) / FILE
    if not file.is_file():
        raise AdapterError(
            f"imagegpt-palette: no {FILE} in {given}", "give the folder that transformers saved, or a file"
        )
    return Located(file, digest_file(file), str(file))


def _clusters(file: Path, colours: int) -> list[list[float]]:
    """Colours in [-1, 1]; everything about them checked."""
    content = read_json(file, AdapterError)
    found = content.get("clusters") if isinstance(content, dict) else None
    if not isinstance(found, list) or not all(_is_colour(colour) for colour in found):
        raise AdapterError(f"{file} has no palette: clusters must be a list of colours, three numbers in [-1, 1] each")
    if len(found) != colours:
        raise AdapterError(f"{file} has {len(found)} colours, {colours} are expected", f"colours={len(found)}")
    return [[float(channel) for channel in colour] for colour in found]


def _is_colour(found: Any) -> bool:
    return (
        isinstance(found, list)
        and len(found) == 3
        and all(type(channel) in (int, float) and math.isfinite(channel) and abs(channel) <= 1 for channel in found)
    )


def _network(colours: int) -> Any:
    import torch

    network = torch.nn.Module()
    network.palette = torch.nn.Parameter(torch.rand(colours, 3) * 2 - 1)
    return network
