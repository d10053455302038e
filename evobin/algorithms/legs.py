"""What `Memetic` is made of: anneals, some signs first, then all, and turns of a tabu search."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.annealing import ODDS, Annealing
from evobin.algorithms.tabu import Tabu
from evobin.core.compiled import CompiledState, Walk
from evobin.core.problem import IncrementalProblem, Scores
from evobin.kernels.families import compiled, flip, look, note_best, note_flip, update_best

Places = NDArray[np.int64]
MOST_SHARE = 64.0
"""Evaluations of a turn, as a multiple of those of the anneals beside it, which take longer."""


@dataclass(eq=False, kw_only=True)
class Leg(Annealing):
    """An anneal, from anywhere or of a child: first of the signs that its parents do not share.

    Args:
        places: [m] signs to anneal first; then come all, from the best solution so far on.
        warmth: temperature at which the anneal of all begins, as a share of `hot`.
    """

    places: Places | None = None
    warmth: float = 1.0

    def begin(self) -> None:
        """As in `Algorithm`."""
        self.counted = 0  # evaluations that the whole search has counted
        self.offered = np.empty(0, np.int64) if self.places is None else self.places
        super().begin()

    @property
    def span(self) -> int:
        """Signs that a sweep offers: all, where none are `offered`."""
        return len(self.offered) or self.n

    def _places(self) -> Places:
        if len(self.offered) and self._is_cooling:
            return self.offered[self.first : self.first + 1]
        return super()._places()

    def _set_temperatures(self) -> None:
        hot, cold = self.range
        if not len(self.offered):
            self.range = max(hot * self.warmth, cold), cold
        super()._set_temperatures()
        self.range = hot, cold

    def _step(self, scores: Scores) -> None:
        super()._step(scores)
        self._next()

    def _next(self) -> None:
        """All signs, once those that were offered first are annealed."""
        if len(self.offered) and self._is_cooling and self.sweep == self.n_sweeps:
            assert self.best is not None  # its first solution was scored
            self.waiting = self.best[None].copy()
            self.offered = self.offered[:0]
            self.row = -(-self.span // 4)
            self.words = self._raw(1)[0]
            self.sweep = self.first = 0
            self._set_temperatures()

    def room(self) -> int:
        """Evaluations until it stops, where its temperatures are known."""
        first = (len(self.offered) * self.n_sweeps + 1) if len(self.offered) else 0
        done = self.sweep * self.span + self.first
        return first + self.n * self.n_sweeps - done + len(self.waiting)

    def go_on_from(self, other: Leg | Turns) -> None:
        """Where it has not begun, takes the flip state of another anneal that is over."""
        if isinstance(other, Leg):
            if self._on is None and len(self.waiting):
                self._on = other._on
            other._on = None

    def _compile(self, state: CompiledState) -> None:
        offered = self.offered
        for self.offered in (offered[:0], np.zeros(1, np.int64)):
            super()._compile(state)
        self.offered = offered

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


class Turns(Tabu):
    """A tabu search that is walked in turns, each of whole batches, and goes on in the next one.

    Attributes:
        end: evaluations at the end of the present turn.
        share: evaluations of a turn, as a multiple of those of the anneals beside it.
    """

    def begin(self) -> None:
        """As in `Algorithm`; the first turn has not begun."""
        self.counted = self.end = 0
        self.share = 1.0
        super().begin()

    def plan(self, evaluations: int) -> None:
        """Begins a turn of a share of so many evaluations, of a batch at least."""
        self.end = self.evaluations + max(round(self.share * evaluations), self.n)

    def weigh(self, rival: float) -> None:
        """Has longer turns where it is ahead, shorter ones where it is behind."""
        factor = 4.0 if self.score > rival else 0.5 if self.score < rival else 1.0
        self.share = min(max(self.share * factor, 1.0), MOST_SHARE)

    def room(self) -> int:
        """Evaluations until its turn is over; 0 where no whole batch fits into these."""
        room = self.end - self.evaluations
        return room if room >= self._batch_size - len(self.taken) else 0

    def stop(self) -> dict[str, Any]:
        """At the end of a turn."""
        within = len(self.taken) or len(self._told) or self.room()
        return {} if within else {"turn": self.evaluations}

    def walk(
        self,
        problem: IncrementalProblem,
        evaluations: int,
        target: float = np.inf,
        *,
        pause: float = np.inf,
        deadline: float = np.inf,
    ) -> None:
        """As in `Walker`, no further than its turn goes."""
        if not evaluations or self.room():
            evaluations = min(evaluations, self.room())
            super().walk(problem, evaluations, target, pause=pause, deadline=deadline)

    def go_on_from(self, other: Leg | Turns) -> None:
        """It has a flip state of its own."""


def walk_side_by_side(
    legs: Sequence[Leg | Turns],
    problem: IncrementalProblem,
    threads: int,
    target: float,
    pause: float,
    deadline: float,
) -> None:
    """Each in a thread, long ones first, so that the last threads to end wait for short ones."""

    def walk(leg: Leg | Turns) -> None:
        leg.walk(problem, leg.room(), target, pause=pause, deadline=deadline)

    some = [leg for leg in legs if leg.room() and leg.score < target]
    some.sort(key=lambda leg: leg.room(), reverse=True)
    if some:
        with ThreadPoolExecutor(min(threads, len(some))) as pool:
            list(pool.map(walk, some))


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
        if gain > 0 or (gain >= reach and gain >= -(temperature * odds[draws[sweep, k]])):
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
