"""Compiled problems: what they refuse, what they hold, what they print."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evobin.core.compiled import CompiledState
from evobin.core.problem import verify
from evobin.drive.maximize import maximize
from evobin.errors import EvobinError, SettingError
from evobin.problems.ising import Ising
from evobin.problems.maxsat import Cost, MaxSat
from evobin.problems.nk import NKLandscape
from evobin.problems.qubo import QUBO
from evobin.testing import check_problem
from tests.boxes import verify_all


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros((2, 3)), r"`matrix` must have shape \[\*, 2\], but it has shape \[2, 3\]"),
        (np.zeros(3), r"`matrix` must have shape \[\*, 3\], but it has shape \[3\]"),
        (5.0, r"`matrix` must have shape \[\*, \*\], but it has shape \[\]"),
        (np.zeros((0, 0)), "`n` must be from 1 to"),
        ([[0, np.nan], [0, 0]], "must hold finite numbers, but it holds nan at index 0, 1"),
        ([["a"]], "`matrix` must hold numbers, but it holds <U1"),
        ([[4e300]], "`the energy` must add up to 1e300 at most"),
    ],
)
def test_a_matrix_that_is_none_is_refused(matrix: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        QUBO(matrix)


@pytest.mark.parametrize(
    ("rows", "cols", "values", "message"),
    [
        ([0], [0, 1], [1], r"`cols` must have shape \[1\], but it has shape \[2\]"),
        ([0], [3], [1], "`cols` must hold numbers from 0 to 2, but it holds 3 at index 0"),
        ([-1], [0], [1], "`rows` must hold numbers from 0 to 2, but it holds -1 at index 0"),
        ([0.5], [0], [1], "`rows` must hold whole numbers, but it holds float64"),
        ([0], [0], [np.inf], "`values` must hold finite numbers"),
    ],
)
def test_entries_that_are_none_are_refused(rows: Any, cols: Any, values: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        QUBO.from_entries(3, rows, cols, values)
    with pytest.raises(ValueError, match=message):
        Ising.from_entries(3, rows, cols, values)


def test_fields_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`fields` must have shape \[2\], but it has shape \[3\]"):
        Ising(np.zeros((2, 2)), np.zeros(3))


def test_entries_and_a_matrix_are_the_same_problem_and_both_stay_as_they_were() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.integers(-9, 10, (30, 30)) * (rng.random((30, 30)) < 0.05)
    given = matrix.copy()
    rows, cols = np.nonzero(matrix)
    dense, sparse = QUBO(matrix), QUBO.from_entries(30, rows, cols, matrix[rows, cols])
    population = rng.choice(np.array([-1, 1], np.int8), (9, 30))
    np.testing.assert_array_equal(dense.score(population), sparse.score(population))
    np.testing.assert_array_equal(matrix, given)


def test_a_problem_without_any_pair_works() -> None:
    problem = QUBO.from_entries(3, [], [], [])
    assert problem.score(np.ones((2, 3), np.int8)).tolist() == [0.0, 0.0]
    state = problem.start(np.ones(3, np.int8))
    state.flip(2)
    verify_all(problem, state)


def test_an_energy_of_0_is_no_minus_0() -> None:
    assert str(QUBO([[0]]).energy(np.array([1]))) == "0.0"
    assert str(QUBO([[0]]).score(np.array([[1]], np.int8))[0]) == "0.0"


def test_huge_and_tiny_numbers_stay_exact() -> None:
    rng = np.random.default_rng(0)
    for scale in (1e-280, 1e-5, 1e12, 1e290):
        problem = QUBO(rng.normal(size=(20, 20)) * scale)
        state = problem.start(np.ones(20, np.int8))
        for index in rng.integers(0, 20, 50).tolist():
            state.flip(index)
        verify_all(problem, state)


@pytest.mark.parametrize(
    "problem", [QUBO(np.eye(3)), Ising(np.eye(3)), NKLandscape(3, 1), MaxSat(3, [[1, 2, 3]])]
)
def test_solutions_that_are_none_are_refused(problem: QUBO | Ising | NKLandscape | MaxSat) -> None:
    assert isinstance(problem.start(np.ones(3, np.int8)), CompiledState)
    with pytest.raises(ValueError, match=r"`population` must have shape \[\*, 3\]"):
        problem.score(np.ones(3, np.int8))
    with pytest.raises(ValueError, match=r"`population` must hold only -1 and \+1"):
        problem.score(np.zeros((1, 3), np.int8))
    with pytest.raises(ValueError, match=r"`solution` must have shape \[3\]"):
        problem.start(np.ones(4, np.int8))
    with pytest.raises(IndexError, match="`index` must be from 0 to 2, but it is 3"):
        problem.start(np.ones(3, np.int8)).flip(3)
    with pytest.raises(IndexError, match="`index` must be from 0 to 2, but it is -1"):
        problem.start(np.ones(3, np.int8)).flip(-1)


def test_a_state_that_was_tampered_with_is_found_out() -> None:
    problem = QUBO(np.ones((3, 3)))
    state = problem.start(np.ones(3, np.int8))
    assert isinstance(state, CompiledState)
    state.box.gains[1] += 1
    with pytest.raises(RuntimeError, match="the gain of flip 1 is 6, but from scratch it is 5"):
        verify_all(problem, state)
    state._score = 0.5
    with pytest.raises(RuntimeError, match=r"score is 0\.5, but from scratch it is -9\.0"):
        verify(problem, state)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0, "k": 0}, "`n` must be from 1 to"),
        ({"n": 5, "k": 5}, "`k` must be from 0 to 4, but it is 5"),
        ({"n": 50, "k": 25}, "`k` must be from 0 to 24, but it is 25"),
        ({"n": 100, "k": 24}, r"`values in all tables, n \* 2\^\(k\+1\),` must be from 2 to"),
        ({"n": 5, "k": 2, "neighbours": "far"}, "`neighbours` must be one of"),
    ],
)
def test_an_nk_landscape_out_of_range_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        NKLandscape(**arguments)


@pytest.mark.parametrize(
    ("members", "tables", "message"),
    [
        ([[0, 1]], [[1, 2]], r"`tables` must have shape \[1, 4\]"),
        ([[0, 3]], [[1, 2, 3, 4]], "`members` must hold numbers from 0 to 2"),
        ([[1, 1]], [[1, 2, 3, 4]], "`members` must hold a sign once a row, but row 0 repeats one"),
        ([[0.0, 1.0]], [[1, 2, 3, 4]], "`members` must hold whole numbers"),
    ],
)
def test_own_tables_that_do_not_fit_are_refused(members: Any, tables: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NKLandscape.from_tables(3, members, tables)


def test_random_neighbours_are_others_and_the_seed_decides_them() -> None:
    first, again, other = (NKLandscape(9, 4, seed, "random") for seed in (1, 1, 2))
    np.testing.assert_array_equal(first._members, again._members)
    assert (first._members != other._members).any()
    assert all(len(set(row)) == 5 and row[0] == i for i, row in enumerate(first._members.tolist()))


@pytest.mark.parametrize(
    ("clauses", "weights", "message"),
    [
        ([[1], [0]], None, "from -2 to 2 without 0, but clause 1 .counted from 0. holds 0"),
        ([[1], [], [1, -3]], None, "without 0, but clause 2 .counted from 0. holds -3"),
        ([[1.5]], None, "`clauses` must hold whole numbers, but it holds float64"),
        ([[1]], [-1], "`weights` must not be negative, but the lowest is -1"),
        ([[1]], [2**63], "`weights` must be below 2.63, but the highest is 9223372036854775808"),
        ([[1]], [np.nan], "`weights` must hold finite numbers, but it holds nan at index 0"),
        ([[1]], [1, 2], r"`weights` must have shape \[1\], but it has shape \[2\]"),
    ],
)
def test_clauses_that_are_none_are_refused(clauses: Any, weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MaxSat(2, clauses, weights)


def test_weights_that_no_int64_adds_up_are_refused() -> None:
    with pytest.raises(EvobinError, match=r"must add up to less than 2\^63, .* divide them"):
        MaxSat(1, [[1], [-1]], [2**62, 2**62])


HUGE = MaxSat(3, [[1], [-1, 2], [-2, 3], [-3], [1, 3]], [2**62, 2**61 + 1, np.inf, 3, np.inf])


def test_huge_weights_are_exact_and_scores_the_floats_nearest_to_minus_costs() -> None:
    total = 2**62 + 2**61 + 4
    assert HUGE.cost(np.array([1, 1, 1])) == Cost(0, 3)
    assert HUGE.cost(np.array([1, -1, -1])) == Cost(0, 2**61 + 1)
    assert HUGE.cost(np.array([1, 1, -1])) == Cost(1, 0)
    assert HUGE.cost(np.array([-1, 1, -1])) == Cost(2, 2**62)
    scores = HUGE.score(np.array([[1, 1, 1], [1, 1, -1], [-1, 1, -1]], np.int8))
    assert scores.tolist() == [-3.0, float(-1 - total), float(-(2**62) - 2 * (1 + total))]


def test_flips_among_huge_weights_are_those_of_full_scores() -> None:
    check_problem(HUGE)
    rng = np.random.default_rng(0)
    clauses = [
        (rng.choice([-1, 1], 3) * rng.choice(np.arange(1, 21), 3, False)).tolist()
        for _ in range(90)
    ]
    weights = [np.inf if c < 30 else int(rng.integers(1, 2**56)) for c in range(90)]
    problem = MaxSat(20, clauses, weights)
    check_problem(problem)
    found = maximize(problem, algorithm="annealing", max_evaluations=2_000)
    assert found.score == problem.score(found.solution[None])[0]


@pytest.mark.parametrize("weights", [None, [np.inf, 2, 0, np.inf, 7]])
def test_broken_clauses_are_listed_as_they_were_given(weights: Any) -> None:
    problem = MaxSat(2, [[1, 2, 1], [2], [], [-1, -2], [1, -1]], weights)
    assert problem.broken(np.array([1, -1])).tolist() == [1, 2]
    assert problem.broken(np.array([-1, -1])).tolist() == [0, 1, 2]
    assert MaxSat(2, []).broken(np.array([1, 1])).tolist() == []


def test_costs_tell_hard_from_soft_and_know_the_empty_clause() -> None:
    problem = MaxSat(2, [[1], [2], [], [], [1, -1]], [np.inf, 2, 3, np.inf, 7])
    assert problem.cost(np.array([1, 1])) == Cost(1, 3.0)
    assert problem.cost(np.array([-1, -1])) == Cost(2, 5.0)
    assert problem.score(np.array([[1, 1]], np.int8)).tolist() == [9 - 13]


def test_no_clause_at_all_is_a_problem_too() -> None:
    assert MaxSat(2, []).score(np.ones((1, 2), np.int8)).tolist() == [0.0]
