"""What a record says about a model, from what the model says about itself."""

from __future__ import annotations

from dataclasses import asdict

from vtbench.core.info import WeightFile
from vtbench.results.records.schema import ModelSection, WeightSection
from vtbench.run.planning.generators import GeneratorSource
from vtbench.run.planning.models import PredictionSource, Source


def model_section(source: Source, dtype: str) -> ModelSection:
    """The section of a tokenizer, of images made elsewhere, or of a generator."""
    if isinstance(source, GeneratorSource):
        return _of_generator(source, dtype)
    assert isinstance(source, PredictionSource)
    return _of_tokenizer(source, dtype)


def _of_tokenizer(source: PredictionSource, dtype: str) -> ModelSection:
    info = source.info
    return ModelSection(
        reference=source.reference,
        label=source.label,
        name=info.name,
        revision=info.revision,
        kind=info.kind,
        family=info.family,
        import_path=source.import_path,
        args=source.args,
        dtype=dtype,
        weights=_weights(info.weights),
        codebook_sizes=info.codebook_sizes,
        downsample_factor=info.downsample_factor,
        native_size=info.native_size,
        stochastic=info.stochastic,
        licence=info.licence,
        citation=info.citation,
    )


def _of_generator(source: GeneratorSource, dtype: str) -> ModelSection:
    info, tokenizer = source.info, source.tokenizer_info
    return ModelSection(
        reference=source.reference,
        label=source.label,
        name=info.name,
        revision=info.revision,
        kind="generator",
        family=info.family,
        import_path=source.import_path,
        args=source.args,
        dtype=dtype,
        weights=_weights(info.weights),
        codebook_sizes=() if tokenizer is None else tokenizer.codebook_sizes,
        downsample_factor=0 if tokenizer is None else tokenizer.downsample_factor,
        native_size=info.native_size,
        stochastic=True,
        conditions=info.conditions,
        sampler=dict(info.sampler),
        tokenizer=info.tokenizer,
        parameters=info.parameters,
        licence=info.licence,
        citation=info.citation,
    )


def _weights(files: tuple[WeightFile, ...]) -> tuple[WeightSection, ...]:
    return tuple(WeightSection(**asdict(file)) for file in files)
