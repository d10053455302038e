"""What a network's hidden channels are and do: which ones are alike, and how often each fires."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.clips import Clips
from evobin.evaluation.base import Solution
from evobin.network import Architecture, BinaryNetwork, unpack

AT_ONCE = 64
"""Clips whose signs are held at once: 5 MB for clips of three seconds."""


class Alike(NamedTuple):
    """A channel that is like an earlier one of its block."""

    block: int
    """From 0."""
    channel: int
    of: int
    """The earlier channel."""
    negated: bool
    """Whether it is the opposite."""
    cancels: bool = False
    """Whether the two have opposite outgoing weights everywhere, so that neither matters."""


def equal_filters(architecture: Architecture, solution: Solution) -> list[Alike]:
    """Channels whose filter and bias are those of an earlier one, or those negated.

    Equal ones do the same on any clip. Two of them whose outgoing weights are opposite have no
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
                found.append(Alike(number, channel, partners.pop(), False, True))
            else:
                alone.setdefault(key + out.tobytes(), []).append(channel)
                for other, negated in ((key, False), ((-whole).tobytes(), True)):
                    if other in known:
                        found.append(Alike(number, channel, known[other][0], negated))
                        break
            known.setdefault(key, []).append(channel)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """What the channels of a network do on some clips.

    Attributes:
        rates: an [n_out] float64 array a block, how often each channel is +1 behind its pooling,
            from 0 to 1.
        hidden_rates: [n_hidden] float64, in how many clips it is behind the max over time.
        twins: channels with the signs of an earlier one at every position of every clip, or the
            opposite ones; those that never change are left out.
    """

    rates: tuple[NDArray[np.float64], ...]
    hidden_rates: NDArray[np.float64]
    twins: list[Alike]

    @classmethod
    def of(cls, network: BinaryNetwork, clips: Clips) -> Activity:
        """Looks at all clips, a few at a time, so that memory does not grow with their number.

        Raises:
            ValueError: if `clips` do not fit the network.
        """
        clips = network.check(clips)
        blocks = network.architecture.blocks
        seen = [_Seen(block.n_out) for block in blocks]
        hidden = np.zeros(network.architecture.n_hidden, np.int64)
        for low in range(0, len(clips), AT_ONCE):
            ends = clips.starts[low : low + AT_ONCE + 1]
            frames = clips.frames[ends[0] : ends[-1]]
            activations = network.activations(Clips(frames, ends - ends[0]))
            for channels, bits in zip(seen, activations.bits, strict=True):
                channels.look(np.ascontiguousarray(unpack(bits, len(channels.counts)).T))
            hidden += unpack(activations.hidden, len(hidden)).sum(axis=0)
        twins = [twin for number, channels in enumerate(seen) for twin in channels.twins(number)]
        rates = tuple(channels.counts / channels.positions for channels in seen)
        return cls(rates, hidden / len(clips), twins)


class _Seen:
    """The channels of one block, on the clips so far: counts, and a digest of all signs each."""

    def __init__(self, n_out: int) -> None:
        self.counts = np.zeros(n_out, np.int64)
        self.positions = 0
        self._first: NDArray[np.bool_] | None = None
        self._digests = [blake2b(digest_size=16) for _ in range(n_out)]

    def look(self, signs: NDArray[np.bool_]) -> None:
        """Adds [n_out, positions] signs; a channel and its opposite have the same digest."""
        if self._first is None:
            self._first = signs[:, 0].copy()
        self.counts += signs.sum(axis=1)
        self.positions += signs.shape[1]
        for digest, row in zip(
            self._digests, np.packbits(signs ^ self._first[:, None], axis=1), strict=True
        ):
            digest.update(row)

    def twins(self, number: int) -> list[Alike]:
        """As in `Activity`; `number` is that of the block."""
        assert self._first is not None
        known: dict[bytes, int] = {}
        found = []
        for channel, digest in enumerate(self._digests):
            if 0 < self.counts[channel] < self.positions:
                of = known.setdefault(digest.digest(), channel)
                if of != channel:
                    negated = bool(self._first[of] != self._first[channel])
                    found.append(Alike(number, channel, of, negated))
        return found
