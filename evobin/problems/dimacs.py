"""DIMACS files, read and written: cnf, wcnf in its old form (`p wcnf`) and its new one (`h`)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.errors import EvobinError, several
from evobin.files import reading
from evobin.problems.packed import unpacked

MAX_N = 10_000_000
"""Variables of a formula."""
MAX_WEIGHT = 2**63 - 1
_SHOWN = 20  # characters of a wrong word
_WHOLE = re.compile(r"-?[0-9]{1,30}")
_DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]*)?([eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """Clauses as they stand in a file.

    Attributes:
        n: variables.
        literals: [literals] int32, of all clauses, one after the other; -3 is "variable 3 is
            false".
        lengths: [m] int64, literals of each clause.
        weights: [m] int64, or float64 where some are not whole; of a hard clause 0.
        hard: [m] bool.
    """

    n: int
    literals: NDArray[np.int32]
    lengths: NDArray[np.int64]
    weights: NDArray[Any]
    hard: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Header:
    """What a `p` line says: `top` is the weight from which a clause is hard, infinite for none."""

    n: int
    clauses: int
    weighted: bool
    top: float

    @classmethod
    def of(cls, words: list[str]) -> Header | None:
        """The header in the words of a line that begins with `p`; None if it is none."""
        weighted = words[1:2] == ["wcnf"]
        fits = len(words) in ((4, 5) if weighted else (4,))
        if words[1:2] not in (["cnf"], ["wcnf"]) or not fits:
            return None
        if not all(_WHOLE.fullmatch(word) and word[0] != "-" for word in words[2:]):
            return None
        counts = [int(word) for word in words[2:]]
        return cls(counts[0], counts[1], weighted, counts[2] if len(counts) == 3 else math.inf)


Scanner = Callable[[bytes, bool], Formula | None]


def read_dimacs(path: Path, scan: Scanner | None = None) -> Formula:
    """Reads a formula.

    Comments (`c ...`), clauses over several lines and several on one, and the `%` that ends some
    old files are understood. In a `p wcnf` file a clause is hard whose weight is the header's top
    or more; in a file without a `p` line, one that begins with `h`. A cnf's clauses all weigh 1,
    and a file that is named `.cnf` must have its `p` line, for without one its first literals
    would be weights. Weights may be 0, and need not be whole. A file may be packed by gzip, bzip2
    or xz, whatever its name.

    Args:
        path: the file.
        scan: reads a well-formed file fast, and returns None for any other; its arguments are the
            text, and whether it must have a header.

    Raises:
        EvobinError: if the file cannot be read, or is malformed; names each wrong line.
    """
    with reading(path, "name another file"):
        text = unpacked(path.read_bytes())
    named = [ending for ending in path.suffixes if ending in (".cnf", ".wcnf")][-1:] == [".cnf"]
    if scan is not None and (found := scan(text, named)) is not None:
        return found
    reader = _Reader(path, named)
    for number, line in enumerate(text.decode("utf-8", "replace").split("\n"), 1):
        words = line.split()
        if words and words[0][0] == "%":
            break
        if words and words[0][0] != "c":
            reader.read(number, words)
    return reader.end()


class _Reader:
    """Takes a file's lines one after the other; what is wrong is reported together at the end."""

    def __init__(self, path: Path, named: bool) -> None:
        self._path, self._named = path, named
        self._literals: list[int] = []
        self._lengths: list[int] = []
        self._weights: list[float] = []
        self._problems: list[str] = []
        self._header: Header | None = None
        self._header_line = 0, ""  # its number and its text
        self._begun = 0  # line where the present clause began; 0 = between clauses
        self._size = 0  # literals of the present clause
        self._line = 0

    def _at(self, text: str) -> str:
        return f"{self._path}, line {self._line}: {text}"

    def read(self, line: int, words: list[str]) -> None:
        """A line that is neither blank nor a comment."""
        self._line = line
        if words[0] == "p":
            self._read_header(words)
            return
        if not self._header and self._named:
            expected = "expected `p cnf VARIABLES CLAUSES` before all clauses"
            raise EvobinError(self._at(f"{expected}, found {_shown(' '.join(words))}."))
        try:
            for word in words:
                self._read_word(word)
        except ValueError as error:
            # What follows in this line would be misread: the next line begins a clause.
            self._problems.append(str(error))
            self._close()

    def _read_word(self, word: str) -> None:
        if not self._begun:
            self._begun = self._line
            weighted = self._header is None or self._header.weighted
            self._weights.append(self._weight(word) if weighted else 1)
            if weighted:
                return
        if not _WHOLE.fullmatch(word):
            raise ValueError(self._at(f"expected a literal, found {_shown(word)}."))
        literal = int(word)
        if literal == 0:
            self._close()
        else:
            self._add(literal)

    def _read_header(self, words: list[str]) -> None:
        text = " ".join(words)
        if self._header or self._lengths or self._begun:
            before = f"that of line {self._header_line[0]}" if self._header else "clauses"
            advice = "name a file that begins with its only one"
            raise EvobinError(self._at(f"found a header after {before}; {advice}."))
        header = Header.of(words)
        if header is None:
            expected = "`p cnf VARIABLES CLAUSES` or `p wcnf VARIABLES CLAUSES TOP`"
            raise EvobinError(self._at(f"expected {expected}, found {_shown(text)}."))
        if not 1 <= header.n <= MAX_N:
            raise EvobinError(self._at(f"announces {header.n} variables; expected 1 to {MAX_N:,}."))
        self._header, self._header_line = header, (self._line, text)

    def _weight(self, word: str) -> float:
        """Of a soft clause; infinite for a hard one."""
        if word == "h" and not self._header:
            return math.inf
        if not _DECIMAL.fullmatch(word):
            raise ValueError(self._at(f"expected a weight, found {_shown(word)}."))
        weight = int(word) if _WHOLE.fullmatch(word) else float(word)
        if self._header and weight >= self._header.top:
            return math.inf
        if not 0 <= weight <= MAX_WEIGHT:
            raise ValueError(
                self._at(f"expected a weight from 0 to 2^63 - 1, found {_shown(word)}.")
            )
        return weight

    def _add(self, literal: int) -> None:
        limit, what = MAX_N, "at most {:,} are read"
        if self._header:
            limit, what = self._header.n, "the header announces {:,}"
        if abs(literal) > limit:
            raise ValueError(self._at(f"found variable {abs(literal)}, but {what.format(limit)}."))
        self._literals.append(literal)
        self._size += 1

    def _close(self) -> None:
        self._lengths.append(self._size)
        self._size = self._begun = 0

    def end(self) -> Formula:
        """The formula, if nothing was wrong."""
        problems = self._problems
        if self._begun:
            problems.append(
                f"{self._path}, line {self._begun}: the clause that begins here lacks its final 0; "
                "the file may be cut off."
            )
        elif self._header and not problems and len(self._lengths) != self._header.clauses:
            number, text = self._header_line
            problems.append(
                f"{self._path}, line {number}: {_shown(text)} announces {self._header.clauses} "
                f"clauses, but {len(self._lengths)} are there; fix the header, or get the whole "
                "file."
            )
        if not (problems or self._lengths):
            problems.append(f"{self._path}: holds no clause; name a cnf or wcnf file.")
        if problems:
            raise several(f"{self._path} has {len(problems)} problems", problems)
        n = self._header.n if self._header else max(map(abs, self._literals), default=1)
        hard = np.array([weight == math.inf for weight in self._weights], bool)
        weights = [0 if weight == math.inf else weight for weight in self._weights]
        return Formula(
            n, np.array(self._literals, np.int32), np.array(self._lengths, np.int64),
            np.array(weights), hard,
        )  # fmt: skip


def _shown(word: str) -> str:
    return repr(word if len(word) <= 2 * _SHOWN else word[: 2 * _SHOWN] + "...")


def dimacs_of(formula: Formula, *, old: bool = False) -> bytes:
    """The text of a file that holds a formula.

    Args:
        formula: not modified.
        old: whether a weighted one is written in the old form, with its header and its top.

    Returns:
        A cnf where no clause is hard and all weigh 1; else a wcnf.

    Raises:
        EvobinError: if the old form is asked for weights that add up to 2^63 or more, or that are
            not whole; the text lacks its subject.
    """
    numbers = formula.literals.astype("U11").tolist()
    ends = np.cumsum(formula.lengths).tolist()
    clauses = [
        " ".join([*numbers[end - length : end], "0"])
        for end, length in zip(ends, formula.lengths.tolist(), strict=True)
    ]
    header, hard, weights = "", formula.hard.tolist(), formula.weights.tolist()
    if not any(hard) and bool((formula.weights == 1).all()):
        lines = clauses
        header = f"p cnf {formula.n} {len(clauses)}\n"
    else:
        top = "h"
        if old:
            limit = sum(weights) + 1
            if formula.weights.dtype.kind != "i" or limit > MAX_WEIGHT:
                raise EvobinError("weights must be whole for the old form; use the new one.")
            top = str(limit)
            header = f"p wcnf {formula.n} {len(clauses)} {top}\n"
        firsts = [top if is_hard else w for is_hard, w in zip(hard, weights, strict=True)]
        lines = [f"{first} {clause}" for first, clause in zip(firsts, clauses, strict=True)]
    return (header + "\n".join([*lines, ""])).encode()
