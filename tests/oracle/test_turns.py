"""Predictions that depend on one flip: each flip made, all logits computed anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from evobin.core.samples import Samples
from evobin.network.analysis import turns
from evobin.network.analysis.turns import turned_by_any, turned_by_last_layers
from evobin.network.architecture import Architecture, ConvBlock, Layer
from evobin.network.binary import BinaryNetwork
from tests.builders import TINY
from tests.strategies import architectures, random_samples, random_solution, seeds

DEEP = Architecture(3, (ConvBlock(4, 2, 2), ConvBlock(5, 2, 2), ConvBlock(3, 2)))
DENSE = Architecture(5, (ConvBlock(6, 1), ConvBlock(7, 1)), n_classes=3, frames=1)
FLAT = Architecture(5, (ConvBlock(6, 3),))


def slow_turned(network: BinaryNetwork, samples: Samples, layer: Layer) -> NDArray[np.bool_]:
    before = network.predict(samples)
    turned = np.zeros(len(samples), bool)
    for index in range(layer.start, layer.stop):
        signs = network.signs.copy()
        signs[index] *= -1
        turned |= BinaryNetwork(network.architecture, signs).predict(samples) != before
    return turned


def network_and_samples(architecture: Architecture, seed: int) -> tuple[BinaryNetwork, Samples]:
    rng = np.random.default_rng(seed)
    network = BinaryNetwork(architecture, random_solution(architecture, rng))
    return network, Samples.join(random_samples(architecture, 12, rng))


@pytest.mark.kernels
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("architecture", [TINY, DEEP, FLAT, DENSE])
def test_trying_every_flip_finds_the_samples_that_a_flip_turns(
    architecture: Architecture, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "AT_ONCE", 5)
    monkeypatch.setattr(turns, "FLIPS", 7)
    network, samples = network_and_samples(architecture, seed)
    found = turned_by_any(network, samples, architecture.layers, n_threads=2)
    assert list(found) == [layer.name for layer in architecture.layers]
    for layer in architecture.layers:
        np.testing.assert_array_equal(found[layer.name], slow_turned(network, samples, layer))


@pytest.mark.kernels
@given(architectures((1, 2, 5), max_kernel=3), seeds)
def test_only_samples_within_a_step_depend_on_the_last_two_layers(
    architecture: Architecture, seed: int
) -> None:
    network, samples = network_and_samples(architecture, seed)
    found = turned_by_last_layers(network, samples, network.logits(samples))
    for layer in architecture.layers[-2:]:
        np.testing.assert_array_equal(found[layer.name], slow_turned(network, samples, layer))
