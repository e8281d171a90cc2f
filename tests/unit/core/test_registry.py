"""The registry: four ways to reach a thing, and what a person is told when one leads nowhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vtbench.core.errors import AssetMissingError, ForeignCodeError, UsageError, VtbenchError
from vtbench.core.naming.reference import parse_reference
from vtbench.core.registry import Registry

MINE = """
class Mine:
    def __init__(self, quality: int = 3, *, dtype: str = "float32") -> None:
        self.quality, self.dtype = quality, dtype

CONSTANT = 7
"""


@pytest.fixture
def registry() -> Registry:
    return Registry(
        "thing", "vtbench.test_things", {"fraction": "fractions:Fraction", "counter": "collections:Counter"}
    )


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on ``sys.path`` whose modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_registered_name(registry: Registry) -> None:
    made = registry.create(parse_reference("fraction,numerator=3,denominator=6"))
    assert str(made) == "1/2"
    assert "fraction" in registry and "nothing" not in registry
    assert registry.names() == ["counter", "fraction"]


def test_a_module_path(registry: Registry) -> None:
    assert str(registry.create(parse_reference("fractions:Fraction,numerator=2"))) == "2"


def test_a_file(registry: Registry, mine: Path) -> None:
    made = registry.create(parse_reference(f"{mine}:Mine,quality=9"))
    assert (made.quality, made.dtype) == (9, "float32")
    again = registry.load(f"{mine}:Mine")
    assert type(made) is again, "one file is imported once"


def test_a_relative_file(registry: Registry, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mine.parent)
    assert registry.create(parse_reference("./mine.py:Mine")).quality == 3


def test_an_entry_point(tmp_path: Path) -> None:
    """Real metadata on a fresh interpreter's path: names are listed without importing what they name."""
    (tmp_path / "pkg.py").write_text("class Thing:\n    word = 'from a plug-in'\n")
    metadata = tmp_path / "pkg-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[vtbench.test_things]\nplugged = pkg:Thing\nbroken = no_such_module_anywhere:X\nkept = pkg:Thing\n"
    )
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from vtbench.core.errors import VtbenchError
from vtbench.core.naming.reference import Reference
from vtbench.core.registry import Registry
registry = Registry("thing", "vtbench.test_things", {{"kept": "collections:Counter"}})
assert registry.names() == ["broken", "kept", "plugged"], registry.names()
assert "pkg" not in sys.modules
assert registry.create(Reference("plugged")).word == "from a plug-in"
assert registry.load("kept").__name__ == "Counter", "a plug-in must not take over a built-in name"
try:
    registry.load("broken")
except VtbenchError as error:
    assert "no_such_module_anywhere" in str(error) and "pkg" in str(error), error
    print("told")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "told\n", done.stderr


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("fractoin", ["unknown thing 'fractoin'", "did you mean fraction?"]),
        ("FRACTION", ["did you mean fraction?"]),
        ("zzz", ["known: counter, fraction", "./file.py:Class"]),
        ("fraction,numeratr=3", ["numeratr", "did you mean numerator?"]),
        ("fraction,nonsense=3", ["nonsense", "takes: numerator, denominator"]),
        ("fractions:Fractoin", ["no 'Fractoin'", "did you mean Fraction?"]),
        ("no_such_package.mod:X", ["no module named 'no_such_package.mod'"]),
        (":X", ["':X'"]),
        ("..up:X", ["'..up:X'"]),
        ("fractions:", ["fractions"]),
        ("math:pi", ["math:pi", "cannot be called"]),
        ("./no/such/file.py:X", ["no file no/such/file.py"]),
    ],
)
def test_a_wrong_name_is_a_usage_error(registry: Registry, reference: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        registry.create(parse_reference(reference))
    assert caught.value.exit_code == 2
    for word in words:
        assert word in str(caught.value)


def test_a_wrong_argument_of_a_file_is_a_usage_error(registry: Registry, mine: Path) -> None:
    with pytest.raises(UsageError, match="did you mean quality"):
        registry.create(parse_reference(f"{mine}:Mine,qualty=1"))


def test_a_missing_argument_is_named(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "needs.py"
    path.write_text("class Needs:\n    def __init__(self, path): self.path = path\n")
    with pytest.raises(UsageError, match="'path'"):
        registry.create(parse_reference(f"{path}:Needs"))


def test_extra_arguments_reach_only_those_who_take_them(registry: Registry, mine: Path) -> None:
    assert registry.create(parse_reference(f"{mine}:Mine"), dtype="bfloat16", device="cuda").dtype == "bfloat16"
    assert registry.create(parse_reference(f"{mine}:Mine,dtype=float16"), dtype="bfloat16").dtype == "float16"


@pytest.mark.parametrize(
    "source",
    ["1 / 0", "def broken(:", "import no_such_package_anywhere", "raise SystemExit(0)"],
    ids=["error", "syntax", "import", "exit"],
)
def test_a_broken_file_or_module_is_an_expected_error(registry: Registry, package: Path, source: str) -> None:
    (package / "vtbench_test_broken.py").write_text(source)
    for target in (f"{package}/vtbench_test_broken.py:X", "vtbench_test_broken:X"):
        for _ in range(2):
            with pytest.raises(VtbenchError) as caught:
                registry.load(target)
            assert not isinstance(caught.value, UsageError)
            assert "vtbench_test_broken" in str(caught.value)


def test_a_missing_dependency_is_named(registry: Registry, package: Path) -> None:
    (package / "vtbench_test_needy.py").write_text("import no_such_package_anywhere")
    with pytest.raises(VtbenchError, match="no_such_package_anywhere"):
        registry.load("vtbench_test_needy:X")


def test_an_expected_error_keeps_its_exit_code(registry: Registry, package: Path) -> None:
    source = "from vtbench.core.errors import AssetMissingError\nraise AssetMissingError('w', 'get w')"
    (package / "vtbench_test_assets.py").write_text(source)
    for target in (f"{package}/vtbench_test_assets.py:X", "vtbench_test_assets:X"):
        with pytest.raises(AssetMissingError, match="get w"):
            registry.load(target)


def test_a_factory_s_own_type_error_is_not_blamed_on_the_arguments(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "raises.py"
    path.write_text("class Raises:\n    def __init__(self): None + 1\n")
    with pytest.raises(ForeignCodeError, match=r"TypeError: .*NoneType.*\n  at .*raises.py:2") as raised:
        registry.create(parse_reference(f"{path}:Raises"))
    assert isinstance(raised.value.__cause__, TypeError)
