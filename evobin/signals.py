"""Signals that end a run in good order."""

from __future__ import annotations

import os
import signal
import sys


class Signals:
    """Lets the step at hand end behind the first Ctrl-C or SIGTERM; a second one ends at once.

    Used with `with`.

    Attributes:
        number: of the signal that came last; SIGPIPE if the reader of stdout has gone.
    """

    def __init__(self) -> None:
        self.number: int = signal.SIGINT
        self._came = False

    def __enter__(self) -> None:
        self._came = False
        self._before = {
            number: signal.signal(number, self._hear) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def came(self) -> bool:
        """Whether one came."""
        return self._came

    def lose_reader(self) -> None:
        """Ends the step at hand too: nobody reads stdout any more."""
        drop_stdout()
        self.number, self._came = signal.SIGPIPE, True

    def _hear(self, number: int, _frame: object) -> None:
        self.number = number
        if self._came:
            raise KeyboardInterrupt
        self._came = True
        print(
            "\nevobin: ending the step at hand and keeping all; once more ends at once.",
            file=sys.stderr,
        )


def drop_stdout() -> None:
    """Has nothing written to stdout any more: else Python would try again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
