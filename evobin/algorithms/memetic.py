"""A population of anneals: what two of them agree on stays, the rest is annealed anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.annealing import FEWEST, MOST, ODDS, Annealing
from evobin.algorithms.operators import random_signs
from evobin.checks import setting
from evobin.core.compiled import CompiledState, Walk
from evobin.core.problem import Population, Scores, Solution
from evobin.kernels.families import compiled, flip, look, note_best, note_flip, update_best

STALE = 2
"""Crossings a member that help nobody, after which a population is over."""
CHAMPIONS = 64
"""Best members of former populations that are kept."""
FEW = 4
"""Signs in which two solutions differ, up to which there is nothing to anneal."""


@dataclass(eq=False, kw_only=True)
class Memetic(Annealing):
    """Anneals from anywhere, then crosses the results, which converge within a few crossings each.

    The first anneal has 8 sweeps, each next one twice as many, up to `sweeps`. Once there are
    `size` results, they are members of a population. A crossing takes two: signs on which they
    agree stay, of the others a random half is each parent's. First these others alone are annealed,
    then all signs from a lower temperature on. The child takes the place of the worse parent unless
    it is worse itself. Where no crossing has helped for some time, the best member is crossed with
    those of the populations before, and a new population begins.

    Where a solution and its opposite have the same score, as two sides of a cut, the one that is
    closer to the other parent is crossed.

    Args:
        sweeps: of the anneals from anywhere, and of both anneals of a crossing.
        size: members of a population, at least 2.
        heat: temperature at which all signs of a child begin to be annealed, as a share of `hot`.
        schedule: as for `Annealing`, as the next two.
        hot: first temperature.
        cold: last temperature.
        patience: as for `SingleFlips`.

    Source:
        Memetic algorithms for max-cut and QUBO cross elite solutions and improve the child by tabu
        search: Wu and Hao (2012), A memetic approach for the max-cut problem, PPSN; here by
        annealing, first of what the parents do not share.

    Example:
        >>> import evobin
        >>> ring = evobin.Ising.from_entries(9, range(9), [*range(1, 9), 0], [1] * 9)
        >>> evobin.maximize(ring, algorithm=Memetic(), max_evaluations=2_000).score
        7.0
    """

    transient: ClassVar[tuple[str, ...]] = Annealing.transient

    sweeps: int | None = setting(512, 1, 10**7)
    size: int = setting(24, 2, 1_000_000)
    heat: float = setting(0.25, 1e-9, 1.0)

    def begin(self) -> None:
        """As in `Algorithm`; from where a search is told to begin, it anneals at a lower heat."""
        n = self.n
        self.offered: NDArray[np.int64] = np.empty(0, np.int64)  # all, where it is empty
        self.warmth = 1.0 if self.initial is None else self.heat
        super().begin()
        self.anneals = self.idle = self.place = self.rivals = 0
        self.n_sweeps = self._length()
        self.phase, self.mirrored, self.meeting = "fresh", False, False
        self.peak, self.peak_score = self.present, -np.inf
        self.members, self.values = np.empty((0, n), np.int8), np.empty(0)
        self.champions = np.empty((0, n), np.int8)

    @property
    def span(self) -> int:
        """Signs that a sweep offers."""
        return len(self.offered) or self.n

    def _length(self) -> int:
        """Sweeps of the next anneal from anywhere."""
        return min(FEWEST << min(self.anneals, 20), self.sweeps or MOST)

    def stop(self) -> dict[str, Any]:
        """As in `SingleFlips`."""
        return super(Annealing, self).stop()

    def _places(self) -> NDArray[np.int64]:
        if len(self.offered) and self._is_cooling:
            return self.offered[self.first : self.first + 1]
        return super()._places()

    def _set_temperatures(self) -> None:
        hot, cold = self.range
        self.range = max(hot * self.warmth, cold), cold
        super()._set_temperatures()
        self.range = hot, cold

    def _step(self, scores: Scores) -> None:
        if self.phase == "mirror":
            self.mirrored = float(scores[0]) == self.values[0]
            self._begin_at(scores)
            self._begin_anew()
            return
        super()._step(scores)
        if self.level > self.peak_score:
            self.peak, self.peak_score = self.present.copy(), self.level
        self._next()

    def _next(self) -> None:
        """What comes after an anneal, where one is over."""
        if not self._is_cooling or self.sweep < self.n_sweeps:
            return
        if self.phase == "cross":
            self.phase = "polish"
            self._anneal(self.peak, self.heat)
        elif self.phase == "polish":
            self._settle()
            self._go_on()
        else:
            self._join()

    def _join(self) -> None:
        """Takes the result of an anneal from anywhere into the population."""
        self.anneals += 1
        self.members = np.concatenate([self.members, self.peak[None]])
        self.values = np.append(self.values, self.peak_score)
        if self.anneals == 1:
            self.phase, self.waiting = "mirror", -self.peak[None]
        else:
            self._begin_anew()

    def _begin_anew(self) -> None:
        """An anneal from anywhere, or crossings where there are members enough."""
        if len(self.members) < self.size:
            self.phase = "fresh"
            self._anneal(random_signs(1, self.n, self.rng)[0], 1.0, sweeps=self._length())
        else:
            self.idle = 0
            self._go_on()

    def _go_on(self) -> None:
        """The next crossing; where none helps any more, the next population."""
        while not self.meeting and self.idle < STALE * self.size:
            a, b = self.rng.choice(self.size, 2, replace=False).tolist()
            self.place = a if self.values[a] <= self.values[b] else b
            if self._cross(self.members[a], self.members[b]):
                return
            self.idle += 1
        if not self.meeting:
            top = int(self.values.argmax())
            self.members, self.values = self.members[top : top + 1], self.values[top : top + 1]
            self.place, self.rivals, self.meeting = 0, len(self.champions), True
        while self.rivals:
            self.rivals -= 1
            if self._cross(self.members[0], self.champions[self.rivals]):
                return
        self.champions = np.concatenate([self.champions, self.members])[-CHAMPIONS:]
        self.members, self.values, self.meeting = self.members[:0], self.values[:0], False
        self._begin_anew()

    def _cross(self, a: Solution, b: Solution) -> bool:
        """Begins a crossing, unless the two are the same."""
        places = np.flatnonzero(a != b)
        if self.mirrored and 2 * len(places) > self.n:
            b = -b
            places = np.flatnonzero(a != b)
        if not len(places):
            return False
        child = a.copy()
        child[places[self.rng.random(len(places)) < 0.5]] *= -1
        if len(places) > FEW:
            self.phase = "cross"
            self._anneal(child, 1.0, places)
        else:
            self.phase = "polish"
            self._anneal(child, self.heat)
        return True

    def _settle(self) -> None:
        """A child takes the place of the worse parent, unless it is worse, or there already."""
        self.idle += 1
        value = self.values[self.place]
        if self.peak_score >= value:
            if self.peak_score > value:
                self.idle = 0
            if not _has(self.members, self.peak, mirrored=self.mirrored):
                self.members, self.values = self.members.copy(), self.values.copy()
                self.members[self.place], self.values[self.place] = self.peak, self.peak_score

    def _anneal(
        self,
        start: Solution,
        warmth: float,
        offered: NDArray[np.int64] | None = None,
        sweeps: int | None = None,
    ) -> None:
        """Lets a solution wait to be annealed, all of its signs or those that are offered."""
        self.waiting = start[None]
        self.offered = self.offered[:0] if offered is None else offered
        self.row = -(-self.span // 4)
        self.words = self._raw(1)[0]
        self.sweep = self.first = 0
        self.n_sweeps, self.warmth = sweeps or self.sweeps or MOST, warmth
        self._set_temperatures()
        self.peak, self.peak_score = start, -np.inf

    def _incumbent(self) -> tuple[Solution, float]:
        return self.peak, self.peak_score

    def _improve(self, solution: Solution, score: float, at: int) -> None:
        self.peak, self.peak_score = solution, score
        if score > self.score:
            super()._improve(solution, score, at)

    def _cool(
        self,
        state: CompiledState,
        walk: Walk,
        levels: Scores,
        draws: NDArray[np.uint16],
        temperatures: Scores,
        room: int,
    ) -> tuple[int, int]:
        if not len(self.offered):
            return super()._cool(state, walk, levels, draws, temperatures, room)
        return _anneal_some(
            state.box, state.tag, walk, levels, draws, temperatures, ODDS, self.offered,
            self.first, room,
        )  # fmt: skip


def _has(members: Population, solution: Solution, *, mirrored: bool) -> bool:
    """Whether a solution is a member, or its opposite is where that is the same."""
    n = len(solution)
    overlaps = members.astype(np.float32) @ solution.astype(np.float32)
    return bool(((abs(overlaps) if mirrored else overlaps) == n).any())


@compiled
def _anneal_some(
    box: Any,
    tag: Any,
    walk: Walk,
    levels: NDArray[np.float64],
    draws: NDArray[np.uint16],
    temperatures: NDArray[np.float64],
    odds: NDArray[np.float32],
    places: NDArray[np.int64],
    first: int,
    room: int,
) -> tuple[int, int]:
    """As `annealing._anneal`, of some signs alone: a sweep offers them one after the other.

    Arguments beside those of `_anneal`:
        places: [m] int64, the signs.
        first: place among these to begin with.
    """
    gains, signs = box.gains, box.signs
    best, journal, at, tops = walk
    level, top, target = levels
    done, logged, length, mark = 0, 0, -1, 0
    sweep, k = 0, first
    while done < room and sweep < len(temperatures) and top < target and logged < len(at):
        temperature = temperatures[sweep]
        reach = -(temperature * odds[0])
        i = places[k]
        look(box, i, 1)
        gain = gains[i]
        done += 1
        if gain >= 0 or (gain >= reach and gain >= -(temperature * odds[draws[sweep, k]])):
            flip(box, i)
            length, mark = note_flip(best, journal, length, mark, i)
            level += gain
            if level > top:
                top = level
                length, mark = note_best(best, signs, length)
                at[logged], tops[logged] = done, top
                logged += 1
        k += 1
        if k == len(places):
            k = 0
            sweep += 1
    update_best(best, journal, mark)
    levels[0], levels[1] = level, top
    return done, logged
