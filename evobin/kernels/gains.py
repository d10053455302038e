"""Kernels of gains: what each single flip would be worth, without trying it.

The worth of toggling an output is handed down, block by block, to the sums that would have to
cross 0 and the weights and inputs that would make them (Boolean derivatives). Layouts are those of
`kernels.flips`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Starts = NDArray[np.int64]
Signs = NDArray[np.int8]


@njit(nogil=True, cache=True)
def value_of_sums(
    values: Any, counts: Any, sums: Any, positions: Starts, pool: int, to: Starts, out: Any
) -> None:
    """What toggling the sign of one sum would be worth, from what toggling its window is worth.

    A window is +1 where any of its sums is positive. A window at -1 toggles with any of its sums;
    one at +1 only with its single positive sum.

    Args:
        values: [rows, n_out] float64, worth of toggling a pooled sign.
        counts: [rows, n_out] int32, overwritten with the positive sums of each window.
        sums: [positions, n_out] integers, any strides.
        positions: [n + 1] int64, first position of each clip.
        pool: positions a window; at least the longest clip for a max over all of time.
        to: [n + 1] int64, first row of each clip.
        out: [positions, n_out] float64, overwritten.
    """
    n_out = values.shape[1]
    counts[:] = 0
    for clip in range(len(positions) - 1):
        for t in range(positions[clip + 1] - positions[clip]):
            row = to[clip] + t // pool
            for o in range(n_out):
                counts[row, o] += sums[positions[clip] + t, o] > 0
    for clip in range(len(positions) - 1):
        for t in range(positions[clip + 1] - positions[clip]):
            row, at = to[clip] + t // pool, positions[clip] + t
            for o in range(n_out):
                counted = counts[row, o]
                single = counted == 1 and sums[at, o] > 0
                out[at, o] = values[row, o] if counted == 0 or single else 0.0


@njit(nogil=True, cache=True)
def binary_gains(
    values: Any,
    sums: NDArray[np.int16],
    positions: Starts,
    signs: Signs,
    starts: Starts,
    filters: Signs,
    gains: Any,
    input_values: Any,
) -> None:
    """First-order gains of a binary block, and the worth of toggling its inputs.

    Only a sum within 2 of changing its sign matters; it does so with every weight or input whose
    product has the sign of the sum. Cost: fan-in for each such sum of value, a few percent.

    Args:
        values: [positions, n_out] float64, worth of toggling the sign of a sum.
        sums: [positions, n_out] int16.
        positions: [n + 1] int64, first position of each clip.
        signs: [rows, n_in] int8, the block's inputs.
        starts: [n + 1] int64, first row of each clip.
        filters: [n_out, kernel, n_in] int8.
        gains: [n_out, kernel * n_in] float64, updated.
        input_values: [rows, n_in] float64, updated.
    """
    n_out, kernel, n_in = filters.shape
    flat, flat_values = signs.reshape(-1), input_values.reshape(-1)
    width = kernel * n_in
    by_output = filters.reshape(n_out, width)
    for clip in range(len(starts) - 1):
        for t in range(positions[clip + 1] - positions[clip]):
            first = (starts[clip] + t) * n_in
            window = flat[first : first + width]
            window_values = flat_values[first : first + width]
            for o in range(n_out):
                total, value = sums[positions[clip] + t, o], values[positions[clip] + t, o]
                if value == 0.0 or total > 2 or total < -1:
                    continue
                wanted = np.int8(1) if total > 0 else np.int8(-1)
                weight, gain = by_output[o], gains[o]
                for j in range(width):
                    worth = value if window[j] * weight[j] == wanted else 0.0
                    gain[j] += worth
                    window_values[j] += worth


@njit(nogil=True, cache=True)
def last_gains(
    values: Any,
    active: NDArray[np.int32],
    sums: NDArray[np.int16],
    positions: Starts,
    signs: Signs,
    starts: Starts,
    filters: Signs,
    gains: Any,
) -> None:
    """Exact gains of every weight of a binary block under the max over time.

    A flip lowers the sums where its product is +1 and raises the others. A channel that is +1
    falls if every positive sum is within 2 of 0 and lowered, and no sum just below is raised; a
    channel at -1 rises if any sum just below is raised.

    Args:
        values: [n, n_out] float64, worth of toggling a channel behind the max.
        active: [n, n_out] int32, above 0 where a channel is +1.
        sums: [positions, n_out] int16.
        positions: [n + 1] int64, first position of each clip.
        signs: [rows, n_in] int8, the block's inputs.
        starts: [n + 1] int64, first row of each clip.
        filters: [n_out, kernel, n_in] int8.
        gains: [n_out, kernel * n_in] float64, updated.
    """
    n_out, kernel, n_in = filters.shape
    flat = signs.reshape(-1)
    width = kernel * n_in
    by_output = filters.reshape(n_out, width)
    mask = np.empty(width, np.int8)
    for clip in range(len(starts) - 1):
        length = positions[clip + 1] - positions[clip]
        for o in range(n_out):
            value, on = values[clip, o], active[clip, o] > 0
            largest = sums[positions[clip] : positions[clip + 1], o].max()
            if value == 0.0 or largest > 2 or largest < -1:
                continue
            weight = by_output[o]
            mask[:] = on
            for t in range(length):
                if sums[positions[clip] + t, o] < -1:
                    continue
                first = (starts[clip] + t) * n_in
                window = flat[first : first + width]
                if on:
                    for j in range(width):
                        mask[j] &= window[j] * weight[j] > 0
                else:
                    for j in range(width):
                        mask[j] |= window[j] * weight[j] < 0
            gain = gains[o]
            for j in range(width):
                gain[j] += value * mask[j]


@njit(nogil=True, cache=True)
def real_gains(
    values: Any,
    sums: NDArray[np.int32],
    positions: Starts,
    features: NDArray[np.int32],
    starts: Starts,
    filters: Signs,
    largest: int,
    gains: Any,
) -> None:
    """First-order gains of the first block.

    Args:
        values: [positions, n_out] float64, worth of toggling the sign of a sum.
        sums: [n_out, positions] int32, fixed point.
        positions: [n + 1] int64, first position of each clip.
        features: [rows, n_in] int32, fixed point.
        starts: [n + 1] int64, first row of each clip.
        filters: [n_out, kernel, n_in] int8.
        largest: largest magnitude of a feature; sums beyond twice that cannot change their sign.
        gains: [n_out, kernel * n_in] float64, updated.
    """
    n_out, kernel, n_in = filters.shape
    flat = features.reshape(-1)
    width = kernel * n_in
    by_output = filters.reshape(n_out, width)
    for clip in range(len(starts) - 1):
        for t in range(positions[clip + 1] - positions[clip]):
            at = positions[clip] + t
            first = (starts[clip] + t) * n_in
            window = flat[first : first + width]
            for o in range(n_out):
                total, value = sums[o, at], values[at, o]
                if value == 0.0 or abs(total) > 2 * largest:
                    continue
                weight, gain = by_output[o], gains[o]
                for j in range(width):
                    moved = total - 2 * weight[j] * window[j] > 0
                    gain[j] += value if moved != (total > 0) else 0.0
