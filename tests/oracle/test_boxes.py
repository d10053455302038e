"""Compiled problems equal their naive twins, before and after any flips."""

from __future__ import annotations

import numpy as np
import pytest

from tests.boxes import KINDS, random_signs, verify_all
from tests.oracle import naive_boxes as naive

pytestmark = pytest.mark.kernels


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 9, 24])
def test_scores_and_gains_equal_the_naive_ones(kind: str, n: int) -> None:
    rng = np.random.default_rng(n)
    case = KINDS[kind](n, rng)
    signs = random_signs(n, rng)
    state = case.problem.start(signs)
    assert state.score == pytest.approx(case.naive(signs), rel=0, abs=case.within)
    expected = naive.gains(case.naive, signs)
    np.testing.assert_allclose(state.gains(), expected, rtol=0, atol=4 * case.within)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 63, 64, 65, 200])
def test_after_any_flips_every_number_equals_one_from_scratch(kind: str, n: int) -> None:
    rng = np.random.default_rng(n)
    problem = KINDS[kind](n, rng).problem
    signs = random_signs(n, rng)
    state = problem.start(signs)
    for index in rng.integers(0, n, 60).tolist():
        before, gain = state.score, state.gains()[index]
        state.flip(index)
        assert state.score == before + gain
        signs[index] *= -1
    np.testing.assert_array_equal(state.solution, signs)
    assert state.score == problem.score(signs[None])[0]
    verify_all(problem, state)


@pytest.mark.parametrize("kind", KINDS)
def test_a_flip_twice_restores_every_number(kind: str) -> None:
    rng = np.random.default_rng(7)
    state = KINDS[kind](65, rng).problem.start(random_signs(65, rng))
    score, gains = state.score, state.gains()
    for index in (0, 7, 64):
        state.flip(index)
        state.flip(index)
        assert state.score == score
        np.testing.assert_array_equal(state.gains(), gains)


@pytest.mark.needs_jit
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_drifts_over_many_flips(kind: str) -> None:
    rng = np.random.default_rng(1)
    problem = KINDS[kind](30, rng).problem
    state = problem.start(random_signs(30, rng))
    for index in rng.integers(0, 30, 20_000).tolist():
        state.flip(index)
    verify_all(problem, state)
