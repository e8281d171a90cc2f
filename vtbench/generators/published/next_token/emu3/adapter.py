"""``emu3``: Emu3-Gen (Wang et al. 2024, 2409.18869), which draws an image of 720 pixels from a prompt.

The network is transformers' (``Emu3TextModel`` and the head of ``Emu3ForConditionalGeneration``); the loop, the draws
and the cache are this project's, so that an image depends on its prompt and seed alone. The grammar of an image, which
the library is given as a function of allowed tokens, is a part of the network here: the ends of rows are fed, and no
number is spent on them. So greedy tokens equal those of the library's ``generate`` with the same weights and
``prefix_allowed_tokens_fn``, padded prompts included (``tests/unit/generators/published``); its draws, which go over
the whole vocabulary, are not replayed. Prompts, filters and rounding are those of baaivision/Emu3 (f6ea9aa), which lets
the negative prompt begin an image too; the library's own example does not.

Held against the authors' decoder layers and their function of allowed tokens at random weights (4 blocks of 128
channels, 1,024 image tokens, 10 x 10 of them; a CPU, two prompts, guidance 3, no cache): all greedy tokens and ends of
rows equal, first logits within 5.8e-6 at a magnitude of 3.9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.checkpoints.naming import renamed
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError
from vtbench.generators.published.base import Identity, ImageRule
from vtbench.generators.published.library.reader import PromptReader
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.text.prompts import left_padded, prompts_of
from vtbench.generators.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.generators.published.next_token.emu3.network import Grammar
    from vtbench.generators.sampling.next_token import Prompted

BEGIN, IMAGE, SIZE_END = "<|extra_203|>", "<|image start|>", "<|image token|>"
"""Special tokens: of a text, of an image, and behind its size."""
ROW_END = "<|extra_200|>"
POSITIVE = " masterpiece, film grained, best quality."
NEGATIVE = (
    "lowres, bad anatomy, bad hands, text, error, missing fingers, extra digit, fewer digits, cropped, worst quality, "
    "low quality, normal quality, jpeg artifacts, signature, watermark, username, blurry."
)
_STEPS = (
    (r"^text_model\.lm_head\.", "lm_head."),
    (r"^model\.text_model\.", "text_model."),
    (r"^text_model\.model\.", "text_model."),
    (r"^model\.(layers|embed_tokens|norm)\.", r"text_model.\1."),
)
"""Names of transformers, new and old, and of the authors, to the network's."""


class Emu3(PromptReader):
    """Emu3-Gen over the codes of its vision tokenizer.

    Args:
        size: of the network.
        grid: tokens along one side: 90 for the authors' 518,400 pixels.
        tokenizer: that it generates for.
        cfg_scale: guidance s in ``u + s (c - u)``; 1 for none.
        suffix: what the authors' script appends to a prompt.
        negative: the text of the unconditional prompt.
        temperature: logits are divided by it.
        top_k: only the k likeliest image tokens stay; 0 for all.
        top_p: only the likeliest tokens that together exceed p stay; 1 for all.
        greedy: the likeliest token at every step.
        vocabulary: ``tokenizer.json`` of its text, or its folder; the one beside the weights unless given.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        AssetMissingError: transformers is too old, or a file cannot be had.
        AdapterError: weights, a configuration or a text tokenizer of another network.
        UsageError: a setting out of range.
    """

    family = "emu3"
    citation = "Wang et al., Emu3: Next-Token Prediction is All You Need, 2409.18869"
    ignore_unexpected = ("vqmodel.*", "model.vqmodel.*")
    shrunken: ClassVar[Mapping[str, Any]] = {
        "size": "tiny",
        "grid": 4,
        "negative": "dull",
        "tokenizer": "emu3-vq,channels=32,multipliers=[1,1],codebook_size=32,blocks=1,random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["8B", "tiny"] = "8B",
        grid: int = 90,
        tokenizer: str = "emu3",
        *,
        cfg_scale: float = 3.0,
        suffix: str = POSITIVE,
        negative: str = NEGATIVE,
        temperature: float = 1.0,
        top_k: int = 2048,
        top_p: float = 1.0,
        greedy: bool = False,
        vocabulary: str | None = None,
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.next_token.emu3.network import SIZES, Emu3Network, text_config

        geometry, source = SIZES[size], Source(**where)
        names = (BEGIN, IMAGE, SIZE_END, ROW_END, _image_token(0), _image_token(geometry.vocabulary - 1))
        self._read_words(text_config(geometry), vocabulary, source, names, geometry.words)
        grammar = _grammar(self._vocabulary, grid, geometry.vocabulary)
        self._suffix, self._negative, self._size = suffix, negative, f"{grid}*{grid}"
        settings = SamplerSettings(Filters(temperature, top_k, top_p, greedy), Constant(cfg_scale))
        behind = f"{IMAGE}{self._size}{SIZE_END}"
        self._setup(
            lambda: Emu3Network(geometry, grammar),
            source,
            Identity(
                tokenizer,
                geometry.vocabulary,
                (grid, grid),
                settings,
                ImageRule(rounding="truncate"),
                further={
                    "prompt": f"{BEGIN}{{prompt}}{suffix}{behind}",
                    "unconditional_prompt": f"{BEGIN}{negative}{behind}",
                    "grammar": "image tokens alone are drawn; the end of a row is fed behind its last",
                },
            ),
        )

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return renamed(state, _STEPS)

    def _prompted(self, conditions: Sequence[Condition]) -> Prompted:
        from vtbench.generators.sampling.next_token import Prompted

        asked = [self._ids(prompt + self._suffix) for prompt in prompts_of(conditions, self.info.name)]
        both = left_padded([*asked, *[self._ids(self._negative)] * len(asked)])
        conditional, unconditional = both.to(next(self._network.parameters()).device).chunk(2)
        return Prompted(conditional, unconditional)

    def _ids(self, text: str) -> list[int]:
        return self._vocabulary.ids(BEGIN, text, IMAGE, self._size, SIZE_END)


def _image_token(number: int) -> str:
    return f"<|visual token {number:06d}|>"


def _grammar(words: Vocabulary, grid: int, codes: int) -> Grammar:
    """That of a vocabulary.

    Raises:
        AdapterError: image tokens that do not stand side by side.
    """
    from vtbench.generators.published.next_token.emu3.network import Grammar

    first, last = (words.special[_image_token(number)] for number in (0, codes - 1))
    if words.files and last - first != codes - 1:  # without a file, ids are anything
        found = f"{_image_token(0)} at {first} and {_image_token(codes - 1)} at {last}"
        raise AdapterError(
            f"emu3: {codes} image tokens are expected side by side; the text tokenizer has {found}",
            "it is of another model: take the one beside the weights",
        )
    return Grammar(grid=grid, first=first, row_end=words.special[ROW_END])
