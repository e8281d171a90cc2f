"""Generators of the zoo: a family, its size, the tokenizer whose codes it draws, and how it is fitted.

They are fitted with equal compute: as many steps as come to :data:`GENERATOR_COMPUTE` floating-point operations,
forward and backward. The smaller of VAR's two takes as many steps as the larger instead: the two that work together
have seen the same images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from vtbench.zoo.recipe import Recipe

Order = Literal["next-token", "next-scale", "masked", "masked-latents"]
"""What a network predicts: a token from those before it, a scale from those before it, masked tokens or masked latents
from the others."""

GENERATOR_COMPUTE = 1.2e14
"""Operations that a generator is fitted with: a quarter of an hour on two cores."""


@dataclass(frozen=True, kw_only=True)
class GeneratorRecipe(Recipe):
    """One generator of the zoo.

    Attributes:
        order: of its objective.
        tokenizer: name of its recipe.
        zeroed: ends of the names of layers whose weights begin at zero: those that predict, and those that modulate.
        label_dropout: share of images that are shown without their class.
        shown: settings of the sampler, for pictures on the way and for the card; they decide no weight.
    """

    betas: ClassVar[tuple[float, float]] = (0.9, 0.95)

    order: Order
    tokenizer: str
    weight_decay: float = 0.05
    zeroed: tuple[str, ...]
    label_dropout: float = 0.1
    shown: Mapping[str, Any] = field(default_factory=dict)


_OF_CLASSES = {"classes": 10, "codebook_size": 512}
_OF_SCALES = {**_OF_CLASSES, "codebook_dim": 16, "scales": (1, 2, 3, 4, 6, 8)}
_SCALES_ZEROED = ("ada_lin.1", "head")

GENERATORS: dict[str, GeneratorRecipe] = {
    recipe.name: recipe
    for recipe in (
        GeneratorRecipe(
            name="zoo-llamagen",
            family="llamagen",
            arguments={**_OF_CLASSES, "size": "nano", "grid": 8},
            order="next-token",
            tokenizer="zoo-vq",
            steps=3_550,
            zeroed=("output",),
            shown={"cfg_scale": 2.0},
        ),
        GeneratorRecipe(
            name="zoo-var",
            family="var",
            arguments={**_OF_SCALES, "size": "micro"},
            order="next-scale",
            tokenizer="zoo-var-vq",
            steps=2_350,
            zeroed=_SCALES_ZEROED,
        ),
        GeneratorRecipe(
            name="zoo-var-refiner",
            family="var",
            arguments={**_OF_SCALES, "size": "nano"},
            order="next-scale",
            tokenizer="zoo-var-vq",
            steps=2_350,
            zeroed=_SCALES_ZEROED,
        ),
        GeneratorRecipe(
            name="zoo-maskgit",
            family="titok-generator",
            arguments={**_OF_CLASSES, "size": "nano"},
            order="masked",
            tokenizer="zoo-titok",
            steps=5_550,
            zeroed=("lm_head",),
        ),
        GeneratorRecipe(
            name="zoo-mar",
            family="mar",
            arguments={"classes": 10, "size": "nano", "steps": 64},
            order="masked-latents",
            tokenizer="zoo-kl",
            steps=2_200,
            zeroed=("adaLN_modulation.1", "final_layer.linear"),
            shown={"cfg_scale": 2.0, "steps": 8, "diffusion_steps": 20, "clip_denoised": 5.0},
        ),
    )
}
