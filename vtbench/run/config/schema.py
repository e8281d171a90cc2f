"""``RunConfig``: what an invocation of ``vtbench run`` can say about models, tasks, data, machine and results.

Every field has the name of its option, ``-`` as ``_``, lists in the plural; a field left out has the option's default.
What is said about one call alone (``--dry-run``, ``--json``, ``--trust``) is no part of it.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, WithJsonSchema, model_validator

from vtbench.core.errors import VtbenchError
from vtbench.core.naming.reference import NAME, parse_reference
from vtbench.core.naming.values import show_value
from vtbench.tasks.sections import Frozen

# What a flow list leaves of ``[jpeg,quality=10]`` as an item of its own.
_ARGUMENT = re.compile(r"\w+=")
_TEXT = {"type": "string", "pattern": "\\S"}
_ANY_ARGUMENT = {"type": ["string", "number", "boolean", "null", "array", "object"]}
_ARGUMENTS = {"type": "object", "propertyNames": {"pattern": "^[^\\W\\d]\\w*$"}, "additionalProperties": _ANY_ARGUMENT}


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty: give it a value, or leave it out")
    return text


def _each_once(names: tuple[Any, ...]) -> tuple[Any, ...]:
    told = [str(name) for name in names]
    repeated = sorted({name for name in told if told.count(name) > 1})
    if repeated:
        raise ValueError(f"{', '.join(repeated)} is listed twice")
    return names


def _bare_or_whole(schema: dict[str, Any]) -> None:
    """A model's name alone stands for the mapping that holds it."""
    whole = {key: schema.pop(key) for key in list(schema)}
    bare = {**_TEXT, "description": "as on the command line: NAME[,key=value…]"}
    schema.update(title=whole.pop("title"), description=whole.pop("description"), anyOf=[bare, whole])


Text = Annotated[str, AfterValidator(_said), WithJsonSchema(_TEXT)]
Count = Annotated[int, Field(strict=True, ge=1)]
Switch = Annotated[bool, Field(strict=True)]


class ModelRequest(Frozen):
    """A model with its arguments: a text as on the command line, or name and arguments apart."""

    model_config = ConfigDict(json_schema_extra=_bare_or_whole)

    model: Text = Field(description="registered name, as 'vtbench list' tells them; or NAME,key=value…")
    args: Annotated[dict[str, str], WithJsonSchema(_ARGUMENTS)] = Field(
        default_factory=dict, description="arguments by name, as 'vtbench show NAME' tells them"
    )
    name: Text | None = Field(None, description="what tables call the model; none: model and arguments")

    def __str__(self) -> str:
        """The reference that names the model on the command line."""
        if not self.args and self.name is None:
            return self.model
        called = {} if self.name is None else {NAME: show_value(self.name)}
        pairs = [f"{key}={typed}" for key, typed in (*self.args.items(), *called.items())]
        return str(parse_reference(",".join([self.model, *pairs])))

    @classmethod
    def typed(cls, reference: str) -> ModelRequest:
        """A reference as it was typed, right or wrong: what is wrong with it is told where the model is made."""
        return cls.model_construct(model=reference, args={}, name=None)

    @model_validator(mode="before")
    @classmethod
    def _accept_a_bare_name(cls, value: Any) -> Any:
        return {"model": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_a_reference(self) -> ModelRequest:
        if _ARGUMENT.match(self.model):
            raise ValueError(
                f'{self.model} is an argument: in [ ] a comma ends a model, so quote it: ["NAME,{self.model}"]'
            )
        try:
            _ = parse_reference(str(self)).name
        except VtbenchError as error:
            raise ValueError("; ".join(filter(None, (error.what, error.hint)))) from error
        return self


_UNIQUE = Field(json_schema_extra={"uniqueItems": True})
Models = Annotated[tuple[ModelRequest, ...], AfterValidator(_each_once), _UNIQUE]
Names = Annotated[tuple[Text, ...], AfterValidator(_each_once), _UNIQUE]
# A list of tasks and a suite: what the validator below refuses, for editors.
_BOTH: dict[str, JsonValue] = {
    "required": ["tasks", "suite"],
    "properties": {"tasks": {"minItems": 1}, "suite": {"type": "string"}},
}


class RunConfig(Frozen):
    """One invocation of vtbench run: models, tasks, data and options. What is given as a flag replaces what it says."""

    model_config = ConfigDict(json_schema_extra={"not": _BOTH})

    tokenizers: Models = Field((), description="tokenizers to measure; none: those of the suite")
    generators: Models = Field((), description="generators to measure; none: those of the suite")
    tasks: Names = Field(
        (), description="tasks by name, or by the path of a YAML file from this file's folder; excludes suite"
    )
    suite: Text | None = Field(None, description="a suite by name or path, in place of tasks; neither: mini")
    data: Text | None = Field(None, description="images: a folder, tars, parquet, or a data set reference")
    reference: Text | None = Field(
        None, description="what generated images are compared with: statistics or a data set; none: the task's own"
    )
    training: Text | None = Field(None, description="images that a generator was trained on; none: the task's own")
    limit: Count | None = Field(None, description="only the first N samples")
    seed: int = Field(0, strict=True, description="base seed; each sample's seed follows from it and its id")
    allow_small_sets: Switch = Field(False, description="compute FID on fewer than 2,048 images")
    device: Text = Field("auto", description="auto, cpu, cuda or cuda:N", examples=["auto", "cpu", "cuda", "cuda:0"])
    dtype: Literal["float32", "bfloat16", "float16"] = Field("float32", description="arithmetic of the model")
    batch_size: Count | None = Field(None, description="images a model call")
    workers: int | None = Field(None, strict=True, ge=0, description="decoding processes; none: a few")
    workers_of: Literal["env", "none"] = Field(
        "env", description="env: share blocks as torchrun's or srun's variables say; none: measure everything here"
    )
    offline: Switch = Field(False, description="never touch the network")
    strict: Switch = Field(False, description="stop at the first sample that fails")
    fresh: Switch = Field(False, description="discard what an earlier run of the same job left")
    out: Text = Field("runs", description="folder for runs")
    samples: Text | None = Field(None, description="folder that every generated image is written to as well")

    @property
    def content(self) -> dict[str, Any]:
        """Every field that has a value, in order, as YAML and JSON hold it; models as on the command line."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        told = {key: [str(item) for item in v] if isinstance(v, tuple) else v for key, v in fields.items()}
        return {key: value for key, value in told.items() if value is not None and value != []}

    @model_validator(mode="after")
    def _tasks_or_a_suite(self) -> RunConfig:
        if self.tasks and self.suite is not None:
            raise ValueError("tasks and suite exclude each other: name the tasks, or the suite")
        return self
