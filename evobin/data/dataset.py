"""Labelled samples from a tsv file and a folder of features, and splits that keep groups whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.config import EvaluateConfig
from evobin.core.folds import Folds
from evobin.core.samples import Dataset, Samples
from evobin.data.feature_files import LARGEST, load_features
from evobin.data.tables import (
    is_label_header,
    normal_name,
    parse_label,
    raise_if_any,
    read_groups,
    show,
)
from evobin.errors import LISTED, EvobinError
from evobin.files import Table, read_table
from evobin.network.architecture import Architecture
from evobin.network.presets import ANY_NETWORK, Preset, preset_of

ENDINGS = (".npy",)  # how the first field of a line that names a sample, and so is no header, ends
ORDERS = 100
"""Random orders in which groups of several labels are held out, before a split is given up."""


def load_dataset(
    where: EvaluateConfig, largest: float = LARGEST, *, one_class_ok: bool = False
) -> Dataset:
    """Loads labelled samples and checks every one of them; all problems are reported together.

    The first line of `data` is a header if its second field is not a number and its first does
    not end in `.npy`. The first line of `groups` is one if its first field neither ends in
    `.npy` nor names a sample of `data`. The samples come in the order of `data`.

    Args:
        where: the files, and the network that the samples are for. `data` names nothing outside
            `features`; `groups` must name every sample of `data` and may name others.
        largest: largest magnitude of a feature.
        one_class_ok: whether labels may be missing, so that all samples may have the same one.

    Raises:
        EvobinError: if anything is wrong with the files: one line for one problem, else a line
            with their number, then the first ten, one an indented line.
    """
    data, features, groups = where.data, where.features, where.groups
    if features is None:
        raise ValueError("`where` must name `features`, but they are None.")
    preset = preset_of(where.architecture)
    words = preset.samples
    rows = read_table(data)
    if is_label_header(rows[0][1], ENDINGS, preset.label_words):
        rows = rows[1:]
    if not rows:
        raise EvobinError(f"{data}: holds no {words}; list one a line: file name, tab, label.")
    if not features.is_dir():
        raise EvobinError(f"{features}: is not a folder; name the folder that holds the {words}.")
    problems: dict[Path, list[str]] = {data: []}
    listing = _load_samples(where, features, rows, largest, problems[data])
    if not problems[data] and not one_class_ok:
        problems[data] += _missing_labels(data, listing.labels, where.architecture)
    table = None
    if groups is not None:
        table = read_groups(groups, listing.places, problems.setdefault(groups, []), ENDINGS)
    raise_if_any(problems)
    labels = np.array(listing.labels, np.int8)
    return Dataset(tuple(listing.names), listing.samples, labels, table)


def hold_out(
    dataset: Dataset, share: float, seed: int, preset: Preset = ANY_NETWORK
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Splits off some samples, label by label; whole groups where they are known.

    Groups (without them: samples) of a label, the label that most of a group's samples have, are
    held in random order until `share` of their samples is met as closely as that order allows. At
    least one of each label stays on either side. The split depends on names, not on their order.
    Returns the kept rows and the held rows, both ascending.

    Raises:
        EvobinError: if a label, up to the highest that occurs, has fewer than two groups (samples).
        ValueError: if `share` is not above 0 and below 1, or `seed` is negative.

    Example:
        >>> samples = Samples.join([np.zeros((57, 64))] * 4)
        >>> dataset = Dataset(("a", "b", "c", "d"), samples, np.array([0, 0, 1, 1], np.int8), None)
        >>> kept, held = hold_out(dataset, 0.5, seed=0)
        >>> dataset.labels[kept], dataset.labels[held]
        (array([0, 1], dtype=int8), array([0, 1], dtype=int8))
    """
    if not 0 < share < 1:
        raise ValueError(f"`share` must be above 0 and below 1, but it is {share}.")
    groups = LabelledGroups(dataset.group_names, dataset.labels)
    _check_enough(groups.per_label, preset.samples if dataset.groups is None else preset.groups)
    return groups.hold_out(share, np.random.default_rng(seed))


def fold(dataset: Dataset, count: int, seed: int, preset: Preset = ANY_NETWORK) -> Folds:
    """Shares samples out to folds, label by label; whole groups where they are known.

    Every label stays among the samples outside each fold. The folds depend on names, not on their
    order. There are fewer than `count` where no label has so many groups (without them: samples).

    Raises:
        EvobinError: if a label, up to the highest that occurs, has fewer than two groups (samples).
        ValueError: if `count` is below 2, or `seed` is negative.

    Example:
        >>> samples = Samples.join([np.zeros((57, 64))] * 4)
        >>> dataset = Dataset(("a", "b", "c", "d"), samples, np.array([0, 0, 1, 1], np.int8), None)
        >>> fold(dataset, 2, seed=0).of
        array([0, 1, 0, 1], dtype=int8)
    """
    if count < 2:
        raise ValueError(f"`count` must be at least 2, but it is {count}.")
    groups = LabelledGroups(dataset.group_names, dataset.labels)
    _check_enough(groups.per_label, preset.samples if dataset.groups is None else preset.groups)
    folds = groups.fold(count, np.random.default_rng(seed))
    assert folds is not None  # each label has enough
    return folds


class LabelledGroups:
    """Which samples belong together, and which label most of a group's samples have.

    Args:
        names: [n] of any type that can be sorted; samples of the same name belong together.
        labels: [n], from 0.

    Attributes:
        per_label: [labels] groups most of whose samples have the label, up to the highest label
            that occurs, at least two.
    """

    def __init__(self, names: NDArray[Any], labels: NDArray[np.int8]) -> None:
        unique, self._group = np.unique(names, return_inverse=True)
        counts = np.zeros((len(unique), max(2, int(labels.max()) + 1)), np.int64)
        np.add.at(counts, (self._group, labels), 1)
        self._counts, self._majority = counts, counts.argmax(axis=1)
        self._labels, self._n_labels = labels, len(np.unique(labels))
        self.per_label = np.bincount(self._majority, minlength=counts.shape[1])

    def split(
        self, share: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        """Kept and held rows, of each label some on either side; None if that cannot be."""
        if self.per_label.min() >= 2:
            return self.hold_out(share, rng)
        return self.hold_out_mixed(share, rng)

    def hold_out(
        self, share: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """As `hold_out`; each label must have at least two groups."""
        sizes, held = self._counts.sum(axis=1), np.zeros(len(self._counts), bool)
        for label in range(len(self.per_label)):
            order = rng.permutation(np.flatnonzero(self._majority == label))
            reached = np.cumsum(sizes[order])
            # One at least on either side: the last count, all of them, is no candidate.
            nearest = int(np.argmin(np.abs(reached[:-1] - share * reached[-1])))
            held[order[: nearest + 1]] = True
        return self._rows(held)

    def hold_out_mixed(
        self, share: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        """The same where groups have several labels: in random order, whatever their label.

        Returns:
            None if no order of some leaves every label on either side.
        """
        sizes = self._counts.sum(axis=1)
        for _ in range(ORDERS if len(sizes) > 1 else 0):
            order = rng.permutation(len(sizes))
            reached = np.cumsum(sizes[order])[:-1]
            nearest = int(np.argmin(np.abs(reached - share * sizes.sum())))
            held = np.zeros(len(sizes), bool)
            held[order[: nearest + 1]] = True
            if all(self._counts[side].any(axis=0).all() for side in (held, ~held)):
                return self._rows(held)
        return None

    def fold(self, count: int, rng: np.random.Generator) -> Folds | None:
        """Folds of about as many samples; None if some label cannot be left outside each of them.

        There are fewer than `count` where no label has so many groups.
        """
        if self.per_label.min() >= 2:
            count = min(count, int(self.per_label.max()))
            kinds = [
                np.flatnonzero(self._majority == label) for label in range(len(self.per_label))
            ]
            return self._shared_out(kinds, count, rng)
        everyone = [np.arange(len(self._counts))]
        count = min(count, len(self._counts))
        for _ in range(ORDERS if count > 1 else 0):
            folds = self._shared_out(everyone, count, rng)
            outside = (folds.trained(k) for k in range(count))
            if all(len(np.unique(self._labels[rows])) == self._n_labels for rows in outside):
                return folds
        return None

    def _shared_out(
        self, kinds: list[NDArray[np.intp]], count: int, rng: np.random.Generator
    ) -> Folds:
        """Folds of groups, kind by kind.

        Large groups come first, each to the fold that has the fewest samples of its kind so far; of
        several such, to the one that has the fewest of all.
        """
        sizes, fold = self._counts.sum(axis=1), np.zeros(len(self._counts), np.int8)
        filled = np.zeros(count, np.int64)
        for kind in kinds:
            order, of_kind = rng.permutation(kind), np.zeros(count, np.int64)
            for group in order[np.argsort(-sizes[order], kind="stable")]:
                place = np.lexsort((filled, of_kind))[0]
                fold[group] = place
                of_kind[place] += sizes[group]
                filled[place] += sizes[group]
        return Folds(fold[self._group])

    def _rows(self, held: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Kept and held rows, ascending."""
        return np.flatnonzero(~held[self._group]), np.flatnonzero(held[self._group])


def _check_enough(counts: NDArray[np.intp], word: str) -> None:
    """Raises EvobinError if a label has fewer than two groups (samples) to split."""
    if counts.min() >= 2:
        return
    found = [
        f"{count} with label {label}"
        for label, count in enumerate(counts.tolist())
        if len(counts) == 2 or count < 2
    ]
    raise EvobinError(
        f"holding out needs at least 2 {word} of each label, but there are "
        f"{' and '.join(found[:LISTED])}; add {word}."
    )


def _missing_labels(data: Path, labels: list[int], architecture: Architecture) -> list[str]:
    sample = preset_of(architecture).sample
    missing = sorted(set(range(architecture.n_classes)) - set(labels))
    if not missing:
        return []
    if architecture.n_classes == 2:
        return [f"{data}: every {sample} has label {labels[0]}; add some of {missing[0]}."]
    few = ", ".join(map(str, missing[:LISTED])) + (", ..." if len(missing) > LISTED else "")
    return [f"{data}: no {sample} has label {few}; add some, or name fewer classes."]


class _Listing(NamedTuple):
    """What the lines of a data file gave; complete if there are no problems."""

    names: list[str]
    labels: list[int]
    samples: Samples
    places: dict[str, str]  # normalised name -> file and line, of every line that names a sample


def _load_samples(
    where: EvaluateConfig, features: Path, rows: Table, largest: float, problems: list[str]
) -> _Listing:
    """What the lines name; `problems` gets what is wrong, in the order of the lines."""
    root, architecture = features.resolve(), where.architecture
    words = preset_of(architecture).label_words
    labels: list[int] = []
    places: dict[str, str] = {}
    folders: dict[str, Path | None] = {}
    seen: dict[Path, int] = {}  # by real path: also finds another spelling and a link
    found: dict[int, str] = {}  # what is wrong, by place in `rows`
    paths: dict[int, Path] = {}
    for number, (line, fields) in enumerate(rows):
        name, place = fields[0], f"{where.data}, line {line}"
        try:
            path = _locate(name, root, folders)
            first = seen.setdefault(path, line)
            if first != line:
                raise EvobinError(f"{show(name)} is listed in line {first} already; keep one.")
            places[normal_name(name)] = place
            labels.append(parse_label(fields, architecture.n_classes, words))
            paths[number] = path
        except EvobinError as error:
            found[number] = f"{place}: {error}"
    samples, errors = load_features(list(paths.values()), architecture, largest)
    numbers = list(paths)
    for file, wrong in errors.items():
        line, fields = rows[numbers[file]]
        found[numbers[file]] = f"{where.data}, line {line}: {show(fields[0])} {wrong}"
    problems += [found[number] for number in sorted(found)]
    return _Listing([rows[number][1][0] for number in numbers], labels, samples, places)


def _locate(name: str, root: Path, folders: dict[str, Path | None]) -> Path:
    """The real path of a sample inside the (resolved) features folder.

    `folders` keeps what is known of the folders in it: to look at every part of every path took a
    quarter of the time of loading.
    """
    if not name:
        raise EvobinError("the file name is empty; name a file or delete the line.")
    folder, file = os.path.split(name)
    if folder not in folders:
        folders[folder] = _inside(Path(folder), root)
    real = folders[folder]
    path = None if real is None or file == os.pardir else real / file
    if path is not None and os.path.islink(path):  # noqa: PTH114  # whose own raises OSError
        path = _inside(path.relative_to(root), root)
    if path is None:
        raise EvobinError(f"{show(name)} is outside the features folder; name one in it.")
    return path


def _inside(path: Path, root: Path) -> Path | None:
    """The real path of what is in a resolved folder; None if it is not in there."""
    real = Path(os.path.realpath(root / path))
    is_outside = path.is_absolute() or os.pardir in path.parts or not real.is_relative_to(root)
    return None if is_outside else real
