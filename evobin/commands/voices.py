"""The synthesised voices as files, so that a newcomer can see the formats."""

from __future__ import annotations

import io
import os
import wave
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evobin import files
from evobin.audio.log_mel import SAMPLE_RATE
from evobin.checks import check_range
from evobin.parallel import Workers
from evobin.voices import (
    ClipKey,
    MakeClips,
    SpokenClip,
    VoicesSettings,
    record_clip,
    roster,
    synthesise,
    synthesise_clips,
)

CHUNK = 100  # clips a task: about half a second
SEXES = ("female", "male")


def clip_maker(workers: Workers) -> MakeClips:
    """Synthesises on workers, a hundred clips a task."""

    def make_clips(keys: Sequence[ClipKey]) -> Iterator[SpokenClip]:
        chunks = [(keys[first : first + CHUNK],) for first in range(0, len(keys), CHUNK)]
        return chain.from_iterable(workers.map(synthesise_clips, chunks))

    return make_clips


def write_voices(out: Path, seed: int = 0, speakers: int = 294, *, recordings: bool = False) -> int:
    """Writes the voices as a data set, or as recordings that a data set can be made of.

    A data set is train.tsv, valid.tsv, test.tsv, speakers.tsv and features/*.npy. Recordings are
    wav files of 16 bits in folders female and male, and speakers.tsv.

    Args:
        out: folder, new or empty.
        seed: the same seed gives the same files.
        speakers: how many, an even number from 6.
        recordings: write these.

    Returns:
        How many clips there are.

    Raises:
        EvobinError: if the folder is not empty or cannot be written.
        SettingError: if `seed` is negative, or `speakers` odd or below 6.
    """
    check_range("seed", seed, 0, 2**63 - 1)
    settings = VoicesSettings.of(speakers)
    files.check_output_folder(out)
    return (_write_recordings if recordings else _write_data_set)(out, seed, settings)


def _write_data_set(out: Path, seed: int, settings: VoicesSettings) -> int:
    voices = synthesise(seed, settings)
    files.make_output_folder(out)
    (out / "features").mkdir()
    for name, clip in zip(voices.names, voices.features, strict=True):
        files.write_array(out / "features" / name, clip)
    table = voices.table.assign(label=voices.labels)
    for part, rows in table.groupby("part"):
        listing = rows[["file", "label"]].to_csv(sep="\t", header=False, index=False)
        files.write_text(out / f"{part}.tsv", listing)
    _write_speakers(out, table[["file", "speaker", "room"]])
    return len(table)


def _write_recordings(out: Path, seed: int, settings: VoicesSettings) -> int:
    table, keys = roster(seed, settings)
    files.make_output_folder(out)
    for folder in SEXES:
        (out / folder).mkdir()
    names, rooms = [], []
    for name, key in zip(table["file"], keys, strict=True):
        samples, _, voice = record_clip(key)
        names.append(f"{SEXES[not voice.female]}/{name.removesuffix('.npy')}.wav")
        rooms.append(f"r{voice.room:02d}")
        files.write_bytes(out / names[-1], _wav(samples), sync=False)
    os.sync()  # once: file by file it takes longer than all the rest
    _write_speakers(out, pd.DataFrame({"file": names, "speaker": table["speaker"], "room": rooms}))
    return len(names)


def _wav(samples: NDArray[np.float64]) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, len(samples), "NONE", "not compressed"))
        file.writeframes((32767 * np.clip(samples, -1, 1)).round().astype("<i2").tobytes())
    return buffer.getvalue()


def _write_speakers(out: Path, table: pd.DataFrame) -> None:
    files.write_text(out / "speakers.tsv", table.to_csv(sep="\t", index=False))
