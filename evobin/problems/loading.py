"""Problem files of any form: what is in one is found by its content, never by its name."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal, get_args

from evobin.checks import check_choice
from evobin.errors import EvobinError, SettingError
from evobin.problems.listings import read_listing
from evobin.problems.maxcut import MaxCut
from evobin.problems.maxsat import MaxSat
from evobin.problems.quadratic import Sense
from evobin.problems.qubo import QUBO
from evobin.problems.text import read_text, shown

Kind = Literal["cut", "qubo", "sat"]
"""The largest cut of a graph, a QUBO, a formula."""
FORMS = (
    "a graph (`n m`, then `i j weight`), a QUBO (the same, or `p qubo`), or a formula (`p cnf`, "
    "`p wcnf`, or clauses that begin with `h`)"
)


def load_problem(
    path: str | Path,
    *,
    kind: Kind | None = None,
    sense: Sense | None = None,
    number: int | None = None,
) -> MaxCut | MaxSat | QUBO:
    r"""Reads a problem: a graph to cut, a QUBO or a formula, packed (gz, bz2, xz) or not.

    Files of graphs and of QUBOs look alike: `n m`, then `i j value`. One with an entry on the
    diagonal is a QUBO, for no edge leads from a node to itself; else it is a graph. Only `kind`
    can say that a QUBO has nothing on its diagonal.

    Args:
        path: the file; see `MaxCut.load`, `QUBO.load` and `MaxSat.load`.
        kind: "cut", "qubo" or "sat"; None to see by the content.
        sense: of a QUBO; see `QUBO.load`. A cut is maximised, and a formula's cost minimised.
        number: as in `QUBO.load`.

    Raises:
        EvobinError: if the file cannot be read, or is malformed; names the line.
        SettingError: if an argument is unknown, or not for such a file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "triangle")
        >>> _ = path.write_text("3 3\n1 2 1\n1 3 1\n2 3 5\n")
        >>> load_problem(path).n, type(load_problem(path, kind="qubo")).__name__
        (3, 'QUBO')
    """
    path = Path(path)
    for name, value, choices in (("kind", kind, get_args(Kind)), ("sense", sense, get_args(Sense))):
        if value is not None:
            check_choice(name, value, choices)
    text = read_text(path)
    if kind == "sat" or (kind is None and _is_formula(path, text)):
        _check_for_qubo("a formula's cost is always minimised", sense, number)
        return MaxSat.load(path)
    listing = read_listing(path, text, number)
    is_graph = listing.form == "pairs" and listing.loop is None if kind is None else kind == "cut"
    if is_graph:
        _check_for_qubo("a cut is always maximised", sense, number)
        return MaxCut(listing.edges())
    return QUBO(listing.matrix(), sense=sense or listing.sense)


def _check_for_qubo(told: str, sense: Sense | None, number: int | None) -> None:
    if sense is not None:
        raise SettingError(f"`sense` is for a QUBO, but {told}; leave it out.")
    if number is not None:
        raise SettingError("`number` is for a file of several problems; leave it out.")


def _is_formula(path: Path, text: str) -> bool:
    """Whether a text is a formula, by its first line that is no comment."""
    for number, line in enumerate(io.StringIO(text), 1):  # of most, the first few decide
        words = line.split()
        if not words or words[0][0] in "c#" or words[0].startswith("//"):
            continue
        if words[0] == "p":
            return words[1:2] != ["qubo"]
        if words[0] == "h" or (words[-1] == "0" and len(words) > 2):
            return True
        if len(words) <= 2 and all(word.isascii() and word.isdigit() for word in words):
            return False
        raise EvobinError(
            f"{path}, line {number}: expected {FORMS}, found {shown(line.strip())}; name the file "
            "of such a problem."
        )
    raise EvobinError(f"{path}: is empty; name the file of a problem.")
