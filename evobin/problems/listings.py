"""Reads files that list the entries of a matrix: graphs and QUBOs, a line an entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from evobin.errors import EvobinError
from evobin.problems.quadratic import MAX_N, Entries, Sense
from evobin.problems.text import shown

Form = Literal["pairs", "library", "qbsolv"]
"""`n m`, then `i j value`; several of these after their number; qbsolv's `p qubo`."""
Line = tuple[int, list[str]]
COMMENTS = ("c", "#", "//")
MOST_DIGITS = 300
"""Longest number that is read: Python refuses to read whole numbers of more than 4,300 digits."""


class Shape(NamedTuple):
    """What the header of a listing says.

    Attributes:
        line: of the header, from 1.
        n: variables or nodes.
        size: entries that follow.
        base: number of the first variable, 0 or 1.
    """

    line: int
    n: int
    size: int
    base: int


@dataclass(slots=True)
class Listing:
    """The entries of a file as they stand there.

    Attributes:
        path: the file.
        form: how it is written.
        shape: what its header says.
        rows: of each entry, from 0.
        cols: of each entry, from 0.
        values: of each entry, 1 where the file has none.
        lines: of each entry, from 1.
    """

    path: Path
    form: Form
    shape: Shape
    rows: list[int] = field(default_factory=list)
    cols: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    @property
    def sense(self) -> Sense:
        """What such files mean as QUBOs where nobody says it: OR-Library maximises."""
        return "max" if self.form == "library" else "min"

    @property
    def loop(self) -> int | None:
        """The place of the first entry on the diagonal; None where there is none."""
        pairs = enumerate(zip(self.rows, self.cols, strict=True))
        return next((place for place, (row, col) in pairs if row == col), None)

    def edges(self) -> Entries:
        """The entries as edges of a graph, each once.

        Raises:
            EvobinError: if one leads from a node to itself.
        """
        if (place := self.loop) is not None:
            node = self.rows[place] + self.shape.base
            raise EvobinError(
                f"{self.path}, line {self.lines[place]}: found an edge from {node} to itself; as a "
                "QUBO, it would be an entry on the diagonal."
            )
        return self._entries(1.0)

    def matrix(self) -> Entries:
        """The entries of x'Qx: in `pairs` and `library`, one with i < j stands for [j, i] too."""
        return self._entries(1.0 if self.form == "qbsolv" else 2.0)

    def _entries(self, times: float) -> Entries:
        rows, cols = np.array(self.rows, np.int64), np.array(self.cols, np.int64)
        values = np.array(self.values, np.float64)
        values[rows != cols] *= times
        return Entries(self.shape.n, rows, cols, values)


def read_listing(path: Path, text: str, number: int | None = None) -> Listing:
    """Reads a listing.

    Lines that are blank or begin with `c`, `#` or `//` are skipped. Three forms are understood:

        n m             rudy, Gset, Biq Mac, MQLib: then m lines `i j value`, from 1; without a
                        value, it is 1
        k               OR-Library: then k times the above
        p qubo 0 N a b  qbsolv: then a + b lines `i j value`, from 0

    Args:
        path: where the text is from, for messages.
        text: of the whole file.
        number: which problem of an OR-Library file, from 1; it may be left out where there is one.

    Raises:
        EvobinError: if it is malformed; names the line.
    """
    lines = _lines(text)
    at, words = next(lines, (0, []))
    if not words:
        raise EvobinError(f"{path}: is empty; name the file of a problem.")
    if words[0] == "p":
        listing = Listing(path, "qbsolv", _program(path, at, words))
    elif len(words) == 1:
        first = _whole(path, at, words[0], "the number of problems", 10_000)
        listing = Listing(path, "library", _chosen(path, lines, first, number))
    else:
        listing = Listing(path, "pairs", _header(path, at, words))
    if number is not None and listing.form != "library":
        raise EvobinError(f"{path}: holds one problem, not several; leave `number` out.")
    _read_entries(listing, lines)
    if listing.form != "library" and (more := next(lines, None)) is not None:
        _refuse_count(listing, listing.shape.size + 1 + sum(1 for _ in lines), more[0])
    return listing


def _lines(text: str) -> Iterator[Line]:
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if words and not words[0].startswith(COMMENTS):
            yield number, words


def _whole(path: Path, line: int, word: str, what: str, most: int) -> int:
    digits = word.isascii() and word.isdigit() and len(word) < MOST_DIGITS
    if not digits or not 1 <= int(word) <= most:
        raise EvobinError(
            f"{path}, line {line}: expected {what}, from 1 to {most:,}, found {shown(word)}."
        )
    return int(word)


def _header(path: Path, line: int, words: list[str]) -> Shape:
    counts = [int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 16]
    if len(words) != 2 or len(counts) != 2:
        raise EvobinError(
            f"{path}, line {line}: expected `n m`, how many nodes or variables and how many lines "
            f"follow, found {shown(' '.join(words))}."
        )
    _whole(path, line, words[0], "the number of nodes or variables", MAX_N)
    return Shape(line, counts[0], counts[1], 1)


def _program(path: Path, line: int, words: list[str]) -> Shape:
    """The header of qbsolv: topology, variables, entries on the diagonal and off it."""
    counts = [int(word) for word in words[3:] if word.isascii() and word.isdigit()]
    if words[1:2] != ["qubo"] or len(words) != 6 or len(counts) != 3:
        raise EvobinError(
            f"{path}, line {line}: expected `p qubo 0 VARIABLES DIAGONAL PAIRS`, found "
            f"{shown(' '.join(words))}."
        )
    _whole(path, line, words[3], "the number of variables", MAX_N)
    return Shape(line, counts[0], counts[1] + counts[2], 0)


def _chosen(path: Path, lines: Iterator[Line], several: int, number: int | None) -> Shape:
    """The header of the chosen problem of an OR-Library file; those before it are skipped."""
    place, shape = 1, _next_header(path, lines, 1)
    if number is None and several > 1:
        raise EvobinError(f"{path}: holds {several} problems; say which one by its number, from 1.")
    if number is not None and not 1 <= number <= several:
        raise EvobinError(f"{path}: holds {several} problems, but number {number} is asked for.")
    while place < (number or 1):
        for _ in zip(range(shape.size), lines, strict=False):
            pass
        place += 1
        shape = _next_header(path, lines, place)
    return shape


def _next_header(path: Path, lines: Iterator[Line], place: int) -> Shape:
    at, words = next(lines, (0, []))
    if not words:
        raise EvobinError(f"{path}: ends before problem {place}; get the whole file.")
    return _header(path, at, words)


def _read_entries(listing: Listing, lines: Iterator[Line]) -> None:
    n, base, size = listing.shape.n, listing.shape.base, listing.shape.size
    rows, cols, values, at = listing.rows, listing.cols, listing.values, listing.lines
    low, high = base, n - 1 + base
    for _, (line, words) in zip(range(size), lines, strict=False):
        try:
            i, j = int(words[0]), int(words[1])
            value = float(words[2]) if len(words) > 2 else 1.0
        except (ValueError, IndexError):
            raise _wrong(listing, line, words) from None
        fits = low <= i <= high and low <= j <= high and len(words) <= 3
        if not (fits and isfinite(value)) or "_" in "".join(words):  # Python reads 1_000
            raise _wrong(listing, line, words)
        rows.append(i - base)
        cols.append(j - base)
        values.append(value)
        at.append(line)
    if len(rows) < size:
        _refuse_count(listing, len(rows), listing.shape.line)


def _wrong(listing: Listing, line: int, words: list[str]) -> EvobinError:
    """Says what is wrong with a line that holds no entry."""
    shape, text = listing.shape, shown(" ".join(words))
    places = [word for word in words[:2] if word.removeprefix("-").isdigit()]
    outside = [word for word in places if not 0 <= int(word[:18]) - shape.base < shape.n]
    if len(words) in (2, 3) and len(places) == 2 and outside:
        told = (
            f"numbers go from {shape.base} to {shape.n - 1 + shape.base}, found {shown(outside[0])}"
        )
    else:
        told = f"expected `i j value`, two whole numbers and a finite number, found {text}"
    return EvobinError(f"{listing.path}, line {line}: {told}; fix the line, or get the file again.")


def _refuse_count(listing: Listing, found: int, line: int) -> None:
    shape = listing.shape
    raise EvobinError(
        f"{listing.path}, line {line}: the header in line {shape.line} announces {shape.size:,} "
        f"lines of entries, but {found:,} are there; fix the header, or get the whole file."
    )
