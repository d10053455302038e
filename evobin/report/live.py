"""What displays in a terminal share."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console, RenderableType
from rich.live import Live

PLAIN_EVERY = 5.0
"""Seconds between lines where there is no terminal."""
WIDEST = 90
"""Columns that a bar fills at most."""


def begun_live(console: Console, render: Callable[[], RenderableType]) -> Live | None:
    """A part of the terminal that is drawn anew again and again; None where there is none."""
    if not console.is_terminal or console.is_dumb_terminal:
        return None
    live = Live(
        console=console,
        get_renderable=render,
        refresh_per_second=2,
        transient=True,
        redirect_stdout=False,
    )
    live.start()
    return live
