"""The drivers of docs/recipes, as printed, on stand-ins that have the interface of the authors' code and no more."""

from __future__ import annotations

import io
import json
import random
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from vtbench.core.contracts import Condition
from vtbench.core.naming.reference import parse_reference
from vtbench.data.decode import decode_image
from vtbench.generators.elsewhere.command import CommandGenerator
from vtbench.generators.resolve import generator_arguments

FOLDER = Path(__file__).parents[4] / "docs" / "recipes"
PAGES = {page.stem: page for page in sorted(FOLDER.glob("*.md"))}
BROKEN = "a prompt that the model fails on"


def driver(name: str) -> str:
    (found,) = re.findall(r"^```python\n(.*?)^```$", PAGES[name].read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return str(found)


def drawn(asked: str) -> Image.Image:
    """Of all the random states that the authors' code draws from, and of what it was asked."""
    if BROKEN in asked:
        raise RuntimeError("no memory for this one")
    numbers = [random.random(), float(np.random.rand()), *torch.rand(4).tolist(), len(asked) / 1000]
    pixels = np.resize(np.array(numbers), (8, 8, 3)) * 255
    return Image.fromarray(pixels.astype(np.uint8))


class Moved:
    """What ``nn.Module`` offers of being placed."""

    dtype = torch.float32

    def to(self, *_: object, **__: object) -> Any:
        return self

    cuda = eval = to


class HarmonStandIn(Moved):
    def __init__(self, asked: list[dict[str, Any]]) -> None:
        self.asked = asked

    def load_state_dict(self, state: dict[str, Any], strict: bool) -> SimpleNamespace:
        assert state == {"a": 1} and not strict
        return SimpleNamespace(missing_keys=["vae.x"], unexpected_keys=[])

    def prepare_text_conditions(self, prompt: str, cfg_prompt: str) -> dict[str, Any]:
        return {"input_ids": [prompt, cfg_prompt], "attention_mask": torch.ones(2, 3)}

    def sample(self, **given: Any) -> torch.Tensor:
        self.asked.append(given)
        image = torch.from_numpy(np.array(drawn(given["input_ids"][0]))).permute(2, 0, 1)
        return (image.float()[None] - 128) / 127.5


class SolverStandIn:
    """The inference solver of Lumina-mGPT, its successor and ARRA."""

    def __init__(self, asked: list[dict[str, Any]], side: int, processor: Any = None, **made: Any) -> None:
        self.asked, self.side = asked, side
        asked.append(made)
        if processor is not None:
            processor(target_size=made["target_size"], tokenizer="a folder of the authors")

    def create_logits_processor(self, cfg: float, image_top_k: int) -> tuple[float, int]:
        return cfg, image_top_k

    def generate(self, images: Sequence[Any], qas: Any, **given: Any) -> tuple[str, list[Image.Image]]:
        self.asked.append({"images": images, "qas": qas, **given})
        height = 2 * self.side if images else self.side
        image = drawn(qas[0][0]).resize((self.side, height), Image.Resampling.NEAREST)
        return "<|image|>", [] if "in words" in qas[0][0] else [image]


class VargptStandIn(Moved):
    _IMAGE_GEN_PATH = ""

    def __init__(self, asked: list[dict[str, Any]]) -> None:
        self.asked = asked

    def generate(self, text: str, **given: Any) -> None:
        import time

        self.asked.append({"text": text, **given})
        torch.manual_seed(int(time.time() * 1000))
        random.seed(0), np.random.seed(0)
        if "in words" not in text:
            drawn(text).save(self._IMAGE_GEN_PATH)


class Inputs(dict[str, Any]):
    def to(self, device: int, dtype: torch.dtype) -> Inputs:
        assert (device, dtype) == (0, torch.float32)
        return self


class MeissonicStandIn(Moved):
    def __init__(self, asked: list[dict[str, Any]], vqvae: str, **parts: str) -> None:
        self.asked = asked
        asked.append({"vqvae": vqvae, **parts})

    def __call__(self, generator: torch.Generator, **given: Any) -> SimpleNamespace:
        self.asked.append(given)
        torch.manual_seed(int(torch.randint(0, 1 << 40, (), generator=generator)))
        random.seed(0), np.random.seed(0)
        return SimpleNamespace(images=[drawn(given["prompt"][0])])


def part(name: str) -> SimpleNamespace:
    """A class that is loaded by name: what it is, and from where."""
    return SimpleNamespace(from_pretrained=lambda path, subfolder="", **_: f"{name} of {path}/{subfolder}")


def modules(name: str, asked: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What the driver imports, by module."""
    if name == "harmon":
        config = SimpleNamespace(fromfile=lambda path: SimpleNamespace(model=path))
        builder = SimpleNamespace(build=lambda model: HarmonStandIn(asked))
        return {"mmengine": {}, "mmengine.config": {"Config": config}, "src": {}, "src.builder": {"BUILDER": builder}}
    if name == "vargpt":
        head = "vargpt_qwen_v1_1"
        model = SimpleNamespace(from_pretrained=lambda path, torch_dtype: VargptStandIn(asked))
        processor = SimpleNamespace(
            apply_chat_template=lambda said, add_generation_prompt: said[0]["content"][0]["text"],
        )
        return {
            "patching_utils": {}, "patching_utils.patching": {"patching": lambda model: None}, head: {},
            f"{head}.modeling_vargpt_qwen2_vl": {"VARGPTQwen2VLForConditionalGeneration": model},
            f"{head}.prepare_vargpt_v1_1": {"prepare_vargpt_qwen2vl_v1_1": lambda name: None},
            f"{head}.processing_vargpt_qwen2_vl": {"VARGPTQwen2VLProcessor": _Processor(processor)},
        }  # fmt: skip
    if name == "meissonic":
        texts = {"CLIPTextModelWithProjection": part("texts"), "CLIPTokenizer": part("words")}
        return {
            "diffusers": {"VQModel": part("codes")}, "transformers": texts, "src": {},
            "src.pipeline": {"Pipeline": lambda vqvae, **parts: MeissonicStandIn(asked, vqvae, **parts)},
            "src.scheduler": {"Scheduler": part("scheduler")}, "src.transformer": {"Transformer2DModel": part("net")},
        }  # fmt: skip
    processors: list[dict[str, Any]] = []

    def made(**given: Any) -> SolverStandIn:
        processor = sys.modules["inference_solver"].FlexARItemProcessor if name == "arra" else None
        return SolverStandIn(asked, 8, processor, **given)

    solver = {"FlexARInferenceSolver": made, "FlexARItemProcessor": lambda **given: processors.append(given)}
    return {"inference_solver": {**solver, "processors": processors}}


class _Processor:
    def __init__(self, inner: SimpleNamespace) -> None:
        self.inner = inner

    def from_pretrained(self, path: str) -> Callable[..., Any]:
        def read(text: str, return_tensors: str) -> Inputs:
            return Inputs(text=text)

        return _with(read, apply_chat_template=self.inner.apply_chat_template)


def _with(function: Callable[..., Any], **attributes: Any) -> Callable[..., Any]:
    for key, value in attributes.items():
        setattr(function, key, value)
    return function


ARGUMENTS = {
    "arra": ["{place}", "{place}/checkpoint", "{place}/texts"],
    "harmon": ["{place}", "model.py", "{place}/weights.pth"],
    "lumina-mgpt": ["{place}", "hub/lumina", "8"],
    "lumina-mgpt-2": ["{place}", "hub/lumina2", "8"],
    "meissonic": ["{place}", "hub/meissonic", "8"],
    "vargpt": ["{place}"],
}


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs a driver on requests: what it asked the stand-in for, images by id, errors by id."""
    for folder in ("lumina_mgpt", "arra"):
        (tmp_path / folder).mkdir()
    torch.save({"a": 1}, tmp_path / "weights.pth")

    def run(name: str, *requests: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, str]]:
        asked: list[dict[str, Any]] = []
        states = random.getstate(), np.random.get_state(), torch.get_rng_state()
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            patch.setattr(sys, "path", list(sys.path))
            patch.setattr(sys, "argv", ["x.py", *(text.format(place=tmp_path) for text in ARGUMENTS[name])])
            for module, contents in modules(name, asked).items():
                made = ModuleType(module)
                vars(made).update(contents)
                patch.setitem(sys.modules, module, made)
            lines = [{**one, "id": str(n), "output": str(tmp_path / f"{n}.png")} for n, one in enumerate(requests)]
            patch.setattr(sys, "stdin", io.StringIO("".join(json.dumps(line) + "\n" for line in lines)))
            exec(compile(driver(name), f"{name}.py", "exec"), {"__name__": "__main__"})  # noqa: S102 - the page's own
            if name == "arra":
                asked += sys.modules["inference_solver"].processors
        random.setstate(states[0]), np.random.set_state(states[1]), torch.set_rng_state(states[2])
        images = {n: decode_image(path) for n in range(len(lines)) if (path := tmp_path / f"{n}.png").exists()}
        for path in tmp_path.glob("*.png"):
            path.unlink()
        told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return asked, images, {one["id"]: one["error"] for one in told}

    return run


def ask(prompt: str = "a red cat", seed: int = 2**62 + 7, **more: Any) -> dict[str, Any]:
    return {"label": None, "prompt": prompt, "seed": seed, **more}


@pytest.mark.parametrize("name", PAGES)
def test_an_image_follows_from_its_own_request_alone(name: str, drive: Callable[..., Any]) -> None:
    requests = [ask(), ask(BROKEN), ask(seed=2**63 - 1), ask("a dog"), ask()]
    _, images, errors = drive(name, *requests)
    assert list(errors) == ["1"] and "RuntimeError: no memory for this one" in errors["1"]
    assert list(images) == [0, 2, 3, 4] and torch.equal(images[0], images[4])
    assert not torch.equal(images[0], images[2]) and not torch.equal(images[0], images[3])
    _, alone, _ = drive(name, requests[2])
    assert torch.equal(alone[0], images[2])


@pytest.mark.parametrize("name", ["arra", "lumina-mgpt", "lumina-mgpt-2", "vargpt"])
def test_an_answer_in_words_is_a_failed_sample(name: str, drive: Callable[..., Any]) -> None:
    _, images, errors = drive(name, ask("only in words"), ask())
    assert list(images) == [1] and errors["0"].startswith("ValueError: the model")


def test_harmon_is_asked_with_the_settings_of_its_script(drive: Callable[..., Any]) -> None:
    ((call,), images, _) = drive("harmon", ask())
    assert call.pop("input_ids") == ["Generate an image: a red cat", "Generate an image."]
    assert call.pop("attention_mask").shape == (2, 3) and images[0].shape == (3, 8, 8)
    assert call == {
        **{"num_iter": 64, "cfg": 3.0, "cfg_schedule": "constant", "temperature": 1.0, "progress": False},
        "image_shape": (32, 32),
    }


@pytest.mark.parametrize(
    ("name", "made", "text", "most", "filters"),
    [
        ("lumina-mgpt", {"target_size": 8}, "Generate an image of 8x8 according to the", 8192, (4.0, 2000)),
        ("lumina-mgpt-2", {}, "Generate an image of 8x8 according to the", 10240, (4.0, 4096)),
        ("arra", {"target_size": 512}, "a red cat", 8192, (4.0, 2000)),
    ],
)
def test_solvers_are_asked_with_the_settings_of_their_papers(
    name: str, made: dict[str, Any], text: str, most: int, filters: tuple[float, int], drive: Callable[..., Any]
) -> None:
    (first, call, *processors), _, _ = drive(name, ask())
    assert (
        first["precision"] == "bf16"
        and {k: v for k, v in first.items() if k not in ("precision", "model_path")} == made
    )
    assert call["qas"][0][0].startswith(text) and call["qas"][0][0].endswith("a red cat") and call["qas"][0][1] is None
    assert (call["max_gen_len"], call["temperature"], call["logits_processor"]) == (most, 1.0, filters)
    assert [Path(one["tokenizer"]).name for one in processors] == (["texts"] if name == "arra" else [])


def test_lumina_2_follows_a_map(drive: Callable[..., Any], tmp_path: Path) -> None:
    Image.new("RGB", (12, 9), "gray").save(tmp_path / "map.gif")
    (_, call), images, _ = drive("lumina-mgpt-2", ask(images={"control": [str(tmp_path / "map.gif")]}))
    assert [image.size for image in call["images"]] == [(8, 8)] and images[0].shape == (3, 8, 8)
    (question, answer) = call["qas"][0]
    assert question.startswith("Generate a dual-panel image of 8x16 where the <upper half> displays a <depth map>")
    assert answer == "<|image|>"


def test_vargpt_and_meissonic_are_asked_with_the_settings_of_their_scripts(drive: Callable[..., Any]) -> None:
    (call,), _, _ = drive("vargpt", ask())
    assert call == {"text": "Please design a drawing of a red cat.", "max_new_tokens": 4096, "do_sample": False}
    (parts, call), _, _ = drive("meissonic", ask())
    assert parts["text_encoder"] == "texts of laion/CLIP-ViT-H-14-laion2B-s32B-b79K/"
    assert (parts["vqvae"], parts["transformer"]) == (
        "codes of hub/meissonic/vqvae",
        "net of hub/meissonic/transformer",
    )
    (against,) = call.pop("negative_prompt")
    assert against.startswith("worst quality, low quality") and against.endswith("identifying mark")
    settings = {"height": 8, "width": 8, "guidance_scale": 9.0, "num_inference_steps": 64}
    assert call == {"prompt": ["a red cat"], **settings}


def test_a_driver_speaks_the_protocol_of_programs(tmp_path: Path) -> None:
    """The whole way once: vtbench starts the driver, which imports a solver that lies where the authors' would."""
    (tmp_path / "lumina_mgpt").mkdir()
    (tmp_path / "lumina.py").write_text(driver("lumina-mgpt"))
    (tmp_path / "lumina_mgpt" / "inference_solver.py").write_text(
        "import torch\n"
        "from PIL import Image\n\n\n"
        "class FlexARInferenceSolver:\n"
        "    def __init__(self, **made):\n"
        "        print('loading', made)\n\n"
        "    def create_logits_processor(self, **given):\n"
        "        return given\n\n"
        "    def generate(self, images, qas, **given):\n"
        "        return '', [Image.frombytes('RGB', (8, 8), bytes(torch.randint(0, 256, (192,)).tolist()))]\n"
    )
    run = shlex.join([sys.executable, str(tmp_path / "lumina.py"), str(tmp_path), "x", "8"])
    generator = CommandGenerator(run, 8, "prompt", work=str(tmp_path / "work"))
    conditions, seeds = [Condition(prompt=text) for text in ("a", "b", "c")], torch.tensor([5, 2**62, 5])
    first, second, third = generator.sample(conditions, seeds)
    assert torch.equal(first, third) and not torch.equal(first, second)


@pytest.mark.parametrize("name", PAGES)
def test_a_driver_is_short_and_what_its_page_runs_can_be_named(name: str) -> None:
    code = driver(name)
    assert len(code.splitlines()) < 60 and code.startswith("# ") and name in ARGUMENTS
    commands = re.findall(r"^vtbench (?:run -g|doctor) ('command.*?')", PAGES[name].read_text("utf-8"), re.MULTILINE)
    assert commands
    for quoted in commands:
        (reference,) = shlex.split(quoted)
        given = generator_arguments(parse_reference(reference))
        assert code.partition("# ")[2].partition(":")[0] in given["run"] and given["conditions"] == "prompt"
