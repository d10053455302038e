from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from evobin.network.architecture import Architecture
from evobin.training.latent import (
    latent_from,
    random_latent,
    signs_of,
    to_file_order,
    to_window_order,
)
from tests.builders import TINY
from tests.strategies import architectures, random_solution, seeds


@given(architectures())
def test_window_order_puts_a_frame_of_a_filter_side_by_side(architecture: Architecture) -> None:
    turned = to_window_order(architecture, np.arange(architecture.n_weights))
    for layer in architecture.layers[:-1]:
        _, n_in, kernel = layer.shape
        o, i, k = (np.arange(size) for size in layer.shape)
        place = layer.start + (o[:, None, None] * kernel + k) * n_in + i[:, None]
        np.testing.assert_array_equal(turned[place], layer.weights(np.arange(len(turned))))
        biases = slice(layer.start + layer.n_weights, layer.stop)
        np.testing.assert_array_equal(turned[biases], np.arange(len(turned))[biases])
    head = architecture.layers[-1].start
    np.testing.assert_array_equal(turned[head:], np.arange(head, len(turned)))


@given(architectures(), seeds)
def test_file_order_undoes_window_order_for_signs_too(
    architecture: Architecture, seed: int
) -> None:
    solution = random_solution(architecture, np.random.default_rng(seed))
    there = to_window_order(architecture, solution)
    assert there.dtype == np.int8
    np.testing.assert_array_equal(to_file_order(architecture, there), solution)


def test_reordering_leaves_its_argument_alone() -> None:
    solution = np.arange(TINY.n_weights)
    to_window_order(TINY, solution)[:] = -1
    np.testing.assert_array_equal(solution, np.arange(TINY.n_weights))


def test_only_a_positive_latent_is_plus_one() -> None:
    latent = np.array([0.5, -0.5, 0.0, -0.0, 1e-30], np.float32)
    signs = signs_of(latent)
    assert signs.tolist() == [1, -1, -1, -1, 1]
    assert signs.dtype == np.int8


@given(seeds)
def test_latents_of_a_solution_have_its_signs_and_are_never_zero(seed: int) -> None:
    rng = np.random.default_rng(seed)
    solution = random_solution(TINY, rng)
    latent = latent_from(solution, 0.25, rng)
    np.testing.assert_array_equal(signs_of(latent), solution)
    assert (latent != 0).all()
    assert np.abs(latent).max() <= 0.25
    assert latent.dtype == np.float32


def test_random_latents_fill_their_range_evenly() -> None:
    latent = random_latent(100_000, 0.1, np.random.default_rng(0))
    assert latent.dtype == np.float32
    assert np.abs(latent).max() <= np.float32(0.1)
    assert latent.std() == pytest.approx(0.1 / 3**0.5, rel=0.01)
    assert abs(latent.mean()) < 0.001
