"""Mask2Former with Swin-S on COCO's instances: GenEval's own detector, and the one that its authors released."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from vtbench.assets.checkpoint import load_checkpoint
from vtbench.assets.hub import hub_file
from vtbench.assets.lookup import asset_folders
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.detectors.contract import COCO, Detections
from vtbench.detectors.mask2former_names import as_transformers
from vtbench.detectors.one_at_a_time import OneAtATime

FILE = "mask2former_swin-s-p4-w7-224_lsj_8x2_50e_coco_20220504_001756-743b7d99.pth"
"""MMDetection's; its SHA-256 begins as its name ends."""
URL = f"https://download.openmmlab.com/mmdetection/v2.0/mask2former/{FILE.rpartition('_2022')[0]}/{FILE}"
REPOSITORY = "facebook/mask2former-swin-small-coco-instance"
_SHORT, _LONG, _MULTIPLE, _MOST = 800, 1333, 32, 100
_MEAN, _STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
_IGNORED = ("criterion.", "panoptic_head.conv_seg.")
"""Of training alone."""


class Mask2Former(OneAtATime[Detections]):
    """MMDetection's Mask2Former Swin-S (``743b7d99``), the file that GenEval detects with, on transformers' class.

    Prepared as in its configuration: the short side to 800 pixels, the long one to 1333 at most (bilinear), ImageNet's
    mean and deviation, zeros below and on the right up to a multiple of 32. Of 100 queries and 80 classes the 100
    surest pairs are objects: score = probability of the class times the mean of the mask where it is above a half; the
    box is that of the mask at the image's size. Nothing suppresses anything.

    Args:
        weights: the ``.pth`` file; looked for in ``$VTBENCH_ASSETS`` and the cache unless given.
        state: its tensors, instead of a file.
        geometry: fields of transformers' configuration that differ from Swin-S, with ``backbone``: for tests.

    Raises:
        AssetMissingError: the file is not there.
        AdapterError: it does not fill the network.
    """

    name: ClassVar[str] = "mask2former"

    def __init__(
        self,
        weights: str | None = None,
        state: Mapping[str, Tensor] | None = None,
        geometry: Mapping[str, Any] | None = None,
    ) -> None:
        file = self._file(weights) if state is None else None
        found = load_checkpoint(file) if file is not None else dict(state or {})
        network = filled(self._translated(found), geometry or {}, str(file or self.name))
        super().__init__(network, self._found)
        self.id = f"{self.name}-swin-s-{digest_file(file)[:12] if file is not None else 'given'}-float32"

    @classmethod
    def check_available(cls) -> None:
        """Whether the weights are at hand, which may fetch them.

        Raises:
            AssetMissingError: they are not.
        """
        cls._file(None)

    @classmethod
    def _file(cls, weights: str | None) -> Path:
        if weights:
            return user_path(weights)
        path = next((folder / FILE for folder in asset_folders() if (folder / FILE).is_file()), None)
        if path is None:
            hint = f"download {URL} into a folder of $VTBENCH_ASSETS, or into {asset_folders()[-1]}"
            raise AssetMissingError(f"GenEval's detector {FILE} is in none of the folders of weights", hint)
        wanted = Path(FILE).stem.rpartition("-")[2]
        if not digest_file(path).startswith(wanted):
            raise AssetMissingError(f"{path} is not the file published: its SHA-256 does not begin {wanted}", URL)
        return path

    def _translated(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return as_transformers(state)

    def __call__(self, images: Tensor) -> list[Detections]:
        """``uint8 [B,3,H,W]`` to objects, the surest first."""
        return self.each(images)

    def _found(self, image: Tensor) -> Detections:
        """Of one image, ``uint8 [1,3,H,W]``."""
        height, width = image.shape[-2:]
        factor = min(_SHORT / min(height, width), _LONG / max(height, width))
        size = (round(height * factor), round(width * factor))
        pixels = prepared(image, size)
        outputs = self._network(pixel_values=pixels, pixel_mask=torch.ones_like(pixels[:, 0], dtype=torch.int64))
        masks = F.interpolate(outputs.masks_queries_logits, pixels.shape[-2:], mode="bilinear", align_corners=False)
        masks = masks[..., : size[0], : size[1]]
        masks = F.interpolate(masks, (height, width), mode="bilinear", align_corners=False)
        return instances(outputs.class_queries_logits[0], masks[0])


class Mask2FormerMeta(Mask2Former):
    """The Swin-S that Mask2Former's authors trained, by transformers' class from the hub: another file than GenEval's.

    Prepared and read as :class:`Mask2Former`.
    """

    name: ClassVar[str] = "mask2former_meta"

    @classmethod
    def _file(cls, weights: str | None) -> Path:
        return user_path(weights) if weights else hub_file(REPOSITORY, "model.safetensors")

    def _translated(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return dict(state)


def filled(state: Mapping[str, Tensor], geometry: Mapping[str, Any], source: str) -> Any:
    """transformers' network with these tensors, every one accounted for.

    Raises:
        AdapterError: some are missing, or of another network.
    """
    from transformers import Mask2FormerForUniversalSegmentation

    network: Any = Mask2FormerForUniversalSegmentation(_configuration(geometry))
    network = network.eval().requires_grad_(False)
    wanted = network.state_dict()
    given = {name: tensor for name, tensor in state.items() if not name.startswith(_IGNORED)}
    own = {name for name in wanted if not name.startswith(_IGNORED) and not name.startswith(_UNUSED)}
    strange = [name for name in given if name not in wanted or wanted[name].shape != given[name].shape]
    missing = [name for name in own if name not in given]
    if strange or missing:
        raise AdapterError(
            f"{source} does not fill Mask2Former with Swin-S: missing {missing[:3]}, not fitting {strange[:3]}",
            "give the file that the documentation names",
        )
    network.load_state_dict(given, strict=False)
    return network


_UNUSED = "model.pixel_level_module.encoder.swin.layernorm."
"""Of Swin as a classifier."""


def _configuration(geometry: Mapping[str, Any]) -> Any:
    from transformers import Mask2FormerConfig, SwinConfig

    swin = {"embed_dim": 96, "depths": [2, 2, 18, 2], "num_heads": [3, 6, 12, 24], "window_size": 7}
    stages = {"out_features": ["stage1", "stage2", "stage3", "stage4"]}
    backbone = SwinConfig(**{**swin, **geometry.get("backbone", {}), **stages})
    rest = {name: value for name, value in geometry.items() if name != "backbone"}
    return Mask2FormerConfig(**{"backbone_config": backbone, "num_labels": len(COCO), **rest})


def prepared(image: Tensor, size: tuple[int, int]) -> Tensor:
    """``uint8 [1,3,H,W]`` to ``float32 [1,3,h,w]``, both sides multiples of 32."""
    resized = F.interpolate(image.float(), size, mode="bilinear", align_corners=False)
    mean, std = (resized.new_tensor(values)[:, None, None] for values in (_MEAN, _STD))
    down, right = (-side % _MULTIPLE for side in size)
    return F.pad((resized - mean) / std, (0, right, 0, down))


def instances(classes: Tensor, masks: Tensor) -> Detections:
    """The surest pairs of query and class: logits ``[Q,81]`` and ``[Q,H,W]``, the last class being none."""
    scores = classes.softmax(dim=-1)[:, :-1]
    best, places = scores.flatten().topk(min(_MOST, scores.numel()))
    queries, labels = places // scores.shape[1], places % scores.shape[1]
    inside = masks[queries] > 0
    sure = (masks[queries].sigmoid() * inside).flatten(1).sum(dim=1) / (inside.flatten(1).sum(dim=1) + 1e-6)
    boxes = torch.stack([_box(mask) for mask in inside])
    final, order = (best * sure).sort(descending=True, stable=True)
    found = (boxes[order].double(), final.double(), labels[order], inside[order])
    return Detections(*(part.cpu().numpy() for part in found))


def _box(mask: Tensor) -> Tensor:
    """Around ``bool [H,W]``, the far corner just outside; zeros where it is empty."""
    x, y = (mask.any(dim=axis).nonzero().flatten() for axis in (0, 1))
    if not len(x):
        return torch.zeros(4, device=mask.device)
    return torch.stack([x[0], y[0], x[-1] + 1, y[-1] + 1]).float()
