"""Files of a model hub repository: from the hub's own cache, or fetched where the network is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vtbench.core.errors import AssetMissingError
from vtbench.core.extras import install_extra
from vtbench.core.network import offline


def hub_file(repository: str, file: str, revision: str | None = None) -> Path:
    """The path of ``file`` in ``owner/name``.

    Raises:
        AssetMissingError: huggingface_hub is not installed, or the file is neither cached nor to be had.
    """
    with told(f"{repository}/{file}", f"{repository} {file}; or give a local file"):
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(repository, file, revision=revision, local_files_only=offline()))


def hub_folder(
    repository: str, patterns: Sequence[str], needed: str, revision: str | None = None, argument: str = "path"
) -> Path:
    """The folder with those files of ``owner/name`` that fit one of the fnmatch patterns.

    Args:
        repository: what the user gave where a folder or a repository may be.
        patterns: of file names.
        needed: file that a local folder would have, named in messages.
        revision: branch, tag or commit.
        argument: by which a local folder is given instead, named in messages.

    Raises:
        AssetMissingError: as :func:`hub_file`, or ``repository`` is a path.
    """
    with told_of_folder(repository, needed, argument=argument):
        from huggingface_hub import snapshot_download

        return Path(
            snapshot_download(repository, revision=revision, allow_patterns=list(patterns), local_files_only=offline())
        )


@contextmanager
def told_of_folder(repository: str, needed: str, *more: type[Exception], argument: str = "path") -> Iterator[None]:
    """As :func:`told`, of a whole repository; what is no ``owner/name`` is refused first.

    Raises:
        AssetMissingError: in these cases.
    """
    if repository.startswith((".", "/", "~")) or repository.count("/") != 1:
        raise AssetMissingError(f"no folder {repository}", f"give a folder with {needed}, or owner/name on the hub")
    with told(repository, f"{repository}; or give a local folder as {argument}=DIR", *more):
        yield


@contextmanager
def told(what: str, download: str, *more: type[Exception]) -> Iterator[None]:
    """Failures of the hub's library inside are told as missing assets, without its advice on options of its own.

    Args:
        what: is asked for.
        download: what ``hf download`` would be given, and the way around it.
        more: further exceptions that mean the same.

    Raises:
        AssetMissingError: the library is not installed, or it failed.
    """
    failures = _failures(more)
    try:
        yield
    except failures as error:
        hint = f"on a connected machine run: hf download {download}"
        raise AssetMissingError(f"{what}: {_reason(error)}", hint) from error


def _failures(more: tuple[type[Exception], ...]) -> tuple[type[Exception], ...]:
    try:
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise AssetMissingError("reading from the hub needs huggingface_hub", install_extra("hub")) from error
    return (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError, *more)


def _reason(error: BaseException) -> str:
    if offline():
        return "not in the local hub cache, and offline: the network was not used"
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"cannot be fetched from the hub: {first[:200]}"
