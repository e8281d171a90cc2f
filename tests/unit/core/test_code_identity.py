"""What decides the values of somebody else's code: equal where all of it is equal, different where any of it is not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vtbench.core.code_identity import code_digest, foreign_identity
from vtbench.core.naming.reference import parse_reference
from vtbench.core.registry import Registry
from vtbench.core.sources.file_arguments import digest_arguments
from vtbench.core.sources.neighbours import enter

REGISTRY = Registry("thing", "vtbench.test_things", {"own": "vtbench.tokenizers.codecs.identity:Identity"})
Identify = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def forgotten(tmp_path: Path) -> Iterator[None]:
    """Modules of a test are not met by the next; those of libraries stay."""
    before, path = set(sys.modules), list(sys.path)
    yield
    enter(None)
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or tmp_path).startswith(str(tmp_path)):
            del sys.modules[name]


def _identity(reference: str) -> dict[str, Any]:
    parsed = parse_reference(reference)
    factory = REGISTRY.load(parsed.target)
    made = REGISTRY.create(parsed)
    return foreign_identity(REGISTRY.location(parsed.target), factory, made, parsed.args)


@pytest.fixture
def of_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Identify:
    """``of_folder("a", {"tok.py": …})``: the identity of ``tok:T`` in a folder of these files, in a fresh process's
    stead: modules of an earlier folder are forgotten."""

    def identify(name: str, files: dict[str, str], reference: str = "tok:T", on_path: bool = True) -> dict[str, Any]:
        folder = tmp_path / name
        for path, source in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(source)
        enter(None)
        tops = {Path(path).parts[0].removesuffix(".py") for path in files}
        for module in [module for module in sys.modules if module.partition(".")[0] in tops]:
            del sys.modules[module]
        monkeypatch.chdir(folder)
        with monkeypatch.context() as patched:
            if on_path:
                patched.syspath_prepend(str(folder))
            return _identity(reference)

    return identify


CLASS = "class T:\n    pass\n"
BASE = "class B:\n    pass\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({"tok.py": CLASS}, {"tok.py": CLASS + "\nX = 1"}, id="the module itself"),
        pytest.param(
            {"tok.py": "import helper\n" + CLASS, "helper.py": "X = 0"}, {"helper.py": "X = 1"}, id="a helper"
        ),
        pytest.param(
            {"tok.py": "class T:\n    def reconstruct(self, x):\n        import late\n", "late.py": "X = 0"},
            {"late.py": "X = 1"},
            id="a helper imported in a method that never ran",
        ),
        pytest.param(
            {"tok.py": "import a\n" + CLASS, "a.py": "from b import X", "b.py": "X = 0"},
            {"b.py": "X = 1"},
            id="a helper of a helper",
        ),
        pytest.param(
            {
                "tok.py": "from pack import T",
                "pack/__init__.py": "from .inner.deep import T",
                "pack/inner/__init__.py": "",
                "pack/inner/deep.py": "from ..side import X\nclass T:\n    pass",
                "pack/side.py": "X = 0",
            },
            {"pack/side.py": "X = 1"},
            id="a package with relative imports",
        ),
        pytest.param(
            {"tok.py": "import pack.deep\n" + CLASS, "pack/__init__.py": "X = 0", "pack/deep.py": ""},
            {"pack/__init__.py": "X = 1"},
            id="the package around a module",
        ),
        pytest.param(
            {
                "tok.py": "import importlib\nNAME = 'hel' + 'per'\nclass T:\n    def __init__(self):\n"
                "        self.net = importlib.import_module(NAME).Net()\n",
                "helper.py": "class Net:\n    X = 0",
            },
            {"helper.py": "class Net:\n    X = 1"},
            id="a class found by a name put together at run time",
        ),
        pytest.param(
            {"tok.py": "from made import make\nT = make(3)", "made.py": "def make(n):\n    return type('T', (), {})"},
            {"tok.py": "from made import make\nT = make(4)"},
            id="a class that a function made",
        ),
        pytest.param(
            {"tok.py": "from base import Base\nclass T(Base):\n    pass", "base.py": "class Base:\n    X = 0"},
            {"base.py": "class Base:\n    X = 1"},
            id="a base class",
        ),
        pytest.param(
            {"tok.py": "from made import T", "made.py": "import base\ndef T():\n    return base.B()", "base.py": BASE},
            {"base.py": BASE + "X = 1"},
            id="a factory function",
        ),
        pytest.param(
            {"tok.py": "class T:\n    def __init__(self, path='table.json'):\n        pass", "table.json": "0"},
            {"table.json": "1"},
            id="a file in a constructor's default",
        ),
        pytest.param(
            {"tok.py": "class T:\n    def __init__(self, path='saved'):\n        pass", "saved/config.json": "0"},
            {"saved/config.json": "1"},
            id="a folder in a constructor's default",
        ),
        pytest.param(
            {
                "tok.py": "from pathlib import Path\nclass T:\n    def reconstruct(self, x):\n"
                "        return Path(__file__).parent / 'data' / 'w.npy'\n",
                "data/w.npy": "0",
            },
            {"data/w.npy": "1"},
            id="a file that the code names and opens later",
        ),
    ],
)  # fmt: skip
def test_any_edit_is_another_identity(of_folder: Identify, before: dict[str, str], after: dict[str, str]) -> None:
    first = of_folder("first", before)
    assert of_folder("elsewhere", before) == first, "the same code in another folder is the same"
    assert of_folder("edited", before | after) != first


def test_a_file_by_its_path_and_by_its_module_have_one_code(of_folder: Identify) -> None:
    files = {"tok.py": "import helper\n" + CLASS, "helper.py": "X = 0"}
    by_path = of_folder("a", files, "./tok.py:T", on_path=False)
    assert by_path["code"] == of_folder("b", files)["code"]
    assert by_path["code"] != of_folder("c", files | {"helper.py": "X = 1"}, "./tok.py:T", on_path=False)["code"]


def test_numbers_count_however_they_were_found(of_folder: Identify) -> None:
    source = (
        "import numpy, torch\nclass T:\n    def __init__(self):\n"
        "        net = torch.nn.Sequential(torch.nn.Linear(2, 2))\n"
        "        torch.nn.init.constant_(net[0].weight, {0}); torch.nn.init.zeros_(net[0].bias)\n"
        "        self.parts = {{'net': [net]}}\n        self.table = numpy.full(3, {1})\n"
    )
    template = {"tok.py": "from where import T", "where.py": ""}
    found = []
    for name, numbers in (("a", (0, 1)), ("b", (0, 1)), ("c", (2, 1)), ("d", (0, 2))):
        found.append(of_folder(name, template | {"where.py": source.format(*numbers)})["numbers"])
    assert found[0] == found[1] and len({str(one) for one in found}) == 3


def test_numbers_of_a_class_and_of_its_module_count(of_folder: Identify) -> None:
    source = (
        "import numpy\nTABLE = numpy.loadtxt('table.txt')\nSEEN = {{}}\nclass T:\n    own = numpy.loadtxt('own.txt')\n"
        "    def __init__(self):\n        SEEN['other'] = numpy.zeros(2)\n"
    ).format()
    files = {"tok.py": source, "table.txt": "0 1", "own.txt": "0 1"}
    found = [
        str(of_folder(name, files | edited)["numbers"])
        for name, edited in (("a", {}), ("b", {}), ("c", {"table.txt": "0 2"}), ("d", {"own.txt": "0 2"}))
    ]
    assert found[0] == found[1] and len(set(found)) == 3


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.bool, torch.int64, torch.complex64])
def test_tensors_of_every_kind(dtype: torch.dtype) -> None:
    from vtbench.core.sources.reached_objects import reached_from

    values = [torch.tensor(numbers).to(dtype) for numbers in ([0, 1], [0, 1], [1, 1], [[0, 1]])]
    digests = [reached_from({"x": value}).digest() for value in values]
    assert digests[0] == digests[1] and len(set(digests)) == 3


def test_odd_tensors_and_cycles() -> None:
    from vtbench.core.sources.reached_objects import reached_from

    def made() -> dict[str, Any]:
        holder: dict[str, Any] = {"sparse": torch.eye(3).to_sparse(), "meta": torch.empty(2, device="meta")}
        holder["self"], holder["none"], holder["empty"] = holder, None, torch.empty(0)
        holder["scalar"], holder["turned"] = torch.tensor(3.0), torch.arange(6).view(2, 3).T
        return holder

    assert reached_from(made()).digest() == reached_from(made()).digest() is not None
    assert reached_from({"x": np.float32(1)}).digest() is None
    scripted = torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2))
    assert reached_from([scripted]).digest() is not None


def test_of_its_own_code_nothing_is_said() -> None:
    assert _identity("own") == {}
    assert code_digest("filelock", object()) is not None  # an installed package that was named
    assert code_digest(None, torch.nn.Linear(1, 1)) is None


def test_files_and_folders_at_any_depth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    for name in ("model/w.safetensors", "model/config.json", "one.npy"):
        (tmp_path / name).write_text("0")
    arguments = {"nested": [{"deep": "one.npy"}], "folder": Path("model"), "text": "x" * 5000, "here": ".", "n": 3}
    first = digest_arguments(arguments)
    assert set(first) == {"nested.0.deep", "folder"}
    (tmp_path / "one.npy").write_text("1")
    second = digest_arguments(arguments)
    (tmp_path / "model/w.safetensors").write_text("1")
    third = digest_arguments(arguments)
    assert first["nested.0.deep"] != second["nested.0.deep"] and second["folder"] != third["folder"]
    settings = digest_arguments(arguments, lambda path: path.suffix == ".json")
    (tmp_path / "model/w.safetensors").write_text("2")
    assert digest_arguments(arguments, lambda path: path.suffix == ".json") == settings
