"""GenEval's metric: what a detector and colours make of an image, and one number of many."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from vtbench.core.contracts import Condition
from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.detectors import DETECTORS
from vtbench.detectors.contract import COCO, Detections
from vtbench.metrics.catalog.conditioned import CONDITION_REGISTRY, condition_entry
from vtbench.metrics.catalog.lookup import is_own, metric_info, metric_names
from vtbench.metrics.conditioned.geneval.boxes import Found
from vtbench.metrics.conditioned.geneval.colours import ClipColours, cut_out
from vtbench.metrics.conditioned.geneval.metric import Geneval

CUP, MOUSE = COCO.index("cup"), COCO.index("mouse")


class Seen:
    """A cup where the image is bright, a mouse where it is not, at 0.5; masks are the left half."""

    id = "seen"

    def __call__(self, images: Tensor) -> list[Detections]:
        return [self._of(image) for image in images]

    def _of(self, image: Tensor) -> Detections:
        bright = float(image.double().mean()) > 100
        mask = np.zeros((1, *image.shape[-2:]), dtype=bool)
        mask[:, :, : image.shape[-1] // 2] = True
        box = np.array([[0.0, 0.0, image.shape[-1], image.shape[-2]]])
        return Detections(box, np.array([0.5]), np.array([CUP if bright else MOUSE]), mask)


def always(colour: str):
    def told(image: Tensor, objects: Sequence[Found], name: str) -> list[str]:
        assert image.dtype == torch.uint8 and all(one.mask is not None for one in objects) and name == "cup"
        return [colour] * len(objects)

    return told


def condition(tag: str, name: str = "cup", **more: object) -> Condition:
    return Condition(prompt="x", metadata={"tag": tag, "include": [{"class": name, "count": 1, **more}]})


BRIGHT, DARK = (torch.full((3, 8, 10), level, dtype=torch.uint8) for level in (200, 20))


def test_an_image_is_right_or_wrong() -> None:
    metric = Geneval(detector=Seen(), colours=always("red"))
    wanted = [
        condition("single_object"),
        condition("single_object"),
        condition("single_object", "computer mouse"),  # COCO's mouse, as GenEval's prompts call it
        condition("counting"),
        condition("colors", color="red"),
        condition("colors", color="blue"),
        Condition(metadata={"tag": "another", "include": [{"class": "cup", "count": 1}]}),
    ]
    images = torch.stack([BRIGHT, DARK, DARK, BRIGHT, BRIGHT, BRIGHT, BRIGHT])
    found = metric(images, wanted)
    assert found.dtype == torch.float64
    assert found[:6].tolist() == [1, 0, 1, 0, 1, 0] and math.isnan(float(found[6]))
    lenient = Geneval(tags=["counting"], least_score_counting=0.4, detector=Seen())
    assert lenient(images[3:5], wanted[3:5]).isnan().tolist() == [False, True]
    assert float(lenient(images[3:4], wanted[3:4])[0]) == 1


def test_one_number_is_the_mean_of_tags_over_images() -> None:
    tags = ["counting"] * 4 + ["position"] * 2
    values, lines = np.array([1.0, 0, 1, 1, 0, np.nan]), np.array([0, 0, 1, 1, 2, 2])
    params = {"tags": ["counting", "position"]}
    found = Geneval.estimates({"geneval": values}, lines, {"tag": tags}, params)
    assert found["geneval", "all"].value == pytest.approx((3 / 4 + 0) / 2) and found["geneval", "all"].n == 3
    assert found["geneval", "tag=counting"].value == 0.75
    assert found["geneval_images", "all"].value == pytest.approx(3 / 5)
    assert found["geneval_prompts", "all"].value == pytest.approx(2 / 3)
    assert found["geneval", "all"].details["tags"] == ["counting", "position"]
    six = Geneval.estimates({"geneval": values}, lines, {"tag": tags}, {})
    assert math.isnan(six["geneval", "all"].value)  # four tags have no value: their mean would be another number


def test_names_carry_the_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"geneval", "geneval_nanodet", "geneval_mask2former_meta"} <= set(metric_names())
    assert "geneval_mask2former" not in CONDITION_REGISTRY  # it is `geneval`
    assert "geneval_other" not in CONDITION_REGISTRY and is_own("geneval_nanodet")
    assert condition_entry("geneval_nanodet").fields == ("tag",)
    assert CONDITION_REGISTRY.load("geneval_nanodet").required_assets == ("nanodet_g_416",)
    assert "no number of GenEval's papers" in metric_info("geneval_nanodet").summary
    with pytest.raises(UsageError, match="unknown metric"):
        metric_info("geneval_other")
    monkeypatch.setitem(DETECTORS.builtin, "other", f"{__name__}:Seen")
    made = CONDITION_REGISTRY.load("geneval_other")(tags=["single_object"])
    assert made.info.name == "geneval_other" and made.detector == "other"
    assert metric_info("geneval_other").kind == "condition"
    assert made(BRIGHT[None], [condition("single_object")]).tolist() == [1]


def test_what_cannot_be_judged_is_refused_before_anything_is_sampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="names no tag"):
        Geneval.check(Condition(prompt="a photo of a cup"))
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    by_nanodet = CONDITION_REGISTRY.load("geneval_nanodet")
    by_nanodet.check_available({"tags": ["counting"]})
    with pytest.raises(AssetMissingError, match="tags colors and color_attr have no value"):
        by_nanodet.check_available({})


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> open_clip.CLIP:
    """open_clip's class, with few and random weights."""
    file = tmp_path_factory.mktemp("clip") / "tiny-clip-of-colours.json"
    vision = {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16}
    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    file.write_text(json.dumps({"embed_dim": 16, "vision_cfg": vision, "text_cfg": text}))
    open_clip.add_model_config(file)
    torch.manual_seed(0)
    return open_clip.create_model(file.stem, load_weights=False).eval()


def test_colours_are_those_of_open_clip_called_directly(tiny: open_clip.CLIP) -> None:
    from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Normalize, Resize, ToTensor

    from vtbench.features.clip.model import MEAN, STD

    draw = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (3, 60, 80), dtype=torch.uint8, generator=draw)
    mask = torch.rand(60, 80, generator=draw).numpy() > 0.5
    objects = [Found(np.array([x, 5.4, x + 31.5, 50.2]), 0.9, None if x else mask) for x in (0, 12, 40)]
    found = ClipColours(model=tiny, side=32)(image, objects, "cup")

    names = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white"]
    tokens, picture = open_clip.get_tokenizer("ViT-L-14"), np.asarray(image.permute(1, 2, 0))
    prepare = Compose([Resize(32, InterpolationMode.BICUBIC), CenterCrop(32), ToTensor(), Normalize(MEAN, STD)])
    with torch.inference_mode():
        words = []
        for name in names:
            texts = [f"a photo of a {name} cup", f"a photo of a {name}-colored cup", f"a photo of a {name} object"]
            mean = F.normalize(tiny.encode_text(tokens(texts)), dim=-1).mean(dim=0)
            words.append(mean / mean.norm())
        wanted = []
        for one in objects:
            from PIL import Image

            shown = Image.fromarray(picture)
            if one.mask is not None:
                shown = Image.composite(shown, Image.new("RGB", shown.size, "#999"), Image.fromarray(one.mask))
            seen = F.normalize(tiny.encode_image(prepare(shown.crop(one.box.tolist()))[None]), dim=-1)
            wanted.append(names[int((100 * seen @ torch.stack(words).T).argmax())])
    assert found == wanted


def test_what_is_cut_out_is_what_pillow_cuts_out() -> None:
    from PIL import Image

    image = torch.randint(0, 256, (3, 20, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    for box in ([-2.4, 3.0, 12.5, 25.0], [4.0, 4.0, 4.2, 4.3], [0.0, 0.0, 30.0, 20.0]):
        wanted = Image.fromarray(np.asarray(image.permute(1, 2, 0))).crop(box)
        found = cut_out(image, Found(np.array(box), 1.0))
        if wanted.width and wanted.height:
            np.testing.assert_array_equal(found.permute(1, 2, 0).numpy(), np.asarray(wanted))
        else:
            assert found.shape[1:] == (1, 1)
