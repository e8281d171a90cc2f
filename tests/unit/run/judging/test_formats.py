"""A small file of each format, with values worked out by hand.

On whole synthetic files (553 to 3,000 images, seeded) the benchmarks' own scripts were run beside this: GenEval's
``summary_scores.py``, both of WISE, ``summary_scores.py`` of LongText-Bench in both languages, UniGenBench's
``calculate_scores``, GenEval 2's ``soft_tifa_analysis.py``, T2I-CompBench's ``3_in_1.py``, DPG-Bench's ``main`` with a
seeded stand-in for its network, and OneIG-Bench's formula on its own ``text_utils``: every printed digit was met.
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.unit.run.judging.conftest import Bring, Lines, values
from vtbench.metrics.catalog.judged import GENEVAL_TAGS, UNIGEN_DIMENSIONS


def _geneval(prompt: str, tag: str, image: int, correct: Any) -> dict[str, Any]:
    place = f"/somewhere/{abs(hash(prompt)) % 90000:05d}/samples/{image:04d}.png"
    return {"filename": place, "tag": tag, "prompt": prompt, "correct": correct, "reason": "", "metadata": "{}"}


def test_geneval(lines: Lines, brought: Bring) -> None:
    right = {"single_object": 3, "two_object": 0, "counting": 1, "colors": 4, "position": 0, "color_attr": 2}
    rows = [_geneval(f"a {tag}", tag, image, image < right[tag]) for tag in GENEVAL_TAGS for image in range(4)]
    record = brought("geneval", lines("results.jsonl", rows))
    found = values(record)
    assert found["geneval", "all"] == pytest.approx(sum(right.values()) / 24)
    assert found["geneval", "tag=colors"] == 1 and found["geneval", "tag=counting"] == 0.25
    assert found["geneval_prompts", "all"] == pytest.approx(4 / 6)
    assert record.task.name == "geneval" and record.model.label == "mine" and record.model.kind == "generator"
    assert record.result("geneval").details["judge"] == "mask2former-swin-s-coco"  # type: ignore[union-attr]
    assert "6 samples, where the full set has 553" in " ".join(record.warnings)


def test_wise_legacy(lines: Lines, brought: Bring) -> None:
    marks = [
        (1, 2, 2, 2),
        (400, 0, 0, 2),
        (401, 1, 1, 1),
        (568, 2, 0, 0),
        (701, 0, 2, 0),
        (801, 1, 0, 2),
        (1000, 2, 2, 0),
    ]
    rows = [
        {"prompt_id": i, "consistency": c, "realism": r, "aesthetic_quality": a, "Subcategory": "x"}
        for i, c, r, a in marks
    ]
    record = brought("wise", lines("s.jsonl", rows), judge="gpt-4o-2024-05-13")
    found, name = values(record), "wise[gpt-4o-2024-05-13]"
    means = {"culture": (1 + 0.1) / 2, "time": 0.5, "space": 0.7, "biology": 0.2, "physics": 0.45, "chemistry": 0.9}
    assert {part: found[name, f"category={part}"] for part in means} == pytest.approx(means)
    weights = (0.4, 0.167, 0.133, 0.1, 0.1, 0.1)
    assert found[name, "all"] == pytest.approx(sum(w * m for w, m in zip(weights, means.values(), strict=True)))


def test_wise_verified(lines: Lines, brought: Bring) -> None:
    first = lines("culture.jsonl", [{"prompt_id": i, "score": s} for i, s in ((1, 1), (2, 1), (3, 0), (4, 1))])
    ids = ((401, 1), (521, 0), (641, 1), (761, 0), (881, 1))
    second = lines("rest.jsonl", [{"prompt_id": i, "score": s} for i, s in ids])
    found = values(brought("wise-verified", first, second, judge="Qwen3.5-35B-A3B"))
    assert found["wise_verified[Qwen3.5-35B-A3B]", "all"] == pytest.approx(0.4 * 0.75 + 0.12 * 3)


def test_a_category_of_wise_that_is_missing_leaves_no_overall_number(lines: Lines, brought: Bring) -> None:
    record = brought("wise-verified", lines("s.jsonl", [{"prompt_id": 1, "score": 1}]), judge="x")
    found = values(record)
    assert math.isnan(found["wise_verified[x]", "all"]) and found["wise_verified[x]", "category=culture"] == 1


def test_geneval_2(lines: Lines, tmp_path: Path, brought: Bring) -> None:
    (tmp_path / "scores.json").write_text(json.dumps([[0.5, 0.5, 1.0], [0.0, 1.0], [1.0, 0.25]]))
    skills = [["count", "object", "object"], ["count", "object"], ["attribute", "object"]]
    asked = lines("data.jsonl", [{"atom_count": 3 + (i == 1), "skills": own} for i, own in enumerate(skills)])
    found = values(brought("geneval2", tmp_path / "scores.json", questions=asked))
    assert found["geneval2_gm", "all"] == pytest.approx(100 * (0.25 ** (1 / 3) + 0 + 0.5) / 3)
    assert found["geneval2_gm", "atoms=4"] == 0 and found["geneval2_gm", "atoms=3"] > 50
    assert found["geneval2_am", "all"] == pytest.approx(100 * (2 / 3 + 0.5 + 0.625) / 3)
    assert found["geneval2_am", "skill=object"] == pytest.approx(100 * (0.5 + 1 + 1 + 0.25) / 4)
    assert found["geneval2_am", "skill=count"] == pytest.approx(25)


def _csv(path: Path, rows: list[list[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    return path


def test_oneig(tmp_path: Path, brought: Bring) -> None:
    aligned = [["", "mine", "other"], ["anime_000", 0.5, 0], ["human_001", 1.0, 0], ["object_002", "", 0]]
    first = _csv(tmp_path / "alignment_prompt_score_EN_2026-01-01.csv", aligned)
    texts = [["", "mine"], ["000", "[10.0, 0.5, 0.75]"], ["001", "[30.0, 0.0, 0.5]"]]
    second = _csv(tmp_path / "text_prompt_score_EN_2026-01-01.csv", texts)
    words = [["", "id", "text_content"], [0, "000", "['two words', 'and, two']"], [1, "001", "['twelve']"]]
    record = brought("oneig-bench", first, second, questions=_csv(tmp_path / "text_content.csv", words))
    found = values(record)
    assert found["oneig_alignment", "all"] == 0.75 and found["oneig_alignment", "set=human"] == 1
    assert found["oneig_text_ed", "all"] == 20 and found["oneig_text_cr", "all"] == 0.25
    wac = (0.75 * 4 + 0.5 * 1) / 5
    assert found["oneig_text", "all"] == pytest.approx(1 - 20 * 0.75 * (1 - wac) / 100)
    assert [one.id for one in record.failures] == ["object_002"]
    alone = values(brought("oneig-bench", second))
    assert ("oneig_text", "all") not in alone and alone["oneig_text_ed", "all"] == 20


def test_longtext(lines: Lines, brought: Bring) -> None:
    rows = [
        {"image": "0003_1.png", "ocr_gt": ["No text", "here"], "ocr_results": "No text recognized", "prompt": "p"},
        {"image": "0003_2.png", "ocr_gt": ["No text", "here"], "ocr_results": "Here: text!", "prompt": "p"},
        {"image": "0004_1.png", "ocr_gt": "a a b c d", "ocr_results": "a b b x", "prompt": "q"},
    ]
    found = values(brought("longtext-bench", lines("results.jsonl", rows)))
    assert found["longtext_bench", "all"] == pytest.approx((0 + 2 + 2) / 11)
    assert found["compat_longtext_bench", "all"] == pytest.approx((2 + 2 + 2) / 11)


def test_longtext_in_chinese_is_of_characters(lines: Lines, brought: Bring) -> None:
    rows = [{"image": "0.png", "ocr_gt": ["你好 Ab"], "ocr_results": "好ab，你"}]
    record = brought("longtext-bench", lines("results.jsonl", rows), prompt_set="zh")
    assert record.task.name == "longtext-bench-zh"
    assert values(record)["longtext_bench_zh", "all"] == pytest.approx(3 / 4)


def _unigen(index: int, image: int, points: list[str], scores: list[int] | None) -> list[Any]:
    told = None if scores is None else {"testpoint": points, "score": scores, "analysis": ["x"] * len(points)}
    return [index, "p", str(points), "out", json.dumps(told, indent=4), f"/i/{index}_{image}.png"]


def test_unigenbench(tmp_path: Path, brought: Bring) -> None:
    header = ["index", "prompt", "testpoint", "output", "result_json", "img_path"]
    others = [one for one in UNIGEN_DIMENSIONS if one not in ("Style", "Attribute")]
    rows = [
        _unigen(0, 0, ["Style", "Attribute - Color", "Attribute - Two-Tone"], [1, 0, 1]),
        _unigen(0, 1, ["Style", "Attribute - Color", "Attribute - Two-Tone"], None),
        _unigen(1, 0, ["Style", *others], [0, *([1] * len(others))]),
    ]
    record = brought("unigenbench", _csv(tmp_path / "m_en.csv", [header, *rows]), judge="gemini-2.5-pro")
    found, name = values(record), "unigenbench[gemini-2.5-pro]"
    assert found[name, "dimension=Attribute"] == 50 and found[name, "testpoint=Attribute - Two-Tone"] == 100
    assert found[name, "dimension=Style"] == 50 and found[name, "all"] == pytest.approx((50 + 50 + 800) / 10)
    assert "1 images have no value that can be used" in " ".join(record.warnings)


def test_t2i_compbench(tmp_path: Path, brought: Bring) -> None:
    for place, answers in (
        ("color/annotation_blip", ["0.5000", "1.0000", "0.0000"]),
        ("3d-spatial/labels/annotation_obj_detection_3d", [0.25, 0.75, 0.5]),
    ):
        (tmp_path / "out" / place).mkdir(parents=True)
        rows = [{"question_id": i, "answer": answer} for i, answer in enumerate(answers)]
        (tmp_path / "out" / place / "vqa_result.json").write_text(json.dumps(rows))
    record = brought("t2i-compbench", tmp_path / "out", per_prompt=2)
    found = values(record)
    assert found["t2i_compbench_color", "all"] == 0.5 and found["t2i_compbench_spatial_3d", "all"] == 0.5
    assert record.result("t2i_compbench_color").n == 2  # type: ignore[union-attr]
    assert record.result("t2i_compbench_color").details["judge"] == "BLIP-VQA"  # type: ignore[union-attr]


def test_hpsv2(tmp_path: Path, brought: Bring) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"anime": [0.28, 0.30], "photo": [0.20, None]}))
    record = brought("hpsv2", tmp_path / "a.json", judge="v2.1")
    found = values(record)
    assert found["hpsv2[v2.1]", "all"] == pytest.approx(26) and found["hpsv2[v2.1]", "style=photo"] == pytest.approx(20)
    assert [one.id for one in record.failures] == ["photo/00001"]
    (tmp_path / "b.json").write_text(json.dumps({"mine": {"anime": [27.5]}, "x": {"anime": [1.5]}}))
    assert values(brought("hpsv2", tmp_path / "b.json", judge="v2.0"))["hpsv2[v2.0]", "all"] == 27.5


def test_judgements(lines: Lines, brought: Bring) -> None:
    told = {"metric": "balance", "judge": "gpt-4o-2024-08-06", "revision": "r1"}
    given = (("a", "add", (4, 8)), ("b", "add", (6,)), ("c", "style", (1, 3)))
    rows = [
        {**told, "id": f"{prompt}{image}", "prompt": prompt, "tag": tag, "value": value}
        for prompt, tag, own in given
        for image, value in enumerate(own)
    ]
    path, name = lines("j.jsonl", rows), "balance[gpt-4o-2024-08-06]"
    plain = brought("judgements", path, benchmark="emu-edit")
    assert plain.task.name == "emu-edit" and values(plain)[name, "all"] == pytest.approx(22 / 5)
    assert values(plain)[name, "tag=add"] == pytest.approx(6)
    even = brought("judgements", path, mean_over_tags=True, lower_is_better=True).result(name)
    assert even is not None and even.value == pytest.approx(4) and even.higher_is_better is False
    assert even.details["revision"] == "r1"
