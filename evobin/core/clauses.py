"""Clauses as searches take them: hard ones, and soft ones with weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Clauses:
    """Clauses of at least one literal, none of them always true, no variable twice in one.

    Clause c has the variables members[ends[c]:ends[c + 1]], and is satisfied where one of them has
    the sign that stands in `signs` there. Variable i is in owners[starts[i]:starts[i + 1]], and
    wants to be `wants` there.

    All costs are whole numbers, so that any two can be told apart. A score is one float64, the
    nearest to (base - soft - hard * heavy) * unit: it never ranks a higher cost above a lower one,
    and it is exact up to 2^53 units.

    Attributes:
        ends: [m + 1] int64.
        members: [literals] int32, from 0.
        signs: [literals] int8.
        starts: [n + 1] int64.
        owners: [literals] int32.
        wants: [literals] int8.
        weights: [m] int64, in units; of a hard clause 0.
        hard: [m] bool.
        never: hard clauses, and weight of soft ones, that no solution satisfies.
        total: weight of all soft clauses, in units.
        heavy: what a broken hard clause costs, in units; more than `total`.
        base: score of a solution that breaks nothing, in units: `total` where all weights, hard
            clauses included, add up to 2^52 or less; else 0, so that low costs are exact.
        unit: of weights, a power of two; 1 where all are whole.
    """

    ends: Ints
    members: NDArray[np.int32]
    signs: NDArray[np.int8]
    starts: Ints
    owners: NDArray[np.int32]
    wants: NDArray[np.int8]
    weights: Ints
    hard: NDArray[np.bool_]
    never: tuple[int, int]
    total: int
    heavy: int
    base: int
    unit: float

    @property
    def n(self) -> int:
        """Variables."""
        return len(self.starts) - 1

    def score(self, hard: int, soft: int) -> float:
        """The score of a cost: hard clauses broken, and weight of soft ones, in units."""
        return float(self.base - soft - hard * self.heavy) * self.unit

    def broken(self, solution: NDArray[np.int8]) -> NDArray[np.bool_]:
        """[m] bool, which clauses a solution, [n] int8, does not satisfy."""
        if not len(self.hard):
            return np.zeros(0, bool)
        return ~np.logical_or.reduceat(solution[self.members] == self.signs, self.ends[:-1])

    def cost(self, solution: NDArray[np.int8]) -> tuple[int, int]:
        """Hard clauses that a solution breaks, and the weight of soft ones, `never` included."""
        broken = self.broken(solution)
        hard = int(np.count_nonzero(broken & self.hard))
        return self.never[0] + hard, self.never[1] + int(self.weights[broken].sum())
