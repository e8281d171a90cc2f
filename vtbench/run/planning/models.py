"""Where predictions come from: a tokenizer that is run, or a folder of images made elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor

from vtbench.core.contracts import Prepared, SampleFailure
from vtbench.core.digests import digest_json
from vtbench.core.errors import SampleError, UsageError
from vtbench.core.foreign.guard import making
from vtbench.core.info import GeneratorInfo, TokenizerInfo
from vtbench.core.naming.arguments import bind
from vtbench.core.naming.reference import Reference, parse_reference
from vtbench.core.registry import Registry
from vtbench.data.fingerprint import digest_readable_file
from vtbench.data.sources.listing import named
from vtbench.run.device import choose_dtype
from vtbench.run.measuring.model import LoadedModel
from vtbench.run.measuring.predict import Batch, ModelPredictor, Predictor
from vtbench.run.options import RunOptions
from vtbench.run.planning.named_source import NamedSource
from vtbench.run.progress import say
from vtbench.tokenizers import IMAGES, TOKENIZERS
from vtbench.tokenizers.elsewhere.images import PredictionFolder
from vtbench.tokenizers.elsewhere.pairing import END, PAIRING_RULES, STEM
from vtbench.tokenizers.resolve import resolve_tokenizer, resolve_uncompiled, tokenizer_arguments


class Source(Protocol):
    """One row of a table: a model, or images that one made, by whatever name."""

    @property
    def label(self) -> str:
        """What tables call it."""

    @property
    def reference(self) -> str:
        """How it was named, arguments included."""

    @property
    def args(self) -> dict[str, Any]:
        """Its arguments."""

    @property
    def import_path(self) -> str:
        """``package.module:Class`` of the adapter."""

    @property
    def identity(self) -> dict[str, Any]:
        """What tells this source from every other; part of the job key."""

    @property
    def code_files(self) -> frozenset[str]:
        """Sources of somebody else's code that makes it."""

    @property
    def serves_on(self) -> bool:
        """Whether a model that measured one job measures the next, too: no call of it leaves a trace in it."""

    def release(self) -> None:
        """Forget a loaded model."""

    def warnings(self, ids: Sequence[str], left_out: Sequence[str] = ()) -> list[str]:
        """What a reader of the numbers must know about this source on these samples, others being left out."""

    def resolved(self, ids: Sequence[str]) -> dict[str, str]:
        """What was settled about this source on these samples, by name, for the record's configuration."""


@runtime_checkable
class PredictionSource(Source, Protocol):
    """A source that yields a prediction for every image of a task."""

    @property
    def info(self) -> TokenizerInfo:
        """Identity and geometry; loading the model if that is what it takes."""

    def open(self, options: RunOptions, device: torch.device, batch_size: int, ids: Iterable[str]) -> Predictor:
        """Ready to predict.

        Args:
            options: of the run.
            device: where.
            batch_size: images at once.
            ids: of every sample of the data set, of which those planned may be a part.
        """


class TokenizerSource(NamedSource):
    """A tokenizer or reconstructor."""

    registry: ClassVar[Registry] = TOKENIZERS

    def make(self) -> Any:
        """The tokenizer."""
        return resolve_tokenizer(self.reference)

    def meant(self) -> dict[str, Any]:
        """Those of the tokenizer, a card's own left out."""
        return tokenizer_arguments(self.parsed)

    @cached_property
    def info(self) -> TokenizerInfo:
        """Taken from the model, and kept when the model is released."""
        info: TokenizerInfo = self.model.info
        return info

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Name, arguments, files, weights and geometry; code and numbers of somebody else's adapter."""
        return {**self.named, "info": with_digests(self.info)}

    def open(self, options: RunOptions, device: torch.device, batch_size: int, ids: Iterable[str]) -> Predictor:
        """The model on its device."""
        loaded = LoadedModel(self.model, device, choose_dtype(options.dtype))
        return ModelPredictor(loaded, seed=options.seed, batch_size=batch_size)

    def in_float32(self, device: torch.device) -> LoadedModel:
        """The tokenizer made once more on a device, in float32 and not compiled."""
        with making(self.label):
            twin = resolve_uncompiled(self.reference)
        return LoadedModel(twin, device)


def images_folder(path: Path, name: str | None = None) -> tuple[Path, str]:
    """Images that somebody else's code reconstructed: what ``images,path=DIR`` takes.

    Args:
        path: the folder; sub-folders are searched.
        name: what tables call the model that made them; the folder's name by default.
    """
    return path, name or path.resolve().name


def source_of(reference: str) -> PredictionSource:
    """A tokenizer by any of its names, or ``images,path=DIR[,name=NAME]``: a folder that is read.

    Raises:
        UsageError: arguments that such a folder does not take.
    """
    parsed = parse_reference(reference)
    if parsed.target != IMAGES:
        return TokenizerSource(reference)
    _ = parsed.name  # an empty one is refused, as every model's
    return FolderSource(*images_folder(**bind(images_folder, parsed, "tokenizer")), reference)


def with_digests(info: TokenizerInfo | GeneratorInfo) -> dict[str, Any]:
    """What a model says about itself, its weights by name and SHA-256: where they came from does not matter.

    Nor does what images a generator takes: those that it is given count among the conditions.
    """
    told = {**asdict(info), "weights": [[weight.name, weight.sha256] for weight in info.weights]}
    if not info.video:  # a model of images is told as it was before there were others
        told = {key: value for key, value in told.items() if key not in ("video", "clip_frames")}
    return {key: value for key, value in told.items() if key not in ("images", "optional_images")}


@dataclass(eq=False)
class FolderSource:
    """Images that someone else's code wrote, matched to samples by name.

    Args:
        path: the folder.
        label: what tables call the model that made them.
        reference: how the folder was named, where a reference named it.
    """

    path: Path
    label: str
    reference: str = ""

    def __post_init__(self) -> None:
        self._folder = PredictionFolder(self.path)
        self.path = self._folder.path
        self.reference = self.reference or str(Reference(IMAGES, {"path": str(self.path)}))
        self.args = {"path": str(self.path)}
        self.import_path = f"{PredictionFolder.__module__}:{PredictionFolder.__qualname__}"

    @property
    def code_files(self) -> frozenset[str]:
        """No code: its images are read by vtbench."""
        return frozenset()

    @property
    def info(self) -> TokenizerInfo:
        """Nothing is known of the model but its label."""
        return TokenizerInfo(name=self.label, kind="continuous", family="images made elsewhere")

    @cached_property
    def identity(self) -> dict[str, Any]:
        """The content of every image in the folder, and the rules by which they are paired."""
        files = {name: digest_readable_file(self._folder.path / name) for name in self._folder.names}
        return {"images": digest_json(files), "label": self.label, "pairing": PAIRING_RULES}

    def open(
        self,
        options: RunOptions,
        device: torch.device,
        batch_size: int,
        ids: Iterable[str],
    ) -> Predictor:
        """Reads a file a sample, matched over the whole data set: a part of it could match more files than belong.

        Raises:
            UsageError: no image is any sample's.
        """
        wanted = list(ids)
        matching = self._folder.match(wanted)
        if not matching.found:
            raise self._strangers(wanted)
        if matching.pairs.rule == STEM and matching.pairs.example:
            say(f"{self.label}: images are paired by {STEM}, as {matching.pairs.example}")
        return FolderPredictor(self._folder, matching.found)

    def _strangers(self, ids: Sequence[str]) -> UsageError:
        names = self._folder.names
        if not names:
            return UsageError(f"no images in {self.path}", "; ".join(self._folder.notes) or "check the path")
        return UsageError(
            f"none of the {len(names)} images in {self.path} is named like a sample",
            f"samples are named {named(ids, 2)}; images {named(names, 2)}: give each its sample's path",
        )

    @property
    def serves_on(self) -> bool:
        """Nothing is loaded."""
        return True

    def release(self) -> None:
        """Nothing is held."""

    def warnings(self, ids: Sequence[str], left_out: Sequence[str] = ()) -> list[str]:
        """Files that belong to no sample, samples without a file, pairs from different folders, files left out."""
        matching, wanted = self._folder.match([*ids, *left_out]), set(ids)
        missing = [name for name in matching.missing if name in wanted]
        told = []
        if matching.pairs.rule == END:
            told.append(f"no relative path is a sample's; paired by the {END}, as {matching.pairs.example}")
        if missing:
            told.append(f"{len(missing)} samples have no image: {named(missing)}")
        if matching.extra:
            names = [path.relative_to(self._folder.path).as_posix() for path in matching.extra]
            told.append(f"{len(names)} images belong to no sample: {named(names)}")
        return [*told, *self._folder.notes]

    def resolved(self, ids: Sequence[str]) -> dict[str, str]:
        """By which rule images and samples were paired."""
        return {"paired_by": self._folder.match(ids).pairs.rule}


@dataclass(eq=False)
class FolderPredictor:
    """Predictions read from files. An image of the wrong size is a failure, never resized."""

    folder: PredictionFolder
    found: Mapping[str, Path]

    def predict(self, samples: Sequence[Prepared]) -> Iterator[Batch]:
        """One batch of all samples; see :class:`~vtbench.run.measuring.predict.Predictor`."""
        yield Batch(samples, [self._outcome(sample, self.found.get(sample.id)) for sample in samples])

    def _outcome(self, sample: Prepared, path: Path | None) -> Tensor | SampleFailure:
        if path is None:
            return SampleFailure(sample.id, "model", "no image of that name", of_model=False)
        try:
            image = self.folder.load(path)
        except SampleError as error:
            return SampleFailure(sample.id, "model", str(error), of_model=False)
        if image.shape != sample.reference.shape:
            got, wanted = ("x".join(map(str, shape[1:])) for shape in (image.shape, sample.reference.shape))
            told = f"{path.name} is {got}, the reference is {wanted} (height x width)"
            return SampleFailure(sample.id, "model", told, of_model=False)
        return image
