"""``image_reward``: BLIP fitted to rankings by people, standardised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtbench.metrics.catalog.images import PROMPT_INFOS
from vtbench.metrics.images.preferences.image_reward.words import LENGTH, Words

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

    from vtbench.metrics.images.preferences.image_reward.network import RewardGeometry

REPOSITORY, FILE = "THUDM/ImageReward", "ImageReward.pt"
VOCABULARY_REPOSITORY, VOCABULARY_FILE = "google-bert/bert-base-uncased", "vocab.txt"
MEAN_REWARD, STD_REWARD = 0.16717362830052426, 1.0333394966054072
"""Of the network's numbers on the authors' data, by which they are standardised."""


class ImageReward:
    """The authors' standardised reward, about 0, without bounds (Xu et al. 2023; THUDM/ImageReward@c1392c6).

    transformers' BLIP classes with the authors' weights, in float32. Images as CLIP is fed: short side to 224 pixels,
    bicubic on 8 bits, the centred square. Of a prompt 35 tokens of BERT's are read, its two marks among them.

    Args:
        weights: the published ``ImageReward.pt``; the hub's unless given.
        vocabulary: BERT's uncased ``vocab.txt``; the hub's unless given.
        geometry: sizes of the network; the published ones unless given.

    Raises:
        AssetMissingError: a file cannot be had, or transformers is not installed.
        AdapterError: the weights do not fill the network.
    """

    info = PROMPT_INFOS["image_reward"]

    def __init__(
        self, weights: str | None = None, vocabulary: str | None = None, geometry: RewardGeometry | None = None
    ) -> None:
        from vtbench.assets.checkpoint import load_checkpoint
        from vtbench.assets.hub import hub_file
        from vtbench.core.disk.files import user_path
        from vtbench.metrics.images.preferences.image_reward.network import RewardGeometry, filled_network

        made = geometry or RewardGeometry()
        file = user_path(weights) if weights else hub_file(REPOSITORY, FILE)
        words = user_path(vocabulary) if vocabulary else hub_file(VOCABULARY_REPOSITORY, VOCABULARY_FILE)
        self._words, self._side = Words(words), made.side
        self._network: Any = filled_network(made, load_checkpoint(file), str(file))

    def to(self, *, device: torch.device | str) -> Self:
        """Move the network; returns itself."""
        self._network = self._network.to(device)
        return self

    def __call__(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
        """``uint8 [B,3,H,W]`` and ``B`` prompts to ``float64 [B]``."""
        from vtbench.core.threads.lanes import of_each

        device = next(self._network.parameters()).device
        return of_each(self._score, images.to(device), self._words(prompts).to(device))

    def cut(self, prompts: Sequence[str]) -> list[bool]:
        """Whether a prompt, with its two marks, is longer than 35 tokens, so that its end is lost."""
        return [self._words.length(prompt) > LENGTH for prompt in prompts]

    def _score(self, images: Tensor, words: Tensor) -> Tensor:
        """``uint8 [b,3,H,W]`` and ``int64 [b,35]`` to ``float64 [b]``."""
        from vtbench.features.clip.model import standardised
        from vtbench.features.resizing import short_side_bicubic_8bit

        pixels = standardised(short_side_bicubic_8bit(images, self._side))
        found: Tensor = self._network(pixels, words, (words != self._words.padding).long())
        return (found.double() - MEAN_REWARD) / STD_REWARD
