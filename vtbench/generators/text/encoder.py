"""T5's encoder (Raffel et al. 2020) by transformers: prompts to features, each prompt by itself.

A prompt is encoded alone, filled up to the rule's length, so that no other prompt changes a bit of its features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtbench.assets.loading_report import refuse_misfit
from vtbench.checkpoints.pretrained import Checkpoint
from vtbench.checkpoints.state import seeded
from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.core.extras import install_extra
from vtbench.core.info import WeightFile
from vtbench.generators.text.encoded import EncodedText
from vtbench.generators.text.folder import FLAN_T5_XL, files_of, fingerprint
from vtbench.generators.text.rules import TextRule

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self


class TextEncoder:
    """Prompts to features.

    Args:
        network: T5's encoder, in evaluation mode.
        tokenizer: of the library.
        rule: how text is treated.
        name: what it is, for the record.
        weights: every file that moves a feature.
        notes: what a reader of the numbers must know.

    Raises:
        AdapterError: the network has no embedding for the token that the rule adds.
    """

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        rule: TextRule,
        name: str,
        weights: tuple[WeightFile, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> None:
        self._network, self._tokenizer, self.rule = network, tokenizer, rule
        self.name, self.weights, self.notes = name, weights, notes
        self._added = _add_token(tokenizer, network, rule.added_token, name) if rule.added_token else None

    def as_recorded(self) -> dict[str, Any]:
        """Which it is, and how text is treated."""
        return {"text_encoder": self.name, **self.rule.as_recorded()}

    def to(self, device: torch.device | str | None) -> Self:
        """Move it; its precision is the rule's. Returns itself."""
        if device is not None:
            self._network = self._network.to(device=device)
        return self

    def encode(self, prompts: Sequence[str]) -> EncodedText:
        """``B`` prompts to features ``[B,length,D]`` in the rule's precision, and the mask ``bool [B,length]``.

        Raises:
            AssetMissingError: a prompt that needs a library to be cleaned.
        """
        import torch

        found = {prompt: self._encoded(self.rule.cleaning(prompt)) for prompt in dict.fromkeys(prompts)}
        features, masks = zip(*(found[prompt] for prompt in prompts), strict=True)
        return EncodedText(torch.cat(features), torch.cat(masks))

    def marked(self, prompts: Sequence[str]) -> Tensor:
        """``bool [B,length]``: where the token that the rule adds stands in each prompt."""
        import torch

        return torch.cat([self._cut(self.rule.cleaning(prompt))["input_ids"] == self._added for prompt in prompts])

    def _encoded(self, text: str) -> tuple[Tensor, Tensor]:
        import torch

        cut = self._cut(text)
        device = next(self._network.parameters()).device
        tokens, mask = cut["input_ids"].to(device), cut["attention_mask"].to(device)
        with torch.inference_mode():
            features: Tensor = self._network(input_ids=tokens, attention_mask=mask).last_hidden_state
        return features, mask.bool()

    def _cut(self, text: str) -> Any:
        """Tokens and the mask, ``int64 [1,length]`` each, on the CPU."""
        return self._tokenizer(
            [text], max_length=self.rule.length, padding="max_length", truncation=True, return_tensors="pt"
        )


def text_encoder(found: Checkpoint, rule: TextRule) -> TextEncoder:
    """The encoder of a folder, on the CPU in the rule's precision; decoders beside it are left where they lie.

    Raises:
        AssetMissingError: transformers is not installed.
        AdapterError: tensors that are missing or of another shape, or a tokenizer that cannot be made of its files.
    """
    network, tokenizer = loaded_encoder(found, rule, "T5EncoderModel", "T5 encoder")
    files = files_of(found)
    name = f"T5, {found.config['num_layers']} blocks of {found.config['d_model']} channels, files {fingerprint(files)}"
    return TextEncoder(network, tokenizer, rule, name, files)


def loaded_encoder(found: Checkpoint, rule: TextRule, model: str, called: str) -> tuple[Any, Any]:
    """Network, in evaluation mode, and tokenizer of a folder; what else its weights hold is left where it lies.

    Args:
        found: the folder.
        rule: gives the precision.
        model: the library's class.
        called: what it is, for messages.

    Raises:
        AssetMissingError: transformers is not installed.
        AdapterError: tensors that are missing or of another shape, or a tokenizer that cannot be made of its files.
    """
    library = transformers_library()
    options = {"local_files_only": True, "trust_remote_code": False}
    library.utils.logging.disable_progress_bar()
    try:
        network, report = getattr(library, model).from_pretrained(
            str(found.folder), use_safetensors=True, output_loading_info=True, torch_dtype=rule.precision, **options
        )
        tokenizer = library.AutoTokenizer.from_pretrained(str(found.folder), **options)
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise AdapterError(f"{found.source}: transformers cannot load a {called}: {first}") from error
    finally:
        library.utils.logging.enable_progress_bar()
    refuse_misfit(network, report, found.source, allow_unread=True)
    _check_tokens(tokenizer, network, found.source)
    return _quiet(network), tokenizer


def random_text_encoder(width: int, rule: TextRule, seed: int) -> TextEncoder:
    """A small one that reads bytes, with seeded random weights: for tests of geometry, never for a score."""
    library = transformers_library()
    config = library.T5Config(
        vocab_size=512, d_model=width, d_ff=64, d_kv=16, num_heads=2, num_layers=1, feed_forward_proj="gated-gelu"
    )
    network = seeded(lambda: library.T5EncoderModel(config), seed).to(dtype_of(rule))
    note = f"the text encoder has random weights (seed {seed}): its features mean nothing"
    return TextEncoder(
        _quiet(network), library.ByT5Tokenizer(), rule, f"T5 of random weights, seed {seed}", (), (note,)
    )


def dtype_of(rule: TextRule) -> torch.dtype:
    """The precision of its weights."""
    import torch

    found: torch.dtype = getattr(torch, rule.precision)
    return found


def _quiet(network: Any) -> Any:
    return network.eval().requires_grad_(False)


def _check_tokens(tokenizer: Any, network: Any, source: str) -> None:
    """Refuse a tokenizer of more entries than the network has: it is of another model."""
    if len(tokenizer) > network.config.vocab_size:
        raise AdapterError(
            f"{source}: its tokenizer has {len(tokenizer)} entries, its network {network.config.vocab_size}",
            "copy or download the whole folder again",
        )


def _add_token(tokenizer: Any, network: Any, token: str, name: str) -> int:
    """Its index: the first behind the tokenizer's own, for which a network may have an embedding to spare."""
    tokenizer.add_special_tokens({"additional_special_tokens": [token]})
    added: int = tokenizer.convert_tokens_to_ids(token)
    if added >= network.config.vocab_size:
        raise AdapterError(
            f"{name}: {token} would be entry {added} of its tokenizer, its network has {network.config.vocab_size}",
            f"its text encoder is {FLAN_T5_XL}",
        )
    return added


def transformers_library() -> Any:
    """The library; raises ``AssetMissingError`` where it is not installed."""
    try:
        import transformers
    except ImportError as error:
        raise AssetMissingError("a text encoder needs transformers", install_extra("hub")) from error
    return transformers
