"""Which heads of a host look at contents, and which keep the structure: measured once, kept in a sealed file.

Qin et al., Head-Aware KV Cache Compression for Efficient Visual Autoregressive Modeling, 2504.09261: over the queries
of a scale, attention to a position hardly varies in some heads, which look at contents, and varies much in others. A
few samples suffice.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vtbench.core.disk.files import write_text
from vtbench.core.errors import DamagedFileError, UsageError
from vtbench.core.outside.misfits import misfits
from vtbench.core.outside.parsing import boundary, load_json, read_bytes, reason
from vtbench.core.outside.seals import SEAL, BrokenSealError, sealed, unsealed

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.networks.next_scale.budgeted_cache import Look

MOST_SAMPLES = 50
QUERIES = 32
_AGAIN = "make it again with: vtbench calibrate GENERATOR --output FILE"


class Calibration(BaseModel):
    """What a calibration file says.

    Attributes:
        format: of the file.
        host: what was calibrated: see :func:`identity`.
        samples: images that it was measured on.
        seed: of the first.
        variances: by layer and head: over evenly spaced queries of a scale, of the attention to a position; the mean
            over positions, scales and samples.
        digest: of the whole file, which records tell.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = Field(1, ge=1, le=1)
    host: dict[str, Any]
    samples: int = Field(ge=1, le=MOST_SAMPLES)
    seed: int = Field(ge=0)
    variances: tuple[tuple[float, ...], ...] = Field(min_length=1)
    digest: str = ""

    def contextual(self) -> tuple[tuple[int, ...], ...]:
        """Of each layer, the heads of contents: those below the cut of all variances."""
        cut = natural_cut([value for layer in self.variances for value in layer])
        return tuple(tuple(head for head, value in enumerate(layer) if value < cut) for layer in self.variances)

    def require(self, host: Mapping[str, Any]) -> None:
        """Refuse another host than the one that was calibrated.

        Raises:
            UsageError: with what differs.
        """
        other = [name for name in (*self.host, *host) if self.host.get(name) != host.get(name)]
        if other:
            name = other[0]
            raise UsageError(
                f"the calibration is of another host: {name} {self.host.get(name)!r}, here {host.get(name)!r}",
                "make one of this host with: vtbench calibrate",
            )


def identity(generator: Any) -> dict[str, Any]:
    """What makes a next-scale generator the host that it is, whatever it samples with: plain JSON."""
    geometry = generator._network.geometry
    return {
        "family": generator.family,
        "revision": generator.info.revision,
        "parameters": generator.info.parameters,
        "depth": geometry.depth,
        "heads": geometry.heads,
        "scales": generator.info.sampler["scales"],
    }


def natural_cut(values: Sequence[float]) -> float:
    """Between which of the values, sorted, two groups of their logarithms are most alike in themselves (Otsu 1979).

    The middle, on the scale of logarithms, of the two neighbours; where all are equal, a value above them.
    """
    logs = sorted(math.log(max(value, 1e-30)) for value in values)
    whole, best, cut = sum(logs), 0.0, math.inf
    below = 0.0
    for count, (here, following) in enumerate(pairwise(logs), start=1):
        below += here
        apart = below / count - (whole - below) / (len(logs) - count)
        between = count * (len(logs) - count) * apart**2
        if following > here and between > best:
            best, cut = between, math.exp((here + following) / 2)
    return cut


@dataclass(eq=False)
class Watching:
    """A cache policy that keeps everything, and adds up variances: of one run, in which an image is a batch.

    Attributes:
        sums: by layer, ``float64 [heads]``.
        counts: by layer, scales and images so far.
    """

    cumulative: bool = field(default=True, init=False)
    sums: dict[int, Tensor] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def groups(self, layer: int, heads: int) -> Sequence[Sequence[int]]:
        """All heads."""
        return (range(heads),)

    def granted(self, layer: int, group: int, scale: int) -> int:
        """Whatever there is."""
        return sys.maxsize

    def importance(self, look: Look) -> Tensor:
        """Nothing goes; a scale of one query has no variance."""
        from vtbench.generators.sampling.next_scale.strategies.importance import attention_of

        if look.query.shape[2] > 1:
            attention = attention_of(look.query, look.key, QUERIES).double()
            found = attention.var(dim=2, correction=0).mean(dim=(0, 2)).cpu()
            self.sums[look.layer] = self.sums.get(look.layer, 0) + found
            self.counts[look.layer] = self.counts.get(look.layer, 0) + 1
        return look.before

    def variances(self) -> tuple[tuple[float, ...], ...]:
        """Means by layer and head."""
        return tuple(tuple((self.sums[layer] / self.counts[layer]).tolist()) for layer in sorted(self.sums))


def write_calibration(found: Calibration, path: Path) -> None:
    """Write it atomically, sealed."""
    content = sealed(found.model_dump(exclude={"digest"}, mode="json"))
    write_text(path, json.dumps(content, indent=1) + "\n")


def read_calibration(path: Path) -> Calibration:
    """Read a file, with its digest; nothing in it is believed unchecked.

    Raises:
        UsageError: there is no such file.
        DamagedFileError: it is not what was sealed, or no calibration.
    """
    try:
        data = read_bytes(path)
    except FileNotFoundError:
        raise UsageError(f"there is no calibration {path}", _AGAIN) from None
    except (OSError, ValueError) as error:
        raise DamagedFileError(path, f"cannot be read: {reason(error)}", _AGAIN) from None
    with boundary(f"{path} is no calibration", _AGAIN):
        content = load_json(data.decode("utf-8"))
        try:
            inner = unsealed(content)
            found = Calibration.model_validate({**inner, "digest": content[SEAL]})
        except BrokenSealError as error:
            raise DamagedFileError(path, str(error), _AGAIN) from None
        except ValidationError as error:
            raise DamagedFileError(path, misfits(error, "file"), _AGAIN) from None
    _require_whole(found, path)
    return found


def _require_whole(found: Calibration, path: Path) -> None:
    heads, depth = found.host.get("heads"), found.host.get("depth")
    whole = len(found.variances) == depth and all(len(layer) == heads for layer in found.variances)
    if not whole or not all(math.isfinite(value) and value >= 0 for layer in found.variances for value in layer):
        raise DamagedFileError(path, f"its variances are not of {depth} layers of {heads} heads", _AGAIN)
