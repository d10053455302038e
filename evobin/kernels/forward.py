"""Exact forward pass of a binary network, on packed bits.

A sign vector is packed 64 channels to a word, channel c in bit c % 64 of word c // 64, a set bit
meaning +1; unused high bits are 0 in activations and weights alike, so they never differ. A
product of sign vectors of length n is n - 2 * popcount(a XOR w).

Samples lie one after the other: sample i is rows starts[i] to starts[i + 1] of the activations,
`bits` [rows, n_words] uint64. What is made of it begins at row to[i], or positions[i]; these are
[n + 1] int64. A binary layer has `weights` [kernel * n_words, n_out] uint64, a window's words in C
order. The first layer has `signs` [n_out, n_in, kernel] and `bias` [n_out] int8, and `entries`
[groups of inputs, n_out, kernel] uint8: the signs of each group as a number. A block pools `pool`
frames, fewer at the end (ceil mode), into `out` [rows out, words of n_out] uint64, overwritten.
These arguments are not described again.

Binary sums are integers and so exact. Only the first layer sums real numbers; it decides a sign
in float32 where the rounding error cannot matter, in float64 near 0, and by an error-free
transformation where even that is in doubt (Shewchuk, 1997, Adaptive Precision Floating-Point
Arithmetic and Fast Robust Geometric Predicates).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evobin.kernels import machine

Bits = NDArray[np.uint64]
Starts = NDArray[np.int64]
Signs = NDArray[np.int8]

GROUP = 5  # inputs of the first layer whose 32 signed sums make a table
BLOCK = 320  # frames summed together, three seconds of sound; tables fit the L2 cache
TINY = 2.0**-100  # more than all that scaling to [-1, 1] in float32 can lose by underflow


@njit(nogil=True, cache=True)
def popcount(x: np.uint64) -> np.uint64:
    """Set bits of a word, in the form that LLVM compiles to the popcount instruction."""
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (x * np.uint64(0x0101010101010101)) >> np.uint64(56)


@njit(nogil=True, cache=True)
def count_differences(words: Bits, step: int, weights: Bits, out: Bits, other: Bits) -> None:
    """out[o] = popcount(words XOR weights[:, o]), and the same for the next window.

    Vectorised across the outputs. Two windows share each load of a weight, and six words a pass
    one load and store of the running counts: 0.88 of the speed of XOR, population count and
    addition alone.

    Args:
        words: [n_words + step] uint64, two windows of activations.
        step: words from one window to the next; 0 for the same one.
        weights: [n_words, n_out] uint64.
        out: [n_out] uint64, overwritten.
        other: [n_out] uint64, overwritten, of the next window.
    """
    machine.widen()
    n_words, n_out = weights.shape
    out[:], other[:] = 0, 0
    paired = n_words - n_words % 6
    for j in range(0, paired, 6):
        a, b, c = words[j], words[j + 1], words[j + 2]
        d, e, f = words[j + 3], words[j + 4], words[j + 5]
        k = j + step
        a_2, b_2, c_2 = words[k], words[k + 1], words[k + 2]
        d_2, e_2, f_2 = words[k + 3], words[k + 4], words[k + 5]
        for o in range(n_out):
            u, v, w = weights[j, o], weights[j + 1, o], weights[j + 2, o]
            x, y, z = weights[j + 3, o], weights[j + 4, o], weights[j + 5, o]
            out[o] += (
                (popcount(a ^ u) + popcount(b ^ v))
                + (popcount(c ^ w) + popcount(d ^ x))
                + (popcount(e ^ y) + popcount(f ^ z))
            )
            other[o] += (
                (popcount(a_2 ^ u) + popcount(b_2 ^ v))
                + (popcount(c_2 ^ w) + popcount(d_2 ^ x))
                + (popcount(e_2 ^ y) + popcount(f_2 ^ z))
            )
    for j in range(paired, n_words):
        a, b = words[j], words[j + step]
        for o in range(n_out):
            out[o] += popcount(a ^ weights[j, o])
            other[o] += popcount(b ^ weights[j, o])


@njit(nogil=True, cache=True)
def binary_sums(
    bits: Bits, starts: Starts, weights: Bits, offset: NDArray[np.int64], sums: Any, to: Starts
) -> None:
    """Sums of a binary convolution, before pooling: offset[o] - 2 * differences.

    Arguments of its own:
        offset: [n_out] int64, kernel * n_in + bias.
        sums: [positions, n_out] int16 or wider, overwritten.
    """
    bits, weights, sums = machine.lend((bits, weights, sums))
    n_out = weights.shape[1]
    n_words = bits.shape[1]
    flat = bits.reshape(-1)
    width = weights.shape[0]
    counts, others = np.empty(n_out, np.uint64), np.empty(n_out, np.uint64)
    for sample in range(len(starts) - 1):
        length = to[sample + 1] - to[sample]
        for t in range(0, length, 2):
            first, step = (starts[sample] + t) * n_words, n_words if t + 1 < length else 0
            count_differences(flat[first : first + width + step], step, weights, counts, others)
            row, next_row = sums[to[sample] + t], sums[to[sample] + min(t + 1, length - 1)]
            for o in range(n_out):
                row[o] = offset[o] - 2 * np.int64(counts[o])
                next_row[o] = offset[o] - 2 * np.int64(others[o])


@njit(nogil=True, cache=True)
def binary_block(
    bits: Bits, starts: Starts, weights: Bits, limit: Bits, pool: int, out: Bits, to: Starts
) -> None:
    """Binary convolution, pooling and sign; pooling a sign is an OR over its window.

    A sum is positive exactly when fewer than `limit[o]` signs differ.

    Arguments of its own:
        limit: [n_out] uint64.
    """
    machine.widen()
    bits, weights, out = machine.lend((bits, weights, out))
    n_out = weights.shape[1]
    n_words = bits.shape[1]
    flat = bits.reshape(-1)
    width = weights.shape[0]
    kernel = width // n_words
    counts, others = np.empty(n_out, np.uint64), np.empty(n_out, np.uint64)
    flags = np.zeros(64 * out.shape[1], np.int8)
    for sample in range(len(starts) - 1):
        frames = starts[sample + 1] - starts[sample] - kernel + 1
        out[to[sample] : to[sample + 1]] = 0
        for t in range(0, frames, 2):
            first, step = (starts[sample] + t) * n_words, n_words if t + 1 < frames else 0
            count_differences(flat[first : first + width + step], step, weights, counts, others)
            row, next_row = to[sample] + t // pool, to[sample] + (t + step // n_words) // pool
            if row == next_row:
                for o in range(n_out):
                    flags[o] = min(counts[o], others[o]) < limit[o]
            else:
                for o in range(n_out):
                    flags[o] = others[o] < limit[o]
                for word in range(out.shape[1]):
                    out[next_row, word] |= machine.positives(flags, 64 * word)
                for o in range(n_out):
                    flags[o] = counts[o] < limit[o]
            for word in range(out.shape[1]):
                out[row, word] |= machine.positives(flags, 64 * word)


@njit(nogil=True, cache=True)
def exact_is_positive(window: Any, signs: Signs, bias: int) -> bool:
    """Whether bias + sum of signs[i, k] * window[k, i] is above 0, whatever rounding does.

    First in float64 with its error bound; inside the bound by growing a list of partial sums that
    do not overlap and lose nothing; the sign of the last one is the sign of the sum.

    Args:
        window: [kernel, n_in] real, finite, magnitudes below 1e300.
        signs: [n_in, kernel] int8.
        bias: -1 or +1.
    """
    kernel, n_in = window.shape
    total, size = np.float64(bias), 1.0
    for k in range(kernel):
        for i in range(n_in):
            value = np.float64(window[k, i])
            total += value * signs[i, k]
            size += abs(value)
    if abs(total) > (kernel * n_in + 2) * 2.0**-52 * size:
        return bool(total > 0.0)
    partials = np.empty(kernel * n_in + 1, np.float64)
    partials[0] = bias
    used = 1
    for k in range(kernel):
        for i in range(n_in):
            x = np.float64(window[k, i]) * signs[i, k]
            kept = 0
            for j in range(used):
                y = partials[j]
                high = x + y
                part = high - x
                low = (x - (high - part)) + (y - part)
                if low != 0.0:
                    partials[kept] = low
                    kept += 1
                x = high
            used = kept
            if x != 0.0:
                partials[used] = x
                used += 1
    return used > 0 and bool(partials[used - 1] > 0.0)


@njit(nogil=True, cache=True)
def scale_to_unit(sample: Any, out: NDArray[np.float32], size: NDArray[np.float64]) -> float:
    """Writes a sample's transpose, scaled by a power of two to at most 1, and returns the scale.

    Args:
        sample: [t, n_in] real.
        out: [n_in, at least t] float32, overwritten.
        size: [at least t] float64, overwritten with each frame's sum of scaled magnitudes.
    """
    t, n_in = sample.shape
    largest = np.zeros(n_in, sample.dtype)  # one a column, so that the loop vectorises
    for row in range(t):
        for i in range(n_in):
            value = abs(sample[row, i])
            largest[i] = value if value > largest[i] else largest[i]
    top, scale = 0.0, 1.0
    for i in range(n_in):  # by a loop: `max` of an array takes 0.35 s to compile
        top = max(top, np.float64(largest[i]))
    while top * scale > 1.0:
        scale *= 0.5
    for row in range(t):
        for i in range(n_in):
            out[i, row] = np.float32(np.float64(sample[row, i]) * scale)
    size[:] = 0.0
    for i in range(n_in):
        column = out[i]
        for row in range(t):
            size[row] += abs(column[row])
    return scale


@njit(nogil=True, cache=True)
def fill_table(rows: Any, low: int, high: int, first: int, reach: int, table: Any) -> None:
    """table[e, t] = sum over rows of +-rows[low + i, first + t], plus where bit i of e is set.

    Args:
        rows: [at least high, at least first + reach] float32.
        low: first row of the group, of at most `GROUP`.
        high: one past its last row.
        first: first frame.
        reach: frames.
        table: [2^GROUP, at least reach] of the same type, overwritten as far as it is needed.
    """
    source, minus, plus = rows[low, first : first + reach], table[0], table[1]
    for t in range(reach):
        minus[t], plus[t] = -source[t], source[t]
    size = 2
    for row in range(low + 1, high):
        source = rows[row, first : first + reach]
        for e in range(size):
            minus, plus = table[e], table[e + size]
            for t in range(reach):
                present = minus[t]
                minus[t], plus[t] = present - source[t], present + source[t]
        size *= 2


@njit(nogil=True, cache=True)
def add_table(table: Any, entry: NDArray[np.uint8], sums: Any, width: int) -> None:
    """sums[o, t] += sum over k of table[entry[o, k], t + k] for t < width.

    Nine taps a pass, then three: slices let the loop over time vectorise, and all taps of a pass
    share one load and store of the sums.

    Args:
        table: [2^GROUP, at least width + kernel - 1] float32.
        entry: [n_out, kernel] uint8, below 2^GROUP.
        sums: [n_out, at least width] of the same type, updated.
        width: frames.
    """
    machine.widen()
    table, sums = machine.lend((table, sums))
    n_out, kernel = entry.shape
    nines = kernel - kernel % 9
    threes = kernel - kernel % 3
    for o in range(n_out):
        total = sums[o]
        for k in range(0, nines, 9):
            a, b = table[entry[o, k], k:], table[entry[o, k + 1], k + 1 :]
            c, d = table[entry[o, k + 2], k + 2 :], table[entry[o, k + 3], k + 3 :]
            e, f = table[entry[o, k + 4], k + 4 :], table[entry[o, k + 5], k + 5 :]
            g, h = table[entry[o, k + 6], k + 6 :], table[entry[o, k + 7], k + 7 :]
            i = table[entry[o, k + 8], k + 8 :]
            for t in range(width):
                left, right = (a[t] + b[t]) + (c[t] + d[t]), (e[t] + f[t]) + (g[t] + h[t])
                total[t] += (left + right) + i[t]
        for k in range(nines, threes, 3):
            a, b = table[entry[o, k], k:], table[entry[o, k + 1], k + 1 :]
            c = table[entry[o, k + 2], k + 2 :]
            for t in range(width):
                total[t] += (a[t] + b[t]) + c[t]
        for k in range(threes, kernel):
            a = table[entry[o, k], k:]
            for t in range(width):
                total[t] += a[t]


@njit(nogil=True, cache=True)
def add_groups(
    columns: Any, entries: NDArray[np.uint8], first: int, width: int, table: Any, sums: Any
) -> None:
    """Adds the part of all inputs to a block of sums, group by group.

    Arguments of its own:
        columns: [n_in, at least first + width + kernel - 1] float32.
        first: first frame.
        width: sums an output.
        table: [2^GROUP, at least width + kernel - 1] of the same type, overwritten.
        sums: [n_out, at least width] of the same type, updated.
    """
    reach = width + entries.shape[2] - 1
    for g in range(len(entries)):
        low, high = GROUP * g, min(GROUP * g + GROUP, len(columns))
        fill_table(columns, low, high, first, reach, table)
        add_table(table, entries[g], sums, width)


@njit(nogil=True, cache=True)
def sign_bits(
    sums: NDArray[np.float32],
    bound: NDArray[np.float64],
    x: Any,
    signs: Signs,
    bias: Signs,
    bits: Bits,
) -> None:
    """Packs the signs of a block of sums; those within their bound of 0 are decided exactly.

    Arguments of its own:
        sums: [n_out, width] float32.
        bound: [width] float64, more than the rounding error of a sum.
        x: [width + kernel - 1, n_in] float32 or float64, the features that were summed.
        bits: [words of n_out, width] uint64, overwritten.
    """
    n_out, _, kernel = signs.shape
    width = len(bound)
    bits[:] = 0
    for o in range(n_out):
        row = sums[o]
        packed = bits[o // 64]
        shift = np.uint64(o % 64)
        doubts = 0
        for t in range(width):
            packed[t] |= np.uint64(row[t] > 0) << shift
            doubts += abs(row[t]) <= bound[t]
        if doubts > 0:
            for t in range(width):
                if abs(row[t]) <= bound[t]:
                    packed[t] &= ~(np.uint64(1) << shift)
                    positive = exact_is_positive(x[t : t + kernel], signs[o], bias[o])
                    packed[t] |= np.uint64(positive) << shift


@njit(nogil=True, cache=True)
def real_block(
    frames: Any,
    starts: Starts,
    entries: NDArray[np.uint8],
    signs: Signs,
    bias: Signs,
    pool: int,
    out: Bits,
    to: Starts,
) -> None:
    """First layer: convolution of real features, pooling and sign, exact.

    Five inputs have 32 signed sums, shared by all outputs and taps: tables of them replace four
    of five additions. Magnitudes are scaled to at most 1; float32 decides where a sum is further
    from 0 than all roundings together, `exact_is_positive` decides the rest.

    Arguments of its own:
        frames: [rows, n_in] float32 or float64.
    """
    groups, n_out, kernel = entries.shape
    longest = 0
    for sample in range(len(starts) - 1):
        longest = max(longest, starts[sample + 1] - starts[sample])
    n_in = frames.shape[1]
    unit = np.empty((n_in, longest), np.float32)
    table = np.empty((2**GROUP, BLOCK + kernel - 1), np.float32)
    sums = np.empty((n_out, BLOCK), np.float32)
    bits = np.empty((out.shape[1], BLOCK), np.uint64)
    size = np.empty(longest, np.float64)
    bound = np.empty(BLOCK, np.float64)
    # a sum passes through 4 additions in a table, then at most one a group and tap, then the bias;
    # each rounds by 2^-24 of what has been summed, and so does the conversion to float32
    rounding = 2.0**-24 * 1.01 * (groups * kernel + 8)
    for sample in range(len(starts) - 1):
        x = frames[starts[sample] : starts[sample + 1]]
        scale = scale_to_unit(x, unit, size)
        out[to[sample] : to[sample + 1]] = 0
        length = len(x) - kernel + 1
        for first in range(0, length, BLOCK):
            width = min(BLOCK, length - first)
            reach = width + kernel - 1
            for o in range(n_out):
                sums[o] = np.float32(bias[o] * scale)
            add_groups(unit, entries, first, width, table, sums)
            for t in range(width):
                window = size[first + t : first + t + kernel]
                bound[t] = rounding * (window.sum() + scale) + TINY
            sign_bits(sums, bound[:width], x[first : first + reach], signs, bias, bits)
            for t in range(width):
                for word in range(out.shape[1]):
                    out[to[sample] + (first + t) // pool, word] |= bits[word, t]
