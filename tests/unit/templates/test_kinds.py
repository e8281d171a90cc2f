"""What ``vtbench new`` writes: names that can be imported, nothing overwritten, nothing hidden."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from vtbench.cli.names import names_of
from vtbench.cli.verbs.new import _LISTED_AS
from vtbench.core.errors import UsageError
from vtbench.templates import KINDS, draft, find_kind, write
from vtbench.templates.names import Names, make_names


@pytest.mark.parametrize("given", ["my-vq", "my_vq", "MyVq"])
def test_every_spelling_gives_the_same(given: str) -> None:
    assert make_names(given, "-") == Names("my_vq", "MyVq", "my-vq")


def test_a_class_name_is_kept_and_a_metric_has_underscores() -> None:
    assert make_names("MyVQGAN2", "-") == Names("my_vqgan2", "MyVQGAN2", "my-vqgan2")
    assert make_names("edge-error", "_") == Names("edge_error", "EdgeError", "edge_error")
    assert make_names("vq", "-").cls == "Vq"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_yields_files_that_parse_and_commands(kind: str, tmp_path: Path) -> None:
    planned = draft(KINDS[kind], "my-thing", tmp_path, frozenset(names_of(_LISTED_AS[kind])))
    assert [path.suffix for path in planned.texts] == [KINDS[kind].suffix, ".py"]
    for path, text in planned.texts.items():
        assert "$" not in text
        if path.suffix == ".py":
            ast.parse(text)
    assert "test_my_thing.py" in planned.following[0] and len(planned.following) > 1
    assert not any("$" in line for line in planned.following) and not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["my tok", "1st", "", "../up", "my.tok", "a--b", "mü", "-x", "tok.py"])
def test_what_cannot_be_a_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be a name"):
        draft(KINDS["tokenizer"], name, tmp_path, ())


@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        ("tokenizer", "torch", "would hide the module torch"),
        ("tokenizer", "json", "would hide the module json"),
        ("metric", "vtbench", "would hide the module vtbench"),
        ("generator", "class", "a word of Python"),
        ("tokenizer", "none", "a word of Python"),
        ("task", "null", "a word of YAML"),
        ("task", "On", "a word of YAML"),
        ("tokenizer", "jpeg", "tokenizer jpeg already"),
        ("tokenizer", "images", "tokenizer images already"),
        ("metric", "PSNR", "metric psnr already"),
        ("task", "photos_mini", "task photos-mini already"),
        ("tokenizer", "Codes", "the name of something that it needs"),
        ("dataset", "image", "the name of something that it needs"),
    ],
)
def test_what_would_hide_something_is_refused(kind: str, name: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        draft(KINDS[kind], name, tmp_path, frozenset(names_of(_LISTED_AS[kind])))
    assert refused.value.hint and "another name" in refused.value.hint


@pytest.mark.parametrize("there", ["my_tok.py", "test_my_tok.py"])
def test_nothing_is_overwritten(there: str, tmp_path: Path) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(UsageError, match="already there: nothing was written"):
        draft(KINDS["tokenizer"], "my-tok", tmp_path, ())
    assert [path.name for path in tmp_path.iterdir()] == [there] and (tmp_path / there).read_text() == "mine"


def test_a_file_that_appears_meanwhile_is_left_alone(tmp_path: Path) -> None:
    planned = draft(KINDS["tokenizer"], "my-tok", tmp_path, ())
    (tmp_path / "my_tok.py").write_text("mine")
    with pytest.raises(UsageError, match="cannot write"):
        write(planned)
    assert (tmp_path / "my_tok.py").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write"):
        write(draft(KINDS["task"], "my-task", tmp_path / "file" / "sub", ()))


def test_an_unknown_kind_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="did you mean tokenizer"):
        find_kind("tokeniser")
    with pytest.raises(UsageError, match="known: tokenizer"):
        find_kind("zebra")
