from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evobin.core.calibration import COLDEST, HOTTEST, class_probabilities, temperature_of
from evobin.core.scores import predictions
from tests.oracle import naive
from tests.strategies import seeds


@given(st.integers(1, 40), st.sampled_from((1, 3, 7)), st.sampled_from((3, 60)), seeds)
def test_no_other_temperature_is_likelier(n: int, n_logits: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    outputs = rng.integers(-width, width + 1, (n, n_logits))
    logits = outputs[:, 0] if n_logits == 1 else outputs
    right = predictions(logits)
    guessed = rng.integers(0, max(2, n_logits), n).astype(np.int8)
    labels = np.where(rng.random(n) < rng.random(), right, guessed)
    found = temperature_of(logits, labels)
    assert COLDEST <= found <= HOTTEST
    best = naive.smoothed_likelihood(logits, labels, found)
    for factor in (0.5, 0.9, 0.999, 1.001, 1.1, 2.0):
        other = float(np.clip(factor * found, COLDEST, HOTTEST))
        assert naive.smoothed_likelihood(logits, labels, other) <= best + 1e-9


@given(st.integers(1, 20), st.sampled_from((1, 3, 7)), st.floats(0.1, 1e4), seeds)
def test_probabilities_are_those_of_the_slow_twin(
    n: int, n_logits: int, temperature: float, seed: int
) -> None:
    logits = np.random.default_rng(seed).integers(-50, 51, (n, n_logits))
    found = class_probabilities(logits[:, 0] if n_logits == 1 else logits, temperature)
    expected = [naive.class_shares(row, temperature) for row in logits.tolist()]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


@pytest.mark.parametrize("n", [1, 10, 100_000])
def test_samples_that_are_all_right_leave_a_doubt_of_one_in_so_many(n: int) -> None:
    temperature = temperature_of(np.full(n, 5), np.ones(n, np.int8))
    share = class_probabilities(np.array([5]), temperature)[0, 1]
    assert share == pytest.approx((n + 1) / (n + 2), rel=1e-4)


def test_logits_that_mislead_make_all_classes_as_likely() -> None:
    assert temperature_of(np.full(9, 5), np.zeros(9, np.int8)) == HOTTEST
    assert temperature_of(np.zeros((9, 3)), np.zeros(9, np.int8)) == HOTTEST
