"""The command line without a run: help, lists, refusals and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CommandLine = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", "--help"], ["list"], ["show", "photos-mini"], ["show", "psnr"]]
)
def test_torch_is_not_imported(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['vtbench', *{arguments!r}]\n"
        "from vtbench.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'torch', 'pandas', 'scipy', 'torchvision'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["run", "--tokenizer", "jpg"], 2, "did you mean jpeg"),
        (["run", "--tokenizer", "jpeg,qualty=3"], 2, "did you mean quality"),
        (["run", "--task", "photo-mini"], 2, "did you mean photos-mini"),
        (["run", "--tokenizer", "./none.py:Thing"], 2, "no file"),
        (["run", "--tokenizer", "identity", "--task", "folder"], 2, "--data DIR"),
        (["run", "--tokenizer", "identity", "--data", "nowhere"], 2, "nowhere"),
        (["run", "--suite", "maxi"], 2, "mini"),
        (["run", "--suite", "mini", "--task", "folder"], 2, "exclude each other"),
        (["run", "--tokenizer", "identity", "--device", "tpu"], 2, "device"),
        (["run", "--tokenizer", "identity", "--dtype", "int4"], 2, "dtype"),
        (["run", "--tokenizer", "identity", "--dtype", "bfloat16"], 1, "float32 only"),
        (["show", "psnrr"], 2, "did you mean psnr"),
        (["list", "tokenizer"], 2, "tokenizers"),
        (["show", "nothing-at-all"], 2, "nothing is called"),
        (["rescore", "."], 2, "holds no run"),
        (["fetch", "inception"], 2, "inception_tf"),
    ],
)
def test_refusals_say_what_to_do(command_line: CommandLine, arguments: list[str], code: int, told: str) -> None:
    done = command_line(*arguments)
    assert done.returncode == code, done.stderr
    assert told in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""


def test_every_problem_is_told_before_any_work(command_line: CommandLine, tmp_path: Path) -> None:
    done = command_line("run", "--tokenizer", "jpg", "--tokenizer", "webq", "--tokenizer", "identity")
    assert done.returncode == 2
    assert "jpg" in done.stderr and "webq" in done.stderr
    assert not list(tmp_path.rglob("record.json"))


def test_missing_weights_exit_with_4_and_name_the_command(command_line: CommandLine, tmp_path: Path) -> None:
    done = command_line(
        "run",
        "--tokenizer",
        "identity",
        "--offline",
        env={"VTBENCH_CACHE": str(tmp_path / "empty"), "VTBENCH_ASSETS": ""},
    )
    assert done.returncode == 4, done.stderr
    assert "vtbench fetch" in done.stderr and "lpips_alex" in done.stderr


def test_dry_run_shows_jobs_and_writes_none(command_line: CommandLine, tmp_path: Path) -> None:
    done = command_line("run", "--task", "photos-mini", "-t", "identity", "-t", "jpeg", "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["model"] for row in rows] == ["identity", "jpeg"]
    assert rows[0]["samples"] == rows[1]["samples"] >= 60 and not list(tmp_path.rglob("plan.json"))


def test_list_is_tsv_in_a_pipe(command_line: CommandLine) -> None:
    done = command_line("list", "tokenizers")
    header, *lines = done.stdout.splitlines()
    rows = {line.split("\t")[0]: dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines}
    assert {"identity", "jpeg", "patch-vq", "diffusers-kl"} <= set(rows)
    published = [row for row in rows.values() if row["licence"]]
    assert len(published) >= 83 and len({row["family"] for row in published}) >= 17
    assert all(row["source"].startswith("https://") and row["summary"] for row in published)
    found = {name: rows["var-256"][name] for name in ("family", "tokens", "code", "bpp", "size")}
    bits = str(680 * 12 / 65536)
    assert found == {
        **{"family": "var-vq", "tokens": "680", "code": "4096 entries"},
        **{"bpp": bits, "size": "256"},
    }


def test_a_card_is_shown_whole(command_line: CommandLine) -> None:
    shown = dict(line.split("\t") for line in command_line("show", "infinity-d32").stdout.splitlines())
    assert shown["tokens a level"] == "1, 4, 16, 36, 64, 144, 256" and shown["code"] == "32 bits"
    assert shown["checkpoint"] == "FoundationVision/Infinity/infinity_vae_d32.pth" and shown["licence"] == "MIT"
    assert "rfid 0.61" in shown["published 1"]


def test_a_warning_is_one_line(command_line: CommandLine) -> None:
    told = "warning: maskbit has random weights: its numbers mean nothing"
    reference = "maskbit,random_weights_seed=0,bits=6,channels=32,multipliers=[1,2],blocks=1"
    done = command_line("doctor", reference, "--size", "16")
    assert done.returncode == 0 and done.stderr.splitlines() == [told]
    whole = command_line("doctor", reference, "--size", "16", "--debug")
    assert "UserWarning" in whole.stderr and ".py:" in whole.stderr


def test_doctor_passes_a_good_adapter_and_fails_a_bad_one(command_line: CommandLine, tmp_path: Path) -> None:
    assert command_line("doctor", "identity").returncode == 0
    (tmp_path / "bad.py").write_text(
        "import torch\n"
        "from vtbench.core.codes import Codes\n"
        "from vtbench.core.info import TokenizerInfo\n"
        "class Bad:\n"
        "    info = TokenizerInfo(name='bad', kind='discrete', codebook_sizes=(4,))\n"
        "    def encode(self, images):\n"
        "        return Codes(levels=(torch.full((len(images), 2, 2), 9),), image_size=tuple(images.shape[-2:]))\n"
        "    def decode(self, codes):\n"
        "        return torch.zeros(codes.batch_size, 3, *codes.image_size)\n"
    )
    done = command_line("doctor", "./bad.py:Bad", cwd=tmp_path)
    assert done.returncode == 1 and "FAIL" in done.stdout
