"""Words and numbers as a person reads them."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

CLASSES = 12
"""Classes whose confusion is shown whole; of more, the most common mistakes are."""
MISTAKES = 20
"""Mistakes that are listed."""


def percent(value: float) -> str:
    """A share as a percentage.

    Example:
        >>> percent(0.97512)
        '97.51%'
    """
    return f"{100 * value:.2f}%"


def percents(low: float, high: float) -> str:
    """A confidence interval as percentages.

    Example:
        >>> percents(0.91, 0.9912)
        '91.00% to 99.12%'
    """
    return f"{percent(low)} to {percent(high)}"


def mistakes(confusion: Iterable[Iterable[int]]) -> list[tuple[int, int, int]]:
    """Label, wrong prediction, and how many samples, of those that there are; the most first.

    Args:
        confusion: samples by label and predicted label.

    Example:
        >>> mistakes([[5, 1, 0], [0, 4, 0], [0, 2, 3]])
        [(2, 1, 2), (0, 1, 1)]
    """
    found = [
        (label, predicted, n)
        for label, row in enumerate(confusion)
        for predicted, n in enumerate(row)
        if n and predicted != label
    ]
    return sorted(found, key=lambda mistake: -mistake[2])


def write_line(console: Console, text: str) -> None:
    """One line as it is: names that users give may look like markup."""
    console.print(Text(text), soft_wrap=True)


def write_words(console: Console, text: str) -> None:
    """One line in a log; in a terminal, wrapped between words."""
    console.print(Text(text), soft_wrap=not console.is_terminal)


def duration(seconds: float) -> str:
    """A time as a person says it.

    Example:
        >>> duration(45.4), duration(200), duration(7500)
        ('45 s', '3 min 20 s', '2 h 05 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
