"""Anneals, crossed: populations, what a pair agrees on, opposite solutions, threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import evobin
from evobin.algorithms import Memetic, Tabu
from evobin.algorithms.legs import Leg, Turns
from evobin.core.compiled import CompiledProblem
from evobin.core.problem import Solution
from evobin.errors import SettingError
from evobin.kernels.families import keeps_gains
from evobin.problems.network import NetworkProblem
from tests.boxes import KINDS
from tests.builders import DENSE

RNG = np.random.default_rng(0)


def cut(n: int, degree: int = 4) -> evobin.Ising:
    """A random graph whose cut is maximised: a solution and its opposite are the same."""
    rng = np.random.default_rng(n)
    rows, cols = rng.integers(0, n, (2, n * degree // 2))
    return evobin.Ising.from_entries(n, rows, cols, np.where(rows == cols, 0, 1))


def walked(problem: CompiledProblem, evaluations: int, **settings: Any) -> Memetic:
    search = Memetic(**settings).start(problem.n, 1)
    search.walk(problem, evaluations)
    return search


def test_a_cut_is_the_same_from_both_sides_and_a_qubo_is_not() -> None:
    matrix = RNG.integers(-9, 10, (20, 20))
    assert walked(cut(20), 5_000, sweeps=8).mirrored
    assert not walked(evobin.QUBO(matrix), 5_000, sweeps=8).mirrored


def test_what_parents_agree_on_is_not_offered_first() -> None:
    problem = cut(300)
    search = walked(problem, 1, sweeps=8, size=2, long=8)
    while search.phase != "cross" or search._legs[0].evaluations:  # to where a crossing begins
        search.walk(problem, 1)
    (leg,) = search._legs
    assert isinstance(leg, Leg)
    first, second = search.members[search.level]
    assert leg.places is not None
    agreed = np.setdiff1d(np.arange(300), leg.places)
    child = leg.waiting[0]
    for parent in (first, second):
        same = child[agreed] == parent[agreed]
        assert same.all() or not same.any()  # the other side of a cut is the same


def test_the_best_of_a_population_joins_the_next_higher_one() -> None:
    search = walked(cut(40), 400_000, sweeps=4, size=2, long=8)
    assert len(search.members) > 2
    assert all(len(members) < 2 for members in search.members[search.level + 1 :])
    for members, values in zip(search.members, search.values, strict=True):
        assert cut(40).score(members).tolist() == values.tolist() if len(members) else True


def test_a_search_that_is_told_where_to_begin_anneals_that_at_a_lower_heat() -> None:
    problem = cut(200)
    good = evobin.maximize(problem, algorithm="annealing", max_evaluations=400_000)
    kept = Memetic().start(200, 0, good.solution)
    lost = Memetic(heat=1.0).start(200, 0, good.solution)
    for search in (kept, lost):
        search.walk(problem, 8 * 200 + 201)  # its first anneal
        assert len(search.members[0]) == 1
    assert problem.score(kept.members[0])[0] >= problem.score(lost.members[0])[0]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"size": 1}, "`size` must be from 2"),
        ({"heat": 2.0}, "`heat` must be from"),
        ({"sweeps": 0}, "`sweeps` must be from 1"),
        ({"hot": 1.0}, "`hot` and `cold` must be set together"),
        ({"schedule": "fast"}, "`schedule` must be"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingError, match=text):
        Memetic(**settings)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "MAX-SAT" not in kind])
def test_where_gains_are_kept_the_default_is_memetic(kind: str) -> None:
    problem = KINDS[kind](10, RNG).problem
    assert problem.keeps_gains == keeps_gains(type(problem.box(np.ones(10, np.int8))))
    found = evobin.maximize(problem, max_evaluations=500)
    assert (found.algorithm, found.evaluations) == ("memetic", 500)
    same = evobin.maximize(problem, algorithm=Memetic(), max_evaluations=500)
    assert np.array_equal(found.solution, same.solution)


def test_on_a_network_and_on_a_function_the_default_is_the_portfolio() -> None:
    network = NetworkProblem(DENSE, RNG.normal(size=(20, 12)), RNG.integers(0, 3, 20))
    assert evobin.maximize(network, max_evaluations=50).algorithm == "default"
    assert evobin.maximize(lambda x: x.sum(), 9, max_evaluations=50).algorithm == "default"


@pytest.mark.parametrize(
    ("algorithm", "evaluations"), [("default", 120_000), ("tabu", 120_000), ("umda", 10_000)]
)
def test_without_a_limit_flips_that_are_looked_at_have_a_larger_budget(
    algorithm: str, evaluations: int
) -> None:
    found = evobin.maximize(cut(12), algorithm=algorithm)
    assert found.evaluations == evaluations
    assert found.stop == {"max_evaluations": evaluations}


def test_workers_change_nothing() -> None:
    alone, shared = (evobin.maximize(cut(50), n_jobs=jobs, seed=3) for jobs in (1, 2))
    assert np.array_equal(alone.solution, shared.solution)
    assert (alone.score, alone.evaluations) == (shared.score, shared.evaluations)
    assert alone.history.drop(columns="seconds").equals(shared.history.drop(columns="seconds"))


def test_the_clock_ends_a_walk_of_several_threads() -> None:
    problem = cut(3_000)
    found = evobin.maximize(problem, seconds=0.5, n_jobs=2)
    assert "seconds" in found.stop
    assert problem.score(found.solution[None])[0] == found.score


def test_a_small_optimum_is_found() -> None:
    problem = cut(12)
    every = np.array(np.meshgrid(*[[-1, 1]] * 12)).reshape(12, -1).T.astype(np.int8)
    best: Solution = problem.score(every).max()
    assert evobin.maximize(problem).score == best


def test_each_population_is_annealed_longer() -> None:
    search = walked(cut(30), 1, sweeps=10, size=4, lengthen=3.0, long=8)
    while search.over < 5:
        if search.phase == "fresh":
            assert {leg.n_sweeps for leg in search._legs if isinstance(leg, Leg)} == {
                10 * 3**search.over
            }
        search.walk(cut(30), 30)


def test_ever_longer_anneals_come_before_the_first_population() -> None:
    problem, sweeps = cut(30), list[int]()
    search = walked(problem, 1, long=128)
    while search.phase != "fresh":
        for leg in search._legs[:1]:
            if isinstance(leg, Leg) and leg.n_sweeps not in sweeps[-1:]:
                sweeps.append(leg.n_sweeps)
        search.walk(problem, 1)
    assert sweeps == [8, 16, 32, 64, 128]
    assert problem.score(search.rival[None])[0] == search.rival_value >= search.alone


@pytest.mark.parametrize(("rival", "share", "joins"), [(2.0, 1.0, 2), (1.0, 0.5, 1), (0.0, 0.5, 1)])
def test_long_anneals_that_were_better_have_more_evaluations_and_join(
    rival: float, share: float, joins: int
) -> None:
    search = Memetic(size=8).start(10)
    search.members, search.values = [np.ones((8, 10), np.int8)], [np.ones(8)]
    search.alone = search.rival_value = rival
    search.evaluations = 8_000
    search._rise()
    assert (search.share, search.over, search.due) == (share, 1, True)
    assert search.values[1].tolist() == [rival, 1.0][2 - joins :]
    assert search._lengths() == [round(share * 8_000 / 10 / 4)] * 4


def test_a_population_that_two_have_filled_over_is_crossed() -> None:
    search = Memetic(size=8).start(10)
    search.members = [np.ones((8, 10), np.int8), np.ones((3, 10), np.int8)]
    search.values = [np.ones(8), np.ones(3)]
    search.alone = search.rival_value = 2.0
    search._legs, search.due = [], True
    search._rise()
    assert (search.level, len(search.members[1])) == (1, 5)
    search._plan()
    assert search._legs


def test_turns_are_one_tabu_search() -> None:
    problem = cut(60)
    whole, turns = Tabu().start(60, 4), Turns().start(60, 4)
    for evaluations in (1_000, 10, 50_000):
        turns.plan(evaluations)
        before = turns.evaluations
        while not turns.stop():
            turns.walk(problem, 777)
        assert turns.evaluations <= before + max(evaluations, 60)
    assert turns.evaluations > 50_000
    while whole.evaluations < turns.evaluations:
        whole.walk(problem, turns.evaluations - whole.evaluations)
    assert whole.improvements == turns.improvements
    assert whole.level == turns.level


@pytest.mark.parametrize(("rival", "share"), [(1.0, 4.0), (2.0, 1.0), (3.0, 1.0)])
def test_a_tabu_search_that_is_ahead_has_longer_turns(rival: float, share: float) -> None:
    turns = Turns().start(10)
    turns.score = 2.0
    turns.weigh(rival)
    assert turns.share == share
    turns.plan(100)
    assert turns.end == 100 * share
