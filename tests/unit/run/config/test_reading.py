"""A file says what flags would say, letter by letter, or is refused with the key that is at fault."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from vtbench.core.errors import UsageError
from vtbench.core.naming.reference import parse_reference
from vtbench.core.outside.parsing import parse_yaml
from vtbench.run.config.as_typed import AsTyped
from vtbench.run.config.reading import read_config, read_configs
from vtbench.run.config.schema import RunConfig

Read = Callable[[str], RunConfig]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    monkeypatch.chdir(tmp_path)

    def written_and_read(text: str) -> RunConfig:
        Path("run.yaml").write_text(text, encoding="utf-8")
        return read_config("run.yaml")

    return written_and_read


def test_every_kind_of_field_is_read(read: Read) -> None:
    config = read(
        "tokenizers:\n- jpeg,quality=10\n- {model: jpeg, args: {quality: 30}, name: mine}\ngenerators: [tiny-ar]\n"
        "tasks: [photos-mini, generation/mini]\ndata: ~/images\nlimit: 3\nseed: -1\ndtype: bfloat16\nworkers: 0\n"
        "offline: true\nout: o\n"
    )
    assert [str(model) for model in config.tokenizers] == ["jpeg,quality=10", "jpeg,quality=30,name=mine"]
    assert config.content == {
        "tokenizers": ["jpeg,quality=10", "jpeg,quality=30,name=mine"],
        "generators": ["tiny-ar"],
        "tasks": ["photos-mini", "generation/mini"],
        "data": "~/images",
        "limit": 3,
        "seed": -1,
        "allow_small_sets": False,
        "device": "auto",
        "dtype": "bfloat16",
        "workers": 0,
        "workers_of": "env",
        "offline": True,
        "strict": False,
        "fresh": False,
        "out": "o",
    }


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("12e4567", "12e4567"),
        ("1234567", "1234567"),
        ("1.50", "1.50"),
        ("1e-3", "1e-3"),
        ("0x1F", "0x1F"),
        ("007", "007"),
        ("4:2:0", "4:2:0"),
        ("yes", "yes"),
        ("True", "True"),
        ("null", "null"),
        ("~", "~"),
        ("~/x", "~/x"),
        ("2024-01-01", "2024-01-01"),
        ("a b", "a b"),
        ("a,b", '"a,b"'),
        ("it's", '"it\'s"'),
        ("'10'", "'10'"),
        ('"a"', "a"),
        ("!!str 10", "'10'"),
        ("[1, 2.0]", "[1, 2.0]"),
        ("[a, 'b,c', '3']", "[a, \"b,c\", '3']"),
        ("{a: 1, b: [x]}", "{a: 1, b: [x]}"),
        ("\n    - 1\n    - [2, {a: 'b: c'}]", "[1, [2, {a: 'b: c'}]]"),
        ("|\n    a\n    b", '"a\\nb\\n"'),
    ],
)
def test_an_argument_is_what_it_would_be_on_the_command_line(read: Read, written: str, typed: str) -> None:
    (model,) = read(f"tokenizers:\n- model: m\n  args:\n   k: {written}\n").tokenizers
    assert str(model) == f"m,k={typed}"
    assert parse_reference(str(model)).given("k").value == yaml.safe_load(f"v: {typed}")["v"] or typed in YAML_12_ONLY


YAML_12_ONLY = ("12e4567", "1e-3", "0x1F", "007", "4:2:0", "yes", "2024-01-01")
"""What the YAML 1.1 of PyYAML reads as something else."""


def test_what_anchors_share_is_rewritten_once(read: Read) -> None:
    config = read(
        "tokenizers:\n- &one {model: a, args: &args {k: '1', l: [x]}}\n- {model: b, args: *args}\ngenerators: [*one]\n"
    )
    assert [str(model) for model in config.tokenizers] == ["a,k='1',l=[x]", "b,k='1',l=[x]"]
    assert config.generators == config.tokenizers[:1]


def test_only_arguments_are_kept_as_text() -> None:
    read = parse_yaml("tokenizers: {args: 1}\ntasks: [{args: {a: 1}}]\nargs: {a: 1}", "x", AsTyped)
    assert read == {"tokenizers": {"args": 1}, "tasks": [{"args": {"a": 1}}], "args": {"a": 1}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tokenizer: [jpeg]", "run.yaml is not a valid run config: tokenizer: no such key; did you mean tokenizers?"),
        ("batch-size: 3", "batch-size: no such key; did you mean batch_size?"),
        ("tokenizers: [{modle: jpeg}]", "tokenizers.0.modle: no such key; did you mean model?"),
        ("tokenizers: [jpeg, {model: a, arg: {}}]", "tokenizers.1.arg: no such key; did you mean args?"),
        ("xyzzy: 1", "xyzzy: no such key"),
        (
            "tokenizers: [{model: jpeg, quality: 3}]",
            "tokenizers.0.quality: no such key; arguments of a model stand below",
        ),
        ("dry_run: true", "dry_run: no key of a file: give --dry-run on the command line"),
        ("save-config: a", "save-config: no key of a file: give --save-config"),
        ("trust: [.]", "trust: no key of a file: give --trust on the command line"),
        ("1: 2", "1: "),
        ("limit: 0", "limit: input should be greater than or equal to 1"),
        ("limit: '4'", "limit: input should be a valid integer"),
        ("seed: true", "seed: input should be a valid integer"),
        ("limit: 010", "limit: input should be a valid integer"),
        ("offline: yes", "offline: input should be a valid boolean"),
        ("offline: 1", "offline: input should be a valid boolean"),
        ("dtype: int4", "dtype: input should be 'float32', 'bfloat16' or 'float16'"),
        ("out: ''", "out is empty"),
        ("suite: mini\ntasks: [folder]", "tasks and suite exclude each other"),
        ("tasks: [folder, folder]", "tasks: folder is listed twice"),
        ("tokenizers: [jpeg, {model: jpeg}]", "tokenizers: jpeg is listed twice"),
        ("tokenizers: jpeg", "tokenizers: input should be a list"),
        ("tokenizers: ['jpeg,quality']", "tokenizers.0: 'quality' in 'jpeg,quality' is not key=value"),
        ("tokenizers: [{model: jpeg, args: {a b: 1}}]", "tokenizers.0: 'a b=1'"),
        ("tokenizers: [{model: jpeg, name: a, args: {name: b}}]", "tokenizers.0: 'name' is given twice"),
        ("tokenizers: [{model: jpeg, args: {quality: !!python/object:os.x 1}}]", "is not YAML: a tag"),
        ("tokenizers: [jpeg,quality=10]", "tokenizers.1: quality=10 is an argument: in [ ] a comma ends a model"),
        ("tokenizers: [{args: {quality: 1}}]", "tokenizers.0.model: field required"),
        ("tokenizers: [{model: 'x,token=***'}]", "tokenizers.0: a credential is masked in x,token=***"),
        ("a: &a [*a]", "is not YAML"),
        ("seed: 1\nseed: 2", "'seed' is given twice"),
        ("", "run.yaml is empty"),
        ("[jpeg]", "run.yaml must hold a mapping, not list"),
        ("out: $SCRATCH/runs", "out: $SCRATCH is not replaced in a file"),
        ("data: ${HOME}/x", "data: ${HOME} is not replaced in a file"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line_with_its_key(read: Read, text: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        read(text)
    assert told in error.value.what and "run.yaml" in error.value.what and "\n" not in error.value.what
    assert error.value.exit_code == 2


def test_many_problems_are_told_at_once(read: Read) -> None:
    with pytest.raises(
        UsageError,
        match=r"limit: .*; a1: no such key; b1: .*; c1: .* \(\+2 more\)\s+keys are the options of vtbench run",
    ):
        read("a1: 1\nb1: 1\nc1: 1\nd1: 1\ne1: 1\nlimit: 0\n")


def test_files_of_tasks_and_suites_lie_beside_the_file_and_nothing_else_does(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    read("tasks: [./a.yaml, sub/b.yml, photos-mini]\nout: o\ntokenizers: ['images,path=./p']\n")
    monkeypatch.chdir(tmp_path / "elsewhere")
    config = read_config("../run.yaml")
    assert config.tasks == ("../a.yaml", "../sub/b.yml", "photos-mini")
    assert config.out == "o" and str(config.tokenizers[0]) == "images,path=./p"
    (tmp_path / "run.yaml").write_text("suite: s.yaml\n")
    assert read_config("../run.yaml").suite == "../s.yaml"
    (tmp_path / "run.yaml").write_text("tasks: [/a.yaml, ~/b.yaml]\n")
    assert read_config("../run.yaml").tasks == ("/a.yaml", str(Path("~/b.yaml").expanduser()))


def test_what_lies_in_the_other_folder_is_told(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "elsewhere").mkdir()
    assert read("data: images").data == "images"
    monkeypatch.chdir(tmp_path / "elsewhere")
    told = r"data: images is looked for in the current folder, and lies beside the file\s+write \.\./images"
    with pytest.raises(UsageError, match=told):
        read_config("../run.yaml")
    (tmp_path / "run.yaml").write_text("tasks: [photos-mini, t.yaml]\n")
    (tmp_path / "elsewhere" / "t.yaml").touch()
    told = r"tasks\.1: t\.yaml is looked for beside the file, and lies in the current folder\s+write elsewhere/t\.yaml"
    with pytest.raises(UsageError, match=told):
        read_config("../run.yaml")


def test_a_folder_that_is_called_like_a_variable_is_one(read: Read, tmp_path: Path) -> None:
    (tmp_path / "$x").mkdir()
    assert read("out: $x").out == "$x"


def test_stdin_is_a_file_of_the_current_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    def piped(text: bytes, *trusted: str) -> RunConfig:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text)))
        return read_config("-", [Path(place) for place in trusted])

    assert piped(b"tasks: [./a.yaml]").tasks == ("a.yaml",)
    for text, told in ((b"", "stdin is empty"), (b"sead: 1", "stdin .*seed"), (b"\xff", "stdin cannot be read")):
        with pytest.raises(UsageError, match=told):
            piped(text)
    for trusted in ((), (".",), (str(tmp_path),)):
        with pytest.raises(UsageError, match="--trust -"):
            piped(b"tokenizers: ['./m.py:M']", *trusted)
    assert str(piped(b"tokenizers: ['./m.py:M']", "-").tokenizers[0]) == "./m.py:M"
    with pytest.raises(UsageError, match="larger than"):
        piped(b"#" * (2 << 20))


def test_one_file_or_none(read: Read) -> None:
    assert read_configs([]) == RunConfig.model_validate({}) == read("{}")
    with pytest.raises(UsageError, match="--config is empty"):
        read_configs([" "])
    with pytest.raises(UsageError, match="--config is given 2 times"):
        read_configs(["a.yaml", "b.yaml"])
    with pytest.raises(UsageError, match=r"none\.yaml"):
        read_configs(["none.yaml"])


def test_code_that_stands_apart_in_a_file_is_found(read: Read) -> None:
    for text in (
        "tokenizers: [{model: boxes, args: {reader: './m.py:M'}}]",
        "tokenizers: [{model: command, args: {run: touch ran}}]",
        "tokenizers: [{model: ' command', name: harmless}]",
        "generators: [{model: a, args: {b: {c: [os:system]}}}]",
    ):
        with pytest.raises(UsageError, match=r"names code of its own.*\s.*--trust run\.yaml"):
            read(text)
        assert read_config("run.yaml", [Path()])
