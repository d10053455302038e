"""Budgets by work: how many starts and epochs a number of samples stands for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from evobin.config import SteConfig
from evobin.network.architecture import Architecture
from evobin.network.presets import SPEAKER_SEX
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.training.scales import default_batch, default_epochs

OVERHEAD = 2e5
"""Products that take as long as all there is to do for a sample beside its products."""
FEWEST_EPOCHS, MOST_EPOCHS = 4, 500
"""Of crops, however many or few samples there are."""
MOST_STARTS = 4


def planned(config: SteConfig, problems: Sequence[SampledNetworkProblem]) -> SteConfig:
    """Settings of training whose starts and epochs are numbers.

    `config.samples` are those that all trainings see together, at the cost of the built-in network
    with crops of 200 frames. The answer depends on shapes and sizes alone, never on a clock.

    Args:
        config: what is set by hand stays.
        problems: that are all trained on, each in every way of `config`.
    """
    problem, n = problems[-1], len(problems[-1].train)
    architecture = problem.architecture
    rates = max(1, len(config.rates))
    passes = sum(len(one.train) for one in problems) * sum(config.lengths) * rates
    frames = architecture.frames or config.frames
    cost = products_of(architecture, frames) / products_of(SPEAKER_SEX, SteConfig().frames)
    epochs = config.samples / cost / passes
    starts = config.starts
    if architecture.frames is None:
        whole = min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(epochs / ((starts or rates) / rates))))
    else:
        batch = config.batch or default_batch(n)
        whole = min(default_epochs(n, batch), max(FEWEST_EPOCHS, round(epochs)))
        if starts is None and config.epochs != 0:
            starts = rates * min(MOST_STARTS, max(1, int(epochs / (config.epochs or whole))))
    whole = whole if config.epochs is None else config.epochs
    return replace(config, epochs=whole, starts=starts or rates)


def products_of(architecture: Architecture, frames: int) -> float:
    """Products in the sums of one sample of so many frames, and `OVERHEAD`.

    Example:
        >>> round(products_of(SPEAKER_SEX, 200) / 1e6, 1)
        32.6
    """
    total, rows = OVERHEAD, frames
    for block, layer in zip(architecture.blocks, architecture.layers, strict=False):
        positions = 1 if layer.is_linear else rows - block.kernel + 1
        total += layer.n_weights * positions
        rows = int(block.frames_out(rows))
    return total + math.prod(architecture.layers[-1].shape)
