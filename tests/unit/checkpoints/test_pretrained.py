"""Finding checkpoints: folders, the hub's cache, and what is refused."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from vtbench.checkpoints.pretrained import Checkpoint, locate
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.tokenizers.resolve import resolve_tokenizer

STEM = "diffusion_pytorch_model"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def find(path: Path | str, **given: str) -> Checkpoint:
    return locate(str(path), **{"subfolder": None, "revision": None, "variant": None, **given})


def checkpoint(folder: Path, *files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"_class_name": "AutoencoderKL"}))
    for name in files:
        (folder / name).write_bytes(name.encode())
    return folder


class Bomb:
    """Unpickling this creates a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.target,)


def test_a_pickle_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    folder, trace = checkpoint(tmp_path / "model"), tmp_path / "trace"
    payload = pickle.dumps(Bomb(trace))
    (folder / f"{STEM}.bin").write_bytes(payload)
    with pytest.raises(AssetMissingError, match=rf"refused {STEM}\.bin: a pickle"):
        resolve_tokenizer(f"diffusers-kl,path={folder}")
    assert not trace.exists()
    pickle.loads(payload)
    assert trace.exists(), "the pickle is harmless, so this test shows nothing"


def test_a_pickle_under_the_name_of_safetensors_runs_nothing(tmp_path: Path) -> None:
    folder, trace = checkpoint(tmp_path / "model"), tmp_path / "trace"
    (folder / f"{STEM}.safetensors").write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(AdapterError, match="truncated or not a checkpoint"):
        resolve_tokenizer(f"diffusers-kl,path={folder}")
    assert not trace.exists()


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ({}, [f"{STEM}.safetensors"]),
        ({"variant": "fp16"}, [f"{STEM}.fp16.safetensors"]),
    ],
)
def test_only_the_variant_asked_for(tmp_path: Path, variant: dict[str, str], expected: list[str]) -> None:
    folder = checkpoint(tmp_path, f"{STEM}.safetensors", f"{STEM}.fp16.safetensors", "other.safetensors")
    assert [file.name for file in find(folder, **variant).files] == expected


def test_shards_in_order(tmp_path: Path) -> None:
    shards = [f"{STEM}-0000{number}-of-00002.safetensors" for number in (1, 2)]
    folder = checkpoint(tmp_path, *reversed(shards))
    assert [file.name for file in find(folder).files] == shards, "without an index all that are counted are there"
    index = folder / f"{STEM}.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"b": shards[1], "a": shards[0]}}))
    assert [file.name for file in find(folder).files] == shards
    index.write_text(json.dumps({"weight_map": {"a": "../elsewhere.safetensors"}}))
    with pytest.raises(AdapterError, match="no files beside it"):
        find(folder)
    index.unlink()
    (folder / shards[0]).unlink()
    with pytest.raises(AdapterError, match=rf"the shard {shards[0]} is missing"):
        find(folder)


def test_a_file_is_not_asked_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkpoint(tmp_path, f"{STEM}.safetensors").parent)
    with pytest.raises(UsageError, match=r"is a file\n.*path="):
        find(f"{tmp_path.name}/{STEM}.safetensors")


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    checkpoint(tmp_path / "sd" / "vae", f"{STEM}.safetensors")
    (tmp_path / "empty").mkdir()
    cases = {
        "no config.json\n  did you mean subfolder=vae? it has config.json in: vae": lambda: find(tmp_path / "sd"),
        "no config.json\n  is the path right": lambda: find(tmp_path / "empty"),
        f"it has {STEM}.safetensors; is the variant right": lambda: find(
            tmp_path / "sd", subfolder="vae", variant="fp16"
        ),
        "no folder ./nowhere": lambda: find("./nowhere"),
    }
    for message, call in cases.items():
        with pytest.raises(AssetMissingError) as caught:
            call()
        assert message in str(caught.value)


def test_a_damaged_configuration_is_told(tmp_path: Path) -> None:
    (checkpoint(tmp_path) / "config.json").write_text("{")
    with pytest.raises(AdapterError, match="not JSON"):
        find(tmp_path)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache that holds one repository, laid out as huggingface_hub does; and no network."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    repository = tmp_path / "models--owner--name"
    checkpoint(repository / "snapshots" / COMMIT / "vae", f"{STEM}.safetensors")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    return tmp_path


def test_offline_reads_the_hub_cache_and_records_the_commit(hub: Path) -> None:
    found = find("owner/name", subfolder="vae")
    assert (found.revision, found.source) == (COMMIT, "hub:owner/name/vae")
    assert [file.name for file in found.files] == [f"{STEM}.safetensors"]
    assert find("owner/name", subfolder="vae", revision=COMMIT).revision == COMMIT


def test_offline_says_what_is_not_cached_and_how_to_get_it(hub: Path) -> None:
    with pytest.raises(AssetMissingError, match="not in the local hub cache") as caught:
        find("owner/other")
    assert "hf download owner/other" in str(caught.value)
    assert caught.value.exit_code == 4
