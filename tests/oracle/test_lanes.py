"""What stays in registers equals plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from evobin.kernels import lanes
from evobin.kernels.lanes import FOUR, LANES, STEP, SUMS
from tests.strategies import seeds

pytestmark = pytest.mark.kernels


@njit
def compiled_signed_sums(rows: Any, at: int, factor: Any, out: Any, to: int) -> None:
    lanes.signed_sums(rows, at, factor, out, to)


@njit
def compiled_window_sums(
    table: Any, entries: Any, first: int, kernel: int, groups: int, out: Any
) -> None:
    lanes.window_sums(table, entries, first, kernel, groups, out)


@njit
def compiled_exceeding(numbers: Any, limit: Any) -> Any:
    return lanes.exceeding(numbers, limit)


@njit
def compiled_dot(x: Any, at: int, y: Any, n: int) -> float:
    return lanes.dot(x, at, y, n)


@given(seeds)
def test_signed_sums_are_rounded_to_the_nearest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = np.round(rng.uniform(-8_000, 8_000, (FOUR + 1, 50)) * 2) / 2  # many end in a half
    rows = rows.astype(np.float32)
    at, to = int(rng.integers(0, 50 - LANES)), int(rng.integers(0, 9))
    out = np.zeros(SUMS * LANES + 10, np.int16)
    compiled_signed_sums(rows / 2, at, np.float32(2), out, to)
    for e in range(SUMS):
        signs = np.array([1 if e >> i & 1 else -1 for i in range(FOUR)])
        expected = np.rint(signs @ rows[:FOUR, at : at + LANES].astype(float))
        np.testing.assert_array_equal(out[to + e * LANES :][:LANES], expected)
    assert not out[:to].any()
    assert not out[to + SUMS * LANES :].any()


@given(st.integers(1, 12), st.integers(1, 20), seeds)
def test_window_sums_are_of_each_taps_own_frames(kernel: int, groups: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.integers(-32_768, 32_768, (groups, SUMS, LANES)).astype(np.int16)
    entries = rng.integers(0, SUMS, (3, kernel, groups))
    packed = (entries * (LANES // STEP)).astype(np.uint8).reshape(-1)
    out = np.zeros(LANES + 2, np.int16)
    compiled_window_sums(table.reshape(-1), packed, kernel * groups, kernel, groups, out)
    for t in range(LANES):
        total = sum(
            int(table[g, entries[1, k, g], t + k])
            for k in range(kernel)
            for g in range(groups)
            if t + k < LANES
        )
        assert int(out[t]) == (total + 32_768) % 65_536 - 32_768
    assert not out[LANES:].any()


@pytest.mark.parametrize("limit", [-32_768, -1, 0, 1, 32_767])
def test_a_bit_is_set_where_a_number_is_above_the_limit(limit: int) -> None:
    numbers = np.random.default_rng(0).integers(-2, 3, 40).astype(np.int16)
    numbers[3:6] = -32_768, 32_767, 0
    expected = sum(int(numbers[k] > limit) << k for k in range(LANES))
    assert int(compiled_exceeding(numbers, np.int16(limit))) == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(st.integers(1, 70), seeds)
def test_a_dot_product_is_that_but_for_rounding(dtype: Any, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=n + 5).astype(dtype), rng.choice(np.array([-1, 1], np.int8), n)
    expected = x[3 : 3 + n].astype(float) @ y
    assert compiled_dot(x, 3, y, n) == pytest.approx(expected, abs=1e-12)
