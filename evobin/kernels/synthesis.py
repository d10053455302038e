"""Kernels of the voice synthesiser: recursions that have to go sample by sample."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@njit(nogil=True, cache=True)
def glottal_source(
    f0: Floats,
    voicing: Floats,
    breath: Floats,
    noise: Floats,
    jitter: Floats,
    shimmer: Floats,
    open_quotient: float,
    tilt: float,
    rate: float,
) -> Floats:
    """The derivative of the glottal flow, pulse after pulse, with the noise of breathing.

    During the first `open_quotient` of a period the flow is 27/4 (x^2 - x^3), x from 0 to 1, and
    0 for the rest; the derivative stands for the radiation at the lips, and a one-pole low-pass
    rounds the moment of closure. A period starts between two samples, where the last one ended,
    and takes frequency and amplitude from the frame it starts in. The noise is halved while the
    glottis is shut, and is whole where there is no voicing. O(n).

    Args:
        f0: [frames] Hz, above 0. A frame is `len(noise) // frames` samples.
        voicing: [frames] amplitude of the pulses, 0 = none.
        breath: [frames] amplitude of the noise.
        noise: [n] white noise of unit variance; n is a multiple of `frames`.
        jitter: [m] relative change of a period's length, one a period, used again from the start.
        shimmer: [m] the same of its amplitude.
        open_quotient: open part of a period, in (0, 1].
        tilt: pole of the low-pass, in [0, 1).
        rate: samples a second.

    Returns:
        [n] float64.

    Source:
        The shape of the pulse: D. H. Klatt and L. C. Klatt, "Analysis, synthesis, and perception
        of voice quality variations among female and male talkers", JASA 87 (1990).
    """
    n = len(noise)
    hop = n // len(f0)
    out = np.empty(n)
    at, period, opened, loudness = 0.0, 0.0, 1.0, 0.0  # `at` = samples since the period started
    pulse = 0
    last = 0.0
    for i in range(n):
        frame = i // hop
        if at >= period:
            at -= period
            period = rate / f0[frame] * (1.0 + jitter[pulse % len(jitter)])
            opened = open_quotient * period
            loudness = voicing[frame] * (1.0 + shimmer[pulse % len(shimmer)])
            pulse += 1
        flow = 0.0
        gate = 1.0
        if at < opened:
            x = at / opened
            flow = loudness * 6.75 * x * (2.0 - 3.0 * x)
        elif loudness > 0.0:
            gate = 0.5
        last = (1.0 - tilt) * flow + tilt * last
        out[i] = last + gate * breath[frame] * noise[i]
        at += 1.0
    return out


@njit(nogil=True, cache=True)
def resonate(signal: Floats, centres: Floats, widths: Floats, rate: float) -> Floats:
    """Filters a signal with a cascade of resonators that change from frame to frame.

    Each is y[i] = a x[i] + b y[i-1] + c y[i-2] with c = -exp(-2 pi width / rate),
    b = 2 exp(-pi width / rate) cos(2 pi centre / rate) and a = 1 - b - c, which makes the gain at
    0 Hz 1. The states run on when the coefficients change, so that nothing clicks. O(n k).

    Args:
        signal: [n]; n is a multiple of the number of frames. Not modified.
        centres: [frames, k] Hz, from 0 to rate / 2.
        widths: [frames, k] bandwidths in Hz, above 0.
        rate: samples a second.

    Returns:
        [n] float64.

    Source:
        D. H. Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67 (1980).
    """
    n_frames, n_resonators = centres.shape
    hop = len(signal) // n_frames
    out = np.empty(len(signal))
    a, b, c = np.empty(n_resonators), np.empty(n_resonators), np.empty(n_resonators)
    y1, y2 = np.zeros(n_resonators), np.zeros(n_resonators)
    for frame in range(n_frames):
        for k in range(n_resonators):
            radius = math.exp(-math.pi * widths[frame, k] / rate)
            c[k] = -radius * radius
            b[k] = 2.0 * radius * math.cos(2.0 * math.pi * centres[frame, k] / rate)
            a[k] = 1.0 - b[k] - c[k]
        for i in range(frame * hop, (frame + 1) * hop):
            y = signal[i]
            for k in range(n_resonators):
                y = a[k] * y + b[k] * y1[k] + c[k] * y2[k]
                y2[k] = y1[k]
                y1[k] = y
            out[i] = y
    return out
