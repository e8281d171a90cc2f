"""What the zoo holds: a family, its geometry, and how it is fitted; every value decides the weights.

Tokenizers are fitted with equal compute: as many steps as come to :data:`COMPUTE` floating-point operations, forward
and backward, of which the largest part is a convolution's or a product of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from vtbench.core.errors import UsageError
from vtbench.zoo.generators.recipes import GENERATORS, GeneratorRecipe
from vtbench.zoo.recipe import Recipe

Form = Literal["directions", "distances", "scales", "signs", "levels", "posterior"]
"""How a code comes about: nearest direction or nearest entry of a codebook, residual scales of one, signs, rounding to
finite levels, a posterior."""


@dataclass(frozen=True, kw_only=True)
class TokenizerRecipe(Recipe):
    """One tokenizer of the zoo.

    Attributes:
        form: of its codes.
        commitment: weight of the encoder's distance to its code; of a posterior, of its KL divergence to the normal.
        entropy: weight of the entropy terms of signs.
    """

    betas: ClassVar[tuple[float, float]] = (0.9, 0.99)

    form: Form
    commitment: float = 0.25
    entropy: float = 0.0
    note: str = ""
    size: int = field(default=32)


COMPUTE = 2.5e14
"""Operations that a tokenizer is fitted with: a third of an hour on two cores."""

_CONVOLUTIONAL = {"channels": 32, "multipliers": (1, 2, 2), "blocks": 1}
TOKENIZERS: dict[str, TokenizerRecipe] = {
    recipe.name: recipe
    for recipe in (
        TokenizerRecipe(
            name="zoo-vq",
            family="janus-vq",
            arguments={**_CONVOLUTIONAL, "latent_channels": 64, "codebook_dim": 8, "codebook_size": 512},
            form="directions",
            steps=5_900,
        ),
        TokenizerRecipe(
            name="zoo-var-vq",
            family="var-vq",
            arguments={
                "channels": 32,
                "multipliers": (1, 2, 2),
                "codebook_dim": 16,
                "codebook_size": 512,
                "scales": (1, 2, 3, 4, 6, 8),
                "blocks": 1,
            },
            form="scales",
            steps=6_050,
        ),
        TokenizerRecipe(
            name="zoo-lfq",
            family="open-magvit2",
            arguments={**_CONVOLUTIONAL, "bits": 9, "weights": "raw"},
            form="signs",
            steps=8_400,
            entropy=0.02,
        ),
        TokenizerRecipe(
            name="zoo-fsq",
            family="cosmos",
            arguments={
                **{"compression": 4, "levels": (8, 8, 8), "patch": 2, "channels": 32, "multipliers": (1, 2)},
                **{"blocks": 2, "inner": 16},
            },
            form="levels",
            steps=15_800,
        ),
        TokenizerRecipe(
            name="zoo-kl",
            family="ldm-kl",
            arguments={**_CONVOLUTIONAL, "latent_channels": 4, "norm_groups": 8},
            form="posterior",
            steps=6_100,
            commitment=1e-6,
        ),
        TokenizerRecipe(
            name="zoo-titok",
            family="titok",
            arguments={
                **{"encoder": "nano", "decoder": "nano", "tokens": 32, "codebook_size": 512, "codebook_dim": 8},
                **{"two_stage": False, "size": 32, "patch": 4},
            },
            form="distances",
            steps=12_850,
        ),
    )
}


def find_recipe(name: str) -> TokenizerRecipe | GeneratorRecipe:
    """A recipe by name.

    Raises:
        UsageError: no such recipe.
    """
    return GENERATORS[name] if name in GENERATORS else find_tokenizer(name)


def find_tokenizer(name: str) -> TokenizerRecipe:
    """A tokenizer's recipe by name.

    Raises:
        UsageError: no such recipe.
    """
    if name not in TOKENIZERS:
        raise UsageError(f"the zoo has no recipe {name!r}", f"known: {', '.join(sorted({**TOKENIZERS, **GENERATORS}))}")
    return TOKENIZERS[name]
