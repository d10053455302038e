"""Reads DIMACS files: cnf, and wcnf in its old form (`p wcnf`) and its new one (`h`)."""

from __future__ import annotations

import bz2
import gzip
import lzma
import math
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from evobin.errors import EvobinError, several
from evobin.files import reading

MAX_N = 10_000_000
"""Variables of a formula."""
MAX_WEIGHT = 2**63 - 1
PACKED = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ": lzma.decompress}
"""How a packed file begins, and what unpacks it."""
_SHOWN = 20  # characters of a wrong word


@dataclass(slots=True)
class Formula:
    """Clauses as they stand in a file.

    Attributes:
        n: variables.
        literals: of all clauses, one after the other; -3 is "variable 3 is false".
        lengths: literals of each clause.
        weights: of each clause; infinite for a hard one.
    """

    n: int = 0
    literals: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)


def read_dimacs(path: Path) -> Formula:
    """Reads a formula.

    Comments (`c ...`), clauses over several lines and several on one, and the `%` that ends some
    old files are understood. In a `p wcnf` file a clause is hard whose weight is the header's top
    or more; in a file without a `p` line, one that begins with `h`. A cnf's clauses all weigh 1,
    and a file whose name ends in `.cnf` must have its `p` line. A file may be packed by gzip, bzip2
    or xz, as collections publish them.

    Raises:
        EvobinError: if the file cannot be read, or is malformed; names each wrong line.
    """
    with reading(path, "name another file"):
        text = _unpacked(path.read_bytes()).decode("utf-8", "replace")
    reader = _Reader(path)
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if words and words[0][0] == "%":
            break
        if words and words[0][0] != "c":
            reader.read(number, words)
    return reader.end()


def _unpacked(raw: bytes) -> bytes:
    for beginning, unpack in PACKED.items():
        if raw.startswith(beginning):
            try:
                return unpack(raw)
            except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
                raise EvobinError("is packed, and damaged; fetch it again.") from error
    return raw


class _Reader:
    """Takes a file's lines one after the other; what is wrong is reported together at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._formula = Formula()
        self._problems: list[str] = []
        self._header: tuple[int, str] | None = None  # its line, and the line's text
        self._clauses = -1  # announced
        self._weighted, self._top = True, MAX_WEIGHT + 1
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
        if not self._header and ".cnf" in self._path.suffixes[-2:]:
            # as the new wcnf form its first literals would be weights
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
            self._formula.weights.append(self._weight(word) if self._weighted else 1)
            if self._weighted:
                return
        literal = self._number(word, "a literal")
        if literal == 0:
            self._close()
        else:
            self._add(literal)

    def _read_header(self, words: list[str]) -> None:
        self._weighted = words[1:2] == ["wcnf"]
        text = " ".join(words)
        fits = len(words) in ((4, 5) if self._weighted else (4,))
        digits = [word for word in words[2:] if word.isascii() and word.isdigit()]
        counts = [int(word) for word in digits if len(word) < _SHOWN]
        if self._header or self._formula.lengths or self._begun:
            before = f"that of line {self._header[0]}" if self._header else "clauses"
            advice = "name a file that begins with its only one"
            raise EvobinError(self._at(f"found a header after {before}; {advice}."))
        if words[1:2] not in (["cnf"], ["wcnf"]) or not fits or len(counts) != len(words) - 2:
            expected = "`p cnf VARIABLES CLAUSES` or `p wcnf VARIABLES CLAUSES TOP`"
            raise EvobinError(self._at(f"expected {expected}, found {_shown(text)}."))
        self._header = self._line, text
        self._formula.n, self._clauses = counts[:2]
        self._top = counts[2] if len(counts) == 3 else self._top
        if not 1 <= self._formula.n <= MAX_N:
            raise EvobinError(
                self._at(f"announces {counts[0]} variables; expected 1 to {MAX_N:,}.")
            )

    def _weight(self, word: str) -> float:
        if word == "h" and not self._header:
            return math.inf
        weight = self._number(word, "a weight")
        if not 1 <= weight <= max(MAX_WEIGHT, self._top):
            raise ValueError(
                self._at(f"expected a weight from 1 to 2^63 - 1, found {_shown(word)}.")
            )
        return weight if weight < self._top else math.inf

    def _number(self, word: str, what: str) -> int:
        digits = word.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < _SHOWN):
            raise ValueError(self._at(f"expected {what}, found {_shown(word)}."))
        return int(word)

    def _add(self, literal: int) -> None:
        limit, what = MAX_N, "at most {:,} are read"
        if self._header:
            limit, what = self._formula.n, "the header announces {:,}"
        if abs(literal) > limit:
            raise ValueError(self._at(f"found variable {abs(literal)}, but {what.format(limit)}."))
        self._formula.literals.append(literal)
        self._size += 1

    def _close(self) -> None:
        self._formula.lengths.append(self._size)
        self._size = self._begun = 0

    def end(self) -> Formula:
        """The formula, if nothing was wrong."""
        formula, problems = self._formula, self._problems
        if self._begun:
            problems.append(
                f"{self._path}, line {self._begun}: the clause that begins here lacks its final 0; "
                "the file may be cut off."
            )
        elif self._header and not problems and len(formula.lengths) != self._clauses:
            number, text = self._header
            problems.append(
                f"{self._path}, line {number}: {_shown(text)} announces {self._clauses} clauses, "
                f"but {len(formula.lengths)} are there; fix the header, or get the whole file."
            )
        if not (problems or formula.lengths):
            problems.append(f"{self._path}: holds no clause; name a cnf or wcnf file.")
        if problems:
            raise several(f"{self._path} has {len(problems)} problems", problems)
        if not self._header:
            formula.n = max(map(abs, formula.literals), default=1)
        return formula


def _shown(word: str) -> str:
    return repr(word if len(word) <= 2 * _SHOWN else word[: 2 * _SHOWN] + "...")
