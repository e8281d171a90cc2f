"""A file that was written says what was planned, and is never written over another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vtbench.core.errors import UsageError
from vtbench.run.config.json_schema import schema_path
from vtbench.run.config.reading import read_config
from vtbench.run.config.saving import save_config
from vtbench.run.config.schema import RunConfig


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def config(**fields: Any) -> RunConfig:
    return RunConfig.model_validate(fields)


@pytest.mark.parametrize(
    "written",
    [
        config(),
        config(tokenizers=["jpeg,quality=10", "a,path='x,y',sizes=[1, '2'],more={a: b}", "größe,name=a: b #c"]),
        config(tokenizers=["b,revision=12e4567", 'c,path="it\'s",fast=true'], data="yes", out="0123", samples="1e-3"),
        config(generators=["tiny-ar"], tasks=["generation/mini"], reference="npz,path=x", limit=3, seed=-1, workers=0),
        config(strict=True, fresh=True, offline=True, allow_small_sets=True, device="cuda:1", dtype="float16"),
        config(data="line\nbreak", out="- a", workers_of="none", batch_size=7),
    ],
)
def test_what_is_written_is_read_back_whole(written: RunConfig) -> None:
    assert save_config(written, Path("run.yaml")) == []
    assert read_config("run.yaml").content == written.content


def test_every_default_is_written_out() -> None:
    save_config(config(), Path("run.yaml"))
    lines = Path("run.yaml").read_text().splitlines()
    assert {"seed: 0", "dtype: float32", "device: auto", "out: runs", "fresh: false", "workers_of: env"} <= set(lines)


def test_editors_find_the_schema_from_the_file(here: Path) -> None:
    for place in (Path("run.yaml"), here / "a" / "b" / "run.yaml"):
        save_config(config(), place)
        first, second, *_ = place.read_text().splitlines()
        schema = first.removeprefix("# yaml-language-server: $schema=")
        assert (place.parent / schema).resolve() == schema_path().resolve() and schema_path().is_file()
        assert second == "# vtbench run --config run.yaml"


def test_tasks_are_found_from_the_folder_of_the_file(here: Path) -> None:
    (here / "real").mkdir()
    (here / "real" / "t.yaml").touch()
    (here / "link").symlink_to(here / "real")
    (here / "real" / "u.yaml").symlink_to(here / "real" / "t.yaml")
    asked = config(tasks=["real/t.yaml", "photos-mini", str(here / "real" / "u.yaml")])
    for place in ("configs/run.yaml", "link/run.yaml", "run.yaml"):
        save_config(asked, Path(place))
        first, name, second = read_config(place).tasks
        assert Path(first).samefile("real/t.yaml") and Path(first).name == "t.yaml" and name == "photos-mini"
        assert Path(second).name == "u.yaml" and Path(second).samefile("real/t.yaml")
    assert "- t.yaml\n" in Path("link/run.yaml").read_text()


def test_another_file_is_not_written_over(here: Path) -> None:
    path = here / "run.yaml"
    path.write_text("# mine\nseed: 1\n")
    with pytest.raises(UsageError, match="is there already, and says something else"):
        save_config(config(seed=1), path)
    assert path.read_text() == "# mine\nseed: 1\n"
    path.unlink()
    assert save_config(config(seed=1), path) == save_config(config(seed=1), path) == []
    with pytest.raises(UsageError, match="is there already"):
        save_config(config(), here)
    with pytest.raises(UsageError, match="writes a file, not stdout"):
        save_config(config(), Path("-"))


def test_credentials_are_masked_told_and_asked_for_again() -> None:
    asked = config(tokenizers=["jpeg", "closed,token=s3cr3tT0ken42,url='https://me:pa55w0rd77@host/api'"])
    (note,) = save_config(asked, Path("run.yaml"))
    assert "a credential is masked in tokenizers.1" in note
    text = Path("run.yaml").read_text()
    assert "s3cr3tT0ken42" not in text and "pa55w0rd77" not in text and "token=***" in text and "- jpeg\n" in text
    with pytest.raises(UsageError, match=r"tokenizers\.1: a credential is masked"):
        read_config("run.yaml")


def test_code_of_the_command_line_needs_trust_in_a_file() -> None:
    (note,) = save_config(config(tokenizers=["./m.py:M"]), Path("run.yaml"))
    assert "--trust run.yaml" in note
    with pytest.raises(UsageError, match=r"names code of its own: \./m\.py:M"):
        read_config("run.yaml")
    assert str(read_config("run.yaml", [Path("run.yaml")]).tokenizers[0]) == "./m.py:M"
