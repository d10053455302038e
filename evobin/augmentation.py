"""Random variations of training clips: one place and one generator for all stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.clips import Clips
from evobin.config import AugmentConfig
from evobin.features import N_MELS, warp_matrix

Floats = NDArray[np.float32]

KNOTS = 6  # cosines in a random equaliser curve: structure down to about ten bands


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Random crops of clips, drawn but not yet cut: cutting needs no random numbers.

    Attributes:
        rows: [n] clip of each crop.
        starts: [n] first frame of each crop.
        warps: [n] factor of all frequencies of each crop; 1 leaves a crop as it is.
        curves: [n, n_in] float32, what is added to every frame of a crop.
        frames: length of each crop.
    """

    rows: NDArray[np.intp]
    starts: NDArray[np.intp]
    warps: NDArray[np.float64]
    curves: Floats
    frames: int

    def __len__(self) -> int:
        return len(self.rows)

    def cut(self, clips: Clips, index: int, out: Floats) -> None:
        """Writes crop `index` to `out`, [frames, n_in] float32.

        A clip shorter than the crop is repeated from its beginning.
        """
        clip: NDArray[Any] = clips[int(self.rows[index])]
        start, warp = int(self.starts[index]), float(self.warps[index])
        if len(clip) < self.frames:
            clip = np.resize(clip, (self.frames, clip.shape[1]))
        window = clip[start : start + self.frames]
        if warp != 1.0:
            window = window @ warp_matrix(warp)
        np.add(window, self.curves[index], out=out, casting="same_kind")

    def clips(self, clips: Clips) -> Clips:
        """All crops as clips of their own."""
        out = np.empty((len(self), self.frames, clips.frames.shape[1]), np.float32)
        for index in range(len(self)):
            self.cut(clips, index, out[index])
        starts = np.arange(len(self) + 1, dtype=np.int64) * self.frames
        return Clips(out.reshape(-1, out.shape[2]), starts)


def draw_crops(
    clips: Clips,
    rows: NDArray[np.intp],
    frames: int,
    config: AugmentConfig,
    rng: np.random.Generator,
) -> Crops:
    """Draws a random crop of each clip named.

    A log-mel is the log of a power, so a gain and a microphone's response are additive: a
    constant, and a smooth curve over the bands. The curve is a sum of `KNOTS` cosines with normal
    weights that fall with their frequency, as loudspeaker and room responses do. A warp of the
    frequencies makes another speaker, with another vocal tract and pitch.

    Args:
        clips: the clips; only log-mel of `N_MELS` bands can be warped, other features are not.
        rows: [n] integers, which of them.
        frames: length of a crop.
        config: how strong each variation is.
        rng: source of all randomness; advanced.

    Returns:
        The crops, in the order of `rows`.
    """
    n_in = clips.frames.shape[1]
    spare = np.maximum(clips.lengths[rows] - frames, 0)
    starts = (rng.random(len(rows)) * (spare + 1)).astype(np.intp)
    bends = np.clip(rng.normal(0.0, 1.0, len(rows)), -2.5, 2.5) * (n_in == N_MELS)
    gains = rng.normal(0.0, 1.0, (len(rows), 1)) * config.gain
    order = np.arange(1, KNOTS + 1)[:, None]
    waves = np.cos(np.pi * order * (np.arange(n_in) + 0.5) / n_in) / order
    waves /= np.sqrt(np.mean(np.sum(waves**2, axis=0)))
    curves = rng.normal(0.0, 1.0, (len(rows), KNOTS)) @ waves * config.equaliser
    warps = np.round(np.exp(config.tract * bends), 3)  # few, so that their matrices are kept
    return Crops(rows, starts, warps, (gains + curves).astype(np.float32), frames)
