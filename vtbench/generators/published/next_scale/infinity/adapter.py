"""``infinity``: Infinity's text-to-image generators of 2 and 8 billion parameters (Han et al. 2024), 2412.04431.

Held against FoundationVision/Infinity (4c27bbb) with equal seeded weights on a CPU, its attention kernel replaced by
plain attention and its compiled norms run as they stand (without them it forgets which scale it is at). A network of
4 blocks and 256 channels, guided, with the authors' own draws: all bits equal, with 8 bits a token at 256 pixels
square, with 56 over patches of 2x2 latents there, at height/width 0.75 and 1.5, at 0.333 of a quarter of a megapixel,
at 768 pixels square, and at 2 of a megapixel (4,168 to 631,064 bits an image); logits within 1.4e-5 of 7.7. The whole
network of 2B (2,204.6 M parameters in 694 tensors) at 256 pixels, guided: all of 16,672 bits equal, logits within
1.1e-5 of 11.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtbench.core.codes import Codes
from vtbench.generators.published.next_scale.infinity.base import BitwiseGenerator
from vtbench.generators.published.next_scale.likelihood import ScaleLikelihood

if TYPE_CHECKING:
    from torch import Tensor


class Infinity(ScaleLikelihood, BitwiseGenerator):
    """One of Infinity's sizes over the bits of its tokenizer.

    Guidance is ``u + s (c - u)`` on logits. Settings not given are those of the published GenEval number.

    Args:
        size: of the network.
        bits: of a token.
        tokenizer: that it generates for, of as many bits, at a size of as many scales as ``pixels`` has.
        pixels: about so many in an image.
        ratio: height over width: 1, 1.25, 1.333, 1.5, 1.75, 2, 2.5, 3, or the inverse of one, cut off behind three
            digits.
        cfg_scale: guidance s, or one for each scale; 1 for none.
        tau: logits are divided by it; or one for each scale.
        top_p: of 0 and 1, only the likelier is left where its probability reaches p; 1 for both.
        greedy: the likelier everywhere.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        negative_prompt: stands in place of no prompt.
        subject_token: word that stands for the subject which the weights were tuned to (ARBooth).
        text_encoder: folder of Flan-T5-XL, or its name on the hub.
        text_precision: of the text encoder.
        cross_attention: precision of attention to text in a network of float32; ``bfloat16`` as the authors' kernel has
            it.
        key_cache: precision of cached keys: ``float32`` as the authors' code keeps them, or that of the ``values``, in
            which attention takes them anyway: it moves no number.
        strategy: ``plain``: one pass a scale; ``scalekv``, ``hack``: the cache forgets, by layer or by head;
            ``current-scale``: it forgets everything, after every scale; ``fastvar``: positions of wide scales are left
            out, and the last scales.
        budget: of ``scalekv`` and ``hack``: share of the cache that is kept.
        large_layers: of ``scalekv``: layers that keep everything, from 0.
        calibration: of ``hack``: file of ``vtbench calibrate``, made of these weights.
        contextual_budget: of ``hack``: share that heads of contents keep; a quarter of ``budget`` unless given.
        prune: of ``fastvar``: share of positions that middle blocks leave out, by the width of a scale.
        skipped_scales: of ``fastvar``: so many of the last scales are not predicted; the authors' way through 13 scales
            is ``prune={32: 0.4, 40: 0.5},skipped_scales=2``.
        guided_scales: guide so many of the first scales only.
        checkpoint: its file, or a folder of shards.
        card: whose checkpoint is used.
        entry: of the file, where it holds several.
        random_weights_seed: random weights, for tests and speed only.

    Raises:
        UsageError: a setting out of range.
        AssetMissingError: the text encoder cannot be had.
    """

    family = "infinity"
    citation = (
        "Han et al., Infinity: Scaling Bitwise AutoRegressive Modeling for High-Resolution Image Synthesis, CVPR 2025"
    )

    def _drawn(self, codes: Codes) -> list[Tensor]:
        """Bits ``int64 [B,T,C]`` of each scale, channel 0 first."""
        return [plane.flip(-1).flatten(1, 2).long() for plane in codes.bits]
