"""Folders that other harnesses leave are scored as they lie."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from vtbench.results.records.record import load_records

CommandLine = Callable[..., "subprocess.CompletedProcess[str]"]

TASK = """
name: as-they-lie
version: 1
kind: reconstruction
summary: Native sizes, no network.
data: {}
preprocess: {preset: native@1}
image_metrics: [psnr, ssim, mae]
block_size: 4
"""


def test_a_vtbench_output_folder(command_line: CommandLine, tmp_path: Path) -> None:
    from skimage.metrics import peak_signal_noise_ratio

    from vtbench.data.embedded.photographs.photos_mini import PhotosMini

    originals, made = tmp_path / "out" / "original_images", tmp_path / "out" / "reconstructed_images"
    originals.mkdir(parents=True)
    made.mkdir()
    data, expected = PhotosMini(), {}
    for number in range(5):
        pixels = np.moveaxis(data[number * 9].image.numpy(), 0, -1)
        blurred = np.array(Image.fromarray(pixels).resize((64, 64)).resize((256, 256)))
        Image.fromarray(pixels).save(originals / f"{number:08d}.png")
        Image.fromarray(blurred).save(made / f"{number:08d}.png")
        expected[number] = peak_signal_noise_ratio(pixels, blurred, data_range=255)
    (made / "00000003.png").unlink()
    Image.new("RGB", (16, 16)).save(made / "00000004.png")
    (tmp_path / "as-they-lie.yaml").write_text(TASK)

    done = command_line("score", "--task", "as-they-lie.yaml", "--pred", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (record,) = load_records(tmp_path / "runs")
    assert record.model.label == "out" and record.data.source == "vtbench-folder,path=out"
    assert record.data.n_scored == 3 and len(record.failures) == 2
    psnr = record.result("psnr")
    assert psnr is not None
    np.testing.assert_allclose(psnr.value, np.mean([expected[number] for number in range(3)]), rtol=1e-9)
    assert "warning: out:" in done.stderr
