"""Simulated annealing: worse neighbours are accepted by chance, less and less often."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.base import Seed, State
from evobin.algorithms.single_flips import AHEAD, SingleFlips
from evobin.checks import check_range
from evobin.core.problem import ODDS, Course, Scores, WalkingState
from evobin.errors import SettingError

SCHEDULES = ("geometric", "linear")
MOST_SWEEPS = 1000


class Annealing(SingleFlips):
    """Offers each sign in turn to be flipped, sweep by sweep, at falling temperatures.

    A flip that costs d is made with probability exp(-d / temperature). Where no temperatures are
    given, all n neighbours of the first solution are looked at: at the hottest, half their mean
    change is accepted every second time; at the coldest, a tenth of it once in a hundred times, and
    so is one of the smallest changes (the lowest twentieth of those that are not 0).

    One neighbour is asked for at a time, for the next one depends on whether it is accepted.

    Args:
        n, seed, initial, patience: as for `SingleFlips`.
        sweeps: offers of each sign, n evaluations; behind the last it stops, too. 0 for as many as
            fit into the budget, 1,000 at most.
        schedule: inverse temperatures rise "geometric" or "linear".
        hot: first temperature; 0 to choose both from the gains.
        cold: last temperature; 0 to choose both.

    Raises:
        SettingError: if an argument is out of range.

    Source:
        Kirkpatrick, Gelatt, Vecchi (1983), Optimization by simulated annealing, Science 220. Sweeps
        and schedules are those of dwave-samplers' SimulatedAnnealingSampler, which chooses its
        temperatures from bounds on the gains, far hotter and colder. Here probabilities are
        multiples of 1/4096, and those below 1/8192 are 0.

    Example:
        >>> search = Annealing(n=20, seed=0, sweeps=20)
        >>> while not search.stop():
        ...     population = search.ask()
        ...     search.tell(population, population.sum(axis=1))
        >>> search.score
        20.0
    """

    name = "annealing"
    kept = (*SingleFlips.kept, "hot", "cold", "sweep", "sweeps")

    def __init__(
        self,
        n: int,
        seed: Seed = 0,
        initial: NDArray[Any] | None = None,
        patience: int = 0,
        *,
        sweeps: int = 0,
        schedule: str = "geometric",
        hot: float = 0.0,
        cold: float = 0.0,
    ) -> None:
        self.row = -(-n // 4)  # 16 bits a sign
        super().__init__(n, seed, initial, patience)
        check_range("sweeps", sweeps, 0, 10**7)
        check_range("hot", hot, 0, 1e100)
        check_range("cold", cold, 0 if hot == 0 else 1e-100, hot)
        if schedule not in SCHEDULES:
            raise SettingError(f"`schedule` must be one of {SCHEDULES}, but it is {schedule!r}.")
        self.sweeps, self.schedule = sweeps, schedule
        self.hot, self.cold, self.sweep = float(hot), float(cold), 0
        self._temperatures, self._draws = np.empty(0), _odds_places(self.words)

    def stop(self) -> dict[str, Any]:
        """Behind the last sweep, or as in `Algorithm`."""
        if self.sweep < self.sweeps or not self.sweeps:
            return super().stop()
        return {"stagnation": self.evaluations - self.found}

    def load(self, state: State) -> None:
        """As in `Algorithm`."""
        super().load(state)
        if self.hot:
            self._set_temperatures()

    def _step(self, scores: Scores) -> None:
        if len(self.waiting):
            self._begin(scores)
            if self.hot:
                self._set_temperatures()
        elif not self.hot:
            some = scores[np.isfinite(scores)] - (self.level if np.isfinite(self.level) else 0.0)
            self._choose_temperatures(np.abs(some))
        else:
            self._offer(scores[0])

    def _offer(self, score: float) -> None:
        loss = self._temperatures[self.sweep] * ODDS[self._draws[self.first]]
        if score >= self.level or score - self.level >= -loss:
            self._move(self.first, score)
        self.first += 1
        if self.first == self.n:
            self.first = 0
            self.sweep = min(self.sweep + 1, self.sweeps)
            self._ahead(1)
            self._use(1)
            self._draws = _odds_places(self.words)

    def _choose_temperatures(self, changes: Scores) -> None:
        some = changes[changes > 0]
        if not len(some):
            some = np.ones(1)
        mean = some.mean()
        self.hot = float(mean / 2 / np.log(2))
        self.cold = float(min(mean / 10, np.quantile(some, 0.05)) / np.log(100))
        self._set_temperatures()

    def _set_temperatures(self) -> None:
        """[sweeps + 1] float64: where it goes on behind the last sweep, it stays cold."""
        if not self.sweeps:
            left = (self.budget - self.evaluations) // self.n
            self.sweeps = min(max(left, 1), MOST_SWEEPS)
        first, last = 1 / self.hot, 1 / self.cold
        ladder = np.geomspace if self.schedule == "geometric" else np.linspace
        self._temperatures = 1 / np.append(ladder(first, last, self.sweeps), last)
        self._draws = _odds_places(self.words)
        self.width = 1

    def _run(self, state: WalkingState, course: Course, room: int) -> int:
        if not self.hot or self.stop():
            return 0
        rows = -(-(self.first + room) // self.n)
        rows = min(rows, self.sweeps - self.sweep, max(AHEAD // self.row, 1))
        draws = np.ascontiguousarray(_odds_places(self._ahead(rows))[:, : self.n])
        temperatures = self._temperatures[self.sweep : self.sweep + rows]
        spent = state.metropolis(course, draws, temperatures, self.first, room)
        done, self.first = divmod(self.first + spent, self.n)
        self.sweep += done
        self._use(done)
        self._draws = _odds_places(self.words)
        self.present, self.level = state.solution, float(course.levels[0])
        return spent


def _odds_places(words: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """A place in `ODDS` for each sign: 12 of 16 random bits, the same on every machine."""
    return words.astype("<u8", copy=False).view("<u2") >> np.uint16(4)
