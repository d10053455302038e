"""What the algorithms share that go from solution to solution by single flips."""

from __future__ import annotations

import copy
import time
from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evobin.algorithms.base import MANY, Walker
from evobin.core.compiled import CompiledState, Walk
from evobin.core.problem import FlipState, IncrementalProblem, Population, Scores, Solution
from evobin.core.state import State

Words = NDArray[np.uint64]

AT_ONCE = 2**24
"""Signs of the neighbours that are asked for at once."""
LOOKED = 256
"""Flips that are looked at between two looks at the clock."""
AHEAD = 2**16
"""Random words that are drawn at a time for a walk."""
MUCH = 1024
"""Words from which drawing them is worth while letting other threads run."""


class SingleFlips(Walker):
    """Asks for whole solutions where they begin, and else for neighbours of the present one.

    Neighbours differ in one sign: in sign `first`, the next has the next sign flipped, and so on,
    around the end, `width` of them. On an incremental problem nothing is asked: `walk` follows the
    problem's flips, and where these are compiled, a compiled walk makes all steps that fit whole
    into the budget.

    Random numbers come in rows of 64-bit words, one row after the other, whoever uses them, so that
    all these ways are the same walk.

    Args:
        patience: evaluations without a new best after which it stops; None = never.
    """

    transient: ClassVar[tuple[str, ...]] = (*Walker.transient, "_on", "_before", "_drawn")
    row = 1
    """Words that are used together."""

    def begin(self) -> None:
        """As in `Algorithm`; of several solutions to begin at, the best is where it begins."""
        self.waiting = self._first(1)
        self.present: Solution = self.waiting[0]
        self.level = -np.inf
        self.first, self.width = 0, self.n
        self.taken: Scores = np.empty(0)  # of the present batch
        self.words = self._raw(1)[0]
        self._on: tuple[IncrementalProblem, FlipState] | None = None

    @abstractmethod
    def _step(self, scores: Scores) -> None:
        """Draws the consequences of a batch's scores, and says what comes next."""

    @abstractmethod
    def _run(self, state: CompiledState, walk: Walk, target: float, room: int) -> tuple[int, int]:
        """Walks in compiled code, and keeps what only this algorithm knows.

        Returns:
            Evaluations spent, and new bests noted in `walk`.
        """

    def _next(self) -> None:
        """Says what comes next after a `_run`, where `_step` does it else."""

    def ask(self) -> Population:
        """As in `Algorithm`; of many neighbours, as many as fit into memory."""
        if len(self.waiting):
            return self.waiting[len(self.taken) :].copy()
        places = self._places()[len(self.taken) :][: max(AT_ONCE // self.n, 1)]
        population = np.tile(self.present, (len(places), 1))
        population[np.arange(len(places)), places] *= -1
        return population

    def tell(self, population: Population, scores: ArrayLike) -> None:
        """As in `Algorithm`."""
        self._on = None
        self._take(np.asarray(scores))

    def load(self, state: State) -> None:
        """As in `Algorithm`."""
        super().load(state)
        self._on = None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_on": None}  # what belongs to the problem does not travel

    def batch(self) -> tuple[int, int]:
        """As in `Algorithm`; a walk asks for nothing."""
        if self._asked is not None or not len(self.taken):
            return super().batch()
        begun = self.evaluations - len(self.taken)
        return begun, begun + self._batch_size

    def stop(self) -> dict[str, Any]:
        """As in `Algorithm`, but only between two batches; by default it never does."""
        if len(self.taken) or len(self._told) or self.patience is None:
            return {}
        return super().stop()

    def walk(
        self,
        problem: IncrementalProblem,
        evaluations: int,
        target: float = np.inf,
        *,
        pause: float = np.inf,
        deadline: float = np.inf,
    ) -> None:
        """As in `Walker`.

        It ends before a batch that would be cut, if it has made any: what is found on the way does
        not depend on how a walk is cut, then.
        """
        self._forget_asked()
        begun = self.evaluations
        end = begun + evaluations
        if self._on is None or self._on[0] is not problem:
            self._on = problem, problem.start(self.present)
        state = self._on[1]
        if not evaluations and isinstance(state, CompiledState):
            self._compile(state)
        while self.evaluations < end:
            before = self.evaluations
            if isinstance(state, CompiledState) and not (len(self.waiting) or len(self.taken)):
                patience = MANY if self.patience is None else self.patience
                self._walk_compiled(
                    state, min(end - before, max(patience - before + self.found, 0)), target
                )
            if self.evaluations == before:
                if begun < before and self._batch_size - len(self.taken) > end - before:
                    break
                self._score_batch(problem, state, end - before, deadline)
            if self.score >= target or self.stop():
                break
            now = time.monotonic()
            if now >= deadline or (now >= pause and not len(self.taken)):
                break

    def standing(self) -> tuple[Solution, float] | None:
        """As in `Walker`."""
        return None if len(self.waiting) else (self.present, self.level)

    def _forget_asked(self) -> None:
        """Scores of a part of what was asked are used; the rest is asked for again."""
        self.taken = np.concatenate([self.taken, self._told])
        self._told, self._asked = np.empty(0), None

    def _compile(self, state: CompiledState) -> None:
        """Runs the compiled walk with no room, on a copy, without what belongs to the problem."""
        on, self._on = self._on, None
        other = copy.deepcopy(self)
        self._on = on
        other._prepare()
        other._run(state, state.walk(self.present), np.inf, 0)

    def _prepare(self) -> None:
        """Sets what `_run` needs that only the first scores decide, to any value."""

    def _walk_compiled(self, state: CompiledState, room: int, target: float) -> None:
        """Whole steps by a compiled walk."""
        assert self.best is not None  # the first solution was scored
        walk = state.walk(self.best)
        spent, logged = self._run(state, walk, target, room)
        self.present = state.solution
        improvements = state.walked(walk, self.level, logged)
        for at, score in improvements:
            self.best, self.score, self.found = walk.best, score, self.evaluations + at
            self.improvements.append((self.found, score))
        self.evaluations += spent
        self._next()

    def _score_batch(
        self, problem: IncrementalProblem, state: FlipState, room: int, deadline: float
    ) -> None:
        """A batch, or as much of it as there is room and time for."""
        taken = len(self.taken)
        if len(self.waiting):
            rows = self.waiting[taken : taken + room]
            if isinstance(state, CompiledState) and len(self.waiting) == 1:
                scores = np.array([state.go_to(rows[0])])
            else:
                scores = problem.score(rows)
        else:
            places = self._places()[taken : taken + room]
            if len(places) == 1:  # it may well be made
                state.flip(int(places[0]))
                scores = np.array([state.score])
            else:
                scores = _scores_until(state, places, deadline)
                places = places[: len(scores)]
            best = self.present.copy()
            best[places[scores.argmax()]] *= -1
            rows = np.broadcast_to(best, (len(scores), self.n))  # only the best is kept
        self._note(rows, scores)
        self._take(scores)
        for index in np.flatnonzero(state.solution != self.present).tolist():
            state.flip(index)

    def _take(self, scores: Scores) -> None:
        """Takes scores of the present batch; when all are there, makes a step."""
        self.taken = np.concatenate([self.taken, scores])
        if len(self.taken) == self._batch_size:
            taken, self.taken = self.taken, np.empty(0)
            self._step(taken)

    @property
    def _batch_size(self) -> int:
        """Solutions of the present batch: whole ones that wait, or neighbours."""
        return len(self.waiting) or self.width

    def _places(self) -> NDArray[np.int64]:
        """[width] int64: the sign that each neighbour of this batch has flipped."""
        return (self.first + np.arange(self.width)) % self.n

    def _begin_at(self, scores: Scores) -> None:
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
        """[count, row] uint64, random; little-endian, so that parts of words are the same too."""
        size = count * self.row
        if size < MUCH:
            raw: Any = self.rng.bit_generator.random_raw(size)
        else:  # the same words, and other threads run meanwhile; takes 8 us more
            raw = self.rng.integers(2**64, size=size, dtype=np.uint64)
        return np.asarray(raw, "<u8").reshape(count, self.row)

    def _ahead(self, count: int) -> Words:
        """[count, row] uint64: the words to use next; `_use` says how many were."""
        self._before = self.rng.bit_generator.state
        self._drawn = np.concatenate([self.words[None], self._raw(count - 1)])
        return self._drawn

    def _use(self, count: int) -> None:
        """Goes on after some of the words that `_ahead` returned; the others will come again."""
        drawn, self._drawn = self._drawn, self._drawn[:0]
        if count == len(drawn):
            self.words = self._raw(1)[0]
            return
        self.words = drawn[count].copy()
        if count < len(drawn) - 1:
            self.rng.bit_generator.state = self._before
            self._raw(count)


def _scores_until(state: FlipState, places: NDArray[np.int64], deadline: float) -> Scores:
    """The scores of single flips, or of the first ones until the clock says stop."""
    if deadline == np.inf or isinstance(state, CompiledState):
        return state.scores(places)
    scores = []
    for low in range(0, len(places), LOOKED):
        scores.append(state.scores(places[low : low + LOOKED]))
        if time.monotonic() >= deadline:
            break
    return np.concatenate(scores)


def place_of(words: Words, n: int) -> NDArray[np.int64]:
    """A random number from 0 to n - 1 from the upper half of each word, n below 2^31."""
    return ((words >> np.uint64(32)) * np.uint64(n) >> np.uint64(32)).astype(np.int64)
