"""Which generators tell likelihoods, of what, and what is said of the others."""

from __future__ import annotations

from typing import Any

import pytest

from vtbench.core.errors import UsageError
from vtbench.core.info import GeneratorInfo
from vtbench.generators import GENERATORS
from vtbench.generators.fitted.tiny_ar import TinyAr
from vtbench.generators.likelihoods import CODES, PIXELS, WITHOUT_CLASS, require_likelihood, told_by


class OfPixels:
    """As far as it is looked at."""

    info = GeneratorInfo(name="of-pixels", conditions="none")

    def pixel_log_likelihood(self, conditions: Any, images: Any) -> Any:
        raise NotImplementedError


def test_what_a_generator_tells_follows_from_its_methods() -> None:
    assert told_by(TinyAr()) == {CODES, WITHOUT_CLASS}
    assert told_by(OfPixels()) == {PIXELS}
    assert told_by(object()) == frozenset()


@pytest.mark.parametrize(
    ("told", "wanted", "words"),
    [
        ({CODES}, PIXELS, ("no likelihood of pixels", "codes", "with loss", "code_nll_bits_per_pixel")),
        ((), PIXELS, ("no likelihood of pixels", "it tells none")),
        ({PIXELS}, CODES, ("of pixels, not of codes", "bits-per-dim-folder")),
        ((), CODES, ("has no log_likelihood", "tiny-ar", "llamagen-l-384", "ibq-ar-b", "elm-ar-l-2-10")),
    ],
)
def test_another_is_refused_in_one_paragraph(told: Any, wanted: str, words: tuple[str, ...]) -> None:
    require_likelihood("mine", {wanted}, wanted)
    with pytest.raises(UsageError) as caught:
        require_likelihood("mine", told, wanted)
    assert all(word in str(caught.value) for word in ("mine", *words))


def test_cards_of_families_without_it_are_not_named() -> None:
    with pytest.raises(UsageError) as caught:
        require_likelihood("mine", (), CODES)
    masked = [name for name in GENERATORS.builtin if ".masked." in str(GENERATORS.builtin[name])]
    assert masked and not any(name.removesuffix("-generator") in str(caught.value) for name in masked)
