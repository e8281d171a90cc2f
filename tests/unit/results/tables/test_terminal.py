import csv
import io
import json
import math
import re

import pytest
from rich.console import Console

from vtbench.core.errors import UsageError
from vtbench.results.records.schema import MetricResult
from vtbench.results.tables.digits import column_decimals, interval_text, is_lopsided, value_text
from vtbench.results.tables.terminal import results_json, results_table, results_tsv


def printed(table, width):
    console = Console(width=width, file=io.StringIO(), highlight=False)
    console.print(table)
    return console.file.getvalue()


def bold_texts(table):
    """First words of the cells that are bold as a whole."""
    cells = [cell for column in table.columns for cell in column.cells]
    return [cell.plain.split()[0] for cell in cells if str(cell.style) == "bold"]


@pytest.fixture
def records(make_record):
    labels = ["resize,factor=2", "jpeg,quality=10", "patch-vq", "patch-rvq"]
    return [make_record("identity", perfect=True)] + [make_record(label, seed=i + 1) for i, label in enumerate(labels)]


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_table_fits_and_cuts_nothing_short(records, width):
    text = printed(results_table(records, width=width), width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    for record in records:
        assert record.model.label in text
        assert f"{record.result('psnr').value:.2f}".replace("inf", "∞") in text
    flat = re.sub(r"\s+", " ", text)
    assert "photos-mini@1+0a1b2c3d · data feedc0defeed · n 64" in flat
    assert "bits" in flat and "tokens" in flat and "∞" in flat and "efflite0 ↓" in flat and "dB ↑" in flat
    assert "256" in flat and "percentile bootstrap" in flat


def test_intervals_stand_inline_where_there_is_room_and_below_where_not(records):
    half = (records[1].result("psnr").ci_high - records[1].result("psnr").ci_low) / 2
    wide, narrow = (printed(results_table(records, width=width), width) for width in (160, 90))
    assert re.search(rf"resize,factor=2.* {records[1].result('psnr').value:.2f} ±{half:.2f}", wide)
    assert re.search(rf"resize,factor=2.* {records[1].result('psnr').value:.2f} [^±]*\n.*±{half:.2f}", narrow)


def test_what_does_not_fit_is_named_and_not_cut(records):
    text = printed(results_table(records, width=64), 64)
    assert "no room for" in text and "codebook_usage" in text.split("no room for")[1]
    assert "psnr" in text.split("no room for")[0]
    assert "no room" not in printed(results_table(records, width=200), 200)


def test_a_long_label_is_folded_not_cut(make_record):
    label = "./mine.py:MyTokenizer,checkpoint=weights/step-100000.safetensors"
    text = printed(results_table([make_record(label)], width=90), 90)
    column = "".join(line.split("  ")[0].strip() for line in text.splitlines()[3:])
    assert label in column.replace(" ", "")


def at_one_rate(make_record, label, seed, **more):
    """A record whose model spends as much as every other of these."""
    record = make_record(label, seed=seed, **more)
    same = [r.model_copy(update={"value": 0.5}) if r.metric == "bits_per_pixel" else r for r in record.results]
    return record.model_copy(update={"results": tuple(same)})


def test_the_best_is_bold_only_among_comparable_rows(make_record):
    low, high = (at_one_rate(make_record, name, seed) for name, seed in (("low", 1), ("high", 5)))
    table = results_table([low, high], ["psnr", "lpips_alex"], width=140)
    expected = [f"{high.result('psnr').value:.2f}", f"{min(r.result('lpips_alex').value for r in (low, high)):.3f}"]
    assert bold_texts(table) == expected
    assert "bold: the best among rows of one protocol" in printed(table, 140)
    for change in ({"task": {"protocol_id": "photos-mini@2+00000000"}}, {"data": {"fingerprint": "00"}}):
        other = at_one_rate(make_record, "high", 5, **change)
        assert bold_texts(results_table([low, other], ["psnr"], width=140)) == []
        assert "do not compare" in printed(results_table([low, other], width=140), 140)
    lost = at_one_rate(make_record, "high", 5, data={"n_scored": 63, "n_failed": 1})
    assert bold_texts(results_table([low, lost], ["psnr"], width=140)) == []


def test_across_rates_bold_is_the_pareto_front_and_the_caption_says_so(make_record):
    cheap, dear = make_record("cheap", seed=1), make_record("dear", seed=5)
    table = results_table([cheap, dear], ["psnr"], width=140)
    assert bold_texts(table) == [f"{record.result('psnr').value:.2f}" for record in (cheap, dear)]
    assert "bold: on the Pareto front" in printed(table, 140)


@pytest.mark.parametrize("width", [64, 90, 160])
def test_a_value_over_fewer_samples_carries_its_own_n(make_record, width):
    whole, part = (at_one_rate(make_record, name, seed) for name, seed in (("whole", 1), ("part", 5)))
    few = tuple(r.model_copy(update={"n": 2}) if r.metric == "psnr" else r for r in part.results)
    table = results_table([whole, part.model_copy(update={"results": few})], ["psnr"], width=width)
    text = printed(table, width)
    assert text.count("(n 2)") == 1 and bold_texts(table) == []
    assert "(n …): over so many samples only" in re.sub(r"\s+", " ", text)


def test_troubles_are_told(make_record):
    data = {"n_scored": 60, "n_failed": 4}
    bad = make_record("bad", status="partial", warnings=["a", "b"], data=data, model={"input_size": (512, 512)})
    text = printed(results_table([bad, make_record("good")], width=140), 140)
    assert "60/64" in text and "512→256" in text
    assert "warnings: 2 (bad 2)" in text and "failed samples: 4 (bad 4)" in text and "partial: bad" in text


def test_markup_in_a_label_is_text(make_record):
    text = printed(results_table([make_record("[bold]x[/bold],sizes=[1,2]", warnings=["w"])], width=140), 140)
    assert "[bold]x[/bold],sizes=[1,2]" in text


def test_several_tasks_get_a_column_and_missing_metrics_a_dash(make_record):
    other = make_record(
        "m",
        task={"name": "folder", "protocol_id": "folder@1+11111111", "spec": {"table": ["psnr", "ms_ssim"]}},
        results=[{"metric": "psnr", "value": 20.5, "n": 3, "unit": "dB"}],
    )
    text = printed(results_table([make_record("m"), other], width=160), 160)
    assert "task" in text and "folder" in text and "ms_ssim" in text and "–" in text


def test_chosen_metrics_come_in_the_order_asked_for(records):
    text = printed(results_table(records, ["ssim", "psnr"], width=120), 120)
    assert text.index("ssim") < text.index("psnr") and "lpips" not in text
    with pytest.raises(UsageError, match="did you mean psnr"):
        results_table(records, ["pnsr"])


def test_no_records_is_an_empty_table():
    assert "no results" in printed(results_table([], width=80), 80)
    assert results_tsv([]).startswith("model\treference\ttask") and json.loads(results_json([])) == []


def test_tsv_is_exact(make_record):
    records = [make_record("identity", perfect=True), make_record("a\tb\nc", seed=2)]
    found = list(csv.DictReader(io.StringIO(results_tsv(records)), delimiter="\t"))
    assert [row["model"] for row in found] == ["identity", "a b c"]
    assert found[0]["psnr"] == "inf" and found[0]["codebook_usage_ci_low"] == ""
    assert float(found[1]["ssim"]) == records[1].result("ssim").value
    assert float(found[1]["psnr_ci_high"]) == records[1].result("psnr").ci_high
    assert found[1]["n"] == "64" and found[1]["scored_size"] == "256"
    assert results_tsv(records, ["ssim"]).splitlines()[0].endswith("warnings\tssim\tssim_ci_low\tssim_ci_high\tssim_n")
    assert found[1]["ssim_n"] == "64"


def test_json_is_strict_and_whole(make_record):
    def refuse(name):
        raise AssertionError(name)

    rows = json.loads(results_json([make_record("m", perfect=True, warnings=["w"])]), parse_constant=refuse)
    assert rows[0]["results"]["psnr"]["value"] == "inf" and rows[0]["results"]["psnr"]["unit"] == "dB"
    assert rows[0]["warnings"] == ["w"] and next(iter(rows[0]["results"])) == "bits_per_pixel"


EXACT = "40.000 ±<0.001"


def result(value, half=None, low=None, high=None):
    low, high = (value - half, value + half) if half is not None else (low, high)
    return MetricResult(metric="m", value=value, n=9, ci_low=low, ci_high=high)


@pytest.mark.parametrize(
    ("results", "decimals", "texts"),
    [
        ([result(27.31416, 0.4213)], 2, ["27.31 ±0.42"]),
        ([result(0.98765, 0.00031)], 5, ["0.98765 ±0.00031"]),
        ([result(1234.5, 42.0), result(10.0, 38.0)], 0, ["1234 ±42", "10 ±38"]),
        ([result(27.3, 0.5), result(28.4, 0.4), result(40.0, 1e-9)], 3, ["27.300 ±0.500", "28.400 ±0.400", EXACT]),
        ([result(1024.0), result(256.0)], 0, ["1024", "256"]),
        ([result(0.0390625), result(24.0)], 3, ["0.039", "24.000"]),
        ([result(10234.567)], 0, ["10235"]),
        ([result(math.inf), result(25.0, 0.5)], 2, ["∞", "25.00 ±0.50"]),
        ([result(math.inf, low=math.inf, high=math.inf)], 0, ["∞"]),
        ([result(math.nan)], 0, ["nan"]),
        ([result(1.2e-9, 3e-10)], 6, ["1.2e-09 ±<0.000001"]),
        ([result(-0.00001, 0.02)], 3, ["0.000 ±0.020"]),
        ([result(-math.inf)], 0, ["-∞"]),
    ],
)  # fmt: skip
def test_digits_follow_the_interval(results, decimals, texts):
    assert column_decimals(results) == decimals
    shown = [f"{value_text(r.value, decimals)} {interval_text(r, decimals, ends=False)}".strip() for r in results]
    assert shown == texts


def test_a_lopsided_interval_shows_its_ends():
    even, odd = result(1.0, low=0.9, high=1.15), result(1.0, low=0.9, high=1.3)
    assert not is_lopsided([even]) and is_lopsided([even, odd])
    assert interval_text(odd, 1, ends=True) == "[0.9, 1.3]"
    assert interval_text(result(48.0, low=45.0, high=math.inf), 0, ends=False) == "[45, ∞]"
