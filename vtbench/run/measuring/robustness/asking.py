"""One batch and the model that made something of it: what can be asked of the two, and scored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.errors import SampleError
from vtbench.core.foreign.guard import foreign
from vtbench.core.foreign.returned import one_number_each
from vtbench.core.outside.tensor_files import Array
from vtbench.core.pixels import to_unit
from vtbench.core.seeds import sample_seed
from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.measuring.model import LoadedModel
from vtbench.run.measuring.predict import at_rest, restored
from vtbench.run.measuring.robustness.answers import Asked
from vtbench.run.measuring.tally import feature_key, runs_of_equal_shape


@dataclass(frozen=True, eq=False)
class Asking:
    """Both encodings that are compared are of one batch: what arithmetic makes of a batch's size is in neither or in
    both. A stochastic model gets each image's seed again, so that what differs is what was changed.

    Attributes:
        model: on its device.
        evaluators: metrics of image pairs and extractors.
        seed: the run's.
        batch: the images, and what the model made of them.
    """

    model: LoadedModel
    evaluators: Evaluators
    seed: int
    batch: Asked

    def encoded(self, images: Tensor) -> Codes:
        """Of ``uint8 [B,3,h,w]``, altered or reconstructed."""
        return self.model.encode(to_unit(images.to(self.model.device)), self.batch.seeds)

    def decoded(self, codes: Codes) -> Tensor:
        """Codes to ``uint8 [B,3,h,w]`` on the CPU.

        Raises:
            SampleError: an image has values that are not finite.
        """
        height, width = self.batch.pixels.shape[-2:]
        return self._at_rest(self.model.decode(codes, height, width, self.batch.seeds))

    def reconstructed(self, images: Tensor) -> Tensor:
        """``uint8 [B,3,h,w]`` to the same, by a model without codes."""
        return self._at_rest(self.model.reconstruct(to_unit(images.to(self.model.device)), self.batch.seeds).images)

    def own_seeds(self, purpose: str) -> list[int]:
        """Of what is drawn here, apart from the model's own: each from its image's id."""
        return [sample_seed(self.seed, f"{purpose}\x00{sample.id}") for sample in self.batch.samples]

    def scored(self, metric: Any, pixels: Tensor) -> list[float]:
        """Rows of a metric of image pairs, of ``uint8 [B,3,h,w]`` against the references."""
        values: list[float] = []
        for span, images in self._as_scored(pixels):
            samples = self.batch.samples[span]
            reference = torch.stack([sample.reference for sample in samples]).to(self.model.device)
            with torch.inference_mode(), foreign(f"metric {metric.info.name}"):
                found = metric(images, reference, [sample.target for sample in samples])
            values += one_number_each(f"metric {metric.info.name}", found, len(samples))
        return values

    def features(self, pixels: Tensor) -> dict[str, Array]:
        """Every feature of the task, of ``uint8 [B,3,h,w]``, by its name in a block's file."""
        parts: dict[str, list[Array]] = {}
        for _, images in self._as_scored(pixels):
            for name, extractor in self.evaluators.extractors.items():
                with torch.inference_mode(), foreign(f"features {name}"):
                    found = extractor(images)
                for feature in self.evaluators.features[name]:
                    parts.setdefault(feature_key(name, feature), []).append(found[feature].cpu().numpy())
        return {key: np.concatenate(arrays) for key, arrays in parts.items()}

    def _as_scored(self, pixels: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Some of one shape at a time, at the references' size."""
        whole = [restored(sample, image) for sample, image in zip(self.batch.samples, pixels, strict=True)]
        for span in runs_of_equal_shape(whole):
            yield span, torch.stack(whole[span]).to(self.model.device)

    def _at_rest(self, images: Tensor) -> Tensor:
        if not bool(torch.isfinite(images).all()):
            raise SampleError("what it makes of changed codes, or of its own output, has non-finite values")
        return torch.stack([image.cpu() for image in at_rest(self.batch.samples, images)])
