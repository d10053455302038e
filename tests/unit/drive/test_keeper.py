"""The best different solutions of a search: which ones, in which order, whoever does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import evobin
from evobin.algorithms import ALGORITHMS, Annealing
from evobin.drive.keeper import Keeper
from evobin.errors import EvobinError, SettingError

RNG = np.random.default_rng(0)
MATRIX = RNG.integers(-9, 10, (12, 12))


def peak(x: NDArray[Any]) -> float:
    return float((x @ MATRIX @ x) % 23)


def best_of(
    seen: list[tuple[bytes, float]], size: int, n: int
) -> tuple[list[list[int]], list[float]]:
    """The slow twin: all that was seen, each once, sorted; of equal ones the first comes first."""
    once = dict(reversed(seen))
    order = {bits: place for place, (bits, _) in reversed(list(enumerate(seen)))}
    ranked = sorted(once, key=lambda bits: (-once[bits], order[bits]))[:size]
    return [np.frombuffer(bits, np.int8)[:n].tolist() for bits in ranked], [
        once[bits] for bits in ranked
    ]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_keeper_keeps_what_sorting_all_would(size: int) -> None:
    rng = np.random.default_rng(size)
    keeper, seen = Keeper(size, 5), list[tuple[bytes, float]]()
    for count in (1, 7, 30, 1, 1, 40):
        population = rng.choice([-1, 1], (count, 5)).astype(np.int8)
        scores = np.array([float(row @ [3, 2, 2, 1, 1]) for row in population])
        keeper.offer(population, scores)
        seen += [
            (row.tobytes(), score) for row, score in zip(population, scores.tolist(), strict=True)
        ]
        solutions, kept = best_of(seen, size, 5)
        assert keeper.kept().solutions.tolist() == solutions
        assert keeper.kept().scores.tolist() == kept
    other = Keeper(size, 5)
    other.load(keeper.state())
    assert other.kept().solutions.tolist() == keeper.kept().solutions.tolist()


def test_what_has_no_score_is_not_kept_and_a_mirrored_one_is_kept_once() -> None:
    keeper, signs = Keeper(5, 3, mirrored=True), np.array([[1, 1, -1], [-1, -1, 1], [1, -1, 1]])
    keeper.offer(signs.astype(np.int8), np.array([4.0, 4.0, -np.inf]))
    assert keeper.kept().solutions.tolist() == [[1, 1, -1]]


@pytest.mark.parametrize("algorithm", ["default", "genetic", "fast-ga", "pyramid", "annealing"])
def test_what_is_kept_of_a_function_is_the_best_of_all_that_was_scored(algorithm: str) -> None:
    seen: list[tuple[bytes, float]] = []

    def watched(x: NDArray[Any]) -> float:
        seen.append((x.astype(np.int8).tobytes(), peak(x)))
        return seen[-1][1]

    found = evobin.maximize(watched, n=12, algorithm=algorithm, max_evaluations=700, keep=9)
    solutions, scores = best_of(seen[: found.evaluations], 9, 12)
    assert found.kept.scores.tolist() == scores
    assert found.kept.solutions.tolist() == solutions
    assert found.kept.solutions[0].tolist() == found.solution.tolist()


def test_the_scores_of_a_minimum_are_the_functions_own() -> None:
    found = evobin.minimize(peak, n=12, max_evaluations=500, keep=4)
    assert found.kept.scores.tolist() == [peak(row) for row in found.kept.solutions.astype(int)]
    assert found.kept.scores.tolist() == sorted(found.kept.scores)
    assert found.kept.scores[0] == found.score


@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
def test_keeping_changes_nothing_else(algorithm: str) -> None:
    if algorithm == "clause-weighting":
        pytest.skip("needs clauses")
    problem = evobin.QUBO(MATRIX)
    budget: dict[str, Any] = {"algorithm": algorithm, "max_evaluations": 20_000, "seed": 3}
    if not hasattr(ALGORITHMS[algorithm], "walk"):
        budget["max_evaluations"] = 800
    one = evobin.maximize(problem, **budget)
    many = evobin.maximize(problem, **budget, keep=6)
    assert one.solution.tolist() == many.solution.tolist()
    assert one.history.drop(columns="seconds").equals(many.history.drop(columns="seconds"))
    assert one.kept.solutions.tolist() == [one.solution.tolist()]
    assert one.kept.scores.tolist() == [one.score]
    kept = many.kept
    assert kept.scores.tolist() == problem.score(kept.solutions).tolist()
    assert kept.scores.tolist() == sorted(kept.scores, reverse=True)
    assert kept.solutions[0].tolist() == one.solution.tolist()
    assert len({row.tobytes() for row in kept.solutions}) == len(kept.solutions) == 6


@pytest.mark.parametrize(
    "more", [{"algorithm": "annealing"}, {"islands": 3}, {"algorithm": "tabu"}]
)
def test_what_is_kept_does_not_depend_on_workers_or_interruptions(
    more: dict[str, Any], tmp_path: Path
) -> None:
    problem = evobin.QUBO(RNG.integers(-9, 10, (40, 40)))
    call: dict[str, Any] = {"problem": problem, "keep": 5, "seed": 1} | more
    whole = evobin.maximize(**call, max_evaluations=150_000)
    shared = evobin.maximize(**call, max_evaluations=150_000, n_jobs=2)
    evobin.maximize(**call, max_evaluations=50_001, checkpoint=tmp_path / "kept")
    resumed = evobin.maximize(**call, max_evaluations=150_000, checkpoint=tmp_path / "kept")
    for other in (shared, resumed):
        assert other.kept.solutions.tolist() == whole.kept.solutions.tolist()
        assert other.kept.scores.tolist() == whole.kept.scores.tolist()
    assert len(whole.kept.scores) == 5
    with pytest.raises(EvobinError, match="keeps another search, of keep 5, not 7"):
        evobin.maximize(**call | {"keep": 7}, checkpoint=tmp_path / "kept")


def test_the_number_to_keep_is_checked() -> None:
    with pytest.raises(SettingError, match="`keep` must be from 1 to"):
        evobin.maximize(peak, n=12, keep=0)


class Noting(Annealing):
    """Notes the opposite of its best as a result, and what it says about that."""

    notes_optima = True
    says = 0.0

    def walk(self, *args: Any, **more: Any) -> None:
        super().walk(*args, **more)
        if self.best is not None:
            self.optima.append((-self.best, self.says))


def test_results_that_an_algorithm_notes_are_kept_and_counted_from_scratch() -> None:
    problem = evobin.QUBO(np.zeros((5, 5)))
    found = evobin.maximize(problem, algorithm=Noting(), max_evaluations=30, keep=3)
    assert found.kept.scores.tolist() == [0.0] * 3  # the last one is a neighbour
    assert abs(found.kept.solutions[2] @ found.kept.solutions[0]) == 3
    wrong = Noting()
    wrong.says = 1.0
    with pytest.raises(RuntimeError, match="the search says"):
        evobin.maximize(problem, algorithm=wrong, max_evaluations=30, keep=3)


def test_a_walk_that_has_seen_one_solution_has_the_best_of_its_neighbours() -> None:
    problem = evobin.QUBO(np.diag([1, 2, 3, 4]))
    call: dict[str, Any] = {"algorithm": "annealing", "max_evaluations": 1, "initial": [-1] * 4}
    found = evobin.maximize(problem, **call, keep=4)
    assert found.kept.scores.tolist() == [0, -1, -2, -3]
    assert found.evaluations == 1
    every = evobin.maximize(problem, **call, keep=100).kept
    assert every.scores.tolist() == sorted(problem.score(every.solutions), reverse=True)
    assert len(every.scores) == 16
