"""``vtbench run`` as a user types it: tables, failures, refusals."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vtbench.results.records.record import RunRecord, load_records, read_record

CommandLine = Callable[..., "subprocess.CompletedProcess[str]"]

PIXELS_ONLY = """
name: pixels
version: 1
kind: reconstruction
summary: No network.
data: {}
preprocess: {preset: adm-center-crop@1, size: 64}
image_metrics: [psnr, ssim, mae]
code_metrics: [bits_per_pixel, tokens_per_image, codebook_usage]
block_size: 4
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of ten real crops, and a task without networks."""
    from vtbench.data.embedded.photographs.photos_mini import PhotosMini

    folder = tmp_path / "photos"
    folder.mkdir()
    data = PhotosMini()
    for position in range(10):
        pixels = np.moveaxis(data[position].image.numpy(), 0, -1)
        Image.fromarray(pixels[:128, :96]).save(folder / f"{position:02d}.png")
    (tmp_path / "pixels.yaml").write_text(PIXELS_ONLY)
    return folder


def run_pixels(command_line: CommandLine, photos: Path, tokenizer: str, *more: str) -> subprocess.CompletedProcess[str]:
    return command_line(
        "run", "--task", "pixels.yaml", "--data", "photos", "--tokenizer", tokenizer, *more, cwd=photos.parent
    )


def only_record(folder: Path) -> RunRecord:
    (record,) = load_records(folder)
    return record


def test_identity_is_exact_and_the_table_goes_to_stdout(photos: Path, command_line: CommandLine) -> None:
    done = run_pixels(command_line, photos, "identity", "--json")
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
    record = only_record(photos.parent / "runs")
    values = {result.metric: result.value for result in record.results if result.stratum == "all"}
    assert values["psnr"] == float("inf") and values["ssim"] == 1.0 and values["mae"] == 0.0
    assert values["bits_per_pixel"] == 24.0
    assert record.status == "complete" and record.data.n_scored == 10 and record.data.scored_size == (64, 64)


def test_bad_files_are_recorded_and_the_rest_is_scored(photos: Path, command_line: CommandLine) -> None:
    (photos / "empty.png").touch()
    (photos / "text.jpg").write_text("not an image")
    whole = (photos / "03.png").read_bytes()
    (photos / "cut.png").write_bytes(whole[: len(whole) // 2])
    done = run_pixels(command_line, photos, "jpeg,quality=30")
    assert done.returncode == 0, done.stderr
    record = only_record(photos.parent / "runs")
    assert {failure.id for failure in record.failures} == {"empty.png", "text.jpg", "cut.png"}
    assert all(failure.stage == "decode" and failure.message for failure in record.failures)
    assert (record.data.n_scored, record.data.n_failed, record.status) == (10, 3, "partial")
    assert "3 of 13 samples" in done.stderr
    strict = run_pixels(command_line, photos, "jpeg,quality=30", "--strict", "--fresh")
    assert strict.returncode == 1 and "cut.png" in strict.stderr


def test_a_model_that_fails_on_some_images_loses_only_those(photos: Path, command_line: CommandLine) -> None:
    (photos.parent / "moody.py").write_text(
        "import torch\n"
        "from vtbench.core.info import TokenizerInfo\n"
        "class Moody:\n"
        "    info = TokenizerInfo(name='moody', kind='continuous')\n"
        "    seen = 0\n"
        "    def reconstruct(self, images):\n"
        "        means = images.mean(dim=(1, 2, 3))\n"
        "        order = means.sort().values\n"
        "        out = images * 0.9\n"
        "        out[means > 0.55] = float('nan')\n"
        "        if (means < 0.25).any():\n"
        "            raise ValueError('too dark')\n"
        "        return out\n"
    )
    done = run_pixels(command_line, photos, "./moody.py:Moody")
    assert done.returncode == 0, done.stderr
    record = only_record(photos.parent / "runs")
    messages = {failure.message for failure in record.failures}
    assert record.data.n_scored + len(record.failures) == 10 and 0 < len(record.failures) < 10
    assert all(failure.stage == "model" for failure in record.failures)
    assert any("too dark" in text for text in messages) or any("non-finite" in text for text in messages)
    assert record.result("psnr") is not None and record.result("bits_per_pixel") is None


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return images[:, :, :-1]", "returned"),
        ("raise RuntimeError('no such layer')", "no such layer"),
    ],
)
def test_a_broken_model_fails_its_job_and_no_other(
    photos: Path, command_line: CommandLine, body: str, told: str
) -> None:
    (photos.parent / "broken.py").write_text(
        "from vtbench.core.info import TokenizerInfo\n"
        "class Broken:\n"
        "    info = TokenizerInfo(name='broken', kind='continuous')\n"
        f"    def reconstruct(self, images):\n        {body}\n"
    )
    done = run_pixels(command_line, photos, "./broken.py:Broken", "--tokenizer", "identity")
    assert done.returncode == 1
    assert told in done.stderr and "Traceback" not in done.stderr
    assert [record.model.name for record in load_records(photos.parent / "runs")] == ["identity"]


@pytest.mark.parametrize(
    "gone",
    [
        "raise torch.OutOfMemoryError('out of memory')",
        "torch.empty(len(images), 2**50)",  # the CPU's allocator raises a plain RuntimeError
        "raise RuntimeError('cuDNN error: CUDNN_STATUS_ALLOC_FAILED')",
    ],
)
def test_out_of_memory_halves_the_batch_and_is_recorded(photos: Path, command_line: CommandLine, gone: str) -> None:
    (photos.parent / "hungry.py").write_text(
        "import torch\n"
        "from vtbench.core.info import TokenizerInfo\n"
        "class Hungry:\n"
        "    info = TokenizerInfo(name='hungry', kind='continuous')\n"
        "    def reconstruct(self, images):\n"
        "        if len(images) > 1:\n"
        f"            {gone}\n"
        "        return images\n"
    )
    done = run_pixels(command_line, photos, "./hungry.py:Hungry")
    assert done.returncode == 0, done.stderr
    record = only_record(photos.parent / "runs")
    assert record.data.n_scored == 10
    assert record.performance.events == ("out of memory: batch size 4 -> 2", "out of memory: batch size 2 -> 1")


def test_a_fixed_size_model_is_resized_in_and_back_and_the_record_says_so(
    photos: Path, command_line: CommandLine
) -> None:
    (photos.parent / "fixed.py").write_text(
        "from vtbench.core.info import TokenizerInfo\n"
        "class Fixed:\n"
        "    info = TokenizerInfo(name='fixed', kind='continuous', native_size=128, fixed_size=True)\n"
        "    def reconstruct(self, images):\n"
        "        assert images.shape[-2:] == (128, 128)\n"
        "        return images\n"
    )
    done = run_pixels(command_line, photos, "./fixed.py:Fixed")
    assert done.returncode == 0, done.stderr
    record = only_record(photos.parent / "runs")
    assert record.model.resized_in_out is not None and "64x64 -> 128x128 -> 64x64" in record.model.resized_in_out
    psnr = record.result("psnr")
    assert psnr is not None and 30 < psnr.value < float("inf")


def test_editing_a_users_file_is_a_new_job(photos: Path, command_line: CommandLine) -> None:
    file = photos.parent / "mine.py"
    text = (
        "from vtbench.core.info import TokenizerInfo\n"
        "class Mine:\n"
        "    info = TokenizerInfo(name='mine', kind='continuous')\n"
        "    def reconstruct(self, images):\n        return images * {gain}\n"
    )
    values = []
    for gain in ("0.5", "0.9"):
        file.write_text(text.format(gain=gain))
        done = run_pixels(command_line, photos, "./mine.py:Mine", "--json")
        assert done.returncode == 0, done.stderr
    values = sorted(record.result("psnr").value for record in load_records(photos.parent / "runs"))  # type: ignore[union-attr]
    assert len(values) == 2 and values[1] - values[0] > 5


def test_scoring_a_folder_equals_running_the_model(photos: Path, command_line: CommandLine, tmp_path: Path) -> None:
    from vtbench.core.naming.reference import parse_reference
    from vtbench.core.pixels import to_uint8, to_unit
    from vtbench.data.open import open_data
    from vtbench.data.preparing.presets import make_preset
    from vtbench.tokenizers import TOKENIZERS

    model = TOKENIZERS.create(parse_reference("jpeg,quality=10"))
    preset, made = make_preset("adm-center-crop", 64), tmp_path / "made"
    made.mkdir()
    data = open_data(str(photos))
    for position in range(len(data)):
        sample = preset.prepare(data[position])
        output = to_uint8(model.decode(model.encode(to_unit(sample.model_input[None]))))[0]
        Image.fromarray(np.moveaxis(output.numpy(), 0, -1)).save(made / f"{Path(sample.id).stem}.png")
    (made / "00.png").unlink()
    Image.new("RGB", (8, 8)).save(made / "stranger.png")
    Image.new("RGB", (8, 8)).save(made / "01.png")

    ran = run_pixels(command_line, photos, "jpeg,quality=10")
    scored = command_line(
        "score", "--task", "pixels.yaml", "--data", "photos", "--pred", "made", "--out", "scored", cwd=tmp_path
    )
    assert ran.returncode == 0 and scored.returncode == 0, scored.stderr
    record = only_record(tmp_path / "scored")
    assert {failure.id for failure in record.failures} == {"00.png", "01.png"}
    assert any("stranger" in warning for warning in record.warnings)
    import vtbench

    frames = [vtbench.samples_frame(tmp_path / name).set_index("id")["psnr"] for name in ("runs", "scored")]
    shared = [f"{n:02d}.png" for n in range(2, 10)]
    assert frames[0][shared].tolist() == frames[1][shared].tolist()

    task = ("--task", "pixels.yaml", "--data", "photos", "--out", "read")
    read = command_line("run", *task, "-t", "images,path=made,name=mine", "-t", "identity", cwd=tmp_path)
    assert read.returncode == 0, read.stderr
    records = {record.model.reference: record for record in vtbench.load_records(tmp_path / "read")}
    assert set(records) == {"images,path=made,name=mine", "identity"}
    made = records["images,path=made,name=mine"]
    assert made.model.name == "mine"
    assert made.result("psnr").value == record.result("psnr").value  # type: ignore[union-attr]
    for wrong, told in (("images", "'path'"), ("images,path=made,quality=3", "'quality'")):
        refused = command_line("run", *task, "-t", wrong, cwd=tmp_path)
        assert refused.returncode == 2 and told in refused.stderr


def test_a_program_is_run_and_its_failures_are_those_of_its_samples(
    photos: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(
        "import json, sys\n"
        "from PIL import Image\n"
        "for line in sys.stdin:\n"
        "    request = json.loads(line)\n"
        "    image = Image.open(request['image'])\n"
        "    if image.getpixel((0, 0))[0] % 2:\n"
        "        print(json.dumps({'id': request['id'], 'error': 'refused by policy'}))\n"
        "    else:\n"
        "        image.save(request['output'])\n"
    )
    done = run_pixels(command_line, photos, f'command,run="{sys.executable} program.py",name=closed')
    assert done.returncode == 0, done.stderr
    record = only_record(tmp_path / "runs")
    assert record.model.name == "closed" and "\nclosed\t" in done.stdout
    assert 0 < len(record.failures) < record.data.n_expected
    assert all("refused by policy" in failure.message for failure in record.failures)
    psnr = record.result("psnr")
    assert psnr is not None and psnr.value == math.inf


def test_ids_that_try_to_leave_the_run_folder_stay_inside(command_line: CommandLine, tmp_path: Path) -> None:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(buffer, "PNG")
    images = [{"bytes": buffer.getvalue(), "path": name} for name in ("../../../evil.png", "/tmp/evil2.png")]
    pq.write_table(pa.table({"image": images}), tmp_path / "d.parquet")
    (tmp_path / "pixels.yaml").write_text(PIXELS_ONLY)
    (tmp_path / "in").mkdir()
    before = {path for path in tmp_path.rglob("*") if "runs" not in path.parts}
    done = command_line(
        "run", "--task", "pixels.yaml", "--data", "d.parquet", "--tokenizer", "jpeg", "--out", "in/runs", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert {path for path in tmp_path.rglob("*") if "runs" not in path.parts} == before
    assert len(list((tmp_path / "in").rglob("previews/*.webp"))) == 2


def test_rescore_needs_only_the_run_folder(workplace: Path, command_line: CommandLine) -> None:
    done = command_line(
        "run", "--task", "small.yaml", "--limit", "12", "--tokenizer", "./grains.py:Grains", cwd=workplace
    )
    assert done.returncode == 0, done.stderr
    before = only_record(workplace / "runs")
    moved = workplace / "elsewhere"
    shutil.move(str(workplace / "runs"), moved)
    (workplace / "grains.py").unlink()
    again = command_line("rescore", "elsewhere", cwd=workplace, env={"VTBENCH_OFFLINE": "1"})
    assert again.returncode == 0, again.stderr
    assert only_record(moved).results_digest() == before.results_digest()
    more = command_line("rescore", "elsewhere", "--metric", "precision_efflite0", cwd=workplace)
    assert more.returncode == 0, more.stderr
    added = only_record(moved).result("precision_efflite0")
    assert added is not None and 0 <= added.value <= 1


def test_a_task_cannot_construct_objects(command_line: CommandLine, tmp_path: Path) -> None:
    trap = tmp_path / "trap.yaml"
    trap.write_text("name: !!python/object/apply:os.system ['touch pwned']\nversion: 1\n")
    done = command_line("run", "--task", "trap.yaml", "--tokenizer", "identity", cwd=tmp_path)
    assert done.returncode == 2 and "not YAML" in done.stderr
    assert not (tmp_path / "pwned").exists()


def test_corrupt_block_files_are_named_and_measured_again(workplace: Path, command_line: CommandLine) -> None:
    arguments = ["run", "--task", "small.yaml", "--limit", "8", "--tokenizer", "jpeg,quality=20"]
    assert command_line(*arguments, cwd=workplace).returncode == 0
    record = next((workplace / "runs").rglob("record.json"))
    record.unlink()
    block = next((workplace / "runs").rglob("blocks/00001.safetensors"))
    block.write_bytes(block.read_bytes()[:50])
    done = command_line(*arguments, cwd=workplace)
    assert done.returncode == 0 and "1 blocks measured again" in done.stderr and "00001.safetensors" in done.stderr
    assert read_record(record).data.n_scored == 8
