"""Files of dead writers are swept, those of living ones and young ones of other machines are not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vtbench.core.disk import partial as partial_files
from vtbench.core.disk.files import atomic_path, write_text
from vtbench.core.disk.partial import new_partial, sweep, sweep_below

KILLED = """
import os, signal, sys
from pathlib import Path
from vtbench.core.disk.files import atomic_path
with atomic_path(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_while_writing(path: Path) -> Path:
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    (left,) = path.parent.glob(f".{path.name}.*.partial")
    return left


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    left = killed_while_writing(tmp_path / "a" / "record.json")
    (tmp_path / "a" / "notes.partial").write_text("somebody's own")
    assert sweep(tmp_path) == 0 and left.exists(), "one folder at a time"
    assert sweep_below(tmp_path) == 1 and not left.exists()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["notes.partial"]


def test_the_next_writer_in_the_folder_sweeps_it(tmp_path: Path) -> None:
    left = killed_while_writing(tmp_path / "x.bin")
    write_text(tmp_path / "other.json", "{}")
    assert not left.exists() and (tmp_path / "other.json").exists()


def test_a_living_writer_keeps_its_file(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "x") as temporary:
        assert sweep_below(tmp_path) == 0
        temporary.write_text("whole")
    assert (tmp_path / "x").read_text() == "whole"


def test_a_number_of_a_process_that_is_used_again_is_told_by_its_start(tmp_path: Path) -> None:
    mine = new_partial(tmp_path / "x")
    if not Path("/proc/self/stat").exists():
        pytest.skip("starts of processes are known where /proc is")
    earlier = mine.with_name(re.sub(r"-\d+\.([^.]*)\.partial$", r"-1.\1.partial", mine.name))
    mine.rename(earlier)
    assert sweep(tmp_path) == 1


@pytest.mark.parametrize(("age_s", "swept"), [(60, 0), (2 * 86_400, 1)])
@pytest.mark.parametrize("name", [".r.json.00000000-1-1.abc.partial", ".r.json.x1y2z3.partial"])
def test_files_of_other_machines_and_versions_go_by_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, age_s: int, swept: int
) -> None:
    (tmp_path / name).write_text("half")
    now = time.time() + age_s
    monkeypatch.setattr(partial_files.time, "time", lambda: now)
    assert sweep(tmp_path) == swept


def test_a_zombie_is_dead(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        try:
            new_partial(tmp_path / "x")
        finally:
            os._exit(0)
    while not list(tmp_path.iterdir()):
        time.sleep(0.01)
    until = time.monotonic() + 10
    while sweep(tmp_path) == 0:
        assert time.monotonic() < until
        time.sleep(0.01)
    os.waitpid(child, 0)


def test_long_names_stay_within_what_a_file_system_takes(tmp_path: Path) -> None:
    write_text(tmp_path / ("画" * 80), "text")
    assert [path.name for path in tmp_path.iterdir()] == ["画" * 80]


def test_links_are_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    left = killed_while_writing(elsewhere / "x")
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "blocks").symlink_to(elsewhere)
    (tmp_path / "job" / left.name).symlink_to(left)
    assert sweep_below(tmp_path / "job") == 0 and left.exists()
