"""For each reader of :mod:`fuzz_cases`, the strategy of files that are nearly what it expects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from near import arrays, pickles, pictures, plain, tables
from near.plain import Bytes

_MAKERS: dict[str, Callable[[Sequence[bytes]], Bytes]] = {
    "task": plain.yaml_files,
    "run config": plain.yaml_files,
    "suite": plain.yaml_files,
    "prompts": plain.texts,
    "prompts.jsonl": plain.json_lines,
    "conditions.jsonl": plain.json_lines,
    "annotations.jsonl": plain.json_lines,
    "annotations.csv": plain.csv_files,
    "tokbench texts": plain.json_files,
    "tokbench faces": plain.json_files,
    "program": plain.json_lines,
    "reference": plain.texts,
    "record": plain.sealed_files,
    "leaderboard row": plain.sealed_files,
    "baseline": partial(plain.sealed_files, inner="jobs"),
    "calibration": plain.sealed_files,
    "plan": plain.sealed_files,
    "reading": plain.sealed_files,
    "published.csv": plain.csv_files,
    "leaderboard.csv": plain.csv_files,
    "npz images": lambda _: arrays.npz(("arr_0",), ((4, 9, 7, 3), (1, 2, 2, 3), (2, 9, 7, 1))),
    "npz statistics": lambda _: arrays.npz_of_moments(4) | arrays.npz(("mu", "sigma"), ((4,), (4, 4))),
    "torch statistics": lambda _: pickles.torch_files(pickles.MOMENTS),
    "torch": lambda _: pickles.torch_files(),
    "torch before 1.6": lambda _: pickles.legacy_files(),
    "official": lambda _: pickles.torch_files(),
    "convert": lambda _: pickles.torch_files(),
    "safetensors": lambda _: arrays.safetensors(("a.weight", "b")),
    "canonical": lambda _: arrays.safetensors(("a.weight", "b")),
    "config.json": plain.json_files,
    "model_index.json": plain.json_files,
    "shards": plain.json_files,
    "kept image": plain.sealed_files,
    "reference statistics": lambda _: arrays.sealed_tensors(
        {"e.pool.mean": np.zeros(4), "e.pool.scatter": np.eye(4), "e.pool.rows": np.zeros((9, 4), np.float32)},
        "vtbench",
        _NOTE,
        {"statistics": 1, "made for": None},
    ),
    "tensors of a block": lambda _: arrays.sealed_tensors(
        {"a": np.zeros((3, 4)), "b": np.arange(5)}, "meta", {"n": 1}, {"job": "j"}
    ),
    "parquet": tables.parquet,
    "samples": lambda _: tables.sample_rows(),
    "tar": tables.tars,
    "index of tars": lambda _: tables.tar_indices(),
    "index of tars in JSON": plain.json_files,
    "PNG": lambda _: pictures.png(),
    "PNG of 16 bits": lambda _: pictures.png((16,)),
    "TIFF": lambda _: pictures.tiff(),
    "JPEG": pictures.jpeg,
    "MPO": pictures.jpeg,
    "stream of JPEG-LM": pictures.jpeg,
    **dict.fromkeys(("WEBP", "AVIF", "GIF", "BMP", "PPM", "JPEG2000", "QOI"), pictures.others),
}
_NOTE = {"description": "d", "size": None, "counts": {"e.pool": 9}, "extractors": {"e": {"id": "e", "assumed": False}}}


def near(name: str, seeds: Sequence[bytes]) -> Bytes:
    """Files for the reader of that name; for one that is not listed, valid files with other numbers and spans.

    Args:
        seeds: valid ones, or the pictures that files of such a reader hold.
    """
    return _MAKERS.get(name, pictures.others)(seeds)
