"""Kernels of walks on dense networks: exact gains of single flips, found when they are looked at.

A flip changes the sums of one unit, its own, and so toggles the unit's sign on some samples. What a
toggle is worth on a sample does not depend on which of the unit's weights has flipped. So walks,
which look at one weight after the other, find the *effects* of a unit, sample by sample, once; the
gain of each of its weights is then the sum of some of these: one vectorised pass. Units of the last
layer are the logits, and move by 2 up or down on every sample. A first look at a unit is a single
one often, and adds up toggles one by one.

What a sample is worth, its *value*, is a whole number: the probability of its label, or the
logarithm of that, in units so small that rounding does not matter, and such that sums over all
samples are exact, in any order, as float64.

An argument that is described here is not described again; there are n samples:

- `layer` from 0; `unit` one of its outputs; `source` one of its inputs, the last one is the bias.
- `shape` [layers, 6] int64: for each layer the place of its first weight in a solution, inputs
  without the bias, outputs, and where its own part begins in `sums`, `planes` and `updates`.
- `columns` [inputs + 1, n] int32: features in fixed point, then what a bias of 1 is there; empty
  where inputs are signs, which are in `bits` [inputs + 1, n] int8, else empty. So a box has one
  type, and all is compiled once.
- `first` [outputs, n] int32: sums of the first layer, `sums` [n, outputs] int16 those of each of
  the following hidden layers, one after the other: an input that toggles changes a whole row.
- `planes` [outputs + 1, n] int8 of each hidden layer: signs of the sums, then +1 for a bias.
- `updates` [inputs, outputs] int8, the weights of each layer but the first.
- `logits` [n_logits, n] int32; `values` [n] int64.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.kernels import families
from evobin.kernels.families import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Signs = NDArray[np.int8]

START, INPUTS, OUTPUTS, SUMS, PLANES, UPDATES = range(6)  # columns of `shape`
LAYER, UNIT, LOW, HIGH, LOOKS = range(5)  # places in `now`
FRESH = 2
ONE = 44
"""Binary digits of 1 where probabilities are whole numbers: the mass of 100 fits float64."""
BLOCK = 256
"""Samples whose values are found together."""
FINE = 6
"""Binary digits of the steps of the table of logarithms, between which a polynomial does."""


class Objective(NamedTuple):
    """Tables for values; see `core.objective`.

    Attributes:
        pair: [2, 2 * largest + 1] int64, the value by label and logit; empty for several logits.
        powers: [differences] int64, exp(-slope * difference), 1 being 2^ONE.
        losses: [differences] float64, slope * difference.
        logs: [masses, 2] float64, logarithms at the middle of each step, and what 1 / mass is.
        scale: [2] float64: what a probability of 1, or 1 nat, of a sample is as a value, and what a
            value of 1 is as a part of the mean.
        is_log: whether values are of the logarithms of probabilities.
    """

    pair: Ints
    powers: Ints
    losses: Floats
    logs: Floats
    scale: Floats
    is_log: bool


class DenseBox(NamedTuple):
    """A dense network on samples; see the top of this file.

    Attributes:
        gains: [n_weights] float64; exact is that which was looked at last.
        signs: [n_weights] int8.
        labels: [n] int8.
        objective: tables.
        margins: [n] int32, the sums of the unit that is looked at, if it is not of the first layer.
        effects: [2, n] int64, changes of its samples' values: where its sign toggles; of a logit,
            where it rises, and where it falls.
        now: [5] int64: the layer and the unit that is looked at, from where to where its weights
            lie, and whether it has been looked at not at all, once, or its effects are there.
        some: [n] int64, buffer for samples; `flags` [n or more, whole words] uint8, one to mark
            them, or units.
        found: [widest] int64, buffer for units that toggle, `steps` int16 for what they add.
        row: [widest] int16, buffer for sums of a sample.
        ends: [n_logits, BLOCK] int32, buffer for logits of some samples; `ways` [BLOCK] int32 for
            what a unit adds to them, `after` [BLOCK] int64 for their values.
    """

    gains: Floats
    signs: Signs
    columns: NDArray[np.int32]
    bits: Signs
    labels: Signs
    shape: Ints
    first: NDArray[np.int32]
    sums: NDArray[np.int16]
    planes: Signs
    updates: Signs
    logits: NDArray[np.int32]
    values: Ints
    objective: Objective
    margins: NDArray[np.int32]
    effects: Ints
    now: Ints
    some: Ints
    flags: NDArray[np.uint8]
    found: Ints
    steps: NDArray[np.int16]
    row: NDArray[np.int16]
    ends: NDArray[np.int32]
    ways: NDArray[np.int32]
    after: Ints


@compiled
def values_of(
    objective: Objective, ends: NDArray[np.int32], labels: Signs, some: Ints, after: Ints
) -> None:
    """Values of some samples, in units.

    Args:
        objective: tables.
        ends: [n_logits, BLOCK] int32, their logits.
        labels: [n] int8, those of all samples.
        some: [m] int64, which samples they are, m at most BLOCK.
        after: [m or more] int64, overwritten with the values.
    """
    pair, powers, losses, logs, scale, is_log = objective
    size, middle = len(some), pair.shape[1] // 2
    if len(ends) == 1:
        for k in range(size):
            after[k] = pair[labels[some[k]], middle + ends[0, k]]
        return
    peaks, sums = np.empty(BLOCK, np.int32), np.empty(BLOCK)
    rests, inverses = np.empty(BLOCK), np.empty(BLOCK)
    for k in range(size):
        peaks[k] = ends[0, k]
    for c in range(1, len(ends)):
        for k in range(size):
            peaks[k] = max(peaks[k], ends[c, k])
    for k in range(size):
        after[k] = powers[np.uint32(peaks[k] - ends[0, k])]
    for c in range(1, len(ends)):
        for k in range(size):
            after[k] += powers[np.uint32(peaks[k] - ends[c, k])]
    if not is_log:
        for k in range(size):
            own = powers[np.uint32(peaks[k] - ends[labels[some[k]], k])]
            after[k] = np.int64(np.rint(own / after[k] * scale[0]))
        return
    for k in range(size):
        step = after[k] >> (ONE - FINE)
        behind = peaks[k] - ends[labels[some[k]], k]
        rests[k] = after[k] * (1 / (1 << ONE)) - (step + 0.5) * (1 / (1 << FINE))
        inverses[k] = logs[np.uint64(step), 1]
        sums[k] = losses[np.uint32(behind)] + logs[np.uint64(step), 0]
    for k in range(size):
        r = rests[k] * inverses[k]
        tail = r * (1 - r * (1 / 2 - r * (1 / 3 - r * (1 / 4 - r * (1 / 5 - r * (1 / 6))))))
        after[k] = -np.int64(np.rint((sums[k] + tail) * scale[0]))


@compiled
def values_of_all(objective: Objective, logits: NDArray[np.int32], labels: Signs) -> Ints:
    """[n] int64, the values of all samples, from [n_logits, n]."""
    n = len(labels)
    some, values = np.arange(n), np.empty(n, np.int64)
    ends = np.empty((len(logits), BLOCK), np.int32)
    for low in range(0, n, BLOCK):
        high = min(low + BLOCK, n)
        for c in range(len(logits)):
            for k in range(high - low):
                ends[c, k] = logits[c, low + k]
        values_of(objective, ends, labels, some[low:high], values[low:])
    return values


@compiled
def place_of(shape: Ints, i: int) -> Any:
    """Layer, unit and source of sign i."""
    layer = len(shape) - 1
    while shape[layer, START] > i:
        layer -= 1
    inside, inputs = i - shape[layer, START], shape[layer, INPUTS]
    if inside < inputs * shape[layer, OUTPUTS]:
        return layer, inside // inputs, inside % inputs
    return layer, inside - inputs * shape[layer, OUTPUTS], inputs


@compiled
def popcount(x: np.uint64) -> Any:
    """Set bits of a word; as in `forward`, since numba's disk cache misses edits of other files."""
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def list_flags(flags: NDArray[np.uint8], size: int, found: Ints) -> int:
    """Lists which of the first flags are set, and returns how many; most are 0 and passed over.

    Args:
        flags: [size or more, whole words] uint8 of 0 and 1; those past `size` are overwritten.
        size: how many.
        found: overwritten from the front.
    """
    words = -(-size // 8)
    flags[size : 8 * words] = 0
    eights = flags.view(np.uint64)
    count = 0
    for j in range(words):
        left = eights[j]
        while left != 0:
            found[count] = 8 * j + popcount(~left & (left - np.uint64(1))) // 8
            left &= left - np.uint64(1)
            count += 1
    return count


@compiled
def list_crossed(
    margins: NDArray[np.int32], inputs: Any, step: int, flags: NDArray[np.uint8], some: Ints
) -> int:
    """Lists the samples whose sum crosses zero when it changes by step * inputs."""
    times = np.int32(step)
    for s in range(len(margins)):
        after = np.int32(margins[s] + times * np.int32(inputs[s]))
        flags[s] = (margins[s] > 0) != (after > 0)
    return list_flags(flags, len(margins), some)


@compiled
def sum_where_crossed(margins: NDArray[np.int32], inputs: Any, step: int, effects: Ints) -> Any:
    """The effects of the samples whose sum crosses zero when it changes by step * inputs."""
    total, times = np.int64(0), np.int32(step)
    for s in range(len(margins)):
        before = np.int32(margins[s] - 1)  # below 0 where the sum is not positive
        after = np.int32(before + times * np.int32(inputs[s]))
        total += effects[s] & np.int64(np.int32(before ^ after) >> 31)  # all bits or none
    return total


@compiled
def follow(box: DenseBox, layer: int, unit: int, s: int, write: bool) -> int:
    """Units of the last hidden layer that toggle on a sample when one of a layer below it does.

    They are listed in `found`, with what they add to each sum above in `steps`, 2 or -2.

    Cost: units that toggle times outputs, layer by layer, vectorised.
    """
    shape, planes, sums, updates = box.shape, box.planes, box.sums, box.updates
    found, steps, row, flags, n = box.found, box.steps, box.row, box.flags, len(box.labels)
    sign = planes[shape[layer, PLANES] + unit * n + s]
    found[0], steps[0], toggled = unit, -2 * sign, 1
    for above in range(layer + 1, len(shape) - 1):
        outputs = shape[above, OUTPUTS]
        first, weights = shape[above, SUMS] + s * outputs, shape[above, UPDATES]
        for o in range(outputs):
            row[o] = sums[first + o]
        for j in range(toggled):
            step, begin = steps[j], weights + found[j] * outputs
            for o in range(outputs):
                row[o] += step * updates[begin + o]
        for o in range(outputs):
            flags[o] = (sums[first + o] > 0) != (row[o] > 0)
        toggled = list_flags(flags, outputs, found)
        for j in range(toggled):
            steps[j] = 2 if row[found[j]] > 0 else -2
        if write:
            plane = shape[above, PLANES] + s
            for o in range(outputs):
                sums[first + o] = row[o]
            for j in range(toggled):
                planes[plane + found[j] * n] = steps[j] // 2
    return toggled


@compiled
def toggle(
    box: DenseBox, layer: int, unit: int, some: Ints, count: int, write: bool, known: bool
) -> None:
    """Toggles a hidden unit's sign on some samples; fills in their effects.

    Arguments of its own:
        some: [count or more] int64, the samples, ascending.
        count: how many.
        write: whether signs, sums above, and logits are written as well; the unit's own sums and
            the values are not.
        known: whether the effects are there already.
    """
    shape, planes, updates, logits = box.shape, box.planes, box.updates, box.logits
    labels, values, effects = box.labels, box.values, box.effects
    found, steps, ends, ways, after = box.found, box.steps, box.ends, box.ways, box.after
    n, top, n_logits = len(labels), len(shape) - 1, len(logits)
    own, last = shape[layer, PLANES] + unit * n, shape[top, UPDATES]
    for low in range(0, count, BLOCK):
        block = some[low : min(low + BLOCK, count)]
        if layer == top - 1:
            for k in range(len(block)):
                ways[k] = -2 * planes[own + block[k]]
            for c in range(n_logits):
                weight = np.int32(updates[last + unit * n_logits + c])
                if count == n:  # in order: no list to go by
                    for k in range(len(block)):
                        ends[c, k] = logits[c, low + k] + ways[k] * weight
                else:
                    for k in range(len(block)):
                        ends[c, k] = logits[c, block[k]] + ways[k] * weight
        else:
            for k in range(len(block)):
                toggled = follow(box, layer, unit, block[k], write)
                for c in range(n_logits):
                    total = logits[c, block[k]]
                    for j in range(toggled):
                        total += steps[j] * updates[last + found[j] * n_logits + c]
                    ends[c, k] = total
        if write:
            for k in range(len(block)):
                planes[own + block[k]] = -planes[own + block[k]]
            for c in range(n_logits):
                for k in range(len(block)):
                    logits[c, block[k]] = ends[c, k]
        if not known:
            values_of(box.objective, ends, labels, block, after)
            for k in range(len(block)):
                effects[0, block[k]] = after[k] - values[block[k]]


@compiled
def fill_effects_of_logit(box: Any, unit: int) -> None:
    """Fills in what samples' values gain when a logit rises by 2, and when it falls."""
    logits, labels, values, effects = box.logits, box.labels, box.values, box.effects
    ends, after, some, n = box.ends, box.after, box.some, len(box.labels)
    for s in range(n):
        some[s] = s
    for low in range(0, n, BLOCK):
        block = some[low : min(low + BLOCK, n)]
        for c in range(len(ends)):
            for k in range(len(block)):
                ends[c, k] = logits[c, low + k]
        for way in range(2):
            for k in range(len(block)):
                ends[unit, k] = logits[unit, low + k] + 2 - 4 * way
            values_of(box.objective, ends, labels, block, after)
            for k in range(len(block)):
                effects[way, low + k] = after[k] - values[low + k]


@compiled
def sum_of_ways(effects: Ints, inputs: Signs, step: int) -> Any:
    """The effects of a logit that changes by step * inputs, -2 or 2."""
    rises, falls, way = effects[0], effects[1], np.int8(1 if step > 0 else -1)
    total = np.int64(0)
    for s in range(len(inputs)):
        total += rises[s] if inputs[s] == way else falls[s]
    return total


@compiled
def begin_unit(box: DenseBox, layer: int, unit: int) -> None:
    """Makes a unit the one that is looked at, if it is not."""
    margins, now, inputs = box.margins, box.now, box.shape[layer, INPUTS]
    if now[LAYER] == layer and now[UNIT] == unit:
        return
    now[LAYER], now[UNIT], now[LOOKS] = layer, unit, 0
    now[LOW] = box.shape[layer, START] + unit * inputs
    now[HIGH] = now[LOW] + inputs
    if 0 < layer < len(box.shape) - 1:
        first, outputs = box.shape[layer, SUMS] + unit, box.shape[layer, OUTPUTS]
        for s in range(len(margins)):
            margins[s] = box.sums[first + s * outputs]


@compiled
def plane_of(box: DenseBox, layer: int, source: int) -> Any:
    """[n] int8, the inputs of a layer that is not the first."""
    n = len(box.labels)
    first = box.shape[layer - 1, PLANES] + source * n
    return box.planes[first : first + n]


@compiled
def list_toggled(box: DenseBox, layer: int, unit: int, source: int, step: int) -> int:
    """Lists in `some` where the unit that is looked at toggles when a weight adds `step` inputs."""
    if layer == 0:
        if len(box.bits):
            return list_crossed(box.first[unit], box.bits[source], step, box.flags, box.some)
        return list_crossed(box.first[unit], box.columns[source], step, box.flags, box.some)
    return list_crossed(box.margins, plane_of(box, layer, source), step, box.flags, box.some)


@compiled
def sum_of_first(box: DenseBox, unit: int, source: int, step: int) -> Any:
    """As `sum_where_crossed`, of a unit of the first layer."""
    sums, effects = box.first[unit], box.effects[0]
    if len(box.bits):
        return sum_where_crossed(sums, box.bits[source], step, effects)
    return sum_where_crossed(sums, box.columns[source], step, effects)


@compiled
def sum_known(box: DenseBox, layer: int, unit: int, source: int, step: int) -> Any:
    """The change of all values when a weight adds step * inputs, the unit's effects being there."""
    effects, shape, top = box.effects, box.shape, len(box.shape) - 1
    n = effects.shape[1]
    if layer == 0:
        return sum_of_first(box, unit, source, step)
    low = shape[layer - 1, PLANES] + source * n
    inputs = box.planes[low : low + n]
    if layer < top:
        return sum_where_crossed(box.margins, inputs, step, effects[0])
    return sum_of_ways(effects, inputs, step)


@compiled
def look_first(box: DenseBox, layer: int, unit: int, source: int, step: int) -> Any:
    """As `sum_known`; the effects are found by then, or only those that are needed."""
    begin_unit(box, layer, unit)
    now, some, effects = box.now, box.some, box.effects[0]
    if layer == len(box.shape) - 1:
        fill_effects_of_logit(box, unit)
    elif now[LOOKS] == 0:
        now[LOOKS] = 1
        count = list_toggled(box, layer, unit, source, step)
        toggle(box, layer, unit, some, count, False, False)
        total = np.int64(0)
        for k in range(count):
            total += effects[some[k]]
        return total
    else:
        for s in range(len(some)):
            some[s] = s
        toggle(box, layer, unit, some, len(some), False, False)
    now[LOOKS] = FRESH
    return sum_known(box, layer, unit, source, step)


@compiled
def add_inputs(margins: NDArray[np.int32], inputs: Any, step: int) -> None:
    """Adds step * inputs to the sums of a unit."""
    times = np.int32(step)
    for s in range(len(margins)):
        margins[s] += times * np.int32(inputs[s])


@compiled
def flip_of_unit(box: DenseBox, layer: int, unit: int, source: int, step: int) -> None:
    """Adds step * inputs to a hidden unit's sums, and writes all that follows from it.

    Where it toggles, its effect is what toggling it again would take back.
    """
    margins, effects, some, values = box.margins, box.effects[0], box.some, box.values
    count = list_toggled(box, layer, unit, source, step)
    toggle(box, layer, unit, some, count, True, box.now[LOOKS] == FRESH)
    for k in range(count):
        values[some[k]] += effects[some[k]]
        effects[some[k]] = -effects[some[k]]
    if layer == 0 and len(box.bits):
        add_inputs(box.first[unit], box.bits[source], step)
    elif layer == 0:
        add_inputs(box.first[unit], box.columns[source], step)
    else:
        add_inputs(margins, plane_of(box, layer, source), step)
        first, outputs = box.shape[layer, SUMS] + unit, box.shape[layer, OUTPUTS]
        for s in range(len(margins)):
            box.sums[first + s * outputs] = margins[s]


@compiled
def flip_of_logit(box: Any, unit: int, inputs: Signs, step: int) -> None:
    """Changes a logit by step * inputs, -2 or 2, on all samples.

    Of effects that are known, those of going back are what they were the other way round; those of
    going further are found.
    """
    logits, values, effects = box.logits, box.values, box.effects
    ends, some, after, n = box.ends, box.some, box.after, len(box.labels)
    fresh = box.now[LOOKS] == FRESH
    for s in range(n):
        some[s] = s
        logits[unit, s] += step * inputs[s]
    for low in range(0, n, BLOCK):
        block = some[low : min(low + BLOCK, n)]
        for c in range(len(ends)):
            for k in range(len(block)):
                ends[c, k] = logits[c, low + k]
        if fresh:
            for k in range(len(block)):
                ends[unit, k] += step * inputs[low + k]
        values_of(box.objective, ends, box.labels, block, after)
        for k in range(len(block)):
            s = block[k]
            if fresh:
                way = 0 if step * inputs[s] > 0 else 1
                values[s] += effects[way, s]
                effects[1 - way, s] = -effects[way, s]
                effects[way, s] = after[k] - values[s]
            else:
                values[s] = after[k]
    if not fresh:
        box.now[LOOKS] = 0


@families.flips(DenseBox)
def flip_dense(box: DenseBox, i: int) -> None:
    """Flips a sign, and keeps all that the gains follow from, and the effects of its own unit."""
    layer, unit, source = place_of(box.shape, i)
    step = -2 * int(box.signs[i])
    box.signs[i] = -box.signs[i]
    begin_unit(box, layer, unit)
    if layer < len(box.shape) - 1:
        flip_of_unit(box, layer, unit, source, step)
    else:
        flip_of_logit(box, unit, plane_of(box, layer, source), step)
    outputs = box.shape[layer, OUTPUTS]
    if layer > 0 and source < box.shape[layer, INPUTS]:
        at = box.shape[layer, UPDATES] + source * outputs + unit
        box.updates[at] = -box.updates[at]


@families.looks(DenseBox)
def look_dense(box: DenseBox, i: int, size: int) -> int:
    """Makes one gain exact: a pass over the samples, if it is not the first of a unit."""
    now, step = box.now, -2 * int(box.signs[i])
    if now[LOOKS] == FRESH and now[LOW] <= i < now[HIGH]:
        source = i - int(now[LOW])
        if now[LAYER] == 0:  # as in `sum_known`, at half the cost for few samples
            change = sum_of_first(box, int(now[UNIT]), source, step)
        else:
            change = sum_known(box, int(now[LAYER]), int(now[UNIT]), source, step)
    else:
        layer, unit, source = place_of(box.shape, i)
        if now[LAYER] == layer and now[UNIT] == unit and now[LOOKS] == FRESH:
            change = sum_known(box, layer, unit, source, step)
        else:
            change = look_first(box, layer, unit, source, step)
    box.gains[i] = change * box.objective.scale[1]
    return 1
