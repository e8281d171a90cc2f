"""Files that are being written: named after their writer, so that those of dead processes are known and swept.

A process that is killed cannot remove what it was writing. The name of such a file carries a mark of the machine and
the process, start time included, for numbers of processes are used again. Whoever writes to the folder next removes
files whose writer is gone; those of a living process, and young ones of other machines that share the folder, stay.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from platform import node

SUFFIX = ".partial"
_LONGEST_NAME = 80
_OF_OTHERS_S = 86_400.0
"""Age at which a file of another machine, whose processes cannot be seen, counts as abandoned."""
_MARK = re.compile(r"\.(?P<machine>[0-9a-f]{8})-(?P<process>\d+)-(?P<started>\d+)\.[^.]*\.partial$")
_swept: set[Path] = set()


def new_partial(path: Path) -> Path:
    """Make an empty file beside ``path`` that no other writer has.

    The first of a process in a folder sweeps it.

    Raises:
        OSError: it cannot be made.
    """
    if path.parent not in _swept:
        _swept.add(path.parent)
        sweep(path.parent)
    prefix = os.fsdecode(os.fsencode(f".{path.name}")[:_LONGEST_NAME])
    process = os.getpid()
    mark = f".{_machine()}-{process}-{_started(process) or 0}."
    handle, name = tempfile.mkstemp(prefix=prefix + mark, suffix=SUFFIX, dir=path.parent)
    os.close(handle)
    return Path(name)


def sweep(folder: Path) -> int:
    """Remove unfinished files of dead processes in a folder; those that cannot be removed stay.

    Returns:
        How many were removed.
    """
    removed = 0
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX) and entry.name.startswith(".") and _is_abandoned(entry):
                with suppress(OSError):
                    Path(entry.path).unlink()
                    removed += 1
    return removed


def sweep_below(folder: Path) -> int:
    """:func:`sweep` of a folder and of every folder below it; links are not followed.

    Returns:
        How many were removed.
    """
    return sum(sweep(Path(place)) for place, _, _ in os.walk(folder))


def _is_abandoned(entry: os.DirEntry[str]) -> bool:
    if not entry.is_file(follow_symlinks=False):
        return False
    mark = _MARK.search(entry.name)
    if mark is not None and mark["machine"] == _machine():
        started = _started(int(mark["process"]))
        return started is None or (0 not in (started, known := int(mark["started"])) and started != known)
    status = entry.stat(follow_symlinks=False)
    # a link to a finished file keeps that one's time of writing; when it was made tells ctime
    return time.time() - max(status.st_mtime, status.st_ctime) > _OF_OTHERS_S


@lru_cache(maxsize=1)
def _machine() -> str:
    """Where numbers of processes mean the same: this host since it started, within one container."""
    told = [node()]
    with suppress(OSError):
        told.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        told.append(str(Path("/proc/self/ns/pid").readlink()))
    return sha256("|".join(told).encode()).hexdigest()[:8]


def _started(process: int) -> int | None:
    """When a process started, in ticks since the machine did; ``None`` for a dead one, 0 where it cannot be told."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None if _is_gone(process) else 0
    fields = status.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def _is_gone(process: int) -> bool:
    """Where ``/proc`` does not tell. Windows has no harmless signal, so a process there counts as living."""
    if os.name != "posix":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
