"""Kernels of exact incremental evaluation: what one flipped sign changes, and no more.

Every block keeps its sums before pooling and its signs behind pooling. Clip c's features or signs
are rows starts[c] to starts[c + 1] of an array, its sums are positions, its pooled signs rows
again. A flip shifts the sums of one channel; the pooled signs that toggle shift `kernel` * n_out
sums of the next block each; and so on. All sums are integers, so that nothing drifts: real
features are held in fixed point.

Filters are in window order [n_out, kernel, n_in], or, for updates, [kernel, n_in, n_out].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Starts = NDArray[np.int64]
Ints = NDArray[np.int64]
Signs = NDArray[np.int8]


@njit(nogil=True, cache=True)
def fixed_point_sums(
    features: NDArray[np.int32],
    starts: Starts,
    filters: Signs,
    bias: NDArray[np.int32],
    sums: NDArray[np.int32],
    positions: Starts,
) -> None:
    """Sums of the first convolution on fixed-point features.

    Args:
        features: [n_in, rows] int32.
        starts: [n + 1] int64, first row of each clip.
        filters: [n_out, kernel, n_in] int8.
        bias: [n_out] int32, in the features' unit.
        sums: [n_out, positions] int32, overwritten.
        positions: [n + 1] int64, first position of each clip.
    """
    n_out, kernel, n_in = filters.shape
    for clip in range(len(starts) - 1):
        length = positions[clip + 1] - positions[clip]
        for o in range(n_out):
            total = sums[o, positions[clip] : positions[clip + 1]]
            total[:] = bias[o]
            for i in range(n_in):
                for k in range(kernel):
                    first = starts[clip] + k
                    source = features[i, first : first + length]
                    if filters[o, k, i] > 0:
                        for t in range(length):
                            total[t] += source[t]
                    else:
                        for t in range(length):
                            total[t] -= source[t]


@njit(nogil=True, cache=True)
def pool_signs(sums: Any, positions: Starts, pool: int, signs: Signs, to: Starts) -> None:
    """Signs behind pooling: +1 where any sum of the window is positive.

    Args:
        sums: [positions, n_out] int16 or int32, any strides.
        positions: [n + 1] int64, first position of each clip.
        pool: positions a window, the last one may be shorter.
        signs: [rows, n_out] int8, overwritten.
        to: [n + 1] int64, first row of each clip.
    """
    n_out = sums.shape[1]
    signs[:] = -1
    for clip in range(len(positions) - 1):
        for t in range(positions[clip + 1] - positions[clip]):
            target = signs[to[clip] + t // pool]
            for o in range(n_out):
                if sums[positions[clip] + t, o] > 0:
                    target[o] = 1


@njit(nogil=True, cache=True)
def shift_channel(
    sums: Any,
    source: Any,
    tap: int,
    factor: int,
    starts: Starts,
    positions: Starts,
    pool: int,
    signs: Any,
    to: Starts,
    toggled: Ints,
) -> int:
    """Adds factor * source, `tap` rows later, to sums, and toggles the pooled signs that follow.

    Args:
        sums: [positions] one channel, updated.
        source: [rows] the input that the flipped weight multiplies; ignored where tap < 0, which
            means a bias: sums += factor.
        tap: offset of the weight in its window, or -1.
        factor: minus twice the weight that was.
        starts: [n + 1] int64, first row of each clip.
        positions: [n + 1] int64, first position of each clip.
        pool: positions a window.
        signs: [rows out] int8, the channel's signs, updated.
        to: [n + 1] int64, first row out of each clip.
        toggled: [rows out] int64, overwritten from the front with the rows that toggled.

    Returns:
        How many rows toggled.
    """
    count = 0
    for clip in range(len(starts) - 1):
        first, length = positions[clip], positions[clip + 1] - positions[clip]
        for t in range(length):
            step = source[starts[clip] + t + tap] if tap >= 0 else 1
            sums[first + t] += factor * step
        for row in range(to[clip], to[clip + 1]):
            low = (row - to[clip]) * pool
            positive = False
            for t in range(low, min(low + pool, length)):
                positive |= sums[first + t] > 0
            if positive != (signs[row] > 0):
                signs[row] = -signs[row]
                toggled[count] = row
                count += 1
    return count


@njit(nogil=True, cache=True)
def shift_sums(
    toggled: Ints,
    signs: Signs,
    clip_of_row: NDArray[np.int32],
    starts: Starts,
    filters: Signs,
    sums: NDArray[np.int16],
    positions: Starts,
    touched: NDArray[np.bool_],
) -> None:
    """Adds the effect of toggled signs to the next block's sums.

    Cost: kernel * n_out additions a toggle, contiguous.

    Args:
        toggled: [m] int64, row * n_in + channel of each sign.
        signs: [rows, n_in] int8, already toggled.
        clip_of_row: [rows] int32.
        starts: [n + 1] int64, first row of each clip.
        filters: [kernel, n_in, n_out] int8.
        sums: [positions, n_out] int16, updated.
        positions: [n + 1] int64, first position of each clip.
        touched: [positions] bool, set where a sum may have changed.
    """
    kernel, n_in, n_out = filters.shape
    for m in range(len(toggled)):
        row, i = toggled[m] // n_in, toggled[m] % n_in
        clip = clip_of_row[row]
        twice = np.int16(2 * signs[row, i])
        for k in range(kernel):
            t = row - starts[clip] - k
            if t < 0 or t >= positions[clip + 1] - positions[clip]:
                continue
            target, weight = sums[positions[clip] + t], filters[k, i]
            touched[positions[clip] + t] = True
            for o in range(n_out):
                target[o] += twice * weight[o]


@njit(nogil=True, cache=True)
def toggle_rows(
    sums: NDArray[np.int16],
    positions: Starts,
    touched: NDArray[np.bool_],
    pool: int,
    signs: Signs,
    to: Starts,
    toggled: Ints,
) -> int:
    """Brings pooled signs up to date where sums were touched.

    Args:
        sums: [positions, n_out] int16.
        positions: [n + 1] int64, first position of each clip.
        touched: [positions] bool, cleared.
        pool: positions a window.
        signs: [rows, n_out] int8, updated.
        to: [n + 1] int64, first row of each clip.
        toggled: [rows * n_out] int64, overwritten from the front with row * n_out + channel.

    Returns:
        How many signs toggled.
    """
    n_out = sums.shape[1]
    count = 0
    for clip in range(len(positions) - 1):
        first, length = positions[clip], positions[clip + 1] - positions[clip]
        for row in range(to[clip], to[clip + 1]):
            low = (row - to[clip]) * pool
            high = min(low + pool, length)
            if not touched[first + low : first + high].any():
                continue
            touched[first + low : first + high] = False
            for o in range(n_out):
                positive = False
                for t in range(low, high):
                    positive |= sums[first + t, o] > 0
                if positive != (signs[row, o] > 0):
                    signs[row, o] = -signs[row, o]
                    toggled[count] = row * n_out + o
                    count += 1
    return count


@njit(nogil=True, cache=True)
def toggle_hidden(
    toggled: Ints,
    signs: Signs,
    clip_of_row: NDArray[np.int32],
    head: Signs,
    active: NDArray[np.int32],
    logits: Ints,
) -> None:
    """Follows toggled signs of the last block through the max over time into the logits.

    Args:
        toggled: [m] int64, row * n_hidden + channel.
        signs: [rows, n_hidden] int8, already toggled.
        clip_of_row: [rows] int32.
        head: [n_hidden] int8, weights of the linear layer.
        active: [n, n_hidden] int32, rows of a clip where a channel is +1; updated.
        logits: [n] int64, updated.
    """
    n_hidden = len(head)
    for m in range(len(toggled)):
        row, o = toggled[m] // n_hidden, toggled[m] % n_hidden
        clip = clip_of_row[row]
        before = active[clip, o]
        active[clip, o] += signs[row, o]
        if (before > 0) != (active[clip, o] > 0):
            logits[clip] += 2 * head[o] if before == 0 else -2 * head[o]
