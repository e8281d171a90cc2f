"""``command``: a generator that is any program, in any language. docs/adding-a-generator.md has its protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from vtbench.core.contracts import Condition, SampleFailure
from vtbench.core.digests import digest_json
from vtbench.core.disk.files import path_segment
from vtbench.core.errors import SampleError, UsageError
from vtbench.core.info import ConditionKind, GeneratorInfo, role_problem
from vtbench.data.kept_images import Wanted
from vtbench.data.sources.program_images import ImageProgram
from vtbench.generators.elsewhere.geneval_layout import write_image
from vtbench.generators.protocols import sampled_together

if TYPE_CHECKING:
    from torch import Tensor


class CommandGenerator:
    """Runs a program that reads requests, one JSON line an image, and writes image files.

    Images lie in a work folder keyed by command, condition and seed, so those of an interrupted run are not asked for
    again.

    Args:
        run: the command; split like a shell line, but no shell is run.
        native_size: side of its images in pixels; an image of another size is then a failure.
        conditions: what it is conditioned on: ``class``, ``prompt`` or ``none``.
        classes: number of classes; 0 where that is not known.
        images: roles of the images that it is given beside: ``[source]``, ``[source,mask]``.
        timeout: seconds that one start of the program may take.
        batch: most images asked of one start; all that vtbench samples at once unless given.
        work: folder that images are kept in; in the cache folder unless given.
        keep: whether finished images are kept; otherwise they are removed once read.
        name: what tables call it.

    Raises:
        UsageError: no such program, or an argument that makes no sense.
    """

    def __init__(
        self,
        run: str,
        native_size: int | None = None,
        conditions: ConditionKind = "class",
        classes: int = 0,
        images: tuple[str, ...] = (),
        timeout: float = 600.0,
        batch: int | None = None,
        work: str | None = None,
        keep: bool = True,
        name: str = "command",
    ) -> None:
        if conditions not in get_args(ConditionKind):
            raise UsageError(f"conditions={conditions}: not one of {', '.join(get_args(ConditionKind))}")
        if problem := next(filter(None, map(role_problem, images)), ""):
            raise UsageError(f"images={images}: {problem}")
        self._program = ImageProgram(run, timeout, batch, work, keep)
        self.info = GeneratorInfo(
            name=name,
            conditions=conditions,
            family="external program",
            revision=self._program.digest,
            classes=classes,
            native_size=native_size,
            sampler={"run": run},
            images=tuple(images),
        )

    def sample(self, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        """``B`` conditions and ``int64 [B]`` seeds to ``float32 [B,3,H,W]`` in [0, 1].

        Raises:
            SampleError: a sample failed, or sizes differ; ``sample_each`` keeps the others.
        """
        return sampled_together(self, conditions, seeds)

    def sample_each(
        self, conditions: Sequence[Condition], seeds: Tensor, ids: Sequence[str]
    ) -> list[Tensor | SampleFailure]:
        """``uint8 [3,H,W]`` or a failure for each of ``B`` conditions, ``int64 [B]`` seeds and ids, in order."""
        side = self.info.native_size
        size = None if side is None else (side, side)
        wanted = list(zip(ids, conditions, seeds.tolist(), strict=True))
        for condition in conditions:
            if problem := self.info.image_problem(condition.images):
                raise SampleError(f"{self.info.name} {problem}")
        return self._program.images(lambda folder: [wanted_sample(folder, *one, size) for one in wanted])


def wanted_sample(
    folder: Path, id: str, condition: Condition, seed: int, size: tuple[int, int] | None = None
) -> Wanted:
    """A request whose file name tells its sample, and is another one for another condition or seed.

    ``label`` or ``prompt`` is null where the condition has none; seeds are non-negative, below 2^63. Images are given
    as PNG files in the same folder: lists of paths by role, under ``images``, which is there only where there are any.
    """
    shown = condition.image_digests
    key = digest_json([condition.label, condition.prompt, seed, *([shown] if shown else [])], 16)
    said: dict[str, Any] = {"label": condition.label, "prompt": condition.prompt, "seed": seed}
    if not shown:
        return Wanted(id, folder / f"{path_segment(id)}-{key}", said, size)
    files = {role: [folder / f"{digest[:32]}-given.png" for digest in digests] for role, digests in shown.items()}
    said["images"] = {role: [str(file) for file in those] for role, those in files.items()}
    return Wanted(id, folder / f"{path_segment(id)}-{key}", said, size, partial(_give, condition, files))


def _give(condition: Condition, files: Mapping[str, Sequence[Path]]) -> None:
    """Anew whenever the program is asked: a file that lay there since may be damaged."""
    for role, those in files.items():
        for file, image in zip(those, condition.images[role], strict=True):
            write_image(file, image)
