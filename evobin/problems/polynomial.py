"""Polynomials of any order over signs or bits (HUBO, PUBO)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_choice, check_range, check_shape
from evobin.core.compiled import CompiledProblem
from evobin.core.problem import Population, Scores, Solution
from evobin.core.samples import starts_of
from evobin.kernels.families import flips
from evobin.problems.exact import as_numbers, exact, smallest_dtypes, sums

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Over = Literal["signs", "bits"]

MAX_N = 10_000_000
"""Variables of a problem."""


class SignTermBox(NamedTuple):
    """Terms over signs.

    Sign i is in terms[starts[i]:starts[i + 1]]; term t has the variables
    members[ends[t]:ends[t + 1]], and is worth values[t] now: its coefficient, or minus that.
    """

    gains: NDArray[Any]
    signs: Solution
    starts: Ints
    terms: NDArray[np.int32]
    ends: Ints
    members: NDArray[np.int32]
    values: NDArray[Any]


class BitTermBox(NamedTuple):
    """Terms over bits.

    As `SignTermBox`, but that term t has a coefficient, so many variables that are 0, and the sum
    of these variables, which names a single one.
    """

    gains: NDArray[Any]
    signs: Solution
    starts: Ints
    terms: NDArray[np.int32]
    ends: Ints
    members: NDArray[np.int32]
    coefficients: NDArray[Any]
    zeros: NDArray[np.int32]
    sums: Ints


@flips(SignTermBox)
def flip_sign_terms(box: SignTermBox, i: int) -> None:
    """Flips a sign and fixes the gains of all members of its terms, whose values change sign."""
    gains, signs, starts, terms, ends, members, values = box
    for k in range(starts[i], starts[i + 1]):
        t = terms[k]
        value = values[t]
        values[t] = -value
        for m in range(ends[t], ends[t + 1]):
            gains[members[m]] -= 4 * value
    signs[i] = -signs[i]


@flips(BitTermBox)
def flip_bit_terms(box: BitTermBox, i: int) -> None:
    """Flips a bit and fixes the gains of its terms' variables, as far as these change."""
    gains, signs, starts, terms, ends, members, coefficients, zeros, sums = box
    for k in range(starts[i], starts[i + 1]):
        t = terms[k]
        value = coefficients[t]
        if signs[i] > 0:
            zeros[t] += 1
            if zeros[t] == 1:  # none but i brings the term back
                for m in range(ends[t], ends[t + 1]):
                    gains[members[m]] -= value
                gains[i] -= value
            elif zeros[t] == 2:
                gains[sums[t]] += value
            sums[t] += i
        else:
            zeros[t] -= 1
            sums[t] -= i
            if zeros[t] == 0:  # any of its variables takes the term away
                for m in range(ends[t], ends[t + 1]):
                    gains[members[m]] += value
                gains[i] += value
            elif zeros[t] == 1:
                gains[sums[t]] -= value
    signs[i] = -signs[i]


class Polynomial(CompiledProblem):
    """Minimises a polynomial: a sum of products of variables, each with a coefficient.

    Variables are the signs of a solution, -1 and +1, or bits: a solution's -1 is x = 0, its +1 is
    x = 1. Products may be of any order, also of different ones; the empty one is a constant. Over
    signs, a variable that comes twice in a product cancels out; over bits, it counts once. Products
    of the same variables, in whatever order, are added up. The score is minus the polynomial.

    A flip costs the members of the terms that a sign is in, over bits of those alone that change.
    Gains are int32 where all numbers are whole and fit, else float64; either is exact, for numbers
    whose sum float64 cannot hold exactly are rounded once, to about 2^-49 of that sum.

    Args:
        terms: from tuples of variables, counted from 0, to coefficients; not modified. A product of
            one variable may also be its number alone.
        n: variables; None for those that there are.
        over: "signs" or "bits".

    Raises:
        ValueError: if a variable is no whole number from 0 to n - 1, or a coefficient is no finite
            number.
        SettingError: if `n` or `over` is none.

    Example:
        >>> problem = Polynomial({(0, 1, 2): -2, (0,): 1, (): 5}, over="bits")
        >>> problem.n, problem.energy(np.array([1, 1, 1])), problem.energy(np.array([1, -1, 1]))
        (3, 4.0, 6.0)
        >>> Polynomial({(0, 1, 2): -2, (0, 0, 1): 1}).energy(np.array([-1, 1, -1]))
        -1.0
    """

    def __init__(
        self, terms: Mapping[Any, float], n: int | None = None, *, over: Over = "signs"
    ) -> None:
        products = [_variables(product) for product in terms]
        lengths = np.array([len(product) for product in products], np.int64)
        members = np.array([i for product in products for i in product] or [0])
        values = as_numbers("coefficients", list(terms.values()))
        self._build(members[: lengths.sum()], lengths, values, n, over)

    @classmethod
    def from_arrays(
        cls, members: Any, coefficients: Any, n: int | None = None, *, over: Over = "signs"
    ) -> Polynomial:
        """A polynomial of many terms, from arrays.

        Args:
            members: [terms, order] whole numbers: the variables of each term, counted from 0; -1
                where a term has fewer. Not modified, as the next.
            coefficients: [terms] numbers.
            n: as for the class, as the next.
            over: "signs" or "bits".

        Raises:
            ValueError: as the class, or if lengths differ.
            SettingError: as the class.

        Example:
            >>> problem = Polynomial.from_arrays([[0, 1, 2], [1, -1, -1]], [3.0, 1.0])
            >>> problem.to_dict()
            {(1,): 1.0, (0, 1, 2): 3.0}
        """
        places, values = np.asarray(members), as_numbers("coefficients", coefficients)
        check_shape("members", places, (len(values) if values.ndim else None, None))
        check_shape("coefficients", values, (len(places),))
        there = places != -1
        problem = cls.__new__(cls)
        problem._build(places[there], there.sum(axis=1), values, n, over)
        return problem

    def _build(
        self, members: NDArray[Any], lengths: Ints, values: Floats, n: int | None, over: Over
    ) -> None:
        check_choice("over", over, get_args(Over))
        if len(members) and members.dtype.kind not in "iu":
            raise ValueError(f"variables must be whole numbers, but they are {members.dtype}.")
        self.n = int(members.max(initial=0)) + 1 if n is None else n
        check_range("n", self.n, 1, MAX_N)
        wrong = np.flatnonzero((members < 0) | (members >= self.n))
        if len(wrong):
            raise ValueError(
                f"variables must be from 0 to {self.n - 1}, but one is {members[wrong[0]]}."
            )
        self._over = over
        places, sizes, numbers = _merged(members.astype(np.int64), lengths, values, over)
        (numbers,) = exact("coefficients", numbers)
        empty = sizes == 0
        self._offset = float(numbers[empty].sum())
        self._members, self._ends = places.astype(np.int32), starts_of(sizes[~empty])
        self._values = numbers[~empty]
        owners = np.repeat(np.arange(len(self._values)), sizes[~empty])
        bound = 2 * sums(places, np.abs(self._values)[owners], self.n)
        self._gain_type, _ = smallest_dtypes(bound, self._values)
        order = np.argsort(places, kind="stable")
        self._starts = starts_of(np.bincount(places, minlength=self.n))
        self._terms = owners[order].astype(np.int32)
        self._coefficients = self._values.astype(self._gain_type)
        for array in (self._members, self._ends, self._starts, self._terms, self._coefficients):
            array.setflags(write=False)  # as workers get it: numba compiles again for another kind

    def to_dict(self) -> dict[tuple[int, ...], float]:
        """The coefficients that are not 0, by the variables of each product, in ascending order."""
        members, ends = self._members.tolist(), self._ends.tolist()
        found: dict[tuple[int, ...], float] = {(): self._offset} if self._offset else {}
        for low, high, value in zip(ends, ends[1:], self._values.tolist(), strict=False):
            found[tuple(members[low:high])] = value
        return found

    def score(self, population: Population) -> Scores:
        """As in `CompiledProblem`: minus the polynomial."""
        energies = [
            self._offset + self._products(s) @ self._values for s in self._check(population)
        ]
        return 0.0 - np.array(energies, np.float64)  # never -0.0

    def energy(self, solution: Solution) -> float:
        """What is minimised; `score` is minus this.

        Raises:
            ValueError: if `solution` is not [n] of -1 and +1.
        """
        self._check_one(solution)
        return 0.0 - float(self.score(solution[None])[0])

    def _products(self, signs: Solution) -> Floats:
        """[terms] float64: the product of each term's variables."""
        if not len(self._values):
            return np.empty(0)
        each = signs[self._members]
        if self._over == "signs":
            found = np.multiply.reduceat(each, self._ends[:-1])
        else:
            found = np.logical_and.reduceat(each > 0, self._ends[:-1])
        return found.astype(np.float64)

    def box(self, signs: Solution) -> SignTermBox | BitTermBox:
        """As in `CompiledProblem`."""
        owners = np.repeat(np.arange(len(self._values)), np.diff(self._ends))
        shared = self._starts, self._terms, self._ends, self._members
        if self._over == "signs":
            values = self._products(signs) * self._values
            gains = 2 * sums(self._members, values[owners], self.n)
            kept = gains.astype(self._gain_type), signs, *shared
            return SignTermBox(*kept, values.astype(self._gain_type))
        off = signs[self._members] < 0
        zeros = np.bincount(owners[off], minlength=len(self._values))
        found = sums(owners[off], self._members[off], len(zeros)).astype(np.int64)
        gains = sums(self._members, self._values[owners] * (zeros[owners] == 0), self.n)
        alone = zeros == 1
        gains -= sums(found[alone], self._values[alone], self.n)
        kept = gains.astype(self._gain_type), signs, *shared
        return BitTermBox(*kept, self._coefficients, zeros.astype(np.int32), found)


def _variables(product: Any) -> tuple[Any, ...]:
    """The variables of a key."""
    return tuple(product) if isinstance(product, Iterable) else (product,)


def _merged(members: Ints, lengths: Ints, values: Floats, over: Over) -> tuple[Ints, Ints, Floats]:
    """Terms without repeated variables, each product once, shorter ones first.

    Returns:
        Members in ascending order, how many each term has, and coefficients, none of them 0.
    """
    owners = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((members, owners))
    members, owners = members[order], owners[order]
    new = np.ones(len(members), bool)
    new[1:] = (members[1:] != members[:-1]) | (owners[1:] != owners[:-1])
    if over == "signs":  # of each run of equal ones, the first stays where it is odd
        begins = np.flatnonzero(new)
        new[begins] = np.diff(np.append(begins, len(members))) % 2 == 1
    members, owners = members[new], owners[new]
    lengths = np.bincount(owners, minlength=len(lengths))
    starts = starts_of(lengths)
    parts = []
    for length in np.unique(lengths).tolist():
        which = np.flatnonzero(lengths == length)
        rows = members[starts[which][:, None] + np.arange(length)]
        if length:
            rows, place = np.unique(rows, axis=0, return_inverse=True)
        else:
            rows, place = rows[:1], np.zeros(len(which), np.int64)
        totals = sums(place.ravel(), values[which], len(rows))
        some = totals != 0
        parts.append((rows[some].ravel(), np.full(some.sum(), length), totals[some]))
    if not parts:
        return members, lengths, values
    found = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return found[0], found[1], found[2]
