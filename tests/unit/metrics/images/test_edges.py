"""Edge F1 against nearest neighbours in a k-d tree, and cases whose score is known."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial import cKDTree
from skimage import data
from skimage.feature import canny

from vtbench.core.errors import AdapterError
from vtbench.metrics.images.edges import EdgeF1, edge_mask, f1


def as_batch(array) -> torch.Tensor:
    return torch.from_numpy(np.array(array)).permute(2, 0, 1)[None].contiguous()


def jpeg(array, quality):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def bars(*starts, width=96):
    """Dark on light, ends at the given columns: black from the first to the second, and so on."""
    image = np.full((64, width, 3), 230, np.uint8)
    for start, end in zip(starts[::2], starts[1::2], strict=True):
        image[:, start:end] = 30
    return as_batch(image)


def nearest_neighbour_f1(predicted, actual):
    """Every edge pixel's Chebyshev distance to the other image's edges."""
    p, a = np.argwhere(predicted), np.argwhere(actual)
    precision = (cKDTree(a).query(p, p=np.inf)[0] <= 1).mean()
    recall = (cKDTree(p).query(a, p=np.inf)[0] <= 1).mean()
    return 2 * precision * recall / (precision + recall)


@pytest.fixture(scope="module")
def photo():
    return data.chelsea()[60:220, 120:320].copy()


@pytest.mark.parametrize("quality", [5, 20, 60])
def test_equals_nearest_neighbours(photo, quality):
    distorted = jpeg(photo, quality)
    masks = [edge_mask(as_batch(image)[0]) for image in (distorted, photo)]
    expected = nearest_neighbour_f1(*masks)
    assert EdgeF1()(as_batch(distorted), as_batch(photo)).item() == pytest.approx(expected, abs=1e-12)
    assert 0.3 < expected < 1


def test_the_edges_are_cannys_with_the_stated_parameters(photo):
    expected = canny(photo / 255 @ [0.299, 0.587, 0.114], sigma=1.0, low_threshold=0.1, high_threshold=0.2)
    found = edge_mask(as_batch(photo)[0])
    # luma by floating-point weights differs in the last bit, which can tip a tie
    assert (found != expected).mean() < 1e-3 and found.mean() > 0.02


def test_masks_of_known_score():
    empty = np.zeros((20, 20), bool)
    line, both, far = empty.copy(), empty.copy(), empty.copy()
    line[:, 4] = both[:, 4] = both[:, 12] = far[:, 18] = True
    assert f1(line, both) == f1(both, line) == pytest.approx(2 / 3, abs=1e-15)
    assert f1(line, far) == 0.0
    for shift, score in ((0, 1.0), (1, 1.0), (2, 0.0)):
        assert f1(np.roll(line, shift, axis=1), line) == score


def test_a_shift_of_one_pixel_is_free_and_one_of_four_is_not():
    reference = bars(40, 60)
    assert EdgeF1()(bars(41, 61), reference).item() == 1.0
    assert EdgeF1()(bars(44, 64), reference).item() == 0.0


def test_a_lost_bar():
    # half of the edges gone: precision 1, recall 1/2
    assert EdgeF1()(bars(20, 30), bars(20, 30, 60, 70)).item() == pytest.approx(2 / 3, abs=0.02)
    assert EdgeF1()(bars(20, 30, 60, 70), bars(20, 30)).item() == pytest.approx(2 / 3, abs=0.02)


def test_no_edges():
    flat, bar = bars(), bars(20, 40)
    batch, reference = torch.cat([flat, flat // 2, bar, flat]), torch.cat([flat, flat, flat, bar])
    assert EdgeF1()(batch, reference).tolist() == [1.0, 1.0, 0.0, 0.0]


def test_a_faint_step_is_no_edge():
    image = torch.full((3, 40, 40), 100, dtype=torch.uint8)
    image[..., 20:] += 15
    assert not edge_mask(image).any()
    image[..., 20:] += 10
    assert edge_mask(image)[5:-5, 18:22].any(axis=1).all()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (160, 200)])
def test_equal_images_are_perfect(photo, size):
    batch = as_batch(photo[: size[0], : size[1]])
    assert EdgeF1()(batch, batch).tolist() == [1.0]


def test_rows_do_not_depend_on_the_batch_and_rise_with_quality(photo):
    metric = EdgeF1()
    batch = torch.cat([as_batch(jpeg(photo, quality)) for quality in (5, 30, 90)])
    reference = as_batch(photo).expand_as(batch)
    together = metric(batch, reference, [None] * 3)
    alone = torch.cat([metric(batch[i : i + 1], reference[i : i + 1], [None]) for i in range(3)])
    assert together.dtype == torch.float64 and torch.equal(together, alone)
    assert together.tolist() == sorted(together.tolist())
    assert metric(batch[:0], reference[:0], []).shape == (0,)


def test_wrong_inputs_are_refused():
    good = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    for bad in (good.float(), good[0], good[:, :1], good[..., :7]):
        with pytest.raises(AdapterError, match="edge_f1"):
            EdgeF1()(bad, good, [None])
