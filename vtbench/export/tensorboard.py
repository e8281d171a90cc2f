"""TensorBoard: one file of events a run and step, written whole by TensorBoard's own record writer.

That writer needs neither TensorFlow nor torch and comes with the program that shows the curves. A file's name tells
task, step and identity, so that the same run and step replace themselves instead of standing there twice.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vtbench.core.digests import digest_json
from vtbench.core.disk.files import atomic_path, path_segment, user_path
from vtbench.core.errors import AssetMissingError, NotComparableError
from vtbench.core.extras import install_extra
from vtbench.core.outgoing import markdown_code, markdown_text
from vtbench.export.values import Exported, Order, Scalar, Written, distinct
from vtbench.results.records.previews import open_preview

DEFAULT = "exported/tensorboard"


def write(runs: Sequence[Exported], order: Order) -> list[Written]:
    """Write one file of events a run below ``order.dest``, a log directory.

    Raises:
        AssetMissingError: TensorBoard is not installed.
        NotComparableError: the named run holds other data, or another protocol, already.
    """
    root, runs = user_path(order.dest or DEFAULT), distinct(list(runs))
    for run in runs:
        _refuse_others(_folder(root, run), run)
    return [_write_run(_folder(root, run), run) for run in runs]


def _folder(root: Path, run: Exported) -> Path:
    if run.named:
        segment = path_segment(run.name)
        return root / (segment if segment == run.name else f"{segment}-{run.key}")
    return root / path_segment(run.task) / f"{path_segment(run.record.model.label)}-{run.key}"


def _identity(run: Exported) -> str:
    return digest_json(sorted(run.identity.values()), length=8)


def _file_name(run: Exported, identity: str) -> str:
    """TensorBoard reads files in the order of their names: by step."""
    return f"events.out.tfevents.{run.step:010d}.vtbench.{path_segment(run.task)}.{identity}"


def _refuse_others(folder: Path, run: Exported) -> None:
    own = _identity(run)
    for file in folder.glob("events.out.tfevents.*"):
        curve, _, identity = file.name.rpartition(".")
        if curve.endswith(f".vtbench.{path_segment(run.task)}") and identity != own:
            raise NotComparableError(
                f"{folder} holds {run.task} under another protocol or on other data",
                "a curve over both would mean nothing: give another --run-name or --dest",
            )


def _write_run(folder: Path, run: Exported) -> Written:
    file = folder / _file_name(run, _identity(run))
    events, images = _events(run)
    content = _framed(events)
    what = "written"
    if file.is_file():
        what = "already there" if file.read_bytes() == content else "replaced"
    if what != "already there":
        with atomic_path(file) as temporary:
            temporary.write_bytes(content)
    return Written(run.name, str(file), len(run.scalars), images, what)


def _events(run: Exported) -> tuple[list[bytes], int]:
    """The events of a run as bytes, and how many of them are images. The clock is the record's."""
    try:
        from tensorboard.compat.proto.event_pb2 import Event
    except ImportError as error:
        raise AssetMissingError("TensorBoard is not installed", install_extra("tensorboard")) from error
    time, images = run.record.finished.timestamp(), list(_images(run))
    summaries = [*_scalars(run), _layout(run), _about(run), *images]
    events = [Event(wall_time=time, step=run.step, summary=summary) for summary in summaries]
    first = Event(wall_time=time, file_version="brain.Event:2")
    return [event.SerializeToString(deterministic=True) for event in (first, *events)], len(images)


def _framed(events: Sequence[bytes]) -> bytes:
    from tensorboard.summary.writer.record_writer import RecordWriter

    stream = io.BytesIO()
    writer = RecordWriter(stream)
    for event in events:
        writer.write(event)
    return stream.getvalue()


def _scalars(run: Exported) -> Iterator[Any]:
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb

    for scalar in run.scalars:
        for name, value in scalar.values.items():
            yield scalar_pb(name, value, description=markdown_text(scalar.about))


def _images(run: Exported) -> Iterator[Any]:
    from tensorboard.compat.proto.summary_pb2 import Summary

    for picture in run.images:
        image = open_preview(picture.path)
        if image is not None:
            stream = io.BytesIO()
            image.save(stream, format="PNG")
            shown = Summary.Image(
                height=image.height, width=image.width, colorspace=3, encoded_image_string=stream.getvalue()
            )
            yield Summary(value=[Summary.Value(tag=picture.name, image=shown)])


def _about(run: Exported) -> Any:
    """The tags as a table, in the tab of texts."""
    from tensorboard.plugins.text.summary_v2 import text_pb

    lines = [f"| {markdown_text(name)} | {markdown_code(text)} |" for name, text in run.tags.items()]
    return text_pb(f"{run.task}/about", "\n".join(["| | |", "|---|---|", *lines]))


def _layout(run: Exported) -> Any:
    """Under "Custom scalars", each value with its interval as a band."""
    import numpy as np
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.custom_scalar import layout_pb2, metadata
    from tensorboard.util.tensor_util import make_tensor_proto

    charts = [_chart(layout_pb2, scalar) for scalar in run.scalars if len(scalar.values) > 1]
    layout = layout_pb2.Layout(category=[layout_pb2.Category(title=run.task, chart=charts)])
    tensor = make_tensor_proto(layout.SerializeToString(deterministic=True), dtype=np.object_)
    about = metadata.create_summary_metadata()
    return Summary(value=[Summary.Value(tag=metadata.CONFIG_SUMMARY_TAG, metadata=about, tensor=tensor)])


def _chart(layout_pb2: Any, scalar: Scalar) -> Any:
    value, low, high = scalar.values
    series = layout_pb2.MarginChartContent.Series(value=value, lower=low, upper=high)
    return layout_pb2.Chart(title=scalar.name, margin=layout_pb2.MarginChartContent(series=[series]))
