"""Recordings: from audio files to samples at 16 kHz, trimmed, cut, and to log-mel features."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from evobin import files
from evobin.audio.log_mel import FRAME, HOP, SAMPLE_RATE, log_mel
from evobin.audio.sources import source
from evobin.config import FeaturesConfig
from evobin.errors import EvobinError
from evobin.extras import need

LONGEST = 4 * 3600
"""Seconds of a recording: 0.9 GB of samples."""
LOWEST_RATE, HIGHEST_RATE = 1_000, 1_000_000
"""Hz: a header may say anything, and at 1 Hz a megabyte of samples would last for days."""
LOUDEST = 100.0
"""Largest magnitude of a sample where full scale is 1: a decoder may overshoot a little."""

_EXTRA = "audio"
_BLOCK = 1 << 16  # values of all channels that are decoded at a time: 0.5 MB, which a cache holds
_SILENCE_BELOW = 35.0  # dB under the loud frames
_LOUD = 95  # percentile of the levels of all frames
_SILENCE = -75.0  # dB re full scale: below that, nothing is speech
_NOTHING = 2.0**-16  # half a step of 16 bits: decoders of mp3 and ogg make such noise of silence
_CANCELLED = 0.01  # power of the channels' mean, over theirs; of channels that are unrelated: 0.5
_KEPT = SAMPLE_RATE // 10  # samples on either side of what is no silence
_PIECE = math.gcd(FRAME, HOP)

Samples = NDArray[np.float32]


def need_packages(what: str) -> tuple[ModuleType, ModuleType]:
    """Imports what decodes and resamples recordings.

    Args:
        what: what needs it, as the user named it.

    Returns:
        soundfile and soxr.

    Raises:
        EvobinError: if one is not installed, or soundfile finds no libsndfile.
    """
    try:
        return need("soundfile", _EXTRA, what), need("soxr", _EXTRA, what)
    except OSError as error:  # soundfile's wheels bring libsndfile on common systems only
        raise EvobinError(
            f"{what}: needs libsndfile, which is not installed; install the system's package."
        ) from error


def load_features(
    path: Path, min_frames: int, *, trim: bool = False, clip_seconds: float | None = None
) -> list[NDArray[np.float16]]:
    """Computes the log-mel features of a recording, as `features.log_mel` does.

    An hour takes about ten seconds and 0.4 GB.

    Args:
        path: an audio file that libsndfile or an installed ffmpeg knows, at any rate, with any
            number of channels.
        min_frames: the fewest frames of a clip.
        trim: whether silence at the beginning and at the end is cut off.
        clip_seconds: a longer recording is cut into equal parts of at most this; None leaves it
            whole.

    Returns:
        [t, 64] for each part, in C order.

    Raises:
        EvobinError: if the file is missing, is no recording, is damaged, too long or too short,
            holds samples that are not finite or far beyond full scale, holds digital silence, or
            channels that cancel each other.
    """
    samples = read_recording(path)
    try:
        _check_length(samples, min_frames, "")
        _check_sound(samples)
        if trim:
            samples = trim_silence(samples)
            _check_length(samples, min_frames, " without the silence around it")
    except EvobinError as error:
        raise EvobinError(f"{path}: {error}") from error
    parts = [samples] if clip_seconds is None else cut(samples, clip_seconds)
    return [log_mel(part).astype(np.float16) for part in parts]


class Converted(NamedTuple):
    """What became of a recording: names and frames of its clips, or a problem."""

    clips: list[tuple[str, int]]
    problem: str | None = None


def convert(
    recordings: Sequence[tuple[str, Path]], folder: Path, config: FeaturesConfig, min_frames: int
) -> list[Converted]:
    """Writes the features of recordings; the task of a worker, which needs no more than this file.

    What is written is not on disk before `os.sync`.

    Args:
        recordings: name and file of each.
        folder: for the feature files; a clip is written as `clip_name` says, the parts of a
            recording that is cut with -1, -2 and so on.
        config: how recordings are trimmed and cut.
        min_frames: the fewest frames of a clip.

    Raises:
        EvobinError: if a file cannot be written; a problem with a recording is its outcome.
    """
    return [_convert(name, path, folder, config, min_frames) for name, path in recordings]


def _convert(
    name: str, path: Path, folder: Path, config: FeaturesConfig, min_frames: int
) -> Converted:
    try:
        clips = load_features(path, min_frames, trim=config.trim, clip_seconds=config.clip_seconds)
    except EvobinError as error:
        return Converted([], str(error))
    whole = clip_name(name)
    stem = whole.removesuffix(".npy")
    names = [whole] if len(clips) == 1 else [f"{stem}-{i + 1}.npy" for i in range(len(clips))]
    place = (folder / whole).parent
    with files.writing(place):
        place.mkdir(parents=True, exist_ok=True)
    for part, clip in zip(names, clips, strict=True):
        files.write_array(folder / part, clip, sync=False)
    return Converted([(part, len(clip)) for part, clip in zip(names, clips, strict=True)])


def clip_name(name: str) -> str:
    """The feature file of a recording that is not cut.

    Example:
        >>> clip_name("male/a.wav")
        'male/a.npy'
    """
    return str(PurePosixPath(name).with_suffix(".npy"))


def read_recording(path: Path) -> Samples:
    """Decodes a recording, averages its channels and resamples it (soxr, VHQ).

    It is read block by block, so that nothing but its samples at 16 kHz is kept. A wav or ogg file
    that ends early is read as far as it goes, and a wav file that was streamed, whose header does
    not know its length, to its end. What libsndfile does not read, such as m4a, is first decoded by
    ffmpeg, into a temporary file.

    Args:
        path: an audio file that libsndfile or an installed ffmpeg knows.

    Returns:
        [n] one channel at 16 kHz, full scale = 1.

    Raises:
        EvobinError: as `load_features`, but for recordings that are too short or silent.

    Example:
        >>> import tempfile, soundfile
        >>> path = Path(tempfile.mkdtemp()) / "speech.wav"
        >>> soundfile.write(path, np.zeros((44100, 2)), 44100)
        >>> read_recording(path).shape
        (16000,)
    """
    soundfile, soxr = need_packages(str(path))
    with files.reading(path):
        if path.stat().st_size == 0:
            raise EvobinError("is empty; record it again or leave it out.")
        try:
            with (
                source(path, LONGEST) as file,
                soundfile.SoundFile(file, closefd=False) as recording,
            ):
                return _decode(recording, soxr)
        except soundfile.LibsndfileError as error:
            reason = error.error_string.strip().rstrip(".")
            raise EvobinError(
                f"is damaged or no recording that libsndfile knows ({reason}); "
                "save it as wav or flac."
            ) from error


def trim_silence(samples: Samples) -> Samples:
    """Cuts off the silence at the beginning and at the end; pauses inside stay.

    A frame (25 ms every 10 ms) is silent if its level, the mean square in dB re full scale, is
    more than 35 dB under the 95th percentile of all frames' levels, or under -75 dB. 0.1 s of
    silence stay on either side.

    Args:
        samples: [n] one channel at 16 kHz, n >= 400; not modified.

    Returns:
        A view of the rest.

    Raises:
        EvobinError: if all of it is silent; the text lacks its subject.

    Example:
        >>> samples = np.zeros(48000, np.float32)
        >>> samples[16000:32000] = 0.1
        >>> len(trim_silence(samples)) / 16000
        1.235
    """
    pieces = samples[: len(samples) // _PIECE * _PIECE].reshape(-1, _PIECE)
    energies = np.einsum("ij,ij->i", pieces, pieces, dtype=np.float64)
    frames = sliding_window_view(energies, FRAME // _PIECE)[:: HOP // _PIECE].sum(axis=1)
    levels = 10 * np.log10(np.maximum(frames / FRAME, 1e-30))
    loud = np.flatnonzero(levels >= max(np.percentile(levels, _LOUD) - _SILENCE_BELOW, _SILENCE))
    if not len(loud):
        raise EvobinError("holds nothing but silence; leave it out.")
    first, last = loud[0] * HOP, loud[-1] * HOP + FRAME
    return samples[max(0, first - _KEPT) : last + _KEPT]


def cut(samples: Samples, seconds: float) -> list[Samples]:
    """Cuts a recording into as few parts of at most `seconds` as will do, equal to a sample.

    Args:
        samples: [n] one channel at 16 kHz, n >= 1; not modified.
        seconds: of one sample at least.

    Example:
        >>> [len(part) / 16000 for part in cut(np.zeros(112000, np.float32), 5.0)]
        [3.5, 3.5]
    """
    longest = int(seconds * SAMPLE_RATE)
    return np.array_split(samples, -(-len(samples) // longest))


def _check_length(samples: Samples, min_frames: int, how: str) -> None:
    fewest = FRAME + (min_frames - 1) * HOP
    if len(samples) < fewest:
        raise EvobinError(
            f"is {len(samples) / SAMPLE_RATE:.3g} s long{how}, but a clip needs "
            f"{fewest / SAMPLE_RATE:.3g} s ({min_frames} frames); leave it out."
        )


def _check_sound(samples: Samples) -> None:
    low, high = float(samples.min()), float(samples.max())
    if high - low < _NOTHING:
        level = round((low + high) / 2, 3)
        raise EvobinError(f"holds no sound: all of its samples are {level:g}; leave it out.")


def _decode(recording: Any, soxr: ModuleType) -> Samples:
    """As `read_recording`; the text of an EvobinError lacks its subject, the file."""
    rate = recording.samplerate
    convert = _converter(rate, soxr)
    equal = np.full(recording.channels, 1 / recording.channels)
    samples, frames = bytearray(), 0  # grows in place: no more than its size is ever needed
    power = np.zeros(2)  # of the channels, and of their mean
    while len(block := recording.read(_BLOCK // recording.channels, always_2d=True)):
        _check_block(block, frames / rate, rate)
        frames += len(block)
        if frames > LONGEST * rate:
            raise EvobinError(f"is longer than {LONGEST // 60} minutes; split it.")
        mean = block @ equal  # ten times as fast as their mean
        power += np.vdot(block, block) / recording.channels, np.vdot(mean, mean)
        samples.extend(convert(mean, False))
    # What mp3 files announce may be off by a little.
    if frames < recording.frames - rate // 10:
        raise EvobinError(
            f"is truncated: {frames / rate:.1f} of {recording.frames / rate:.1f} s; copy it again."
        )
    if power[1] < _CANCELLED * power[0]:
        raise EvobinError(
            "has channels that cancel each other (one is the other upside down); save one of them "
            "alone."
        )
    samples.extend(convert(np.empty(0), True))
    return np.frombuffer(samples, np.float32)


def _converter(rate: int, soxr: ModuleType) -> Callable[[NDArray[np.float64], bool], bytes]:
    """What brings blocks of a channel to 16 kHz, and on: the last block says that it is."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise EvobinError(
            f"has {rate:,} samples a second; they must be from {LOWEST_RATE:,} to {HIGHEST_RATE:,}."
        )
    if rate == SAMPLE_RATE:
        return lambda block, _last: block.astype(np.float32).tobytes()
    stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float64", quality="VHQ")

    def resample(block: NDArray[np.float64], last: bool) -> bytes:
        out: NDArray[np.float64] = stream.resample_chunk(block, last)
        return out.astype(np.float32).tobytes()

    return resample


def _check_block(block: NDArray[np.float64], start: float, rate: int) -> None:
    """`block` [frames, channels] begins at `start` seconds."""
    if not np.abs(block).max() <= LOUDEST:  # false for nan too
        wrong = np.argwhere(~(np.abs(block) <= LOUDEST))[0]
        raise EvobinError(
            f"holds the sample {block[tuple(wrong)]:g} at {start + wrong[0] / rate:.3f} s; samples "
            "must be finite, and full scale is 1."
        )
