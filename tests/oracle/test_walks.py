"""A walk on a problem is the walk by ask, score and tell, whatever it is cut into."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from evobin.algorithms.annealing import Annealing
from evobin.algorithms.descent import Descent
from evobin.algorithms.memetic import Memetic
from evobin.algorithms.single_flips import SingleFlips
from evobin.algorithms.tabu import Tabu
from evobin.core.compiled import CompiledProblem, CompiledState
from evobin.core.problem import FlipState, IncrementalProblem, Population, Scores, Solution
from evobin.core.state import pack_state
from evobin.problems.ising import Ising
from evobin.problems.network import NetworkProblem
from tests.boxes import KINDS, random_signs
from tests.builders import DENSE, TINY
from tests.conftest import JIT

pytestmark = pytest.mark.kernels

MAKERS: dict[str, Callable[[int], SingleFlips | Memetic]] = {
    "annealing": lambda n: Annealing(sweeps=12),
    "linear annealing": lambda n: Annealing(sweeps=9, schedule="linear"),
    "memetic": lambda n: Memetic(sweeps=6, size=4, long=8),
    "annealing at given temperatures": lambda n: Annealing(sweeps=9, hot=5.0, cold=0.5),
    "tabu": lambda n: Tabu(steps=6),
    "tabu of long tenure": lambda n: Tabu(tenure=n - 1, spread=0, steps=9),
    "steepest descent": lambda n: Descent(),
    "first improvement": lambda n: Descent(rule="first"),
}


def started(maker: str, n: int, initial: Solution | None = None) -> SingleFlips | Memetic:
    return MAKERS[maker](n).start(n, 3, initial)


class Plain(IncrementalProblem):
    """A compiled problem whose states do not walk by themselves."""

    def __init__(self, problem: CompiledProblem) -> None:
        self._problem, self.n = problem, problem.n

    def score(self, population: Population) -> Scores:
        return self._problem.score(population)

    def start(self, solution: Solution) -> FlipState:
        return PlainState(self._problem.start(solution))


class PlainState(FlipState):
    """Only what a flip state must have."""

    def __init__(self, state: FlipState) -> None:
        self._state = state

    @property
    def score(self) -> float:
        return self._state.score

    @property
    def solution(self) -> Solution:
        return self._state.solution

    def flip(self, index: int) -> None:
        self._state.flip(index)


def ask_and_tell(
    search: SingleFlips | Memetic, score: Callable[[Population], Scores], budget: int
) -> None:
    end = search.evaluations + budget
    while search.evaluations < end and not search.stop():
        population = search.ask()[: end - search.evaluations]
        search.tell(population, score(population))


def walk(search: SingleFlips | Memetic, problem: IncrementalProblem, budget: int) -> None:
    """All of a budget: a walk ends before a batch that would be cut."""
    end = search.evaluations + budget
    while search.evaluations < end and not search.stop():
        search.walk(problem, end - search.evaluations)


def everything(search: SingleFlips | Memetic) -> list[Any]:
    """All that is kept, comparable."""
    search._forget_asked()  # it is asked again
    state = search.state()
    del state["improvements"]  # compared on their own
    plain, arrays = pack_state(state)
    return [plain, [array.tolist() for array in arrays.values()]]


@pytest.mark.parametrize("kind", ["sparse QUBO", "symmetric Ising", "MAX-SAT"])
@pytest.mark.parametrize("threads", [2, 3, 8])
def test_threads_change_nothing(kind: str, threads: int) -> None:
    n = 40
    problem = problem_of(kind, n)
    alone, shared = (Memetic(sweeps=20, size=6, long=40).start(n, 1) for _ in range(2))
    shared.threads = threads
    for budget in (20_000, 1, 777, 30_000):
        walk(alone, problem, budget)
        walk(shared, problem, budget)
        assert shared.evaluations == alone.evaluations
        assert shared.improvements == alone.improvements
        np.testing.assert_array_equal(shared.best, alone.best)
    assert alone.level or len(alone.members) > 1 or alone.phase == "cross"
    for one in (alone, shared):
        walk(one, problem, one.evaluations + 1)  # to the end of an anneal: no thread is ahead
    assert shared.score == alone.score


def test_threads_stop_where_one_reaches_the_target() -> None:
    problem = problem_of("sparse QUBO", 60)
    free = Memetic(sweeps=20, size=6, long=40).start(60, 1)
    walk(free, problem, 60_000)
    target = free.improvements[-1][1]
    alone, shared = (Memetic(sweeps=20, size=6, long=40).start(60, 1) for _ in range(2))
    shared.threads = 2
    for one in (alone, shared):
        one.walk(problem, 100_000, target)
    assert shared.evaluations == alone.evaluations < 100_000
    assert shared.improvements == alone.improvements
    np.testing.assert_array_equal(shared.best, alone.best)


def problem_of(kind: str, n: int) -> CompiledProblem:
    rng = np.random.default_rng(5)
    if kind == "symmetric Ising":
        return Ising(np.triu(rng.integers(-1, 2, (n, n)), 1), np.zeros(n))
    return KINDS[kind](n, rng).problem


def cuts(seed: int) -> Iterator[int]:
    rng = np.random.default_rng(seed)
    return (int(size) for size in itertools.chain([1, 1], rng.integers(1, 300, 10_000)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("maker", MAKERS)
def test_a_walk_equals_ask_and_tell(kind: str, maker: str) -> None:
    n = 12
    problem = KINDS[kind](n, np.random.default_rng(5)).problem
    told, walked = started(maker, n), started(maker, n)
    ask_and_tell(told, problem.score, 700)
    walk(walked, problem, 700)
    assert everything(walked) == everything(told)
    assert walked.improvements == told.improvements


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65])
@pytest.mark.parametrize("maker", MAKERS)
def test_a_walk_equals_ask_and_tell_at_sizes_around_a_block(maker: str, n: int) -> None:
    problem = KINDS["dense QUBO"](n, np.random.default_rng(n)).problem
    told, walked = started(maker, n), started(maker, n)
    ask_and_tell(told, problem.score, 20 * n + 7)
    walk(walked, problem, 20 * n + 7)
    assert everything(walked) == everything(told)
    assert walked.improvements == told.improvements


@pytest.mark.parametrize("maker", MAKERS)
def test_cut_walks_tells_and_plain_states_in_turn_are_one_walk(maker: str) -> None:
    problem = KINDS["MAX-SAT"](40, np.random.default_rng(0)).problem
    plain = Plain(problem)
    whole, cut = started(maker, 40), started(maker, 40)
    walk(whole, problem, 4000)
    budget = whole.evaluations
    for most, way in zip(cuts(1), itertools.cycle(range(3)), strict=False):
        size = min(most, budget - cut.evaluations)
        if size == 0:
            break
        if way == 0:
            ask_and_tell(cut, problem.score, size)
        else:
            cut.walk(problem if way == 1 else plain, size)
    assert everything(cut) == everything(whole)
    assert set(whole.improvements) <= set(cut.improvements)  # each part of a batch tells its own


@pytest.mark.parametrize("maker", MAKERS)
def test_stretches_of_a_batch_or_more_change_nothing_in_what_is_found_on_the_way(
    maker: str,
) -> None:
    problem = KINDS["MAX-SAT"](40, np.random.default_rng(0)).problem
    whole, cut = started(maker, 40), started(maker, 40)
    walk(whole, problem, 4000)
    for size in cuts(3):
        if cut.evaluations + 340 > whole.evaluations:
            break
        cut.walk(problem, 40 + size)
    walk(cut, problem, whole.evaluations - cut.evaluations)
    assert cut.improvements == whole.improvements
    assert everything(cut) == everything(whole)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_walk_goes_on_from_a_state_anywhere(maker: str) -> None:
    problem = KINDS["sparse real QUBO"](40, np.random.default_rng(0)).problem
    whole, cut = started(maker, 40), started(maker, 40)
    walk(whole, problem, 3000)
    budget = whole.evaluations
    for size in cuts(2):
        if cut.evaluations == budget:
            break
        cut.walk(problem, min(size, budget - cut.evaluations))
        state = cut.state()
        cut.walk(problem, 100)  # changes nothing in what was kept
        cut = started(maker, 40)
        cut.load(state)
    assert everything(cut) == everything(whole)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_walk_ends_after_the_batch_that_reaches_the_target(maker: str) -> None:
    problem = KINDS["NK"](30, np.random.default_rng(0)).problem
    free, bound = started(maker, 30), started(maker, 30)
    walk(free, problem, 3000)
    at, target = free.improvements[len(free.improvements) // 2]
    bound.walk(problem, 3000, target)
    assert bound.score >= target
    assert at <= bound.evaluations < at + 30
    assert bound.improvements == free.improvements[: len(bound.improvements)]
    walk(bound, problem, free.evaluations - bound.evaluations)
    assert everything(bound) == everything(free)


@pytest.mark.parametrize("kind", [Annealing, Tabu, Descent])
def test_patience_ends_a_walk_where_it_ends_ask_and_tell(kind: type[SingleFlips]) -> None:
    problem = KINDS["dense QUBO"](25, np.random.default_rng(0)).problem
    told, walked = (kind(patience=400).start(25, 3) for _ in range(2))
    ask_and_tell(told, problem.score, 10**6)
    walk(walked, problem, 10**6)
    assert walked.stop() == told.stop() != {}
    assert everything(walked) == everything(told)


@pytest.mark.parametrize("maker", MAKERS)
def test_of_several_beginnings_the_best_is_taken_and_none_changed(maker: str) -> None:
    rng = np.random.default_rng(4)
    problem = KINDS["sparse QUBO"](30, rng).problem
    initial = np.stack([random_signs(30, rng) for _ in range(5)])
    given = initial.copy()
    told, walked = (started(maker, 30, initial) for _ in range(2))
    ask_and_tell(told, problem.score, 5)
    assert told.score == problem.score(initial).max()
    np.testing.assert_array_equal(told.best, initial[problem.score(initial).argmax()])
    ask_and_tell(told, problem.score, 400)
    walk(walked, problem, 405)
    assert everything(walked) == everything(told)
    np.testing.assert_array_equal(initial, given)


@pytest.mark.needs_jit
@pytest.mark.parametrize("maker", MAKERS)
def test_a_log_that_is_full_loses_nothing(maker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = KINDS["sparse QUBO"](200, np.random.default_rng(0)).problem
    whole, short = started(maker, 200), started(maker, 200)
    walk(whole, problem, 40_000)
    monkeypatch.setattr("evobin.core.compiled.LOG", 2)
    walk(short, problem, 40_000)
    assert len(whole.improvements) > 10
    assert short.improvements == whole.improvements
    assert everything(short) == everything(whole)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("size", [1, 3])
def test_a_journal_that_overflows_loses_nothing(
    maker: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = KINDS["sparse real QUBO"](40, np.random.default_rng(0)).problem
    whole, short = started(maker, 40), started(maker, 40)
    walk(whole, problem, 3000)

    def tiny(solution: Solution) -> CompiledState:
        state = CompiledState(problem, solution)
        state._journal = state._journal[:size]
        return state

    monkeypatch.setattr(problem, "start", tiny)
    walk(short, problem, 3000)
    assert len(whole.improvements) > 3
    assert short.improvements == whole.improvements
    assert everything(short) == everything(whole)


HOT = {
    "annealing": Annealing(sweeps=3000, hot=300.0, cold=100.0),
    "tabu": Tabu(tenure=1, steps=40),
    "steepest descent": Descent(kick=30),
    "first improvement": Descent(rule="first", kick=30),
}


@pytest.mark.needs_jit
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("maker", HOT)
def test_after_long_hot_walks_the_best_has_its_score(kind: str, maker: str) -> None:
    n = 65
    problem = KINDS[kind](n, np.random.default_rng(1)).problem
    search = HOT[maker].start(n, 2)
    for _ in range(4):
        walk(search, problem, 40_000)
        assert search.best is not None
        scores = problem.score(np.stack([search.best, search.present]))
        assert scores.tolist() == [search.score, search.level]
    assert search.improvements[-1] == (search.found, search.score)


@pytest.mark.parametrize("kind", ["dense QUBO", "MAX-SAT with hard clauses", "NK"])
@pytest.mark.parametrize("maker", MAKERS)
def test_a_walk_by_a_plain_state_equals_ask_and_tell(kind: str, maker: str) -> None:
    problem = Plain(KINDS[kind](12, np.random.default_rng(5)).problem)
    told, walked = started(maker, 12), started(maker, 12)
    ask_and_tell(told, problem.score, 500)
    walk(walked, problem, 500)
    assert everything(walked) == everything(told)
    assert walked.improvements == told.improvements


def network_problem(kind: str) -> NetworkProblem:
    rng = np.random.default_rng(0)
    if kind == "dense":
        return NetworkProblem(DENSE, rng.normal(size=(20, 12)), rng.integers(0, 3, 20))
    samples = [rng.normal(size=(length, 4)) for length in rng.integers(16, 24, 12)]
    return NetworkProblem(TINY, samples, rng.integers(0, 2, 12))


NETWORK_WALKS = ("annealing", "tabu", "steepest descent", "first improvement")


@pytest.mark.parametrize("kind", ["dense", "convolutional"])
@pytest.mark.parametrize("maker", NETWORK_WALKS)
def test_a_walk_of_a_network_equals_ask_and_tell(kind: str, maker: str) -> None:
    problem = network_problem(kind)
    budget = 3 * problem.n + 17 if JIT else 20
    told, walked = started(maker, problem.n), started(maker, problem.n)
    ask_and_tell(told, problem.score, budget)
    walk(walked, problem, budget)
    assert walked.evaluations == budget
    assert everything(walked) == everything(told)
    assert walked.improvements == told.improvements
