"""Every algorithm on every kind of problem: true scores, the same for any workers and budgets."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numba
import numpy as np
import pytest

import evobin
from evobin.results.search import SearchResult
from tests.builders import GENERAL, small_convolutions

N = 18


def bumpy(x: Any) -> float:
    return float((x * (np.arange(N) % 3)).sum() - 1.5 * (x[:-1] * x[1:]).sum())


def qubo() -> evobin.QUBO:
    return evobin.QUBO(np.random.default_rng(0).integers(-9, 10, (N, N)))


def maxsat() -> evobin.MaxSat:
    rng = np.random.default_rng(1)
    signs = rng.choice([-1, 1], (70, 3))
    return evobin.MaxSat(N, [(s * rng.choice(N, 3, False) + s).tolist() for s in signs])


def heavy() -> evobin.MaxSat:
    """Weights that no float64 adds up exactly."""
    rng = np.random.default_rng(4)
    clauses = [(rng.choice([-1, 1], 3) * (1 + rng.choice(N, 3, False))).tolist() for _ in range(70)]
    weights = [np.inf if c < 20 else int(rng.integers(1, 2**57)) for c in range(70)]
    return evobin.MaxSat(N, clauses, weights)


def polynomial() -> evobin.Polynomial:
    rng = np.random.default_rng(5)
    return evobin.Polynomial.from_arrays(rng.integers(0, N, (60, 4)), rng.integers(-9, 10, 60), N)


def nk() -> evobin.NKLandscape:
    return evobin.NKLandscape(N, 3, seed=2)


def dense() -> evobin.NetworkProblem:
    rng = np.random.default_rng(3)
    shape = evobin.Architecture(5, (evobin.ConvBlock(4, 1),), frames=1)
    return evobin.NetworkProblem(shape, rng.normal(size=(40, 5)), np.arange(40) % 2)


def function() -> Callable[[Any], float]:
    return bumpy


MAKERS: dict[str, Callable[[], Any]] = {
    "function": function,
    "qubo": qubo,
    "maxsat": maxsat,
    "heavy maxsat": heavy,
    "polynomial": polynomial,
    "nk": nk,
    "dense": dense,
    "conv": lambda: small_convolutions(4),
}
BUDGETS = [300, pytest.param(3_000, marks=pytest.mark.slow)]
every = pytest.mark.parametrize("algorithm", GENERAL)
on_all = pytest.mark.parametrize("kind", MAKERS)
budgets = pytest.mark.parametrize("budget", BUDGETS)


def go(kind: str, algorithm: str, budget: int, **more: Any) -> SearchResult:
    problem = MAKERS[kind]()
    n = N if kind == "function" else None
    return evobin.maximize(problem, n, algorithm=algorithm, max_evaluations=budget, seed=5, **more)


def assert_true(kind: str, found: SearchResult) -> None:
    problem = MAKERS[kind]()
    score = bumpy(found.solution) if kind == "function" else problem.score(found.solution[None])[0]
    assert found.score == pytest.approx(score, rel=1e-12, abs=1e-12)


def assert_same(a: SearchResult, b: SearchResult) -> None:
    assert a.solution.tolist() == b.solution.tolist()
    assert (a.score, a.evaluations, a.restarts) == (b.score, b.evaluations, b.restarts)


@every
@on_all
@budgets
def test_a_result_has_its_true_score_and_a_search_resumes(
    tmp_path: Path, kind: str, algorithm: str, budget: int
) -> None:
    whole = go(kind, algorithm, budget)
    assert whole.evaluations == budget or "optimum" in whole.stop
    assert_true(kind, whole)
    go(kind, algorithm, budget // 2 + 1, checkpoint=tmp_path / "kept")
    assert_same(go(kind, algorithm, budget, checkpoint=tmp_path / "kept"), whole)


@pytest.mark.slow
@every
@on_all
def test_workers_change_nothing(kind: str, algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evobin.drive.scoring.QUICK", 0.0)  # all is sent
    alone, shared = (go(kind, algorithm, 3_000, n_jobs=n_jobs) for n_jobs in (1, 2))
    assert_same(alone, shared)
    assert alone.history.drop(columns="seconds").equals(shared.history.drop(columns="seconds"))


@pytest.mark.parametrize("kind", ["function", "qubo"])
@pytest.mark.parametrize("algorithm", ["default", "annealing", "umda"])
def test_two_workers_find_what_one_finds(
    kind: str, algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evobin.drive.scoring.QUICK", 0.0)  # all is sent
    assert_same(go(kind, algorithm, 300), go(kind, algorithm, 300, n_jobs=2))
    whole = go(kind, algorithm, 300, islands=3)
    assert_true(kind, whole)
    assert_same(whole, go(kind, algorithm, 300, islands=3, n_jobs=2))


@pytest.mark.parametrize("kind", ["function", "qubo"])
@pytest.mark.parametrize("algorithm", ["default", "annealing", "umda"])
def test_islands_resume(tmp_path: Path, kind: str, algorithm: str) -> None:
    whole = go(kind, algorithm, 300, islands=3)
    checkpoint = tmp_path / "kept"

    def halfway(progress: evobin.Progress) -> bool:
        return progress.evaluations >= 150

    half = go(kind, algorithm, 300, islands=3, checkpoint=checkpoint, callback=halfway)
    assert half.evaluations < 300
    assert_same(go(kind, algorithm, 300, islands=3, checkpoint=checkpoint), whole)


@pytest.mark.parametrize("kind", ["qubo", "maxsat", "polynomial", "nk", "dense", "conv"])
def test_a_copied_state_is_of_the_same_type_so_that_nothing_is_compiled_again(kind: str) -> None:
    problem, typeof = MAKERS[kind](), cast("Any", numba).typeof
    state = problem.start(np.ones(problem.n, np.int8))
    for other in (copy.deepcopy(state), pickle.loads(pickle.dumps(state))):
        assert typeof(other.whole) == typeof(state.whole)
