"""Slow, obvious twins of compiled problems: sums over single terms, whole where given so."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Signs = NDArray[np.int8]


def qubo_energy(matrix: NDArray[Any], solution: Signs) -> float:
    """The energy x' Q x, x being 0 for -1 and 1 for +1."""
    x = [int(sign > 0) for sign in solution]
    n = len(x)
    return math.fsum(float(matrix[i, j]) * x[i] * x[j] for i in range(n) for j in range(n))


def ising_energy(couplings: NDArray[Any], fields: NDArray[Any], solution: Signs) -> float:
    """The energy s' J s + h' s."""
    s = solution.tolist()
    n = len(s)
    pairs = [float(couplings[i, j]) * s[i] * s[j] for i in range(n) for j in range(n)]
    return math.fsum(pairs + [float(fields[i]) * s[i] for i in range(n)])


def cut(weights: NDArray[Any], solution: Signs) -> float:
    """The weight of edges whose ends differ, each edge above the diagonal."""
    n = len(solution)
    edges = [(i, j) for i in range(n) for j in range(i + 1, n)]
    return math.fsum(float(weights[i, j]) for i, j in edges if solution[i] != solution[j])


def polynomial(
    terms: Mapping[tuple[int, ...], float], solution: Signs, *, bits: bool = False
) -> float:
    """The sum of coefficients times products of variables."""
    x = [int(sign > 0) if bits else int(sign) for sign in solution]
    return math.fsum(
        float(value) * math.prod(x[i] for i in product) for product, value in terms.items()
    )


def unsatisfied(clauses: Sequence[Sequence[int]], solution: Signs) -> list[int]:
    """Numbers of the clauses without a true literal."""
    return [
        number
        for number, clause in enumerate(clauses)
        if not any(solution[abs(literal) - 1] == np.sign(literal) for literal in clause)
    ]


def maxsat_score(
    clauses: Sequence[Sequence[int]], weights: Sequence[float], solution: Signs
) -> float:
    """Weight of satisfied soft clauses, less one more than all soft ones for each broken hard."""
    broken = set(unsatisfied(clauses, solution))
    soft = [weight for weight in weights if weight != math.inf]
    kept = [w for c, w in enumerate(weights) if w != math.inf and c not in broken]
    hard = sum(weights[c] == math.inf for c in broken)
    return math.fsum(kept) - hard * (1 + math.fsum(soft))


def nk_score(members: NDArray[Any], tables: NDArray[Any], solution: Signs) -> float:
    """Mean of what is looked up, the first member the lowest bit."""
    found = []
    for row, table in zip(members, tables, strict=True):
        place = sum(2**bit for bit, sign in enumerate(row) if solution[sign] > 0)
        found.append(float(table[place]))
    return math.fsum(found) / len(found)


def gains(score: Callable[[Signs], float], solution: Signs) -> list[float]:
    """The change of the score by each single flip."""
    before, changes = score(solution), []
    for i in range(len(solution)):
        flipped = solution.copy()
        flipped[i] *= -1
        changes.append(score(flipped) - before)
    return changes
