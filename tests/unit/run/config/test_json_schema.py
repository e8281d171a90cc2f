"""Editors are told what the reader takes, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from vtbench.core.outside.parsing import parse_yaml
from vtbench.run.config.as_typed import AsTyped
from vtbench.run.config.json_schema import schema_path, schema_text
from vtbench.run.config.schema import ModelRequest, RunConfig


def test_the_committed_schema_is_current() -> None:
    command = "python -m vtbench.run.config.json_schema > docs/run-config.schema.json"
    assert schema_path().read_text(encoding="utf-8") == schema_text(), f"run: {command}"


def test_every_key_is_in_it_with_its_meaning_and_its_default() -> None:
    schema = json.loads(schema_text())
    assert list(schema["properties"]) == list(RunConfig.model_fields) and schema["additionalProperties"] is False
    assert all(key["description"] for key in schema["properties"].values())
    (_, whole) = schema["definitions"]["ModelRequest"]["anyOf"]
    assert list(whole["properties"]) == list(ModelRequest.model_fields) and whole["additionalProperties"] is False
    assert schema["properties"]["tokenizers"]["items"] == {"$ref": "#/definitions/ModelRequest"}
    assert "$defs" not in schema_text()
    defaults = RunConfig.model_validate({}).model_dump(mode="json")
    assert {name: key["default"] for name, key in schema["properties"].items()} == defaults


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "tokenizers: [jpeg, {model: jpeg, args: {quality: 1, a: [1, x], b: {c: null}}, name: n}]",
        "tasks: [a, b]\nsuite: null",
        "suite: mini\ntasks: []",
        "limit: 1\nseed: -1\nworkers: 0\nbatch_size: 1\noffline: true\ndtype: float16\nworkers_of: none",
        "tokenizers: jpeg",
        "tokenizers: [{model: jpeg, arg: {}}]",
        "tokenizers: [{args: {}}]",
        "tokenizers: [{model: jpeg, args: []}]",
        "tokenizers: [{model: jpeg, args: {a-b: 1}}]",
        "tokenizers: ['']",
        "tasks: [a, a]",
        "tasks: [a]\nsuite: mini",
        "tasks: [1]",
        "limit: 0",
        "limit: '1'",
        "seed: true",
        "offline: 1",
        "dtype: int4",
        "out: ' '",
        "out: null",
        "sed: 1",
    ],
)
def test_it_takes_what_the_reader_takes(text: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    read: Any = parse_yaml(text, "run.yaml", AsTyped)
    try:
        RunConfig.model_validate(read)
        taken = True
    except ValidationError:
        taken = False
    validator = jsonschema.Draft7Validator(json.loads(schema_text()))
    validator.check_schema(json.loads(schema_text()))
    assert validator.is_valid(read) is taken
