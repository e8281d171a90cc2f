"""The pipeline adapter against the pipelines called directly, on tiny seeded ones saved and loaded again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import diffusers
import pytest
import safetensors.torch
import torch
from tiny_pipelines import build_amused, build_text

from vtbench.core.contracts import Condition, Generator
from vtbench.core.digests import digest_file
from vtbench.core.errors import AdapterError, AssetMissingError, SampleError, UsageError
from vtbench.generators.resolve import resolve_generator

STEPS = 3


def build_dit(**scheduler: Any) -> Any:
    """Classes are 1000, because DiTPipeline takes 1000 for the null class."""
    torch.manual_seed(0)
    transformer = diffusers.DiTTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=8,
        num_layers=1,
        sample_size=4,
        patch_size=2,
        num_embeds_ada_norm=1000,
        norm_elementwise_affine=False,
    )
    for weight in transformer.parameters():  # some start at zero, so that nothing would depend on the class
        torch.nn.init.normal_(weight, std=0.2)
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=4,
        latent_channels=4,
    )
    return diffusers.DiTPipeline(transformer.eval(), vae.eval(), scheduler.get("of") or diffusers.DDIMScheduler())


def build_ddpm() -> Any:
    torch.manual_seed(0)
    unet = diffusers.UNet2DModel(
        sample_size=8,
        block_out_channels=(8, 8),
        norm_num_groups=4,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
    )
    return diffusers.DDPMPipeline(unet, diffusers.DDPMScheduler())


@pytest.fixture(scope="module")
def dit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dit")
    build_dit().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def ddpm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ddpm")
    build_ddpm().save_pretrained(folder)
    return folder


LABELS = [Condition(label=label) for label in (3, 7, 3)]
SEEDS = torch.tensor([1, 2**62, 5])


def test_it_is_a_generator_that_says_what_it_samples_with(dit: Path) -> None:
    generator = resolve_generator(f"diffusers-pipeline,path={dit},steps={STEPS},guidance_scale=2.5")
    assert isinstance(generator, Generator)
    info = generator.info
    assert (info.name, info.conditions, info.classes, info.native_size) == ("DiTPipeline", "class", 1000, 8)
    assert info.sampler["num_inference_steps"] == STEPS and info.sampler["guidance_scale"] == 2.5
    assert info.sampler["guidance"] == "u + s (c - u) for s > 1" and info.sampler["scheduler"] == "DDIMScheduler"
    assert {weight.name: weight.sha256 for weight in info.weights} == {
        f"{part}/diffusion_pytorch_model.safetensors": digest_file(dit / part / "diffusion_pytorch_model.safetensors")
        for part in ("transformer", "vae")
    }
    pipeline = build_dit()
    assert info.parameters == sum(
        weight.numel() for part in (pipeline.transformer, pipeline.vae) for weight in part.parameters()
    )
    json.dumps(dict(info.sampler))


def test_defaults_of_the_pipeline_are_told(dit: Path) -> None:
    sampler = resolve_generator(f"diffusers-pipeline,path={dit}").info.sampler
    assert (sampler["num_inference_steps"], sampler["guidance_scale"]) == (50, 4.0)


def test_a_batch_equals_the_pipeline_called_directly_for_each_image(dit: Path) -> None:
    images = resolve_generator(f"diffusers-pipeline,path={dit},steps={STEPS}").sample(LABELS, SEEDS)
    assert images.shape == (3, 3, 8, 8) and images.dtype == torch.float32
    pipeline = build_dit()
    pipeline.set_progress_bar_config(disable=True)
    for image, condition, seed in zip(images, LABELS, SEEDS, strict=True):
        random = torch.Generator().manual_seed(int(seed))
        alone = pipeline([condition.label], num_inference_steps=STEPS, generator=random, output_type="pt").images[0]
        assert torch.allclose(image, alone, atol=1e-5)
    assert (images[0] - images[2]).abs().max() > 0.01  # one class, two seeds


def test_the_class_and_the_guidance_move_the_image(dit: Path) -> None:
    seed = SEEDS[:1]
    generator = resolve_generator(f"diffusers-pipeline,path={dit},steps={STEPS}")
    first, second = (generator.sample([Condition(label=label)], seed) for label in (3, 7))
    assert (first - second).abs().max() > 1e-3
    unguided = resolve_generator(f"diffusers-pipeline,path={dit},steps={STEPS},guidance_scale=1.0")
    assert (unguided.sample(LABELS[:1], seed) - first).abs().max() > 1e-3


def test_an_unconditional_pipeline_whose_scheduler_adds_noise(ddpm: Path) -> None:
    generator = resolve_generator(f"diffusers-pipeline,path={ddpm},steps={STEPS}")
    assert (generator.info.conditions, generator.info.native_size) == ("none", 8)
    nothing = [Condition()] * 3
    together = generator.sample(nothing, SEEDS)
    alone = torch.cat([generator.sample([Condition()], seed[None]) for seed in SEEDS])
    assert torch.allclose(together, alone, atol=1e-5)
    assert torch.equal(generator.sample(nothing, SEEDS), together)


def test_noise_from_the_global_state_is_seeded_for_each_image(tmp_path: Path) -> None:
    """DiTPipeline gives its generators to the first noise only; a DDPM scheduler then draws from the global state."""
    build_dit(of=diffusers.DDPMScheduler()).save_pretrained(tmp_path)
    reference = f"diffusers-pipeline,path={tmp_path},steps={STEPS}"
    generator = resolve_generator(reference)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    together = generator.sample(LABELS, SEEDS)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    backwards = resolve_generator(reference).sample(LABELS[::-1], SEEDS.flip(0)).flip(0)
    assert torch.allclose(together, backwards, atol=1e-5)
    assert torch.equal(generator.sample(LABELS[1:2], SEEDS[1:2]), together[1:2])


@pytest.mark.parametrize(
    ("condition", "message"),
    [(Condition(label=1000), "class 1000"), (Condition(label=-1), "class -1"), (Condition(prompt="x"), "has none")],
)
def test_a_condition_it_cannot_take_fails_by_itself(dit: Path, condition: Condition, message: str) -> None:
    generator = resolve_generator(f"diffusers-pipeline,path={dit},steps=1")
    with pytest.raises(SampleError, match=message):
        generator.sample([condition], SEEDS[:1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [("size=8", "'height'"), ("call={latents: 1}", "'latents'"), ("conditions=prompt", "takes no prompt")],
)
def test_arguments_that_the_pipeline_does_not_take(dit: Path, arguments: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resolve_generator(f"diffusers-pipeline,path={dit},{arguments}")


def test_further_arguments_reach_the_call(dit: Path) -> None:
    generator = resolve_generator(f"diffusers-pipeline,path={dit},call={{num_inference_steps: {STEPS}}}")
    same = resolve_generator(f"diffusers-pipeline,path={dit},steps={STEPS}")
    assert torch.equal(generator.sample(LABELS[:1], SEEDS[:1]), same.sample(LABELS[:1], SEEDS[:1]))


def test_code_of_its_own_is_refused_unread(dit: Path, tmp_path: Path) -> None:
    trap = "raise SystemExit('this must not run')\n"
    index = json.loads((dit / "model_index.json").read_text())
    for change in ({"_class_name": ["pipeline", "Mine"]}, {"transformer": ["mine", "Net"]}):
        folder = tmp_path / next(iter(change))
        (folder / "transformer").mkdir(parents=True)
        (folder / "pipeline.py").write_text(trap)
        (folder / "transformer/mine.py").write_text(trap)
        (folder / "model_index.json").write_text(json.dumps({**index, **change}))
        with pytest.raises(AdapterError, match="would run its code"):
            resolve_generator(f"diffusers-pipeline,path={folder}")


def test_a_pickle_is_refused(ddpm: Path, tmp_path: Path) -> None:
    build_ddpm().save_pretrained(tmp_path, safe_serialization=False)
    with pytest.raises(AssetMissingError, match=r"refused diffusion_pytorch_model\.bin"):
        resolve_generator(f"diffusers-pipeline,path={tmp_path}")


def test_a_missing_tensor_is_no_random_one(tmp_path: Path) -> None:
    build_ddpm().save_pretrained(tmp_path)
    file = tmp_path / "unet/diffusion_pytorch_model.safetensors"
    tensors = safetensors.torch.load_file(file)
    del tensors["conv_out.weight"]
    safetensors.torch.save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(AdapterError, match=r"conv_out\.weight"):
        resolve_generator(f"diffusers-pipeline,path={tmp_path}")


def rewrite(file: Path, change: Any) -> None:
    safetensors.torch.save_file(change(safetensors.torch.load_file(file)), file, metadata={"format": "pt"})


def test_what_no_network_reads_is_refused_by_name(tmp_path: Path) -> None:
    build_dit().save_pretrained(tmp_path)
    file, config = tmp_path / "vae/diffusion_pytorch_model.safetensors", tmp_path / "transformer/config.json"
    rewrite(file, lambda tensors: tensors | {"decoder.more": torch.zeros(1)})
    with pytest.raises(AdapterError, match=r"vae does not fit: 1 are unknown \(decoder\.more\)"):
        resolve_generator(f"diffusers-pipeline,path={tmp_path}")
    rewrite(file, lambda tensors: {f"module.{n}": t for n, t in tensors.items() if n != "decoder.more"})
    with pytest.raises(AdapterError, match=r"all its names begin with 'module\.'"):
        resolve_generator(f"diffusers-pipeline,path={tmp_path}")
    rewrite(file, lambda tensors: {n.removeprefix("module."): t for n, t in tensors.items()})
    whole = config.read_text()
    config.write_text(json.dumps({**json.loads(whole), "attention_scale_v2": 2.0}))
    with pytest.raises(AdapterError, match=r"transformer: config\.json has keys .* attention_scale_v2\n"):
        resolve_generator(f"diffusers-pipeline,path={tmp_path}")
    config.write_text(whole)
    scheduler = tmp_path / "scheduler/scheduler_config.json"
    scheduler.write_text(json.dumps({**json.loads(scheduler.read_text()), "clip_v2": True, "skip_prk_steps": True}))
    (note,) = resolve_generator(f"diffusers-pipeline,path={tmp_path}").notes
    assert note == f"{tmp_path}/scheduler: DDIMScheduler does not read clip_v2"


def test_shards_of_a_component_are_read_whole_or_not_at_all(tmp_path: Path) -> None:
    build_ddpm().save_pretrained(tmp_path, max_shard_size="5KB")
    shards = sorted((tmp_path / "unet").glob("*-of-*"))
    assert len(shards) > 1
    info = resolve_generator(f"diffusers-pipeline,path={tmp_path}").info
    assert [weight.name for weight in info.weights] == [f"unet/{shard.name}" for shard in shards]
    whole = shards[1].read_bytes()
    shards[1].unlink()
    with pytest.raises(AdapterError, match=f"the shard {shards[1].name} is missing"):
        resolve_generator(f"diffusers-pipeline,path={tmp_path}")
    shards[1].write_bytes(whole)
    (tmp_path / "unet/diffusion_pytorch_model.safetensors").write_bytes(whole)
    with pytest.raises(AdapterError, match="unet holds two checkpoints"):
        resolve_generator(f"diffusers-pipeline,path={tmp_path}")


def test_a_variant_is_read_where_it_is_asked_for(tmp_path: Path) -> None:
    build_ddpm().to(torch.float16).save_pretrained(tmp_path, variant="fp16")
    with pytest.raises(AssetMissingError, match="variant=NAME"):
        resolve_generator(f"diffusers-pipeline,path={tmp_path}")
    generator = resolve_generator(f"diffusers-pipeline,path={tmp_path},variant=fp16,steps=1")
    assert generator._pipeline.unet.dtype == torch.float32
    assert [weight.name for weight in generator.info.weights] == ["unet/diffusion_pytorch_model.fp16.safetensors"]
    assert generator.sample([Condition()], SEEDS[:1]).shape == (1, 3, 8, 8)


def test_nothing_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssetMissingError, match=r"no model_index\.json"):
        resolve_generator(f"diffusers-pipeline,path={tmp_path}")
    with pytest.raises(AssetMissingError, match="no folder"):
        resolve_generator("diffusers-pipeline,path=./nowhere")
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    with pytest.raises(AssetMissingError, match="not in the local hub cache"):
        resolve_generator("diffusers-pipeline,path=nobody/nothing")


@pytest.fixture(scope="module")
def text_to_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import CLIPTextModel

    tokenizer, text = build_text(tmp_path_factory.mktemp("words"))
    torch.manual_seed(0)
    unet = diffusers.UNet2DConditionModel(
        sample_size=4,
        block_out_channels=(8, 8),
        norm_num_groups=4,
        layers_per_block=1,
        cross_attention_dim=8,
        attention_head_dim=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )
    pipeline = diffusers.StableDiffusionPipeline(
        vae=build_dit().vae,
        text_encoder=CLIPTextModel(text).eval(),
        tokenizer=tokenizer,
        unet=unet.eval(),
        scheduler=diffusers.DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    folder = tmp_path_factory.mktemp("sd")
    pipeline.save_pretrained(folder)
    return folder


def test_buffers_that_old_files_hold_are_the_networks_own(text_to_image: Path, tmp_path: Path) -> None:
    """Text encoders saved before 2023 hold the positions 0, 1, 2 …, which the network counts itself."""
    folder = shutil.copytree(text_to_image, tmp_path / "old")
    file = folder / "text_encoder/model.safetensors"
    prefix = next(name for name in safetensors.torch.load_file(file) if "embeddings" in name).rsplit(".embeddings.")[0]
    old = {f"{prefix}.embeddings.position_ids": torch.arange(16)[None]}
    rewrite(file, lambda tensors: tensors | old)
    assert resolve_generator(f"diffusers-pipeline,path={folder}").notes == ()
    rewrite(file, lambda tensors: tensors | {f"{prefix}.more": torch.zeros(1)})
    with pytest.raises(AdapterError, match=r"text_encoder does not fit: 1 are unknown .*\.more"):
        resolve_generator(f"diffusers-pipeline,path={folder}")


def test_prompts(text_to_image: Path) -> None:
    generator = resolve_generator(f"diffusers-pipeline,path={text_to_image},steps={STEPS},guidance_scale=3.0")
    info = generator.info
    assert (info.conditions, info.classes, info.native_size, info.tokenizer) == ("prompt", 0, 8, "AutoencoderKL")
    assert "text_encoder/model.safetensors" in {weight.name for weight in info.weights}
    prompts = [Condition(prompt=text) for text in ("a cat", "two dogs on a mat", "a cat")]
    together = generator.sample(prompts, SEEDS)
    assert together.shape == (3, 3, 8, 8)
    alone = torch.cat([generator.sample([prompt], seed[None]) for prompt, seed in zip(prompts, SEEDS, strict=True)])
    assert torch.allclose(together, alone, atol=1e-5)
    other = generator.sample([Condition(prompt="a house")], SEEDS[:1])
    assert (other - together[:1]).abs().max() > 1e-4


def test_an_image_that_a_safety_checker_replaced_is_no_sample(text_to_image: Path) -> None:
    generator = resolve_generator(f"diffusers-pipeline,path={text_to_image},steps=1")
    generator._pipeline.run_safety_checker = lambda images, device, dtype: (images, [False, True])
    with pytest.raises(SampleError, match="safety checker"):
        generator.sample([Condition(prompt="a cat")] * 2, SEEDS[:2])


def test_a_masked_pipeline_takes_one_generator_and_is_called_for_each_image(tmp_path: Path) -> None:
    """aMUSEd draws all tokens of a batch from one generator, and cannot be given several."""
    pipeline = build_amused(tmp_path)
    pipeline.save_pretrained(tmp_path / "amused")
    pipeline.set_progress_bar_config(disable=True)
    generator = resolve_generator(f"diffusers-pipeline,path={tmp_path / 'amused'},steps={STEPS}")
    info = generator.info
    assert (info.name, info.conditions, info.native_size, info.tokenizer) == ("AmusedPipeline", "prompt", 8, "VQModel")
    assert info.sampler["guidance"] == "u + s (c - u) for s > 1" and info.sampler["guidance_scale"] == 10.0
    assert info.sampler["temperature"] == (2, 0) and info.sampler["scheduler_config"]["masking_schedule"] == "cosine"
    prompts = [Condition(prompt=text) for text in ("a cat", "two dogs", "a cat")]
    images = generator.sample(prompts, SEEDS)
    for image, condition, seed in zip(images, prompts, SEEDS, strict=True):
        random = torch.Generator().manual_seed(int(seed))
        alone = pipeline([condition.prompt], num_inference_steps=STEPS, generator=random, output_type="pt").images[0]
        torch.testing.assert_close(image, alone, rtol=0, atol=1e-6)
    assert (images[0] - images[2]).abs().max() > 1e-3
