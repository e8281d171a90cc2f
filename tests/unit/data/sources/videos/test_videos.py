from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vtbench.core.errors import SampleError, UsageError
from vtbench.data.open import open_data
from vtbench.data.sources.subset import Subset
from vtbench.data.sources.videos.clips import ClipRule
from vtbench.data.sources.videos.dataset import Videos


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """Twelve different frames, uint8 [12,10,14,3]."""
    return np.random.default_rng(0).integers(0, 256, (12, 10, 14, 3), dtype=np.uint8)


def _write(folder: Path, frames: np.ndarray, first: int = 0) -> None:
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames, first):
        Image.fromarray(frame).save(folder / f"frame{number}.png")  # 10 sorts after 9 by number alone


@pytest.fixture
def tree(tmp_path: Path, frames: np.ndarray) -> Path:
    root = tmp_path / "videos"
    _write(root / "jump" / "a", frames)
    _write(root / "jump" / "b", frames[::-1], first=7)
    _write(root / "run" / "c", frames[:5])
    return root


def _expected(frames: np.ndarray, places: range) -> torch.Tensor:
    return torch.from_numpy(frames[list(places)]).permute(0, 3, 1, 2)


def test_a_folder_of_numbered_frames_is_a_video(tree: Path, frames: np.ndarray) -> None:
    dataset = open_data(f"videos,path={tree},frames=4,stride=3,discard_short=true")
    assert list(dataset.ids) == ["jump/a", "jump/b"]
    start = ClipRule(4, 3).starts("jump/a", 12)[0]
    assert torch.equal(dataset[0].image, _expected(frames, range(start, start + 10, 3)))
    assert dataset[0].target == {"label": 0, "class": "jump"} and dataset.frames == 4
    assert dataset.notes == ("1 videos with fewer than 10 frames are left out: run/c (5)",)


def test_all_clips_lie_one_after_another(tree: Path, frames: np.ndarray) -> None:
    dataset = Videos(tree, frames=2, stride=2, clips="all")  # a span of three
    assert list(dataset.ids[:5]) == [
        "jump/a@000000",
        "jump/a@000003",
        "jump/a@000006",
        "jump/a@000009",
        "jump/b@000000",
    ]
    assert dataset.ids[-1] == "run/c@000000" and len(dataset) == 9
    assert torch.equal(dataset[3].image, _expected(frames, range(9, 12, 2)))
    assert torch.equal(dataset[4].image, _expected(frames[::-1], range(0, 3, 2)))


def test_where_a_clip_begins_is_drawn_for_each_video() -> None:
    rule = ClipRule(16, 2, seed=1)
    starts = [rule.starts(f"v{number}", 100)[0] for number in range(300)]
    assert starts == [rule.starts(f"v{number}", 100)[0] for number in range(300)]
    assert min(starts) == 0 and max(starts) == 100 - rule.span == 69
    assert abs(np.mean(starts) - 34.5) < 3.5  # four standard errors of a uniform draw
    assert starts != [ClipRule(16, 2, seed=2).starts(f"v{number}", 100)[0] for number in range(300)]
    assert ClipRule(16).starts("v", 15) == () and ClipRule(16).starts("v", 16) == (0,)


def test_videos_too_short_are_refused_unless_left_out(tree: Path) -> None:
    with pytest.raises(UsageError, match=r"1 of 3 videos have fewer than the 8 frames .*run/c \(5\)") as refused:
        Videos(tree, frames=8)
    assert "discard_short=true" in str(refused.value)
    with pytest.raises(UsageError, match=r"no video in .* has 50 frames"):
        Videos(tree, frames=50, discard_short=True)


def test_the_fingerprint_follows_what_the_clips_show(tree: Path, frames: np.ndarray) -> None:
    def fingerprint(**settings: object) -> str:
        return Videos(tree, **{"frames": 4, "clips": "all", "discard_short": True, **settings}).fingerprint  # type: ignore[arg-type]

    before = fingerprint()
    assert fingerprint() == before and fingerprint(stride=1) == before
    assert len({before, fingerprint(stride=2), fingerprint(frames=3), fingerprint(clips="one")}) == 4
    assert Subset(Videos(tree, frames=4, clips="all"), 2).fingerprint != before
    Image.fromarray(frames[5]).save(tree / "jump" / "a" / "frame0.png")
    assert fingerprint() != before


def test_a_list_of_names_picks_videos(tree: Path, tmp_path: Path) -> None:
    listed = tmp_path / "trainlist.txt"
    listed.write_text("run/c 2\njump/b 1\n")
    assert list(Videos(tree, frames=5, list=listed).ids) == ["jump/b", "run/c"]
    listed.write_text("jump/z\n")
    with pytest.raises(UsageError, match="1 names of the list are no videos"):
        Videos(tree, frames=5, list=listed)


def test_frames_must_be_numbered_once_each(tree: Path, frames: np.ndarray) -> None:
    Image.fromarray(frames[0]).save(tree / "run" / "c" / "frame00.png")
    with pytest.raises(UsageError, match="are both frame 0"):
        Videos(tree, frames=2)
    (tree / "run" / "c" / "frame00.png").rename(tree / "run" / "c" / "poster.png")
    with pytest.raises(UsageError, match="has no number"):
        Videos(tree, frames=2)
    (tree / "run" / "c" / "poster.png").rename(tree / "1.png")
    with pytest.raises(UsageError, match=r"1 images lie in .* itself"):
        Videos(tree, frames=2)


def test_frames_of_different_sizes_fail_as_a_sample(tree: Path, frames: np.ndarray) -> None:
    Image.fromarray(frames[0][:5]).save(tree / "run" / "c" / "frame1.png")
    with pytest.raises(SampleError, match="frames 0 and 1 of the clip differ in size: 10x14 and 5x14"):
        Videos(tree, frames=5)[2]


@pytest.mark.parametrize("first", [True, False], ids=["third axis", "last axis"])
@pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("form", [".npy", ".npz", "compressed"])
def test_arrays_are_told_by_dtype_and_axes(
    tmp_path: Path, frames: np.ndarray, form: str, kind: str, first: bool
) -> None:
    videos = np.stack([frames[:6], frames[6:]])
    stored = videos if kind == "uint8" else (videos / 255).astype(kind)
    stored = np.ascontiguousarray(np.moveaxis(stored, -1, 2)) if first else stored
    path = tmp_path / f"v{'.npy' if form == '.npy' else '.npz'}"
    if form == ".npy":
        np.save(path, stored)
    else:
        (np.savez if form == ".npz" else np.savez_compressed)(path, videos=stored, labels=np.arange(2))
    dataset = pickle.loads(pickle.dumps(Videos(path, frames=3, clips="all")))
    assert list(dataset.ids) == ["000000@000000", "000000@000003", "000001@000000", "000001@000003"]
    assert torch.equal(dataset[2].image, _expected(frames, range(6, 9)))
    assert dataset.target(0) is None


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.zeros((2, 4, 3, 8, 3), np.uint8), "could be the third axis or the last"),
        (np.zeros((2, 4, 8, 8, 4), np.uint8), "none of its axes is three colours"),
        (np.zeros((2, 4, 8, 8, 3), np.int64), "no array of videos"),
        (np.zeros((4, 8, 8, 3), np.uint8), "no array of videos"),
        (np.zeros((0, 4, 8, 8, 3), np.uint8), "an empty array"),
        (np.array([{}], dtype=object), "cannot be read as an array"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray, told: str) -> None:
    np.save(tmp_path / "v.npy", array)
    with pytest.raises(UsageError, match=told):
        Videos(tmp_path / "v.npy", frames=2)


def test_floats_of_another_range_fail_as_a_sample(tmp_path: Path) -> None:
    videos = np.zeros((2, 4, 8, 8, 3), np.float32)
    videos[1, 0, 0, 0, 0] = -1.0
    np.savez(tmp_path / "v.npz", videos)
    dataset = Videos(tmp_path / "v.npz", frames=4)
    assert not dataset[0].image.any()
    with pytest.raises(SampleError, match=r"floats from -1 to 0, which are expected in \[0, 1\]"):
        dataset[1]


def test_an_npz_with_two_videos_or_none_is_ambiguous(tmp_path: Path) -> None:
    one = np.zeros((1, 4, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "two.npz", real=one, fake=one)
    with pytest.raises(UsageError, match="several arrays of videos: fake, real"):
        Videos(tmp_path / "two.npz", frames=4)
    (tmp_path / "no.npz").write_bytes(b"PK")
    with pytest.raises(UsageError, match="truncated or not an npz"):
        Videos(tmp_path / "no.npz", frames=4)
    with pytest.raises(UsageError, match="does not exist"):
        Videos(tmp_path / "nowhere", frames=4)


@pytest.mark.parametrize("settings", [{"frames": 0}, {"stride": 0}, {"clips": "some"}, {"frames": 5000}])
def test_a_rule_that_makes_no_clip_is_refused(tree: Path, settings: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"clip|stride"):
        Videos(tree, **settings)  # type: ignore[arg-type]
