"""GLM-Image through the pipeline adapter, on a tiny one: tokens of an autoregressive model, then a diffusion model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import pytest
import safetensors.torch
import torch
import transformers
from library_cases import save_byte_tokenizer

from vtbench.core.contracts import Condition
from vtbench.core.errors import AdapterError, UsageError
from vtbench.generators.resolve import resolve_generator

PROMPTS = [Condition(prompt=text) for text in ("a cat", "two dogs on a sofa")]
SEEDS = torch.tensor([1, 2**62])
TEMPLATE = "{% for turn in messages %}{% for part in turn['content'] %}{{ part['text'] }}{% endfor %}{% endfor %}"


def build_writer() -> Any:
    config = transformers.GlmImageConfig(
        text_config={
            **{"vocab_size": 320, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1},
            **{"num_attention_heads": 2, "num_key_value_heads": 2, "vision_vocab_size": 32, "pad_token_id": 0},
            **{"rope_parameters": {"rope_type": "default", "mrope_section": (2, 1, 1)}, "eos_token_id": 31},
        },
        vision_config={
            **{"depth": 1, "hidden_size": 16, "num_heads": 2, "image_size": 32, "patch_size": 8},
            "intermediate_size": 16,
        },
        vq_config={"embed_dim": 8, "num_embeddings": 32, "latent_channels": 8},
        **{"image_token_id": 256, "image_start_token_id": 259, "image_end_token_id": 31},
    )
    made = transformers.GlmImageForConditionalGeneration(config).eval()
    made.generation_config.update(eos_token_id=None, do_sample=True, top_k=20, temperature=0.9)
    return made


def build_processor(folder: Path) -> Any:
    names = {"image_token": "<img>", "grid_bos_token": "<sop>", "grid_eos_token": "<eop>"}
    words = save_byte_tokenizer(folder, (*names.values(), "<bos>", "<pad>"))
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token="<bos>", pad_token="<pad>", padding_side="left", extra_special_tokens=names
    )
    return transformers.GlmImageProcessor(
        image_processor=transformers.GlmImageImageProcessor(), tokenizer=tokenizer, chat_template=TEMPLATE
    )


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Any:
    torch.manual_seed(0)
    text = transformers.T5Config(vocab_size=384, d_model=8, d_ff=8, d_kv=4, num_heads=2, num_layers=1)
    vae = diffusers.AutoencoderKL(
        **{"block_out_channels": (4,) * 4, "norm_num_groups": 4, "latent_channels": 4},
        **{"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4},
        **{"latents_mean": [0.0] * 4, "latents_std": [1.0] * 4},
    )
    transformer = diffusers.GlmImageTransformer2DModel(
        **{"patch_size": 2, "in_channels": 4, "out_channels": 4, "num_layers": 1, "attention_head_dim": 8},
        **{"num_attention_heads": 2, "text_embed_dim": 8, "time_embed_dim": 16, "condition_dim": 8},
        prior_vq_quantizer_codebook_size=32,
    )
    made = diffusers.GlmImagePipeline(
        tokenizer=transformers.ByT5Tokenizer(),
        processor=build_processor(tmp_path_factory.mktemp("words")),
        text_encoder=transformers.T5EncoderModel(text).eval(),
        vision_language_encoder=build_writer(),
        vae=vae.eval(),
        transformer=transformer.eval(),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
    )
    made.set_progress_bar_config(disable=True)
    return made


@pytest.fixture(scope="module")
def folder(pipeline: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("glm-image")
    pipeline.save_pretrained(made)
    return made


def test_each_image_is_the_pipelines_own_and_the_global_state_stays(pipeline: Any, folder: Path) -> None:
    generator = resolve_generator(f"diffusers-pipeline,path={folder},steps=2,size=32")
    torch.manual_seed(5)
    state = torch.get_rng_state()
    images = generator.sample(PROMPTS, SEEDS)
    assert torch.equal(torch.get_rng_state(), state) and images.shape == (2, 3, 32, 32)
    direct = pipeline(
        [PROMPTS[1].prompt], height=32, width=32, num_inference_steps=2,
        generator=torch.Generator().manual_seed(int(SEEDS[1])), output_type="pt",
    ).images[0]  # fmt: skip
    torch.testing.assert_close(images[1], direct, rtol=0, atol=1e-6)
    assert (images[0] - images[1]).abs().max() > 0.01


def test_the_record_tells_what_tokens_are_drawn_by(folder: Path) -> None:
    info = resolve_generator(f"diffusers-pipeline,path={folder},steps=2,size=32").info
    assert (info.name, info.conditions, info.native_size) == ("GlmImagePipeline", "prompt", 32)
    drawn = info.sampler["vision_language_encoder_generation"]
    assert (drawn["do_sample"], drawn["top_k"], drawn["temperature"], drawn["top_p"]) == (True, 20, 0.9, 1.0)
    assert (info.sampler["guidance_scale"], info.sampler["guidance"]) == (1.5, "u + s (c - u) for s > 1")
    assert "vision_language_encoder/model.safetensors" in [weight.name for weight in info.weights]


@pytest.mark.parametrize("size", ["", ",size=40", ",call={height: 32}"])
def test_its_size_must_be_given(folder: Path, size: str) -> None:
    with pytest.raises(UsageError, match="GlmImagePipeline takes whole multiples of 32 pixels") as caught:
        resolve_generator(f"diffusers-pipeline,path={folder}{size}")
    assert caught.value.hint == "size=1024"


def test_a_missing_tensor_of_the_writer_is_no_random_one(folder: Path) -> None:
    """Its index names the module of diffusers that the pipeline lies in, not transformers."""
    file = folder / "vision_language_encoder/model.safetensors"
    whole = file.read_bytes()
    state = safetensors.torch.load_file(file)
    del state["lm_head.weight"]
    safetensors.torch.save_file(state, file, metadata={"format": "pt"})
    with pytest.raises(AdapterError, match=r"vision_language_encoder does not fit: 1 tensors are missing \(lm_head"):
        resolve_generator(f"diffusers-pipeline,path={folder},size=32")
    file.write_bytes(whole)
