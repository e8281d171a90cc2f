"""Checkpoints as users have them: wrapped names, folders of shards, several sets of weights in one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from test_official_loading import Toy, state
from torch import Tensor, nn

from vtbench.assets.wrapped_names import unwrapped
from vtbench.core.digests import digest_file
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.run.planning.models import TokenizerSource

SHARDS = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]


def test_wrappers_are_taken_off_and_told(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    plain = network.state_dict()
    averaged = torch.optim.swa_utils.AveragedModel(nn.DataParallel(network)).state_dict()
    assert "n_averaged" in averaged
    for wrapped, wrappers in (
        (averaged, "module."),
        ({f"_orig_mod.module.{name}": value for name, value in plain.items()}, "_orig_mod.module."),
        ({f"model.{name.replace('0.', '0._orig_mod.')}": value for name, value in plain.items()}, "model._orig_mod."),
    ):
        bare, found = unwrapped(wrapped)
        assert bare.keys() == plain.keys() and found == wrappers
    for kept in (plain, {"module.0.weight": plain["0.weight"], "1.weight": plain["1.weight"]}):
        assert unwrapped(kept) == (kept, "")

    torch.save({"model": {f"module.{name}": value for name, value in state().items()}}, tmp_path / "w.pt")
    toy = Toy(checkpoint=str(tmp_path / "w.pt"))
    assert toy.notes == (
        f"{tmp_path / 'w.pt'}: the names of its tensors are wrapped in 'module.', which was taken off",
    )
    assert torch.equal(toy._network.scale, state()["scale"])


def test_wrappers_that_belong_to_the_names_stay(tmp_path: Path) -> None:
    class Own(Toy):
        def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
            return {name.removeprefix("module."): value for name, value in state.items()}

    torch.save({f"module.{name}": value for name, value in state().items()}, tmp_path / "w.pt")
    assert Own(checkpoint=str(tmp_path / "w.pt")).notes == ()


def test_wrappers_may_stand_before_a_prefix(tmp_path: Path) -> None:
    class Prefixed(Toy):
        prefix = "net."

    names = {f"module.net.{name}": value for name, value in state().items()}
    torch.save(names | {"module.head.bias": torch.zeros(1), "module.loss.logvar": torch.zeros(1)}, tmp_path / "w.pt")
    (note,) = Prefixed(checkpoint=str(tmp_path / "w.pt")).notes
    assert "module." in note


def test_the_choice_among_entries_is_told_and_can_be_made(tmp_path: Path) -> None:
    path, raw = tmp_path / "w.pt", state()
    averaged = {f"module.{name}": value for name, value in raw.items()} | {"module.scale": raw["scale"] * 2}
    extras = {"discriminator": {"x": torch.zeros(1)}, "optimizer": {"state": {0: {"m": torch.zeros(1)}}}, "epoch": 3}
    torch.save({"model": raw, "nested": {"shadow": averaged}, **extras}, path)
    toy = Toy(checkpoint=str(path))
    assert toy.notes == (f"{path}: took the weights under 'model'; it also has 'nested.shadow': entry= chooses",)
    chosen = Toy(checkpoint=str(path), entry="nested.shadow")
    assert torch.equal(chosen._network.scale, raw["scale"] * 2) and len(chosen.notes) == 1  # of the wrapper
    assert Toy(checkpoint=str(path), entry="model").notes == ()
    with pytest.raises(UsageError, match=r"no tensors under 'ema'\n.*model, nested.shadow, discriminator"):
        Toy(checkpoint=str(path), entry="ema")
    torch.save({"net": raw, "epoch": 3}, path)
    with pytest.raises(AdapterError, match="entry=NAME, one of: net"):
        Toy(checkpoint=str(path))


@pytest.mark.parametrize("index", [True, False])
def test_a_folder_of_shards_is_read_whole(index: bool, tmp_path: Path) -> None:
    names = list(state())
    parts = [{name: state()[name] for name in half} for half in (names[:2], names[2:])]
    for file, part in zip(SHARDS, parts, strict=True):
        save_file(part, tmp_path / file)
    if index:
        places = {name: file for file, part in zip(SHARDS, parts, strict=True) for name in part}
        (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    info = Toy(checkpoint=str(tmp_path)).info
    assert [(weight.name, weight.sha256) for weight in info.weights] == [
        (file, digest_file(tmp_path / file)) for file in SHARDS
    ]
    revision = info.revision
    save_file({**parts[1], "count": torch.tensor(6)}, tmp_path / SHARDS[1])
    assert Toy(checkpoint=str(tmp_path)).info.revision != revision
    (tmp_path / SHARDS[1]).unlink()
    with pytest.raises(AdapterError, match=f"the shard {SHARDS[1]} is missing"):
        Toy(checkpoint=str(tmp_path))


def test_pickled_shards_and_shards_that_share_a_name(tmp_path: Path) -> None:
    files = [f"pytorch_model-0000{number}-of-00002.bin" for number in (1, 2)]
    torch.save({name: state()[name] for name in list(state())[:2]}, tmp_path / files[0])
    torch.save({name: state()[name] for name in list(state())[2:]}, tmp_path / files[1])
    assert len(Toy(checkpoint=str(tmp_path)).info.weights) == 2
    torch.save(state(), tmp_path / files[1])
    with pytest.raises(AdapterError, match="scale is in another shard too"):
        Toy(checkpoint=str(tmp_path))


def test_a_folder_holds_one_checkpoint_or_is_asked_about(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no weights"):
        Toy(checkpoint=str(tmp_path))
    save_file(state(), tmp_path / "a.safetensors")
    (tmp_path / "config.json").write_text("{}")
    toy = Toy(checkpoint=str(tmp_path))
    assert toy.notes == (f"{tmp_path}: took a.safetensors, the only weights there",)
    assert toy.info.weights[0].name == "a.safetensors"
    torch.save(state(), tmp_path / "b.pt")
    with pytest.raises(UsageError, match=r"several weights: a\.safetensors, b\.pt\n.*name one"):
        Toy(checkpoint=str(tmp_path))
    with pytest.raises(AssetMissingError, match=r"does not exist\n.*did you mean .*a\.safetensors"):
        Toy(checkpoint=str(tmp_path / "a.safetensor"))


def test_what_a_model_says_of_itself_is_a_warning_of_its_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    class Telling:
        notes: Any = ("one", "two")
        info = None

    source = TokenizerSource("identity")
    monkeypatch.setattr(TokenizerSource, "make", lambda self: Telling())
    assert source.warnings(()) == ["one", "two"]
    Telling.notes = {"of": "another kind"}
    assert TokenizerSource("identity").warnings(()) == []
