"""One file of a model hub repository: from the hub's own cache, or fetched where the network is allowed."""

from __future__ import annotations

from pathlib import Path

from vtbench.assets.resolution import offline
from vtbench.core.errors import AssetMissingError


def hub_file(repository: str, file: str, revision: str | None = None) -> Path:
    """The path of ``file`` in ``owner/name``.

    Raises:
        AssetMissingError: huggingface_hub is not installed, or the file is neither cached nor to be had.
    """
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise AssetMissingError("reading from the hub needs huggingface_hub", "pip install 'vtbench[hub]'") from error
    try:
        return Path(hf_hub_download(repository, file, revision=revision, local_files_only=offline()))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        reason = "not in the local hub cache" if offline() else "cannot be fetched from the hub"
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise AssetMissingError(
            f"{repository}/{file}: {reason}: {first[:200]}",
            f"on a connected machine run: hf download {repository} {file}; or give a local file",
        ) from error
