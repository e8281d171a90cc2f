"""``controlvar``: ControlVAR's generators by class and control map (Li et al. 2024), 2406.09750.

Written from the paper's description: the authors' code and weights are under no licence. Held against
lxa9867/ControlVAR (9433c18) on a CPU in float32 with equal random weights, an image at a time, given random control
maps: all 680 codes of the image equal (345 to 599 distinct) for six images under guidance (4, 4, 4) twice, (4, 2, 1),
(1.5, 1.5, 3), (2, 3, 4) and none, of all four kinds, for three blocks with cosine attention and two without; logits of
the branches within 1.7e-6 of 3.7, images within 4.8e-7 in [0, 1], and the codes of the given maps equal. So are all
codes of two images (185 and 209 distinct) of the whole of d12 with the whole tokenizer, in two branches and in four,
logits within 5.8e-6 of 7.9. Parameters, names and shapes are those of the authors' class for every size, d12 to d30,
built without memory.

The authors' validation enlarges control maps to 288 pixels and takes the middle 256; here the whole map counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.generators.published.base import Identity, ImageRule
from vtbench.generators.published.next_scale.base import CLASSES, MultiScaleGenerator
from vtbench.generators.published.next_scale.controlvar.settings import BRANCHES, Control, ControlSettings
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.next_scale.schedule import ScaleSchedule

if TYPE_CHECKING:
    from torch import Tensor

VOCABULARY = 4096
ROLE = "control"
IN_WORDS = "shorter side by LANCZOS to that of the image, and the middle of it"


class ControlVar(MultiScaleGenerator):
    """One of ControlVAR's sizes: an image of a class that fits a ``control`` image.

    The network predicts the control map and the image side by side; the map's codes are given. Guidance is over four
    branches, with every strength growing evenly from 0 at the first scale: ``(1 + a) l(class, kind, map) + (b - a)
    l(kind, map) + (c - b) l(map) - c l()``. With equal strengths, which are the authors' script's, that is ``(1 + t)
    l(class, kind, map) - t l()``, and two branches suffice: the images are the same.

    Args:
        size: of the network.
        scales: sides of the token maps, those that the network was trained for.
        tokenizer: that it generates for, and that codes the control image.
        control: kind of the control image, which is to be as the authors' data have it (qiuk6/ImageNet2012_condition).
        cfg_scale: a, b and c at the last scale, or one number for all; 0 for none.
        top_k: only the k likeliest tokens stay; 0 for all.
        top_p: only the likeliest tokens that together reach p stay; 1 for all (the authors' code says 0).
        greedy: the likeliest token everywhere.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        UsageError: a setting out of range, or no such kind.
    """

    family = "controlvar"
    citation = "Li et al., ControlVAR: Exploring Controllable Visual Autoregressive Modeling, 2024"
    keys = ("model_state_dict",)
    ignore_unexpected = ("lvl_1L", "attn_bias_for_masking")  # follow from the scales
    shrunken: ClassVar[Mapping[str, Any]] = {
        "size": "tiny",
        "scales": (1, 2, 3, 4),
        "tokenizer": "var-vq,scales=[1,2,3,4],channels=32,multipliers=[1,1],random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["d12", "d16", "d20", "d24", "d30", "tiny"] = "d16",
        scales: Sequence[int] = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16),
        tokenizer: str = "var-256",
        *,
        control: Control = "canny",
        cfg_scale: float | Sequence[float] = 4.0,
        top_k: int = 900,
        top_p: float = 0.95,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        **where: Unpack[WeightsFrom],
    ) -> None:
        schedule = ScaleSchedule.square(scales)
        strengths = tuple(cfg_scale) if isinstance(cfg_scale, Sequence) else (cfg_scale,) * (BRANCHES - 1)
        filters = Filters(1.0, top_k, top_p, greedy, PRECISIONS[draw], boundary="reaches")
        settings = ControlSettings(schedule, filters, strengths, draw, control)
        self._setup(
            lambda: _network(size, schedule),
            Source(**where),
            Identity(
                *(tokenizer, VOCABULARY, schedule.sizes[-1]),
                settings=settings,
                image=ImageRule(rounding="truncate"),
                classes=CLASSES,
                further={"control_image": IN_WORDS},
            ),
        )
        self.info = replace(self.info, images=(ROLE,))

    def _draw(self, conditions: Sequence[Condition], seeds: Tensor) -> tuple[Tensor, SamplingCost]:
        """Tokens ``int64 [B,N]`` of the image, all scales, one behind the other."""
        import torch

        from vtbench.generators.published.next_scale.controlvar.sampling import sample_pairs

        labels, settings = self._labels(conditions), self._identity.settings
        given = self._given(conditions, labels.device)
        codes, cost = sample_pairs(self._network, labels, given, self._accumulator(), settings, seeds)
        return torch.cat(codes, dim=1), cost

    def _given(self, conditions: Sequence[Condition], device: Any) -> list[Tensor]:
        """Codes ``int64 [B,T]`` of the control images at each scale."""
        import torch

        from vtbench.generators.published.next_scale.controlvar.maps import fitted

        maps = torch.stack([fitted(condition.image(ROLE), self._side()) for condition in conditions])
        codes = self.tokenizer.encode(maps.to(device))
        return [level.flatten(1) for level in codes.levels]


def _network(size: str, schedule: ScaleSchedule) -> Any:
    from vtbench.generators.published.next_scale.controlvar.network import SIZES, ControlVarNetwork, paired
    from vtbench.generators.published.next_scale.var.network import VarGeometry

    return ControlVarNetwork(VarGeometry(**SIZES[size], schedule=paired(schedule)))  # type: ignore[arg-type]
