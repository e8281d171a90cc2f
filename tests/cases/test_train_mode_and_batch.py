"""A network left in training mode, wherever the adapter keeps it: ``run`` and ``doctor`` both put it in evaluation
mode, and no batch size moves a number."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MODEL = """
import types
import torch
from vtbench.core.info import TokenizerInfo

def network(layer):
    torch.manual_seed(0)
    first = torch.nn.Conv2d(3, 3, 3, padding=1)
    torch.nn.init.dirac_(first.weight); torch.nn.init.zeros_(first.bias)
    return torch.nn.Sequential(first, torch.nn.Dropout(0.2) if layer == "dropout" else torch.nn.BatchNorm2d(3))

class Plain:
    def __init__(self, layer): self.net = network(layer); self.info = TokenizerInfo(name="t", kind="continuous")
    def reconstruct(self, images): return self.net(images)

class Module(torch.nn.Module):
    info = TokenizerInfo(name="t", kind="continuous")
    def __init__(self, layer): super().__init__(); self.net = network(layer)
    def reconstruct(self, images): return self.net(images)

class Nested(Plain):
    def __init__(self, layer):
        super().__init__(layer)
        self.parts = {"decoder": [types.SimpleNamespace(net=self.net)]}
        del self.net
    def reconstruct(self, images): return self.parts["decoder"][0].net(images)

class Late(Plain):
    def __init__(self, layer): self.layer = layer; self.info = TokenizerInfo(name="t", kind="continuous")
    def reconstruct(self, images):
        if not hasattr(self, "net"): self.net = network(self.layer)
        return self.net(images)

class Tuple(Plain):
    def reconstruct(self, images): return images, torch.zeros(len(images), 8)

class Output(Plain):
    def reconstruct(self, images): return types.SimpleNamespace(sample=images, loss=None)

class Padded(Plain):
    def reconstruct(self, images): return torch.nn.functional.pad(images, (0, 8, 0, 8))
"""


@pytest.fixture
def run(place: Path, vt: Callable[..., Any], images: Callable[..., Any]) -> Callable[..., Any]:
    images("d", 8)
    (place / "mine.py").write_text(MODEL)
    given = ("run", "--task", "quick.yaml", "--data", "d", "--workers", "0", "--json")
    return lambda model, *more: vt(*given, "-t", f"./mine.py:{model}", *more)


@pytest.mark.parametrize("layer", ["dropout", "bn"])
@pytest.mark.parametrize("adapter", ["Plain", "Module", "Nested"])
def test_run_and_doctor_agree(run: Callable[..., Any], vt: Callable[..., Any], adapter: str, layer: str) -> None:
    model = f"{adapter},layer={layer}"
    alone, together = (run(model, "--batch-size", size, "--out", f"r{size}") for size in (1, 4))
    assert alone.rows[0]["results"] == together.rows[0]["results"]
    assert alone.value("mae") == pytest.approx(0.0, abs=0.01)
    examined = vt("doctor", f"./mine.py:{model}", "--json")
    assert [row["check"] for row in json.loads(examined.out) if row["result"] == "FAIL"] == []


@pytest.mark.parametrize("layer", ["dropout", "bn"])
def test_a_network_that_a_call_loads_is_refused_by_both(
    run: Callable[..., Any], vt: Callable[..., Any], layer: str
) -> None:
    done = run(f"Late,layer={layer}")
    assert done.code == 1
    assert "its network net is in training mode" in done.err
    examined = vt("doctor", f"./mine.py:Late,layer={layer}")
    assert "its network net is in training mode" in examined.out


@pytest.mark.parametrize(
    ("adapter", "told"),
    [
        ("Tuple", "returned a tuple of 2 (float32 [4, 3, 40, 48], float32 [4, 8])"),
        ("Output", "returned a SimpleNamespace with sample: float32 [4, 3, 40, 48]"),
        ("Padded", "crop its padding off"),
    ],
)
def test_what_came_instead_of_images_is_named(
    run: Callable[..., Any], vt: Callable[..., Any], adapter: str, told: str
) -> None:
    done = run(f"{adapter},layer=bn")
    assert done.code == 1
    assert told in done.err
    assert ("padding" in done.err) == (adapter == "Padded")
    advice = {"Tuple": "return the images alone: [0] of it", "Output": "return the images alone: .sample of it"}
    assert advice.get(adapter, "") in done.err
    assert advice.get(adapter, "") in vt("doctor", f"./mine.py:{adapter},layer=bn").out
