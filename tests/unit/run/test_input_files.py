"""What a job's blocks rest on: kept with the job's key, refused where it is damaged or another's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vtbench.core.errors import DamagedFileError
from vtbench.core.outside.seals import sealed
from vtbench.run.storing.input_files import inputs_path, read_inputs, write_inputs

FILES = {"/data/weights.bin": "ab" * 32, "/data/labels é.json": "cd" * 32}


def test_they_come_back_for_their_own_job_alone(tmp_path: Path) -> None:
    path = inputs_path(tmp_path, 0)
    write_inputs(path, "0123", FILES)
    assert read_inputs(path, "0123") == FILES == read_inputs(path, None)
    with pytest.raises(DamagedFileError, match=r"inputs-0.json is another's"):
        read_inputs(path, "4567")


def test_those_of_earlier_versions_are_read(tmp_path: Path) -> None:
    path = inputs_path(tmp_path, 0)
    path.write_text(json.dumps(sealed(FILES)))
    assert read_inputs(path, "0123") == FILES


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "[" * 9000, '{"job": "0123", "files": {}}', json.dumps(sealed(FILES))[:-9]]
)
def test_what_is_damaged_is_told(text: str, tmp_path: Path) -> None:
    path = inputs_path(tmp_path, 0)
    path.write_text(text)
    with pytest.raises(DamagedFileError, match=r"inputs-0.json"):
        read_inputs(path, "0123")
