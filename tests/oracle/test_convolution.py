"""Compiled walks on networks with convolutions: every gain is the change of the score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from evobin.core.compiled import CompiledState
from evobin.network.architecture import Architecture
from evobin.problems.network import NetworkProblem
from tests.oracle import naive
from tests.strategies import architectures, random_samples, random_solution, seeds

pytestmark = pytest.mark.kernels

shapes = architectures(widths=(1, 2, 7, 8, 17), max_kernel=7).filter(
    lambda architecture: architecture.n_convolutions > 0
)


def random_problem(
    architecture: Architecture, rng: np.random.Generator, count: int
) -> NetworkProblem:
    """Of different lengths where the architecture takes them, so long that few windows turn."""
    samples = random_samples(architecture, count, rng)
    if architecture.frames is None and rng.random() < 0.5:
        samples = [np.concatenate([sample] * 6) for sample in samples]
    return NetworkProblem(architecture, samples, rng.integers(0, architecture.n_classes, count))


def started(problem: NetworkProblem, solution: Any) -> CompiledState:
    state = problem.start(solution)
    assert isinstance(state, CompiledState)
    return state


def changes(problem: NetworkProblem, solution: Any, indices: Any) -> list[float]:
    """Of the score, by full evaluation."""
    before = problem.score(solution[None])[0]
    flipped = [naive.flipped(solution, index)[None] for index in indices]
    return [float(problem.score(one)[0] - before) for one in flipped]


@given(shapes, seeds)
def test_each_gain_is_the_change_of_the_score_whatever_the_order(
    architecture: Architecture, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    problem = random_problem(architecture, rng, int(rng.integers(1, 12)))
    state = started(problem, random_solution(architecture, rng))
    indices = np.arange(problem.n)
    if problem.n > 300:
        indices = np.sort(rng.choice(indices, 300, replace=False))
    for order in (indices, rng.permutation(indices)):
        scores = state.scores(order.tolist())
        assert (scores - state.score).tolist() == changes(problem, state.solution, order.tolist())


@given(shapes, seeds)
def test_after_any_looks_and_flips_every_number_equals_a_rebuild(
    architecture: Architecture, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    problem = random_problem(architecture, rng, int(rng.integers(1, 12)))
    state = started(problem, random_solution(architecture, rng))
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
    names = "first", "first_tallies", "sums", "tallies", "planes", "updates", "head", "logits"
    for name in (*names, "values"):
        kept, expected = getattr(state.box, name), getattr(rebuilt.box, name)
        np.testing.assert_array_equal(kept, expected, err_msg=name)
    np.testing.assert_array_equal(state.gains(), rebuilt.gains())
    assert state.score == rebuilt.score
