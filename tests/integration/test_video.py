"""A task of clips the whole way: frame by frame and by a tokenizer of clips, resumed, scored again, reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import vtbench
from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError, UsageError
from vtbench.core.info import TokenizerInfo
from vtbench.data.embedded.photographs.photos_mini import PhotosMini
from vtbench.data.sources.videos.dataset import Videos
from vtbench.results.records.record import RunRecord, load_records
from vtbench.results.records.samples import SAMPLES_FILE, read_samples
from vtbench.run.rescore import rescore
from vtbench.run.verifying.walk import verify

FRAMES = 3
TASK = """
name: clips
version: 1
kind: video
summary: Small.
frames: 3
data: {folder_as: "videos,clips=all"}
preprocess: {preset: bilinear-antialias@1, size: 32}
video_metrics: [video_psnr, frame_psnr, temporal_flicker]
code_metrics: [bits_per_pixel, tokens_per_clip, codebook_usage]
block_size: 2
previews: {fixed: 2, worst: 1, by: video_psnr}
"""
IMAGES = """
name: images
version: 1
kind: reconstruction
summary: Small.
preprocess: {preset: bilinear-antialias@1, size: 32}
image_metrics: [psnr]
code_metrics: [bits_per_pixel, tokens_per_image]
block_size: 2
"""


class Averaging:
    """A tokenizer of clips: every frame is the mean of all, so nothing flickers and what moves is lost."""

    def __init__(self, clip_frames: int | None = None, video: bool = True) -> None:
        self.info = TokenizerInfo(
            name="averaging", kind="continuous", latent_bits=8.0, video=video, clip_frames=clip_frames
        )
        self.seen: list[tuple[int, ...]] = []

    def encode(self, clips: torch.Tensor) -> Codes:
        self.seen.append(tuple(clips.shape))
        mean = (clips.mean(1) * 255).round() / 255
        return Codes(latents=mean[:, :, None].contiguous(), image_size=tuple(clips.shape[-2:]))

    def decode(self, codes: Codes) -> torch.Tensor:
        assert codes.latents is not None
        return codes.latents.transpose(1, 2).expand(-1, FRAMES, -1, -1, -1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three videos of a window that moves over a photograph: 3, 6 and 7 frames of 40 to 44 pixels, so five clips."""
    place = tmp_path_factory.mktemp("video")
    photograph = PhotosMini()[3].image.permute(1, 2, 0).numpy()
    for video, (frames, side, speed) in enumerate(((3, 40, 0), (6, 44, 3), (7, 42, 5))):
        folder = place / "videos" / "class" / f"v{video}"
        folder.mkdir(parents=True)
        for frame in range(frames):
            left = 40 * video + speed * frame
            Image.fromarray(photograph[20 : 20 + side, left : left + side]).save(folder / f"{frame:03d}.png")
    (place / "clips.yaml").write_text(TASK)
    (place / "images.yaml").write_text(IMAGES)
    return place


def _run(place: Path, model: Any, **options: Any) -> RunRecord:
    task = options.pop("task", place / "clips.yaml")
    data = options.pop("data", str(place / "videos"))
    (outcome,) = vtbench.evaluate(model, str(task), data=data, device="cpu", **options).records
    return outcome


def _values(record: RunRecord) -> dict[str, float]:
    return {f"{result.metric}[{result.stratum}]": result.value for result in record.results}


@pytest.fixture(scope="module")
def jpeg(place: Path) -> RunRecord:
    return _run(place, "jpeg,quality=30", out=place / "runs")


def test_an_image_tokenizer_is_given_each_frame_by_itself(place: Path, jpeg: RunRecord) -> None:
    of_images = _run(place, "jpeg,quality=30", task=place / "images.yaml", data=_folder_of_frames(place))
    assert jpeg.status == "complete" and jpeg.data.n_scored == 5 and jpeg.data.scored_size == (32, 32)
    assert _value(jpeg, "bits_per_pixel") == pytest.approx(_value(of_images, "bits_per_pixel"), rel=1e-12)
    assert _value(jpeg, "frame_psnr") == pytest.approx(_value(of_images, "psnr"), rel=1e-9)
    assert _value(jpeg, "tokens_per_clip") == pytest.approx(FRAMES * _value(of_images, "tokens_per_image"), rel=1e-12)
    assert jpeg.model.reference == "jpeg,quality=30" and jpeg.config.resolved["clips"] == "frame by frame"
    assert "an image tokenizer, which is given each frame by itself" in jpeg.warnings
    assert jpeg.model.bits_per_image == pytest.approx(_value(jpeg, "bits_per_pixel") * 32 * 32 * FRAMES)


def _folder_of_frames(place: Path) -> str:
    """The frames of all clips, as images: the seventh of the longest video is in none."""
    folder = place / "frames"
    folder.mkdir(exist_ok=True)
    for path in (place / "videos").rglob("*.png"):
        if path.name != "006.png":
            (folder / f"{path.parent.name}-{path.name}").write_bytes(path.read_bytes())
    return str(folder)


def _value(record: RunRecord, metric: str) -> float:
    result = record.result(metric)
    assert result is not None, metric
    return result.value


def test_the_name_frames_is_the_same(place: Path, jpeg: RunRecord) -> None:
    assert _values(_run(place, "frames,of='jpeg,quality=30',at_once=2")) == _values(jpeg)


def test_identity_neither_errs_nor_flickers(place: Path) -> None:
    record = _run(place, "identity")
    assert _value(record, "video_psnr") == float("inf") and _value(record, "temporal_flicker") == 0.0
    assert _value(record, "bits_per_pixel") == 24.0


@pytest.mark.parametrize("options", [{"batch_size": 1}, {"batch_size": 2, "workers": 2}], ids=["alone", "workers"])
def test_batches_and_workers_move_nothing(place: Path, jpeg: RunRecord, options: dict[str, Any]) -> None:
    assert _values(_run(place, "jpeg,quality=30", **options)) == _values(jpeg)


def test_a_tokenizer_of_clips_is_given_clips(place: Path) -> None:
    model = Averaging(FRAMES)
    record = _run(place, model)
    assert set(model.seen) <= {(1, 3, 3, 32, 32), (2, 3, 3, 32, 32)} and model.seen
    assert _value(record, "bits_per_pixel") == pytest.approx(24 / FRAMES)
    assert "clips" not in record.config.resolved
    dataset = Videos(place / "videos", frames=FRAMES, clips="all")
    change = [np.abs(np.diff(_prepared(dataset, index), axis=0)).mean() for index in range(len(dataset))]
    assert _value(record, "temporal_flicker") == pytest.approx(np.mean(change), rel=1e-9)  # the prediction stands still


def _prepared(dataset: Videos, index: int) -> np.ndarray:
    from vtbench.data.preparing.presets import make_preset

    prepared = make_preset("bilinear-antialias@1", 32, FRAMES).prepare(dataset[index])
    assert prepared.reference is prepared.model_input
    return prepared.reference.numpy().astype(np.float64)


def test_a_killed_run_goes_on_and_can_be_scored_again(place: Path, jpeg: RunRecord) -> None:
    (folder,) = (place / "runs" / "clips").glob("*/*")
    rows = read_samples(folder / SAMPLES_FILE)
    assert {"video_psnr", "frame_psnr", "temporal_flicker", "bits_per_pixel", "tokens_per_clip"} == set(rows.metrics)
    rescore(folder)
    (record,) = load_records(folder)
    assert _values(record) == _values(jpeg)
    assert [finding.status for finding in verify([place / "runs"])] == ["ok"]
    blocks = sorted((folder / "blocks").iterdir())
    (folder / "record.json").unlink()
    for path in blocks[-2:]:
        path.unlink()
    assert _values(_run(place, "jpeg,quality=30", out=place / "runs")) == _values(jpeg)


def test_pictures_are_strips_one_below_another(place: Path, jpeg: RunRecord) -> None:
    from vtbench.report.gather import read_boards
    from vtbench.report.page import html_page
    from vtbench.report.pictures import grids

    (folder,) = (place / "runs" / "clips").glob("*/*")
    files = sorted((folder / "previews").glob("*.webp"))
    assert 2 <= len(files) <= 3
    picture = np.asarray(Image.open(files[0]).convert("RGB"))
    assert picture.shape == (3 * 32 + 8, 3 * 32 + 8, 3)
    original = np.concatenate([picture[:32, start : start + 32] for start in (0, 36, 72)])
    dataset = Videos(place / "videos", frames=FRAMES, clips="all")
    assert np.array_equal(original, _prepared(dataset, 0).transpose(0, 2, 3, 1).reshape(96, 32, 3))
    (board,) = read_boards([folder])
    (first, _) = grids(board)
    assert first.shots[0].original != first.shots[0].prediction and first.shots[0].caption.endswith("dB")
    page = html_page([board])
    assert 'class="shots strips"' in page and "Worst clip of each model" in page
    assert "Single clips" in page and "Single images" not in page


def test_what_does_not_fit_is_refused_before_any_work(place: Path) -> None:
    folder = _folder_of_frames(place)
    with pytest.raises(UsageError, match="images lie in"):
        _run(place, "identity", data=folder)
    with pytest.raises(UsageError, match="photos-mini holds images, and task clips takes clips of 3 frames"):
        _run(place, "identity", data="photos-mini")
    with pytest.raises(UsageError, match="holds clips of 2 frames, and task clips takes 3"):
        _run(place, "identity", data=f"videos,path={place / 'videos'},frames=2")
    with pytest.raises(UsageError, match="holds clips, and task images takes images"):
        _run(place, "identity", task=place / "images.yaml", data=f"videos,path={place / 'videos'},frames=3")
    with pytest.raises(UsageError, match="averaging takes clips, and no images, and images takes images"):
        _run(place, Averaging(), task=place / "images.yaml", data=folder)
    with pytest.raises(UsageError, match="is of clips of 5 frames, and clips takes clips of 3 frames"):
        _run(place, Averaging(5))
    with pytest.raises(UsageError, match="images made elsewhere"):
        _run(place, f"images,path={folder}")


def test_a_model_that_returns_images_is_told_what_is_due(place: Path) -> None:
    class Flat(Averaging):
        def decode(self, codes: Codes) -> torch.Tensor:
            return super().decode(codes)[:, 0]

    with pytest.raises(AdapterError, match=r"float32 \[2, 3, 32, 32\] for images of \[2, 3, 3, 32, 32\]"):
        _run(place, Flat())


def test_clips_in_memory_are_clips_on_disk(place: Path, jpeg: RunRecord) -> None:
    dataset = Videos(place / "videos", frames=FRAMES, clips="all")
    same_size = [index for index in range(5) if dataset.ids[index].startswith("class/v1")]
    clips = torch.stack([dataset[index].image for index in same_size])
    np.save(place / "clips.npy", clips.numpy())
    live = _run(place, "jpeg,quality=30", data=clips)
    assert live.data.n_scored == 2
    assert _values(live) == _values(_run(place, "jpeg,quality=30", data=str(place / "clips.npy")))
