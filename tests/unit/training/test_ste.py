"""What one start of a training carries from step to step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evobin.config import SteConfig
from evobin.core.stage import in_order
from evobin.training.ste import LIMIT, Pretraining, Training
from tests.builders import planted_problem


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


def test_the_epochs_that_are_left_count_by_the_time_that_they_take() -> None:
    stage = Pretraining(planted_problem(), SteConfig(starts=1, epochs=8, smooth=0.25), 0)
    left = [stage.left]
    for _ in range(3):
        stage.step(in_order)
        left.append(stage.left)
    assert left == [8, 1 + 0.6 * 6, 0.6 * 6, 5]
    assert stage.progress().later == 0
    stage.done = 1
    assert stage.progress().later == pytest.approx(1 + 0.6 * 6 - 7)
