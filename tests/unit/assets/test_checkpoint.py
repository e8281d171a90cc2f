"""Checkpoints and pickles: what is read, and above all what is refused without having run."""

from __future__ import annotations

import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vtbench.assets.checkpoint import load_checkpoint
from vtbench.assets.numpy_pickle import load_arrays
from vtbench.core.errors import VtbenchError

WEIGHTS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(2)}


class Malicious:
    """Unpickling it creates a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def equal(left, right):
    return set(left) == set(right) and all(torch.equal(left[name], right[name]) for name in left)


@pytest.fixture
def trap(tmp_path):
    """The malicious object and the file it would create; first shown to work against plain pickle."""
    target = tmp_path / "created"
    pickle.loads(pickle.dumps(Malicious(target))).close()
    assert target.exists()
    target.unlink()
    return Malicious(target), target


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"state_dict": {"a": torch.zeros(2), "b": x}}])
def test_a_malicious_pickle_is_refused_and_runs_nothing(trap, protocol, wrap, tmp_path):
    malicious, target = trap
    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(wrap(malicious), protocol=protocol))
    with pytest.raises(VtbenchError, match=r"refused: .*loading it would execute code") as caught:
        load_checkpoint(path)
    assert "safetensors" in str(caught.value) and str(path) in str(caught.value)
    with pytest.raises(VtbenchError, match="refused: it would run"):
        load_arrays(path.read_bytes(), "weights.ckpt")
    assert not target.exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_malicious_torch_file_is_refused_and_runs_nothing(trap, zipped, tmp_path):
    malicious, target = trap
    path = tmp_path / "weights.pth"
    torch.save({"a": torch.zeros(2), "b": malicious}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(VtbenchError, match="refused"):
        load_checkpoint(path)
    assert not target.exists()


def test_a_malicious_file_called_safetensors_runs_nothing(trap, tmp_path):
    malicious, target = trap
    path = tmp_path / "weights.safetensors"
    torch.save({"b": malicious}, path)
    with pytest.raises(VtbenchError, match="not a checkpoint"):
        load_checkpoint(path)
    assert not target.exists()


def test_safetensors_and_torch_files_are_read(tmp_path):
    save_file(WEIGHTS, tmp_path / "w.safetensors")
    assert equal(load_checkpoint(tmp_path / "w.safetensors"), WEIGHTS)
    for zipped in (True, False):
        torch.save(OrderedDict(WEIGHTS), tmp_path / "w.pt", _use_new_zipfile_serialization=zipped)
        assert equal(load_checkpoint(str(tmp_path / "w.pt")), WEIGHTS)


def test_nested_weights(tmp_path):
    path = tmp_path / "w.ckpt"
    torch.save({"epoch": 3, "state_dict": WEIGHTS, "ema": {"a": torch.ones(1)}}, path)
    assert equal(load_checkpoint(path), WEIGHTS)
    assert equal(load_checkpoint(path, key="ema"), {"a": torch.ones(1)})
    with pytest.raises(VtbenchError, match=r"no entry 'model'.*\n.*epoch, state_dict, ema"):
        load_checkpoint(path, key="model")
    torch.save({"epoch": 3, "model": WEIGHTS}, path)
    with pytest.raises(VtbenchError, match=r"more than tensors.*\n.*key="):
        load_checkpoint(path)
    torch.save([torch.zeros(1)], path)
    with pytest.raises(VtbenchError, match="no tensors by name"):
        load_checkpoint(path)


@pytest.mark.parametrize("form", ["safetensors", "zip", "legacy"])
@pytest.mark.parametrize("kept", [0, 1, 10, 0.5, 0.99])
def test_a_truncated_file_says_so(form, kept, tmp_path):
    path = tmp_path / ("w.safetensors" if form == "safetensors" else "w.pth")
    weights = {"a": torch.randn(64, 64)}
    if form == "safetensors":
        save_file(weights, path)
    else:
        torch.save(weights, path, _use_new_zipfile_serialization=form == "zip")
    data = path.read_bytes()
    path.write_bytes(data[: kept if isinstance(kept, int) else int(len(data) * kept)])
    with pytest.raises(VtbenchError, match="truncated or not a checkpoint"):
        load_checkpoint(path)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(VtbenchError, match="does not exist"):
        load_checkpoint(tmp_path / "absent.pth")


@pytest.fixture
def tree():
    return {"conv": {"kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4), "bias": np.zeros(3, np.float32)}}


@pytest.mark.parametrize("protocol", [3, 4])
def test_float32_arrays_are_read(tree, protocol):
    loaded = load_arrays(pickle.dumps(tree, protocol=protocol), "x")
    np.testing.assert_array_equal(loaded["conv"]["kernel"], tree["conv"]["kernel"])
    np.testing.assert_array_equal(loaded["conv"]["bias"], tree["conv"]["bias"])
    assert loaded["conv"]["kernel"].dtype == np.float32


@pytest.mark.parametrize("protocol", [2, 5])
def test_protocols_whose_arrays_need_other_functions_are_refused(tree, protocol):
    with pytest.raises(VtbenchError, match="refused: it would run"):
        load_arrays(pickle.dumps(tree, protocol=protocol), "x")


@pytest.mark.parametrize(
    "stranger",
    [np.zeros(2), np.array([{"a": 1}], dtype=object), np.zeros(2, "V4"), np.float64(1), range(3), {1, 2}.union, len],
)
def test_anything_else_is_refused(stranger):
    with pytest.raises(VtbenchError, match="refused"):
        load_arrays(pickle.dumps({"a": stranger}, protocol=3), "x")


def test_damaged_pickles_and_other_contents():
    data = pickle.dumps({"a": np.zeros(100, np.float32)}, protocol=3)
    for damaged in (b"", b"garbage", data[:50], data[:-3]):
        with pytest.raises(VtbenchError, match="damaged"):
            load_arrays(damaged, "x")
    with pytest.raises(VtbenchError, match="not a dictionary"):
        load_arrays(pickle.dumps([1, 2]), "x")
