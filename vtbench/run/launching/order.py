"""What a worker elsewhere is to plan: names and numbers, from which it comes to the same jobs by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtbench.core.errors import UsageError
from vtbench.run.config.planning import plan_config
from vtbench.run.config.schema import RunConfig
from vtbench.run.session import Session
from vtbench.version import __version__


@dataclass(frozen=True)
class Order:
    """An invocation on its way to another machine.

    Attributes:
        invocation: every field of a :class:`~vtbench.run.config.schema.RunConfig` that has a value.
        trusted: files, or folders of files, whose code and programs may run.
        folder: current folder of whoever ordered; paths in the invocation begin there.
        version: of vtbench there.
    """

    invocation: Mapping[str, Any]
    trusted: tuple[str, ...]
    folder: str
    version: str = __version__

    @classmethod
    def of(cls, config: RunConfig, trusted: Collection[Path]) -> Order:
        """Of what was planned in this process."""
        return cls(config.content, tuple(map(str, trusted)), str(Path.cwd()))

    def planned(self, changes: Mapping[str, Any]) -> Session:
        """Plan it in this process, which stands in the folder of whoever ordered where that is there.

        Args:
            changes: fields of the invocation that differ here.

        Raises:
            UsageError: another version of vtbench, or what cannot be planned here.
        """
        if self.version != __version__:
            raise UsageError(
                f"this worker has vtbench {__version__}, and whoever asks it {self.version}",
                "install the same version on every machine",
            )
        config = RunConfig.model_validate({**self.invocation, **changes})
        return plan_config(config, [*map(Path, self.trusted)], ()).session
