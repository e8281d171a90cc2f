from __future__ import annotations

import pytest
import torch

from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError, UsageError
from vtbench.core.info import TokenizerInfo
from vtbench.tokenizers.contract import check_tokenizer
from vtbench.tokenizers.contract.subject import clips
from vtbench.tokenizers.frames import FrameByFrame, ReconstructorFrameByFrame, frame_by_frame
from vtbench.tokenizers.resolve import resolve_tokenizer

GIVEN = clips(2, 3, 32, 40)


@pytest.mark.parametrize("name", ["patch-vq", "patch-rvq", "patch-bsq", "patch-pca", "jpeg,quality=40", "identity"])
def test_codes_and_pixels_of_a_clip_are_those_of_its_frames(name: str) -> None:
    alone, together = resolve_tokenizer(name), resolve_tokenizer(f"frames,of='{name}',at_once=4")
    codes = together.encode(GIVEN)
    each = [alone.encode(frame[None]) for frame in GIVEN.flatten(0, 1)]
    assert codes.batch_size == 2 and codes.form == each[0].form
    assert [grid[0] for grid in codes.grids] == [3] * len(codes.grids)
    bits = torch.stack([one.total_bits(alone.info) for one in each]).view(2, 3).sum(1)
    assert torch.equal(codes.total_bits(together.info), bits)
    expected = torch.cat([alone.decode(one) for one in each]).view(2, 3, 3, 32, 40)
    assert torch.equal(together.decode(codes), expected)
    assert torch.equal(together.decode(codes.select([1])), expected[1:])


class Noise:
    """Draws from the seed of each image."""

    info = TokenizerInfo(name="noise", kind="continuous", stochastic=True)

    def encode(self, images: torch.Tensor, seeds: torch.Tensor) -> Codes:
        drawn = [torch.rand(images.shape[1:], generator=torch.Generator().manual_seed(int(seed))) for seed in seeds]
        return Codes(latents=torch.stack(drawn))

    def decode(self, codes: Codes, seeds: torch.Tensor) -> torch.Tensor:
        assert codes.latents is not None and len(seeds) == codes.batch_size
        return codes.latents


def test_each_frame_has_a_seed_that_follows_from_the_clips() -> None:
    model = FrameByFrame(Noise(), at_once=2)
    both = model.encode(GIVEN, torch.tensor([5, 6])).latents
    alone = model.encode(GIVEN[1:], torch.tensor([6])).latents
    assert both is not None and alone is not None and torch.equal(both[1:], alone)
    frames = both.transpose(1, 2).flatten(0, 1)
    assert len({tuple(frame.flatten()[:4].tolist()) for frame in frames}) == 6


class Halving:
    """Images to images."""

    info = TokenizerInfo(name="halving", kind="continuous")

    def reconstruct(self, images: torch.Tensor) -> torch.Tensor:
        return images / 2


def test_a_reconstructor_has_no_codes_by_frames_either() -> None:
    model = frame_by_frame(Halving())
    assert isinstance(model, ReconstructorFrameByFrame) and not hasattr(model, "encode")
    assert torch.equal(model.reconstruct(GIVEN), GIVEN / 2)


def test_the_contract_is_kept() -> None:
    for model in (resolve_tokenizer("frames,of=patch-bsq"), frame_by_frame(resolve_tokenizer("jpeg,quality=80"))):
        results = check_tokenizer(model)
        assert all(result.passed for result in results), [result for result in results if not result.passed]
        assert any("clips of 5 frames" in result.detail for result in results)


class Backwards:
    """A model of clips that plays them backwards."""

    info = TokenizerInfo(name="backwards", kind="continuous", video=True, clip_frames=4)

    def encode(self, clips: torch.Tensor) -> Codes:
        assert clips.shape[1] == 4
        return Codes(latents=clips.flip(1).transpose(1, 2))

    def decode(self, codes: Codes) -> torch.Tensor:
        assert codes.latents is not None
        return codes.latents.transpose(1, 2)


def test_the_contract_knows_time() -> None:
    found = {result.name: result for result in check_tokenizer(Backwards())}
    assert found["shape"].passed and not found["alignment"].passed
    assert "nearest: played backwards" in found["alignment"].detail


def test_what_frames_does_not_take_is_told(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="takes clips itself"):
        frame_by_frame(Backwards())
    (tmp_path / "mine.py").write_text("class Mine: ...\n")
    with pytest.raises(UsageError, match="own tokenizers"):
        resolve_tokenizer(f"frames,of='{tmp_path / 'mine.py'}:Mine'")
    with pytest.raises(UsageError, match="0 frames at once"):
        resolve_tokenizer("frames,of=jpeg,at_once=0")
    with pytest.raises(AdapterError, match="must be of frames"):
        frame_by_frame(resolve_tokenizer("jpeg")).decode(Codes(payload=(b"x",)))
    with pytest.raises(ValueError, match="clip_frames are of video=True"):
        TokenizerInfo(name="x", kind="continuous", clip_frames=3)
