"""Predictions that depend on a single weight."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
from numpy.typing import NDArray

from evobin.core.samples import Samples
from evobin.core.scores import margins
from evobin.network.architecture import Layer
from evobin.network.binary import BinaryNetwork
from evobin.network.flips.batch import Batch
from evobin.network.flips.state import NetworkFlipState

AT_ONCE = 128
"""Samples of one flip state, some 40 MB for clips of three seconds."""
FLIPS = 4096
"""Flips between two checks whether to stop: at most some seconds."""


def turned_by_last_layers(
    network: BinaryNetwork, samples: Samples, logits: NDArray[np.int64], n_threads: int = 1
) -> dict[str, NDArray[np.bool_]]:
    """Samples whose prediction some single flip in the last layer or the block below it changes.

    A flip in the last layer changes one logit by 2, one in the block below it toggles at most one
    channel and so changes each logit by 0 or 2. So only samples within a step of 2 can turn: with a
    logit of -1 or 1, or of 0 or 2 where the number of channels is odd; of several logits, those
    where the largest leads by at most 4. On them all flips are tried, exactly; but if there is one
    logit, every one of them turns by the last layer, since some product there has the sign that it
    takes.

    Args:
        network: the network.
        samples: n samples.
        logits: [n] or [n, n_classes] int64, its outputs.
        n_threads: threads that share the samples.

    Returns:
        [n] bool a layer, by name.
    """
    last, linear = network.architecture.layers[-2:]
    if logits.ndim == 1:
        close, tried = (logits > -2) & (logits <= 2), [last]
    else:
        close, tried = margins(logits, logits.argmax(axis=1)) <= 4, [last, linear]
    turned = {last.name: np.zeros(len(samples), bool), linear.name: close.copy()}
    if close.any():
        some = samples.subset(np.flatnonzero(close))
        for name, found in turned_by_any(network, some, tuple(tried), n_threads).items():
            turned[name][close] = found
    return turned


def turned_by_any(
    network: BinaryNetwork, samples: Samples, layers: tuple[Layer, ...], n_threads: int = 1
) -> dict[str, NDArray[np.bool_]]:
    """Samples whose prediction some single flip in a layer changes: every flip is tried.

    Features are held in fixed point, as in `NetworkFlipState`. Cost on one core, for 128 samples of
    three seconds: 1 s for the last convolution of the speaker-sex network, 14 s for all layers.

    Args:
        network: the network.
        samples: n samples.
        layers: whose flips to try.
        n_threads: threads that share the samples.

    Returns:
        [n] bool a layer, by name.

    Raises:
        ValueError: if a sample cannot be held in fixed point.
    """
    is_over = Event()

    def try_flips(low: int) -> NDArray[np.bool_]:
        some = samples.stretch(low, low + AT_ONCE)
        labels = np.zeros(len(some), np.int8)
        state = NetworkFlipState(network.architecture, network.signs, Batch(some, labels))
        turned = np.zeros((len(layers), len(some)), bool)
        for place, layer in enumerate(layers):
            for first in range(layer.start, layer.stop, FLIPS):
                if not is_over.is_set():
                    flips = range(first, min(first + FLIPS, layer.stop))
                    turned[place] |= state.turned(flips)
        return turned

    with ThreadPoolExecutor(n_threads) as threads:
        try:
            parts = list(threads.map(try_flips, range(0, len(samples), AT_ONCE)))
        finally:
            is_over.set()  # at Ctrl-C, threads end soon
    names = (layer.name for layer in layers)
    return dict(zip(names, np.concatenate(parts, axis=1), strict=True))
