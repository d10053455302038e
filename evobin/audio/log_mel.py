"""From audio to log-mel features: a recording becomes a [t, 64] matrix."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from evobin.checks import check_shape

SAMPLE_RATE = 16_000
"""Hz; a recording at any other rate has to be resampled first."""
FRAME = 400
"""Samples in a frame: 25 ms."""
HOP = 160
"""Samples from one frame to the next: 10 ms."""
N_MELS = 64
"""Mel bands: the width of a feature matrix."""

_HANN = np.hanning(FRAME + 1)[:-1]  # periodic: `np.hanning` is symmetric, so one point is cut
_N_FFT = 512
_LOWEST, _HIGHEST = 20.0, 7600.0  # Hz
_FLOOR = 1e-6  # keeps the logarithm of digital silence at -13.8
_BLOCK = 32  # frames: small enough for the cache, and for the allocator to use memory again


def log_mel(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """Computes the log-mel features of a recording.

    Frames without padding, a periodic Hann window, the unscaled power spectrum of 512 points,
    64 triangular bands, and the natural logarithm of the energy plus 1e-6. Nothing is normalised:
    a gain of g adds 2 ln(g) to every value that is well above the floor. All is computed in
    float64: a float32 spectrum is off by several percent in a quiet band next to a loud one.

    Args:
        samples: [n] float, one channel at 16 kHz, full scale = 1, n >= 400; not modified.

    Returns:
        [1 + (n - 400) // 160, 64] float32, low bands first.

    Raises:
        TypeError: if `samples` does not hold floating-point numbers.
        ValueError: if it is not one-dimensional, is shorter than a frame, or is not finite.

    Example:
        >>> log_mel(np.zeros(720)).shape
        (3, 64)
        >>> float(log_mel(np.zeros(400))[0, 0])  # ln(1e-6)
        -13.815510749816895
    """
    _check_samples(samples)
    frames = sliding_window_view(samples, FRAME)[::HOP]
    bands = _mel_bands()
    features = np.empty((len(frames), N_MELS), np.float32)
    for start in range(0, len(frames), _BLOCK):
        block = slice(start, start + _BLOCK)
        spectrum = np.fft.rfft(frames[block] * _HANN, _N_FFT)
        power = spectrum.real**2 + spectrum.imag**2
        features[block] = np.log(power @ bands + _FLOOR)
    return features


@cache
def warp_matrix(factor: float) -> NDArray[np.float32]:
    """The bands of a voice whose every frequency is `factor` times as high.

    `log_mel @ warp_matrix(factor)` reads band b at the centre of band b divided by `factor`,
    linearly between its neighbours; beyond the outermost bands it repeats them. A vocal tract
    shorter by a tenth does that to formants, and a pitch higher by a tenth to harmonics.

    Args:
        factor: above 0; 1 changes nothing.

    Returns:
        [64, 64] float32, read-only; every column sums to 1.

    Source:
        The idea of training on such voices: N. Jaitly and G. E. Hinton, "Vocal tract length
        perturbation (VTLP) improves speech recognition" (2013). Theirs bends the filter bank and
        is piecewise linear in frequency.

    Example:
        >>> np.allclose(warp_matrix(1.0), np.eye(64), atol=1e-6)
        True
    """
    centres = _mel_edges()[1:-1]
    from_mel = _to_mel(_to_hertz(centres) / factor)
    place = np.clip((from_mel - centres[0]) / (centres[1] - centres[0]), 0, N_MELS - 1)
    low = np.minimum(place.astype(int), N_MELS - 2)
    share = place - low
    matrix = np.zeros((N_MELS, N_MELS), np.float32)
    matrix[low, np.arange(N_MELS)] = 1.0 - share
    matrix[low + 1, np.arange(N_MELS)] = share
    matrix.setflags(write=False)  # the cached array is shared by all callers
    return matrix


def _check_samples(samples: NDArray[np.floating]) -> None:
    if not np.issubdtype(samples.dtype, np.floating):
        raise TypeError(
            f"`samples` must hold floating-point numbers, but they are {samples.dtype}; "
            "convert them to a full scale of 1 (divide 16-bit samples by 32768)."
        )
    check_shape("samples", samples, (None,))
    if len(samples) < FRAME:
        raise ValueError(
            f"`samples` must hold at least {FRAME} samples (25 ms), but it holds {len(samples)}; "
            "leave so short a recording out."
        )
    wrong = np.flatnonzero(~np.isfinite(samples))
    if len(wrong):
        raise ValueError(
            f"`samples` must be finite, but it holds {samples[wrong[0]]} at index {wrong[0]}; "
            "repair the recording."
        )


def _to_mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    return 2595 * np.log10(1 + hertz / 700)


def _to_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return 700 * (10 ** (mel / 2595) - 1)


def _mel_edges() -> NDArray[np.float64]:
    """[66] lower edge of the first band, centres of all bands, upper edge of the last, in mel."""
    low, high = _to_mel(np.array([_LOWEST, _HIGHEST]))
    return np.linspace(low, high, N_MELS + 2)


@cache
def _mel_bands() -> NDArray[np.float64]:
    """[257, 64] weight of every FFT bin in every band: triangles of unit peak, drawn in Hz."""
    corners = _to_hertz(_mel_edges())
    left, peak, right = corners[:-2], corners[1:-1], corners[2:]
    hertz = np.arange(_N_FFT // 2 + 1)[:, None] * (SAMPLE_RATE / _N_FFT)
    rising, falling = (hertz - left) / (peak - left), (right - hertz) / (right - peak)
    bands: NDArray[np.float64] = np.maximum(0, np.minimum(rising, falling))
    bands.setflags(write=False)
    return bands
