from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from vtbench.core.errors import SampleError, UsageError
from vtbench.data.sources.videos.dataset import Videos

av = pytest.importorskip("av", minversion="18")
_CODECS = {".mp4": "libx264", ".avi": "mpeg4", ".webm": "libvpx-vp9", ".mkv": "ffv1"}


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """A bright square that goes from left to right before a ramp, uint8 [12,32,48,3]."""
    ramp = np.broadcast_to(np.arange(48, dtype=np.uint8)[None, :, None] * 3, (12, 32, 48, 3)).copy()
    for place in range(12):
        ramp[place, 8:24, 3 * place : 3 * place + 12] = (200, 60, 30)
    return ramp


def _write(path: Path, frames: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(_CODECS[path.suffix], rate=25)
        stream.width, stream.height = frames.shape[2], frames.shape[1]
        lossless = path.suffix == ".mkv"
        stream.pix_fmt = "bgr0" if lossless else "yuv420p"
        stream.time_base = Fraction(1, 25)
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


@pytest.mark.parametrize("suffix", list(_CODECS))
def test_files_are_read_in_the_order_in_which_they_are_shown(tmp_path: Path, frames: np.ndarray, suffix: str) -> None:
    _write(tmp_path / f"go/v{suffix}", frames)  # H.264 and MPEG-4 store B-frames out of order
    dataset = Videos(tmp_path, frames=4, stride=2, clips="all")
    assert list(dataset.ids) == [f"go/v{suffix}@000000"]
    assert dataset[0].target == {"label": 0, "class": "go"}
    expected = torch.from_numpy(frames[0:7:2]).permute(0, 3, 1, 2)
    found = dataset[0].image
    if suffix == ".mkv":
        assert torch.equal(found, expected)  # without loss
    else:
        errors = [(found[place].float() - other.float()).abs().mean() for place in range(4) for other in expected]
        nearest = torch.stack(errors).view(4, 4).argmin(1)
        assert nearest.tolist() == [0, 1, 2, 3] and min(errors) < 12


def test_a_damaged_file_is_a_sample_that_fails(tmp_path: Path, frames: np.ndarray) -> None:
    _write(tmp_path / "a.mkv", frames)
    _write(tmp_path / "b.mp4", frames)
    (tmp_path / "c.avi").write_bytes(b"no video")
    whole = (tmp_path / "b.mp4").read_bytes()
    (tmp_path / "b.mp4").write_bytes(whole[: len(whole) // 3])
    dataset = Videos(tmp_path, frames=4)
    assert list(dataset.ids) == ["a.mkv", "b.mp4", "c.avi"] and len(dataset.fingerprint) == 64
    assert dataset[0].image.shape == (4, 3, 32, 48)
    for place in (1, 2):
        with pytest.raises(SampleError, match="no video that can be read"):
            dataset[place]


def test_a_file_is_opened_as_what_its_name_says_and_as_nothing_else(tmp_path: Path, frames: np.ndarray) -> None:
    _write(tmp_path / "secret.mkv", frames)
    (tmp_path / "videos").mkdir()
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{tmp_path / 'secret.mkv'}\n#EXT-X-ENDLIST\n"
    (tmp_path / "videos" / "v.mp4").write_text(playlist)
    with pytest.raises(SampleError, match="no video that can be read"):
        Videos(tmp_path / "videos", frames=4)[0]


def test_frames_are_counted_before_anything_is_decoded(
    tmp_path: Path, frames: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path / "v.mp4", frames)

    def refuse(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("vtbench.data.sources.videos.files._decoded", refuse)
    assert len(Videos(tmp_path, frames=4, clips="all").fingerprint) == 64
    with pytest.raises(UsageError, match="fewer than the 13 frames"):
        Videos(tmp_path, frames=13)
