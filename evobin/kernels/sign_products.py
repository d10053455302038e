"""Matrix products of numbers with signs, by tables of signed sums instead of multiplications.

Four numbers have sixteen signed sums, which all products with four signs share. So a product of
4 * n numbers is n additions of rows of a table, `LANES` products side by side. Sums of float32 are
in an order that depends on nothing but the shapes; those of whole numbers are exact.

Frames of a convolution are counted as in `evobin.training.block_gradient`: a period is as many
frames as a pooling window has.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evobin.kernels import lanes, machine
from evobin.kernels.lanes import FOUR, LANES, SIDE, STEP, SUMS
from evobin.kernels.training import Floats

Entries = NDArray[np.uint8]

GROUPS = 16
"""Tables at a time, 32 KB, so that they stay in the nearest cache."""
TURNS = 8
"""Rows that take turns: a sum that was just written would be waited for."""
UNIT = LANES // STEP
"""Of entries: tables begin so many units apart, as `lanes.add_rows` counts."""


@njit(nogil=True, cache=True)
def aligned(size: int) -> Floats:
    """[size] float32 from the beginning of a line of memory on: else each row takes one more."""
    room = np.empty(size + 16, np.float32)
    return room[-room.ctypes.data % 64 // 4 :][:size]


@njit(nogil=True, cache=True)
def turn(
    rows: Floats,
    at: int,
    stride: int,
    shape: tuple[int, int],
    out: Floats,
    to: int,
    out_stride: int,
) -> None:
    """out[to + out_stride * j + i] = rows[at + stride * i + j] for i, j below those of a shape.

    Args:
        rows: [n] float32.
        at: from 0.
        stride: of rows.
        shape: rows, columns.
        out: [n] float32, overwritten there.
        to: from 0.
        out_stride: of rows.
    """
    machine.widen()
    rows, out = machine.lend((rows, out))
    n_rows, n_columns = shape
    for i in range(0, n_rows, SIDE):
        for j in range(0, n_columns, SIDE):
            first, target = at + stride * i + j, to + out_stride * j + i
            if i + SIDE <= n_rows and j + SIDE <= n_columns:
                lanes.turn_square(rows, first, stride, out, target, out_stride)
                continue
            for k in range(min(SIDE, n_rows - i)):
                for m in range(min(SIDE, n_columns - j)):
                    out[target + out_stride * m + k] = rows[first + stride * k + m]


@njit(nogil=True, cache=True)
def fill_columns(rows: Floats, first: int, columns: Floats) -> None:
    """columns[i, t] = rows[first + t, i], and 0 where there is none.

    Args:
        rows: [n_rows, n] float32.
        first: from 0.
        columns: [at least n, LANES] float32, overwritten.
    """
    n_rows, n = rows.shape
    some = max(0, min(n_rows - first, LANES))
    if some < LANES:
        columns[:] = 0
    turn(rows.reshape(-1), first * n, n, (some, n), columns.reshape(-1), 0, LANES)


@njit(nogil=True, cache=True)
def pack_outputs(filters: Floats) -> Entries:
    """Entries of tables of four outputs each.

    Args:
        filters: [n_out, n] float32; what is above 0 counts as +1.

    Returns:
        [n, ceil(n_out / 4)] uint8: that of j, g is of the signs of filters[4 * g + i, j] for i < 4.
    """
    machine.widen()
    n_out, n = filters.shape
    entries = np.empty((n, -(n_out // -FOUR)), np.uint8)
    column = np.empty(n, np.uint8)
    for first in range(0, n_out, FOUR):
        column[:] = 0
        for o in range(first, min(first + FOUR, n_out)):
            signs, unit = filters[o], np.uint8(UNIT << (o - first))
            for j in range(n):
                column[j] |= unit if signs[j] > 0 else np.uint8(0)
        for j in range(n):
            entries[j, first // FOUR] = column[j]
    return entries


@njit(nogil=True, cache=True)
def weight_gradients(
    gradients: Floats,
    inputs: Floats,
    firsts: NDArray[np.int64],
    pool: int,
    out: Floats,
) -> None:
    """out[o, k, i] = sum over p and d < pool of gradients[p, o] * inputs[firsts[p] + k + d, i].

    Args:
        gradients: [n, n_out] float32.
        inputs: [rows, n_in] float32 of -1 and +1, C order.
        firsts: [n] int64, at most rows - kernel - pool + 1.
        pool: at least 1.
        out: [n_out, kernel, n_in] float32, overwritten.
    """
    machine.widen()
    gradients, inputs, out = machine.lend((gradients, inputs, out))
    n_out, kernel, n_in = out.shape
    taps, blocks = kernel + pool - 1, -(n_out // -LANES)
    width = taps * n_in
    rows = np.zeros((FOUR, blocks * LANES), np.float32)
    size = GROUPS * SUMS * LANES
    table, sums = aligned(blocks * size), np.zeros(blocks * width * LANES, np.float32)
    entries = np.empty((GROUPS, width), np.uint8)
    flat, listed = inputs.reshape(-1), entries.reshape(-1)
    for begin in range(0, len(gradients), FOUR * GROUPS):
        groups = min(GROUPS, -((len(gradients) - begin) // -FOUR))
        entries[:] = 0
        for g in range(groups):
            first = begin + FOUR * g
            some = min(FOUR, len(gradients) - first)
            rows[some:] = 0
            for i in range(some):
                rows[i, :n_out] = gradients[first + i]
            for block in range(blocks):
                at = block * size + g * SUMS * LANES
                lanes.signed_sums(rows, block * LANES, np.float32(1), table, at)
            entry = entries[g]
            for i in range(some):
                signs = flat[firsts[first + i] * n_in :][:width]
                unit = np.uint8(UNIT << i)
                for j in range(width):
                    entry[j] |= unit if signs[j] > 0 else np.uint8(0)
        for block in range(blocks):
            tables = table[block * size :]
            for j in range(width):
                lanes.add_rows(tables, listed, j, width, groups, sums, (block * width + j) * LANES)
    for block in range(blocks):
        for j in range(kernel * n_in):
            at = (block * width + j) * LANES
            for d in range(1, pool):
                lanes.add_line(sums, at + d * n_in * LANES, sums, at)
        at, low = block * width * LANES, block * LANES
        whole, shape = out.reshape(-1), (kernel * n_in, min(LANES, n_out - low))
        turn(sums, at, LANES, shape, whole, low * kernel * n_in, kernel * n_in)


@njit(nogil=True, cache=True)
def input_gradients(
    gradients: Floats, entries: Entries, shape: tuple[int, int], pool: int, out: Floats
) -> None:
    """out[pool * p + k + d, i] += gradients[p, o] * weights[o, k, i], for each d < pool.

    Args:
        gradients: [n, n_out] float32.
        entries: [kernel * n_in, ceil(n_out / 4)] uint8, from `pack_outputs`.
        shape: kernel, n_in.
        pool: at least 1.
        out: [rows, n_in] float32, overwritten; what is beyond its rows is left out.
    """
    machine.widen()
    gradients, entries, out = machine.lend((gradients, entries, out))
    (kernel, n_in), groups, size = shape, entries.shape[1], SUMS * LANES
    columns = np.zeros((FOUR * groups, LANES), np.float32)
    table, lines = aligned(GROUPS * size), np.empty(TURNS * kernel * LANES, np.float32)
    periods = LANES + (kernel + pool - 2) // pool
    # [n_in, pool, periods]: of a tile, and what it leaves to the next one
    sums = np.zeros(n_in * pool * periods, np.float32)
    listed, whole = entries.reshape(-1), out.reshape(-1)
    for begin in range(0, -(len(out) // -pool), LANES):
        fill_columns(gradients, begin, columns)
        for low in range(0, groups, GROUPS):
            some = min(GROUPS, groups - low)
            for g in range(some):
                lanes.signed_sums(columns[FOUR * (low + g) :], 0, np.float32(1), table, g * size)
            for first in range(0, n_in, TURNS):
                rows = range(first, min(first + TURNS, n_in))
                lines[:] = 0
                for i in rows:
                    for k in range(kernel):
                        at = (k * n_in + i) * groups + low
                        line = ((i - first) * kernel + k) * LANES
                        lanes.add_rows(table, listed, at, 1, some, lines, line)
                for d in range(kernel + pool - 1):
                    for k in range(max(0, d - pool + 1), min(d + 1, kernel)):
                        for i in rows:
                            line = ((i - first) * kernel + k) * LANES
                            to = (i * pool + d % pool) * periods + d // pool
                            lanes.add_line(lines, line, sums, to)
        for phase in range(pool):
            first = pool * begin + phase
            some = min(LANES, -((len(out) - first) // -pool))
            at, shape = phase * periods, (n_in, some)
            turn(sums, at, pool * periods, shape, whole, first * n_in, pool * n_in)
        for at in range(0, len(sums), periods):
            left = sums[at : at + periods]
            for t in range(periods - LANES):
                left[t] = left[t + LANES]
            left[periods - LANES :] = 0


@njit(nogil=True, cache=True)
def add_tile(columns: Any, entries: Entries, table: Any, sums: Any) -> None:
    """Adds to sums what the frames of a tile have a part in.

    Args:
        columns: [inputs, LANES] float32 or int32, the frames, over inputs; whole groups of four.
        entries: [n_out, kernel, groups] uint8, from `pack_inputs`.
        table: [GROUPS * SUMS * LANES] of the same type, overwritten.
        sums: [n_out * (LANES + kernel - 1)] of the same type, updated: of each output, of the
            windows that begin from kernel - 1 frames before the tile on.
    """
    n_out, kernel, groups = entries.shape
    width, one = LANES + kernel - 1, np.ones(1, columns.dtype)[0]
    listed = entries.reshape(-1)
    for low in range(0, groups, GROUPS):
        some = min(GROUPS, groups - low)
        for g in range(some):
            lanes.signed_sums(columns[FOUR * (low + g) :], 0, one, table, g * SUMS * LANES)
        for first in range(0, n_out, TURNS):
            for k in range(kernel):
                for o in range(first, min(first + TURNS, n_out)):
                    at, to = (o * kernel + k) * groups + low, (o + 1) * width - LANES - k
                    lanes.add_rows(table, listed, at, 1, some, sums, to)


@njit(nogil=True, cache=True)
def go_on(sums: Any, bias: Any) -> None:
    """Takes the sums that a tile has begun to the beginning, and begins others with the bias.

    Args:
        sums: [n_out * (LANES + kernel - 1)] as in `add_tile`, updated.
        bias: [n_out] of the same type.
    """
    width = len(sums) // len(bias)
    for o in range(len(bias)):
        row = sums[o * width : (o + 1) * width]
        for t in range(width - LANES):
            row[t] = row[t + LANES]
        row[width - LANES :] = bias[o]


@njit(nogil=True, cache=True)
def real_sums(inputs: Floats, entries: Entries, bias: Floats, out: Floats) -> None:
    """out[t, o] = bias[o] + sum over k and i of inputs[t + k, i] * weights[o, k, i].

    Args:
        inputs: [rows, n_in] float32.
        entries: [n_out, kernel, groups] uint8, from `pack_inputs`.
        bias: [n_out] float32.
        out: [rows, n_out] float32, overwritten; the last kernel - 1 rows mean nothing.
    """
    machine.widen()
    inputs, entries, out = machine.lend((inputs, entries, out))
    n_out, kernel, groups = entries.shape
    columns = np.zeros((FOUR * groups, LANES), np.float32)
    table = aligned(GROUPS * SUMS * LANES)
    before = kernel - 1  # sums that a tile finds begun, and that it ends
    width = LANES + before
    sums, whole = np.repeat(bias, width), out.reshape(-1)
    for begin in range(0, len(inputs) + before, LANES):
        fill_columns(inputs, begin, columns)
        add_tile(columns, entries, table, sums)
        early = max(before - begin, 0)  # sums that begin before the first row
        first = begin + early - before
        shape = n_out, min(LANES - early, len(out) - first)
        turn(sums, early, width, shape, whole, first * n_out, n_out)
        go_on(sums, bias)


@njit(nogil=True, cache=True)
def fixed_point_sums(
    columns: NDArray[np.int32],
    starts: NDArray[np.int64],
    entries: Entries,
    bias: NDArray[np.int32],
    sums: NDArray[np.int32],
    positions: NDArray[np.int64],
) -> None:
    """As `real_sums`, of samples of whole numbers, which lie over time.

    Args:
        columns: [n_in, rows] int32.
        starts: [n + 1] int64, first row of each sample.
        entries: [n_out, kernel, groups] uint8, from `packing.window_entries`.
        bias: [n_out] int32.
        sums: [n_out, positions] int32, overwritten.
        positions: [n + 1] int64, first sum of each sample.
    """
    machine.widen()
    columns, entries, sums = machine.lend((columns, entries, sums))
    n_out, kernel, groups = entries.shape
    tile = np.zeros((FOUR * groups, LANES), np.int32)
    table = aligned(GROUPS * SUMS * LANES).view(np.int32)
    before = kernel - 1
    width = LANES + before
    for sample in range(len(starts) - 1):
        low, length = starts[sample], positions[sample + 1] - positions[sample]
        begun = np.repeat(bias, width)
        for begin in range(0, length + before, LANES):
            some = min(LANES, length + before - begin)
            tile[: len(columns), :some] = columns[:, low + begin : low + begin + some]
            add_tile(tile, entries, table, begun)
            early = max(before - begin, 0)
            first = begin + early - before
            to, some = positions[sample] + first, min(LANES - early, length - first)
            for o in range(n_out):
                for t in range(some):
                    sums[o, to + t] = begun[o * width + early + t]
            go_on(begun, bias)


@njit(nogil=True, cache=True)
def pack_inputs(filters: Floats) -> Entries:
    """Entries of tables of four inputs each, as `packing.window_entries` makes them by numpy.

    This is seven times as fast, which counts at each step of training. Predictions pack once, and
    would wait a second for this to be compiled.

    Args:
        filters: [n_out, kernel, n_in] float32; what is above 0 counts as +1.

    Returns:
        [n_out, kernel, ceil(n_in / 4)] uint8: that of o, k, g is of the signs of
        filters[o, k, 4 * g + i] for i < 4.
    """
    machine.widen()
    n_in = filters.shape[2]
    flat = filters.reshape(-1, n_in)
    entries = np.zeros((len(flat), -(n_in // -FOUR)), np.uint8)
    for j in range(len(flat)):
        signs = flat[j]
        for i in range(n_in):
            entries[j, i // FOUR] |= np.uint8(signs[i] > 0) * np.uint8(UNIT << i % FOUR)
    return entries.reshape(filters.shape[0], filters.shape[1], -1)
