"""What a fit leaves: a state to go on from, weights in half precision, a card, and a picture on the way."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from vtbench.core.digests import digest_json
from vtbench.core.disk.files import atomic_path
from vtbench.core.outside.tensor_files import META, check_tensors, open_tensors, write_tensors

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vtbench.fitting.state import Array
    from vtbench.zoo.loop import Fit
    from vtbench.zoo.recipe import Recipe

_WINDOW = 200
"""Steps of which a card gives the mean loss."""


def identity(recipe: Recipe, images: str, facts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a kept state is of: a state of another recipe, of other images or of other facts is not gone on from."""
    further = {"facts": digest_json(dict(facts))} if facts else {}
    return {"recipe": digest_json(dataclasses.asdict(recipe)), "images": images, **further}


def keep_state(path: Path, state: Mapping[str, Array], of: Mapping[str, Any], seconds: float) -> None:
    """Write a state, whole or not at all."""
    write_tensors(path, state, of, {"seconds": seconds})


def kept_state(path: Path, of: Mapping[str, Any]) -> tuple[dict[str, Array], float] | None:
    """The state of this fit and the seconds that it took; ``None`` where there is none.

    Raises:
        DamagedFileError: a file that is no state, or one of another fit.
    """
    if not path.is_file():
        return None
    repair = f"remove {path}, and the fit begins anew"
    check_tensors(path, of, repair)
    with open_tensors(path, repair) as tensors:
        seconds = float(json.loads(tensors.metadata()[META])["seconds"])
        return {name: tensors.get_tensor(name) for name in tensors.keys()}, seconds  # noqa: SIM118 - no mapping


def write_weights(path: Path, network: nn.Module, made: Mapping[str, str]) -> None:
    """The weights in half precision, under the names that the family's adapter reads.

    Buffers of whole numbers stay as they are.

    Args:
        path: the file.
        network: whose state is kept.
        made: what the file says of itself: the commit and the command that made it.
    """
    from safetensors.torch import save_file

    halves = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).detach().cpu().contiguous()
        for name, tensor in network.state_dict().items()
    }
    with atomic_path(path) as temporary:
        save_file(halves, temporary, dict(made))


def write_card(path: Path, fit: Fit, images: dict[str, Any], seconds: float, made: dict[str, Any]) -> None:
    """How the weights came about, as JSON: recipe, data, time, and the loss over the steps, a mean of 200 each."""
    losses = fit.losses[: fit.step].astype(np.float64)
    means = [float(losses[start : start + _WINDOW].mean()) for start in range(0, len(losses), _WINDOW)]
    parameters = sum(one.numel() for one in fit.network.parameters())
    card = {
        "recipe": dataclasses.asdict(fit.plan),
        "parameters": parameters,
        "images": images,
        **fit.facts(),
        "steps": fit.step,
        "seconds": round(seconds, 1),
        "loss": {"what": f"{fit.measured}, means over {_WINDOW} steps", "values": means},
        "made": made,
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def rows_of(*rows: Tensor) -> Tensor:
    """Rows of images, ``uint8 [N,3,H,W]`` each, as one picture ``uint8 [3,H',W']``."""
    return torch.cat([torch.cat(list(images), dim=-1) for images in rows], dim=-2)


def enlarged(picture: Tensor, times: int) -> Image.Image:
    """A picture, ``uint8 [3,H,W]``, so many times as large, pixel by pixel."""
    whole = picture.permute(1, 2, 0).numpy()
    size = (times * whole.shape[1], times * whole.shape[0])
    return Image.fromarray(whole).resize(size, Image.Resampling.NEAREST)


def write_picture(path: Path, picture: Tensor) -> None:
    """A picture, ``uint8 [3,H,W]``, four times as large, as PNG."""
    with atomic_path(path) as temporary:
        enlarged(picture, 4).save(temporary, format="PNG")
