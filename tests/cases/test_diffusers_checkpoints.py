"""Folders as ``save_pretrained`` writes them, and what becomes of them: other keys, other tensors, shards, prefixes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from safetensors.torch import load_file, save_file
from torch import Tensor

from vtbench.core.digests import digest_file

NAME = "diffusion_pytorch_model.safetensors"
INDEX = f"{NAME}.index.json"
SMALL: dict[str, Any] = {
    "block_out_channels": (8, 16),
    "down_block_types": ("DownEncoderBlock2D",) * 2,
    "up_block_types": ("UpDecoderBlock2D",) * 2,
    "norm_num_groups": 4,
}
OLD_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


@pytest.fixture
def model(place: Path) -> Any:
    """Its folder is ``plain``."""
    torch.manual_seed(0)
    made = AutoencoderKL(**SMALL).eval()
    made.save_pretrained(place / "plain")
    return made


@pytest.fixture
def score(model: Any, vt: Callable[..., Any], images: Callable[..., Any]) -> Callable[..., Any]:
    """``score("plain")``: a run of the folder on two images."""
    images("d", 2)
    count = iter(range(99))

    def run(path: str, adapter: str = "diffusers-kl") -> Any:
        tokenizer, out = f"{adapter},path={path}", f"r{next(count)}"
        return vt("run", "--offline", "--task", "quick.yaml", "--data", "d", "-t", tokenizer, "--out", out, "--json")

    return run


def copy(place: Path, name: str) -> Path:
    return shutil.copytree(place / "plain", place / name)


def rewrite(file: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    save_file({name: tensor.contiguous() for name, tensor in change(load_file(file)).items()}, file)


def with_key(folder: Path, **more: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **more}))


def independent(model: Any, images: list[Any]) -> float:
    """Mean absolute error by the class's own methods."""
    errors = []
    for array in images:
        image = torch.from_numpy(array).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            output = model.decode(model.encode(image * 2 - 1).latent_dist.mode()).sample / 2 + 0.5
        errors.append(float(((output.clamp(0, 1) * 255).round() - image * 255).abs().mean()))
    return float(np.mean(errors))


def test_a_plain_folder_scores_as_the_class_itself(model: Any, score: Any, images: Any) -> None:
    done = score("plain")
    assert done.code == 0 and done.rows[0]["warnings"] == [] and "float32" not in done.err
    assert done.value("mae") == pytest.approx(independent(model, images("d", 2)), abs=1e-2)


def test_keys_and_tensors_that_nothing_reads_are_refused_by_name(place: Path, score: Any) -> None:
    with_key(copy(place, "key"), attention_scale_v2=2.0, _name_or_path="kept", _diffusers_version="0.1")
    done = score("key")
    assert done.code == 1 and "does not take: attention_scale_v2\n" in done.err and done.out == ""

    extra = copy(place, "extra")
    rewrite(extra / NAME, lambda state: state | {"encoder.new_block.weight": torch.ones(8, 8)})
    done = score("extra")
    assert done.code == 1 and "1 is unknown (encoder.new_block.weight)" in done.err

    missing = copy(place, "missing")
    rewrite(missing / NAME, lambda state: {k: v for k, v in state.items() if k != "decoder.conv_out.bias"})
    done = score("missing")
    assert done.code == 1 and "tensors are missing (decoder.conv_out.bias)" in done.err

    integers = copy(place, "integers")
    rewrite(integers / NAME, lambda state: state | {"quant_conv.weight": state["quant_conv.weight"].to(torch.int8)})
    done = score("integers")
    assert done.code == 1 and "quant_conv.weight holds torch.int8" in done.err


@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod.", "model.", "model.module._orig_mod."])
def test_wrappers_on_every_tensor_are_taken_off_and_told(place: Path, score: Any, wrapper: str) -> None:
    rewrite(copy(place, "w") / NAME, lambda state: {wrapper + name: tensor for name, tensor in state.items()})
    plain, wrapped = score("plain"), score("w")
    assert wrapped.code == 0 and wrapped.value("mae") == plain.value("mae")
    (warning,) = wrapped.rows[0]["warnings"]
    assert repr(wrapper) in warning and "taken off" in wrapped.err


def test_a_wrapper_on_some_tensors_is_no_wrapper(place: Path, score: Any) -> None:
    rewrite(
        copy(place, "some") / NAME,
        lambda state: {("module." if "decoder" in name else "") + name: tensor for name, tensor in state.items()},
    )
    done = score("some")
    assert done.code == 1 and "behind a prefix that not all tensors carry" in done.err


def test_old_names_of_attention_are_read_as_the_library_reads_them(place: Path, score: Any) -> None:
    def old(state: dict[str, Tensor]) -> dict[str, Tensor]:
        for new, former in OLD_NAMES.items():
            state = {name.replace(f".{new}.", f".{former}."): tensor for name, tensor in state.items()}
        assert any(".proj_attn." in name for name in state)
        return state

    rewrite(copy(place, "old") / NAME, old)
    assert score("old").value("mae") == score("plain").value("mae")


def test_keys_that_a_class_registers_itself_are_its_own(place: Path, model: Any, score: Any) -> None:
    sizes = {"encoder_block_out_channels": (8, 8), "decoder_block_out_channels": (8, 8)}
    blocks = {"num_encoder_blocks": (1, 1), "num_decoder_blocks": (1, 1)}
    AutoencoderTiny(**sizes, **blocks).save_pretrained(place / "tiny")
    assert "block_out_channels" in json.loads((place / "tiny" / "config.json").read_text())
    assert score("tiny", "diffusers-tiny").code == 0
    with_key(place / "tiny", block_out_channels=[8, 16])
    assert "does not take: block_out_channels" in score("tiny", "diffusers-tiny").err


def test_half_precision_files_are_read_exactly(place: Path, score: Any, images: Any) -> None:
    rewrite(copy(place, "bf16") / NAME, lambda state: {name: value.bfloat16() for name, value in state.items()})
    expected = independent(AutoencoderKL.from_pretrained("bf16", torch_dtype=torch.float32), images("d", 2))
    assert score("bf16").value("mae") == pytest.approx(expected, abs=1e-2)


def test_shards_are_read_whole_or_not_at_all(place: Path, model: Any, score: Any) -> None:
    model.save_pretrained(place / "shards", max_shard_size="20KB")
    files = sorted((place / "shards").glob("*-of-*.safetensors"))
    done = score("shards")
    assert done.value("mae") == score("plain").value("mae")
    record = json.loads(next(place.glob("r0/**/record.json")).read_text())
    assert [weight["sha256"] for weight in record["model"]["weights"]] == [digest_file(file) for file in files]

    shutil.copytree("shards", "gap")
    (place / "gap" / files[1].name).unlink()
    done = score("gap")
    assert done.code == 1 and f"the shard {files[1].name} is missing, which {INDEX} names" in done.err

    shutil.copytree("shards", "stale")
    shutil.copy("plain/" + NAME, "stale/" + NAME)
    done = score("stale")
    assert done.code == 1 and NAME in done.err and "is stale" in done.err and done.out == ""


def test_damaged_files_and_pickles_are_told_in_two_lines(place: Path, model: Any, score: Any) -> None:
    whole = (copy(place, "cut") / NAME).read_bytes()
    (place / "cut" / NAME).write_bytes(whole[: len(whole) // 2])
    done = score("cut")
    assert done.code == 1 and "truncated or not a checkpoint" in done.err and done.err.count("\n") == 2

    (copy(place, "pickle") / NAME).unlink()
    torch.save(model.state_dict(), place / "pickle" / "diffusion_pytorch_model.bin")
    done = score("pickle")
    assert done.code == 4 and "a pickle can run code" in done.err


def test_folders_inside_are_offered(place: Path, score: Any) -> None:
    copy(place, "pipe/vae")
    assert score("pipe,subfolder=vae").code == 0
    for path in ("pipe", "pipe,subfolder=vea"):
        done = score(path)
        assert done.code == 4 and "did you mean subfolder=vae?" in done.err
    done = score("pipe/vea")
    assert done.code == 4 and "did you mean path=pipe/vae?" in done.err
    assert "hf download nowhere/vae" in score("nowhere/vae").err


def test_links_that_lead_nowhere_are_told(place: Path, score: Any) -> None:
    (copy(place, "tensors") / NAME).unlink()
    (place / "tensors" / NAME).symlink_to("../blobs/0123")
    (copy(place, "settings") / "config.json").unlink()
    (place / "settings" / "config.json").symlink_to("../blobs/4567")
    for name, blob in (("tensors", "0123"), ("settings", "4567")):
        done = score(name)
        assert done.code == 4 and f"is a link to ../blobs/{blob}, which is not there" in done.err, done.err
        assert len(done.err.splitlines()) == 2


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("_class_name", ["AutoencoderKL"], "is a ['AutoencoderKL'], not a AutoencoderKL"),
        ("_class_name", None, "is a None, not a AutoencoderKL"),
        ("in_channels", [3], "[3] and 3 channels"),
        ("out_channels", "3", "3 channels"),
        ("layers_per_block", "two", "cannot build a AutoencoderKL"),
        ("latent_channels", -1, "cannot build a AutoencoderKL"),
    ],
)
def test_settings_of_another_type_are_told(place: Path, score: Any, key: str, value: Any, words: str) -> None:
    file = copy(place, "odd") / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    done = score("odd")
    assert done.code in (1, 2) and words in done.err and "Error:" not in done.err, done.err
