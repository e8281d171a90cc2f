"""``janus``: Janus-Pro (Chen et al. 2025, 2501.17811), which draws an image of 384 pixels from a prompt.

The network is transformers' (``LlamaModel`` and the image parts of ``JanusForConditionalGeneration``); the loop, the
draws and the cache are this project's, so that an image depends on its prompt and seed alone. Greedy tokens equal those
of the library's ``generate(generation_mode="image")`` with the same weights, padded prompts included, and so do drawn
ones of a single image with ``draw=torch-multinomial`` (``tests/unit/generators/published``). Template, unconditional
prompt and rounding are those of deepseek-ai/Janus (1daa72f). The library itself filters to 50 tokens unless it is told
otherwise; the authors do not.

Held against the authors' loop and image parts at random weights (4 blocks of 128 channels, 16384 entries, 576 tokens; a
CPU, two prompts, one image a call): greedy tokens, and drawn ones at guidance 5 and 3, all equal; first logits within
5.4e-7 at a magnitude of 2.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.checkpoints.naming import renamed
from vtbench.core.contracts import Condition
from vtbench.generators.published.base import Identity, ImageRule
from vtbench.generators.published.library.reader import PromptReader
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.strategies.choice import StrategyName, strategy_of
from vtbench.generators.sampling.strategies.drafting import Filling
from vtbench.generators.text.prompts import left_padded, prompts_of

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.sampling.next_token import Prompted

BEGIN, PAD, IMAGE = "<｜begin▁of▁sentence｜>", "<｜▁pad▁｜>", "<begin_of_image>"
"""Special tokens: of a text, of nothing, and of an image."""
TEMPLATE = "<|User|>: {}\n\n<|Assistant|>:"
_STEPS = (
    (r"^language_model\.model\.", "language_model."),
    (r"^gen_embed\.", "generation_embeddings."),
    (r"^gen_aligner\.layers\.0\.", "generation_aligner.fc1."),
    (r"^gen_aligner\.layers\.2\.", "generation_aligner.hidden_layers.0."),
    (r"^gen_head\.output_mlp_projector\.", "generation_head.proj_out."),
    (r"^gen_head\.", "generation_head."),
    (r"^model\.(language_model|generation_\w+)\.", r"\1."),
)
"""The authors' names, and those of transformers, to the network's."""


class Janus(PromptReader):
    """Janus-Pro over the codes of its own image tokenizer.

    Args:
        size: of the network.
        tokenizer: that it generates for.
        cfg_scale: guidance s in ``u + s (c - u)``; 1 for none. The unconditional prompt has the length of the
            conditional one: padding in place of all tokens but the first and the last.
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together exceed p stay; 1 for all.
        greedy: the likeliest token at every step.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        strategy: ``sjd`` (speculative Jacobi decoding: the same distribution in fewer passes), ``gsd`` (its lossy
            kin), or ``plain``: one token a pass.
        window: tokens of an image that a pass of a strategy sees.
        filling: what a strategy's window holds at first: ``random`` tokens, or each the one on its left.
        vocabulary: ``tokenizer.json`` of its text, or its folder; the one beside the weights unless given.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        AssetMissingError: transformers is too old, or a file cannot be had.
        AdapterError: weights, a configuration or a text tokenizer of another network.
        UsageError: a setting out of range.
    """

    family = "janus"
    citation = "Chen et al., Janus-Pro, Unified Multimodal Understanding and Generation, 2501.17811"
    ignore_unexpected = (
        *("vision_model.*", "aligner.*", "gen_vision_model.*", "language_model.lm_head.*"),
        *("model.vision_model.*", "model.aligner.*", "model.vqmodel.*", "lm_head.*"),
    )
    shrunken: ClassVar[Mapping[str, Any]] = {
        "size": "tiny",
        "tokenizer": "janus-vq,channels=32,latent_channels=32,blocks=1,codebook_size=32,random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["1B", "7B", "tiny"] = "1B",
        tokenizer: str = "janus-pro",
        *,
        cfg_scale: float = 5.0,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        strategy: StrategyName = "plain",
        window: int = 16,
        filling: Filling = "random",
        vocabulary: str | None = None,
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.next_token.janus.network import SIZES, JanusNetwork, language_config

        geometry, source = SIZES[size], Source(**where)
        self._read_words(language_config(geometry), vocabulary, source, (BEGIN, PAD, IMAGE), geometry.words)
        filters = Filters(temperature, top_k, top_p, greedy, PRECISIONS[draw])
        settings = SamplerSettings(filters, Constant(cfg_scale), draw, strategy=strategy_of(strategy, window, filling))
        self._setup(
            lambda: JanusNetwork(geometry),
            source,
            Identity(
                tokenizer,
                geometry.vocabulary,
                (geometry.grid, geometry.grid),
                settings,
                ImageRule(rounding="truncate"),
                further={
                    "prompt": BEGIN + TEMPLATE.format("{prompt}") + IMAGE,
                    "unconditional_prompt": "as long: padding but for the first token and the last",
                },
            ),
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return renamed(state, _STEPS)

    def _prompted(self, conditions: Sequence[Condition]) -> Prompted:
        from vtbench.generators.sampling.next_token import Prompted

        words = self._vocabulary
        asked = [
            words.ids(BEGIN, TEMPLATE.format(prompt.strip()), IMAGE)
            for prompt in prompts_of(conditions, self.info.name)
        ]
        nothing = [[ids[0], *[words.special[PAD]] * (len(ids) - 2), ids[-1]] for ids in asked]
        device = next(self._network.parameters()).device
        return Prompted(left_padded(asked).to(device), left_padded(nothing).to(device))
