"""The cards of the zoo's tokenizers: what the recipe and the weights say, in the form that vtbench reads."""

from __future__ import annotations

import json
import re
import warnings
from typing import TYPE_CHECKING, Any

import yaml

from vtbench.checkpoints.cards import parse_card
from vtbench.core.disk.packaged import ZOO
from vtbench.tokenizers import TOKENIZERS
from vtbench.zoo.images import TORCHVISION

if TYPE_CHECKING:
    from vtbench.zoo.recipes import TokenizerRecipe

LICENCE = "Apache-2.0; fitted on CIFAR-10, which states no licence"
SOURCE = "https://www.cs.toronto.edu/~kriz/cifar.html"
"""Of the images."""
_SIDE = 256
_SUMMARIES = {
    "zoo-vq": "Zoo: vector quantisation by LlamaGen's class, 8×8 tokens of 32×32 pixels.",
    "zoo-var-vq": "Zoo: residual vector quantisation over six scales by VAR's class, 130 tokens of 32×32 pixels.",
    "zoo-lfq": "Zoo: quantisation by signs (LFQ) by Open-MAGVIT2's class, 8×8 tokens of 32×32 pixels.",
    "zoo-fsq": "Zoo: finite scalar quantisation (FSQ) by Cosmos' class, 8×8 tokens of 32×32 pixels.",
    "zoo-kl": "Zoo: continuous latents with a KL term by LDM's class, 8×8 positions of 32×32 pixels.",
    "zoo-titok": "Zoo: one-dimensional tokens by TiTok's class, 32 tokens of 32×32 pixels.",
}


def card_text(recipe: TokenizerRecipe, images: str, sha256: str) -> str:
    """The card of a fitted tokenizer, as YAML.

    Args:
        recipe: how it was fitted.
        images: what the card of the fit calls the images; those of Parquet files are JPEG copies.
        sha256: of its weights.
    """
    copies = "CIFAR-10" if images == TORCHVISION else "JPEG copies of CIFAR-10"
    family: Any = TOKENIZERS.load(recipe.family)
    paper = re.search(r"\b\d{4}\.\d{5}\b", family.citation)
    fields = {
        "name": recipe.name,
        "target": recipe.family,
        "args": json.loads(json.dumps(dict(recipe.arguments))),
        "summary": _SUMMARIES[recipe.name] + f" Fitted on {copies} for squared error alone.",
        "checkpoint": {"package": ZOO, "file": f"{recipe.name}.safetensors", "sha256": sha256},
        "value_range": family.value_range,
        "native_size": recipe.size,
        "geometry": _geometry(recipe, family),
        "licence": LICENCE,
        "source": SOURCE,
        "citation": family.citation,
        **({"paper": paper[0]} if paper else {}),
    }
    text = "".join(_line(key, value) for key, value in fields.items())
    parse_card(text, recipe.name)
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
        tokens = [(_SIDE // info.downsample_factor) ** 2]
    if info.kind == "continuous":
        code: dict[str, Any] = {"latent_channels": recipe.arguments["latent_channels"]}
    elif recipe.form == "signs":
        code = {"bits": [recipe.arguments["bits"]]}
    else:
        code = {"codebook_sizes": sorted(set(info.codebook_sizes))}
    return {"tokens": tokens, **code}
