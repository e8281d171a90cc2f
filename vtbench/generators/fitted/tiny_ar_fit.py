"""Make the weights that ``tiny-ar`` ships with: ``python -m vtbench.generators.fitted.tiny_ar_fit OUT.safetensors``.

A codebook is fitted on patches of the ``fit`` crops of ``scenes-mini``, then the transformer on their codes: seeded,
minutes on two cores. Another machine's sums round otherwise, so its file has other bytes and much the same quality;
that is why the weights are shipped rather than fitted at first use.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from vtbench.core.info import WeightFile
from vtbench.core.pixels import to_unit
from vtbench.data.embedded.photographs.scenes_mini import SCENES, SIDE, ScenesMini
from vtbench.generators.published.next_token.llamagen.network import LlamaGenGeometry, LlamaGenNetwork
from vtbench.networks.decoder_transformer import DecoderGeometry, swiglu_width
from vtbench.tokenizers.fitted.patch_vq import PatchRvq, fit_codebooks
from vtbench.tokenizers.fitted.patches import to_patches

PATCH = 8
CODES = 256
CROPS = 12_000
STEPS = 2_500
BATCH = 64
PEAK_RATE = 2e-3
WARM_UP = 100
NO_CLASS_SHARE = 0.1
"""How often the class is dropped, so that the model learns the unconditional logits that guidance needs."""
SEED = 0
WIDTH = 128
GEOMETRY = LlamaGenGeometry(
    DecoderGeometry(depth=3, heads=4, width=WIDTH, hidden=swiglu_width(WIDTH, multiple=32)),
    vocabulary=CODES,
    grid=SIDE // PATCH,
    classes=len(SCENES),
)


def fitted_codebook(images: Tensor) -> Tensor:
    """``[1,CODES,3*PATCH*PATCH]`` from ``uint8 [N,3,H,W]``."""
    patches = torch.cat([to_patches(to_unit(image), PATCH) for image in images])
    return torch.from_numpy(fit_codebooks(patches.double().numpy(), 1, CODES, SEED)["codebooks"])


def fitted_model(labels: Tensor, tokens: Tensor, steps: int = STEPS) -> LlamaGenNetwork:
    """Next-token cross-entropy by AdamW with a warmed-up cosine rate.

    Args:
        labels: ``int64 [N]``.
        tokens: ``int64 [N,T]``.
        steps: of the optimiser.
    """
    torch.manual_seed(SEED)
    model = LlamaGenNetwork(GEOMETRY)
    for parameter in model.parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=0.02)
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.95), weight_decay=0.05)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = PEAK_RATE * min((step + 1) / WARM_UP, 0.5 + 0.5 * math.cos(math.pi * step / steps))
        chosen = torch.randint(len(tokens), (BATCH,))
        shown = torch.where(torch.rand(BATCH) < NO_CLASS_SHARE, GEOMETRY.classes, labels[chosen])
        logits = model(shown, tokens[chosen, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), tokens[chosen].flatten())
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step % 100 == 0 or step == steps - 1:
            print(f"step {step} loss {loss.item():.3f}", flush=True)
    return model


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    crops = ScenesMini(split="fit", count=CROPS)
    images = torch.stack([crops[index].image for index in range(CROPS)])
    labels = torch.arange(CROPS) % len(SCENES)
    codebook = fitted_codebook(images[:400]).half()
    tokenizer = PatchRvq.from_codebooks("tiny-ar-vq", PATCH, codebook.float(), WeightFile(name="", sha256=""))
    tokens = torch.cat([tokenizer.encode(to_unit(part)).levels[0].flatten(1) for part in torch.split(images, 500)])
    model = fitted_model(labels, tokens)
    state = {f"model.{name}": tensor.detach().half().contiguous() for name, tensor in model.state_dict().items()}
    notes = {
        "depth": GEOMETRY.decoder.depth,
        "heads": GEOMETRY.decoder.heads,
        "patch": PATCH,
        "side": SIDE,
        "steps": STEPS,
        "data": crops.fingerprint,
    }
    save_file({**state, "codebook": codebook.contiguous()}, out, metadata={"notes": json.dumps(notes)})


if __name__ == "__main__":
    main()
