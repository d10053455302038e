"""The largest cut of a graph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.core.problem import Solution
from evobin.files import write_text
from evobin.problems.exact import exact, sums
from evobin.problems.listings import read_listing
from evobin.problems.quadratic import Entries, Quadratic, Sense
from evobin.problems.text import plain, read_text

Ints = NDArray[np.int64]


class MaxCut(Quadratic):
    """Maximises the weight of the edges between two sides; a node's sign is its side.

    The score is the weight of the cut, which is `value` too; the energy is minus that. A solution
    and the one with all signs flipped are the same cut. What `QUBO` says of exact numbers and of
    lists holds here too: a graph of few edges is never made a matrix.

    Args:
        weights: [n, n] of finite numbers, an array or a sparse matrix of scipy, not modified: those
            of the edges, symmetric or with each edge on one side of the diagonal. What is on the
            diagonal is in no cut.

    Raises:
        ValueError: if `weights` is not that.

    Example:
        >>> square = MaxCut.from_entries(4, [0, 1, 2, 3], [1, 2, 3, 0], [1, 1, 1, 5])
        >>> square.value(np.array([1, -1, 1, -1])), square.value(np.array([1, 1, -1, -1]))
        (8.0, 6.0)
        >>> square.sides(np.array([1, 1, -1, -1]))
        (array([0, 1]), array([2, 3]))
    """

    sense: Sense = "max"
    mirrored = True

    def __init__(self, weights: Any) -> None:
        given = Entries.of("weights", weights)
        edges = given if isinstance(weights, Entries) else _edges(given)
        (values,) = exact("the cut", edges.values)
        pairs = replace(edges, values=values).pairs()
        # an edge of weight w is cut where x + y - 2 x y is 1: minus w x - w y + 2 w x y
        ends = np.concatenate([pairs.rows, pairs.cols])
        linear = -sums(ends, np.tile(pairs.values, 2), pairs.n)
        super().__init__(linear, replace(pairs, values=2 * pairs.values), 0.0)

    @classmethod
    def from_entries(cls, n: int, rows: Any, cols: Any, values: Any = None) -> MaxCut:
        """A graph from its edges, each once; one that comes twice is added up.

        Args:
            n: nodes, from 1 to 10 million.
            rows: [m] whole numbers from 0, one end of each edge; not modified, as the next two.
            cols: [m] whole numbers from 0, the other end.
            values: [m] finite numbers, the weights; all 1 by default.

        Raises:
            ValueError: if lengths differ, a node is outside, or a weight is no finite number.
        """
        weights = np.ones(len(rows)) if values is None else values
        return cls(Entries.of_lists(n, rows, cols, weights))

    @classmethod
    def load(cls, path: str | Path) -> MaxCut:
        """Reads a graph as Gset, rudy, Biq Mac and MQLib keep it, packed (gz, bz2, xz) or not.

        That is `n m`, then m lines `i j weight` from 1; without a weight, it is 1.

        Raises:
            EvobinError: if the file cannot be read, or is malformed; names the line.
        """
        path = Path(path)
        return cls(read_listing(path, read_text(path)).edges())

    def edges(self) -> Entries:
        """The edges, each once, `rows` below `cols`."""
        _, pairs, _ = self.terms()
        return replace(pairs, values=pairs.values / 2)

    def save(self, path: str | Path) -> None:
        """Writes a file that `load` reads.

        Raises:
            EvobinError: if the file cannot be written.
        """
        edges = self.edges()
        listed = zip(edges.rows.tolist(), edges.cols.tolist(), edges.values.tolist(), strict=True)
        lines = [f"{i + 1} {j + 1} {plain(weight)}" for i, j, weight in listed]
        write_text(Path(path), "\n".join([f"{self.n} {len(lines)}", *lines]) + "\n")

    def to_scipy(self) -> Any:
        """The weights as a sparse `coo_array`, upper triangular."""
        return self.edges().to_scipy()

    def sides(self, solution: Solution) -> tuple[Ints, Ints]:
        """The nodes of sign +1 and those of sign -1, from 0.

        Raises:
            ValueError: if `solution` is not [n] of -1 and +1.
        """
        self._check_one(solution)
        return np.flatnonzero(solution > 0), np.flatnonzero(solution < 0)


def _edges(weights: Entries) -> Entries:
    """Each edge of a matrix once.

    Raises:
        ValueError: if the two weights of an edge differ.
    """
    off = weights.rows != weights.cols
    rows, cols, values = weights.rows[off], weights.cols[off], weights.values[off]
    low, high = np.minimum(rows, cols), np.maximum(rows, cols)
    keys, place = np.unique(low * weights.n + high, return_inverse=True)
    above, below = (
        sums(place, np.where(side, values, 0.0), len(keys)) for side in (rows < cols, rows > cols)
    )
    low, high = keys // weights.n, keys % weights.n
    wrong = np.flatnonzero((above != 0) & (below != 0) & (above != below))
    if len(wrong):
        i, j = low[wrong[0]], high[wrong[0]]
        raise ValueError(
            f"`weights` must be symmetric or triangular, but [{i}, {j}] is {above[wrong[0]]} and "
            f"[{j}, {i}] is {below[wrong[0]]}; give each edge once."
        )
    return Entries(weights.n, low, high, np.where(above != 0, above, below))
