"""Tasks: named protocols, one YAML file each, and the suites that group them."""

from vtbench.tasks.files import data_root, load_task, read_task, task_files
from vtbench.tasks.schema import PIXEL_RULE, TaskSpec
from vtbench.tasks.sections import (
    ConditionSpec,
    DataSpec,
    InstanceSpec,
    LikelihoodSpec,
    MetricRequest,
    PreprocessSpec,
    PreviewSpec,
    ReaderSpec,
    ReferenceSpec,
)
from vtbench.tasks.suites import Suite, is_suite_file, load_suite, load_suites

__all__ = [
    "PIXEL_RULE",
    "ConditionSpec",
    "DataSpec",
    "InstanceSpec",
    "LikelihoodSpec",
    "MetricRequest",
    "PreprocessSpec",
    "PreviewSpec",
    "ReaderSpec",
    "ReferenceSpec",
    "Suite",
    "TaskSpec",
    "data_root",
    "is_suite_file",
    "load_suite",
    "load_suites",
    "load_task",
    "read_mapping",
    "read_task",
    "task_files",
]
