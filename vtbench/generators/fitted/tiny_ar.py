"""``tiny-ar``: a small class-conditional autoregressive generator that comes with vtbench."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.digests import digest_file
from vtbench.core.errors import DamagedFileError, UsageError
from vtbench.core.info import GeneratorInfo, WeightFile
from vtbench.generators.sampling.draws import SamplerSettings, draw, guide, probabilities, uniforms
from vtbench.tokenizers.fitted.patch_vq import PatchRvq

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

    from vtbench.generators.fitted.tiny_ar_model import TinyArModel

_FILE = "tiny_ar.safetensors"
_SHA256 = "165be35ff739de9cb9167925f9e02fc606caa866c225463aa37f21b50e45a1fa"
_LICENCE = "fitted on photographs of scikit-image and scikit-learn; see their licences"


class TinyAr:
    """A decoder-only transformer of 0.6 M parameters over the codes of an 8×8-patch VQ, on 64×64 images.

    Small, but a real autoregressive model: 64 tokens in raster order, a class token, classifier-free guidance, and a
    key-value cache. It was fitted on crops of ``scenes-mini`` by :mod:`.tiny_ar_fit` beside it, and its weights
    ship with the package. Classes: 0 flower, 1 motorcycle, 2 retina.

    Args:
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together exceed p stay; 1 for all.
        cfg_scale: guidance s in ``u + s (c - u)``; 1 for none.
        cached: use the key-value cache; without it every step runs over all tokens so far, with equal results.

    Raises:
        UsageError: a value out of range.
    """

    def __init__(
        self,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        cfg_scale: float = 1.0,
        cached: bool = True,
    ) -> None:
        self._settings = SamplerSettings(temperature, top_k, top_p, cfg_scale)
        self._cached = cached
        self._model, codebook, self._notes, weight = _load()
        self.tokenizer = PatchRvq.from_codebooks("tiny-ar-vq", self._notes["patch"], codebook[None], weight)
        self._cost: SamplingCost | None = None
        self.info = GeneratorInfo(
            name="tiny-ar",
            conditions="class",
            family="next-token",
            revision="1",
            classes=self._notes["classes"],
            native_size=self._notes["side"],
            sampler=self._settings.as_recorded(),
            tokenizer=self.tokenizer.info.name,
            parameters=sum(parameter.numel() for parameter in self._model.parameters()),
            weights=(weight,),
            licence=_LICENCE,
            citation="fitted by vtbench's tiny_ar_fit; after Esser et al. 2021 and Sun et al. 2024 (LlamaGen)",
        )

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move the network and choose its precision; returns itself."""
        self._model = self._model.to(device=device, dtype=dtype)
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

        geometry = self._model.geometry
        with torch.inference_mode():
            tokens = self._sequences(self._labels(conditions), uniforms(seeds, geometry.tokens))
        side = self._notes["side"]
        return Codes(levels=(tokens.reshape(-1, geometry.grid, geometry.grid),), image_size=(side, side))

    def sampling_cost(self) -> SamplingCost | None:
        """Of the last call."""
        return self._cost

    def _labels(self, conditions: Sequence[Condition]) -> Tensor:
        import torch

        labels = [condition.label for condition in conditions]
        wrong = [label for label in labels if label is None or not 0 <= label < self.info.classes]
        if wrong:
            raise UsageError(f"tiny-ar has no class {wrong[0]}", f"its classes are 0 to {self.info.classes - 1}")
        return torch.tensor(labels, device=self._model.positions.device)

    def _sequences(self, labels: Tensor, chances: Tensor) -> Tensor:
        """``int64 [B,T]`` tokens; guidance runs both halves of a doubled batch in one pass."""
        import torch

        from vtbench.generators.fitted.tiny_ar_model import KeyValueCache

        geometry, guided = self._model.geometry, self._settings.guided
        shown = torch.cat([labels, torch.full_like(labels, geometry.classes)]) if guided else labels
        cache = KeyValueCache(geometry, len(shown), self._model.positions) if self._cached else None
        tokens = labels.new_zeros((len(labels), 0))
        for position in range(geometry.tokens):
            repeated = tokens.repeat(2, 1) if guided else tokens
            if cache is None:
                logits = self._model(shown, repeated)[:, -1]
            else:
                logits = self._model.step(shown, repeated[:, -1] if position else None, cache)
            if guided:
                conditional, unconditional = logits.double().chunk(2)
                logits = guide(conditional, unconditional, self._settings.cfg_scale)
            chosen = draw(probabilities(logits, self._settings), chances[:, position].to(logits.device))
            tokens = torch.cat([tokens, chosen[:, None]], dim=1)
        self._cost = SamplingCost(geometry.tokens, tokens.numel(), 0 if cache is None else cache.nbytes)
        return tokens


def _load() -> tuple[TinyArModel, Tensor, dict[str, Any], WeightFile]:
    """A model of one's own, the codebook ``[codes,D]``, what the file says, and the file."""
    from vtbench.generators.fitted.tiny_ar_model import TinyArGeometry, TinyArModel

    state, notes, digest = _stored()
    geometry = TinyArGeometry(notes["classes"], notes["codes"], notes["side"] // notes["patch"])
    model = TinyArModel(geometry)
    prefix = "model."
    model.load_state_dict({k.removeprefix(prefix): v.float() for k, v in state.items() if k.startswith(prefix)})
    weight = WeightFile(name=_FILE, sha256=digest, source="inside the package")
    return model.eval().requires_grad_(False), state["codebook"][0].float(), notes, weight


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
