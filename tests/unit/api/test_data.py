"""Images as people hold them: the same pixels are the same data, whatever form they come in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

import vtbench
from vtbench.core.errors import UsageError

KEEP = vtbench.reconstructor(lambda x: x * 0.9, name="m")


class Counted(Dataset[Any]):
    """A torch data set that counts how often an item is asked for."""

    def __init__(self, images: Tensor, form: Callable[[Tensor, int], Any]) -> None:
        self.images, self.form, self.reads = images, form, 0

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Any:
        self.reads += 1
        return self.form(self.images[index], index)


def pillow(image: Tensor) -> Image.Image:
    return Image.fromarray(image.permute(1, 2, 0).numpy())


FORMS: dict[str, Callable[[Tensor], Any]] = {
    "tensor": lambda images: images,
    "array": lambda images: images.numpy(),
    "pillow": lambda images: [pillow(image) for image in images],
    "tensors": list,
    "arrays": lambda images: [image.permute(1, 2, 0).numpy() for image in images],
    "dataset": lambda images: Counted(images, lambda image, _: image),
    "dataset of pillow": lambda images: Counted(images, lambda image, _: pillow(image)),
    "dataset of floats": lambda images: Counted(images, lambda image, _: image.float() / 255),
    "dataset of dictionaries": lambda images: Counted(images, lambda image, _: {"image": pillow(image), "text": "t"}),
    "dataset of tuples": lambda images: Counted(images, lambda image, _: (image, "a caption")),
}


@pytest.mark.parametrize("form", FORMS, ids=lambda name: name.replace(" ", "-"))
def test_every_form_of_the_same_images_gives_the_same_record(form: str, quick: str, images: Tensor) -> None:
    plain = vtbench.evaluate(KEEP, quick, data=images).records[0]
    found = vtbench.evaluate(KEEP, quick, data=FORMS[form](images)).records[0]
    assert found.results_digest() == plain.results_digest()
    assert found.data.fingerprint == plain.data.fingerprint


def test_a_list_of_paths_is_the_folder(quick: str, images: Tensor, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for index, image in enumerate(images):
        pillow(image).save(folder / f"{index}.png")
    of_folder = vtbench.evaluate(KEEP, quick, data=folder).records[0]
    for paths in (sorted(folder.iterdir()), sorted(map(str, folder.iterdir()))):
        of_list = vtbench.evaluate(KEEP, quick, data=paths).records[0]
        assert of_list.data.fingerprint == of_folder.data.fingerprint
        assert of_list.results_digest() == of_folder.results_digest()


def test_an_npz_of_the_same_images_and_labels_is_the_same_data(quick: str, images: Tensor, tmp_path: Path) -> None:
    labels = np.arange(10)
    np.savez(tmp_path / "x.npz", arr_0=images.permute(0, 2, 3, 1).numpy(), arr_1=labels)
    labelled = Counted(images, lambda image, index: (image, index))
    one = vtbench.evaluate(KEEP, quick, data=labelled).records[0]
    other = vtbench.evaluate(KEEP, quick, data=str(tmp_path / "x.npz")).records[0]
    assert one.data.fingerprint == other.data.fingerprint
    assert one.data.fingerprint != vtbench.evaluate(KEEP, quick, data=images).records[0].data.fingerprint


def test_each_item_is_read_once_and_a_limit_leaves_the_rest_alone(quick: str, images: Tensor) -> None:
    data = Counted(images, lambda image, _: image)
    vtbench.evaluate(KEEP, quick, data=data)
    assert data.reads == 10
    data.reads = 0
    limited = vtbench.evaluate(KEEP, quick, data=data, limit=3).records[0]
    assert data.reads == 3 and limited.data.limited_from == 10


def test_an_item_that_cannot_be_read_is_a_failure_of_that_item(quick: str, images: Tensor) -> None:
    def form(image: Tensor, index: int) -> Any:
        if index == 4:
            raise OSError("the network drive is gone")
        return image * 1.0 if index == 7 else image

    record = vtbench.evaluate(KEEP, quick, data=Counted(images, form)).records[0]
    told = {failure.id: failure for failure in record.failures}
    assert sorted(told) == ["000004", "000007"] and {failure.stage for failure in record.failures} == {"decode"}
    assert "the network drive is gone" in told["000004"].message and "before it is normalised" in told["000007"].message


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (torch.rand(2, 3, 8, 8), r"round\(\)"),
        (torch.zeros(2, 8, 8, 3, dtype=torch.uint8), r"permute\(0, 3, 1, 2\)"),
        (torch.zeros(3, 8, 8, dtype=torch.uint8), r"not uint8 \[N,3,H,W\]"),
        ([], "holds no images"),
        ([1, 2], "a list that holds a int"),
        (iter([1]), "has no length"),
        (DataLoader([torch.zeros(3, 8, 8)]), "data=loader.dataset"),
        (["/nowhere/a.png"], "no image file /nowhere/a.png"),
        ("/nowhere", "no data at /nowhere"),
    ],
)
def test_what_is_no_data_is_told(data: Any, said: str, quick: str) -> None:
    with pytest.raises(UsageError, match=said):
        vtbench.evaluate(KEEP, quick, data=data)


def test_images_of_other_modes_and_turned_ones_follow_the_rules_of_files(
    quick: str, images: Tensor, tmp_path: Path
) -> None:
    turned = pillow(images[0])
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    grey, clear = pillow(images[1]).convert("L"), pillow(images[2]).convert("RGBA")
    clear.putalpha(100)
    grey.save(tmp_path / "grey.png")
    clear.save(tmp_path / "clear.png")
    files = [tmp_path / name for name in ("turned.jpg", "grey.png", "clear.png")]
    of_files = vtbench.evaluate(KEEP, quick, data=files)
    of_pillow = vtbench.evaluate(KEEP, quick, data=[Image.open(file) for file in files])
    assert of_pillow.samples["psnr"].tolist() == of_files.samples["psnr"].tolist()
    assert of_pillow.samples["height"].tolist() == [40, 32, 32]
