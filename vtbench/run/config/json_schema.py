"""``docs/run-config.schema.json``: ``python -m vtbench.run.config.json_schema > docs/run-config.schema.json``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from vtbench.run.config.schema import RunConfig
from vtbench.tasks.files import data_root

_DIALECT = "http://json-schema.org/draft-07/schema#"
"""Which editors know best; nothing newer is used."""


def schema_path() -> Path:
    """Where the schema lies: in the package of a wheel, beside it in a checkout."""
    return data_root() / "docs" / "run-config.schema.json"


def schema_text() -> str:
    """The schema of the file as JSON, for editors."""
    return (
        json.dumps(
            _draft_07({"$schema": _DIALECT, **RunConfig.model_json_schema(schema_generator=_Untitled)}),
            indent=2,
            ensure_ascii=False,
        )
        + "\n"
    )


class _Untitled(GenerateJsonSchema):
    """Without titles that only repeat the key."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Of no field."""
        return False


def _draft_07(schema: Any) -> Any:
    """With the names that draft 07 has: ``definitions`` for ``$defs``."""
    if isinstance(schema, dict):
        return {("definitions" if key == "$defs" else key): _draft_07(value) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_draft_07(item) for item in schema]
    return schema.replace("#/$defs/", "#/definitions/") if isinstance(schema, str) else schema


if __name__ == "__main__":
    sys.stdout.write(schema_text())
