"""How often each hidden channel of a network is on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evobin.core.samples import Dataset, Samples, cuts_of
from evobin.network.architecture import WHOLE, Architecture
from evobin.network.binary import BinaryNetwork
from evobin.network.packing import unpack

AFTER_MAX = "max"
"""What the last layer sees: the last convolution's signs after the max over all of time."""
BLOCK = 64  # samples that are looked at together: their unpacked signs are a few MB


def firing_rates(network: BinaryNetwork, dataset: Dataset, n_threads: int = 1) -> pd.DataFrame:
    """The firing rate of every hidden channel: the share of its signs that are +1.

    Args:
        network: whose channels.
        dataset: samples that fit it.
        n_threads: threads to share the samples; the table does not depend on it.

    Returns:
        A row a label that the samples have, layer and channel: `label`; `layer`, "conv1" and so on,
        or "max" for the last block's signs after the max over all of time, if the block is no
        linear layer and leaves several frames; `channel`, from 0; `positions`, the signs that were
        looked at (of a sample: its frames after the pooling; for "max" a single one); `rate`, a
        share.

    Raises:
        ValueError: if a sample has another width or is too short.
    """
    samples = network.check(dataset.samples)
    cuts = cuts_of(len(samples), BLOCK).tolist()
    architecture = network.architecture
    names = [layer.name for layer in architecture.layers[:-1]]
    if _has_max(architecture):
        names.append(AFTER_MAX)

    def count(start: int, stop: int) -> list[NDArray[np.int64]]:
        counts = _per_sample(network, samples.stretch(start, stop))
        of_label = [dataset.labels[start:stop] == x for x in range(architecture.n_classes)]
        return [np.stack([rows[one].sum(axis=0) for one in of_label]) for rows in counts]

    with ThreadPoolExecutor(n_threads) as threads:
        counted = list(threads.map(count, cuts[:-1], cuts[1:]))
    totals = [np.sum(blocks, axis=0) for blocks in zip(*counted, strict=True)]
    parts = []
    for label in np.unique(dataset.labels):
        for name, total in zip(names, totals, strict=True):
            on, positions = total[label, :-1], total[label, -1]
            rates = {"channel": np.arange(len(on)), "positions": positions, "rate": on / positions}
            parts.append(pd.DataFrame({"label": label, "layer": name, **rates}))
    return pd.concat(parts, ignore_index=True)


def pooled(rates: pd.DataFrame, by: list[str]) -> pd.Series[float]:
    """The firing rates of a table as `firing_rates` makes it, over all rows that agree in `by`.

    Returns:
        The rates, indexed by `by`.
    """
    counts = rates.assign(on=rates["rate"] * rates["positions"])
    sums = counts.groupby(by, sort=False)[["on", "positions"]].sum()
    return (sums["on"] / sums["positions"]).rename("rate")


def _has_max(architecture: Architecture) -> bool:
    """Whether the max over time is no part of a block."""
    return not architecture.layers[-2].is_linear and architecture.blocks[-1].pool != WHOLE


def _per_sample(network: BinaryNetwork, samples: Samples) -> list[NDArray[np.int64]]:
    """[samples, channels + 1] a layer: positions where each channel is on, and all positions."""
    architecture, found = network.architecture, network.activations(samples)
    counts = []
    for bits, starts, block in zip(found.bits, found.starts, architecture.blocks, strict=True):
        on = np.add.reduceat(unpack(bits, block.n_out), starts[:-1], axis=0, dtype=np.int64)
        counts.append(np.column_stack([on, np.diff(starts)]))
    if _has_max(architecture):
        hidden = unpack(found.hidden, architecture.n_hidden)
        counts.append(np.column_stack([hidden, np.ones(len(samples))]).astype(np.int64))
    return counts
