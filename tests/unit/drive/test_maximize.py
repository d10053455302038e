"""maximize and minimize: budget, clock, target, restarts, errors, callback and checkpoint."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

import evobin
from evobin.algorithms import UMDA, Algorithm, FastGA
from evobin.core.problem import IncrementalProblem, Population, Scores, Solution
from evobin.core.stage import Progress
from evobin.errors import EvobinError, SettingError
from evobin.results.search import EvaluationError, SearchResult
from evobin.runs.checkpoint import from_bytes
from tests.builders import GENERAL, NoisyState


@dataclass
class Linear(IncrementalProblem):
    """A problem with a known maximum: the sum of |weights|."""

    weights: np.ndarray

    def __post_init__(self) -> None:
        self.n = len(self.weights)

    def score(self, population: Population) -> Scores:
        scores: Scores = population @ self.weights
        return scores

    def start(self, solution: Solution) -> NoisyState:
        return NoisyState(self.weights, solution.copy())


def ones(solution: Solution) -> int:
    return int(solution.sum())


def same(a: SearchResult, b: SearchResult) -> bool:
    histories = [found.history.drop(columns="seconds") for found in (a, b)]
    return bool(
        np.array_equal(a.solution, b.solution)
        and (a.score, a.evaluations, a.restarts) == (b.score, b.evaluations, b.restarts)
        and histories[0].equals(histories[1])
    )


def test_a_minimum_is_given_in_the_functions_own_values() -> None:
    found = evobin.minimize(lambda x: 7.0 + x.sum(), 12, target=-5, max_evaluations=2_000)
    assert (found.score, found.stop) == (-5.0, {"target": -5})
    assert (found.solution == -1).all()
    assert found.history["score"].is_monotonic_decreasing
    assert found.history["score"].iloc[-1] == -5.0


def test_minimize_is_maximize_of_the_negative() -> None:
    high = evobin.maximize(ones, 30, max_evaluations=300)
    low = evobin.minimize(lambda x: -ones(x), 30, max_evaluations=300)
    assert np.array_equal(high.solution, low.solution)
    assert high.score == -low.score


def test_a_problem_is_searched_as_its_function_is() -> None:
    problem = Linear(np.arange(9.0) - 4.0)
    known = evobin.maximize(problem, max_evaluations=400)
    function = evobin.maximize(lambda x: float(x @ problem.weights), 9, max_evaluations=400)
    assert same(known, function)
    assert known.score == 20.0


def test_a_problem_is_not_minimised() -> None:
    with pytest.raises(SettingError, match="maximize it, not minimize"):
        evobin.minimize(Linear(np.arange(3.0)))  # type: ignore[arg-type]


def test_a_problem_knows_its_length() -> None:
    with pytest.raises(SettingError, match=r"`n` must be the problem's, 9, but it is 8"):
        evobin.maximize(Linear(np.ones(9)), 8)


def test_a_search_that_stands_still_begins_anew_unless_told_not_to() -> None:
    flat: dict[str, Any] = {"algorithm": FastGA(patience=40), "max_evaluations": 200}
    found = evobin.maximize(lambda _: 1.0, 10, **flat)
    assert (found.restarts, found.evaluations) == (4, 200)
    once = evobin.maximize(lambda _: 1.0, 10, **flat, restarts=False)
    assert (once.restarts, once.stop) == (0, {"stagnation": 40})


def test_only_the_first_start_is_where_the_user_said() -> None:
    seen: list[Solution] = []

    def flat(solution: Solution) -> float:
        seen.append(solution)
        return 0.0

    initial = np.ones(40)
    evobin.maximize(flat, 40, algorithm=FastGA(patience=30), initial=initial, max_evaluations=60)
    assert (seen[0] == 1).all()
    assert not (seen[31] == 1).all()


def test_the_clock_ends_a_search_after_the_evaluation_at_hand() -> None:
    def slow(solution: Solution) -> int:
        time.sleep(0.02)
        return ones(solution)

    found = evobin.maximize(slow, 20, seconds=0.1, algorithm="umda")
    assert found.stop == {"seconds": 0.1}
    assert 1 <= found.evaluations < 100


def test_a_callback_is_called_and_can_end_the_search() -> None:
    told: list[Progress] = []

    def watch(progress: Progress) -> bool:
        told.append(progress)
        assert progress.solution is not None
        progress.solution[:] = 0  # harms nothing
        return progress.evaluations >= 50

    found = evobin.maximize(ones, 20, callback=watch)
    assert found.stop == {"callback": True}
    assert found.evaluations == told[-1].evaluations >= 50
    assert told[-1].score == found.score == ones(found.solution)
    assert sum(progress.improved for progress in told) == len(found.history)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.nan, "evaluation 3: the function returned nan where a number was expected"),
        ("much", "evaluation 3: the function returned 'much' where a number was expected"),
        (None, "evaluation 3: the function returned None where a number was expected"),
        (1j, "evaluation 3: the function returned 1j where a number was expected"),
        (np.ones(2), r"returned an array \[2\] of float64 where a number was expected"),
    ],
)
def test_what_is_no_number_is_named_with_its_evaluation(value: object, text: str) -> None:
    calls = 0

    def third(solution: Solution) -> Any:
        nonlocal calls
        calls += 1
        return value if calls == 3 else ones(solution)

    with pytest.raises(EvaluationError, match=text) as caught:
        evobin.maximize(third, 10, algorithm="umda")
    assert caught.value.solution.shape == (10,)
    assert isinstance(caught.value.found, SearchResult)


def test_an_exception_is_chained_and_what_was_found_is_kept() -> None:
    def breaks(solution: Solution) -> int:
        if ones(solution) >= 6:
            raise KeyError("six")
        return ones(solution)

    with pytest.raises(EvaluationError, match="the function raised KeyError: 'six'") as caught:
        evobin.maximize(breaks, 10)
    assert isinstance(caught.value.__cause__, KeyError)
    assert ones(caught.value.solution) >= 6
    assert caught.value.found is not None
    assert caught.value.found.score < 6


def test_skipped_solutions_are_the_worst_and_are_listed() -> None:
    def breaks(solution: Solution) -> float:
        return np.nan if ones(solution) >= 6 else ones(solution)

    for verb in (evobin.maximize, evobin.minimize):
        found = verb(breaks, 10, on_error="skip", max_evaluations=500)
        assert np.isfinite(found.score)
        assert len(found.failures) > 0
        assert list(found.failures.columns) == ["evaluation", "error", "solution"]
        assert all(ones(solution) >= 6 for solution in found.failures["solution"])
    assert set(found.failures["error"]) == {"returned nan where a number was expected"}


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (
            lambda p: p,
            r"returned an array \[100, 10\] of int64 where 100 numbers, an array \[100\]",
        ),
        (lambda p: p.sum(), "where 100 numbers"),
        (lambda p: ["a"] * len(p), "where 100 numbers"),
        (lambda p: np.where(np.arange(len(p)) == 4, np.nan, 0), "evaluation 5: .* nan"),
    ],
)
def test_a_batch_must_come_back_as_numbers(values: Any, text: str) -> None:
    with pytest.raises(EvaluationError, match=text):
        evobin.maximize(values, 10, algorithm="umda", batch=True)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"n": None}, "`n` must be set"),
        ({"sed": 1}, "unexpected keyword argument 'sed'"),
        ({"algorithm": "fast"}, "there is no algorithm `fast`; did you mean `fast-ga`"),
        ({"settings": {"patience": 2}}, "unexpected keyword argument 'settings'"),
        ({"n": "5"}, "`n` must be a whole number, but it is '5'"),
        ({"seed": 1.5}, "`seed` must be a whole number, but it is 1.5"),
        ({"max_evaluations": 2.5}, "`max_evaluations` must be a whole number, but it is 2.5"),
        ({"target": "a"}, "`target` must be a number, but it is 'a'"),
        ({"islands": 0}, "`islands` must be from 1"),
        ({"islands": "2"}, "`islands` must be a whole number, but it is '2'"),
        ({"n_jobs": 0}, "`n_jobs` must be at least 1, or -1 for one a core, but it is 0"),
        ({"n_jobs": 1.5}, "`n_jobs` must be a whole number, but it is 1.5"),
        ({"callback": 3}, "`callback` must be a function, but it is 3"),
        ({"checkpoint": 3}, "`checkpoint` must be a path, but it is 3"),
        ({"algorithm": 3}, "there is no algorithm `3`"),
        ({"max_evaluations": 0}, "`max_evaluations` must be from 1"),
        ({"seconds": -1}, "`seconds` must be from 0"),
        ({"on_error": "ignore"}, "`on_error` must be raise or skip, but it is 'ignore'"),
    ],
)
def test_wrong_options_are_named(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises((SettingError, TypeError), match=text):
        evobin.maximize(ones, **{"n": 5, **wrong})


def test_what_is_neither_function_nor_problem_is_refused() -> None:
    with pytest.raises(TypeError, match="`problem` must be a function or a problem, but it is int"):
        evobin.maximize(3, 5)  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", ["default", UMDA(patience=90), FastGA(patience=90)])
def test_a_search_goes_on_from_its_checkpoint_as_if_never_stopped(
    tmp_path: Path, algorithm: Any
) -> None:
    path = tmp_path / "kept"

    def go(budget: int, **more: Any) -> SearchResult:
        return evobin.minimize(rugged, 15, max_evaluations=budget, algorithm=algorithm, **more)

    def rugged(solution: Solution) -> float:
        if ones(solution) == -9:
            raise ValueError("nine")
        return float(ones(solution[::2]) - ones(solution[:-1] * solution[1:]))

    for budget in (1, 130, 131, 250, 600):
        part = go(budget, checkpoint=path, on_error="skip")
        assert part.evaluations == budget
    whole = go(600, on_error="skip")
    assert same(part, whole)
    assert part.failures["evaluation"].equals(whole.failures["evaluation"])
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]


def test_a_checkpoint_of_another_search_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    evobin.maximize(ones, 15, max_evaluations=10, checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(EvobinError, match="kept: keeps another search, of seed 0, not 1"):
        evobin.maximize(ones, 15, seed=1, checkpoint=path)
    with pytest.raises(EvobinError, match="of n 15, not 16"):
        evobin.maximize(ones, 16, checkpoint=path)
    with pytest.raises(EvobinError, match="of sense maximise, not minimise"):
        evobin.minimize(ones, 15, checkpoint=path)
    assert path.read_bytes() == before


def test_what_cannot_be_a_checkpoint_is_named_before_anything_is_scored(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no checkpoint")

    def never(_: Solution) -> float:
        raise AssertionError

    with pytest.raises(EvobinError, match="text: is no checkpoint"):
        evobin.maximize(never, 5, checkpoint=tmp_path / "text")
    with pytest.raises(EvobinError, match="is a folder"):
        evobin.maximize(never, 5, checkpoint=tmp_path)
    with pytest.raises(EvobinError, match=r"cannot be written .* create its folder first"):
        evobin.maximize(never, 5, checkpoint=tmp_path / "absent" / "kept")


def test_an_interrupt_keeps_the_search_and_says_so(tmp_path: Path) -> None:
    path, calls = tmp_path / "kept", 0

    def impatient(solution: Solution) -> int:
        nonlocal calls
        calls += 1
        if calls == 150:
            signal.raise_signal(signal.SIGINT)
        return ones(solution)

    go: dict[str, Any] = {"algorithm": "umda", "max_evaluations": 300}
    with pytest.raises(KeyboardInterrupt, match=r"kept keeps the search after \d+ evaluations"):
        evobin.maximize(impatient, 20, **go, checkpoint=path)
    assert same(
        evobin.maximize(impatient, 20, **go, checkpoint=path), evobin.maximize(ones, 20, **go)
    )


def test_an_interrupt_within_an_algorithm_waits_until_it_is_done(tmp_path: Path) -> None:
    class Interrupted(UMDA):
        def tell(self, population: Population, scores: ArrayLike) -> None:
            if self.evaluations == 200:
                signal.raise_signal(signal.SIGINT)
            super().tell(population, scores)

    go: dict[str, Any] = {"algorithm": Interrupted, "max_evaluations": 300}
    with pytest.raises(KeyboardInterrupt, match="after 200 evaluations"):
        evobin.maximize(ones, 20, **go, checkpoint=tmp_path / "kept")
    again = evobin.maximize(ones, 20, **go, checkpoint=tmp_path / "kept")
    assert same(again, evobin.maximize(ones, 20, algorithm="umda", max_evaluations=300))


def test_a_second_interrupt_ends_at_once_and_leaves_the_checkpoint_as_it_was(
    tmp_path: Path,
) -> None:
    class Interrupted(UMDA):
        def tell(self, population: Population, scores: ArrayLike) -> None:
            self.chances[:] = 0.0
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    path = tmp_path / "kept"
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        evobin.maximize(ones, 20, algorithm=Interrupted, checkpoint=path)
    state = from_bytes(path.read_bytes())["state"]
    assert (state["algorithm"]["chances"] == 0.5).all()


def test_without_a_checkpoint_an_interrupt_goes_through() -> None:
    def interrupt(_: Solution) -> float:
        raise KeyboardInterrupt("mine")

    with pytest.raises(KeyboardInterrupt, match="mine"):
        evobin.maximize(interrupt, 5)


def test_one_solution_is_always_scored() -> None:
    found = evobin.maximize(ones, 5, seconds=0)
    assert (found.evaluations, found.stop) == (1, {"seconds": 0})
    assert found.score == ones(found.solution)
    with pytest.raises(EvaluationError, match="returned None") as caught:
        evobin.maximize(lambda _: None, 5)  # type: ignore[arg-type, return-value]
    assert caught.value.found is None


@pytest.mark.parametrize("kind", GENERAL.values(), ids=[*GENERAL])
def test_a_started_algorithm_does_as_a_fresh_one(kind: type[Algorithm], tmp_path: Path) -> None:
    path, fresh, started = tmp_path / "search", kind(patience=90), kind(patience=90).start(9, 3)
    for _ in range(40):
        asked = started.ask()
        started.tell(asked, asked.sum(axis=1))
    whole = evobin.maximize(ones, 15, algorithm=fresh, max_evaluations=300)
    evobin.maximize(ones, 15, algorithm=fresh, max_evaluations=100, checkpoint=path)
    rest = evobin.maximize(ones, 15, algorithm=started, max_evaluations=300, checkpoint=path)
    np.testing.assert_array_equal(rest.solution, whole.solution)
    assert rest.evaluations == whole.evaluations
