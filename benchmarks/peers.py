"""What vtbench is compared with: the published metric loop, torch-fidelity, and the bare networks as the floor.

Every contender is built once and run many times; a run returns the time it spent on images and on final scores.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
import torch_fidelity
from machine import Run, Spent
from networks import lpips_backbone, torchvision_without_download
from photographs import Pairs
from torch import Tensor, nn
from torch.utils.data import Dataset
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torchmetrics.image import PeakSignalNoiseRatio, StructuralSimilarityIndexMeasure
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity


class PublishedLoop:
    """The metric loop that VTBench publishes: torchmetrics' defaults, images in [0, 1], FID on bytes.

    Its images come from PNG files; decoding is left out here. ``data_range`` must be given to PSNR since
    torchmetrics 1.8.
    """

    def __init__(self, inception: Path, batch_size: int) -> None:
        self._batch_size = batch_size
        self._psnr = PeakSignalNoiseRatio(data_range=1.0)
        self._ssim = StructuralSimilarityIndexMeasure()
        with torchvision_without_download():
            self._lpips = LearnedPerceptualImagePatchSimilarity()
        self._fid = FrechetInceptionDistance(feature_extractor_weights_path=str(inception))

    @torch.no_grad()
    def __call__(self, pairs: Pairs) -> Run:
        metrics = {"psnr": self._psnr, "ssim": self._ssim, "lpips": self._lpips, "fid": self._fid}
        for metric in metrics.values():
            metric.reset()
        begun = Spent.now()
        for prediction, reference in pairs.batches(self._batch_size):
            made, real = prediction.float() / 255, reference.float() / 255
            for metric in (self._psnr, self._ssim, self._lpips):
                metric.update(made, real)
            self._fid.update((real * 255).to(torch.uint8), real=True)
            self._fid.update((made * 255).to(torch.uint8), real=False)
        measured = Spent.now()
        values = {name: float(metric.compute()) for name, metric in metrics.items()}
        return Run(measured - begun, Spent.now() - measured, values)


class _Clocked(FeatureExtractorInceptionV3):
    """torch-fidelity's own network, which notes when it was first called and when it last returned."""

    first: ClassVar[Spent | None] = None
    last: ClassVar[Spent] = Spent()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        if _Clocked.first is None:
            _Clocked.first = Spent.now()
        features: tuple[Tensor, ...] = super().forward(x)
        _Clocked.last = Spent.now()
        return features


class _Images(Dataset[Tensor]):
    def __init__(self, images: Tensor) -> None:
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Tensor:
        return self._images[index]


class TorchFidelity:
    """``calculate_metrics`` for FID, KID and IS in one pass over two sets in memory, without its file cache.

    ``save_cpu_ram`` keeps it from starting loader processes, which images in memory do not need. Building the network
    is not counted.
    """

    def __init__(self, inception: Path, batch_size: int, kid_subset_size: int) -> None:
        torch_fidelity.register_feature_extractor("clocked", _Clocked)
        self._options: dict[str, Any] = {
            "feature_extractor": "clocked",
            "feature_extractor_weights_path": str(inception),
            "batch_size": batch_size,
            "kid_subset_size": kid_subset_size,
            "cuda": False,
            "cache": False,
            "save_cpu_ram": True,
            "verbose": False,
        }

    def __call__(self, pairs: Pairs) -> Run:
        _Clocked.first = None
        values = torch_fidelity.calculate_metrics(
            input1=_Images(pairs.predictions),
            input2=_Images(pairs.references),
            fid=True,
            kid=True,
            isc=True,
            **self._options,
        )
        ended = Spent.now()
        assert _Clocked.first is not None
        named = {
            "fid": values["frechet_inception_distance"],
            "kid": values["kernel_inception_distance_mean"],
            "is_mean": values["inception_score_mean"],
        }
        return Run(_Clocked.last - _Clocked.first, ended - _Clocked.last, named)


class Floor:
    """The least that any harness must do: bare forward passes on inputs that are ready beforehand.

    Inception sees the predictions, AlexNet (where LPIPS is asked for) predictions and references. No resize, no
    normalisation, no scores: float32 inputs of the network's size, conv and batch norm fused, ``channels_last``.
    """

    def __init__(self, inception: Path, batch_size: int, with_lpips: bool) -> None:
        network = FeatureExtractorInceptionV3("floor", ["2048"], feature_extractor_weights_path=str(inception))
        for block in list(network.modules()):
            if hasattr(block, "bn"):
                block.conv, block.bn = torch.nn.utils.fuse_conv_bn_eval(block.conv, block.bn), nn.Identity()
        children = [child for name, child in network.named_children() if name != "fc"]
        self._inception = nn.Sequential(*children).to(memory_format=torch.channels_last)
        self._alexnet = lpips_backbone().to(memory_format=torch.channels_last) if with_lpips else None
        self._batch_size = batch_size

    @torch.inference_mode()
    def __call__(self, pairs: Pairs) -> Run:
        spent = Spent()
        for prediction, reference in pairs.batches(self._batch_size):
            resized = nn.functional.interpolate(_unit(prediction), (299, 299), mode="bilinear")
            inputs = [resized.contiguous(memory_format=torch.channels_last)]
            if self._alexnet is not None:
                inputs += [_unit(prediction), _unit(reference)]
            begun = Spent.now()
            self._inception(inputs[0])
            for images in inputs[1:]:
                assert self._alexnet is not None
                self._alexnet(images)
            spent += Spent.now() - begun
        return Run(spent, Spent(), {})


def _unit(images: Tensor) -> Tensor:
    return (images.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
