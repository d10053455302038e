"""Clause weighting by `maximize`: what it needs, where it ends, what the default is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import evobin
from evobin.algorithms import ClauseWeighting
from evobin.errors import SettingError
from tests.boxes import maxsat


def test_a_problem_without_clauses_is_refused() -> None:
    with pytest.raises(
        SettingError, match=r"`clause-weighting` must have clauses, .* make a MaxSat"
    ):
        evobin.maximize(lambda x: x.sum(), 5, algorithm="clause-weighting")
    with pytest.raises(SettingError, match="must have clauses"):
        evobin.maximize(evobin.QUBO(np.eye(3)), algorithm=ClauseWeighting())


def test_it_is_the_default_of_clauses_and_ends_where_all_are_satisfied() -> None:
    problem = evobin.MaxSat(3, [[1, 2], [-1], [3, -2]])
    found = evobin.maximize(problem)
    assert (found.algorithm, found.score, found.stop) == ("clause-weighting", 3, {"optimum": 3})
    assert found.restarts == 0


@pytest.mark.parametrize("target", [-1e300, 20, 150, 1e300])
def test_it_ends_at_the_flip_that_reaches_the_target(target: float) -> None:
    problem = maxsat(24, np.random.default_rng(3), hard=0.2, whole=True).problem
    found = evobin.maximize(problem, target=target, max_evaluations=3_000)
    before = [row["score"] for row in found.history.to_dict("records")[:-1]]
    assert all(score < target for score in before)
    assert (found.score >= target) == ("target" in found.stop)


def test_patience_ends_it_and_maximize_restarts_it() -> None:
    problem = maxsat(24, np.random.default_rng(3), hard=0.2, whole=True).problem
    settings = ClauseWeighting(patience=150)
    found = evobin.maximize(problem, algorithm=settings, max_evaluations=2_000)
    assert found.restarts > 2
    alone = evobin.maximize(problem, algorithm=settings, restarts=False)
    assert alone.stop == {"stagnation": 150}


def test_islands_workers_and_checkpoints_change_nothing(tmp_path: Path) -> None:
    problem = maxsat(30, np.random.default_rng(5), hard=0.2, whole=True).problem
    whole = evobin.maximize(problem, islands=2, max_evaluations=2_000)
    again = evobin.maximize(problem, islands=2, max_evaluations=2_000, n_jobs=2)
    np.testing.assert_array_equal(whole.solution, again.solution)
    alone = evobin.maximize(problem, max_evaluations=2_000)
    evobin.maximize(problem, max_evaluations=700, checkpoint=tmp_path / "kept")
    rest = evobin.maximize(problem, max_evaluations=2_000, checkpoint=tmp_path / "kept")
    np.testing.assert_array_equal(alone.solution, rest.solution)
    assert (alone.score, alone.evaluations) == (rest.score, rest.evaluations)


def test_costs_that_no_float_tells_apart_are_told_apart() -> None:
    """Every solution costs 2^60 at least, and from there on float64 holds multiples of 256."""
    rng = np.random.default_rng(1)
    clauses = [
        (rng.choice([-1, 1], 2) * (1 + rng.choice(12, 2, False))).tolist() for _ in range(60)
    ]
    weights = rng.integers(1, 5, 60).tolist()
    problem = evobin.MaxSat(13, [[13], [-13], *clauses], [2**60, 2**60, *weights])
    small = evobin.MaxSat(13, clauses, weights)
    every = (1 - 2 * (np.arange(2**12)[:, None] >> np.arange(12) & 1)).astype(np.int8)
    least = sum(weights) - small.score(np.c_[every, every[:, :1]]).max()
    found = evobin.maximize(problem, max_evaluations=3_000)
    assert problem.cost(found.solution) == (0, 2**60 + least)
    assert len(set(found.history["score"])) == len(found.history)
