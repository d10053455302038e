"""Ising spins with couplings and fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_shape
from evobin.core.problem import Solution
from evobin.extras import need
from evobin.problems.exact import as_numbers, exact, sums
from evobin.problems.labels import (
    Label,
    Terms,
    as_terms,
    check_labels,
    is_model,
    of_model,
    of_terms,
)
from evobin.problems.quadratic import Entries, Quadratic


class Ising(Quadratic):
    """Minimises s' J s + h' s over s in {-1, +1}^n.

    Every entry of J counts: a pair that stands at [i, j] and at [j, i] counts twice, so give each
    once for the usual sum over i < j (the convention of dwave's samplers). The diagonal adds a
    constant. Signs are as written: a positive coupling wants its spins to differ; a physicist's
    energy - sum J s s - sum h s is that of -J and -h. The score is minus the energy. What
    `QUBO` says of exact numbers and of lists holds here too.

    Args:
        couplings: [n, n] of finite numbers, not modified: an array, a sparse matrix of scipy, or a
            binary quadratic model of dimod, of either kind of variables, with its fields.
        fields: [n] of finite numbers; not modified. All 0 by default.
        offset: what is added to the energy.
        variables: n names; by default those of the model, or the places from 0.

    Attributes:
        variables: as given.

    Raises:
        ValueError: if these are not that.

    Example:
        >>> problem = Ising([[0, 1], [0, 0]], [0.5, 0])
        >>> problem.energy(np.array([-1, 1])), problem.energy(np.array([1, 1]))
        (-1.5, 1.5)
        >>> named = Ising.from_dict({("a", "b"): 1}, {"a": 0.5})
        >>> named.energy(np.array([-1, 1])), named.assignment(np.array([-1, 1]))
        (-1.5, {'a': -1, 'b': 1})
    """

    def __init__(
        self,
        couplings: Any,
        fields: Any = None,
        *,
        offset: float = 0.0,
        variables: Sequence[Label] | None = None,
    ) -> None:
        if is_model(couplings):
            model = of_model(couplings, "SPIN")
            if fields is not None:
                raise ValueError("`fields` must be left out for a model, which has its own.")
            couplings, fields = model.entries, model.linear
            offset, variables = offset + model.offset, variables or model.labels
        given = Entries.of("couplings", couplings)
        n = given.n
        numbers = np.zeros(n) if fields is None else as_numbers("fields", fields)
        check_shape("fields", numbers, (n,))
        self.variables = check_labels(variables, n)
        constant = as_numbers("offset", [offset])
        values, h, added = exact("the energy", given.values, numbers, constant, times=4)
        entries = replace(given, values=values)
        pairs = entries.pairs()
        # With s = 2 x - 1, J s s' is 4 J x x' - 2 J x - 2 J x' + J, and h s is 2 h x - h.
        ends = np.concatenate([pairs.rows, pairs.cols])
        linear = 2 * h - 2 * sums(ends, np.tile(pairs.values, 2), n)
        own = float(entries.diagonal().sum() + added[0])
        super().__init__(
            linear,
            replace(pairs, values=4 * pairs.values),
            own + float(pairs.values.sum() - h.sum()),
        )

    @classmethod
    def from_entries(cls, n: int, rows: Any, cols: Any, values: Any, fields: Any = None) -> Ising:
        """As `QUBO.from_entries`, with [n] fields, all 0 by default."""
        return cls(Entries.of_lists(n, rows, cols, values), fields)

    @classmethod
    def from_dict(
        cls, couplings: Terms, fields: Mapping[Any, float] | None = None, *, offset: float = 0.0
    ) -> Ising:
        """An Ising problem from numbers by pairs of spins and by spins, as dimod's `to_ising`.

        Args:
            couplings: {(u, v): number}; (u, v) and (v, u) are added up. Spins that are whole
                numbers from 0 are places, others are placed as they come.
            fields: {u: number}.
            offset: as in the class.

        Raises:
            ValueError: if a key is no pair, there is none, or a value is no finite number.
        """
        given = of_terms("couplings", couplings, fields)
        return cls(given.entries, given.linear, offset=offset, variables=given.labels)

    def assignment(self, solution: Solution) -> dict[Label, int]:
        """-1 or +1 by the name of each spin.

        Raises:
            ValueError: if `solution` is not [n] of -1 and +1.
        """
        self._check_one(solution)
        return dict(zip(self.variables, solution.astype(int).tolist(), strict=True))

    def spins(self) -> tuple[NDArray[np.float64], Entries, float]:
        """Fields, couplings with i < j, and offset: constants of the diagonal are in the offset."""
        linear, pairs, offset = self.terms()
        couplings = replace(pairs, values=pairs.values / 4)
        ends = np.concatenate([pairs.rows, pairs.cols])
        fields = linear / 2 + sums(ends, np.tile(couplings.values, 2), self.n)
        return fields, couplings, float(offset - couplings.values.sum() + fields.sum())

    def to_dict(self) -> tuple[dict[tuple[Label, Label], float], dict[Label, float]]:
        """What `from_dict` reads: couplings, and fields that are not 0; without the offset."""
        fields, couplings, _ = self.spins()
        named = zip(self.variables, fields.tolist(), strict=True)
        return as_terms(self.variables, couplings), {label: h for label, h in named if h}

    def to_scipy(self) -> Any:
        """The couplings as a sparse `coo_array`, upper triangular."""
        return self.spins()[1].to_scipy()

    def to_dimod(self) -> Any:
        """A binary quadratic model of dimod with the same energy."""
        dimod = need("dimod", "dimod", "to_dimod")
        fields, couplings, offset = self.spins()
        named = dict(zip(self.variables, fields.tolist(), strict=True))
        return dimod.BinaryQuadraticModel(
            named, as_terms(self.variables, couplings), offset, "SPIN"
        )
