"""A walk on a white box is the walk by ask, score and tell, whatever it is cut into."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evobin.algorithms.annealing import Annealing
from evobin.algorithms.descent import Descent
from evobin.algorithms.single_flips import SingleFlips
from evobin.algorithms.tabu import Tabu
from evobin.core.problem import Population, Scores
from evobin.problems.base import BoxState, WhiteBox
from tests.boxes import KINDS, random_signs

pytestmark = pytest.mark.kernels

MAKERS: dict[str, Callable[..., SingleFlips]] = {
    "annealing": lambda n, **more: Annealing(n, 3, sweeps=12, **more),
    "linear annealing": lambda n, **more: Annealing(n, 3, sweeps=9, schedule="linear", **more),
    "annealing at given temperatures": lambda n, **more: Annealing(
        n, 3, sweeps=9, hot=5.0, cold=0.5, **more
    ),
    "tabu": lambda n, **more: Tabu(n, 3, steps=6, **more),
    "tabu of long tenure": lambda n, **more: Tabu(n, 3, tenure=n - 1, spread=0, steps=9, **more),
    "steepest descent": lambda n, **more: Descent(n, 3, **more),
    "first improvement": lambda n, **more: Descent(n, 3, rule="first", **more),
}


class Plain:
    """A white box whose states do not walk by themselves."""

    def __init__(self, box: WhiteBox) -> None:
        self._box, self.n, self.score, self.draw = box, box.n, box.score, box.draw

    def start(self, solution: NDArray[np.int8], batch: None) -> PlainState:
        return PlainState(self._box.start(solution, batch))


class PlainState:
    def __init__(self, state: BoxState) -> None:
        self._state = state
        self.gains, self.flip = state.gains, state.flip

    @property
    def solution(self) -> NDArray[np.int8]:
        return self._state.solution


def ask_and_tell(search: SingleFlips, score: Callable[[Population], Scores], budget: int) -> None:
    end = search.evaluations + budget
    while search.evaluations < end and not search.stop():
        population = search.ask()[: end - search.evaluations]
        search.tell(population, score(population))


def walk(search: SingleFlips, box: WhiteBox, budget: int) -> None:
    """All of a budget: a walk ends before a batch that would be cut."""
    end = search.evaluations + budget
    while search.evaluations < end and not search.stop():
        search.walk(box, end - search.evaluations)


def everything(search: SingleFlips) -> list[Any]:
    """All that is kept, comparable."""
    state = search.state()
    state.pop("asked", None)  # it is proposed again
    return [(name, np.asarray(value).tolist()) for name, value in sorted(state.items())]


def cuts(seed: int) -> Iterator[int]:
    rng = np.random.default_rng(seed)
    return (int(size) for size in itertools.chain([1, 1], rng.integers(1, 300, 10_000)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("maker", MAKERS)
def test_a_walk_equals_ask_and_tell(kind: str, maker: str) -> None:
    n = 12
    box = KINDS[kind](n, np.random.default_rng(5)).box
    told, walked = MAKERS[maker](n), MAKERS[maker](n)
    ask_and_tell(told, box.score, 700)
    walk(walked, box, 700)
    assert everything(walked) == everything(told)
    assert walked.improvements == told.improvements


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65])
@pytest.mark.parametrize("maker", MAKERS)
def test_a_walk_equals_ask_and_tell_at_sizes_around_a_block(maker: str, n: int) -> None:
    box = KINDS["dense QUBO"](n, np.random.default_rng(n)).box
    told, walked = MAKERS[maker](n), MAKERS[maker](n)
    ask_and_tell(told, box.score, 20 * n + 7)
    walk(walked, box, 20 * n + 7)
    assert everything(walked) == everything(told)
    assert walked.improvements == told.improvements


@pytest.mark.parametrize("maker", MAKERS)
def test_cut_walks_tells_and_plain_states_in_turn_are_one_walk(maker: str) -> None:
    box = KINDS["MAX-SAT"](40, np.random.default_rng(0)).box
    whole, cut = MAKERS[maker](40), MAKERS[maker](40)
    walk(whole, box, 4000)
    budget = whole.evaluations
    for most, way in zip(cuts(1), itertools.cycle(range(3)), strict=False):
        size = min(most, budget - cut.evaluations)
        if size == 0:
            break
        if way == 0:
            ask_and_tell(cut, box.score, size)
        else:
            cut.walk(box if way == 1 else Plain(box), size)  # type: ignore[arg-type]
    assert everything(cut) == everything(whole)
    assert set(whole.improvements) <= set(cut.improvements)  # each part of a batch tells its own


@pytest.mark.parametrize("maker", MAKERS)
def test_stretches_of_a_batch_or_more_change_nothing_in_what_is_found_on_the_way(
    maker: str,
) -> None:
    box = KINDS["MAX-SAT"](40, np.random.default_rng(0)).box
    whole, cut = MAKERS[maker](40), MAKERS[maker](40)
    walk(whole, box, 4000)
    for size in cuts(3):
        if cut.evaluations + 340 > whole.evaluations:
            break
        cut.walk(box, 40 + size)
    walk(cut, box, whole.evaluations - cut.evaluations)
    assert cut.improvements == whole.improvements
    assert everything(cut) == everything(whole)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_walk_goes_on_from_a_state_anywhere(maker: str) -> None:
    box = KINDS["sparse real QUBO"](40, np.random.default_rng(0)).box
    whole, cut = MAKERS[maker](40), MAKERS[maker](40)
    walk(whole, box, 3000)
    budget = whole.evaluations
    for size in cuts(2):
        if cut.evaluations == budget:
            break
        cut.walk(box, min(size, budget - cut.evaluations))
        state = cut.state()
        cut.walk(box, 100)  # changes nothing in what was kept
        cut = MAKERS[maker](40)
        cut.load(state)
    assert everything(cut) == everything(whole)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_walk_ends_behind_the_batch_that_reaches_the_target(maker: str) -> None:
    box = KINDS["NK"](30, np.random.default_rng(0)).box
    free, bound = MAKERS[maker](30), MAKERS[maker](30)
    walk(free, box, 3000)
    at, target = free.improvements[len(free.improvements) // 2]
    bound.walk(box, 3000, target)
    assert bound.score >= target
    assert at <= bound.evaluations < at + 30
    assert bound.improvements == free.improvements[: len(bound.improvements)]
    walk(bound, box, free.evaluations - bound.evaluations)
    assert everything(bound) == everything(free)


@pytest.mark.parametrize("kind", [Annealing, Tabu, Descent])
def test_patience_ends_a_walk_where_it_ends_ask_and_tell(kind: type[SingleFlips]) -> None:
    box = KINDS["dense QUBO"](25, np.random.default_rng(0)).box
    told, walked = (kind(25, 3, None, 400) for _ in range(2))
    ask_and_tell(told, box.score, 10**6)
    walk(walked, box, 10**6)
    assert walked.stop() == told.stop() != {}
    assert everything(walked) == everything(told)


@pytest.mark.parametrize("maker", MAKERS)
def test_of_several_beginnings_the_best_is_taken_and_none_changed(maker: str) -> None:
    rng = np.random.default_rng(4)
    box = KINDS["sparse QUBO"](30, rng).box
    initial = np.stack([random_signs(30, rng) for _ in range(5)])
    given = initial.copy()
    told, walked = (MAKERS[maker](30, initial=initial) for _ in range(2))
    ask_and_tell(told, box.score, 5)
    assert told.score == box.score(initial).max()
    np.testing.assert_array_equal(told.present, initial[box.score(initial).argmax()])
    ask_and_tell(told, box.score, 400)
    walk(walked, box, 405)
    assert everything(walked) == everything(told)
    np.testing.assert_array_equal(initial, given)


@pytest.mark.needs_jit
@pytest.mark.parametrize("maker", MAKERS)
def test_a_log_that_is_full_loses_nothing(maker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    box = KINDS["sparse QUBO"](200, np.random.default_rng(0)).box
    whole, short = MAKERS[maker](200), MAKERS[maker](200)
    walk(whole, box, 40_000)
    monkeypatch.setattr("evobin.problems.base.LOG", 2)
    walk(short, box, 40_000)
    assert len(whole.improvements) > 10
    assert short.improvements == whole.improvements
    assert everything(short) == everything(whole)
