"""Times and memory of calls: what is timed, how often, of which device, and what the rows become."""

from __future__ import annotations

import ctypes
import mmap
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import vtbench
from vtbench.core.codes import Codes
from vtbench.core.contracts import Prepared
from vtbench.core.errors import UsageError
from vtbench.core.info import TokenizerInfo
from vtbench.results.comparing.measurement import Measurement, not_comparable, results_differ
from vtbench.results.records.record import load_records
from vtbench.results.records.samples import Samples
from vtbench.results.records.schema import EnvironmentSection, MetricResult
from vtbench.run import provenance
from vtbench.run.measuring.model import LoadedModel
from vtbench.run.measuring.predict import ModelPredictor
from vtbench.run.measuring.timed.predictor import timed
from vtbench.run.options import RunOptions
from vtbench.run.planning.given import on_device
from vtbench.run.planning.jobs import open_task_data
from vtbench.run.scoring.costs import cost_results
from vtbench.tasks import load_task

CPU = torch.device("cpu")
MIB = 1 << 20


class Slow:
    """Waits, and holds memory, as long and as much as it is told; counts its calls."""

    def __init__(self, encode_s: float = 0.0, held_mib: int = 0) -> None:
        self.info = TokenizerInfo(name="slow", kind="continuous")
        self.encode_s, self.held_mib = encode_s, held_mib
        self.calls = {"encode": 0, "decode": 0}

    def encode(self, images: Tensor) -> Codes:
        self.calls["encode"] += 1
        time.sleep(self.encode_s)
        if self.held_mib:
            # pages of the system's own: what an allocator keeps of memory that was freed plays no part
            with mmap.mmap(-1, self.held_mib * MIB) as held:
                for page in range(0, len(held), mmap.PAGESIZE):
                    held[page] = 1
        return Codes(latents=images)

    def decode(self, codes: Codes) -> Tensor:
        self.calls["decode"] += 1
        assert codes.latents is not None
        return codes.latents


def sample(name: str, side: int = 8) -> Prepared:
    image = torch.zeros(3, side, side, dtype=torch.uint8)
    return Prepared(id=name, model_input=image, reference=image)


def predictor(model: Any) -> ModelPredictor:
    return ModelPredictor(LoadedModel(model, CPU), seed=0, batch_size=4)


def rows(model: Any, samples: list[Prepared], warm_up: int) -> list[dict[str, float]]:
    batches = list(timed(predictor(model), warm_up).predict(samples))
    assert all(len(batch.samples) == 1 for batch in batches), "one image a call, whatever the batch size"
    found = [batch.found for batch in batches]
    return [{name: column[0] for name, column in one.columns.items()} for one in found if one is not None]


def test_the_first_image_of_each_shape_warms_up_and_nothing_else_is_called_twice() -> None:
    model = Slow()
    rows(model, [sample("a"), sample("b"), sample("c", side=16), sample("d")], warm_up=3)
    assert model.calls == {"encode": 3 + 2 + 3 + 1 + 1, "decode": 3 + 2 + 3 + 1 + 1} == dict.fromkeys(model.calls, 10)


def test_each_part_has_its_own_time() -> None:
    (row,) = rows(Slow(encode_s=0.03), [sample("a")], warm_up=1)
    assert 30.0 <= row["encode_ms"] < 1000.0 and row["decode_ms"] < 30.0


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the kernel cannot be told to begin anew")
def test_the_peak_is_of_the_call_and_not_of_what_was_before() -> None:
    ballast = torch.ones(300 * MIB, dtype=torch.uint8)
    del ballast
    ctypes.CDLL(None).malloc_trim(0)  # what earlier tests freed may still be resident, and would be used again
    (lean,) = rows(Slow(), [sample("a")], warm_up=1)
    (heavy,) = rows(Slow(held_mib=128), [sample("a")], warm_up=1)
    assert 100 < heavy["encode_peak_mb"] - lean["encode_peak_mb"] < 160
    assert abs(heavy["decode_peak_mb"] - lean["decode_peak_mb"]) < 64


def test_what_has_no_encode_and_decode_is_refused() -> None:
    class Whole:
        info = TokenizerInfo(name="whole", kind="continuous")

        def reconstruct(self, images: Tensor) -> Tensor:
            return images

    with pytest.raises(UsageError, match="whole has no encode and decode to be timed"):
        timed(predictor(Whole()), 1)


def measurement(device: str, result: MetricResult) -> Measurement:
    told = result.model_copy(update={"details": {"device": device}})
    return Measurement("here", "m", "latency-256", "latency-256@1+0", f"data of {device}", {("encode_ms", "all"): told})


def test_rows_become_order_statistics_over_calls() -> None:
    task = load_task("latency-256")
    drawn = np.random.default_rng(0).permutation(np.arange(1.0, 65.0))
    names = ["encode_ms", "decode_ms", "encode_peak_mb", "decode_peak_mb"]
    whole = np.zeros(64, dtype=np.int32)
    samples = Samples(
        ids=[str(i) for i in range(64)],
        index=np.arange(64),
        status=["scored"] * 64,
        stage=[""] * 64,
        message=[""] * 64,
        height=whole,
        width=whole,
        metrics=dict.fromkeys(names, drawn),
    )
    found = {result.metric: result for result in cost_results(task, samples, "a device")}
    assert found["encode_ms"].value == 32.0 and found["encode_ms_p95"].value == 61.0
    assert found["decode_peak_mb"].value == 64.0 and found["decode_peak_mb"].ci_low is None
    low, high = found["encode_ms"].ci_low, found["encode_ms"].ci_high
    assert low is not None and high is not None and 20 <= low < 32 < high <= 44
    # the share of calls at or below a percentile is binomial: ends of the interval by its quantiles, 24 and 41
    assert abs(low - 24) <= 2 and abs(high - 41) <= 2
    assert found["encode_ms"].details == {"device": "a device", "warm_up": 8, "images_a_call": 1}
    ours, theirs = (measurement(name, found["encode_ms"]) for name in ("a device", "another"))
    assert not_comparable(ours, theirs) == "device a device, now another" and not_comparable(ours, ours) == ""
    other = found["encode_ms"].model_copy(update={"details": {"device": "another"}})
    assert "device a device, now another" in results_differ(found["encode_ms"], other)


def test_another_device_is_other_data_and_other_tasks_do_not_care(monkeypatch: pytest.MonkeyPatch) -> None:
    options = RunOptions(out=Path("runs"))

    def fingerprint(task: str, name: str) -> str:
        here = EnvironmentSection(python="", platform="", device_name=name)
        monkeypatch.setattr(provenance, "environment", lambda _: here)
        return on_device(open_task_data(load_task(task), None, 2), CPU, options).fingerprint

    ours, again, theirs = (fingerprint("latency-256", name) for name in ("A", "A", "B"))
    assert ours == again != theirs and len(ours) == 64
    assert fingerprint("photos-mini", "A") == fingerprint("photos-mini", "B")
    data = open_task_data(load_task("latency-256"), None, 2)
    with pytest.raises(UsageError, match="workers elsewhere may run on several"):
        on_device(data, CPU, replace(options, measured_on="cuda"))


def test_a_real_tokenizer_and_a_real_class_are_timed_from_end_to_end(tmp_path: Path) -> None:
    tiny = "titok,random_weights_seed=0,encoder=tiny,decoder=tiny,tokens=8,codebook_size=32,codebook_dim=6"
    models: list[Any] = ["jpeg,quality=10", tiny]
    vtbench.evaluate(models, "latency-256", limit=3, out=tmp_path)
    records = load_records(tmp_path)
    assert {record.model.reference for record in records} == set(models)
    for record in records:
        for name in ("encode_ms", "encode_ms_p95", "decode_ms", "decode_ms_p95", "encode_peak_mb", "decode_peak_mb"):
            found = record.result(name)
            assert found is not None and found.n == 3 and found.value > 0, name
            assert found.details["device"] == record.environment.hardware
        assert record.status == "limited"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("kind: cost\ncost_metrics: [encode_ms]\n", "says under timing"),
        ("kind: cost\ntiming: {warm_up: 1}\n", "name at least one"),
        ("kind: reconstruction\ntiming: {warm_up: 1}\n", "no other task does"),
        ("kind: reconstruction\ncost_metrics: [encode_ms]\n", "belong to tasks of kind cost"),
        ("kind: cost\ntiming: {warm_up: 0}\ncost_metrics: [encode_ms]\n", "greater than or equal to 1"),
    ],
)
def test_tasks_of_cost_that_make_no_sense_are_refused(tmp_path: Path, lines: str, told: str) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text(
        f"name: odd\nversion: 1\nsummary: s\npreprocess: {{preset: native@1}}\nimage_metrics: [psnr]\n{lines}"
    )
    with pytest.raises(UsageError, match=told):
        load_task(str(file))
