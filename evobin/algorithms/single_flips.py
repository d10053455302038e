"""What the algorithms share that go from solution to solution by single flips."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.base import MANY, Seed, State, Walker
from evobin.core.problem import (
    AnyProblem,
    Course,
    FlipState,
    Population,
    Scores,
    Solution,
    WalkingState,
)
from evobin.errors import SettingError

Words = NDArray[np.uint64]

MAX_ASKED = 2**29
"""Signs of one batch."""
AHEAD = 2**16
"""Random words that are drawn at a time for a walk."""


class SingleFlips(Walker):
    """Asks for whole solutions where they begin, and else for neighbours of the present one.

    Neighbours differ in one sign: in sign `first`, the next has the next sign flipped, and so on,
    around the end, `width` of them. On a white box nothing is asked: `walk` looks at gains, and
    where the box walks by itself, its kernels make all steps that fit whole into the budget.

    Random numbers come in rows of 64-bit words, one row after the other, whoever uses them, so that
    both ways are the same walk.

    Args:
        n, seed, initial: as for `Algorithm`; of several, the best is where it begins.
        patience: evaluations without a new best after which it stops; 0 = never.
    """

    kept: ClassVar[tuple[str, ...]] = ("present", "level", "waiting", "first", "width", "words")
    row = 1  # words that are used together

    def __init__(self, n: int, seed: Seed, initial: NDArray[Any] | None, patience: int) -> None:
        super().__init__(n, seed, initial, patience or MANY)
        self.waiting = self._first(1)
        self.present: Solution = self.waiting[0]
        self.level = -np.inf
        self.first, self.width = 0, n
        self.words = self._raw(1)[0]
        self._on: tuple[AnyProblem, FlipState] | None = None

    @abstractmethod
    def _step(self, scores: Scores) -> None:
        """Draws the consequences of a batch's scores, and says what comes next."""

    @abstractmethod
    def _run(self, state: WalkingState, course: Course, room: int) -> int:
        """Lets a state walk, keeps what only this algorithm knows, and says what was spent."""

    def _next(self) -> None:
        """Says what comes next behind a `_run`, where `_step` does it else."""

    def _propose(self) -> Population:
        if len(self.waiting):
            return self.waiting.copy()
        if self.width * self.n > MAX_ASKED:
            raise SettingError(
                f"`{self.name}` looks at {self.width:,} neighbours of {self.n:,} signs at once, "
                "which no memory holds; give a white box, or use another algorithm."
            )
        population = np.tile(self.present, (self.width, 1))
        population[np.arange(self.width), self._places()] *= -1
        return population

    def _learn(self, population: Population, scores: Scores) -> None:
        self._on = None
        self._step(scores)

    def load(self, state: State) -> None:
        """As in `Algorithm`."""
        super().load(state)
        self._on = None

    def stop(self) -> dict[str, Any]:
        """As in `Algorithm`, but only between two batches, however they are cut."""
        return {} if len(self._told) else super().stop()

    def walk(self, problem: AnyProblem, evaluations: int, target: float = np.inf) -> None:
        """As in `Walker`; the problem's gains must be exact.

        It ends before a batch that would be cut, if it has made any: what is found on the way does
        not depend on how a walk is cut, then.
        """
        begun = self.evaluations
        end = begun + evaluations
        state = self._state_on(problem)
        while self.evaluations < end:
            before = self.evaluations
            if isinstance(state, WalkingState) and not (len(self.waiting) or len(self._told)):
                room = min(end - before, max(self.patience - (before - self.found), 0))
                self._hurry(state, room, target)
            if self.evaluations == before:
                left = (len(self.waiting) or self.width) - len(self._told)
                if begun < before and left > end - before:
                    break
                self._look(problem, state, end - before)
            if self.score >= target or self.stop():
                break

    def _state_on(self, problem: AnyProblem) -> FlipState:
        if self._on is None or self._on[0] is not problem:
            batch = problem.draw(np.random.default_rng(0))
            self._on = problem, problem.start(self.present, batch)
        return self._on[1]

    def _hurry(self, state: WalkingState, room: int, target: float) -> None:
        """Whole steps by the state's own walk."""
        assert self.best is not None  # the first solution was told
        levels = np.array([self.level, self.score, target, -np.inf])
        course = Course(self.best.copy(), levels, np.zeros(3, np.int64))
        self._asked = None  # it will be proposed again
        spent = self._run(state, course, room)
        for at, score in course.improvements:
            self.best, self.score, self.found = course.best, score, self.evaluations + at
            self.improvements.append((self.found, score))
        self.evaluations += spent
        self._next()

    def _look(self, problem: AnyProblem, state: FlipState, room: int) -> None:
        """A batch, or as much of it as there is room for."""
        told = len(self._told)
        if len(self.waiting):
            size = len(self.waiting)
            rows = self.waiting[told : told + room]
            scores = problem.score(rows)
        else:
            size = self.width
            places = self._places()[told : told + room]
            scores = self.level + state.gains()[places]
            best = self.present.copy()
            best[places[scores.argmax()]] *= -1
            rows = np.broadcast_to(best, (len(scores), self.n))  # only the best is kept
        self._note(rows, scores)
        self._told = np.concatenate([self._told, scores])
        if len(self._told) == size:
            scores, self._told, self._asked = self._told, np.empty(0), None
            self._step(scores)
            for index in np.flatnonzero(state.solution != self.present).tolist():
                state.flip(index)

    def _places(self) -> NDArray[np.int64]:
        """[width] int64: the sign that each neighbour of this batch has flipped."""
        return (self.first + np.arange(self.width)) % self.n

    def _begin(self, scores: Scores) -> None:
        """Goes to the best of the whole solutions that were waiting."""
        place = int(scores.argmax())
        self.present, self.level = self.waiting[place].copy(), float(scores[place])
        self.waiting = np.empty((0, self.n), np.int8)

    def _move(self, sign: int, score: float) -> None:
        self.present = self.present.copy()
        self.present[sign] *= -1
        self.level = float(score)

    def _kick(self, solution: Solution, count: int, *, fewer: bool = False) -> None:
        """Lets a solution wait with random signs flipped; one drawn twice is flipped back.

        With `fewer`, how many of the `count` is drawn as well.
        """
        kicked = solution.copy()
        places = place_of(self._ahead(count)[:, 0], self.n)
        some = 1 + int(places[0]) * count // self.n if fewer else count
        np.multiply.at(kicked, places[:some], np.int8(-1))
        self._use(count)
        self.waiting = kicked[None]

    def _raw(self, count: int) -> Words:
        """[count, row] uint64, random."""
        raw: Any = self.rng.bit_generator.random_raw(count * self.row)
        return np.asarray(raw, np.uint64).reshape(count, self.row)

    def _ahead(self, count: int) -> Words:
        """[count, row] uint64: the words to use next; `_use` says how many were."""
        self._before = self.rng.bit_generator.state
        self._drawn = np.concatenate([self.words[None], self._raw(count - 1)])
        return self._drawn

    def _use(self, count: int) -> None:
        """Goes on behind some of the words that `_ahead` returned; the others will come again."""
        if count == len(self._drawn):
            self.words = self._raw(1)[0]
            return
        self.words = self._drawn[count].copy()
        if count < len(self._drawn) - 1:
            self.rng.bit_generator.state = self._before
            self._raw(count)


def place_of(words: Words, n: int) -> NDArray[np.int64]:
    """A random number from 0 to n - 1 from the upper half of each word, n below 2^31."""
    return ((words >> np.uint64(32)) * np.uint64(n) >> np.uint64(32)).astype(np.int64)
