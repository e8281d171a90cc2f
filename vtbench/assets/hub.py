"""Files of a model hub repository: from the hub's own cache, or fetched where the network is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vtbench.assets.resolution import offline
from vtbench.core.errors import AssetMissingError


def hub_file(repository: str, file: str, revision: str | None = None) -> Path:
    """The path of ``file`` in ``owner/name``.

    Raises:
        AssetMissingError: huggingface_hub is not installed, or the file is neither cached nor to be had.
    """
    library, failures = _library()
    try:
        return Path(library.hf_hub_download(repository, file, revision=revision, local_files_only=offline()))
    except failures as error:
        raise AssetMissingError(
            f"{repository}/{file}: {why_not(error)}",
            f"on a connected machine run: hf download {repository} {file}; or give a local file",
        ) from error


def hub_folder(repository: str, patterns: Sequence[str], needed: str, revision: str | None = None) -> Path:
    """The folder with those files of ``owner/name`` that fit one of the fnmatch patterns.

    Args:
        repository: what the user gave where a folder or a repository may be.
        patterns: of file names.
        needed: file that a local folder would have, named in messages.
        revision: branch, tag or commit.

    Raises:
        AssetMissingError: as :func:`hub_file`, or ``repository`` is a path.
    """
    if repository.startswith((".", "/", "~")) or repository.count("/") != 1:
        raise AssetMissingError(f"no folder {repository}", f"give a folder with {needed}, or owner/name on the hub")
    library, failures = _library()
    options = {"revision": revision, "allow_patterns": list(patterns), "local_files_only": offline()}
    try:
        return Path(library.snapshot_download(repository, **options))
    except failures as error:
        raise AssetMissingError(
            f"{repository}: {why_not(error)}",
            f"on a connected machine run: hf download {repository}; or give a local folder as path=DIR",
        ) from error


def why_not(error: BaseException) -> str:
    """Why the hub's library did not give a file: its own words, but for its advice on options of its own."""
    if offline():
        return "not in the local hub cache, and offline: the network was not used"
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"cannot be fetched from the hub: {first[:200]}"


def _library() -> tuple[Any, tuple[type[Exception], ...]]:
    try:
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise AssetMissingError("reading from the hub needs huggingface_hub", "pip install 'vtbench[hub]'") from error
    return huggingface_hub, (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError)
