"""The peers on the same card: torchmetrics' loop over batches, and torch-fidelity's ``calculate_metrics``. Either may
be missing. Both take the random Inception by path; torchmetrics its AlexNet from here."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

import torch
from networks import save_weights, seeded_inception
from shapes import alexnet, pool
from torch import Tensor
from torch.utils.data import Dataset

from vtbench.run.device import synchronize


class _Repeated(Dataset[Tensor]):
    def __init__(self, images: Tensor, count: int) -> None:
        self._images, self._count = images, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Tensor:
        return self._images[index % len(self._images)]


def seconds_of_peers(count: int, side: int, batch: int, device: torch.device) -> dict[str, float]:
    """By name, seconds for so many pairs; warm, and without what is computed after the last image where it can be told
    apart."""
    references, predictions = pool(min(count, 256), side)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        weights = save_weights(seeded_inception(), Path(folder))
        if find_spec("torchmetrics"):
            found["torchmetrics: PSNR, SSIM, MS-SSIM, LPIPS, FID"] = _torchmetrics(
                references, predictions, count, batch, device, weights
            )
        if find_spec("torch_fidelity"):
            found["torch-fidelity: FID"] = _fidelity(references, predictions, count, batch, device, weights)
    return found


def _batches(references: Tensor, predictions: Tensor, count: int, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, count, batch):
        chosen = torch.arange(start, min(start + batch, count)) % len(references)
        yield references[chosen], predictions[chosen]


def _torchmetrics(
    references: Tensor, predictions: Tensor, count: int, batch: int, device: torch.device, weights: Path
) -> float:
    from torchmetrics.image import MultiScaleStructuralSimilarityIndexMeasure as MsSsim
    from torchmetrics.image import PeakSignalNoiseRatio, StructuralSimilarityIndexMeasure
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    with patch("torchmetrics.functional.image.lpips._get_tv_model_features", lambda *_, **__: alexnet()):
        perceptual = LearnedPerceptualImagePatchSimilarity().to(device)
    pairwise = [PeakSignalNoiseRatio(data_range=1.0), StructuralSimilarityIndexMeasure(data_range=1.0)]
    pairwise = [metric.to(device) for metric in (*pairwise, MsSsim(data_range=1.0))]
    distance = FrechetInceptionDistance(feature_extractor_weights_path=str(weights)).to(device)

    @torch.inference_mode()
    def run(pairs: int) -> float:
        synchronize(device)
        begun = time.perf_counter()
        for reference, prediction in _batches(references, predictions, pairs, batch):
            real, made = reference.to(device), prediction.to(device)
            for metric in (*pairwise, perceptual):
                metric.update(made.float() / 255, real.float() / 255)
            distance.update(real, real=True)
            distance.update(made, real=False)
        synchronize(device)
        return time.perf_counter() - begun

    run(min(count, batch))
    return run(count)


def _fidelity(
    references: Tensor, predictions: Tensor, count: int, batch: int, device: torch.device, weights: Path
) -> float:
    import torch_fidelity

    def run(pairs: int) -> float:
        begun = time.perf_counter()
        torch_fidelity.calculate_metrics(
            input1=_Repeated(predictions, pairs), input2=_Repeated(references, pairs), fid=True,
            feature_extractor_weights_path=str(weights), batch_size=batch, cuda=device.type == "cuda",
            cache=False, save_cpu_ram=True, verbose=False,
        )  # fmt: skip
        synchronize(device)
        return time.perf_counter() - begun

    few = min(count, 2 * batch)  # what does not grow with the set is taken off
    return run(count) if count <= 2 * few else count * (run(count) - run(few)) / (count - few)
