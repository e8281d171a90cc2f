"""What a file system says becomes the path, the reason and what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from vtbench.core.disk.files import require_writable_file
from vtbench.core.disk.write_errors import writing
from vtbench.core.errors import StorageFullError, UnwritableError, VtbenchError


@pytest.mark.parametrize(
    ("number", "kind", "code", "said"),
    [
        (errno.ENOSPC, StorageFullError, 1, "make room"),
        (errno.EDQUOT, StorageFullError, 1, "quota"),
        (errno.EFBIG, StorageFullError, 1, "ulimit -f"),
        (errno.EMFILE, VtbenchError, 1, "ulimit -n"),
        (errno.EIO, VtbenchError, 1, "disk"),
        (errno.EROFS, UnwritableError, 2, "read-only"),
        (errno.EACCES, UnwritableError, 2, "ermission denied"),
        (errno.ENAMETOOLONG, UnwritableError, 2, "too long"),
        (errno.EISDIR, UnwritableError, 2, "is a folder"),
        (errno.ENOTDIR, UnwritableError, 2, "ot a directory"),
        (errno.ELOOP, UnwritableError, 2, "symbolic links"),
    ],
)
def test_every_error_names_the_path_and_what_to_do(
    tmp_path: Path, number: int, kind: type[VtbenchError], code: int, said: str
) -> None:
    path = tmp_path / "here" / "file"
    with pytest.raises(kind) as caught, writing(path, "say where: --out DIR"):
        raise OSError(number, os.strerror(number), str(path))
    told = str(caught.value)
    assert type(caught.value) is kind and caught.value.exit_code == code
    assert str(path) in told and said in told and len(told.splitlines()) == 2
    assert ("--out DIR" in told) == (code == 2), "a path of another's choosing mends only a path at fault"


def test_a_file_above_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(UnwritableError, match=r"b cannot be made: .*file is a file"), writing(tmp_path / "file/a/b"):
        (tmp_path / "file" / "a" / "b").mkdir(parents=True)


def test_errors_of_other_files_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), writing(tmp_path / "x"):
        Path("/nowhere/source").read_bytes()
    with pytest.raises(ValueError, match="bug"), writing(tmp_path / "x"):
        raise ValueError("bug")


def test_a_file_that_is_to_be_written_is_looked_at_before(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    require_writable_file(tmp_path / "new" / "file.json")
    assert list((tmp_path / "new").iterdir()) == []
    with pytest.raises(UnwritableError, match="is a folder"):
        require_writable_file(tmp_path / "folder")
