"""Weights of the zoo: taken over with their cards, found in a package without importing it, checked before use."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from pydantic import ValidationError

from vtbench.checkpoints import cards as cards_module
from vtbench.checkpoints.cards import (
    Card,
    CardCheckpoint,
    GeneratorCard,
    find_card,
    find_generator_card,
    load_cards,
    parse_card,
)
from vtbench.checkpoints.files import locate_official
from vtbench.core.contracts import Condition
from vtbench.core.digests import digest_file
from vtbench.core.disk import packaged
from vtbench.core.disk.packaged import CHECKOUT, packaged_file
from vtbench.core.disk.packaged import ZOO as PACKAGE
from vtbench.core.errors import AssetMissingError, UsageError, VtbenchError
from vtbench.generators.resolve import resolve_generator
from vtbench.tokenizers.fetching import fetch_card
from vtbench.tokenizers.resolve import resolve_tokenizer
from vtbench.zoo import publish as publish_module
from vtbench.zoo import recipes as recipes_module
from vtbench.zoo.cards import generator_card, tokenizer_card
from vtbench.zoo.fit import fit
from vtbench.zoo.generators.recipes import GENERATORS
from vtbench.zoo.images import FitImages
from vtbench.zoo.page.documents import PAGE, documents, zoo_boards, zoo_cards
from vtbench.zoo.page.gallery import RECONSTRUCTIONS, SAMPLES
from vtbench.zoo.publish import Places, listed, made_by, publish, tensors_in
from vtbench.zoo.recipes import TokenizerRecipe, find_recipe, find_tokenizer

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[3]
NAME = "zoo-kl"
SHIPPED = zoo_cards()
SUITES = """mini:
  summary: Of another kind.
  tasks: [photos-mini]

zoo:
  summary: Small networks.
  tasks: [zoo-reconstruction]
  tokenizers:
    - identity

zoo-mini:
  summary: Fewer.
  tasks: [zoo-tiles-mini]
  tokenizers:
    - jpeg,quality=10
  generators:
    - zoo-var,cfg_scale=0

tokens:
  summary: Of another kind.
  tasks: [robustness-mini]
"""


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[TokenizerRecipe, Path]:
    """One recipe of two steps, and what its fit left."""
    recipe = dataclasses.replace(find_tokenizer(NAME), steps=2, batch=2, warmup=1)
    images = FitImages(torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8), torch.arange(4), "train.parquet")
    folder = tmp_path_factory.mktemp("fits")
    fit(recipe, images, folder, torch.device("cpu"))
    return recipe, folder


@pytest.fixture
def places(fitted: tuple[TokenizerRecipe, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """The recipe's weights taken over into a package below a folder that Python looks into, and the card in use."""
    recipe, folder = fitted
    alone = {NAME: recipe}
    for module in (publish_module, recipes_module):
        monkeypatch.setattr(module, "TOKENIZERS", alone)
    (tmp_path / "suites.yaml").write_text(SUITES)
    found = Places(tmp_path / "site" / PACKAGE, tmp_path / "cards", tmp_path / "generators", tmp_path / "suites.yaml")
    assert publish(folder, places=found) == [NAME]
    (found.data / "__init__.py").write_text("raise RuntimeError('it is not to be imported')\n")
    monkeypatch.setattr(packaged, "CHECKOUT", tmp_path / "no-checkout")
    installed = [folder for folder in sys.path if not (Path(folder) / PACKAGE).is_dir()]  # without the one in use
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *installed])
    monkeypatch.setenv("VTBENCH_CACHE", str(tmp_path / "cache"))
    card = parse_card((found.tokenizers / f"{NAME}.yaml").read_text(encoding="utf-8"), NAME)
    both = {**load_cards(), NAME: card}
    monkeypatch.setattr(cards_module, "_cards", lambda kind: both if kind is Card else {})
    return found


def test_weights_of_an_installed_package_are_loaded_by_name_and_recorded(places: Places) -> None:
    tokenizer: Any = resolve_tokenizer(NAME)
    (weights,) = tokenizer.info.weights
    assert tokenizer.info.name == NAME and tokenizer.info.native_size == 32
    assert weights.sha256 == digest_file(places.data / f"{NAME}.safetensors")
    assert weights.source == f"package:{PACKAGE}/{NAME}.safetensors"
    images = torch.rand(1, 3, 32, 32)
    assert tokenizer.decode(tokenizer.encode(images)).shape == images.shape
    assert [found.path for found in fetch_card(find_card(NAME))] == [places.data / f"{NAME}.safetensors"]
    assert PACKAGE not in sys.modules


def test_other_bytes_than_the_cards_are_refused(places: Places) -> None:
    weights = places.data / f"{NAME}.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(VtbenchError, match=r"(?s)has SHA-256 .* expected .*vtbench and vtbench-zoo of one version"):
        locate_official(None, find_card(NAME))


def test_a_file_of_an_asset_folder_comes_first(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    shutil.copy(places.data / f"{NAME}.safetensors", tmp_path)
    assert locate_official(None, find_card(NAME)).source == str(tmp_path / f"{NAME}.safetensors")


def test_without_the_package_its_name_is_told(places: Places) -> None:
    shutil.rmtree(places.data)
    with pytest.raises(AssetMissingError, match="zoo-kl: no checkpoint") as caught:
        resolve_tokenizer(NAME)
    assert "pip install vtbench-zoo" in str(caught.value) and "zoo-kl,checkpoint=FILE" in str(caught.value)


def test_what_another_recipe_made_is_not_taken(places: Places, fitted: tuple[TokenizerRecipe, Path]) -> None:
    _, folder = fitted
    before = (places.tokenizers / f"{NAME}.yaml").read_text(encoding="utf-8")
    recipes_module.TOKENIZERS[NAME] = dataclasses.replace(recipes_module.TOKENIZERS[NAME], steps=3)
    with pytest.raises(UsageError, match="fitted by another recipe"):
        publish(folder, places=places)
    with pytest.raises(UsageError, match="holds no weights of the zoo"):
        publish(places.tokenizers, places=places)
    suites = places.suites.read_text(encoding="utf-8")
    both = yaml.safe_load(suites)
    assert both["zoo"]["tokenizers"] == ["identity", NAME] and both["zoo-mini"]["tokenizers"] == [
        "jpeg,quality=10",
        NAME,
    ]
    assert both["zoo-mini"]["generators"] == ["zoo-var,cfg_scale=0"]
    assert listed(suites, NAME, "tokenizers") == suites and "zoo-generation" not in suites
    assert (places.tokenizers / f"{NAME}.yaml").read_text(encoding="utf-8") == before


def test_a_checkpoint_of_a_package_states_its_sha256() -> None:
    with pytest.raises(ValidationError, match="needs its file and its sha256"):
        CardCheckpoint(package=PACKAGE, file="zoo-kl.safetensors")


def test_the_page_tells_each_fit(places: Places) -> None:
    card = find_card(NAME)
    written = documents([card], {})
    assert f"| `{NAME}` | `ldm-kl` |" in written[PAGE] and len(written) == 1  # two steps are no curve


@pytest.mark.parametrize(("name", "found"), [("zoo-llamagen", set()), ("zoo-mar", {"latent_scale"})])
def test_a_generator_is_taken_with_the_tokenizer_that_it_was_fitted_on(
    name: str, found: set[str], images: FitImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = dataclasses.replace(GENERATORS[name], steps=1, batch=2, warmup=1)
    tokenizer = dataclasses.replace(find_tokenizer(generator.tokenizer), steps=1, batch=2, warmup=1)
    monkeypatch.setattr(publish_module, "TOKENIZERS", {tokenizer.name: tokenizer})
    monkeypatch.setattr(publish_module, "GENERATORS", {generator.name: generator})
    monkeypatch.setitem(recipes_module.TOKENIZERS, tokenizer.name, tokenizer)
    fits, suites = tmp_path / "fits", tmp_path / "suites.yaml"
    for recipe in (tokenizer, generator):
        fit(recipe, images, fits, torch.device("cpu"))
    suites.write_text(SUITES)
    places = Places(tmp_path / PACKAGE, tmp_path / "tokenizers", tmp_path / "generators", suites)
    assert publish(fits, places=places) == [tokenizer.name, name]
    card = parse_card((places.generators / f"{name}.yaml").read_text(encoding="utf-8"), name, GeneratorCard)
    told = json.loads((fits / f"{name}.json").read_text(encoding="utf-8"))
    assert (card.tokenizer, card.native_size, card.args["cfg_scale"]) == (tokenizer.name, 32, 2.0)
    assert card.args == {**told["arguments"], "tokenizer": tokenizer.name, **generator.shown}
    assert told["arguments"].keys() - generator.arguments.keys() == found
    suite = yaml.safe_load(suites.read_text(encoding="utf-8"))["zoo"]
    assert suite["generators"] == [name] and suite["tasks"] == ["zoo-reconstruction", "zoo-generation"]
    told["tokenizer"]["weights"][0]["sha256"] = "0" * 64
    (fits / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(UsageError, match=f"fitted on codes of other weights of {tokenizer.name}"):
        publish(fits, places=places)


@pytest.mark.parametrize("card", SHIPPED, ids=lambda card: card.name)
def test_a_shipped_card_follows_from_its_fit(card: Card | GeneratorCard) -> None:
    recipe, told = find_recipe(card.name), json.loads((CHECKOUT / PACKAGE / f"{card.name}.json").read_text())
    assert card.checkpoint is not None and card.checkpoint.sha256 is not None
    weights = packaged_file(PACKAGE, card.checkpoint.file)
    assert weights == CHECKOUT / PACKAGE / card.checkpoint.file and digest_file(weights) == card.checkpoint.sha256
    text = (ROOT / "vtbench" / card.shelf / "cards" / f"{card.name}.yaml").read_text(encoding="utf-8")
    if isinstance(recipe, TokenizerRecipe):
        expected = tokenizer_card(recipe, told, card.checkpoint.sha256)
    else:
        expected = generator_card(recipe, told, card.checkpoint.sha256, tensors_in(weights))
        of = find_card(recipe.tokenizer).checkpoint
        assert of is not None and [file["sha256"] for file in told["tokenizer"]["weights"]] == [of.sha256]
    assert text == expected, "run: python -m vtbench.zoo.publish --from DIR"
    assert made_by(recipe, told) and told["made"]["code"]["git_commit"] and not told["made"]["code"]["git_dirty"]


@pytest.mark.parametrize("name", [card.name for card in SHIPPED if isinstance(card, GeneratorCard)])
def test_a_shipped_generator_samples_the_same_alone_and_among_others(name: str) -> None:
    generator = resolve_generator(name)
    seeds = torch.tensor([7, 1, 2])
    images = generator.sample([Condition(label=label) for label in (3, 9, 0)], seeds)
    assert generator.info.classes == 10 and images.shape == (3, 3, 32, 32)
    assert generator.info.parameters == find_generator_card(name).parameters
    alone = generator.sample([Condition(label=3)], seeds[:1])
    assert (images[:1] - alone).abs().max() < 1.1 / 255, "float noise; TiTok's own rounding may turn it into a level"
    assert (images[0] - images[1]).abs().mean() > 0.02


def test_the_page_of_the_zoo_is_current() -> None:
    found = documents(zoo_cards(), zoo_boards(ROOT / "leaderboards"))
    for name, text in found.items():
        written = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert written == text, "run: python -m vtbench.zoo.page leaderboards docs"
    drawn = {f"figures/{path.name}" for path in (ROOT / "docs" / "figures").glob("zoo-*")}
    shown = {file for file in (RECONSTRUCTIONS, SAMPLES) if f"({file})" in found[PAGE]}
    assert drawn == shown | (found.keys() - {PAGE})


def test_the_wheel_holds_data_and_nothing_else(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(CHECKOUT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("vtbench_zoo-*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    there = {path for path in (CHECKOUT / PACKAGE).rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert held == {str(path.relative_to(CHECKOUT)) for path in there}
    assert {Path(name).suffix for name in held - {f"{PACKAGE}/__init__.py"}} <= {".safetensors", ".json"}
    assert f"{PACKAGE}/statistics/cifar10-jpeg-test.safetensors" in held
    total = sum(path.stat().st_size for path in there)
    assert total < 60e6


_WITHOUT_EXTRAS = """
import importlib.abc, json, sys
refused, models = json.loads(sys.argv[1]), sys.argv[2:]
class Refused(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refused())
from vtbench.generators.resolve import resolve_generator
from vtbench.tokenizers.resolve import resolve_tokenizer
for name in models:
    (resolve_generator if name.startswith("generator:") else resolve_tokenizer)(name.rpartition(":")[2])
"""


@pytest.mark.slow
def test_what_it_depends_on_is_all_that_its_models_need() -> None:
    """In an environment of vtbench, of the zoo, and of no extra."""

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[\[<>=]", one)[0].replace("-", "_") for one in requirements}

    own, zoo = (tomllib.loads((place / "pyproject.toml").read_text())["project"] for place in (ROOT, CHECKOUT))
    extras = names([one for group in ("hub", "report") for one in own["optional-dependencies"][group]])
    # what those two bring along, or take where it is installed
    brought = {"tokenizers", "huggingface_hub", "jinja2", "markupsafe", "accelerate", "ftfy", "matplotlib"}
    refused = extras - names(own["dependencies"]) - names(zoo["dependencies"]) - brought
    assert "datasets" in refused
    models = [("generator:" if isinstance(card, GeneratorCard) else "tokenizer:") + card.name for card in SHIPPED]
    command = [sys.executable, "-c", _WITHOUT_EXTRAS, json.dumps(sorted(refused)), *models]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
