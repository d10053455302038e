"""Where filters and hidden units lie in a solution: moves for `NetworkFlipState.flip_all`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_range
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
    bias = layer.start + layer.n_weights + channel
    return np.append(np.arange(first, first + layer.fan_in), bias)


def unit_indices(architecture: Architecture, number: int, channel: int) -> Indices:
    """Where a hidden unit lies: its filter, and the weights that it is input to.

    Arguments and errors as for `filter_indices`.

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
