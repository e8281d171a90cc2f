"""``docs/tokenizers.md``, written from the cards: ``python -m vtbench.tokenizers.reference > docs/tokenizers.md``."""

from __future__ import annotations

from collections.abc import Iterable

from vtbench.checkpoints.cards import Card, load_cards
from vtbench.checkpoints.tables import place, table, what
from vtbench.tokenizers import TOKENIZERS

_INTRODUCTION = """# Tokenizers

Written from the cards by `python -m vtbench.tokenizers.reference`; do not edit.

A card is a name for one published setting: `vtbench run --tokenizer NAME`, `vtbench show NAME`, `vtbench fetch NAME`.
Its file is looked for in the folders of `$VTBENCH_ASSETS`, then in the cache, then on the hub, or, of the
[zoo](zoo.md), in a package of weights whose SHA-256 the card states; `--tokenizer NAME,checkpoint=FILE` takes a local
one, or a folder that holds one checkpoint, shards included. Safetensors, PyTorch files and TorchScript archives are
read without executing anything in them. A file that holds more than tensors is refused; `vtbench fetch --convert IN
OUT.safetensors` takes its tensors out. Every tensor has to fit, one for one.
Prefixes that training tools put before names (`module.`, `_orig_mod.`, `model.`) are taken off; where a file holds
several sets of weights (`model` beside `ema`), `entry=NAME` names the one to read. Both are told in the record.

Every published tokenizer also takes `compile=true` (torch.compile), and diffusers' autoencoders take `tiled=true`
(overlapping tiles of large images; another reconstruction, named `+tiled`) or `tiled=SIDE` in pixels.
`diffusers,path=DIR` takes any autoencoder class of the library that puts one image through, those of videos too. A
batch that does not fit in memory is halved until it does. Families with learnt positions or scales have a fixed size;
images are then resized in and back. Of `one-d-piece` and `detailflow` the first `tokens=N` may be kept: `vtbench run -t
'one-d-piece-b,tokens=16|64|256'` measures a rate-distortion curve, which the report draws.

`pair,encoder=NAME,decoder=NAME` has one tokenizer's encoder and another's decoder, which must share their codes; a
half with arguments is quoted: `decoder='sd-vae,tiled=256'`. Against the encoder's own tokenizer it says what the other
decoder loses.

Tokens and bits per pixel (bpp) are those of a 256×256 image: log2 K bits a token, one a bit, 16 a latent value.
Published numbers are their authors' own, each under a protocol of its own: they are comparable neither with one another
nor with what vtbench measures. Gated checkpoints need an account on the hub and consent to their licence.
"""


def tokenizer_reference() -> str:
    """The page."""
    cards = load_cards().values()
    families = sorted({card.target for card in cards})
    parts = [_INTRODUCTION, _families(), *(_family(name, [c for c in cards if c.target == name]) for name in families)]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _families() -> str:
    names = ", ".join(f"`{name}`" for name in sorted(TOKENIZERS.builtin))
    return f"## Families\n\nRegistered names, each with arguments of its own (`--tokenizer NAME,key=value`): {names}.\n"


def _family(name: str, cards: list[Card]) -> str:
    head = ["card", "what", "tokens", "bpp", "trained at", "licence", "checkpoint"]
    cards_table = table(head, (_row(card) for card in cards))
    anchors = [row for card in cards for row in _anchors(card)]
    if not anchors:
        return f"## `{name}`\n\n{cards_table}"
    published = table(["card", "published", "protocol", "source"], anchors)
    return f"## `{name}`\n\n{cards_table}\n\n{published}"


def _row(card: Card) -> list[str]:
    geometry = card.geometry
    tokens, rate = ("", "") if geometry is None else (str(geometry.token_count), f"{geometry.bits_per_pixel:.4f}")
    return [
        f"`{card.name}`",
        what(card),
        tokens,
        rate,
        str(card.native_size or ""),
        card.licence,
        place(card),
    ]


def _anchors(card: Card) -> Iterable[list[str]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for anchor in card.anchors:
        groups.setdefault((anchor.protocol, anchor.source), []).append(f"{anchor.metric} {anchor.value:g}")
    return ([f"`{card.name}`", ", ".join(values), *stated] for stated, values in groups.items())


if __name__ == "__main__":
    print(tokenizer_reference(), end="")
