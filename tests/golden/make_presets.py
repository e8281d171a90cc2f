"""Writes presets.json: SHA-256 of what every preprocessing preset yields for photographs of many shapes.

Run it only when a preset's version is raised, and say so in the changelog:  python tests/golden/make_presets.py
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from vtbench.core.contracts import Sample
from vtbench.data.embedded.photographs.photos_mini import load_photograph
from vtbench.data.preparing.presets import PRESETS, make_preset

GOLDEN = Path(__file__).with_name("presets.json")
SIZES = (64, 256)


def pictures() -> dict[str, Tensor]:
    """Real pixels in awkward shapes, ``uint8 [3,H,W]``."""
    chelsea, hubble = load_photograph("chelsea"), load_photograph("hubble_deep_field")
    return {
        "landscape-451x300": chelsea,
        "portrait-300x451": chelsea.transpose(1, 2).contiguous(),
        "large-1000x872": hubble,
        "odd-147x131": chelsea[:, 50:181, 60:207].contiguous(),
        "small-40x33": chelsea[:, 100:133, 100:140].contiguous(),
        "exact-256x256": chelsea[:, 10:266, 80:336].contiguous(),
        "exact-64x64": chelsea[:, 10:74, 80:144].contiguous(),
        "row-37x1": chelsea[:, 150:151, 100:137].contiguous(),
        "column-1x37": chelsea[:, 100:137, 150:151].contiguous(),
        "dot-1x1": chelsea[:, 100:101, 150:151].contiguous(),
    }


def digests() -> Iterator[tuple[str, dict[str, str]]]:
    """``preset@version/size/picture`` to the digests of model input, reference, and input brought back."""
    for name, picture in pictures().items():
        for preset in (make_preset(key, size) for key in PRESETS for size in (SIZES if key != "native" else (None,))):
            prepared = preset.prepare(Sample(id=name, image=picture))
            entry = {"model_input": _digest(prepared.model_input), "reference": _digest(prepared.reference)}
            if prepared.restore is not None:
                entry["restored"] = _digest(prepared.restore(prepared.model_input))
            yield f"{preset.id}/{preset.size or 'native'}/{name}", entry


def _digest(image: Tensor) -> str:
    header = f"{list(image.shape)}".encode()
    return hashlib.sha256(header + image.contiguous().numpy().tobytes()).hexdigest()


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(dict(sorted(digests())), indent=1) + "\n", encoding="utf-8")
