"""The networks of FDr on timm's real classes, small and with seeded weights, against direct calls of timm."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from timm.data import resolve_data_config
from torch import Tensor

from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.features import EXTRACTORS
from vtbench.features.whole.towers import (
    ClipClassAt256,
    ConvNextV2Base,
    DinoV2At256,
    Mae,
    SigLip2At224,
    Tower,
    filled_tower,
    made_tower,
)

SMALL = {"embed_dim": 32, "depth": 2, "num_heads": 2}
TWINS: dict[type[Tower], dict[str, object]] = {
    ConvNextV2Base: {"depths": (1, 1, 1, 1), "dims": (8, 16, 24, 32)},
    DinoV2At256: SMALL,
    Mae: SMALL,
    ClipClassAt256: SMALL,
    SigLip2At224: SMALL,
}


def seeded(tower: type[Tower]) -> torch.nn.Module:
    torch.manual_seed(0)
    return made_tower(tower.network, **TWINS[tower]).eval()  # type: ignore[no-any-return]


@pytest.mark.parametrize("tower", list(TWINS))
def test_features_are_timms_by_direct_calls(tower: type[Tower], crops: Tensor) -> None:
    model = seeded(tower)
    found = tower(model=model)(crops[:2])["pool"]
    told = resolve_data_config(model.pretrained_cfg)
    mean, std = (torch.tensor(told[key]).view(3, 1, 1) for key in ("mean", "std"))
    sides = (tower.side, tower.side)
    pixels = crops[:2].float() / 255
    if sides != (256, 256):
        pixels = F.interpolate(pixels, sides, mode="bicubic", antialias=True)
    with torch.inference_mode():
        tokens = model.forward_features((pixels - mean) / std)
        by_head = model.forward_head(tokens, pre_logits=True)
        expected = {ConvNextV2Base: lambda: tokens.mean(dim=(2, 3)), SigLip2At224: lambda: by_head}.get(
            tower, lambda: tokens[:, 0]
        )()
    assert found.shape == (2, 32)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("tower", list(TWINS))
def test_the_published_network_has_the_width_and_is_filled_from_timms_names(tower: type[Tower]) -> None:
    with torch.device("meta"):
        whole = made_tower(tower.network)
    assert whole.num_features == tower.widths["pool"] and whole.pretrained_cfg["hf_hub_id"] == f"timm/{tower.network}"
    model = seeded(tower)
    classifier = whole.pretrained_cfg["classifier"]
    state = {**model.state_dict(), f"{classifier}.weight": torch.zeros(5, 32), f"{classifier}.bias": torch.zeros(5)}
    filled = filled_tower(tower.network, state, "here", **TWINS[tower])
    assert all(torch.equal(tensor, filled.state_dict()[name]) for name, tensor in model.state_dict().items())
    state.pop(next(iter(model.state_dict())))
    with pytest.raises(AdapterError, match=f"here does not fill {tower.network}"):
        filled_tower(tower.network, state, "here", **TWINS[tower])


def test_a_side_that_no_patch_divides_is_padded_after_normalisation(crops: Tensor) -> None:
    model = seeded(DinoV2At256)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (DinoV2At256.mean, DinoV2At256.std))
    padded = F.pad((crops[:1] / 255.0 - mean) / std, (0, 10, 0, 10))
    with torch.inference_mode():
        tokens = model.forward_features(padded)
    assert tokens.shape == (1, 1 + 19 * 19, 32)
    torch.testing.assert_close(DinoV2At256(model=model)(crops[:1])["pool"], tokens[:, 0], rtol=1e-3, atol=1e-4)


def test_without_weights_the_message_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for name in ("convnextv2_base", "siglip2_cls_224"):
        with pytest.raises(AssetMissingError, match="not in the local hub cache"):
            EXTRACTORS.load(name).check_available()
