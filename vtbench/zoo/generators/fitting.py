"""One fit of a generator, on codes that its tokenizer made before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from vtbench.core.contracts import Condition
from vtbench.core.pixels import to_uint8
from vtbench.generators import GENERATORS
from vtbench.zoo.generators.codes import ImageCodes
from vtbench.zoo.generators.objectives import MEASURED, OBJECTIVES
from vtbench.zoo.keeping import rows_of
from vtbench.zoo.loop import Fit, trainable

if TYPE_CHECKING:
    from torch import Tensor

    from vtbench.zoo.generators.recipes import GeneratorRecipe

_SHOWN_ROWS = 2
_EMBEDDING_DEVIATION = 0.02


class GeneratorFit(Fit):
    """A generator on its way.

    Latents are scaled to a deviation of 1, and the scale is an argument of the generator from then on.

    Args:
        recipe: what is fitted.
        tokenizer: reference of the tokenizer, with weights.
        codes: that it made of the images and of their mirror images.
        labels: ``int64 [N]``, of the images.
        device: of the network.
    """

    def __init__(
        self, recipe: GeneratorRecipe, tokenizer: str, codes: ImageCodes, labels: Tensor, device: torch.device
    ) -> None:
        self.recipe, self._labels, self._device = recipe, labels, device
        self.arguments = {**recipe.arguments, "tokenizer": tokenizer}
        if codes.latents is not None:
            scale = round(1 / float(codes.latents.std()), 4)
            self.arguments["latent_scale"] = scale
            codes = ImageCodes(latents=codes.latents * scale)
        self._codes = codes
        self.measured = MEASURED[recipe.order]
        self._adapter = self._made().to(device=device)
        network = trainable(self._adapter, device)
        begin(network, recipe.zeroed)
        super().__init__(recipe, network, len(codes))

    def _made(self, **settings: Any) -> Any:
        family: Any = GENERATORS.load(self.recipe.family)
        return family.random(seed=self.recipe.seed, **{**self.arguments, **settings})

    def _loss(self, chosen: Tensor, draw: torch.Generator) -> tuple[Tensor, Tensor]:
        mirrored = torch.rand(len(chosen), generator=draw) < 0.5
        nameless = torch.rand(len(chosen), generator=draw) < self.recipe.label_dropout
        labels = self._labels[chosen].masked_fill(nameless, self.recipe.arguments["classes"])
        codes = self._codes.at(chosen, mirrored, self._device)
        loss = OBJECTIVES[self.recipe.order](self._adapter, self.network, labels.to(self._device), codes, draw)
        return loss, loss.detach()

    def drawing(self, **settings: Any) -> Any:
        """The family's adapter with the averaged weights, on the device.

        Args:
            settings: of its sampler.
        """
        adapter = self._made(**settings).to(device=self._device)
        adapter.published_network.load_state_dict(self.average.state_dict())
        return adapter

    def picture(self) -> Tensor:
        """Two images of each class, a column a class."""
        adapter = self.drawing(**self.recipe.shown)
        classes = self.recipe.arguments["classes"]
        return rows_of(*torch.split(samples_by_class(adapter, classes, _SHOWN_ROWS), classes))

    def facts(self) -> dict[str, Any]:
        """The weights of the tokenizer, and the generator's arguments beside it."""
        made = self._adapter.tokenizer.info
        files = [{"name": file.name, "sha256": file.sha256} for file in made.weights]
        arguments = {name: value for name, value in self.arguments.items() if name != "tokenizer"}
        return {"tokenizer": {"recipe": self.recipe.tokenizer, "weights": files}, "arguments": arguments}


def samples_by_class(generator: Any, classes: int, rows: int) -> Tensor:
    """Rows of samples of each class in turn, of the first seeds: ``uint8 [rows * classes,3,H,W]`` on the CPU."""
    conditions = [Condition(label=label) for label in range(classes)] * rows
    return to_uint8(generator.sample(conditions, torch.arange(len(conditions)))).cpu()


def begin(network: nn.Module, zeroed: tuple[str, ...]) -> None:
    """A network as it begins: biases at 0, embeddings small, and layers at 0 whose names end as ``zeroed`` says.

    Other weights stay as they were drawn.
    """
    with torch.no_grad():
        for name, module in network.named_modules():
            if isinstance(module, nn.Embedding):
                module.weight.mul_(_EMBEDDING_DEVIATION)
            elif isinstance(module, nn.Linear):
                if module.bias is not None:
                    module.bias.zero_()
                if name.endswith(zeroed):
                    module.weight.zero_()
