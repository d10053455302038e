"""Quadratic unconstrained binary optimisation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from evobin.problems.exact import exact
from evobin.problems.quadratic import Entries, Quadratic


class QUBO(Quadratic):
    """Minimises x' Q x over x in {0, 1}^n; a solution's -1 is x = 0, its +1 is x = 1.

    Every entry of Q counts: what stands at [i, j] and at [j, i] is added up, and the diagonal is
    the linear part. The score is minus the energy. Where few pairs are coupled, they are held as
    lists. Gains are int32 where all numbers are whole and fit, else float64; either is exact, for
    numbers whose sum float64 cannot hold exactly are rounded once, to about 2^-49 of that sum.

    Args:
        matrix: [n, n] of finite numbers; not modified.

    Raises:
        ValueError: if `matrix` is not that.

    Example:
        >>> import numpy as np
        >>> problem = QUBO([[-1, 3], [0, -2]])
        >>> problem.energy(np.array([1, 1])), problem.energy(np.array([-1, 1]))
        (0.0, -2.0)
        >>> QUBO.from_entries(2, [0, 0, 1], [0, 1, 1], [-1, 3, -2]).energy(np.array([-1, 1]))
        -2.0
    """

    def __init__(self, matrix: Any) -> None:
        given = Entries.of("matrix", matrix)
        (values,) = exact("the energy", given.values)
        entries = replace(given, values=values)
        super().__init__(entries.diagonal(), entries.pairs(), 0.0)

    @classmethod
    def from_entries(cls, n: int, rows: Any, cols: Any, values: Any) -> QUBO:
        """A QUBO whose matrix is 0 but at some places; a place that comes twice is added up.

        Args:
            n: variables, from 1 to 10 million.
            rows: [m] whole numbers from 0; not modified, as the next two.
            cols: [m] whole numbers from 0.
            values: [m] finite numbers.

        Raises:
            ValueError: if lengths differ, a place is outside, or a value is no finite number.
        """
        return cls(Entries.of_lists(n, rows, cols, values))
