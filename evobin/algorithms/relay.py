"""The default: one climb, one model of single signs, and a pyramid of local optima."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.base import Algorithm, Seed, State
from evobin.algorithms.pyramid import LARGEST, Pyramid
from evobin.algorithms.sweeps import Sweeps
from evobin.algorithms.umda import UMDA
from evobin.checks import check_number
from evobin.core.problem import Population, Scores


class Relay(Algorithm):
    """Hands the search on where it stands still: sweeps, then a model, then a pyramid.

    `Sweeps` climb fast and walk plateaus. `UMDA` begins anew, and sees the slope of a landscape
    whose single steps mislead. `Pyramid` begins at what both have found, and learns from local
    optima which signs go together; from then on it takes turns with the sweeps, and who finds a new
    best goes on. Above 4,000 signs, which are too many for a pyramid, it is sweeps from the best.

    Args:
        n, seed: as for `Algorithm`.
        initial: where the sweeps begin.
        patience: evaluations without a new best after which it stops; 0 for 100 n.
        sweeps: evaluations without a new best behind which the sweeps hand on, as a multiple of n.
        model: the same for the model.
        turns: the same for the turns of pyramid and sweeps.

    Source:
        Those of the three. The waits were chosen on the problems of Doerr, Ye, Horesh, Wang, Shir,
        Bäck (2020), Benchmarking discrete optimization heuristics with IOHprofiler, Applied Soft
        Computing, on instances 2 to 4: there the sweeps pay where order matters (LeadingOnes), the
        pyramid on traps, NK landscapes and LABS, the model on rugged OneMax alone.
    """

    name = "default"
    kept = ("leg", "turn", "starts")

    def __init__(
        self,
        n: int,
        seed: Seed = 0,
        initial: NDArray[Any] | None = None,
        patience: int = 0,
        *,
        sweeps: float = 20.0,
        model: float = 4.0,
        turns: float = 10.0,
    ) -> None:
        super().__init__(n, seed, initial, patience or 100 * n)
        for name, share in (("sweeps", sweeps), ("model", model), ("turns", turns)):
            check_number(name, share, 1e-6, 1e6)
        self.leg = self.turn = 0
        self.starts = np.empty((0, n), np.int8)
        waits = [max(1, round(share * n)) for share in (sweeps, model, turns)]
        self._turns = waits[2]
        self._seeds = self.rng.integers(2**63, size=3).tolist()
        self._legs: list[Algorithm] = [
            Sweeps(n, self._seeds[0], self.initial, waits[0]),
            UMDA(n, self._seeds[1], None, waits[1]),
        ]

    def _propose(self) -> Population:
        if len(self._legs) == 2:
            if self._legs[self.leg].stop():
                self.leg, self.turn = self.leg + 1, self.evaluations
            if self.leg == 2:
                self.starts = np.stack([leg.best for leg in self._legs if leg.best is not None])
                self._add_last()
        elif self.evaluations - max(self.turn, self.found) >= self._turns:
            self.leg, self.turn = 2 - self.leg, self.evaluations
        return self._legs[self.leg].ask()

    def _add_last(self) -> None:
        """The last leg begins at what the others have found."""
        kind = Pyramid if self.n <= LARGEST else Sweeps
        self._legs.append(kind(self.n, self._seeds[2], self.starts, self.patience))

    def _learn(self, population: Population, scores: Scores) -> None:
        self._legs[self.leg].tell(population, scores)

    def state(self) -> State:
        """As in `Algorithm`, and the legs' own."""
        state = super().state()
        for place, leg in enumerate(self._legs):
            state |= {f"{place}/{name}": kept for name, kept in leg.state().items()}
        return state

    def load(self, state: State) -> None:
        """As in `Algorithm`."""
        super().load(state)
        if len(self.starts):
            self._add_last()
        for place, leg in enumerate(self._legs):
            prefix = f"{place}/"
            leg.load({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
