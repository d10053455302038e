"""Training, validation and test samples: where they come from, and which groups they share."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from evobin.config import DataConfig, EvaluateConfig
from evobin.core.samples import Dataset, Samples
from evobin.data.dataset import hold_out, load_dataset
from evobin.errors import EvobinError
from evobin.network.presets import Preset, preset_of
from evobin.voices import MakeClips, synthesise

LARGEST = 1e5  # magnitude of a feature to train on: log-mel stays below 100


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """Samples by their use.

    Attributes:
        train: what is trained on.
        valid: what candidates are chosen by.
        test: what is looked at once, at the end; None if there is no such part.
        note: how the samples were split, sentences for the user.
        raw: fingerprint of what the samples were made of, where that holds more than they do.
    """

    train: Dataset
    valid: Dataset
    test: Dataset | None
    note: str
    raw: str = ""

    @property
    def named(self) -> dict[str, Dataset]:
        """The parts that there are: "train", "valid" and perhaps "test"."""
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None}

    def fingerprint(self) -> str:
        """SHA-256 of all that a run can see of the samples, in hexadecimal."""
        seen = hashlib.sha256(self.raw.encode())
        for name, part in self.named.items():
            seen.update(json.dumps([name, part.names]).encode())
            for array in (part.labels, part.samples.starts):
                seen.update(np.ascontiguousarray(array).data)
            for piece in part.samples.pieces():
                seen.update(piece.frames.data)
            if part.groups is not None:
                seen.update(part.groups.to_csv().encode())
        return seen.hexdigest()


def load_splits(config: DataConfig, seed: int, largest: float = LARGEST) -> Splits:
    """Loads the samples that the user named, and splits them where the user did not.

    `largest` is the largest magnitude of a feature.

    Raises:
        EvobinError: if a file has problems, or two parts share a sample.
        ValueError: if `config` names no data.
    """
    data, features = config.data, config.features
    if data is None or features is None:
        raise ValueError("`config` must name `data` and `features`, but one of them is None.")

    def load(path: Path) -> Dataset:
        where = EvaluateConfig(path, features, config.groups, architecture=config.architecture)
        return load_dataset(where, largest)

    preset = preset_of(config.architecture)
    whole = load(data)
    valid = None if config.valid is None else load(config.valid)
    test = None if config.test is None else load(config.test)
    parts = ((data, whole), (config.valid, valid), (config.test, test))
    named = [(path, part) for path, part in parts if part is not None]
    for one, other in combinations(named, 2):
        _check_apart(features, one, other, preset)
    rest, notes = whole, []
    if test is None and config.test_share > 0:
        kept, held = hold_out(rest, config.test_share, seed, preset)
        rest, test = rest.subset(kept), rest.subset(held)
    if valid is None:
        share = config.valid_share * len(whole) / len(rest)
        kept, held = hold_out(rest, min(share, 0.9), seed, preset)
        rest, valid = rest.subset(kept), rest.subset(held)
        alone = f"{preset.sample}, stratified by label: without --groups, {preset.split_note}"
        notes.append(f"Split by {alone if config.groups is None else preset.group}.")
    notes += shared_groups(rest, valid, test, preset)
    return Splits(rest, valid, test, " ".join(notes))


def _check_apart(
    features: Path,
    one: tuple[Path | None, Dataset],
    other: tuple[Path | None, Dataset],
    preset: Preset,
) -> None:
    """Refuses two parts that share a file, under whatever name."""
    real = {(features / name).resolve(): name for name in one[1].names}
    shared = [name for name in other[1].names if (features / name).resolve() in real]
    if shared:
        more = f" and {len(shared) - 1} more {preset.samples}" if len(shared) > 1 else ""
        raise EvobinError(
            f"{other[0]}: names {shared[0]}{more} that {one[0]} names too; "
            f"a {preset.sample} can be in one part only."
        )


def shared_groups(
    train: Dataset, valid: Dataset, test: Dataset | None, preset: Preset
) -> list[str]:
    """Sentences on groups of one part that are in another, too."""
    notes = []
    for name, part in (("validation", valid), ("test", test)):
        if part is None or part.groups is None or train.groups is None:
            continue
        shared = set(part.groups["speaker"]) & set(train.groups["speaker"])
        if shared:
            word = preset.groups if len(shared) > 1 else preset.group
            verb = "are" if len(shared) > 1 else "is"
            notes.append(
                f"{len(shared)} {word} of the {name} part {verb} in the training part too."
            )
    return notes


def synthesised_splits(seed: int, make_clips: MakeClips) -> Splits:
    """The synthesised voices; no speaker is in two parts."""
    voices = synthesise(seed, make_clips=make_clips)
    parts = {}
    for name in ("train", "valid", "test"):
        rows = np.flatnonzero(voices.table["part"] == name)
        parts[name] = Dataset(
            tuple(voices.names[row] for row in rows),
            Samples.join([voices.features[row] for row in rows]),
            voices.labels[rows],
            voices.table.iloc[rows][["speaker", "room"]].reset_index(drop=True),
        )
    return Splits(
        parts["train"], parts["valid"], parts["test"], "Synthesised voices, split by speaker."
    )
