"""Maximum satisfiability, weighted, with hard clauses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_range, check_shape
from evobin.core.compiled import CompiledProblem
from evobin.core.problem import Population, Scores, Solution
from evobin.core.samples import starts_of
from evobin.errors import EvobinError
from evobin.kernels.families import flips
from evobin.problems.dimacs import MAX_N, Formula, read_dimacs
from evobin.problems.exact import as_numbers, exact, smallest_dtypes, sums

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MAX_TOTAL = 2.0**52
"""Weight of all clauses, the hard ones included: scores up to it are exact in float64."""


class Cost(NamedTuple):
    """What a solution leaves unsatisfied: hard clauses, and the weight of soft ones."""

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

    Args:
        n: variables, at least 1.
        clauses: of literals, -n to n without 0; not modified, as the next.
        weights: of each clause, positive; infinite for a hard one. All 1 by default. Whole weights
            are kept as they are; others are rounded once so that no sum is.

    Raises:
        ValueError: if a literal or weight is none.
        EvobinError: if the weights, hard clauses included, add up to more than 2^52.

    Example:
        >>> problem = MaxSat(2, [[1, 2], [-1], [-2]], weights=[np.inf, 2, 3])
        >>> problem.score(np.array([[1, -1], [-1, -1]], np.int8)).tolist()
        [3.0, -1.0]
        >>> problem.cost(np.array([1, -1]))
        Cost(hard=0, soft=2.0)
    """

    def __init__(self, n: int, clauses: Sequence[Sequence[int]], weights: Any = None) -> None:
        check_range("n", n, 1, MAX_N)
        lengths = np.array([len(clause) for clause in clauses], np.int64)
        literals = np.array([literal for clause in clauses for literal in clause] or [1])
        if literals.dtype.kind not in "iu":
            raise ValueError(f"`clauses` must hold whole numbers, but it holds {literals.dtype}.")
        literals = literals[: lengths.sum()].astype(np.int64)
        wrong = np.flatnonzero((literals == 0) | (abs(literals) > n))
        if len(wrong):
            clause = np.searchsorted(np.cumsum(lengths), wrong[0], side="right")
            raise ValueError(
                f"`clauses` must hold literals from -{n} to {n} without 0, but clause {clause} "
                f"(counted from 0) holds {literals[wrong[0]]}."
            )
        weights = np.ones(len(clauses)) if weights is None else np.asarray(weights, np.float64)
        as_numbers("weights", np.where(np.isposinf(weights), 1.0, weights))
        check_shape("weights", weights, (len(clauses),))
        if not (weights > 0).all():
            raise ValueError(f"`weights` must be positive, but the lowest is {weights.min()}.")
        self._build(n, literals, lengths, weights)

    @classmethod
    def load(cls, path: str | Path) -> MaxSat:
        """Reads a DIMACS cnf or wcnf file; see `evobin.problems.dimacs.read_dimacs`.

        Raises:
            EvobinError: if the file cannot be read, or is malformed; names each wrong line.
        """
        formula: Formula = read_dimacs(Path(path))
        weights = np.array(formula.weights, np.float64)
        literals, lengths = np.array(formula.literals, np.int64), np.array(formula.lengths)
        problem = cls.__new__(cls)
        try:
            problem._build(formula.n, literals, lengths, weights)
        except EvobinError as error:
            raise EvobinError(f"{path}: {error}") from error
        return problem

    def _build(self, n: int, literals: Ints, lengths: Ints, weights: Floats) -> None:
        self.n = n
        hard = np.isposinf(weights)
        heavy = 1 + float(weights[~hard].sum())
        if heavy * (1 + int(hard.sum())) > MAX_TOTAL:
            raise EvobinError(
                "the weights, hard clauses counted as one more than all soft ones, add up to more "
                "than 2^52; divide the soft weights by a common number."
            )
        weights = np.where(hard, heavy, weights)
        if (weights != np.rint(weights)).any():
            (weights,) = exact("weights", weights)
        self._hard_weight = float(weights[hard].max(initial=0.0))
        owners = np.repeat(np.arange(len(lengths)), lengths)
        keys = np.unique(owners * (2 * n) + 2 * (abs(literals) - 1) + (literals > 0))
        owners, variables, wants = keys // (2 * n), keys // 2 % n, keys % 2
        both = owners[1:][(keys[1:] // 2 == keys[:-1] // 2)]
        always = np.zeros(len(lengths), bool)
        always[both] = True
        self._always = float(weights[always & ~hard].sum())
        kept = ~always[owners]
        owners, variables, wants = owners[kept], variables[kept], wants[kept]
        used, place = np.unique(owners, return_inverse=True)
        never = ~always
        never[used] = False
        self._never = int((never & hard).sum()), float(weights[never & ~hard].sum())
        self._offset = self._always - self._hard_weight * int(hard[~always].sum())
        self._hard = hard[used]
        self._ends = starts_of(np.bincount(place, minlength=len(used)))
        self._variables, self._wants = variables, np.where(wants, 1, -1).astype(np.int8)
        self._owners = place
        self._weights = weights[used]
        self._set_uses()

    def _set_uses(self) -> None:
        """What the kernels need: the clauses of each variable, in small kinds of numbers."""
        each = self._weights[self._owners]
        bound = sums(self._variables, each, self.n)
        self._gain_type, kind = smallest_dtypes(bound, self._weights)
        order = np.argsort(self._variables, kind="stable")
        self._uses = (
            starts_of(np.bincount(self._variables, minlength=self.n)),
            self._owners[order].astype(np.int32),
            self._wants[order],
            self._ends,
            self._variables.astype(np.int32),
            self._weights.astype(kind),
        )
        for array in self._uses:
            array.setflags(write=False)  # as workers get it: numba compiles again for another kind

    def score(self, population: Population) -> Scores:
        """As in `CompiledProblem`; see the class."""
        made = [self._true_literals(signs) > 0 for signs in self._check(population)]
        return self._offset + np.array([self._weights[row].sum() for row in made])

    def cost(self, solution: Solution) -> Cost:
        """What a solution leaves unsatisfied; for a cnf, `soft` counts the clauses.

        Raises:
            ValueError: if `solution` is not [n] of -1 and +1.
        """
        self._check_one(solution)
        broken = self._true_literals(solution) == 0
        hard, soft = self._never
        return Cost(
            hard + int((broken & self._hard).sum()),
            soft + float(self._weights[broken & ~self._hard].sum()),
        )

    def _true_literals(self, signs: Solution) -> Ints:
        """[clauses] int64."""
        true = signs[self._variables] == self._wants
        return np.bincount(self._owners[true], minlength=len(self._weights))

    def box(self, signs: Solution) -> ClauseBox:
        """As in `CompiledProblem`."""
        true = signs[self._variables] == self._wants
        counts = self._true_literals(signs)
        found = sums(self._owners[true], self._variables[true], len(counts))
        makes = self._weights[self._owners] * (counts[self._owners] == 0)
        gains = sums(self._variables, makes, self.n)
        breaks = counts == 1
        gains -= sums(found[breaks].astype(np.int64), self._weights[breaks], self.n)
        state = counts.astype(np.int32), found.astype(np.int64)
        return ClauseBox(gains.astype(self._gain_type), signs, *self._uses, *state)
