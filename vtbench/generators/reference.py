"""``docs/generators.md``, written from the cards: ``python -m vtbench.generators.reference > docs/generators.md``."""

from __future__ import annotations

from collections.abc import Iterable

from vtbench.checkpoints.cards import GeneratorCard, load_generator_cards
from vtbench.checkpoints.licences import terms
from vtbench.checkpoints.tables import place, table, what
from vtbench.core.naming.reference import Reference
from vtbench.generators import GENERATORS
from vtbench.generators.unpublished import INSTEAD, Unpublished, load_unpublished

_INTRODUCTION = """# Generators

Written from the cards by `python -m vtbench.generators.reference`; do not edit.

A card is a name for one published generator with its tokenizer and the settings of the number that it is known for:

```bash
vtbench show llamagen-l-384                              # checkpoint, settings, licence, published numbers
vtbench fetch llamagen-l-384                             # its file, and its tokenizer's
vtbench doctor llamagen-l-384                            # the contract, on three samples
vtbench run -g llamagen-l-384 --task imagenet256-fid50k-uniform
vtbench run -g llamagen-l-384,cfg_scale=1.5 -g llamagen-l-384,cfg_scale=2.5 --task imagenet256-fid50k
```

What is given overrides the card. Files are looked for in the folders of `$VTBENCH_ASSETS`, then in the cache, then on
the hub. `NAME,checkpoint=FILE` takes a local one, `NAME,tokenizer='CARD,checkpoint=FILE'` that of the tokenizer. They
are read, and held against the network tensor by tensor, as those of [tokenizers](tokenizers.md) are. A generator whose
tokenizer has another codebook, or whose file has other tensors, is refused before anything is sampled.

Every setting that moves a sample is in the record under `sampler`: the filters and their order, the guidance by
formula, strength and schedule, the rule by which a token is drawn, the resize and the rounding of the image. An image
depends on its condition, its seed and these alone, whatever the batch. With `draw=torch-multinomial` and single images
the tokens are those that the authors' code draws after `torch.manual_seed(seed)`; with TiTok's, it is
`draw=torch-gumbel`. All this holds in float32, which is the default. In bfloat16 the last bits of a product depend on
the shape of the batch, and a token that two entries are nearly tied for may fall the other way in other company: use
one `--batch-size` for images that are to be equal.

Masked generators (MaskBit, TiTok) fill all places in a few steps and mask the least sure ones again. Their record also
holds the steps, how many places stay masked after each, what a token is drawn from, and what it is sure by, with the
noise on it. Their guidance is mostly `c + s (c - u)`, where 0 is none; the record says which formula it is.

Next-scale generators (VAR, FlexVAR, SAR, HMAR, M-VAR) predict a map of tokens at a time, from a single token to the
finest map, each map seeing those before it. Their record holds the sides of the maps; guidance is `(1 + s) c - s u`,
where 0 is none, and mostly grows from map to map. ControlVAR predicts the maps of a `control` image beside those of an
image of a class, and the former are given; `control=canny` says of which kind it is, and the record has its guidance of
four branches.

Infinity predicts bits instead of indices, each drawn by itself, from prompts that Flan-T5-XL encodes; `tau` divides the
logits, and guidance `u + s (c - u)` is the same at every map. Its text encoder is fetched with it, keeps a precision of
its own, and is in the record with its files. VAREdit lets the `source` through that network before the first map; its
images are cut to the shapes of their sources. NSARM makes the first maps of the `source` with a network of their own,
and its images have four times the sides.

ImageGPT is conditioned on nothing. Its tokens are colours of a palette, so that the likelihood it tells is of palette
images, not of pixels, and its bits are no bits a dimension of a pixel model.

ImageGPT, Janus-Pro and Emu3 run on transformers' networks (5.0 or newer) under the loop, cache and draws of this
project, not the library's, whose images depend on what else is drawn. Janus-Pro and Emu3 read prompts: the template and
the unconditional prompt are in the record. `NAME,checkpoint=FOLDER` takes what transformers saved, with the
`tokenizer.json` beside the weights; `tokenizer='janus-pro,checkpoint=FOLDER'` finds the image tokenizer in the same
folder, and spares its own download.

GLM-Image and aMUSEd are [pipelines](adding-a-generator.md#a-diffusers-pipeline) without cards:
`diffusers-pipeline,path=zai-org/GLM-Image,size=1024` and `diffusers-pipeline,path=amused/amused-512`. Their images are
drawn one a call, since one stream of random numbers serves a whole batch there. Of GLM-Image, the record also holds
what the tokens of its autoregressive part are drawn by.

MAR's tokens are values, not entries of a codebook. A step fills some places, in an order that is drawn for each image,
and a perceptron denoises each token there; guidance is on the noise it predicts. With `draw=by-position` the order and
the numbers of every position have streams of their own, so that another number of steps changes neither;
`draw=torch-normal` replays the authors' single images, in float32 (theirs ran in float16 autocast). The record counts
passes of the transformer and of the perceptron apart. Hi-MAR makes coarse tokens so, and then all others as one map,
again at every step; of settings that differ, the record holds both. ACDiT makes square blocks of latents one after the
other, each out of noise by diffusers' DPM-Solver++; what its files say of their blocks has to fit.

JPEG-LM writes files, not codes of a fixed number: a sample ends where the network ends it, and libjpeg decodes what it
wrote. A file whose head is not that of 256 x 256 pixels, or that libjpeg refuses, is a failure of that sample, told in
the record; one that lacks blocks is decoded as libjpeg does, or is a failure too with `incomplete=fail`. With
`prefix_ratio=0.5` it goes on from the upper half of an image, `source` of the condition, of 256 x 256 pixels. The
likelihood of its tokens would be one of bytes of a lossy file, not of pixels; it is not told.

RARM looks at the CLIP vectors of neighbours (ViT-B/32, not normalised) that a search in a database of images has found.
`rarm-dogs,neighbours=TABLE.npz` takes them from an array `neighbours`, `float32 [M,K,512]`: a row a query, which the
image's own seed chooses. The record holds the table's SHA-256. Without a table, images are sampled from zeros, and the
record says so.

Generators that draw tokens in a fixed order, one by one, in groups or in maps, mostly tell how likely real images are:
`vtbench run -g llamagen-l-384 --task imagenet256-code-nll`. It is the likelihood of codes, never of pixels; guidance
and filters take no part ([protocol](protocol.md#likelihood)). Of masked ones none can be computed exactly; of FlexVAR
none follows from the codes of an image, which are those of its last map; RARM tells it without a table of neighbours.

LlamaGen's and NAR's generators from prompts (`llamagen-t2i`, `nar-t2i`) read them by the encoder of flan-t5-xl, which
`vtbench fetch` gets with a card: a folder `google/flan-t5-xl` or `flan-t5-xl` in one of `$VTBENCH_ASSETS`, the hub's
cache, or the hub; `NAME,text_encoder=FOLDER` takes another. Its files' SHA-256 are in the record, and so are its
precision (`text_precision=`, float32 unless given; the authors run it in bfloat16), the 120 tokens of text and the
cleaning. A prompt is cleaned as a caption first, twice, by the authors' rules: lower case, no addresses, no markup, few
signs. Plain prompts need no library for that; one with markup needs beautifulsoup4, one with more than ASCII ftfy (the
extra `captions`), and is refused where that is missing, never cleaned otherwise.

Switti reads a prompt by two of CLIP's text encoders, ViT-L/14's (`openai/clip-vit-large-patch14`) and ViT-bigG/14's
(`laion/CLIP-ViT-bigG-14-laion2B-39B-b160k`), which are found the same way; `text_encoder=` and `text_encoder_2=` take
other folders, of both towers or of the text's alone, as safetensors. Cards have the settings of the authors' script of
metrics. Their README samples 1024 pixels with `guided_scales=11`, with `temperature=` 0.1 on the three scales behind
these, and with soft draws, of which no codes follow and which are not here.

Published numbers are their authors' own, each under the protocol that is stated beside it: they are comparable neither
with one another nor with what vtbench measures. Parameters are those of the network; the tokenizer comes on top.
"""


def generator_reference() -> str:
    """The page."""
    cards = load_generator_cards().values()
    families = sorted({card.target for card in cards})
    parts = [
        _INTRODUCTION,
        _names(),
        *(_family(name, [card for card in cards if card.target == name]) for name in families),
        _without_code(),
    ]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _names() -> str:
    names = ", ".join(f"`{name}`" for name in sorted(GENERATORS.builtin))
    return f"## Families\n\nRegistered names, each with arguments of its own (`--generator NAME,key=value`): {names}.\n"


def _family(name: str, cards: list[GeneratorCard]) -> str:
    head = ["card", "what", "from", "pixels", "parameters", "tokenizer", "licence", "checkpoint"]
    parts = [f"## `{name}`", table(head, (_row(card) for card in cards))]
    anchors = [row for card in cards for row in _anchors(card)]
    if anchors:
        parts.append(table(["sampled as", "published", "protocol", "source"], anchors))
    parts += [
        f"`{licence}`: {told}." for licence in dict.fromkeys(c.licence for c in cards) if (told := terms(licence))
    ]
    return "\n\n".join(parts)


def _row(card: GeneratorCard) -> list[str]:
    return [
        f"`{card.name}`",
        what(card),
        ", ".join((card.conditions, *card.images)),
        str(card.args.get("output_size") or card.native_size or ""),
        f"{card.parameters / 1e6:,.0f} M",
        f"`{card.tokenizer}`" if card.tokenizer else "",
        card.licence,
        place(card),
    ]


def _anchors(card: GeneratorCard) -> Iterable[list[str]]:
    groups: dict[tuple[str, str, str], list[str]] = {}
    for anchor in card.anchors:
        sampled = str(Reference(card.name, anchor.args))
        groups.setdefault((sampled, anchor.protocol, anchor.source), []).append(f"{anchor.metric} {anchor.value:g}")
    return ([f"`{sampled}`", ", ".join(values), *stated] for (sampled, *stated), values in groups.items())


def _without_code() -> str:
    described = load_unpublished().items()
    rows = table(["name", "what", "found", "published"], (_described(name, one) for name, one in described))
    scored = "\n".join(dict.fromkeys(one.measured for _, one in described))
    told = "Whoever has samples of one scores them by one of these; `vtbench show NAME` says which:"
    head = f"## Without code\n\nThese are described in papers and published nowhere. {INSTEAD}."
    return f"{head}\n\n{rows}\n\n{told}\n\n```bash\n{scored}\n```\n"


def _described(name: str, one: Unpublished) -> list[str]:
    numbers = "; ".join(
        f"{number.metric} {number.value:g} ({number.protocol}; {number.source})" for number in one.published
    )
    return [
        f"`{name}`",
        f"{one.title} [{one.paper}](https://arxiv.org/abs/{one.paper}): {one.method}",
        one.searched,
        numbers,
    ]


if __name__ == "__main__":
    print(generator_reference(), end="")
