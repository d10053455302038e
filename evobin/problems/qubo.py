"""Quadratic unconstrained binary optimisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from evobin.checks import check_choice
from evobin.core.problem import Solution
from evobin.extras import need
from evobin.files import write_text
from evobin.problems.exact import as_numbers, exact
from evobin.problems.labels import (
    Label,
    Terms,
    as_terms,
    check_labels,
    is_model,
    of_model,
    of_terms,
)
from evobin.problems.listings import read_listing
from evobin.problems.quadratic import Entries, Quadratic, Sense
from evobin.problems.text import plain, read_text


class QUBO(Quadratic):
    """Minimises x' Q x over x in {0, 1}^n; a solution's -1 is x = 0, its +1 is x = 1.

    Every entry of Q counts: what stands at [i, j] and at [j, i] is added up, and the diagonal is
    the linear part. The score is minus the energy. Where few pairs are coupled, they are held as
    lists. Gains are int32 where all numbers are whole and fit, else float64; either is exact, for
    numbers whose sum float64 cannot hold exactly are rounded once, to about 2^-49 of that sum.

    Args:
        matrix: [n, n] of finite numbers, not modified: an array, a sparse matrix of scipy, or a
            binary quadratic model of dimod, of either kind of variables.
        offset: what is added to x' Q x.
        sense: "max" maximises instead: then the score is x' Q x + offset, the energy minus that.
        variables: n names; by default those of the model, or the places from 0.

    Attributes:
        sense: as given.
        variables: as given.

    Raises:
        ValueError: if these are not that.

    Example:
        >>> import numpy as np
        >>> problem = QUBO([[-1, 3], [0, -2]])
        >>> problem.energy(np.array([1, 1])), problem.energy(np.array([-1, 1]))
        (0.0, -2.0)
        >>> QUBO.from_entries(2, [0, 0, 1], [0, 1, 1], [-1, 3, -2]).energy(np.array([-1, 1]))
        -2.0
        >>> named = QUBO.from_dict({("a", "a"): -1, ("a", "b"): 3, ("b", "b"): -2})
        >>> named.assignment(np.array([-1, 1]))
        {'a': 0, 'b': 1}
    """

    def __init__(
        self,
        matrix: Any,
        *,
        offset: float = 0.0,
        sense: Sense = "min",
        variables: Sequence[Label] | None = None,
    ) -> None:
        check_choice("sense", sense, get_args(Sense))
        if is_model(matrix):
            model = of_model(matrix, "BINARY")
            places = np.arange(model.entries.n)
            matrix = _joined(model.entries, Entries(model.entries.n, places, places, model.linear))
            offset, variables = offset + model.offset, variables or model.labels
        given = Entries.of("matrix", matrix)
        values, constant = exact("the energy", given.values, as_numbers("offset", [offset]))
        self.sense, self.variables = sense, check_labels(variables, given.n)
        sign = 1.0 if sense == "min" else -1.0
        entries = replace(given, values=sign * values)
        super().__init__(entries.diagonal(), entries.pairs(), sign * float(constant[0]))

    @classmethod
    def from_entries(
        cls, n: int, rows: Any, cols: Any, values: Any, *, sense: Sense = "min"
    ) -> QUBO:
        """A QUBO whose matrix is 0 but at some places; a place that comes twice is added up.

        Args:
            n: variables, from 1 to 10 million.
            rows: [m] whole numbers from 0; not modified, as the next two.
            cols: [m] whole numbers from 0.
            values: [m] finite numbers.
            sense: as in the class.

        Raises:
            ValueError: if lengths differ, a place is outside, or a value is no finite number.
        """
        return cls(Entries.of_lists(n, rows, cols, values), sense=sense)

    @classmethod
    def from_dict(cls, terms: Terms, *, offset: float = 0.0, sense: Sense = "min") -> QUBO:
        """A QUBO from numbers by pairs of variables, as dimod's and pyqubo's `to_qubo` return them.

        Args:
            terms: {(u, v): number}; (u, u) is linear, and (u, v) and (v, u) are added up. Variables
                that are whole numbers from 0 are places, others are placed as they come.
            offset: as in the class, as the next.
            sense: "min" or "max".

        Raises:
            ValueError: if a key is no pair, there is none, or a value is no finite number.
        """
        given = of_terms("terms", terms)
        return cls(given.entries, offset=offset, sense=sense, variables=given.labels)

    @classmethod
    def load(cls, path: str | Path, sense: Sense | None = None, number: int | None = None) -> QUBO:
        """Reads a QUBO from a file, whatever it is called, packed (gz, bz2, xz) or not.

        In the form of Beasley, OR-Library, Biq Mac and MQLib (`n m`, then `i j value` from 1) an
        entry with i < j stands once and counts twice. A file of qbsolv (`p qubo`) counts each
        entry once, from 0. Whether the value is to be small or large stands in no file.

        Args:
            path: the file.
            sense: "min" or "max", as the collection has it: Biq Mac and qbsolv minimise, OR-Library
                and MQLib maximise. None for "max" where the file begins with a number of problems,
                as those of OR-Library do, else for "min".
            number: which problem of a file of OR-Library that holds several, from 1.

        Raises:
            EvobinError: if the file cannot be read, or is malformed; names the line.
        """
        path = Path(path)
        listing = read_listing(path, read_text(path), number)
        return cls(listing.matrix(), sense=sense or listing.sense)

    def save(self, path: str | Path) -> None:
        """Writes a file: of qbsolv's form where it ends in .qubo, else `n m` and `i j value`.

        Such files have no offset, and no names.

        Raises:
            EvobinError: if the file cannot be written.
        """
        path, entries = Path(path), self._entries()
        order = np.lexsort((entries.cols, entries.rows, entries.rows != entries.cols))
        rows, cols, values = entries.rows[order], entries.cols[order], entries.values[order]
        own = int((rows == cols).sum())
        if path.suffix == ".qubo":
            head, base = f"p qubo 0 {self.n} {own} {len(rows) - own}", 0
        else:
            head, base = f"{self.n} {len(rows)}", 1
            values = np.where(rows == cols, values, values / 2)
        lines = [
            f"{i + base} {j + base} {plain(x)}"
            for i, j, x in zip(rows.tolist(), cols.tolist(), values.tolist(), strict=True)
        ]
        write_text(path, "\n".join([head, *lines]) + "\n")

    def assignment(self, solution: Solution) -> dict[Label, int]:
        """0 or 1 by the name of each variable.

        Raises:
            ValueError: if `solution` is not [n] of -1 and +1.
        """
        self._check_one(solution)
        return dict(zip(self.variables, (solution > 0).astype(int).tolist(), strict=True))

    @property
    def offset(self) -> float:
        """What is added to x' Q x."""
        return (1.0 if self.sense == "min" else -1.0) * self.terms()[2]

    def _entries(self) -> Entries:
        """Diagonal and pairs with i < j, as given, what is 0 left out."""
        linear, pairs, _ = self.terms()
        places = np.flatnonzero(linear)
        both = _joined(Entries(self.n, places, places, linear[places]), pairs)
        return replace(both, values=(1.0 if self.sense == "min" else -1.0) * both.values)

    def to_dict(self) -> dict[tuple[Label, Label], float]:
        """What `from_dict` reads: the diagonal, and pairs in order; without offset and sense."""
        return as_terms(self.variables, self._entries())

    def to_scipy(self) -> Any:
        """Q as a sparse `coo_array`, upper triangular; without offset and sense."""
        return self._entries().to_scipy()

    def to_dimod(self) -> Any:
        """A binary quadratic model of dimod; its energy is this one's, which is minimised."""
        dimod = need("dimod", "dimod", "to_dimod")
        linear, pairs, offset = self.terms()
        named = dict(zip(self.variables, linear.tolist(), strict=True))
        return dimod.BinaryQuadraticModel(named, as_terms(self.variables, pairs), offset, "BINARY")


def _joined(a: Entries, b: Entries) -> Entries:
    parts = ((getattr(a, name), getattr(b, name)) for name in ("rows", "cols", "values"))
    rows, cols, values = (np.concatenate(part) for part in parts)
    return Entries(a.n, rows, cols, values)
