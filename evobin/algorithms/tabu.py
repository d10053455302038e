"""Tabu search: always the best neighbour, but no sign back for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.single_flips import AHEAD, SingleFlips, Words, place_of
from evobin.checks import check_range, setting
from evobin.core.compiled import CompiledState, Walk
from evobin.core.problem import Scores
from evobin.kernels import families
from evobin.kernels.families import (
    compiled,
    first_of,
    flip,
    go_to,
    look_at_all,
    note_best,
    note_flip,
    update_best,
)


@dataclass(eq=False, kw_only=True)
class Tabu(SingleFlips):
    """Goes to the best neighbour, better or worse; a sign that was flipped is barred for a while.

    How long is drawn afresh for each flip. A neighbour better than all before is never barred. Of
    equally good ones it takes the first from a random sign on. After some steps without a new best
    of this round, a round begins at the best of all with random signs flipped.

    All n neighbours are asked for, one after the other where memory asks for it.

    Args:
        tenure: steps for which a sign is barred at least, below n; None for n / 4, 20 at most.
        spread: how many more it may be.
        steps: steps without a new best before a new round; None for n / 5, at least 100.
        kick: random signs flipped for a new round at most, how many is drawn each time; None for
            n / 2, at least 10.
        patience: as for `SingleFlips`.

    Source:
        Palubeckis (2004), Multistart tabu search strategies for the unconstrained binary quadratic
        optimization problem, Annals of Operations Research 131, as in dwave-samplers' TabuSampler:
        tenure, aspiration, rounds. There, tenure is fixed, and a new round begins at a solution
        built from the matrix; here at random, as nothing but scores need be known. The random
        tenure is that of Glover, Lü, Hao (2010), Diversification-driven tabu search for
        unconstrained binary quadratic problems, 4OR 8.
    """

    tenure: int | None = setting(None, 0, 10**7)
    spread: int = setting(10, 0, 10**6)
    steps: int | None = setting(None, 1, 10**9)
    kick: int | None = setting(None, 1, 10**7)

    def begin(self) -> None:
        """As in `Algorithm`."""
        super().begin()
        n = self.n
        if self.tenure is not None:
            check_range("tenure", self.tenure, 0, n - 1)
        if self.kick is not None:
            check_range("kick", self.kick, 1, n)
        self._least = min(20, n // 4) if self.tenure is None else self.tenure
        self._most = self._least + min(self.spread, n - 1 - self._least)
        self._limit = self.steps or max(n // 5, 100)
        self._kicked = self.kick or min(max(n // 2, 10), n)
        self.left = np.zeros(n, np.int32)  # steps for which each sign is barred
        self.idle, self.peak, self.round_level = 0, -np.inf, -np.inf

    def _step(self, scores: Scores) -> None:
        top = float(scores.max())
        if len(self.waiting):
            self._begin_at(scores)
            self.left = np.zeros(self.n, np.int32)
            self.idle, self.round_level = 0, self.level
        else:
            self._choose(scores, aspired=top > self.peak)
            self.idle += 1
            if self.level > self.round_level:
                self.idle, self.round_level = 0, self.level
        self.peak = max(self.peak, top)
        self._next()

    def _choose(self, scores: Scores, *, aspired: bool) -> None:
        """A step to one of the neighbours that were scored."""
        places = self._places()
        free = np.flatnonzero((self.left[places] <= 0) | aspired)
        self.left = np.maximum(self.left - 1, 0)
        if len(free):
            row = free[scores[free].argmax()]
            self._move(int(places[row]), scores[row])
            self.left[places[row]] = self._bar(self.words)[0]
        self._ahead(1)
        self._use(1)

    def _next(self) -> None:
        """A new round where it is time; else the neighbours, in the order of the random word."""
        if self.idle >= self._limit and self.best is not None:
            self._kick(self.best, self._kicked, fewer=True)
        self.first = int(place_of(self.words, self.n)[0])

    def _bar(self, words: Words) -> NDArray[np.int64]:
        """Steps to bar a sign for, from the lower half of each word."""
        low = words & np.uint64(2**32 - 1)
        several = np.uint64(self._most - self._least + 1)
        return self._least + (low * several >> np.uint64(32)).astype(np.int64)

    def _run(self, state: CompiledState, walk: Walk, target: float, room: int) -> tuple[int, int]:
        words = self._ahead(self._kicked + min(room // self.n + 1, AHEAD))[:, 0]
        draws = np.stack([place_of(words, self.n), self._bar(words)])
        gains = state.box.gains
        lowest = np.iinfo(np.int32).min if gains.dtype.kind == "i" else -np.inf
        limits = _Limits(target, self._limit, self._kicked, gains.dtype.type(lowest))
        begun = _Round(state.score, self.score, self.round_level, self.idle)
        now, spent, used, logged = _tabu(
            state.box, state.tag, walk, begun, limits, self.left, draws, room
        )
        self._use(int(used))
        self.level, self.peak, self.round_level, self.idle = now
        return int(spent), int(logged)


class _Limits(NamedTuple):
    """What does not change during a walk: `lowest` is below all gains, and of their kind."""

    target: float
    steps: int
    kick: int
    lowest: Any


class _Round(NamedTuple):
    """Scores of the present solution, of the best, of the round's best, and steps since that."""

    level: float
    top: float
    round_top: float
    idle: int


@compiled
def _first_free(gains: Any, value: Any, start: int, until: Any, step: int) -> int:
    """As `first_of`, among the places that are not barred; -1 where there is none."""
    n = len(gains)
    for j in range(start, n):
        if gains[j] == value and until[j] <= step:
            return j
    for j in range(start):
        if gains[j] == value and until[j] <= step:
            return j
    return -1


@compiled
def _peaks(gains: Any, until: Any, step: int, lowest: Any) -> tuple[Any, Any]:
    """The highest gain of all, and of those that are not barred; `lowest` where there is none."""
    peak, free = lowest, lowest
    for j in range(len(gains)):
        gain = gains[j]
        peak = max(peak, gain)
        free = max(free, gain if until[j] <= step else lowest)
    return peak, free


@compiled
def _tabu(
    box: Any,
    tag: Any,
    walk: Walk,
    begun: _Round,
    limits: _Limits,
    left: NDArray[np.int32],
    draws: NDArray[np.int64],
    room: int,
) -> tuple[_Round, int, int, int]:
    """Makes the best flip that is not barred, better or worse, and bars it for some steps.

    A step looks at all n gains. After `steps` of them without a new best of this round it goes to
    the best of all, flips up to `kick` random places of it, and begins a round anew.

    Arguments beside those of all walks (see `kernels.families`):
        begun: where the round is.
        limits: what ends a round, and the walk.
        left: [n] int32, updated: steps for which each sign is still barred.
        draws: [2, words] int64, random: a place, and the steps for which a sign is barred.

    Returns:
        Where the round is then, evaluations spent, words used, and entries in the log of `walk`.
    """
    gains, signs = box.gains, box.signs
    best, journal, at, tops = walk
    n, kick, lowest = len(gains), limits.kick, limits.lowest
    level, top, round_top, idle = begun
    spent, used, step, logged, length, mark = 0, 0, 0, 0, -1, 0
    while top < limits.target and logged < len(at):
        if idle >= limits.steps:
            if spent >= room or used + kick > draws.shape[1]:
                break
            update_best(best, journal, mark)
            level += go_to(box, tag, best)
            some = 1 + draws[0, used] * kick // n
            level += families.kick(box, tag, draws[0, used : used + some])
            length, mark = -1, 0
            left[:] = 0
            step, idle, round_top = 0, 0, level
            used += kick
            spent += 1
            place = 0
        else:
            if room - spent < n or used >= draws.shape[1]:
                break
            start = draws[0, used]
            look_at_all(box, tag)
            peak, free = _peaks(gains, left, step, lowest)
            if level + peak > top:  # aspiration: a new best is never barred
                chosen, gain = first_of(gains, peak, start), peak
            else:
                chosen, gain = _first_free(gains, free, start, left, step), free
            step += 1
            if chosen >= 0:
                left[chosen] = step + draws[1, used]
                flip(box, chosen)
                length, mark = note_flip(best, journal, length, mark, chosen)
                level += gain
            used += 1
            idle += 1
            place = (chosen - start) % n + 1 - n
            spent += n
            if level > round_top:
                round_top, idle = level, 0
        if level > top:
            top = level
            length, mark = note_best(best, signs, length)
            at[logged], tops[logged] = spent + place, top
            logged += 1
    update_best(best, journal, mark)
    for j in range(n):
        left[j] = max(left[j] - step, 0)
    return _Round(level, top, round_top, idle), spent, used, logged
