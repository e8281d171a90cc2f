"""Ctrl-C, SIGTERM and SIGUSR1 (a scheduler's notice) and SIGHUP (the terminal is gone) end a command in an orderly way.

Each raises :class:`Interrupted`, so that blocks which are done stay, locks open and child programs are stopped on the
way out. A scheduler's notice comes some time before its kill: where something is in hand that would be lost, it is
finished first.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
_NOTICES = ("SIGTERM", "SIGUSR1")


class Interrupted(BaseException):
    """A signal asked the process to end. No ``KeyboardInterrupt``, which the library of the command line would answer
    by itself.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    @property
    def exit_code(self) -> int:
        """As a shell tells it: 128 and the number of the signal."""
        return 128 + self.number


class _State:
    """The signal that was heard last, how many regions hold its exception back, and how many finish what they have in
    hand before a notice is heeded; which a second signal ends."""

    asked: int | None = None
    held = 0
    finishing = 0
    patient = False


def answer() -> None:
    """Answer these signals in this process from now on; in the main thread only. One that is ignored stays ignored:
    ``nohup`` means it."""
    _forget_all()
    if threading.current_thread() is not threading.main_thread():
        return
    for number in _numbers():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _heard)


def answers() -> bool:
    """Whether Ctrl-C is answered here, so that a ``KeyboardInterrupt`` is none."""
    return signal.getsignal(signal.SIGINT) is _heard


def forget() -> None:
    """Let the system answer again, in a child process: SIGTERM ends it at once; Ctrl-C is its parent's to answer."""
    _forget_all()
    for number in _numbers():
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL)


@contextmanager
def kept() -> Iterator[None]:
    """Whatever answers these signals answers them after the body too, should a library install its own."""
    before = {number: signal.getsignal(number) for number in _numbers()}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


def raise_if_asked() -> None:
    """Raise what somebody swallowed.

    Raises:
        Interrupted: a signal was heard.
    """
    if _State.asked is not None and not _State.held and not _State.patient:
        raise Interrupted(_State.asked)


@contextmanager
def finishing() -> Iterator[None]:
    """In the body, a scheduler's first notice is heeded where :func:`between` is said, and at the end."""
    _State.finishing += 1
    try:
        yield
    finally:
        _State.finishing -= 1
        _State.patient = _State.patient and _State.finishing > 0
    raise_if_asked()


def between() -> None:
    """Nothing is in hand: heed a notice.

    Raises:
        Interrupted: there was one.
    """
    _State.patient = False
    raise_if_asked()


@contextmanager
def held() -> Iterator[None]:
    """Hear a signal only at the end of the body: what it starts is then known to whoever must stop it.

    Raises:
        Interrupted: a signal was heard in between.
    """
    _State.held += 1
    try:
        yield
    finally:
        _State.held -= 1
    raise_if_asked()


def _heard(number: int, frame: FrameType | None) -> None:
    del frame
    notice = _State.finishing > 0 and signal.Signals(number).name in _NOTICES
    _State.patient = notice and _State.asked is None
    _State.asked = number
    raise_if_asked()


def _forget_all() -> None:
    _State.asked, _State.held, _State.finishing, _State.patient = None, 0, 0, False


def _numbers() -> list[signal.Signals]:
    return [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
