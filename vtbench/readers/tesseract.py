"""``tesseract``: the Tesseract program, per language.

Smith, An Overview of the Tesseract OCR Engine, ICDAR 2007; https://tesseract-ocr.github.io.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from vtbench.core.digests import digest_file
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.data.pixels import to_pillow
from vtbench.readers.contract import ReaderIdentity, ReadResult, check_image

if TYPE_CHECKING:
    from torch import Tensor

TAGS = {"eng": "en", "chi_sim": "zh", "chi_tra": "zh-Hant", "jpn": "ja", "kor": "ko", "hin": "hi"}
_LSTM = 1
_LANGUAGE = re.compile(r"[A-Za-z][A-Za-z_]*(\+[A-Za-z][A-Za-z_]*)*")
_FOLDER = re.compile(r'available languages in "(.+)"')


class Tesseract:
    """One page of text an image, by the installed ``tesseract`` program.

    One thread, no configuration file, no network. Lines come in Tesseract's own order.

    Args:
        lang: Tesseract's name of a language, or several joined by ``+``: ``eng``, ``chi_sim``, ``hin+eng``.
        oem: engine mode; 1 is the LSTM network.
        psm: page segmentation mode; 6 takes the image for one uniform block of text.

    Raises:
        AssetMissingError: the program or a language's data is not installed.
        UsageError: an argument that Tesseract does not know.
    """

    required_assets: tuple[str, ...] = ()

    concurrent = True

    def __init__(self, lang: str = "eng", oem: int = 1, psm: int = 6) -> None:
        _check_arguments(lang, oem, psm)
        names = lang.split("+")
        self.languages: tuple[str, ...] | None = tuple(dict.fromkeys(TAGS.get(name, name) for name in names))
        self._program = _program()
        self._options = ["stdout", "-l", lang, "--oem", str(oem), "--psm", str(psm)]
        # starting takes longer than reading a page; the older engine adapts to the pages it has read, so gets one each
        self.at_once = 16 if oem == _LSTM else 1
        self.identity = ReaderIdentity(
            engine="tesseract",
            version=_version(self._program),
            files=_language_files(self._program, names),
            settings={"lang": lang, "oem": oem, "psm": psm},
        )
        self.id = self.identity.id

    def read(self, images: list[Tensor]) -> list[ReadResult]:
        """``uint8 [3,H,W]`` images to their lines."""
        for image in images:
            check_image("tesseract", image)
        pages = self._read_together(images) if self.at_once > 1 and len(images) > 1 else None
        return [_result(page) for page in pages or map(self._read_one, images)]

    def _read_one(self, image: Tensor) -> str:
        buffer = io.BytesIO()
        to_pillow(image.cpu()).save(buffer, format="PNG")
        done = _run([self._program, "stdin", *self._options], buffer.getvalue())
        if done.returncode != 0:
            last = (done.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
            raise AdapterError(f"tesseract failed on a {tuple(image.shape)} image: {last[:200]}", "run it by hand")
        return done.stdout.decode()

    def _read_together(self, images: list[Tensor]) -> list[str] | None:
        """What one run of the program prints of each; ``None`` where it fails: of all, if it cannot read one."""
        with tempfile.TemporaryDirectory(prefix="vtbench-tesseract-") as folder:
            paths = [Path(folder, f"{place}.png") for place in range(len(images))]
            for path, image in zip(paths, images, strict=True):
                to_pillow(image.cpu()).save(path)
            listed = Path(folder, "pages.txt")
            listed.write_text("".join(f"{path}\n" for path in paths))
            done = _run([self._program, str(listed), *self._options])
        return split_pages(done.stdout.decode(), len(images)) if done.returncode == 0 else None


def split_pages(printed: str, pages: int) -> list[str] | None:
    """The text of each page; ``None`` where there are not so many.

    A form feed stands between two pages, in releases before 5 also after the last.
    """
    parts = printed.split("\f")
    if len(parts) == pages + 1 and not parts[-1].strip():
        parts.pop()
    return parts if len(parts) == pages else None


def _result(page: str) -> ReadResult:
    return ReadResult.of([line.strip() for line in page.replace("\f", "\n").splitlines()])


def _check_arguments(lang: str, oem: int, psm: int) -> None:
    if not _LANGUAGE.fullmatch(lang):
        raise UsageError(f"tesseract: {lang!r} is no language", "write lang=eng, or lang=hin+eng for two")
    if oem not in range(4):
        raise UsageError(f"tesseract: oem must be 0 to 3, got {oem}", "1 is the LSTM network")
    if psm not in range(14):
        raise UsageError(f"tesseract: psm must be 0 to 13, got {psm}", "6 is one block of text, 3 a whole page")


def _program() -> str:
    found = shutil.which("tesseract")
    if found is None:
        raise AssetMissingError(
            "the reader tesseract needs the tesseract program, which is not on the PATH",
            "apt-get install tesseract-ocr",
        )
    return found


def _version(program: str) -> str:
    first = (_run([program, "--version"]).stdout.decode(errors="replace").splitlines() or [""])[0]
    return first.removeprefix("tesseract ").strip() or "unknown"


def _language_files(program: str, names: list[str]) -> dict[str, str]:
    """SHA-256 of each language's data, in the folder that the program itself reports."""
    listed = _run([program, "--list-langs"]).stdout.decode(errors="replace")
    match = _FOLDER.search(listed)
    folder = Path(match.group(1)) if match else Path()
    digests = {}
    for name in names:
        file = folder / f"{name}.traineddata"
        if match is None or not file.is_file():
            package = f"tesseract-ocr-{name.lower().replace('_', '-')}"
            raise AssetMissingError(
                f"tesseract has no data for {name!r} (looked in {folder})", f"apt-get install {package}"
            )
        digests[file.name] = digest_file(file)
    return digests


def _run(command: list[str], stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, input=stdin, capture_output=True, check=False, env=environment)
