"""Released PSNR, SSIM and LPIPS against torchmetrics itself, fed as VTBench's scripts feed it; released text rates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torchmetrics.functional.image.lpips as torchmetrics_lpips
import torchvision
from torchmetrics.functional.image import structural_similarity_index_measure
from torchmetrics.image import PeakSignalNoiseRatio, StructuralSimilarityIndexMeasure
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

from vtbench import assets
from vtbench.data.embedded.photographs.photos_mini import PhotosMini
from vtbench.metrics.catalog.lookup import BLOCK_REGISTRY, metric_info
from vtbench.metrics.images.compat_vtbench import CompatLpips, CompatPsnr, CompatSsim
from vtbench.metrics.images.lpips import LpipsAlex
from vtbench.metrics.images.pixel import PsnrPooled
from vtbench.metrics.texts.compat_vtbench import RELEASED_COLUMNS, released_counts
from vtbench.metrics.texts.error_rates import micro_rate, vtbench_cer, vtbench_wer
from vtbench.results.records.statistics import aggregate
from vtbench.tokenizers.codecs.pillow import Jpeg

BATCH = 8
SENTENCE = "the quick brown fox jumps over the lazy dog"
MISREAD = "the quick brown fix jumps over the lazy cats"
Images = torch.Tensor


@pytest.fixture(scope="module")
def pair() -> tuple[Images, Images]:
    """Reconstruction and original of sixteen real crops, of which the first eight span 40 to 199 levels only."""
    data = PhotosMini()
    original = torch.stack([data[index].image[:, ::2, ::2] for index in range(0, 64, 4)])
    original[:BATCH] = (original[:BATCH].float() * (159 / 255) + 40).to(torch.uint8)
    jpeg = Jpeg(quality=10)
    decoded = jpeg.decode(jpeg.encode(original.float() / 255)) * 255
    return decoded.round().to(torch.uint8), original


def in_batches(metric: torch.nn.Module, prediction: Images, original: Images) -> float:
    """What torchmetrics accumulates over batches of eight images in [0, 1]."""
    for start in range(0, len(original), BATCH):
        span = slice(start, start + BATCH)
        metric.update(prediction[span].float() / 255, original[span].float() / 255)
    return float(metric.compute())


def by_blocks(metric: CompatPsnr | CompatSsim, prediction: Images, original: Images) -> np.ndarray:
    found = [metric(prediction[i : i + BATCH], original[i : i + BATCH]) for i in range(0, len(original), BATCH)]
    return metric.rows({name: torch.cat([part[name] for part in found]).numpy() for name in metric.columns})


def test_psnr_equals_torchmetrics_given_the_range_it_used_to_infer(pair: tuple[Images, Images]) -> None:
    prediction, original = (images[:BATCH] for images in pair)  # none is brighter than 199
    inferred = float(original.max()) / 255
    assert inferred < 0.8
    expected = in_batches(PeakSignalNoiseRatio(data_range=inferred), prediction, original)
    value = aggregate(by_blocks(CompatPsnr(), prediction, original), CompatPsnr.info.aggregation).value
    assert value == pytest.approx(expected, abs=1e-4)
    pooled = aggregate(PsnrPooled()(prediction, original).numpy(), "pooled_psnr").value
    assert pooled - value == pytest.approx(-20 * np.log10(inferred), abs=1e-9)


def test_psnr_takes_its_range_from_the_whole_set(pair: tuple[Images, Images]) -> None:
    prediction, original = pair
    expected = in_batches(PeakSignalNoiseRatio(data_range=float(original.max()) / 255), prediction, original)
    value = aggregate(by_blocks(CompatPsnr(), prediction, original), "pooled_psnr").value
    assert value == pytest.approx(expected, abs=1e-4)


def test_ssim_equals_torchmetrics_batch_by_batch(pair: tuple[Images, Images]) -> None:
    rows = by_blocks(CompatSsim(), *pair)
    assert rows.mean() == pytest.approx(in_batches(StructuralSimilarityIndexMeasure(), *pair), abs=5e-5)
    doubles = (images[:BATCH].double() / 255 for images in pair)
    each = structural_similarity_index_measure(*doubles, reduction="none")
    np.testing.assert_allclose(rows[:BATCH], np.asarray(each), rtol=0, atol=1e-6)


def test_ssim_of_an_image_depends_on_its_neighbours(pair: tuple[Images, Images]) -> None:
    prediction, original = pair
    alone = CompatSsim()(prediction[:1], original[:1])["compat_vtbench_ssim"]
    beside = CompatSsim()(prediction[[0, 15]], original[[0, 15]])["compat_vtbench_ssim"]
    assert abs(float(alone[0] - beside[0])) > 1e-3


def test_lpips_equals_torchmetrics_fed_zero_to_one(
    pair: tuple[Images, Images], monkeypatch: pytest.MonkeyPatch
) -> None:
    """torchmetrics with its own code and heads; only the backbone's weights come from the asset, not a download."""

    def features(net: str, pretrained: bool = False) -> torch.nn.Module:
        assert net == "alexnet"
        layers = torchvision.models.alexnet(weights=None).features
        tensors = assets.load_tensors("lpips_alex")
        prefix = "features."
        layers.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
        return layers

    monkeypatch.setattr(torchmetrics_lpips, "_get_tv_model_features", features)
    prediction, original = (images[::2] for images in pair)
    ours = CompatLpips()(prediction, original)
    expected = in_batches(LearnedPerceptualImagePatchSimilarity(net_type="alex"), prediction, original)
    assert float(ours.mean()) == pytest.approx(expected, rel=1e-4)
    assert (ours < LpipsAlex()(prediction, original)).all()


def test_flat_and_black_blocks_have_no_score() -> None:
    black = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    assert np.isnan(by_blocks(CompatSsim(), black, black)).all()
    assert np.isnan(by_blocks(CompatPsnr(), black, black)).all()


@pytest.mark.parametrize("name", sorted(set(BLOCK_REGISTRY.builtin) - {"band_error"}))
def test_names_say_compat_and_columns_are_their_own(name: str) -> None:
    metric = BLOCK_REGISTRY.load(name)
    assert name.startswith("compat_") and metric_info(name) is metric.info and metric.info.kind == "block"
    assert all(column.startswith("compat_") for column in metric.columns)


@pytest.mark.parametrize(
    ("rate", "columns"), [(vtbench_cer, RELEASED_COLUMNS[:2]), (vtbench_wer, RELEASED_COLUMNS[2:])]
)
def test_counts_add_up_to_the_released_rates(
    rate: Callable[[list[str], list[str]], float], columns: tuple[str, str]
) -> None:
    predictions, references = [MISREAD, "a  b\nc", "", "noise"], [SENTENCE, "a b c", "gone away", ""]
    counts = [released_counts(p, r) for p, r in zip(predictions, references, strict=True)]
    edits, lengths = ([count[name] for count in counts] for name in columns)
    assert micro_rate(edits, lengths) == rate(predictions, references)


def test_the_toy_sentence() -> None:
    count = released_counts(MISREAD, SENTENCE)
    assert round(count["compat_vtbench_word_edits"] / count["compat_vtbench_words"], 3) == 0.556
