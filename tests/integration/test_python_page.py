"""``docs/python.md`` is run as printed, with small networks in place of those of the reader."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
LONGEST_CALLBACK = 30


def blocks(heading: str) -> list[str]:
    """The Python blocks below a heading, up to the next one."""
    text = PAGE.read_text(encoding="utf-8")
    below = re.split(rf"^#+ {heading}$", text, maxsplit=1, flags=re.MULTILINE)[1]
    section = re.split(r"^#+ ", below, maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^```python\n(.*?)^```$", section, flags=re.DOTALL | re.MULTILINE)


def run(heading: str, **names: Any) -> dict[str, Any]:
    found = blocks(heading)
    assert found, heading
    space: dict[str, Any] = dict(names)
    for block in found:
        exec(compile("import vtbench\n" + block, f"python.md: {heading}", "exec"), space)  # noqa: S102 - the page's own
    return space


class Vae(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.Dropout(0.1), nn.Conv2d(6, 3, 3, padding=1))

    def forward(self, images: Tensor) -> Any:
        return SimpleNamespace(sample=self.layers(images).sigmoid())

    def reconstruct(self, images: Tensor) -> Tensor:
        return self(images).sample  # type: ignore[no-any-return]


@pytest.fixture
def world() -> dict[str, Any]:
    """What the page takes for granted."""
    torch.manual_seed(0)
    images = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8)
    vae = Vae().train()
    return {
        "images": images,
        "vae": vae,
        "optimizer": torch.optim.SGD(vae.parameters(), lr=0.01),
        "loader": DataLoader(list(images.float() / 255), batch_size=2),
    }


def test_one_call(capsys: pytest.CaptureFixture[str]) -> None:
    space = run("One call")
    assert space["result"].value("psnr") > 20 and "photos-mini@2+" in capsys.readouterr().out


def test_functions_as_models(world: dict[str, Any]) -> None:
    def generator(labels: Tensor, seeds: Tensor) -> Tensor:
        drawn = [torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(int(seed))) for seed in seeds]
        return torch.stack(drawn) + 0 * labels.view(-1, 1, 1, 1)

    run("Functions as models", **world, generator=generator)


def test_a_plain_loop_trains_and_measures(world: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    before = [weights.clone() for weights in world["vae"].parameters()]
    run("In a training loop", **world)
    assert capsys.readouterr().out.startswith("0 ") and world["vae"].training
    assert not any(torch.equal(a, b) for a, b in zip(before, world["vae"].parameters(), strict=True))


def test_accelerate(world: dict[str, Any]) -> None:
    pytest.importorskip("accelerate")
    from accelerate.state import AcceleratorState
    from accelerate.tracking import GeneralTracker

    class Kept(GeneralTracker):
        name, requires_logging_directory, tracker = "kept", False, None
        logged: list[dict[str, float]] = []  # noqa: RUF012

        def __init__(self) -> None:
            super().__init__()

        def log(self, values: dict[str, float], step: int | None = None, **_: Any) -> None:
            self.logged.append(values)

    tracker = Kept()
    try:
        import accelerate

        accelerator = accelerate.Accelerator(cpu=True, log_with=[tracker])
        accelerator.init_trackers("page")
        made: Callable[..., Any] = lambda **_: accelerator  # noqa: E731
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(accelerate, "Accelerator", made)
            run("accelerate", **world, trackers=[tracker])
    finally:
        AcceleratorState._reset_state(True)
    assert tracker.logged and "folder/psnr" in tracker.logged[0]


class StandIn(ModuleType):
    """As much of Lightning as the page uses, called in Lightning's order; the library itself where it is installed."""

    class Callback:
        pass

    class Trainer:
        def __init__(self, callbacks: list[Any], max_epochs: int) -> None:
            self.callbacks, self.epochs, self.global_step = callbacks, max_epochs, 0
            self.sanity_checking = True
            self.loggers = [SimpleNamespace(log_metrics=lambda values, step: self.logged.append((step, values)))]
            self.logged: list[tuple[int, dict[str, float]]] = []

        def fit(self, module: Any, loader: Any, validation: Any) -> None:
            self._validate(module, validation)
            self.sanity_checking = False
            for _ in range(self.epochs):
                for batch in loader:
                    module.training_step(batch)
                    self.global_step += 1
                self._validate(module, validation)
            for callback in self.callbacks:
                callback.teardown(self, module, "fit")

        def _validate(self, module: Any, validation: Any) -> None:
            with torch.inference_mode():
                for callback in self.callbacks:
                    callback.on_validation_end(self, module)


@pytest.fixture
def lightning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    if importlib.util.find_spec("lightning") is None:
        monkeypatch.setitem(sys.modules, "lightning", StandIn("lightning"))
    monkeypatch.chdir(tmp_path)  # where it keeps its checkpoints
    return importlib.import_module("lightning")


def test_lightning(world: dict[str, Any], lightning: ModuleType) -> None:
    (block,) = blocks("Lightning")
    callback = block.partition("class ")[2].partition("\n\n\n")[0]
    assert len(callback.splitlines()) < LONGEST_CALLBACK
    kind: Any = getattr(lightning, "LightningModule", nn.Module)

    class Module(kind):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.vae = world["vae"]

        def reconstruct(self, images: Tensor) -> Tensor:
            return self.vae.reconstruct(images)  # type: ignore[no-any-return]

        def training_step(self, batch: Tensor, index: int = 0) -> Tensor:
            loss = (self.reconstruct(batch) - batch).square().mean()
            if kind is nn.Module:
                world["optimizer"].zero_grad()
                loss.backward()
                world["optimizer"].step()
            return loss

        def validation_step(self, batch: Tensor, index: int = 0) -> None:
            return None

        def configure_optimizers(self) -> Any:
            return world["optimizer"]

    space = run(
        "Lightning", images=world["images"], module=Module(), loader=world["loader"], validation=world["loader"]
    )
    trainer = space["trainer"]
    if isinstance(trainer, StandIn.Trainer):
        assert [step for step, _ in trainer.logged] == [2, 4] and "folder/psnr" in trainer.logged[0][1]


def test_metrics_on_tensors(world: dict[str, Any]) -> None:
    reference = torch.cat([world["images"]] * 2)
    prediction = (reference * 0.9).to(torch.uint8)
    pairs = [(prediction, reference)] * 2
    assert run("Metrics on tensors", prediction=prediction, reference=reference, pairs=pairs)["rows"].shape == (6,)
