"""``list`` says what things are, ``show`` what they take, and the shell completes their names."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
KINDS = ["tokenizers", "generators", "tasks", "suites", "metrics", "features", "readers", "estimators"]
KINDS += ["datasets", "presets"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_summary_is_an_import_path(vt: Run, kind: str) -> None:
    rows = vt("list", kind, "--json").rows
    assert rows
    for row in rows:
        assert " " in row["summary"] and not row["summary"].startswith("vtbench."), row


def test_show_tells_arguments(vt: Run, place: Path) -> None:
    shown = fields(vt("show", "jpeg", "--json").rows)
    assert shown["argument quality"] == "int, default 75. 1 to 100, libjpeg's scale."
    assert "argument name" in shown and "argument compile" not in shown
    card = fields(vt("show", "titok-l32", "--json").rows)
    assert card["argument tokens"].startswith("int, default 32") and "argument compile" in card
    assert "required" in fields(vt("show", "images", "--json").rows)["argument path"]
    both = fields(vt("show", "command", "--json").rows)
    assert both["kind"] == "tokenizer" and "argument run" in both and "argument run (generator)" in both
    assert fields(vt("show", "identity", "--json").rows)["kind"] == "tokenizer"
    assert fields(vt("show", "tesseract", "--json").rows)["kind"] == "reader"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("JPEG", "did you mean jpeg"),
        ("jpeg,quality=5", "vtbench show jpeg"),
        ("jpg,quality=5", "did you mean jpeg"),
        ("./mine.py", "name a class of it: ./mine.py:CLASS"),
        ("~/mine.py", "mine.py:CLASS"),
    ],
)
def test_what_is_almost_a_name_is_told(vt: Run, place: Path, name: str, told: str) -> None:
    (place / "mine.py").write_text("class Mine: ...\n")
    done = vt("show", name)
    assert done.code == 2 and told in done.err and len(done.err.splitlines()) == 2, done.err


@pytest.mark.parametrize("target", ["./mine.py:Mine", "mine:Mine"])
def test_show_tells_arguments_of_own_code(vt: Run, place: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(place))
    (place / "mine.py").write_text(
        "raise SystemExit('imported')\n"
        "class Mine:\n"
        '    """My tokenizer.\n\n    Args:\n        bits: a channel.\n    """\n'
        "    def __init__(self, bits: int = 4, path: str = '') -> None: ...\n"
    )
    shown = fields(vt("show", target, "--json").rows)
    assert shown["summary"] == "My tokenizer." and shown["argument bits"] == "int, default 4. a channel."
    missing = vt("show", target.replace("Mine", "Yours"))
    assert missing.code == 2 and "Yours" in missing.err


def test_a_plug_in_is_told_by_its_package(vt: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(place))
    (place / "plugged.py").write_text(
        "raise SystemExit('imported')\n"
        "class Told:\n    'Does it.'\n    def __init__(self, a: int = 1): ...\nclass Bare: ...\n"
    )
    metadata = place / "plugged-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged-things\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[vtbench.tokenizers]\ntold = plugged:Told\nbare = plugged:Bare\ngone = nowhere:Gone\n"
    )
    told = {row["name"]: row["summary"] for row in vt("list", "tokenizers", "--json").rows}
    assert told["told"] == "Does it. (plug-in of plugged-things)"
    assert told["bare"] == told["gone"] == "plug-in of plugged-things"
    shown = fields(vt("show", "told", "--json").rows)
    assert shown["argument a"] == "int, default 1" and shown["plug-in of"] == "plugged-things"
    assert vt("show", "gone").code == 0


def fields(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {row["field"]: row["value"] for row in rows}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("run --tokenizer patch-p", ["patch-pca"]),
        ("run -t titok-l3", ["titok-l32"]),
        ("run --generator tiny", ["tiny-ar"]),
        ("run --task photos-m", ["photos-mini"]),
        ("run --suite min", ["mini"]),
        ("run --data photos-m", ["photos-mini"]),
        ("run --dtype bf", ["bfloat16"]),
        ("score --task photos-m", ["photos-mini"]),
        ("rescore r --metric kid_cl", ["kid_clip", "kid_clip_336", "kid_clip_336_square", "kid_clip_cls_256"]),
        ("show tesser", ["tesseract"]),
        ("doctor tiny-a", ["tiny-ae", "tiny-ar"]),
        ("fetch titok-l3", ["titok-l32"]),
        ("list toke", ["tokenizers"]),
        ("leaderboard show recon", ["reconstruction"]),
        ("leaderboard show --metric lpips_a", ["lpips_alex", "lpips_alex_background", "lpips_alex_perturbed"]),
        ("stats build --extractor vgg", ["vgg16"]),
        ("stats build --preset adm", ["adm-center-crop"]),
    ],
)
def test_the_shell_completes(vt: Run, monkeypatch: pytest.MonkeyPatch, line: str, expected: list[str]) -> None:
    words = f"vtbench {line}"
    monkeypatch.setenv("_VTBENCH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    done = vt()
    assert done.code == 0, done.err
    assert done.out.split() == expected


def test_models_of_runs_are_completed(vt: Run, place: Path, images: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    images("d", 1)
    for quality in (10, 90):
        vt("run", "--task", "quick.yaml", "--data", "d", "-t", f"jpeg,quality={quality},name=j{quality}", "--out", "r")
    (place / "r/broken").mkdir()
    (place / "r/broken/record.json").write_text("[")
    monkeypatch.setenv("_VTBENCH_COMPLETE", "complete_bash")
    for line, expected in (("vtbench compare r j", ["j10", "j90"]), ("vtbench compare r j10 j", ["j90"])):
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
        assert vt().out.split() == expected


def test_completion_does_not_import_torch() -> None:
    code = (
        "import sys\nfrom vtbench.cli import completion\n"
        "assert 'jpeg' in completion.anything('') and completion.fetched('') and completion.families('')\n"
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
