"""Labelled samples and test samples: where they come from, folds, and which groups they share."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from evobin.config import DataConfig, EvaluateConfig
from evobin.core.folds import ALWAYS, Folds
from evobin.core.samples import Dataset, Samples
from evobin.data.dataset import fold, hold_out, load_dataset
from evobin.errors import EvobinError
from evobin.lazy import pd
from evobin.network.presets import Preset, preset_of
from evobin.voices import MakeClips, synthesise

LARGEST = 1e5  # magnitude of a feature to train on: log-mel stays below 100
FOLDS, FEW_GROUPS, FEW_SAMPLES = 5, 100, 5_000
"""So many folds where there are fewer groups or fewer samples than that: one part of these could
not rank two networks."""


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """Samples by their use.

    Attributes:
        labelled: what is learned from.
        folds: which of them are held out together.
        test: what is looked at once, at the end; None if there is no such part.
        note: how the samples were split, sentences for the user.
        raw: fingerprint of what the samples were made of, where that holds more than they do.
    """

    labelled: Dataset
    folds: Folds
    test: Dataset | None
    note: str
    raw: str = ""

    @property
    def sizes(self) -> dict[str, int]:
        """How many samples have which use: those of a single fold are for validation."""
        n_held = len(self.folds.answered)
        n_always = len(self.labelled) - n_held
        if len(self.folds) == 1:
            sizes = {"train": n_always, "valid": n_held}
        else:
            sizes = {"labelled": n_held} | ({"kept": n_always} if n_always else {})
        return sizes if self.test is None else sizes | {"test": len(self.test)}

    def keeping(self, kept: Dataset) -> Splits:
        """The same with samples that every network is trained on and that nothing is told by.

        Raises:
            EvobinError: if one of them is in another part too.
        """
        known = set(self.labelled.names) | set(() if self.test is None else self.test.names)
        shared = [name for name in kept.names if name in known]
        if shared:
            raise EvobinError(
                f"--keep-data names {shared[0]}, which --data or --test names too; a sample can be "
                "in one part only."
            )
        if self.labelled.groups is not None:
            groups = pd.DataFrame("", index=range(len(kept)), columns=self.labelled.groups.columns)
            kept = replace(kept, groups=groups.assign(speaker=[f"kept {x}" for x in kept.names]))
        of = np.concatenate([self.folds.of, np.full(len(kept), ALWAYS, np.int8)])
        return replace(self, labelled=Dataset.join([self.labelled, kept]), folds=Folds(of))

    def fingerprint(self) -> str:
        """SHA-256 of all that a run can see of the samples, in hexadecimal."""
        seen = hashlib.sha256(self.raw.encode())
        seen.update(self.folds.of.tobytes())
        for part in (self.labelled, self.test):
            if part is None:
                continue
            seen.update(json.dumps([part.names]).encode())
            for array in (part.labels, part.samples.starts):
                seen.update(np.ascontiguousarray(array).data)
            for piece in part.samples.pieces():
                seen.update(piece.frames.data)
            if part.groups is not None:
                seen.update(part.groups.to_csv().encode())
        return seen.hexdigest()


def fold_count(asked: int | None, n: int, n_groups: int | None) -> int:
    """How many folds n samples of so many groups have; groups are None where they are not known.

    Example:
        >>> fold_count(None, 2_000, 1_000), fold_count(None, 20_000, 1_000), fold_count(3, 9, None)
        (5, 1, 3)
    """
    if asked is not None:
        return asked
    is_few = n < FEW_SAMPLES or (n_groups is not None and n_groups < FEW_GROUPS)
    return FOLDS if is_few else 1


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
    if valid is not None:
        rest, folds = joined(rest, valid)
    else:
        folds = _folds_of(config, rest, len(whole), seed, preset)
        alone = f"{preset.sample}, stratified by label: without --groups, {preset.split_note}"
        notes.append(f"Split by {alone if config.groups is None else preset.group}.")
    notes += shared_groups(rest, folds, test, preset)
    return Splits(rest, folds, test, " ".join(notes))


def _folds_of(config: DataConfig, rest: Dataset, n: int, seed: int, preset: Preset) -> Folds:
    """Folds of what is left of n samples."""
    count = fold_count(config.folds, len(rest), rest.n_groups)
    if count > 1:
        return fold(rest, count, seed, preset)
    share = config.valid_share * n / len(rest)
    _, held = hold_out(rest, min(share, 0.9), seed, preset)
    return Folds.one(len(rest), held)


def joined(train: Dataset, valid: Dataset) -> tuple[Dataset, Folds]:
    """Training and validation samples together, and the single fold that these are."""
    places = np.arange(len(train), len(train) + len(valid))
    return Dataset.join([train, valid]), Folds.one(len(train) + len(valid), places)


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
    labelled: Dataset, folds: Folds, test: Dataset | None, preset: Preset
) -> list[str]:
    """Sentences on groups of one part that are in another, too."""
    if labelled.groups is None:
        return []
    groups = labelled.group_names
    parts = []
    if len(folds) == 1:
        held, trained = set(groups[folds.of != ALWAYS]), set(groups[folds.of == ALWAYS])
        parts.append(("validation", held & trained))
    if test is not None and test.groups is not None:
        parts.append(("test", set(test.groups["speaker"]) & set(groups)))
    notes = []
    for name, shared in parts:
        if shared:
            word = preset.groups if len(shared) > 1 else preset.group
            verb = "are" if len(shared) > 1 else "is"
            notes.append(
                f"{len(shared)} {word} of the {name} part {verb} in the training part too."
            )
    return notes


def synthesised_splits(config: DataConfig, seed: int, make_clips: MakeClips) -> Splits:
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
    labelled, folds = joined(parts["train"], parts["valid"])
    count = fold_count(config.folds, len(labelled), labelled.n_groups)
    if count > 1:
        folds = fold(labelled, count, seed, preset_of(config.architecture))
    return Splits(labelled, folds, parts["test"], "Synthesised voices, split by speaker.")
