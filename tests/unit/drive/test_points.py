"""What a function is given, and what of a search can travel to another process."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evobin
from evobin.results.search import EvaluationError, SearchResult
from tests.builders import GENERAL


def energy(x: Any) -> Any:
    """Of the autocorrelations; it overflows int8."""
    correlations = np.correlate(x, x, "full")[len(x) :]
    return (correlations**2).sum()


def true_energy(solution: np.ndarray) -> int:
    signs = solution.tolist()
    n = len(signs)
    return sum(sum(signs[i] * signs[i + k] for i in range(n - k)) ** 2 for k in range(1, n))


def test_a_function_gets_whole_numbers_that_do_not_overflow() -> None:
    found = evobin.minimize(energy, 60, max_evaluations=300)
    assert found.score == true_energy(found.solution)
    batch = evobin.minimize(lambda p: [energy(x) for x in p], 60, max_evaluations=300, batch=True)
    assert batch.score == true_energy(batch.solution) == found.score
    kinds = set[Any]()

    def note(solution: Any) -> int:
        kinds.add(solution.dtype)
        return len(kinds)

    evobin.maximize(note, 5, max_evaluations=20)
    assert kinds == {np.dtype(np.int64)}


def error() -> EvaluationError:
    made = EvaluationError("evaluation 3: no", np.ones(3, np.int8))
    made.found = SearchResult(np.ones(3, np.int8), 2.0)
    made.before = np.array([1.0, 2.0])
    return made


def is_whole(one: BaseException) -> bool:
    assert isinstance(one, EvaluationError)
    assert one.found is not None
    return (
        str(one) == "evaluation 3: no"
        and one.solution.tolist() == [1, 1, 1]
        and (one.found.score, one.found.solution.tolist()) == (2.0, [1, 1, 1])
        and one.before.tolist() == [1.0, 2.0]
    )


def fail() -> None:
    raise error()


def test_an_evaluation_error_travels_with_all_it_has() -> None:
    assert is_whole(pickle.loads(pickle.dumps(error())))
    assert is_whole(copy.deepcopy(error()))
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        caught = pool.submit(fail).exception(timeout=60)
    assert caught is not None
    assert is_whole(caught)


@pytest.mark.parametrize("algorithm", GENERAL)
def test_a_search_with_a_larger_budget_goes_on_as_one(tmp_path: Path, algorithm: str) -> None:
    problem = evobin.QUBO(np.random.default_rng(0).integers(-9, 10, (15, 15)))
    for searched, n in ((problem, None), (energy, 15)):
        path = tmp_path / f"kept{n}"
        go: dict[str, Any] = {"n": n, "algorithm": algorithm}
        for budget in (7, 150, 400):
            part = evobin.maximize(searched, max_evaluations=budget, checkpoint=path, **go)
        whole = evobin.maximize(searched, max_evaluations=400, **go)
        assert (part.score, part.evaluations) == (whole.score, whole.evaluations)
        assert part.solution.tolist() == whole.solution.tolist()
        rows = [
            {(r["evaluations"], r["score"], r["restart"]) for r in o.rows} for o in (whole, part)
        ]
        assert rows[0] == rows[1]
