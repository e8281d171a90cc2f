"""Kept images of a program: one that is not what was kept is asked for again and told, whoever changed it."""

from __future__ import annotations

import json
import random
import shlex
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vtbench.data.kept_images import SEAL_SUFFIX, Wanted, discard_unsound, seal_image
from vtbench.tokenizers.elsewhere.command import CommandReconstructor

PROGRAM = """
import json, pathlib, sys
from PIL import Image, ImageOps
requests = [json.loads(line) for line in sys.stdin]
with open(pathlib.Path(__file__).with_name("asked"), "a") as log:
    print(len(requests), file=log)
for request in requests:
    target = pathlib.Path(request["output"]).with_suffix(SUFFIX)
    ImageOps.invert(Image.open(request["image"])).save(target)
"""
IMAGES = torch.randint(0, 256, (4, 3, 24, 16), generator=torch.Generator().manual_seed(3)) / 255
Ask = Callable[[], Tensor]


@pytest.fixture(params=[".png", ".jpg"])
def ask(request: pytest.FixtureRequest, tmp_path: Path) -> Ask:
    program = tmp_path / "program.py"
    program.write_text(f"SUFFIX = {request.param!r}\n{PROGRAM}")
    model = CommandReconstructor(shlex.join([sys.executable, str(program)]), work=str(tmp_path / "work"))
    return lambda: model.reconstruct(IMAGES)


def asked(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "asked").read_text().split()]


def kept(folder: Path) -> list[Path]:
    """The images that the program wrote, in the order of their names."""
    return sorted(path for path in (folder / "work").rglob("*.*g") if "-given" not in path.name)


def test_every_kept_image_has_a_seal_and_is_taken_as_it_is(ask: Ask, tmp_path: Path) -> None:
    first = ask()
    seals = sorted((tmp_path / "work").rglob(f"*{SEAL_SUFFIX}"))
    assert [seal.name.removesuffix(SEAL_SUFFIX) for seal in seals] == [image.stem for image in kept(tmp_path)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(ask(), first)
    assert asked(tmp_path) == [4]


def test_a_flipped_bit_is_never_part_of_a_number(ask: Ask, tmp_path: Path) -> None:
    first, draw = ask(), random.Random(0)
    again = r"damaged, or edited, since it was kept; the program is asked for it again"
    for _ in range(12):
        victim = draw.choice([*kept(tmp_path), *(tmp_path / "work").rglob(f"*{SEAL_SUFFIX}")])
        data = bytearray(victim.read_bytes())
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        victim.write_bytes(data)
        with pytest.warns(UserWarning, match=again):
            assert torch.equal(ask(), first)
    assert asked(tmp_path) == [4, *[1] * 12]


def test_images_that_changed_places_are_asked_for_again(ask: Ask, tmp_path: Path) -> None:
    first = ask()
    one, other = kept(tmp_path)[:2]
    for suffix in (one.suffix, SEAL_SUFFIX):  # with their seals, too: a seal names its image
        a, b = (path.with_name(path.stem + suffix) for path in (one, other))
        a_data, b_data = a.read_bytes(), b.read_bytes()
        a.write_bytes(b_data), b.write_bytes(a_data)
    with pytest.warns(UserWarning, match="and 1 more: damaged"):
        assert torch.equal(ask(), first)
    assert asked(tmp_path) == [4, 2]


def test_images_without_seals_are_taken_where_they_are_whole(ask: Ask, tmp_path: Path) -> None:
    first = ask()
    for seal in (tmp_path / "work").rglob(f"*{SEAL_SUFFIX}"):
        seal.unlink()
    cut = kept(tmp_path)[0]
    cut.write_bytes(cut.read_bytes()[:-40])
    assert torch.equal(ask(), first) and asked(tmp_path) == [4, 1]
    assert len(list((tmp_path / "work").rglob(f"*{SEAL_SUFFIX}"))) == 4, "and have one from then on"


def test_what_the_program_is_shown_is_written_anew(ask: Ask, tmp_path: Path) -> None:
    first = ask()
    for path in (tmp_path / "work").rglob("*-given.png"):
        path.write_bytes(b"another picture")
    kept(tmp_path)[0].unlink()
    assert torch.equal(ask(), first) and asked(tmp_path) == [4, 1]


def test_an_image_that_was_removed_leaves_no_seal_for_the_next(ask: Ask, tmp_path: Path) -> None:
    ask()
    image = kept(tmp_path)[0]
    other = image.with_suffix(".jpeg")
    image.rename(other)
    with pytest.warns(UserWarning, match="damaged, or edited"):
        ask()
    image.unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ask()
    assert asked(tmp_path) == [4, 1, 1]


@pytest.mark.parametrize(
    "seal", [b"", b"{", b"[]", b"[" * 9000, b"\xff\xfe", json.dumps({"sha256": 3}).encode(), b"x" * 100_000]
)
def test_a_seal_that_is_none(seal: bytes, tmp_path: Path) -> None:
    wanted = Wanted("a", tmp_path / "a", {})
    image = tmp_path / "a.png"
    image.write_bytes(b"an image")
    seal_image(wanted, image, b"an image")
    discard_unsound([wanted])
    assert image.is_file()
    wanted.seal.write_bytes(seal)
    with pytest.warns(UserWarning, match="damaged"):
        discard_unsound([wanted])
    assert not image.exists() and not wanted.seal.exists()


def test_a_seal_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    wanted = Wanted("a", tmp_path / "a", {})
    wanted.seal.mkdir()
    seal_image(wanted, tmp_path / "a.png", b"x")
    assert [path.name for path in tmp_path.iterdir()] == [wanted.seal.name]
