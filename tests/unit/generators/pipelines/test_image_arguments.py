"""Pipelines that start from images, on tiny seeded ones: equal to the pipeline called directly, each image alone."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from PIL import Image
from tiny_pipelines import build_amused
from torch import Tensor

from vtbench.core.contracts import Condition
from vtbench.core.errors import SampleError, UsageError
from vtbench.generators.contract import check_generator
from vtbench.generators.pipelines.image_arguments import image_arguments
from vtbench.generators.resolve import resolve_generator

STEPS = 2
SEEDS = torch.tensor([1, 2**62])


def pictures(*sizes: tuple[int, int]) -> list[Tensor]:
    draw = torch.Generator().manual_seed(0)
    return [torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=draw) for size in sizes]


def pillow(image: Tensor, mode: str = "RGB") -> Image.Image:
    return Image.fromarray(image.permute(1, 2, 0).contiguous().numpy()).convert(mode)


@pytest.fixture(scope="module")
def super_resolution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images to images twice as large, without a prompt."""
    torch.manual_seed(0)
    blocks: dict[str, Any] = {"norm_num_groups": 4, "layers_per_block": 1}
    unet = diffusers.UNet2DModel(
        sample_size=8, in_channels=6, out_channels=3, block_out_channels=(8, 8), **blocks,
        down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2,
    )  # fmt: skip
    vqvae = diffusers.VQModel(
        block_out_channels=(8, 8), **blocks, latent_channels=3, num_vq_embeddings=16, mid_block_add_attention=False,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("sr")
    diffusers.LDMSuperResolutionPipeline(vqvae, unet, diffusers.DDIMScheduler()).save_pretrained(folder)
    return folder


def test_a_pipeline_from_images_alone(super_resolution: Path) -> None:
    generator = resolve_generator(f"diffusers-pipeline,path={super_resolution},steps={STEPS},images={{source: image}}")
    info = generator.info
    assert (info.conditions, info.images, info.native_size) == ("none", ("source",), None)
    small = pictures((32, 32), (64, 32))
    pipeline = diffusers.LDMSuperResolutionPipeline.from_pretrained(super_resolution)
    pipeline.set_progress_bar_config(disable=True)
    for image, seed in zip(small, SEEDS, strict=True):
        (found,) = generator.sample([Condition(images={"source": image})], seed[None])
        random = torch.Generator().manual_seed(int(seed))
        direct = pipeline(pillow(image), num_inference_steps=STEPS, generator=random, output_type="np").images[0]
        torch.testing.assert_close(found, torch.from_numpy(direct).permute(2, 0, 1), rtol=0, atol=1e-6)
        assert found.shape[1:] == tuple(2 * side for side in image.shape[1:])
    with pytest.raises(SampleError, match="needs images as source"):
        generator.sample([Condition()], SEEDS[:1])


def test_the_contract_holds_of_it(super_resolution: Path) -> None:
    reference = f"diffusers-pipeline,path={super_resolution},steps=1,images={{source: image}}"
    assert {r.name for r in check_generator(resolve_generator(reference)) if not r.passed} <= {"range"}


def call(of: Any) -> Any:
    return inspect.signature(of.__call__).parameters


@pytest.mark.parametrize(
    ("name", "keywords", "needed"),
    [
        ("StableDiffusionPipeline", {}, False),
        ("AmusedImg2ImgPipeline", {"source": "image"}, True),
        ("AmusedInpaintPipeline", {"source": "image", "mask": "mask_image"}, True),
        ("StableDiffusionInpaintPipeline", {"source": "image", "mask": "mask_image"}, True),
        ("FluxControlPipeline", {"control": "control_image"}, True),
        ("QwenImageEditPipeline", {"source": "image"}, True),
        ("FluxKontextPipeline", {"source": "image"}, False),
        ("GlmImagePipeline", {"source": "image"}, False),
    ],
)
def test_roles_follow_from_the_call(name: str, keywords: dict[str, str], needed: bool) -> None:
    kind = getattr(diffusers, name)
    found = image_arguments(kind, call(kind), None)
    assert dict(found.keywords) == keywords and (found.needed or not keywords) == (needed or not keywords)


def test_roles_that_are_given() -> None:
    kind = diffusers.StableDiffusionControlNetPipeline
    found = image_arguments(kind, call(kind), {"control": "image"})
    assert dict(found.keywords) == {"control": "image"} and found.needed
    shown = Condition(images={"control": pictures((4, 6), (4, 4))})
    assert [image.size for image in found.of(shown)["image"]] == [(6, 4), (4, 4)]
    for wanted, told in (({"control": "images"}, "takes no 'images'"), ({"A": "image"}, "no role")):
        with pytest.raises(UsageError, match=told):
            image_arguments(kind, call(kind), wanted)


def test_a_source_and_a_mask(tmp_path: Path) -> None:
    parts = build_amused(tmp_path).components
    pipeline = diffusers.AmusedInpaintPipeline(**parts)
    pipeline.save_pretrained(tmp_path / "amused")
    pipeline.set_progress_bar_config(disable=True)
    generator = resolve_generator(f"diffusers-pipeline,path={tmp_path / 'amused'},steps={STEPS},call={{strength: 1.0}}")
    assert generator.info.images == ("source", "mask") and generator.info.conditions == "prompt"
    source, mask = torch.arange(192, dtype=torch.uint8).reshape(3, 8, 8), torch.zeros(3, 8, 8, dtype=torch.uint8)
    mask[:, :, 4:] = 255
    conditions = [Condition(prompt="a cat", images={"source": source, "mask": m}) for m in (mask, 255 - mask)]
    found = generator.sample(conditions, SEEDS[[0, 0]])
    for image, one in zip(found, (mask, 255 - mask), strict=True):
        direct = pipeline(
            ["a cat"], pillow(source), pillow(one, "L"), strength=1.0, num_inference_steps=STEPS,
            generator=torch.Generator().manual_seed(1), output_type="pt",
        ).images[0]  # fmt: skip
        torch.testing.assert_close(image, direct, rtol=0, atol=1e-6)
    assert (found[0] - found[1]).abs().max() > 1e-3
    with pytest.raises(UsageError, match="not given 'mask_image' here"):
        resolve_generator(f"diffusers-pipeline,path={tmp_path / 'amused'},call={{mask_image: x}}")
