"""The cache of fits: fitted once, whole or absent, the same whoever and however many fit."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vtbench.core.digests import digest_arrays
from vtbench.data.embedded.photographs.photos_mini import PhotosMini
from vtbench.tokenizers.fitted import keeping as module
from vtbench.tokenizers.fitted.keeping import MOST_PATCHES, fitted, fitting_photographs, training_patches

ARGUMENTS = {"patch": 32, "seed": 0}


def mean_of(rows: np.ndarray) -> dict[str, np.ndarray]:
    # transposed on purpose: what is stored must be the array, not its memory
    return {"outer": np.outer(rows.mean(0), np.arange(3)).T.astype(np.float32)}


def never(rows: np.ndarray) -> dict[str, np.ndarray]:
    raise AssertionError("fitted again")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_second_time_is_read_and_equal(cache: Path) -> None:
    first = fitted("x", 1, ARGUMENTS, mean_of)
    second = fitted("x", 1, ARGUMENTS, never)
    expected = mean_of(training_patches(fitting_photographs(), 32, 0))["outer"]
    for result in (first, second):
        np.testing.assert_array_equal(result.arrays["outer"], expected)
    assert first.weight == second.weight
    assert first.weight.sha256 == digest_arrays({"outer": expected})
    assert (cache / "fitted" / first.weight.name).is_file()


@pytest.mark.parametrize(
    ("version", "arguments"), [(2, ARGUMENTS), (1, {**ARGUMENTS, "seed": 1}), (1, {**ARGUMENTS, "patch": 16})]
)
def test_the_key_holds_version_and_arguments(cache: Path, version: int, arguments: dict[str, int]) -> None:
    first = fitted("x", 1, ARGUMENTS, mean_of)
    assert fitted("x", version, arguments, mean_of).weight.name != first.weight.name


def test_the_key_holds_the_photographs(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fitted("x", 1, ARGUMENTS, mean_of)
    monkeypatch.setattr(module, "fitting_photographs", lambda: PhotosMini(split="eval"))
    assert fitted("x", 1, ARGUMENTS, mean_of).weight.name != first.weight.name


@pytest.mark.parametrize("keep", [0, 30])
def test_a_damaged_file_is_fitted_again(cache: Path, keep: int) -> None:
    first = fitted("x", 1, ARGUMENTS, mean_of)
    file = cache / "fitted" / first.weight.name
    file.write_bytes(file.read_bytes()[:keep])
    assert fitted("x", 1, ARGUMENTS, mean_of).weight == first.weight
    assert fitted("x", 1, ARGUMENTS, never).weight == first.weight


def test_without_a_cache_it_is_fitted_once_a_process(cache: Path) -> None:
    cache.parent.mkdir(exist_ok=True)
    cache.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="VTBENCH_CACHE"):
        first = fitted("x", 1, ARGUMENTS, mean_of)
    again = fitted("x", 1, ARGUMENTS, never)
    assert again.weight == first.weight and cache.is_file()
    np.testing.assert_array_equal(again.arrays["outer"], first.arrays["outer"])


def test_a_full_cache_costs_the_file_alone(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(UserWarning, match="No space left"):
        first = fitted("x", 1, ARGUMENTS, mean_of)
    monkeypatch.setattr(os, "fsync", fsync)
    assert fitted("x", 1, ARGUMENTS, mean_of).weight == first.weight
    assert not list((cache / "fitted").glob(".*partial"))


def test_the_fitting_photographs_are_not_scored() -> None:
    photographs = [
        {id.split("/")[0].split("-div")[0] for id in PhotosMini(split=split).ids} for split in ("fit", "eval")
    ]
    assert photographs[0] and not photographs[0] & photographs[1]


def test_a_sample_of_patches_is_seeded() -> None:
    dataset = fitting_photographs()
    first, again, other = (training_patches(dataset, 8, seed) for seed in (0, 0, 1))
    assert first.shape == (MOST_PATCHES, 192) and first.dtype == np.float64
    assert first.min() >= 0 and first.max() <= 1
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


FIT = """
import sys
from vtbench.tokenizers.resolve import resolve_tokenizer
for name in sys.argv[1:]:
    print(resolve_tokenizer(name).info.weights[0].sha256)
"""
NAMES = ["patch-vq,codebook_size=16", "patch-bsq,nbits=4", "patch-pca"]


def start(cache: Path, threads: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "VTBENCH_CACHE": str(cache)}
    environment |= {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    return subprocess.Popen([sys.executable, "-c", FIT, *NAMES], env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_processes_that_fit_at_once_and_thread_counts_agree(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    processes = [start(shared, 1), start(shared, 1), start(tmp_path / "own", 2)]
    outputs = [process.communicate(timeout=300)[0].split() for process in processes]
    assert len(set(outputs[0])) == len(NAMES)
    assert outputs[0] == outputs[1] == outputs[2]
    assert len(list((shared / "fitted").glob("*.safetensors"))) == len(NAMES)
    assert not list((shared / "fitted").glob("*.partial"))
