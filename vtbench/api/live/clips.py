"""Clips that are in this process already, as a data set of videos."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from vtbench.core.contracts import Sample
from vtbench.core.digests import digest_arrays
from vtbench.core.errors import UsageError
from vtbench.core.foreign.returned import in_words
from vtbench.data.fingerprint import Fingerprinted


class LiveClips(Fingerprinted):
    """``uint8 [N,T,3,H,W]``, a clip a sample. Ids number them: ``000000``, ``000001`` …

    Raises:
        UsageError: another dtype or shape; says which is meant.
    """

    def __init__(self, clips: Tensor | np.ndarray[Any, Any], what: str) -> None:
        found = torch.from_numpy(clips) if isinstance(clips, np.ndarray) else clips
        if found.dtype != torch.uint8 or found.shape[2] != 3 or not found.numel():
            floats, last = found.is_floating_point(), found.shape[-1] == 3
            hint = "(clips * 255).round().clamp(0, 255).to(torch.uint8)" if floats else None
            hint = "clips.permute(0, 1, 4, 2, 3)" if last and not floats else hint
            raise UsageError(f"{what} is {in_words(found)}, not uint8 [N,T,3,H,W]", hint)
        self._clips = found.detach().cpu()
        self.frames = int(found.shape[1])
        self.ids = tuple(f"{index:06d}" for index in range(len(found)))

    def __str__(self) -> str:
        return f"{len(self.ids)} clips"

    def __getitem__(self, index: int) -> Sample:
        return Sample(self.ids[index], self._clips[index].contiguous())

    def content_digest(self, index: int) -> str:
        """Of the pixels."""
        return digest_arrays({"clip": self._clips[index].numpy()})
