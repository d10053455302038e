"""The default: one climb, one model of single signs, and a pyramid of local optima."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evobin.algorithms.base import Algorithm
from evobin.algorithms.pyramid import LARGEST, Pyramid
from evobin.algorithms.sweeps import Sweeps
from evobin.algorithms.umda import UMDA
from evobin.checks import setting
from evobin.core.problem import Population
from evobin.core.state import State

SHORT = 100
"""As `waits`, where there is no pyramid."""
GROWTH = 4
"""How much longer each turn of the pyramid is than the one before."""


@dataclass(eq=False, kw_only=True)
class Portfolio(Algorithm):
    """Hands the search on where it stands still: sweeps, then a model, then a pyramid.

    `Sweeps` climb fast and walk plateaus. `UMDA` begins anew, and sees the slope of a landscape
    whose single steps mislead. `Pyramid` begins at what both have found, and learns from local
    optima which signs go together; from then on it takes turns with the sweeps, and who finds a new
    best goes on. Each turn of the pyramid without a new best is four times as long as the one
    before. Above 4,000 signs, which are too many for a pyramid, it is sweeps from the best.

    Args:
        patience: evaluations without a new best after which it stops; None for 1,000 n, as a
            restart would forget what the pyramid has learnt, and for 100 n without one.
        sweeps: evaluations without a new best after which the sweeps hand on, as a multiple of n.
        model: the same for the model.
        turns: the same for the turns of the sweeps, and the first one of the pyramid.

    Source:
        Those of the three. The waits were chosen on the problems of Doerr, Ye, Horesh, Wang, Shir,
        Bäck (2020), Benchmarking discrete optimization heuristics with IOHprofiler, Applied Soft
        Computing, on instances 2 to 4: there the sweeps pay where order matters (LeadingOnes), the
        pyramid on traps, NK landscapes and LABS, the model on rugged OneMax alone.
    """

    name = "default"
    transient = (*Algorithm.transient, "_legs")
    waits = 1_000

    sweeps: float = setting(20.0, 1e-6, 1e6)
    model: float = setting(4.0, 1e-6, 1e6)
    turns: float = setting(10.0, 1e-6, 1e6)

    def begin(self) -> None:
        """As in `Algorithm`; the sweeps begin where a search begins."""
        n = self.n
        self.leg = self.turn = 0
        self.starts = np.empty((0, n), np.int8)
        waits = [max(1, round(share * n)) for share in (self.sweeps, self.model, self.turns)]
        self._turns = [waits[2]] * 3  # of each leg; those of the pyramid grow
        self._seeds = self.rng.integers(2**63, size=3).tolist()
        self._legs: list[Algorithm] = [
            Sweeps(patience=waits[0]).start(n, self._seeds[0], self.initial),
            UMDA(patience=waits[1]).start(n, self._seeds[1]),
        ]

    def ask(self) -> Population:
        """As in `Algorithm`."""
        if len(self._legs) == 2:
            if self._legs[self.leg].stop():
                self.leg, self.turn = self.leg + 1, self.evaluations
            if self.leg == 2:
                self.starts = np.stack([leg.best for leg in self._legs if leg.best is not None])
                self._add_last()
        elif self.evaluations - max(self.turn, self.found) >= self._turns[self.leg]:
            if self.leg == 2:
                self._turns[2] *= GROWTH
            self.leg, self.turn = 2 - self.leg, self.evaluations
        return self._legs[self.leg].ask()

    def _add_last(self) -> None:
        """The last leg begins at what the others have found."""
        kind = Pyramid if self.n <= LARGEST else Sweeps
        leg = kind(patience=self._limit())
        self._legs.append(leg.start(self.n, self._seeds[2], self.starts))

    def _limit(self) -> int:
        waits = self.waits if self.n <= LARGEST else SHORT
        return self.patience or waits * self.n

    def stop(self) -> dict[str, Any]:
        """As in `Algorithm`."""
        stale = self.evaluations - self.found
        return {"stagnation": stale} if stale >= self._limit() else {}

    def tell(self, population: Population, scores: ArrayLike) -> None:
        """As in `Algorithm`."""
        scores = np.asarray(scores)
        leg = self._legs[self.leg]
        leg.tell(population, scores)
        leg.improvements.clear()  # its own are read

    def state(self) -> State:
        """As in `Algorithm`, and the legs' own."""
        return super().state() | {"legs": [leg.state() for leg in self._legs]}

    def load(self, state: State) -> None:
        """As in `Algorithm`."""
        kept = dict(state)
        legs = kept.pop("legs")
        super().load(kept)
        del self._legs[2:]
        if len(self.starts):
            self._add_last()
        for leg, its in zip(self._legs, legs, strict=True):
            leg.load(its)
