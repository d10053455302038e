"""Incremental problems whose flips are compiled: gains are exact, whole algorithms walk on them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_signs
from evobin.core.problem import FlipState, IncrementalProblem, Population, Scores, Solution
from evobin.kernels import families
from evobin.kernels.handles import handle_of

Box = Any
"""A NamedTuple of arrays, gains and signs first; see `kernels.families`."""

LOG = 4096
"""New bests that one call of a walk can report."""


class CompiledProblem(IncrementalProblem):
    """A problem that knows the exact gain of every single flip, and flips in compiled code.

    All numbers are whole, or are rounded once, when the problem is made, to multiples of one power
    of two so small that rounding costs less than adding up in floating point would, and so large
    that no sum is ever rounded: nothing drifts, however many flips are made.

    A family of problems is one file: this class with `score` and `box`, a NamedTuple for the box,
    and the function that flips a sign in it, registered by `kernels.families.flips`; where gains
    are not kept but found when they are looked at, also the function that looks, registered by
    `looks`. Scores are exact, and what is not [k, n] of -1 and +1 is a ValueError.
    """

    keeps_gains: ClassVar[bool] = True
    """Whether all gains are always exact, so that looking at a flip costs next to nothing."""

    @abstractmethod
    def box(self, signs: Solution) -> Box:
        """What the family's flip needs, for signs that are the box's from now on.

        Args:
            signs: [n] int8; overwritten later.
        """

    def start(self, solution: Solution) -> FlipState:
        """As in `IncrementalProblem`; a ValueError if `solution` is not [n] of -1 and +1."""
        self._check_one(solution)
        return CompiledState(self, solution)

    def _check_one(self, solution: Solution) -> None:
        check_signs("solution", solution, (self.n,))

    def _check(self, population: Population) -> Population:
        check_signs("population", population, (None, self.n))
        return population


class Walk(NamedTuple):
    """What a compiled walk fills in.

    Attributes:
        best: [n] int8, the best solution.
        journal: [n] int32, flips since; see `kernels.families`.
        evaluations: [LOG] int64, those of this call at each new best.
        scores: [LOG] float64, the score of each.
    """

    best: Solution
    journal: NDArray[np.int32]
    evaluations: NDArray[np.int64]
    scores: NDArray[np.float64]


class CompiledState(FlipState):
    """One solution of a `CompiledProblem`, its gains kept, or found when they are asked for.

    Attributes:
        box: what walks take: that of the family or, where gains are found when they are looked at,
            a handle of it (see `kernels.handles`).
        tag: see `kernels.families`.
        whole: the box as the problem made it.
    """

    def __init__(self, problem: CompiledProblem, solution: Solution) -> None:
        self._take(problem.box(solution.astype(np.int8)))
        self._score = float(problem.score(solution[None])[0])
        self._journal = np.empty(len(solution), np.int32)
        self._log = np.empty(LOG, np.int64), np.empty(LOG)

    def _take(self, whole: Box) -> None:
        self.whole = whole
        self.box, self._stored = handle_of(whole)
        kind: type = type(self.box)
        self.tag = families.tag_of(kind)

    def __getstate__(self) -> dict[str, Any]:
        """Without addresses, which are of this object and this process."""
        here = ("box", "tag", "_stored")
        kept = {name: value for name, value in self.__dict__.items() if name not in here}
        return kept | {"_fixed": [not array.flags.writeable for array in _arrays(self.whole)]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        fixed = state.pop("_fixed")
        self.__dict__.update(state)
        for array, is_fixed in zip(_arrays(self.whole), fixed, strict=True):
            if is_fixed:  # else numba would compile again, for arrays that may be written
                array.setflags(write=False)
        self._take(self.whole)

    @property
    def score(self) -> float:
        """As in `FlipState`."""
        return self._score

    @property
    def solution(self) -> Solution:
        """As in `FlipState`."""
        signs: Solution = self.box.signs
        return signs.copy()

    def gains(self) -> NDArray[np.float64]:
        """[n] float64, the exact change of score for each single flip."""
        return families.look_at(self.box, self.tag, np.arange(len(self.box.signs)))

    def scores(self, indices: Iterable[int]) -> Scores:
        """As in `FlipState`, from the gains."""
        places = indices if isinstance(indices, np.ndarray) else np.array(list(indices), np.int64)
        scores: Scores = self._score + families.look_at(self.box, self.tag, places)
        return scores

    def flip(self, index: int) -> None:
        """As in `FlipState`."""
        n = len(self.box.signs)
        if not 0 <= index < n:
            raise IndexError(f"`index` must be from 0 to {n - 1}, but it is {index}.")
        self._score += families.flip_one(self.box, self.tag, index)

    def go_to(self, solution: Solution) -> float:
        """Makes the flips that lead to another solution, [n] int8, and returns its score."""
        self._score += families.go_to(self.box, self.tag, solution)
        return self._score

    def walk(self, best: Solution) -> Walk:
        """What a compiled walk from here fills in, the best solution so far being `best`."""
        return Walk(best.copy(), self._journal, *self._log)

    def walked(self, walk: Walk, score: float, logged: int) -> list[tuple[int, float]]:
        """Takes over where a walk has gone.

        Args:
            walk: from `walk`, filled in.
            score: of the present solution.
            logged: how many new bests there were.

        Returns:
            Evaluations of this call at each new best, and its score.
        """
        self._score = float(score)
        at, scores = walk.evaluations[:logged].tolist(), walk.scores[:logged].tolist()
        return list(zip(at, scores, strict=True))


def _arrays(box: Box) -> Iterator[NDArray[Any]]:
    """The arrays of a box, those of boxes inside it as well."""
    for value in box:
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, tuple):
            yield from _arrays(value)
