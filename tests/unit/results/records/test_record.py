import importlib.util
import json
import math
from datetime import timedelta

import numpy as np
import pytest
from pydantic import ValidationError

from vtbench.core.errors import DamagedFileError, UsageError, VtbenchError
from vtbench.results.records import strict_json
from vtbench.results.records.first_homes import FIRST_HOMES
from vtbench.results.records.record import SCHEMA_VERSION, RunRecord, load_records, read_record, write_record
from vtbench.results.records.schema import MetricResult


def refuse(name):
    raise AssertionError(f"{name} is not strict JSON")


def test_what_is_written_is_read_back_whole(make_record, tmp_path):
    record = make_record(
        "jpeg,quality=10", seed=3, warnings=("ω",), failures=({"id": "a/b", "stage": "decode", "message": "cut"},)
    )
    write_record(record, tmp_path / "run" / "record.json")
    back = read_record(tmp_path / "run")
    assert back == record
    assert back.results_digest() == record.results_digest()
    assert back.created.utcoffset() == timedelta(hours=1)


def test_infinities_are_strings_in_strict_json_and_floats_in_memory(make_record, tmp_path):
    extra = {"metric": "odd", "value": -math.inf, "n": 1, "details": {"worst": [math.inf, "word"], "none": math.nan}}
    record = make_record("identity", perfect=True, results=[{"metric": "psnr", "value": math.inf, "n": 2}, extra])
    write_record(record, tmp_path / "record.json")
    raw = json.loads((tmp_path / "record.json").read_text(), parse_constant=refuse)
    assert [entry["value"] for entry in raw["results"]] == ["inf", "-inf"]
    back = read_record(tmp_path / "record.json")
    assert back.result("psnr").value == math.inf
    assert back.result("odd").details["worst"] == [math.inf, "word"]
    assert math.isnan(back.result("odd").details["none"])
    assert back.result("psnr", "cats") is None


def test_a_text_field_that_reads_inf_stays_text(make_record, tmp_path):
    record = make_record("inf", warnings=["nan"])
    write_record(record, tmp_path / "record.json")
    assert read_record(tmp_path).model.label == "inf"
    assert read_record(tmp_path).warnings == ("nan",)


def test_bytes_on_disk_do_not_depend_on_the_order_of_free_form_keys(make_record, tmp_path):
    for name, resolved in (("a", {"x": 1, "y": {"p": 1, "q": 2}}), ("b", {"y": {"q": 2, "p": 1}, "x": 1})):
        write_record(make_record("m", config={"resolved": resolved}), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert next(iter(json.loads((tmp_path / "a").read_text()))) == "schema_version"


def test_whole_numbers_that_are_keys_become_text(make_record, tmp_path):
    record = make_record("m", config={"resolved": {"shares": {8: 0.5, 10: 1}}})
    assert record.config.resolved == {"shares": {"10": 1, "8": 0.5}}
    write_record(record, tmp_path / "record.json")
    assert read_record(tmp_path) == record
    for wrong in ({8: 1, "8": 2}, {True: 1}, {1.5: 1}, {(1, 2): 1}):
        with pytest.raises(ValidationError, match=r"two keys that read '8'|keys are text"):
            make_record("m", config={"resolved": {"shares": wrong}})


def test_floats_survive_bit_by_bit(tmp_path, make_record):
    values = np.random.default_rng(0).standard_normal(50) * 10.0 ** np.arange(-25, 25)
    results = [{"metric": f"m{i}", "value": value, "n": 1} for i, value in enumerate(values)]
    write_record(make_record("m", results=results), tmp_path / "record.json")
    assert [entry.value.hex() for entry in read_record(tmp_path).results] == [float(value).hex() for value in values]


def test_numpy_values_become_plain_numbers():
    details = {"k": np.arange(2), "f": np.float32(2)}
    result = MetricResult(metric="m", value=np.float32(0.5), n=np.int64(3), details=details)
    assert (type(result.value), type(result.n), result.details) == (float, int, {"f": 2.0, "k": [0, 1]})


def test_an_undefined_interval_is_none():
    for nan in (math.nan, np.float32("nan"), "nan"):
        result = MetricResult(metric="m", value=1.0, n=1, ci_low=nan, ci_high=nan, ci_method="bootstrap")
        assert (result.ci_low, result.ci_high, result.ci_method) == (None, None, "")


@pytest.mark.parametrize(
    "fields",
    [
        {"ci_low": 1.0},
        {"ci_low": 2.0, "ci_high": 1.0},
        {"ci_low": math.nan, "ci_high": 1.0},
        {"n": -1},
        {"surprise": 1},
        {"details": {"f": object()}},
        {"details": {1.5: 2}},
    ],
)
def test_a_senseless_result_is_refused(fields):
    with pytest.raises(ValidationError):
        MetricResult(**{"metric": "m", "value": 1.0, "n": 1, **fields})


def test_a_senseless_record_is_refused(make_content):
    twice = [{"metric": "psnr", "value": 1.0, "n": 1}] * 2
    for change, problem in (
        ({"results": twice}, "psnr"),
        ({"created": "2025-01-01T00:00:00"}, "timezone"),
        ({"data": {"n_failed": 1}}, "64 scored and 1 failed of 64"),
        ({"status": "done"}, "partial"),
    ):
        with pytest.raises(ValidationError, match=problem):
            RunRecord.model_validate(make_content("m", **change))


def test_records_are_frozen(make_record):
    with pytest.raises(ValidationError, match="frozen"):
        make_record("m").status = "partial"


def test_the_digest_sees_one_bit_and_ignores_order_time_and_machine(make_record, make_content):
    record = make_record("m", seed=1)
    rows = make_content("m", seed=1)["results"]
    elsewhere = {"performance": {"wall_s": 99.0}, "environment": {"python": "3.10"}, "results": rows[::-1]}
    assert make_record("m", seed=1, **elsewhere).results_digest() == record.results_digest()
    nudged = [{**rows[0], "value": math.nextafter(rows[0]["value"], math.inf)}, *rows[1:]]
    assert make_record("m", seed=1, results=nudged).results_digest() != record.results_digest()
    hidden = [{**rows[0], "details": {"n_infinite": 1}}, *rows[1:]]
    assert make_record("m", seed=1, results=hidden).results_digest() != record.results_digest()


def test_a_run_id_names_what_was_measured_and_not_where(make_record):
    record = make_record("m")
    assert make_record("m", environment={"python": "3.10"}, results=[], job_key="other").run_id == record.run_id
    for change in (
        {"model": {"args": {"quality": 11}}},
        {"model": {"weights": [{"name": "w", "sha256": "00"}]}},
        {"task": {"protocol_id": "photos-mini@1+ffffffff"}},
        {"data": {"fingerprint": "00"}},
        {"determinism": {"seed": 1}},
        {"data": {"n_expected": 65}},
    ):
        assert make_record("m", **change).run_id != record.run_id


def test_a_run_keeps_its_id_where_the_file_of_its_adapter_moves(make_record):
    """The committed records name the files of their time; runs of today come to the same ids."""
    old = make_record("m", model={"import_path": "vtbench.tokenizers.codec:Jpeg"})
    assert make_record("m", model={"import_path": "vtbench.tokenizers.codecs.pillow:Jpeg"}).run_id == old.run_id
    assert make_record("m", model={"import_path": "vtbench.tokenizers.codecs.pillow:Webp"}).run_id != old.run_id
    assert make_record("m", model={"import_path": "mine.tokenizers.codec:Jpeg"}).run_id != old.run_id


def test_first_homes_are_of_adapters_that_are_there():
    for module, first in FIRST_HOMES.items():
        assert importlib.util.find_spec(f"vtbench.{module}"), module
        assert module != first
    assert len(set(FIRST_HOMES.values())) == len(FIRST_HOMES)


def test_every_field_has_a_line_of_documentation():
    models, seen = [RunRecord], []
    while models:
        model = models.pop()
        seen.append(model)
        for name, info in model.model_fields.items():
            assert info.description, f"{model.__name__}.{name}"
            inner = [info.annotation, *getattr(info.annotation, "__args__", ())]
            models += [entry for entry in inner if isinstance(entry, type) and hasattr(entry, "model_fields")]
    assert len(seen) >= 13


@pytest.mark.parametrize(
    ("text", "error", "problem"),
    [
        ("{", VtbenchError, "not JSON"),
        ('{"schema_version": NaN}', VtbenchError, "NaN is not JSON"),
        ("[]", VtbenchError, "list"),
        ("{}", VtbenchError, "schema_version"),
        (f'{{"schema_version": {SCHEMA_VERSION + 1}}}', VtbenchError, "upgrade"),
        (f'{{"schema_version": {SCHEMA_VERSION}}}', VtbenchError, "Field required"),
        ("\udcff", VtbenchError, "not JSON"),
    ],
)
def test_an_unreadable_record_is_told_with_its_path(tmp_path, text, error, problem):
    file = tmp_path / "record.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(error, match=problem) as caught:
        read_record(file)
    assert str(file) in str(caught.value)
    assert caught.value.exit_code == 1


def test_a_folder_in_a_records_place_is_called_that(make_record, tmp_path):
    (tmp_path / "1/record.json").mkdir(parents=True)
    write_record(make_record("x"), tmp_path / "2/record.json")
    told = r"1/record\.json is a folder move it away, and give the same vtbench run again"
    with pytest.warns(UserWarning, match=told):
        assert len(load_records(tmp_path)) == 1
    with pytest.raises(DamagedFileError, match=r"record\.json is a folder"):
        read_record(tmp_path / "1")


def test_records_load_from_a_file_a_run_folder_or_any_folder_above(make_record, tmp_path):
    for place, label in (("t/b/k2", "second"), ("t/a/k1", "first"), ("u/c/k3", "third")):
        write_record(make_record(label), tmp_path / place / "record.json")
    (tmp_path / "t" / "a" / "k1" / ".record.json.x.partial").write_text("{")
    labels = lambda path: [record.model.label for record in load_records(path)]  # noqa: E731
    assert labels(tmp_path) == ["first", "second", "third"]
    assert labels(str(tmp_path / "t")) == ["first", "second"]
    assert labels(tmp_path / "u/c/k3") == labels(tmp_path / "u/c/k3/record.json") == ["third"]


@pytest.mark.parametrize("name", ["", "absent"])
def test_no_record_is_a_usage_error(tmp_path, name):
    with pytest.raises(UsageError, match=r"record\.json|does not exist"):
        load_records(tmp_path / name)
    with pytest.raises(UsageError):
        read_record(tmp_path / name)


def test_strict_json_refuses_what_it_cannot_hold():
    with pytest.raises(ValueError, match="complex"):
        strict_json.plain({"z": 1j})
    assert strict_json.plain({"b": (1, {2.5}), "a": True}) == {"a": True, "b": [1, [2.5]]}
