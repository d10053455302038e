"""What QUBO and Ising problems share: a quadratic energy of pairs, dense or sparse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_range, check_shape
from evobin.core.compiled import CompiledProblem
from evobin.core.problem import Population, Scores, Solution
from evobin.kernels.families import flips
from evobin.problems.exact import as_numbers, smallest_dtypes, sums

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Sense = Literal["min", "max"]
"""Whether a problem's own value is to be small or large."""

MAX_N = 10_000_000
"""Variables of a problem."""
DENSE_FROM = 0.08
"""Share of pairs from which a whole row is updated quicker than a list of neighbours."""
MAX_DENSE = 20_000
"""Variables up to which all pairs are held: 0.8 to 3.2 GB."""
ROWS = 256
"""Rows of a dense matrix that are converted to float64 at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Numbers at places of an [n, n] matrix; a place may come more than once.

    Attributes:
        n: side of the matrix.
        rows: [m] int64.
        cols: [m] int64.
        values: [m] float64.
    """

    n: int
    rows: Ints
    cols: Ints
    values: Floats

    def __post_init__(self) -> None:
        check_range("n", self.n, 1, MAX_N)

    @classmethod
    def of(cls, name: str, matrix: Any) -> Entries:
        """The entries of a matrix that are not 0; entries stay as they are.

        A sparse matrix of scipy is never made dense; one of its entries may come more than once.

        Raises:
            ValueError: if it is not square, is empty, or holds what is no finite number.
        """
        if isinstance(matrix, Entries):
            return matrix
        if hasattr(matrix, "tocoo"):  # nothing of scipy is imported
            listed = matrix.tocoo()
            check_shape(name, listed, (None, listed.shape[0]))
            places = listed.row.astype(np.int64), listed.col.astype(np.int64)
            return cls(listed.shape[0], *places, as_numbers(name, listed.data))
        numbers = as_numbers(name, matrix)
        check_shape(name, numbers, (None, len(numbers) if numbers.ndim else None))
        rows, cols = np.nonzero(numbers)
        return cls(len(numbers), rows, cols, numbers[rows, cols])

    @classmethod
    def of_lists(cls, n: int, rows: Any, cols: Any, values: Any) -> Entries:
        """Entries from lists of one length.

        Raises:
            ValueError: if lengths differ, a place is outside, or a value is no finite number.
        """
        numbers = as_numbers("values", values)
        check_shape("values", numbers, (None,))
        places = []
        for name, given in (("rows", rows), ("cols", cols)):
            array = np.asarray(given)
            check_shape(name, array, (len(numbers),))
            if len(array) and array.dtype.kind not in "iu":
                raise ValueError(f"`{name}` must hold whole numbers, but it holds {array.dtype}.")
            wrong = np.flatnonzero((array < 0) | (array >= n))
            if len(wrong):
                raise ValueError(
                    f"`{name}` must hold numbers from 0 to {n - 1}, but it holds "
                    f"{array[wrong[0]]} at index {wrong[0]}."
                )
            places.append(array.astype(np.int64))
        return cls(n, places[0], places[1], numbers)

    def diagonal(self) -> Floats:
        """[n] float64."""
        on = self.rows == self.cols
        return sums(self.rows[on], self.values[on], self.n)

    def pairs(self) -> Entries:
        """The others, each pair once, `rows` below `cols`, those of both directions added up."""
        off = self.rows != self.cols
        low = np.minimum(self.rows[off], self.cols[off])
        high = np.maximum(self.rows[off], self.cols[off])
        keys, place = np.unique(low * self.n + high, return_inverse=True)
        values = sums(place, self.values[off], len(keys))
        some = values != 0
        return Entries(self.n, keys[some] // self.n, keys[some] % self.n, values[some])

    def to_scipy(self) -> Any:
        """A sparse `coo_array` of scipy, which comes with scikit-learn."""
        from scipy.sparse import coo_array  # noqa: PLC0415  # not for who never asks

        return coo_array((self.values, (self.rows, self.cols)), shape=(self.n, self.n))


class DenseBox(NamedTuple):
    """All couplings: [n, n]."""

    gains: NDArray[Any]
    signs: Solution
    couplings: NDArray[Any]


class SparseBox(NamedTuple):
    """The couplings of each sign: those from starts[i] to starts[i + 1]."""

    gains: NDArray[Any]
    signs: Solution
    starts: Ints
    neighbours: NDArray[np.uint32]
    couplings: NDArray[Any]


@flips(DenseBox)
def flip_dense(box: DenseBox, i: int) -> None:
    """Flips a sign and fixes all gains; costs a row."""
    gains, signs, couplings = box
    row, own = couplings[i], gains[i]
    signs[i] = -signs[i]
    sign = signs[i]
    for j in range(len(gains)):
        gains[j] += sign * signs[j] * row[j]
    gains[i] = -own


@flips(SparseBox)
def flip_sparse(box: SparseBox, i: int) -> None:
    """Flips a sign and fixes the gains of its neighbours; costs as many."""
    gains, signs, starts, neighbours, couplings = box
    signs[i] = -signs[i]
    sign = signs[i]
    row, weights = neighbours[starts[i] : starts[i + 1]], couplings[starts[i] : starts[i + 1]]
    for k in range(len(row)):
        j = row[k]
        gains[j] += sign * signs[j] * weights[k]
    gains[i] = -gains[i]


class Quadratic(CompiledProblem):
    """Minimises offset + sum_i linear_i x_i + sum_(i<j) w_ij x_i x_j; x = (1 + solution) / 2.

    Args:
        linear: [n] float64, exact.
        pairs: the w_ij, exact, i below j, each pair once.
        offset: exact.

    Attributes:
        sense: whether `value`, the problem's own number, is to be small or large.
    """

    sense: Sense = "min"

    def __init__(self, linear: Floats, pairs: Entries, offset: float) -> None:
        self.n = pairs.n
        self._linear, self._offset = linear, offset
        ends = np.concatenate([pairs.rows, pairs.cols]), np.concatenate([pairs.cols, pairs.rows])
        values = np.tile(pairs.values, 2)
        bound = np.abs(linear) + sums(ends[0], np.abs(values), self.n)
        self._gain_type, kind = smallest_dtypes(bound, values)
        dense = len(values) >= DENSE_FROM * self.n**2 and self.n <= MAX_DENSE
        self._couplings: tuple[NDArray[Any], ...]
        if dense:
            matrix = np.zeros((self.n, self.n), kind)
            matrix[ends] = values
            self._couplings = (matrix,)
        else:
            order = np.lexsort(ends[::-1])
            starts = np.searchsorted(ends[0][order], np.arange(self.n + 1))
            # unsigned: numba tests signed ones for being negative
            neighbours = ends[1][order].astype(np.uint32)
            self._couplings = (starts, neighbours, values[order].astype(kind))
        for array in self._couplings:
            array.setflags(write=False)  # as workers get it: numba compiles again for another kind

    def score(self, population: Population) -> Scores:
        """As in `CompiledProblem`: minus the energy."""
        x = (self._check(population) > 0).astype(np.float64)
        twice = x * (2 * self._linear + self._fields(x))
        energies: Scores = self._offset + twice.sum(axis=1) / 2
        return 0.0 - energies  # never -0.0

    def energy(self, solution: Solution) -> float:
        """What is minimised; `score` is minus this.

        Raises:
            ValueError: if `solution` is not [n] of -1 and +1.
        """
        self._check_one(solution)
        return 0.0 - float(self.score(solution[None])[0])

    def value(self, solution: Solution) -> float:
        """The problem's own number for a solution: its energy, or minus that where `sense` is max.

        Raises:
            ValueError: if `solution` is not [n] of -1 and +1.
        """
        energy = self.energy(solution)
        return energy if self.sense == "min" else 0.0 - energy

    def terms(self) -> tuple[Floats, Entries, float]:
        """Linear, pairs and offset of what is minimised, as in `Quadratic`."""
        if len(self._couplings) == 1:
            rows, cols = np.nonzero(np.triu(self._couplings[0]))
            values = self._couplings[0][rows, cols]
        else:
            starts, neighbours, values = self._couplings
            rows, cols = np.repeat(np.arange(self.n), np.diff(starts)), neighbours.astype(np.int64)
            once = rows < cols
            rows, cols, values = rows[once], cols[once], values[once]
        return self._linear, Entries(self.n, rows, cols, values.astype(np.float64)), self._offset

    def _fields(self, x: Floats) -> Floats:
        """[k, n] float64: sum_j w_ij x_j, for x [k, n] of 0 and 1."""
        if len(self._couplings) == 1:
            (matrix,) = self._couplings
            blocks = range(0, self.n, ROWS)
            parts = [x @ matrix[low : low + ROWS].T.astype(np.float64) for low in blocks]
            return np.concatenate(parts, axis=1)
        starts, neighbours, values = self._couplings
        owners = np.repeat(np.arange(self.n), np.diff(starts))
        each = [sums(owners, values * row[neighbours], self.n) for row in x]
        return np.array(each).reshape(x.shape)

    def box(self, signs: Solution) -> DenseBox | SparseBox:
        """As in `CompiledProblem`."""
        x = (signs[None] > 0).astype(np.float64)
        gains = signs * (self._linear + self._fields(x)[0])
        kind = DenseBox if len(self._couplings) == 1 else SparseBox
        return kind(gains.astype(self._gain_type), signs, *self._couplings)
