"""Training, validation and test clips: where they come from and who shares what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evobin.clips import Clips
from evobin.config import DataConfig
from evobin.data import Dataset, FeatureShape, hold_out, load_dataset
from evobin.errors import EvobinError
from evobin.network import Architecture
from evobin.voices import MapClips, Voices, synthesise


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Clips by their use.

    Attributes:
        train: what is trained on.
        valid: what candidates are chosen by.
        test: what is looked at once, at the end; None if there is no such part.
        note: how the parts were made, a sentence for the user.
    """

    train: Dataset
    valid: Dataset
    test: Dataset | None
    note: str


def feature_shape(architecture: Architecture) -> FeatureShape:
    """What a network needs of its clips."""
    return FeatureShape(architecture.n_in, architecture.min_frames)


def load_parts(config: DataConfig, architecture: Architecture, seed: int) -> Parts:
    """Loads the clips that the user named, and parts them where the user did not.

    Args:
        config: with `data` and `features`.
        architecture: the network that will be trained.
        seed: of the split.

    Raises:
        EvobinError: if a file has problems, or two parts share a clip.
    """
    if config.data is None or config.features is None:
        given, missing = ("data", "features") if config.features is None else ("features", "data")
        raise EvobinError(f"--{given} needs --{missing} as well; name both or neither.")
    whole = _load(config, config.data, architecture)
    valid = None if config.valid is None else _load(config, config.valid, architecture)
    test = None if config.test is None else _load(config, config.test, architecture)
    for path, part in ((config.valid, valid), (config.test, test)):
        _check_apart(config.data, whole, path, part)
    _check_apart(config.valid, valid, config.test, test)
    rest, notes = whole, []
    if test is None and config.test_share > 0:
        kept, held = hold_out(rest, config.test_share, seed)
        rest, test = rest.subset(kept), rest.subset(held)
    if valid is None:
        share = config.valid_share * len(whole) / len(rest)
        kept, held = hold_out(rest, min(share, 0.9), seed)
        rest, valid = rest.subset(kept), rest.subset(held)
        if config.groups is None:
            notes.append(
                "Parted by clip, stratified by label: without --groups, speakers may be shared, "
                "and validation accuracy is then too high for new speakers."
            )
        else:
            notes.append("Parted by speaker.")
    return Parts(rest, valid, test, " ".join([*notes, *_shared_speakers(rest, valid, test)]))


def _load(config: DataConfig, path: Path, architecture: Architecture) -> Dataset:
    assert config.features is not None
    return load_dataset(path, config.features, config.groups, feature_shape(architecture))


def _check_apart(
    path: Path | None, part: Dataset | None, other_path: Path | None, other: Dataset | None
) -> None:
    if part is None or other is None:
        return
    shared = sorted(set(part.names) & set(other.names))
    if shared:
        more = f" and {len(shared) - 1} more clips" if len(shared) > 1 else ""
        raise EvobinError(
            f"{other_path}: names {shared[0]}{more} that {path} names too; "
            "a clip can be in one part only."
        )


def _shared_speakers(train: Dataset, valid: Dataset, test: Dataset | None) -> list[str]:
    notes = []
    for name, part in (("validation", valid), ("test", test)):
        if part is None or part.groups is None or train.groups is None:
            continue
        shared = set(part.groups["speaker"]) & set(train.groups["speaker"])
        if shared:
            notes.append(f"{len(shared)} speakers of the {name} part are in the training part too.")
    return notes


def synthesised_parts(seed: int, map_clips: MapClips) -> Parts:
    """The embedded voices; no speaker is in two parts."""
    voices = synthesise(seed, map_clips=map_clips)
    parts = {name: _part_of(voices, name) for name in ("train", "valid", "test")}
    return Parts(**parts, note="Synthesised voices, parted by speaker.")


def _part_of(voices: Voices, name: str) -> Dataset:
    rows = np.flatnonzero(voices.table["part"] == name)
    return Dataset(
        tuple(voices.names[row] for row in rows),
        Clips.join([voices.features[row] for row in rows]),
        voices.labels[rows],
        voices.table.iloc[rows][["speaker", "room"]].reset_index(drop=True),
    )
