"""CMA-ES over mixing weights."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from evobin.core.problem import Population, Scores
from evobin.training.blend import blend
from tests.builders import TINY, NoisyProblem, planted_problem


def signs(latent: np.ndarray) -> np.ndarray:
    return np.where(latent > 0, 1, -1)


def relatives(k: int, n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 0.1, (k, n)).astype(np.float32)


def test_a_blend_finds_the_relative_that_is_right_in_each_layer() -> None:
    problem = planted_problem()
    truth = relatives(1, TINY.n_weights, 1)[0]
    mixed = relatives(2, TINY.n_weights, 2) * np.float32(3.0)
    for number, layer in enumerate(TINY.layers):
        mixed[number % 2, layer.start : layer.stop] = truth[layer.start : layer.stop]

    class Target(type(problem)):  # type: ignore[misc]
        def subsample(self, rng: np.random.Generator) -> Target:
            return self

        def score(self, population: Population) -> Scores:
            agreement: Scores = np.mean(population == signs(truth), axis=1)
            return agreement

    target = Target(**{one.name: getattr(problem, one.name) for one in fields(problem) if one.init})
    found = blend(target, mixed, 400, np.random.default_rng(0))
    equal = mixed.mean(axis=0)
    agree = [np.mean(signs(latent) == signs(truth)) for latent in (equal, found)]
    assert agree[0] < 0.8
    assert agree[1] > 0.95


def test_a_blend_is_no_worse_than_the_equal_one_and_follows_the_seed() -> None:
    problem = NoisyProblem(np.random.default_rng(0).normal(size=100))
    latents = relatives(3, 100)
    equal = float(problem.weights @ signs(latents.mean(axis=0)))
    first, again = (blend(problem, latents, 50, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert float(problem.weights @ signs(first)) >= equal
    assert first.dtype == np.float32


def test_a_plateau_does_not_end_a_blend_and_numpys_own_generator_is_left_alone() -> None:
    asked = 0

    class Flat(NoisyProblem):
        def score(self, population: Population) -> Scores:
            nonlocal asked
            asked += len(population)
            return np.zeros(len(population))

    np.random.seed(5)  # noqa: NPY002
    expected = np.random.RandomState(5).random()
    blend(Flat(np.ones(40)), relatives(2, 40), 60, np.random.default_rng(0))
    assert 50 <= asked <= 75
    assert np.random.random() == expected  # noqa: NPY002
