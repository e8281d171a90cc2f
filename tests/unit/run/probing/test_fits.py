"""A job's fits on disk: what ended stays, what was interrupted goes on, what is of other codes is not believed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from vtbench.core.errors import DamagedFileError, VtbenchError
from vtbench.core.foreign.interrupts import Interrupted
from vtbench.run.probing.fits import Fitting, fit_names
from vtbench.run.probing.sequences import Geometry
from vtbench.run.probing.store import FitName, ProbeStore, check_probes
from vtbench.run.probing.stored_codes import StoredCodes
from vtbench.tasks.sections import LearnabilitySpec, ProbeSpec

PROBE = ProbeSpec(
    width=8, blocks=1, heads=2, steps=25, batch=4, warmup=2, learning_rate=0.01, weight_decay=0.0, seeds=2
)
SPEC = LearnabilitySpec(probe=PROBE)
SCALES = Geometry(grids=((1,), (3,)), sizes=(5, 5), shared=True, binary=False)
OF = {"job": "key"}


def fitting(folder: Path, advanced: Callable[[int], None] = lambda count: None, of: object = OF) -> Fitting:
    codes = StoredCodes(SCALES, torch.arange(40).view(10, 4) % 5)
    store = ProbeStore(folder, dict(of))  # type: ignore[call-overload]
    return Fitting(codes, [number < 3 for number in range(10)], SPEC, store, torch.device("cpu"), advanced)


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "probes").iterdir()}


def test_scales_are_fitted_in_both_orders() -> None:
    assert [str(name) for name in fit_names(SCALES, SPEC)] == [
        "next-token-0", "next-token-1", "next-scale-0", "next-scale-1",
    ]  # fmt: skip


def test_an_interrupted_fit_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    told: list[int] = []

    def stop(count: int) -> None:
        told.append(count)
        raise Interrupted(signal.SIGTERM)

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    fitting(whole).all()
    with pytest.raises(Interrupted):
        fitting(broken, stop).all()
    assert told == [4 * 10 * PROBE.batch]
    assert names(broken) == {f"{name}.unfinished.safetensors" for name in fit_names(SCALES, SPEC)}
    shown: list[int] = []
    fitting(broken, shown.append).all()
    assert sum(shown) == 4 * PROBE.steps * PROBE.batch
    assert names(broken) == names(whole) == {f"{name}.safetensors" for name in fit_names(SCALES, SPEC)}
    for name in fit_names(SCALES, SPEC):
        first, second = (ProbeStore(folder, OF).found(name) for folder in (whole, broken))
        assert np.array_equal(first.bits, second.bits) and np.array_equal(first.losses, second.losses)
    fitting(whole, lambda count: pytest.fail("nothing is missing")).all()


def test_fits_of_other_codes_are_made_again(tmp_path: Path) -> None:
    fitting(tmp_path).all()
    assert not ProbeStore(tmp_path, {"job": "key", "blocks": "others"}).has(FitName("next-token", 0))
    with pytest.raises(DamagedFileError, match="another's"):
        ProbeStore(tmp_path, {"job": "other"}).found(FitName("next-token", 0))
    with pytest.raises(DamagedFileError, match="another's"):
        check_probes(tmp_path, "other", SPEC)


def test_a_missing_or_damaged_fit_is_told(tmp_path: Path) -> None:
    with pytest.raises(VtbenchError, match="still to be fitted"):
        ProbeStore(tmp_path, OF).found(FitName("next-token", 0))
    fitting(tmp_path).all()
    check_probes(tmp_path, "key", SPEC)
    path = tmp_path / "probes" / "next-token-1.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedFileError, match="next-token-1"):
        check_probes(tmp_path, "key", SPEC)
    (tmp_path / "probes" / "next-token-0.safetensors").unlink()
    with pytest.raises(DamagedFileError, match="next-token-0"):
        check_probes(tmp_path, "key", SPEC)


def test_verifying_probes_loads_no_torch() -> None:
    code = "import sys, vtbench.run.verifying.job; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
