"""TorchScript archives as tensors: all of them, and nothing else; nothing in an archive runs."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vtbench.checkpoints.reading import Choice, read_published
from vtbench.checkpoints.torchscript import is_torchscript, torchscript_tensors
from vtbench.core.errors import AdapterError, UsageError


class Part(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.arange(6.0).reshape(2, 3))
        self.register_buffer("places", torch.arange(3), persistent=False)
        self.sides = [2, 3]

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = x @ self.weight + self.places
        return output


class Whole(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.part = Part()
        self.head = nn.Sequential(OrderedDict(norm=nn.LayerNorm(3), out=nn.Linear(3, 2).to(torch.bfloat16)))

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.head.norm(self.part(x)).to(torch.bfloat16)
        return output


@pytest.fixture(scope="module", params=["traced", "scripted"])
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Whole]:
    path = tmp_path_factory.mktemp("jit") / "autoencoder.jit"
    torch.manual_seed(0)
    model = Whole()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = torch.jit.trace(model, torch.ones(1, 2)) if request.param == "traced" else torch.jit.script(model.part)
        torch.jit.save(made, str(path))
    return path, model


def test_every_tensor_has_its_name_its_values_and_its_precision(archive: tuple[Path, Whole]) -> None:
    path, model = archive
    assert is_torchscript(path)
    found = torchscript_tensors(path)
    wanted = {**model.state_dict(), "part.places": model.part.places}
    if "weight" in found:  # the part alone
        wanted = {name.removeprefix("part."): value for name, value in wanted.items() if name.startswith("part.")}
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype and torch.equal(found[name], value)


def test_published_reading_takes_it_as_any_other_file(archive: tuple[Path, Whole]) -> None:
    path, _ = archive
    state = read_published(path, Choice(), "family", ignore_unexpected=("*places",))
    assert state.tensors.keys() == {name for name in torchscript_tensors(path) if not name.endswith("places")}


def test_what_torch_save_writes_is_none(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(2)}, tmp_path / "w.pt")
    (tmp_path / "text.jit").write_text("no archive")
    assert not is_torchscript(tmp_path / "w.pt") and not is_torchscript(tmp_path / "text.jit")


class Runs:
    """Calls what a pickle must not call."""

    def __init__(self, target: Callable[..., Any], *arguments: Any) -> None:
        self.target, self.arguments = target, arguments

    def __reduce__(self) -> Any:
        return self.target, self.arguments


def written(path: Path, tree: Any, data: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    class Storages(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            return value.pid if isinstance(value, Storage) else None

    with zipfile.ZipFile(path, "w", compression) as archive:
        with archive.open("a/data.pkl", "w") as stream:
            Storages(stream, protocol=2).dump(tree)
        archive.writestr("a/constants.pkl", pickle.dumps((), protocol=2))
        for key, content in data.items():
            archive.writestr(f"a/data/{key}", content)
    return path


class Storage:
    def __init__(self, key: str, count: int) -> None:
        self.pid = ("storage", torch.FloatStorage, key, "cuda:0", count)


@pytest.mark.parametrize("target", [print, eval, getattr, torch.load])
def test_whatever_it_calls_for_is_refused_and_not_run(
    target: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "evil.jit", {"part": Runs(target, "1")}, {})
    with pytest.raises(UsageError, match=r"is not read: it calls for .*\."):
        torchscript_tensors(path)
    with pytest.raises(AdapterError, match=r"family: .*it calls for"):
        read_published(path, Choice(), "family")
    assert capsys.readouterr().out == ""


def rebuilt(*arguments: Any) -> Runs:
    return Runs(torch._utils._rebuild_tensor_v2, *arguments, False, OrderedDict())


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        (rebuilt(Storage("0", 4), 0, (8,), (1,)), "reaches beyond the 4 values"),
        (rebuilt(Storage("0", 4), 3, (2,), (1,)), "reaches beyond the 4 values"),
        (rebuilt(Storage("0", 4), 0, (1 << 40,), (0,)), "reaches beyond the 4 values"),
        (rebuilt(Storage("0", 4), -1, (2,), (1,)), "reaches beyond the 4 values"),
        (rebuilt(Storage("0", 9), 0, (4,), (1,)), "said to hold 9 values and holds 4"),
        (rebuilt(Storage("7", 4), 0, (4,), (1,)), "a/data/7"),
    ],
)
def test_a_tensor_that_claims_more_than_its_bytes_is_told(tensor: Any, said: str, tmp_path: Path) -> None:
    path = written(tmp_path / "greedy.jit", tensor, {"0": torch.arange(4.0).numpy().tobytes()})
    with pytest.raises(UsageError, match=said):
        torchscript_tensors(path)


def test_what_unfolds_without_measure_is_not_unfolded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vtbench.assets.torch_files._MOST_UNFOLDED", 1 << 20)
    path = written(tmp_path / "bomb.jit", {}, {"0": bytes(2 << 20)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(UsageError, match="would unfold"):
        torchscript_tensors(path)


def test_a_pickle_that_remembers_at_a_far_place_takes_no_room(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "far.jit", "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02K\x01r\xff\xff\xff\x7f.")
        archive.writestr("a/constants.pkl", pickle.dumps((), protocol=2))
    with pytest.raises(UsageError, match="at place 2147483647"):
        torchscript_tensors(tmp_path / "far.jit")


def test_half_a_file_is_told(archive: tuple[Path, Whole], tmp_path: Path) -> None:
    content = archive[0].read_bytes()
    (tmp_path / "half.jit").write_bytes(content[: len(content) // 2])
    with pytest.raises(AdapterError, match=r"half\.jit"):
        read_published(tmp_path / "half.jit", Choice(), "family")
