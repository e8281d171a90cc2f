"""A package that knows only vtbench's entry points is installed by pip and used from fresh interpreters."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parents[1] / "plugin_pkg"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip installed the package; nothing is downloaded."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", folder / "site", folder / "source"], check=True)
    return folder / "site"


def python(site: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=cwd)


def answer(site: Path, script: str) -> Any:
    """Run a script with the plug-in installed; its last line is JSON."""
    done = python(site, "-c", script)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_names_are_listed_without_importing_anything(site: Path) -> None:
    found = answer(
        site,
        """
import json, sys
from vtbench.data import DATASETS
from vtbench.features import EXTRACTORS
from vtbench.metrics.catalog.lookup import IMAGE_REGISTRY, metric_names
from vtbench.tokenizers import TOKENIZERS
print(json.dumps({
    "tokenizers": TOKENIZERS.names(), "metrics": metric_names(), "datasets": DATASETS.names(),
    "features": EXTRACTORS.names(),
    "imported": sorted(name for name in sys.modules if name.partition(".")[0] in ("torch", "vtbench_plugin_example")),
}))
""",
    )
    assert {"posterize", "broken-on-purpose", "jpeg", "identity"} <= set(found["tokenizers"])
    assert {"max_error", "fd_mean_rgb", "kid_mean_rgb", "psnr"} <= set(found["metrics"])
    assert {"error_spread", "redness", "mean_shift_mean_rgb", "mean_shift_efflite0"} <= set(found["metrics"])
    assert "worst_frame" in found["metrics"] and "mean_shift_i3d_kinetics400" not in found["metrics"]
    assert {"ramps", "photos-mini"} <= set(found["datasets"])
    assert {"mean_rgb", "inception_tf"} <= set(found["features"])
    assert found["imported"] == []


def test_its_tokenizer_data_set_metric_and_extractor_work_together(site: Path) -> None:
    found = answer(
        site,
        """
import json, torch
from vtbench.core.contracts import Tokenizer
from vtbench.core.pixels import to_uint8, to_unit
from vtbench.core.naming.reference import parse_reference
from vtbench.data import DATASETS
from vtbench.features import EXTRACTORS
from vtbench.metrics.catalog.lookup import IMAGE_REGISTRY, metric_info
from vtbench.tokenizers import TOKENIZERS
tokenizer = TOKENIZERS.create(parse_reference("posterize,levels=4"))
data = DATASETS.create(parse_reference("ramps,count=3,size=32"))
reference = torch.stack([data[index].image for index in range(len(data))])
codes = tokenizer.encode(to_unit(reference))
prediction = to_uint8(tokenizer.decode(codes))
worst = IMAGE_REGISTRY.create(parse_reference("max_error"))(prediction, reference, [None] * 3)
features = EXTRACTORS.create(parse_reference("mean_rgb"))(reference)
print(json.dumps({
    "is_tokenizer": isinstance(tokenizer, Tokenizer), "bits": codes.total_bits(tokenizer.info).tolist(),
    "worst": worst.tolist(), "features": list(features["pool"].shape), "unit": metric_info("max_error").unit,
}))
""",
    )
    assert found["is_tokenizer"] is True
    assert found["bits"] == [3 * 32 * 32 * 2] * 3
    assert all(0 < worst <= 255 / 3 / 2 for worst in found["worst"]), "half a step of a four-level quantiser"
    assert found["features"] == [3, 3]
    assert found["unit"] == "levels"


def test_its_parts_for_videos_and_maps_are_found_by_name(site: Path) -> None:
    found = answer(
        site,
        """
import json, torch, vtbench
from vtbench.core.naming.reference import parse_reference
from vtbench.estimators import MAP_ESTIMATORS
from vtbench.metrics.catalog.lookup import is_own, set_metric
videos = torch.zeros(2, 3, 3, 16, 16, dtype=torch.uint8)
other = videos.clone()
other[1, 2] = 7
bright = MAP_ESTIMATORS.create(parse_reference("bright,level=5"))
entry = set_metric("fvd_mean_rgb_of_videos")
print(json.dumps({
    "worst": vtbench.metric("worst_frame")(other, videos).tolist(), "bright": bright(other[:, 2]).mean((1, 2)).tolist(),
    "names": MAP_ESTIMATORS.names(), "id": bright.id,
    "fvd": [entry.extractor, entry.feature, entry.estimator, entry.of_videos, is_own("fvd_mean_rgb_of_videos")],
}))
""",
    )
    assert found["worst"] == [0, 7] and found["bright"] == [0, 1]
    assert {"bright", "canny"} <= set(found["names"]) and found["id"] == "bright@1-5"
    assert found["fvd"] == ["mean_rgb_of_videos", "pool", "frechet", True, False]


def test_a_broken_entry_point_harms_only_itself(site: Path) -> None:
    found = answer(
        site,
        """
import json
from vtbench.core.errors import VtbenchError
from vtbench.core.naming.reference import parse_reference
from vtbench.tokenizers import TOKENIZERS
try:
    TOKENIZERS.create(parse_reference("broken-on-purpose"))
except VtbenchError as error:
    message = str(error)
other = TOKENIZERS.create(parse_reference("posterize"))
print(json.dumps({
    "message": message, "other": other.info.name, "names": TOKENIZERS.names(),
    "builtin": TOKENIZERS.load("identity").__module__,
}))
""",
    )
    for word in ("broken-on-purpose", "vtbench-plugin-example", "this module is broken on purpose", "uninstall"):
        assert word in found["message"]
    assert found["other"] == "posterize"
    assert "broken-on-purpose" in found["names"]
    assert found["builtin"] == "vtbench.tokenizers.codecs.identity"


def test_its_suite_is_listed_shown_and_run(site: Path, tmp_path: Path) -> None:
    listed = python(site, "-m", "vtbench", "list", "suites", "--json")
    assert listed.returncode == 0, listed.stderr
    assert "warning: tasks of the plug-in 'broken-on-purpose' cannot be loaded" in listed.stderr
    found = {row["name"]: row["summary"] for row in json.loads(listed.stdout)}
    assert found["ramps"].startswith("Its task") and found["mini"] != "Not this one."
    assert "ramps-pixels" in python(site, "-m", "vtbench", "show", "ramps").stdout
    assert "ramps-pixels@1+" in python(site, "-m", "vtbench", "show", "ramps-pixels").stdout

    done = python(site, "-m", "vtbench", "run", "--suite", "ramps", "--out", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    same, coarse = (row["results"] for row in json.loads(done.stdout))
    assert same["max_error"]["value"] == 0 < coarse["max_error"]["value"] <= 43, "half a step of four levels"
    assert same["mean_shift_mean_rgb"]["value"] == 0 < coarse["mean_shift_mean_rgb"]["value"] < 43
    assert same["error_spread"]["value"] == 0 < coarse["error_spread"]["value"] < 43


def test_its_prompt_metric_is_scored_where_it_applies(site: Path, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(
        "name: t\nversion: 1\nkind: generation\nsummary: s\nconditions: {of: prompts, prompts: p.txt}\n"
        "preprocess: {preset: native@1}\nprompt_metrics: [redness]\n"
    )
    (tmp_path / "p.txt").write_text("a red square\na blue square\n")
    (tmp_path / "g.py").write_text(
        "import torch\nfrom vtbench.core.info import GeneratorInfo\n\n\nclass Squares:\n"
        "    info = GeneratorInfo(name='squares', conditions='prompt', native_size=16)\n\n"
        "    def sample(self, conditions, seeds):\n"
        "        return torch.tensor([1.0, 0, 0])[None, :, None, None].expand(len(conditions), 3, 16, 16)\n"
    )
    words = ["run", "--generator", "./g.py:Squares", "--task", "t.yaml", "--json", "--out", "runs"]
    done = python(site, "-m", "vtbench", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["results"]["redness"]["value"], row["results"]["redness"]["n"]) == (1.0, 1)


def test_the_command_line_lists_it_and_tells_of_the_broken_one(site: Path, tmp_path: Path) -> None:
    listed = python(site, "-m", "vtbench", "list", "tokenizers")
    assert listed.returncode == 0, listed.stderr
    assert "posterize" in listed.stdout and "jpeg" in listed.stdout

    command = ["-m", "vtbench", "run", "--task", "photos-mini", "--limit", "2", "--out", str(tmp_path)]
    broken = python(site, *command, "--tokenizer", "broken-on-purpose")
    assert broken.returncode == 1, broken.stderr
    assert "this module is broken on purpose" in broken.stderr and "Traceback" not in broken.stderr
    assert not list(tmp_path.rglob("record.json"))
