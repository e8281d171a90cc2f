"""The base of adapters for published checkpoints whose network is written here or comes from a library's class.

Three pieces, for every such family:

**A card** (``cards/NAME.yaml``, read by :mod:`vtbench.checkpoints.cards`) names one published checkpoint::

    name: llamagen-ds16                  # what users type: --tokenizer llamagen-ds16
    target: janus-vq                     # registered family (vtbench/tokenizers/__init__.py)
    args: {codebook_size: 16384}         # geometry that differs from the family's defaults
    summary: LlamaGen's VQ-16, class-conditional.
    checkpoint: {hub: FoundationVision/LlamaGen, file: vq_ds16_c2i.pt, key: model}   # sha256, revision, prefix, url
    value_range: signed                  # signed is [-1, 1], unit is [0, 1]
    native_size: 256
    geometry: {tokens: [256], codebook_sizes: [16384]}    # at 256x256; or bits: [18], or latent_channels: 16
    licence: MIT
    source: https://github.com/FoundationVision/LlamaGen
    paper: "2406.06525"
    citation: Sun et al., Autoregressive Model Beats Diffusion
    anchors:                             # published numbers, never compared silently with measured ones
      - {metric: rfid, value: 2.19, protocol: "ImageNet-1k val 256x256, ADM evaluator", source: README}
    gated: false

``--tokenizer NAME`` finds the file in ``$VTBENCH_ASSETS`` (as ``NAME.safetensors``, ``owner/name/file`` or ``file``),
in the cache, or on the hub; ``--tokenizer NAME,checkpoint=FILE`` takes a local one. A target of a card with
``checkpoint`` is called with ``card=NAME`` beside the card's ``args``.

**Loading** (:mod:`.official_reading`, :mod:`.official_state`): ``load_official(file, family=, keys=, prefix=,
ignore_unexpected=)`` reads tensors by name without executing anything, ``fill(module, state, family=, source=,
ignore_unexpected=, ignore_missing=)`` puts all of them in, or says in words which do not fit. ``keys`` is tried in
order, so the choice of averaged (EMA) weights is explicit; ``NAME,entry=KEY`` names another, and where a file has
several the record says which was taken. A file without any of them is taken whole, as converted safetensors files are.
A folder of shards is read through its index; prefixes of training tools (``module.``) are taken off, and told.
Half-precision tensors become float32: ``--dtype`` alone chooses the precision.

**A family**: a subclass of :class:`OfficialTokenizer` in one file, registered under its name::

    class MyVQ(OfficialTokenizer):
        "One line.  Args: …"

        family = "my-vq"                       # the registered name
        citation = "Author et al., Title, arXiv"
        value_range = "signed"                 # what the network was trained on
        keys = ("ema", "model")                # entries of the published file, the first present one is read
        ignore_unexpected = ("loss.*",)        # fnmatch patterns of tensors the network has no use for
        shrunken = {"channels": 8}             # a few thousand weights, for the contract tests

        def __init__(self, channels: int = 128, **where: Unpack[WeightsFrom]) -> None:
            self._setup(
                lambda: Network(channels), Source(**where),
                kind="discrete", codebook_sizes=(4096,), downsample_factor=16,
            )

        def _encode(self, images: Tensor) -> Codes:       # [B,3,h,w], in the network's range, dtype and layout, padded
            return Codes(levels=(nearest_codes(self._network.encode(images), self._network.codebook),))

        def _decode(self, codes: Codes) -> Tensor:        # [B,3,h,w] in the network's range, padding and all
            return self._network.decode(codes.levels[0])

        # optional
        def _convert(self, state): ...                    # published names to the network's
        def _finish(self, network): ...                   # once, after the weights are in: normalise a codebook …
        def beside(cls): ...                              # a classmethod: files of others, for vtbench fetch
        def codebook(self, level): ...                    # [K,D], where it is not network.quantize.embedding

The base pads to ``downsample_factor`` (or ``_setup(stride=…)``) and crops back, maps the value range both ways, keeps
``image_size``, moves device and precision, and runs without gradients. ``_setup`` also takes ``native_size``,
``fixed_size`` (no padding: the runner resizes), ``shared_codebook``, ``latent_bits``, ``stochastic`` (``_encode`` and
``_decode`` then take ``seeds``). ``NAME,compile=true`` works for all (:mod:`vtbench.tokenizers.switches`).

``FAMILY.random(seed=0, **shrunken)`` has seeded random weights: its name ends in ``-random``, its revision is
``random-0``, and it warns. Networks need not skip their own initialisation: with real weights it is skipped for them.
A buffer that is not in the published file must be registered ``persistent=False`` or be named in ``ignore_missing``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from vtbench.checkpoints.cards import Card, find_card
from vtbench.checkpoints.files import Located
from vtbench.checkpoints.loading import Conventions, Source, load_network
from vtbench.checkpoints.reading import load_official
from vtbench.checkpoints.state import fill, without_initialisation
from vtbench.core.errors import AdapterError, UsageError
from vtbench.core.info import TokenizerInfo
from vtbench.core.pixels import pad_to_stride
from vtbench.networks.nearest import nearest_codes
from vtbench.tokenizers.switches import compiled

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

    from vtbench.core.codes import Codes

__all__ = ["OfficialTokenizer", "Source", "fill", "load_official", "nearest_codes", "without_initialisation"]

ValueRange = Literal["signed", "unit"]


class OfficialTokenizer:
    """What adapters of published checkpoints share; the module's docstring tells how to write one.

    Raises:
        UsageError: neither a card, nor a checkpoint, nor a seed, or more than one of the latter two.
        AssetMissingError: the checkpoint is neither at hand nor to be had.
        AdapterError: its tensors do not fit the network.
    """

    family: ClassVar[str]
    citation: ClassVar[str] = ""
    value_range: ValueRange = "signed"
    channels_last: ClassVar[bool] = True
    keys: tuple[str, ...] = ()
    prefix: ClassVar[str] = ""
    ignore_unexpected: ClassVar[tuple[str, ...]] = ()
    ignore_missing: ClassVar[tuple[str, ...]] = ()
    shrunken: ClassVar[Mapping[str, Any]] = {}
    concurrent: bool = True  # several threads may call it at once: a call leaves nothing behind

    entry_argument: ClassVar[str] = "entry"  # which argument chooses among the weights of one file
    wrappers_count: ClassVar[bool] = False  # whether prefixes of training tools tell the family something

    info: TokenizerInfo
    notes: tuple[str, ...] = ()
    _choices: tuple[str, ...] = ()  # notes of what _convert chose
    _network: Any

    @classmethod
    def random(cls, seed: int = 0, **arguments: Any) -> Self:
        """The family with seeded random weights: for tests of geometry and speed, never for a score."""
        factory: Any = cls  # every family takes random_weights_seed; the base has no arguments to say so
        made: Self = factory(random_weights_seed=seed, **arguments)
        return made

    @property
    def published_network(self) -> Any:
        """The module itself, under the names of :meth:`_convert`'s results: for those who fit it anew."""
        return self._network

    @classmethod
    def beside(cls) -> tuple[Located, ...]:
        """Files of others that the family reads beside a card's own, for ``vtbench fetch``; none unless overridden.

        Raises:
            AssetMissingError: one cannot be had.
        """
        return ()

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move the network and choose its precision; returns itself."""
        changes: dict[str, Any] = {} if device is None else {"device": device}
        if dtype not in (None, self._dtype):  # libraries warn of any cast, even of one that changes nothing
            changes["dtype"] = dtype
        self._network = self._network.to(**changes) if changes else self._network
        return self

    def encode(self, images: Tensor, seeds: Tensor | None = None) -> Codes:
        """``float32 [B,3,H,W]`` in [0, 1] to codes; ``seeds`` (``int64 [B]``) only where ``info.stochastic``."""
        import torch

        with torch.inference_mode():
            codes = self._encode(self._prepare(images), **self._seeds(seeds))
        return replace(codes, image_size=(images.shape[-2], images.shape[-1]))

    def decode(self, codes: Codes, seeds: Tensor | None = None) -> Tensor:
        """Codes to ``float32 [B,3,H,W]`` of the size that was encoded; may leave [0, 1]."""
        import torch

        with torch.inference_mode():
            return self._pixels(self._decode(codes, **self._seeds(seeds)), codes)

    def codebook(self, level: int) -> Tensor | None:
        """Entries of a level, ``float [K,D]``, of unit length where directions are compared; ``None`` of bits and
        latents. All levels are of ``quantize.embedding``, where the network has it; families that have others say so.
        """
        entries = getattr(getattr(self._network, "quantize", None), "embedding", None)
        found: Tensor | None = None if entries is None else entries.weight
        return found

    def compile(self, backend: str = "inductor") -> None:
        """Run encoder and decoder through ``torch.compile``; raises ``UsageError`` for an unknown backend."""
        compiled(self, ("_encode", "_decode"), backend)
        self.concurrent = False  # threads of what was compiled are the compiler's business

    def _encode(self, images: Tensor) -> Codes:
        raise NotImplementedError

    def _decode(self, codes: Codes) -> Tensor:
        raise NotImplementedError

    def _convert(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Published names to the network's."""
        return state

    def _finish(self, network: Any) -> None:
        """What is done once to a network that has its weights."""

    def _setup(
        self,
        build: Callable[[], Any],
        source: Source,
        *,
        stride: int | None = None,
        native_size: int | None = None,
        **info: Any,
    ) -> None:
        card = None if source.card is None else find_card(source.card)
        if card is not None and card.value_range is not None:
            self.value_range = card.value_range
        self._network, weights, revision = self._load(build, source, card)
        self._finish(self._network)
        self._network = self._network.eval().requires_grad_(False)
        if self.channels_last:
            import torch

            self._network = self._network.to(memory_format=torch.channels_last)
        name = self.family if card is None else card.name
        self.info = TokenizerInfo(
            name=name if weights else f"{name}-random",
            family=self.family,
            revision=revision,
            weights=weights,
            native_size=native_size or (card.native_size if card else None),
            licence=card.licence if card and weights else "",
            citation=(card.citation if card else "") or self.citation,
            **info,
        )
        self._stride = 1 if self.info.fixed_size else stride or max(1, self.info.downsample_factor)

    def _load(self, build: Callable[[], Any], source: Source, card: Card | None) -> tuple[Any, Any, str]:
        checkpoint = card.checkpoint if card else None
        keys = (checkpoint.key,) if checkpoint and checkpoint.key else self.keys
        conventions = Conventions(
            family=self.family,
            keys=keys,
            prefix=checkpoint.prefix if checkpoint and checkpoint.prefix is not None else self.prefix,
            ignore_unexpected=self.ignore_unexpected,
            ignore_missing=self.ignore_missing,
            entry_argument=self.entry_argument,
            wrappers_count=self.wrappers_count,
            listing="tokenizers",
        )
        loaded = load_network(build, source, card, conventions, self._convert)
        self.notes = (*loaded.notes, *self._choices)
        return loaded.network, loaded.weights, loaded.revision

    def _pixels(self, output: Tensor, codes: Codes) -> Tensor:
        """What the decoder gave, in its own range and padded, to what ``decode`` returns."""
        height, width = codes.image_size or output.shape[-2:]
        output = output[..., :height, :width].float()
        return (output.add(1.0).div(2.0) if self.value_range == "signed" else output).contiguous()

    def _prepare(self, images: Tensor) -> Tensor:
        import torch

        if self.info.fixed_size and images.shape[-2:] != (self.info.native_size, self.info.native_size):
            raise AdapterError(f"{self.info.name} takes {self.info.native_size} pixels a side, got {images.shape[-2:]}")
        padded = pad_to_stride(images, self._stride)
        ranged = padded.mul(2.0).sub(1.0) if self.value_range == "signed" else padded
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        return ranged.to(self._dtype, memory_format=layout)

    @property
    def _dtype(self) -> torch.dtype:
        dtype: torch.dtype = next(self._network.parameters()).dtype
        return dtype

    def _seeds(self, seeds: Tensor | None) -> dict[str, Tensor]:
        if not self.info.stochastic:
            return {}
        if seeds is None:
            raise UsageError(f"{self.info.name} draws random numbers", "give seeds=, int64 [B]")
        return {"seeds": seeds}
