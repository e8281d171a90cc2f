"""What lies beside weights of the library: a configuration that no tensor shows; and a library that is too old."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vtbench.checkpoints.beside import file_beside
from vtbench.checkpoints.cards import find_generator_card
from vtbench.checkpoints.loading import Source
from vtbench.core.errors import AdapterError, AssetMissingError
from vtbench.generators.published.library.classes import library_classes
from vtbench.generators.published.library.settings import LLAMA, refuse_other_settings
from vtbench.generators.published.next_token.emu3.network import SIZES as EMU3
from vtbench.generators.published.next_token.emu3.network import text_config
from vtbench.generators.published.next_token.janus.network import SIZES, language_config

PRO_1B = {
    **{"hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 24, "num_attention_heads": 16},
    **{"num_key_value_heads": 16, "vocab_size": 102400, "max_position_embeddings": 16384, "model_type": "llama"},
}
"""What the authors' configuration says of the language model of Janus-Pro-1B."""


def judged(folder: Path, config: Any, wanted: Any = None, part: str = "text_config") -> None:
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    network = wanted or language_config(SIZES["1B"])
    refuse_other_settings(network, LLAMA, Source(checkpoint=str(folder / "model.safetensors")), None, "janus", part)


def test_what_agrees_is_taken_and_so_is_what_says_nothing(tmp_path: Path) -> None:
    judged(tmp_path, {"text_config": PRO_1B})
    judged(tmp_path, {"text_config": {**PRO_1B, "rope_theta": 10000.0, "rope_scaling": None}})  # until 5.0
    old = {"rope_theta": 1e6, "rope_scaling": {"type": "default", "rope_type": "default"}}
    judged(tmp_path, {"text_config": {**old, "num_key_value_heads": 8}}, text_config(EMU3["8B"]))
    judged(tmp_path, {"language_config": {"num_attention_heads": 3}})
    judged(tmp_path, {"text_config": {"rms_norm_eps": 1e-5, "num_key_value_heads": 8}}, text_config(EMU3["8B"]))
    refuse_other_settings(language_config(SIZES["1B"]), LLAMA, Source(random_weights_seed=0), None, "janus")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"num_attention_heads": 32, "num_key_value_heads": 32}, "num_attention_heads = 32, the network has 16"),
        ({"rope_theta": 500000.0}, "rope_parameters = .*500000"),
        ({"rms_norm_eps": 1e-5}, "rms_norm_eps = 1e-05, the network has 1e-06"),
        ({"hidden_act": "gelu"}, "hidden_act = 'gelu', the network has 'silu'"),
    ],
)
def test_what_no_tensor_shows_is_refused(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    with pytest.raises(AdapterError, match=rf"janus: .*config\.json says {told}") as caught:
        judged(tmp_path, {"text_config": {**PRO_1B, **change}})
    assert "name the size" in str(caught.value.hint)


@pytest.mark.parametrize("content", ["{", "[]", '{"text_config": 3}', '{"text_config": {"hidden_size": "wide"}}'])
def test_what_is_no_configuration_is_told(tmp_path: Path, content: str) -> None:
    if content == "[]":  # a file without the part says nothing
        with pytest.raises(AdapterError, match="is no configuration of it"):
            judged(tmp_path, content, part="")
    else:
        with pytest.raises(AdapterError, match=r"config\.json"):
            judged(tmp_path, content)


def test_where_a_file_beside_weights_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = find_generator_card("janus-pro-7b")
    assert file_beside("tokenizer.json", Source(checkpoint=str(tmp_path)), card) == tmp_path / "tokenizer.json"
    monkeypatch.setenv("VTBENCH_ASSETS", str(tmp_path))
    (tmp_path / "janus-pro-7b").mkdir()
    assert file_beside("config.json", Source(card=card.name), card) == tmp_path / "janus-pro-7b/config.json"
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    (tmp_path / "janus-pro-7b").rmdir()
    with pytest.raises(AssetMissingError, match="deepseek-community/Janus-Pro-7B/tokenizer"):
        file_beside("tokenizer.json", Source(card=card.name), card)
    assert file_beside("tokenizer.json", Source(random_weights_seed=0), card) is None
    # what cannot be had is told of the weights, not of their configuration
    refuse_other_settings(language_config(SIZES["7B"]), LLAMA, Source(card=card.name), card, "janus", "text_config")


def test_a_library_that_is_too_old_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        AssetMissingError, match=r"emu4 needs transformers>=5; transformers .* has no Emu4Model"
    ) as caught:
        library_classes("emu4", "LlamaModel", "Emu4Model")
    assert "transformers>=5" in str(caught.value.hint)
    monkeypatch.setattr("transformers.__version__", "4.57.1")
    with pytest.raises(AssetMissingError, match=r"janus needs transformers>=5; transformers 4\.57\.1 is here"):
        library_classes("janus", "LlamaModel")
