"""The whole data set: many speakers, split by speaker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_range
from evobin.errors import SettingError
from evobin.lazy import pd
from evobin.voices.speech import ClipKey, SpokenClip, synthesise_clips
from evobin.voices.traits import generator

_NAMES = 0  # the key of the random numbers that shuffle the names

MakeClips = Callable[[Sequence[ClipKey]], Iterable[SpokenClip]]
"""`synthesise_clips`, here or on workers: the clips of the keys, in their order."""


@dataclass(frozen=True, slots=True)
class VoicesSettings:
    """How many voices are synthesised; half of the speakers of every part are female."""

    train_speakers: int = 200
    """Speakers in the training part: even, at least 2."""
    valid_speakers: int = 26
    """Speakers in the validation part: even, at least 2."""
    test_speakers: int = 68
    """Speakers in the test part: even, at least 2."""
    clips_per_speaker: int = 6
    """Clips of every speaker, from 1 to 99."""

    def __post_init__(self) -> None:
        for name in ("train_speakers", "valid_speakers", "test_speakers"):
            value = getattr(self, name)
            if value < 2 or value % 2:
                raise ValueError(
                    f"`{name}` must be even and at least 2, but it is {value}; "
                    "half of the speakers are female."
                )
        check_range("clips_per_speaker", self.clips_per_speaker, 1, 99)

    @classmethod
    def of(cls, speakers: int) -> Self:
        """So many in all, split as by default.

        Raises:
            SettingError: if it is odd or below 6.

        Example:
            >>> VoicesSettings.of(294) == VoicesSettings()
            True
        """
        check_range("speakers", speakers, 6, 100_000)
        if speakers % 2:
            raise SettingError(f"`speakers` must be even, but it is {speakers}.")
        valid, test = (max(2, 2 * round(speakers * pairs / 294)) for pairs in (13, 34))
        return cls(speakers - valid - test, valid, test)


@dataclass(frozen=True, slots=True, eq=False)
class Voices:
    """Synthesised clips, in the order of their names.

    Attributes:
        names: file name of each clip; neither it nor its place says anything about the label.
        features: [t, 64] float16 for each clip, log-mel, t from 178 to 278.
        labels: [n] int8, 1 = female, 0 = male.
        table: a row a clip: `file`, `speaker`, `part` ("train", "valid" or "test"; no speaker is
            in two), `room`, and `f0`, the mean F0 in Hz of the voiced frames.
    """

    names: tuple[str, ...]
    features: tuple[NDArray[np.float16], ...]
    labels: NDArray[np.int8]
    table: pd.DataFrame


def synthesise(
    seed: int = 0,
    settings: VoicesSettings | None = None,
    make_clips: MakeClips = synthesise_clips,
) -> Voices:
    """Synthesises the data set; the same seed and settings give the same bytes, whoever makes them.

    Every clip has random numbers of its own, derived from the seed, its speaker and its number,
    so neither order nor workers matter. The default set takes about ten seconds on one core.

    Args:
        seed: from 0.
        settings: how many; by default `VoicesSettings()`.
        make_clips: makes the clips of all keys, by default in this process.

    Raises:
        ValueError: if `seed` is negative.

    Example:
        >>> voices = synthesise(0, VoicesSettings(2, 2, 2, clips_per_speaker=1))
        >>> voices.names[:2], sorted(voices.labels.tolist())
        (('v000_00.npy', 'v001_00.npy'), [0, 0, 0, 1, 1, 1])
    """
    if seed < 0:
        raise ValueError(f"`seed` must be 0 or more, but it is {seed}.")
    settings = settings or VoicesSettings()
    table, keys = roster(seed, settings)
    clips = list(make_clips(keys))
    rooms, f0 = [f"r{clip.room:02d}" for clip in clips], [round(clip.f0, 1) for clip in clips]
    return Voices(
        names=tuple(table["file"]),
        features=tuple(clip.features for clip in clips),
        labels=np.array([clip.female for clip in clips], np.int8),
        table=table.assign(room=rooms, f0=f0),
    )


def roster(seed: int, settings: VoicesSettings) -> tuple[pd.DataFrame, list[ClipKey]]:
    """Who speaks: a row a clip, `file`, `speaker` and `part`, and what each is made from.

    Speakers 2i and 2i + 1, of both sexes and in one room, are in the same part; the order of the
    names is random.
    """
    sizes = (settings.train_speakers, settings.valid_speakers, settings.test_speakers)
    part_of = np.repeat(["train", "valid", "test"], sizes)
    speakers = generator(seed, _NAMES).permutation(len(part_of))
    n = settings.clips_per_speaker
    keys = [ClipKey(seed, int(speaker), clip) for speaker in speakers for clip in range(n)]
    names = [f"v{place // n:03d}" for place in range(len(keys))]
    files = [f"{name}_{key.clip:02d}.npy" for name, key in zip(names, keys, strict=True)]
    columns = {"file": files, "speaker": names, "part": np.repeat(part_of[speakers], n).tolist()}
    return pd.DataFrame(columns), keys
