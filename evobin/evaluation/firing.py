"""How often each hidden channel of a network is on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evobin.clips import Clips
from evobin.data import Dataset
from evobin.network import BinaryNetwork, unpack

BEHIND_MAX = "max"
"""What the linear layer sees: the last block's signs behind the max over all of time."""
BLOCK = 64  # clips that are looked at together: their unpacked signs are a few MB


def firing_rates(network: BinaryNetwork, dataset: Dataset, n_threads: int = 1) -> pd.DataFrame:
    """The firing rate of every hidden channel: the share of its signs that are +1.

    Args:
        network: whose channels.
        dataset: clips that it can answer.
        n_threads: threads to share the clips; the table does not depend on it.

    Returns:
        A row a label that the clips have, layer and channel: `label`; `layer`, "conv1" and so on,
        or "max" for the last block's signs behind the max over all of time; `channel`, from 0;
        `positions`, the signs that were looked at (of a clip: its frames behind the pooling; for
        "max" a single one); `rate`, a share.

    Raises:
        ValueError: if a clip has another width or is too short.
    """
    clips = network.check(dataset.clips)
    cuts = [*range(0, len(clips), BLOCK), len(clips)]
    n_channels = [block.n_out for block in network.architecture.blocks]
    n_channels.append(network.architecture.n_hidden)
    names = [layer.name for layer in network.architecture.layers[:-1]] + [BEHIND_MAX]

    def count(start: int, stop: int) -> list[NDArray[np.int64]]:
        return _by_label(_per_clip(network, clips.stretch(start, stop)), dataset.labels[start:stop])

    with ThreadPoolExecutor(n_threads) as threads:
        counted = list(threads.map(count, cuts[:-1], cuts[1:]))
    totals = [np.sum(blocks, axis=0) for blocks in zip(*counted, strict=True)]
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "label": label,
                    "layer": name,
                    "channel": np.arange(n),
                    "positions": total[label, -1],
                    "rate": total[label, :-1] / total[label, -1],
                }
            )
            for label in np.unique(dataset.labels)
            for name, n, total in zip(names, n_channels, totals, strict=True)
        ],
        ignore_index=True,
    )


def pooled(rates: pd.DataFrame, by: list[str]) -> pd.Series[float]:
    """The firing rates of a table as `firing_rates` makes it, over all rows that agree in `by`.

    Returns:
        The rates, indexed by `by`.
    """
    counts = rates.assign(on=rates["rate"] * rates["positions"])
    sums = counts.groupby(by, sort=False)[["on", "positions"]].sum()
    return (sums["on"] / sums["positions"]).rename("rate")


def _per_clip(network: BinaryNetwork, clips: Clips) -> list[NDArray[np.int64]]:
    """[clips, channels + 1] a layer: positions where each channel is on, and all positions."""
    found = network.activations(clips)
    counts = []
    for bits, starts, block in zip(
        found.bits, found.starts, network.architecture.blocks, strict=True
    ):
        on = np.add.reduceat(unpack(bits, block.n_out), starts[:-1], axis=0, dtype=np.int64)
        counts.append(np.column_stack([on, np.diff(starts)]))
    hidden = unpack(found.hidden, network.architecture.n_hidden)
    counts.append(np.column_stack([hidden, np.ones(len(clips))]).astype(np.int64))
    return counts


def _by_label(counts: list[NDArray[np.int64]], labels: NDArray[np.int8]) -> list[NDArray[np.int64]]:
    """[2, channels + 1] a layer: the sums over the clips of each label."""
    return [np.stack([rows[labels == label].sum(axis=0) for label in (0, 1)]) for rows in counts]
