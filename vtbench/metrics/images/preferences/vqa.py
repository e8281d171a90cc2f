"""``vqa_score``: how probable "Yes" is to whether an image shows its prompt, by a network that answers questions."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from vtbench.core.errors import AssetMissingError, UsageError
from vtbench.metrics.catalog.images import PROMPT_INFOS

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from typing_extensions import Self

QUESTION = 'Does this figure show "{}"? Please answer yes or no.'
ANSWER = "Yes"
INSTALL = "pip install --no-deps t2v-metrics==3.0, what its own pages list, and ffmpeg; vtbench's other packages stay"


class VqaScore:
    """The probability of "Yes" to 'Does this figure show "PROMPT"? Please answer yes or no.', between 0 and 1 (Lin et
    al. 2024; linzhiqiu/t2v_metrics@6ecb74f, package t2v_metrics 3.0).

    Everything is the package's: weights, preparation of the image, and the probability, exp of minus the mean loss over
    the answer's tokens. It is given one image and one prompt a call, so that no batch pads a question; the image is
    a PNG file, which is what it reads. The network of the paper asks for about 40 GB of a GPU.

    Args:
        model: as the package calls it; ``clip-flant5-xxl`` is ``zhiqiulin/clip-flant5-xxl``. It is part of the
            protocol: scores of two do not compare.

    Raises:
        AssetMissingError: the package cannot be imported, or (when the network is placed) the weights cannot be had.
        UsageError: the package has no such network.
    """

    info = PROMPT_INFOS["vqa_score"]

    def __init__(self, model: str = "clip-flant5-xxl") -> None:
        self._package, self._name, self._scorer = _package(), model, None
        known = self._package.list_all_vqascore_models()
        if model not in known:
            raise UsageError(f"t2v_metrics has no network {model!r}", f"known: {', '.join(known)}")

    def to(self, *, device: torch.device | str) -> Self:
        """Load the network onto ``device``; returns itself."""
        from vtbench.assets.hub import told

        with told(self._name, f"zhiqiulin/{self._name}"):
            from huggingface_hub.constants import HF_HUB_CACHE

            self._scorer = self._package.VQAScore(self._name, device=str(device), cache_dir=HF_HUB_CACHE)
        return self

    def __call__(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
        """``uint8 [B,3,H,W]`` and ``B`` prompts to ``float64 [B]`` between 0 and 1, on the host."""
        import torch

        from vtbench.core.threads.lanes import on_one_thread

        if self._scorer is None:
            self.to(device="cpu")
        with TemporaryDirectory(prefix="vtbench-vqa-") as folder, torch.inference_mode(), on_one_thread():
            file = Path(folder) / "image.png"
            found = [self._one(image, prompt, file) for image, prompt in zip(images.cpu(), prompts, strict=True)]
        return torch.tensor(found, dtype=torch.float64)

    def _one(self, image: Tensor, prompt: str, file: Path) -> float:
        from PIL import Image

        Image.fromarray(image.permute(1, 2, 0).contiguous().numpy()).save(file)
        scorer: Any = self._scorer
        return float(
            scorer(images=[str(file)], texts=[prompt], question_template=QUESTION, answer_template=ANSWER)[0, 0]
        )


def _package() -> Any:
    try:
        return import_module("t2v_metrics")
    except (ImportError, RuntimeError) as error:  # it raises RuntimeError where there is no ffmpeg
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise AssetMissingError(f"vqa_score needs the package t2v_metrics: {first}", INSTALL) from error
