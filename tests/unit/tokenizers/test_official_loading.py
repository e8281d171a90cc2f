"""Published files: what is read, what is refused and how that is told; where files are looked for; random weights."""

from __future__ import annotations

import argparse
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vtbench.checkpoints import cards as cards_module
from vtbench.checkpoints.cards import Card, parse_card
from vtbench.checkpoints.conversion import convert_checkpoint
from vtbench.checkpoints.files import known_names, locate_official
from vtbench.core.codes import Codes
from vtbench.core.digests import digest_file
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError, VtbenchError
from vtbench.networks.nearest import nearest_codes
from vtbench.tokenizers.published.base import OfficialTokenizer, Source, fill, load_official, without_initialisation

NAME = "some-card"
YAML = f"""
name: {NAME}
target: ldm-vq
summary: s
source: s
licence: L
citation: C
native_size: 64
checkpoint: {{hub: owner/repo, file: sub/weights.pt, key: ema}}
"""


class Network(nn.Module):
    """One weight, one statistic, and a table that no file holds."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.randn(3, 1, 1))
        self.project = nn.Linear(width, width)
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("table", torch.linspace(0.0, 1.0, width), persistent=False)


class Toy(OfficialTokenizer):
    """Multiplies colours."""

    family = "toy"
    citation = "nobody"
    keys = ("ema", "model")
    ignore_unexpected = ("loss.*",)
    ignore_missing = ("count",)

    def __init__(
        self,
        width: int = 4,
        checkpoint: str | None = None,
        card: str | None = None,
        random_weights_seed: int | None = None,
        entry: str | None = None,
        **more: Any,
    ) -> None:
        source = Source(checkpoint, card, random_weights_seed, entry)
        self._setup(lambda: Network(width), source, kind="continuous", downsample_factor=1, **more)

    def _encode(self, images: Tensor, **_: Any) -> Codes:
        self.seen = images
        return Codes(latents=images * self._network.scale)

    def _decode(self, codes: Codes, **_: Any) -> Tensor:
        assert codes.latents is not None
        return codes.latents / self._network.scale


def state(width: int = 4) -> dict[str, Tensor]:
    return {
        "scale": torch.tensor([1.0, 2.0, 4.0]).reshape(3, 1, 1),
        "project.weight": torch.eye(width),
        "project.bias": torch.zeros(width),
        "count": torch.tensor(5),
    }


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    """A card of its own beside the shipped ones."""
    made = parse_card(YAML, NAME)
    both = {**cards_module.load_cards(), NAME: made}
    monkeypatch.setattr(cards_module, "_cards", lambda kind: both if kind is Card else {})
    return made


@pytest.mark.parametrize(
    ("content", "keys", "prefix", "expected"),
    [
        (lambda s: s, (), "", 1.0),
        (lambda s: {"model": s}, (), "", 1.0),
        (lambda s: {"state_dict": s, "epoch": 3}, (), "", 1.0),
        (lambda s: {"model": s, "ema": {**s, "project.bias": s["project.bias"] + 9}}, ("ema", "model"), "", 9.0),
        (lambda s: {"model": s, "ema": {**s, "project.bias": s["project.bias"] + 9}}, ("model", "ema"), "", 1.0),
        (lambda s: {"a": {"b": s}, "model": {"x": torch.zeros(1)}}, ("a.b",), "", 1.0),
        (lambda s: {"model": {f"net.{k}": v for k, v in s.items()} | {"head.x": torch.zeros(1)}}, (), "net.", 1.0),
        (lambda s: {"model": s}, (), "net.", 1.0),
    ],
)
def test_entries_and_prefixes(
    content: Callable[[Any], Any], keys: tuple[str, ...], prefix: str, expected: float, tmp_path: Path
) -> None:
    tensors = {**state(), "project.bias": torch.ones(4), "loss.logvar": torch.zeros(1)}
    bias = {"project.bias": torch.zeros(4)} if expected == 9.0 else {}
    torch.save(content({**tensors, **bias}), tmp_path / "w.pt")
    found = load_official(tmp_path / "w.pt", family="toy", keys=keys, prefix=prefix, ignore_unexpected=("loss.*",))
    assert found.keys() == state().keys()
    assert float(found["project.bias"].mean()) == expected


def test_safetensors_are_taken_whole(tmp_path: Path) -> None:
    save_file(state(), tmp_path / "w.safetensors")
    found = load_official(tmp_path / "w.safetensors", family="toy", keys=("ema",))
    assert found.keys() == state().keys()


class Malicious:
    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> Any:
        return (open, (self.path, "w"))


def test_a_malicious_file_is_refused_in_two_lines_and_runs_nothing(tmp_path: Path) -> None:
    trap, path = tmp_path / "created", tmp_path / "w.pt"
    torch.save({"model": state(), "x": Malicious(trap)}, path)
    with pytest.raises(AdapterError, match=r"toy: .*refused") as caught:
        Toy(checkpoint=str(path))
    assert not trap.exists() and str(caught.value).count("\n") == 1
    path.write_bytes(pickle.dumps({"model": Malicious(trap)}))
    with pytest.raises(AdapterError, match="refused"):
        Toy(checkpoint=str(path))
    assert not trap.exists()


def test_a_training_frameworks_file_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path, out = tmp_path / "lightning.ckpt", tmp_path / "w.safetensors"
    settings = {"hyper_parameters": argparse.Namespace(lr=1e-4, opt={"a": 1}), "callbacks": {Path("x"): {"best": 1}}}
    torch.save({"state_dict": state(), "optimizer_states": [{"state": {}}], **settings}, path)
    with pytest.raises(AdapterError, match="vtbench fetch --convert") as caught:
        Toy(checkpoint=str(path))
    assert str(path) in str(caught.value)
    told = convert_checkpoint(path, out)
    assert told["entry"] == "state_dict" and told["tensors"] == 4
    assert torch.equal(load_file(out)["scale"], state()["scale"])
    assert Toy(checkpoint=str(out)).info.weights[0].sha256 == digest_file(out)


def test_conversion_runs_nothing_either(tmp_path: Path) -> None:
    trap, path = tmp_path / "created", tmp_path / "w.pt"
    torch.save({"model": state(), "x": Malicious(trap), "y": [Malicious(trap)]}, path)
    convert_checkpoint(path, tmp_path / "w.safetensors")
    assert not trap.exists()

    class System(Malicious):
        def __reduce__(self) -> Any:
            return (os.system, (f"touch {self.path}",))

    torch.save({"model": state(), "x": System(trap)}, path)
    with pytest.raises(VtbenchError, match="refused"):
        convert_checkpoint(path, tmp_path / "other.safetensors")
    assert not trap.exists() and not (tmp_path / "other.safetensors").exists()


def test_conversion_asks_where_it_cannot_know(tmp_path: Path) -> None:
    path, out = tmp_path / "w.pt", tmp_path / "w.safetensors"
    torch.save({"model": state(), "ema": state()}, path)
    with pytest.raises(UsageError, match=r"which weights\?\n.*model, ema"):
        convert_checkpoint(path, out)
    with pytest.raises(UsageError, match="no tensors under 'nothing'"):
        convert_checkpoint(path, out, "nothing")
    assert convert_checkpoint(path, out, "ema")["entry"] == "ema"
    with pytest.raises(UsageError, match="exists"):
        convert_checkpoint(path, out, "ema")
    path.write_bytes(b"nothing")
    with pytest.raises(VtbenchError, match="no checkpoint"):
        convert_checkpoint(path, tmp_path / "other.safetensors")


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
def test_a_truncated_file_says_so(kept: float, tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save({"model": {**state(), "big": torch.randn(64, 64)}}, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept if kept >= 1 else len(data) * kept)])
    with pytest.raises(AdapterError, match=r"toy: .*w\.pt is truncated or not a checkpoint"):
        Toy(checkpoint=str(path))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: s.pop("scale"), r"1 of 4 tensors are missing \(scale\)"),
        (lambda s: s.update({f"x{i}": torch.zeros(1) for i in range(9)}), r"9 are unknown \(x0, x1, x2, x3 …\)"),
        (lambda s: s.update({"project.bias": torch.zeros(3)}), "project.bias is 3 in the file, 4 is expected"),
        (lambda s: s.update({"count": torch.zeros(2)}), "count is 2 in the file, a scalar is expected"),
    ],
)
def test_what_does_not_fit_is_named(change: Callable[[Any], Any], told: str, tmp_path: Path) -> None:
    tensors = state()
    change(tensors)
    torch.save({"model": tensors}, tmp_path / "w.pt")
    with pytest.raises(AdapterError, match=told) as caught:
        Toy(checkpoint=str(tmp_path / "w.pt"))
    assert str(caught.value).startswith(f"toy: {tmp_path / 'w.pt'} does not fit: ")


def test_the_hint_tells_another_geometry_from_another_family(tmp_path: Path) -> None:
    geometry = {**state(), "project.bias": torch.zeros(3)}
    family = {"scale": torch.zeros(5, 1, 1), "encoder.weight": torch.zeros(3)}
    for tensors, hint in ((geometry, "another card"), (family, "another family")):
        torch.save(tensors, tmp_path / "w.pt")
        with pytest.raises(AdapterError, match="another shape") as caught:
            Toy(checkpoint=str(tmp_path / "w.pt"))
        assert hint in caught.value.hint


def test_a_part_of_a_larger_model_is_told_by_what_stands_before_all_names(tmp_path: Path) -> None:
    torch.save({f"first_stage.{name}": tensor for name, tensor in state().items()}, tmp_path / "w.pt")
    with pytest.raises(AdapterError, match=r"its names begin with 'first_stage[.]', as those of a part"):
        Toy(checkpoint=str(tmp_path / "w.pt"))
    torch.save({}, tmp_path / "w.pt")
    with pytest.raises(AdapterError, match="it has nothing"):
        Toy(checkpoint=str(tmp_path / "w.pt"))


def test_a_file_of_something_else(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "w.pt")
    with pytest.raises(AdapterError, match="does not hold tensors by name: it has list"):
        Toy(checkpoint=str(tmp_path / "w.pt"))
    torch.save({"model": {"a": 3}}, tmp_path / "w.pt")
    with pytest.raises(AdapterError, match="it has a"):
        Toy(checkpoint=str(tmp_path / "w.pt"))


def test_half_precision_files_run_in_float32_until_told_otherwise(tmp_path: Path) -> None:
    tensors = {key: value.half() if value.is_floating_point() else value for key, value in state().items()}
    torch.save({"model": tensors}, tmp_path / "w.pt")
    tokenizer = Toy(checkpoint=str(tmp_path / "w.pt"))
    assert {p.dtype for p in tokenizer._network.parameters()} == {torch.float32}
    assert int(tokenizer._network.count) == 5
    output = tokenizer.to(dtype=torch.bfloat16).decode(tokenizer.encode(torch.rand(1, 3, 8, 8)))
    assert tokenizer.seen.dtype == torch.bfloat16 and output.dtype == torch.float32


def test_a_statistic_may_be_missing_a_weight_never(tmp_path: Path) -> None:
    tensors = state()
    del tensors["count"]
    network = Network()
    fill(network, tensors, family="toy", source="f", ignore_missing=("count",))
    assert int(network.count) == 0 and torch.equal(network.project.weight, torch.eye(4))
    del tensors["scale"]
    with pytest.raises(AdapterError, match=r"missing \(scale\)"):
        fill(Network(), tensors, family="toy", source="f", ignore_missing=("*",))


def test_networks_are_built_without_initialisation_but_with_their_tables() -> None:
    before = torch.get_rng_state()
    with without_initialisation():
        layers = nn.Linear(300, 300), nn.Conv2d(3, 8, 3), nn.Embedding(10, 4)
        assert torch.equal(before, torch.get_rng_state())
        network = Network()
    assert layers[0].weight.shape == (300, 300)
    assert torch.equal(network.table, torch.linspace(0.0, 1.0, 4))
    drawn = nn.Linear(3, 3)
    assert float(drawn.weight.detach().std()) > 0.01 and not torch.equal(before, torch.get_rng_state())


def test_draws_that_are_repeated_until_they_fit_are_skipped_too() -> None:
    """In a process of its own: where they are not, it never ends."""
    program = (
        "import torch\n"
        "from vtbench.tokenizers.published.base import without_initialisation\n"
        "far = torch.full((8,), 1e9)\n"
        "with without_initialisation():\n"
        "    torch.nn.init.trunc_normal_(far, std=0.02)\n"
        "assert float(far.min()) == 1e9\n"
        "assert float(torch.nn.init.trunc_normal_(far, std=0.02).abs().max()) < 1\n"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=120, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_random_weights_are_never_taken_for_real_ones() -> None:
    before = torch.get_rng_state()
    with pytest.warns(UserWarning, match="toy has random weights"):
        first, second, other = Toy.random(), Toy.random(seed=0), Toy.random(seed=1)
    assert torch.equal(before, torch.get_rng_state())
    assert (first.info.name, first.info.revision, first.info.weights) == ("toy-random", "random-0", ())
    assert other.info.revision == "random-1"
    assert torch.equal(first._network.scale, second._network.scale)
    assert not torch.equal(first._network.scale, other._network.scale)


def test_sources_exclude_one_another() -> None:
    with pytest.raises(UsageError, match="no weights of its own"):
        Toy()
    with pytest.raises(UsageError, match="exclude one another"):
        Toy(checkpoint="x", random_weights_seed=0)
    with pytest.raises(AssetMissingError, match="does not exist"):
        Toy(checkpoint="nowhere.pt")


def test_a_card_describes_and_its_file_is_found(card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path / "cache"))
    with pytest.raises(AssetMissingError, match="some-card: no checkpoint") as caught:
        Toy(card=NAME)
    assert "some-card,checkpoint=FILE" in str(caught.value) and "VTBENCH_ASSETS" in str(caught.value)
    names = known_names(card)
    assert names == [f"{NAME}.safetensors", f"{NAME}.pt", "owner/repo/sub/weights.pt", "weights.pt"]
    monkeypatch.setenv("VTBENCH_ASSETS", os.pathsep.join([str(tmp_path / "none"), str(tmp_path / "assets")]))
    for name in reversed(names[1:]):
        path = tmp_path / "assets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"model": {}, "ema": state()}, path)
        info = Toy(card=NAME).info
        assert info.weights[0].source == str(path)
    assert (info.name, info.licence, info.citation, info.native_size) == (NAME, "L", "C", 64)
    assert info.revision == digest_file(path)[:12]


def test_a_given_file_comes_before_the_cards(card: Card, tmp_path: Path) -> None:
    torch.save({"ema": state()}, tmp_path / "mine.pt")
    info = Toy(card=NAME, checkpoint=str(tmp_path / "mine.pt")).info
    assert info.weights[0].source == str(tmp_path / "mine.pt") and info.name == NAME


def test_another_sha256_is_refused(card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    torch.save({"ema": state()}, tmp_path / f"{NAME}.pt")
    assert card.checkpoint is not None
    pinned = card.model_copy(update={"checkpoint": card.checkpoint.model_copy(update={"sha256": "0" * 64})})
    with pytest.raises(VtbenchError, match="expected 0000000000000000"):
        locate_official(None, pinned)


@pytest.mark.parametrize(("value_range", "low"), [("signed", -1.0), ("unit", 0.0)])
def test_value_range_padding_and_layout(value_range: Any, low: float) -> None:
    class Ranged(Toy):
        def _setup(self, *arguments: Any, **more: Any) -> None:
            super()._setup(*arguments, **{**more, "stride": 8})

    Ranged.value_range = value_range
    with pytest.warns(UserWarning, match="random weights"):
        tokenizer = Ranged.random()
    images = torch.rand(2, 3, 11, 17)
    images[:, :, :2], images[:, :, 2:4] = 0.0, 1.0
    codes = tokenizer.encode(images)
    assert tokenizer.seen.shape == (2, 3, 16, 24) and tokenizer.seen.is_contiguous(memory_format=torch.channels_last)
    assert (float(tokenizer.seen.min()), float(tokenizer.seen.max())) == (low, 1.0)
    output = tokenizer.decode(codes)
    assert codes.image_size == (11, 17) and output.is_contiguous() and not output.requires_grad
    torch.testing.assert_close(output, images, atol=1e-6, rtol=0)


def test_fixed_sizes_and_seeds() -> None:
    with pytest.warns(UserWarning, match="random weights"):
        fixed, drawing = Toy.random(native_size=16, fixed_size=True), Toy.random(stochastic=True)
    with pytest.raises(AdapterError, match="takes 16 pixels"):
        fixed.encode(torch.rand(1, 3, 16, 17))
    assert fixed.encode(torch.rand(1, 3, 16, 16)).image_size == (16, 16)
    with pytest.raises(UsageError, match="seeds="):
        drawing.encode(torch.rand(1, 3, 8, 8))
    assert drawing.encode(torch.rand(1, 3, 8, 8), seeds=torch.tensor([3])).latents is not None


def test_nearest_codes_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    latents, entries = torch.randn(2, 5, 6, 7, generator=generator), torch.randn(33, 5, generator=generator)
    expected = torch.cdist(latents.movedim(1, -1).flatten(0, 2).double(), entries.double()).argmin(1).reshape(2, 6, 7)
    assert torch.equal(nearest_codes(latents, entries), expected)
    monkeypatch.setattr("vtbench.networks.nearest.CHUNK", 100)
    assert torch.equal(nearest_codes(latents, entries), expected)
