"""What a model says about itself is checked at once; errors carry what to do next."""

from __future__ import annotations

import dataclasses
import pickle

import pytest

from vtbench.core import errors
from vtbench.core.errors import VtbenchError
from vtbench.core.info import MetricInfo, TokenizerInfo, WeightFile


def test_bits_a_token() -> None:
    info = TokenizerInfo(name="t", kind="discrete", codebook_sizes=(4096, 2**18, 1, 2**64))
    assert info.bits_per_token == (12.0, 18.0, 0.0, 64.0)
    assert TokenizerInfo(name="t", kind="continuous").bits_per_token == ()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"codebook_sizes": (16, 0)}, "positive"),
        ({"codebook_sizes": (-1,)}, "positive"),
        ({"codebook_sizes": 4096}, "tuple"),
        ({"kind": "vq"}, "discrete, continuous, codec"),
        ({"name": ""}, "name"),
        ({"fixed_size": True}, "native_size"),
        ({"downsample_factor": -8}, "downsample_factor"),
        ({"kind": "continuous", "latent_bits": 0.0}, "latent_bits"),
    ],
)
def test_refusals(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TokenizerInfo(**{"name": "t", "kind": "discrete", **fields})  # type: ignore[arg-type]


def test_infos_are_frozen_and_comparable() -> None:
    info = TokenizerInfo(name="t", kind="codec", weights=(WeightFile(name="w", sha256="0" * 64),))
    assert info == dataclasses.replace(info) and hash(info) == hash(dataclasses.replace(info))
    with pytest.raises(dataclasses.FrozenInstanceError):
        info.name = "u"  # type: ignore[misc]


def test_the_row_column_defaults_to_the_name() -> None:
    assert MetricInfo(name="psnr", version=1, kind="image").row_column == "psnr"
    assert MetricInfo(name="psnr_pooled", version=1, kind="image", column="mse").row_column == "mse"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.VtbenchError, 1),
        (errors.AdapterError, 1),
        (errors.SampleError, 1),
        (errors.UsageError, 2),
        (errors.NotComparableError, 3),
        (errors.AssetMissingError, 4),
    ],
)
def test_errors_print_what_and_what_next_and_cross_processes(error: type[errors.VtbenchError], code: int) -> None:
    made = pickle.loads(pickle.dumps(error("the file is empty", "fetch it again")))
    assert type(made) is error and made.exit_code == code
    assert str(made).splitlines() == ["the file is empty", "  fetch it again"]
    assert str(error("alone")) == "alone"


def test_a_line_break_in_a_name_makes_no_second_line() -> None:
    error = VtbenchError("a.npz holds no mu, but \n, b\r\nfailed: c\u2028d", "is it the right file?")
    assert error.what == "a.npz holds no mu, but  , b failed: c d"
    assert str(error).splitlines() == [error.what, "  is it the right file?"]
    assert VtbenchError("one\n  two").what == "one\n  two", "lines that are joined here are indented"
