"""``detailflow``: DetailFlow's coarse-to-fine one-dimensional tokenizers.

Held against the published code (ByteFlow-AI/DetailFlow, c5f06cd, with transformers 4.50.3) with equal seeded weights of
the whole network on a CPU, two images of 256 pixels. 128 tokens (850 tensors, 685.5 M elements, of which 403 with
270.4 M are used here: the others are of a teacher, of training's disturbed tokens and a statistic): all of 256 indices
equal (129 distinct). Without the teacher, 256 tokens: 512 of 512 (197 distinct); 512 tokens: 1,024 of 1,024 (313
distinct). Latents are equal in every bit, reconstructions within 3.2e-6 at a magnitude of 3.6.

Of fewer tokens, with a small encoder and photographs: the side that is drawn and the detail it was trained for are
equal for every number of tokens out of 128; with 64, 8 and 1 kept (176, 32 and 16 pixels), all indices and, resized as
the authors' sampling script does, pixels within 3.1e-6 at a magnitude of 4.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Unpack

from vtbench.checkpoints.loading import WeightsFrom
from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.networks.nearest import nearest_directions, normalise_rows
from vtbench.tokenizers.published.base import OfficialTokenizer, Source
from vtbench.tokenizers.published.nested import kept_of

if TYPE_CHECKING:
    from torch import Tensor


class DetailFlow(OfficialTokenizer):
    """An index a token, of the codebook entry whose direction is nearest; all tokens, coarsest first.

    As the authors score it: the trained weights, not averages of them; the image's own tokens without the disturbed
    ones of training; every token of a 256-pixel image. They run it in bfloat16; ``--dtype`` chooses.

    Of fewer tokens (``tokens`` below ``capacity``) the decoder draws a smaller image, at the side for which training
    showed it so many; it is resized to ``size`` by a bicubic filter, as the authors resize to the side they score at.

    A file as the training script writes it holds its settings as objects, which are refused:
    ``vtbench fetch --convert`` takes the weights out.

    Args:
        encoder: ``so400m`` (the first 12 layers of SigLIP 2 SO400M) or ``base``.
        decoder: the same for the decoder.
        tokens: how many are kept, from the first on: up to ``group``, or a multiple of it.
        capacity: tokens that the network makes of an image, a multiple of ``group``; ``tokens`` where it is not given.
        group: tokens that see one another; in the first group a token sees only those before it.
        codebook_size: entries.
        codebook_dim: their width.
        size: side of the images, in pixels.
        patch: side of a patch; divides ``size``.
        positions: side of the grid of learnt places, which are resized to the image's grid.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: ``group`` does not divide ``capacity``, ``patch`` does not divide ``size``, so many tokens cannot be
            kept, or a size is unknown.
    """

    family = "detailflow"
    citation = "Liu et al., DetailFlow: 1D Coarse-to-Fine Autoregressive Image Generation, 2505.21473"
    keys = ("model",)
    channels_last = False
    ignore_unexpected = (
        "encoder.refined_tokens",  # what training asks after disturbed tokens
        "refine_conv.*",  # the disturbed tokens' way in
        "global_token_proj.*",  # a head that training compares with the teacher
        "repa_model.*",  # the teacher
        "quantize.codebook_used",  # a statistic
    )
    shrunken: ClassVar[dict[str, Any]] = {
        **{"encoder": "nano", "decoder": "nano", "tokens": 16, "group": 4, "codebook_size": 64},
        **{"size": 16, "patch": 4, "positions": 4},
    }

    def __init__(
        self,
        encoder: str = "so400m",
        decoder: str = "base",
        tokens: int = 128,
        capacity: int | None = None,
        group: int = 8,
        codebook_size: int = 8192,
        codebook_dim: int = 8,
        size: int = 256,
        patch: int = 16,
        positions: int = 16,
        **where: Unpack[WeightsFrom],
    ) -> None:
        made = tokens if capacity is None else capacity
        if made % group or size % patch:
            raise UsageError(
                f"detailflow: {made} tokens, group={group}, size={size}, patch={patch}",
                "group divides all tokens, and patch divides size",
            )
        if kept_of(made, tokens, self.family) > group and tokens % group:
            raise UsageError(f"detailflow: tokens={tokens}", f"keep up to {group}, or a multiple of {group}")
        self.tokens, self._size = tokens, size
        sizes = (encoder, decoder, made, group, codebook_size, codebook_dim, size, patch, positions)
        self._setup(
            lambda: _network(*sizes),
            Source(**where),
            kind="discrete",
            codebook_sizes=(codebook_size,),
            native_size=size,
            fixed_size=True,
        )

    def _finish(self, network: Any) -> None:
        normalise_rows(network.quantize.embedding)

    def _encode(self, images: Tensor) -> Codes:
        indices = nearest_directions(self._network.encode(images), self._network.quantize.embedding)
        return Codes(levels=(indices[:, : self.tokens],))

    def _decode(self, codes: Codes) -> Tensor:
        import torch.nn.functional as F

        drawn: Tensor = self._network.decode(self._network.quantize.embedding(codes.levels[0]))
        if drawn.shape[-1] == self._size:
            return drawn
        return F.interpolate(drawn.float(), size=(self._size, self._size), mode="bicubic").to(drawn.dtype)


def _network(*sizes: Any) -> Any:
    from vtbench.tokenizers.published.detailflow.network import Geometry, Network

    return Network(Geometry(*sizes))
