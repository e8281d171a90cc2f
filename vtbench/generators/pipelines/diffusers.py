"""``diffusers-pipeline``: any pipeline of the diffusers library that makes images from classes, prompts or nothing."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, SampleError, UsageError
from vtbench.core.info import ConditionKind, GeneratorInfo
from vtbench.generators.pipelines.classes import known_of
from vtbench.generators.pipelines.folder import locate_pipeline, read_parameters
from vtbench.generators.pipelines.image_arguments import image_arguments
from vtbench.generators.pipelines.loading import load_pipeline
from vtbench.generators.pipelines.randomness import SeededCalls

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self


class DiffusersPipeline:
    """A pipeline called with a random generator for each image, seeded with the image's seed.

    Noise is drawn on the CPU, so that it is the same on every device. A pipeline that also draws from the global
    random state (``DiTPipeline`` under a scheduler that adds noise does) is called for one image at a time, with that
    state seeded too; so is one that takes a single generator for a whole batch (``AmusedPipeline``), one that seeds the
    global state by the first of several (``GlmImagePipeline``: transformers draws its tokens), and any that is given
    images.

    Args:
        path: local folder with ``model_index.json``, or hub id (``owner/name``).
        steps: ``num_inference_steps``; the pipeline's default unless given.
        guidance_scale: the pipeline's default unless given.
        size: side of the images in pixels, given as ``height`` and ``width``; the pipeline's default unless given.
        conditions: ``class``, ``prompt`` or ``none``; told by the pipeline's arguments unless given.
        call: further arguments of the call, as ``call={eta: 1.0}``.
        revision: branch, tag or commit on the hub.
        variant: e.g. ``fp16``; weights are brought to float32, or to ``--dtype``.
        images: parameter of the call by role, as ``images={control: image}``; by default ``image`` takes the source,
            ``mask_image`` the mask and ``control_image`` the control map, where the call has them.

    Raises:
        AssetMissingError: diffusers is not installed, or the pipeline cannot be had or is a pickle.
        AdapterError: it needs code of its own, or weights or configuration do not fit a network.
        UsageError: an argument that the pipeline's call does not take.
    """

    def __init__(
        self,
        path: str,
        steps: int | None = None,
        guidance_scale: float | None = None,
        size: int | None = None,
        conditions: ConditionKind | None = None,
        call: Mapping[str, Any] | None = None,
        revision: str | None = None,
        variant: str | None = None,
        images: dict[str, str] | None = None,
    ) -> None:
        found = locate_pipeline(path, revision=revision, variant=variant)
        given = {"num_inference_steps": steps, "guidance_scale": guidance_scale, "height": size, "width": size}
        self._arguments = {key: value for key, value in given.items() if value is not None} | dict(call or {})
        known = known_of(found.class_name)
        known.check_size(self._arguments, found.class_name)  # before gigabytes are read
        self._pipeline, self.notes = load_pipeline(found, variant)
        parameters = inspect.signature(type(self._pipeline).__call__).parameters
        self._images = image_arguments(type(self._pipeline), parameters, images)
        _check_arguments(self._arguments, parameters, found.class_name, {*self._images.keywords.values()})
        self._kind = _conditions(conditions, parameters, found.class_name)
        self._generator_each = _takes_several(parameters)
        self._calls = SeededCalls(self._call, batched=self._generator_each and not known.alone)
        self._calls_with_images = SeededCalls(self._call, batched=False)  # sizes may differ, and would be made alike
        needed = self._images.roles if self._images.needed else ()
        self.info = GeneratorInfo(
            name=found.class_name,
            conditions=self._kind,
            family="diffusers",
            revision=found.revision,
            classes=_classes(self._pipeline) if self._kind == "class" else 0,
            native_size=size or (None if needed else _native_size(self._pipeline)),
            sampler=_settings(self._pipeline, self._arguments, parameters),
            tokenizer=_tokenizer(self._pipeline),
            parameters=read_parameters(self._pipeline.components),
            weights=found.weights(),
            images=needed,
            optional_images=() if needed else self._images.roles,
        )

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move the networks and choose their precision; returns itself."""
        self._pipeline = self._pipeline.to(device=device, dtype=dtype)
        return self

    def sample(self, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        """``B`` conditions and ``int64 [B]`` seeds to ``float32 [B,3,H,W]`` in [0, 1].

        Raises:
            SampleError: a condition of another kind or a label out of range, or a safety checker that replaced an
                image; the runner then takes the batch one by one.
        """
        for condition in conditions:
            self._check(condition)
        calls = self._calls_with_images if any(condition.images for condition in conditions) else self._calls
        return calls.sample(conditions, [int(seed) for seed in seeds])

    def _call(self, conditions: Sequence[Condition], generators: list[torch.Generator]) -> Tensor:
        import torch

        random = generators if self._generator_each else generators[0]
        with torch.inference_mode():
            output = self._pipeline(**self._asked(conditions), **self._arguments, generator=random, output_type="pt")
        if any(getattr(output, "nsfw_content_detected", None) or ()):
            raise SampleError(f"{self.info.name}: the safety checker replaced an image")
        return _as_tensor(output.images, self.info.name)

    def _asked(self, conditions: Sequence[Condition]) -> dict[str, Any]:
        shown = self._images.of(conditions[0]) if conditions[0].images else {}  # then there is no other
        if self._kind == "class":
            return {"class_labels": [condition.label for condition in conditions], **shown}
        if self._kind == "prompt":
            return {"prompt": [condition.prompt for condition in conditions], **shown}
        return {"batch_size": len(conditions), **shown}

    def _check(self, condition: Condition) -> None:
        name, classes = self.info.name, self.info.classes
        if problem := self.info.image_problem(condition.images):
            raise SampleError(f"{name} {problem}")
        if self._kind == "class":
            if condition.label is None:
                raise SampleError(f"{name} samples from class labels, and this condition has none")
            if condition.label < 0 or (classes and condition.label >= classes):
                raise SampleError(f"{name}: class {condition.label} is not one of {classes} classes")
        if self._kind == "prompt" and condition.prompt is None:
            raise SampleError(f"{name} samples from prompts, and this condition has none")


def _conditions(
    wanted: ConditionKind | None, parameters: Mapping[str, inspect.Parameter], class_name: str
) -> ConditionKind:
    arguments: dict[ConditionKind, str] = {"class": "class_labels", "prompt": "prompt", "none": "batch_size"}
    if wanted is not None and wanted not in get_args(ConditionKind):
        raise UsageError(f"conditions={wanted}: not one of {', '.join(get_args(ConditionKind))}")
    for kind in [wanted] if wanted else arguments:
        if arguments[kind] in parameters:
            return kind
    names = " or ".join([arguments[wanted]] if wanted else arguments.values())
    raise UsageError(f"{class_name} takes no {names}", "only pipelines from classes, prompts or nothing are run")


def _check_arguments(
    arguments: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter], class_name: str, of_images: set[str]
) -> None:
    reserved = of_images | {"self", "generator", "output_type", "return_dict", "class_labels", "prompt", "batch_size"}
    reserved |= {"num_images_per_prompt", "latents"}
    accepted = [name for name in parameters if name not in reserved]
    for name in arguments:
        if name not in accepted:
            raise UsageError(f"{class_name} is not given {name!r} here", f"it takes: {', '.join(accepted)}")


def _settings(
    pipeline: Any, arguments: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter]
) -> dict[str, Any]:
    """Every setting that moves a sample, the pipeline's defaults included."""
    told = dict(arguments)
    for name in ("num_inference_steps", "guidance_scale", "eta", "temperature"):
        if name in parameters and name not in told and parameters[name].default is not inspect.Parameter.empty:
            told[name] = parameters[name].default
    known = known_of(type(pipeline).__name__)
    if "guidance_scale" in told and known.classic_guidance:
        told["guidance"] = "u + s (c - u) for s > 1"
    told |= known.written(pipeline.components)
    scheduler = pipeline.components.get("scheduler")
    if scheduler is not None:
        told["scheduler"] = type(scheduler).__name__
        told["scheduler_config"] = {key: value for key, value in scheduler.config.items() if _is_plain(key, value)}
    return told


def _is_plain(key: str, value: Any) -> bool:
    return not key.startswith("_") and isinstance(value, str | int | float | bool | list | tuple | None)


def _network(pipeline: Any) -> Any:
    return pipeline.components.get("transformer") or pipeline.components.get("unet")


def _classes(pipeline: Any) -> int:
    config = getattr(_network(pipeline), "config", {})
    return int(config.get("num_embeds_ada_norm") or config.get("num_class_embeds") or 0)


def _takes_several(parameters: Mapping[str, inspect.Parameter]) -> bool:
    """Whether the call takes a generator for each image: its annotation says so, where there is one."""
    annotation = parameters["generator"].annotation if "generator" in parameters else inspect.Parameter.empty
    return annotation is inspect.Parameter.empty or "list" in str(annotation).lower()


def _autoencoder(pipeline: Any) -> Any:
    return pipeline.components.get("vae") or pipeline.components.get("vqvae")


def _tokenizer(pipeline: Any) -> str:
    autoencoder = _autoencoder(pipeline)
    return "" if autoencoder is None else type(autoencoder).__name__


def _native_size(pipeline: Any) -> int | None:
    """Side that the denoiser was made for, through the stride of the autoencoder."""
    size = getattr(_network(pipeline), "config", {}).get("sample_size")
    vae = _autoencoder(pipeline)
    if not isinstance(size, int):
        return None
    if vae is None:
        return size
    stages = vae.config.get("block_out_channels") or vae.config.get("encoder_block_out_channels")
    return size * 2 ** (len(stages) - 1) if stages else None


def _as_tensor(images: Any, name: str) -> Tensor:
    """``[B,3,H,W]``; some pipelines return arrays whatever they are asked for."""
    import numpy as np
    import torch

    if isinstance(images, np.ndarray):
        images = torch.from_numpy(images).permute(0, 3, 1, 2)
    if not isinstance(images, torch.Tensor) or images.ndim != 4 or images.shape[1] != 3:
        got = list(images.shape) if isinstance(images, torch.Tensor) else type(images).__name__
        raise AdapterError(f"{name} returned {got}, not RGB images [B,3,H,W]")
    return images.float()
