"""The contract of readers, and the registry that names them without importing any."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from vtbench.core.errors import UsageError
from vtbench.readers import READERS
from vtbench.readers.contract import ReaderIdentity, ReadResult, check_image


def test_names_are_known_without_importing_an_engine() -> None:
    script = "import sys, vtbench.readers as r; print(*r.READERS.names()); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    names, modules = done.stdout.splitlines()
    assert names.split() == ["boxes", "gemma3-vtbench", "parseq", "rapidocr", "tesseract", "vlm"]
    assert not {"torch", "rapidocr", "onnxruntime", "transformers", "doctr", "numpy"} & set(modules.split())


def test_an_unknown_reader_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="did you mean tesseract"):
        READERS.load("teseract")


def test_lines_without_text_are_left_out() -> None:
    assert ReadResult.of(["one", "  ", "two"]) == ReadResult("one\ntwo", ("one", "two"))
    assert ReadResult.of([]) == ReadResult("", ())


def test_an_identity_covers_everything_and_not_the_order_it_was_given_in() -> None:
    base = {"engine": "e", "version": "1", "files": {"a": "0", "b": "1"}, "settings": {"x": 1}}
    changes = [{"engine": "f"}, {"version": "2"}, {"files": {"a": "0", "b": "2"}}, {"settings": {"x": 2}}]
    ids = {ReaderIdentity(**{**base, **change}).id for change in changes}
    assert len(ids | {ReaderIdentity(**base).id}) == 5
    assert ReaderIdentity(**{**base, "files": {"b": "1", "a": "0"}}).id == ReaderIdentity(**base).id
    assert ReaderIdentity(**base).id.startswith("e@1+")


@pytest.mark.parametrize(
    "image",
    [torch.zeros(3, 4, 4), torch.zeros(1, 3, 4, 4, dtype=torch.uint8), torch.zeros(3, 0, 4, dtype=torch.uint8)],
)
def test_other_images_are_refused(image: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="uint8"):
        check_image("any", image)
