"""float16 numbers are converted exactly, every one of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evobin.core.samples import widened
from tests.oracle import naive

pytestmark = pytest.mark.kernels


def test_every_float16_number_becomes_the_float32_of_the_same_value() -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16).reshape(-1, 64)
    wide = widened(halves)
    assert wide.dtype == np.float32
    assert wide.shape == halves.shape
    for bits, number in zip(range(2**16), wide.reshape(-1).tolist(), strict=True):
        expected = naive.half(bits)
        assert number == expected or (np.isnan(number) and np.isnan(expected))
        assert np.signbit(number) == (bits >= 2**15)


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 200])
def test_any_number_of_them_and_of_features_is_converted(n: int) -> None:
    halves = np.random.default_rng(n).normal(size=(n, 3)).astype(np.float16)
    np.testing.assert_array_equal(widened(halves), halves.astype(np.float32))


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int8])
def test_other_types_are_left_as_they_are(kind: type) -> None:
    numbers: Any = np.ones((3, 2), kind)
    assert widened(numbers) is numbers
