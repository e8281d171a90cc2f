"""``vtbench.evaluate``: a model and tasks in, a result out. torch is imported when it is called, not before."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from typing_extensions import Unpack

from vtbench.api.choices import Names, Options
from vtbench.core.errors import UsageError
from vtbench.core.foreign.importing import imports_apart

if TYPE_CHECKING:
    from vtbench.api.result import Result


def evaluate(model: Any, tasks: Names = None, *, name: str | None = None, **options: Unpack[Options]) -> Result:
    """Measure a model, or a list of models, on tasks: ``vtbench.evaluate(model, "photos-mini").value("psnr")``.

    The same plan → measure → score as ``vtbench run``, and the same record. The caller's process and model are left as
    they were, and nothing is written unless ``out=`` is given. To measure again and again, as in a training loop, keep
    a :class:`vtbench.Evaluator`: it has what does not change ready.

    Args:
        model: text as ``--tokenizer`` or ``--generator`` takes it; an object of the contract of tokenizers,
            reconstructors or generators, an ``nn.Module`` among them; or what :func:`vtbench.reconstructor` and
            :func:`vtbench.sampler` make of a function.
        tasks: a task, or several, by name or by the path of a YAML file.
        name: what tables call the model.
        options: those of :class:`vtbench.Evaluator`: ``data``, ``limit``, ``device``, ``out`` …

    Raises:
        UsageError: unknown names, wrong arguments, bad data: all told before any work.
        AssetMissingError: weights that cannot be had.
        AdapterError: the model broke its contract.
        VtbenchError: nothing could be scored.
    """
    _refuse_unknown(options)
    with imports_apart():
        from vtbench.api.evaluator import Evaluator
    options.setdefault("keep_bytes", 0)  # nobody comes for the images again
    with Evaluator(tasks, **options) as evaluator:
        return evaluator(model, name=name)


def _refuse_unknown(options: Options) -> None:
    known = Options.__annotations__
    for name in options:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            told = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
            raise UsageError(f"vtbench.evaluate has no option {name!r}", told)
