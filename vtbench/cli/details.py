"""Everything known of one name, without importing what it stands for."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

from vtbench.cli.inventory import inventory
from vtbench.cli.names import KINDS, is_known, names_of
from vtbench.core.disk.files import user_path
from vtbench.core.errors import UsageError
from vtbench.core.naming.trust import code_named


def details(name: str) -> dict[str, Any]:
    """Fields of a task, suite, metric or card, of a registered name with its arguments, of a class in code, or of a
    generator that was never published.

    A name that stands for several things has the fields of all, those after the first marked with their kind.

    Raises:
        UsageError: nothing has that name; with a suggestion.
    """
    from vtbench.cli.adapters import adapter_fields, images_fields, own_code_fields
    from vtbench.tokenizers import IMAGES

    if ":" in name and not is_known(name):
        return own_code_fields(name)
    first = _special(name)
    found = [*([first] if first is not None else []), *adapter_fields(name)]
    if not found:
        found = [row for row in inventory("all") if row["name"] == name][:1]
        found = [row | images_fields() if name == IMAGES else row for row in found]
    if not found:
        raise _unknown(name)
    fields = dict(found[0])
    for more in found[1:]:
        fields |= {f"{key} ({more['kind']})": value for key, value in more.items() if key != "name"}
    return fields


def _special(name: str) -> dict[str, Any] | None:
    """What is more than a registered class: a run config, a task, a suite, a metric or a card."""
    from vtbench.cli.cards import card_fields, unpublished_fields
    from vtbench.metrics.catalog.judged import judged_metric
    from vtbench.metrics.catalog.lookup import metric_names
    from vtbench.run.config.reading import is_config_file
    from vtbench.tasks import is_suite_file, load_suites, task_files

    if is_config_file(name):
        return _run_config(name)
    if is_suite_file(name):
        return _suite(name)
    if name in task_files() or name.endswith((".yaml", ".yml")):
        return _task(name)
    if name in metric_names() or judged_metric(name) is not None:
        return _metric(name)
    if name in load_suites():
        return _suite(name)
    return card_fields(name) or unpublished_fields(name)


def _unknown(name: str) -> UsageError:
    if name.endswith(".py"):
        return UsageError(f"{name} is Python code", f"name a class of it: {name}:CLASS")
    target = name.partition(",")[0].strip()
    if is_known(target):
        return UsageError(f"show takes a name without arguments: {name!r}", f"vtbench show {target}")
    known = dict.fromkeys(n for kind in KINDS for n in names_of(kind))
    close = difflib.get_close_matches(target.lower(), known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else "see vtbench list"
    return UsageError(f"nothing is called {name!r}", hint)


def _unread(path: Path) -> dict[str, Any]:
    """The fields of a run config, task or suite file as they stand, with the code that it names and nobody imports."""
    from vtbench.tasks.files import read_mapping

    content = read_mapping(path)
    code = "\n".join(f"{code} ({field})" for field, code in code_named(content))
    if not code:
        return {}
    told = f"its protocol is known once its code may run: --trust {path}"
    return {"kind": "file that names code", "code": code, "note": told} | {
        key: _text(value) for key, value in content.items() if key not in ("kind", "code", "note")
    }


def _task(name: str) -> dict[str, Any]:
    from vtbench.tasks import load_task

    if name.endswith((".yaml", ".yml")) and (fields := _unread(user_path(name))):
        return fields
    task = load_task(name)
    fields = {key: _text(value) for key, value in task.model_dump(mode="json", exclude={"kind", "quirks"}).items()}
    quirks = {f"quirk {number}": sentence for number, sentence in enumerate(task.quirks, start=1)}
    return {"kind": "task", "protocol_id": task.protocol_id, **fields, **quirks}


def _suite(name: str) -> dict[str, Any]:
    from vtbench.tasks import load_suite

    if name.endswith((".yaml", ".yml")) and (fields := _unread(user_path(name))):
        return fields
    suite = load_suite(name)
    members = {key: "\n".join(getattr(suite, key)) for key in ("tasks", "tokenizers", "generators")}
    return {"kind": "suite", "summary": suite.summary, **{key: names for key, names in members.items() if names}}


def _run_config(name: str) -> dict[str, Any]:
    from vtbench.run.config.reading import read_config

    content = _unread(user_path(name)) or read_config(name).content
    lists = {key: "\n".join(map(str, value)) for key, value in content.items() if isinstance(value, list)}
    return {"kind": "run config", **content, **lists}


def _metric(name: str) -> dict[str, Any]:
    from dataclasses import asdict

    from vtbench.metrics.catalog.lookup import metric_info, set_metric

    fields = asdict(metric_info(name))
    entry = set_metric(name)
    if entry is not None:
        fields |= {"estimator": entry.estimator, "extractor": entry.extractor, "feature": entry.feature}
    return {"metric_kind": fields.pop("kind"), **fields}


def _text(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value
