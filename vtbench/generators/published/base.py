"""The base of published generators: a card, its weights, its tokenizer, its settings, and codes that become images.

**A card** (``vtbench/generators/cards/NAME.yaml``, read by :mod:`vtbench.checkpoints.cards`) names one published
checkpoint and, in ``args``, the settings of the number that it is known for; an anchor sampled otherwise says how.

**A family** is a subclass in one file below ``published/ORDER/``, registered in ``vtbench/generators/__init__.py``. It
builds its network, says how a condition becomes what the network takes, and which settings its arguments mean; loading,
the tokenizer, device, precision, checks of labels and codes, the image rule and the cost are here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from vtbench.checkpoints.cards import GeneratorCard, find_generator_card
from vtbench.checkpoints.loading import Conventions, Source, load_network, require_source
from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.errors import UsageError
from vtbench.core.info import ConditionKind, GeneratorInfo
from vtbench.generators.published.own_tokenizer import Latents, require_fit, tokenizer_of
from vtbench.generators.sampling.costs import weight_bytes

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

    from vtbench.generators.sampling.next_token import Prompted


Rounding = Literal["round", "truncate"]


@dataclass(frozen=True)
class ImageRule:
    """How the authors' script makes an image file of what the tokenizer decodes.

    Attributes:
        side: pixels it is resized to, bicubic without antialiasing and before it is clamped; ``None`` for as decoded.
        rounding: of 255 x to whole numbers: to the nearest, or down.
    """

    side: int | None = None
    rounding: Rounding = "round"

    def as_recorded(self) -> dict[str, Any]:
        """In words."""
        resized = {} if self.side is None else {"image_resize": f"bicubic to {self.side}, no antialiasing, unclamped"}
        return {**resized, "image_rounding": self.rounding}

    def __call__(self, decoded: Tensor) -> Tensor:
        """``float32 [B,3,H,W]``, [0, 1] and somewhat beyond, to what the runner rounds to the authors' own bytes."""
        import torch.nn.functional as F

        if self.side is not None and decoded.shape[-1] != self.side:
            decoded = F.interpolate(decoded, size=(self.side, self.side), mode="bicubic")
        return decoded if self.rounding == "round" else decoded.clamp(0, 1).mul(255).floor().div(255)


@dataclass(frozen=True)
class Identity:
    """What a family says of itself.

    Attributes:
        tokenizer: reference of the tokenizer, e.g. the name of a card.
        vocabulary: entries that each token chooses from; of a continuous tokenizer, what its latents are.
        grid: shape of the tokens of one image as its tokenizer takes them.
        settings: all that moves a sample, as the loop of its order takes it; told by its ``as_recorded()``.
        image: the image rule.
        classes: of a class-conditional generator.
        further: what else moves a sample, in words, for the record.
    """

    tokenizer: str
    vocabulary: int | Latents
    grid: tuple[int, ...]
    settings: Any
    image: ImageRule
    classes: int = 0
    further: Mapping[str, str] = field(default_factory=dict)


class PublishedGenerator:
    """What adapters of published generators share; the module's docstring tells how to write one.

    Raises:
        UsageError: neither a card, nor a checkpoint, nor a seed; a tokenizer that is not the generator's; a setting out
            of range.
        AssetMissingError: a checkpoint is neither at hand nor to be had.
        AdapterError: its tensors do not fit the network.
    """

    family: ClassVar[str]
    order: ClassVar[str] = "next-token"
    conditioned_on: ClassVar[ConditionKind] = "class"
    citation: ClassVar[str] = ""
    keys: ClassVar[tuple[str, ...]] = ()
    prefix: ClassVar[str] = ""
    ignore_unexpected: ClassVar[tuple[str, ...]] = ()
    settings_entry: ClassVar[str] = ""  # of a file that holds an argparse.Namespace, which is else refused
    shrunken: ClassVar[Mapping[str, Any]] = {}

    info: GeneratorInfo
    notes: tuple[str, ...] = ()

    @property
    def tokenizer_reference(self) -> str:
        """What its tokenizer is called: generators that name the same one share it."""
        return self._identity.tokenizer

    @property
    def encoded_size(self) -> int:
        """Side, in pixels, at which real images are encoded for it."""
        return self._side()

    @classmethod
    def random(cls, seed: int = 0, **arguments: Any) -> Self:
        """The family with seeded random weights: for tests of geometry and speed, never for a score."""
        factory: Any = cls
        made: Self = factory(random_weights_seed=seed, **arguments)
        return made

    @property
    def published_network(self) -> Any:
        """The module itself, under the names of :meth:`_convert`'s results: for those who fit it anew."""
        return self._network

    def _setup(self, build: Callable[[], Any], source: Source, identity: Identity) -> None:
        card = None if source.card is None else find_generator_card(source.card)
        conventions = self._conventions(card)
        require_source(source, card, conventions)
        self._identity = identity
        self.tokenizer: Any = tokenizer_of(identity.tokenizer, self.family, card)
        self._check_tokenizer()  # before gigabytes are read
        loaded = load_network(build, source, card, conventions, self._convert, self._heed)
        self._network = loaded.network.eval().requires_grad_(False)
        self._cost: SamplingCost | None = None
        self.notes = (*loaded.notes, *getattr(self.tokenizer, "notes", ()), *identity.settings.notes())
        name = self.family if card is None else card.name
        self.info = GeneratorInfo(
            name=name if loaded.weights else f"{name}-random",
            conditions=card.conditions if card else self.conditioned_on,
            family=self.order,
            revision=loaded.revision,
            classes=identity.classes,
            native_size=identity.image.side or self._side(),
            sampler={**identity.settings.as_recorded(), **identity.image.as_recorded(), **identity.further},
            tokenizer=self.tokenizer.info.name,
            parameters=sum(parameter.numel() for parameter in self._network.parameters()),
            weights=(*loaded.weights, *self.tokenizer.info.weights),
            licence=card.licence if card and loaded.weights else "",
            citation=(card.citation if card else "") or self.citation,
        )

    def _conventions(self, card: GeneratorCard | None) -> Conventions:
        checkpoint = card.checkpoint if card else None
        return Conventions(
            family=self.family,
            keys=(checkpoint.key,) if checkpoint and checkpoint.key else self.keys,
            prefix=checkpoint.prefix if checkpoint and checkpoint.prefix is not None else self.prefix,
            ignore_unexpected=self.ignore_unexpected,
            listing="generators",
            settings=self.settings_entry,
        )

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move network and tokenizer; the precision is the network's alone. Returns itself."""
        self._network = self._network.to(device=device, dtype=dtype)
        if device is not None:
            self.tokenizer = self.tokenizer.to(device=device)
        return self

    def sample(self, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        """``B`` conditions and ``int64 [B]`` seeds to ``float32 [B,3,S,S]``.

        Raises:
            UsageError: a condition that it does not take.
        """
        return self.images(self.sample_codes(conditions, seeds), seeds)

    def images(self, codes: Codes, seeds: Tensor) -> Tensor:
        """Codes, and the seeds ``int64 [B]`` they were sampled with, to images as the authors' script makes them."""
        return self._identity.image(self._decoded(codes, seeds))

    def _decoded(self, codes: Codes, seeds: Tensor) -> Tensor:
        """``float32 [B,3,H,W]`` from the tokenizer, before the image rule."""
        drawn = (seeds,) if self.tokenizer.info.stochastic else ()
        decoded: Tensor = self.tokenizer.decode(codes, *drawn)
        return decoded

    def sample_codes(self, conditions: Sequence[Condition], seeds: Tensor) -> Codes:
        """``B`` conditions and ``int64 [B]`` seeds to codes of :attr:`tokenizer`; raises as :meth:`sample`."""
        import torch

        with torch.inference_mode():
            return self._codes(self._counted(conditions, seeds))

    def sampling_cost(self) -> SamplingCost | None:
        """Of the last call."""
        return self._cost

    def _counted(self, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        """Tokens of :meth:`_draw`; what they took is kept."""
        tokens, cost = self._draw(conditions, seeds)
        self._cost = replace(cost, weight_bytes=weight_bytes(*self._networks()))
        return tokens

    def _networks(self) -> tuple[Any, ...]:
        """All that tokens are drawn with, for the record: one, unless a family or its strategy has more."""
        return (self._network,)

    def _draw(self, conditions: Sequence[Condition], seeds: Tensor) -> tuple[Tensor, SamplingCost]:
        """Tokens ``int64 [B,N]``, or latents ``float32 [B,N,C]``, and what they took: one after the other, unless the
        family draws otherwise."""
        from vtbench.generators.sampling.next_token import sample_tokens

        return sample_tokens(self._network, self._prompted(conditions), self._identity.settings, seeds)

    def _prompted(self, conditions: Sequence[Condition]) -> Prompted:
        """Labels of a batch, and those of no class: the number behind the last one, unless the family says another."""
        import torch

        from vtbench.generators.sampling.next_token import Prompted

        labels = self._labels(conditions)
        return Prompted(labels, torch.full_like(labels, self._identity.classes))

    def _codes(self, tokens: Tensor) -> Codes:
        side, kind = self._side(), self._identity.vocabulary
        if isinstance(kind, Latents):
            latents = tokens.mT.reshape(-1, kind.channels, *self._identity.grid) / kind.scale
            return Codes(latents=latents, image_size=(side, side))
        return Codes(levels=(tokens.reshape(-1, *self._identity.grid),), image_size=(side, side))

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Published names to the network's."""
        return state

    def _heed(self, stated: Mapping[str, Any]) -> None:
        """What a file says of its training, where the family has a :attr:`settings_entry`; empty where it says none.

        Raises:
            AdapterError: the arguments say otherwise.
        """

    def _labels(self, conditions: Sequence[Condition]) -> Tensor:
        """Class labels ``int64 [B]`` on the network's device.

        Raises:
            UsageError: a condition without a label, or a label that is no class.
        """
        import torch

        classes = self._identity.classes
        for condition in conditions:
            if condition.label is None:
                raise UsageError(f"{self.info.name} needs a class label", "it takes no prompts: name a task of classes")
            if not 0 <= condition.label < classes:
                raise UsageError(
                    f"{self.info.name} has no class {condition.label}", f"its classes are 0 to {classes - 1}"
                )
        device = next(self._network.parameters()).device
        return torch.tensor([condition.label for condition in conditions], device=device)

    def _side(self) -> int:
        """Of its images: of a tokenizer of one size that one, else what the grid comes to."""
        info = self.tokenizer.info
        side: int = info.native_size if info.fixed_size else self._identity.grid[-1] * info.downsample_factor
        return side

    def _check_tokenizer(self) -> None:
        require_fit(self.tokenizer, self._identity.vocabulary, self.family)
