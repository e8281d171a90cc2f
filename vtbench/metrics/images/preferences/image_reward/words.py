"""Prompts as BLIP's text encoder reads them: BERT's uncased word pieces, 35 of them, the two marks among them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.core.extras import install_extra

if TYPE_CHECKING:
    from torch import Tensor

LENGTH = 35
_ADDED = ("[DEC]", "[ENC]")
"""Marks that BLIP adds to BERT's vocabulary; a prompt that spells one means the mark, as with the authors' code."""


class Words:
    """The tokenizer of one vocabulary.

    Args:
        vocabulary: BERT's ``vocab.txt``, a piece a line.

    Attributes:
        padding: its token.

    Raises:
        AssetMissingError: tokenizers is not installed.
        UsageError: the file is no vocabulary of BERT's.
    """

    def __init__(self, vocabulary: Path | str) -> None:
        self._pieces = _tokenizer(Path(vocabulary))
        self.padding: int = self._pieces.token_to_id("[PAD]")
        self._end: int = self._pieces.token_to_id("[SEP]")

    def __call__(self, prompts: Sequence[str]) -> Tensor:
        """``B`` prompts to ``int64 [B,35]``: cut before the end mark, or padded behind it."""
        import torch

        rows = [self._pieces.encode(prompt).ids for prompt in prompts]
        cut = [row if len(row) <= LENGTH else [*row[: LENGTH - 1], self._end] for row in rows]
        padded = [[*row, *[self.padding] * (LENGTH - len(row))] for row in cut]
        return torch.tensor(padded, dtype=torch.int64).reshape(len(rows), LENGTH)

    def length(self, prompt: str) -> int:
        """Tokens of the whole prompt, its two marks among them."""
        return len(self._pieces.encode(prompt).ids)


def _tokenizer(vocabulary: Path) -> Any:
    from vtbench.core.outside.parsing import read_text

    try:
        from tokenizers import BertWordPieceTokenizer
    except ImportError as error:
        raise AssetMissingError("image_reward needs tokenizers", install_extra("hub")) from error
    pieces = {piece.removesuffix("\r"): place for place, piece in enumerate(read_text(vocabulary).split("\n")) if piece}
    lacking = [mark for mark in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]") if mark not in pieces]
    if lacking:
        raise UsageError(f"{vocabulary} is no vocabulary of BERT's: it lacks {lacking[0]}", "give its vocab.txt")
    made = BertWordPieceTokenizer(pieces, lowercase=True)
    made.add_special_tokens(list(_ADDED))
    return made
