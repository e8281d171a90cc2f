"""``tiny-ar``: a small class-conditional autoregressive generator that comes with vtbench."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.digests import digest_file
from vtbench.core.errors import DamagedFileError, UsageError
from vtbench.core.info import GeneratorInfo, WeightFile
from vtbench.generators.published.teacher_forcing import TeacherForced
from vtbench.generators.sampling.costs import weight_bytes
from vtbench.generators.sampling.draws import DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.strategies.choice import StrategyName, strategy_of
from vtbench.generators.sampling.strategies.drafting import Filling
from vtbench.tokenizers.fitted.patch_vq import PatchRvq

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

    from vtbench.generators.published.next_token.llamagen.network import LlamaGenNetwork
    from vtbench.generators.sampling.next_token import Prompted

_FILE = "tiny_ar.safetensors"
_SHA256 = "c20fd891d84d7db0b4f5ea57b1b77994ebf8e64b841894cfa76cb1d0d9e16ebe"
_LICENCE = "fitted on photographs of scikit-image and scikit-learn; see their licences"


class TinyAr(TeacherForced):
    """LlamaGen's network of 0.7 M parameters over the codes of an 8×8-patch VQ, on 64×64 images.

    Small, but what runs is what runs for published generators: 64 tokens in raster order, rotary positions on the grid,
    a class token, classifier-free guidance, and a key-value cache. It was fitted on crops of ``scenes-mini`` by
    :mod:`.tiny_ar_fit` beside it, and its weights ship with the package. Classes: 0 flower, 1 motorcycle, 2 retina.

    Args:
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together exceed p stay; 1 for all.
        cfg_scale: guidance s in ``u + s (c - u)``; 1 for none.
        draw: ``inverse-cdf``, or ``torch-multinomial``.
        strategy: ``sjd`` (speculative Jacobi decoding: the same distribution in fewer passes), ``gsd`` (its lossy
            kin), or ``plain``: one token a pass.
        window: tokens of an image that a pass of a strategy sees.
        filling: what a strategy's window holds at first: ``random`` tokens, or each the one on its left.

    Raises:
        UsageError: a value out of range.
    """

    def __init__(
        self,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        cfg_scale: float = 1.0,
        draw: DrawRule = "inverse-cdf",
        strategy: StrategyName = "plain",
        window: int = 16,
        filling: Filling = "random",
    ) -> None:
        filters, chosen = Filters(temperature, top_k, top_p), strategy_of(strategy, window, filling)
        self._settings = SamplerSettings(filters, Constant(cfg_scale), draw, strategy=chosen)
        self.notes = self._settings.notes()
        self._network, codebook, patch, weight = _load()
        self.tokenizer = PatchRvq.from_codebooks("tiny-ar-vq", patch, codebook[None], weight)
        self.encoded_size = self._side = self._network.geometry.grid * patch
        self._cost: SamplingCost | None = None
        self.info = GeneratorInfo(
            name="tiny-ar",
            conditions="class",
            family="next-token",
            revision="2",
            classes=self._network.geometry.classes,
            native_size=self._side,
            sampler=self._settings.as_recorded(),
            tokenizer=self.tokenizer.info.name,
            parameters=sum(parameter.numel() for parameter in self._network.parameters()),
            weights=(weight,),
            licence=_LICENCE,
            citation="fitted by vtbench's tiny_ar_fit; after Esser et al. 2021 and Sun et al. 2024 (LlamaGen)",
        )

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move the network and choose its precision; returns itself."""
        self._network = self._network.to(device=device, dtype=dtype)
        return self

    def sample(self, conditions: Sequence[Condition], seeds: Tensor) -> Tensor:
        """``B`` class conditions and ``int64 [B]`` seeds to ``float32 [B,3,64,64]`` in [0, 1].

        Raises:
            UsageError: a condition without a label, or a label that is no class.
        """
        return self.tokenizer.decode(self.sample_codes(conditions, seeds))

    def sample_codes(self, conditions: Sequence[Condition], seeds: Tensor) -> Codes:
        """``B`` class conditions and ``int64 [B]`` seeds to one level ``int64 [B,8,8]``; raises as :meth:`sample`."""
        import torch

        from vtbench.generators.sampling.next_token import sample_tokens

        geometry, prompted = self._network.geometry, self._prompted(conditions)
        with torch.inference_mode():
            tokens, cost = sample_tokens(self._network, prompted, self._settings, seeds)
        self._cost = replace(cost, weight_bytes=weight_bytes(self._network))
        shaped = tokens.reshape(-1, geometry.grid, geometry.grid)
        return Codes(levels=(shaped,), image_size=(self._side, self._side))

    def sampling_cost(self) -> SamplingCost | None:
        """Of the last call."""
        return self._cost

    def _prompted(self, conditions: Sequence[Condition]) -> Prompted:
        import torch

        from vtbench.generators.sampling.next_token import Prompted

        labels = self._labels(conditions)
        return Prompted(labels, torch.full_like(labels, self._network.geometry.classes))

    def _labels(self, conditions: Sequence[Condition]) -> Tensor:
        import torch

        labels = [condition.label for condition in conditions]
        wrong = [label for label in labels if label is None or not 0 <= label < self.info.classes]
        if wrong:
            raise UsageError(f"tiny-ar has no class {wrong[0]}", f"its classes are 0 to {self.info.classes - 1}")
        return torch.tensor(labels, device=self._network.output.weight.device)


def _load() -> tuple[LlamaGenNetwork, Tensor, int, WeightFile]:
    """A network of one's own, the codebook ``[codes,D]``, the side of a patch, and the file."""
    from vtbench.generators.fitted.tiny_ar_fit import GEOMETRY
    from vtbench.generators.published.next_token.llamagen.network import LlamaGenNetwork

    state, notes, digest = _stored()
    network = LlamaGenNetwork(GEOMETRY)
    prefix = "model."
    network.load_state_dict({k.removeprefix(prefix): v.float() for k, v in state.items() if k.startswith(prefix)})
    weight = WeightFile(name=_FILE, sha256=digest, source="inside the package")
    return network.eval().requires_grad_(False), state["codebook"][0].float(), notes["patch"], weight


@lru_cache(maxsize=1)
def _stored() -> tuple[dict[str, Tensor], dict[str, Any], str]:
    from safetensors import safe_open
    from safetensors.torch import load_file

    with as_file(files("vtbench.generators") / "weights" / _FILE) as path:
        if digest_file(path) != _SHA256:
            raise DamagedFileError(path, "is damaged: it is not the file of this vtbench", "install vtbench again")
        with safe_open(path, framework="pt") as stored:
            notes: dict[str, Any] = json.loads(stored.metadata()["notes"])
        return load_file(path), notes, digest_file(path)
