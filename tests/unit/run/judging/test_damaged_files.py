"""Files with bytes changed, cut, doubled and put in: read, or refused with a reason."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from vtbench.core.errors import VtbenchError
from vtbench.run.judging.formats.table import find_format
from vtbench.run.judging.source import Source

_LONGTEXT = {"image": "0001_2.png", "ocr_gt": ["A long", "text"], "ocr_results": "a lng text", "prompt": "p"}
_POINTS = json.dumps({"testpoint": ["Style", "Attribute - Color"], "score": [1, 0]}).replace('"', '""')
FILES = {
    "geneval": (
        "r.jsonl",
        '{"filename": "a/00001/samples/0000.png", "tag": "colors", "prompt": "p", "correct": true}\n',
    ),
    "wise": ("r.jsonl", '{"prompt_id": 7, "consistency": 2, "realism": 1, "aesthetic_quality": 0}\n'),
    "wise-verified": ("r.jsonl", '{"prompt_id": 7, "score": 1}\n{"prompt_id": 8, "score": 0}\n'),
    "longtext-bench": ("r.jsonl", f"{json.dumps(_LONGTEXT)}\n"),
    "unigenbench": ("m_en.csv", f'index,prompt,result_json,img_path\n0,"p, q","{_POINTS}",/i/0_0.png\n'),
    "geneval2": ("s.json", "[[0.5, 1.0, 0.25], [0.0, 1]]"),
    "dpg-bench": ("x_results.txt", "/a/7.png, 0.5, 1.0, 0.75\nModel: x\nDPG-Bench score: 75.0\n"),
    "oneig-bench": ("text_prompt_score_EN_1.csv", ',mine\n000,"[27.5, 0.0, 0.86]"\n001,\n'),
    "hpsv2": ("s.json", '{"anime": [27.5, null], "photo": [26.125]}'),
    "judgements": ("r.jsonl", '{"id": "a", "metric": "m", "value": 1.5, "judge": "j", "prompt": "p", "tag": "t"}\n'),
}
QUESTIONS = {
    "dpg-bench": "item_id,proposition_id,dependency,tuple,question_natural_language\n7,1,0,g,Is it?\n7,2,1,a (b),Or?\n",
    "oneig-bench": ",id,text_content\n0,000,['two words']\n1,001,['one']\n",
    "geneval2": '{"atom_count": 3, "skills": ["a", "b", "b"]}\n{"atom_count": 4, "skills": ["a", "b"]}\n',
}
PIECES = (
    b'"',
    b"{",
    b"]",
    b",",
    b"\n",
    b"null",
    b"NaN",
    b"1e999",
    b"-1",
    b"\xff",
    b"\x00",
    b"[" * 80,
    b"9" * 400,
    b"\\ud800",
)


def _damaged(content: bytes, dice: random.Random) -> bytes:
    found = bytearray(content)
    for _ in range(dice.randint(1, 3)):
        place, how = dice.randrange(len(found) + 1), dice.random()
        if how < 0.3:
            found[place : place + 1] = bytes([dice.randrange(256)])
        elif how < 0.6:
            found[place:place] = dice.choice(PIECES)
        elif how < 0.8:
            del found[place : place + dice.randint(1, 12)]
        else:
            found[place:place] = found[: dice.randint(1, 40)]
    return bytes(found)


@pytest.mark.parametrize("form", FILES)
def test_damage_is_told_and_never_a_traceback(form: str, tmp_path: Path) -> None:
    name, text = FILES[form]
    path, questions = tmp_path / name, tmp_path / "questions"
    (tmp_path / "x_results_detail.txt").write_text(
        "/a/7.png, (0, 0, 8, 8), Is it?, yes\n/a/7.png, (0, 0, 8, 8), Or?, no\n"
    )
    path.write_text(text)
    assert len(find_format(form).read(Source(paths=[path], model="mine", per_prompt=2)).found)
    dice = random.Random(form)
    for turn in range(80):
        asked = QUESTIONS.get(form) if turn % 2 else None
        damages_questions = asked is not None and turn % 4 == 1
        path.write_bytes(text.encode() if damages_questions else _damaged(text.encode(), dice))
        if asked is not None:
            questions.write_bytes(_damaged(asked.encode(), dice) if damages_questions else asked.encode())
        try:
            source = Source(paths=[path], model="mine", questions=None if asked is None else questions, per_prompt=2)
            brought = find_format(form).read(source)
        except VtbenchError:
            continue
        brought.found.samples({column: column for column in brought.found.columns}, brought.fields)
