"""The cache of readings: once ever, for several processes, whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from torch import Tensor

from vtbench.core.disk.files import CACHE_VARIABLE
from vtbench.readers.cache import CachedBoxReader, CachedReader, image_digest
from vtbench.readers.contract import Box, ReadResult


class Brightness:
    """A reader that writes down an image's sum, and remembers what it was asked."""

    languages = None
    required_assets = ()

    def __init__(self, name: str = "brightness@1") -> None:
        self.id = name
        self.asked: list[int] = []

    def read(self, images: list[Tensor]) -> list[ReadResult]:
        self.asked += [int(image.sum()) for image in images]
        return [ReadResult(f"\n{int(image.sum())} é\n", (str(int(image.sum())), "é")) for image in images]

    def read_boxes(self, image: Tensor, boxes: list[Box]) -> list[str]:
        self.asked.append(len(boxes))
        return [f"{box[0]:g}" for box in boxes]


def flat(value: int, size: tuple[int, int] = (2, 3)) -> Tensor:
    return torch.full((3, *size), value, dtype=torch.uint8)


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "readings").rglob("*.json"))


def test_a_distinct_image_is_read_once_ever(tmp_path: Path) -> None:
    first = Brightness()
    images = [flat(1), flat(2), flat(1), flat(2, (3, 2))]
    cached = CachedReader(first)
    results = cached.read(images)
    assert results == Brightness().read(images)
    assert len(first.asked) == 3 and (cached.read_count, cached.hit_count) == (3, 1)
    assert len(files(tmp_path)) == 3

    later = Brightness()
    again = CachedReader(later)
    assert again.read(images) == results
    assert later.asked == [] and (again.read_count, again.hit_count) == (0, 4)
    assert again.id == cached.id and again.id.startswith(f"{later.id}+"), "its code is part of what a reader is"
    assert (again.languages, again.required_assets) == (None, ())


def test_images_are_read_by_as_many_as_the_reader_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Together(Brightness):
        at_once = 3
        concurrent = True

        def __init__(self) -> None:
            super().__init__()
            self.calls: list[int] = []

        def read(self, images: list[Tensor]) -> list[ReadResult]:
            self.calls.append(len(images))
            return super().read(images)

    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    reader = Together()
    cached = CachedReader(reader)
    images = [flat(value) for value in (4, 0, 1, 2, 3, 4, 5, 6)]
    assert cached.read(images) == Brightness().read(images)
    assert sorted(reader.calls) == [1, 3, 3] and (cached.read_count, cached.hit_count) == (7, 1)
    assert cached.read([flat(7), *images]) == Brightness().read([flat(7), *images])
    assert len(reader.calls) == 4 and cached.read_count == 8
    few = Together()
    CachedReader(few).read([flat(value) for value in range(20, 24)])
    assert few.calls == [2, 2], "threads share what is there"


def test_what_another_reads_is_waited_for_and_the_rest_read_meanwhile(tmp_path: Path) -> None:
    """A lock that is held: the images behind it come last, as whoever holds it left them."""
    images = {image_digest(image)[:2]: image for image in (flat(value) for value in range(8))}
    held, *others = images
    reader = Brightness()
    cached = CachedReader(reader)
    cached.at_once = len(images)
    CachedReader(reader).read([flat(99)])
    (folder,) = (tmp_path / "cache" / "readings").glob("*")
    reader.asked.clear()
    taken = threading.Event()

    def hold() -> None:
        with FileLock(folder / f"{held}.lock"):
            taken.set()
            time.sleep(0.3)

    other = threading.Thread(target=hold)
    other.start()
    assert taken.wait(10)
    assert cached.read(list(images.values())) == Brightness().read(list(images.values()))
    other.join()
    assert reader.asked == [int(images[name].sum()) for name in (*others, held)]


def test_another_reader_reads_anew() -> None:
    CachedReader(Brightness("a b@1")).read([flat(1)])
    for other in ("a b@2", "a/b@1", "a-b@1"):
        reader = Brightness(other)
        CachedReader(reader).read([flat(1)])
        assert reader.asked, f"{other} was given the reading of another"


def test_shape_is_part_of_an_image() -> None:
    assert image_digest(flat(0, (2, 3))) != image_digest(flat(0, (3, 2)))
    assert image_digest(flat(7)) == image_digest(flat(7).clone())
    wide = torch.arange(36, dtype=torch.uint8).reshape(3, 3, 4)
    assert image_digest(wide.transpose(1, 2)) == image_digest(wide.transpose(1, 2).contiguous())


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"reader": "brightness@1", "strings": ["x"]}'])
def test_a_damaged_reading_is_read_anew(tmp_path: Path, damage: str) -> None:
    whole = CachedReader(Brightness()).read([flat(5)])
    (file,) = files(tmp_path)
    content = file.read_text()
    file.write_text(damage)
    reader = Brightness()
    assert CachedReader(reader).read([flat(5)]) == whole
    assert len(reader.asked) == 1 and file.read_text() == content


def test_a_reader_that_fails_leaves_nothing(tmp_path: Path) -> None:
    class Failing(Brightness):
        def read(self, images: list[Tensor]) -> list[ReadResult]:
            raise RuntimeError("engine gave up")

    with pytest.raises(RuntimeError, match="gave up"):
        CachedReader(Failing()).read([flat(1)])
    assert files(tmp_path) == []
    assert CachedReader(Brightness()).read([flat(1)])[0].lines == ("18", "é")


def test_boxes_are_part_of_the_key() -> None:
    reader = Brightness()
    cached = CachedBoxReader(reader)
    boxes: list[Box] = [(0.0, 0.0, 1.0, 1.0), (1.0, 0.0, 2.0, 1.0)]
    assert cached.read_boxes(flat(1), boxes) == ["0", "1"] == cached.read_boxes(flat(1), boxes)
    assert cached.read_boxes(flat(1), boxes[::-1]) == ["1", "0"]
    assert reader.asked == [2, 2] and (cached.read_count, cached.hit_count) == (2, 1)


def test_without_a_cache_an_image_is_read_once_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "occupied").write_text("a file")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "occupied"))
    reader = Brightness()
    with pytest.warns(UserWarning, match=CACHE_VARIABLE) as told:
        results = [CachedReader(reader).read([flat(1), flat(2)]) for _ in range(2)]
    assert results[0] == results[1] and len(reader.asked) == 2 and len(told) == 1


def test_a_cache_that_may_only_be_read_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = CachedReader(Brightness()).read([flat(1)])

    def refuse(dir: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(dir / "tmp0"))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    reader = Brightness()
    assert CachedReader(reader).read([flat(1)]) == known and reader.asked == []


def test_processes_wait_for_one_another(tmp_path: Path) -> None:
    """Two processes want the same six images, each slow to read; the log tells how often one was."""
    log, go = tmp_path / "log", tmp_path / "go"
    script = f"""
import pathlib, time, torch
from vtbench.readers.cache import CachedReader
from vtbench.readers.contract import ReadResult
class Slow:
    id, languages, required_assets = "slow@1", None, ()
    def read(self, images):
        time.sleep(0.05)
        with open({str(log)!r}, "a") as stream:
            stream.write(f"{{int(images[0][0, 0, 0])}}\\n")
        return [ReadResult.of([str(int(image.sum()))]) for image in images]
cached = CachedReader(Slow())
images = [torch.full((3, 2, 2), value, dtype=torch.uint8) for value in range(6)]
print("ready", flush=True)
while not pathlib.Path({str(go)!r}).exists():
    time.sleep(0.005)
print(*[result.text for result in cached.read(images)], cached.read_count)
"""
    environment = {**os.environ, CACHE_VARIABLE: str(tmp_path / "cache")}
    workers = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None and worker.stdout.readline() == "ready\n"
    go.touch()
    outputs = [worker.communicate(timeout=60)[0].split() for worker in workers]
    assert sorted(log.read_text().split()) == [str(value) for value in range(6)]
    assert {tuple(output[:6]) for output in outputs} == {tuple(str(12 * value) for value in range(6))}
    assert sum(int(output[6]) for output in outputs) == 6
