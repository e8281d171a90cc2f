"""Generated clips the whole way: those that are there, and those of a generator, against clips or statistics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

import vtbench
from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, NotComparableError, UsageError
from vtbench.core.info import GeneratorInfo, TokenizerInfo
from vtbench.data.sources.videos.dataset import Videos
from vtbench.generators.contract.examination import check_generator
from vtbench.generators.elsewhere.videos import VideoSamples
from vtbench.results.records.record import RunRecord

FRAMES = 3
TASK = """
name: {name}
version: 1
kind: generation
summary: Small.
frames: 3
conditions: {conditions}
reference: {{}}
preprocess: {{preset: native@1}}
set_metrics: [{{name: kvd, params: {{subset_size: 4, subsets: 10}}}}]
code_metrics: [{codes}]
block_size: 3
previews: {{fixed: 2, worst: 0}}
"""


class Motion:
    """In the place of I3D: brightness of each frame, of a corner, and of the change, in four numbers."""

    id = "motion"
    features = ("pool", "logits")
    required_assets = ()
    concurrent = True
    seen: ClassVar[list[tuple[int, ...]]] = []

    def __call__(self, videos: torch.Tensor) -> dict[str, torch.Tensor]:
        self.seen.append(tuple(videos.shape))
        values = videos.float() / 255
        mean = values.mean(dim=(2, 3, 4))
        found = torch.stack([mean[:, 0], mean[:, -1], mean[:, 1] - mean[:, 0], values[:, 0, 0, 0, 0]], dim=1)
        return {"logits": found, "pool": found}

    def to(self, *, device: torch.device) -> Motion:
        return self


@pytest.fixture(autouse=True)
def motion(monkeypatch: pytest.MonkeyPatch) -> type[Motion]:
    monkeypatch.setattr("vtbench.features.i3d.I3dKinetics400", Motion)
    return Motion


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    np.save(place / "real.npy", rng.integers(0, 256, (8, 4, 16, 16, 3), dtype=np.uint8))
    np.save(place / "made.npy", rng.integers(0, 200, (7, 4, 16, 16, 3), dtype=np.uint8))
    (place / "given.yaml").write_text(TASK.format(name="given", conditions="{of: given}", codes=""))
    drawn = TASK.format(
        name="drawn", conditions="{of: classes, classes: 2, count: 8}", codes="bits_per_pixel, tokens_per_clip"
    )
    (place / "drawn.yaml").write_text(drawn)
    return place


def _run(place: Path, model: Any, task: str = "given", **options: Any) -> RunRecord:
    options.setdefault("reference", str(place / "real.npy"))
    (record,) = vtbench.evaluate(model, str(place / f"{task}.yaml"), device="cpu", **options).records
    return record


def _value(record: RunRecord, metric: str, stratum: str = "all") -> float:
    return next(r.value for r in record.results if r.metric == metric and r.stratum == stratum)


def test_clips_that_are_there_are_scored_as_they_are(place: Path, motion: type[Motion]) -> None:
    motion.seen.clear()
    record = _run(place, f"videos,path={place / 'made.npy'},frames=3", out=place / "runs")
    assert record.status == "complete" and record.data.n_scored == 7 and record.data.scored_size == (16, 16)
    assert {shape[1:] for shape in motion.seen} == {(3, 3, 16, 16)}
    assert np.isfinite(_value(record, "kvd"))
    (folder,) = (place / "runs" / "given").glob("*/*")
    pictures = sorted((folder / "previews").glob("*.webp"))
    from PIL import Image

    strip = np.asarray(Image.open(pictures[0]).convert("RGB"))
    first = Videos(place / "made.npy", frames=3)[0].image.permute(0, 2, 3, 1).numpy()
    assert strip.shape == (16, 3 * 16 + 8, 3) and np.array_equal(strip[:, 20:36], first[1])
    from vtbench.report.gather import read_boards
    from vtbench.report.page import html_page

    assert 'class="sheet strips"' in html_page(read_boards([folder]))
    assert _value(_run(place, f"videos,path={place / 'made.npy'},frames=3", batch_size=1), "kvd") == _value(
        record, "kvd"
    )


def test_statistics_of_clips_stand_for_them(place: Path) -> None:
    from vtbench.run.statistics.command import build_from_command_line

    def build(data: str, out: str) -> None:
        build_from_command_line(
            data=data, out=place / out, extractors=["i3d_kinetics400"], preset="native", size=None,
            keep_rows=True, limit=None, device="cpu", workers=0, command=("vtbench", "stats"),
        )  # fmt: skip

    build(f"videos,path={place / 'real.npy'},frames=3", "real.safetensors")
    model = f"videos,path={place / 'made.npy'},frames=3"
    by_statistics = _run(place, model, reference=str(place / "real.safetensors"))
    assert _value(by_statistics, "kvd") == pytest.approx(_value(_run(place, model), "kvd"), rel=1e-9)
    assert by_statistics.data.reference is not None and "clips of 3 frames" in by_statistics.data.reference.description
    build(f"videos,path={place / 'real.npy'},frames=2", "short.safetensors")
    with pytest.raises(NotComparableError, match="describes clips of 2 frames, and given scores clips of 3 frames"):
        _run(place, model, reference=str(place / "short.safetensors"))
    with pytest.raises(UsageError, match="i3d_kinetics400 takes clips, and photos-mini holds images"):
        build("photos-mini", "no.safetensors")


class Tiles:
    """A tokenizer of clips: each clip is one colour of four, whatever its frames."""

    info = TokenizerInfo(name="tiles", kind="discrete", codebook_sizes=(4,), video=True, clip_frames=FRAMES)

    def encode(self, clips: torch.Tensor) -> Codes:
        return Codes(levels=((clips.mean(dim=(2, 3, 4)) * 4).long().clamp(0, 3),))

    def decode(self, codes: Codes) -> torch.Tensor:
        frames = codes.levels[0].float()[:, :, None, None, None] / 4 + 0.1
        return frames.expand(-1, -1, 3, 16, 16)


class Drawn:
    """Draws a token a frame."""

    tokenizer = Tiles()
    info = GeneratorInfo(name="drawn", conditions="class", classes=2, tokenizer="tiles", video=True, clip_frames=FRAMES)

    def sample_codes(self, conditions: Sequence[Condition], seeds: torch.Tensor) -> Codes:
        drawn = [
            torch.randint(0, 2, (FRAMES,), generator=torch.Generator().manual_seed(int(seed) & (2**62 - 1)))
            + 2 * (condition.label or 0)
            for seed, condition in zip(seeds, conditions, strict=True)
        ]
        return Codes(levels=(torch.stack(drawn),))

    def sample(self, conditions: Sequence[Condition], seeds: torch.Tensor) -> torch.Tensor:
        return self.tokenizer.decode(self.sample_codes(conditions, seeds))


def test_a_generator_of_clips_is_sampled_and_its_tokenizer_stands_beside(place: Path, tmp_path: Path) -> None:
    record = _run(place, Drawn(), "drawn", samples=tmp_path / "samples")
    assert record.data.n_scored == 8 and _value(record, "tokens_per_clip") == 3
    assert _value(record, "bits_per_pixel") == pytest.approx(6 / (3 * 16 * 16))
    assert np.isfinite(_value(record, "kvd", "tokenizer")) and np.isfinite(_value(record, "kvd"))
    kept = _run(place, f"videos,path={tmp_path / 'samples'},frames=3")
    assert kept.data.n_scored == 8 and _value(kept, "kvd") == pytest.approx(_value(record, "kvd"), rel=1e-9)


def test_doctor_knows_generators_of_clips(place: Path) -> None:
    assert [result.name for result in check_generator(Drawn()) if not result.passed] == []
    assert all(result.passed for result in check_generator(VideoSamples(place / "made.npy", frames=3)))


def test_what_does_not_fit_is_refused(place: Path, tmp_path: Path) -> None:
    made = f"videos,path={place / 'made.npy'},frames=2"
    with pytest.raises(UsageError, match="is of clips of 2 frames, and given scores 3"):
        _run(place, made)
    with pytest.raises(UsageError, match="samples clips, and generation-folder scores images"):
        vtbench.evaluate(made, "generation-folder", reference="photos-mini")
    with pytest.raises(UsageError, match="tiny-ar samples images, and drawn scores clips"):
        _run(place, "tiny-ar", "drawn")
    with pytest.raises(UsageError, match="photos-mini holds images, and task given takes clips of 3 frames"):
        _run(place, made.replace("=2", "=3"), reference="photos-mini")

    class Flat:
        info = Drawn.info

        def sample(self, conditions: Sequence[Condition], seeds: torch.Tensor) -> torch.Tensor:
            return torch.zeros(len(conditions), 3, 16, 16)

    with pytest.raises(AdapterError, match=r"float32 \[3, 3, 16, 16\] for 3 conditions"):
        _run(place, Flat(), "drawn")
