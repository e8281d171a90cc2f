"""Second fits of recipes: what is taken for one, and what the page says of it."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vtbench.core.disk.packaged import CHECKOUT, ZOO
from vtbench.core.errors import UsageError
from vtbench.zoo.page import again
from vtbench.zoo.page.documents import zoo_cards
from vtbench.zoo.repeats import FOLDER, Repeat, repeats, take

NAME = "zoo-var-refiner"


@pytest.fixture
def card() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CHECKOUT / ZOO / f"{NAME}.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture
def data(tmp_path: Path, card: dict[str, Any]) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / f"{NAME}.json").write_text(json.dumps(card))
    return folder


def second(folder: Path, card: dict[str, Any], **changed: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{NAME}.json").write_text(json.dumps({**copy.deepcopy(card), "seconds": 1.0, **changed}))
    return folder


def test_a_second_fit_is_taken_beside_the_first(data: Path, tmp_path: Path, card: dict[str, Any]) -> None:
    assert take(second(tmp_path / "fits", card), data=data) == [NAME]
    kept = json.loads((data / FOLDER / f"{NAME}.json").read_text())
    assert kept == {**card, "seconds": 1.0}
    assert sorted(file.name for file in data.iterdir()) == [FOLDER, f"{NAME}.json"]


def test_what_is_no_second_fit_of_the_recipe_is_refused(data: Path, tmp_path: Path, card: dict[str, Any]) -> None:
    fits = tmp_path / "fits"
    for changed, told in (
        ({"steps": 7}, "another recipe, steps"),
        ({"recipe": {**card["recipe"], "seed": 3}}, "another recipe:"),
        ({"images": {**card["images"], "digest": "0"}}, "another images:"),
        ({"tokenizer": {}}, "another tokenizer:"),
    ):
        with pytest.raises(UsageError, match="no second fit") as caught:
            take(second(fits, card, **changed), data=data)
        assert told in f"{caught.value.args[0]}:"
    with pytest.raises(UsageError, match="the fit of zoo-var-refiner itself"):
        take(second(fits, card, seconds=card["seconds"]), data=data)
    with pytest.raises(UsageError, match="no card of a fit"):
        take(tmp_path, data=data)
    with pytest.raises(UsageError, match=r"no .*zoo-mar\.json"):
        take(fits, ["zoo-mar"], data=data)
    assert not (data / FOLDER).exists()
    command = [sys.executable, "-m", "vtbench.zoo.repeats", "--from", str(tmp_path / "nowhere")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2 and "error:" in ended.stderr and "Traceback" not in ended.stderr


def test_losses_are_held_against_the_noise_of_the_first() -> None:
    def fit(*values: float) -> dict[str, Any]:
        made = {"environment": {"threads": len(values)}, "code": {"git_commit": "", "vtbench_version": "0.1.0"}}
        return {"loss": {"values": list(values)}, "made": made}

    first = fit(9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 2.0, 2.3, 1.9)
    noise = 0.4  # of the last quarter: from 2.3 to 1.9
    near, far = (Repeat(name, first, fit(*range(10), last)) for name, last in (("near", 2.6), ("far", 2.8)))
    assert near.noise == pytest.approx(noise) and near.losses == (1.9, 2.6)
    assert near.farthest == pytest.approx(7.0)  # 8 against 1: the very first is left out
    assert near.holds and not far.holds
    text = again.section([near, far])
    assert "**not** within twice the noise: far." in text
    assert "| `near` | 11 → 11 | `0.1.0` → `0.1.0` | 1.9000 | 2.6000 | +0.7 | 7 | 0.4000 |" in text
    assert "in every row" in again.section([near]) and again.section([]) == ""
    assert "the same to its last digit" in again.section([Repeat("same", first, first)])


def test_what_is_shipped_came_again() -> None:
    found = repeats([card.name for card in zoo_cards()])
    assert found and all(one.holds for one in found)
