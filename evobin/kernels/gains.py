"""Kernels of gains: the change of score by each single flip, without trying any.

The gain of toggling an output is handed down, block by block, to the sums that would have to
cross 0 and from there to the weights and inputs that would make them (Boolean derivatives). Only
sums at the edge, a step of 2 from crossing, matter; they are a few percent. Layouts are those of
`kernels.flips`, whose arguments are not described again.

A sum of value v at the edge crosses 0 with each input or weight whose product p = x * w has the
sign of the sum, s: a gain of v * (1 + s * p) / 2. Over all edges the constant part and the
factor of the input (or weight) are summed separately: then an edge costs one multiple of a filter
added to the inputs' factors, and one multiple of a window added to the weights'. Toggling an
input x gains

    constants[row] + x * factors[row, channel],

with `factors` [rows, n_in] and `constants` [rows] float32, which are updated, as is `bias_gains`
[n_out] float64. `out_factors` [rows out, n_out] and `out_constants` [rows out] are those of the
block above. `filters` [n_out, kernel * n_in] float32 and `bias` [n_out] int8 are the weights.

Samples are worked on in small groups, whose inputs stay in the cache: `signs`, `factors`, and
`constants` hold the rows of a group's inputs only, from row starts[0] on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evobin.kernels import machine

Bits = NDArray[np.uint64]
Floats = NDArray[np.float32]
Starts = NDArray[np.int64]
Gains = NDArray[np.float64]


@njit(nogil=True, cache=True)
def lowest_bit(word: np.uint64) -> Any:
    """Place of the lowest set bit of a word that is not 0."""
    x = ~word & (word - np.uint64(1))
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(nogil=True, cache=True)
def unpack_signs(bits: Bits, signs: Floats) -> None:
    """Signs as numbers.

    Args:
        bits: [rows, words of n] uint64.
        signs: [rows, n] float32, overwritten with -1 and +1.
    """
    machine.widen()
    rows, n = signs.shape
    for row in range(rows):
        out = signs[row]
        for word in range(bits.shape[1]):
            packed = bits[row, word]
            part = out[64 * word : min(64 * word + 64, n)]
            for i in range(len(part)):
                set_bit = (packed >> np.uint64(i)) & np.uint64(1)
                part[i] = np.float32(2) * np.float32(set_bit) - np.float32(1)


@njit(nogil=True, cache=True)
def add_edge(
    toggle_gain: float,
    sign: float,
    first: int,
    weight: Floats,
    factors: Floats,
    constants: Floats,
    n_in: int,
) -> None:
    """Adds the toggle gain of one sum at the edge to all inputs of its window.

    Arguments of its own:
        toggle_gain: of toggling the sum's sign.
        sign: of the sum, -1 or +1.
        first: first row of the window.
        weight: [kernel * n_in] float32, the filter.
        factors: [rows * n_in] float32, updated.
        n_in: channels a row.
    """
    machine.widen()
    weight, factors, constants = machine.lend((weight, factors, constants))
    half = np.float32(0.5 * toggle_gain)
    step = np.float32(0.5 * toggle_gain * sign)
    window = factors[first * n_in : first * n_in + len(weight)]
    for j in range(len(weight)):
        window[j] += step * weight[j]
    for row in range(first, first + len(weight) // n_in):
        constants[row] += half


@njit(nogil=True, cache=True)
def middle_gains(
    out_signs: Floats,
    out_factors: Floats,
    out_constants: Floats,
    soft_factors: Floats,
    soft_constants: Floats,
    above: Bits,
    edge: Bits,
    words: Starts,
    pool: int,
    to: Starts,
    signs: Floats,
    starts: Starts,
    filters: Floats,
    weight_factors: Floats,
    weight_constants: Floats,
    bias: NDArray[np.int8],
    bias_gains: Gains,
    factors: Floats,
    constants: Floats,
) -> None:
    """First-order gains of a binary block with short windows, and the toggle gains of its inputs.

    A pooled sign of -1 toggles with any of its sums, one of +1 only with its single positive one.

    Arguments of its own:
        out_signs: [rows out, n_out] float32, pooled signs.
        soft_factors: [rows out, n_out] float32, as `out_factors`, for what is handed down.
        soft_constants: [rows out] float32, as `out_constants`.
        signs: [rows, n_in] float32, the block's inputs.
        weight_factors: [n_out, kernel * n_in] float32, updated.
        weight_constants: [n_out] float32, updated.
    """
    machine.widen()
    signs, factors, filters, weight_factors, constants = machine.lend(
        (signs, factors, filters, weight_factors, constants)
    )
    n_out, width = filters.shape
    n_in = signs.shape[1]
    one = np.uint64(1)
    whole = (one << np.uint64(pool)) - one
    flat, flat_factors = signs.reshape(-1), factors.reshape(-1)
    for o in range(n_out):
        weight, of_weight = filters[o], weight_factors[o]
        for sample in range(len(starts) - 1):
            low, high = words[sample], words[sample + 1]
            for word in range(low, high):
                left = edge[o, word]
                while left != 0:
                    t = 64 * (word - low) + lowest_bit(left)
                    left &= left - one
                    row = t // pool
                    at, shift = low + row * pool // 64, np.uint64(row * pool % 64)
                    window = above[o, at] >> shift
                    if row * pool % 64 + pool > 64 and at + 1 < high:
                        window |= above[o, at + 1] << (np.uint64(64) - shift)
                    window &= whole
                    if window != 0 and window != one << np.uint64(t - row * pool):
                        continue
                    sign = 1.0 if window != 0 else -1.0
                    at_row = to[sample] - to[0] + row
                    pooled = out_signs[at_row, o]
                    first = starts[sample] - starts[0] + t
                    toggle_gain = soft_constants[at_row] + pooled * soft_factors[at_row, o]
                    if toggle_gain != 0:
                        add_edge(toggle_gain, sign, first, weight, flat_factors, constants, n_in)
                    toggle_gain = out_constants[at_row] + pooled * out_factors[at_row, o]
                    if toggle_gain == 0:
                        continue
                    step = np.float32(0.5 * toggle_gain * sign)
                    inputs = flat[first * n_in : first * n_in + width]
                    for j in range(width):
                        of_weight[j] += step * inputs[j]
                    weight_constants[o] += np.float32(0.5 * toggle_gain)
                    bias_gains[o] += toggle_gain if bias[o] == sign else 0.0


@njit(nogil=True, cache=True)
def whole_gains(
    toggle_gains: Gains,
    soft_toggle_gains: Gains,
    active: NDArray[np.int16],
    above: Bits,
    edge: Bits,
    words: Starts,
    bits: Bits,
    starts: Starts,
    packed: Bits,
    filters: Floats,
    bias: NDArray[np.int8],
    gains: Gains,
    bias_gains: Gains,
    factors: Floats,
    constants: Floats,
) -> None:
    """Gains of a binary block under a max over time, and first-order toggle gains of its inputs.

    As exact as `toggle_gains` are: a flip toggles one channel a sample.

    A flip lowers the sums where its product is +1 and raises the others. A channel that is +1
    falls if every positive sum is at the edge and lowered, and no other at the edge is raised; a
    channel at -1 rises if any sum at the edge is raised. In both cases one set decides: the flips
    with a product of +1 at every edge.

    Arguments of its own:
        toggle_gains: [n, n_out] float64, of toggling a channel after the max.
        soft_toggle_gains: [n, n_out] float64, the same for what is handed down.
        bits: [rows, n_words] uint64, inputs of all samples, from row 0 on.
        packed: [kernel * n_words, n_out] uint64, the filters.
        gains: [n_out, kernel, n_in] float64, updated.
    """
    packed, filters, gains, factors, constants, bits = machine.lend(
        (packed, filters, gains, factors, constants, bits)
    )
    n_out, _, n_in = gains.shape
    n_words = bits.shape[1]
    one = np.uint64(1)
    same = np.empty(len(packed), np.uint64)
    flat, flat_factors = bits.reshape(-1), factors.reshape(-1)
    for sample in range(len(starts) - 1):
        low, high = words[sample], words[sample + 1]
        for o in range(n_out):
            toggle_gain, soft, count = (
                toggle_gains[sample, o],
                soft_toggle_gains[sample, o],
                active[sample, o],
            )
            if toggle_gain == 0.0 and soft == 0.0:
                continue
            firm, edges = np.uint64(0), np.uint64(0)
            for word in range(low, high):
                firm |= above[o, word] & ~edge[o, word]
                edges |= edge[o, word]
            if firm != 0 or edges == 0:
                continue
            same[:] = ~np.uint64(0)
            for word in range(low, high):
                left = edge[o, word]
                while left != 0:
                    place = lowest_bit(left)
                    left &= left - one
                    first = starts[sample] + 64 * (word - low) + place
                    for j in range(len(same)):
                        same[j] &= ~(flat[first * n_words + j] ^ packed[j, o])
                    positive = (above[o, word] >> np.uint64(place)) & one
                    if soft != 0.0 and (count == 0 or (count == 1 and positive == one)):
                        sign = 1.0 if count else -1.0
                        at = first - starts[0]
                        add_edge(soft, sign, at, filters[o], flat_factors, constants, n_in)
            bias_gains[o] += toggle_gain if (bias[o] > 0) == (count > 0) else 0.0
            for k in range(gains.shape[1]):
                for word in range(n_words):
                    chosen = same[k * n_words + word]
                    if count == 0:
                        chosen = ~chosen
                    gain = gains[o, k, 64 * word : min(64 * word + 64, n_in)]
                    for i in range(len(gain)):
                        gain[i] += toggle_gain * np.float64((chosen >> np.uint64(i)) & one)


@njit(nogil=True, cache=True)
def soften(
    toggle_gains: Gains,
    active: NDArray[np.int16],
    sums: NDArray[np.int16],
    positions: Starts,
    starts: Starts,
    filters: Floats,
    softness: float,
    factors: Floats,
) -> None:
    """Toggle gains of the inputs of a block under a max over time, if several may toggle at once.

    A flip two blocks below toggles several inputs of most sums that it reaches, so that sums
    further than 2 from 0 cross it too. Here each sum is positive with the logistic probability of
    sum / softness; the gain follows from the probability that any of a channel's sums is.

    Arguments of its own:
        toggle_gains: [n, n_out] float64, of toggling a channel after the max.
        softness: scale of the probability.
        factors: [rows, n_in] float32, updated; toggling an input x gains x * factor.
    """
    machine.widen()
    sums, filters, factors = machine.lend((sums, filters, factors))
    n_out, width = filters.shape
    n_in = factors.shape[1]
    flat = factors.reshape(-1)
    limit = int(6 * softness)
    chance = np.empty(2 * limit + 1)
    for j in range(len(chance)):
        chance[j] = 1.0 / (1.0 + np.exp((limit - j) / softness))
    largest = np.empty(n_out, np.int16)
    for sample in range(len(starts) - 1):
        low, high = positions[sample], positions[sample + 1]
        for o in range(n_out):
            largest[o] = sums[low, o]
        for t in range(low + 1, high):
            total = sums[t]
            for o in range(n_out):
                largest[o] = max(largest[o], total[o])
        for o in range(n_out):
            if toggle_gains[sample, o] == 0.0 or abs(largest[o]) > limit:
                continue
            none = 1.0
            for t in range(low, high):
                none *= 1.0 - chance[max(sums[t, o], -limit) + limit]
            gain = -toggle_gains[sample, o] if active[sample, o] > 0 else toggle_gains[sample, o]
            for t in range(low, high):
                total = sums[t, o]
                if total < -limit:
                    continue
                step = np.float32(-2.0 * gain * none * chance[total + limit] / softness)
                first = (starts[sample] - starts[0] + t - low) * n_in
                window, weight = flat[first : first + width], filters[o]
                for j in range(width):
                    window[j] += step * weight[j]


@njit(nogil=True, cache=True)
def fix_rows(frames: Any, unit: float, rows: Floats) -> None:
    """Features in fixed point, in the order of the samples.

    Args:
        frames: [rows, n_in] float32 or float64.
        unit: 1 in fixed point.
        rows: [rows, n_in] float32, overwritten with whole numbers, below 2^24 in magnitude.
    """
    machine.widen()
    for row in range(len(frames)):
        source, target = frames[row], rows[row]
        for i in range(len(source)):
            target[i] = np.rint(source[i] * unit)


@njit(nogil=True, cache=True)
def real_gains(
    out_factors: Floats,
    out_constants: Floats,
    sums: NDArray[np.int32],
    positions: Starts,
    pool: int,
    to: Starts,
    features: Floats,
    starts: Starts,
    twice: Floats,
    biases: NDArray[np.int32],
    reach: int,
    gains: Floats,
    bias_gains: Gains,
) -> None:
    """First-order gains of the first block, if its windows are short.

    Arguments of its own:
        sums: [n_out, positions] int32, fixed point.
        features: [rows, n_in] float32, whole numbers in the sums' unit.
        twice: [n_out, kernel * n_in] float32, weights times 2.
        biases: [n_out] int32, times 2, in the sums' unit.
        reach: a sum beyond it cannot change its sign.
        gains: [n_out, kernel * n_in] float32, updated.
    """
    machine.widen()
    sums, features, twice, gains = machine.lend((sums, features, twice, gains))
    n_out, width = twice.shape
    n_in = features.shape[1]
    flat = features.reshape(-1)
    signs = np.empty(width, np.bool_)
    far = np.int32(min(reach, 2**31 - 1))
    longest = 0
    for sample in range(len(positions) - 1):
        longest = max(longest, positions[sample + 1] - positions[sample])
    near, windows = np.empty(-(-longest // 64) * 64, np.int8), np.empty(longest, np.int64)
    for o in range(n_out):
        weight, gain = twice[o], gains[o]
        for sample in range(len(starts) - 1):
            total = sums[o, positions[sample] : positions[sample + 1]]
            for t in range(len(total)):
                near[t] = (total[t] <= far) & (total[t] >= -far)
            near[len(total) :] = 0
            found = 0
            for first in range(0, len(total), 64):
                left = machine.positives(near, first)
                while left != 0:
                    number = (first + lowest_bit(left)) // pool
                    left &= left - np.uint64(1)
                    if found == 0 or windows[found - 1] != number:
                        windows[found] = number
                        found += 1
            for number in windows[:found]:
                low = number * pool
                high = min(low + pool, len(total))
                largest = total[low]
                for t in range(low + 1, high):
                    largest = max(largest, total[t])
                if largest > far:
                    continue
                row = to[sample] - to[0] + number
                sign = np.float32(1) if largest > 0 else np.float32(-1)
                toggle_gain = out_constants[row] + sign * out_factors[row, o]
                if toggle_gain == 0:
                    continue
                first = (starts[sample] - starts[0] + low) * n_in
                window = flat[first : first + width]
                border = np.float32(total[low])
                # the pooled sign after a flip is positive if any sum less its step is
                value = toggle_gain if largest <= 0 else np.float32(0)  # of a positive one
                other = toggle_gain - value
                bias_positive = biases[o] < total[low]
                if high - low == 2:
                    next_window = flat[first + n_in : first + n_in + width]
                    next_border = np.float32(total[low + 1])
                    for j in range(width):
                        positive = (weight[j] * window[j] < border) | (
                            weight[j] * next_window[j] < next_border
                        )
                        gain[j] += value if positive else other
                    bias_positive |= biases[o] < total[low + 1]
                else:
                    for j in range(width):
                        signs[j] = weight[j] * window[j] < border
                    for t in range(low + 1, high):
                        first += n_in
                        window, border = flat[first : first + width], np.float32(total[t])
                        for j in range(width):
                            signs[j] |= weight[j] * window[j] < border
                        bias_positive |= biases[o] < total[t]
                    for j in range(width):
                        gain[j] += value if signs[j] else other
                bias_gains[o] += value if bias_positive else other


@njit(nogil=True, cache=True)
def real_whole_gains(
    toggle_gains: Gains,
    sums: NDArray[np.int32],
    positions: Starts,
    features: Floats,
    starts: Starts,
    twice: Floats,
    biases: NDArray[np.int32],
    reach: int,
    gains: Gains,
    bias_gains: Gains,
) -> None:
    """Gains of the first block under a max over time, as exact as `toggle_gains` are.

    Arguments as for `real_gains`, but toggle_gains: [n, n_out] float64, of toggling a channel
    after the max, and gains: [n_out, kernel * n_in] float64.
    """
    sums, features, twice, gains = machine.lend((sums, features, twice, gains))
    n_out, width = twice.shape
    n_in = features.shape[1]
    flat = features.reshape(-1)
    rises = np.empty(width, np.bool_)
    for sample in range(len(starts) - 1):
        for o in range(n_out):
            toggle_gain, weight, gain = toggle_gains[sample, o], twice[o], gains[o]
            total = sums[o, positions[sample] : positions[sample + 1]]
            if toggle_gain == 0.0 or total.max() > reach or total.max() < -reach:
                continue
            on = total.max() > 0
            rises[:] = False  # whether any sum is positive after the flip
            bias_rises = False
            for t in range(len(total)):
                if total[t] < -reach:
                    continue
                first = (starts[sample] - starts[0] + t) * n_in
                window, border = flat[first : first + width], np.float32(total[t])
                for j in range(width):
                    rises[j] |= border - weight[j] * window[j] > 0
                bias_rises |= total[t] > biases[o]
            for j in range(width):
                gain[j] += toggle_gain if rises[j] != on else 0.0
            bias_gains[o] += toggle_gain if bias_rises != on else 0.0
