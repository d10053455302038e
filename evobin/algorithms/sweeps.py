"""One solution, every sign tried in turn, and now and then several at once."""

from __future__ import annotations

import numpy as np

from evobin.algorithms.fast_ga import FastGA
from evobin.core.problem import Population


class Sweeps(FastGA):
    """Flips one sign after the other, in a random order drawn anew for each sweep.

    A flip is kept where the score does not fall, so that plateaus are walked. Trying all before
    any a second time makes a sign that must be found come after n / 2 trials, not n: LeadingOnes of
    100 signs takes 3,000 evaluations and not 8,500. After n trials without a new best, every other
    mutant has two flips or more, as many as a heavy-tailed rate says.

    Args:
        patience: as for `Algorithm`.
        beta: exponent of the power law of those rates, above 1.

    Source:
        Doerr, Le, Makhmara, Nguyen (2017), Fast genetic algorithms, GECCO, for the mutants of
        several flips.
    """

    def begin(self) -> None:
        """As in `Algorithm`."""
        super().begin()
        self.order = np.empty(0, np.int64)
        self.place = 0

    def ask(self) -> Population:
        """As in `Algorithm`."""
        if not len(self.parent):
            return self._first(1)
        if self.evaluations - self.found > self.n and self.n > 1 and self.rng.random() < 0.5:
            return self._mutant(2)
        if self.place == len(self.order):
            self.order, self.place = self.rng.permutation(self.n), 0
        child = self.parent.copy()
        child[0, self.order[self.place]] *= -1
        self.place += 1
        return child
