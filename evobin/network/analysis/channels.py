"""Duplicate hidden channels of a network: by their weights, or by their signs on samples."""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.core.problem import Solution
from evobin.core.samples import Samples
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork
from evobin.network.packing import unpack

AT_ONCE = 64
"""Samples whose signs are held at once: 5 MB for clips of three seconds."""


class DuplicateChannel(NamedTuple):
    """A channel that duplicates an earlier one of its block."""

    block: int  # from 0
    channel: int
    of: int  # the earlier channel
    negated: bool  # whether it is the opposite
    cancels: bool = False  # whether all outgoing weights of the two are opposite: neither matters


def duplicate_filters(architecture: Architecture, solution: Solution) -> list[DuplicateChannel]:
    """Channels whose filter and bias are those of an earlier one, or those negated.

    Equal ones do the same on any sample. Two of them whose outgoing weights are opposite have no
    influence at all; they are paired where there are more than two. A negated filter has negated
    sums, but where pooling follows not negated signs.

    Args:
        architecture: the network's shape.
        solution: [n_weights] int8; not modified.

    Returns:
        At most one a channel, in order.
    """
    found = []
    for number, block in enumerate(architecture.blocks):
        layer, following = architecture.layers[number : number + 2]
        weights, bias = layer.weights(solution), layer.bias(solution)
        outgoing = following.weights(solution).swapaxes(0, 1)
        known: dict[bytes, list[int]] = {}
        alone: dict[bytes, list[int]] = {}  # not yet paired, by filter and outgoing weights
        for channel in range(block.n_out):
            whole = np.append(weights[channel], bias[channel])
            key, out = whole.tobytes(), outgoing[channel]
            partners = alone.get(key + (-out).tobytes())
            if partners:
                found.append(DuplicateChannel(number, channel, partners.pop(), False, True))
            else:
                alone.setdefault(key + out.tobytes(), []).append(channel)
                for other, negated in ((key, False), ((-whole).tobytes(), True)):
                    if other in known:
                        found.append(DuplicateChannel(number, channel, known[other][0], negated))
                        break
            known.setdefault(key, []).append(channel)
    return found


def duplicate_channels(network: BinaryNetwork, samples: Samples) -> list[DuplicateChannel]:
    """Channels with the signs of an earlier one at every position of every sample, or the opposite.

    Those that never change are left out. Samples are looked at a few at a time, so that memory does
    not grow with their number.

    Args:
        network: the channels are taken after the pooling of each block.
        samples: where to compare them.

    Returns:
        At most one a channel, in order.

    Raises:
        ValueError: if `samples` do not fit the network.
    """
    samples = network.check(samples)
    seen = [_Seen(block.n_out) for block in network.architecture.blocks]
    for low in range(0, len(samples), AT_ONCE):
        found = network.activations(samples.stretch(low, low + AT_ONCE))
        for channels, bits in zip(seen, found.bits, strict=True):
            channels.look(np.ascontiguousarray(unpack(bits, channels.n).T))
    return [one for number, channels in enumerate(seen) for one in channels.duplicates(number)]


class _Seen:
    """The channels of one block, on the samples so far: a digest of all signs each."""

    def __init__(self, n: int) -> None:
        self.n = n
        self._first: NDArray[np.bool_] | None = None
        self._changes = np.zeros(n, bool)
        self._digests = [blake2b(digest_size=16) for _ in range(n)]

    def look(self, signs: NDArray[np.bool_]) -> None:
        """Adds [n, positions] signs; a channel and its opposite have the same digest."""
        if self._first is None:
            self._first = signs[:, 0].copy()
        changes = signs ^ self._first[:, None]
        self._changes |= changes.any(axis=1)
        for digest, row in zip(self._digests, np.packbits(changes, axis=1), strict=True):
            digest.update(row)

    def duplicates(self, number: int) -> list[DuplicateChannel]:
        """As `duplicate_channels`; `number` is that of the block."""
        assert self._first is not None
        known: dict[bytes, int] = {}
        found = []
        for channel in np.flatnonzero(self._changes).tolist():
            of = known.setdefault(self._digests[channel].digest(), channel)
            if of != channel:
                negated = bool(self._first[of] != self._first[channel])
                found.append(DuplicateChannel(number, channel, of, negated))
        return found
