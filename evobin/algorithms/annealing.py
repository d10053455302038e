"""Simulated annealing: worse neighbours are accepted by chance, less and less often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.single_flips import AHEAD, SingleFlips
from evobin.checks import check_choice, check_range, setting
from evobin.core.compiled import CompiledState, Walk
from evobin.core.problem import Scores
from evobin.errors import SettingError
from evobin.kernels.families import (
    compiled,
    flip,
    highest,
    look,
    note_best,
    note_flip,
    update_best,
)

Schedule = Literal["geometric", "linear"]
FEWEST = 8
"""Sweeps of the first anneal where their number is not set; each restart has twice as many."""
MOST = 2**20
PROBED = 4096
"""Neighbours whose changes choose the temperatures."""
BLOCK = 64
"""Gains that are looked at together: one vectorised maximum."""
ODDS = -np.log((np.arange(4096, dtype=np.float64) + 0.5) / 4096).astype(np.float32)
"""[4096] float32, falling: minus the log of as many probabilities, for acceptance by chance.

The last 1/64 are below 0, so that even a flip that changes nothing is declined now and then. If
each was made, all domain walls of a ring would move by one place a sweep, and never meet; but where
1/16 or more are declined, anneals of other problems find less.
"""
ODDS[4096 - 64 :] = -1


@dataclass(eq=False, kw_only=True)
class Annealing(SingleFlips):
    """Offers each sign in turn to be flipped, sweep by sweep, at falling temperatures.

    A flip that helps is made; one that costs d, or nothing, with probability exp(-d / temperature),
    63/64 at most. Where no temperatures are given, neighbours of the first solution are looked at,
    up to 4,096 of them: at the hottest, half their mean change is accepted every second time; at
    the coldest, a tenth of it once in a hundred times, and so is one of the smallest changes (the
    lowest twentieth of those that are not 0).

    One neighbour is asked for at a time, for the next one depends on whether it is accepted.

    Args:
        sweeps: offers of each sign, n evaluations; after the last it stops. None for 8 in a first
            search and twice as many in each that restarts after it, so that whatever budget there
            is, the longest anneal has about half of it, and a search that goes on with a larger
            budget does what one with that budget would have done.
        schedule: inverse temperatures rise "geometric" or "linear".
        hot: first temperature; None to choose it from the changes.
        cold: last temperature, at most `hot`; None to choose it. Both are set, or neither.
        patience: as for `SingleFlips`.

    Source:
        Kirkpatrick, Gelatt, Vecchi (1983), Optimization by simulated annealing, Science 220. Sweeps
        and schedules are those of dwave-samplers' SimulatedAnnealingSampler, which chooses its
        temperatures from bounds on the gains, far hotter and colder. Here probabilities are
        multiples of 1/4096, and those below 1/8192 are 0.

    Example:
        >>> search = Annealing(sweeps=20).start(n=20, seed=0)
        >>> while not search.stop():
        ...     population = search.ask()
        ...     search.tell(population, population.sum(axis=1))
        >>> search.score
        20.0
    """

    transient = (*SingleFlips.transient, "_temperatures")

    sweeps: int | None = setting(None, 1, 10**7)
    schedule: Schedule = "geometric"
    hot: float | None = setting(None, 1e-100, 1e100)
    cold: float | None = setting(None, 1e-100, 1e100)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("schedule", self.schedule, get_args(Schedule))
        if self.hot is not None and self.cold is not None:
            check_range("cold", self.cold, 1e-100, self.hot)
        elif self.hot is not self.cold:
            raise SettingError(
                f"`hot` and `cold` must be set together, but they are {self.hot} and {self.cold}; "
                "set both or neither."
            )

    def begin(self) -> None:
        """As in `Algorithm`."""
        self.row = -(-self.span // 4)  # 16 bits a sign, of which 12 are a place in `ODDS`
        super().begin()
        self.width = min(self.n, PROBED)
        self.sweep = 0
        self.n_sweeps = self.sweeps or min(FEWEST << min(self.restart, 20), MOST)
        self.range = (0.0, 0.0) if self.hot is None or self.cold is None else (self.hot, self.cold)
        self._temperatures = np.empty(0)
        self._set_temperatures()

    def stop(self) -> dict[str, Any]:
        """After the last sweep, or as in `Algorithm`."""
        if self.sweep < self.n_sweeps:
            return super().stop()
        return {"stagnation": self.evaluations - self.found}

    def load(self, state: dict[str, Any]) -> None:
        """As in `Algorithm`."""
        super().load(state)
        self._set_temperatures()

    @property
    def span(self) -> int:
        """Signs that a sweep offers."""
        return self.n

    @property
    def _is_cooling(self) -> bool:
        """Whether temperatures are known and the first solution is."""
        return self.range[0] > 0 and not len(self.waiting)

    def _places(self) -> NDArray[np.int64]:
        """Of the neighbours that choose the temperatures, some evenly spread ones."""
        if self.width == 1:
            return np.array([self.first])
        return np.arange(self.width) * self.n // self.width

    def _step(self, scores: Scores) -> None:
        if len(self.waiting):
            self._begin_at(scores)
            if self.range[0] > 0:
                self.width = 1
        elif not self._is_cooling:
            some = scores[np.isfinite(scores)] - (self.level if np.isfinite(self.level) else 0.0)
            self._choose_temperatures(np.abs(some))
        else:
            self._offer(scores[0])

    def _offer(self, score: float) -> None:
        loss = self._temperatures[self.sweep] * ODDS[self.words.view("<u2")[self.first] >> 4]
        gain = score - self.level if score != self.level else 0.0  # both may be -inf
        if gain > 0 or gain >= -loss:
            self._move(int(self._places()[0]), score)
        self.first += 1
        if self.first == self.span:
            self.first = 0
            self.sweep = min(self.sweep + 1, self.n_sweeps)
            self._ahead(1)
            self._use(1)

    def _choose_temperatures(self, changes: Scores) -> None:
        some = changes[changes > 0]
        if not len(some):
            some = np.ones(1)
        mean = some.mean()
        cold = min(mean / 10, np.quantile(some, 0.05)) / np.log(100)
        self.range = float(mean / 2 / np.log(2)), float(cold)
        self.width = 1
        self._set_temperatures()

    def _set_temperatures(self) -> None:
        """[n_sweeps + 1] float64: where it goes on after the last sweep, it stays cold."""
        if self.range[0] > 0:
            first, last = 1 / self.range[0], 1 / self.range[1]
            ladder = np.geomspace if self.schedule == "geometric" else np.linspace
            self._temperatures = 1 / np.append(ladder(first, last, self.n_sweeps), last)

    def _prepare(self) -> None:
        self.waiting = self.waiting[:0]
        self._choose_temperatures(np.ones(1))

    def _run(self, state: CompiledState, walk: Walk, target: float, room: int) -> tuple[int, int]:
        if not self._is_cooling or self.stop():
            return 0, 0
        rows = max(-(-(self.first + room) // self.span), 1)
        rows = min(rows, self.n_sweeps - self.sweep, max(AHEAD // self.row, 1))
        draws = self._ahead(rows).view("<u2")[:, : self.span] >> np.uint16(4)
        temperatures = self._temperatures[self.sweep : self.sweep + rows]
        levels = np.array([state.score, self.score, target])
        spent, logged = self._cool(state, walk, levels, draws, temperatures, room)
        done, self.first = divmod(self.first + spent, self.span)
        self.sweep += done
        self._use(done)
        self.level = float(levels[0])
        return int(spent), int(logged)

    def _cool(
        self,
        state: CompiledState,
        walk: Walk,
        levels: Scores,
        draws: NDArray[np.uint16],
        temperatures: Scores,
        room: int,
    ) -> tuple[int, int]:
        """The sweeps of a walk; see `_anneal`."""
        return _anneal(
            state.box, state.tag, walk, levels, draws, temperatures, ODDS, self.first, room
        )


@compiled
def _anneal(
    box: Any,
    tag: Any,
    walk: Walk,
    levels: NDArray[np.float64],
    draws: NDArray[np.uint16],
    temperatures: NDArray[np.float64],
    odds: NDArray[np.float32],
    first: int,
    room: int,
) -> tuple[int, int]:
    """Offers each sign in turn; what does not help is made by chance, as `odds` says.

    Blocks in which no gain is high enough are skipped whole, so that cold sweeps cost little.

    Arguments beside those of all walks (see `kernels.families`):
        levels: [3] float64: score of the present solution and of the best, both updated; a score
            that is enough.
        draws: [sweeps, n] uint16, random places in `odds`.
        temperatures: [sweeps] float64.
        odds: [4096] float32, as `ODDS`.
        first: sign to begin with.

    Returns:
        Evaluations spent, and entries in the log of `walk`.
    """
    gains, signs = box.gains, box.signs
    best, journal, at, tops = walk
    n = len(gains)
    level, top, target = levels
    done, logged, length, mark = 0, 0, -1, 0
    sweep, i = 0, first
    while done < room and sweep < len(temperatures) and top < target and logged < len(at):
        temperature = temperatures[sweep]
        reach = -(temperature * odds[0])
        size = look(box, i, min(BLOCK, n - i, room - done))
        block, draw = gains[i : i + size], draws[sweep, i : i + size]
        if highest(block) >= reach:
            for k in range(size):
                gain = block[k]
                if gain <= 0 and (gain < reach or gain < -(temperature * odds[draw[k]])):
                    continue
                flip(box, i + k)
                length, mark = note_flip(best, journal, length, mark, i + k)
                level += gain
                if level > top:
                    top = level
                    length, mark = note_best(best, signs, length)
                    at[logged], tops[logged] = done + k + 1, top
                    logged += 1
                    if top >= target or logged == len(at):
                        size = k + 1
                        break
        done += size
        i += size
        if i == n:
            i = 0
            sweep += 1
    update_best(best, journal, mark)
    levels[0], levels[1] = level, top
    return done, logged
