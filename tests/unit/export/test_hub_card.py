"""Model cards: what huggingface_hub reads back, and that nothing else of a card changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from vtbench.core.errors import UsageError
from vtbench.export.destinations import export_runs
from vtbench.results.records.record import read_record

MakeRun = Callable[..., Path]
CARD = """---
license: apache-2.0
language:
- no  # Norwegian
model-index:
- name: my-tokenizer
  results:
  - task: {type: image-to-image}
    dataset: {type: kodak, name: Kodak}
    metrics:
    - {type: psnr, value: 20.5}
  - task: {type: image-to-image}
    dataset: {type: div2k, name: DIV2K}
    metrics:
    - {type: ssim, value: 0.5}

# what loads it
library_name: mine
date: 2024-01-01
version: 1.10
---
# My tokenizer

---
Text that stays, with --- in it.
"""


def head(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text().split("---\n")[1])
    assert isinstance(found, dict)
    return found


def test_the_hub_reads_results_with_protocol_data_and_interval(make_run: MakeRun, tmp_path: Path) -> None:
    from huggingface_hub import ModelCard

    run = make_run()
    (written,) = export_runs(run, "hub-card", dest=str(tmp_path / "card"))
    card = ModelCard.load(written.where)
    record = read_record(run)
    psnr = record.result("psnr")
    assert psnr is not None and card.data.model_name == "grains"
    found = {result.metric_type: result for result in card.data.eval_results}
    assert set(found) == {result.metric for result in record.results if result.stratum == "all"}
    told = found["psnr"]
    assert (told.metric_value, told.task_type, told.task_name) == (psnr.value, "image-to-image", "grains-mini")
    assert (told.dataset_config, told.dataset_revision) == (record.task.protocol_id, record.data.fingerprint)
    assert (told.metric_args["ci_low"], told.metric_args["ci_high"], told.metric_args["n"]) == (
        psnr.ci_low,
        psnr.ci_high,
        8,
    )
    assert written.rows == len(found) and not told.verified


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_rest_of_a_card_stays_byte_for_byte(newline: str, make_run: MakeRun, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_bytes(CARD.replace("\n", newline).encode())
    export_runs(make_run(), "hub-card", dest=str(card))
    text = card.read_bytes().decode()
    before, after = (t.replace("\r\n", "\n") for t in (CARD, text))
    assert (text.count("\r\n") == text.count("\n")) == (newline == "\r\n")
    assert after.startswith(before[: before.index("model-index")])
    assert after.endswith(before[before.index("\n# what loads it") :])
    index = yaml.safe_load(after.split("---\n")[1])["model-index"]
    assert [entry["name"] for entry in index] == ["my-tokenizer"]
    held = yaml.safe_load(CARD.split("---\n")[1])["model-index"][0]["results"]
    assert index[0]["results"][:2] == held and len(index[0]["results"]) == 3


def test_twice_changes_nothing_and_a_new_number_replaces_the_old(make_run: MakeRun, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text(CARD)
    assert export_runs(make_run("a"), "hub-card", dest=str(card))[0].what == "written"
    text = card.read_text()
    assert export_runs(make_run("a2"), "hub-card", dest=str(card))[0].what == "already there"
    assert card.read_text() == text
    export_runs(make_run("b", shift=1.0), "hub-card", dest=str(card))
    export_runs(make_run("c", task={"protocol_id": "grains-mini@2+ffffffff"}), "hub-card", dest=str(card))
    results = head(card)["model-index"][0]["results"]
    configs = [result["dataset"].get("config") for result in results]
    assert configs == [None, None, "grains-mini@1+0a1b2c3d", "grains-mini@2+ffffffff"]
    values = [{m["type"]: m["value"] for m in result["metrics"]}["psnr"] for result in results[2:]]
    assert values[0] - values[1] == pytest.approx(1.0)


def test_another_model_gets_an_entry_of_its_own(make_run: MakeRun, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text(CARD)
    export_runs(make_run(), "hub-card", dest=str(card), run_name="another")
    assert [entry["name"] for entry in head(card)["model-index"]] == ["my-tokenizer", "another"]


@pytest.mark.parametrize(
    "text", ["# A card without metadata\n\nText.\n", "---\nlicense: mit\n---\nText.\n", "---\n---\nText.\n"]
)
def test_a_card_without_an_index_gets_one(text: str, make_run: MakeRun, tmp_path: Path) -> None:
    from huggingface_hub import ModelCard

    card = tmp_path / "README.md"
    card.write_text(text)
    export_runs(make_run(), "hub-card", dest=str(tmp_path))
    found = ModelCard.load(card)
    assert found.data.eval_results and found.text.strip().endswith("Text.")
    assert ("license: mit" in text) == (found.data.license == "mit")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"status": "limited", "data": {"limited_from": 50}}, "is limited: 8 of 50 samples"),
        ({"status": "partial"}, "is partial"),
    ],
)
def test_only_whole_measurements_enter(change: dict[str, Any], told: str, make_run: MakeRun, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=told):
        export_runs([make_run("a"), make_run("b", "sand", **change)], "hub-card", dest=str(tmp_path / "card"))
    assert not (tmp_path / "card").exists()


def test_a_card_is_of_one_model_and_each_measurement_once(make_run: MakeRun, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="these runs are of grains, sand"):
        export_runs([make_run("a"), make_run("b", "sand")], "hub-card", dest=str(tmp_path / "card"))
    seeded = make_run("c", determinism={"seed": 1})
    with pytest.raises(UsageError, match="several of these runs are of grains-mini"):
        export_runs([tmp_path / "a", seeded], "hub-card", dest=str(tmp_path / "card"))
    with pytest.raises(UsageError, match="without --dest"):
        export_runs(tmp_path / "a", "hub-card")


def test_numbers_that_the_hub_cannot_show_are_left_out(make_run: MakeRun, tmp_path: Path) -> None:
    results = [
        {"metric": "psnr", "value": "inf", "n": 8},
        {"metric": "cer", "value": "nan", "n": 0},
        {"metric": "mae", "value": 0.0, "n": 8},
    ]
    (written,) = export_runs(make_run(results=results), "hub-card", dest=str(tmp_path / "card"))
    (result,) = head(Path(written.where))["model-index"][0]["results"]
    assert [metric["type"] for metric in result["metrics"]] == ["mae"]


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ("license: [", "no metadata that can be read"),
        ("- a\n- b", "no metadata that can be read"),
        ("{license: mit}", "not lines of NAME: VALUE"),
        ("model-index: yes", "another form"),
        ("model-index:\n- name: m\n  results: &r []\nother: *r", "without changing the rest"),
    ],
)
def test_a_card_that_cannot_be_merged_is_left_as_it_is(
    block: str, told: str, make_run: MakeRun, tmp_path: Path
) -> None:
    card = tmp_path / "README.md"
    card.write_text(f"---\n{block}\n---\nText.\n")
    with pytest.raises(UsageError, match=told):
        export_runs(make_run(), "hub-card", dest=str(card))
    assert card.read_text() == f"---\n{block}\n---\nText.\n"
