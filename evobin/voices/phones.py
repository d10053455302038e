"""What is said: a random string of syllables, as tracks of what the synthesiser has to do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FRAME_SECONDS = 0.005

# Mean formants of adult men in Hz, from G. E. Peterson and H. L. Barney, "Control methods used in
# a study of the vowels", JASA 24 (1952): heed, hid, head, had, hud, hod, hawed, hood, who'd, heard.
VOWELS = (
    (270, 2290, 3010),
    (390, 1990, 2550),
    (530, 1840, 2480),
    (660, 1720, 2410),
    (640, 1190, 2390),
    (730, 1090, 2440),
    (570, 840, 2410),
    (440, 1020, 2240),
    (300, 870, 2240),
    (490, 1350, 1690),
)

# A phone: seconds; F1, F2, F3 in Hz of a man; how much wider its formants are; amplitudes of
# voicing, of breath and of frication; centre and width of the frication in Hz of a man. The
# consonants are round numbers of our own choice: they only have to sound like speech.
_CONSONANTS = (
    (0.30, 500, 1500, 2500, 2.0, 0.0, 0.000, 0.00, 3000, 3000),  # pause
    (0.06, 400, 1400, 2500, 1.5, 0.0, 0.000, 0.00, 3000, 3000),  # closure of a stop
    (0.02, 400, 1100, 2300, 1.5, 0.0, 0.010, 0.50, 1100, 1500),  # burst of p
    (0.02, 400, 1800, 2600, 1.5, 0.0, 0.010, 0.50, 4200, 2000),  # burst of t
    (0.03, 400, 1900, 2200, 1.5, 0.0, 0.010, 0.50, 2000, 1000),  # burst of k
    (0.04, 500, 1500, 2500, 2.0, 0.0, 0.120, 0.00, 3000, 3000),  # aspiration, h
    (0.09, 350, 1700, 2600, 1.5, 0.0, 0.010, 0.60, 5600, 1500),  # s
    (0.09, 350, 1800, 2400, 1.5, 0.0, 0.010, 0.60, 3200, 1200),  # sh
    (0.08, 350, 1100, 2300, 1.5, 0.0, 0.010, 0.12, 4500, 5000),  # f
    (0.07, 300, 1700, 2600, 1.5, 0.4, 0.010, 0.25, 5600, 1500),  # z
    (0.07, 270, 1100, 2200, 3.0, 0.5, 0.005, 0.00, 3000, 3000),  # m
    (0.07, 270, 1600, 2600, 3.0, 0.5, 0.005, 0.00, 3000, 3000),  # n
    (0.06, 350, 1000, 2500, 1.3, 0.7, 0.010, 0.00, 3000, 3000),  # l
    (0.06, 300, 700, 2200, 1.3, 0.7, 0.010, 0.00, 3000, 3000),  # w
)
_PHONES = np.array(
    [*_CONSONANTS, *((0.11, *vowel, 1.0, 1.0, 0.015, 0.0, 3000, 3000) for vowel in VOWELS)]
)
_PAUSE, _FIRST_VOWEL = 0, len(_CONSONANTS)

_NONE = -1
_ONSETS = np.array(
    [
        *((_NONE, _NONE, phone) for phone in (_NONE, 5, 6, 7, 8, 9, 10, 11, 12, 13)),
        *((1, burst, last) for burst in (2, 3, 4) for last in (_NONE, 5)),
    ]
)
_CODAS = np.array([_NONE, _NONE, _NONE, _NONE, 6, 8, 9, 10, 11, 12])


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """What the synthesiser has to do in every frame of 5 ms."""

    accent: Floats  # [frames] what a speaker's intonation adds, in standard deviations
    since_pause: Floats  # [frames] seconds since the last pause
    formants: Floats  # [frames, 3] Hz of a man
    widening: Floats  # [frames] how much wider than in a vowel the formants are
    voicing: Floats  # [frames] amplitude of the glottal pulses
    breath: Floats  # [frames] amplitude of the noise at the glottis
    frication: Floats  # [frames] amplitude of the noise in the mouth
    friction_band: Floats  # [frames, 2] its centre and width, Hz of a man


def draw_tracks(n_frames: int, tempo: float, rng: np.random.Generator) -> Tracks:
    """Draws a string of syllables and how it moves.

    Args:
        n_frames: frames of 5 ms, at least 200: in less, nothing need be voiced.
        tempo: how much slower than average, around 1.
        rng: drawn from.

    Returns:
        The tracks, with a tenth of a second of silence at both ends.
    """
    phones = _draw_phones(n_frames // 8, rng)
    seconds = _PHONES[phones, 0] * tempo * rng.lognormal(0.0, 0.2, len(phones))
    lengths = np.maximum(2, np.rint(seconds / FRAME_SECONDS)).astype(np.int64)
    lengths[0] = 20
    spread = np.repeat(np.arange(len(phones)), lengths)[:n_frames]
    said = phones[spread]
    said[-20:] = _PAUSE
    rows = _PHONES[said]
    rows[:, 1:4] *= rng.lognormal(0.0, 0.04, (len(phones), 3))[spread]  # nobody hits the target
    slow, quick = _smooth(rows[:, 1:5], 11), _smooth(rows[:, 5:8], 5)
    accents = np.where(phones >= _FIRST_VOWEL, rng.normal(size=len(phones)), 0.0)
    frames = np.arange(n_frames)
    last_pause = np.maximum.accumulate(np.where(said == _PAUSE, frames, 0))
    return Tracks(
        accent=_smooth(accents[spread][:, None], 31)[:, 0],
        since_pause=np.multiply(frames - last_pause, FRAME_SECONDS, dtype=np.float64),
        formants=slow[:, :3],
        widening=slow[:, 3],
        voicing=quick[:, 0],
        breath=quick[:, 1],
        frication=quick[:, 2],
        friction_band=rows[:, 8:10],
    )


def _draw_phones(n_syllables: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Syllables of onset, vowel, often a glide to another vowel, coda, and now and then a pause."""
    vowels = rng.integers(_FIRST_VOWEL, len(_PHONES), (n_syllables, 2))
    vowels[rng.random(n_syllables) < 0.7, 1] = _NONE
    pauses = np.where(rng.random(n_syllables) < 0.12, _PAUSE, _NONE)
    syllables = np.column_stack(
        [rng.choice(_ONSETS, n_syllables), vowels, rng.choice(_CODAS, n_syllables), pauses]
    )
    phones = syllables[syllables != _NONE]
    return np.concatenate([[_PAUSE], phones])


def _smooth(tracks: Floats, width: int) -> Floats:
    """Averages over `width` (odd) frames; at the ends the first and last rows go on."""
    padded = np.pad(tracks, ((width // 2 + 1, width // 2), (0, 0)), mode="edge")
    sums = np.cumsum(padded, axis=0)
    return (sums[width:] - sums[:-width]) / width
