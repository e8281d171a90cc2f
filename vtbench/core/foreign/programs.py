"""One start of a user's program: requests in, an exit told in words, never anything left running after a time-out."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from vtbench.core.digests import digest_json
from vtbench.core.disk.files import expand_user
from vtbench.core.errors import UsageError
from vtbench.core.foreign import interrupts
from vtbench.core.foreign.program_output import Said, read_objects
from vtbench.core.sources.file_arguments import digest_arguments, is_file
from vtbench.core.sources.modules import foreign_sources, source_of_file

_SHOWN_LINES = 3
_TAIL_BYTES = 4096
_LONGEST_SHOWN = 300
_MOST_WRITTEN = 4 << 30
_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Outcome:
    """How a program ended.

    Attributes:
        problem: empty where it exited with 0; else what happened and its last words on stderr.
        said: what it wrote to stdout.
    """

    problem: str
    said: Said


def split_command(command: str) -> list[str]:
    """The words of a command, by the rules of a POSIX shell; no shell is run.

    Raises:
        UsageError: nothing in it, an open quote, or no such program.
    """
    try:
        words = [expand_user(word) for word in shlex.split(command)]
    except ValueError as error:
        raise UsageError(f"run={command!r} cannot be split into words: {error}", "close every quote") from error
    if not words:
        raise UsageError("run= names no program", 'write command,run="python my_program.py"')
    if shutil.which(words[0]) is None:
        raise UsageError(f"no program {words[0]!r} that can be run", "give its path, or check PATH and its permissions")
    return words


def digest_command(words: Sequence[str]) -> str:
    """16 hex digits that change with the command, the working folder, and the content of what the command names.

    A file counts whole, a Python program with the modules beside it that it imports. Folders, which a program may
    write to, and what it finds in other ways do not count.
    """
    candidates = (part for word in words for part in (word, word.partition("=")[2]))
    files = digest_arguments({part: part for part in candidates if is_file(part)})
    programs = [source_of_file(Path(part)) for part in files if part.endswith(".py")]
    return digest_json([list(words), str(Path.cwd()), files, foreign_sources(programs, data=False)], 16)


def run_program(words: Sequence[str], text: str, timeout: float) -> Outcome:
    """Start a program with ``text`` on its stdin and wait for it.

    It inherits the environment and the working folder, and leads a process group of its own, which is killed whole
    when it runs past ``timeout`` seconds, has written 4 GiB of text, or when waiting is interrupted.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(text.encode())
        given.seek(0)
        # Files, not pipes: a program that never reads its input, or a child that outlives it, cannot block this one.
        started: list[subprocess.Popen[bytes]] = []
        try:
            with interrupts.held():  # else a signal between the start and the name would leave it running
                started.append(subprocess.Popen(words, stdin=given, stdout=out, stderr=err, start_new_session=True))
        except OSError as error:
            return Outcome(f"cannot be started: {error.strerror or error}", Said((), 0))
        except BaseException:
            for process in started:
                _kill_group(process)
            raise
        problem = _wait(started[0], timeout, (out, err))
        return Outcome(f"{problem}{_last_words(err)}" if problem else "", read_objects(out))


def _wait(process: subprocess.Popen[bytes], timeout: float, written: Sequence[IO[bytes]]) -> str:
    until = time.monotonic() + timeout
    try:
        while (code := _code_within(process, min(_LOOK_SECONDS, until - time.monotonic()))) is None:
            if sum(os.fstat(stream.fileno()).st_size for stream in written) > _MOST_WRITTEN:
                _kill_group(process)
                return f"wrote more than {_MOST_WRITTEN >> 30} GiB of text and was stopped"
            interrupts.between()  # whoever waits has nothing in hand that the program does not keep
            if time.monotonic() >= until:
                _kill_group(process)
                return f"ran past {timeout:g} s and was stopped"
    except BaseException:
        _kill_group(process)
        raise
    if code < 0:
        return f"was killed by {_signal_name(-code)}"
    return f"exited with {code}" if code else ""


def _code_within(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(max(0.0, seconds))
    except subprocess.TimeoutExpired:
        return None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have none
        return f"signal {number}"


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Before the leader is reaped, so that its number cannot have become another group's."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, ProcessLookupError, PermissionError):  # no groups on Windows
        process.kill()
    process.wait()


def _last_words(stream: IO[bytes]) -> str:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _TAIL_BYTES))
    lines = [line.strip() for line in stream.read().decode(errors="replace").splitlines() if line.strip()]
    return (
        f": {' | '.join(line[:_LONGEST_SHOWN] for line in lines[-_SHOWN_LINES:])}"
        if lines
        else ", with nothing on stderr"
    )
