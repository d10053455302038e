"""What a report is made of: sections of plots and tables, each with its numbers as csv."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd


@dataclass(frozen=True, slots=True)
class Csv:
    """Numbers to keep: a file name, and the file as a data address."""

    name: str
    address: str

    @classmethod
    def of(cls, name: str, table: pd.DataFrame) -> Csv:
        """The numbers of a table, exactly."""
        raw = table.to_csv(index=False).encode("utf-8", errors="backslashreplace")
        return cls(f"{name}.csv", f"data:text/csv;base64,{base64.b64encode(raw).decode()}")


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
        heads: names of the columns.
        keys: the same for machines.
        rows: as many texts a row.
        csv: the numbers; None where the table is all there is.
        shape: "narrow"; "wide", over the whole page and on a phone a list; or "pairs", names and
            values without a head.
    """

    title: str
    reading: str
    heads: Sequence[str]
    keys: Sequence[str]
    rows: Sequence[Sequence[str]]
    csv: Csv | None = None
    shape: Literal["narrow", "wide", "pairs"] = "narrow"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what belongs to it.

    Attributes:
        anchor: unique on the page.
        title: the heading.
        text: sentences.
        blocks: plots and tables.
    """

    anchor: str
    title: str
    text: Sequence[str]
    blocks: Sequence[Plot | Grid] = ()
