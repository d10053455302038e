from __future__ import annotations

import itertools

import numpy as np
import pytest

from evobin.network.architecture import Architecture, ConvBlock
from evobin.problems.network import structure_of
from evobin.training.recombination import (
    MIXES,
    differences,
    mix_mean,
    mix_sample,
    mix_uniform,
    mix_units,
    mix_vote,
)
from tests.builders import TINY

PARENTS = np.array([[0.5, -0.2, 0.1, -1.0], [0.1, 0.4, -0.3, -0.5]], np.float32)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def random_parents(k: int, n: int = TINY.n_weights) -> np.ndarray:
    return rng(1).normal(0.0, 0.2, (k, n)).astype(np.float32)


@pytest.mark.parametrize("name", MIXES)
def test_a_child_has_latents_of_its_own_and_parents_stay_as_they_are(name: str) -> None:
    units = structure_of(TINY).units[:1]
    parents = random_parents(3)
    before = parents.copy()
    child = MIXES[name](parents, units, rng())
    assert child.shape == (TINY.n_weights,)
    assert child.dtype == np.float32
    assert not np.shares_memory(child, parents)
    np.testing.assert_array_equal(parents, before)
    np.testing.assert_array_equal(child, MIXES[name](parents, units, rng()))


@pytest.mark.parametrize("name", MIXES)
def test_a_single_parent_with_certain_latents_keeps_its_signs(name: str) -> None:
    parent = np.where(random_parents(1) > 0, 1.0, -1.0).astype(np.float32)
    pair = np.repeat(parent, 2, axis=0)
    np.testing.assert_array_equal(MIXES[name](pair, (), rng()) > 0, parent[0] > 0)


def test_the_mean_is_the_mean() -> None:
    np.testing.assert_allclose(mix_mean(PARENTS, (), rng()), [0.3, 0.1, -0.1, -0.75], rtol=1e-6)


def test_a_vote_follows_the_majority_and_a_tie_the_mean() -> None:
    three = np.vstack([PARENTS, [[-0.9, 0.3, -0.1, 0.1]]]).astype(np.float32)
    assert (mix_vote(three, (), rng()) > 0).tolist() == [True, True, False, False]
    assert (mix_vote(PARENTS, (), rng()) > 0).tolist() == [True, True, False, False]


def test_uniform_takes_each_weight_from_either_parent_equally_often() -> None:
    parents = random_parents(2, 10_000)
    child = mix_uniform(parents, (), rng())
    first = child == parents[0]
    assert (first | (child == parents[1])).all()
    assert first.mean() == pytest.approx(0.5, abs=0.02)


def test_units_come_whole_from_the_second_parent_in_one_layer() -> None:
    units = structure_of(TINY).units
    parents = random_parents(2)
    seen = set()
    for seed in range(20):
        child = mix_units(parents, units, rng(seed))
        taken = {
            (layer, unit)
            for layer, unit in itertools.product(range(2), range(8))
            if (child[units[layer][unit]] == parents[1, units[layer][unit]]).all()
        }
        (layer,) = {layer for layer, _ in taken}
        expected = parents[0].copy()
        for place in taken:
            expected[units[layer][place[1]]] = parents[1, units[layer][place[1]]]
        np.testing.assert_array_equal(child, expected)
        seen.add(layer)
    assert seen == {0, 1}


def test_a_sample_follows_the_latents_probabilities() -> None:
    parents = np.tile(np.array([[0.05, -0.2, 0.0]], np.float32), (2, 1))
    draws = np.stack([mix_sample(parents, (), rng(seed)) > 0 for seed in range(4000)])
    expected = 0.5 * (1 + np.tanh(parents[0] / 0.1))
    np.testing.assert_allclose(draws.mean(axis=0), expected, atol=0.03)


def test_differences_are_those_of_all_pairs() -> None:
    solutions = rng().choice(np.array([-1, 1], np.int8), (5, 300))
    pairs = [np.mean(a != b) for a, b in itertools.combinations(solutions, 2)]
    assert differences(solutions) == pytest.approx(np.mean(pairs))
    assert differences(solutions[:1]) == 0.0


def test_a_units_places_are_its_filter_and_what_it_feeds() -> None:
    architecture = Architecture(3, (ConvBlock(5, 2), ConvBlock(4, 3)))
    places = np.zeros(architecture.n_weights, int)
    for layer, units in zip(architecture.layers, structure_of(architecture).units, strict=False):
        for channel, unit in enumerate(units):
            assert len(set(unit.tolist())) == len(unit)
            seen = np.zeros(architecture.n_weights, bool)
            seen[unit] = True
            assert layer.weights(seen)[channel].all()
            assert layer.bias(seen)[channel]
            places[unit] += 1
    first, second, linear = architecture.layers
    assert set(first.weights(places).ravel()) == {1}
    assert set(second.weights(places).ravel()) == {2}  # fed by one unit, part of another's filter
    assert set(linear.weights(places).ravel()) == {1}
    assert linear.bias(places).tolist() == [0]
