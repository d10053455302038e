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

AT_ONCE = 65_536
"""Frames whose squares are held at once."""


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
    epochs = 40 if config.epochs is None else config.epochs
    smooth_epochs = int(config.smooth * epochs)
    return Plan(
        widths=Widths(config.windows or windows, logit if given is None else given),
        epochs=epochs,
        smooth_epochs=smooth_epochs,
        batch=config.batch or 32,
        rates=config.rates or ((2e-3,) if smooth_epochs else (5e-3,)),
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
    frames, total = samples.frames, 0.0
    for low in range(0, len(frames), AT_ONCE):
        total += float(np.square(frames[low : low + AT_ONCE], dtype=np.float64).sum())
    return math.sqrt(total / frames.size)
