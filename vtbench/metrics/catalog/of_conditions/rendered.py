"""Metrics of text that an image was to show: names, meanings, versions. No torch."""

from __future__ import annotations

from vtbench.metrics.catalog.of_conditions.entries import ConditionEntry, condition_info

_WANTED = "what a reader reads on the image against the text that it was to show"
RENDERED_INFOS = {
    info.name: info
    for info in (
        condition_info("rendered_cer", False, f"Character error rate, {_WANTED}; edits over characters of the set."),
        condition_info("rendered_wer", False, f"Word error rate, {_WANTED}; edits over words of the set."),
        condition_info("rendered_ned", False, f"Edits over the longer length, {_WANTED}; mean over texts."),
        condition_info("text_present", True, "Share of images on which a reader reads the whole text, word for word."),
    )
}
RENDERED_ENTRIES = {
    "rendered_cer": ConditionEntry(columns=("rendered_edits", "rendered_length")),
    "rendered_wer": ConditionEntry(columns=("rendered_word_edits", "rendered_words")),
}
_MODULE = "vtbench.metrics.conditioned.rendered_text"
RENDERED_TARGETS = {
    "rendered_cer": f"{_MODULE}:RenderedCer",
    "rendered_wer": f"{_MODULE}:RenderedWer",
    "rendered_ned": f"{_MODULE}:RenderedNed",
    "text_present": f"{_MODULE}:TextPresent",
}
