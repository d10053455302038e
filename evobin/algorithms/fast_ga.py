"""One solution, mutated at rates with a heavy tail."""

from __future__ import annotations

from evobin.algorithms.heavy_tailed import HeavyTailed
from evobin.core.problem import Population


class FastGA(HeavyTailed):
    """Keeps the better of a solution and its mutant, which differs in few signs or in many.

    The expected number of flips is drawn anew for each mutant from a power law on 1 to n / 2, so
    that no distance is unlikely. A mutant as good as its parent replaces it.

    Args:
        patience: as for `Algorithm`.
        beta: exponent of the power law, above 1.

    Source:
        Doerr, Le, Makhmara, Nguyen (2017), Fast genetic algorithms, GECCO: the (1+1) algorithm.
        Here a mutant without any flip gets one.
    """

    def ask(self) -> Population:
        """As in `Algorithm`."""
        return self._mutant(1) if len(self.parent) else self._first(1)
