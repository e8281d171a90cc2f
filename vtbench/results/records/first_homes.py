"""Where vtbench's own adapters lay when runs were first named after them: files may move, names of runs may not."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FIRST_HOMES: Mapping[str, str] = MappingProxyType(
    {
        "generators.elsewhere.command": "generators.command",
        "generators.elsewhere.premade": "generators.premade",
        "generators.fitted.tiny_ar": "generators.tiny_ar",
        "generators.pipelines.diffusers": "generators.diffusers_pipeline",
        "tokenizers.codecs.identity": "tokenizers.identity",
        "tokenizers.codecs.pillow": "tokenizers.codec",
        "tokenizers.codecs.resize": "tokenizers.resize",
        "tokenizers.elsewhere.command": "tokenizers.command",
        "tokenizers.elsewhere.images": "tokenizers.images",
        "tokenizers.fitted.patch_bsq": "tokenizers.patch_bsq",
        "tokenizers.fitted.patch_pca": "tokenizers.patch_pca",
        "tokenizers.fitted.patch_vq": "tokenizers.patch_vq",
        "tokenizers.published.bsq_vit.adapter": "tokenizers.bsq_vit",
        "tokenizers.published.dar.adapter": "tokenizers.dar",
        "tokenizers.published.detailflow.adapter": "tokenizers.detailflow",
        "tokenizers.published.diffusers.images": "tokenizers.diffusers",
        "tokenizers.published.elm_bae.adapter": "tokenizers.elm_bae",
        "tokenizers.published.emu3_vq": "tokenizers.emu3_vq",
        "tokenizers.published.flowmo.adapter": "tokenizers.flowmo",
        "tokenizers.published.gigatok.adapter": "tokenizers.gigatok",
        "tokenizers.published.hita.adapter": "tokenizers.hita",
        "tokenizers.published.ibq": "tokenizers.ibq",
        "tokenizers.published.infinity_bsq": "tokenizers.infinity_bsq",
        "tokenizers.published.janus_vq": "tokenizers.janus_vq",
        "tokenizers.published.ldm.adapter": "tokenizers.ldm",
        "tokenizers.published.maskbit": "tokenizers.maskbit",
        "tokenizers.published.open_magvit2": "tokenizers.open_magvit2",
        "tokenizers.published.titok.adapter": "tokenizers.titok",
        "tokenizers.published.unitok.adapter": "tokenizers.unitok",
        "tokenizers.published.var_vq.adapter": "tokenizers.var_vq",
    }
)
"""Module below ``vtbench`` to the module that it was: only those of adapters that have moved."""


def first_home(import_path: str) -> str:
    """The address that names the adapter in every ``run_id``.

    Args:
        import_path: ``package.module:Class``, as a record states it.
    """
    module, separator, kind = import_path.partition(":")
    package, _, below = module.partition(".")
    if package != "vtbench" or below not in FIRST_HOMES:
        return import_path
    return f"{package}.{FIRST_HOMES[below]}{separator}{kind}"
