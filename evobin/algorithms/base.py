"""What all algorithms share: ask what to score, take the scores, stop, state to go on from."""

from __future__ import annotations

import copy
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from evobin.algorithms.operators import random_signs
from evobin.checks import check_number, check_settings, check_shape, check_signs, setting
from evobin.core.problem import IncrementalProblem, Population, Scores, Solution, Structure
from evobin.core.state import State
from evobin.errors import SettingError

Seed = int | Sequence[int] | np.random.SeedSequence
"""What `numpy.random.default_rng` makes a generator of."""

MANY = 10**15
"""No count is larger."""
LARGEST = 10_000_000
"""Signs of a solution; a population of 100 of these has a gigabyte."""


@dataclass(eq=False, kw_only=True)
class Algorithm(ABC):
    """Searches {-1, +1}^n for a maximum, a batch at a time.

    An instance is made of settings alone, and is ready once `start` is called; `start` may be
    called again. A subclass says in `ask` which solutions it wants scored and in `tell` what
    follows from their scores, and may prepare itself in `begin`. All random numbers must come from
    `rng`.

    What a subclass's own `ask` and `tell` need not care for is done around them: `ask` returns the
    same until all of it has scores, scores may come in parts and as a list, the best solution is
    kept, and all attributes are the state that a checkpoint keeps.

    Args:
        patience: evaluations without a new best after which it stops; None for 50 n.

    Attributes:
        name: what `maximize(algorithm=...)` calls it; by default made of the class's name.
        n: length of a solution.
        rng: source of all random numbers.
        initial: [k, n] int8, where to begin; None for anywhere.
        structure: what belongs together in a solution, as far as that is known.
        restart: how many searches there were before this one; 0 for the first.
        best: [n] int8, the best solution so far; None before there is one.
        score: of `best`.
        evaluations: scores so far.
        found: evaluations when `best` was found.
        improvements: (evaluations, score) at each new best; whoever reads it may empty it.
        optima: (solution, score) of each result on the way, such as that of an anneal, of an
            algorithm that `notes_optima`; whoever reads it may empty it.
        notes_optima: whether it does. A walk that does not is looked at now and then.

    Raises:
        SettingError: if a setting is out of range.

    Example:
        >>> from evobin.algorithms import FastGA
        >>> search = FastGA().start(n=20, seed=0)
        >>> while search.score < 20 and not search.stop():
        ...     population = search.ask()
        ...     search.tell(population, [x.sum() for x in population])
        >>> search.best.sum()
        np.int64(20)
    """

    name: ClassVar[str] = "algorithm"
    transient: ClassVar[tuple[str, ...]] = ("structure", "initial", "_within", "_made")
    """Attributes that are no state: what `start` is given, and what can be made again."""
    needs: ClassVar[str] = ""
    """What of a problem's structure it needs to know; all that a score tells if empty."""
    waits: ClassVar[int] = 50
    """Evaluations without a new best after which it stops by default, as a multiple of n."""

    patience: int | None = setting(None, 1, MANY)
    notes_optima: ClassVar[bool] = False
    _made: ClassVar[State | None] = None

    def __post_init__(self) -> None:
        check_settings(self, check=check_number)

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        own = vars(cls)
        if "name" not in own:
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__.strip("_")).lower()
        if "ask" in own:
            setattr(cls, "ask", _asking(own["ask"]))  # noqa: B010  # mypy knows no other way
        if "tell" in own:
            setattr(cls, "tell", _telling(own["tell"]))  # noqa: B010

    @abstractmethod
    def ask(self) -> Population:
        """[k, n] int8, read-only, k at least 1: what to score next, the same until `tell`."""

    @abstractmethod
    def tell(self, population: Population, scores: ArrayLike) -> None:
        """Takes the scores of what was asked, or of its first rows; then the others come next.

        Args:
            population: [k, n] int8, the first k rows of the last `ask`; not modified.
            scores: [k] numbers, higher is better, -inf for what cannot be scored; not modified.

        Raises:
            ValueError: if these are not k of the solutions asked, or a score is NaN.
        """

    def begin(self) -> None:  # noqa: B027  # most have nothing to prepare
        """Prepares a search: called by `start`, when `n`, `rng` and `initial` are set."""

    def start(
        self,
        n: int,
        seed: Seed = 0,
        initial: ArrayLike | None = None,
        *,
        structure: Structure | None = None,
        restart: int = 0,
    ) -> Self:
        """Makes it ready to be asked; whatever it did before is forgotten.

        Args:
            n: length of a solution, at least 1.
            seed: decides every random number.
            initial: [n] or [k, n] of -1 and +1, where to begin; not modified. Random by default.
            structure: what belongs together in a solution, where that is known.
            restart: how many searches there were before this one.

        Returns:
            Itself.

        Raises:
            SettingError: if an argument, or a setting for this n, is out of range.
            ValueError: if `initial` has another shape or other values.
        """
        check_number("n", n, 1, LARGEST)
        vars(self).setdefault("_made", copy.deepcopy(vars(self)))
        self.n = int(n)
        try:
            self.rng = np.random.default_rng(seed)
        except (TypeError, ValueError) as error:
            raise SettingError(f"`seed` must be a number from 0, but it is {seed!r}.") from error
        self.initial = None if initial is None else as_population("initial", initial, n)
        self.structure = structure or Structure()
        self.restart = restart
        self.best: Solution | None = None
        self.score = -np.inf
        self.evaluations = self.found = 0
        self.improvements: list[tuple[int, float]] = []
        self.optima: list[tuple[Solution, float]] = []
        self._asked: Population | None = None
        self._told: Scores = np.empty(0)
        self._within = False
        self.begin()
        return self

    def unstarted(self) -> Self:
        """A copy as it was before the first `start`: its settings alone."""
        other = object.__new__(type(self))
        vars(other).update(copy.deepcopy(vars(self) if self._made is None else self._made))
        return other

    def stop(self) -> dict[str, Any]:
        """Why it makes no sense to go on without a restart; empty = go on.

        Where "optimum" is among the reasons, it makes none with a restart either.
        """
        stale = self.evaluations - self.found
        limit = self.waits * self.n if self.patience is None else self.patience
        return {"stagnation": stale} if stale >= limit else {}

    def batch(self) -> tuple[int, int]:
        """Evaluations where the present batch began, and where it ends; equal between batches."""
        begun = self.evaluations - len(self._told)
        return begun, begun + (0 if self._asked is None else len(self._asked))

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

    def _start(self, number: int) -> Population:
        """[1, n], where a climb of this number begins: at `initial`, then anywhere."""
        if self.initial is not None and number < len(self.initial):
            return self.initial[number : number + 1].copy()
        return random_signs(1, self.n, self.rng)

    def state(self) -> State:
        """What `load` needs to go on from here; later steps do not change it."""
        kept = {name: value for name, value in vars(self).items() if name not in self.transient}
        return copy.deepcopy(kept)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        other = copy.copy(self)
        memo[id(self)] = other
        if (rng := getattr(self, "rng", None)) is not None:  # copied in a third of the time
            bits = type(rng.bit_generator)(0)
            bits.state = rng.bit_generator.state
            memo[id(rng)] = np.random.Generator(bits)
        vars(other).update(copy.deepcopy(vars(other), memo))
        return other

    def load(self, state: State) -> None:
        """Goes on from where another algorithm, started with the same arguments, was."""
        vars(self).update(copy.deepcopy(state))


class Walker(Algorithm):
    """An algorithm that goes by single flips, and is faster on a problem that follows them.

    Attributes:
        threads: how many `walk` may use; no result depends on it, but for the clock.
    """

    transient: ClassVar[tuple[str, ...]] = (*Algorithm.transient, "threads")

    threads: int = 1

    @abstractmethod
    def walk(
        self,
        problem: IncrementalProblem,
        evaluations: int,
        target: float = np.inf,
        *,
        pause: float = np.inf,
        deadline: float = np.inf,
    ) -> None:
        """Goes on as `ask`, `problem.score` and `tell` would, flip by flip.

        A single flip looked at is an evaluation. It ends where `evaluations` more are spent, or
        after the batch (what `ask` would have returned) that reached `target` or after which `stop`
        says something; two walks one after the other are the same as a long one. With 0 evaluations
        it only compiles what it needs.

        Args:
            problem: what to maximise, of this `n`.
            evaluations: at least 0.
            target: score that is enough.
            pause: by `time.monotonic`; from then on it ends after the present batch.
            deadline: by `time.monotonic`; from then on it may end within a batch.
        """

    def standing(self) -> tuple[Solution, float] | None:
        """Where a walk stands, [n] int8, and its score; None where that is not known."""
        return None


def _asking(own: Callable[[Any], Any]) -> Callable[[Any], Population]:
    """A subclass's `ask`, and what all need around it."""

    @wraps(own)
    def ask(self: Algorithm) -> Population:
        if self._within:  # a subclass's, called by a subclass of that
            asked: Population = own(self)
            return asked
        if self._asked is None:
            self._within = True
            try:
                asked = own(self)
            finally:
                self._within = False
            is_array = isinstance(asked, np.ndarray) and asked.dtype == np.int8
            # values are checked by `testing`
            if not (is_array and asked.shape[1:] == (self.n,) and len(asked)):
                asked = as_population("what `ask` returns", asked, self.n)
            self._asked = asked
        left: Population = self._asked[len(self._told) :]
        left.setflags(write=False)  # a view: what a subclass keeps of it stays its own
        return left

    return ask


def _telling(own: Callable[..., None]) -> Callable[..., None]:
    """A subclass's `tell`, and what all need around it."""

    @wraps(own)
    def tell(self: Algorithm, population: Population, scores: ArrayLike) -> None:
        if self._within:
            own(self, population, scores)
            return
        numbers = as_scores(scores)
        asked, first, k = self._asked, len(self._told), len(numbers)
        if asked is None or len(population) != k or first + k > len(asked):
            left = 0 if asked is None else len(asked) - first
            raise ValueError(
                f"`scores` must be those of `population`, the first rows of the {left} asked, but "
                f"it has {k} and `population` has {len(population)}; call `ask` before each `tell`."
            )
        self._note(asked[first : first + k], numbers)
        if first or k < len(asked):
            numbers = self._told = np.concatenate([self._told, numbers])
            if len(numbers) < len(asked):
                return
            self._told = np.empty(0)
        self._asked = None
        self._within = True
        try:
            own(self, asked, numbers)
        finally:
            self._within = False

    return tell


def as_population(name: str, signs: ArrayLike, n: int) -> Population:
    """A copy of one solution or several, as [k, n] int8.

    Raises:
        ValueError: if it has another shape, no row, or other values than -1 and +1.

    Example:
        >>> as_population("initial", np.array([1.0, -1.0]), 2)
        array([[ 1, -1]], dtype=int8)
    """
    array = np.atleast_2d(np.asarray(signs))
    check_signs(name, array, (None, n))
    if not len(array):
        raise ValueError(f"`{name}` must hold a solution, but it has none; leave it out.")
    return array.astype(np.int8)


def as_scores(scores: ArrayLike) -> Scores:
    """[k] float64, from whatever holds k numbers.

    Raises:
        ValueError: if it is no list of numbers, or one is NaN.

    Example:
        >>> as_scores([1, float("nan")])
        Traceback (most recent call last):
        ...
        ValueError: `scores` must hold numbers, but row 1 is nan; use -inf for what has no score.
    """
    array = np.asarray(scores)
    check_shape("scores", array, (None,))
    if array.dtype.kind not in "biuf":
        raise ValueError(f"`scores` must hold numbers, but it holds {array.dtype}.")
    numbers: Scores = array.astype(np.float64, copy=False)
    wrong = np.isnan(numbers)
    if wrong.any():
        raise ValueError(
            f"`scores` must hold numbers, but row {int(wrong.argmax())} is nan; use -inf for what "
            "has no score."
        )
    return numbers


def best_place(scores: Scores) -> int:
    """The first of the highest of [k] scores; k is mostly 1, where numpy takes a while to say so.

    Example:
        >>> best_place(np.array([1.0, 3.0, 3.0])), best_place(np.array([2.0]))
        (1, 0)
    """
    return int(scores.argmax()) if len(scores) > 1 else 0
