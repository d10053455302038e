"""The embedded voices as files, so that a newcomer can see the format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from evobin import files
from evobin.checks import check_range
from evobin.parallel import Workers
from evobin.voices import ClipKey, MapClips, SpokenClip, Voices, synthesise

CHUNK = 100  # clips a task: about half a second


def clip_mapper(workers: Workers) -> MapClips:
    """Synthesises on workers, a hundred clips a task."""

    def map_clips(
        function: Callable[[ClipKey], SpokenClip], keys: Sequence[ClipKey]
    ) -> Iterator[SpokenClip]:
        chunks = [(function, keys[first : first + CHUNK]) for first in range(0, len(keys), CHUNK)]
        return chain.from_iterable(workers.map(_each, chunks))

    return map_clips


def _each(function: Callable[[ClipKey], SpokenClip], keys: Sequence[ClipKey]) -> list[SpokenClip]:
    return [function(key) for key in keys]


def write_voices(out: Path, seed: int = 0) -> Voices:
    """Writes train.tsv, valid.tsv, test.tsv, speakers.tsv and features/*.npy.

    Args:
        out: folder, new or empty.
        seed: the same seed gives the same files.

    Raises:
        EvobinError: if the folder is not empty or cannot be written.
        SettingError: if `seed` is negative.
    """
    check_range("seed", seed, 0, 2**63 - 1)
    files.check_output_folder(out)
    voices = synthesise(seed)
    files.make_output_folder(out)
    (out / "features").mkdir()
    for name, clip in zip(voices.names, voices.features, strict=True):
        files.write_array(out / "features" / name, clip)
    table = voices.table.assign(label=voices.labels)
    for part, rows in table.groupby("part"):
        listing = rows[["file", "label"]].to_csv(sep="\t", header=False, index=False)
        files.write_text(out / f"{part}.tsv", listing)
    groups = table[["file", "speaker", "room"]].to_csv(sep="\t", index=False)
    files.write_text(out / "speakers.tsv", groups)
    return voices
