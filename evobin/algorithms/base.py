"""What all algorithms share: ask what to score, tell the scores, stop, state to go on from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.operators import random_signs
from evobin.checks import check_number, check_shape, check_signs
from evobin.core.problem import AnyProblem, Population, Scores, Solution, Structure
from evobin.errors import SettingError

Seed = int | Sequence[int] | np.random.SeedSequence
"""What `numpy.random.default_rng` makes a generator of."""
State = dict[str, Any]
"""All that an algorithm needs to go on: arrays, and values that JSON can hold, by name."""

ALWAYS = ("score", "evaluations", "found")
MANY = 10**15
"""No count is larger."""
LARGEST = 10_000_000
"""Signs of a solution; a population of 100 of these has a gigabyte."""


class Algorithm(ABC):
    """Searches {-1, +1}^n for a maximum, a batch at a time.

    A subclass says in `_propose` which solutions it wants scored and in `_learn` what follows from
    their scores, and names in `kept` the attributes that both change. All random numbers come from
    `rng`. Made of the same arguments and given the `state` of another one, it goes on as that one
    would have, wherever that was, between `ask` and `tell` or within a batch.

    Args:
        n: length of a solution, at least 1.
        seed: decides every random number.
        initial: [n] or [k, n] of -1 and +1, where to begin; not modified. Random by default.
        patience: evaluations without a new best after which it stops; 0 for 50 n.

    Attributes:
        name: what `maximize(algorithm=...)` calls it.
        kept: names of the subclass's attributes that are its state: arrays, and values that JSON
            has a notation for; none of them is None.
        structure: what belongs together in a solution; set before the first `ask` where known.
        budget: evaluations that there are for it; set before the first `ask` where known.
        best: [n] int8, the best solution told so far; None before there is one.
        score: of `best`.
        evaluations: scores told.
        found: evaluations when `best` was told.
        improvements: (evaluations, score) at each new best; whoever reads it may empty it.

    Raises:
        SettingError: if an argument is out of range.

    Example:
        >>> from evobin.algorithms import FastGA
        >>> search = FastGA(n=20, seed=0)
        >>> while search.score < 20 and not search.stop():
        ...     population = search.ask()
        ...     search.tell(population, population.sum(axis=1))
        >>> search.best.sum()
        np.int64(20)
    """

    name: ClassVar[str]
    kept: ClassVar[tuple[str, ...]] = ()
    structure: Structure = Structure()
    budget: int = MANY

    def __init__(
        self, n: int, seed: Seed = 0, initial: NDArray[Any] | None = None, patience: int = 0
    ) -> None:
        check_number("n", n, 1, LARGEST)
        check_number("patience", patience, 0, MANY)
        self.n = n
        self.rng = _generator(seed)
        self.initial = None if initial is None else as_population("initial", initial, n)
        self.best: Solution | None = None
        self.score = -np.inf
        self.patience = patience or 50 * n
        self.evaluations = self.found = 0
        self.improvements: list[tuple[int, float]] = []
        self._asked: Population | None = None
        self._told: Scores = np.empty(0)

    @abstractmethod
    def _propose(self) -> Population:
        """[k, n] int8, k at least 1: what to score next; not touched again, here or elsewhere."""

    @abstractmethod
    def _learn(self, population: Population, scores: Scores) -> None:
        """Draws the consequences of what `_propose` returned; [k, n] int8 and [k] float64."""

    def stop(self) -> dict[str, Any]:
        """Why it makes no sense to go on without a restart; empty = go on."""
        stale = self.evaluations - self.found
        return {"stagnation": stale} if stale >= self.patience else {}

    def ask(self) -> Population:
        """[k, n] int8, read-only: what to score next, the same until it is told."""
        if self._asked is None:
            self._asked = self._propose()
            self._asked.setflags(write=False)
        return self._asked[len(self._told) :]

    def tell(self, population: Population, scores: Scores) -> None:
        """Takes the scores of what was asked, or of its first rows; then the others come next.

        Args:
            population: [k, n] int8, the first k rows of the last `ask`; not modified.
            scores: [k] float64, higher is better; no NaN. Not modified.

        Raises:
            ValueError: if these are not k of the solutions asked.
        """
        asked, first = self._asked, len(self._told)
        k = len(scores)
        if asked is None or len(population) != k or first + k > len(asked):
            left = 0 if asked is None else len(asked) - first
            raise ValueError(
                f"`scores` must tell of `population`, the first rows of the {left} asked, but it "
                f"has {k} and `population` has {len(population)}; call `ask` before each `tell`."
            )
        self._note(asked[first : first + k], scores)
        if first or k < len(asked):
            scores = self._told = np.concatenate([self._told, scores])
            if len(scores) < len(asked):
                return
            self._told = np.empty(0)
        self._asked = None
        self._learn(asked, scores)

    def _note(self, population: Population, scores: Scores) -> None:
        """Counts scores, and keeps the best solution; none of k where k is 0."""
        if len(scores):
            place = best_place(scores)
            score = float(scores[place])
            if score > self.score or self.best is None:
                self.best, self.score = population[place].copy(), score
                self.found = self.evaluations + place + 1
                self.improvements.append((self.found, score))
            self.evaluations += len(scores)

    def _first(self, k: int) -> Population:
        """Where to begin: `initial`, filled up to k rows with random ones."""
        given = np.empty((0, self.n), np.int8) if self.initial is None else self.initial
        return np.concatenate([given, random_signs(max(k - len(given), 0), self.n, self.rng)])

    def state(self) -> State:
        """What `load` needs to go on from here; later steps do not change it."""
        names = (*ALWAYS, *self.kept)
        state: State = {name: _copied(getattr(self, name)) for name in names}
        state |= {"rng": self.rng.bit_generator.state, "told": self._told}
        if self._asked is not None:
            state["asked"] = self._asked
        return state if self.best is None else state | {"best": self.best}

    def load(self, state: State) -> None:
        """Goes on from where another algorithm made of the same arguments was."""
        for name in (*ALWAYS, *self.kept):
            setattr(self, name, _copied(state[name]))
        self.rng.bit_generator.state = state["rng"]
        self.best, self._asked = state.get("best"), state.get("asked")
        self._told = state["told"]


class Walker(Algorithm):
    """An algorithm that goes by single flips, and is faster on a problem that knows their gains."""

    @abstractmethod
    def walk(self, problem: AnyProblem, evaluations: int, target: float = np.inf) -> None:
        """Goes on as `ask`, `problem.score` and `tell` would, by the problem's gains.

        A single-flip gain looked at is an evaluation. It ends where `evaluations` more are spent,
        or behind the batch (what `ask` would have returned) that reached `target` or after which
        `stop` says something; two walks one after the other are the same as a long one.

        Args:
            problem: what to maximise, of this `n`.
            evaluations: at least 1.
            target: score that is enough.
        """


def as_population(name: str, signs: NDArray[Any], n: int) -> Population:
    """A copy of one solution or several, as [k, n] int8.

    Raises:
        ValueError: if it has another shape, no row, or other values than -1 and +1.

    Example:
        >>> as_population("initial", np.array([1.0, -1.0]), 2)
        array([[ 1, -1]], dtype=int8)
    """
    array = np.atleast_2d(np.asarray(signs))
    check_shape(name, array, (None, n))
    if not len(array):
        raise ValueError(f"`{name}` must hold a solution, but it has none; leave it out.")
    check_signs(name, array)
    return array.astype(np.int8)


def best_place(scores: Scores) -> int:
    """The first of the highest of [k] scores; k is mostly 1, where numpy takes a while to say so.

    Example:
        >>> best_place(np.array([1.0, 3.0, 3.0])), best_place(np.array([2.0]))
        (1, 0)
    """
    return int(scores.argmax()) if len(scores) > 1 else 0


def _generator(seed: Seed) -> np.random.Generator:
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise SettingError(f"`seed` must be a number from 0, but it is {seed!r}.") from error


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray | list | dict) else value
