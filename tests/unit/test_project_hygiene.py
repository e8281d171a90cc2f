"""Rules of the house that no linter knows: what is imported when, what may be loaded, what the wheel holds."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
SOURCES = [path for folder in ("vtbench", "benchmarks", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
PACKAGE = [path for path in SOURCES if path.is_relative_to(ROOT / "vtbench")]
LONGEST_FILE = 400
SHIPPED = {".py", ".yaml", ".typed", ".txt", ".j2", ".css", ".js"}
"""Kinds of files of the package that the wheel must hold."""
# Pickles that never touched a disk: samples on their way from our own worker processes.
OWN_PICKLES = {("vtbench/data/loader.py", "pickle.loads")}

# What `vtbench --help`, `list`, `compare` and reading records may import: any of it would be slow with torch.
TORCH_FREE = (
    "vtbench",
    "vtbench.core",
    "vtbench.data",
    "vtbench.features",
    "vtbench.metrics",
    "vtbench.metrics.catalog.lookup",
    "vtbench.readers",
    "vtbench.results",
    "vtbench.tasks",
    "vtbench.tokenizers",
    "vtbench.checkpoints.cards",
)


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_below(*packages: str) -> list[str]:
    names = [module_name(path) for path in PACKAGE]
    return sorted(name for name in names if any(name == p or name.startswith(f"{p}.") for p in packages))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a dotted name in a file, as ``("torch.load", node)``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            yield ast.unparse(node.func), node


def keyword(call: ast.Call, name: str) -> object:
    return next((ast.literal_eval(k.value) for k in call.keywords if k.arg == name), None)


def test_the_sources_are_found() -> None:
    assert len(PACKAGE) > 30 and "vtbench.core.codes" in modules_below("vtbench.core")


def test_listing_and_reading_results_never_import_torch() -> None:
    wanted = sorted({*TORCH_FREE, *modules_below("vtbench.core", "vtbench.results", "vtbench.cli")})
    script = f"""
import importlib, sys
for name in {wanted!r}:
    importlib.import_module(name)
    heavy = sorted({{"torch", "torchvision", "sklearn", "diffusers", "datasets"}} & set(sys.modules))
    assert not heavy, f"{{name}} imports {{heavy}}"
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_imports_nothing_else() -> None:
    script = "import sys; before = set(sys.modules); import vtbench; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"torch", "pandas", "numpy", "pydantic", "yaml", "rich"}


def test_every_module_can_be_imported_alone() -> None:
    """One process, modules in an order that differs from the usual one: a hidden import cycle would fail."""
    names = [name for name in reversed(modules_below("vtbench")) if not name.endswith("__main__")]
    script = f"import importlib\nfor name in {names!r}:\n    importlib.import_module(name)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def imported(path: Path) -> set[str]:
    """Top-level names of every absolute import in a file, wherever it stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_every_imported_package_is_declared() -> None:
    """A package that only happens to be installed, because another needs it, may be gone tomorrow."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: wanted for name, wanted in project["optional-dependencies"].items() if name != "dev"}
    requirements = [*project["dependencies"], *(line for wanted in extras.values() for line in wanted)]
    declared = {re.split(r"[<>=!~;\[ ]", line)[0].lower().replace("_", "-") for line in requirements}
    homes = {"bs4": ["beautifulsoup4"], **packages_distributions()}  # optional, and not called as it is imported
    undeclared = {
        f"{relative(path)}: {name}"
        for path in PACKAGE
        for name in imported(path) - set(sys.stdlib_module_names) - {"vtbench"}
        if not {home.lower().replace("_", "-") for home in homes.get(name, [name])} & declared
    }
    assert undeclared == set()


def test_a_file_is_a_room() -> None:
    lengths = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE} == {}


def test_no_module_is_a_drawer() -> None:
    assert [relative(p) for p in SOURCES if p.stem in {"util", "utils", "helpers", "misc", "common"}] == []


def test_yaml_is_read_safely() -> None:
    unsafe = re.compile(r"yaml\.(load|load_all|full_load|full_load_all|unsafe_load|unsafe_load_all)$")
    assert [f"{relative(p)}:{c.lineno}" for p in PACKAGE for name, c in calls(p) if unsafe.match(name)] == []
    for path in PACKAGE:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"yaml\.(?:Unsafe|Full)?Loader\b", text), f"{relative(path)}: only SafeLoader may be used"


def test_checkpoints_are_read_safely() -> None:
    found = []
    for path in PACKAGE:
        for name, call in calls(path):
            where = f"{relative(path)}:{call.lineno}: {name}"
            if name == "torch.load" and keyword(call, "weights_only") is not True:
                found.append(f"{where} without weights_only=True")
            if name in {
                "pickle.load",
                "pickle.loads",
                "joblib.load",
                "dill.load",
                "cloudpickle.load",
                "eval",
                "exec",
            } - {called for file, called in OWN_PICKLES if file == relative(path)}:
                found.append(f"{where} runs code")
            if name in {"np.load", "numpy.load"} and keyword(call, "allow_pickle") not in (None, False):
                found.append(f"{where} allows pickles")
    assert found == []


def texts() -> list[Path]:
    folders = ("vtbench", "tests", "tasks", "docs", "benchmarks", "leaderboards", "zoo", ".ci")
    nested = [path for folder in folders for path in sorted((ROOT / folder).rglob("*")) if path.is_file()]
    top = [
        path for path in sorted(ROOT.iterdir()) if path.suffix in {".md", ".toml", ".yaml"} or path.name == "Makefile"
    ]
    endings = {".py", ".md", ".yaml", ".yml", ".toml", ".json", ".csv", ""}
    return [path for path in top + nested if path.suffix in endings and "__pycache__" not in path.parts]


def test_no_path_of_one_machine() -> None:
    machine = re.compile(r"(?<![\w.~-])/(?:home|root|Users|work|mnt|opt)/\w|\b[A-Z]:\\\\?\w{2,}")
    found = []
    for path in texts():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if machine.search(line):
                found.append(f"{relative(path)}:{number}: {line.strip()}")
    assert found == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("vtbench-*.whl"))


def test_the_wheel_holds_code_and_data_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    data = {relative(path) for path in (ROOT / "tasks").rglob("*.yaml")}
    shipped = {
        relative(p) for p in (ROOT / "vtbench").rglob("*") if p.suffix in SHIPPED and "__pycache__" not in p.parts
    }
    assert len(data) > 5
    assert {f"vtbench/_data/{name}" for name in data} <= names
    assert shipped <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"vtbench"}


def test_the_wheel_finds_its_own_tasks(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    script = """
import vtbench
from vtbench.tasks import data_root, load_suites, load_task, task_files
specs = [load_task(name) for name in task_files()]
print(vtbench.__file__, data_root(), len(specs), "mini" in load_suites(), sep="\\n")
"""
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    package, data, count, mini = done.stdout.splitlines()
    assert Path(package).is_relative_to(tmp_path) and Path(data) == tmp_path / "vtbench" / "_data"
    assert int(count) >= 6 and mini == "True"
