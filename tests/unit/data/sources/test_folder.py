from __future__ import annotations

import os
import pickle
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vtbench.core.digests import digest_json
from vtbench.core.errors import SampleError, UsageError
from vtbench.data.sources.folder import ImageFolder
from vtbench.data.sources.subset import Subset


def test_ids_are_sorted_posix_paths_of_images_only(image_tree: Path) -> None:
    dataset = ImageFolder(image_tree)
    assert dataset.ids == ("ant/broken.png", "ant/deep/x.WebP", "cat/A.JPEG", "cat/b.png")
    assert len(dataset) == 4


def test_targets_are_the_first_sub_folder(image_tree: Path, photo: np.ndarray) -> None:
    Image.fromarray(photo).save(image_tree / "loose.png")
    dataset = ImageFolder(image_tree)
    assert dataset[1].target == {"label": 0, "class": "ant"}
    assert dataset[3].target == {"label": 1, "class": "cat"}
    assert dataset[dataset.ids.index("loose.png")].target is None


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        (("0", "9", "10"), {"0": 0, "9": 9, "10": 10}),
        (("00007", "00123"), {"00007": 7, "00123": 123}),
        (("1", "01"), {"01": 0, "1": 1}),  # one number twice: names
        (("9", "10", "cat"), {"10": 0, "9": 1, "cat": 2}),
        (("²", "3"), {"3": 0, "²": 1}),
    ],
)
def test_whole_numbers_are_the_classes_themselves(
    tmp_path: Path, photo: np.ndarray, classes: tuple[str, ...], labels: dict[str, int]
) -> None:
    for name in classes:
        (tmp_path / name).mkdir()
        Image.fromarray(photo).save(tmp_path / name / "a.png")
    dataset = ImageFolder(tmp_path)
    assert {target["class"]: target["label"] for target in map(dataset.target, range(len(dataset)))} == labels


def test_how_classes_are_numbered_is_no_part_of_the_fingerprint(tmp_path: Path) -> None:
    for name in ("9", "10"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(name.encode())
    digests = [[f"{name}/a.png", sha256(name.encode()).hexdigest()] for name in ("10", "9")]
    truths = ['{"class": "10", "label": 0}', '{"class": "9", "label": 1}']
    samples = [[*digest, truth] for digest, truth in zip(digests, truths, strict=True)]
    assert ImageFolder(tmp_path).fingerprint == digest_json({"scheme": "images@1", "samples": samples})


def test_samples_hold_the_pixels(image_tree: Path, photo: np.ndarray) -> None:
    sample = ImageFolder(str(image_tree))[3]
    assert sample.id == "cat/b.png"
    assert np.array_equal(sample.image.permute(1, 2, 0).numpy(), photo)


def test_a_broken_file_is_listed_and_fails_when_read(image_tree: Path) -> None:
    with pytest.raises(SampleError, match=r"^ant/broken\.png: "):
        ImageFolder(image_tree)[0]


def test_not_recursive_takes_the_top_level_without_labels(image_tree: Path, photo: np.ndarray) -> None:
    with pytest.raises(UsageError, match=r"found 1 files \(\.txt: 1\)[\s\S]*sub-folders were not searched"):
        ImageFolder(image_tree, recursive=False)
    Image.fromarray(photo).save(image_tree / "loose.png")
    dataset = ImageFolder(image_tree, recursive=False)
    assert dataset.ids == ("loose.png",)
    assert dataset[0].target is None


def test_missing_empty_and_file_paths_say_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        ImageFolder(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="it is empty"):
        ImageFolder(tmp_path)
    (tmp_path / "a.npy").write_bytes(b"")
    with pytest.raises(UsageError, match=r"found 1 files \(\.npy: 1\)"):
        ImageFolder(tmp_path)
    with pytest.raises(UsageError, match="is not a folder"):
        ImageFolder(tmp_path / "a.npy")


def test_links_are_followed_once_and_broken_ones_fail_as_samples(image_tree: Path) -> None:
    (image_tree / "cat/loop").symlink_to(image_tree, target_is_directory=True)
    (image_tree / "gone.png").symlink_to(image_tree / "nowhere.png")
    (image_tree / "elsewhere").symlink_to(image_tree / "cat", target_is_directory=True)
    os.mkfifo(image_tree / "pipe.png")
    dataset = ImageFolder(image_tree)
    assert "elsewhere/b.png" in dataset.ids
    assert "pipe.png" not in dataset.ids
    assert len(dataset.ids) == len(set(dataset.ids)) == 7
    with pytest.raises(SampleError, match=r"^gone\.png: "):
        dataset[dataset.ids.index("gone.png")]


def test_the_fingerprint_is_of_content_and_ids_alone(image_tree: Path, tmp_path: Path) -> None:
    first = ImageFolder(image_tree).fingerprint
    copy = tmp_path / "copied" / "elsewhere"
    shutil.copytree(image_tree, copy)
    for path in copy.rglob("*.*"):
        os.utime(path, (1, 1))
    assert ImageFolder(copy).fingerprint == first
    (copy / "notes.txt").write_text("other")
    assert ImageFolder(copy).fingerprint == first

    file = copy / "cat/b.png"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    changed = ImageFolder(copy).fingerprint
    assert changed != first
    file.rename(copy / "cat/c.png")
    assert ImageFolder(copy).fingerprint not in (first, changed)


def test_a_limit_reads_and_digests_only_its_own_samples(image_tree: Path) -> None:
    two = Subset(ImageFolder(image_tree), 2).fingerprint
    for name in ("cat/A.JPEG", "cat/b.png"):
        (image_tree / name).write_bytes(b"changed")
    assert Subset(ImageFolder(image_tree), 2).fingerprint == two
    (image_tree / "ant/broken.png").write_bytes(b"changed")
    assert Subset(ImageFolder(image_tree), 2).fingerprint != two


def test_an_unreadable_file_does_not_stop_the_fingerprint(image_tree: Path) -> None:
    (image_tree / "gone.png").symlink_to(image_tree / "nowhere.png")
    assert ImageFolder(image_tree).fingerprint == ImageFolder(image_tree).fingerprint


def test_pickle_round_trip(image_tree: Path) -> None:
    dataset = ImageFolder(image_tree)
    again = pickle.loads(pickle.dumps(dataset))
    assert again.ids == dataset.ids
    assert again[1].image.equal(dataset[1].image)
    assert again.fingerprint == dataset.fingerprint
