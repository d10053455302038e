"""Samples to follow flip by flip, their features in fixed point."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_range
from evobin.core.samples import Samples
from evobin.kernels import planes
from evobin.network.architecture import MAX_FRAMES, Architecture
from evobin.network.binary import check_samples

MAX_FEATURE = 1e6
"""Magnitude up to which features can be held in fixed point: int32 sums then have room."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Samples to search on, and their [n] int8 labels, from 0."""

    samples: Samples
    labels: NDArray[np.int8]


def check_batch(architecture: Architecture, batch: Batch) -> None:
    """Checks that a network can follow a batch flip by flip.

    Raises:
        ValueError: if samples or labels do not fit the architecture, a feature is beyond
            `MAX_FEATURE` in magnitude, or a sample is longer than `MAX_FRAMES`.
    """
    check_samples(architecture, batch.samples)
    check_range("frames of the longest sample", int(batch.samples.lengths.max()), 1, MAX_FRAMES)
    for label in (int(batch.labels.min()), int(batch.labels.max())):
        check_range("label", label, 0, architecture.n_classes - 1)
    check_range("largest feature", _largest(batch.samples), 1.0, MAX_FEATURE)


def unit_of(architecture: Architecture, samples: Samples) -> int:
    """1 in the fixed point that features are held in, a power of two."""
    largest = _largest(samples)
    room = (2**31 - 1) / ((architecture.layers[0].fan_in + 1) * largest)
    return int(2 ** int(np.floor(np.log2(min(room, 2**23 / largest)))))


def rounded(architecture: Architecture, samples: Samples) -> Samples:
    """The samples as a flip state holds them: rounded to fixed point, a copy in float32.

    Signs need no rounding: where inputs are binary, they are the samples themselves.
    """
    if architecture.binary_inputs:
        return samples
    unit, frames = unit_of(architecture, samples), samples.frames
    columns = np.empty(frames.shape[::-1], np.int32)
    planes.fix_features(frames, float(unit), columns)
    return Samples((columns.T / unit).astype(np.float32, order="C"), samples.starts)


def _largest(samples: Samples) -> float:
    """Largest magnitude of a feature, or 1."""
    ends = ((piece.frames.max(), -piece.frames.min()) for piece in samples.pieces())
    return float(np.max([1.0, *chain.from_iterable(ends)]))
