"""Every reader of outside bytes, whatever it is given, returns or raises one expected error of one line.

It is given valid files with seeded damage (:mod:`fuzz_mutation`), and files that hypothesis draws from the grammar of
each format (:mod:`near`), lengths, checksums and seals right, the same ones each time; in a process of bounded memory,
ten seconds for each. ``VTBENCH_ATTACK=long`` tries 20,000 of the one and 500 a reader of the other kind instead of 800
and 12.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LONG = os.environ.get("VTBENCH_ATTACK") == "long"
MOST_MB = 1000
SHARES = {"texts": 8, "arrays": 6, "tables": 3, "images": 3}
COUNT = 20_000 if LONG else 800
EXAMPLES = 500 if LONG else 12


def run(program: str, *arguments: str, cwd: Path) -> None:
    """A program of this folder, in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(program)), *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "HOME": str(cwd)},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
    )
    assert done.returncode == 0, f"{program} ended with {done.returncode}: {done.stderr[-2000:]}"


@pytest.mark.parametrize("group", SHARES)
def test_damaged_files_are_read_or_told_in_one_line(group: str, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    count = COUNT * SHARES[group] // sum(SHARES.values())
    run("fuzz_process.py", group, str(count), "0", str(told), cwd=tmp_path)
    found = json.loads(told.read_text(encoding="utf-8"))
    broken = [problem for reader in found["readers"].values() for problem in reader["broken"]]
    assert not broken, "\n\n".join(broken[:5])
    assert found["peak_mb"] < MOST_MB
    tried = sum(sum(reader["outcomes"].values()) for reader in found["readers"].values())
    assert tried > count // 2
    print(group, json.dumps({name: reader["outcomes"] for name, reader in found["readers"].items()}))


@pytest.mark.skipif(sys.platform != "linux", reason="forks, and bounds memory by RLIMIT_AS")
def test_files_that_are_nearly_right_are_read_or_told_in_one_line(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    run("near_process.py", str(EXAMPLES), str(told), cwd=tmp_path)
    found = json.loads(told.read_text(encoding="utf-8"))
    broken = [one["broken"] for one in found.values() if one["broken"]]
    assert not broken, "\n\n".join(broken)
    assert all(sum(one["outcomes"].values()) >= EXAMPLES for one in found.values()), found
    assert max(one["peak_mb"] for one in found.values()) < MOST_MB, found
    print(json.dumps(found))


@pytest.mark.skipif(not LONG, reason="takes a minute; VTBENCH_ATTACK=long")
def test_small_files_that_would_unfold_to_gigabytes_stay_small(tmp_path: Path) -> None:
    folder = tmp_path / "bombs"
    folder.mkdir()
    run("bomb_process.py", "make", str(folder), cwd=tmp_path)
    run("bomb_process.py", "read", str(folder), str(tmp_path / "told.json"), cwd=tmp_path)
    found = json.loads((tmp_path / "told.json").read_text(encoding="utf-8"))
    assert not [one["broken"] for one in found.values() if one["broken"]]
    assert max(one["peak_mb"] for one in found.values()) < MOST_MB, found
