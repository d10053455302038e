"""A population of anneals: what two of them agree on stays, the rest is annealed anew."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

import numpy as np
from numpy.typing import ArrayLike

from evobin.algorithms.annealing import FEWEST, MOST, Annealing, Schedule
from evobin.algorithms.base import Walker
from evobin.algorithms.legs import Leg, Places, Turns, walk_side_by_side
from evobin.algorithms.operators import has, random_signs
from evobin.checks import check_choice, setting
from evobin.core.problem import IncrementalProblem, Population, Scores, Solution
from evobin.core.state import State

STALE = 4
"""Generations without a better member after which a population is over."""
ABOVE = 4
"""Members of a higher population, at most."""
ALONE = 4
"""Long anneals of a round."""
SHARES = 0.1, 1.0
"""Evaluations of a round of long anneals, as multiples of those of the population before it."""
FEW = 4
"""Signs in which two solutions differ, up to which there is nothing to anneal."""


@dataclass(eq=False, kw_only=True)
class Memetic(Walker):
    """Anneals from anywhere, and crosses the results, population by population.

    The first anneal has 8 sweeps, each next one twice as many, up to four long ones. Then short
    ones make a population of `size` results. In each generation its members are paired at random.
    Signs on which a pair agrees stay, of the others each parent gives a random half. First these
    others alone are annealed, then all signs from a lower temperature on. The child takes the place
    of the worse parent unless it is worse itself. Where some generations have helped nobody, the
    best member joins a higher population, which is crossed once it has 4 members; then come other
    long anneals, and a population whose anneals are longer.

    On some problems long anneals find more, on others crossed short ones do. Long ones that did
    have more evaluations the next time, and their best joins the higher population as well. Beside
    them a tabu search goes on for as many evaluations, which take it less time, and for more and
    more where it is ahead of both.

    Where a solution and its opposite have the same score, as the two sides of a cut, the one closer
    to the other parent is crossed.

    Anneals of a generation do not depend on each other, so that several threads may walk them.

    Args:
        sweeps: of the first population's anneals from anywhere, and of both anneals of a child.
        lengthen: how many times as long the next population's are, so that whatever time there is,
            a good part of it is for anneals that are long enough.
        long: sweeps of the first long anneals.
        size: members of a population, at least 2.
        heat: temperature at which all signs of a child begin to be annealed, as a share of `hot`.
        schedule: as for `Annealing`, as the next two.
        hot: first temperature; None to choose it from the changes.
        cold: last temperature, at most `hot`; None to choose it. Both are set, or neither.
        patience: evaluations without a new best after which it stops; None = never.

    Attributes:
        threads: how many `walk` may use; no result depends on it.

    Source:
        Wu and Hao (2012), A memetic approach for the max-cut problem, PPSN, crosses elite solutions
        so that what they share stays, and improves children by tabu search. Here by annealing,
        first of what the parents do not share; and populations are those of a pyramid.

    Example:
        >>> import evobin
        >>> qubo = evobin.QUBO(np.random.default_rng(0).integers(-9, 10, (16, 16)))
        >>> evobin.maximize(qubo, algorithm=Memetic(), max_evaluations=10_000).score
        142.0
    """

    transient: ClassVar[tuple[str, ...]] = (*Walker.transient, "_legs", "_turns")
    notes_optima: ClassVar[bool] = True

    sweeps: int = setting(256, 1, 10**7)
    lengthen: float = setting(1.5, 1.0, 1e3)
    long: int = setting(8192, 1, 10**7)
    size: int = setting(12, 2, 1_000_000)
    heat: float = setting(0.25, 1e-9, 1.0)
    schedule: Schedule = "geometric"
    hot: float | None = setting(None, 1e-100, 1e100)
    cold: float | None = setting(None, 1e-100, 1e100)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("schedule", self.schedule, get_args(Schedule))
        Annealing(hot=self.hot, cold=self.cold)  # checks them

    def begin(self) -> None:
        """As in `Algorithm`; from where a search is told to begin, it anneals at a lower heat."""
        self.range = self.hot, self.cold
        self.over, self.level, self.idle = 0, 0, 0
        self.begun = 0  # evaluations before the present population
        self.spent = 0  # evaluations of the last one
        self.due, self.share, self.alone = True, 1.0, -np.inf  # long anneals, and their best
        self.rival, self.rival_value = np.ones(self.n, np.int8), -np.inf  # the best of these
        self._turns = Turns().start(self.n, int(self.rng.integers(2**63)))
        self.phase, self.mirrored = "first", False
        self.members: list[Population] = [np.empty((0, self.n), np.int8)]
        self.values: list[Scores] = [np.empty(0)]
        self.pairs: list[int] = []  # of each child, the member that it may replace
        self.children, self.child_values = self.members[0], self.values[0]
        self._legs: list[Leg | Turns] = []
        if self.initial is None:
            self._legs.append(self._leg(random_signs(1, self.n, self.rng), 1.0, FEWEST))
        else:
            self._legs.append(self._leg(self.initial, self.heat, FEWEST))

    def _leg(
        self,
        start: Solution | Population,
        warmth: float,
        sweeps: int | None = None,
        places: Places | None = None,
    ) -> Leg:
        """An anneal, by default as long as the present population's."""
        if sweeps is None:
            sweeps = round(min(self.sweeps * self.lengthen**self.over, MOST))
        hot, cold = self.range
        leg = Leg(
            sweeps=sweeps, schedule=self.schedule, hot=hot, cold=cold, places=places, warmth=warmth
        )
        return leg.start(self.n, int(self.rng.integers(2**63)), start)

    def ask(self) -> Population:
        """As in `Algorithm`: what the present anneal asks."""
        if self.phase == "mirror":
            opposite: Population = -self.members[0]
            return opposite
        return self._legs[0].ask()

    def tell(self, population: Population, scores: ArrayLike) -> None:
        """As in `Algorithm`."""
        if self.phase == "mirror":
            self._compare(np.asarray(scores))
            return
        leg = self._legs[0]
        leg.tell(population, scores)
        leg.improvements.clear()  # its own are read
        leg.counted = leg.evaluations
        if leg.stop():
            self._finish(leg)

    def walk(
        self,
        problem: IncrementalProblem,
        evaluations: int,
        target: float = np.inf,
        *,
        pause: float = np.inf,
        deadline: float = np.inf,
    ) -> None:
        """As in `Walker`."""
        self._forget_asked()
        begun, end, over = self.evaluations, self.evaluations + evaluations, False
        if not evaluations and self._legs:
            self._legs[0].walk(problem, 0)
            self._turns.walk(problem, 0)
        while self.evaluations < end and not over:
            before = self.evaluations
            if self.phase == "mirror":
                scores = problem.score(-self.members[0])
                self._note(-self.members[0], scores)
                self._compare(scores)
            else:
                room, leg = end - before, self._legs[0]
                if self.patience is not None:
                    room = min(room, max(self.patience - before + self.found, 1))
                if not self._walk_ahead(problem, room, target, pause, deadline):
                    leg.walk(problem, room, target, pause=pause, deadline=deadline)
                self._account(leg)
                stopped = leg.stop()
                if stopped:
                    self._finish(leg)
                # what is next is a batch that would be cut
                over = not stopped and begun < self.evaluations < before + room
            now = time.monotonic()
            over |= self.score >= target or bool(self.stop()) or now >= deadline
            over |= now >= pause and not self._within_batch()

    def _walk_ahead(
        self, problem: IncrementalProblem, room: int, target: float, pause: float, deadline: float
    ) -> bool:
        """Walks all anneals of a generation side by side, where there is room for all of them.

        What comes of each is looked at in its turn, so that it is the same for any number of
        threads; but for the clock, when all counts that was done.
        """
        if self.threads == 1 or len(self._legs) == 1 or self.patience or self._within_batch():
            return False
        if sum(leg.room() + leg.evaluations - leg.counted for leg in self._legs) > room:
            return False
        walk_side_by_side(self._legs, problem, self.threads, target, pause, deadline)
        if time.monotonic() >= deadline:
            for leg in self._legs:
                self._account(leg)
        return True

    def _account(self, leg: Leg | Turns) -> None:
        """Counts what an anneal has done since this was last called, and takes what it found."""
        shift = self.evaluations - leg.counted
        for at, score in leg.improvements:
            if score > self.score or self.best is None:
                self.best, self.score, self.found = leg.best, score, shift + at
                self.improvements.append((self.found, score))
        leg.improvements.clear()
        self.evaluations = shift + leg.evaluations
        leg.counted = leg.evaluations

    def _forget_asked(self) -> None:
        """Scores of a part of what was asked are used; the rest is asked for again."""
        if self._asked is not None and self._legs:
            leg = self._legs[0]
            if len(self._told):
                leg.tell(self._asked[: len(self._told)], self._told)
                leg.improvements.clear()
                leg.counted = leg.evaluations
            leg._forget_asked()
        self._told, self._asked = np.empty(0), None

    def _within_batch(self) -> bool:
        leg = self._legs[0] if self._legs else None
        return bool(len(self._told) or (leg is not None and (len(leg.taken) or len(leg._told))))

    def batch(self) -> tuple[int, int]:
        """As in `Algorithm`; a walk asks for nothing."""
        if self._asked is not None or not self._legs:
            return super().batch()
        begun, end = self._legs[0].batch()
        shift = self.evaluations - self._legs[0].counted
        return begun + shift, end + shift

    def stop(self) -> dict[str, Any]:
        """As in `Algorithm`, but only between two batches; by default it never does."""
        return {} if self.patience is None or self._within_batch() else super().stop()

    def _finish(self, leg: Leg | Turns) -> None:
        """Keeps the result of the first anneal; after the last of a generation, plans the next."""
        assert leg.best is not None  # its first solution was scored
        if isinstance(leg, Leg):
            self.range = leg.range
        self.optima.append((leg.best, leg.score))
        self.children = np.concatenate([self.children, leg.best[None]])
        self.child_values = np.append(self.child_values, leg.score)
        self._legs.pop(0)
        if self._legs:
            self._legs[0].go_on_from(leg)
            return
        children, values = self.children, self.child_values
        self.children, self.child_values = children[:0], values[:0]
        if self.phase == "cross":
            self._replace(children, values)
        elif self.phase == "long":
            self.alone = float(values[:-1].max())  # the last is the tabu search's
            self.rival, self.rival_value = children[values.argmax()], float(values.max())
        else:
            self.members[0] = np.concatenate([self.members[0], children])
            self.values[0] = np.append(self.values[0], values)
        if self.phase == "first":
            self.phase = "mirror"
        else:
            self._plan()
            self._legs[0].go_on_from(leg)

    def _compare(self, scores: Scores) -> None:
        """Sees whether the opposite of a solution has the score of the solution."""
        self.mirrored = bool(scores[0] == self.values[0][0])
        self._plan()

    def _plan(self) -> None:
        """The next generation."""
        while not self._legs:
            missing = self._size() - len(self.members[self.level])
            if missing > 0:
                self.phase, self.begun = "long" if self.due else "fresh", self.evaluations
                lengths: Sequence[int | None] = self._lengths() if self.due else [None] * missing
                anneals = [
                    self._leg(random_signs(1, self.n, self.rng), 1.0, sweeps) for sweeps in lengths
                ]
                self._legs = [*anneals]
                if self.due:
                    self._turns.plan(sum(leg.n_sweeps for leg in anneals) * self.n)
                    self._legs.append(self._turns)
                self.due = False
            elif self.idle < STALE:
                self._pair()
            else:
                self._rise()

    def _lengths(self) -> Sequence[int]:
        """Sweeps of the next long anneals; before the first of them come ever longer ones."""
        if not self.spent:
            doubling = range(FEWEST.bit_length(), self.long.bit_length() - 1)
            return [1 << bits for bits in doubling] + [self.long] * ALONE
        sweeps = round(self.share * self.spent / (ALONE * self.n))
        return [min(max(sweeps, FEWEST), MOST)] * ALONE

    def _size(self) -> int:
        return min(self.size, ABOVE) if self.level else self.size

    def _pair(self) -> None:
        """Crosses random pairs of the present population."""
        self.phase, self.pairs = "cross", []
        self.idle += 1
        members, values = self.members[self.level], self.values[self.level]
        order = self.rng.permutation(len(members)).tolist()
        for a, b in zip(order[::2], order[1::2], strict=False):
            leg = self._cross(members[a], members[b])
            if leg is not None:
                self._legs.append(leg)
                self.pairs.append(a if values[a] <= values[b] else b)

    def _cross(self, a: Solution, b: Solution) -> Leg | None:
        """The anneal of two solutions' child; None where they are the same."""
        places = np.flatnonzero(a != b)
        if self.mirrored and 2 * len(places) > self.n:
            places = np.flatnonzero(a == b)
        if not len(places):
            return None
        child = a.copy()
        child[places[self.rng.random(len(places)) < 0.5]] *= -1
        return self._leg(child, self.heat, None, places if len(places) > FEW else None)

    def _replace(self, children: Population, values: Scores) -> None:
        """Each child takes the place of a parent, unless it is worse, or a member already."""
        for place, child, value in zip(self.pairs, children, values.tolist(), strict=True):
            members, before = self.members[self.level], self.values[self.level]
            if value > before[place]:
                self.idle = 0
            if value >= before[place] and not has(members, child, mirrored=self.mirrored):
                self.members[self.level] = members = members.copy()
                self.values[self.level] = before = before.copy()
                members[place], before[place] = child, value

    def _rise(self) -> None:
        """The best member of a population joins the next higher one, which is the next if full."""
        members, values = self.members[self.level], self.values[self.level]
        self.members[self.level], self.values[self.level] = members[:0], values[:0]
        place = values.argmax()
        best, value = members[place : place + 1], values[place : place + 1]
        if self.level == 0:
            self._weigh(float(value[0]))
            if self.rival_value > value[0]:
                best = np.concatenate([self.rival[None], best])
                value = np.append(self.rival_value, value)
        self.level, self.idle = self.level + 1, 0
        if self.level == len(self.members):
            self.members.append(members[:0])
            self.values.append(values[:0])
        self.members[self.level] = np.concatenate([self.members[self.level], best])
        self.values[self.level] = np.append(self.values[self.level], value)
        if len(self.members[self.level]) < self._size():
            self.level = 0

    def _weigh(self, value: float) -> None:
        """Compares the best of a population with those of long anneals and tabu search before."""
        self._turns.weigh(max(self.alone, value))
        factor = 2 if self.alone > value else 0.5
        self.share = min(max(self.share * factor, SHARES[0]), SHARES[1])
        self.over, self.due = self.over + 1, True
        self.spent = self.evaluations - self.begun

    def state(self) -> State:
        """As in `Algorithm`, and the anneals' own, and the tabu search's."""
        legs = [leg.state() for leg in self._legs if isinstance(leg, Leg)]
        is_turn = self._turns in self._legs
        return super().state() | {"legs": legs, "turns": self._turns.state(), "is_turn": is_turn}

    def load(self, state: State) -> None:
        """As in `Algorithm`."""
        kept = dict(state)
        legs, turns, is_turn = (kept.pop(name) for name in ("legs", "turns", "is_turn"))
        super().load(kept)
        self._turns = Turns().start(self.n)
        self._legs = [Leg().start(self.n) for _ in legs]
        for leg, its in zip([*self._legs, self._turns], [*legs, turns], strict=True):
            leg.load(its)
        if is_turn:
            self._legs.append(self._turns)
