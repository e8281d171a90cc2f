"""Code that data name is found wherever it stands."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from vtbench.core.errors import UsageError
from vtbench.core.naming.trust import code_named, is_trusted, refuse_code


@pytest.mark.parametrize(
    "text",
    [
        "os:system",
        "os:system,command=ls",
        "./m.py:M",
        "m.py:M",
        "../a b/m.py:M,x=1",
        "~/m.py:M",
        "/tmp/m.py:M",
        "package.module:Class",
        "package.module:Class.method",
        "boxes,reader=./m.py:R",
        "boxes,reader='./m.py:R'",
        "x,parts=[a, ./m.py:R]",
        "x,parts={a: os:system}",
        'command,run="rm -r /"',
        "command",
        " os:system",
        "größe:Klasse",
    ],
)
def test_code_is_found_in_any_field(text: str) -> None:
    for content in (
        {"data": {"source": text}},
        {"image_metrics": [text]},
        {"tolerances": {text: 1}},
        {"new": [[text]]},
    ):
        assert list(code_named(content)), content


@pytest.mark.parametrize(
    "text",
    [
        "photos-mini",
        "hub,path=owner/name,split=test",
        "webdataset,path=https://host:8080/x.tar",
        "webdataset,path='s3://bucket/{000..009}.tar'",
        "rapidocr",
        "tesseract,lang=chi_sim",
        "2:1",
        "12:30:00",
        "jpeg,quality=10,subsampling=4:2:0",
        "identity",
        "",
    ],
)
def test_names_and_places_are_no_code(text: str) -> None:
    assert list(code_named({"data": {"source": text}})) == []


def test_prose_is_for_people() -> None:
    assert (
        list(code_named({"summary": "see os:system", "quirks": ["a:b"], "data": {"note": "x:y", "citation": "a:b"}}))
        == []
    )


def test_a_file_is_trusted_by_itself_or_by_its_folder_and_never_by_another(tmp_path: Path) -> None:
    file, other = tmp_path / "a" / "t.yaml", tmp_path / "b.yaml"
    file.parent.mkdir()
    file.touch()
    (tmp_path / "link.yaml").symlink_to(file)
    assert is_trusted(file, [file]) and is_trusted(file, [tmp_path]) and is_trusted(tmp_path / "link.yaml", [file])
    assert not is_trusted(file, [other]) and not is_trusted(file, ()) and not is_trusted(other, [file.parent])
    with pytest.raises(UsageError, match=r"names code of its own: os:system \(data\.source\)") as told:
        refuse_code({"data": {"source": "os:system,x=1"}}, file)
    assert f"--trust {file}" in str(told.value)
    refuse_code({"data": {"source": "os:system,x=1"}}, file, [file])
    refuse_code({"data": {"source": "photos-mini"}}, file)


def test_long_text_without_commas_is_looked_through_in_one_pass() -> None:
    started = time.perf_counter()
    assert not list(code_named({"field": "x" * 200_000 + "- " * 50_000}))
    assert time.perf_counter() - started < 5
