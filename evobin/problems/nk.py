"""NK landscapes: each sign's contribution depends on itself and k others."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_choice, check_range, check_shape
from evobin.core.compiled import CompiledProblem
from evobin.core.problem import Population, Scores, Solution
from evobin.core.samples import starts_of
from evobin.kernels.families import flips
from evobin.problems.exact import as_numbers, exact, sums

MAX_VALUES = 2**28
"""Numbers in all tables: 2 GiB."""
MAX_K = 24
KINDS = ("adjacent", "random")


class TableBox(NamedTuple):
    """Contributions looked up in tables.

    The contributions of sign i are owners[starts[i]:starts[i + 1]], and its bit in the row of each
    stands beside in `bits`; members [t, k], values [t, 2^k], and the present rows [t].
    """

    gains: NDArray[np.float64]
    signs: Solution
    starts: NDArray[np.int64]
    owners: NDArray[np.int64]
    bits: NDArray[np.int64]
    members: NDArray[np.int32]
    values: NDArray[np.float64]
    rows: NDArray[np.int64]


@flips(TableBox)
def flip_in_tables(box: TableBox, i: int) -> None:
    """Flips a sign and fixes the gains of all that share a contribution with it."""
    gains, signs, starts, owners, bits, members, values, rows = box
    signs[i] = -signs[i]
    for k in range(starts[i], starts[i + 1]):
        table = owners[k]
        value, before = values[table], rows[table]
        after = before ^ bits[k]
        rows[table] = after
        step = value[before] - value[after]
        for p in range(members.shape[1]):
            bit = 1 << p
            gains[members[table, p]] += step + value[after ^ bit] - value[before ^ bit]


class NKLandscape(CompiledProblem):
    """Maximises the mean of n contributions, each looked up by a sign and k others.

    A contribution's place in its table is the number whose bits, the sign's own first and lowest,
    are 1 for each +1. Values are uniform in [0, 1). Each divided by n is rounded to a multiple of
    about 2^-49 of the sum of all, so that scores and gains are exact and do not drift.

    Args:
        n: signs, at least 1.
        k: others that each contribution depends on, from 0 to n - 1 and to 24.
        seed: decides tables, and random neighbours.
        neighbours: "adjacent", the k signs that follow, around the end; or "random" ones.

    Raises:
        SettingError: if a setting is out of range.

    Source:
        Kauffman, Weinberger (1989), The NK model of rugged fitness landscapes and its application
        to maturation of the immune response, Journal of Theoretical Biology 141.

    Example:
        >>> problem = NKLandscape(n=20, k=3, seed=0)
        >>> state = problem.start(np.ones(20, np.int8))
        >>> before, gains = state.score, state.gains()
        >>> state.flip(7)
        >>> state.score - before == gains[7]
        np.True_
    """

    def __init__(self, n: int, k: int, seed: int = 0, neighbours: str = "adjacent") -> None:
        check_range("n", n, 1, 10_000_000)
        check_range("k", k, 0, min(n - 1, MAX_K))
        check_range("values in all tables, n * 2^(k+1),", n << (k + 1), 2, MAX_VALUES)
        check_choice("neighbours", neighbours, KINDS)
        rng = np.random.default_rng(seed)
        members = (np.arange(n)[:, None] + np.arange(k + 1)) % n
        if neighbours == "random":
            for i in range(n):
                others = rng.choice(n - 1, k, replace=False)
                members[i, 1:] = others + (others >= i)
        self._build(n, members, rng.random((n, 2 ** (k + 1))))

    @classmethod
    def from_tables(cls, n: int, members: Any, tables: Any) -> NKLandscape:
        """A landscape of own contributions, as many as there are rows; the score is their mean.

        Args:
            n: signs, at least 1.
            members: [rows, m] whole numbers from 0 to n - 1, no two in a row the same: the signs
                of each contribution, the lowest bit first. Not modified, as `tables`.
            tables: [rows, 2^m] of finite numbers.

        Raises:
            ValueError: if these are not that.
        """
        check_range("n", n, 1, 10_000_000)
        places, values = np.asarray(members), as_numbers("tables", tables)
        if places.dtype.kind not in "iu":
            raise ValueError(f"`members` must hold whole numbers, but it holds {places.dtype}.")
        check_shape("members", places, (None, None))
        check_range("signs of a contribution", places.shape[1], 1, MAX_K + 1)
        check_range("contributions", len(places), 1, MAX_VALUES)
        check_shape("tables", values, (len(places), 2 ** places.shape[1]))
        if places.min() < 0 or places.max() >= n:
            raise ValueError(f"`members` must hold numbers from 0 to {n - 1}; count from 0.")
        twice = (np.diff(np.sort(places, axis=1), axis=1) == 0).any(axis=1).nonzero()[0]
        if len(twice):
            raise ValueError(
                f"`members` must hold a sign once a row, but row {twice[0]} repeats one."
            )
        problem = cls.__new__(cls)
        problem._build(n, places, values)
        return problem

    def _build(self, n: int, members: NDArray[Any], values: NDArray[np.float64]) -> None:
        self.n = n
        self._members = members.astype(np.int32)
        (self._values,) = exact("tables", values / len(values))
        width = members.shape[1]
        self._bits = 1 << np.arange(width)
        order = np.argsort(self._members, axis=None, kind="stable")
        starts = starts_of(np.bincount(self._members.ravel(), minlength=n))
        self._uses = starts, order // width, self._bits[order % width]
        for array in (self._members, self._values, *self._uses):
            array.setflags(write=False)  # as workers get it: numba compiles again for another kind

    def score(self, population: Population) -> Scores:
        """As in `CompiledProblem`: the mean contribution."""
        owners = np.arange(len(self._members))
        rows = [self._rows(signs) for signs in self._check(population)]
        return np.array([self._values[owners, row].sum() for row in rows])

    def _rows(self, signs: Solution) -> NDArray[np.int64]:
        """[rows] int64: where each contribution stands in its table."""
        return (signs[self._members] > 0) @ self._bits

    def box(self, signs: Solution) -> TableBox:
        """As in `CompiledProblem`."""
        rows, owners = self._rows(signs), np.arange(len(self._members))
        now = self._values[owners, rows]
        flipped = self._values[owners[:, None], rows[:, None] ^ self._bits]
        steps = (flipped - now[:, None]).ravel()
        gains = sums(self._members.ravel(), steps, self.n)
        return TableBox(gains, signs, *self._uses, self._members, self._values, rows)
