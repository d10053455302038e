"""Ctrl-C while a search is kept: at once within the user's function, else behind the step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupts:
    """Holds Ctrl-C back where it would leave an algorithm halfway through an update.

    Used with `with`. In another thread than the main one, where Python sends no signals, it does
    nothing.

    Attributes:
        came: whether one was held back; the next one is not.
        rushed: whether that next one came, so that an update may be left halfway.
    """

    def __init__(self) -> None:
        self.came = self.rushed = False
        self._open = False

    def __enter__(self) -> None:
        self._here = threading.current_thread() is threading.main_thread()
        if self._here:
            self._before = signal.signal(signal.SIGINT, self._hear)

    def __exit__(self, *error: object) -> None:
        if self._here:
            signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def let_through(self) -> Iterator[None]:
        """Around what may be left anywhere."""
        self._open = True
        try:
            yield
        finally:
            self._open = False

    def _hear(self, _number: int, _frame: object) -> None:
        self.rushed = self.came
        if self._open or self.came:
            raise KeyboardInterrupt
        self.came = True
