import json
import subprocess
import sys

import pytest

import vtbench
from vtbench.results.records.record import write_record


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_importing_the_package_imports_nothing_heavy():
    loaded = run("import sys, json, vtbench; print(json.dumps([vtbench.__version__, *sys.modules]))")
    assert loaded[0] == vtbench.__version__
    assert not {"torch", "pandas", "numpy", "pydantic", "rich", "pyarrow"} & set(loaded)


def test_reading_and_printing_records_leaves_torch_out(make_record, tmp_path):
    write_record(make_record("m"), tmp_path / "run" / "record.json")
    loaded = run(
        "import sys, json, vtbench\n"
        f"records = vtbench.load_records({str(tmp_path)!r})\n"
        "early = 'pandas' in sys.modules\n"
        "vtbench.runs_frame(records), vtbench.metrics_frame(records, wide=True)\n"
        f"vtbench.samples_frame({str(tmp_path)!r})\n"
        "import vtbench.results.tables.terminal, vtbench.results.records.statistics, vtbench.results.records.samples\n"
        "vtbench.results.tables.terminal.results_table(records)\n"
        "print(json.dumps([early, records[0].model.label, type(records[0]) is vtbench.RunRecord, *sys.modules]))\n"
    )
    assert loaded[:3] == [False, "m", True]
    assert "pandas" in loaded and "torch" not in loaded


def test_the_public_names_are_listed_and_others_refused():
    assert {"load_records", "runs_frame", "metrics_frame", "samples_frame", "RunRecord", "__version__"} <= set(
        dir(vtbench)
    )
    for name in vtbench.__all__:
        assert getattr(vtbench, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_it"):
        vtbench.nothing_like_it  # noqa: B018
