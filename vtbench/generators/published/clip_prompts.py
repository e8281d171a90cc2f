"""What generators share that read prompts by two of CLIP's text encoders: ViT-L/14's and ViT-bigG/14's."""

from __future__ import annotations

from dataclasses import dataclass

from vtbench.checkpoints.files import Located
from vtbench.checkpoints.loading import Source
from vtbench.checkpoints.pretrained import Checkpoint
from vtbench.generators.published.prompts import ReadsPrompts
from vtbench.generators.text.clip import CLIP_BIG_G, CLIP_L, ClipPair, clip_text_encoder, random_clip_text_encoder
from vtbench.generators.text.folder import locate_text_encoder
from vtbench.generators.text.rules import TextRule

WIDTHS = (768, 1280)
"""Channels that they give a token of text."""
KINDS = (CLIP_L, CLIP_BIG_G)


@dataclass(frozen=True)
class Found:
    """Folders of both encoders, to be read by the rule."""

    folders: tuple[Checkpoint, ...]
    rule: TextRule


class FromClipPrompts(ReadsPrompts):
    """Gives a family both encoders; it stands before the base among the family's classes.

    A family calls :meth:`_make_text` before its ``_setup`` and ``_record_text`` behind it.
    """

    _text: ClipPair
    _found_text: Found | None = None

    @classmethod
    def beside(cls) -> tuple[Located, ...]:
        """The text encoders, for ``vtbench fetch``.

        Raises:
            AssetMissingError: one cannot be had.
        """
        found = [
            locate_text_encoder(kind.published, width, cls.family, kind=kind)
            for kind, width in zip(KINDS, WIDTHS, strict=True)
        ]
        return tuple(Located(one.folder, one.weights()[0].sha256, one.source) for one in found)

    def _make_text(
        self, references: tuple[str | None, str | None], widths: tuple[int, int], rule: TextRule, source: Source
    ) -> None:
        """Find both in folders or on the hub, or make them of random weights where the network has such and none is
        given."""
        seed, card = source.random_weights_seed, source.card
        if references == (None, None) and seed is not None:
            first, second = (random_clip_text_encoder(width, rule, seed) for width in widths)
            self._text = ClipPair(first, second)
            return
        folders = tuple(
            locate_text_encoder(reference or kind.published, width, card or self.family, card or "", kind)
            for reference, width, kind in zip(references, widths, KINDS, strict=True)
        )
        self._found_text = Found(folders, rule)

    def _read_text(self) -> None:
        if self._found_text is not None:
            first, second = (clip_text_encoder(folder, self._found_text.rule) for folder in self._found_text.folders)
            self._text = ClipPair(first, second)
