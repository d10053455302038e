"""Compiled walks on networks with convolutions: every gain is the change of the score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from evobin.network.architecture import Architecture
from evobin.problems.network import NetworkProblem
from tests.oracle.compiled_networks import (
    assert_flips_equal_a_rebuild,
    assert_gains_are_changes,
    either,
    started,
)
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
    labels = rng.integers(0, architecture.n_classes, count)
    return NetworkProblem(architecture, samples, labels, objective=either(rng))


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
    assert_gains_are_changes(state, problem, indices, rng)


@given(shapes, seeds)
def test_after_any_looks_and_flips_every_number_equals_a_rebuild(
    architecture: Architecture, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    problem = random_problem(architecture, rng, int(rng.integers(1, 12)))
    names = "first", "first_tallies", "sums", "tallies", "planes", "updates", "head", "logits"
    assert_flips_equal_a_rebuild(problem, rng, (*names, "values"))
