"""What a report is made of: sections of plots and tables, each with its numbers as csv."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

Shape = Literal["narrow", "wide", "pairs"]
"""Wide: over the whole page, and on a phone a list. Pairs: names and values without a head."""


@dataclass(frozen=True, slots=True, eq=False)
class Csv:
    """A table of numbers to keep, and the name of its file without `.csv`."""

    name: str
    table: pd.DataFrame

    @property
    def address(self) -> str:
        """The file as a data address, the numbers exact."""
        raw = self.table.to_csv(index=False).encode("utf-8", errors="backslashreplace")
        return f"data:text/csv;base64,{base64.b64encode(raw).decode()}"


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing, what to read from it, and its numbers."""

    title: str
    reading: str
    svg: str
    csv: Csv


@dataclass(frozen=True, slots=True)
class Grid:
    """A table, what to read from it, and its numbers.

    Attributes:
        title: of the table.
        reading: what to read from it.
        heads: names of the columns, by their names for machines.
        rows: as many values a row.
        csv: the numbers; None where the table is all there is.
        shape: how it is laid out.
    """

    title: str
    reading: str
    heads: Mapping[str, str]
    rows: Sequence[Sequence[object]]
    csv: Csv | None = None
    shape: Shape = "narrow"

    @classmethod
    def of(cls, title: str, reading: str, csv: Csv, shape: Shape) -> Grid:
        """A table that shows its numbers as they are."""
        heads = {str(column): str(column) for column in csv.table}
        return cls(title, reading, heads, list(csv.table.itertuples(index=False)), csv, shape)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what belongs to it: sentences, plots and tables; `anchor` is unique."""

    anchor: str
    title: str
    text: Sequence[str]
    blocks: Sequence[Plot | Grid] = ()
