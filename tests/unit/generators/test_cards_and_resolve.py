"""Cards of generators: whole, named apart from everything else, listed, shown, fetched; and what a name resolves to."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import vtbench.generators
from vtbench.checkpoints.cards import GeneratorCard, find_generator_card, load_cards, load_generator_cards, parse_card
from vtbench.checkpoints.licences import NONE_STATED, terms
from vtbench.cli.details import details
from vtbench.cli.inventory import columns, inventory
from vtbench.cli.names import names_of
from vtbench.cli.verbs.fetch import fetch
from vtbench.core.errors import AssetMissingError, UsageError, VtbenchError
from vtbench.core.naming.arguments import bind
from vtbench.core.naming.reference import Reference, parse_reference
from vtbench.generators import GENERATORS
from vtbench.generators.reference import generator_reference
from vtbench.generators.resolve import expand, generator_arguments, generator_names, resolve_generator
from vtbench.generators.unpublished import load_unpublished
from vtbench.metrics.catalog.lookup import metric_names
from vtbench.results.leaderboards.reported_metrics import name_problem
from vtbench.tasks import load_task
from vtbench.tokenizers import TOKENIZERS
from vtbench.tokenizers.resolve import expand as expand_tokenizer
from vtbench.tokenizers.resolve import resolve_tokenizer, tokenizer_names

CARDS = load_generator_cards()
FILES = sorted(Path(vtbench.generators.__path__[0]).glob("cards/*.yaml"))
ROOT = Path(__file__).parents[3]


def test_every_file_is_a_card() -> None:
    assert sorted(file.stem for file in FILES) == list(CARDS) and len(CARDS) >= 8


@pytest.mark.parametrize("card", CARDS.values(), ids=list(CARDS))
def test_a_card_is_whole(card: GeneratorCard) -> None:
    assert card.target in GENERATORS.builtin
    assert card.licence and card.citation and card.source.startswith("https://") and card.native_size
    if card.tokenizer:
        named = expand_tokenizer(parse_reference(card.tokenizer))
        assert named.target in TOKENIZERS
    for anchor in card.anchors:
        assert anchor.protocol and anchor.source and anchor.value > 0
        assert name_problem(anchor.metric, metric_names()) is None


@pytest.mark.parametrize("card", CARDS.values(), ids=list(CARDS))
def test_its_family_takes_the_arguments_of_the_card_and_of_every_number(card: GeneratorCard) -> None:
    factory: Any = GENERATORS.load(card.target)
    for args in ({}, *(anchor.args for anchor in card.anchors)):
        bind(factory, expand(Reference(card.name, args)), "generator")
    taken = inspect.signature(factory).parameters
    own = {"tokenizer": card.tokenizer} if "tokenizer" in taken else {}
    defaults = {name: parameter.default for name, parameter in taken.items()}
    for name, value in own.items():
        assert {**defaults, **card.args}[name] == value, "the card names another tokenizer than it runs with"


@pytest.mark.parametrize("name", CARDS)
def test_a_name_means_one_thing(name: str) -> None:
    assert name not in GENERATORS and name not in TOKENIZERS
    assert name not in load_cards(), "vtbench show, fetch and doctor could not tell the two apart"
    assert name not in load_unpublished()
    assert name in generator_names() and name in names_of("generators")


def test_the_users_arguments_override_the_cards() -> None:
    reference = expand(parse_reference("llamagen-l-384,cfg_scale=1.5,checkpoint=w.pt"))
    assert reference.target == "llamagen"
    assert reference.args == {**CARDS["llamagen-l-384"].args, "card": "llamagen-l-384"} | {
        "cfg_scale": 1.5,
        "checkpoint": "w.pt",
    }


def test_arguments_are_those_that_were_given() -> None:
    assert generator_arguments(parse_reference("llamagen-l-384,cfg_scale=2,name=mine")) == {"cfg_scale": 2.0}
    assert generator_arguments(parse_reference("llamagen-l-384")) == {}
    with pytest.raises(UsageError, match="did you mean cfg_scale"):
        generator_arguments(parse_reference("llamagen-l-384,cfg_scal=2"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("llamagen-l-348", "did you mean llamagen-l-384"),
        ("tinyar", "tiny-ar"),
        ("qqqqqq", "vtbench list generators"),
        ("ctf", "its authors published no code"),
        ("llamagen-ds16", "is a tokenizer"),
    ],
)
def test_an_unknown_name_is_told_with_what_there_is(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_generator(text)
    assert told in str(caught.value)


def test_a_generator_named_as_a_tokenizer_is_told() -> None:
    with pytest.raises(UsageError, match="is a generator"):
        resolve_tokenizer("llamagen-l-384")
    with pytest.raises(UsageError, match="did you mean llamagen-l-384"):
        find_generator_card("llamagen-l-348")


def test_names_and_cards_need_no_torch() -> None:
    code = (
        "import sys, vtbench.generators.resolve as r; from vtbench.cli.details import details; "
        "print(r.generator_names()); details('llamagen-l-384'); details('ctf'); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "'llamagen-l-384'" in done.stdout and "'tiny-ar'" in done.stdout


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: x\ntarget: t\nsummary: s\nsource: s\nparameters: 1\n", "tensors"),
        ("name: y\ntarget: t\nsummary: s\nsource: s\nparameters: 1\ntensors: 1\n", "calls itself 'y'"),
        ("name: x\ntarget: t\nsummary: s\nsource: s\nparameters: 1\ntensors: 1\ngeometry: {}\n", "geometry"),
    ],
)
def test_a_faulty_card_is_told(text: str, told: str) -> None:
    with pytest.raises(VtbenchError, match="generator card x") as caught:
        parse_card(text, "x", GeneratorCard)
    assert told in str(caught.value)


def test_a_card_is_listed_and_shown() -> None:
    assert set(columns("generators", terminal=True)) < set(columns("generators", terminal=False))
    listed = {row["name"]: row for row in inventory("generators")}
    found = [listed["llamagen-l-384"][name] for name in ("family", "size", "tokenizer", "parameters", "licence")]
    assert found == ["llamagen", 256, "llamagen-ds16", 342910976, "MIT"]
    shown = details("llamagen-l-384")
    assert (shown["kind"], shown["tokenizer"]) == ("generator card", "llamagen-ds16")
    assert shown["checkpoint"] == "FoundationVision/LlamaGen/c2i_L_384.pt"
    assert shown["published 1"].startswith("gfid 3.07 (ImageNet-1k 256x256, 50,000 samples")
    assert shown["argument cfg_scale"].startswith("float, default 2.0") and "licence, plainly" not in shown
    assert "argument compile" not in shown


def test_a_number_that_was_sampled_otherwise_says_how() -> None:
    shown = details("llamagen-xxl-384")
    assert "sampled as" not in shown["published 1"]
    assert shown["published 2"].endswith("; sampled as llamagen-xxl-384,cfg_scale=1.0)")


def test_licences_that_are_not_open_are_told_plainly() -> None:
    assert terms("MIT") == terms("Apache-2.0") == ""
    assert "state no licence" in terms(NONE_STATED) and "research only" in terms("Non-commercial research")
    shown = details("va-pi-llamagen-xxl-384")
    assert shown["licence"] == NONE_STATED and shown["licence, plainly"] == terms(NONE_STATED)
    assert shown["checkpoint"] == "no address known; give va-pi-llamagen-xxl-384,checkpoint=FILE"
    assert "licence, plainly" in details("elm-bae-16")


@pytest.mark.parametrize("name", load_unpublished())
def test_what_has_no_code_is_shown_and_not_run(name: str) -> None:
    shown = details(name)
    assert shown["kind"] == "generator without code" and "--generator folder,path=DIR" in shown["instead"]
    listed = {row["name"]: row for row in inventory("generators")}[name]
    assert listed["family"] == "without code" and listed["source"].endswith(shown["paper"])
    one = load_unpublished()[name]
    for anchor in one.published:
        assert anchor.protocol and anchor.source and name_problem(anchor.metric, metric_names()) is None
    assert sum(key.startswith("published") for key in shown) == len(one.published)
    words = shown["its samples"].split()
    generator_arguments(parse_reference(words[words.index("-g") + 1]))
    assert load_task(words[words.index("--task") + 1]).kind == "generation"
    with pytest.raises(UsageError, match="no code"):
        resolve_generator(name)


def test_what_was_looked_for_and_not_found_is_told_by_name() -> None:
    wanted = {"nfig", "ecm", "scaleweaver", "nfd", "art-v", "sparsevar", "hack", "ctf", "vf-prompt", "token-shuffle"}
    assert wanted <= set(load_unpublished())
    assert details("nfig")["published 1"].startswith("gfid 2.81 (ImageNet-1k 256x256")


def test_fetching_a_card_gets_both_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    with pytest.raises(AssetMissingError, match="llamagen-ds16: no checkpoint"):
        fetch(["llamagen-l-384"])
    (tmp_path / "vq_ds16_c2i.pt").write_bytes(b"tokenizer")
    with pytest.raises(AssetMissingError, match="llamagen-l-384: no checkpoint"):
        fetch(["llamagen-l-384"])
    (tmp_path / "c2i_L_384.pt").write_bytes(b"generator")
    fetch(["llamagen-l-384"], json=True)
    rows = json.loads(capsys.readouterr().out)
    assert [(row["asset"], Path(row["path"]).name) for row in rows] == [
        ("llamagen-ds16", "vq_ds16_c2i.pt"),
        ("llamagen-l-384", "c2i_L_384.pt"),
    ]
    with pytest.raises(AssetMissingError, match="no address of one is known") as caught:
        fetch(["va-pi-llamagen-xxl-384"])
    assert "va-pi-llamagen-xxl-384,checkpoint=FILE" in str(caught.value.hint)


def test_the_page_of_generators_is_current() -> None:
    written = (ROOT / "docs" / "generators.md").read_text(encoding="utf-8")
    assert written == generator_reference(), "run: python -m vtbench.generators.reference > docs/generators.md"
    for name in (*CARDS, *load_unpublished()):
        assert f"| `{name}` |" in written


def test_generators_and_tokenizers_complete_apart() -> None:
    assert set(names_of("tokenizers")) >= set(tokenizer_names()) and not set(names_of("tokenizers")) & set(CARDS)
