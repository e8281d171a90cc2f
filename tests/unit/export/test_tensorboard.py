"""What TensorBoard's own reader finds in the files."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vtbench.core.errors import NotComparableError
from vtbench.export.destinations import export_runs
from vtbench.export.gather import gather
from vtbench.export.values import Order

pytest.importorskip("tensorboard", reason="pip install tensorboard")
MakeRun = Callable[..., Path]


def read(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"images": 0, "tensors": 0})
    found.Reload()
    return found


def curve(found: Any, tag: str) -> list[tuple[int, float]]:
    from tensorboard.util.tensor_util import make_ndarray

    return [(event.step, float(make_ndarray(event.tensor_proto))) for event in found.Tensors(tag)]


def test_values_intervals_strata_pictures_and_tags_are_read_back(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    (written,) = export_runs(run, "tensorboard", dest=str(tmp_path / "tb"), step=40)
    found = read(Path(written.where).parent)
    (expected,) = gather(run, Order(to="tensorboard"))
    for name, value in expected.values.items():
        assert curve(found, name) == [(40, float(np.float32(value)))]
    assert "grains-mini/psnr[glyph_px=16]" in expected.values and "grains-mini/psnr_ci_low" in expected.values
    assert sorted(found.Tags()["images"]) == ["grains-mini/00000000-image-0", "grains-mini/00000005-image-5"]
    (shown,) = found.Images("grains-mini/00000005-image-5")
    with Image.open(io.BytesIO(shown.encoded_image_string)) as picture:
        assert picture.size == (20, 4) and picture.getpixel((0, 0)) == (200, 200, 200)
    (about,) = found.Tensors("grains-mini/about")
    text = about.tensor_proto.string_val[0].decode()
    assert "`grains-mini@1+0a1b2c3d`" in text and f"`{'feedc0de' * 8}`" in text
    assert (written.rows, written.images) == (len(expected.scalars), 2)
    described = found.SummaryMetadata("grains-mini/psnr").summary_description
    assert "n 8" in described and "higher is better" in described


def test_intervals_are_bands_of_the_custom_scalars(make_run: MakeRun, tmp_path: Path) -> None:
    from tensorboard.plugins.custom_scalar import layout_pb2, metadata

    (written,) = export_runs(make_run(), "tensorboard", dest=str(tmp_path / "tb"))
    (event,) = read(Path(written.where).parent).Tensors(metadata.CONFIG_SUMMARY_TAG)
    layout = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])
    charts = {chart.title: chart.margin.series[0] for chart in layout.category[0].chart}
    band = charts["grains-mini/psnr"]
    assert (band.value, band.lower, band.upper) == tuple(
        f"grains-mini/psnr{end}" for end in ("", "_ci_low", "_ci_high")
    )
    assert "grains-mini/psnr[glyph_px=8]" not in charts


def test_a_second_export_adds_nothing_and_a_new_result_replaces(make_run: MakeRun, tmp_path: Path) -> None:
    said = []
    for name, shift in (("a", 0.0), ("b", 0.0), ("c", 0.5)):
        (written,) = export_runs(make_run(name, shift=shift), "tensorboard", dest=str(tmp_path / "tb"))
        said.append(written.what)
    assert said == ["written", "already there", "replaced"]
    assert len(list((tmp_path / "tb").rglob("*tfevents*"))) == 1
    assert len(curve(read(Path(written.where).parent), "grains-mini/psnr")) == 1


def test_steps_of_a_named_run_are_one_curve(make_run: MakeRun, tmp_path: Path) -> None:
    for step in (200, 0, 100):
        run = make_run(f"step-{step}", f"step-{step}", shift=step / 100)
        export_runs(run, "tensorboard", dest=str(tmp_path / "tb"), run_name="my training", step=step)
    (folder,) = {file.parent for file in (tmp_path / "tb").rglob("*tfevents*")}
    found = curve(read(folder), "grains-mini/psnr")
    assert [step for step, _ in found] == [0, 100, 200]
    assert np.diff([value for _, value in found]) == pytest.approx([1.0, 1.0], abs=1e-5)


@pytest.mark.parametrize(
    "change", [{"task": {"protocol_id": "grains-mini@2+ffffffff"}}, {"data": {"fingerprint": "0"}}]
)
def test_a_curve_over_two_protocols_or_data_sets_is_refused(
    change: dict[str, Any], make_run: MakeRun, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"dest": str(tmp_path / "tb"), "run_name": "training"}
    export_runs(make_run("a"), "tensorboard", step=0, **options)
    with pytest.raises(NotComparableError, match="another protocol or on other data"):
        export_runs(make_run("b", **change), "tensorboard", step=1, **options)
    assert len(list((tmp_path / "tb").rglob("*tfevents*"))) == 1


def test_infinite_values_arrive_and_a_damaged_picture_is_left_out(make_run: MakeRun, runs: Any, tmp_path: Path) -> None:
    run = make_run(results=[{"metric": "psnr", "value": "inf", "n": 8, "unit": "dB"}])
    (run / "previews" / "00000000-image-0.webp").write_bytes(b"RIFF")
    (written,) = export_runs(run, "tensorboard", dest=str(tmp_path / "tb"))
    assert curve(read(Path(written.where).parent), "grains-mini/psnr") == [(0, float("inf"))] and written.images == 1


def test_names_cannot_leave_the_folder(make_run: MakeRun, tmp_path: Path) -> None:
    export_runs(make_run(), "tensorboard", dest=str(tmp_path / "tb"), run_name="../../elsewhere")
    assert {file.relative_to(tmp_path).parts[0] for file in tmp_path.rglob("*tfevents*")} == {"tb"}
