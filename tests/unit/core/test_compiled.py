"""A family of problems and an algorithm, both of this file alone, walk in compiled code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from evobin.algorithms.annealing import Annealing
from evobin.algorithms.descent import Descent
from evobin.algorithms.single_flips import AHEAD, SingleFlips, place_of
from evobin.algorithms.tabu import Tabu
from evobin.core.compiled import CompiledProblem, CompiledState, Walk
from evobin.core.problem import Population, Scores, Solution
from evobin.kernels.families import (
    compiled,
    flip,
    flips,
    look,
    looks,
    note_best,
    note_flip,
    update_best,
)
from evobin.problems.qubo import QUBO
from tests.boxes import random_signs, verify_all

pytestmark = pytest.mark.kernels
Floats = NDArray[np.float64]


class ChainBox(NamedTuple):
    """A field for each sign, and a coupling to the next one."""

    gains: Floats
    signs: Solution
    fields: Floats
    couplings: Floats


@flips(ChainBox)
def flip_in_chain(box: ChainBox, i: int) -> None:
    gains, signs, _, couplings = box
    signs[i] = -signs[i]
    gains[i] = -gains[i]
    if i > 0:
        gains[i - 1] -= 4 * couplings[i - 1] * signs[i - 1] * signs[i]
    if i < len(signs) - 1:
        gains[i + 1] -= 4 * couplings[i] * signs[i + 1] * signs[i]


class Chain(CompiledProblem):
    """Maximises fields @ s + sum of couplings_i s_i s_(i+1), whole numbers."""

    def __init__(self, fields: Floats, couplings: Floats) -> None:
        self.n = len(fields)
        self._fields, self._couplings = fields, couplings

    def score(self, population: Population) -> Scores:
        s = self._check(population).astype(np.float64)
        scores: Scores = s @ self._fields + (s[:, :-1] * s[:, 1:]) @ self._couplings
        return scores

    def box(self, signs: Solution) -> ChainBox:
        towards = self._fields.copy()
        towards[:-1] += self._couplings * signs[1:]
        towards[1:] += self._couplings * signs[:-1]
        return ChainBox(-2 * signs * towards, signs, self._fields, self._couplings)


class LazyBox(NamedTuple):
    """As a `ChainBox`, and gains are exact only where they were looked at since the last flip."""

    gains: Floats
    signs: Solution
    fields: Floats
    couplings: Floats


@flips(LazyBox)
def flip_lazily(box: LazyBox, i: int) -> None:
    box.signs[i] = -box.signs[i]
    box.gains[:] = 1e9  # whoever reads one now without a look goes astray


@looks(LazyBox)
def look_lazily(box: LazyBox, i: int, size: int) -> int:
    _, signs, fields, couplings = box
    towards = fields[i]
    if i > 0:
        towards += couplings[i - 1] * signs[i - 1]
    if i < len(signs) - 1:
        towards += couplings[i] * signs[i + 1]
    box.gains[i] = -2 * signs[i] * towards
    return 1


class LazyChain(Chain):
    """A chain whose gains are found when they are looked at."""

    def box(self, signs: Solution) -> Any:
        return LazyBox(np.full(self.n, 1e9), signs, self._fields, self._couplings)


class Threshold(SingleFlips):
    """Flips random signs where that costs no more than `slack`."""

    def __init__(self, *, slack: float = 3.0, patience: int | None = None) -> None:
        super().__init__(patience=patience)
        self.slack = slack

    def begin(self) -> None:
        super().begin()
        self.width = 1

    def _step(self, scores: Scores) -> None:
        if len(self.waiting):
            self._begin_at(scores)
        else:
            if scores[0] >= self.level - self.slack:
                self._move(self.first, scores[0])
            self._ahead(1)
            self._use(1)
        self._next()

    def _next(self) -> None:
        self.first = int(place_of(self.words, self.n)[0])

    def _run(self, state: CompiledState, walk: Walk, target: float, room: int) -> tuple[int, int]:
        places = place_of(self._ahead(min(room, AHEAD) + 1)[:, 0], self.n)[:-1]
        levels = np.array([state.score, self.score, target])
        spent, logged = _threshold(state.box, state.tag, walk, levels, places, self.slack)
        self._use(int(spent))
        self.level = float(levels[0])
        return int(spent), int(logged)


@compiled
def _threshold(
    box: Any, tag: Any, walk: Walk, levels: Floats, places: NDArray[np.int64], slack: float
) -> tuple[int, int]:
    best, journal, at, tops = walk
    level, top, target = levels
    spent, logged, length, mark = 0, 0, -1, 0
    while spent < len(places) and top < target and logged < len(at):
        i = places[spent]
        spent += 1
        look(box, i, 1)
        if box.gains[i] >= -slack:
            level += box.gains[i]
            flip(box, i)
            length, mark = note_flip(best, journal, length, mark, i)
            if level > top:
                top = level
                length, mark = note_best(best, box.signs, length)
                at[logged], tops[logged] = spent, top
                logged += 1
    update_best(best, journal, mark)
    levels[0], levels[1] = level, top
    return spent, logged


def chain(n: int) -> Chain:
    rng = np.random.default_rng(n)
    return Chain(
        rng.integers(-3, 4, n).astype(np.float64), rng.integers(-5, 6, n - 1).astype(np.float64)
    )


def lazy(n: int) -> LazyChain:
    return LazyChain(chain(n)._fields, chain(n)._couplings)


PROBLEMS = {
    "own family": chain(30),
    "own family that looks": lazy(30),
    "QUBO": QUBO(np.random.default_rng(0).integers(-5, 6, (30, 30))),
    "sparse real QUBO": QUBO.from_entries(30, [0, 5, 9], [3, 5, 9], [0.1, -0.7, 1.3]),
}


@pytest.mark.parametrize("make", [chain, lazy])
@pytest.mark.parametrize("n", [1, 2, 65])
def test_an_own_family_keeps_every_number_exact(make: Callable[[int], Chain], n: int) -> None:
    rng, problem = np.random.default_rng(0), make(n)
    signs = random_signs(n, rng)
    state = problem.start(signs)
    for index in [0, n - 1, *rng.integers(0, n, 100).tolist()]:
        before, gain = state.score, state.gains()[index]
        assert state.scores([index]).tolist() == [before + gain]
        state.flip(index)
        assert state.score == before + gain
        signs[index] *= -1
    np.testing.assert_array_equal(state.solution, signs)
    verify_all(problem, state)


def best_of_chain(problem: Chain) -> float:
    """The highest score, sign by sign."""
    ends = np.array([-problem._fields[0], problem._fields[0]])
    for coupling, field in zip(problem._couplings, problem._fields[1:], strict=True):
        pairs = ends[:, None] + coupling * np.array([[1, -1], [-1, 1]])
        ends = pairs.max(axis=0) + field * np.array([-1, 1])
    return float(ends.max())


@pytest.mark.parametrize(
    "algorithm",
    [Threshold(), Annealing(sweeps=100), Tabu(), Descent(), Descent(rule="first")],
    ids=["own", "annealing", "tabu", "steepest", "first"],
)
@pytest.mark.parametrize("kind", PROBLEMS)
def test_a_walk_equals_ask_and_tell_and_a_recomputation(algorithm: SingleFlips, kind: str) -> None:
    problem, budget = PROBLEMS[kind], 2500
    told = algorithm.start(problem.n, 1)
    while told.evaluations < budget:
        asked = told.ask()[: budget - told.evaluations]
        told.tell(asked, problem.score(asked))
    expected = told.best, told.score, told.found, list(told.improvements)
    told._forget_asked()
    present = told.present
    walked = algorithm.start(problem.n, 1)
    while walked.evaluations < budget:
        walked.walk(problem, budget - walked.evaluations)
    assert walked.best is not None
    np.testing.assert_array_equal(walked.best, expected[0])
    np.testing.assert_array_equal(walked.present, present)
    assert (walked.score, walked.found, walked.improvements) == expected[1:]
    scores = problem.score(np.stack([walked.best, walked.present]))
    assert scores.tolist() == [walked.score, walked.level]


@pytest.mark.parametrize("algorithm", [Annealing(sweeps=200), Tabu(), Descent()])
def test_an_own_family_is_solved(algorithm: SingleFlips) -> None:
    problem = chain(30)
    best = best_of_chain(problem)
    search = algorithm.start(30, 0)
    while search.score < best and search.evaluations < 60_000 and not search.stop():
        search.walk(problem, 60_000 - search.evaluations, best)
    assert search.score == best


def test_a_walk_of_no_evaluations_only_compiles() -> None:
    search = Threshold().start(30, 0)
    search.walk(chain(30), 0)
    assert (search.evaluations, search.best, search.improvements) == (0, None, [])


def test_a_box_must_have_gains_and_signs_first() -> None:
    class Other(NamedTuple):
        signs: Solution
        gains: Floats

    with pytest.raises(TypeError, match=r"the first fields of Other must be gains and signs\."):
        flips(Other)(flip_in_chain)
    with pytest.raises(TypeError, match=r"the first fields of dict must be gains and signs\."):
        flips(dict)(flip_in_chain)


class Unknown(NamedTuple):
    gains: Floats
    signs: Solution


def test_a_flip_must_have_the_right_parameters() -> None:
    def flip_it(state: Unknown, i: int) -> None:
        """Wrong."""

    with pytest.raises(TypeError, match=r"the parameters of flip_it must be \(box, i\)\."):
        flips(Unknown)(flip_it)


def test_a_look_must_have_the_right_parameters() -> None:
    with pytest.raises(TypeError, match=r"parameters of flip_lazily must be \(box, i, size\)\."):
        looks(LazyBox)(flip_lazily)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"the first fields of dict must be gains and signs\."):
        looks(dict)(look_lazily)


def test_a_box_without_a_flip_is_named() -> None:
    class Lacking(Chain):
        def box(self, signs: Solution) -> Any:
            return Unknown(np.zeros(self.n), signs)

    with pytest.raises(TypeError, match="Unknown must have a flip; register one by"):
        Lacking(np.ones(3), np.ones(2)).start(np.ones(3, np.int8))
