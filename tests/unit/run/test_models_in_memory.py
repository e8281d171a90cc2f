"""How often a model is made, and how many are there at once, over the jobs of one session."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import pytest

from vtbench.run.options import RunOptions
from vtbench.run.planning.models import TokenizerSource
from vtbench.run.session import plan_session
from vtbench.tasks import TaskSpec, load_task
from vtbench.tasks.sections import MetricRequest
from vtbench.tokenizers.codecs.identity import Identity

OWN = """
from vtbench.core.errors import AdapterError
from vtbench.tokenizers.codecs.identity import Identity


class Mine(Identity):
    pass


class Broken(Identity):
    def decode(self, codes):
        raise AdapterError("broken")
"""
Made = list["weakref.ref[Identity]"]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """Every instance made, dead ones too; at most one is alive when another is made."""
    born: Made = []
    as_it_is = Identity.__init__

    def noted(self: Identity, *given: Any, **named: Any) -> None:
        assert not [reference for reference in born if reference() is not None]
        born.append(weakref.ref(self))
        as_it_is(self, *given, **named)

    monkeypatch.setattr(Identity, "__init__", noted)
    return born


@pytest.fixture(scope="module")
def tasks() -> list[TaskSpec]:
    return [load_task("photos-mini").model_copy(update=_small(name)) for name in ("one", "two")]


def _small(name: str) -> dict[str, object]:
    psnr = MetricRequest.model_validate("psnr")
    return {"name": name, "image_metrics": (psnr,), "set_metrics": (), "code_metrics": ()}


def states(out: Path, tasks: list[TaskSpec], *references: str) -> list[str]:
    makers = [lambda reference=reference: TokenizerSource(reference) for reference in references]
    session = plan_session(makers, tasks, None, RunOptions(out=out, limit=1))
    return [outcome.state for outcome in session.run()]


def test_a_model_is_made_once_for_all_its_tasks(tmp_path: Path, tasks: list[TaskSpec], made: Made) -> None:
    assert states(tmp_path, tasks, "identity") == ["measured"] * 2
    assert len(made) == 1 and made[0]() is None


def test_of_several_models_one_is_there_at_a_time(tmp_path: Path, tasks: list[TaskSpec], made: Made) -> None:
    assert states(tmp_path, tasks, "identity,name=a", "identity,name=b") == ["measured"] * 4
    assert len(made) == 4  # each for the plan, and for its tasks


def test_somebody_elses_model_is_made_for_each_job(tmp_path: Path, tasks: list[TaskSpec], made: Made) -> None:
    (tmp_path / "own.py").write_text(OWN)
    assert states(tmp_path / "runs", tasks, f"{tmp_path / 'own.py'}:Mine") == ["measured"] * 2
    assert len(made) == 3


def test_one_that_failed_is_not_there_any_more(tmp_path: Path, tasks: list[TaskSpec], made: Made) -> None:
    (tmp_path / "own.py").write_text(OWN)
    references = f"{tmp_path / 'own.py'}:Broken", "identity"
    assert states(tmp_path / "runs", tasks, *references) == ["failed"] * 2 + ["measured"] * 2
