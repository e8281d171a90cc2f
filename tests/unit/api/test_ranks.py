"""Two processes of a ``torch.distributed`` group measure one evaluation together, and find what one finds alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import vtbench
from vtbench.core.errors import VtbenchError


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder, script = tmp_path_factory.mktemp("ranks"), Path(__file__).with_name("rank_process.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, str(script), str(rank), str(folder)],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    ended = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "\n".join(err for _, err in ended)
    return [json.loads(out) for out, _ in ended]


@pytest.mark.parametrize("call", ["first", "second", "after", "named", "reused", "generator"])
def test_all_ranks_return_the_same_result(call: str, ranks: list[dict[str, Any]]) -> None:
    assert ranks[0][call] == ranks[1][call] and "digests" in ranks[0][call]


@pytest.mark.parametrize(
    ("call", "alone"),
    [("first", "alone"), ("second", "alone"), ("named", "alone jpeg"), ("generator", "alone generator")],
)
def test_it_is_what_one_process_finds_alone(call: str, alone: str, ranks: list[dict[str, Any]]) -> None:
    assert ranks[0][call]["digests"] == ranks[0][alone]["digests"]
    for column in ("id", "psnr", "status"):
        if column in ranks[0][alone]["samples"]:
            assert ranks[0][call]["samples"][column] == ranks[0][alone]["samples"][column]


def test_blocks_are_shared_and_none_is_measured_twice(ranks: list[dict[str, Any]]) -> None:
    assert [rank["seen"] for rank in ranks] == [[4, 3], [4]]


def test_what_fails_on_one_rank_is_raised_on_all(ranks: list[dict[str, Any]]) -> None:
    assert "rank 1 failed" in ranks[0]["failing"]["raised"] and "out of luck" in ranks[0]["failing"]["raised"]
    assert "out of luck" in ranks[1]["failing"]["raised"]


def test_ranks_that_were_given_different_models_are_told(ranks: list[dict[str, Any]]) -> None:
    for rank in ranks:
        assert "rank 1 was given another model, data or options than rank 0" in rank["other"]["raised"]


def test_a_rank_that_waits_for_others_in_vain_says_what_to_do(
    quick: str, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def timed_out(*_: Any, **__: Any) -> None:
        raise RuntimeError("[transport/tcp] Timed out waiting 1800000ms for recv operation to complete")

    for name, value in (("is_initialized", True), ("get_world_size", 2), ("get_rank", 0)):
        monkeypatch.setattr(torch.distributed, name, lambda value=value: value)
    monkeypatch.setattr(torch.distributed, "broadcast_object_list", timed_out)
    with pytest.raises(VtbenchError, match=r"did not meet.*Timed out[\s\S]*distributed=False"):
        vtbench.evaluate("identity", quick, data=images)
    assert vtbench.evaluate("identity", quick, data=images, distributed=False).value("mae") == 0.0


def test_rank_0_alone_writes_and_reuses(ranks: list[dict[str, Any]]) -> None:
    assert "record.json" in ranks[0]["kept"] and "00001.parquet" in ranks[0]["kept"] and ranks[1]["kept"] == []
    assert ranks[0]["named"]["finished"] == ranks[0]["reused"]["finished"]
