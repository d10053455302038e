"""The default: one climb, one model of single signs, and a pyramid of local optima."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.base import Algorithm, Seed, State
from evobin.algorithms.pyramid import LARGEST, Pyramid
from evobin.algorithms.sweeps import Sweeps
from evobin.algorithms.umda import UMDA
from evobin.checks import check_range
from evobin.evaluation.base import Population, Scores


class Relay(Algorithm):
    """Hands the search on where it stands still: sweeps, then a model, then a pyramid.

    `Sweeps` climb fast and walk plateaus. `UMDA` begins anew and sees the slope of a landscape
    whose single steps mislead. `Pyramid` begins at what both have found and learns from local
    optima which signs go together.

    Args:
        n, seed: as for `Algorithm`.
        initial: where the sweeps begin.
        patience: evaluations that the last leg goes on for without a new best; 0 for 100 n.
        waits: evaluations without a best of their own behind which sweeps and model hand on, as a
            multiple of n.

    Source:
        Those of the three; that they complement each other was measured on the 25 problems of
        Doerr, Ye, Horesh, Wang, Shir, Bäck (2020), Benchmarking discrete optimization heuristics
        with IOHprofiler, on other instances than those reported.
    """

    name = "default"
    model = UMDA
    hold = 5
    kept = ("leg", "turn", "starts")

    def __init__(
        self,
        n: int,
        seed: Seed = 0,
        initial: NDArray[Any] | None = None,
        patience: int = 0,
        *,
        waits: tuple[float, float] = (5.0, 5.0),
    ) -> None:
        super().__init__(n, seed, initial, patience or 100 * n)
        for wait in waits:
            check_range("waits", wait, 0.01, 1e9)
        self.leg = self.turn = 0
        self.starts = np.empty((0, n), np.int8)
        self._seeds = self.rng.integers(2**63, size=3).tolist()
        first, second = (max(1, round(wait * n)) for wait in waits)
        self._legs: list[Algorithm] = [
            Sweeps(n, self._seeds[0], self.initial, first),
            self.model(n, self._seeds[1], None, second),
        ]

    def _propose(self) -> Population:
        if len(self._legs) == 2 and self._legs[self.leg].stop():
            self.leg += 1
            if self.leg == 2:
                self.starts = np.stack([leg.best for leg in self._legs if leg.best is not None])
                self._build()
                self.turn = self.evaluations
        elif (
            len(self._legs) > 2
            and self.evaluations - max(self.turn, self.found) >= self.hold * self.n
        ):
            self.leg, self.turn = 2 - self.leg, self.evaluations
        return self._legs[self.leg].ask().copy()

    def _build(self) -> None:
        """The last leg: it begins at what the others have found."""
        last = Pyramid if self.n <= LARGEST else Sweeps
        self._legs.append(last(self.n, self._seeds[2], self.starts, self.patience))

    def _learn(self, population: Population, scores: Scores) -> None:
        self._legs[self.leg].tell(population, scores)

    def state(self) -> State:
        """As in `Algorithm`, and the legs' own."""
        legs = [leg.state() for leg in self._legs]
        own = {
            f"{place}/{name}": kept for place, leg in enumerate(legs) for name, kept in leg.items()
        }
        return super().state() | own

    def load(self, state: State) -> None:
        """As in `Algorithm`."""
        super().load(state)
        for place in range(3):
            prefix = f"{place}/"
            own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
            if place == 2 and own:
                self._build()
            if own:
                self._legs[place].load(own)
