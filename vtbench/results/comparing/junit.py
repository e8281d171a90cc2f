"""Findings of a check as a JUnit report: a suite a job, a case a metric."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from xml.etree import ElementTree

from vtbench.core.disk.files import write_text
from vtbench.results.comparing.check import Finding
from vtbench.results.comparing.verdict import NEW, NOT_COMPARABLE, REGRESSION

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
_ELEMENTS = {REGRESSION: "failure", NOT_COMPARABLE: "error", NEW: "skipped"}


def write_junit(findings: Sequence[Finding], path: Path) -> None:
    """Write the report atomically.

    A regression is a ``failure``, what does not compare an ``error``, what the baseline lacks ``skipped``.
    """
    write_text(path, junit_text(findings))


def junit_text(findings: Sequence[Finding]) -> str:
    """The report as XML. Characters that XML 1.0 cannot hold are replaced."""
    root = ElementTree.Element("testsuites", {"name": "vtbench check", **_counts(findings)})
    jobs = dict.fromkeys((found.task, found.model) for found in findings)
    for task, model in jobs:
        mine = [found for found in findings if (found.task, found.model) == (task, model)]
        suite = ElementTree.SubElement(root, "testsuite", {"name": _clean(f"{task} {model}"), **_counts(mine)})
        for found in mine:
            _add_case(suite, found)
    ElementTree.indent(root)
    return f"{_DECLARATION}\n{ElementTree.tostring(root, encoding='unicode')}\n"


def _add_case(suite: ElementTree.Element, found: Finding) -> None:
    name = found.metric if found.stratum == "all" else f"{found.metric} [{found.stratum}]"
    attributes = {"classname": _clean(f"{found.task}.{found.model}"), "name": _clean(name)}
    case = ElementTree.SubElement(suite, "testcase", attributes)
    element = _ELEMENTS.get(found.verdict)
    if element is not None:
        told = ElementTree.SubElement(case, element, {"message": _clean(found.why), "type": found.verdict})
        told.text = _clean(_numbers(found))
    else:
        ElementTree.SubElement(case, "system-out").text = _clean(f"{found.verdict}: {found.why}; {_numbers(found)}")


def _numbers(found: Finding) -> str:
    shown = [entry.name for entry in fields(found) if entry.name not in ("task", "model", "metric", "stratum", "why")]
    return ", ".join(f"{name} {getattr(found, name)}" for name in shown if getattr(found, name) is not None)


def _counts(findings: Sequence[Finding]) -> dict[str, str]:
    of = {element: str(sum(_ELEMENTS.get(f.verdict) == element for f in findings)) for element in _ELEMENTS.values()}
    return {"tests": str(len(findings)), "failures": of["failure"], "errors": of["error"], "skipped": of["skipped"]}


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
