"""Files of measured blocks on their way from the process that measured them to the one that scores.

They travel as bytes by their place below a folder, so that the two share nothing but what carries them. Every block is
sealed: whoever gets it reads every byte of it before a number is made of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from vtbench.core.disk.files import atomic_path, inside
from vtbench.results.records.previews import PREVIEWS
from vtbench.run.executing.reconstruction import reference_features
from vtbench.run.measuring.evaluators import Evaluators
from vtbench.run.planning.generation_data import GenerationData
from vtbench.run.planning.jobs import JobPlan
from vtbench.run.storing.blocks import Block
from vtbench.run.storing.input_files import inputs_in
from vtbench.run.storing.sample_files import SampleFiles


def block_files(plan: JobPlan, blocks: Sequence[Block]) -> list[Path]:
    """Rows and tensors of measured blocks; previews and what others' code read, which are of the whole job so far."""
    pairs = [path for block in blocks for path in (plan.store.tensors_path(block), plan.store.rows_path(block))]
    return [*pairs, *sorted((plan.folder / PREVIEWS).glob("*")), *inputs_in(plan.folder)]


def reference_files(plan: JobPlan, evaluators: Evaluators, blocks: Sequence[Block]) -> list[Path]:
    """Features of the originals of blocks; none for a generator, whose reference is a file of its own."""
    if isinstance(plan.data, GenerationData):
        return []
    stores = reference_features(plan, evaluators).values()
    return [store.path(block).resolve() for store in stores for block in blocks]


def sample_files(plan: JobPlan, block: Block) -> list[Path]:
    """Images of a block that ``--samples`` asks for, with what stands beside them."""
    if plan.options.samples is None or not isinstance(plan.data, GenerationData):
        return []
    conditions = plan.data.conditions
    files = SampleFiles(plan.options.samples, conditions, plan.task.frames)
    wanted = [path for i in range(block.start, block.stop) for path in files.beside(i, conditions[i])]
    return [path for path in dict.fromkeys(wanted) if path.is_file()]


def taken_up(folder: Path, paths: Iterable[Path]) -> dict[str, bytes]:
    """Files by their place below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def put_down(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder, each whole or not at all, in the order they are given.

    Raises:
        UsageError: a place is not below it.
    """
    for name, content in files.items():
        with atomic_path(inside(folder, *Path(name).parts)) as temporary:
            temporary.write_bytes(content)
