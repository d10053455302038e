"""Moves of a whole filter, as the flips that make them: for `NetworkFlipState.flip_all`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_range, check_shape, check_signs
from evobin.core.problem import Solution
from evobin.network.architecture import Architecture

Indices = NDArray[np.intp]


def filter_indices(architecture: Architecture, number: int, channel: int) -> Indices:
    """Where a filter lies in a solution: its weights, [n_in, kernel] in C order, then its bias.

    Args:
        architecture: the network's shape.
        number: block, from 0.
        channel: output channel, from 0.

    Raises:
        ValueError: if there is no such block or channel.

    Example:
        >>> from evobin.network.architecture import ConvBlock
        >>> tiny = Architecture(1, (ConvBlock(n_out=2, kernel=3),))
        >>> filter_indices(tiny, 0, 1)
        array([3, 4, 5, 7])
    """
    check_range("number", number, 0, len(architecture.blocks) - 1)
    check_range("channel", channel, 0, architecture.blocks[number].n_out - 1)
    layer = architecture.layers[number]
    first = layer.start + channel * layer.fan_in
    return np.append(
        np.arange(first, first + layer.fan_in), layer.start + layer.n_weights + channel
    )


def unit_indices(architecture: Architecture, number: int, channel: int) -> Indices:
    """Where a hidden unit lies in a solution: its filter, and the weights that it is input to.

    Args:
        architecture: the network's shape.
        number: block, from 0.
        channel: output channel, from 0.

    Raises:
        ValueError: if there is no such block or channel.

    Example:
        >>> from evobin.network.architecture import ConvBlock
        >>> tiny = Architecture(1, (ConvBlock(n_out=2, kernel=3),))
        >>> unit_indices(tiny, 0, 1)  # the filter, its bias, and a weight of the linear layer
        array([3, 4, 5, 7, 9])
    """
    fan_in = filter_indices(architecture, number, channel)
    following = architecture.layers[number + 1]
    fan_out = following.weights(np.arange(architecture.n_weights))[:, channel]
    return np.concatenate([fan_in, fan_out.ravel()])


def replace_filter(
    architecture: Architecture,
    solution: Solution,
    number: int,
    channel: int,
    signs: NDArray[Any],
) -> Indices:
    """Flips that give a filter other weights.

    Args:
        architecture: the network's shape.
        solution: [n_weights] int8, before the move; not modified.
        number: block, from 0.
        channel: output channel, from 0.
        signs: [n_in * kernel + 1] of -1 and +1, weights and bias as `filter_indices` orders them.

    Raises:
        ValueError: if there is no such filter, or `signs` has another length or other numbers.
    """
    indices = filter_indices(architecture, number, channel)
    check_shape("signs", signs, (len(indices),))
    check_signs("signs", signs)
    differ: NDArray[np.bool_] = solution[indices] != signs
    return indices[differ]


def negate_filter(architecture: Architecture, number: int, channel: int) -> Indices:
    """Flips that negate a filter and its bias; see `filter_indices`."""
    return filter_indices(architecture, number, channel)


def copy_filter(
    architecture: Architecture, solution: Solution, number: int, source: int, target: int
) -> Indices:
    """Flips that make filter `target` of a block equal to `source`; errors as `filter_indices`."""
    signs = solution[filter_indices(architecture, number, source)]
    return replace_filter(architecture, solution, number, target, signs)
