"""``command``: a model behind any program, in any language. docs/adding-a-tokenizer.md has its protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vtbench.core.contracts import SampleFailure
from vtbench.core.digests import digest_arrays
from vtbench.core.disk.files import atomic_path
from vtbench.core.errors import MissingImageError, SampleError
from vtbench.core.info import TokenizerInfo
from vtbench.data.kept_images import Wanted
from vtbench.data.sources.program_images import ImageProgram

if TYPE_CHECKING:
    from torch import Tensor


class CommandReconstructor:
    """Runs a program that reads requests, one JSON line an image, and writes each image as the model gives it back.

    For closed models and other code's: there are no codes, so nothing is said of tokens and bits. Requests and images
    lie in a work folder keyed by command, pixels and seed: what was given back once is not asked for again, by an
    interrupted run or another one.

    Args:
        run: the command; split like a shell line, but no shell is run.
        native_size: side of the images that the model takes; others are resized in and back by the runner.
        stochastic: whether the program wants a seed an image.
        timeout: seconds that one start of the program may take.
        batch: most images asked of one start; all that vtbench reconstructs at once unless given.
        work: folder that images are kept in; in the cache folder unless given.
        keep: whether images are kept; otherwise they are removed once read.
        name: what tables call it.

    Raises:
        UsageError: no such program, or an argument that makes no sense.
    """

    def __init__(
        self,
        run: str,
        native_size: int | None = None,
        stochastic: bool = False,
        timeout: float = 600.0,
        batch: int | None = None,
        work: str | None = None,
        keep: bool = True,
        name: str = "command",
    ) -> None:
        self._program = ImageProgram(run, timeout, batch, work, keep)
        self.info = TokenizerInfo(
            name=name,
            kind="continuous",
            family="external program",
            revision=self._program.digest,
            native_size=native_size,
            fixed_size=native_size is not None,
            stochastic=stochastic,
        )

    def reconstruct(self, images: Tensor, seeds: Tensor | None = None) -> Tensor:
        """``float32 [B,3,H,W]`` in [0, 1], shown to the program in 8 bits, to what it made of them, on the CPU.

        Raises:
            SampleError: the program did not give an image of the same size back. Those that it did give are kept.
        """
        import torch

        from vtbench.core.pixels import to_uint8, to_unit

        shown = list(to_uint8(images).cpu())
        drawn: list[int | None] = [None] * len(shown) if seeds is None else seeds.tolist()
        pairs = list(zip(shown, drawn, strict=True))
        results = self._program.images(lambda folder: [_wanted(folder, *pair) for pair in pairs])
        failures = [result for result in results if isinstance(result, SampleFailure)]
        if failures:
            kind = SampleError if failures[0].of_model else MissingImageError
            raise kind(f"{self.info.name}: {failures[0].message}")
        return to_unit(torch.stack([result for result in results if not isinstance(result, SampleFailure)]))


def _wanted(folder: Path, image: Tensor, seed: int | None) -> Wanted:
    """A request for one image ``uint8 [3,H,W]``, which is written beside where its reconstruction is to be."""
    from PIL import Image

    pixels = image.movedim(0, -1).contiguous().numpy()
    key = digest_arrays({"image": pixels})[:16] + ("" if seed is None else f"-{seed}")
    given = folder / f"{key}-given.png"

    def give() -> None:  # anew whenever the program is asked: a file that lay there since may be damaged
        with atomic_path(given) as temporary:
            Image.fromarray(pixels).save(temporary, format="PNG")

    height, width = pixels.shape[:2]
    return Wanted(key, folder / key, {"image": str(given), "seed": seed}, (height, width), give)
