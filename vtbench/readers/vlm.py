"""``vlm``: any vision-language model that transformers loads by ``AutoModelForImageTextToText``.

``gemma3-vtbench`` is the preset with the settings of VTBench's OCR: Gemma 3, images scaled to 1024 × 1024 and at most
1,024 new tokens. Two differences are deliberate. Decoding is greedy, where the released script follows the sampling
that the checkpoint's own generation configuration asks for, unseeded. The prompt asks for the same in words of ours;
``prompt=`` takes another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vtbench.assets.loading_report import refuse_misfit
from vtbench.assets.saved.model import digest_model, locate_model
from vtbench.core.errors import AdapterError, AssetMissingError, UsageError
from vtbench.core.extras import install_extra
from vtbench.data.pixels import to_pillow
from vtbench.readers.contract import ReaderIdentity, ReadResult, check_image

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from torch import Tensor
    from typing_extensions import Self

PROMPT = (
    "Transcribe all the text in this image, in its original language. "
    "Answer with that text and nothing else; if the image shows no text, answer with nothing."
)
DTYPES = ("float32", "bfloat16", "float16")


class VisionLanguageReader:
    """Text that a language model writes when it is shown an image.

    Decoding is greedy (``do_sample=False``, one beam), one image at a time; other settings are those of the
    checkpoint's generation configuration. ``ReadResult.text`` is what was written, unchanged; ``lines`` are its lines
    that are not blank.

    Args:
        path: local folder or hub id (``owner/name``).
        prompt: the instruction that follows the image.
        resize: scale images to this many pixels squared first (bicubic, aspect not kept); 0 leaves them as they are.
        max_new_tokens: where the text is cut off.
        dtype: ``float32``, ``bfloat16`` or ``float16``.
        revision: branch, tag or commit on the hub.

    Raises:
        AssetMissingError: transformers is not installed, or the model cannot be had.
        UsageError: an argument out of range.
    """

    languages: tuple[str, ...] | None = None
    required_assets: tuple[str, ...] = ()

    def __init__(
        self,
        path: str,
        prompt: str = PROMPT,
        resize: int = 0,
        max_new_tokens: int = 1024,
        dtype: str = "float32",
        revision: str | None = None,
    ) -> None:
        if dtype not in DTYPES:
            raise UsageError(f"vlm: dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
        if resize < 0 or max_new_tokens < 1:
            raise UsageError(f"vlm: resize={resize}, max_new_tokens={max_new_tokens}", "give positive numbers")
        self._version = _transformers_version()
        self._folder = locate_model(path, revision)
        self._prompt, self._resize, self._limit, self._dtype = prompt, resize, max_new_tokens, dtype
        self.identity = ReaderIdentity(
            engine="vlm",
            version=f"transformers-{self._version}",
            files=digest_model(self._folder),
            settings={
                "prompt": prompt,
                "resize": resize,
                "max_new_tokens": max_new_tokens,
                "dtype": dtype,
                "decoding": "greedy",
            },
        )
        self.id = self.identity.id
        self._device: Any = "cpu"
        self._loaded: tuple[Any, Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": None}

    def to(self, *, device: torch.device | str) -> Self:
        """Where the model runs; returns itself."""
        self._device = device
        if self._loaded is not None:
            self._loaded[0].to(device)
        return self

    def read(self, images: list[Tensor]) -> list[ReadResult]:
        """``uint8 [3,H,W]`` images to what the model writes about each."""
        return [self._read_one(image) for image in images]

    def _read_one(self, image: Tensor) -> ReadResult:
        import torch

        check_image("vlm", image)
        model, processor = self._load()
        inputs = _inputs(processor, self._prepare(image), self._prompt).to(self._device, model.dtype)
        with torch.inference_mode():
            written = model.generate(**inputs, max_new_tokens=self._limit)
        if not model.config.is_encoder_decoder:
            written = written[:, inputs["input_ids"].shape[1] :]
        text: str = processor.batch_decode(written, skip_special_tokens=True)[0]
        return ReadResult(text, tuple(line.strip() for line in text.splitlines() if line.strip()))

    def _prepare(self, image: Tensor) -> Image.Image:
        from PIL import Image

        picture = to_pillow(image.cpu())
        return picture.resize((self._resize, self._resize), Image.Resampling.BICUBIC) if self._resize else picture

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            import transformers

            library: Any = transformers  # some releases are annotated and some are not
            # The argument was renamed in 4.56.
            dtype = "dtype" if _release(self._version) >= (4, 56) else "torch_dtype"
            try:
                model, report = library.AutoModelForImageTextToText.from_pretrained(
                    self._folder,
                    use_safetensors=True,
                    local_files_only=True,
                    output_loading_info=True,
                    **{dtype: self._dtype},
                )
                processor = library.AutoProcessor.from_pretrained(self._folder, local_files_only=True)
            except (OSError, ValueError, KeyError, ImportError) as error:
                first = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise AdapterError(f"vlm: {self._folder} cannot be loaded: {first[:300]}") from error
            refuse_misfit(model, report, f"vlm: {self._folder}", allow_unread=True)
            _decode_greedily(model)
            self._loaded = model.eval().to(self._device), processor
        return self._loaded


def gemma3_vtbench(
    path: str = "google/gemma-3-12b-it",
    prompt: str = PROMPT,
    dtype: str = "bfloat16",
    revision: str | None = None,
) -> VisionLanguageReader:
    """A reader with the settings of VTBench's OCR; the checkpoint is gated on the hub. Raises as the class.

    Args:
        path: folder, or ``owner/name`` on the hub.
        prompt: what the model is asked.
        dtype: arithmetic of the network.
        revision: branch, tag or commit on the hub.
    """
    return VisionLanguageReader(path, prompt=prompt, resize=1024, max_new_tokens=1024, dtype=dtype, revision=revision)


def _inputs(processor: Any, picture: Image.Image, prompt: str) -> Any:
    """One user turn of an image and the prompt; models without a chat take the prompt as it is."""
    if getattr(processor, "chat_template", None) is None:
        return processor(images=picture, text=prompt, return_tensors="pt")
    turn = {"role": "user", "content": [{"type": "image", "image": picture}, {"type": "text", "text": prompt}]}
    return processor.apply_chat_template(
        [turn], add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )


def _decode_greedily(model: Any) -> None:
    """Take the sampling out of the checkpoint's generation configuration."""
    config = model.generation_config
    config.do_sample, config.num_beams = False, 1
    config.temperature = config.top_p = config.top_k = None


def _transformers_version() -> str:
    try:
        import transformers
    except ImportError as error:
        raise AssetMissingError(
            "the reader vlm needs transformers, which is not installed", install_extra("hub")
        ) from error
    if not hasattr(transformers, "AutoModelForImageTextToText"):
        raise AssetMissingError(
            f"the reader vlm needs a newer transformers than {transformers.__version__}",
            install_extra("hub", "transformers>=4.46"),
        )
    return str(transformers.__version__)


def _release(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)
