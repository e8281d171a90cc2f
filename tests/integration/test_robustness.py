"""A task of robustness the whole way: asked again, resumed, scored, and told where there is no answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vtbench
from vtbench.core.errors import UsageError
from vtbench.core.pixels import to_uint8, to_unit
from vtbench.data.embedded.photographs.photos_mini import PhotosMini
from vtbench.metrics.images.pixel import Psnr
from vtbench.results.comparing.statistics import find_statistic
from vtbench.results.records.record import RunRecord, load_records
from vtbench.results.records.samples import SAMPLES_FILE, read_samples
from vtbench.run.rescore import rescore
from vtbench.tokenizers.resolve import resolve_tokenizer, resolve_uncompiled

TASK = """
name: robust
version: 1
kind: robustness
summary: Small.
data: {source: "photos-mini,count=4"}
preprocess: {preset: native@1}
image_metrics: [psnr]
set_metrics: [{name: kid_efflite0, params: {subset_size: 4, subsets: 10, paired: true}}]
code_metrics: [bits_per_pixel]
robustness_metrics:
  - code_agreement
  - code_agreement_noise
  - code_agreement_flip
  - latent_drift
  - {name: psnr_generation, params: {rounds: [1, 3]}}
  - {name: psnr_perturbed, params: {rate: 0.5, strength: 100}}
  - kid_efflite0_perturbed
block_size: 2
"""
SHY = '''
from vtbench.tokenizers.fitted.patch_vq import PatchVq


class Shy:
    """As patch-vq, without a codebook to show."""

    def __init__(self):
        self._own = PatchVq()
        self.info, self.encode, self.decode = self._own.info, self._own.encode, self._own.decode


class Brittle(PatchVq):
    """Fails on codes that no image of the set has."""

    def decode(self, codes):
        images = super().decode(codes)
        for image, indices in zip(images, codes.levels[0]):
            if len(indices.unique()) > 295:
                image.fill_(float("nan"))
        return images
'''


MODELS = ("patch-vq", "patch-rvq", "patch-bsq", "patch-pca", "jpeg,quality=10", "./shy.py:Shy,name=shy")
Records = dict[str, RunRecord]


def written(folder: Path) -> Path:
    (folder / "robust.yaml").write_text(TASK)
    (folder / "shy.py").write_text(SHY)
    return folder


@pytest.fixture
def robust(place: Path) -> Path:
    return written(place)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of every form of codes."""
    folder = written(tmp_path_factory.mktemp("robust"))
    models = [model.replace("./", f"{folder}/") for model in MODELS]
    vtbench.evaluate(models, str(folder / "robust.yaml"), out=folder / "runs")
    return folder / "runs"


@pytest.fixture(scope="module")
def records(whole: Path) -> Records:
    return by_label(whole)


def by_label(folder: Path) -> Records:
    return {record.model.label: record for record in load_records(folder)}


def value(record: RunRecord, metric: str, stratum: str = "all") -> float:
    found = record.result(metric, stratum)
    assert found is not None
    return found.value


def test_every_form_of_codes_says_what_it_can(records: Records) -> None:
    assert {record.status for record in records.values()} == {"complete"} and len(records) == len(MODELS)
    vq, rvq, bsq, pca = (records[name] for name in ("patch-vq", "patch-rvq", "patch-bsq", "patch-pca"))
    assert value(vq, "code_agreement") == 1.0  # a centre of a cluster is its own nearest
    assert value(vq, "psnr_generation") == value(vq, "psnr")
    strata = [result.stratum for result in rvq.results if result.metric == "code_agreement"]
    assert strata == ["all", *(f"level={level}" for level in range(4))]
    levels = [value(rvq, "code_agreement", f"level={level}") for level in range(4)]
    assert value(rvq, "code_agreement") == pytest.approx(np.mean(levels))
    assert value(rvq, "psnr_generation", "generation=1") == value(rvq, "psnr") > value(rvq, "psnr_generation")
    bits = [result.stratum for result in bsq.results if result.metric == "code_agreement_noise"]
    assert bits == ["all", "level=0", *(f"level=0,bit={bit}" for bit in range(32))]
    found = rvq.result("psnr_perturbed")
    assert found is not None and found.ci_low is not None
    assert {"rate": 0.5, "strength": 100}.items() <= found.details.items()
    assert 0 < value(pca, "latent_drift") < 1e-3 and pca.result("code_agreement") is None
    assert value(pca, "kid_efflite0_perturbed") > value(pca, "kid_efflite0")


def test_what_has_no_answer_is_left_out_and_a_missing_codebook_is_told(records: Records) -> None:
    for name, lacks in (("jpeg,quality=10", "code_agreement"), ("shy", "psnr_perturbed")):
        assert records[name].result(lacks) is None and records[name].result("psnr_generation") is not None
    assert "no codebook(level)" in " ".join(records["shy"].warnings)
    assert "codebook" not in " ".join(records["jpeg,quality=10"].warnings + records["patch-vq"].warnings)
    assert value(records["shy"], "code_agreement_noise") == value(records["patch-vq"], "code_agreement_noise")


def test_the_order_by_psnr_is_not_the_order_under_mistakes(records: Records) -> None:
    """Four small codebooks beat one larger one until tokens are wrong."""
    vq, rvq = records["patch-vq"], records["patch-rvq"]
    assert value(rvq, "psnr") > value(vq, "psnr") + 3
    assert value(rvq, "psnr_perturbed") < value(vq, "psnr_perturbed") - 1


def test_differences_are_paired_where_rows_give_the_value(whole: Path) -> None:
    for label, metric, stratum in (
        ("patch-pca", "latent_drift", "all"),
        ("patch-rvq", "psnr_generation", "generation=1"),
        ("patch-rvq", "psnr_generation", "generation=3"),
        ("patch-rvq", "psnr_perturbed", "all"),
    ):
        folder = next((whole / "robust" / label).iterdir())
        result = by_label(folder)[label].result(metric, stratum)
        assert result is not None and find_statistic([(result, read_samples(folder / SAMPLES_FILE))]) is not None


def test_rows_are_those_of_a_loop(whole: Path) -> None:
    rows = read_samples(next(whole.glob("robust/patch-rvq/*")) / SAMPLES_FILE).metrics
    tokenizer, dataset = resolve_tokenizer("patch-rvq"), PhotosMini(count=4)
    for index in range(4):
        image = dataset[index].image[None]
        codes, pixels = tokenizer.encode(to_unit(image)), image
        for _ in range(3):
            pixels = to_uint8(tokenizer.decode(tokenizer.encode(to_unit(pixels))))
        assert rows["psnr_generation"][index] == float(Psnr()(pixels, image, [None]))
        again = tokenizer.encode(to_unit(to_uint8(tokenizer.decode(codes))))
        equal = torch.stack([a == b for a, b in zip(codes.levels, again.levels, strict=True)])
        assert rows["code_agreement"][index] == float(equal.double().mean())
        mirrored = tokenizer.encode(to_unit(image.flip(-1)))
        equal = torch.stack([a == b.flip(-1) for a, b in zip(codes.levels, mirrored.levels, strict=True)])
        assert rows["code_agreement_flip"][index] == float(equal.double().mean())


def test_batches_resume_and_rescoring_move_nothing(robust: Path, vt: Callable[..., Any], records: Records) -> None:
    before = records["patch-rvq"].results_digest()
    run = ["run", "--task", "robust.yaml", "--tokenizer", "patch-rvq", "--out", "parts"]
    assert vt(*run, "--batch-size", "1").code == 0
    (record,) = (robust / "parts").rglob("record.json")
    assert by_label(robust / "parts")["patch-rvq"].results_digest() == before
    record.unlink()
    (record.parent / "blocks" / "00001.parquet").unlink()
    assert vt(*run, "--batch-size", "2").code == 0
    assert by_label(robust / "parts")["patch-rvq"].results_digest() == before
    assert vt("verify", "parts").code == 0
    (again,) = rescore(record.parent)
    assert again.results_digest() == before


def test_an_image_that_cannot_be_decoded_from_mistakes_is_a_failure(robust: Path, vt: Callable[..., Any]) -> None:
    done = vt("run", "--task", "robust.yaml", "--tokenizer", "./shy.py:Brittle,name=brittle")
    record = by_label(robust / "runs")["brittle"]
    assert done.code == 0 and record.status == "partial" and record.data.n_failed == 2
    assert all("non-finite" in failure.message for failure in record.failures)
    found = record.result("psnr_perturbed")
    assert found is not None and found.n == 2


def test_images_made_elsewhere_are_refused_before_any_work(robust: Path, vt: Callable[..., Any], images: Any) -> None:
    images("made", 2)
    done = vt("score", "--pred", "made", "--task", "robust.yaml")
    assert done.code == 2 and "encodes again what a model made" in done.err


PRECISION = """
name: precise
version: 1
kind: robustness
summary: Small.
data: {source: "photos-mini,count=3"}
preprocess: {preset: native@1}
image_metrics: [psnr]
robustness_metrics: [code_agreement_to_float32, latent_drift_to_float32, psnr_to_float32]
block_size: 2
"""
HALVED = '''
import torch
from vtbench.core.codes import Codes
from vtbench.tokenizers import TOKENIZERS
from vtbench.tokenizers.fitted.patch_pca import PatchPca


def small():
    """TiTok's class and network, small and with seeded random weights."""
    family = TOKENIZERS.load("titok")
    return family.random(**family.shrunken)


class Halved(PatchPca):
    """Its latents are kept in the run's dtype."""

    dtype = torch.float32

    def to(self, device, dtype=torch.float32):
        self.dtype = dtype
        return self

    def encode(self, images):
        found = super().encode(images)
        return Codes(latents=found.latents.to(self.dtype), image_size=found.image_size)

    def decode(self, codes):
        return super().decode(Codes(latents=codes.latents.float(), image_size=codes.image_size))
'''


@pytest.fixture
def precise(place: Path) -> Path:
    (place / "precise.yaml").write_text(PRECISION)
    (place / "halved.py").write_text(HALVED)
    return place


def test_what_half_precision_changes_is_measured_against_the_same_model(precise: Path, vt: Callable[..., Any]) -> None:
    """Of a published network with random weights, and of an embedded tokenizer whose latents are rounded."""
    names = ("small", "halved")
    models = ["--tokenizer", "./halved.py:small,name=small", "--tokenizer", "./halved.py:Halved,name=halved"]
    for dtype in ("float32", "bfloat16"):
        done = vt("run", "--task", "precise.yaml", *models, "--dtype", dtype, "--out", dtype)
        assert done.code == 0, done.err
    plain, rounded = (by_label(precise / dtype) for dtype in ("float32", "bfloat16"))
    for name in names:
        assert value(plain[name], "psnr_to_float32") == float("inf")
        assert 20 < value(rounded[name], "psnr_to_float32") < 70
    assert value(plain["small"], "code_agreement_to_float32") == 1.0
    found = rounded["small"].result("code_agreement_to_float32")
    assert found is not None and found.ci_low is not None and 0.5 < found.value <= 1.0
    assert value(plain["halved"], "latent_drift_to_float32") == 0.0
    tokenizer, dataset = resolve_tokenizer("patch-pca"), PhotosMini(count=3)
    latents = [tokenizer.encode(to_unit(dataset[index].image[None])).latents for index in range(3)]
    change = sum(float((one.bfloat16().double() - one.double()).square().sum()) for one in latents)
    spread = sum(float((one.double() - one.double().mean((2, 3), keepdim=True)).square().sum()) for one in latents)
    assert value(rounded["halved"], "latent_drift_to_float32") == pytest.approx(change / spread, rel=1e-12)


def test_what_is_compared_with_is_not_compiled(precise: Path) -> None:
    twin = resolve_uncompiled(f"{precise}/halved.py:small,compile=eager")
    assert twin.concurrent and "_encode" not in vars(twin)


def test_an_object_cannot_be_made_once_more(precise: Path) -> None:
    with pytest.raises(UsageError, match="precise makes a tokenizer once more in float32"):
        vtbench.evaluate(resolve_tokenizer("patch-vq"), str(precise / "precise.yaml"))
