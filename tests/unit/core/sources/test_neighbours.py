"""A file named as ``./mine.py`` imports what lies beside it, and nobody else does."""

from __future__ import annotations

import importlib
import json
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vtbench.core.errors import VtbenchError
from vtbench.core.registry import Registry
from vtbench.core.sources.neighbours import enter, import_file


@pytest.fixture(autouse=True)
def forgotten(tmp_path: Path) -> Iterator[None]:
    """Modules of a test are not met by the next; those of libraries stay."""
    before = set(sys.modules)
    yield
    enter(None)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or tmp_path).startswith(str(tmp_path)):
            del sys.modules[name]


def _file(folder: Path, **sources: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, source in sources.items():
        path = folder / f"{name.replace('__in__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    return folder / "mine.py"


def test_a_helper_at_once_and_in_a_function_that_runs_later(tmp_path: Path) -> None:
    file = _file(
        tmp_path,
        mine="import first_helper\ndef later():\n    from second_helper import VALUE\n    return VALUE\n",
        first_helper="VALUE = 1",
        second_helper="import first_helper\nVALUE = first_helper.VALUE + 1",
    )
    module = import_file(file)
    assert (module.first_helper.VALUE, module.later()) == (1, 2)


def test_a_package_beside_it_with_relative_imports_and_by_a_name_told_at_run_time(tmp_path: Path) -> None:
    file = _file(
        tmp_path,
        mine="import importlib\nmade = importlib.import_module('own_package.inner').VALUE",
        own_package__in____init__="",
        own_package__in__inner="from .deep import VALUE",
        own_package__in__deep="VALUE = 5",
    )
    assert import_file(file).made == 5


def test_each_of_two_folders_gets_its_own_helper_now_and_later(tmp_path: Path) -> None:
    source = "import shared_name\ndef later():\n    import shared_name\n    return shared_name.late()\n"
    helper = "VALUE = {0}\ndef late():\n    import late_name\n    return VALUE, late_name.VALUE"
    modules = [
        import_file(
            _file(
                tmp_path / name,
                mine=source,
                shared_name=helper.format(number),
                late_name=f"VALUE = {number}",
            )
        )
        for number, name in enumerate("ab")
    ]
    first, second = modules
    assert [first.later(), second.later(), first.later()] == [(0, 0), (1, 1), (0, 0)]
    assert (first.shared_name.VALUE, second.shared_name.VALUE) == (0, 1)


def test_its_helper_is_not_that_of_the_import_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _file(tmp_path / "path", twice_named="VALUE = 'path'", user="import twice_named")
    file = _file(tmp_path / "own", mine="import twice_named", twice_named="VALUE = 'own'")
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    user = importlib.import_module("user")
    assert import_file(file).twice_named.VALUE == "own"
    enter(None)
    assert user.twice_named is importlib.import_module("twice_named")
    assert user.twice_named.VALUE == "path"


def test_a_neighbour_takes_no_place_of_the_library_or_of_a_package(tmp_path: Path) -> None:
    wrong = "raise RuntimeError('a neighbour')"
    file = _file(tmp_path, mine="import json, tomli_w_absent", json=wrong, tomli_w_absent="", filelock=wrong)
    assert import_file(file).json is json
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("tomli_w_absent_too")
    del sys.modules["tomli_w_absent"]
    with pytest.raises(ModuleNotFoundError):  # asked for by code that does not lie beside it
        importlib.import_module("tomli_w_absent")
    for name in [name for name in sys.modules if name.partition(".")[0] == "filelock"]:
        del sys.modules[name]
    assert "site-packages" in str(importlib.import_module("filelock").__file__)


def test_a_file_edited_within_a_second_is_read_anew(tmp_path: Path) -> None:
    import os

    file = _file(tmp_path, mine="import quick_helper", quick_helper="VALUE = 1")
    assert import_file(file).quick_helper.VALUE == 1
    stamp = (tmp_path / "quick_helper.py").stat()
    (tmp_path / "quick_helper.py").write_text("VALUE = 2")
    os.utime(tmp_path / "quick_helper.py", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    for name in [name for name in sys.modules if name == "quick_helper" or name.startswith("_vtbench_file_")]:
        del sys.modules[name]
    assert import_file(file).quick_helper.VALUE == 2


def test_a_relative_import_of_a_lone_file_is_explained(tmp_path: Path) -> None:
    file = _file(tmp_path, mine="from . import helper")
    with pytest.raises(VtbenchError) as raised:
        Registry("thing", "vtbench.test_things", {}).load(f"{file}:Any")
    assert "package.module:Class" in str(raised.value)


def test_a_data_set_of_a_file_is_read_in_a_process_that_was_not_forked(tmp_path: Path) -> None:
    import multiprocessing

    from vtbench.data.loader import _PreparedSamples
    from vtbench.data.preparing.presets import make_preset

    file = _file(
        tmp_path,
        mine="from set_helper import Base\nclass Mine(Base):\n    ids = ('only',)\n",
        set_helper="class Base:\n    def __len__(self):\n        return 1\n",
    )
    dataset: Any = import_file(file).Mine()
    samples = pickle.dumps(_PreparedSamples(dataset, make_preset("native", None)))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(pickle.loads, (samples,)).dataset.ids == ("only",)
