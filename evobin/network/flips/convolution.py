"""What compiled walks need of a network with convolutions on samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.core.problem import Solution
from evobin.core.samples import Samples
from evobin.kernels import convolution, dense, families, sign_products
from evobin.kernels.convolution import LANES, NEVER, ConvolutionBox
from evobin.kernels.dense import DenseBox, Objective
from evobin.network.architecture import Architecture, Layer
from evobin.network.flips.dense import Columns, fixed_columns, of_one_type, with_bias
from evobin.network.flips.geometry import Geometry
from evobin.network.packing import window_entries

Ints = NDArray[np.int64]

LARGEST_BOX = 2**30
"""Bytes up to which a box is made; several searches side by side have one each."""
MOST_FOUND = 2**18
"""Signs that may turn on the samples that are looked at together, where these are several."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What boxes of a network on the same samples share; all arrays are read-only.

    Attributes:
        columns: `columns` or `bits` of `kernels.convolution`, whichever is not empty; `shape`,
            `starts`, `windows` and `owners` are those there.
        rows: of each block, the row of each position.
        cuts: of each block, the first position of each window.
    """

    columns: Columns
    shape: Ints
    starts: Ints
    windows: NDArray[np.int32]
    owners: NDArray[np.int32]
    geometries: tuple[Geometry, ...]
    rows: tuple[Ints, ...]
    cuts: tuple[Ints, ...]


def geometries_of(architecture: Architecture, samples: Samples) -> tuple[Geometry, ...]:
    """Of each block."""
    starts, found = samples.starts, []
    for number, block in enumerate(architecture.blocks):
        found.append(Geometry.of(block, starts, last=number == len(architecture.blocks) - 1))
        starts = found[-1].to
    return tuple(found)


def box_bytes(architecture: Architecture, samples: Samples) -> int:
    """Bytes of a box and what it shares, but for small parts."""
    rows, item = int(samples.starts[-1]), 1 if architecture.binary_inputs else 4
    total = rows * ((architecture.n_in + 1) * item + architecture.blocks[0].n_out * 4)
    total += len(samples) * (2 * 8 + 8 + 4 * architecture.n_logits)
    geometries = geometries_of(architecture, samples)
    for number, at in enumerate(geometries):
        n_out, n_windows = architecture.blocks[number].n_out, int(at.to[-1])
        held = 8 * -(-n_out // LANES) if number else 0  # a position, and a window
        total += int(at.positions[-1]) * held + n_windows * (held if number else 2 * n_out)
        total += n_windows * (n_out + 5) + int(at.starts[-1]) * 4 + len(samples) * 8
    total += max(int(at.starts[-1]) for at in geometries) * (4 + 1 + 8 + 1)
    return total + max(int(at.to[-1]) for at in geometries) * (2 + 8)


def layout_of(architecture: Architecture, samples: Samples) -> Layout:
    """Where everything lies in the boxes of an architecture on samples."""
    geometries = geometries_of(architecture, samples)
    rows, cuts, windows = [], [], []
    for at, block in zip(geometries, architecture.blocks, strict=True):
        lost = np.arange(len(samples)) * (block.kernel - 1)
        rows.append(np.arange(at.positions[-1]) + np.repeat(lost, np.diff(at.positions)))
        inside = np.arange(at.positions[-1]) - np.repeat(at.positions[:-1], np.diff(at.positions))
        cuts.append(np.flatnonzero(inside % at.window == 0))
        windows.append(np.zeros(at.starts[-1], np.int32))
        windows[-1][rows[-1]] = np.repeat(
            np.arange(at.to[-1]), np.diff(np.append(cuts[-1], len(inside)))
        )
    layout = Layout(
        columns=fixed_columns(architecture, samples),
        shape=_shape(architecture, geometries),
        starts=np.stack([samples.starts, *(at.to for at in geometries)]),
        windows=np.concatenate(windows),
        owners=np.concatenate([at.sample_of_row_out for at in geometries]),
        geometries=geometries,
        rows=tuple(rows),
        cuts=tuple(cuts),
    )
    for array in (layout.columns, layout.shape, layout.starts, layout.windows, layout.owners):
        array.setflags(write=False)
    return layout


def convolution_box(
    architecture: Architecture,
    solution: Solution,
    layout: Layout,
    labels: NDArray[np.int8],
    objective: Objective,
) -> ConvolutionBox:
    """Everything that follows from a solution; `solution` [n_weights] int8 is the box's own."""
    layers, n = architecture.layers, len(labels)
    first = _first(layers[0], solution, layout)
    tallies, signs = [_tallies(first, layout, 0)], []
    first_rows = np.full((len(first), layout.columns.shape[1]), NEVER, np.int32)
    first_rows[:, layout.rows[0]] = first
    sums = []
    for number, layer in enumerate(layers[1:-1], 1):
        signs.append(with_bias(tallies[-1] > 0))
        sums.append(_sums(layer, solution, signs[-1], layout.rows[number]))
        tallies.append(_tallies(sums[-1], layout, number))
    signs.append(with_bias(tallies[-1] > 0))
    logits = _sums(layers[-1], solution, signs[-1], np.arange(n)).astype(np.int32)
    updates = [
        2 * np.moveaxis(layer.weights(solution)[:, :, ::-1], 0, -1) for layer in layers[1:-1]
    ]
    most_words = -(-max(layer.shape[0] for layer in layers) // LANES)
    most_rows = max(int(at.starts[-1]) for at in layout.geometries)
    most_positions = max(int(np.diff(at.positions).max()) for at in layout.geometries)
    most_windows = max(int(at.to[-1]) for at in layout.geometries)
    most = max(
        int(np.diff(at.to).max()) * layer.shape[0]
        for at, layer in zip(layout.geometries, layers, strict=False)
    )
    taps = max(block.kernel for block in architecture.blocks)
    groups = -(-taps // convolution.TAPS)
    block = max(1, min(dense.BLOCK, n, MOST_FOUND // most))
    numbers, bits = of_one_type(layout.columns)
    return ConvolutionBox(
        gains=np.zeros(len(solution)),
        signs=solution,
        dense=families.tag_of(DenseBox),
        columns=numbers,
        bits=bits,
        labels=labels,
        shape=layout.shape,
        starts=layout.starts,
        windows=layout.windows,
        owners=layout.owners,
        first=first_rows,
        first_tallies=tallies[0],
        sums=_words([one.T.astype(np.int64) + convolution.ZERO for one in sums]),
        tallies=_words([one.T for one in tallies[1:]]),
        planes=np.concatenate(signs, axis=None),
        updates=_words(updates),
        head=layers[-1].weights(solution).T.copy(),
        logits=logits,
        values=dense.values_of_all(objective, logits, labels),
        objective=objective,
        margins=np.empty(most_rows, np.int32),
        near=np.empty(most_rows, np.int8),
        counts=np.empty(most_windows, np.int16),
        effects=np.empty((2, n), np.int64),
        now=np.array([-1, -1, 0, 0, 0]),
        some=np.empty(max(most_rows, n), np.int64),
        flags=np.empty(-(-most_rows // 8) * 8, np.uint8),
        turned=np.empty(most_windows, np.int64),
        found=np.empty((2, 3, block * most), np.int32),
        work=np.empty(most_positions * most_words, np.int64),
        spans=np.empty((most_positions, 2), np.int64),
        tally=np.empty(most_words, np.int64),
        table=np.empty(groups * most_words << 2 * convolution.TAPS, np.int64),
        digits=np.empty(most_positions + taps, np.int64),
        codes=np.empty(groups * (most_positions + taps), np.int64),
        ends=np.empty((len(logits), dense.BLOCK), np.int32),
        block=np.empty(block, np.int64),
        after=np.empty(dense.BLOCK, np.int64),
    )


def _shape(architecture: Architecture, geometries: tuple[Geometry, ...]) -> Ints:
    """As in `kernels.convolution`."""
    layers = architecture.layers
    table = np.zeros((len(layers), convolution.N_WINDOWS + 1), np.int64)
    sums = planes_ = updates = tallies = windows = owners = 0
    for number, layer in enumerate(layers):
        head = number == len(layers) - 1
        outputs, kernel = layer.shape[0], 1 if head else layer.shape[2]
        words = -(-outputs // LANES)
        row = [layer.start, layer.fan_in, outputs, sums, planes_, updates, kernel]
        if number > 0:
            updates += words * layer.fan_in
        if head:
            table[number] = [*row, 1, tallies, windows, owners, 0]
            break
        at = geometries[number]
        n_windows = int(at.to[-1])
        table[number] = [*row, at.window, tallies, windows, owners, n_windows]
        planes_ += (outputs + 1) * n_windows
        tallies += words * n_windows * (number > 0)
        windows += int(at.starts[-1])
        owners += n_windows
        sums += words * int(at.positions[-1]) * (number > 0)
    return table


def _first(layer: Layer, solution: Solution, layout: Layout) -> NDArray[np.int32]:
    """[outputs, positions] int32 sums of the first block."""
    at, columns = layout.geometries[0], layout.columns
    sums = np.empty((layer.shape[0], int(at.positions[-1])), np.int32)
    bias = layer.bias(solution).astype(np.int32) * np.int32(columns[-1, 0])
    entries = window_entries(layer.weights(solution))
    inputs = columns[:-1].astype(np.int32)
    sign_products.fixed_point_sums(inputs, at.starts, entries, bias, sums, at.positions)
    return sums


def _sums(layer: Layer, solution: Solution, signs: NDArray[np.int8], rows: Ints) -> NDArray[Any]:
    """[outputs, positions] int16 sums of a layer of [inputs + 1, rows of inputs] signs."""
    weights = layer.weights(solution).reshape(*layer.shape[:2], -1).astype(np.float32)
    inputs = signs[:-1].astype(np.float32)
    sums = np.repeat(layer.bias(solution).astype(np.float32)[:, None], len(rows), axis=1)
    for tap in range(weights.shape[2]):
        sums += weights[:, :, tap] @ inputs[:, rows + tap]  # exact below 2^24
    return sums.astype(np.int16)


def _tallies(sums: NDArray[Any], layout: Layout, number: int) -> NDArray[np.int16]:
    """[outputs, windows] int16, positive sums of each window."""
    tallies: NDArray[np.int16] = np.add.reduceat(
        sums > 0, layout.cuts[number], axis=1, dtype=np.int16
    )
    return tallies


def _words(arrays: list[NDArray[Any]]) -> Ints:
    """Numbers of four units a word, of all of some [..., outputs] arrays, one after the other."""
    words = [np.empty(0, np.int64)]
    for array in arrays:
        lanes = [array[..., lane::LANES].astype(np.int64) for lane in range(LANES)]
        total = lanes[0]
        for lane, one in enumerate(lanes[1:], 1):
            total[..., : one.shape[-1]] += one << 16 * lane
        words.append(total.ravel())
    return np.concatenate(words)
