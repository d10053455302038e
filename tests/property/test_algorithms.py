"""One contract for every algorithm: a new one is tested the day it is listed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import evobin
from evobin.algorithms import ALGORITHMS
from evobin.algorithms.base import Algorithm, State
from evobin.core.problem import Population, Scores
from evobin.errors import SettingError
from evobin.runs import Checkpoint

EVERY = pytest.mark.parametrize("kind", ALGORITHMS.values(), ids=ALGORITHMS)
SIZES = pytest.mark.parametrize("n", [1, 2, 63, 64, 65])


def bumpy(population: Population) -> Scores:
    """Sums of weighted signs and of products of neighbours: plateaus, slopes and local optima."""
    weights = np.arange(population.shape[1]) % 3
    pairs = population[:, :-1] * population[:, 1:]
    scores: Scores = (population * weights).sum(axis=1) - 1.5 * pairs.sum(axis=1)
    return scores


def walk(algorithm: Algorithm, evaluations: int) -> list[bytes]:
    """Every batch asked, until so many are told, a batch cut where it would be more."""
    asked = []
    while algorithm.evaluations < evaluations:
        population = algorithm.ask()[: evaluations - algorithm.evaluations]
        asked.append(population.tobytes())
        algorithm.tell(population, bumpy(population))
    return asked


def through_a_file(state: State) -> State:
    """What is left of a state once it was written down and read again."""
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    plain = {name: value for name, value in state.items() if name not in arrays}
    kept = Checkpoint.from_bytes(Checkpoint(plain, arrays).to_bytes())
    assert json.loads(json.dumps(plain)) == kept.plain
    return {**kept.plain, **kept.arrays}


@EVERY
@SIZES
def test_it_asks_for_signs_alone_and_its_best_never_falls(kind: type[Algorithm], n: int) -> None:
    algorithm, best = kind(n, 3), -np.inf
    while algorithm.evaluations < 150:
        population = algorithm.ask()
        assert population.dtype == np.int8
        assert population.shape == (len(population), n)
        assert len(population) >= 1
        assert (np.abs(population) == 1).all()
        np.testing.assert_array_equal(population, algorithm.ask())
        algorithm.tell(population, bumpy(population))
        assert algorithm.score >= best
        best = algorithm.score
    assert algorithm.best is not None
    assert bumpy(algorithm.best[None])[0] == best
    assert [score for _, score in algorithm.improvements][-1] == best


@EVERY
def test_the_seed_decides_the_walk(kind: type[Algorithm]) -> None:
    assert walk(kind(20, 5), 300) == walk(kind(20, 5), 300)
    assert walk(kind(20, 5), 300) != walk(kind(20, 6), 300)


@EVERY
def test_a_batch_told_in_parts_is_a_batch_told_at_once(kind: type[Algorithm]) -> None:
    whole, parts = kind(20, 5), kind(20, 5)
    while whole.evaluations < 300:
        asked = whole.ask()
        whole.tell(asked, bumpy(asked))
    while parts.evaluations < whole.evaluations:
        asked = parts.ask()[: 1 + parts.evaluations % 3]
        parts.tell(asked, bumpy(asked))
    np.testing.assert_array_equal(whole.ask(), parts.ask())
    assert whole.score == parts.score


@EVERY
@pytest.mark.parametrize("n", [2, 7])
def test_a_loaded_state_goes_on_as_if_never_interrupted(kind: type[Algorithm], n: int) -> None:
    through, total = kind(n, 1), 420
    expected = walk(through, total)
    for told in [*range(0, 40, 5), 99, 100, 101, 333, 370]:
        before = kind(n, 1)
        walk(before, told)
        state = through_a_file(before.state())
        walk(before, told + 50)  # what was kept stays as it was
        after = kind(n, 1)
        after.load(state)
        rest = walk(after, total)
        assert b"".join(expected).endswith(b"".join(rest))
        assert (after.evaluations, after.score) == (total, through.score)


@EVERY
def test_where_it_begins_is_scored_and_left_as_it_was(kind: type[Algorithm]) -> None:
    initial = np.random.default_rng(0).choice([-1.0, 1.0], (2, 20))
    before = initial.copy()
    first = kind(20, 0, initial[0]).ask()
    assert (first == initial[0]).all(axis=1).any() or kind.name == "latent-cma"
    walk(kind(20, 0, initial), 200)
    np.testing.assert_array_equal(initial, before)


@EVERY
def test_onemax_of_20_signs_is_found(kind: type[Algorithm]) -> None:
    found = evobin.maximize(
        lambda x: x.sum(), 20, algorithm=kind, target=20, max_evaluations=20_000
    )
    assert found.score == 20
    assert (found.solution == 1).all()
    assert found.stop == {"target": 20}


@EVERY
@pytest.mark.parametrize("budget", [1, 7, 150, 501])
def test_the_budget_is_kept_to_the_evaluation(kind: type[Algorithm], budget: int) -> None:
    seen: list[bytes] = []

    def score(solution: np.ndarray) -> float:
        seen.append(solution.tobytes())
        solution[:] = 0  # harms nothing
        return float(bumpy(np.frombuffer(seen[-1], np.int8)[None])[0])

    alone = evobin.maximize(score, 13, algorithm=kind, max_evaluations=budget, seed=2)
    assert len(seen) == alone.evaluations == budget
    assert alone.stop == {"max_evaluations": budget}
    batch = evobin.maximize(bumpy, 13, algorithm=kind, max_evaluations=budget, seed=2, batch=True)
    np.testing.assert_array_equal(alone.solution, batch.solution)
    assert alone.history.drop(columns="seconds").equals(batch.history.drop(columns="seconds"))


@EVERY
def test_a_score_of_minus_infinity_is_just_the_worst(kind: type[Algorithm]) -> None:
    algorithm = kind(10, 0)
    while algorithm.evaluations < 300:
        asked = algorithm.ask()
        algorithm.tell(asked, np.where(asked[:, 0] > 0, bumpy(asked), -np.inf))
    assert np.isfinite(algorithm.score)


@EVERY
@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"n": 0}, "`n` must be from 1"),
        ({"seed": -1}, "`seed` must be a number from 0, but it is -1"),
        ({"seed": "x"}, "`seed` must be a number from 0, but it is 'x'"),
        ({"patience": -1}, "`patience` must be from 0"),
        ({"initial": np.zeros(5)}, "`initial` must hold only -1 and \\+1"),
        ({"initial": np.ones(4)}, "`initial` must have shape \\[\\*, 5\\]"),
        ({"initial": np.ones((0, 5))}, "`initial` must hold a solution"),
    ],
)
def test_wrong_arguments_are_named(kind: type[Algorithm], wrong: dict[str, Any], text: str) -> None:
    with pytest.raises((SettingError, ValueError), match=text):
        kind(**{"n": 5, **wrong})


@EVERY
def test_scores_of_something_else_than_was_asked_are_refused(kind: type[Algorithm]) -> None:
    algorithm = kind(5, 0)
    with pytest.raises(ValueError, match="rows of the 0 asked, but it has 1"):
        algorithm.tell(np.ones((1, 5), np.int8), np.ones(1))
    asked = algorithm.ask()
    with pytest.raises(ValueError, match="call `ask` before each `tell`"):
        algorithm.tell(np.ones((len(asked) + 1, 5), np.int8), np.ones(len(asked) + 1))
