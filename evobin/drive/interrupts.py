"""Ctrl-C while a search is kept: at once within the user's function, else behind the step."""

from __future__ import annotations

import signal
import threading


class Interrupts:
    """Holds Ctrl-C back where it would leave an algorithm halfway through an update.

    Used with `with`. In another thread than the main one, where Python sends no signals, it does
    nothing.

    Attributes:
        came: whether one was held back; the next one is not.
        rushed: whether that next one came, so that an update may be left halfway.
        let_through: used with `with` around what may be left anywhere.
    """

    def __init__(self) -> None:
        self.came = self.rushed = False
        self.let_through = _Stretch()

    def __enter__(self) -> None:
        self._here = threading.current_thread() is threading.main_thread()
        if self._here:
            self._before = signal.signal(signal.SIGINT, self._hear)

    def __exit__(self, *error: object) -> None:
        if self._here:
            signal.signal(signal.SIGINT, self._before)

    def _hear(self, _number: int, _frame: object) -> None:
        self.rushed = self.came
        if self.let_through.entered or self.came:
            raise KeyboardInterrupt
        self.came = True


class _Stretch:
    """Where one is; `contextlib` would take longer than some functions that are searched."""

    def __init__(self) -> None:
        self.entered = False

    def __enter__(self) -> None:
        self.entered = True

    def __exit__(self, *error: object) -> None:
        self.entered = False
