"""In a process that is somebody else's, files are heard of only while vtbench works there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CODE = """
import sys
from pathlib import Path
from vtbench.core.foreign import read_files
from vtbench.core.foreign.guard import foreign

own = Path(__file__)
for listening, heard in ((True, True), (False, False)):
    with read_files.within(listening):
        with foreign("mine"):
            own.read_text()
        assert bool(read_files._Seen.readers) is heard, (listening, read_files._Seen.readers)
    own.read_text()
    assert read_files._Seen.readers == {} and read_files._Seen.since is None
"""


def test_nothing_is_heard_or_kept_afterwards(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(CODE, encoding="utf-8")
    done = subprocess.run([sys.executable, str(tmp_path / "mine.py")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
