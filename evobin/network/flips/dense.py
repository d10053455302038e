"""What compiled walks need of a dense network on samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.core.problem import Solution
from evobin.core.samples import Samples, cuts_of
from evobin.kernels import dense, forward, planes, sign_products
from evobin.kernels.dense import DenseBox, Objective
from evobin.network.architecture import Architecture, Layer
from evobin.network.flips.batch import unit_of
from evobin.network.packing import window_entries

Columns = NDArray[np.int32] | NDArray[np.int8]


def is_dense(architecture: Architecture) -> bool:
    """Whether all layers see all of a sample at once."""
    return architecture.n_convolutions == 0


def fixed_columns(architecture: Architecture, samples: Samples) -> Columns:
    """[n_in + 1, frames]: inputs in fixed point, then that of the bias.

    int32; or int8 where inputs are signs, of which four times as many fit into a cache.
    """
    frames = samples.frames
    n_in = frames.shape[1]
    if architecture.binary_inputs:
        signs = np.ones((n_in + 1, len(frames)), np.int8)
        signs[:n_in] = frames.T
        return signs
    unit = unit_of(architecture, samples)
    columns = np.full((n_in + 1, len(frames)), unit, np.int32)
    planes.fix_features(frames, float(unit), columns[:n_in])
    return columns


def columns_of(architecture: Architecture, samples: Samples) -> Columns:
    """[inputs + 1, n], read-only: `fixed_columns` of a layer that sees all of a sample.

    Args:
        architecture: a dense one.
        samples: all of one length.
    """
    n, fixed = len(samples), fixed_columns(architecture, samples)
    rows: NDArray[Any] = fixed[:-1]
    by_sample = rows.reshape(len(rows), n, -1).transpose(0, 2, 1).reshape(-1, n)
    columns: Columns = np.ascontiguousarray(np.concatenate([by_sample, fixed[-1:, :n]]))
    columns.setflags(write=False)
    return columns


def of_one_type(columns: Columns) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """`columns` and `bits` of a box: one of them is empty; both are read-only."""
    numbers, bits = np.empty((0, 0), np.int32), np.empty((0, 0), np.int8)
    if columns.dtype == np.int8:
        bits = columns.view(np.int8)
    else:
        numbers = columns.view(np.int32)
    numbers.setflags(write=False)
    bits.setflags(write=False)
    return numbers, bits


def dense_box(
    architecture: Architecture,
    solution: Solution,
    columns: Columns,
    labels: NDArray[np.int8],
    objective: Objective,
) -> DenseBox:
    """Everything that follows from a solution; `solution` [n_weights] int8 is the box's own."""
    layers, n = architecture.layers, len(labels)
    hidden = [_hidden(layers[0], solution, columns)]
    signs = [with_bias(hidden[0] > 0)]
    for layer in layers[1:]:
        weights = _weights(layer, solution)
        # float32 products are exact below 2^24
        hidden.append((weights.astype(np.float32) @ signs[-1].astype(np.float32)).astype(np.int16))
        signs.append(with_bias(hidden[-1] > 0))
    logits = hidden.pop().astype(np.int32)
    widest = max(len(sums) for sums in hidden) + 1
    updates = [_weights(layer, solution)[:, :-1].T for layer in layers[1:]]
    numbers, bits = of_one_type(columns)
    return DenseBox(
        gains=np.zeros(len(solution)),
        signs=solution,
        columns=numbers,
        bits=bits,
        labels=labels,
        shape=_shape(layers, n),
        first=hidden[0],
        sums=_joined([sums.T for sums in hidden[1:]], np.int16),
        planes=_joined(signs[:-1], np.int8),
        updates=_joined(updates, np.int8),
        logits=logits,
        values=dense.values_of_all(objective, logits, labels),
        objective=objective,
        margins=np.empty(n, np.int32),
        effects=np.empty((2, n), np.int64),
        now=np.array([-1, -1, 0, 0, 0]),
        some=np.empty(n, np.int64),
        flags=np.empty(-(-max(n, widest) // 8) * 8, np.uint8),
        found=np.empty(widest, np.int64),
        steps=np.empty(widest, np.int16),
        row=np.empty(widest, np.int16),
        ends=np.empty((len(logits), dense.BLOCK), np.int32),
        ways=np.empty(dense.BLOCK, np.int32),
        after=np.empty(dense.BLOCK, np.int64),
    )


def _hidden(layer: Layer, solution: Solution, columns: Columns) -> NDArray[np.int32]:
    """[outputs, n] int32 sums of the first layer."""
    weights, unit = layer.weights(solution), int(columns[-1, 0])
    sums = np.empty((len(weights), columns.shape[1]), np.int32)
    positions = cuts_of(columns.shape[1], forward.BLOCK)
    starts = positions.copy()
    starts.setflags(write=False)  # as those of samples: numba compiles anew for others
    bias = layer.bias(solution).astype(np.int32) * np.int32(unit)
    entries = window_entries(weights.reshape(len(weights), -1, 1))
    inputs = columns[:-1].astype(np.int32)
    sign_products.fixed_point_sums(inputs, starts, entries, bias, sums, positions)
    return sums


def _weights(layer: Layer, solution: Solution) -> NDArray[np.int8]:
    """[outputs, inputs + 1] int8, the last column the biases."""
    weights = layer.weights(solution).reshape(layer.shape[0], -1)
    return np.concatenate([weights, layer.bias(solution)[:, None]], axis=1)


def with_bias(positive: NDArray[np.bool_]) -> NDArray[np.int8]:
    """[outputs + 1, n] int8: signs, then the inputs of a bias."""
    signs = np.ones((len(positive) + 1, positive.shape[1]), np.int8)
    signs[:-1][~positive] = -1
    return signs


def _shape(layers: tuple[Layer, ...], n: int) -> NDArray[np.int64]:
    """As in `kernels.dense`."""
    rows, sums, planes_, updates = [], 0, 0, 0
    for number, layer in enumerate(layers):
        outputs = layer.shape[0]
        rows.append((layer.start, layer.fan_in, outputs, sums, planes_, updates))
        planes_ += (outputs + 1) * n
        if number > 0:
            sums += outputs * n
            updates += outputs * layer.fan_in
    return np.array(rows, np.int64)


def _joined(arrays: list[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    """All of some arrays, in C order, one after the other."""
    return np.concatenate([np.empty(0, dtype), *(array.ravel() for array in arrays)]).astype(dtype)
