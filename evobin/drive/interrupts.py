"""Signals that end a search in good order: at once, or after the step at hand."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

ENDING = "ending the step at hand and keeping all"


class Interrupts:
    """Lets the step at hand end after the first signal; a second one ends at once.

    Used with `with`. In another thread than the main one, where Python sends no signals, it does
    nothing.

    Args:
        numbers: signals to hear.
        announce: whether to say on stderr what the first one does.

    Attributes:
        number: of the signal that came last; SIGPIPE if stdout cannot be written.
        came: whether one was held back; the next one is not.
        rushed: whether that next one came, so that an update may be left halfway.
        let_through: used with `with` around what may be left anywhere.
    """

    def __init__(self, numbers: Sequence[int] = (signal.SIGINT,), *, announce: bool = False):
        self._numbers, self._announce = numbers, announce
        self.number: int = signal.SIGINT
        self.came = self.rushed = False
        self.let_through = _Stretch()

    def __enter__(self) -> None:
        self.number, self.came, self.rushed = signal.SIGINT, False, False
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._hear) for number in self._numbers}

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Makes SIGTERM end what is done within as Ctrl-C does, so that it can tidy up."""
        self.number = signal.SIGINT
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, self._end)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def has_come(self) -> bool:
        """Whether one came."""
        return self.came

    def lose_stdout(self, error: OSError) -> None:
        """Lets the step at hand end because nobody reads stdout any more, or a disk is full."""
        drop_stdout()
        self.number, self.came = signal.SIGPIPE, True
        reason = error.strerror or type(error).__name__
        print(f"evobin: stdout cannot be written ({reason}); {ENDING}.", file=sys.stderr)

    def _end(self, number: int, _frame: object) -> NoReturn:
        self.number = number
        raise KeyboardInterrupt

    def _hear(self, number: int, frame: object) -> None:
        self.rushed = self.came
        if self.let_through.entered or self.came:
            self._end(number, frame)
        self.number, self.came = number, True
        if self._announce:
            print(f"\nevobin: {ENDING}; once more ends at once.", file=sys.stderr)


class _Stretch:
    """Whether one is inside; `contextlib` would take longer than some functions to search."""

    def __init__(self) -> None:
        self.entered = False

    def __enter__(self) -> None:
        self.entered = True

    def __exit__(self, *error: object) -> None:
        self.entered = False


def drop_stdout() -> None:
    """Writes nothing to stdout any more: else Python would try again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
