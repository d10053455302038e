"""What one start of a training carries from step to step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evobin.training.ste import LIMIT, Training


def begun(latent: NDArray[Any]) -> Training:
    return Training.start(latent.astype(np.float32), np.random.default_rng(0), rate=0.1)


def test_adam_follows_the_published_algorithm_and_stays_within_its_limit() -> None:
    rng = np.random.default_rng(0)
    latent = rng.uniform(-0.9, 0.9, 50)
    start, mean = begun(latent), latent.copy()
    first, second = np.zeros(50), np.zeros(50)
    for t in range(1, 30):
        shards, rate = rng.normal(size=(3, 50)), 0.2 / t
        slope = shards.sum(axis=0)
        first = 0.9 * first + 0.1 * slope
        second = 0.999 * second + 0.001 * slope**2
        moved = rate * (first / (1 - 0.9**t)) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
        latent = np.clip(latent - moved, -LIMIT, LIMIT)
        mean = 0.9 * mean + 0.1 * latent
        start.step(shards.astype(np.float32), rate, 0.9)
        np.testing.assert_allclose(start.latent, latent, atol=8e-5)
        np.testing.assert_allclose(start.mean, mean, atol=8e-5)
    assert np.abs(latent).max() == LIMIT
    assert start.steps == 29


def test_a_step_leaves_the_array_that_a_training_began_with() -> None:
    latent = np.zeros(2, np.float32)
    start = begun(latent)
    start.step(np.array([[1.0, -1.0]], np.float32), 0.1, 0.9)
    assert start.latent == pytest.approx([-0.1, 0.1], rel=1e-5)
    assert not latent.any()


def test_a_rate_of_zero_moves_nothing() -> None:
    start = begun(np.array([0.5, -0.5]))
    start.step(np.ones((2, 2), np.float32), 0.0, 0.9)
    assert start.latent.tolist() == start.mean.tolist() == [0.5, -0.5]
