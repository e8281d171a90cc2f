"""Where a transformers model lies: a local folder or a hub id, safetensors only, the network only when allowed."""

from __future__ import annotations

from pathlib import Path

from vtbench.assets.resolution import offline
from vtbench.core.digests import digest_file
from vtbench.core.errors import AssetMissingError

CONFIG = "config.json"
WEIGHTS = "*.safetensors"
PATTERNS = (WEIGHTS, "*.json", "*.jinja", "*.model", "*.txt")
"""Weights, configurations, chat template and tokenizer: everything that decides what the model writes."""


def locate_model(path: str, revision: str | None = None) -> Path:
    """The folder of a model, downloaded when ``path`` is a hub id and the network is allowed.

    Raises:
        AssetMissingError: nothing there, no connection (or ``VTBENCH_OFFLINE=1``) and no cached copy, or weights only
            as a pickle.
    """
    local = Path(path).expanduser()
    folder = local if local.is_dir() else _download(path, revision)
    if not (folder / CONFIG).is_file():
        raise AssetMissingError(f"{path}: no {CONFIG}", "give the folder that save_pretrained wrote")
    if not any(folder.glob(WEIGHTS)):
        raise AssetMissingError(
            f"{path}: no {WEIGHTS}; a pickle is refused, because it can run code when it is loaded",
            "save it again with save_pretrained(DIR) where you trust it",
        )
    return folder


def digest_model(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of :data:`PATTERNS`, by name."""
    files = {file.name: file for pattern in PATTERNS for file in folder.glob(pattern) if file.is_file()}
    return {name: digest_file(files[name]) for name in sorted(files)}


def _download(path: str, revision: str | None) -> Path:
    if path.startswith((".", "/", "~")) or path.count("/") != 1:
        raise AssetMissingError(f"no folder {path}", f"give a folder with {CONFIG}, or owner/name on the hub")
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise AssetMissingError("reading from the hub needs huggingface_hub", "pip install 'vtbench[hub]'") from error
    try:
        return Path(
            snapshot_download(path, revision=revision, allow_patterns=list(PATTERNS), local_files_only=offline())
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        reason = "not in the local hub cache" if offline() else "cannot be fetched from the hub"
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise AssetMissingError(
            f"{path}: {reason}: {first[:200]}",
            f"on a connected machine run: hf download {path}; or give a local folder as path=DIR",
        ) from error
