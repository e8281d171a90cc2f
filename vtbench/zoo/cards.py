"""The cards of the zoo: what the recipe and the weights say, in the form that vtbench reads."""

from __future__ import annotations

import json
import re
import warnings
from typing import TYPE_CHECKING, Any

import yaml

from vtbench.checkpoints.cards import Card, CommonCard, GeneratorCard, load_cards, parse_card
from vtbench.core.disk.packaged import ZOO
from vtbench.generators import GENERATORS
from vtbench.tokenizers import TOKENIZERS
from vtbench.zoo.images import TORCHVISION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vtbench.zoo.generators.recipes import GeneratorRecipe
    from vtbench.zoo.recipe import Recipe
    from vtbench.zoo.recipes import TokenizerRecipe

LICENCE = "Apache-2.0; fitted on CIFAR-10, which states no licence"
SOURCE = "https://www.cs.toronto.edu/~kriz/cifar.html"
"""Of the images."""
SIDE = 32
"""Of the images, in pixels."""
_TOLD_AT = 256
"""Side at which cards tell tokens."""
_SUMMARIES = {
    "zoo-vq": "Zoo: vector quantisation by LlamaGen's class, 8×8 tokens of 32×32 pixels.",
    "zoo-var-vq": "Zoo: residual vector quantisation over six scales by VAR's class, 130 tokens of 32×32 pixels.",
    "zoo-lfq": "Zoo: quantisation by signs (LFQ) by Open-MAGVIT2's class, 8×8 tokens of 32×32 pixels.",
    "zoo-fsq": "Zoo: finite scalar quantisation (FSQ) by Cosmos' class, 8×8 tokens of 32×32 pixels.",
    "zoo-kl": "Zoo: continuous latents with a KL term by LDM's class, 8×8 positions of 32×32 pixels.",
    "zoo-titok": "Zoo: one-dimensional tokens by TiTok's class, 32 tokens of 32×32 pixels.",
    "zoo-llamagen": "Zoo: next-token generation by LlamaGen's class, on the codes of zoo-vq.",
    "zoo-var": "Zoo: next-scale generation by VAR's class, on the codes of zoo-var-vq.",
    "zoo-maskgit": "Zoo: masked generation by TiTok's class, on the tokens of zoo-titok.",
    "zoo-mar": "Zoo: masked generation of latents with a diffusion loss by MAR's class, on those of zoo-kl.",
    "zoo-var-refiner": "Zoo: a smaller network than zoo-var, on the same codes, to refine what that drafts.",
}


SUITE, MINI = "zoo", "zoo-mini"
"""Suites: of all that the zoo holds, and of the best of it."""


def learnt(models: Sequence[str]) -> list[str]:
    """Those of some tokenizers that are networks with a card: what codecs write is not learnt."""
    return [model for model in models if model in load_cards()]


def tokenizer_card(recipe: TokenizerRecipe, told: Mapping[str, Any], sha256: str) -> str:
    """The card of a fitted tokenizer, as YAML.

    Args:
        recipe: how it was fitted.
        told: the card of the fit.
        sha256: of its weights.
    """
    family: Any = TOKENIZERS.load(recipe.family)
    fields = {
        **_common(recipe, recipe.arguments, f"{_copies(told)} for squared error alone", sha256),
        "value_range": family.value_range,
        "geometry": _geometry(recipe, family),
        **_cited(family),
    }
    return _checked(fields, recipe.name, Card)


def generator_card(recipe: GeneratorRecipe, told: Mapping[str, Any], sha256: str, tensors: int) -> str:
    """The card of a fitted generator, as YAML.

    Its arguments are those that the fit had, the scale that it found for latents among them, and its sampler is that of
    the recipe's pictures.

    Args:
        recipe: how it was fitted.
        told: the card of the fit.
        sha256: of its weights.
        tensors: that the weights are.
    """
    fields = {
        **_common(
            recipe,
            {**told["arguments"], "tokenizer": recipe.tokenizer, **recipe.shown},
            f"{_copies(told)} by classes",
            sha256,
        ),
        "tokenizer": recipe.tokenizer,
        "conditions": "class",
        "parameters": told["parameters"],
        "tensors": tensors,
        **_cited(GENERATORS.load(recipe.family)),
    }
    return _checked(fields, recipe.name, GeneratorCard)


def _common(recipe: Recipe, arguments: Mapping[str, Any], fitted: str, sha256: str) -> dict[str, Any]:
    plain = f"Zoo: a network of the class of {recipe.family}, for images of {SIDE}×{SIDE} pixels."
    return {
        "name": recipe.name,
        "target": recipe.family,
        "args": json.loads(json.dumps(dict(arguments))),
        "summary": f"{_SUMMARIES.get(recipe.name, plain)} Fitted on {fitted}.",
        "checkpoint": {"package": ZOO, "file": f"{recipe.name}.safetensors", "sha256": sha256},
        "native_size": SIDE,
        "licence": LICENCE,
        "source": SOURCE,
    }


def _copies(told: Mapping[str, Any]) -> str:
    return "CIFAR-10" if told["images"]["source"] == TORCHVISION else "JPEG copies of CIFAR-10"


def _cited(family: Any) -> dict[str, str]:
    paper = re.search(r"\b\d{4}\.\d{5}\b", family.citation)
    return {"citation": family.citation, **({"paper": paper[0]} if paper else {})}


def _checked(fields: Mapping[str, Any], name: str, kind: type[CommonCard]) -> str:
    text = "".join(_line(key, value) for key, value in fields.items())
    parse_card(text, name, kind)
    return text


def _line(key: str, value: Any) -> str:
    def dumped(what: Any, **style: Any) -> str:
        found: str = yaml.safe_dump(what, sort_keys=False, width=10**6, allow_unicode=True, **style)
        return found

    return f"{key}: {dumped(value, default_flow_style=True)}" if isinstance(value, dict) else dumped({key: value})


def _geometry(recipe: TokenizerRecipe, family: Any) -> dict[str, Any]:
    """Tokens of a 256×256 image, which families of a fixed size resize."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of random weights: the information alone is looked at
        info = family.random(seed=recipe.seed, **recipe.arguments).info
    if "scales" in recipe.arguments:
        tokens = [side * side for side in recipe.arguments["scales"]]
    elif "tokens" in recipe.arguments:
        tokens = [recipe.arguments["tokens"]]
    else:
        tokens = [(_TOLD_AT // info.downsample_factor) ** 2]
    if info.kind == "continuous":
        code: dict[str, Any] = {"latent_channels": recipe.arguments["latent_channels"]}
    elif recipe.form == "signs":
        code = {"bits": [recipe.arguments["bits"]]}
    else:
        code = {"codebook_sizes": sorted(set(info.codebook_sizes))}
    return {"tokens": tokens, **code}
