"""``vtbench.evaluate`` measures what the command line measures, and says what it did."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import vtbench
from vtbench.api.choices import Options
from vtbench.core.codes import Codes
from vtbench.core.errors import AdapterError, UsageError
from vtbench.core.info import TokenizerInfo

PLACES = {"created", "finished", "command", "config", "performance", "job_key", "integrity"}
"""What differs between two runs of one job, or says how it was asked for."""


def by_command_line(command_line: Callable[..., Any], tmp_path: Path, *arguments: str) -> vtbench.RunRecord:
    done = command_line("run", "--out", "runs", *arguments)
    assert done.returncode == 0, done.stderr
    (record,) = [r for r in vtbench.load_records(tmp_path / "runs") if not r.task.name.endswith("-tokenizer")]
    return record


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        (
            ["--tokenizer", "jpeg,quality=10", "--task", "photos-mini", "--limit", "6"],
            {"model": "jpeg,quality=10", "tasks": "photos-mini", "limit": 6},
        ),
        (
            ["--tokenizer", "patch-vq,name=mine", "--task", "patterns-mini", "--limit", "5", "--seed", "3"],
            {"model": "patch-vq,name=theirs", "tasks": ["patterns-mini"], "limit": 5, "seed": 3, "name": "mine"},
        ),
        pytest.param(
            ["--generator", "tiny-ar,temperature=0.5", "--task", "generation-mini", "--limit", "48"],
            {"model": "tiny-ar,temperature=0.5", "tasks": ["generation-mini"], "limit": 48},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["tokenizer", "options", "generator"],
)  # fmt: skip
def test_the_record_is_that_of_the_command_line(
    arguments: list[str], call: dict[str, Any], tmp_path: Path, command_line: Callable[..., Any]
) -> None:
    expected = by_command_line(command_line, tmp_path, *arguments)
    (record,) = vtbench.evaluate(**call).records
    assert record.results_digest() == expected.results_digest()
    assert record.run_id == expected.run_id
    assert record.model_dump(exclude=PLACES) == expected.model_dump(exclude=PLACES)
    assert record.job_key == expected.job_key and record.integrity.samples == expected.integrity.samples
    assert record.command == ("vtbench.evaluate",) and "out" not in record.config.given


class Halves(nn.Module):
    """A tokenizer that is a network: the mean of each 4×4 patch, in 16 levels."""

    def __init__(self, levels: int = 16) -> None:
        super().__init__()
        self.info = TokenizerInfo(
            name="halves", kind="discrete", revision="r1", codebook_sizes=(levels,), downsample_factor=4
        )
        self.pool = nn.AvgPool2d(4)
        self.levels, self.seen = levels, [0, 0]

    def encode(self, images: Tensor) -> Codes:
        self.seen = [len(images), int(self.training)]
        grey = self.pool(images).mean(1)
        return Codes(levels=((grey * (self.levels - 1)).round().long(),))

    def decode(self, codes: Codes) -> Tensor:
        assert codes.levels is not None
        grey = codes.levels[0].float() / (self.levels - 1)
        return grey[:, None].repeat_interleave(4, 2).repeat_interleave(4, 3).expand(-1, 3, -1, -1)


def test_a_live_adapter_is_measured_in_evaluation_mode_with_its_codes(quick: str, images: Tensor) -> None:
    model = Halves().train()
    record = vtbench.evaluate(model, "photos-mini", limit=4).records[0]
    assert model.training and model.seen[1] == 0
    assert {"codebook_usage", "bits_per_pixel"} <= {result.metric for result in record.results}
    assert record.model.codebook_sizes == (16,) and record.model.import_path.endswith(":Halves")


def test_a_live_object_has_a_revision_of_its_own_and_is_never_reused(
    quick: str, images: Tensor, tmp_path: Path
) -> None:
    model = Halves()
    records = [vtbench.evaluate(model, quick, data=images, out=tmp_path / "runs").records[0] for _ in range(2)]
    told = [record.model.revision for record in records]
    assert all(revision.startswith("live object ") and revision.endswith(", r1") for revision in told)
    assert (
        len({*told}) == len({record.run_id for record in records}) == len({record.job_key for record in records}) == 2
    )
    assert records[0].results_digest() == records[1].results_digest()
    assert [record.run_id for record in sorted(vtbench.load_records(tmp_path / "runs"), key=lambda r: r.created)] == [
        record.run_id for record in records
    ]
    assert len(vtbench.samples_frame(tmp_path / "runs")) == 20


def test_a_named_model_is_reused_in_a_folder_as_by_the_command_line(quick: str, images: Tensor, tmp_path: Path) -> None:
    def again(**more: Any) -> vtbench.RunRecord:
        return vtbench.evaluate("identity", quick, data=images, out=tmp_path / "runs", **more).records[0]

    first = again()
    assert again().created == first.created and again(fresh=True).created > first.created


def test_a_model_at_several_settings_is_so_many_models(quick: str, images: Tensor) -> None:
    result = vtbench.evaluate("jpeg,quality=10|90", quick, data=images)
    assert result.value("mae", model="jpeg,quality=10") > result.value("mae", model="jpeg,quality=90") > 0
    with pytest.raises(UsageError, match="name='mine' is given for 2 models"):
        vtbench.evaluate("jpeg,quality=10|90", quick, data=images, name="mine")


def test_several_models_and_tasks(quick: str, images: Tensor) -> None:
    result = vtbench.evaluate(["identity", vtbench.reconstructor(lambda x: x * 0.5, name="half")], quick, data=images)
    assert result.value("mae", model="identity") == 0.0 < result.value("mae", model="half")
    assert [*result.scalars()][:2] == ["identity/quick/psnr", "identity/quick/mae"]
    assert result.table()["model"].tolist() == ["identity", "half"] and len(result.samples) == 20
    with pytest.raises(UsageError, match="measured 2 times: identity on quick, half on quick"):
        result.value("mae")
    with pytest.raises(UsageError, match="did you mean mae"):
        result.value("mea", model="half")
    with pytest.raises(UsageError, match="two models are called 'half'"):
        vtbench.evaluate([vtbench.reconstructor(lambda x: x, name="half")] * 2, quick, data=images)


def test_a_sampler_of_given_conditions_against_a_live_reference(images: Tensor, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(
        "name: t\nversion: 1\nkind: generation\nsummary: s\nconditions: {of: given}\nreference: {}\n"
        "preprocess: {preset: native@1}\nset_metrics: [fd_efflite0]\nblock_size: 4\n",
        encoding="utf-8",
    )
    asked: list[list[int]] = []

    def sample(labels: Tensor, seeds: Tensor) -> Tensor:
        asked.append(labels.tolist())
        assert seeds.dtype == labels.dtype == torch.int64
        return torch.stack([torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(int(s))) for s in seeds])

    model = vtbench.sampler(sample, name="noise", conditions="class", settings={"steps": 4})
    call: dict[str, Any] = {"reference": images, "conditions": [3, 1, 4, 1, 5, 9]}
    found, again = (vtbench.evaluate(model, tmp_path / "t.yaml", **call) for _ in range(2))
    assert asked[:2] == [[3, 1, 4, 1], [5, 9]]
    assert found.value("fd_efflite0") == again.value("fd_efflite0") > 0
    record = found.records[0]
    assert record.model.sampler == {"steps": 4} and record.model.revision.startswith("live object ")
    assert record.data.n_scored == 6 and record.data.conditions["count"] == 6
    with pytest.raises(UsageError, match="a condition has no label"):
        vtbench.evaluate(model, tmp_path / "t.yaml", reference=images, conditions=["a dog"])
    with pytest.raises(UsageError, match="conditions of its own"):
        vtbench.evaluate(model, "generation-mini", conditions=[1])


def test_prompts_are_those_of_a_file(tmp_path: Path) -> None:
    from vtbench.core.contracts import Condition
    from vtbench.data.conditions import listed_prompts, prompts

    (tmp_path / "p.txt").write_text("a dog\na cat\n", encoding="utf-8")
    listed = listed_prompts([Condition(prompt="a dog"), Condition(prompt="a cat")], 2)
    assert listed.ids == prompts(tmp_path / "p.txt", 2).ids
    assert listed.fingerprint == prompts(tmp_path / "p.txt", 2).fingerprint


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"model": "jpg", "tasks": "photos-mini"}, "did you mean"),
        ({"model": "jpeg", "tasks": "photo-mini"}, "did you mean photos-mini"),
        ({"model": "jpeg", "tasks": "photos-mini", "limit": 0}, "limit=0"),
        ({"model": "jpeg", "tasks": "photos-mini", "device": "gpu"}, "unknown device 'gpu'"),
        ({"model": "jpeg", "tasks": "photos-mini", "dtype": "float8"}, "unknown dtype"),
        ({"model": "jpeg", "tasks": "generation-mini"}, "every task is one for generators"),
        ({"model": "jpeg", "tasks": "photos-mini", "limt": 3}, "no option 'limt'[\\s\\S]*did you mean limit"),
        ({"model": [], "tasks": "photos-mini"}, "no model is given"),
        ({"model": "jpeg", "tasks": "photos-mini", "distributed": True}, "no torch.distributed group"),
    ],
)
def test_mistakes_are_told_before_any_work(call: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        vtbench.evaluate(**call)


def test_a_model_that_breaks_its_contract_is_raised_as_it_is(quick: str, images: Tensor) -> None:
    model = Halves(levels=16)
    model.info = TokenizerInfo(name="halves", kind="discrete", codebook_sizes=(2,))
    with pytest.raises(AdapterError, match="halves"):
        vtbench.evaluate(model, "photos-mini", limit=2)


def test_options_of_the_two_doors_are_the_same() -> None:
    taken = inspect.signature(vtbench.Evaluator).parameters
    assert set(taken) - {"tasks"} == set(Options.__annotations__)
    told = vtbench.Evaluator.__doc__ or ""
    assert not [name for name in taken if f"        {name}:" not in told]


def test_torch_is_imported_only_when_something_is_called() -> None:
    code = (
        "import sys, json, vtbench\n"
        "early = [n for n in ('torch', 'numpy', 'pandas', 'pydantic') if n in sys.modules]\n"
        "vtbench.evaluate, vtbench.reconstructor(print, name='m'), vtbench.sampler, vtbench.metric\n"
        "late = 'torch' in sys.modules\n"
        "vtbench.metric('psnr')\n"
        "print(json.dumps([early, late, 'torch' in sys.modules]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[], False, True]
