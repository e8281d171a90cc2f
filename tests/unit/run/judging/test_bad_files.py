"""Files that are not what they should be: told with their line, or counted and told in warnings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.run.judging.conftest import Bring, Lines
from vtbench.core.errors import UsageError, VtbenchError
from vtbench.run.judging.formats.table import FORMATS, find_format
from vtbench.run.judging.source import Source

GENEVAL = {"filename": "/a/00000/samples/0000.png", "tag": "colors", "prompt": "a red cow", "correct": True}
LINE = {"id": "a", "metric": "m", "value": 1, "judge": "j"}


def _read(form: str, *paths: Path, **told: Any) -> Any:
    return find_format(form).read(Source(paths=paths, model="mine", per_prompt=4, **told))


@pytest.mark.parametrize(
    ("form", "rows", "told"),
    [
        ("geneval", [GENEVAL, "{"], "results:2 is not JSON"),
        ("geneval", [GENEVAL, "[1]"], "results:2 holds no JSON object"),
        ("geneval", [GENEVAL, {**GENEVAL, "tag": None}], "results:2: tag is None"),
        ("geneval", [{**GENEVAL, "correct": "yes"}], "results:1: correct is 'yes', not a number"),
        ("geneval", [{name: v for name, v in GENEVAL.items() if name != "correct"}], "results:1: there is no correct"),
        ("geneval", [GENEVAL, {**GENEVAL, "correct": False}], "results:2: 00000/samples/0000.png has"),
        ("geneval", [GENEVAL, {**GENEVAL, "filename": "b/1.png", "tag": "position"}], "is of tag position"),
        ("wise", [{"prompt_id": 1, "score": 1}], "results:1 is of WISE Verified"),
        ("wise-verified", [{"prompt_id": 1, "consistency": 1}], "results:1 is of the legacy WISE"),
        ("wise-verified", [{"prompt_id": 1001, "score": 1}], "prompt_id is '1001', not 1 to 1000"),
        ("longtext-bench", [{"image": "a.png", "ocr_gt": "x", "ocr_results": ""}], "begins with no number of a prompt"),
        ("longtext-bench", [{"image": "1.png", "ocr_gt": "!", "ocr_results": ""}], "results:1: ocr_gt is empty"),
        ("longtext-bench", [{"image": "1.png", "ocr_gt": "a", "ocr_results": None}], "ocr_results is no text"),
        ("judgements", [{**LINE, "judge": "a b"}], "results:1: 'a b' is no name of a judge"),
        ("judgements", [{**LINE, "judge": "a:b"}], "no name of a judge"),
        ("judgements", [{**LINE, "metric": "My Metric"}], "is no name of a metric"),
        ("judgements", [LINE, {**LINE, "id": "b", "revision": "2"}], "is of revision '2', and of '' before"),
        ("judgements", [{name: v for name, v in LINE.items() if name != "judge"}], "judge is not there"),
        ("geneval2", ["[[0.5, 0.5], [0.5]"], "is not JSON"),
        ("geneval2", ["[[0.5], [0.5]]"], "one score a prompt: VQAScore's"),
        ("geneval2", ['[[0.5, "x"], [1, 1]]'], "list 1 holds something that is no number"),
        ("hpsv2", ['{"cartoon": [1]}'], "'cartoon' is no style of HPSv2"),
        ("hpsv2", ['{"anime": 27.5}'], "holds no lists of scores by style"),
        ("dpg-bench", ["a.png, 0.5, 0.25, 0.4"], "results:1: 'a.png, 0.5, 0.25, 0.4' is no path"),
        ("dpg-bench", ["Model: x"], "holds no results"),
        ("unigenbench", ["index,prompt,img_path"], "has no column result_json"),
        ("unigenbench", ["index,prompt,result_json,img_path", "1,p,{},a_1.png"], "results:2: result_json holds no"),
        ("unigenbench", ["index,prompt,result_json,img_path", "1,p"], "results:2: not as many fields"),
        ("t2i-compbench", ["x"], "is no folder"),
        ("oneig-bench", ["x"], "is not called as OneIG-Bench calls its files"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(lines: Lines, form: str, rows: list[Any], told: str) -> None:
    with pytest.raises(UsageError) as error:
        _read(form, lines("results", rows))
    assert told in error.value.what and error.value.hint


def test_a_cell_of_oneig_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "text_prompt_score_EN_1.csv"
    path.write_text(",a,b\n000,[1],[1]\n")
    with pytest.raises(UsageError, match="is of the models a, b"):
        _read("oneig-bench", path)
    with pytest.raises(UsageError, match=r"text_prompt_score_EN_1.csv:2: '\[1\]' is no list"):
        _read("oneig-bench", path, column="a")


def test_values_of_no_use_and_copies_are_counted(lines: Lines) -> None:
    rows = [GENEVAL, GENEVAL, {**GENEVAL, "filename": "/a/00000/samples/0001.png", "correct": None}]
    rows.append(json.dumps({**GENEVAL, "filename": "/a/00001/samples/0000.png", "prompt": "b"}).replace("true", "NaN"))
    found = _read("geneval", lines("results.jsonl", rows)).found
    notes = found.notes(4)
    assert notes[0] == "1 images stand twice in the files, with the same values: counted once"
    assert notes[1].startswith("2 images have no value that can be used, and are left out: results.jsonl:3, results")
    assert notes[2].startswith("2 of 2 prompts have another number of images than 4, 'a red cow' has 2: 3 images")
    samples = found.samples({"geneval": "geneval"}, ("tag",))
    assert samples.metrics["geneval_n"][0] == 1 and samples.status[1] == "failed"
    assert "results.jsonl:4" in samples.message[1] and "/" not in samples.message[1]


@pytest.mark.parametrize("form", [name for name in FORMATS if name != "t2i-compbench"])
def test_an_empty_file_is_refused(form: str, tmp_path: Path, brought: Bring) -> None:
    path = tmp_path / ("alignment_prompt_score_EN.csv" if form == "oneig-bench" else "empty")
    path.write_text("")
    judge = {"hpsv2": "v2.1", "wise": "x", "wise-verified": "x", "unigenbench": "x"}.get(form, "")
    with pytest.raises(VtbenchError):
        brought(form, path, judge=judge)
    assert not (tmp_path / "runs").exists() or not any((tmp_path / "runs").rglob("*.json"))


@pytest.mark.parametrize(
    ("form", "options", "told"),
    [
        ("genevil", {}, "unknown format 'genevil'"),
        ("wise", {}, "needs --judge NAME"),
        ("hpsv2", {"judge": "v3"}, "one of v2.0, v2.1"),
        ("t2i-compbench", {"judge": "x"}, "each metric has its own"),
        ("judgements", {"judge": "x"}, "each line names its own"),
        ("geneval", {"judge": "a b"}, "no name of a judge"),
        ("geneval", {"questions": Path("x")}, "takes no --questions"),
        ("geneval", {"prompt_set": "zh"}, "takes no --prompt-set"),
        ("longtext-bench", {"prompt_set": "fr"}, "has no prompts 'fr'"),
        ("geneval", {"prompts": "mine"}, "original or rewritten"),
        ("geneval", {"lower_is_better": True}, "what geneval measures is known"),
        ("judgements", {"benchmark": "EMU Edit"}, "no name of a task"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    form: str, options: dict[str, Any], told: str, lines: Lines, brought: Bring
) -> None:
    with pytest.raises(UsageError) as error:
        brought(form, lines("x", []), **options)
    assert told in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        _read("geneval", tmp_path / "nowhere.jsonl")


def test_numbers_no_float_can_hold_are_no_values(lines: Lines) -> None:
    rows = [f'{{"id": "a", "metric": "m", "judge": "j", "value": {10**400}}}', {**LINE, "id": "b"}]
    found = _read("judgements", lines("x", rows)).found
    assert found.notes(0)[0].startswith("1 judgements have no value that can be used")
