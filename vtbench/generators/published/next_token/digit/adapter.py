"""``digit``: DiGIT, codes of DINOv2's features one by one, then those of pixels (Zhu et al. 2024), 2410.12490.

Held against DAMO-NLP-SG/DiGIT (cd6d8ca) and the modules of facebookresearch/fairseq (3d262bb2) that it builds upon, two
layers of equal weights, float32 on a CPU: logits of the first decoder equal, those of the second, which there goes step
by step behind codes that are given, within 1.2e-6; greedy sequences of both equal. Its nuclei are fairseq's own where
marks have no probability (300 of 300). What it draws cannot be replayed: fairseq draws from sorted, shortened lists.

The larger generator is left out: how many heads it has is told nowhere but inside its file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.cards import CardCheckpoint, GeneratorCard
from vtbench.checkpoints.files import Located
from vtbench.checkpoints.loading import LoadedNetwork, Source, WeightsFrom, load_network
from vtbench.checkpoints.published import locate_whole
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.info import ConditionKind
from vtbench.core.seeds import sample_seed
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator
from vtbench.generators.sampling.costs import added, share
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant
from vtbench.generators.sampling.settings import SamplerSettings

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.sampling.next_token import Prompted

CLASSES = 1000
FEATURES, PIXELS = "features", "pixels"
SECOND = GeneratorCard(
    name="digit-base-pixels",
    target="digit",
    summary="DiGIT's second decoder, which every generator of this size shares.",
    source="https://github.com/DAMO-NLP-SG/DiGIT",
    licence="MIT",
    checkpoint=CardCheckpoint(
        hub="DAMO-NLP-SG/DiGIT", file="outputs/base_8k_stage2_400epoch/checkpoints/checkpoint_last.pt", key="model"
    ),
    parameters=214144000,
    tensors=262,
)
"""Where the decoder of pixels lies; it is no generator, and no name that is listed."""


class Digit(PublishedGenerator):
    """Two decoders: the first draws 256 codes of features, the second 256 codes of pixels, given those.

    Marks of fairseq's dictionary are never drawn, as its script forbids all of them before 256 codes are there. Its
    nucleus is of codes and marks together, here of codes alone: another where marks have a probability that counts.

    Args:
        size: of both.
        tokenizer: that the second generates for.
        class_conditional: a class stands before the codes of features.
        temperature: logits of the first are divided by it.
        top_k: only the k likeliest codes of features stay; 0 for all.
        pixel_temperature: as of the first.
        pixel_top_p: only the likeliest codes of pixels that together reach p stay; 1 for all.
        greedy: the likeliest code at every step, of both.
        pixels: file of the second decoder; the hub's unless given.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
        AssetMissingError: one of the files cannot be had.
    """

    family = "digit"
    conditioned_on: ClassVar[ConditionKind] = "none"
    citation = "Zhu et al., Stabilize the Latent Space for Image Autoregressive Modeling, NeurIPS 2024"
    keys = ("model",)
    prefix = "decoder."
    ignore_unexpected = ("version",)
    shrunken: ClassVar[Mapping[str, Any]] = {
        "size": "tiny",
        "tokenizer": "maskgit-vq,channels=32,multipliers=[1,2],codebook_dim=8,codebook_size=32,blocks=1,"
        "random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["base", "tiny"] = "base",
        tokenizer: str = "mage-vqgan",
        *,
        class_conditional: bool = False,
        temperature: float = 1.0,
        top_k: int = 0,
        pixel_temperature: float = 1.0,
        pixel_top_p: float = 1.0,
        greedy: bool = False,
        pixels: str | None = None,
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.next_token.digit.network import DigitDecoder, sizes

        classes = CLASSES if class_conditional else 0
        both = sizes(size, classes)
        source = Source(**where)
        second = Filters(pixel_temperature, top_p=pixel_top_p, greedy=greedy, boundary="reaches")
        first = Filters(temperature, top_k, greedy=greedy)
        self._setup(
            lambda: DigitDecoder(both.features),
            source,
            Identity(
                tokenizer,
                both.pixels.codes,
                (both.pixels.grid, both.pixels.grid),
                SamplerSettings(first, further=((second, Constant()),)),
                ImageRule(rounding="truncate"),
                classes,
                {"parts": "codes of features, then codes of pixels, each from a stream of the sample's own"},
            ),
        )
        seed = None if source.random_weights_seed is None else source.random_weights_seed + 1
        self._join(lambda: DigitDecoder(both.pixels), Source(pixels, None, seed, source.entry))
        if class_conditional:
            self.info = replace(self.info, conditions="class")

    def _join(self, build: Any, source: Source) -> None:
        """The second decoder beside the first."""
        import torch

        loaded: LoadedNetwork = load_network(build, source, SECOND, self._conventions(SECOND), self._convert)
        second = loaded.network.eval().requires_grad_(False)
        self._network = torch.nn.ModuleDict({FEATURES: self._network, PIXELS: second})
        self.notes = (*self.notes, *(note for note in loaded.notes if loaded.weights))
        self.info = replace(
            self.info,
            revision=f"{self.info.revision}+{loaded.revision}" if loaded.weights else self.info.revision,
            parameters=sum(parameter.numel() for parameter in self._network.parameters()),
            weights=(*self.info.weights, *loaded.weights),
        )

    @classmethod
    def beside(cls) -> tuple[Located, ...]:
        """The file of the second decoder, for whoever fetches the first; raises as that."""
        assert SECOND.checkpoint is not None
        return (locate_whole(SECOND, SECOND.checkpoint),)

    def _prompted(self, conditions: Sequence[Condition]) -> Prompted:
        import torch

        from vtbench.generators.sampling.next_token import Prompted

        if self._identity.classes:
            shown = self._labels(conditions)
        else:
            device = next(self._network.parameters()).device
            shown = torch.zeros(len(conditions), dtype=torch.int64, device=device)
        return Prompted(shown, shown)

    def _draw(self, conditions: Sequence[Condition], seeds: Tensor) -> tuple[Tensor, SamplingCost]:
        import torch

        from vtbench.generators.sampling.next_token import Prompted, sample_tokens

        settings: SamplerSettings = self._identity.settings
        networks = self._network[FEATURES], self._network[PIXELS]
        features, first = sample_tokens(networks[0], self._prompted(conditions), settings.part(0), seeds)
        own = torch.tensor([sample_seed(seed, PIXELS) for seed in seeds.tolist()])
        pixels, second = sample_tokens(networks[1], Prompted(features, features), settings.part(1), own)
        shares = {FEATURES: share(first, networks[0]), PIXELS: share(second, networks[1])}
        return pixels, replace(added(first, second), models=shares)
