"""Images a second of the whole loop, block files and all, and of the bare forward passes that it cannot do without."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from harness import Handed, make_task, measure, plan_job
from networks import seeded_inception
from shapes import alexnet, clip_tower, extractors, image_metrics, pool
from torch import Tensor

from vtbench.core.contracts import Sample
from vtbench.features.inception import InceptionTF
from vtbench.run.device import synchronize
from vtbench.run.measuring.evaluators import Evaluators, required_features

POOL = 256
"""Distinct pairs: more of them would only fill the host's memory."""
WARM_UP = 2
"""Batches before a clock starts."""


class GeneratedPairs:
    """So many pairs, of a pool that comes round again; as a data set it yields the references."""

    def __init__(self, count: int, side: int) -> None:
        self.references, self.predictions = pool(min(count, POOL), side)
        self.ids = tuple(f"pair-{index:06d}" for index in range(count))
        self.fingerprint = f"generated pairs {count} {side}"

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        return Sample(id=self.ids[index], image=self.references[index % len(self.references)])

    def prediction(self, sample: Any) -> Tensor:
        """Of the prepared sample."""
        return self.predictions[int(sample.id.rpartition("-")[2]) % len(self.predictions)]


def whole_loop(count: int, side: int, batch: int, device: torch.device, tiny: bool) -> Callable[[int], float]:
    """A function of a number of pairs: seconds of reading, metrics, features of both sides, and writing."""
    task = make_task("gpu", ["psnr", "ssim", "ms_ssim", "lpips_alex"], ["fid", "fd_clip"], batch)
    needed = required_features(task.set_metrics)
    evaluators = Evaluators(image_metrics(device), extractors(device, tiny), needed)

    def run(pairs: int) -> float:
        images = GeneratedPairs(pairs, side)
        source = Handed("generated", images.prediction, batch)
        with tempfile.TemporaryDirectory() as folder:
            plan = plan_job(source, task, images, Path(folder) / "runs", device)
            synchronize(device)
            begun = time.perf_counter()
            measure(plan, evaluators, device)
            synchronize(device)
            return time.perf_counter() - begun

    run(min(count, WARM_UP * batch))
    return run


def floor(side: int, batch: int, device: torch.device, tiny: bool, rounds: int) -> float:
    """Seconds a pair: Inception, CLIP and AlexNet on both of its images, on inputs that lie ready. Nothing is resized,
    compared or read back."""
    inception = InceptionTF(seeded_inception())._network
    towers = [(network.to(device), size) for network, size in ((inception, 299), (clip_tower(tiny), 224))]
    networks = [*towers, (alexnet().to(device=device, memory_format=torch.channels_last), side)]
    with torch.inference_mode():
        ready = [
            (network, torch.rand(batch, 3, size, size, device=device).contiguous(memory_format=torch.channels_last))
            for network, size in networks
        ]

        def once() -> None:
            for network, images in ready:
                for _ in ("prediction", "reference"):
                    network(images)

        for _ in range(WARM_UP):
            once()
        synchronize(device)
        begun = time.perf_counter()
        for _ in range(rounds):
            once()
        synchronize(device)
    return (time.perf_counter() - begun) / (rounds * batch)
