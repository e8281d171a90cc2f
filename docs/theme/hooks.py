"""Puts the page of the leaderboards into the site, so that links to it are checked as any other."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGE = "leaderboard.html"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Before pages are read: one more file, as ``vtbench leaderboard page`` writes it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "vtbench", "leaderboard", "page", "-o", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=Path(config.config_file_path).parent)
        files.append(File.generated(config, PAGE, content=(Path(folder) / PAGE).read_text(encoding="utf-8")))
    return files
