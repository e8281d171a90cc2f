"""The embedded generator: cache, guidance, seeds, and independence of the batch."""

import pytest
import torch

from vtbench.core.contracts import CodeGenerator, Condition
from vtbench.core.errors import UsageError
from vtbench.data.embedded.photographs.scenes_mini import ScenesMini
from vtbench.generators.fitted.tiny_ar import TinyAr
from vtbench.generators.fitted.tiny_ar_fit import GEOMETRY, fitted_model
from vtbench.generators.published.next_token.llamagen.network import LlamaGenNetwork

CONDITIONS = [Condition(label=index % 3) for index in range(9)]
SEEDS = torch.arange(9) * 7919


def codes(generator, rows=slice(None)):
    return generator.sample_codes(CONDITIONS[rows], SEEDS[rows]).levels[0]


def test_it_is_a_generator_of_codes():
    generator = TinyAr()
    assert isinstance(generator, CodeGenerator)
    images = generator.sample(CONDITIONS[:2], SEEDS[:2])
    assert images.shape == (2, 3, 64, 64) and images.dtype == torch.float32
    decoded = generator.tokenizer.decode(generator.sample_codes(CONDITIONS[:2], SEEDS[:2]))
    assert torch.equal(images, decoded)
    assert generator.info.parameters == 669_056
    assert generator.info.sampler["temperature"] == 1.0


def test_it_is_a_small_llamagen():
    network = TinyAr()._network
    assert isinstance(network, LlamaGenNetwork) and network.geometry is GEOMETRY
    tokens = torch.randint(0, 256, (2, 63), generator=torch.Generator().manual_seed(0))
    labels, cache = torch.tensor([0, 2]), network.make_cache(2)
    stepped = torch.cat([network.prefill(labels, cache)[:, None], network.step(tokens, cache)], dim=1)
    torch.testing.assert_close(stepped, network(labels, tokens), rtol=1e-4, atol=1e-4)


def test_an_image_depends_on_its_condition_and_seed_alone():
    generator = TinyAr(temperature=0.9, top_p=0.95)
    whole = codes(generator)
    apart = torch.cat([codes(generator, slice(0, 1)), codes(generator, slice(1, 4)), codes(generator, slice(4, 9))])
    assert torch.equal(whole, apart)
    assert not torch.equal(whole[0], whole[3])  # one class, two seeds
    other = generator.sample_codes([Condition(label=1)], SEEDS[:1]).levels[0]
    assert not torch.equal(whole[:1], other)  # one seed, two classes


def test_settings_move_the_codes_the_way_they_should():
    distinct = {t: len(codes(TinyAr(temperature=t)).unique()) for t in (0.2, 1.0, 3.0)}
    assert distinct[0.2] < distinct[1.0] < distinct[3.0]
    greedy = codes(TinyAr(top_k=1))
    assert torch.equal(greedy[0], greedy[3])  # one class, two seeds, no choice left


def test_the_cost_of_the_last_call_is_told():
    generator = TinyAr()
    assert generator.sampling_cost() is None
    codes(generator)
    cost = generator.sampling_cost()
    assert (cost.forward_passes, cost.tokens) == (64, 9 * 64)
    assert cost.kv_cache_bytes == 3 * 2 * 9 * 64 * 128 * 4  # layers, keys and values, batch, tokens, width, float32
    guided = TinyAr(cfg_scale=2.0)
    codes(guided)
    assert guided.sampling_cost().kv_cache_bytes == 2 * cost.kv_cache_bytes


@pytest.mark.parametrize("condition", [Condition(), Condition(label=3), Condition(label=-1), Condition(prompt="cat")])
def test_what_is_no_class_is_refused(condition):
    with pytest.raises(UsageError, match="its classes are 0 to 2"):
        TinyAr().sample_codes([condition], SEEDS[:1])


def test_fitting_lowers_the_loss_and_is_seeded(capsys):
    data = ScenesMini(split="fit", count=6)
    tokenizer = TinyAr().tokenizer
    images = torch.stack([data[index].image for index in range(6)]).float() / 255
    tokens = tokenizer.encode(images).levels[0].flatten(1)
    labels = torch.tensor([data.target(index)["label"] for index in range(6)])
    first, second = (fitted_model(labels, tokens, steps=3).state_dict() for _ in range(2))
    losses = [float(line.rsplit(" ", 1)[1]) for line in capsys.readouterr().out.splitlines()]
    assert losses[1] < losses[0]
    assert all(torch.equal(first[name], second[name]) for name in first)
