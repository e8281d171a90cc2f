"""``patch-vq``, ``-rvq``, ``-bsq`` and ``-pca`` against independent computations, on photographs not fitted."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from scipy.spatial import cKDTree
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.errors import UsageError
from vtbench.tokenizers.fitted.keeping import fitting_photographs, training_patches
from vtbench.tokenizers.resolve import resolve_tokenizer

VQ, RVQ, BSQ, PCA = "patch-vq,codebook_size=64", "patch-rvq,codebook_size=64", "patch-bsq", "patch-pca"


def arrays(fits: Path, name: str) -> dict[str, np.ndarray]:
    return load_file(fits / "fitted" / resolve_tokenizer(name).info.weights[0].name)


def blocks(image: Tensor, patch: int = 8) -> np.ndarray:
    """Patches by plain slicing, in raster order."""
    pixels, (height, width) = image.double().numpy(), image.shape[-2:]
    corners = [(y, x) for y in range(0, height, patch) for x in range(0, width, patch)]
    return np.stack([pixels[:, y : y + patch, x : x + patch].ravel() for y, x in corners])


def paint(rows: np.ndarray, grid: tuple[int, int], patch: int = 8) -> Tensor:
    image = np.zeros((3, grid[0] * patch, grid[1] * patch))
    for number, row in enumerate(rows):
        y, x = divmod(number, grid[1])
        image[:, y * patch : (y + 1) * patch, x * patch : (x + 1) * patch] = row.reshape(3, patch, patch)
    return torch.from_numpy(image).float()


def measure(name: str, images: Tensor) -> tuple[float, float]:
    """Bits a pixel and PSNR."""
    tokenizer = resolve_tokenizer(name)
    codes = tokenizer.encode(images)
    error = (tokenizer.decode(codes).clamp(0, 1) - images).square().mean()
    return float(codes.total_bits(tokenizer.info).mean()) / images[0, 0].numel(), float(-10 * torch.log10(error))


def test_vq_takes_the_nearest_entry(fits: Path, photos: Tensor) -> None:
    tokenizer = resolve_tokenizer(VQ)
    entries = arrays(fits, VQ)["codebooks"][0]
    codes = tokenizer.encode(photos[:2])
    decoded = tokenizer.decode(codes)
    for index, image in enumerate(photos[:2]):
        nearest = cKDTree(entries.astype(np.float64)).query(blocks(image))[1]
        np.testing.assert_array_equal(codes.levels[0][index].flatten().numpy(), nearest)
        assert torch.equal(decoded[index], paint(entries[nearest], (32, 32)))


def test_rvq_quantises_what_is_left_over(fits: Path, photos: Tensor) -> None:
    tokenizer = resolve_tokenizer(RVQ)
    codebooks = arrays(fits, RVQ)["codebooks"].astype(np.float64)
    codes = tokenizer.encode(photos[:1])
    left = blocks(photos[0])
    for level, entries in zip(codes.levels, codebooks, strict=True):
        nearest = cKDTree(entries).query(left)[1]
        np.testing.assert_array_equal(level[0].flatten().numpy(), nearest)
        left = left - entries[nearest]
    rebuilt = paint(blocks(photos[0]) - left, (32, 32))
    torch.testing.assert_close(tokenizer.decode(codes)[0], rebuilt, atol=1e-5, rtol=0)


def test_kmeans_entries_are_means_of_their_cells(fits: Path) -> None:
    entries = arrays(fits, VQ)["codebooks"][0].astype(np.float64)
    rows = training_patches(fitting_photographs(), 8, 0)
    cells = cKDTree(entries).query(rows)[1]
    means = np.stack([rows[cells == cell].mean(0) for cell in range(len(entries))])
    # Lloyd's algorithm stops a few steps before its fixed point
    assert np.abs(means - entries).max() < 0.1
    assert np.abs(means - entries).mean() < 0.005


def test_pca_is_the_singular_value_decomposition(fits: Path, photos: Tensor) -> None:
    rows = training_patches(fitting_photographs(), 8, 0)
    values, vectors = np.linalg.eigh(np.cov(rows.T))
    leading = vectors[:, np.argsort(values)[::-1][:16]]
    for index, image in enumerate(photos[:2]):
        centred = blocks(image) - rows.mean(0)
        expected = paint(rows.mean(0) + centred @ leading @ leading.T, (32, 32))
        tokenizer = resolve_tokenizer(PCA)
        # half-precision latents move a pixel by far less than a level of 8 bits
        decoded = tokenizer.decode(tokenizer.encode(photos[:2]))[index]
        torch.testing.assert_close(decoded, expected, atol=0.5 / 255, rtol=0)


def test_pca_latents_fit_in_the_bits_that_are_charged(fits: Path, photos: Tensor) -> None:
    tokenizer = resolve_tokenizer(PCA)
    latents = tokenizer.encode(photos[:1]).latents
    assert torch.equal(latents, latents.half().float())
    assert tokenizer.info.latent_bits == 16


def test_bsq_bits_are_signs_of_what_is_left_over(fits: Path, photos: Tensor) -> None:
    stored = {name: array.astype(np.float64) for name, array in arrays(fits, BSQ).items()}
    codes = resolve_tokenizer(BSQ).encode(photos[:1])
    left = blocks(photos[0]) - stored["mean"]
    bits = []
    for axis, step in zip(stored["axes"], stored["steps"], strict=True):
        bits.append(left @ axis >= 0)
        left = left - np.where(bits[-1], step, -step)[:, None] * axis
    np.testing.assert_array_equal(codes.bits[0][0].flatten(0, 1).numpy(), np.stack(bits, 1))
    assert codes.bits[0].shape == (1, 32, 32, 32)


def test_bsq_decoder_is_the_least_squares_map_of_a_cube_on_the_sphere(fits: Path) -> None:
    tokenizer = resolve_tokenizer(BSQ)
    crops = torch.stack([fitting_photographs()[index].image for index in range(105)]).float() / 255
    codes = tokenizer.encode(crops)
    corners = (codes.bits[0].flatten(0, 2).double().numpy() * 2 - 1) / np.sqrt(32)
    np.testing.assert_allclose(np.linalg.norm(corners, axis=1), 1)
    rows = np.concatenate([blocks(image) for image in crops])
    solution = np.linalg.lstsq(np.column_stack([corners, np.ones(len(rows))]), rows, rcond=None)[0]
    best = np.square(rows - np.column_stack([corners, np.ones(len(rows))]) @ solution).mean()
    decoded = np.concatenate([blocks(image) for image in tokenizer.decode(codes)])
    # fitted on a sample of these patches, so barely above the optimum for all of them
    assert best <= np.square(rows - decoded).mean() <= 1.02 * best


def test_more_bits_give_better_images(fits: Path, photos: Tensor) -> None:
    ladders = [
        ["patch-vq,codebook_size=16", VQ, "patch-vq,codebook_size=256"],
        [f"{RVQ},levels={levels}" for levels in (1, 2, 4)],
        [f"patch-bsq,nbits={nbits}" for nbits in (6, 16, 32)],
        [f"patch-pca,components={components}" for components in (1, 4, 16, 64, 192)],
    ]
    for ladder in ladders:
        points = [measure(name, photos) for name in ladder]
        assert points == sorted(points), ladder
        qualities = [quality for _, quality in points]
        assert all(later - sooner > 0.5 for sooner, later in pairwise(qualities)), points


def test_discrete_codes_beat_latents_at_low_rates_and_latents_win_at_high_ones(fits: Path, photos: Tensor) -> None:
    rvq, coarse, fine = (measure(name, photos) for name in (f"{RVQ},levels=4", "patch-pca,components=1", PCA))
    assert rvq[0] > coarse[0] and rvq[1] > coarse[1] + 2
    assert fine[0] > rvq[0] and fine[1] > rvq[1] + 2


def test_all_components_are_lossless_to_8_bits(fits: Path, photos: Tensor) -> None:
    assert measure("patch-pca,components=192", photos[:2])[1] > 60


@pytest.mark.parametrize("name", [VQ, RVQ, BSQ, PCA])
def test_an_image_is_coded_alike_in_any_company(fits: Path, photos: Tensor, name: str) -> None:
    tokenizer = resolve_tokenizer(name)
    images = photos[:, :, :101, :75]
    together = tokenizer.decode(tokenizer.encode(images))
    for index in range(len(images)):
        alone = tokenizer.decode(tokenizer.encode(images[index : index + 1]))
        assert torch.equal(alone[0], together[index])


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("patch-vq,codebook_size=0", "codebook_size"),
        ("patch-vq,patch=65", "patch"),
        ("patch-vq,patch=64,codebook_size=4096", "cannot be fitted on"),
        ("patch-rvq,levels=0", "levels"),
        ("patch-bsq,nbits=129", "nbits"),
        ("patch-pca,components=193", "components"),
        ("patch-pca,seed=-1", "seed"),
        ("patch-vq,codebok_size=8", "did you mean codebook_size"),
    ],
)
def test_refused_arguments(fits: Path, name: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        resolve_tokenizer(name)


def test_codes_say_their_rate(fits: Path, photos: Tensor) -> None:
    expected = {VQ: 6 / 64, RVQ: 24 / 64, BSQ: 32 / 64, PCA: 16 * 16 / 64}
    for name, rate in expected.items():
        tokenizer = resolve_tokenizer(name)
        codes: Codes = tokenizer.encode(photos[:1])
        assert float(codes.total_bits(tokenizer.info)) / 256**2 == pytest.approx(rate)
