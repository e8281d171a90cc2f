"""What a generation task asks for: counts, order, ids, and prompt files of every kind."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from vtbench.core.contracts import Condition
from vtbench.core.digests import digest_file
from vtbench.core.errors import UsageError
from vtbench.data.conditions import (
    ConditionSample,
    ConditionSet,
    balanced_classes,
    prompts,
    unconditional,
    uniform_classes,
)


def labels(found: ConditionSet) -> list[int | None]:
    return [sample.condition.label for sample in found.samples]


def test_balanced_classes_stay_balanced_at_any_limit() -> None:
    found = balanced_classes(10, 5)
    assert len(found) == 50 and set(Counter(labels(found)).values()) == {5}
    for count in range(1, 51):
        counts = Counter(labels(found.subset(count)))
        assert max(counts.values()) - min(counts.get(label, 0) for label in range(10)) <= 1
    assert found.ids[:2] == ("000000-c0000", "000001-c0001") and found.ids[12] == "000012-c0002"
    assert dict(found.description) == {
        "of": "classes",
        "classes": 10,
        "balance": "balanced",
        "per_class": 5,
        "count": 50,
    }


def test_uniform_classes_are_the_same_everywhere() -> None:
    found = uniform_classes(1000, 20_000, 7)
    assert labels(found)[:8] == labels(uniform_classes(1000, 8, 7))
    assert labels(uniform_classes(1000, 6, 0)) == [864, 394, 776, 911, 430, 41]  # of Python's Mersenne Twister
    counts = Counter(labels(found))
    assert len(counts) == 1000 and min(counts) == 0 and max(label or 0 for label in counts) == 999
    chi_squared = sum((counts[label] - 20) ** 2 / 20 for label in range(1000))
    assert 800 < chi_squared < 1200  # 999 degrees of freedom: mean 999, standard deviation 45
    assert labels(uniform_classes(1000, 20_000, 8)) != labels(found)


@pytest.mark.parametrize(
    "found", [balanced_classes(3, 40_000), uniform_classes(10_000, 3_000, 0), unconditional(1_200)], ids=str
)
def test_ids_are_unique(found: ConditionSet) -> None:
    assert len(set(found.ids)) == len(found) == len(found.ids)


def test_unconditional() -> None:
    found = unconditional(3)
    assert found.ids == ("000000", "000001", "000002") and found[2].condition == Condition()


def test_one_prompt_a_line(tmp_path: Path) -> None:
    """Separators that are no newline belong to the prompt; blank lines do not count."""
    path = tmp_path / "prompts.txt"
    path.write_bytes("\ufeffa red cat\r\n\r\n  une fenêtre\u2028ouverte \n\n犬\x0cと猫".encode())
    found = prompts(path, per_prompt=2)
    asked = [sample.condition.prompt for sample in found.samples]
    assert asked == [text for text in ("a red cat", "une fenêtre\u2028ouverte", "犬\x0cと猫") for _ in range(2)]
    assert found.ids == tuple(f"0000{index}-s0{copy}" for index in range(3) for copy in range(2))
    assert found.description["prompts"] == 3 and found.description["count"] == 6
    assert found.description["sha256"] == digest_file(path)


def test_geneval_metadata_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "evaluation_metadata.jsonl"
    lines = [
        {"tag": "counting", "include": [{"class": "dog", "count": 2}], "prompt": "a photo of two dogs"},
        {"tag": "colors", "prompt": "a\u2028b"},
    ]
    path.write_text("\n\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n", encoding="utf-8")
    found = prompts(path)
    assert [{"prompt": s.condition.prompt, **s.condition.metadata} for s in found.samples] == lines


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b" \n\n", "holds no prompt"),
        ("a.txt", b"", "holds no prompt"),
        ("a.txt", b"caf\xe9", "not a text file in UTF-8"),
        ("a.jsonl", b'{"prompt": "a"}\n\n{"prompt": ', r"a\.jsonl:3 is not JSON"),
        ("a.jsonl", b'{"prompt": "a"}\n{"text": "b"}', r'a\.jsonl:2 has no "prompt"'),
        ("a.jsonl", b'{"prompt": " "}', r'a\.jsonl:1 has no "prompt"'),
        ("a.jsonl", b'["a"]', r"a\.jsonl:1 has no"),
        ("a.jsonl", b'{"prompt": ["a"]}', r"a\.jsonl:1 has no"),
    ],
)
def test_files_that_hold_no_prompts(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=message):
        prompts(tmp_path / name)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file of prompts"):
        prompts(tmp_path / "missing.txt")
    with pytest.raises(UsageError, match="cannot be read"):
        prompts(tmp_path)


def test_the_fingerprint_tells_what_is_asked_for() -> None:
    assert balanced_classes(4, 2).fingerprint == balanced_classes(4, 2).fingerprint
    others = [balanced_classes(4, 3), balanced_classes(8, 1), uniform_classes(4, 8, 0), unconditional(8)]
    others += [balanced_classes(4, 2).subset(7)]
    assert len({found.fingerprint for found in [balanced_classes(4, 2), *others]}) == 6
    shuffled = ConditionSet(balanced_classes(4, 2).samples[::-1])
    assert shuffled.fingerprint == balanced_classes(4, 2).fingerprint
    texts = [ConditionSet([ConditionSample("a", Condition(prompt=text))]).fingerprint for text in ("x", "y", "")]
    assert len({*texts, ConditionSet([ConditionSample("a", Condition())]).fingerprint}) >= 3


def test_a_subset_says_so() -> None:
    found = balanced_classes(4, 2)
    assert found.subset(8) is found and found.subset(100) is found
    assert len(found.subset(3)) == 3 and found.subset(3).description["limit"] == 3
