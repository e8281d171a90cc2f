"""A network of transformers with what prepares its images, from a folder or the hub; safetensors only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vtbench.assets.loading_report import refuse_misfit
from vtbench.assets.saved.model import digest_model, locate_model
from vtbench.core.digests import digest_json
from vtbench.core.errors import AdapterError, AssetMissingError, VtbenchError
from vtbench.core.extras import install_extra

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A network for inference in float32, its processor, and what both of them follow from.

    Attributes:
        identity: first 12 digits of the digest of its files, and the library's version, whose code prepares images.
    """

    network: Any
    processor: Any
    identity: str

    def run(self, network: Any, images: Tensor) -> Any:
        """``uint8 [B,3,H,W]``, prepared as its own files say, through ``network``, which may lie on a device."""
        pictures = list(images.permute(0, 2, 3, 1).cpu().numpy())
        inputs = self.processor(images=pictures, return_tensors="pt")
        device = next(network.parameters()).device
        return network(**{name: tensor.to(device) for name, tensor in inputs.items()})


def load(estimator: str, mappings: Sequence[str], model: str, revision: str | None) -> Pretrained:
    """The network in a folder of ``save_pretrained``, or in a repository of the hub.

    Args:
        estimator: whose network it is to be, for messages.
        mappings: of transformers, from configurations to classes of networks; the first that has it says which.
        model: folder, or ``owner/name``.
        revision: branch, tag or commit on the hub.

    Raises:
        AssetMissingError: transformers or the files cannot be had.
        AdapterError: no network of that kind, or files that do not fit it.
    """
    library = _library(estimator)
    folder = locate_model(model, revision)
    where = f"{estimator}: {folder}"
    options = {"local_files_only": True, "trust_remote_code": False}
    library.utils.logging.disable_progress_bar()
    try:
        config = library.AutoConfig.from_pretrained(str(folder), **options)
        network, report = _class_of(library, mappings, config, where).from_pretrained(
            str(folder),
            config=config,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are told below
            local_files_only=True,
        )
        processor = library.AutoImageProcessor.from_pretrained(str(folder), **options)
    except VtbenchError:
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise AdapterError(f"{where} cannot be loaded: {first[:300]}") from error
    finally:
        library.utils.logging.enable_progress_bar()
    refuse_misfit(network, report, where, allow_unread=True)
    digest = digest_json(digest_model(folder), 12)
    identity = f"{digest}-transformers{library.__version__}-float32"
    return Pretrained(network.float().eval().requires_grad_(False), processor, identity)


def _class_of(library: Any, mappings: Sequence[str], config: Any, where: str) -> Any:
    for name in mappings:
        found = getattr(library, name)
        if type(config) in found:
            kinds = found[type(config)]
            return kinds[0] if isinstance(kinds, tuple) else kinds
    raise AdapterError(f"{where} is a {config.model_type}, which this estimator has no use for")


def _library(estimator: str) -> Any:
    try:
        import transformers
    except ImportError as error:
        raise AssetMissingError(
            f"the estimator {estimator} needs transformers, which is not installed", install_extra("hub")
        ) from error
    return transformers
