"""``--help`` of the verbs with many options: in panels, by what the options are about."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

PANELS = {
    "Models and tasks": ("tokenizer", "generator", "task", "suite", "pred", "name"),
    "Data": ("data", "reference", "training", "limit", "seed", "allow_small_sets"),
    "Machine": ("device", "dtype", "batch_size", "workers", "workers_of", "offline"),
    "Workers": ("launcher", "world", "gpus_per_worker", "cpus_per_worker", "ray_address", "slurm"),
    "Results": ("out", "samples", "strict", "fresh", "dry_run", "json"),
    "Files": ("config", "save_config", "trust"),
}


class InPanels(TyperCommand):
    """A command whose options stand in the panels that name them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        panels = {name: panel for panel, names in PANELS.items() for name in names}
        for parameter in self.params:
            if parameter.name in panels:
                parameter.rich_help_panel = panels[parameter.name]  # type: ignore[attr-defined]
