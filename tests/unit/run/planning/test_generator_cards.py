"""A generator named by its card as one row of a table: its arguments, its key, its tokenizer, and what it lacks."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
import torch

from vtbench.checkpoints.cards import CardCheckpoint, GeneratorCard, load_generator_cards
from vtbench.cli.verbs.doctor import doctor
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.generators.published.next_token.llamagen.adapter import LlamaGen
from vtbench.run.options import RunOptions
from vtbench.run.planning.generators import GeneratorSource, OwnTokenizerSource
from vtbench.run.session import plan_session
from vtbench.tasks import load_task

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
PUBLISHED = load_generator_cards()["llamagen-b-256"]
TOKENIZER = LlamaGen.shrunken["tokenizer"]


def card(name: str, file: str = "small.pt", **args: object) -> GeneratorCard:
    """A published generator of a few thousand weights."""
    return PUBLISHED.model_copy(
        update={
            "name": name,
            "args": {**LlamaGen.shrunken, **args},
            "checkpoint": CardCheckpoint(hub="nobody/small", file=file),
            "tokenizer": TOKENIZER,
        }
    )


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, GeneratorCard]:
    """Two cards of one checkpoint, which lies in the folder of assets; more may be added."""
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    cards = {made.name: made for made in (card("small-a", cfg_scale=1.5), card("small-b", cfg_scale=3.0))}
    monkeypatch.setattr("vtbench.checkpoints.cards._cards", lambda kind: cards if kind is GeneratorCard else {})
    network = LlamaGen.random(**LlamaGen.shrunken)._network
    torch.save({"model": network.state_dict()}, tmp_path / "small.pt")
    return cards


def test_a_record_holds_the_arguments_that_were_given(shelf: dict[str, GeneratorCard]) -> None:
    source = GeneratorSource("small-a,top_k=7,name=mine")
    assert source.args == {"top_k": 7} and source.label == "mine"
    assert source.info.name == "small-a" and source.info.sampler["cfg_scale"] == 1.5
    assert source.info.weights[0].name == "small.pt" and not source.info.untrained
    assert source.import_path.endswith("llamagen.adapter:LlamaGen")


def test_what_a_card_says_decides_the_key(shelf: dict[str, GeneratorCard]) -> None:
    before = GeneratorSource("small-a").identity
    assert GeneratorSource("small-a").identity == before
    assert GeneratorSource("small-a,top_k=7").identity != before
    shelf["small-a"] = card("small-a", cfg_scale=1.75)
    changed = GeneratorSource("small-a").identity
    assert changed != before and {**changed, "generator": None} == {**before, "generator": None}


def test_cards_of_one_tokenizer_share_its_measurement(shelf: dict[str, GeneratorCard]) -> None:
    first, second = (OwnTokenizerSource(GeneratorSource(name)) for name in ("small-a", "small-b,top_k=7"))
    assert first.identity == second.identity and first.label == second.label
    assert first.reference == TOKENIZER
    other = OwnTokenizerSource(GeneratorSource("tiny-ar"))
    assert "tokenizer of" in other.identity


def plan(out: Path, *names: str) -> None:
    makers = [partial(GeneratorSource, name) for name in names]
    plan_session(makers, [load_task("generation-mini")], None, RunOptions(out=out))


def test_a_missing_checkpoint_is_told_before_any_work(shelf: dict[str, GeneratorCard], tmp_path: Path) -> None:
    shelf["gone"] = card("gone", "gone.pt")
    with pytest.raises(AssetMissingError, match="gone: no checkpoint") as caught:
        plan(tmp_path / "runs", "tiny-ar", "gone")
    told = f"{caught.value}"
    assert "gone,checkpoint=FILE" in told and len(told.splitlines()) <= 2
    assert not list((tmp_path / "runs").rglob("*.json"))


def test_a_missing_tokenizer_is_told_as_the_generators_want(shelf: dict[str, GeneratorCard], tmp_path: Path) -> None:
    named = f"janus-vq,checkpoint={tmp_path / 'nowhere.pt'}"
    with pytest.raises(AssetMissingError, match="small-a cannot be run without its tokenizer") as caught:
        plan(tmp_path / "runs", f"small-a,tokenizer='{named}'")
    assert "small-a,tokenizer='janus-vq,checkpoint=FILE'" in str(caught.value)


def test_a_tokenizer_of_another_codebook_is_refused_before_weights_are_read(shelf: dict[str, GeneratorCard]) -> None:
    shelf["gone"] = card("gone", "gone.pt")
    with pytest.raises(AdapterError, match="the tokenizer janus-vq-random has a codebook of 64"):
        _ = GeneratorSource(f"gone,tokenizer='{TOKENIZER},codebook_size=64'").info


def test_a_family_without_weights_is_told_so_at_once() -> None:
    with pytest.raises(UsageError, match="llamagen has no weights of its own") as caught:
        _ = GeneratorSource("llamagen,tokenizer='janus-vq,checkpoint=nowhere.pt'").info
    assert "vtbench list generators" in str(caught.value)


def test_doctor_examines_a_card(shelf: dict[str, GeneratorCard], capsys: pytest.CaptureFixture[str]) -> None:
    doctor("small-a,cfg_scale=2", json=True)
    checks = {row["check"]: row for row in json.loads(capsys.readouterr().out)}
    assert {row["result"] for row in checks.values()} == {"pass"}
    assert checks["info"]["detail"].startswith("small-a: from class (1000)") and "codes" in checks


def test_random_weights_are_told_in_the_record(shelf: dict[str, GeneratorCard]) -> None:
    assert any("janus-vq has random weights" in note for note in GeneratorSource("small-a").warnings([]))
    notes = GeneratorSource("small-a,random_weights_seed=1").warnings([])
    assert any("llamagen has random weights (seed 1)" in note for note in notes)
