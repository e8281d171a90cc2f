"""A small real task and a small real tokenizer, as files, for runs in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TASK = """
name: small
version: 1
kind: reconstruction
summary: Photographs, cheap metrics, one network.
data: {source: photos-mini}
preprocess: {preset: native@1}
image_metrics: [psnr, psnr_pooled, ssim, mae]
set_metrics:
  - {name: kid_efflite0, params: {subset_size: 8, subsets: 20, paired: true}}
  - fd_efflite0
code_metrics: [bits_per_pixel, tokens_per_image, codebook_usage, code_entropy_bits]
block_size: 4
previews: {fixed: 2, worst: 2}
"""

TOKENIZER = '''
import time
import torch
import torch.nn.functional as F
from vtbench.core.codes import Codes
from vtbench.core.info import TokenizerInfo


class Grains:
    """Four-level greys at a quarter of the size, with noise drawn from each sample's own seed."""

    def __init__(self, pause: float = 0.0) -> None:
        self.info = TokenizerInfo(name="grains", kind="discrete", codebook_sizes=(16,), stochastic=True)
        self.pause = pause

    def encode(self, images, seeds):
        time.sleep(self.pause * len(images))
        small = F.avg_pool2d(images.mean(1, keepdim=True), 4)
        noise = [torch.rand(small.shape[1:], generator=torch.Generator().manual_seed(int(s))) for s in seeds]
        codes = (small * 15 + torch.stack(noise)).floor().clamp(0, 15)
        return Codes(levels=(codes[:, 0].long(),), image_size=tuple(images.shape[-2:]))

    def decode(self, codes, seeds):
        grey = codes.levels[0][:, None].float() / 15
        return F.interpolate(grey, scale_factor=4).expand(-1, 3, -1, -1)
'''


GENERATION = """
name: few-samples
version: 1
kind: generation
summary: A handful of samples and their codes, compared with nothing.
conditions: {of: classes, classes: 3, count: 6}
preprocess: {preset: native@1}
code_metrics: [bits_per_pixel, tokens_per_image, codebook_usage, code_entropy_bits]
block_size: 6
table: [codebook_usage]
"""


@pytest.fixture(scope="session")
def every_kind_of_task(tmp_path_factory: pytest.TempPathFactory, command_in: Callable[..., Any]) -> Path:
    """A folder whose ``runs`` hold reconstruction, detail with strata, text, block metrics and generation, in one."""
    folder = tmp_path_factory.mktemp("every-kind")
    (folder / "few-samples.yaml").write_text(GENERATION)
    tasks = ("photos-mini", "patterns-mini", "english-mini", "vtbench-released-256", "few-samples.yaml")
    models = ("jpeg,quality=5", "jpeg,quality=30", "patch-rvq")
    words = [*(w for task in tasks for w in ("--task", task)), *(w for model in models for w in ("-t", model))]
    done = command_in(folder, "run", "--offline", *words, "-g", "tiny-ar", "--limit", "3", "--json")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with ``small.yaml`` and ``grains.py``."""
    (tmp_path / "small.yaml").write_text(TASK)
    (tmp_path / "grains.py").write_text(TOKENIZER)
    return tmp_path


@pytest.fixture
def kill_when() -> Callable[..., None]:
    """Start ``vtbench`` with these arguments, and SIGKILL its whole process group once a condition holds."""

    def run(arguments: list[str], cwd: Path, condition: Callable[[], bool], timeout: float = 120) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "vtbench", *arguments],
            cwd=cwd,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + timeout
        while not condition():
            assert process.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < deadline, "the run never came so far"
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL

    return run
