"""One clip: a speaker says something in a room, and its features are taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.audio.log_mel import SAMPLE_RATE, log_mel
from evobin.kernels.synthesis import glottal_source, resonate
from evobin.voices.phones import FRAME_SECONDS, Tracks, draw_tracks
from evobin.voices.traits import CLIP, Room, Speaker, draw_room, draw_speaker, generator

Floats = NDArray[np.float64]

_HOP = int(FRAME_SECONDS * SAMPLE_RATE)
_HIGHER_FORMANTS = np.array([3500.0, 4500.0, 5500.0])  # Hz: those of a straight tube of 17.5 cm
_WIDTHS = np.array([70.0, 90.0, 130.0, 200.0, 250.0, 300.0])  # Hz
_SHORTEST, _LONGEST = 360, 560  # frames: 1.8 to 2.8 s
_FFT_STEP = 4000  # samples: its small multiples have small prime factors, which is what is fast


class ClipKey(NamedTuple):
    """What a clip is made from, and all of it."""

    seed: int  # of the whole data set, from 0
    speaker: int  # from 0; even speakers are female
    clip: int  # number of the clip among its speaker's, from 0


@dataclass(frozen=True, slots=True, eq=False)
class SpokenClip:
    """One synthesised clip.

    Attributes:
        features: [t, 64] float16, log-mel, t from 178 to 278.
        f0: mean F0 of its voiced frames, Hz.
        female: whether a woman speaks.
        room: number of the room.
    """

    features: NDArray[np.float16]
    f0: float
    female: bool
    room: int


def synthesise_clip(key: ClipKey) -> SpokenClip:
    """Synthesises one clip: a pure function of its key, in any process. Takes about 5 ms.

    Example:
        >>> clip = synthesise_clip(ClipKey(seed=0, speaker=4, clip=1))
        >>> clip.female, clip.features.dtype, clip.features.shape[1]
        (True, dtype('float16'), 64)
    """
    samples, f0, voice = record_clip(key)
    return SpokenClip(log_mel(samples).astype(np.float16), f0, voice.female, voice.room)


def synthesise_clips(keys: Sequence[ClipKey]) -> list[SpokenClip]:
    """Synthesises several clips, in their order; the task of a worker."""
    return [synthesise_clip(key) for key in keys]


def record_clip(key: ClipKey) -> tuple[Floats, float, Speaker]:
    """What a clip's features are taken from: [n] at 16 kHz, full scale = 1; its F0; who speaks."""
    voice = draw_speaker(key.seed, key.speaker)
    rng = generator(key.seed, CLIP, key.speaker, key.clip)
    n_frames = int(rng.integers(_SHORTEST, _LONGEST + 1))
    tracks = draw_tracks(n_frames, voice.tempo, rng)
    f0 = _intone(voice, tracks, rng)
    speech = _speak(voice, tracks, f0, rng)
    level = voice.level + rng.normal(0.0, 1.0)
    samples = _record(speech, draw_room(key.seed, voice.room), level, rng)
    return samples, float(f0[tracks.voicing > 0.3].mean()), voice


def _intone(voice: Speaker, tracks: Tracks, rng: np.random.Generator) -> Floats:
    """[frames] F0 in Hz: a speaker's mean, the clip's mood, a fall in each phrase, accents."""
    log_f0 = (
        voice.log_f0
        + rng.normal(0.0, 0.08)
        - 0.12 * np.minimum(tracks.since_pause - 0.7, 1.0)
        + voice.accent * tracks.accent
    )
    return np.clip(np.exp(log_f0), 60.0, 450.0)


def _speak(voice: Speaker, tracks: Tracks, f0: Floats, rng: np.random.Generator) -> Floats:
    """[samples] what leaves the mouth: the filtered source and the noise of frication."""
    n = _HOP * len(f0)
    noise = rng.standard_normal(n)
    source = glottal_source(
        f0,
        tracks.voicing,
        voice.breath * tracks.breath,
        noise,
        voice.jitter * rng.standard_normal(512),
        voice.shimmer * rng.standard_normal(512),
        voice.open_quotient,
        voice.tilt,
        float(SAMPLE_RATE),
    )
    formants = np.empty((len(f0), len(voice.formant_scales)))
    formants[:, :3] = tracks.formants
    formants[:, 3:] = _HIGHER_FORMANTS
    formants *= voice.formant_scales
    widths = _WIDTHS * voice.width_scale * tracks.widening[:, None]
    voiced = resonate(source, formants, widths, float(SAMPLE_RATE))
    band = tracks.friction_band * voice.friction_scale
    noise.reshape(len(f0), _HOP)[:] *= 0.2 * tracks.frication[:, None]
    noise[1:] -= noise[:-1]  # nothing at 0 Hz, where a resonator has a gain of 1
    voiced += resonate(noise, np.minimum(band[:, :1], 7500.0), band[:, 1:], float(SAMPLE_RATE))
    return voiced


def _record(speech: Floats, room: Room, level: float, rng: np.random.Generator) -> Floats:
    """[samples] what the microphone hears: all linear, so it is one product of spectra.

    The noise floor is drawn as a spectrum. Speech is brought to the room's level before the room.
    """
    n = -(-(len(speech) + len(room.impulse)) // _FFT_STEP) * _FFT_STEP
    rms = 10 ** ((room.level + level) / 20)
    loudness = np.sqrt(np.vdot(speech, speech) / len(speech))
    spectrum = np.fft.rfft(speech * (rms / loudness), n)
    spectrum *= np.fft.rfft(room.impulse, n)
    gain, floor = _microphone(room, n)
    # In the spectrum of white noise of variance 1, both parts of every bin have variance n / 2.
    floor *= rms * 10 ** (-room.noise / 20) * np.sqrt(n / 2 / np.mean(floor**2))
    noise = rng.standard_normal((len(floor), 2)).view(np.complex128)[:, 0]
    noise *= floor
    spectrum += noise
    spectrum *= gain
    return np.fft.irfft(spectrum, n)[: len(speech)]


def _microphone(room: Room, n: int) -> tuple[Floats, Floats]:
    """[n // 2 + 1] gains: a smooth random curve over mel with a low cut, and the noise's slope.

    Both are computed at 129 frequencies and drawn through them: cosines and powers at all bins
    would take as long as all the rest of a clip.
    """
    mel = np.linspace(0.0, 1.0, 129)
    hertz = 700 * ((1 + SAMPLE_RATE / 2 / 700) ** mel - 1)
    turns = np.arange(1, len(room.waves) + 1)[:, None] * np.pi * mel
    decibels = room.waves @ np.cos(turns + room.shifts[:, None])
    gain = 10 ** (decibels / 20) * hertz / np.hypot(hertz, room.low_cut)
    floor = (1 + hertz / 300) ** (-room.noise_slope / 2)
    bins = np.fft.rfftfreq(n, 1 / SAMPLE_RATE)
    return np.interp(bins, hertz, gain), np.interp(bins, hertz, floor)
