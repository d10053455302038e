"""Signals that end a run in good order."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

ENDING = "ending the step at hand and keeping all"


class Signals:
    """Lets the step at hand end behind the first Ctrl-C or SIGTERM; a second one ends at once.

    Used with `with`.

    Attributes:
        number: of the signal that came last; SIGPIPE if stdout cannot be written.
    """

    def __init__(self) -> None:
        self.number: int = signal.SIGINT
        self._came = False

    def __enter__(self) -> None:
        self.number, self._came = signal.SIGINT, False
        self._before = {
            number: signal.signal(number, self._hear) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Has SIGTERM end what is done within as Ctrl-C does, so that it can tidy up.

        In another thread than the main one, where Python sends no signals, it does nothing.
        """
        self.number = signal.SIGINT
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, self._end)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def came(self) -> bool:
        """Whether one came."""
        return self._came

    def lose_stdout(self, error: OSError) -> None:
        """Lets the step at hand end because nobody reads stdout any more, or a disk is full."""
        drop_stdout()
        self.number, self._came = signal.SIGPIPE, True
        told = error.strerror or type(error).__name__
        print(f"evobin: stdout cannot be written ({told}); {ENDING}.", file=sys.stderr)

    def _end(self, number: int, _frame: object) -> NoReturn:
        self.number = number
        raise KeyboardInterrupt

    def _hear(self, number: int, frame: object) -> None:
        if self._came:
            self._end(number, frame)
        self.number, self._came = number, True
        print(f"\nevobin: {ENDING}; once more ends at once.", file=sys.stderr)


def drop_stdout() -> None:
    """Has nothing written to stdout any more: else Python would try again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
