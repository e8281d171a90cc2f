"""Text and detail tasks end to end: real OCR, real codecs, and what theory says of blocks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from vtbench.results.records.record import RunRecord, load_records

CommandLine = Callable[..., "subprocess.CompletedProcess[str]"]


def value(record: RunRecord, metric: str, stratum: str = "all") -> float:
    result = record.result(metric, stratum)
    assert result is not None, f"{record.model.reference} has no {metric} ({stratum})"
    return result.value


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory, command_in: CommandLine) -> dict[str, RunRecord]:
    """``english-mini``, two images a glyph size, under JPEG of three qualities."""
    folder = tmp_path_factory.mktemp("english")
    options = [part for q in (5, 15, 60) for part in ("-t", f"jpeg,quality={q}")]
    done = command_in(folder, "run", "--task", "english-mini", "--limit", "16", "-t", "identity", *options)
    assert done.returncode == 0, done.stderr
    return {record.model.reference: record for record in load_records(folder / "runs")}


@pytest.mark.slow
def test_the_reader_sets_the_floor_and_identity_adds_nothing(english: dict[str, RunRecord]) -> None:
    identity = english["identity"]
    for metric in ("cer", "wer", "ned"):
        assert value(identity, metric) == value(identity, f"{metric}_floor")
        assert value(identity, f"{metric}_excess") == 0.0
    for glyph_px in (14, 18, 24, 32, 48):
        assert value(identity, "cer", f"glyph_px={glyph_px}") <= 0.01
    cer = identity.result("cer")
    assert cer is not None and str(cer.details["reader"]).startswith("rapidocr@")


@pytest.mark.slow
def test_errors_fall_with_quality_and_small_glyphs_go_first(english: dict[str, RunRecord]) -> None:
    rates = [value(english[f"jpeg,quality={quality}"], "cer") for quality in (5, 15, 60)]
    assert rates[0] > rates[1] > rates[2] >= value(english["identity"], "cer")
    worst = english["jpeg,quality=5"]
    assert value(worst, "cer", "glyph_px=8") > value(worst, "cer", "glyph_px=12") > value(worst, "cer", "glyph_px=18")
    assert value(worst, "cer_excess") == pytest.approx(value(worst, "cer") - value(worst, "cer_floor"), abs=1e-12)
    floors = {value(record, "cer_floor") for record in english.values()}
    assert len(floors) == 1, "the floor is the reader's, whatever the model"


@pytest.mark.slow
def test_a_table_by_stratum(english: dict[str, RunRecord], command_line: CommandLine, tmp_path: Path) -> None:
    from vtbench.results.records.record import write_record

    for number, record in enumerate(english.values()):
        write_record(record, tmp_path / "runs" / str(number) / "record.json")
    done = command_line("show", "runs", "--by", "glyph_px", "--metric", "cer", cwd=tmp_path)
    header, *rows = done.stdout.splitlines()
    assert header.split("\t") == ["model", *(f"glyph_px={n}" for n in (8, 10, 12, 14, 18, 24, 32, 48)), "all"]
    assert len(rows) == 4
    wrong = command_line("show", "runs", "--by", "glyph", cwd=tmp_path)
    assert wrong.returncode == 2 and "did you mean glyph_px" in wrong.stderr


@pytest.mark.slow
def test_blocks_of_eight_lose_gratings_from_their_own_frequency_on(command_line: CommandLine, tmp_path: Path) -> None:
    done = command_line("run", "--task", "patterns-mini", "--limit", "13", "-t", "patch-vq", "-t", "jpeg,quality=60")
    assert done.returncode == 0, done.stderr
    records = {record.model.reference: record for record in load_records(tmp_path / "runs")}
    frequencies = [0.03125, 0.0625, 0.125, 0.25]
    psnr = [value(records["patch-vq"], "psnr", f"frequency={f}") for f in frequencies]
    assert psnr == sorted(psnr, reverse=True)
    coarse, fine = psnr[0], psnr[-1]
    assert coarse - fine > 10, "a grating four blocks long survives, one of half a block does not"
    assert value(records["jpeg,quality=60"], "psnr", "frequency=0.25") > fine + 10


@pytest.mark.slow
def test_four_scripts_are_read_and_lost(command_line: CommandLine, tmp_path: Path) -> None:
    from vtbench.core.errors import AssetMissingError
    from vtbench.data.embedded.multilingual_mini import MultilingualMini
    from vtbench.readers.tesseract import Tesseract

    try:
        MultilingualMini()
        Tesseract(lang="chi_sim+jpn+kor+hin")
    except AssetMissingError as error:
        pytest.skip(str(error))
    done = command_line("run", "--suite", "multilingual", "-t", "identity", "-t", "jpeg,quality=5", "--limit", "4")
    assert done.returncode == 0, done.stderr
    rates = {(r.task.name, r.model.reference): r for r in load_records(tmp_path / "runs")}
    for language in ("zh", "ja", "ko", "hi"):
        perfect, lossy = (rates[f"multilingual-mini-{language}", name] for name in ("identity", "jpeg,quality=5"))
        assert value(perfect, "cer") == value(perfect, "cer_floor") < value(lossy, "cer")
        assert (perfect.result("wer") is None) or language not in ("zh", "ja")


def test_a_missing_language_is_told_with_the_command_that_gets_it(command_line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "klingon.yaml").write_text(
        "name: klingon\nversion: 1\nkind: text\nsummary: No such language.\n"
        "data: {source: english-mini}\npreprocess: {preset: native@1}\nimage_metrics: [psnr]\n"
        "text_metrics: [cer]\nreader: {name: 'tesseract,lang=tlh'}\n"
    )
    done = command_line("run", "--task", "klingon.yaml", "-t", "identity", cwd=tmp_path)
    assert done.returncode == 4 and "apt" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("text_metrics: [cer]\n", "need a reader"),
        ("reader: {name: rapidocr}\n", "needs text_metrics"),
        ("text_metrics: [cer_floor]\nreader: {name: rapidocr}\n", "come with it"),
        ("image_metrics: [psnr, cer]\n", "kind text"),
    ],
)
def test_text_tasks_that_make_no_sense_are_refused(
    command_line: CommandLine, tmp_path: Path, lines: str, told: str
) -> None:
    metrics = "" if "image_metrics" in lines else "image_metrics: [psnr]\n"
    (tmp_path / "odd.yaml").write_text(
        "name: odd\nversion: 1\nkind: text\nsummary: s\ndata: {source: english-mini}\n"
        f"preprocess: {{preset: native@1}}\n{metrics}{lines}"
    )
    done = command_line("run", "--task", "odd.yaml", "-t", "identity", cwd=tmp_path)
    assert done.returncode == 2 and told in done.stderr
