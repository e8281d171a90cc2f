from __future__ import annotations

import pickle

import pytest
import torch

from vtbench.core.contracts import Sample
from vtbench.core.errors import SampleError
from vtbench.data.embedded.photographs.photos_mini import load_photograph
from vtbench.data.preparing.presets import make_preset


@pytest.fixture(scope="module")
def clip() -> torch.Tensor:
    photograph = load_photograph("chelsea")
    return torch.stack([photograph[:, 10 : 10 + 60, start : start + 91] for start in (0, 7, 14)])


@pytest.mark.parametrize("name", ["adm-center-crop@1", "bilinear-antialias@1", "lanczos-center-crop@1", "native@1"])
def test_a_clip_is_prepared_as_its_frames_are(clip: torch.Tensor, name: str) -> None:
    side = None if name == "native@1" else 32
    preset = make_preset(name, side, 3)
    prepared = preset.prepare(Sample("v", clip, {"motion": "pan"}))
    alone = [make_preset(name, side).prepare(Sample("v", frame)).reference for frame in clip]
    assert torch.equal(prepared.reference, torch.stack(alone)) and prepared.reference is prepared.model_input
    assert preset.frames == 3 and preset.id == name and prepared.target == {"motion": "pan"}
    assert make_preset(name, side).frames is None


def test_what_is_undone_is_undone_frame_by_frame(clip: torch.Tensor) -> None:
    preset = pickle.loads(pickle.dumps(make_preset("tokbench-pad-resize-undo@1", 64, 3)))
    prepared = pickle.loads(pickle.dumps(preset.prepare(Sample("v", clip))))
    assert prepared.model_input.shape == (3, 3, 64, 64) and torch.equal(prepared.reference, clip)
    restored = prepared.restore(prepared.model_input)
    alone = make_preset("tokbench-pad-resize-undo@1", 64).prepare(Sample("v", clip[1]))
    assert alone.restore is not None and torch.equal(restored[1], alone.restore(alone.model_input))


def test_a_clip_of_another_length_fails_as_a_sample(clip: torch.Tensor) -> None:
    with pytest.raises(SampleError, match="a clip of 3 frames, the task takes 16"):
        make_preset("native@1", None, 16).prepare(Sample("v", clip))
