"""Who speaks and where: the traits of speakers and rooms, each from its own random numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

N_ROOMS = 24
# How much a formant has of its own, in ln(Hz): more in the upper ones, or they would give away the
# length of the vocal tract in every frame.
_FORMANT_SPREAD = np.array([0.01, 0.01, 0.01, 0.02, 0.02, 0.02])
ROOM_SECONDS = 0.2
"""Length of a room's impulse response."""

# What a stream of random numbers is for: the first number of its key.
_SPEAKER, _ROOM, CLIP = 1, 2, 3


def generator(seed: int, *key: int) -> np.random.Generator:
    """The generator of one thing: the same in every process and in whatever order it is made."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


@dataclass(frozen=True, slots=True, eq=False)
class Speaker:
    """One speaker."""

    female: bool  # the label
    room: int  # where all clips of the speaker are recorded, from 0 to 23
    log_f0: float  # mean of ln(F0 in Hz)
    # [6] formants over those of an average man: the inverse of the vocal tract's length, with a
    # little of its own for each formant
    formant_scales: Floats
    friction_scale: float  # the same for the noise of fricatives
    width_scale: float  # the same for the bandwidths
    open_quotient: float  # open part of a glottal period
    tilt: float  # pole of the low-pass on the glottal source
    breath: float  # how breathy, in multiples
    jitter: float  # standard deviation of a period's length
    shimmer: float  # the same of its amplitude
    accent: float  # standard deviation of the intonation, in ln(Hz)
    tempo: float  # length of a phone, in multiples
    level: float  # what the voice adds to the level of the room, in dB


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """One room with its microphone."""

    impulse: Floats  # [0.2 s] impulse response; the direct sound is a 1 at the start
    level: float  # of speech, in dB re full scale
    noise: float  # level of the noise floor under that of the speech, in dB
    noise_slope: float  # the noise's power falls with frequency to this power
    waves: Floats  # [4] amplitudes in dB of the cosines (over mel) in the microphone's response
    shifts: Floats  # [4] their phases
    low_cut: float  # Hz, where the microphone is 3 dB down


def draw_speaker(seed: int, speaker: int) -> Speaker:
    """The traits of a speaker: even ones are female, and 2i and 2i + 1 share a room.

    Mean F0 and the length of the vocal tract are drawn independently: within a sex neither says
    anything about the other. F0 overlaps far more than the length and the quality of the voice do,
    so that pitch alone is not the answer: the best threshold on a clip's true mean F0 is right on
    87% of the default clips, the best one on the mean of a band on 79%.
    """
    rng = generator(seed, _SPEAKER, speaker)
    female = speaker % 2 == 0
    length = (1.20 if female else 1.0) * np.exp(0.03 * _bounded_normal(rng))
    return Speaker(
        female=female,
        room=int(generator(seed, _ROOM, 0, speaker // 2).integers(N_ROOMS)),
        log_f0=np.log(193.0 if female else 128.0) + 0.16 * _bounded_normal(rng),
        formant_scales=length * np.exp(_FORMANT_SPREAD * rng.normal(size=len(_FORMANT_SPREAD))),
        friction_scale=length * rng.lognormal(0.0, 0.08),
        width_scale=rng.uniform(0.8, 1.3),
        open_quotient=(0.69 if female else 0.54) + 0.045 * _bounded_normal(rng),
        tilt=(0.64 if female else 0.36) + 0.08 * _bounded_normal(rng),
        breath=(1.8 if female else 1.0) * rng.lognormal(0.0, 0.4),
        jitter=rng.uniform(0.003, 0.015),
        shimmer=rng.uniform(0.02, 0.08),
        accent=rng.uniform(0.10, 0.25),
        tempo=rng.uniform(0.8, 1.25),
        level=rng.normal(0.0, 1.0),
    )


def draw_room(seed: int, room: int) -> Room:
    """The traits of a room: a few early reflections, a dying noise, a microphone, a noise floor."""
    rng = generator(seed, _ROOM, 1, room)
    n = int(ROOM_SECONDS * 16_000)
    seconds = np.arange(n) / 16_000
    decay = np.exp(-6.9 * seconds / rng.uniform(0.12, 0.5))  # by 60 dB
    impulse = rng.uniform(0.002, 0.03) * rng.normal(size=n) * decay
    early = rng.integers(30, 500, 8)
    impulse[early] += rng.uniform(0.1, 0.5) * rng.normal(size=8) * decay[early]
    impulse[0] = 1.0
    return Room(
        impulse=impulse,
        level=rng.uniform(-37.0, -26.0),
        noise=rng.uniform(25.0, 48.0),
        noise_slope=rng.uniform(0.0, 1.5),
        waves=rng.normal(0.0, 1.0, 4),
        shifts=rng.uniform(0.0, 2 * np.pi, 4),
        low_cut=rng.uniform(30.0, 120.0),
    )


def _bounded_normal(rng: np.random.Generator) -> float:
    """About normal, standard deviation 1, never beyond 2.45: no speaker is out of all bounds."""
    return float(rng.uniform(-1.0, 1.0, 2).sum() * 1.5**0.5)
