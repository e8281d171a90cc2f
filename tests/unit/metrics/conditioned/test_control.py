"""Metrics of controlled generation: counts that fold over lines, maps against closed forms, classes over a set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, jaccard_score
from torch import Tensor

import vtbench
from vtbench.core.contracts import Condition
from vtbench.core.errors import SampleError, UsageError
from vtbench.metrics.catalog.conditioned import condition_columns
from vtbench.metrics.catalog.lookup import metric_info
from vtbench.metrics.conditioned import control_edges, control_labels, control_maps
from vtbench.metrics.conditioned.control_edges import ControlCannyF1
from vtbench.metrics.conditioned.control_labels import ControlMiou
from vtbench.metrics.conditioned.control_maps import CompatControlNetPlusPlusDepthRmse, ControlDepthRmse
from vtbench.metrics.conditioned.control_pose import SIGMAS, similarity
from vtbench.run.planning.foreign_parts import evaluators_identity
from vtbench.run.scoring.conditioned import _of_means
from vtbench.tasks import load_task


class Stub:
    """An estimator that says what an image's first channel holds."""

    id = "stub"

    def __call__(self, images: Tensor) -> Tensor:
        return images[:, 0].float()

    def to(self, **_: Any) -> Stub:
        return self


@pytest.fixture(name="stubbed")
def _stubs(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (control_edges, control_labels, control_maps):
        monkeypatch.setattr(module, "map_estimator", lambda *_, **__: Stub())


def of_channel(maps: Tensor) -> Tensor:
    return maps[:, None].expand(-1, 3, -1, -1).byte().contiguous()


def conditions(role: str, maps: Tensor) -> Sequence[Condition]:
    return [Condition(images={role: image}) for image in of_channel(maps)]


def drawn(*shape: int, below: int = 256) -> Tensor:
    return torch.randint(0, below, shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.usefixtures("stubbed")
def test_edges_are_pooled_over_a_line() -> None:
    found, wanted = drawn(4, 9, 7, below=2) * 255, drawn(4, 9, 8, below=2)[..., :7] * 255
    counted = ControlCannyF1()(of_channel(found), conditions("control", wanted))
    columns = {name: values.numpy() for name, values in counted.items()}
    lines = np.array([0, 0, 1, 1])
    expected = [f1_score(wanted[at].flatten() > 0, found[at].flatten() > 0) for at in (slice(0, 2), slice(2, 4))]
    np.testing.assert_allclose(ControlCannyF1.fold(columns, lines), expected, rtol=1e-12)
    nothing = {name: np.zeros(1) for name in columns}
    assert np.isnan(ControlCannyF1.fold(nothing, np.array([0]))).all()


@pytest.mark.usefixtures("stubbed")
def test_a_map_of_another_size_is_a_failure() -> None:
    with pytest.raises(SampleError, match="its control is 9x7, the sample 8x7"):
        ControlCannyF1()(of_channel(drawn(1, 8, 7)), conditions("control", drawn(1, 9, 7)))


@pytest.mark.usefixtures("stubbed")
def test_depth_is_compared_after_each_map_is_stretched() -> None:
    found, wanted = drawn(2, 6, 5), drawn(2, 6, 6)[..., :5]
    one, other = (maps.double().numpy() for maps in (found, wanted))
    least, span = ([reduce(maps, axis=(1, 2), keepdims=True) for maps in (one, other)] for reduce in (np.min, np.ptp))
    stretched = [(maps - low) / wide * 255 for maps, low, wide in zip((one, other), least, span, strict=True)]
    rmse = np.sqrt(((stretched[0] - stretched[1]) ** 2).mean((1, 2)))
    np.testing.assert_allclose(ControlDepthRmse()(of_channel(found), conditions("control", wanted)), rmse, rtol=1e-12)
    scaled = of_channel(found // 2 + 20)  # another scale and shift say nothing of depth
    assert float(ControlDepthRmse()(scaled, conditions("control", found)).max()) < 1.6
    theirs = np.floor(one / one.max((1, 2), keepdims=True) * 255) - np.floor(stretched[1])
    compat = CompatControlNetPlusPlusDepthRmse()(of_channel(found), conditions("control", wanted))
    np.testing.assert_allclose(compat, np.sqrt((theirs**2).mean((1, 2))), rtol=1e-12)


@pytest.mark.usefixtures("stubbed")
def test_classes_are_summed_over_the_set() -> None:
    found, wanted = drawn(5, 8, 6, below=4), drawn(5, 8, 7, below=4)[..., :6].clone()
    wanted[:, 0] = 255
    metric = ControlMiou(by="stub", classes=6)
    columns = {name: values.numpy() for name, values in metric(of_channel(found), conditions("labels", wanted)).items()}
    assert tuple(columns) == condition_columns("control_miou", metric_info("control_miou"), {"classes": 6})
    counted = (wanted != 255).flatten()
    expected = jaccard_score(wanted.flatten()[counted], found.flatten()[counted], average="macro")
    estimate = _of_means(ControlMiou.of_means, columns, np.arange(5))
    assert estimate.value == pytest.approx(expected, rel=1e-12) and estimate.n == 5
    assert estimate.ci_low is not None and estimate.ci_high is not None
    assert estimate.ci_low < estimate.value < estimate.ci_high
    with pytest.raises(UsageError, match="how many"):
        condition_columns("control_miou", metric_info("control_miou"), {})


def test_poses_are_alike_where_points_lie_near() -> None:
    places = drawn(2, 17, 2, below=100).float()
    truth = torch.cat((places, torch.ones(2, 17, 1)), dim=-1)
    truth[0, 10:, 2], truth[1, 2:, 2] = 0.1, 0.1
    moved = truth + torch.tensor([3.0, -4.0, 0.0])
    box = np.ptp(places[0, :10].double().numpy(), axis=0)
    expected = np.mean([np.exp(-25 / (2 * box.prod() * (2 * sigma) ** 2)) for sigma in SIGMAS[:10]])
    found = similarity(moved, truth, 0.3)
    assert float(found[0]) == pytest.approx(expected, rel=1e-9) and torch.isnan(found[1])
    assert float(similarity(truth, truth, 0.3)[0]) == 1.0


def test_edges_of_photographs_are_followed_by_photographs(tmp_path: Path) -> None:
    rows = [f"reencoded,by='{by}',role=truth,name={name}" for name, by in (("a", "identity"), ("b", "jpeg,quality=5"))]
    found = vtbench.evaluate(rows, "control-mini", limit=4, out=tmp_path, device="cpu", workers=0)
    scores = {one.model.name: one.result("control_canny_f1").value for one in found.records}
    assert scores["a"] == 1.0 and 0.2 < scores["b"] < 0.6
    assert all("it is a ceiling" in " ".join(one.warnings) for one in found.records)
    assert {one.data.conditions["maps"] for one in found.records} == {"canny@1-low0.1-high0.2"}


@pytest.mark.usefixtures("stubbed")
def test_a_job_is_of_who_judges(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(
        "{name: t, version: 1, kind: generation, summary: s, conditions: {of: images, images: [control]},"
        "preprocess: {preset: native@1}, condition_metrics: [control_depth_rmse, control_canny_f1]}"
    )
    assert evaluators_identity(load_task(str(tmp_path / "t.yaml"))) == {"control_depth_rmse": "stub"}
