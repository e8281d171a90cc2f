"""JPEG-LM: its loop against the library's own, its codec on files that a coder wrote, and what is broken in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from vtbench.checkpoints.cards import find_generator_card
from vtbench.core.contracts import Condition, SampleFailure
from vtbench.core.errors import AdapterError, AssetMissingError, SampleError, UsageError
from vtbench.data.embedded.photographs.photos_mini import PhotosMini
from vtbench.generators.fetching import fetch_generator_card
from vtbench.generators.protocols import PerSampleGenerator
from vtbench.generators.published.next_token.jpeg_lm.adapter import JpegLm
from vtbench.generators.published.next_token.jpeg_lm.network import SEVEN_B, TINY, build
from vtbench.generators.published.next_token.jpeg_lm.pieces import byte_pieces, read_pieces, text_of
from vtbench.generators.published.next_token.jpeg_lm.prefix import beginning
from vtbench.generators.published.next_token.jpeg_lm.stream import CanonicalJpeg, stream_of
from vtbench.generators.resolve import resolve_generator
from vtbench.generators.sampling.filters import Filters
from vtbench.generators.sampling.settings import SamplerSettings
from vtbench.generators.sampling.until_end import sample_until_end

pytestmark = pytest.mark.filterwarnings("ignore:.*random weights")
SEEDS = torch.tensor([1, 2, 3, 4])
IDS = ["a", "b", "c", "d"]
FOUR = [Condition()] * 4


@pytest.fixture(scope="module")
def tiny() -> JpegLm:
    """Its embeddings are twenty times as large, so that its tokens are not all equally likely."""
    made = JpegLm.random(tokens=40, top_k=200)
    made._network.model.embed_tokens.weight.mul_(20)
    made._network.lm_head.weight.mul_(20)
    return made


@pytest.fixture(scope="module")
def photo() -> Tensor:
    """``uint8 [3,256,256]``."""
    return PhotosMini()[3].image


@pytest.fixture(scope="module")
def stream(photo: Tensor) -> bytes:
    """The photograph as the codec stores it."""
    data: bytes = CanonicalJpeg().codec.encode(photo[None].float() / 255).payload[0]
    return data


def sampled(network: Any, settings: SamplerSettings, seed: int, most: int) -> list[int]:
    from vtbench.generators.published.next_token.jpeg_lm.network import LlamaHost

    with torch.inference_mode():
        begin = torch.tensor([[TINY.begin]])
        rows, _ = sample_until_end(LlamaHost(network, TINY), begin, settings, torch.tensor([seed]), most)
    tokens: list[int] = rows[0].tolist()
    return tokens


def generated(network: Any, seed: int, **options: Any) -> list[int]:
    """By the library's loop, as the authors' script calls it."""
    torch.manual_seed(seed)
    with torch.inference_mode():
        found = network.generate(
            inputs=torch.tensor([[TINY.begin]]), max_new_tokens=39, min_new_tokens=1, pad_token_id=0, **options
        )
    tokens: list[int] = found[0, 1:].tolist()
    return tokens[: tokens.index(TINY.end)] if TINY.end in tokens else tokens


def test_greedy_tokens_are_those_of_the_librarys_loop_and_of_whole_passes(tiny: JpegLm) -> None:
    network = tiny._network
    found = sampled(network, SamplerSettings(Filters(greedy=True)), 0, 39)
    assert found == generated(network, 0, do_sample=False) and len(set(found)) > 2
    with torch.inference_mode():
        whole = network(input_ids=torch.tensor([[TINY.begin, *found]])).logits[0]
    assert whole.argmax(dim=-1)[: len(found)].tolist() == found  # without a cache
    assert sampled(network, SamplerSettings(Filters(top_k=1)), 7, 39) == found


@pytest.mark.parametrize(("seed", "options"), [
    (0, {"temperature": 1.0, "top_k": 50, "top_p": 0.9}),
    (5, {"temperature": 0.9, "top_k": 100, "top_p": 1.0}),
])  # fmt: skip
def test_drawn_tokens_are_those_of_the_librarys_loop(tiny: JpegLm, seed: int, options: dict[str, Any]) -> None:
    settings = SamplerSettings(Filters(**options, precision="float32"), draw="torch-multinomial")
    found = sampled(tiny._network, settings, seed, 39)
    assert found == generated(tiny._network, seed, do_sample=True, **options) and len(set(found)) > 5


def test_an_image_depends_on_its_seed_alone(tiny: JpegLm) -> None:
    begin = [[TINY.begin]]
    whole = tiny._written(begin * 4, SEEDS)
    assert whole == [tiny._written(begin, seed[None])[0] for seed in SEEDS]
    assert len({len(row) for row in whole}) > 1, "all equally long: nothing ended"
    cost = tiny.sampling_cost()
    assert cost is not None and cost.kv_cache_bytes > 0


def test_moving_it_keeps_the_frequencies_of_the_rotation(tiny: JpegLm) -> None:
    before = tiny._network.model.rotary_emb.inv_freq.clone()
    made = JpegLm.random().to(dtype=torch.bfloat16)
    kept = made._network.model.rotary_emb.inv_freq
    assert made._network.lm_head.weight.dtype == torch.bfloat16 and torch.equal(kept, before)
    assert len(made._written([[TINY.begin]], SEEDS[:1])[0]) >= 1


def test_a_file_is_written_out_and_read_back(photo: Tensor, stream: bytes, tmp_path: Path) -> None:
    """Token by token through the table of bytes, against Pillow's own file of the same photograph."""
    tokens = [3 + byte for byte in stream]
    image = CanonicalJpeg("fail").decoded(stream_of(byte_pieces().joined(tokens)))
    pixels = Image.fromarray(photo.permute(1, 2, 0).numpy())
    pixels.save(tmp_path / "whole.jpg", quality=25, subsampling="4:2:0", restart_marker_blocks=1)
    wanted = np.array(Image.open(tmp_path / "whole.jpg").convert("RGB"))
    assert np.array_equal((image * 255).round().byte().permute(1, 2, 0).numpy(), wanted)


def test_what_follows_the_end_is_cut_off_and_missing_markers_are_added(stream: bytes) -> None:
    text = text_of(stream)
    assert stream_of(text) == stream_of(text + text[:9]) == stream_of(text + " and more") == stream
    assert stream_of(text[2:]) == stream_of(text[:-2]) == stream_of(text[2:-2]) == stream
    with pytest.raises(ValueError, match=r"character 7 of .*stands for no byte"):
        stream_of(f"{text[:7]} {text[7:]}")


def test_a_stream_cut_short_is_what_libjpeg_makes_of_it_unless_asked_otherwise(stream: bytes) -> None:
    whole = CanonicalJpeg().decoded(stream)
    short = stream_of(text_of(stream[: len(stream) // 2]))
    found = CanonicalJpeg().decoded(short)
    assert torch.equal(found[:, :80], whole[:, :80]) and not torch.equal(found[:, 192:], whole[:, 192:])
    with pytest.raises(ValueError, match=r"not whole: 1\d\d restart markers, 255 in order"):
        CanonicalJpeg("fail").decoded(short)


def large(data: bytes) -> bytes:
    """Of 65,535 x 65,535 pixels, it says: 13 gigabytes."""
    return data.replace(b"\xff\xc0\x00\x11\x08\x01\x00\x01\x00", b"\xff\xc0\x00\x11\x08\xff\xff\xff\xff")


@pytest.mark.parametrize(("damage", "told"), [
    (large, "segment FF C0 is not that of 256 x 256"),
    (lambda data: data.replace(b"\xff\xdd\x00\x04\x00\x01", b"\xff\xdd\x00\x04\x00\x02"), "segment FF DD"),
    (lambda data: data[:2] + b"\xff\xee\x00\x04ab" + data[2:], "segment FF EE"),
    (lambda data: data[:2] + data[20:39] + data[20:], "two segments FF C0"),
    (lambda data: data[:30] + data[-2:], "no scan has come"),
    (lambda data: b"\xff\xd8\xff\xd9", "byte 2 of 4 begins no segment"),
])  # fmt: skip
def test_a_head_of_another_structure_is_refused_before_anything_is_decoded(
    stream: bytes, damage: Callable[[bytes], bytes], told: str
) -> None:
    assert damage(stream) != stream
    with pytest.raises(ValueError, match=told):
        CanonicalJpeg().decoded(damage(stream))


def test_a_broken_stream_is_the_failure_of_its_sample_alone(
    tiny: JpegLm, stream: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = [[3 + byte for byte in data] for data in (stream, b"\xff\xd8 no picture", stream)]
    monkeypatch.setattr(tiny, "_written", lambda starts, seeds: [*written, [0, 1, 300]])
    first, second, third, fourth = tiny.sample_each(FOUR, SEEDS, IDS)
    assert isinstance(first, Tensor) and first.shape == (3, 256, 256) and torch.equal(first, third)  # type: ignore[arg-type]
    assert isinstance(second, SampleFailure) and (second.id, second.stage) == ("b", "model")
    assert "13 tokens is no such file: byte 2 of 15" in second.message
    assert isinstance(fourth, SampleFailure) and "stands for no byte" in fourth.message
    with pytest.raises(SampleError, match="sample 000001: what it wrote"):
        tiny.sample(FOUR, SEEDS)
    assert isinstance(tiny, PerSampleGenerator) and tiny.batched


def test_an_image_is_gone_on_from_where_its_first_rows_end(
    photo: Tensor, stream: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = JpegLm.random(prefix_ratio=0.25)
    assert made.info.images == ("source",) and made.info.sampler["prefix_ratio"] == 0.25
    given = beginning(stream, 0.25)
    assert given.count(b"\xff\xd7") == 8 and given.endswith(b"\xff\xd7") and stream.startswith(given)
    rest = [3 + byte for byte in stream[len(given) :]]
    asked: list[Any] = []
    monkeypatch.setattr(made, "_written", lambda starts, seeds: asked.append((starts, seeds.tolist())) or [rest])
    conditions = [Condition(images={"source": (image,)}) for image in (photo, photo[:, :128])]
    first, second = made.sample_each([*conditions], SEEDS[:2], IDS[:2])
    assert isinstance(first, Tensor) and torch.equal(first, CanonicalJpeg().decoded(stream))
    assert asked == [([[TINY.begin, *(3 + byte for byte in given)]], [1])]
    assert isinstance(second, SampleFailure) and "has 128x256 pixels; resize it to 256x256" in second.message


def test_an_image_goes_on_by_its_own_seed(photo: Tensor, stream: bytes) -> None:
    """Most that a network of random weights writes is no such file; what is whole in front of it stays."""
    made = JpegLm.random(prefix_ratio=0.5, tokens=len(beginning(stream, 0.5)) + 9, top_k=50)
    both = [Condition(images={"source": (photo,)})] * 2
    whole = made.sample_each(both, SEEDS[:2], IDS[:2])
    again = made.sample_each(both[:1], SEEDS[1:2], IDS[1:2])
    assert all(isinstance(result, Tensor) for result in whole), "libjpeg makes something of whatever follows"
    assert torch.equal(whole[1], again[0])  # type: ignore[arg-type]
    assert torch.equal(whole[0][:, :112], CanonicalJpeg().decoded(stream)[:, :112])
    cost = made.sampling_cost()
    assert cost is not None and cost.tokens_computed is not None and cost.tokens_computed > len(stream) // 3


@pytest.mark.parametrize("ratio", [1.0, 0.01, -0.5])
def test_a_share_that_leaves_nothing_is_refused(ratio: float) -> None:
    with pytest.raises(UsageError, match=r"must be 0, or from 1/32 on and below 1"):
        JpegLm.random(prefix_ratio=ratio)


def model_file(folder: Path, pieces: list[tuple[str, int]], scored: bool = False) -> Path:
    """``tokenizer.model`` as SentencePiece's own message writes it."""
    protobuf = pytest.importorskip("transformers.utils.sentencepiece_model_pb2_new")
    model = protobuf.ModelProto()
    for number, (text, kind) in enumerate(pieces):
        model.pieces.add(piece=text, score=-float(number) if scored else -1.5, type=kind)
    model.trainer_spec.model_type = 2
    model.trainer_spec.vocab_size = len(pieces)
    (folder / "tokenizer.model").write_bytes(model.SerializeToString())
    return folder / "tokenizer.model"


MARKS = [("<unk>", 2), ("<s>", 3), ("</s>", 3)]
BYTES = [(text_of(bytes([byte])), 1) for byte in range(256)]
JOINED = [("\u2581", 1), (text_of(b"\xff\xd8\xff\xe0"), 1), (f"\u2581{text_of(b'ab')}", 1), ("<0x41>", 6)]


def test_a_text_is_cut_by_the_pairs_with_the_highest_scores(tmp_path: Path) -> None:
    """As byte-pair encoding does by hand: ``ab`` before ``bc``, from the left, and then what they make together."""
    joined = [text_of(part) for part in (b"ab", b"bc", b"aba", b"cc")]
    file = model_file(tmp_path, [*MARKS, *BYTES, *((text, 1) for text in joined), ("\u2581", 1)], scored=True)
    pieces = read_pieces(file)
    ab, bc, aba, cc, space = range(259, 264)
    single = {letter: 3 + ord(letter) for letter in "abc"}
    assert pieces.cut(text_of(b"abc")) == [space, ab, single["c"]]
    assert pieces.cut(text_of(b"bcab")) == [space, bc, ab]
    assert pieces.cut(text_of(b"ababa")) == [space, ab, aba]
    assert pieces.cut(text_of(b"ccc")) == [space, cc, single["c"]]
    assert all(
        pieces.joined(pieces.cut(text_of(text))) == text_of(text) for text in (b"abcabcc", b"cab", bytes(range(256)))
    )
    with pytest.raises(ValueError, match="no piece for 'x'"):
        pieces.cut("x")
    with pytest.raises(ValueError, match="not made by byte-pair encoding"):
        replace(pieces, by_pairs=False).cut(text_of(b"abc"))


def test_a_token_is_as_many_bytes_as_its_piece(tmp_path: Path) -> None:
    pieces = read_pieces(model_file(tmp_path, [*MARKS, *BYTES, *JOINED]))
    assert len(pieces.text) == 263 and pieces.text[:3] == ("", "", "")
    assert pieces.joined([259, 260, 3 + 7, 2]) == text_of(b"\xff\xd8\xff\xe0\x07")  # without the space in front
    assert pieces.joined([261, 261]) == f"{text_of(b'ab')}\u2581{text_of(b'ab')}"
    assert pieces.joined([262, 999]) == "\ufffd\ufffd"  # a fallback byte of text, and no piece at all


@pytest.mark.parametrize(("damage", "told"), [
    (lambda data: data[:-3], "ends in the middle"),
    (lambda data: b"\x0b" + data, "a field of kind 3"),
    (lambda data: b"", "it has 0 pieces"),
    (lambda data: b"\x0a\x04\x0a\x02\xff\xfe", "no SentencePiece model"),
    (lambda data: b"\x0a\xff\xff\xff\xff\x7f", "in the middle of a field"),
])  # fmt: skip
def test_a_damaged_table_is_told(damage: Callable[[bytes], bytes], told: str, tmp_path: Path) -> None:
    file = model_file(tmp_path, [*MARKS, *BYTES])
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(AdapterError, match=told):
        read_pieces(file)


def test_the_table_of_ordinary_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="pieces for 0 of 256 bytes"):
        read_pieces(model_file(tmp_path, [*MARKS, ("the", 1), ("a", 1)]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint as the library saves it, with the configuration of its fourth version."""
    network = build(TINY)
    torch.save(network.state_dict(), tmp_path / "pytorch_model.bin")
    config = {"model_type": "llama", "vocab_size": 259, "hidden_size": 32, "intermediate_size": 48}
    config |= {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "rope_theta": 10000.0}
    config |= {"rms_norm_eps": 1e-6, "bos_token_id": 1, "eos_token_id": 2, "rope_scaling": None, "hidden_act": "silu"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    model_file(tmp_path, [*MARKS, *BYTES])
    return tmp_path


def test_a_folder_is_read_strictly(folder: Path) -> None:
    made = resolve_generator(f"jpeg-lm,checkpoint={folder},tokens=12,top_k=50")
    kept = torch.load(folder / "pytorch_model.bin", weights_only=True)
    assert torch.equal(made._network.lm_head.weight, kept["lm_head.weight"])
    names = [file.name for file in made.info.weights]
    assert names == ["pytorch_model.bin", "config.json", "tokenizer.model"]
    assert made.info.sampler["tokens_at_most"] == 12 and made.info.conditions == "none"
    old = kept | {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}
    torch.save(old, folder / "pytorch_model.bin")
    assert resolve_generator(f"jpeg-lm,checkpoint={folder}").info.parameters == made.info.parameters
    del kept["model.norm.weight"]
    torch.save(kept, folder / "pytorch_model.bin")
    with pytest.raises(AdapterError, match=r"model\.norm\.weight"):
        resolve_generator(f"jpeg-lm,checkpoint={folder}")


def test_the_cards_folder_is_found_among_assets(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = tmp_path_factory.mktemp("assets")
    folder.rename(assets / "jpeg-lm-7b")
    monkeypatch.setenv("VTBENCH_ASSETS", str(assets))
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    made = resolve_generator("jpeg-lm-7b")
    assert made.info.name == "jpeg-lm-7b" and made.info.licence == "CreativeML Open RAIL-M"
    assert made.info.sampler["top_k"] == 50 and made.info.sampler["top_p"] == 0.9
    ((name, found),) = fetch_generator_card(find_generator_card("jpeg-lm-7b"))
    assert (name, found.path) == ("jpeg-lm-7b", assets / "jpeg-lm-7b")


@pytest.mark.parametrize(("change", "told"), [
    ({"vocab_size": 10**12}, "vocab_size is 1000000000000, a whole number"),
    ({"num_attention_heads": 5}, "5 heads"),
    ({"rope_scaling": {"type": "linear", "factor": 2}}, "its rotation is scaled"),
    ({"model_type": "mistral"}, "model_type is 'mistral'"),
    ({"rms_norm_eps": "1e-6"}, "rms_norm_eps is '1e-6'"),
    ({"vocab_size": 256}, "has 259 pieces, the network 256 tokens,"),
    ({"eos_token_id": 7}, "1 begins and 7 ends"),
    ({"hidden_size": 64}, "have another shape"),
])  # fmt: skip
def test_a_configuration_of_another_network_is_told(folder: Path, change: dict[str, Any], told: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(AdapterError, match=told):
        resolve_generator(f"jpeg-lm,checkpoint={folder}")


def test_what_is_missing_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="checkpoint is a folder"):
        resolve_generator(f"jpeg-lm,checkpoint={folder / 'pytorch_model.bin'}")
    (folder / "tokenizer.model").unlink()
    with pytest.raises(AssetMissingError, match=r"holds no tokenizer\.model"):
        resolve_generator(f"jpeg-lm,checkpoint={folder}")
    monkeypatch.setenv("VTBENCH_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(folder / "hub"))
    with pytest.raises(AssetMissingError, match="uwnlp/jpeg-lm-reimplementation"):
        resolve_generator("jpeg-lm-7b")
    with pytest.raises(UsageError, match="tokens=1: must be from 2 to 12288"):
        JpegLm.random(tokens=1)


def test_the_card_has_the_counts_of_its_network() -> None:
    card = find_generator_card("jpeg-lm-7b")
    with torch.device("meta"):
        state = build(SEVEN_B).state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == card.parameters
    assert len(state) == card.tensors
    assert round(2 * card.parameters / 1e9) == 13  # gigabytes of the published bfloat16
