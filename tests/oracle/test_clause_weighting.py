"""Clause weighting: what is kept flip by flip equals what counting from scratch says."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

from evobin.algorithms.clause_weighting import ClauseWeighting
from evobin.core.state import pack_state
from evobin.kernels.clauses import Search
from evobin.problems.maxsat import MaxSat
from tests.oracle import naive_boxes as naive

pytestmark = pytest.mark.kernels


def clauses_of(n: int, rng: np.random.Generator) -> list[list[int]]:
    """Clauses of any length, the empty one included, with repeated and contrary literals."""
    sizes = rng.integers(0, 5, 4 * n + 3)
    return [(rng.choice([-1, 1], k) * rng.integers(1, n + 1, k)).tolist() for k in sizes]


def problem_of(n: int, seed: int, *, hard: float = 0.3, huge: bool = False) -> MaxSat:
    rng = np.random.default_rng(seed)
    clauses = clauses_of(n, rng)
    weights = [
        math.inf if rng.random() < hard else int(rng.integers(0, 2**55 if huge else 9))
        for _ in clauses
    ]
    return MaxSat(n, clauses, weights)


def started(problem: MaxSat, seed: int = 3, **settings: Any) -> ClauseWeighting:
    return ClauseWeighting(**settings).start(problem.n, seed, structure=problem.structure)


def searched(algorithm: ClauseWeighting) -> Search:
    assert algorithm._search is not None
    return algorithm._search


def assert_kept(algorithm: ClauseWeighting) -> None:
    """Everything that is kept, counted again, clause by clause."""
    search, lists = searched(algorithm), algorithm._lists
    n, m = len(search.signs), len(lists.hard)
    gains, sizes = [0] * n, search.sizes.tolist()
    broken = []
    for c in range(m):
        places = range(lists.ends[c], lists.ends[c + 1])
        true = [
            int(lists.members[k])
            for k in places
            if search.signs[lists.members[k]] == lists.literals[k]
        ]
        assert (search.counts[c], search.sums[c]) == (len(true), sum(true))
        weight = int(search.dynamic[c])
        for i in true if len(true) == 1 else []:
            gains[i] -= weight
        for k in places if not true else []:
            gains[lists.members[k]] += weight
        broken += [] if true else [c]
        assert (search.raised_at[c] >= 0) == (weight > lists.steps[c])
    assert search.gains.tolist() == gains
    assert sorted(search.good[: sizes[0]].tolist()) == [i for i in range(n) if gains[i] > 0]
    hard = [c for c in broken if lists.hard[c]]
    soft = [c for c in broken if not lists.hard[c] and lists.steps[c]]
    assert sorted(search.broken[: sizes[1]].tolist()) == hard
    assert sorted(search.broken[m - sizes[2] :].tolist()) == soft
    assert sizes[3] == sum(int(lists.weights[c]) for c in soft)
    for at, where in ((search.good, search.good_at), (search.broken, search.broken_at)):
        listed = np.flatnonzero(where >= 0)
        np.testing.assert_array_equal(at[where[listed]], listed)


@pytest.mark.parametrize("hard", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("n", [1, 2, 9, 24])
def test_what_is_kept_equals_what_is_counted(n: int, hard: float) -> None:
    problem = problem_of(n, n, hard=hard)
    algorithm = started(problem, flips=40, limit=3)
    algorithm.walk(problem, 1)
    for _ in range(12):
        algorithm.walk(problem, 9)
        if algorithm._search is not None:
            assert_kept(algorithm)


@pytest.mark.needs_jit
@pytest.mark.parametrize("huge", [False, True])
def test_the_best_has_the_cost_that_is_said(huge: bool) -> None:
    problem = problem_of(20, 1, huge=huge)
    algorithm = started(problem, flips=60)
    costs = []
    for _ in range(300):
        algorithm.walk(problem, 1)
        assert algorithm.best is not None
        assert algorithm.score == problem.score(algorithm.best[None])[0]
        costs.append(problem._clauses.cost(algorithm.best))
    assert costs == sorted(costs, reverse=True)
    never = problem._clauses.never
    assert costs[-1] == (algorithm.low[0] + never[0], algorithm.low[1] + never[1])


@pytest.mark.needs_jit
def test_a_flip_is_the_best_of_those_that_lower_the_weight_and_the_oldest() -> None:
    problem = problem_of(24, 5)
    algorithm = started(problem, samples=10**6)
    algorithm.walk(problem, 1)
    greedy = 0
    for _ in range(200):
        search = copy.deepcopy(searched(algorithm))
        algorithm.walk(problem, 1)
        (flipped,) = np.flatnonzero(search.signs != searched(algorithm).signs)
        if (search.gains > 0).any():
            best = search.gains == search.gains.max()
            assert search.gains[flipped] == search.gains.max()
            assert search.ages[flipped] == search.ages[best].min()
            assert (search.dynamic == searched(algorithm).dynamic).all()
            greedy += 1
    assert 20 < greedy < 200


@pytest.mark.needs_jit
def test_in_a_local_optimum_what_is_broken_gets_heavier_hard_clauses_first() -> None:
    problem = problem_of(24, 6)
    algorithm = started(problem, limit=4)
    algorithm.walk(problem, 1)
    lists, seen = algorithm._lists, set()
    for _ in range(400):
        search = copy.deepcopy(searched(algorithm))
        algorithm.walk(problem, 1)
        after = searched(algorithm).dynamic - search.dynamic
        assert (searched(algorithm).dynamic <= lists.limits).all()
        if (after < 0).any():
            assert (search.counts[after < 0] > 0).all()
            assert (search.dynamic >= lists.steps).all()
        elif after.any():
            hard_broken = bool(((search.counts == 0) & lists.hard).any())
            assert (lists.hard[after > 0] == hard_broken).all()
            np.testing.assert_array_equal(after[after > 0], lists.steps[after > 0])
            seen.add(hard_broken)
    assert True in seen


def ask_and_tell(algorithm: ClauseWeighting, problem: MaxSat, budget: int) -> None:
    end = algorithm.evaluations + budget
    while algorithm.evaluations < end and not algorithm.stop():
        population = algorithm.ask()[: end - algorithm.evaluations]
        algorithm.tell(population, problem.score(population))


def walk(algorithm: ClauseWeighting, problem: MaxSat, budget: int) -> None:
    end = algorithm.evaluations + budget
    while algorithm.evaluations < end and not algorithm.stop():
        algorithm.walk(problem, end - algorithm.evaluations)


def everything(algorithm: ClauseWeighting) -> list[Any]:
    """All that is kept, comparable."""
    state = algorithm.state()
    for name in ("improvements", "better", "_asked", "_told"):
        del state[name]
    plain, arrays = pack_state(state)
    return [plain, [array.tolist() for array in arrays.values()]]


@pytest.mark.needs_jit
@pytest.mark.parametrize("huge", [False, True])
@pytest.mark.parametrize("hard", [0.0, 0.3])
def test_a_walk_equals_ask_and_tell(hard: float, huge: bool) -> None:
    problem = problem_of(18, 2, hard=hard, huge=huge)
    told, walked = started(problem, flips=60), started(problem, flips=60)
    ask_and_tell(told, problem, 500)
    walk(walked, problem, 500)
    assert told.round > 0
    assert everything(walked) == everything(told)
    assert walked.improvements == told.improvements


@pytest.mark.needs_jit
def test_cut_walks_and_tells_in_turn_are_one_walk() -> None:
    problem = problem_of(18, 4)
    whole, cut = started(problem, flips=60), started(problem, flips=60)
    walk(whole, problem, 900)
    rng = np.random.default_rng(0)
    while cut.evaluations < 900:
        size = min(int(rng.integers(1, 90)), 900 - cut.evaluations)
        if rng.random() < 0.3:
            ask_and_tell(cut, problem, size)
        else:
            cut.walk(problem, size)
        state = cut.state()
        cut.walk(problem, 3)  # changes nothing in what was kept
        cut = started(problem, flips=60)
        cut.load(state)
    assert everything(cut) == everything(whole)
    assert cut.improvements == whole.improvements


def test_several_beginnings_are_scored_and_the_best_is_taken() -> None:
    problem = problem_of(18, 4)
    rng = np.random.default_rng(0)
    initial = rng.choice(np.array([-1, 1], np.int8), (5, 18))
    told, walked = (
        ClauseWeighting().start(18, 1, initial, structure=problem.structure) for _ in range(2)
    )
    np.testing.assert_array_equal(told.ask(), initial)
    ask_and_tell(told, problem, 5)
    walk(walked, problem, 5)
    assert told.score == walked.score == problem.score(initial).max()
    np.testing.assert_array_equal(searched(told).signs, initial[problem.score(initial).argmax()])
    assert everything(told) == everything(walked)


def test_unit_clauses_are_followed() -> None:
    chain = [[1], *[[-i, i + 1] for i in range(1, 30)], [-31, 32], [31, 32]]
    problem = MaxSat(32, chain, [np.inf] * 30 + [1, 1])
    first = started(problem).ask()[0]
    assert naive.unsatisfied(chain[:30], first) == []
    soft = MaxSat(2, [[1], [-1]], [5, 3])
    assert [int(started(soft, seed).ask()[0, 0]) for seed in range(5)] == [1] * 5
