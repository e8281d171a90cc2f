"""``d-ar``: D-AR's generators (Gao and Shou 2025), 2505.23660: LlamaGen's network over tokens in a line.

Held against showlab/D-AR (3fb0f2d), two layers of equal weights, float32 on a CPU: logits within 2.4e-6, the greedy
sequence of ``tests/unit/generators/published`` equal, and of single images drawn by its own ``generate`` (five seeds,
guidance 1.2 to 8, 1 to 4 and constant, top-k 40, top-p 0.95) all tokens and the noise drawn behind them equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator
from vtbench.generators.published.teacher_forcing import TeacherForced
from vtbench.generators.sampling.draws import PRECISIONS, Drawn, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import OFF, Constant, Linspace, Schedule
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.strategies.choice import StrategyName, strategy_of
from vtbench.generators.sampling.strategies.drafting import Filling

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.core.codes import Codes

VOCABULARY = 16384
CLASSES = 1000
NUDGE = 1e-3
"""Guidance that begins at 1 and grows begins this much above it, as the authors' sampler has it."""

NOISE_IN_WORDS: Mapping[DrawRule, str] = {
    "inverse-cdf": "normal, float32, from a stream of the sample's own beside that of its tokens",
    "torch-multinomial": "normal, float32, the CPU's stream after manual_seed, behind tokens drawn on a CPU",
}
"""What the tokenizer's decoder starts from."""


class DAr(TeacherForced, PublishedGenerator):
    """One of D-AR's sizes over the codes of its sequential diffusion tokenizer.

    The tokenizer's decoder starts from noise, which follows from the image's seed. With ``draw=torch-multinomial`` it
    is the authors' for a single image: on a CPU the numbers behind those of the tokens; elsewhere the first of the
    CPU's stream, of which the tokens took none.

    Args:
        size: of the network.
        tokens: of an image; a square.
        tokenizer: that it generates for; one whose decoder starts from noise.
        cfg_scale: guidance s in ``u + s (c - u)`` of the first token; 1 for none.
        cfg_last: of the last token, in equal steps from the first; ``cfg_scale`` for all unless given.
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together exceed p stay; 1 for all.
        greedy: the likeliest token at every step.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        strategy: ``sjd`` (the same distribution in fewer passes), ``gsd`` (its lossy kin), or ``plain``: one a pass.
        window: tokens of an image that a pass of a strategy sees.
        filling: what a strategy's window holds at first: ``random`` tokens, or each the one on its left.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range.
        AdapterError: a tokenizer whose decoder does not start from noise.
    """

    family = "d-ar"
    citation = "Gao and Shou, D-AR: Diffusion via Autoregressive Models, 2025"
    keys = ("model", "module", "state_dict")
    ignore_unexpected = ("freqs_cis",)
    shrunken: ClassVar[Mapping[str, Any]] = {
        **{"size": "tiny", "tokens": 16},
        "tokenizer": "dar,tokens=16,groups=4,steps=4,size=32,width=64,encoder_depth=1,decoder_depth=1,"
        "denoiser_depth=1,random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["L", "XL", "tiny"] = "L",
        tokens: int = 256,
        tokenizer: str = "dar-v1",
        *,
        cfg_scale: float = 1.0,
        cfg_last: float | None = None,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        strategy: StrategyName = "plain",
        window: int = 16,
        filling: Filling = "random",
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.next_token.llamagen.network import SIZES, LlamaGenGeometry, LlamaGenNetwork

        if round(tokens**0.5) ** 2 != tokens:
            raise UsageError(f"tokens={tokens}: must be a square", "the published tokenizer has 256")
        geometry = LlamaGenGeometry(SIZES[size], VOCABULARY, round(tokens**0.5), CLASSES, "line")
        filters = Filters(temperature, top_k, top_p, greedy, PRECISIONS[draw])
        settings = SamplerSettings(
            filters, schedule(cfg_scale, cfg_last), draw, strategy=strategy_of(strategy, window, filling)
        )
        self._setup(
            lambda: LlamaGenNetwork(geometry),
            Source(**where),
            Identity(
                tokenizer,
                VOCABULARY,
                (tokens,),
                settings,
                ImageRule(),
                CLASSES,
                {"decoder_noise": NOISE_IN_WORDS[draw]},
            ),
        )

    def _decoded(self, codes: Codes, seeds: Tensor) -> Tensor:
        import torch

        settings, device = self._identity.settings, codes.levels[0].device
        spent = Drawn(settings.draw, codes.levels[0].shape[1], VOCABULARY, settings.filters.greedy)
        shape = self.tokenizer.noise_shape
        noise = [torch.randn(shape, generator=spent.decoder_stream(seed, device)) for seed in seeds.tolist()]
        decoded: Tensor = self.tokenizer.decode_from(codes, torch.stack(noise))
        return decoded

    def _check_tokenizer(self) -> None:
        super()._check_tokenizer()
        if not hasattr(self.tokenizer, "decode_from"):
            raise AdapterError(
                f"{self.family} decodes from noise; the tokenizer {self.tokenizer.info.name} does not",
                "leave tokenizer= out, or name a card of the family dar",
            )


def schedule(first: float, last: float | None) -> Schedule:
    """The one that the arguments mean, nudged off 1 as the authors' is."""
    if last is None:
        return Constant(first)
    return Linspace(first + NUDGE if first == OFF and last > OFF else first, last)
