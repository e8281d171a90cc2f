from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vtbench.core.errors import SampleError, UsageError
from vtbench.data.sources.vtbench_folder import VTBenchFolder
from vtbench.run.planning.models import FolderSource


@pytest.fixture
def results(tmp_path: Path, photo: np.ndarray) -> Path:
    """Three pairs, one original alone and one reconstruction alone; the third pair differs in size."""
    root = tmp_path / "vtbench_results"
    for folder, numbers in (("original_images", (0, 1, 2, 3)), ("reconstructed_images", (0, 1, 2, 4))):
        (root / folder).mkdir(parents=True)
        for number in numbers:
            pixels = np.roll(photo, number, axis=1)
            if folder == "reconstructed_images" and number == 2:
                pixels = pixels[:-4]
            Image.fromarray(pixels).save(root / folder / f"{number:08d}.png")
    (root / "original_images" / "notes.txt").write_text("no image")
    (root / "result.pkl").write_bytes(b"never opened")
    return root


def test_the_originals_are_the_data_set(results: Path, photo: np.ndarray) -> None:
    dataset = VTBenchFolder(results)
    assert dataset.ids == ("00000000", "00000001", "00000002", "00000003")
    sample = dataset[1]
    assert sample.id == "00000001" and sample.target is None
    assert np.array_equal(sample.image.permute(1, 2, 0).numpy(), np.roll(photo, 1, axis=1))
    assert dataset.reconstructions == results / "reconstructed_images"


def test_misfits_are_told(results: Path) -> None:
    dataset = VTBenchFolder(str(results))
    pairing = dataset.pairing()
    assert pairing.paired == ("00000000", "00000001", "00000002")
    assert pairing.without_reconstruction == ("00000003",)
    assert pairing.without_original == ("00000004",)
    assert pairing.other_size == (("00000002", (90, 60), (90, 56)),)
    assert pairing.problems == [
        "1 originals have no reconstruction: 00000003",
        "1 reconstructions have no original: 00000004",
        "1 pairs differ in size: 00000002 (90x60 and 90x56)",
    ]


def test_spellings_of_one_name_are_a_pair(results: Path) -> None:
    name = unicodedata.normalize("NFC", "é")
    for folder, form in (("original_images", "NFC"), ("reconstructed_images", "NFD")):
        file = results / folder / "00000000.png"
        file.rename(file.with_name(unicodedata.normalize(form, name) + ".png"))
    dataset = VTBenchFolder(results)
    assert dataset.pairing().paired == ("00000001", "00000002", name)
    assert "00000003" in dataset.pairing().problems[0] and name not in "".join(dataset.pairing().problems)
    for number in (1, 2):
        (results / "reconstructed_images" / f"{number:08d}.png").unlink()
    assert VTBenchFolder(results).pairing().paired == (name,)


def test_scoring_finds_the_same_pairs(results: Path) -> None:
    dataset = VTBenchFolder(results)
    told = FolderSource(dataset.reconstructions, "other").warnings(dataset.ids)
    assert len(told) == 2
    assert "1 samples have no image: 00000003" in told[0] and "00000004.png" in told[1]


def test_a_broken_file_is_told_and_fails_alone(results: Path) -> None:
    (results / "original_images" / "00000000.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    dataset = VTBenchFolder(results)
    assert dataset.pairing().unreadable == ("original_images/00000000.png",)
    with pytest.raises(SampleError, match="00000000"):
        dataset[0]
    assert dataset[1].image.shape == (3, 60, 90)


def test_a_whole_folder_has_no_problems(results: Path) -> None:
    (results / "original_images" / "00000003.png").unlink()
    for name in ("00000002", "00000004"):
        (results / "reconstructed_images" / f"{name}.png").unlink()
    (results / "original_images" / "00000002.png").unlink()
    assert VTBenchFolder(results).pairing().problems == []


def test_folders_that_are_not_there_are_told(tmp_path: Path, results: Path) -> None:
    with pytest.raises(UsageError, match=r"original_images is not a folder"):
        VTBenchFolder(tmp_path)
    for path in (results / "reconstructed_images").iterdir():
        path.rename(path.with_stem(f"x{path.stem}"))
    with pytest.raises(UsageError, match="no name is both in"):
        VTBenchFolder(results)


def test_the_fingerprint_is_of_the_originals(results: Path) -> None:
    before = VTBenchFolder(results).fingerprint
    (results / "reconstructed_images" / "00000004.png").unlink()
    assert VTBenchFolder(results).fingerprint == before
    (results / "original_images" / "00000003.png").unlink()
    assert VTBenchFolder(results).fingerprint != before
