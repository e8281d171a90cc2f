"""A generator named on the command line, as one row of a table, and the tokenizer it brings along."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch

from vtbench.core.contracts import ImageDataset
from vtbench.core.info import GeneratorInfo, TokenizerInfo
from vtbench.core.naming.reference import parse_reference
from vtbench.core.registry import Registry
from vtbench.data.clouds.contract import CloudSet
from vtbench.data.conditions import ConditionSet
from vtbench.data.maps.folder import MapFolder
from vtbench.generators import GENERATORS
from vtbench.generators.likelihoods import told_by
from vtbench.generators.protocols import PremadeClouds, PremadeMaps, PremadeSamples, drawn_levels
from vtbench.generators.resolve import generator_arguments, resolve_generator
from vtbench.run.device import choose_dtype
from vtbench.run.measuring.model import LoadedModel
from vtbench.run.measuring.predict import ModelPredictor, Predictor
from vtbench.run.options import RunOptions
from vtbench.run.planning.models import with_digests
from vtbench.run.planning.named_source import NamedSource


class GeneratorSource(NamedSource):
    """A generator, or images that one sampled before."""

    registry: ClassVar[Registry] = GENERATORS
    lent: ClassVar[bool] = False
    """Whether the generator is somebody's own, who goes on training it."""
    kept: ClassVar[tuple[str, ...]] = (
        *("info", "import_path", "notes", "code_files"),
        *("tokenizer_info", "drawn_info", "tokenizer_reference", "premade", "clouds", "maps", "likelihoods"),
    )

    def make(self) -> Any:
        """The generator."""
        return resolve_generator(self.reference)

    def meant(self) -> dict[str, Any]:
        """Those of the generator, a card's own left out: what they move is in its info."""
        return generator_arguments(self.parsed)

    @cached_property
    def info(self) -> GeneratorInfo:
        """Taken from the generator, and kept when it is released."""
        info: GeneratorInfo = self.model.info
        return info

    @cached_property
    def tokenizer_info(self) -> TokenizerInfo | None:
        """Of the tokenizer whose codes it samples; ``None`` where it samples images."""
        if not hasattr(self.model, "sample_codes"):
            return None
        info: TokenizerInfo = self.model.tokenizer.info
        return info

    @cached_property
    def drawn_info(self) -> TokenizerInfo | None:
        """The same, of those of its levels that the generator draws."""
        return None if self.tokenizer_info is None else drawn_levels(self.model)

    @cached_property
    def tokenizer_reference(self) -> str | None:
        """How its tokenizer is named; ``None`` where the generator alone knows."""
        is_ours = self.registry.location(self.parsed.target) is None
        return getattr(self.model, "tokenizer_reference", None) if is_ours else None

    @cached_property
    def premade(self) -> tuple[ImageDataset, ConditionSet] | None:
        """Images that were sampled before, and what from; ``None`` for a generator that is run."""
        there = self.model if isinstance(self.model, PremadeSamples) else None
        return None if there is None else (there.images, there.conditions)

    @cached_property
    def clouds(self) -> CloudSet | None:
        """Point clouds that were sampled before; ``None`` of every generator of images."""
        return self.model.clouds if isinstance(self.model, PremadeClouds) else None

    @cached_property
    def maps(self) -> MapFolder | None:
        """Maps that were predicted before; ``None`` of every generator of images."""
        return self.model.maps if isinstance(self.model, PremadeMaps) else None

    @cached_property
    def likelihoods(self) -> frozenset[str]:
        """What of real images it tells the likelihood of: their codes, their pixels."""
        return told_by(self.model)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Name, arguments, files, weights and sampler; the images where they are all there is; foreign code."""
        return {
            **self.named,
            "generator": with_digests(self.info),
            "tokenizer": None if self.tokenizer_info is None else with_digests(self.tokenizer_info),
            "images": None if self.premade is None else self.premade[0].fingerprint,
            **({} if self.clouds is None else {"clouds": self.clouds.fingerprint}),
            **({} if self.maps is None else {"maps": self.maps.identity}),
        }


@dataclass(eq=False)
class OwnTokenizerSource:
    """The tokenizer of a generator, to be measured by itself.

    Args:
        generator: whose codes it decodes.
    """

    generator: GeneratorSource

    @property
    def label(self) -> str:
        """The tokenizer's own name: generators that differ in their settings share it."""
        return self.info.name

    @property
    def reference(self) -> str:
        """How it is named, or its generator is, without the sampler's settings."""
        named = self.generator.tokenizer_reference
        return f"tokenizer of {parse_reference(self.generator.reference).target}" if named is None else named

    @property
    def args(self) -> dict[str, Any]:
        """None of its own."""
        return {}

    @property
    def code_files(self) -> frozenset[str]:
        """Of the generator."""
        return self.generator.code_files

    @property
    def info(self) -> TokenizerInfo:
        """Of the tokenizer."""
        info = self.generator.tokenizer_info
        assert info is not None, f"{self.reference} has no tokenizer"
        return info

    @property
    def import_path(self) -> str:
        """Of the generator that brings it."""
        return self.generator.import_path

    @property
    def identity(self) -> dict[str, Any]:
        """Geometry and weights, not the sampler: generators that differ in their settings share it, and so do published
        ones that name the same tokenizer. Of somebody else's generator it is not known which of its arguments are the
        sampler's."""
        reference = self.generator.tokenizer_reference
        if reference is not None:
            return {"tokenizer": reference, "info": with_digests(self.info)}
        named = self.generator.identity
        foreign = {key: named[key] for key in ("foreign", "args") if "foreign" in named}
        return {"tokenizer of": named["target"], "info": with_digests(self.info), **foreign}

    def open(self, options: RunOptions, device: torch.device, batch_size: int, ids: Iterable[str]) -> Predictor:
        """The tokenizer on its device."""
        dtype, lent = choose_dtype(options.dtype), self.generator.lent
        loaded = LoadedModel(self.generator.model.tokenizer, device, dtype, lent=lent)
        return ModelPredictor(loaded, seed=options.seed, batch_size=batch_size)

    @property
    def serves_on(self) -> bool:
        """As the generator does."""
        return self.generator.serves_on

    def release(self) -> None:
        """Free the generator with it."""
        self.generator.release()

    def warnings(self, ids: Sequence[str], left_out: Sequence[str] = ()) -> list[str]:
        """Nothing to say."""
        return []

    def resolved(self, ids: Sequence[str]) -> dict[str, str]:
        """Nothing was left to settle."""
        return {}
