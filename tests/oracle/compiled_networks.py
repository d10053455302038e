"""What all compiled walks on networks keep: gains are changes of the score, and nothing drifts."""

from __future__ import annotations

from typing import Any

import numpy as np

from evobin.core.compiled import CompiledState
from evobin.core.objective import ObjectiveName
from evobin.problems.network import NetworkProblem
from tests.oracle import naive
from tests.strategies import random_solution


def either(rng: np.random.Generator) -> ObjectiveName:
    """One of the objectives."""
    return "likelihood" if rng.random() < 0.5 else "accuracy"


def started(problem: NetworkProblem, solution: Any) -> CompiledState:
    state = problem.start(solution)
    assert isinstance(state, CompiledState)
    return state


def changes(problem: NetworkProblem, solution: Any, indices: Any) -> list[float]:
    """Of the score, by full evaluation."""
    before = problem.score(solution[None])[0]
    flipped = [naive.flipped(solution, index)[None] for index in indices]
    return [float(problem.score(one)[0] - before) for one in flipped]


def assert_gains_are_changes(
    state: CompiledState, problem: NetworkProblem, indices: Any, rng: np.random.Generator
) -> None:
    """Of the score from scratch, whatever the order in which they are looked at."""
    for order in (indices, rng.permutation(indices)):
        scores = state.scores(order.tolist())
        assert (scores - state.score).tolist() == changes(problem, state.solution, order.tolist())


def assert_flips_equal_a_rebuild(
    problem: NetworkProblem, rng: np.random.Generator, names: tuple[str, ...]
) -> CompiledState:
    """After any looks and flips, by the arrays of the box; returns the state."""
    state = started(problem, random_solution(problem.architecture, rng))
    place = 0
    for _ in range(60):
        place = int(rng.integers(problem.n)) if rng.random() < 0.3 else (place + 1) % problem.n
        gain = state.effects([place])[0]
        assert gain == changes(problem, state.solution, [place])[0]
        if rng.random() < 0.5:
            before = state.score
            state.flip(place)
            assert state.score == before + gain
    rebuilt = started(problem, state.solution)
    for name in names:
        kept, expected = getattr(state.whole, name), getattr(rebuilt.whole, name)
        np.testing.assert_array_equal(kept, expected, err_msg=name)
    np.testing.assert_array_equal(state.gains(), rebuilt.gains())
    assert state.score == rebuilt.score
    return state
