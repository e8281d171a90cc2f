"""Images of conditions: frozen, told apart by content, read when needed; what a generator takes of them."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
import torch

from vtbench.core.condition_images import ConditionImages, HeldImage
from vtbench.core.contracts import Condition
from vtbench.core.errors import SampleError, UsageError
from vtbench.core.info import GeneratorInfo

RED = torch.tensor([255, 0, 0], dtype=torch.uint8)[:, None, None].expand(3, 4, 6)
BLUE = RED.flip(0)


def test_conditions_without_images_are_what_they_were() -> None:
    assert Condition(label=1) == Condition(label=1, images={}) and not Condition().images
    assert Condition(prompt="a").image_digests == {} and Condition().opened() == Condition()
    assert Condition().images is Condition(label=3).images, "tens of thousands of conditions share what they lack"
    assert hash(Condition(prompt="a")) == hash(Condition(prompt="a", metadata={"tag": 1}))


def test_equal_and_hashed_by_content_and_order() -> None:
    one = Condition(prompt="a", images={"source": RED, "subject": [RED, BLUE]})
    same = Condition(prompt="a", images={"subject": (RED.clone(), BLUE), "source": RED.contiguous()})
    assert one == same and hash(one) == hash(same) and one == one.opened() == pickle.loads(pickle.dumps(one))
    others = [{"source": BLUE}, {"source": RED}, {"mask": RED}, {"source": RED, "subject": [BLUE, RED]}]
    assert len({one, *(Condition(prompt="a", images=images) for images in others)}) == 5
    turned = Condition(images={"source": RED.reshape(3, 6, 4)})  # the same bytes in another shape
    assert turned != Condition(images={"source": RED})


def test_what_is_read_is_the_readers_own() -> None:
    condition = Condition(images={"source": RED, "subject": [RED, BLUE]})
    condition.image("source").zero_()
    assert torch.equal(condition.image("source"), RED) and len(condition.images["subject"]) == 2
    assert list(condition.images) == ["source", "subject"] and "mask" not in condition.images
    for role, told in (("subject", "2 images as subject"), ("mask", "no images as mask")):
        with pytest.raises(SampleError, match=told):
            condition.image(role)
    assert replace(condition, prompt="b").images == condition.images and condition.opened() is condition


def test_a_digest_of_what_was_decoded_stays() -> None:
    assert ConditionImages({"source": HeldImage(RED, "f" * 64)}).opened().digests == {"source": ("f" * 64,)}


@pytest.mark.parametrize(
    ("images", "told"),
    [
        ({"Source": RED}, "no role"),
        ({"source": RED.float()}, "float32"),
        ({"source": RED[:1]}, r"\[1, 4, 6\]"),
        ({"source": []}, "no image is given"),
        ({"source": "a.png"}, "is str"),
    ],
)
def test_what_is_no_image_of_a_role(images: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Condition(images=images)


def test_a_generator_says_which_images_it_takes() -> None:
    info = GeneratorInfo(name="edit", conditions="prompt", images=("source",), optional_images=("mask",))
    assert info.image_problem(("source",)) == info.image_problem({"mask": 1, "source": 1}) == ""
    assert info.image_problem(()) == "needs images as source"
    assert info.image_problem(("source", "style")) == "takes no image as style"
    assert GeneratorInfo(name="g", conditions="class").image_problem(["source"]) == "takes no image as source"
    for images, told in (("source", "tuple"), (("a b",), "no role"), (("source", "source"), "twice")):
        with pytest.raises(ValueError, match=told):
            GeneratorInfo(name="g", conditions="none", images=images)  # type: ignore[arg-type]
