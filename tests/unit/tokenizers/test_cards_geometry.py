"""The rates that cards state: against a table computed by hand, and against the adapters themselves."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from vtbench.checkpoints.cards import Anchor, Card, anchor_problems, load_cards
from vtbench.checkpoints.geometry import Geometry
from vtbench.core.naming.reference import Reference
from vtbench.metrics.catalog.lookup import metric_names
from vtbench.results.leaderboards.reported_metrics import name_problem
from vtbench.tokenizers import TOKENIZERS
from vtbench.tokenizers.published.base import OfficialTokenizer
from vtbench.tokenizers.reference import tokenizer_reference

ROOT = Path(__file__).parents[3]
CARDS = load_cards()
# Tokens of a 256x256 image and its bits a pixel, to three significant digits.
TABLE = {
    "llamagen-ds16": (256, 0.0547),
    "llamagen-ds16-t2i": (256, 0.0547),
    "llamagen-ds8": (1024, 0.219),
    "janus-pro": (256, 0.0547),
    "flexvae": (256, 0.0513),
    "chameleon": (256, 0.0508),
    "anole": (256, 0.0508),
    "vqgan-f16-1024": (256, 0.0391),
    "vqgan-f16-16384": (256, 0.0547),
    "meissonic": (256, 0.0508),
    "movqgan-270m": (1024, 0.219),
    "emu3": (1024, 0.234),
    "titok-ll32-vae": (32, 0.125),
    "titok-bl64-vae": (64, 0.25),
    "titok-bl128-vae": (128, 0.5),
    "bsq-vit-18bit-grouped": (1024, 0.281),
    "gigatok-ss": (256, 0.0547),
    "gigatok-xlxxl": (256, 0.0547),
    "infinity-d32": (521, 0.2544),
    "infinity-d64": (521, 0.5088),
    "infinity-d56-f8": (521, 0.4452),
    "flowmo-lo": (256, 0.0703),
    "flowmo-hi": (256, 0.21875),
    "elm-bae-16": (256, 0.0625),
    "elm-bae-24": (256, 0.09375),
    "var-256": (680, 0.1245),
    "var-512": (2240, 0.41),
    "open-magvit2-256": (256, 0.0703),
    "open-magvit2-128": (1024, 0.281),
    "maskbit-16bit": (256, 0.0625),
    "maskbit-18bit": (256, 0.0703),
    "bsq-vit-18bit": (1024, 0.281),
    "bsq-vit-36bit": (1024, 0.5625),
    "titok-l32": (32, 0.00586),
    "titok-b64": (64, 0.01172),
    "titok-s128": (128, 0.02344),
    "titok-bl64": (64, 0.0127),
    "titok-bl128": (128, 0.0254),
    "titok-sl256": (256, 0.0508),
    "maskgit-vqgan": (256, 0.0391),
    "ldm-vq-f4": (4096, 0.812),
    "sd-vae-ft-mse": (1024, 1.0),
    "sdxl-vae": (1024, 1.0),
    "sd3.5-large": (1024, 4.0),
    "flux.1-dev": (1024, 4.0),
    "dc-ae-f32c32": (64, 0.5),
    "dc-ae-f64c128": (16, 0.5),
    "mar-kl16": (256, 1.0),
    "va-vae": (256, 2.0),
    "dar-v1": (256, 0.0547),
    "hita-v": (569, 0.1216),
    "hita-u": (569, 0.1216),
    "unitok": (2048, 0.375),
    "ibq-1024": (256, 0.0391),
    "ibq-8192": (256, 0.0508),
    "ibq-16384": (256, 0.0547),
    "ibq-262144": (256, 0.0703),
    "detailflow-16": (128, 0.0254),
    "detailflow-32": (256, 0.0508),
    "detailflow-64": (512, 0.1016),
    "one-d-piece-b": (256, 0.0469),
    "emu3.5": (256, 0.0664),
    "ta-titok-bl32-vq": (32, 0.00635),
    "ta-titok-sl128-vae": (128, 0.5),
    "cosmos-ci8": (1024, 4.0),
    "cosmos-ci16": (256, 1.0),
    "cosmos-di8": (1024, 0.2495),
    "cosmos-di16": (256, 0.0624),
}
# The same for geometries of other forms: bits a token, and several levels.
FORMS = [
    ({"tokens": [256], "bits": [18]}, 256, 0.0703),  # Open-MAGVIT2, FlowMo-Lo, MaskBit-18
    ({"tokens": [256], "bits": [16]}, 256, 0.0625),  # MaskBit-16
    ({"tokens": [256], "bits": [56]}, 256, 0.219),  # FlowMo-Hi
    ({"tokens": [1024], "bits": [18]}, 1024, 0.281),  # BSQ-ViT, 18 bits
    ({"tokens": [1024], "bits": [36]}, 1024, 0.5625),  # BSQ-ViT, 36 bits
    ({"tokens": [32], "codebook_sizes": [4096]}, 32, 0.00586),  # TiTok-L32
    ({"tokens": [256], "codebook_sizes": [8192]}, 256, 0.0508),  # TiTok-SL256
    ({"tokens": [n * n for n in (1, 2, 3, 4, 5, 6, 8, 10, 13, 16)], "codebook_sizes": [4096]}, 680, 0.1245),  # VAR
    ({"tokens": [n * n for n in (1, 2, 4, 6, 8, 12, 16)], "bits": [32]}, 521, 0.2544),  # Infinity, 32 bits
    ({"tokens": [1, 4], "codebook_sizes": [2, 4]}, 5, 9 / 65536),
    ({"tokens": [1024], "latent_channels": 16}, 1024, 4.0),
]


@pytest.mark.parametrize("name", TABLE)
def test_tokens_and_bits_per_pixel(name: str) -> None:
    geometry = CARDS[name].geometry
    assert geometry is not None
    assert geometry.token_count == TABLE[name][0]
    assert geometry.bits_per_pixel == pytest.approx(TABLE[name][1], rel=2e-3)


@pytest.mark.parametrize(("fields", "tokens", "rate"), FORMS)
def test_rates_of_every_form(fields: dict[str, Any], tokens: int, rate: float) -> None:
    geometry = Geometry.model_validate(fields)
    assert (geometry.token_count, geometry.bits_per_pixel) == (tokens, pytest.approx(rate, rel=2e-3))


@pytest.mark.parametrize(
    "fields",
    [
        {"tokens": [256]},
        {"tokens": [256], "bits": [18], "codebook_sizes": [4]},
        {"tokens": [], "bits": [18]},
        {"tokens": [0], "bits": [18]},
        {"tokens": [1, 4, 9], "bits": [18, 18]},
        {"tokens": [1], "bits": [18], "levels": 3},
    ],
)
def test_a_faulty_geometry_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Geometry.model_validate(fields)


PUBLISHED = [card for card in CARDS.values() if card.checkpoint is not None]


@pytest.mark.parametrize("card", PUBLISHED, ids=lambda card: card.name)
def test_a_published_checkpoint_is_described_whole(card: Card) -> None:
    assert card.licence and card.citation and card.geometry is not None
    # authors of video autoencoders name no one side, and TAEF2's none at all
    assert card.native_size or card.target in ("diffusers", "tiny-ae")
    assert card.source.startswith("https://") and card.checkpoint is not None
    assert card.checkpoint.hub or card.checkpoint.url or card.checkpoint.file
    if card.target.startswith("diffusers-"):
        assert card.checkpoint.hub and not card.checkpoint.file
    for anchor in card.anchors:
        assert anchor.protocol and anchor.source and anchor.value > 0
        assert name_problem(anchor.metric, metric_names()) is None


def test_anchors_are_held_against_the_registry_of_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    assert anchor_problems(metric_names()) == []
    anchor = Anchor(metric="lpips", value=0.1, protocol="p", source="s")
    wrong = (anchor, anchor.model_copy(update={"metric": "psrn"}), anchor.model_copy(update={"metric": "rfid"}))
    card = CARDS["flowmo-lo"].model_copy(update={"anchors": wrong})
    monkeypatch.setattr("vtbench.checkpoints.cards._cards", lambda kind: {card.name: card} if kind is Card else {})
    first, second = anchor_problems(metric_names())
    assert first.startswith("tokenizer card flowmo-lo: lpips does not say which: name its network")
    assert second == "tokenizer card flowmo-lo: unknown metric 'psrn', did you mean psnr or psnr_y?"


GRIDS_OF_AUTHORS = {  # side of the grid of tokens that authors state for the size they trained at
    **dict.fromkeys(("llamagen-ds16", "llamagen-ds16-t2i", "vqgan-f16-1024", "vqgan-f16-16384"), 16),
    **dict.fromkeys((f"maskbit-{bits}bit" for bits in (10, 12, 14, 16, 18)), 16),
    **dict.fromkeys((f"ibq-{size}" for size in (1024, 8192, 16384, 262144)), 16),
    **{"llamagen-ds8": 32, "open-magvit2-256": 16, "open-magvit2-128": 16, "mar-kl16": 16, "janus-pro": 24},
}


def _stride(card: Card) -> float:
    """Pixels a token along one side, from the tokens of a 256x256 image."""
    assert card.geometry is not None
    return float(256 / card.geometry.tokens[-1] ** 0.5)


@pytest.mark.parametrize("name", GRIDS_OF_AUTHORS)
def test_the_size_a_card_was_trained_at_gives_the_tokens_its_authors_state(name: str) -> None:
    assert CARDS[name].native_size == GRIDS_OF_AUTHORS[name] * _stride(CARDS[name])


OF_FACTOR_16 = {
    *("amused", "meissonic", "e2e-in-vae", "e2e-va-vae"),
    *("rae-dinov2-small", "rae-dinov2-base", "rae-dinov2-large", "rae-mae-base"),
}


@pytest.mark.parametrize(
    "card", [card for card in PUBLISHED if card.target.startswith("diffusers-")], ids=lambda card: card.name
)
def test_tokens_of_a_librarys_autoencoder_follow_from_its_stride(card: Card) -> None:
    stride, named = _stride(card), re.search(r"-f(\d+)c", card.name)
    assert stride.is_integer() and card.native_size is not None and card.native_size % stride == 0
    assert stride == (float(named[1]) if named else 16.0 if card.name in OF_FACTOR_16 else 8.0)


def _is_official(card: Card) -> bool:
    """The others read their geometry from the checkpoint."""
    family = TOKENIZERS.load(card.target)
    return isinstance(family, type) and issubclass(family, OfficialTokenizer)


@pytest.mark.parametrize("card", filter(_is_official, PUBLISHED), ids=lambda card: card.name)
def test_the_adapter_has_the_geometry_of_the_card(card: Card, without_memory: None) -> None:
    """The whole network, without memory behind it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        info = TOKENIZERS.create(
            Reference(card.target, {**card.args, "card": card.name, "random_weights_seed": 0})
        ).info
    geometry = card.geometry
    assert geometry is not None
    levels = len(geometry.tokens)
    sizes = geometry.codebook_sizes or tuple(2**bits for bits in geometry.bits)
    assert info.codebook_sizes == (sizes * levels if len(sizes) == 1 else sizes)
    assert info.kind == ("continuous" if geometry.latent_channels else "discrete")
    if info.downsample_factor:
        assert geometry.tokens[-1] == ((info.native_size if info.fixed_size else 256) // info.downsample_factor) ** 2
    assert info.name == f"{card.name}-random" and info.native_size == card.native_size


def test_there_are_many() -> None:
    assert len(PUBLISHED) >= 96 and len({card.target for card in PUBLISHED}) >= 22


def test_the_page_of_tokenizers_is_current() -> None:
    written = (ROOT / "docs" / "tokenizers.md").read_text(encoding="utf-8")
    assert written == tokenizer_reference(), "run: python -m vtbench.tokenizers.reference > docs/tokenizers.md"
    for name in CARDS:
        assert f"| `{name}` |" in written
