"""Scores of benchmarks' own judges, brought as files: names, meanings, versions, and how each follows from rows.

A metric by its plain name is of the judge that its benchmark states; by any other judge it is ``NAME[JUDGE]``, and so
is a metric of a benchmark whose judges vary. Names that are not listed here are of somebody's own judge, likewise.
No torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from vtbench.core.info import MetricInfo

COMPAT = "compat_"
GENEVAL_TAGS = ("single_object", "two_object", "counting", "colors", "position", "color_attr")
"""The six of GenEval; each weighs the same, however many prompts it has."""
_NAMED = re.compile(r"(?P<base>[a-z][a-z0-9_]{0,63})\[(?P<judge>[^\[\]\s,=:]{1,128})\]")


@dataclass(frozen=True, kw_only=True)
class JudgedMetric:
    """How a judged metric follows from rows, each of one prompt, with the mean and the count of what it was given.

    Attributes:
        info: what it means.
        by: the field of the prompts by whose values it is averaged; empty where it is the mean over everything.
        labels: those values, every one of which must be there; empty for whichever are.
        weights: of each label; empty where all weigh the same.
        parts: the field whose values are parts of a prompt, each with columns of its own: ``NAME:VALUE``.
        mean_of_parts: whether the value is the mean of the parts named ``labels``, not that of the metric's own column.
        limit: of a score out of edit distance, completion and accuracy: the distance from which all is lost.
    """

    info: MetricInfo
    by: str = ""
    labels: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    parts: tuple[str, ...] = ()
    mean_of_parts: bool = False
    limit: int = 0


def _metric(name: str, summary: str, unit: str = "", higher: bool = True) -> MetricInfo:
    return MetricInfo(name=name, version=1, kind="judged", unit=unit, higher_is_better=higher, summary=summary)


WISE_CATEGORIES = ("culture", "time", "space", "biology", "physics", "chemistry")
UNIGEN_DIMENSIONS = (
    *("Style", "World Knowledge", "Attribute", "Action", "Relationship", "Compound", "Grammar"),
    *("Logical Reasoning", "Entity Layout", "Text Generation"),
)
UNIGEN_DIMENSIONS_ZH = (
    *("风格", "世界知识", "属性", "动作", "关系", "复合考点", "语法"),
    *("逻辑推理", "实体布局", "文本生成"),
)
_COMPBENCH = {
    "color": "BLIP-VQA, the product over noun phrases",
    "shape": "BLIP-VQA, the product over noun phrases",
    "texture": "BLIP-VQA, the product over noun phrases",
    "spatial": "UniDet's boxes, below .5 taken as 0",
    "spatial_3d": "UniDet's boxes and DPT's depth",
    "numeracy": "UniDet's boxes, counted",
    "non_spatial": "CLIP ViT-B/32's cosine",
    "complex": "the mean of those that apply",
}
_UNIGEN_SETS = {"": "English", "_long": "long English", "_zh": "Chinese", "_zh_long": "long Chinese"}
_LANGUAGES = {"": "English", "_zh": "Chinese"}


def _all() -> Iterator[JudgedMetric]:
    plain = [
        _metric("geneval_images", "Share of GenEval's images that show what was asked for."),
        _metric("geneval_prompts", "Share of GenEval's prompts with an image that shows what was asked for."),
        *(
            _metric(f"t2i_compbench_{part}", f"T2I-CompBench, {part.replace('_', ' ')}: {judge}.")
            for part, judge in _COMPBENCH.items()
        ),
        _metric("hpsv2", "Human Preference Score v2, 100 times a cosine, over four styles."),
        _metric("geneval2_gm", "GenEval 2, Soft-TIFA: geometric mean of a prompt's answers, over prompts.", "%"),
    ]
    yield JudgedMetric(info=_metric("geneval", "GenEval: mean of six tags' shares of right images."), by="tag",
                       labels=GENEVAL_TAGS)  # fmt: skip
    yield from (JudgedMetric(info=info) for info in plain)
    yield JudgedMetric(
        info=_metric("geneval2_am", "GenEval 2, Soft-TIFA: arithmetic mean of a prompt's answers, over prompts.", "%"),
        parts=("skill",),
    )
    yield JudgedMetric(
        info=_metric("dpg_bench", "DPG-Bench: share of questions answered yes, by image.", "%"), parts=("category",)
    )
    yield JudgedMetric(
        info=_metric(
            "compat_dpg_bench",
            "DPG-Bench as its script has it: a question is never asked, categories are of the last tile alone.",
            "%",
        ),
        parts=("category",),
    )
    yield JudgedMetric(
        info=_metric("wise", "WISE (legacy): three marks a picture, weighted; then over six categories, weighted."),
        by="category", labels=WISE_CATEGORIES, weights=(0.4, 0.167, 0.133, 0.1, 0.1, 0.1),
    )  # fmt: skip
    yield JudgedMetric(
        info=_metric("wise_verified", "WISE Verified: right or wrong, then over six categories, weighted."),
        by="category", labels=WISE_CATEGORIES, weights=(0.4, *(0.12,) * 5),
    )  # fmt: skip
    for tail, language in _LANGUAGES.items():
        yield from _of_oneig(tail, language)
        for compat, told in (("", ""), (COMPAT, ", what a reader says instead of a text taken as read")):
            summary = f"LongText-Bench, {language}: share of words (of characters in Chinese) that were read{told}."
            yield JudgedMetric(info=_metric(f"{compat}longtext_bench{tail}", summary))
    for tail, prompts in _UNIGEN_SETS.items():
        yield JudgedMetric(
            info=_metric(f"unigenbench{tail}", f"UniGenBench, {prompts} prompts: mean of ten dimensions.", "%"),
            labels=UNIGEN_DIMENSIONS_ZH if "zh" in tail else UNIGEN_DIMENSIONS,
            parts=("dimension", "testpoint"),
            mean_of_parts=True,
        )


def _of_oneig(tail: str, language: str) -> Iterator[JudgedMetric]:
    for part, what in (
        ("alignment", "share of questions answered yes"),
        ("reasoning", "similarity to an answer"),
        ("style", "similarity to a style"),
        ("diversity", "distance of a prompt's images"),
        ("text_cr", "share of images whose text is read without a fault"),
    ):
        yield JudgedMetric(info=_metric(f"oneig_{part}{tail}", f"OneIG-Bench, {language}: {what}."))
    yield JudgedMetric(
        info=_metric(f"oneig_text_ed{tail}", f"OneIG-Bench, {language}: edits between texts.", "edits", higher=False)
    )
    yield JudgedMetric(
        info=_metric(f"oneig_text{tail}", f"OneIG-Bench, {language}: text, of edits, whole texts and words."),
        limit=50 if tail else 100,
    )


JUDGED: dict[str, JudgedMetric] = {metric.info.name: metric for metric in _all()}


def judge_of(name: str) -> str:
    """The judge that a name carries; empty where it carries none."""
    named = _NAMED.fullmatch(name)
    return named["judge"] if named else ""


def judged_metric(name: str) -> JudgedMetric | None:
    """What ``NAME`` or ``NAME[JUDGE]`` means; ``None`` where it is no judged metric."""
    if name in JUDGED:
        return JUDGED[name]
    named = _NAMED.fullmatch(name)
    if named is None:
        return None
    base, judge = named["base"], named["judge"]
    if base in JUDGED:
        known = JUDGED[base]
        return replace(known, info=replace(known.info, name=name, summary=f"{known.info.summary} Judged by {judge}."))
    info = MetricInfo(name=name, version=1, kind="judged", summary=f"{base}, as {judge} judges it.")
    return JudgedMetric(info=info)


def judged_name(base: str, judge: str, own: str) -> str:
    """The name of a metric as a judge gave it, ``own`` being the judge that its benchmark states, if it states one."""
    return base if judge == own and own else f"{base}[{judge}]"


def is_judge(text: str) -> bool:
    """Whether a judge can be called so: no space, comma, bracket or equals sign."""
    return _NAMED.fullmatch(f"x[{text}]") is not None
