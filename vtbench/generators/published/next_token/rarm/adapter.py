"""``rarm``: retrieval-augmented autoregressive models (Blattmann et al. 2022), 2204.11824, over LDM's VQ-f16.

Held against CompVis/retrieval-augmented-diffusion-models (1017f2b), its feed-forward part being that of
CompVis/latent-diffusion (a506df5), two layers of equal weights, float32 on a CPU: logits within 3e-6, greedy sequences
at guidance 1, 2 and 3.5 equal, and of single images drawn by its own ``sample`` (54: six seeds, those strengths, top-k
8, 20 or none, temperature 1 or 0.9) all tokens equal. It runs every pass over all tokens so far; here keys and values
are kept. Which neighbours an image has is drawn by numpy there, and by the image's own seed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import Unpack

from vtbench.checkpoints.loading import Source, WeightsFrom
from vtbench.core.contracts import Condition, SamplingCost
from vtbench.core.info import ConditionKind
from vtbench.generators.published.base import Identity, ImageRule, PublishedGenerator
from vtbench.generators.published.teacher_forcing import TeacherForced
from vtbench.generators.sampling.draws import PRECISIONS, DrawRule
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.guidance import Constant
from vtbench.generators.sampling.settings import SamplerSettings

if TYPE_CHECKING:
    from torch import Tensor

WITHOUT = (
    "sampled without neighbours, from zeros, as the authors' --unconditional does; their published numbers have some"
)


class Rarm(TeacherForced, PublishedGenerator):
    """A transformer of tokens that looks at the CLIP vectors of a few neighbours of the image to be.

    Args:
        size: of the network.
        tokenizer: that it generates for.
        neighbours: an npz whose array ``neighbours``, ``float32 [M,K,512]``, holds a row a query; an image's own seed
            chooses its row. Without one, images are sampled from zeros.
        cfg_scale: guidance s in ``u + s (c - u)``, u of zeros; 1 for none.
        temperature: logits are divided by it.
        top_k: only the k likeliest tokens stay; 0 for all.
        greedy: the likeliest token at every step.
        draw: ``inverse-cdf``, or ``torch-multinomial`` for the authors' own draws of a single image.
        where: its weights; see :class:`~vtbench.checkpoints.loading.WeightsFrom`.

    Raises:
        AssetMissingError: the table is not there.
        UsageError: it is none, or a setting out of range.
    """

    family = "rarm"
    conditioned_on: ClassVar[ConditionKind] = "none"
    citation = "Blattmann et al., Retrieval-Augmented Diffusion Models, NeurIPS 2022"
    keys = ("state_dict",)
    prefix = "transformer."
    shrunken: ClassVar[Mapping[str, Any]] = {
        "size": "tiny",
        "tokenizer": "ldm-vq,channels=8,multipliers=[1,2],latent_channels=6,codebook_dim=4,codebook_size=32,"
        "norm_groups=4,random_weights_seed=0",
    }

    def __init__(
        self,
        size: Literal["imagenet", "tiny"] = "imagenet",
        tokenizer: str = "ldm-vq-f16",
        *,
        neighbours: str | None = None,
        cfg_scale: float = 1.0,
        temperature: float = 1.0,
        top_k: int = 0,
        greedy: bool = False,
        draw: DrawRule = "inverse-cdf",
        **where: Unpack[WeightsFrom],
    ) -> None:
        from vtbench.generators.published.next_token.rarm.neighbours import none_of, read_neighbours
        from vtbench.generators.published.next_token.rarm.network import SIZES, RarmNetwork

        geometry = SIZES[size]
        width = geometry.neighbour
        self._given_table = neighbours is not None
        self._neighbours = none_of(width) if neighbours is None else read_neighbours(neighbours, width)
        filters = Filters(temperature, top_k, greedy=greedy, precision=PRECISIONS[draw])
        rule = {} if neighbours is None else {"neighbour_rule": "of all rows, by a number of the sample's own seed"}
        self._setup(
            lambda: RarmNetwork(geometry),
            Source(**where),
            Identity(
                tokenizer,
                geometry.vocabulary,
                (geometry.grid, geometry.grid),
                SamplerSettings(filters, Constant(cfg_scale), draw),
                ImageRule(rounding="truncate"),
                further={"neighbours": self._neighbours.told, **rule},
            ),
        )
        self.notes = (*self.notes, WITHOUT) if neighbours is None else self.notes

    @property
    def log_likelihood(self) -> Any:
        """:meth:`.TeacherForced.log_likelihood` of the network without neighbours.

        Raises:
            AttributeError: it has a table. Codes do not tell which of its rows they are of, and the likelihood under
                all of them together would take a pass a row.
        """
        if self._given_table:
            raise AttributeError(f"{self.info.name} tells no likelihood with a table of neighbours")
        return super().log_likelihood

    def _condition(self, conditions: Sequence[Condition]) -> Tensor:
        """Vectors of no neighbours, ``[B,1,width]``."""
        import torch

        device = next(self._network.parameters()).device
        return self._neighbours.of(torch.zeros(len(conditions), dtype=torch.int64)).to(device)

    def _draw(self, conditions: Sequence[Condition], seeds: Tensor) -> tuple[Tensor, SamplingCost]:
        import torch

        from vtbench.generators.sampling.next_token import Prompted, sample_tokens

        del conditions  # it takes none
        chosen = self._neighbours.of(seeds).to(next(self._network.parameters()).device)
        prompted = Prompted(chosen, torch.zeros_like(chosen))
        return sample_tokens(self._network, prompted, self._identity.settings, seeds)
