"""One contract for every algorithm: a new one is tested the day it is listed."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import evobin
from evobin.algorithms.base import Algorithm
from evobin.core.problem import Population, Scores
from evobin.core.state import State
from evobin.errors import SettingError
from evobin.runs.checkpoint import from_bytes, to_bytes
from tests.builders import GENERAL

EVERY = pytest.mark.parametrize("kind", GENERAL.values(), ids=GENERAL)
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
    return from_bytes(to_bytes(state))


@EVERY
@SIZES
def test_it_asks_for_signs_alone_and_its_best_never_falls(kind: type[Algorithm], n: int) -> None:
    algorithm, best = kind().start(n, 3), -np.inf
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
    assert walk(kind().start(20, 5), 300) == walk(kind().start(20, 5), 300)
    assert walk(kind().start(20, 5), 300) != walk(kind().start(20, 6), 300)


@EVERY
def test_it_is_fresh_where_it_is_started_again(kind: type[Algorithm]) -> None:
    algorithm = kind()
    for n, told in ((20, 333), (7, 100)):
        walk(algorithm.start(n, 4), told)
    assert walk(algorithm.start(20, 5), 300) == walk(kind().start(20, 5), 300)


@EVERY
def test_a_batch_told_in_parts_is_a_batch_told_at_once(kind: type[Algorithm]) -> None:
    whole, parts = kind().start(20, 5), kind().start(20, 5)
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
    through, total = kind().start(n, 1), 420
    expected = walk(through, total)
    for told in [*range(0, 40, 5), 99, 100, 101, 333, 370]:
        before = kind().start(n, 1)
        walk(before, told)
        state = through_a_file(before.state())
        walk(before, told + 50)  # what was kept stays as it was
        after = kind().start(n, 1)
        after.load(state)
        rest = walk(after, total)
        assert b"".join(expected).endswith(b"".join(rest))
        assert (after.evaluations, after.score) == (total, through.score)
        after.load(state)  # from further on, too
        assert walk(after, total) == rest


@EVERY
@pytest.mark.parametrize("told", [0, 1, 57, 333])
def test_a_copy_in_the_middle_goes_on_equally(kind: type[Algorithm], told: int) -> None:
    algorithm = kind().start(20, 1)
    walk(algorithm, told)
    deep, pickled = copy.deepcopy(algorithm), pickle.loads(pickle.dumps(algorithm))
    rest = walk(algorithm, told + 200)
    assert walk(deep, told + 200) == rest
    assert walk(pickled, told + 200) == rest


@EVERY
def test_scores_may_be_a_list(kind: type[Algorithm]) -> None:
    algorithm, listed = kind().start(20, 5), kind().start(20, 5)
    expected = walk(algorithm, 300)
    asked = []
    while listed.evaluations < 300:
        population = listed.ask()[: 300 - listed.evaluations]
        asked.append(population.tobytes())
        listed.tell(population, bumpy(population).tolist())
    assert asked == expected
    assert listed.score == algorithm.score


@EVERY
def test_what_is_asked_is_read_only_and_stays_the_same(kind: type[Algorithm]) -> None:
    algorithm = kind().start(20, 5)
    walk(algorithm, 200)
    population = algorithm.ask()
    kept = population.copy()
    with pytest.raises(ValueError, match="read-only"):
        population[:] = 1
    walk(algorithm, 400)
    np.testing.assert_array_equal(population, kept)


@EVERY
@pytest.mark.parametrize("told", [0, 150])
def test_nan_is_refused_by_row_and_changes_nothing(kind: type[Algorithm], told: int) -> None:
    algorithm, other = kind().start(20, 5), kind().start(20, 5)
    walk(algorithm, told)
    walk(other, told)
    population = algorithm.ask()
    scores = bumpy(population)
    scores[-1] = np.nan
    with pytest.raises(ValueError, match=f"row {len(scores) - 1} is nan; use -inf"):
        algorithm.tell(population, scores)
    assert algorithm.evaluations == told
    assert walk(algorithm, told + 200) == walk(other, told + 200)
    assert algorithm.improvements == other.improvements


@EVERY
def test_where_it_begins_is_scored_and_left_as_it_was(kind: type[Algorithm]) -> None:
    initial = np.random.default_rng(0).choice([-1.0, 1.0], (2, 20))
    before = initial.copy()
    first = kind().start(20, 0, initial[0]).ask()
    assert (first == initial[0]).all(axis=1).any() or kind.name == "latent-cma"
    walk(kind().start(20, 0, initial), 200)
    np.testing.assert_array_equal(initial, before)


@EVERY
def test_onemax_of_20_signs_is_found(kind: type[Algorithm]) -> None:
    found = evobin.maximize(
        lambda x: x.sum(), n=20, algorithm=kind, target=20, max_evaluations=20_000
    )
    assert found.score == 20
    assert (found.solution == 1).all()
    assert found.stop == {"target": 20}


@EVERY
@pytest.mark.parametrize("budget", [1, 7, 150, 501])
def test_the_budget_is_kept_to_the_evaluation(kind: type[Algorithm], budget: int) -> None:
    seen: list[bytes] = []

    def score(solution: np.ndarray) -> float:
        seen.append(solution.astype(np.int8).tobytes())
        solution[:] = 0  # harms nothing
        return float(bumpy(np.frombuffer(seen[-1], np.int8)[None])[0])

    alone = evobin.maximize(score, n=13, algorithm=kind, max_evaluations=budget, seed=2)
    assert len(seen) == alone.evaluations == budget
    assert alone.stop == {"max_evaluations": budget}
    batch = evobin.maximize(bumpy, n=13, algorithm=kind, max_evaluations=budget, seed=2, batch=True)
    np.testing.assert_array_equal(alone.solution, batch.solution)
    assert alone.history.drop(columns="seconds").equals(batch.history.drop(columns="seconds"))


@EVERY
def test_a_score_of_minus_infinity_is_just_the_worst(kind: type[Algorithm]) -> None:
    algorithm = kind().start(10, 0)
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
        ({"n": 2.5}, "`n` must be a whole number, but it is 2.5"),
        ({"initial": np.zeros(5)}, "`initial` must hold only -1 and \\+1"),
        ({"initial": np.ones(4)}, "`initial` must have shape \\[\\*, 5\\]"),
        ({"initial": np.ones((0, 5))}, "`initial` must hold a solution"),
    ],
)
def test_wrong_arguments_are_named(kind: type[Algorithm], wrong: dict[str, Any], text: str) -> None:
    with pytest.raises((SettingError, ValueError), match=text):
        kind().start(**{"n": 5, **wrong})


@EVERY
@pytest.mark.parametrize("patience", [-1, 0])
def test_a_patience_out_of_range_is_named(kind: type[Algorithm], patience: int) -> None:
    with pytest.raises(SettingError, match="`patience` must be from 1"):
        kind(patience=patience)


@EVERY
def test_scores_of_something_else_than_was_asked_are_refused(kind: type[Algorithm]) -> None:
    algorithm = kind().start(5, 0)
    with pytest.raises(ValueError, match="rows of the 0 asked, but it has 1"):
        algorithm.tell(np.ones((1, 5), np.int8), np.ones(1))
    asked = algorithm.ask()
    with pytest.raises(ValueError, match="call `ask` before each `tell`"):
        algorithm.tell(np.ones((len(asked) + 1, 5), np.int8), np.ones(len(asked) + 1))


@EVERY
def test_scores_that_are_no_numbers_are_refused(kind: type[Algorithm]) -> None:
    algorithm = kind().start(5, 0)
    asked = algorithm.ask()
    with pytest.raises(ValueError, match="`scores` must hold numbers, but it holds <U1"):
        algorithm.tell(asked, ["a"] * len(asked))
    with pytest.raises(ValueError, match=r"`scores` must have shape \[\*\]"):
        algorithm.tell(asked, np.zeros((len(asked), 1)))


class Mine(Algorithm):
    """No name, no settings, nothing to prepare."""

    def ask(self) -> Population:
        if self.best is None:
            return self.rng.choice(np.array([-1, 1], np.int8), (3, self.n))
        children = np.tile(self.best, (4, 1))
        children[self.rng.random(children.shape) < 1.5 / self.n] *= -1
        return children

    def tell(self, population: Population, scores: Any) -> None:
        """Has nothing of its own to keep."""


class MyOwn(Mine):
    """Goes by a population of its own, which it changes in place, and by lists."""

    def begin(self) -> None:
        self.population = np.ones((2, self.n))

    def ask(self) -> Population:
        first: Population = super().ask()[:1]
        self.population[0] = first[0]
        return self.population  # type: ignore[return-value]  # float64: made int8

    def tell(self, population: Population, scores: Any) -> None:
        super().tell(population, scores)
        self.population[1] *= -1


class Kept(Algorithm):
    """Returns the very array that it changes later."""

    def begin(self) -> None:
        self.population = np.ones((1, self.n), np.int8)

    def ask(self) -> Population:
        return self.population

    def tell(self, population: Population, scores: Any) -> None:
        self.population[0, self.evaluations % self.n] *= -1


OWN = pytest.mark.parametrize(("own", "name"), [(Mine, "mine"), (MyOwn, "my-own"), (Kept, "kept")])


@OWN
def test_an_own_algorithm_needs_to_care_for_nothing_else(own: type[Algorithm], name: str) -> None:
    assert own.name == name
    algorithm, told, best = own().start(12, 3), 0, -np.inf
    while told < 200:
        population = algorithm.ask()
        assert population.dtype == np.int8
        np.testing.assert_array_equal(population, algorithm.ask())
        told, best = told + len(population), max(best, bumpy(population).max())
        algorithm.tell(population, bumpy(population))
        assert (algorithm.evaluations, algorithm.score) == (told, best)
        assert algorithm.best is not None
        assert bumpy(algorithm.best[None])[0] == best
    assert algorithm.improvements[-1] == (algorithm.found, algorithm.score)
    assert [score for _, score in algorithm.improvements] == sorted(
        score for _, score in algorithm.improvements
    )
    assert algorithm.stop() == {}
    assert own(patience=1).start(12).stop() == {}


@OWN
def test_an_own_algorithm_goes_on_from_its_state(own: type[Algorithm], name: str) -> None:
    for told in (0, 1, 50, 51):
        algorithm, after = own().start(12, 3), own().start(12, 3)
        walk(algorithm, told)
        after.load(through_a_file(algorithm.state()))
        copied = copy.deepcopy(algorithm)
        rest = walk(algorithm, told + 100)
        assert walk(after, told + 100) == rest
        assert walk(copied, told + 100) == rest
        assert after.score == algorithm.score


@EVERY
def test_a_started_algorithm_gives_its_settings_back(kind: type[Algorithm]) -> None:
    started = kind(patience=70).start(9, 3, initial=np.ones(9))
    walk(started, 60)
    for made in (started, copy.deepcopy(started), started.start(5)):
        assert vars(made.unstarted()) == vars(kind(patience=70))
    assert vars(kind(patience=70).unstarted()) == vars(kind(patience=70))
    again = started.unstarted().start(9, 4)
    assert walk(again, 200) == walk(kind(patience=70).start(9, 4), 200)


def test_an_own_algorithm_that_changes_its_settings_gives_the_first_ones_back() -> None:
    class Changing(Mine):
        def __init__(self) -> None:
            super().__init__()
            self.rates = [1.0]

        def begin(self) -> None:
            self.rates.append(2.0)

    assert Changing().start(3).start(4).unstarted().rates == [1.0]


def test_what_an_own_algorithm_asks_wrongly_is_named() -> None:
    class Wrong(Mine):
        def ask(self) -> Population:
            return np.zeros((2, self.n), np.float64)

    class Narrow(Mine):
        def ask(self) -> Population:
            return np.ones((2, self.n - 1), np.int8)

    with pytest.raises(ValueError, match="`what `ask` returns` must hold only -1 and \\+1"):
        Wrong().start(3).ask()
    with pytest.raises(ValueError, match=r"must have shape \[\*, 3\], but it has shape \[2, 2\]"):
        Narrow().start(3).ask()
