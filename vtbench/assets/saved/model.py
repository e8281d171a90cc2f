"""Where a transformers model lies: a local folder or a hub id, safetensors only, the network only when allowed."""

from __future__ import annotations

from pathlib import Path

from vtbench.assets.dangling_links import dangling
from vtbench.assets.hub import hub_folder
from vtbench.core.digests import digest_file
from vtbench.core.disk.files import user_path
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
    local = user_path(path)
    folder = local if local.is_dir() else hub_folder(path, PATTERNS, CONFIG, revision)
    if not (folder / CONFIG).is_file():
        raise AssetMissingError(
            f"{path}: no {CONFIG}", dangling(folder) or "give the folder that save_pretrained wrote"
        )
    if not any(folder.glob(WEIGHTS)):
        raise AssetMissingError(
            f"{path}: no {WEIGHTS}; a pickle is refused, because it can run code when it is loaded",
            dangling(folder) or "save it again with save_pretrained(DIR) where you trust it",
        )
    return folder


def digest_model(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of :data:`PATTERNS`, by name."""
    files = {file.name: file for pattern in PATTERNS for file in folder.glob(pattern) if file.is_file()}
    return {name: digest_file(files[name]) for name in sorted(files)}
