"""``command``: a generator that is any program, in any language. docs/adding-a-generator.md has its protocol."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from vtbench.core.contracts import Condition, SampleFailure
from vtbench.core.errors import SampleError, UsageError
from vtbench.core.files import cache_dir
from vtbench.core.info import ConditionKind, GeneratorInfo
from vtbench.generators.command_process import digest_command, run_program, split_command
from vtbench.generators.command_protocol import Request, make_request, reported_errors

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
        timeout: float = 600.0,
        batch: int | None = None,
        work: str | None = None,
        keep: bool = True,
        name: str = "command",
    ) -> None:
        _check(conditions, timeout, batch)
        self._words = split_command(run)
        self._timeout, self._batch, self._keep = float(timeout), batch, keep
        digest = digest_command(self._words)
        self._work = (Path(work).expanduser() if work else cache_dir() / "command") / digest
        self.info = GeneratorInfo(
            name=name,
            conditions=conditions,
            family="external program",
            revision=digest,
            classes=classes,
            native_size=native_size,
            sampler={"run": run},
        )

    def sample(self, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        """``B`` conditions and ``int64 [B]`` seeds to ``float32 [B,3,H,W]`` in [0, 1].

        Raises:
            SampleError: a sample failed, or sizes differ; ``sample_each`` keeps the others.
        """
        import torch

        from vtbench.core.pixels import to_unit

        images = []
        for result in self.sample_each(conditions, seeds, [f"{index:06d}" for index in range(len(conditions))]):
            if isinstance(result, SampleFailure):
                raise SampleError(f"{self.info.name}: sample {result.id}: {result.message}")
            images.append(result)
        if len({image.shape for image in images}) > 1:
            raise SampleError(f"{self.info.name}: images of one batch differ in size")
        return to_unit(torch.stack(images))

    def sample_each(
        self, conditions: Sequence[Condition], seeds: Tensor, ids: Sequence[str]
    ) -> list[Tensor | SampleFailure]:
        """``uint8 [3,H,W]`` or a failure for each of ``B`` conditions, ``int64 [B]`` seeds and ids, in order."""
        with self._folder() as folder:
            wanted = zip(ids, conditions, seeds.tolist(), strict=True)
            requests = [make_request(folder, id, condition, seed) for id, condition, seed in wanted]
            _discard_broken(requests)
            reasons = self._ask([request for request in requests if not request.files()])
            return [self._result(request, reasons) for request in requests]

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        if not self._keep:
            with tempfile.TemporaryDirectory(prefix="vtbench-command-") as folder:
                yield Path(folder).resolve()
            return
        self._work.mkdir(parents=True, exist_ok=True)
        yield self._work.resolve()

    def _ask(self, requests: Sequence[Request]) -> Mapping[Path, str]:
        """Run the program until every image was asked for once; why images failed, by their output."""
        distinct = list({request.output: request for request in requests}.values())
        most = self._batch or max(1, len(distinct))
        reasons: dict[Path, str] = {}
        for start in range(0, len(distinct), most):
            batch = distinct[start : start + most]
            outcome = run_program(self._words, "".join(request.line for request in batch), self._timeout)
            errors = reported_errors(outcome.said)
            for request in batch:
                if request.id in errors:
                    reasons[request.output] = f"the program reports: {errors[request.id]}"
                    _remove(request)
                else:
                    ended = f"the program {outcome.problem}" if outcome.problem else "the program exited with 0"
                    reasons[request.output] = f"no image: {ended}"
        return reasons

    def _result(self, request: Request, reasons: Mapping[Path, str]) -> Tensor | SampleFailure:
        from vtbench.data.decode import decode_image

        files = request.files()
        if not files:
            return SampleFailure(request.id, "model", reasons.get(request.output, "no image"))
        try:
            image = decode_image(files[0], files[0].name)
        except SampleError as error:
            _remove(request)  # the next run asks for it again
            return SampleFailure(request.id, "model", str(error))
        size, got = self.info.native_size, tuple(image.shape[1:])
        if size is not None and got != (size, size):
            _remove(request)
            return SampleFailure(request.id, "model", f"{files[0].name} is {got[0]}x{got[1]}, native_size is {size}")
        return image


def _discard_broken(requests: Sequence[Request]) -> None:
    """Files that an interrupted program left half-written are asked for again."""
    from vtbench.data.decode import decode_image

    for request in requests:
        for file in request.files():
            try:
                decode_image(file)
            except SampleError:
                file.unlink(missing_ok=True)


def _remove(request: Request) -> None:
    for file in request.files():
        file.unlink(missing_ok=True)


def _check(conditions: str, timeout: float, batch: int | None) -> None:
    if conditions not in get_args(ConditionKind):
        raise UsageError(f"conditions={conditions}: not one of {', '.join(get_args(ConditionKind))}")
    if not (math.isfinite(timeout) and timeout > 0):
        raise UsageError(f"timeout={timeout}: seconds above 0")
    if batch is not None and batch < 1:
        raise UsageError(f"batch={batch}: at least 1 image")
