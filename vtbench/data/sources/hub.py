"""Hugging Face ``datasets``: a hub id, a local folder, or Parquet files."""

from __future__ import annotations

import difflib
import sys
from typing import Any

from vtbench.core.contracts import Sample
from vtbench.core.disk.files import user_path
from vtbench.core.errors import AssetMissingError, SampleError, UsageError
from vtbench.core.extras import install_extra
from vtbench.core.outside.parsing import boundary
from vtbench.data.decode import decode_image
from vtbench.data.fingerprint import Fingerprinted
from vtbench.data.ids import row_ids
from vtbench.data.sources.cells import digest_cell, image_bytes


class HubDataset(Fingerprinted):
    """One split of a data set on the hub or on disk, decoded by vtbench's own rules from the stored bytes.

    The fingerprint digests ids, encoded images and labels, as for a folder: the library's own fingerprint depends on
    paths and modification times, and a revision does not say which rows were read.

    Args:
        path: hub id, local folder (also one written by ``save_to_disk``) or ``.parquet`` file.
        name: configuration.
        split: split, as ``datasets`` writes it (``"test"``, ``"validation[:100]"``).
        image_column: column of images, or of encoded bytes.
        label_column: becomes ``target = {"label": value}``, with ``"class"`` where the labels have names.
        id_column: unique ids; row numbers (``00000000`` …) unless given.
        revision: branch, tag or commit on the hub.
        text_column: true text of the images; becomes ``target["text"]``.
        language: BCP 47 tag of that text; becomes ``target["language"]``.

    Raises:
        AssetMissingError: the package ``datasets`` is not installed, or the hub cannot be reached.
        UsageError: no such data set, configuration, split or column.
    """

    def __init__(
        self,
        path: str,
        name: str | None = None,
        split: str = "test",
        image_column: str = "image",
        label_column: str | None = None,
        id_column: str | None = None,
        revision: str | None = None,
        text_column: str | None = None,
        language: str | None = None,
    ) -> None:
        rows = _load(str(path), name, split, revision)
        with boundary(f"the data set {path} cannot be read", "is it whole?", UsageError):
            self._take(rows, path, split, (image_column, label_column, id_column, text_column), language)

    def _take(self, rows: Any, path: str, split: str, columns: tuple[str | None, ...], language: str | None) -> None:
        image_column, label_column, id_column, text_column = columns
        assert image_column is not None
        wanted = [column for column in (image_column, label_column, id_column, text_column) if column]
        _check_columns(rows.column_names, wanted, str(path))
        rows = _undecoded(rows.select_columns(list(dict.fromkeys(wanted))), image_column)
        self._image_column = image_column
        self.ids = row_ids(len(rows)) if id_column is None else tuple(str(value) for value in rows[id_column])
        if not self.ids:
            raise UsageError(f"{path}: the split {split!r} has no rows", "choose another with split=")
        self._targets = _labels(rows, label_column) if label_column is not None else None
        if text_column is not None:
            self._targets = _with_texts(self._targets, list(rows[text_column]), language)
        self._images = rows.select_columns([image_column])

    def __getitem__(self, index: int) -> Sample:
        name = self.ids[index]
        data = image_bytes(self._cell(index), name, follow_paths=True)
        return Sample(id=name, image=decode_image(data, name), target=self.target(index))

    def target(self, index: int) -> dict[str, Any] | None:
        """``label``, ``class``, ``text`` and ``language``, as far as there are such columns; ``None`` without any."""
        return None if self._targets is None else self._targets[index]

    def content_digest(self, index: int) -> str:
        """SHA-256 of the encoded image."""
        try:
            return digest_cell(self._cell(index), self.ids[index], follow_paths=True)
        except SampleError:
            return "unreadable"

    def _cell(self, index: int) -> Any:
        with boundary(f"{self.ids[index]}: its row cannot be read", kind=SampleError):
            return self._images[index][self._image_column]


def _load(path: str, name: str | None, split: str, revision: str | None) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise AssetMissingError("reading hub data sets needs the package datasets", install_extra("hub")) from error
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    local = user_path(path)
    try:
        if (local / "state.json").is_file() or (local / "dataset_dict.json").is_file():
            saved = datasets.load_from_disk(str(local))
            return saved[split] if isinstance(saved, datasets.DatasetDict) else saved
        if local.suffix == ".parquet" and local.is_file():
            return datasets.load_dataset("parquet", data_files={split: str(local)}, split=split)
        source = str(local) if local.exists() else path
        return datasets.load_dataset(source, name, split=split, revision=revision)
    except ConnectionError as error:
        raise AssetMissingError(
            f"the data set {path} cannot be fetched: {_brief(error)}", "connect, or give a local copy with --data DIR"
        ) from error
    except (FileNotFoundError, ValueError, KeyError) as error:
        raise UsageError(
            f"data set {path} (name={name}, split={split}): {_brief(error)}", "check path=, name= and split="
        ) from error
    except OSError as error:  # the hub's HTTP errors, and unreadable files
        raise AssetMissingError(
            f"the data set {path} cannot be read: {_brief(error)}", "check access rights"
        ) from error
    except Exception as error:  # the library's own, which share no base, and those of Arrow
        raise UsageError(f"the data set {path} cannot be read: {_brief(error)}", "is it whole?") from error


def _brief(error: BaseException) -> str:
    """The cause says more than the library, which tells that it failed."""
    cause = error.__cause__ if type(error).__name__.startswith("DatasetGeneration") and error.__cause__ else error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0][:300]


def _check_columns(present: list[str], wanted: list[str], path: str) -> None:
    for column in wanted:
        if column not in present:
            close = difflib.get_close_matches(column, present, n=1)
            suggestion = f"; did you mean {close[0]}?" if close else ""
            raise UsageError(f"{path} has no column {column!r}", f"columns: {', '.join(present)}{suggestion}")


def _undecoded(rows: Any, column: str) -> Any:
    """Images as ``{"bytes", "path"}``; a column of plain bytes as it is."""
    import datasets

    if isinstance(rows.features[column], datasets.Image):
        return rows.cast_column(column, datasets.Image(decode=False))
    return rows


def _with_texts(targets: list[dict[str, Any]] | None, texts: list[Any], language: str | None) -> list[dict[str, Any]]:
    known = {} if language is None else {"language": language}
    return [
        {**target, "text": str(text), **known}
        for target, text in zip(targets or [{} for _ in texts], texts, strict=True)
    ]


def _labels(rows: Any, column: str) -> list[dict[str, Any]]:
    names = getattr(rows.features[column], "names", None)
    labels = list(rows[column])
    if names is None:
        return [{"label": label} for label in labels]
    known = range(len(names))
    return [{"label": label, "class": names[label] if label in known else None} for label in labels]
