"""Likelihood of real images: closed forms, counts of tokens, what is asked of each image, and broken contracts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vtbench.core.codes import Codes
from vtbench.core.contracts import Condition, Prepared, SampleFailure
from vtbench.core.errors import AdapterError
from vtbench.core.info import GeneratorInfo, TokenizerInfo
from vtbench.generators import GENERATORS
from vtbench.generators.published.next_token.llamagen.adapter import LlamaGen
from vtbench.run.measuring.likelihoods.asking import Answer, Asked, ask
from vtbench.run.measuring.likelihoods.meter import LikelihoodMeter
from vtbench.run.measuring.likelihoods.of_codes import CodeLikelihood, encoded_side
from vtbench.run.measuring.likelihoods.of_pixels import PixelLikelihood
from vtbench.run.storing.blocks import Block

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
CPU = torch.device("cpu")


def prepared(name: str, side: int, label: Any = 3) -> Prepared:
    drawing = torch.Generator().manual_seed(sum(map(ord, name)))
    pixels = torch.randint(0, 256, (3, side, side), generator=drawing, dtype=torch.uint8)
    return Prepared(name, pixels, pixels, target={"label": label, "text": "a fox"})


def asked(name: str, side: int, label: int = 3) -> Asked:
    return Asked(prepared(name, side), Condition(label=label))


def rows(answer: Answer) -> list[dict[str, float]]:
    assert not any(isinstance(value, SampleFailure) for value in answer.values), answer.values
    return [dict(value) for value in answer.values if not isinstance(value, SampleFailure)]


@pytest.fixture
def uniform() -> LlamaGen:
    """Sixteen tokens of 16,384 entries for 64 × 64 pixels, all equally likely."""
    generator = LlamaGen.random(**LlamaGen.shrunken)
    generator._network.output.weight.zero_()
    return generator


def test_equal_logits_cost_the_logarithm_of_the_codebook(uniform: LlamaGen) -> None:
    told = CodeLikelihood(uniform, CPU, torch.float32, 0)([asked("a", 64), asked("b", 64)])
    assert rows(told) == [{"code_nll_bits": 14.0, "code_nll_bits_per_pixel": 16 * 14 / 64**2}] * 2
    assert told.codes is not None and told.codes.grids == ((4, 4),) and told.resized is None


def test_pixels_are_those_of_the_tasks_size_whatever_size_is_encoded(uniform: LlamaGen) -> None:
    told = CodeLikelihood(uniform, CPU, torch.float32, 0)([asked("a", 96)])
    assert rows(told) == [{"code_nll_bits": 14.0, "code_nll_bits_per_pixel": 16 * 14 / 96**2}]
    assert told.resized == "96x96 -> 64x64, bicubic, antialias, float32, not rounded"


@pytest.mark.parametrize(("family", "bits", "tokens"), [("elm-ar", 6, 16), ("open-magvit2-ar", 6, 16)])
def test_the_parts_of_a_position_are_one_token(family: str, bits: int, tokens: int) -> None:
    kind: Any = GENERATORS.load(family)
    generator = kind.random(**kind.shrunken)
    for name, parameter in generator._network.named_parameters():
        if name.startswith(("head", "output")):
            parameter.zero_()
    side = generator.encoded_size
    (row,) = rows(CodeLikelihood(generator, CPU, torch.float32, 0)([asked("a", side)]))
    assert row["code_nll_bits"] == pytest.approx(bits, abs=1e-12)
    assert row["code_nll_bits_per_pixel"] == pytest.approx(bits * tokens / side**2, abs=1e-12)


def test_both_levels_of_hita_are_counted() -> None:
    kind: Any = GENERATORS.load("hita-gpt")
    generator = kind.random(**kind.shrunken)
    generator._network.output.weight.zero_()
    (row,) = rows(CodeLikelihood(generator, CPU, torch.float32, 0)([asked("a", 48)]))
    assert row == {"code_nll_bits": 14.0, "code_nll_bits_per_pixel": (8 + 9) * 14 / 48**2}


def test_batches_change_nothing() -> None:
    generator = LlamaGen.random(**LlamaGen.shrunken)
    told, images = CodeLikelihood(generator, CPU, torch.float32, 0), [asked(name, 64) for name in "abcd"]
    whole, alone = rows(told(images)), [row for one in images for row in rows(told([one]))]
    assert [row["code_nll_bits"] for row in whole] == pytest.approx([row["code_nll_bits"] for row in alone], abs=1e-6)


def test_where_the_side_comes_from(uniform: LlamaGen) -> None:
    assert encoded_side(uniform) == 64
    fixed = TokenizerInfo(name="t", kind="discrete", codebook_sizes=(4,), native_size=32, fixed_size=True)
    free = TokenizerInfo(name="t", kind="discrete", codebook_sizes=(4,), native_size=32)
    assert [encoded_side(Fake(info)) for info in (fixed, free)] == [32, 16]


@pytest.mark.parametrize(
    ("target", "given", "told"),
    [
        ({"label": 2}, "label", Condition(label=2)),
        ({"label": np.int64(2)}, "label", Condition(label=2)),
        ({"label": 2, "text": "a fox"}, "text", Condition(prompt="a fox")),
        ({"label": 2}, "nothing", Condition()),
        (None, "nothing", Condition()),
        (None, "label", "has no class label"),
        ({"label": "fox"}, "label", "has the label 'fox', which is no whole number"),
        ({"label": 4}, "label", "is of class 4, and fake knows 0 to 3"),
        ({"label": -1}, "label", "is of class -1"),
        ({"label": 2, "text": " "}, "text", "has no text"),
    ],
)
def test_what_is_asked_of_an_image(target: Any, given: Any, told: Condition | str) -> None:
    sample = Prepared("a", *(torch.zeros(3, 8, 8, dtype=torch.uint8),) * 2, target=target)
    found = ask(sample, given, GeneratorInfo(name="fake", conditions="class", classes=4))
    if isinstance(told, Condition):
        assert isinstance(found, Asked) and found.condition == told
    else:
        assert isinstance(found, SampleFailure) and told in found.message
        assert found.stage == "preprocess" and not found.of_model


class Quarters:
    """A tokenizer of four codes an image."""

    def __init__(self, info: TokenizerInfo) -> None:
        self.info = info

    def encode(self, images: Tensor) -> Codes:
        means = torch.nn.functional.avg_pool2d(images.mean(1, keepdim=True), images.shape[-1] // 2)
        return Codes(levels=((means[:, 0] * 3).round().long(),), image_size=(16, 16))


class Fake:
    """A generator that answers what it is told to."""

    def __init__(self, tokenizer: TokenizerInfo, answer: Any = None) -> None:
        self.info = GeneratorInfo(name="fake", conditions="class", native_size=16)
        self.tokenizer, self.answer = Quarters(tokenizer), answer

    def log_likelihood(self, conditions: Any, codes: Codes) -> Any:
        return self.answer


QUARTERS = TokenizerInfo(name="quarters", kind="discrete", codebook_sizes=(4,))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, r"returned nothing \(None\)"),
        (torch.zeros(4), "for codes of 1 images"),
        (torch.zeros(1, 4, dtype=torch.int64), "returned int64"),
        (torch.zeros(1, 8), "told of 8 tokens an image, whose codes have 4"),
        (torch.full((1, 4), 0.5), "a probability above 1"),
    ],
)
def test_a_broken_contract_is_told(answer: Any, told: str) -> None:
    with pytest.raises(AdapterError, match=told):
        CodeLikelihood(Fake(QUARTERS, answer), CPU, torch.float32, 0)([asked("a", 16)])


def test_what_is_impossible_under_the_generator_is_that_images_failure() -> None:
    answer = torch.tensor([[-1.0, -1.0, -math.inf, -1.0], [-math.log(2)] * 4])
    told = CodeLikelihood(Fake(QUARTERS, answer), CPU, torch.float32, 0)([asked("a", 16), asked("b", 16)])
    first, second = told.values
    assert isinstance(first, SampleFailure) and "not finite for 1 of 4 tokens" in first.message
    assert second == {"code_nll_bits": pytest.approx(1.0), "code_nll_bits_per_pixel": pytest.approx(4 / 256)}


class PixelTable(torch.nn.Module):
    """An autoregressive model of 8-bit values in raster order: each depends on the one before by a table."""

    def __init__(self, seed: int | None) -> None:
        super().__init__()
        drawing = torch.Generator().manual_seed(seed or 0)
        logits = torch.zeros(257, 256) if seed is None else torch.randn(257, 256, generator=drawing)
        self.logits = torch.nn.Parameter(logits)
        self.info = GeneratorInfo(name="pixel-table", conditions="none", native_size=4)

    def pixel_log_likelihood(self, conditions: Any, images: Tensor) -> Tensor:
        values = images.permute(0, 2, 3, 1).flatten(1).long()
        before = torch.cat([torch.full_like(values[:, :1], 256), values[:, :-1]], dim=1)
        logarithms = self.logits.detach().double().log_softmax(-1)[before]
        return logarithms.gather(-1, values[..., None]).sum(dim=(1, 2))


def test_a_uniform_model_of_pixels_has_eight_bits_a_dimension() -> None:
    told = PixelLikelihood(PixelTable(None), CPU, torch.float32)([asked("a", 4), asked("b", 4)])
    assert [row["bits_per_dim"] for row in rows(told)] == pytest.approx([8.0, 8.0], abs=1e-12)
    assert told.codes is None


def test_probabilities_of_all_values_of_one_sub_pixel_add_up_to_one() -> None:
    """Those of images that differ in the last sub-pixel alone, over that of all that is before it."""
    images = torch.randint(0, 256, (1, 3, 4, 4), dtype=torch.uint8).repeat(256, 1, 1, 1)
    images[:, 2, 3, 3] = torch.arange(256)
    told = PixelLikelihood(PixelTable(1), CPU, torch.float32)(
        [Asked(Prepared(str(place), image, image), Condition()) for place, image in enumerate(images)]
    )
    bits = np.array([row["bits_per_dim"] for row in rows(told)]) * 48
    values = images[:1].permute(0, 2, 3, 1).flatten(1).long()[0]
    chain = torch.cat([torch.tensor([256]), values[:-2]])
    logarithms = PixelTable(1).logits.detach().double().log_softmax(-1)
    before = -float(logarithms[chain, values[:-1]].sum()) / math.log(2)
    assert (2.0 ** (before - bits)).sum() == pytest.approx(1.0, abs=1e-9)


def test_images_of_another_size_are_no_images_of_the_model() -> None:
    (value,) = PixelLikelihood(PixelTable(None), CPU, torch.float32)([asked("a", 8)]).values
    assert isinstance(value, SampleFailure) and "of images of 4x4; this is 8x8" in value.message


def test_a_density_is_no_probability() -> None:
    model = PixelTable(None)
    model.pixel_log_likelihood = lambda conditions, images: torch.full((1,), 3.0, dtype=torch.float64)  # type: ignore[assignment]
    with pytest.raises(AdapterError, match="a density is none"):
        PixelLikelihood(model, CPU, torch.float32)([asked("a", 4)])


def meter(told: Any, columns: tuple[str, ...] = ("code_nll_bits", "bits_per_pixel")) -> LikelihoodMeter:
    return LikelihoodMeter(
        told=told,
        info=GeneratorInfo(name="fake", conditions="class", classes=4),
        tokenizer=QUARTERS,
        given="label",
        device=CPU,
        batch_size=2,
        columns=columns,
    )


def test_what_cannot_be_asked_fails_alone_and_in_its_place() -> None:
    told = CodeLikelihood(Fake(QUARTERS, torch.full((1, 4), -math.log(4), dtype=torch.float64)), CPU, torch.float32, 0)
    items = [prepared("a", 16, label=9), prepared("b", 16, label=1), SampleFailure("c", "decode", "torn")]
    found = meter(told).measure(Block(0, 0, 3), items, 0.0).samples
    assert list(found.ids) == ["a", "b", "c"] and list(found.status) == ["failed", "scored", "failed"]
    assert found.stage[0] == "preprocess" and found.stage[2] == "decode"
    assert found.metrics["code_nll_bits"][1] == 2.0 and found.metrics["bits_per_pixel"][1] == 8 / 256


def test_a_generator_that_fails_on_all_is_broken_and_images_without_labels_are_not_its_fault() -> None:
    def fails(batch: Any) -> Answer:
        raise RuntimeError("beyond me")

    with pytest.raises(AdapterError, match="failed on all 2 samples"):
        meter(fails).measure(Block(0, 0, 2), [prepared("a", 16), prepared("b", 16)], 0.0)
    unlabelled = meter(fails).measure(
        Block(0, 0, 2), [prepared("a", 16, label=None), prepared("b", 16, label=None)], 0.0
    )
    assert list(unlabelled.samples.status) == ["failed", "failed"]
