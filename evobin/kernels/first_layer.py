"""The first block of a network of real features: convolution, pooling and sign, exact.

Four inputs of a frame have sixteen signed sums, which all outputs and taps share. As numbers of 16
bits, those of 32 frames are one register, and a sum is a few additions of registers. How far
rounding can have moved it is known: a sign that it could have turned is found again, in float64
and, where even that is in doubt, by `forward.exact_is_positive`.

A tap's part of a sum lies as many frames on as the tap is late. So the parts of each tap are summed
as they lie, in whole lines of memory, and are added up across taps in the end.

Sums are of what is left of a sample when each input's mean over time is taken away: that is
smaller, and is cut to 16 bits more finely. What the means make of a sum is the same in all frames,
and is what the sums are compared with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evobin.kernels import machine
from evobin.kernels.forward import Bits, Signs, Starts, exact_is_positive, popcount, scale_to_unit
from evobin.kernels.lanes import FOUR, LANES, SUMS, dot, exceeding, signed_sums, window_sums

LARGEST_KERNEL = 17
"""Taps: of a tile of `LANES` frames, all but so many less one begin a window."""
LARGEST = 32_000.0
"""Of the numbers of 16 bits that sums are cut to."""
FINEST, SHARPEST = 2.0**60, 2.0**22
"""Bounds of the factor between: beyond them, float32 itself rounds by more."""

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Shorts = NDArray[np.int16]


@njit(nogil=True, cache=True)
def largest_window(sizes: Doubles, kernel: int) -> float:
    """The largest sum of `kernel` neighbours."""
    largest = 0.0
    for t in range(len(sizes) - kernel + 1):
        total = 0.0
        for k in range(kernel):
            total += sizes[t + k]
        largest = max(largest, total)
    return largest


@njit(nogil=True, cache=True)
def take_means(x: Any, scale: float, unit: Floats, means: Doubles, rest: Doubles) -> None:
    """Takes each input's mean over time away, about: one number for all frames.

    Args:
        x: [t, n_in] float32 or float64.
        scale: what `unit` has been multiplied by.
        unit: [at least n_in, at least t] float32, updated.
        means: [n_in] float64, overwritten with what was taken away.
        rest: [t] float64, overwritten with the magnitudes that are left of each frame.
    """
    machine.widen()
    x, unit, means, rest = machine.lend((x, unit, means, rest))
    means[:], rest[:] = 0.0, 0.0
    for t in range(len(x)):
        for i in range(x.shape[1]):
            means[i] += x[t, i] * scale
    for i in range(len(means)):
        mean, column = np.float32(means[i] / len(x)), unit[i]
        means[i] = mean
        for t in range(len(x)):
            column[t] -= mean
            rest[t] += abs(column[t])


@njit(nogil=True, cache=True)
def fill_needs(scale: float, means: Doubles, totals: Doubles, bias: Signs, needs: Doubles) -> None:
    """What sums of what is left need to be above, for a sum to be positive.

    Args:
        scale: of the features.
        means: [n_in] float64, what was taken away.
        totals: [n_in, n_out] float64, the sum of each output's signs over its taps.
        bias: [n_out] int8.
        needs: [n_out] float64, overwritten.
    """
    for o in range(len(needs)):
        needs[o] = -bias[o] * scale
    for i in range(len(means)):
        mean, row = means[i], totals[i]
        for o in range(len(needs)):
            needs[o] -= mean * row[o]


@njit(nogil=True, cache=True)
def fill_limits(factor: float, slack: float, needs: Doubles, low: Shorts, high: Shorts) -> None:
    """What the sums of a tile are compared with: above high, positive; not above low, not.

    Args:
        factor: of the sums.
        slack: how far a sum can be from the true one.
        needs: [n_out] float64, from `fill_needs`.
        low: [n_out] int16, overwritten.
        high: [n_out] int16, overwritten.
    """
    for o in range(len(needs)):
        limit = factor * needs[o]
        high[o] = np.int16(max(min(np.floor(limit + slack), 32767.0), -32768.0))
        low[o] = np.int16(max(min(np.ceil(limit - slack) - 1.0, 32767.0), -32768.0))


@njit(nogil=True, cache=True)
def sign_tile(
    unit: Floats,
    begin: int,
    factor: np.float32,
    table: Shorts,
    entries: NDArray[np.uint8],
    sums: Shorts,
    low: Shorts,
    high: Shorts,
    positive: Bits,
    doubtful: Bits,
) -> None:
    """Which windows that begin in a tile are positive, and which may be.

    Args:
        unit: [FOUR * groups, at least begin + LANES] float32.
        begin: the tile's first frame.
        factor: of the features.
        table: [groups * SUMS * LANES] int16, overwritten.
        entries: [n_out, kernel, groups] uint8, as `lanes.window_sums` takes them.
        sums: [LANES] int16, overwritten.
        low: [n_out] int16, as `fill_limits` has it.
        high: [n_out] int16, as `fill_limits` has it.
        positive: [n_out] uint64, overwritten: bit t for the window that begins at begin + t.
        doubtful: [n_out] uint64, overwritten.
    """
    machine.widen()
    unit, table, entries, sums = machine.lend((unit, table, entries, sums))
    low, high, positive, doubtful = machine.lend((low, high, positive, doubtful))
    n_out, kernel, groups = entries.shape
    flat = entries.reshape(-1)
    for g in range(groups):
        signed_sums(unit[FOUR * g :], begin, factor, table, g * SUMS * LANES)
    for o in range(n_out):
        window_sums(table, flat, o * kernel * groups, kernel, groups, sums)
        above = exceeding(sums, high[o])
        positive[o], doubtful[o] = above, exceeding(sums, low[o]) & ~above


@njit(nogil=True, cache=True)
def settle(
    doubtful: Bits,
    positive: Bits,
    begin: int,
    valid: np.uint64,
    pool: int,
    x: Any,
    signs: Signs,
    flat: Signs,
    bias: Signs,
    size: Doubles,
    scale: float,
) -> None:
    """Looks at the windows of a tile that are in doubt, one by one.

    But for those that are pooled with one that is positive anyway.

    Args:
        doubtful: [n_out] uint64, as `sign_tile` has it.
        positive: [n_out] uint64, updated.
        begin: the tile's first frame.
        valid: a bit for each window.
        pool: frames.
        x: [t, n_in] float32 or float64.
        signs: [n_out, n_in, kernel] int8.
        flat: [n_out, kernel * n_in] int8, the same as features of a window lie.
        bias: [n_out] int8.
        size: [t] float64, sums of magnitudes, times `scale`.
        scale: of `size`.
    """
    doubtful, positive, numbers = machine.lend((doubtful, positive, x.reshape(-1)))
    flat, size = machine.lend((flat, size))
    n_in, kernel = signs.shape[1:]
    for o in range(len(doubtful)):
        sure, doubts = positive[o] & valid, doubtful[o] & valid
        while doubts > 0:
            one = doubts & (~doubts + np.uint64(1))
            doubts ^= one
            at = begin + int(popcount(one - np.uint64(1)))
            first = at - at % pool - begin  # of those that it is pooled with
            low, high = max(first, 0), min(first + pool, LANES)
            if sure & np.uint64(((1 << (high - low)) - 1) << low):
                continue
            window = scale
            for k in range(kernel):
                window += size[at + k]
            total = dot(numbers, at * n_in, flat[o], kernel * n_in) + bias[o]
            if abs(total) * scale > (kernel * n_in + 2) * 2.0**-51 * window:
                is_positive = total > 0.0
            else:
                is_positive = exact_is_positive(x[at : at + kernel], signs[o], bias[o])
            if is_positive:
                sure |= one
        positive[o] = sure


@njit(nogil=True, cache=True)
def pool_tile(
    positive: Bits, begin: int, width: int, pool: int, flags: NDArray[np.int8], out: Bits
) -> None:
    """Packs the signs of a tile's windows, over pooled frames.

    Args:
        positive: [n_out] uint64, bit t for the window that begins at begin + t.
        begin: the tile's first frame.
        width: windows.
        pool: frames.
        flags: [64 * words of n_out] int8, 0 from n_out on; overwritten.
        out: [rows, words of n_out] uint64, updated.
    """
    machine.widen()
    positive, flags, out = machine.lend((positive, flags, out))
    t = 0
    while t < width:
        row = (begin + t) // pool
        after = min((row + 1) * pool - begin, width)
        mask = np.uint64(((1 << (after - t)) - 1) << t)
        for o in range(len(positive)):
            flags[o] = (positive[o] & mask) != 0
        for word in range(out.shape[1]):
            out[row, word] |= machine.positives(flags, 64 * word)
        t = after


@njit(nogil=True, cache=True)
def first_block(
    frames: Any,
    starts: Starts,
    entries: NDArray[np.uint8],
    signs: Signs,
    flat: Signs,
    totals: Doubles,
    bias: Signs,
    pool: int,
    out: Bits,
    to: Starts,
) -> None:
    """Convolution of real features, pooling and sign, exact; see `forward` for common arguments.

    Arguments of its own:
        frames: [rows, n_in] float32 or float64.
        entries: [n_out, kernel, groups] uint8, see `packing.window_entries`.
        flat: [n_out, kernel * n_in] int8, the signs as the features of a window lie.
        totals: [n_in, n_out] float64, the sum of each output's signs over its taps.
    """
    n_out, kernel, groups = entries.shape
    n_in = signs.shape[1]
    step, longest = LANES + 1 - kernel, 0
    for sample in range(len(starts) - 1):
        longest = max(longest, starts[sample + 1] - starts[sample])
    unit = np.zeros((FOUR * groups, longest + LANES), np.float32)
    size, rest, means = np.empty(longest), np.empty(longest), np.empty(n_in)
    table = np.empty(groups * SUMS * LANES, np.int16)
    sums = np.empty(LANES, np.int16)
    low, high, needs = np.empty(n_out, np.int16), np.empty(n_out, np.int16), np.empty(n_out)
    positive, doubtful = np.empty(n_out, np.uint64), np.empty(n_out, np.uint64)
    flags = np.zeros(64 * out.shape[1], np.int8)
    slack = 0.5 * groups * kernel + 1.0  # half for each number of a table; all else is less than 1
    for sample in range(len(starts) - 1):
        x = frames[starts[sample] : starts[sample + 1]]
        length = len(x) - kernel + 1
        pooled = out[to[sample] : to[sample + 1]]
        pooled[:] = 0
        scale = scale_to_unit(x, unit, size[: len(x)])
        take_means(x, scale, unit, means, rest[: len(x)])
        fill_needs(scale, means, totals, bias, needs)
        for begin in range(0, length, step):
            width = min(step, length - begin)
            after = begin + width + kernel - 1
            whole = largest_window(size[begin:after], kernel) + scale
            left = max(largest_window(rest[begin:after], kernel), (LARGEST - slack) / FINEST)
            factor = np.float32(min((LARGEST - slack) / left, SHARPEST / whole))
            fill_limits(np.float64(factor), slack, needs, low, high)
            sign_tile(unit, begin, factor, table, entries, sums, low, high, positive, doubtful)
            valid = np.uint64((1 << width) - 1)
            settle(doubtful, positive, begin, valid, pool, x, signs, flat, bias, size, scale)
            pool_tile(positive, begin, width, pool, flags, pooled)
