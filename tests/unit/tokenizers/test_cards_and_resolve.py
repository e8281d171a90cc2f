"""Cards, names and what is accepted as a tokenizer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import vtbench.tokenizers
from vtbench.checkpoints.cards import load_cards, parse_card
from vtbench.cli.details import details
from vtbench.cli.inventory import inventory
from vtbench.cli.verbs.fetch import fetch
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError, VtbenchError
from vtbench.core.naming.reference import parse_reference
from vtbench.tokenizers import TOKENIZERS
from vtbench.tokenizers.codecs.pillow import Jpeg
from vtbench.tokenizers.resolve import expand, resolve_tokenizer, tokenizer_names

CARDS = sorted(Path(vtbench.tokenizers.__path__[0]).glob("cards/*.yaml"))


def test_every_file_is_a_card() -> None:
    assert sorted(file.stem for file in CARDS) == list(load_cards()) and CARDS


@pytest.mark.parametrize("name", sorted(load_cards()))
def test_a_card_names_a_registered_target_and_hides_nothing(name: str) -> None:
    card = load_cards()[name]
    assert card.target in TOKENIZERS
    assert name not in TOKENIZERS
    assert name in tokenizer_names()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: x\ntarget: jpeg\nsummary: s\nsource: s\nextra: 1\n", "extra"),
        ("name: x\ntarget: jpeg\nsource: s\n", "summary"),
        ("name: y\ntarget: jpeg\nsummary: s\nsource: s\n", "calls itself 'y'"),
        ("name: X y\ntarget: jpeg\nsummary: s\nsource: s\n", "name"),
        ("- 1\n", "tokenizer card x"),
        ("{", "tokenizer card x"),
        ("!!python/object/apply:os.getcwd []\n", "tokenizer card x"),
    ],
)
def test_a_faulty_card_is_told(text: str, told: str) -> None:
    with pytest.raises(VtbenchError) as caught:
        parse_card(text, "x")
    assert told in str(caught.value)


def test_the_users_arguments_override_the_cards() -> None:
    reference = expand(parse_reference("jpeg-lm,quality=50"))
    assert reference.target == "jpeg"
    assert reference.args == {**load_cards()["jpeg-lm"].args, "quality": 50}


def test_a_published_card_names_itself_to_its_target() -> None:
    reference = expand(parse_reference("llamagen-ds8,checkpoint=w.pt"))
    assert reference.target == "janus-vq"
    assert reference.args == {"multipliers": [1, 2, 2, 4], "card": "llamagen-ds8", "checkpoint": "w.pt"}
    assert "card" not in expand(parse_reference("jpeg-lm")).args


def test_a_card_is_listed_and_shown_with_its_rate_and_its_numbers() -> None:
    listed = {row["name"]: row for row in inventory("tokenizers")}
    found = [listed["llamagen-ds16"][name] for name in ("family", "tokens", "code", "bpp", "size", "licence")]
    assert found == ["janus-vq", 256, "16384 entries", 256 * 14 / 256**2, 256, "MIT"]
    assert "(gated)" in listed["flux.1-dev"]["licence"] and "gated" not in listed["taef1"]["licence"]
    shown = details("llamagen-ds16")
    assert (shown["kind"], shown["tokens at 256x256"]) == ("tokenizer card", 256)
    assert shown["bits per pixel at 256x256"] == 256 * 14 / 256**2
    assert shown["checkpoint"] == "FoundationVision/LlamaGen/vq_ds16_c2i.pt"
    assert shown["published 1"].startswith("rfid 2.19 (ImageNet-1k val, 256 px in")


def test_fetching_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    with pytest.raises(AssetMissingError, match="llamagen-ds16: no checkpoint"):
        fetch(["llamagen-ds16"])
    (tmp_path / "vq_ds16_c2i.pt").write_bytes(b"weights")
    fetch(["llamagen-ds16"], json=True)
    (row,) = json.loads(capsys.readouterr().out)
    assert row["path"] == str(tmp_path / "vq_ds16_c2i.pt") and len(row["tensors"]) == 64
    with pytest.raises(UsageError, match="has no weights"):
        fetch(["jpeg-lm"])
    with pytest.raises(UsageError, match="belongs to --convert"):
        fetch(entry="model")
    with pytest.raises(UsageError, match="takes no names"):
        fetch(["jpeg-lm"], convert=(tmp_path / "a", tmp_path / "b.safetensors"))


def test_a_diffusers_card_reads_the_folder_that_bears_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import diffusers

    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    with pytest.raises(AssetMissingError, match=r"flux\.1-dev: .*gated"):
        resolve_tokenizer("flux.1-dev")
    small = {"block_out_channels": (8,), "norm_num_groups": 4, "latent_channels": 4, "mid_block_add_attention": False}
    diffusers.AutoencoderKL(**small).save_pretrained(tmp_path / "black-forest-labs/FLUX.1-dev/vae")
    diffusers.AutoencoderKL(**small).save_pretrained(tmp_path / "sdxl-vae")
    info = resolve_tokenizer("flux.1-dev").info
    assert (info.name, info.native_size, info.licence) == ("flux.1-dev", 1024, "FLUX.1 [dev] Non-Commercial")
    assert resolve_tokenizer("sdxl-vae").info.weights[0].source == str(tmp_path / "sdxl-vae")
    assert resolve_tokenizer(f"sd3-medium,checkpoint={tmp_path / 'sdxl-vae'}").info.name == "sd3-medium"


def test_cards_and_names_need_no_torch() -> None:
    code = "import sys, vtbench.tokenizers.resolve as r; print(r.tokenizer_names()); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "'jpeg-lm'" in done.stdout and "'patch-vq'" in done.stdout


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("jpeg-ml", "did you mean jpeg-lm"),
        ("patchvq", "patch-vq"),
        ("qqqqqq", "vtbench list tokenizers"),
        ("jpeg,qualty=3", "quality"),
    ],
)
def test_unknown_names_and_arguments_get_a_suggestion(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        resolve_tokenizer(text)


def test_extra_arguments_go_only_where_they_are_taken() -> None:
    assert isinstance(resolve_tokenizer("jpeg,quality=10", device="cpu"), Jpeg)


OWN = """
from vtbench.core.info import TokenizerInfo
INFO = TokenizerInfo(name="own", kind="continuous")
class Both:
    info = INFO
    def encode(self, images): ...
    def decode(self, codes): ...
class Closed:
    info = INFO
    def reconstruct(self, images): ...
class NoInfo(Both):
    info = None
class WrongInfo(Both):
    info = {"name": "own"}
class Half:
    info = INFO
    def encode(self, images): ...
class Neither:
    info = INFO
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "own.py"
    file.write_text(OWN)
    return file


@pytest.mark.parametrize("name", ["Both", "Closed"])
def test_a_file_is_enough(own: Path, name: str) -> None:
    assert resolve_tokenizer(f"{own}:{name}").info.name == "own"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("NoInfo", "has no info"),
        ("WrongInfo", "info of type dict"),
        ("Half", "no method decode"),
        ("Neither", "no method encode and no decode"),
    ],
)
def test_what_an_object_lacks_is_told(own: Path, name: str, told: str) -> None:
    with pytest.raises(AdapterError, match=told):
        resolve_tokenizer(f"{own}:{name}")
