"""Words and numbers as a person reads them."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

PARTS = {"train": "training", "valid": "held out", "test": "test"}
"""The names of the parts, as a person reads them."""
CLASSES = 12  # classes whose confusion is shown whole; of more, the most common mistakes are
MISTAKES = 20  # mistakes that are listed


def percent(value: float) -> str:
    """A share as a percentage, such as 97.51%."""
    return f"{100 * value:.2f}%"


def percents(low: float, high: float) -> str:
    """A confidence interval as percentages, such as 91.00% to 99.12%."""
    return f"{percent(low)} to {percent(high)}"


def mistakes(confusion: Iterable[Iterable[int]]) -> list[tuple[int, int, int]]:
    """Label, wrong prediction, and how many samples; the most common first.

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


def write_table(
    console: Console, title: str, heads: Iterable[str], rows: Iterable[Iterable[object]]
) -> None:
    """A table under a title; texts stand in it as they are."""
    table = Table(*(Column(Text(head)) for head in heads), title=Text(title), title_justify="left")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console.print(table)


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
