from __future__ import annotations

import numpy as np
import pytest

from evobin.core.problem import Solution
from evobin.core.samples import Samples
from evobin.network.analysis import channels
from evobin.network.analysis.channels import DuplicateChannel, duplicate_channels, duplicate_filters
from evobin.network.binary import BinaryNetwork
from evobin.network.packing import unpack
from tests.builders import TINY
from tests.strategies import random_samples, random_solution

FIRST, LAST, LINEAR = TINY.layers


def planted() -> Solution:
    """Channels 1 and 4 of conv1 are equal, 6 is their opposite; 0, 2 and 5 of conv2 are equal."""
    solution = random_solution(TINY, np.random.default_rng(0))
    weights, bias = FIRST.weights(solution), FIRST.bias(solution)
    weights[4], bias[4] = weights[1], bias[1]
    weights[6], bias[6] = -weights[1], -bias[1]
    weights, bias = LAST.weights(solution), LAST.bias(solution)
    weights[[2, 5]], bias[[2, 5]] = weights[0], bias[0]
    LINEAR.weights(solution)[0, [0, 2, 5]] = [1, 1, -1]
    return solution


def test_equal_and_negated_filters_are_found_and_those_that_cancel() -> None:
    assert duplicate_filters(TINY, planted()) == [
        DuplicateChannel(0, 4, 1, negated=False),
        DuplicateChannel(0, 6, 1, negated=True),
        DuplicateChannel(1, 2, 0, negated=False),
        DuplicateChannel(1, 5, 2, negated=False, cancels=True),
    ]


def test_a_filter_with_another_bias_is_not_equal() -> None:
    solution = planted()
    FIRST.bias(solution)[4] *= -1
    assert [found for found in duplicate_filters(TINY, solution) if found.block == 0] == [
        DuplicateChannel(0, 6, 1, negated=True)
    ]


def test_channels_that_cancel_have_no_influence() -> None:
    solution = planted()
    changed = solution.copy()
    LAST.weights(changed)[[2, 5]] *= -1
    LAST.bias(changed)[[2, 5]] *= -1
    samples = random_samples(TINY, 20, np.random.default_rng(1))
    before, after = (BinaryNetwork(TINY, signs).logits(samples) for signs in (solution, changed))
    np.testing.assert_array_equal(before, after)


def samples_of_seed_2() -> Samples:
    return Samples.join(random_samples(TINY, 10, np.random.default_rng(2)))


@pytest.mark.parametrize("at_once", [3, 64])
def test_duplicates_are_the_channels_with_equal_or_opposite_signs_everywhere(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "AT_ONCE", at_once)
    all_at_once = BinaryNetwork(TINY, planted()).activations(samples_of_seed_2())
    expected = []
    for number, bits in enumerate(all_at_once.bits):
        signs = unpack(bits, 8)
        changing = [c for c in range(8) if 0 < signs[:, c].mean() < 1]
        for channel in changing:
            for of in changing[: changing.index(channel)]:
                same = signs[:, of] == signs[:, channel]
                if same.all() or not same.any():
                    expected.append(DuplicateChannel(number, channel, of, negated=not same.any()))
                    break
    assert duplicate_channels(BinaryNetwork(TINY, planted()), samples_of_seed_2()) == expected
    assert DuplicateChannel(0, 4, 1, negated=False) in expected


def test_an_opposite_channel_is_a_duplicate_too() -> None:
    solution = random_solution(TINY, np.random.default_rng(3))
    weights, bias = LAST.weights(solution), LAST.bias(solution)
    weights[7], bias[7] = -weights[3], -bias[3]  # nothing is pooled after the last block
    found = duplicate_channels(BinaryNetwork(TINY, solution), samples_of_seed_2())
    assert DuplicateChannel(1, 7, 3, negated=True) in found


def test_samples_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`samples` must have shape \[\*, 4\]"):
        duplicate_channels(BinaryNetwork(TINY, planted()), Samples.join([np.zeros((20, 5))]))
