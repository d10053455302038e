"""Products with signs by tables equal those by multiplications, whole numbers bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from numpy.typing import NDArray

from evobin.kernels import lanes, sign_products
from evobin.kernels.lanes import LANES, SIDE, STEP, SUMS
from evobin.network.architecture import Architecture, ConvBlock
from evobin.network.packing import window_entries
from tests.oracle import naive
from tests.strategies import random_signs, seeds

pytestmark = pytest.mark.kernels

sizes = st.sampled_from([1, 3, 16, 33, 70])


@njit
def compiled_add_rows(
    table: Any, entries: Any, first: int, stride: int, groups: int, out: Any, to: int
) -> None:
    lanes.add_rows(table, entries, first, stride, groups, out, to)


@njit
def compiled_add_line(line: Any, at: int, out: Any, to: int) -> None:
    lanes.add_line(line, at, out, to)


@njit
def compiled_turn_square(
    rows: Any, at: int, stride: int, out: Any, to: int, out_stride: int
) -> None:
    lanes.turn_square(rows, at, stride, out, to, out_stride)


def whole_numbers(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    """Small ones, whose sums float32 holds in any order."""
    return rng.integers(-9, 10, shape).astype(np.float32)


@given(st.integers(1, 20), st.integers(1, 5), seeds)
def test_a_row_of_each_groups_table_is_added(groups: int, stride: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(groups, SUMS, LANES)).astype(np.float32)
    chosen = rng.integers(0, SUMS, 3 + stride * groups)
    entries = (chosen * (LANES // STEP)).astype(np.uint8)
    out = rng.normal(size=LANES + 10).astype(np.float32)
    before = out.copy()
    compiled_add_rows(table.reshape(-1), entries, 2, stride, groups, out, 5)
    parts = np.zeros((2, LANES), np.float32)
    for g in range(groups):  # of whole eights, odd ones apart: the order decides the rounding
        part = g % 2 if g < groups // 8 * 8 else 0
        parts[part] += table[g, chosen[2 + stride * g]]
    before[5 : 5 + LANES] += parts[0] + parts[1]
    np.testing.assert_array_equal(out, before)


def test_a_line_is_added_and_a_square_is_turned() -> None:
    rng = np.random.default_rng(0)
    line, out = whole_numbers(rng, LANES + 4), whole_numbers(rng, LANES + 9)
    expected = out.copy()
    expected[3 : 3 + LANES] += line[2 : 2 + LANES]
    compiled_add_line(line, 2, out, 3)
    np.testing.assert_array_equal(out, expected)
    rows, turned = rng.normal(size=(SIDE, 19)).astype(np.float32), np.zeros((SIDE, 23), np.float32)
    compiled_turn_square(rows.reshape(-1), 2, 19, turned.reshape(-1), 5, 23)
    np.testing.assert_array_equal(turned[:, 5 : 5 + SIDE], rows[:, 2 : 2 + SIDE].T)
    assert not turned[:, :5].any()
    assert not turned[:, 5 + SIDE :].any()


@given(st.integers(0, 40), st.integers(0, 40), seeds)
def test_a_matrix_of_any_shape_is_turned(n_rows: int, n_columns: int, seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(n_rows, n_columns + 2)).astype(np.float32)
    out = np.zeros((n_columns, n_rows + 3), np.float32)
    shape = n_rows, n_columns
    sign_products.turn(rows.reshape(-1), 1, n_columns + 2, shape, out.reshape(-1), 2, n_rows + 3)
    np.testing.assert_array_equal(out[:, 2 : 2 + n_rows], rows[:, 1 : 1 + n_columns].T)
    assert not out[:, [0, 1, -1]].any()


@given(sizes, sizes, st.integers(1, 12), st.integers(1, 4), st.integers(1, 90), seeds)
def test_weight_gradients_equal_naive(
    n_in: int, n_out: int, kernel: int, pool: int, n: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    gradients = whole_numbers(rng, n, n_out)
    inputs = random_signs(rng, (kernel + pool + 30, n_in))
    firsts = rng.integers(0, len(inputs) - kernel - pool + 2, n)
    out = np.full((n_out, kernel, n_in), np.nan, np.float32)
    sign_products.weight_gradients(gradients, inputs, firsts, pool, out)
    expected = naive.weight_gradients(gradients, inputs, firsts, pool, kernel)
    np.testing.assert_array_equal(out, expected)


@given(sizes, sizes, st.integers(1, 40), st.integers(1, 4), st.integers(1, 70), seeds)
def test_input_gradients_equal_naive(
    n_in: int, n_out: int, kernel: int, pool: int, n: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    gradients, filters = whole_numbers(rng, n, n_out), random_signs(rng, (n_out, kernel, n_in))
    entries = sign_products.pack_outputs(filters.reshape(n_out, -1))
    out = np.full((int(rng.integers(1, n * pool + kernel + 5)), n_in), np.nan, np.float32)
    sign_products.input_gradients(gradients, entries, (kernel, n_in), pool, out)
    expected = naive.input_gradients(gradients, filters, pool, len(out))
    np.testing.assert_array_equal(out, expected)


@given(sizes, sizes, st.integers(1, 40), st.integers(0, 70), seeds)
def test_sums_of_real_features_equal_naive(
    n_in: int, n_out: int, kernel: int, more: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    inputs, filters = (
        whole_numbers(rng, kernel + more, n_in),
        random_signs(rng, (n_out, kernel, n_in)),
    )
    entries = sign_products.pack_inputs(filters)
    bias, out = random_signs(rng, (n_out,)), np.full((len(inputs), n_out), np.nan, np.float32)
    sign_products.real_sums(inputs, entries, bias, out)
    windows = np.lib.stride_tricks.sliding_window_view(inputs, kernel, axis=0)
    expected = np.einsum("tik,oki->to", windows, filters) + bias
    np.testing.assert_array_equal(out[: more + 1], expected)


@given(
    st.lists(st.integers(0, 70), min_size=1, max_size=4),
    st.integers(1, 70),
    st.integers(1, 9),
    st.integers(1, 12),
    seeds,
)
def test_sums_in_fixed_point_equal_naive(
    more: list[int], n_in: int, kernel: int, n_out: int, seed: int
) -> None:
    """Bit for bit, up to the largest that int32 holds, whatever lies beside a sample."""
    rng = np.random.default_rng(seed)
    layer = Architecture(n_in, (ConvBlock(n_out, kernel),)).layers[0]
    solution = random_signs(rng, (layer.stop,))
    lengths = kernel + np.array(more)
    starts, positions = (np.append(0, np.cumsum(x)) for x in (lengths, lengths - kernel + 1))
    most = (2**31 - 1) // (n_in * kernel + 1)
    columns = rng.integers(-most, most + 1, (n_in, starts[-1])).astype(np.int32)
    bias = layer.bias(solution).astype(np.int32)
    sums = np.full((n_out, positions[-1]), 7, np.int32)
    entries = window_entries(layer.weights(solution))
    sign_products.fixed_point_sums(columns, starts, entries, bias, sums, positions)
    for sample in range(len(lengths)):
        frames = columns[:, starts[sample] : starts[sample + 1]].T.astype(np.int64)
        expected = naive.conv_sums(frames, layer, solution.astype(np.int64)).T
        np.testing.assert_array_equal(sums[:, positions[sample] : positions[sample + 1]], expected)
