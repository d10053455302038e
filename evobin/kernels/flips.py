"""Kernels of exact incremental evaluation: what a changed filter changes, and no more.

A change is previewed without writing to anything; it is then either dropped or written. Sums and
signs of a block are held so that both are cheap. An argument that is described here is not
described again:

- `sums` [positions, n_out] int16, all channels of a position side by side: an input that toggles
  changes them all. The first block has [n_out, positions] int32, in fixed point, so that nothing
  drifts: a weight that flips changes one channel.
- `above` and `edge` [n_out, words + 1] uint64, bit planes over time: where a sum is positive, and
  where it is from -1 to 2. A flip changes a sum by 2, so that only a sum at the edge can cross
  from 0 or below to above 0, or back: a flip is decided by a few words a sample.
- `halves` [positions, n_out] int8, half the sums, (sum + 1) >> 1, cut off at -64 and 64: enough
  to see the signs as long as fewer than 64 inputs reach a sum, at half the cost.
- `bits` [rows, words of channels] uint64 and `planes` [n_out, words + 1] uint64: the pooled signs,
  packed over channels and over time.
- `updates` [n_in, kernel, n_out] int8: the weights, the last tap first: then an input that toggles
  changes neighbouring sums by neighbouring weights.
- `columns` [n_in, rows] int32: the features, in fixed point.
- `active` [n, n_out] int16: positive sums of a channel in each sample, of the last block.

Sample c's inputs are rows starts[c] to starts[c + 1] of an array, its sums positions[c] to
positions[c + 1], its pooled signs rows to[c] to to[c + 1]. Over time, every sample begins a new
word: `words` of sums, `in_words`, `out_words` say which. All these are [n + 1] int64;
`sample_of_row` [rows] int32 is the way back. A window has `pool` positions, the last one may have
fewer. A global max, and the last block always, pools over all of time, written as pool = 0: its
rows out are the samples. A toggled sign is written as row * 2^16 + channel. `toggled` int64 is
overwritten from the front with those found; a kernel returns how many they are, and has not
written those past its end.

Kernels in the plural preview several flips of one solution at once, each of them alone: a toggled
sign is then owner * 2^48 + row * 2^16 + channel, the owner being the number of the flip, in
ascending order. Called for a few samples at a time, they keep what belongs to those in the cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evobin.kernels import machine

Bits = NDArray[np.uint64]
Ints = NDArray[np.int64]
Signs = NDArray[np.int8]
Starts = NDArray[np.int64]

HALF = 64  # half a sum is cut off there: 63 steps and it still has its sign, and fits int8


@njit(nogil=True, cache=True)
def popcount(x: np.uint64) -> Any:
    """Set bits of a word; as in `forward`, since numba's disk cache misses edits of other files."""
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(nogil=True, cache=True)
def lowest_bit(word: np.uint64) -> Any:
    """Place of the lowest set bit of a word that is not 0."""
    return popcount(~word & (word - np.uint64(1)))


@njit(nogil=True, cache=True)
def longest_of(starts: Starts) -> Any:
    """Length of the longest sample, from where each one begins."""
    longest = 0
    for sample in range(len(starts) - 1):
        longest = max(longest, starts[sample + 1] - starts[sample])
    return longest


@njit(nogil=True, cache=True)
def row_of(entry: int) -> Any:
    """The row of a toggled sign."""
    return (entry >> 16) & 0xFFFFFFFF


@njit(nogil=True, cache=True, forceinline=True)
def positives(numbers: Any, first: int, size: int) -> Any:
    """Whether each of `size` numbers is above 0, from `first` on, as bits of a word; at most 64."""
    if size >= 64:
        return machine.positives(numbers, first)
    word = np.uint64(0)
    for k in range(size):
        word |= np.uint64(numbers[first + k] > 0) << np.uint64(k)
    return word


@njit(nogil=True, cache=True)
def list_bits(word: np.uint64, first: int, out: Ints, count: int) -> Any:
    """Appends first + o to `out` for each bit o of a word that is set; returns the new count."""
    while word != 0:
        if count < len(out):
            out[count] = first + lowest_bit(word)
        word &= word - np.uint64(1)
        count += 1
    return count


@njit(nogil=True, cache=True)
def list_flags(eights: Bits, first: int, out: Ints, count: int) -> int:
    """Appends first + o to `out` for each flag o that is set; returns the new count.

    Args:
        eights: [m] uint64, flags as bytes of 0 and 1, eight to a word: most are 0 and passed over.
        first: added to each.
        out: int64, filled from `count`.
        count: entries already in `out`.
    """
    for j in range(len(eights)):
        left = eights[j]
        while left != 0:
            if count < len(out):
                out[count] = first + 8 * j + lowest_bit(left) // 8
            left &= left - np.uint64(1)
            count += 1
    return count


@njit(nogil=True, cache=True)
def crossing_sums(
    now: Bits, near: Bits, plane: Bits, sources: Bits, tap: int, old: int, crossed: Bits
) -> None:
    """Sums of a filter that cross from 0 or below to above 0, or back, when one weight flips.

    A product of +1 falls, lowering its sum by 2, and one of -1 rises.

    Args:
        now: [words] uint64, where a sum is positive.
        near: [words] uint64, where it is from -1 to 2.
        plane: [words in + 1] uint64, the input that the weight multiplies.
        sources: [words] uint64, word of the inputs that belongs to each of the sums.
        tap: offset of the weight in its window, or -1 for the bias, whose input is +1.
        old: the weight before.
        crossed: [words] uint64, overwritten.
    """
    inverted = np.uint64(0) if old > 0 else ~np.uint64(0)
    if tap < 0:
        for j in range(len(crossed)):
            crossed[j] = near[j] & (now[j] ^ inverted)
        return
    ahead, shift, one = np.uint64(tap // 64), np.uint64(tap % 64), np.uint64(1)
    back = np.uint64(63) - shift
    for j in range(len(crossed)):
        source = sources[j] + ahead
        inputs = (plane[source] >> shift) | ((plane[source + one] << one) << back)
        crossed[j] = near[j] & ~(now[j] ^ inputs ^ inverted)


@njit(nogil=True, cache=True)
def toggled_windows(now: Bits, crossed: Bits, pool: int) -> None:
    """Turns sums that cross into windows that toggle, each a bit at its first place.

    Args:
        now: [words] uint64, where a sum is positive; the windows of a word are whole.
        crossed: [words] uint64, updated.
        pool: positions a window, 1, 2 or 4.
    """
    first = ~np.uint64(0) // np.uint64((1 << pool) - 1)
    for j in range(len(crossed)):
        before, after = now[j], now[j] ^ crossed[j]
        if pool > 1:
            before |= before >> np.uint64(1)
            after |= after >> np.uint64(1)
        if pool > 2:
            before |= before >> np.uint64(2)
            after |= after >> np.uint64(2)
        crossed[j] = (before ^ after) & first


@njit(nogil=True, cache=True)
def toggled_threes(now: Bits, crossed: Bits, words: Starts) -> None:
    """As `toggled_windows` with windows of three, which reach into the next word of their sample.

    Arguments of its own:
        words: [n + 1] int64, from 0.
    """
    one, two, last = np.uint64(1), np.uint64(2), np.uint64(63)
    first = (~np.uint64(0) // np.uint64(7) << two) | one  # every third bit
    for sample in range(len(words) - 1):
        for j in range(words[sample], words[sample + 1]):
            before, after = now[j], now[j] ^ crossed[j]
            over, over_after = np.uint64(0), np.uint64(0)
            if j + 1 < words[sample + 1]:
                over, over_after = now[j + 1], now[j + 1] ^ crossed[j + 1]
            before |= (before >> one) | (before >> two) | (over << last) | (over << (last - one))
            after |= (after >> one) | (after >> two)
            after |= (over_after << last) | (over_after << (last - one))
            offset = np.uint64(2 * (j - words[sample]) % 3)  # 64 positions a word
            crossed[j] = (before ^ after) & (first << offset)


@njit(nogil=True, cache=True)
def rows_of_flips(
    above: Bits,
    edge: Bits,
    planes: Bits,
    changes: Ints,
    words: Starts,
    sources: Bits,
    pool: int,
    to: Starts,
    toggled: Ints,
) -> int:
    """Pooled signs of a binary block that toggle when one weight flips, for each of several.

    Arguments of its own:
        planes: [n_in, words in + 1] uint64, the inputs.
        changes: [m, 4] int64, output channel, input channel, offset of the weight in its window or
            -1 for the bias, whose input is +1, and the weight before.
        sources: [words of these samples] uint64, word of the inputs that belongs to each.
    """
    machine.widen()
    above, edge, planes, sources = machine.lend((above, edge, planes, sources))
    count, one = 0, np.uint64(1)
    start, all_words = words[0], words[-1] - words[0]
    crossed = np.empty(all_words, np.uint64)
    for owner in range(len(changes)):
        o, i, tap, old = changes[owner]
        now, near = above[o, start : start + all_words], edge[o, start : start + all_words]
        crossing_sums(now, near, planes[i], sources, tap, old, crossed)
        if pool == 3:
            toggled_threes(now, crossed, words - start)
        elif pool > 0:
            toggled_windows(now, crossed, pool)
        for sample in range(len(words) - 1):
            first, last = words[sample] - start, words[sample + 1] - start
            if pool == 0:
                before, after = now[first], now[first] ^ crossed[first]
                for j in range(first + 1, last):
                    before |= now[j]
                    after |= now[j] ^ crossed[j]
                if (before != 0) != (after != 0):
                    if count < len(toggled):
                        toggled[count] = (owner << 48) + (to[sample] << 16) + o
                    count += 1
                continue
            entry = (owner << 48) + (to[sample] << 16) + o
            for j in range(first, last):
                left = crossed[j]
                while left != 0:
                    row = (64 * (j - first) + lowest_bit(left)) // pool
                    left &= left - one
                    if count < len(toggled):
                        toggled[count] = entry + (row << 16)
                    count += 1
    return count


@njit(nogil=True, cache=True)
def rows_of_real_flips(
    sums: NDArray[np.int32],
    columns: NDArray[np.int32],
    unit: int,
    changes: Ints,
    starts: Starts,
    positions: Starts,
    pool: int,
    to: Starts,
    toggled: Ints,
) -> int:
    """Pooled signs of the first block that toggle when one weight flips, for each of several.

    Arguments of its own, beside the `changes` of `rows_of_flips`:
        unit: what a bias of 1 is in the features' fixed point.
    """
    machine.widen()
    sums, columns = machine.lend((sums, columns))
    flags = np.zeros(-(-longest_of(positions) // 64) * 64, np.int8)
    count = 0
    for owner in range(len(changes)):
        o, tap = changes[owner, 0], changes[owner, 2]
        total, column = sums[o], columns[changes[owner, 1]]
        step, fixed = np.int32(-2 * changes[owner, 3]), np.int32(0)
        if tap < 0:
            step, fixed, tap = np.int32(0), np.int32(step * unit), 0
        for sample in range(len(positions) - 1):
            first, length = positions[sample], positions[sample + 1] - positions[sample]
            before = total[first : first + length]
            source = column[starts[sample] + tap : starts[sample] + tap + length]
            for t in range(length):
                after = np.int32(before[t] + np.int32(step * source[t] + fixed))
                flags[t] = (before[t] > 0) != (after > 0)
            flags[length:] = 0
            size = pool if pool > 0 else length
            entry, last = (owner << 48) + (to[sample] << 16) + o, -1
            for low in range(0, length, 64):
                left = machine.positives(flags, low)
                while left != 0:
                    row = (low + lowest_bit(left)) // size
                    left &= left - np.uint64(1)
                    if row == last:
                        continue
                    last = row
                    was, will = 0, 0
                    for t in range(row * size, min(row * size + size, length)):
                        was |= int(before[t] > 0)
                        will |= int(np.int32(before[t] + np.int32(step * source[t] + fixed)) > 0)
                    if was != will:
                        if count < len(toggled):
                            toggled[count] = entry + (row << 16)
                        count += 1
    return count


@njit(nogil=True, cache=True)
def shift_channel(
    sums: NDArray[np.int32],
    column: NDArray[np.int32],
    tap: int,
    factor: int,
    starts: Starts,
    positions: Starts,
    out: NDArray[np.int32],
) -> None:
    """Adds factor * column, `tap` rows later, to one channel of the first block.

    Arguments of its own:
        sums: [positions] int32.
        column: [rows] int32, the feature that the flipped weight multiplies.
        tap: offset of the weight in its window, or -1 for the bias: `factor` is added.
        factor: minus twice the weight that was; for the bias in the features' unit.
        out: [positions] int32, overwritten with the new sums; may be `sums`.
    """
    step = np.int32(factor)
    if tap < 0:
        for t in range(len(sums)):
            out[t] = sums[t] + step
        return
    for sample in range(len(starts) - 1):
        first, length = positions[sample], positions[sample + 1] - positions[sample]
        source = column[starts[sample] + tap : starts[sample] + tap + length]
        before, after = sums[first : first + length], out[first : first + length]
        for t in range(length):
            after[t] = before[t] + step * source[t]


@njit(nogil=True, cache=True)
def shift_signs(
    sums: Any,
    plane: Bits,
    tap: int,
    step: int,
    in_words: Starts,
    positions: Starts,
    out: NDArray[np.int16],
) -> None:
    """Adds step * input, `tap` rows later, to one channel of a binary block.

    Arguments of its own:
        sums: [positions] int16, any stride.
        plane: [words in + 1] uint64, the input that the flipped weight multiplies.
        tap: offset of the weight in its window, or -1 for the bias, whose input is +1.
        step: minus twice the weight that was.
        out: [positions] int16, overwritten with the new sums.
    """
    for sample in range(len(positions) - 1):
        first, source = positions[sample], 64 * in_words[sample] + tap
        for t in range(positions[sample + 1] - first):
            rises = np.uint64(1)
            if tap >= 0:
                rises &= plane[(source + t) >> 6] >> np.uint64((source + t) & 63)
            out[first + t] = sums[first + t] + step * (2 * np.int64(rises) - 1)


@njit(nogil=True, cache=True)
def follow(
    inputs: Ints,
    bits: Bits,
    sample_of_row: NDArray[np.int32],
    starts: Starts,
    updates: Signs,
    step: int,
    most: int,
    sums: Any,
    positions: Starts,
    pool: int,
    to: Starts,
    active: NDArray[np.int16],
    buffer: Any,
    toggled: Ints,
) -> int:
    """Pooled signs of a binary block that toggle when some of its inputs do, for each owner alone.

    Cost: kernel * n_out additions an input, vectorised.

    Arguments of its own:
        inputs: [m] int64, toggled inputs, in ascending order of owners and rows.
        bits: [rows, words of n_in] uint64, the inputs before they toggle.
        step: what an input changes a sum by: 2, or 1 for `halves`.
        most: inputs that may reach one sum.
        sums: [positions, n_out] int16, or int8 `halves`.
        buffer: [positions of the longest sample, n_out] of the type of `sums`, overwritten with the
            new sums.

    Returns:
        How many signs toggle; those past the end of `toggled` were not written. -1 if more than
        `most` inputs reach one sum.
    """
    updates, sums, buffer = machine.lend((updates, sums, buffer))
    _, kernel, n_out = updates.shape
    span = max(pool, 1)
    n_words = (n_out + 63) // 64
    flat_active, flat_updates = active.reshape(-1), updates.reshape(-1)
    windows = np.empty(len(buffer), np.int64)  # first positions of those touched
    flat, flat_buffer = sums.reshape(-1), buffer.reshape(-1)
    count = 0
    m = 0
    while m < len(inputs):
        owner, sample = inputs[m] >> 48, sample_of_row[row_of(inputs[m])]
        first, length = positions[sample], positions[sample + 1] - positions[sample]
        tail, cleared, n_windows = m, 0, 0
        while m < len(inputs):
            at, i = row_of(inputs[m]), inputs[m] & 0xFFFF
            if sample_of_row[at] != sample or inputs[m] >> 48 != owner:
                break
            while row_of(inputs[tail]) + kernel <= at:
                tail += 1
            if m - tail >= most:
                return -1
            row = at - starts[sample]
            low, high = max(row - kernel + 1, 0), min(row + 1, length)
            if high > cleared and low < high:
                window = max(low // span * span, cleared)
                cleared = min(window + -(-(high - window) // span) * span, length)
                before = flat[(first + window) * n_out : (first + cleared) * n_out]
                after = flat_buffer[window * n_out : cleared * n_out]
                for start in range(window, cleared, span):
                    windows[n_windows] = start
                    n_windows += 1
                for j in range(len(after)):
                    after[j] = before[j]
            rises = (bits[at, i // 64] >> np.uint64(i % 64)) & np.uint64(1) == 0
            tap = i * kernel + kernel - 1 - row + low
            weight = flat_updates[tap * n_out : (tap + high - low) * n_out]
            after = flat_buffer[low * n_out : high * n_out]
            if step > 1:
                shift = step if rises else -step
                for j in range(len(after)):
                    after[j] += shift * weight[j]
            elif rises:  # bytes are added, but not multiplied, many at a time
                for j in range(len(after)):
                    after[j] += weight[j]
            else:
                for j in range(len(after)):
                    after[j] -= weight[j]
            m += 1
        entry, touched = (owner << 48) + (to[sample] << 16), windows[:n_windows]
        for window in touched[: n_windows if pool > 0 else 0]:
            end = min(window + pool, length)
            for word in range(n_words):
                low, size = 64 * word, n_out - 64 * word
                was, will = np.uint64(0), np.uint64(0)
                for t in range(window, end):
                    was |= positives(flat, (first + t) * n_out + low, size)
                    will |= positives(flat_buffer, t * n_out + low, size)
                at = entry + (window // pool << 16) + low
                count = list_bits(was ^ will, at, toggled, count)
        for word in range(n_words if pool == 0 else 0):
            low, size = 64 * word, n_out - 64 * word
            was, will = np.uint64(0), np.uint64(0)
            for window in touched:
                was |= positives(flat, (first + window) * n_out + low, size)
                will |= positives(flat_buffer, window * n_out + low, size)
            on = positives(flat_active, sample * n_out + low, size)
            left = (will & ~on) | (was & ~will & on)
            while left != 0:
                o = low + lowest_bit(left)
                left &= left - np.uint64(1)
                fallen = active[sample, o]
                for window in touched[: min(n_windows, n_windows * fallen)]:
                    fallen -= flat[(first + window) * n_out + o] > 0
                if fallen == 0:  # none is positive elsewhere
                    if count < len(toggled):
                        toggled[count] = entry + o
                    count += 1
    return count


@njit(nogil=True, cache=True)
def halve_sums(sums: Any, halves: Any) -> None:
    """Halves sums: (sum + 1) >> 1, cut off at -HALF and HALF.

    Args:
        sums: [n] int16.
        halves: [n] int8, any stride, overwritten.
    """
    for j in range(len(sums)):
        halves[j] = max(min(np.int16((sums[j] + 1) >> 1), np.int16(HALF)), np.int16(-HALF))


@njit(nogil=True, cache=True)
def write_inputs(
    inputs: Ints,
    bits: Bits,
    sample_of_row: NDArray[np.int32],
    starts: Starts,
    updates: Signs,
    sums: NDArray[np.int16],
    halves: Signs,
    positions: Starts,
    words: Starts,
    above: Bits,
    edge: Bits,
    active: NDArray[np.int16],
) -> None:
    """Writes what `follow` previewed of a block's sums, and brings its planes up to date.

    Updates `sums`, `halves`, `above`, `edge`, and `active`, empty if not of the last block.

    Arguments of its own:
        inputs: as for `follow`.
        bits: [rows, n_words] uint64, the inputs after they toggled.
    """
    _, kernel, n_out = updates.shape
    flags = np.zeros(-(-n_out // 8) * 8, np.uint8)
    eights = flags.view(np.uint64)
    found = np.empty(n_out, np.int64)
    for m in range(len(inputs)):
        row, i = inputs[m] >> 16, inputs[m] & 0xFFFF
        sample = sample_of_row[row]
        rises = (bits[row, i // 64] >> np.uint64(i % 64)) & np.uint64(1) == 1
        twice = np.int16(2) if rises else np.int16(-2)
        row -= starts[sample]
        length = positions[sample + 1] - positions[sample]
        for t in range(max(row - kernel + 1, 0), min(row + 1, length)):
            now, weight = sums[positions[sample] + t], updates[i, kernel - 1 - row + t]
            word, bit = words[sample] + t // 64, np.uint64(1) << np.uint64(t % 64)
            for o in range(n_out):
                flags[o] = -3 <= now[o] <= 4  # a step of 2 may change the planes
            near = list_flags(eights, 0, found, 0)
            for j in range(near):
                o = found[j]
                old, new = now[o], now[o] + twice * weight[o]
                if (old > 0) != (new > 0):
                    above[o, word] ^= bit
                    if len(active) > 0:
                        active[sample, o] += np.int16(1) if new > 0 else np.int16(-1)
                if (-1 <= old <= 2) != (-1 <= new <= 2):
                    edge[o, word] ^= bit
            for o in range(n_out):
                now[o] += twice * weight[o]
            halve_sums(now, halves[positions[sample] + t])


@njit(nogil=True, cache=True)
def shift_logits(
    toggled: Ints, active: NDArray[np.int16], head: Signs, logits: Ints, out: Ints
) -> None:
    """Logits when some channels after the max over time toggle, for each owner alone.

    Args:
        toggled: [m] int64, owner * 2^48 + sample * 2^16 + channel.
        active: [n, n_hidden] int16, above 0 where a channel is +1 before it toggles.
        head: [n_hidden, n_logits] int8, weights of the last layer.
        logits: [n, n_logits] int64, before.
        out: [owners, n, n_logits] int64, overwritten.
    """
    flat, flat_out = logits.reshape(-1), out.reshape(len(out), -1)
    for owner in range(len(out)):
        for j in range(len(flat)):
            flat_out[owner, j] = flat[j]
    for m in range(len(toggled)):
        owner, sample, o = toggled[m] >> 48, row_of(toggled[m]), toggled[m] & 0xFFFF
        step = np.int64(-2) if active[sample, o] > 0 else np.int64(2)
        for c in range(head.shape[1]):
            out[owner, sample, c] += step * head[o, c]


@njit(nogil=True, cache=True)
def mean_of_table(table: NDArray[np.float64], labels: Signs, logits: Ints, counts: Ints) -> float:
    """Mean of table[label, logit], whatever the order of the samples: equal ones are counted first.

    Args:
        table: [2, 2 * largest + 1] float64, the logit 0 in the middle.
        labels: [n] int8 of 0 and 1.
        logits: [n, 1] int64.
        counts: [2, 2 * largest + 1] int64, overwritten.
    """
    middle = table.shape[1] // 2
    counts[:] = 0
    for sample in range(len(labels)):
        counts[labels[sample], middle + logits[sample, 0]] += 1
    total = 0.0
    for label in range(2):
        for column in range(table.shape[1]):
            if counts[label, column] > 0:
                total += counts[label, column] * table[label, column]
    return total / len(labels)


@njit(nogil=True, cache=True)
def means_of_table(
    table: NDArray[np.float64],
    labels: Signs,
    logits: Ints,
    counts: Ints,
    out: NDArray[np.float64],
) -> None:
    """out[m] = `mean_of_table` of logits[m]; they are [owners, n, 1] int64."""
    for owner in range(len(out)):
        out[owner] = mean_of_table(table, labels, logits[owner], counts)


@njit(nogil=True, cache=True)
def mean_of_softmax(
    powers: NDArray[np.float64], slope: float, labels: Signs, logits: Ints
) -> float:
    """Mean log-probability of labels, the probabilities being the softmax of slope * logits.

    Args:
        powers: [largest difference of logits + 1] float64, exp(-slope * difference).
        slope: above 0.
        labels: [n] int8, from 0.
        logits: [n, n_logits] int64.
    """
    total = 0.0
    for sample in range(len(labels)):
        row = logits[sample]
        largest = row.max()
        mass = 0.0
        for c in range(len(row)):
            mass += powers[largest - row[c]]
        total += slope * (row[labels[sample]] - largest) - np.log(mass)
    return total / len(labels)


@njit(nogil=True, cache=True)
def means_of_softmax(
    powers: NDArray[np.float64],
    slope: float,
    labels: Signs,
    logits: Ints,
    out: NDArray[np.float64],
) -> None:
    """out[m] = `mean_of_softmax` of logits[m]; they are [owners, n, n_logits] int64."""
    for owner in range(len(out)):
        out[owner] = mean_of_softmax(powers, slope, labels, logits[owner])
