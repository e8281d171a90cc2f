"""Files of Infinity as they are published: every nesting, shards, and the text encoder beside them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import ByT5Tokenizer, T5Config, T5EncoderModel

from vtbench.checkpoints.cards import find_generator_card
from vtbench.checkpoints.published import locate_whole
from vtbench.checkpoints.reading import Choice, read_published
from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.generators.published.next_scale.infinity.adapter import Infinity
from vtbench.generators.published.next_scale.infinity.geometry import SIZES, InfinityGeometry
from vtbench.generators.published.next_scale.infinity.network import InfinityNetwork
from vtbench.generators.published.next_scale.infinity.schedules import scale_schedule

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SCHEDULE = scale_schedule(1.0, "0.06M")


@pytest.fixture(scope="module")
def flan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as Flan-T5-XL is published in, of 256 channels; texts are cut into bytes."""
    folder = tmp_path_factory.mktemp("google") / "flan-t5-xl"
    sizes = {"vocab_size": 512, "d_model": 256, "d_ff": 32, "d_kv": 8, "num_heads": 2, "num_layers": 1}
    T5EncoderModel(T5Config(**sizes)).half().save_pretrained(folder)
    ByT5Tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.parametrize("nesting", ["", "trainer.gpt_fsdp", "model", "shards"])
def test_published_nestings_are_read_strictly(nesting: str, flan: Path, tmp_path: Path) -> None:
    sizes = {**asdict(SIZES["tiny"]), "bits": 6, "subject": nesting == "model"}
    whole = InfinityNetwork(InfinityGeometry(**sizes, schedule=SCHEDULE, finest=(64, 64))).state_dict()
    path = tmp_path if nesting == "shards" else tmp_path / "infinity.pth"

    def write(state: dict[str, Any]) -> None:
        if nesting != "shards":
            nested: Any = state
            for key in reversed(nesting.split(".") if nesting else []):
                nested = {key: nested, "epoch": 1}
            torch.save(nested, path)
            return
        names = sorted(state)
        for number, part in enumerate((names[:40], names[40:])):
            torch.save({name: state[name] for name in part}, path / f"pytorch_model-{number + 1:05d}-of-00002.bin")

    given = {**Infinity.shrunken, "checkpoint": str(path), "text_encoder": str(flan)}
    subject = {"subject_token": "<placeholder>"} if nesting == "model" else {}
    write(whole)
    generator = Infinity(**given, **subject)
    assert all(torch.equal(tensor, whole[name]) for name, tensor in generator._network.state_dict().items())
    assert {file.name for file in generator.info.weights} > {"model.safetensors", "tokenizer_config.json"}
    if subject:  # the authors' own loader passes over it without a word
        with pytest.raises(AdapterError, match="special_token"):
            Infinity(**given)
    write({name: tensor for name, tensor in whole.items() if name != "lvl_embed.weight"})
    with pytest.raises(AdapterError, match=r"lvl_embed\.weight"):
        Infinity(**given, **subject)


def test_a_folder_of_shards_is_found_under_the_name_of_its_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    card = find_generator_card("infinity-8b")
    with pytest.raises(AssetMissingError, match="infinity-8b: no checkpoint"):
        locate_whole(card, card.checkpoint)  # type: ignore[arg-type]
    folder = tmp_path / "FoundationVision" / "Infinity" / "infinity_8b_weights"
    folder.mkdir(parents=True)
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    for number, name in enumerate(names):
        save_file({f"tensor{number}": torch.zeros(1)}, folder / name)
    index = {"weight_map": {f"tensor{number}": name for number, name in enumerate(names)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    found = locate_whole(card, card.checkpoint)  # type: ignore[arg-type]
    assert found.path == folder and [shard.name for shard in found.shards] == names and len(found.sha256) == 64
    assert sorted(read_published(found.path, Choice(), "infinity").tensors) == ["tensor0", "tensor1"]


def test_a_text_encoder_that_cannot_be_had_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"never read")
    with pytest.raises(AssetMissingError, match="cannot be run without its text encoder: google/flan-t5-xl"):
        Infinity(**{**Infinity.shrunken, "checkpoint": str(tmp_path / "w.pth")})
