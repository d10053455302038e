"""Scales of training that are not set by hand: by the features, the shape, and the samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from evobin.config import SteConfig
from evobin.core.samples import Samples
from evobin.core.scores import default_logit_width
from evobin.errors import SettingError
from evobin.network.architecture import Architecture
from evobin.problems.sampled_network import SampledNetworkProblem

SMALLEST_BATCH, LARGEST_BATCH = 32, 128
RATES = 5e-3, 2e-3, 1e-3, 5e-4
STEPS = 6_000
"""That a training has, as far as that takes no more than `MOST_EPOCHS`."""
FEWEST_EPOCHS, MOST_EPOCHS = 40, 200


class Widths(NamedTuple):
    """By what sums are divided before tanh, and logits before the softmax, in training."""

    windows: tuple[float, ...]  # of each block's signs
    logit: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of one start of a training, with all that is automatic filled in."""

    widths: Widths
    epochs: int
    smooth_epochs: int  # the first ones, with real weights
    batch: int
    rates: tuple[float, ...]  # first ones, taken in turn by the starts
    spread: float
    average: float
    frames: int


def plan_of(config: SteConfig, problem: SampledNetworkProblem) -> Plan:
    """Fills in what is automatic; the same training samples and settings give the same plan.

    Args:
        config: settings; what is set by hand stays.
        problem: its training samples and its shape decide the rest.

    Raises:
        SettingError: if there is not one window for each block.
    """
    architecture, blocks = problem.architecture, len(problem.architecture.blocks)
    if config.windows and len(config.windows) != blocks:
        raise SettingError(
            f"`ste.windows` must have one width for each of the {blocks} blocks, but it has "
            f"{len(config.windows)}; leave it out for automatic ones."
        )
    windows, logit = default_widths(architecture, size_of(problem.train.samples))
    given = problem.logit_width if config.logit_width is None else config.logit_width
    n = len(problem.train)
    varied = architecture.frames is None  # in new crops each time, of many frames each
    batch = config.batch or (SMALLEST_BATCH if varied else default_batch(n))
    epochs = config.epochs
    if epochs is None:
        epochs = FEWEST_EPOCHS if varied else default_epochs(n, batch)
    smooth_epochs = int(config.smooth * epochs)
    return Plan(
        widths=Widths(config.windows or windows, logit if given is None else given),
        epochs=epochs,
        smooth_epochs=smooth_epochs,
        batch=batch,
        rates=config.rates or (default_rate(architecture) if smooth_epochs else RATES[0],),
        spread=config.spread,
        average=config.average,
        frames=config.frames,
    )


def default_widths(architecture: Architecture, size: float) -> Widths:
    """Widths for features of a root mean square of `size`.

    A sum of products with random signs is as wide as the root of the fan-in times the size of the
    inputs, which is 1 after a sign. The first window is 0.6 times that: see `first_window`.
    """
    first, *later = (layer.fan_in**0.5 for layer in architecture.layers[:-1])
    logit = default_logit_width(architecture.n_hidden, architecture.n_logits)
    return Widths((first_window(size) * first, *later), logit)


def default_batch(n: int) -> int:
    """Samples a step for n samples of a fixed length.

    32, or more where an epoch would have more than a thousand steps: a step on few samples gains
    more by each, but it costs a pass over all weights too.

    Example:
        >>> [default_batch(n) for n in (200, 18_000, 60_000)]
        [32, 32, 96]
    """
    return min(LARGEST_BATCH, SMALLEST_BATCH * max(1, n // (SMALLEST_BATCH * 500)))


def default_epochs(n: int, batch: int) -> int:
    """Passes over n samples of a fixed length.

    40, or as many as make 6,000 steps, but at most 200. With up to 1,500 samples of each of five
    tables, 120 epochs have 6% less error than 40, and 360 epochs 2% less than 120.

    Example:
        >>> [default_epochs(n, batch=32) for n in (500, 2_000, 20_000)]
        [200, 97, 40]
    """
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, math.ceil(STEPS / max(1, n // batch))))


def default_rate(architecture: Architecture) -> float:
    """First learning rate after smooth epochs.

    A step of Adam moves each latent by about the rate, and a sum by that times the fan-in, where
    its spread is the root of the fan-in: so the rate falls with the root of the largest fan-in. It
    is one of `RATES`: 2e-3 for the convolutions of log-mel, and 5e-3 for tables, where 2e-3 has 4%
    more error, and 1e-2 1%.

    Example:
        >>> from evobin import ConvBlock
        >>> [default_rate(Architecture(n, (ConvBlock(16, 1),), frames=1)) for n in (64, 1152)]
        [0.005, 0.002]
    """
    exact = 0.07 / max(layer.fan_in for layer in architecture.layers) ** 0.5
    return min(RATES, key=lambda rate: abs(math.log(rate / exact)))


def first_window(size: float) -> float:
    """By the root mean square of the features, in units of the root of the fan-in.

    0.6 times the size, to the nearest power of two: then it does not depend on which samples of the
    same kind a training has. Half the size is best for features of -1 and +1 that stand for
    quantiles, where a quarter to one do nearly as well, and 4 for log-mel, whose size is 6.7.

    Example:
        >>> first_window(1.0), first_window(6.7)
        (0.5, 4.0)
    """
    return float(2.0 ** round(math.log2(0.6 * size))) if size > 0 else 1.0


def size_of(samples: Samples) -> float:
    """The root mean square of all features."""
    if samples.stored.dtype == np.int8:  # signs
        return 1.0
    total = sum(
        float(np.square(piece.frames, dtype=np.float64).sum()) for piece in samples.pieces()
    )
    return math.sqrt(total / (int(samples.starts[-1]) * samples.n_in))
