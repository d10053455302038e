"""Kernels of walks on networks with convolutions: exact gains of single flips, when looked at.

As in `dense`, whose kernels for values and logits are used here, a look at a weight lists where its
unit's sum crosses zero, which *windows* of the pooling turn by that, and follows these up, sample
by sample, to the logits. A unit of one window a sample, as after a global max, turns on a sample or
does not, whichever weight has flipped: its effects are found once, and added up.

Linear layers are blocks whose kernel sees all of a sample. The last block has a global max.

An argument that is described here or in `dense` is not described again:

- a *row* is a frame of a block's inputs, all samples one after the other; a *position* is a row
  at which a kernel begins; a sample has less positions than rows unless the kernel is 1.
- `shape` [layers, 12] int64: the columns of `dense.shape`, then kernel, positions a window, where
  the layer's own part begins in `tallies`, `windows` and `owners`, and how many windows it has.
- `starts` [blocks + 1, n + 1] int64: first row of each sample, block by block; then, for the last
  layer, one row a sample.
- `columns` or `bits` [n_in + 1, rows] as in `dense`.
- `first` [outputs, rows] int32, sums of the first block, NEVER where no kernel begins.
- `sums` [positions, words] int64 of each of the following blocks: the sums of four units to a word,
  16 bits each. A sum is held 32,767 higher, so that it is at least 0, and its highest bit says
  whether it is positive; changes are added to whole words.
- `tallies` [windows, words] int64 likewise, how many sums in each window are positive, and
  `first_tallies` [outputs, windows] int16 those of the first block.
- `planes` [outputs + 1, windows] int8 of each block, +1 where a tally is above 0, and for a bias.
- `updates` [inputs, kernel, words] int64, twice the weights of each following block, taps in
  reverse, as positions see an input; `head` [inputs, n_logits] int8, the weights of the last layer.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.kernels import families
from evobin.kernels.dense import (
    FRESH,
    INPUTS,
    LAYER,
    LOOKS,
    OUTPUTS,
    PLANES,
    SUMS,
    UNIT,
    UPDATES,
    Floats,
    Ints,
    Objective,
    Signs,
    add_inputs,
    fill_effects_of_logit,
    flip_of_logit,
    list_crossed,
    list_flags,
    place_of,
    sum_of_ways,
    values_of,
)
from evobin.kernels.families import compiled

LANES = 4
"""Units a word."""
ZERO = 32_767
"""What a sum of 0 is in a word."""
ONES = 0x0001_0001_0001_0001
"""The lowest bit of each unit."""
KERNEL, POOL, TALLIES, WINDOWS, OWNERS, N_WINDOWS = range(6, 12)  # columns of `shape`
TAPS = 5
"""Taps whose patterns have a table: of 0, up or down, two bits each."""
FEW = 16
"""Rows of a sample for each window that turns, up to which all positions are gone through."""
ROW, CHANNEL, STEP = range(3)  # rows of a list in `found`
NEVER = -(2**30)
"""A sum that no flip moves across zero: inputs are below 2^24."""
FAR = np.int8(-100)
"""The same among sums that move by 2."""


class ConvolutionBox(NamedTuple):
    """A network with convolutions on samples; see the top of this file.

    Attributes:
        gains: [n_weights] float64; exact is that which was looked at last.
        signs: [n_weights] int8.
        dense: the tag of `dense.DenseBox`, so that numba notices edits of the kernels used here.
        labels: [n] int8.
        windows: [rows] int32 of each block: the window of the position there.
        owners: [n_windows] int32 of each block: the sample of a window.
        objective: tables.
        margins: [most rows] int32, the sums of the unit that is looked at, NEVER where it has none.
        near: [most rows] int8, of these where inputs are signs: -1 to 2, from where a flip can
            cross zero, or FAR.
        counts: [most windows] int16, its tallies.
        effects: [2, n] int64, as in `dense`, of a unit of one window a sample, or a logit.
        now: [5] int64, as in `dense`; from where to where its weights lie is not used.
        some: [most rows] int64, buffer for rows; `flags` [n or more, whole words] uint8, to mark
            rows or units.
        turned: [most windows] int64, buffer for windows that turn.
        found: [2, 3, most] int32, buffer for what turns on some samples, below and above: window,
            channel, and its new sign.
        work: [most words of a sample] int64, buffer for its sums; `spans` [most positions, 2] for
            from where to where they change, `tally` [most words] for tallies of a window.
        table: [groups of TAPS taps, patterns, words] int64, what these add to the sums above;
            `digits` [most rows of a sample] int64, buffer for what turns in each window, 1 up or 2
            down, `codes` [groups, most rows of a sample] int64 for where patterns lie in `table`.
        block: [1 to BLOCK] int64, buffer for samples that are looked at together; `ends`
            [n_logits, BLOCK] int32 for their logits, `after` [BLOCK] int64 for their values.
    """

    gains: Floats
    signs: Signs
    dense: NDArray[Any]
    columns: NDArray[np.int32]
    bits: Signs
    labels: Signs
    shape: Ints
    starts: Ints
    windows: NDArray[np.int32]
    owners: NDArray[np.int32]
    first: NDArray[np.int32]
    first_tallies: NDArray[np.int16]
    sums: Ints
    tallies: Ints
    planes: Signs
    updates: Ints
    head: Signs
    logits: NDArray[np.int32]
    values: Ints
    objective: Objective
    margins: NDArray[np.int32]
    near: Signs
    counts: NDArray[np.int16]
    effects: Ints
    now: Ints
    some: Ints
    flags: NDArray[np.uint8]
    turned: Ints
    found: NDArray[np.int32]
    work: Ints
    spans: Ints
    tally: Ints
    table: Ints
    digits: Ints
    codes: Ints
    ends: NDArray[np.int32]
    block: Ints
    after: Ints


@compiled
def has_table(shape: Ints, layer: int) -> bool:
    """Whether a unit can turn in several windows of a sample, and a block follows."""
    return layer < len(shape) - 2 and shape[layer, N_WINDOWS] > shape[-2, N_WINDOWS]


@compiled
def words_of(shape: Ints, layer: int) -> Any:
    """Words that hold a number of each unit of a layer."""
    return -(-shape[layer, OUTPUTS] // LANES)


@compiled
def begin_unit(box: ConvolutionBox, layer: int, unit: int) -> None:
    """Makes a unit the one that is looked at, if it is not: copies its sums and tallies."""
    shape, starts, now = box.shape, box.starts, box.now
    margins, counts = box.margins, box.counts
    if now[LAYER] == layer and now[UNIT] == unit:
        return
    now[LAYER], now[UNIT], now[LOOKS] = layer, unit, 0
    if layer == len(shape) - 1:
        return
    if has_table(shape, layer):
        fill_table(box, layer, unit)
    n_windows, width = shape[layer, N_WINDOWS], LANES * words_of(shape, layer)
    if layer == 0:
        for r in range(box.first.shape[1]):
            margins[r] = box.first[unit, r]
        for w in range(n_windows):
            counts[w] = box.first_tallies[unit, w]
        find_near(box, layer)
        return
    sums, tallies = box.sums.view(np.uint16), box.tallies.view(np.uint16)
    begin = LANES * shape[layer, TALLIES] + unit
    for w in range(n_windows):
        counts[w] = tallies[np.uint64(begin + w * width)]
    at = LANES * shape[layer, SUMS] + unit
    for s in range(len(box.labels)):
        end = starts[layer, s + 1] - shape[layer, KERNEL] + 1
        for r in range(starts[layer, s], end):
            margins[np.uint64(r)] = np.int32(sums[np.uint64(at)]) - ZERO
            at += width
        margins[end : starts[layer, s + 1]] = NEVER
    find_near(box, layer)


@compiled
def has_signs(box: ConvolutionBox, layer: int) -> bool:
    """Whether a layer's inputs are signs in int8."""
    return layer > 0 or len(box.bits) > 0


@compiled
def find_near(box: ConvolutionBox, layer: int) -> None:
    """Fills in `near`: a window that has a sum above 2 stays positive, whatever its others do."""
    if not has_signs(box, layer):
        return
    margins, near, windows, rows = box.margins, box.near, box.windows, box.starts[layer, -1]
    begin, r = box.shape[layer, WINDOWS], np.int64(0)
    while r < rows:
        window, end, highest = windows[begin + r], r, np.int32(NEVER)
        while end < rows and windows[np.uint64(begin + end)] == window:
            highest = max(highest, margins[np.uint64(end)])
            end += 1
        for k in range(r, end):
            margin = margins[np.uint64(k)]
            is_near = (highest <= 2) & (margin >= -1)
            near[np.uint64(k)] = np.int8(margin) if is_near else FAR
        r = end


@compiled
def list_near(near: Signs, inputs: Any, step: int, flags: NDArray[np.uint8], some: Ints) -> int:
    """As `dense.list_crossed`, in int8."""
    times = np.int8(step)
    for r in range(len(near)):
        flags[r] = (near[r] > 0) != (np.int8(near[r] + times * inputs[r]) > 0)
    return list_flags(flags, len(near), some)


@compiled
def write_unit(box: ConvolutionBox, layer: int, unit: int) -> None:
    """Writes back the sums and tallies of the unit that is looked at."""
    shape, starts, margins, counts = box.shape, box.starts, box.margins, box.counts
    n_windows, width = shape[layer, N_WINDOWS], LANES * words_of(shape, layer)
    if layer == 0:
        for r in range(box.first.shape[1]):
            box.first[unit, r] = margins[r]
        for w in range(n_windows):
            box.first_tallies[unit, w] = counts[w]
        return
    sums, tallies = box.sums.view(np.uint16), box.tallies.view(np.uint16)
    begin = LANES * shape[layer, TALLIES] + unit
    for w in range(n_windows):
        tallies[np.uint64(begin + w * width)] = counts[w]
    at = LANES * shape[layer, SUMS] + unit
    for s in range(len(box.labels)):
        for r in range(starts[layer, s], starts[layer, s + 1] - shape[layer, KERNEL] + 1):
            sums[np.uint64(at)] = margins[np.uint64(r)] + ZERO
            at += width


@compiled
def plane_of(box: ConvolutionBox, layer: int, channel: int) -> Any:
    """[rows] int8, an input of a layer that is not the first."""
    rows = box.shape[layer - 1, N_WINDOWS]
    begin = box.shape[layer - 1, PLANES] + channel * rows
    return box.planes[begin : begin + rows]


@compiled
def list_crossed_rows(box: ConvolutionBox, layer: int, source: int, step: int, all_: bool) -> int:
    """Lists in `some` where the sum of the unit looked at crosses zero by step * inputs.

    Arguments of its own:
        all_: whether also where the window stays positive.
    """
    kernel = box.shape[layer, KERNEL]
    channel, tap = source // kernel, source % kernel  # a bias is the first tap of a last channel
    n = box.starts[layer, -1] - kernel + 1
    near, margins, flags, some = box.near[:n], box.margins[:n], box.flags, box.some
    if layer > 0:
        plane = plane_of(box, layer, channel)[tap : tap + n]
        if all_:
            return list_crossed(margins, plane, step, flags, some)
        return list_near(near, plane, step, flags, some)
    if not len(box.bits):
        return list_crossed(margins, box.columns[channel][tap : tap + n], step, flags, some)
    bits = box.bits[channel][tap : tap + n]
    if all_:
        return list_crossed(margins, bits, step, flags, some)
    return list_near(near, bits, step, flags, some)


@compiled
def list_turned(box: ConvolutionBox, layer: int, crossed: int, write: bool) -> int:
    """Lists in `turned` the windows that turn where sums cross zero, and updates tallies.

    Arguments of its own:
        crossed: how many rows in `some` cross.
        write: whether the tallies of the unit are written.
    """
    margins, counts, some, turned = box.margins, box.counts, box.some, box.turned
    windows = box.windows
    begin = box.shape[layer, WINDOWS]
    count, k = 0, 0
    while k < crossed:
        window = windows[np.uint64(begin + some[np.uint64(k)])]
        tally = np.int64(counts[np.uint64(window)])
        before = tally > 0
        while k < crossed and windows[np.uint64(begin + some[np.uint64(k)])] == window:
            tally += -1 if margins[np.uint64(some[np.uint64(k)])] > 0 else 1
            k += 1
        turned[np.uint64(count)] = window
        count += (tally > 0) != before
        if write:
            counts[window] = tally
    return count


@compiled
def positive_units(tallies: int) -> Any:
    """A word whose lowest bit of each unit says whether its tally is above 0."""
    return ((tallies + ZERO * ONES) >> 15) & ONES


@compiled
def list_units(
    found: NDArray[np.int32], window: int, word: int, turned: Any, positive: Any, made: int
) -> int:
    """Appends the units of a word that turn in a window to a list; returns how many are in it."""
    unit = LANES * word
    while turned != 0:
        if turned & 1:
            found[ROW, made], found[CHANNEL, made] = window, unit
            found[STEP, made] = 2 * (positive & 1) - 1
            made += 1
        turned >>= 16
        positive >>= 16
        unit += 1
    return made


@compiled
def fill_table(box: ConvolutionBox, layer: int, unit: int) -> None:
    """Fills in what all patterns of taps add to the sums above that see a unit."""
    shape, updates, table = box.shape, box.updates, box.table
    words, kernel = words_of(shape, layer + 1), shape[layer + 1, KERNEL]
    for group in range(-(-kernel // TAPS)):
        begin, size = group * (words << 2 * TAPS), 1
        table[begin : begin + words] = 0
        for tap in range(TAPS * group, min(TAPS * group + TAPS, kernel)):
            place = shape[layer + 1, UPDATES] + (unit * kernel + kernel - 1 - tap) * words
            for e in range(size):
                for w in range(words):
                    base, change = table[begin + e * words + w], updates[place + w]
                    table[begin + (e + size) * words + w] = base + change
                    table[begin + (e + 2 * size) * words + w] = base - change
            size *= 4


@compiled
def follow_unit(box: ConvolutionBox, layer: int, count: int) -> int:
    """As `follow_block`, where one unit below turns in many windows; nothing is written.

    The taps of a position that turn, up or down, are a pattern, looked up in `table`, and a window
    is positive where any of its sums is. Positions that see nothing cost as much as others.
    """
    shape, starts, sums, tallies = box.shape, box.starts, box.sums, box.tallies
    found, table, digits, codes, owners = box.found, box.table, box.digits, box.codes, box.owners
    words, kernel, pool = words_of(shape, layer), shape[layer, KERNEL], shape[layer, POOL]
    groups, stride, most = -(-kernel // TAPS), words << 2 * TAPS, len(box.digits)
    j, made = 0, 0
    while j < count:
        s = owners[shape[layer - 1, OWNERS] + found[0, ROW, j]]
        begin, end = starts[layer, s], starts[layer, s + 1]
        positions = end - begin - kernel + 1
        digits[: end - begin] = 0
        while j < count and found[0, ROW, j] < end:
            digits[found[0, ROW, j] - begin] = 1 if found[0, STEP, j] > 0 else 2
            j += 1
        for group in range(groups):
            first, last = TAPS * group, min(TAPS * group + TAPS, kernel) - 1
            shift, code, begin_code = 2 * (last - first), np.int64(0), group * most
            for t in range(first, last):
                code = (code >> 2) | (digits[np.uint64(t)] << shift)
            for p in range(positions):
                code = (code >> 2) | (digits[np.uint64(p + last)] << shift)
                codes[np.uint64(begin_code + p)] = group * stride + code * words
        own = shape[layer, SUMS] + (begin - s * (kernel - 1)) * words
        window = starts[layer + 1, s]
        for low in range(0, positions, pool):
            at_tally = shape[layer, TALLIES] + window * words
            for w in range(words):
                signs = np.int64(0)
                for p in range(low, min(low + pool, positions)):
                    after = sums[np.uint64(own + p * words + w)]
                    after += table[np.uint64(codes[np.uint64(p)] + w)]
                    for group in range(1, groups):
                        after += table[np.uint64(codes[np.uint64(group * most + p)] + w)]
                    signs |= after
                before, after = positive_units(tallies[at_tally + w]), (signs >> 15) & ONES
                made = list_units(found[1], window, w, before ^ after, after, made)
            window += 1
    return made


@compiled
def follow_block(box: ConvolutionBox, layer: int, count: int, side: int, write: bool) -> int:
    """Lists what turns after a block when some of its inputs do, sample by sample.

    Arguments of its own:
        count: how many inputs turn, in `found[side]`, rows ascending; what follows from them is
            listed in the other list.
        write: whether sums, tallies and signs are written.

    Returns:
        How many turn.

    Cost: positions that see an input that turns, times words.
    """
    shape, starts, sums, updates = box.shape, box.starts, box.sums, box.updates
    tallies, found, work, spans, tally = box.tallies, box.found, box.work, box.spans, box.tally
    planes, owners, words = box.planes, box.owners, words_of(shape, layer)
    kernel, pool, n_windows = shape[layer, KERNEL], shape[layer, POOL], shape[layer, N_WINDOWS]
    rows, channels, steps = found[side, ROW], found[side, CHANNEL], found[side, STEP]
    j, made = 0, 0
    while j < count:
        s = owners[shape[layer - 1, OWNERS] + rows[j]]
        begin, end = starts[layer, s], starts[layer, s + 1]
        positions = end - begin - kernel + 1
        own = shape[layer, SUMS] + (begin - s * (kernel - 1)) * words
        n_spans, filled = 0, 0
        while j < count and rows[j] < end:
            t = rows[j] - begin
            low, high = max(t - kernel + 1, 0), min(t + 1, positions)
            if n_spans == 0 or low > filled:
                spans[n_spans, 0] = filled = low
                n_spans += 1
            for w in range(filled * words, high * words):
                work[np.uint64(w)] = sums[np.uint64(own + w)]
            filled = max(filled, high)
            spans[n_spans - 1, 1] = filled
            place = shape[layer, UPDATES] + ((channels[j] + 1) * kernel - 1 - t) * words
            mask = np.int64(steps[j] >> 1)  # to negate without a product, which is slow in vectors
            for w in range(low * words, high * words):
                work[np.uint64(w)] += (updates[np.uint64(place + w)] ^ mask) - mask
            j += 1
        if write:
            for k in range(n_spans):
                for w in range(spans[k, 0] * words, spans[k, 1] * words):
                    at = np.uint64(own + w)
                    work[np.uint64(w)], sums[at] = sums[at], work[np.uint64(w)]
        sense = -1 if write else 1
        k, p = 0, spans[0, 0]
        while k < n_spans:
            inside = p // pool
            window, until = starts[layer + 1, s] + inside, (inside + 1) * pool
            at_tally = shape[layer, TALLIES] + window * words
            for w in range(words):
                tally[w] = tallies[at_tally + w]
            while k < n_spans and p < until:
                stop = min(until, spans[k, 1])
                for w in range(words):
                    more = np.int64(0)
                    for q in range(p * words + w, stop * words, words):
                        before, after = sums[np.uint64(own + q)], work[np.uint64(q)]
                        more += ((after >> 15) & ONES) - ((before >> 15) & ONES)
                    tally[w] += sense * more
                p = stop
                if p == spans[k, 1]:
                    k += 1
                    if k < n_spans:
                        p = spans[k, 0]
            for w in range(words):
                before, after = positive_units(tallies[at_tally + w]), positive_units(tally[w])
                listed = made
                made = list_units(found[1 - side], window, w, before ^ after, after, made)
                if write:
                    tallies[at_tally + w] = tally[w]
                    for m in range(listed, made):
                        place = shape[layer, PLANES] + found[1 - side, CHANNEL, m] * n_windows
                        planes[place + window] = found[1 - side, STEP, m]
    return made


@compiled
def toggle(box: ConvolutionBox, layer: int, unit: int, count: int, write: bool) -> Any:
    """Turns some windows of a unit, and returns what all values change by.

    The effect of all on a sample is left in `effects`.

    Arguments of its own:
        count: how many windows in `turned`, ascending.
        write: whether signs, sums above, logits and values are written.
    """
    shape, starts, planes, head, owners = box.shape, box.starts, box.planes, box.head, box.owners
    logits, values, turned, found = box.logits, box.values, box.turned, box.found
    ends, block, after, effects = box.ends, box.block, box.after, box.effects
    top, n_logits = len(shape) - 1, len(logits)
    plane = shape[layer, PLANES] + unit * shape[layer, N_WINDOWS]
    owned = shape[layer, OWNERS]
    total, j = np.int64(0), 0
    while j < count:
        many, side, size, rows, previous = 0, 0, 0, 0, np.int64(-1)
        while j < count:
            window = turned[np.uint64(j)]
            s = np.int64(owners[np.uint64(owned + window)])
            if s != previous:
                if size == len(block):
                    break
                previous, effects[0, s] = s, 0
                rows += starts[layer + 1, s + 1] - starts[layer + 1, s]
                size += 1
            sign = planes[np.uint64(plane + window)]
            found[0, ROW, many], found[0, CHANNEL, many], found[0, STEP, many] = window, unit, -sign
            if write:
                planes[np.uint64(plane + window)] = -sign
            many += 1
            j += 1
        next_ = layer + 1
        if has_table(shape, layer) and not write and rows < FEW * many:
            many, side, next_ = follow_unit(box, next_, many), 1, next_ + 1
        for above in range(next_, top):
            many = follow_block(box, above, many, side, write)
            side = 1 - side
        size, previous = 0, np.int64(-1)
        for m in range(many):
            s = np.int64(found[side, ROW, m])
            if s != previous:
                for c in range(n_logits):
                    ends[c, size] = logits[c, s]
                block[size] = previous = s
                size += 1
            for c in range(n_logits):
                ends[c, size - 1] += 2 * found[side, STEP, m] * head[found[side, CHANNEL, m], c]
        values_of(box.objective, ends, box.labels, block[:size], after)
        for k in range(size):
            s = block[k]
            effects[0, s] = after[k] - values[s]
            total += effects[0, s]
            if write:
                values[s] = after[k]
                for c in range(n_logits):
                    logits[c, s] = ends[c, k]
    return total


@compiled
def look_at_block(box: ConvolutionBox, layer: int, unit: int, source: int, step: int) -> Any:
    """The change of all values when a weight of the unit that is looked at adds step * inputs."""
    now, turned, effects, n = box.now, box.turned, box.effects[0], len(box.labels)
    crossed = list_crossed_rows(box, layer, source, step, False)
    count = list_turned(box, layer, crossed, False)
    if box.shape[layer, N_WINDOWS] > n:
        return toggle(box, layer, unit, count, False)
    if now[LOOKS] == 0:  # a single look often
        now[LOOKS] = 1
        return toggle(box, layer, unit, count, False)
    if now[LOOKS] != FRESH:
        now[LOOKS] = FRESH
        for s in range(n):
            turned[s] = s
        toggle(box, layer, unit, n, False)
        count = list_turned(box, layer, crossed, False)
    total = np.int64(0)
    for k in range(count):
        total += effects[turned[k]]
    return total


@compiled
def flip_of_block(box: ConvolutionBox, layer: int, unit: int, source: int, step: int) -> None:
    """Adds step * inputs to the sums of the unit looked at, and writes all that follows from it."""
    shape, starts, margins, effects = box.shape, box.starts, box.margins, box.effects[0]
    kernel = shape[layer, KERNEL]
    channel, tap = source // kernel, source % kernel
    crossed = list_crossed_rows(box, layer, source, step, True)
    count = list_turned(box, layer, crossed, True)
    toggle(box, layer, unit, count, True)
    if shape[layer, N_WINDOWS] == len(box.labels):
        for k in range(count):
            effects[box.turned[k]] = -effects[box.turned[k]]
    n = starts[layer, -1] - kernel + 1
    if layer == 0 and len(box.bits):
        bits = box.bits[channel]
        add_inputs(margins[:n], bits[tap : tap + n], step)
    elif layer == 0:
        inputs = box.columns[channel]
        add_inputs(margins[:n], inputs[tap : tap + n], step)
    else:
        plane = plane_of(box, layer, channel)
        add_inputs(margins[:n], plane[tap : tap + n], step)
    for s in range(len(box.labels)):
        margins[starts[layer, s + 1] - kernel + 1 : starts[layer, s + 1]] = NEVER
    find_near(box, layer)
    write_unit(box, layer, unit)


@families.looks(ConvolutionBox)
def look_convolution(box: ConvolutionBox, i: int, size: int) -> int:
    """Makes one gain exact."""
    layer, unit, source = place_of(box.shape, i)
    step = -2 * int(box.signs[i])
    begin_unit(box, layer, unit)
    if layer < len(box.shape) - 1:
        change = look_at_block(box, layer, unit, source, step)
    else:
        if box.now[LOOKS] != FRESH:
            fill_effects_of_logit(box, unit)
            box.now[LOOKS] = FRESH
        change = sum_of_ways(box.effects, plane_of(box, layer, source), step)
    box.gains[i] = change * box.objective.scale[1]
    return 1


@families.flips(ConvolutionBox)
def flip_convolution(box: ConvolutionBox, i: int) -> None:
    """Flips a sign, and keeps all that the gains follow from."""
    shape = box.shape
    layer, unit, source = place_of(shape, i)
    step = -2 * int(box.signs[i])
    box.signs[i] = -box.signs[i]
    begin_unit(box, layer, unit)
    if layer < len(shape) - 1:
        flip_of_block(box, layer, unit, source, step)
    else:
        flip_of_logit(box, unit, plane_of(box, layer, source), step)
    if layer == 0 or source == shape[layer, INPUTS]:
        return
    if layer == len(shape) - 1:
        box.head[source, unit] = box.signs[i]
    else:
        kernel = shape[layer, KERNEL]
        place = source - source % kernel + kernel - 1 - source % kernel
        place = shape[layer, UPDATES] + place * words_of(shape, layer) + unit // LANES
        box.updates[place] += 2 * step << 16 * (unit % LANES)
