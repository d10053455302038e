"""Scoring ahead: what is guessed, what it learns, and that nothing depends on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from evobin.algorithms import ALGORITHMS, Sweeps
from evobin.core.problem import Population
from evobin.core.stage import in_order
from evobin.drive import scoring
from evobin.drive.scoring import Scoring
from evobin.drive.speculation import Speculation
from evobin.problems.function import FunctionProblem
from tests.builders import GENERAL

N = 12


def peaks(x: Any) -> float:
    """Rugged, with plateaus."""
    return float(abs(x.sum() - 3) % 5 - (x[:-1] * x[1:]).sum() // 3)


def waiting(algorithm: Any, evaluations: int) -> Population:
    """Goes on so far, and returns what is asked next."""
    while algorithm.evaluations < evaluations:
        batch = algorithm.ask()
        algorithm.tell(batch, [peaks(x) for x in batch])
    asked: Population = algorithm.ask()
    return asked


def test_a_round_begins_with_what_is_asked_and_leaves_the_algorithm_as_it_was() -> None:
    algorithm = Sweeps().start(N, seed=0)
    asked = waiting(algorithm, 40)
    speculation = Speculation(2, seconds=0.01)
    guesses = speculation.round(algorithm, asked)
    assert guesses[0].tolist() == asked[0].tolist()
    assert len(guesses) >= 2
    assert len({row.tobytes() for row in guesses}) == len(guesses)
    assert algorithm.ask().tolist() == asked.tolist()
    assert algorithm.evaluations == 40


@pytest.mark.parametrize("better", [False, True])
def test_what_is_likely_is_learned_from_what_happens(better: bool) -> None:
    """Where every solution is better, or none is, the second guess is soon right every time."""
    calls = 0

    def score(_: Any) -> float:
        nonlocal calls
        calls += 1
        return float(calls) if better else float(calls == 1)

    algorithm = Sweeps().start(N, seed=0)
    speculation = Speculation(2, seconds=0.01)
    rounds = 0
    for number in range(60):
        asked = algorithm.ask()
        if not speculation.is_known(asked):
            rounds += number >= 30
            guesses = speculation.round(algorithm, asked)
            speculation.keep(guesses, [0.0] * len(guesses))
        speculation.value(asked)
        algorithm.tell(asked, [score(asked)])
    assert rounds <= 15


class Picky(Sweeps):
    """One that knows that no score is negative."""

    def tell(self, population: Population, scores: Any) -> None:
        """As in `Algorithm`."""
        if min(scores) < 0:
            raise ValueError("a score is negative")
        super().tell(population, scores)


def test_a_guess_that_an_algorithm_refuses_is_none() -> None:
    algorithm = Picky().start(N, seed=0)
    algorithm.tell(algorithm.ask(), [5.0])
    assert len(Speculation(2, seconds=0.01).round(algorithm, algorithm.ask())) >= 1


def test_no_more_is_scored_ahead_than_a_round_may_take() -> None:
    algorithm = Sweeps().start(N, seed=0)
    asked = waiting(algorithm, 40)
    assert len(Speculation(2, seconds=10.0).round(algorithm, asked)) == 2
    assert len(Speculation(2, seconds=0.05, latency=9.0).round(algorithm, asked)) <= 8


@pytest.mark.parametrize("name", GENERAL)
def test_scores_are_those_of_one_worker(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every algorithm is told the same whether its solutions were scored ahead or not."""
    monkeypatch.setattr(scoring, "QUICK", 0.0)
    found = []
    for n_jobs in (1, 2, 5):
        scored = 0

        def side_by_side(function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> Any:
            nonlocal scored
            scored += sum(len(population) for _, population, _ in tasks)
            return in_order(function, tasks)

        search = Scoring(FunctionProblem(peaks, N), n_jobs=n_jobs)
        algorithm = ALGORITHMS[name]().start(N, seed=1)
        told: list[float] = []
        while algorithm.evaluations < 200:
            asked = algorithm.ask()
            scores = search.score(algorithm, asked, algorithm.evaluations, side_by_side)
            assert np.isfinite(scores).all()
            algorithm.tell(asked, scores)
            told += scores.tolist()
        found.append(told)
        assert (scored > 0) == (n_jobs > 1)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("seconds", [0.0, 0.02])
@pytest.mark.parametrize("k", [1, 4])
def test_what_is_quicker_than_sending_it_is_scored_here(seconds: float, k: int) -> None:
    def wait(x: Any) -> float:
        if seconds:
            time.sleep(seconds)
        return float(x.sum())

    def side_by_side(function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> Any:
        sent.extend(tasks)
        return in_order(function, tasks)

    sent: list[Any] = []
    search = Scoring(FunctionProblem(wait, N), n_jobs=2)
    algorithm = Sweeps().start(N, seed=1)
    for _ in range(3):
        asked = np.repeat(algorithm.ask(), k, axis=0)
        scores = search.score(algorithm, asked, 0, side_by_side)
        assert scores.tolist() == asked.sum(axis=1).tolist()
        algorithm.tell(asked[:1], scores[:1])
    assert bool(sent) == (seconds > 0)
