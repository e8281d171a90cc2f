"""``jpeg-lm``: JPEG-LM, a Llama that writes the bytes of a JPEG file (Han et al. 2024), 2408.08459.

What is public is its authors' later training, "different from the one in the paper", and one script (xhan77/jpeg-lm,
aec177e). The network is transformers' own class, and ``tests/unit/generators/published/test_jpeg_lm.py`` holds this
loop against transformers' own ``generate``, which that script calls: with a small network of that class greedy tokens
are equal, and so is every token drawn after ``manual_seed(seed)``, with top-k, top-p and temperature. The script's own
functions, run beside these on 24 photographs whole, cut short, overwritten and followed by more, 360 texts, made the
same bytes of each; Pillow decodes 303 of them to equal pixels and neither reads 47. The other ten have a damaged head,
which says another size or structure (58,880 rows, say): Pillow reads them, and here they are failures. What its
``build_prompt`` cuts of those photographs at six ratios, by sentencepiece, is the same 144 sequences of tokens.

A likelihood of its tokens would be one of bytes of a lossy file, under one of the many ways to cut them into pieces. It
is none of pixels, and none is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from typing_extensions import Unpack

from vtbench.checkpoints.cards import GeneratorCard, find_generator_card
from vtbench.checkpoints.files import Located
from vtbench.checkpoints.loading import Conventions, LoadedNetwork, Source, WeightsFrom, load_network, require_source
from vtbench.core.contracts import Condition, SampleFailure, SamplingCost
from vtbench.core.errors import AdapterError, SampleError, UsageError
from vtbench.core.info import GeneratorInfo, WeightFile
from vtbench.generators.protocols import sampled_together
from vtbench.generators.published.next_token.jpeg_lm.checkpoint import (
    beside_weights,
    fetched,
    locate_folder,
    read_geometry,
)
from vtbench.generators.published.next_token.jpeg_lm.network import TINY, LlamaGeometry, LlamaHost, build, move
from vtbench.generators.published.next_token.jpeg_lm.pieces import Pieces, byte_pieces, read_pieces
from vtbench.generators.published.next_token.jpeg_lm.prefix import SOURCE, Given
from vtbench.generators.published.next_token.jpeg_lm.stream import SIDE, TOKENIZER, CanonicalJpeg, Incomplete, stream_of
from vtbench.generators.sampling.costs import added, weight_bytes
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.settings import SamplerSettings

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

MOST_TOKENS = 12288
"""Of a sequence, its beginning included: what the network was trained with."""


class JpegLm:
    """Writes a JPEG stream token after token. A stream that is none is the failure of its sample alone.

    Args:
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together exceed p stay; 1 for all.
        greedy: the likeliest token at every step.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        tokens: of a sequence at most, its beginning included.
        incomplete: of a stream that lacks blocks: ``decode`` what libjpeg makes of it, or ``fail``.
        prefix_ratio: share of a given image (``source``, 256 x 256 pixels) that is gone on from; 0 for none.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range; neither a card, nor a checkpoint, nor a seed.
        AssetMissingError: the checkpoint cannot be had, or transformers is not installed.
        AdapterError: its parts do not fit one another.
    """

    family = "jpeg-lm"
    citation = "Han et al., JPEG-LM: LLMs as Image Generators with Canonical Codec Representations, 2024"
    batched = True

    def __init__(
        self,
        *,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        tokens: int = MOST_TOKENS,
        incomplete: Incomplete = "decode",
        prefix_ratio: float = 0.0,
        **where: Unpack[WeightsFrom],
    ) -> None:
        if not 2 <= tokens <= MOST_TOKENS:
            raise UsageError(f"tokens={tokens}: must be from 2 to {MOST_TOKENS}")
        self._settings = SamplerSettings(Filters(temperature, top_k, top_p, greedy, PRECISIONS[draw]), draw=draw)
        self._most, self._codec = tokens, CanonicalJpeg(incomplete)
        self._given = Given(prefix_ratio, self._codec)
        self._cost: SamplingCost | None = None
        source = Source(**where)
        told = find_generator_card(source.card) if source.card else None
        self._load(source, told)
        self.info = self._described(told, incomplete)

    def _load(self, source: Source, card: GeneratorCard | None) -> None:
        conventions = Conventions(
            family=self.family, listing="generators", ignore_unexpected=("model.layers.*.rotary_emb.inv_freq",)
        )
        require_source(source, card, conventions)
        beside: tuple[WeightFile, ...] = ()
        if source.random_weights_seed is not None:
            self._geometry, self._pieces = TINY, byte_pieces()
        else:
            folder, named = locate_folder(source.checkpoint, card)
            self._geometry, self._pieces = read_geometry(folder), read_pieces(folder / "tokenizer.model")
            _require_fit(self._pieces, self._geometry)
            source, beside = Source(str(folder), source.card, None, source.entry), beside_weights(folder, named)
        self._loaded = load_network(lambda: build(self._geometry), source, card, conventions, dict)
        self._weights = (*self._loaded.weights, *beside)
        self._network = self._loaded.network.eval().requires_grad_(False)
        self.notes = (*self._loaded.notes, *self._settings.notes())

    def _described(self, card: GeneratorCard | None, incomplete: Incomplete) -> GeneratorInfo:
        loaded: LoadedNetwork = self._loaded
        name = self.family if card is None else card.name
        return GeneratorInfo(
            name=name if loaded.weights else f"{name}-random",
            conditions="none",
            images=self._given.roles,
            family="next-token",
            revision=loaded.revision,
            native_size=SIDE,
            sampler={
                **self._settings.as_recorded(),
                "tokens_at_most": self._most,
                "prefix_ratio": self._given.ratio,
                "first_token": "never the end",
                "stream": "FF D8 to the first FF D9; a marker that is missing is added",
                "decoder": self._codec.codec.info.revision,
                "incomplete_streams": incomplete,
            },
            tokenizer=TOKENIZER,
            parameters=sum(parameter.numel() for parameter in self._network.parameters()),
            weights=self._weights,
            licence=card.licence if card and loaded.weights else "",
            citation=(card.citation if card else "") or self.citation,
        )

    @classmethod
    def random(cls, seed: int = 0, **arguments: Any) -> Self:
        """The family with seeded random weights: for tests, never for a score."""
        factory: Any = cls
        made: Self = factory(random_weights_seed=seed, **arguments)
        return made

    @classmethod
    def locate(cls, card: GeneratorCard) -> Located:
        """The card's folder; fetched where it is not at hand."""
        return fetched(card)

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move the network. Returns itself."""
        self._network = move(self._network, device, dtype)
        return self

    def sampling_cost(self) -> SamplingCost | None:
        """Of the last call."""
        return self._cost

    def sample(self, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        """``B`` conditions and ``int64 [B]`` seeds to ``float32 [B,3,256,256]`` in [0, 1].

        Raises:
            SampleError: a stream cannot be decoded; ``sample_each`` keeps the others.
        """
        return sampled_together(self, conditions, seeds)

    def sample_each(
        self, conditions: Sequence[Condition], seeds: Tensor, ids: Sequence[str]
    ) -> list[Tensor | SampleFailure]:
        """``float32 [3,256,256]`` in [0, 1] or a failure for each of ``B`` conditions, ``int64 [B]`` seeds and ids."""
        self._cost = None
        if self._given.ratio:
            wanted = zip(ids, conditions, seeds, strict=True)
            return [self._continued(id, condition, seed[None]) for id, condition, seed in wanted]
        begin = self._geometry.begin
        written = self._written([[begin]] * len(seeds), seeds)
        return [self._image(id, tokens) for id, tokens in zip(ids, written, strict=True)]

    def _continued(self, id: str, condition: Condition, seed: Tensor) -> Tensor | SampleFailure:
        """One image by itself, since what is given is of another length in each."""
        try:
            given = self._given.tokens_of(condition, self._pieces, self._most - 2)
        except (SampleError, ValueError) as error:
            return SampleFailure(id, "model", f"its {SOURCE} cannot be gone on from: {error}")
        (tokens,) = self._written([[self._geometry.begin, *given]], seed)
        return self._image(id, [*given, *tokens])

    def _written(self, starts: Sequence[Sequence[int]], seeds: Tensor) -> list[list[int]]:
        """What each sequence ``B`` begins with, all equally long, and seeds ``int64 [B]`` to the tokens behind it."""
        import torch

        from vtbench.generators.sampling.until_end import sample_until_end

        begun, host = torch.tensor(starts), LlamaHost(self._network, self._geometry)
        with torch.inference_mode():
            rows, cost = sample_until_end(host, begun, self._settings, seeds, self._most - begun.shape[1])
        self._cost = added(self._cost, replace(cost, weight_bytes=weight_bytes(self._network)))
        return [row.tolist() for row in rows]

    def _image(self, id: str, tokens: Sequence[int]) -> Tensor | SampleFailure:
        try:
            return self._codec.decoded(stream_of(self._pieces.joined(tokens)))
        except ValueError as error:
            return SampleFailure(id, "model", f"what it wrote in {len(tokens)} tokens is no such file: {error}")


def _require_fit(pieces: Pieces, geometry: LlamaGeometry) -> None:
    """Every piece has a token, and beginning and end stand for nothing.

    Raises:
        AdapterError: they are not of one model.
    """
    marks = [pieces.text[mark] if mark < len(pieces.text) else "?" for mark in (geometry.begin, geometry.end)]
    if len(pieces.text) > geometry.vocabulary or any(marks):
        raise AdapterError(
            f"jpeg-lm: tokenizer.model has {len(pieces.text)} pieces, the network {geometry.vocabulary} tokens, of "
            f"which {geometry.begin} begins and {geometry.end} ends",
            "is each file of the same checkpoint?",
        )
