"""Maximum satisfiability, weighted, with hard clauses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.core.clauses import Clauses
from evobin.core.compiled import CompiledProblem
from evobin.core.problem import FlipState, Population, Scores, Solution, Structure
from evobin.errors import EvobinError
from evobin.files import write_bytes
from evobin.kernels.clauses import cost_changes
from evobin.kernels.families import flips
from evobin.problems.clause_building import clauses_of, formula_of
from evobin.problems.dimacs import Formula, dimacs_of, read_dimacs
from evobin.problems.dimacs_scan import scan_dimacs
from evobin.problems.exact import smallest_dtypes, sums

Ints = NDArray[np.int64]


class Cost(NamedTuple):
    """What a solution leaves unsatisfied: hard clauses, and the weight of soft ones.

    The weight is a whole number, and exact, where all weights are whole.
    """

    hard: int
    soft: float


class ClauseBox(NamedTuple):
    """Weighted clauses.

    Sign i is in clauses[starts[i]:starts[i + 1]] and wants to be `wants` there; clause c has the
    variables members[ends[c]:ends[c + 1]], a weight, so many true literals, and the sum of their
    variables, which names the variable of a single one.
    """

    gains: NDArray[Any]
    signs: Solution
    starts: Ints
    clauses: NDArray[np.int32]
    wants: NDArray[np.int8]
    ends: Ints
    members: NDArray[np.int32]
    weights: NDArray[Any]
    counts: NDArray[np.int32]
    sums: Ints


@flips(ClauseBox)
def flip_in_clauses(box: ClauseBox, i: int) -> None:
    """Flips a sign and fixes the gains of its clauses' variables, as far as these change."""
    gains, signs, starts, clauses, wants, ends, members, weights, counts, sums = box
    for k in range(starts[i], starts[i + 1]):
        c = clauses[k]
        weight = weights[c]
        if wants[k] == signs[i]:
            counts[c] -= 1
            sums[c] -= i
            if counts[c] == 1:  # the one left breaks the clause from now on
                gains[sums[c]] -= weight
            elif counts[c] == 0:  # any of its variables makes it; i no longer breaks it
                for m in range(ends[c], ends[c + 1]):
                    gains[members[m]] += weight
                gains[i] += weight
        else:
            counts[c] += 1
            if counts[c] == 2:
                gains[sums[c]] += weight
            elif counts[c] == 1:
                for m in range(ends[c], ends[c + 1]):
                    gains[members[m]] -= weight
                gains[i] -= weight
            sums[c] += i
    signs[i] = -signs[i]


class MaxSat(CompiledProblem):
    """Maximises the weight of satisfied clauses.

    The score is the weight of satisfied soft clauses, less, for each hard clause that is not
    satisfied, one more than all soft ones weigh together: no violation ever pays. Literal 3 is true
    where the solution's third sign is +1, literal -3 where it is -1. A literal that comes twice in
    a clause counts once; a clause with both signs of a variable is always satisfied.

    Whole weights stay as they are, and costs are exact. Where all weights, hard clauses included,
    add up to more than 2^52, the score is minus what is broken, so that 0 is the best: the float64
    nearest to that exact number, which is exact itself for low costs, and never ranks a worse
    solution above a better one. Annealing, tabu and descent then go flip by flip, outside compiled
    code; `clause-weighting` is as fast as ever. Weights that are not whole are rounded once so that
    no sum is.

    Args:
        n: variables, at least 1.
        clauses: of literals, -n to n without 0; not modified, as the next.
        weights: of each clause, at least 0 and below 2^63; infinite for a hard one. All 1 by
            default. A list keeps whole numbers exact beside infinities, a float64 array does not.

    Raises:
        ValueError: if a literal or weight is none.
        EvobinError: if the weights of soft clauses add up to 2^63 or more.

    Example:
        >>> problem = MaxSat(2, [[1, 2], [-1], [-2]], weights=[np.inf, 2, 3])
        >>> problem.score(np.array([[1, -1], [-1, -1]], np.int8)).tolist()
        [3.0, -1.0]
        >>> problem.cost(np.array([1, -1])), problem.broken(np.array([1, -1])).tolist()
        (Cost(hard=0, soft=2), [1])
    """

    def __init__(self, n: int, clauses: Sequence[Sequence[int]], weights: Any = None) -> None:
        self._build(formula_of(n, clauses, weights))

    @classmethod
    def load(cls, path: str | Path) -> MaxSat:
        """Reads a DIMACS cnf or wcnf file; see `evobin.problems.dimacs.read_dimacs`.

        Raises:
            EvobinError: if the file cannot be read, or is malformed; names each wrong line.
        """
        problem = cls.__new__(cls)
        formula = read_dimacs(Path(path), scan_dimacs)
        try:
            problem._build(formula)
        except EvobinError as error:
            raise EvobinError(f"{path}: {error}") from error
        return problem

    def save(self, path: str | Path, *, old: bool = False) -> None:
        """Writes the clauses, as they were given, to a file that `load` reads.

        A cnf where no clause is hard and all weigh 1, else a wcnf.

        Args:
            path: the file; replaced if it is there.
            old: whether a wcnf is written in the form that has a header, for old solvers.

        Raises:
            EvobinError: if the file cannot be written, or the old form cannot hold the weights.
        """
        try:
            text = dimacs_of(self._formula, old=old)
        except EvobinError as error:
            raise EvobinError(f"{path}: {error}") from error
        write_bytes(Path(path), text)

    def _build(self, formula: Formula) -> None:
        self.n = formula.n
        self._formula = formula
        clauses = self._clauses = clauses_of(formula)
        self._fits = clauses.base == clauses.total
        if self._fits:
            self._weights = np.where(clauses.hard, clauses.heavy, clauses.weights) * clauses.unit
            each = np.repeat(self._weights, np.diff(clauses.ends))
            bound = sums(clauses.members, each, self.n)
            self._gain_type, kind = smallest_dtypes(bound, self._weights)
            self._kept = self._weights.astype(kind)
            self._kept.setflags(write=False)

    @property
    def structure(self) -> Structure:
        """The clauses."""
        return Structure(clauses=self._clauses)

    def score(self, population: Population) -> Scores:
        """As in `CompiledProblem`; see the class."""
        clauses = self._clauses
        costs = [clauses.cost(signs) for signs in self._check(population)]
        return np.array([clauses.score(*cost) for cost in costs], np.float64)

    def cost(self, solution: Solution) -> Cost:
        """What a solution leaves unsatisfied; for a cnf, `soft` counts the clauses.

        Raises:
            ValueError: if `solution` is not [n] of -1 and +1.
        """
        self._check_one(solution)
        hard, soft = self._clauses.cost(solution)
        unit = self._clauses.unit
        return Cost(hard, soft if unit == 1 else soft * unit)

    def broken(self, solution: Solution) -> Ints:
        """[k] int64: the clauses that a solution does not satisfy, counted from 0 as given.

        Raises:
            ValueError: if `solution` is not [n] of -1 and +1.
        """
        self._check_one(solution)
        literals, lengths = self._formula.literals, self._formula.lengths
        true = (solution[np.abs(literals) - 1] > 0) == (literals > 0)
        owners = np.repeat(np.arange(len(lengths)), lengths)
        return np.flatnonzero(np.bincount(owners[true], minlength=len(lengths)) == 0)

    def start(self, solution: Solution) -> FlipState:
        """As in `CompiledProblem`."""
        if self._fits:
            return super().start(solution)
        self._check_one(solution)
        return ClauseState(self._clauses, solution)

    def box(self, signs: Solution) -> ClauseBox:
        """As in `CompiledProblem`, where weights are small enough for exact gains."""
        clauses = self._clauses
        true = signs[clauses.members] == clauses.signs
        owners = np.repeat(np.arange(len(clauses.hard)), np.diff(clauses.ends))
        counts = np.bincount(owners[true], minlength=len(clauses.hard))
        found = sums(owners[true], clauses.members[true], len(counts)).astype(np.int64)
        makes = self._weights[owners] * (counts[owners] == 0)
        gains = sums(clauses.members, makes, self.n)
        breaks = counts == 1
        gains -= sums(found[breaks], self._weights[breaks], self.n)
        return ClauseBox(
            gains.astype(self._gain_type), signs, clauses.starts, clauses.owners, clauses.wants,
            clauses.ends, clauses.members, self._kept, counts.astype(np.int32), found,
        )  # fmt: skip


class ClauseState(FlipState):
    """One solution, its cost kept in whole numbers that no float64 could hold."""

    def __init__(self, clauses: Clauses, solution: Solution) -> None:
        self._clauses = clauses
        self._signs = solution.astype(np.int8)
        true = self._signs[clauses.members] == clauses.signs
        owners = np.repeat(np.arange(len(clauses.hard)), np.diff(clauses.ends))
        self._counts = np.bincount(owners[true], minlength=len(clauses.hard)).astype(np.int32)
        self._hard, self._soft = clauses.cost(self._signs)

    @property
    def score(self) -> float:
        """As in `FlipState`."""
        return self._clauses.score(self._hard, self._soft)

    @property
    def solution(self) -> Solution:
        """As in `FlipState`."""
        return self._signs.copy()

    def scores(self, indices: Iterable[int]) -> Scores:
        """As in `FlipState`, from the clauses of each sign."""
        places = np.array([self._place(index) for index in indices], np.int64)
        hard, soft, score = self._hard, self._soft, self._clauses.score
        changes = self._changes(places).tolist()
        return np.array([score(hard + more, soft + weight) for more, weight in changes], np.float64)

    def flip(self, index: int) -> None:
        """As in `FlipState`."""
        place = self._place(index)
        ((hard, soft),) = self._changes(np.array([place])).tolist()
        low, high = self._clauses.starts[place : place + 2]
        step = np.where(self._clauses.wants[low:high] == self._signs[place], -1, 1)
        self._counts[self._clauses.owners[low:high]] += step.astype(np.int32)
        self._signs[place] *= -1
        self._hard, self._soft = self._hard + hard, self._soft + soft

    def _place(self, index: int) -> int:
        n = len(self._signs)
        if not 0 <= index < n:
            raise IndexError(f"`index` must be from 0 to {n - 1}, but it is {index}.")
        return int(index)

    def _changes(self, places: Ints) -> Ints:
        clauses = self._clauses
        uses = clauses.starts, clauses.owners, clauses.wants
        return cost_changes(*uses, clauses.weights, clauses.hard, self._counts, self._signs, places)
