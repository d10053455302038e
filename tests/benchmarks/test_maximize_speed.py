"""What `maximize` makes of two workers, and whether it keeps to the clock.

python -m pytest -m benchmark -s tests/benchmarks/test_maximize_speed.py
"""

from __future__ import annotations

import time
from typing import Any

import joblib
import numpy as np
import pytest

import evobin
from evobin.algorithms.legs import Leg, Turns
from evobin.algorithms.memetic import Memetic
from tests.builders import GENERAL

pytestmark = pytest.mark.benchmark
N = 100
COUPLINGS = np.random.default_rng(0).standard_normal((N, N))
MILLION = 1_000_000
SMALL = {"pyramid", "latent-cma"}
"""Those that refuse a million signs."""


def slow(x: Any) -> float:
    """A function that takes 10 ms."""
    time.sleep(0.01)
    return float(x @ COUPLINGS @ x)


@pytest.mark.parametrize(
    ("algorithm", "evaluations"), [("default", 10_000), ("umda", 5_000), ("tabu", 5_000)]
)
def test_two_workers_evaluate_a_slow_function_almost_twice_as_fast(
    algorithm: str, evaluations: int
) -> None:
    took, found = [], []
    for n_jobs in (1, 2):
        begun = time.perf_counter()
        found.append(
            evobin.maximize(
                slow, N, algorithm=algorithm, max_evaluations=evaluations, n_jobs=n_jobs
            )
        )
        took.append(time.perf_counter() - begun)
    ratio = took[0] / took[1]
    print(
        f"\n{algorithm}, {evaluations} evaluations: {took[0]:.1f} s, {took[1]:.1f} s, {ratio:.2f}x"
    )
    assert found[0].solution.tolist() == found[1].solution.tolist()
    assert ratio > 1.8


def cut() -> evobin.Ising:
    """Of 2,000 nodes with 11,778 edges, as Gset's G35."""
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(0, 2_000, (2, 11_778))
    return evobin.Ising.from_entries(2_000, rows, columns, np.where(rows == columns, 0, 1))


def anneal(n_jobs: int) -> tuple[float, list[int]]:
    """Seconds of a search of fixed length, and what it found; compiled before."""
    problem = cut()
    evobin.maximize(problem, max_evaluations=1)
    begun = time.perf_counter()
    found = evobin.maximize(problem, max_evaluations=500 * MILLION, n_jobs=n_jobs)
    return time.perf_counter() - begun, found.solution.tolist()


def test_two_workers_anneal_side_by_side() -> None:
    """Both runs take the same course; what the machine allows is that of two processes."""
    ratios, allowed = [], []
    with joblib.Parallel(n_jobs=2) as parallel:
        parallel(joblib.delayed(anneal)(1) for _ in range(2))  # starts and compiles
        for _ in range(3):
            (one, first), (two, second) = anneal(1), anneal(2)
            assert first == second
            both = parallel(joblib.delayed(anneal)(1) for _ in range(2))
            ratios.append(one / two)
            allowed.append(2 * one / max(took for took, _ in both))
    ratio, limit = np.median(ratios), np.median(allowed)
    print(f"\nanneals: {ratio:.2f}x {np.round(ratios, 2)}")
    print(f"two processes side by side: {limit:.2f}x {np.round(allowed, 2)}")
    assert ratio > 1.6


def test_how_anneals_divide_between_two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the processor time of each, whatever else the machine does; a generation waits for all."""
    took, generations = [0.0], list[list[float]]()
    walks: dict[type, Any] = {kind: kind.walk for kind in (Leg, Turns)}
    finish = Memetic._finish

    def timed(self: Leg | Turns, *args: Any, **settings: Any) -> None:
        begun = time.thread_time()
        walks[type(self)](self, *args, **settings)
        took[-1] += time.thread_time() - begun

    def noted(self: Memetic, leg: Any) -> None:
        is_last = len(self._legs) == 1
        finish(self, leg)
        took.append(0.0)
        if is_last:
            generations.append(took[:-1])
            del took[:-1]

    evobin.maximize(cut(), max_evaluations=1)
    for kind in walks:
        monkeypatch.setattr(kind, "walk", timed)
    monkeypatch.setattr(Memetic, "_finish", noted)
    begun = time.process_time()
    evobin.maximize(cut(), max_evaluations=1_000 * MILLION)
    whole = time.process_time() - begun
    anneals = sum(map(sum, generations)) + took[-1]
    halves = took[-1] / 2  # of a generation that the budget cut
    for generation in generations:
        threads = [0.0, 0.0]
        for one in sorted(generation, reverse=True):
            threads[threads.index(min(threads))] += one
        halves += max(threads)
    print(f"\nanneals are {anneals / whole:.1%} of {whole:.1f} s; they divide by")
    print(f"{anneals / halves:.2f}, all of it by {whole / (halves + whole - anneals):.2f}")
    assert whole / (halves + whole - anneals) > 1.6


@pytest.fixture(scope="module")
def large() -> evobin.QUBO:
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(0, MILLION, (2, 3 * MILLION))
    return evobin.QUBO.from_entries(MILLION, rows, columns, rng.integers(-100, 101, 3 * MILLION))


@pytest.mark.parametrize("algorithm", sorted(set(GENERAL) - SMALL))
def test_seconds_are_kept_at_a_million_signs(large: evobin.QUBO, algorithm: str) -> None:
    evobin.maximize(large, algorithm=algorithm, max_evaluations=1)  # compiles
    begun = time.perf_counter()
    found = evobin.maximize(large, algorithm=algorithm, seconds=5)
    took = time.perf_counter() - begun
    print(f"\n{algorithm}: {took:.2f} s for seconds=5, {found.evaluations} evaluations")
    assert took < 5 * 1.1 + 0.5


def test_a_hot_first_sweep_does_not_copy_every_new_best(large: evobin.QUBO) -> None:
    """A walk of n offers from anywhere has hundreds of thousands of new bests, each of n signs."""
    evobin.maximize(large, algorithm="annealing", max_evaluations=1)
    begun = time.perf_counter()
    evobin.maximize(large, algorithm="annealing", max_evaluations=2 * MILLION)
    took = time.perf_counter() - begun
    print(f"\ntwo sweeps of a million signs: {took:.2f} s")
    assert took < 5
