"""Samples decoded and preprocessed ahead of the model, in worker processes, handed over block by block."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from vtbench.core.contracts import ImageDataset, Prepared, Sample, SampleFailure
from vtbench.core.errors import UsageError, VtbenchError
from vtbench.core.foreign import interrupts
from vtbench.core.foreign.guard import foreign, told
from vtbench.core.sources.neighbours import import_file, imported_files
from vtbench.data.ahead import ahead
from vtbench.data.preparing.presets import Preset

Block = tuple[int, int, int]
"""Index of the block, first sample, one past the last sample."""

_MOST_AHEAD = 64
"""Samples prepared ahead at most, half of them by the workers and half taken from them: a bound on memory. Of clips
that many frames together, and at least four clips."""
_LEAST_AHEAD = 4
Ready = Callable[[Prepared], Prepared]


def iterate_blocks(
    dataset: ImageDataset, preset: Preset, blocks: Sequence[Block], workers: int, ready: Ready | None = None
) -> Iterator[tuple[int, list[Prepared | SampleFailure]]]:
    """Yield each block's samples, in order; the same for any number of workers.

    A sample that cannot be decoded or prepared becomes a :class:`SampleFailure` (stage ``decode`` or ``preprocess``)
    in its place. Workers read single samples, so a block of any size needs memory for itself and 64 samples more. What
    they made is taken from them in a thread, while earlier samples are in use.

    Args:
        dataset: read in the workers; picklable where processes are not forked.
        preset: applied in the workers.
        blocks: ``(index, start, stop)`` each.
        workers: processes; 0 decodes in this one.
        ready: what is done to each sample once it is here, such as a copy into other memory.

    Raises:
        UsageError: a block outside the data set, or a negative number of workers.
        VtbenchError: a worker process died.
    """
    for index, start, stop in blocks:
        if not 0 <= start <= stop <= len(dataset):
            raise UsageError(f"block {index} ({start}..{stop}) lies outside a data set of {len(dataset)} samples")
    if workers < 0:
        raise UsageError(f"{workers} workers cannot be started", "give 0 or more")
    return _blocks(dataset, preset, blocks, workers, ready or _as_it_is)


def _blocks(
    dataset: ImageDataset, preset: Preset, blocks: Sequence[Block], workers: int, ready: Ready
) -> Iterator[tuple[int, list[Prepared | SampleFailure]]]:
    order = [sample for _, start, stop in blocks for sample in range(start, stop)]
    # Not in the thread: processes are forked while no other thread holds a lock.
    most = max(_LEAST_AHEAD, _MOST_AHEAD // (preset.frames or 1))
    arriving = iter(_loader(_PreparedSamples(dataset, preset), order, workers, most))
    samples = (_unpack(parcel, ready) for parcel in arriving)
    with closing(ahead(samples, most // 2) if workers else samples) as taken:
        for index, start, stop in blocks:
            with _workers_alive():
                items = list(islice(taken, stop - start))
            yield index, items


@dataclass(frozen=True, eq=False)
class _Parcel:
    """A :class:`Prepared` that crosses the process border by value.

    Tensors would go through shared memory, one file descriptor each, and large blocks would run out of them. What is
    not an image is pickled at once: a failure inside the queue would be silent and hang. The reference is left out
    where it is the model input itself.
    """

    id: str
    model_input: np.ndarray[Any, Any]
    reference: np.ndarray[Any, Any] | None
    others: bytes


class _PreparedSamples(Dataset["_Parcel | SampleFailure"]):
    """Index to parcel; never raises for a sample's sake."""

    def __init__(self, dataset: ImageDataset, preset: Preset) -> None:
        self.dataset = dataset
        self.preset = preset

    def __getstate__(self) -> tuple[list[Path], bytes]:
        """A worker that was not forked knows no file that this process imported: it imports them first."""
        return imported_files(), pickle.dumps((self.dataset, self.preset))

    def __setstate__(self, state: tuple[list[Path], bytes]) -> None:
        files, both = state
        for file in files:
            import_file(file)
        self.dataset, self.preset = pickle.loads(both)  # noqa: S301 - written by our own process

    def __getitem__(self, index: int) -> _Parcel | SampleFailure:
        name, stage = self.dataset.ids[index], "decode"
        try:
            with foreign(f"sample {name}", seed=index):
                sample = self.dataset[index]
                _check(sample, self.preset.frames)
                stage = "preprocess"
                return _pack(self.preset.prepare(sample))
        except Exception as error:  # noqa: BLE001 - whatever one image does, the others are measured
            return SampleFailure(name, stage, _message(error))


def _loader(samples: _PreparedSamples, order: list[int], workers: int, most: int) -> DataLoader[Any]:
    return DataLoader(
        samples,
        batch_size=None,
        sampler=order,
        num_workers=workers,
        collate_fn=_as_it_is,
        prefetch_factor=max(2 if samples.preset.frames is None else 1, most // 2 // workers) if workers else None,
        worker_init_fn=_start_worker,
        generator=torch.Generator(),  # else the loader draws from, and so moves, the global one
    )


@contextmanager
def _workers_alive() -> Iterator[None]:
    """torch raises where a worker died, in the thread that waits for it or, by a signal, in the main one."""
    try:
        yield
    except RuntimeError as error:
        raise VtbenchError(
            f"a data worker process died: {error}",
            "often the memory ran out: use fewer --workers (0 decodes in the main process)",
        ) from error


def _start_worker(_: int) -> None:
    torch.set_num_threads(1)
    interrupts.forget()


def _as_it_is(item: Any) -> Any:
    return item


def _check(sample: Sample, frames: int | None) -> None:
    image = sample.image
    axes, due = (3, "[3,H,W]") if frames is None else (4, "[T,3,H,W]")
    if image.dtype != torch.uint8 or image.ndim != axes or image.shape[-3] != 3 or image.numel() == 0:
        raise ValueError(f"the data set gave {image.dtype} {tuple(image.shape)}, not uint8 {due}")


def _message(error: Exception) -> str:
    return error.what if isinstance(error, VtbenchError) else told(error)


def _pack(prepared: Prepared) -> _Parcel:
    same = prepared.reference is prepared.model_input
    return _Parcel(
        id=prepared.id,
        model_input=prepared.model_input.contiguous().numpy(),
        reference=None if same else prepared.reference.contiguous().numpy(),
        others=pickle.dumps((prepared.restore, prepared.target, prepared.quantise)),
    )


def _unpack(parcel: _Parcel | SampleFailure, ready: Ready) -> Prepared | SampleFailure:
    if isinstance(parcel, SampleFailure):
        return parcel
    model_input = torch.from_numpy(parcel.model_input)
    reference = model_input if parcel.reference is None else torch.from_numpy(parcel.reference)
    restore, target, quantise = pickle.loads(parcel.others)  # noqa: S301 - written by our own worker
    return ready(Prepared(parcel.id, model_input, reference, restore, target, quantise))
