"""Random variations of training samples: one place and one random generator for all stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.audio.log_mel import N_MELS, warp_matrix
from evobin.config import AugmentConfig
from evobin.core.samples import Samples, widened

Floats = NDArray[np.float32]

KNOTS = 6  # cosines in a random equaliser curve: structure down to about ten bands
FLOOR = (-5.0, -1.0)  # level of a noise floor, in nepers above a sample's mean
WIDEST_BANDS = 0.15  # of all bands, under a mask
LONGEST_PAUSE = 0.3  # of a crop, under a mask


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Random crops of samples, drawn but not yet cut: cutting needs no random numbers.

    Attributes:
        rows: [n] sample of each crop.
        starts: [n] first frame of each crop.
        speeds: [n] frames of the sample a frame of the crop.
        warps: [n] factor of all frequencies of each crop; 1 leaves a crop as it is.
        curves: [n, n_in] float32, what is added to every frame of a crop.
        floors: [n, n_in] float32, a noise floor under each frame, above the sample's mean; -inf for
            none.
        bands: [n, 2] first masked band, and one past the last.
        pauses: [n, 2] first masked frame, and one past the last.
        frames: length of each crop.
    """

    rows: NDArray[np.intp]
    starts: NDArray[np.intp]
    speeds: NDArray[np.float64]
    warps: NDArray[np.float64]
    curves: Floats
    floors: Floats
    bands: NDArray[np.intp]
    pauses: NDArray[np.intp]
    frames: int

    def __len__(self) -> int:
        return len(self.rows)

    def cut(self, samples: Samples, index: int, out: Floats) -> None:
        """Writes crop `index` to `out`, [frames, n_in] float32.

        A sample shorter than the crop is repeated from its beginning. What is masked has the mean
        of its band, or of the whole crop where bands are.
        """
        sample: NDArray[Any] = samples[int(self.rows[index])]
        start = int(self.starts[index])
        speed, warp = float(self.speeds[index]), float(self.warps[index])
        if speed != 1.0:
            sample = sample[(np.arange(_frames_at(len(sample), speed)) * speed).astype(np.intp)]
        if len(sample) < self.frames:
            sample = np.resize(sample, (self.frames, sample.shape[1]))
        window = widened(sample[start : start + self.frames])
        if warp != 1.0:
            window = window @ warp_matrix(warp)
        np.add(window, self.curves[index], out=out, casting="same_kind")
        if self.floors[index, 0] > -np.inf:
            np.logaddexp(out, out.mean() + self.floors[index], out=out)
        low, high = self.bands[index]
        if low < high:
            out[:, low:high] = out.mean()
        low, high = self.pauses[index]
        if low < high:
            out[low:high] = out.mean(axis=0)

    def samples(self, samples: Samples) -> Samples:
        """All crops as samples of their own."""
        out = np.empty((len(self), self.frames, samples.n_in), np.float32)
        for index in range(len(self)):
            self.cut(samples, index, out[index])
        starts = np.arange(len(self) + 1, dtype=np.int64) * self.frames
        return Samples(out.reshape(-1, out.shape[2]), starts)


@dataclass(frozen=True, slots=True, eq=False)
class WholeSamples:
    """Samples as they are, in the place of `Crops`; `rows` says which."""

    rows: NDArray[np.intp]

    def cut(self, samples: Samples, index: int, out: Floats) -> None:
        """Writes sample `index` of `rows` to `out`, [frames, n_in] float32."""
        out[:] = samples[int(self.rows[index])]

    def samples(self, samples: Samples) -> Samples:
        """A copy of them."""
        some = samples.subset(self.rows)
        return Samples(some.frames, some.starts)


def draw_crops(
    samples: Samples,
    rows: NDArray[np.intp],
    frames: int,
    config: AugmentConfig,
    rng: np.random.Generator,
) -> Crops:
    """Draws a random crop of each sample named.

    A log-mel is the log of a power, so a gain and a microphone's response are additive: a
    constant, and a smooth curve over the bands. The curve is a sum of `KNOTS` cosines with normal
    weights that fall with their frequency, as loudspeaker and room responses do, and a straight
    tilt. Noise adds its power. A warp of the frequencies makes another speaker, with another vocal
    tract and pitch; another speed leaves the pitch.

    Args:
        samples: the samples; only log-mel of `N_MELS` bands can be warped, other features are not.
        rows: [n] integers, which of them.
        frames: length of a crop.
        config: how strong each variation is; one that is 0 draws no random numbers.
        rng: source of all randomness; advanced.

    Source:
        Masks: Park et al. (2019), SpecAugment.
    """
    n, n_in = len(rows), samples.n_in
    lengths = samples.lengths[rows]
    speeds = np.ones(n)
    if config.speed > 0:
        speeds = np.exp(config.speed * np.clip(rng.normal(0.0, 1.0, n), -2.5, 2.5))
        lengths = _frames_at(lengths, speeds)
    spare = np.maximum(lengths - frames, 0)
    starts = (rng.random(n) * (spare + 1)).astype(np.intp)
    bends = np.clip(rng.normal(0.0, 1.0, n), -2.5, 2.5) * (n_in == N_MELS)
    # few factors, so that their matrices are kept
    warps: NDArray[Any] = np.round(np.exp(config.tract * bends), 3)
    curves = _curves(n, n_in, config, rng).astype(np.float32)
    floors = np.full((n, n_in), -np.inf, np.float32)
    if config.floor > 0:
        noisy = rng.random(n) < config.floor
        levels = rng.uniform(*FLOOR, (n, 1)) + rng.normal(0.0, 0.5, (n, n_in))
        floors[noisy] = levels[noisy]
    bands = _spans(n, n_in, config.bands, WIDEST_BANDS, rng)
    pauses = _spans(n, frames, config.pauses, LONGEST_PAUSE, rng)
    return Crops(rows, starts, speeds, warps, curves, floors, bands, pauses, frames)


def _frames_at(lengths: Any, speed: Any) -> Any:
    """Frames that are left of some at a speed; at least one."""
    return np.maximum(np.floor(lengths / speed).astype(np.intp), 1)


def _curves(
    n: int, n_in: int, config: AugmentConfig, rng: np.random.Generator
) -> NDArray[np.float64]:
    """[n, n_in]: gain, equaliser and tilt."""
    curves: NDArray[np.float64] = rng.normal(0.0, 1.0, (n, 1)) * config.gain
    order = np.arange(1, KNOTS + 1)[:, None]
    waves = np.cos(np.pi * order * (np.arange(n_in) + 0.5) / n_in) / order
    waves /= np.sqrt(np.mean(np.sum(waves**2, axis=0)))
    curves = curves + rng.normal(0.0, 1.0, (n, KNOTS)) @ waves * config.equaliser
    if config.tilt > 0:
        curves += rng.normal(0.0, 1.0, (n, 1)) * config.tilt * np.linspace(-1.0, 1.0, n_in)
    return curves


def _spans(
    n: int, size: int, share: float, widest: float, rng: np.random.Generator
) -> NDArray[np.intp]:
    """[n, 2]: random spans within `size`, for a share of the crops; the others' are empty."""
    spans = np.zeros((n, 2), np.intp)
    if share > 0:
        masked = rng.random(n) < share
        widths = 1 + (rng.random(n) * widest * size).astype(np.intp)
        low = (rng.random(n) * (size - widths + 1)).astype(np.intp)
        spans[masked] = np.stack([low, low + widths], axis=1)[masked]
    return spans
