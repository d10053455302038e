"""Compiled walks on dense networks: every gain is the change of the score from scratch."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evobin.core.objective import ObjectiveName, objective_of
from evobin.kernels.dense import BLOCK, ONE, values_of_all
from evobin.network.architecture import Architecture, ConvBlock
from evobin.problems.network import NetworkProblem
from tests.oracle import naive
from tests.oracle.compiled_networks import (
    assert_flips_equal_a_rebuild,
    assert_gains_are_changes,
    either,
    started,
)
from tests.strategies import random_solution, seeds

pytestmark = pytest.mark.kernels


@st.composite
def dense_architectures(draw: st.DrawFn) -> Architecture:
    """One to three hidden layers, the first on one frame or several."""
    width, frames = st.sampled_from((1, 2, 7, 8, 9, 33)), draw(st.integers(1, 3))
    blocks = [
        ConvBlock(draw(width), 1 if place else frames) for place in range(draw(st.integers(1, 3)))
    ]
    n_classes = draw(st.sampled_from((2, 3, 10)))
    binary = draw(st.booleans())
    return Architecture(draw(st.integers(1, 6)), tuple(blocks), n_classes, frames, binary)


def random_problem(
    architecture: Architecture, rng: np.random.Generator, count: int
) -> NetworkProblem:
    """Multiples of 1/2, which plant sums of zero, or signs where inputs are binary.

    For either objective.
    """
    shape = (count, architecture.frames or 1, architecture.n_in)
    samples = np.round(2 * rng.normal(0.0, 1.5, shape)) / 2
    if architecture.binary_inputs:
        samples = np.where(samples > 0, 1.0, -1.0)
    labels = rng.integers(0, architecture.n_classes, count)
    return NetworkProblem(architecture, [*samples], labels, objective=either(rng))


@given(dense_architectures(), seeds)
def test_each_gain_is_the_change_of_the_score_whatever_the_order(
    architecture: Architecture, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    problem = random_problem(architecture, rng, int(rng.integers(1, 12)))
    state = started(problem, random_solution(architecture, rng))
    indices = np.arange(problem.n)[: 200 if rng.random() < 0.5 else 20]
    assert_gains_are_changes(state, problem, indices, rng)


@given(dense_architectures(), seeds)
def test_after_any_looks_and_flips_every_number_equals_a_rebuild(
    architecture: Architecture, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    problem = random_problem(architecture, rng, int(rng.integers(1, 12)))
    names = "first", "sums", "planes", "updates", "logits", "values"
    state = assert_flips_equal_a_rebuild(problem, rng, names)
    assert state.whole.columns.flags.c_contiguous  # for others numba compiles slow loops
    assert state.whole.bits.flags.c_contiguous


@pytest.mark.parametrize("name", get_args(ObjectiveName))
@pytest.mark.parametrize("n_classes", [2, 3, 100])
@pytest.mark.parametrize("count", [1, BLOCK - 1, BLOCK, BLOCK + 1])
def test_values_are_the_rounded_worth_of_the_samples(
    name: ObjectiveName, n_classes: int, count: int
) -> None:
    rng, n_hidden, width = np.random.default_rng(count), 37, 5.0
    n_logits = 1 if n_classes == 2 else n_classes
    logits = 2 * rng.integers(-19, 20, (n_logits, count)).astype(np.int32)
    labels = rng.integers(0, n_classes, count).astype(np.int8)
    objective = objective_of(name, n_hidden, n_logits, count, width)
    values = values_of_all(objective, logits, labels)
    unit = float(objective.scale[0])
    worth = naive.worth(name, logits.T.tolist(), labels, width)
    expected = [round(one * unit) for one in worth]
    off = np.abs(values - np.array(expected))
    assert off.max() <= 2 + n_logits * unit * 2.0**-ONE  # the last place, and that of the powers
    assert values.sum() * objective.scale[1] == pytest.approx(
        sum(expected) * objective.scale[1], rel=1e-12
    )


@pytest.mark.needs_jit
def test_nothing_drifts_over_many_flips() -> None:
    rng = np.random.default_rng(1)
    architecture = Architecture(6, (ConvBlock(9, 1), ConvBlock(8, 1)), 3, frames=1)
    problem = random_problem(architecture, rng, 300)
    state = started(problem, random_solution(architecture, rng))
    for index in rng.integers(0, problem.n, 20_000).tolist():
        state.flip(index)
    assert state.score == problem.score(state.solution[None])[0]
    np.testing.assert_array_equal(state.gains(), started(problem, state.solution).gains())
