"""``gigatok-gpt``: GigaTok's generators (Xiong et al. 2025), 2504.08736: LlamaGen's network with learnt positions.

Held against SilentView/GigaTok (182920c), two layers of equal weights, float32 on a CPU: logits equal, the greedy
sequences of ``tests/unit/generators/published`` equal, and of single images drawn by its own ``generate`` (four seeds,
each schedule at 3, top-k 40, top-p 0.95) all tokens equal. Its ``cosine`` schedule fails there: the file lacks an
import, and the last token's guidance of 1 does not fit the doubled cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.errors import UsageError
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator
from vtbench.generators.published.teacher_forcing import TeacherForced
from vtbench.generators.sampling.courses import Course, Curve
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import OFF, Constant, Schedule, Step
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.strategies.choice import StrategyName, strategy_of
from vtbench.generators.sampling.strategies.drafting import Filling

if TYPE_CHECKING:
    pass


VOCABULARY = 16384
CLASSES = 1000
ADDED = 1e-4
"""To curves that may come down to 1: the authors' batch stays doubled."""
RECTANGLE = 0.05
"""Share of the tokens at which the authors' ``rectangular`` schedule begins."""
CURVES: Mapping[str, Curve] = {"linear": "rising", "linear_re": "falling", "triangular": "triangle"}
"""The authors' names of curves."""


class GigaTokGpt(TeacherForced, PublishedGenerator):
    """One of GigaTok's generators over the tokens of one of its tokenizers, which stand in a line.

    The authors' schedules leave the first token at ``cfg_scale`` whatever they say of the others.

    Args:
        size: of the network.
        tokens: of an image; a square.
        tokenizer: that it generates for.
        cfg_scale: guidance s in ``u + s (c - u)``; 1 for none.
        cfg_schedule: its course over the tokens: ``constant``, ``step``, ``rectangular``, ``linear``, ``linear_re`` or
            ``triangular``; the authors' ``cosine`` does not run.
        cfg_start: share of the tokens at which ``step`` begins; before it tokens but the first are hardly guided.
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
        UsageError: a setting out of range, or ``tokens`` that are no square.
    """

    family = "gigatok-gpt"
    citation = "Xiong et al., GigaTok: Scaling Visual Tokenizers to 3 Billion Parameters, 2025"
    keys = ("model", "module", "state_dict")
    ignore_unexpected = ("freqs_cis",)
    shrunken: ClassVar[Mapping[str, Any]] = {
        **{"size": "tiny", "tokens": 16},
        "tokenizer": "gigatok,encoder=nano,decoder=nano,tokens=16,size=32,channels=32,multipliers=[1,2],latents=32,"
        "blocks=1,random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["B", "XL", "XXL", "tiny"] = "B",
        tokens: int = 256,
        tokenizer: str = "gigatok-xlxxl",
        *,
        cfg_scale: float = 1.0,
        cfg_schedule: str = "constant",
        cfg_start: float = 0.18,
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
            raise UsageError(f"tokens={tokens}: must be a square", "the published tokenizers have 256")
        geometry = LlamaGenGeometry(SIZES[size], VOCABULARY, round(tokens**0.5), CLASSES, "learnt")
        filters = Filters(temperature, top_k, top_p, greedy, PRECISIONS[draw])
        settings = SamplerSettings(
            filters, schedule(cfg_scale, cfg_schedule, cfg_start), draw, strategy=strategy_of(strategy, window, filling)
        )
        self._setup(
            lambda: LlamaGenNetwork(geometry),
            Source(**where),
            Identity(tokenizer, VOCABULARY, (tokens,), settings, ImageRule(), CLASSES),
        )


def schedule(scale: float, name: str, start: float) -> Schedule:
    """The one of the authors' name; raises ``UsageError`` for a name that they have not."""
    if name == "constant" or scale == OFF:
        return Constant(scale)
    if name == "step":
        return Step(scale, start)
    if name == "rectangular":
        return Step(scale, RECTANGLE)
    if name not in CURVES:
        known = ", ".join(("constant", "step", "rectangular", *CURVES))
        raise UsageError(f"cfg_schedule={name!r}: unknown", f"one of {known}")
    return Course(scale, CURVES[name], "t/(N-1), first full", ADDED)
