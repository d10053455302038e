"""Ising spins with couplings and fields."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from evobin.checks import check_shape
from evobin.problems.exact import as_numbers, exact, sums
from evobin.problems.quadratic import Entries, Quadratic


class Ising(Quadratic):
    """Minimises s' J s + h' s over s in {-1, +1}^n.

    Every entry of J counts: a pair that stands at [i, j] and at [j, i] counts twice, so give each
    once for the usual sum over i < j (the convention of dwave's samplers). The diagonal adds a
    constant. Signs are as written: a positive coupling wants its spins to differ; a physicist's
    energy - sum J s s - sum h s is that of -J and -h. The score is minus the energy. What
    `QUBO` says of exact numbers and of lists holds here too.

    Args:
        couplings: [n, n] of finite numbers; not modified.
        fields: [n] of finite numbers; not modified. All 0 by default.

    Raises:
        ValueError: if these are not that.

    Example:
        >>> problem = Ising([[0, 1], [0, 0]], [0.5, 0])
        >>> problem.energy(np.array([-1, 1])), problem.energy(np.array([1, 1]))
        (-1.5, 1.5)
    """

    def __init__(self, couplings: Any, fields: Any = None) -> None:
        given = Entries.of("couplings", couplings)
        n = given.n
        numbers = np.zeros(n) if fields is None else as_numbers("fields", fields)
        check_shape("fields", numbers, (n,))
        values, h = exact("the energy", given.values, numbers, times=4)
        entries = replace(given, values=values)
        pairs = entries.pairs()
        # With s = 2 x - 1, J s s' is 4 J x x' - 2 J x - 2 J x' + J, and h s is 2 h x - h.
        ends = np.concatenate([pairs.rows, pairs.cols])
        linear = 2 * h - 2 * sums(ends, np.tile(pairs.values, 2), n)
        offset = float(entries.diagonal().sum() + pairs.values.sum() - h.sum())
        super().__init__(linear, replace(pairs, values=4 * pairs.values), offset)

    @classmethod
    def from_entries(cls, n: int, rows: Any, cols: Any, values: Any, fields: Any = None) -> Ising:
        """As `QUBO.from_entries`, with [n] fields, all 0 by default."""
        return cls(Entries.of_lists(n, rows, cols, values), fields)
