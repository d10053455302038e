"""Labelled samples and test samples of tables: read, split, and only then encoded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from evobin.config import DataConfig
from evobin.config.data import ARRAYS, BITS
from evobin.core.folds import ALWAYS, Folds
from evobin.core.samples import Dataset
from evobin.data.array_files import LABELS
from evobin.data.dataset import LabelledGroups
from evobin.data.encoder import TableEncoder
from evobin.data.labelled_tables import (
    Known,
    LabelledTable,
    Roles,
    classes_of,
    listed,
    places_in,
    read_labelled,
)
from evobin.data.splits import Splits, fold_count, joined, shared_groups
from evobin.data.table_files import raise_if_any, read_columns
from evobin.errors import LISTED, EvobinError, TableError
from evobin.lazy import pd
from evobin.network.presets import ANY_NETWORK

Rows = NDArray[np.intp]
Found = TypeVar("Found")


class Usual(NamedTuple):
    """What a model knows of columns that are no features.

    Attributes:
        label: the column of labels; None if it is not known.
        group: the column of groups; None if there is none.
        drop: columns that are left out, if they are there.
        constant: columns that are left out because they were constant.
    """

    label: str | None = None
    group: str | None = None
    drop: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()

    @classmethod
    def of(cls, plain: Any) -> Usual:
        """What `plain` gives, as far as it is there and of the right types."""
        found: Mapping[str, Any] = plain if isinstance(plain, Mapping) else {}
        names = [found.get(name) for name in ("label", "group")]
        label, group = (name if isinstance(name, str) else None for name in names)
        lists = [found.get(name) for name in ("drop", "constant")]
        drop, constant = (tuple(map(str, x)) if isinstance(x, list | tuple) else () for x in lists)
        return cls(label, group, drop, constant)

    def plain(self) -> dict[str, Any]:
        """JSON values by name."""
        return {name: list(x) if isinstance(x, tuple) else x for name, x in self._asdict().items()}

    @property
    def not_features(self) -> tuple[str, ...]:
        """The columns that may be there, and are left out, beside labels and groups."""
        return (*self.drop, *self.constant)

    def named(self, config: DataConfig) -> Usual:
        """The same with what a user has named."""
        drop = tuple(dict.fromkeys((*self.drop, *config.drop)))
        return Usual(config.label or self.label, config.group or self.group, drop, self.constant)


class Meaning(NamedTuple):
    """What a model knows of a table's columns and labels.

    Attributes:
        encoder: makes signs of features; None if the network takes these as they are.
        classes: [n_classes] what a label may be.
        feature_names: the columns of features; None if they count by their places.
        n_features: how many.
        usual: the columns that are no features.
    """

    encoder: TableEncoder | None
    classes: NDArray[Any]
    feature_names: tuple[str, ...] | None
    n_features: int
    usual: Usual = Usual()

    @property
    def n_inputs(self) -> int:
        """Inputs of the network."""
        return self.n_features if self.encoder is None else self.encoder.n_signs

    @property
    def known(self) -> Known:
        """What a table must be to be understood so."""
        return Known.of(self.feature_names, self.encoder, self.n_features, self.classes)

    def roles(self, label: str | None, group: str | None, drop: tuple[str, ...]) -> Roles:
        """What the columns of a table are for, some of which are named."""
        usual = self.usual
        others = [name for name in (usual.label, usual.group) if name is not None]
        ignored = (*usual.not_features, *others)
        return Roles(label or usual.label, group, usual.group, drop, ignored)

    def inputs(self, features: Any) -> NDArray[Any]:
        """What the network takes of checked features."""
        if self.encoder is None:
            return np.asarray(features, np.float64)
        return self.encoder.transform(features)


def table_splits(config: DataConfig, seed: int, meaning: Meaning | None) -> tuple[Splits, Meaning]:
    """Reads the tables that the user named, splits what has to be split, and encodes it.

    An encoder that is not known yet is fitted without the labels, on the training part where there
    is a validation part, else on all folds, without columns that are constant there.

    Args:
        config: names a table.
        seed: decides the split.
        meaning: of a model that is polished, or of a run that goes on; None if it is to be found
            out.

    Returns:
        The samples as the network takes them, and what the columns mean.

    Raises:
        EvobinError: if a table has problems; all are told together.
    """
    whole, valid, test = _read(config, meaning)
    classes = classes_of(whole) if meaning is None else meaning.classes
    places = [
        np.empty(0, np.int8) if table is None else _places(table, classes)
        for table in (whole, valid, test)
    ]
    split = _Splitter(whole, places[0], classes, seed).split(config)
    if meaning is None:
        constant = _constant(whole, split.fitted)
        whole, valid, test = (_without(table, constant) for table in (whole, valid, test))
        meaning = _fitted(config, (whole, valid, test), split.fitted, classes)
        meaning = meaning._replace(usual=Usual(constant=constant).named(config))
    labelled, folds = _encoded(whole, split.rows, places[0], meaning), split.folds
    if valid is not None:
        held = _encoded(valid, valid.all_rows, places[1], meaning)
        names = tuple(f"{valid.raw.path.name} {name}" for name in held.names)
        labelled, folds = joined(labelled, replace(held, names=names))
    kept = None
    if test is not None:
        kept = _encoded(test, test.all_rows, places[2], meaning)
    elif split.test is not None:
        kept = _encoded(whole, split.test, places[0], meaning)
    seen = hashlib.sha256()
    for table in (whole, valid, test):
        seen.update((table.digest() if table is not None else "none").encode())
    notes = [*split.notes, *_word_on_constant(meaning)]
    notes += shared_groups(labelled, folds, kept, ANY_NETWORK)
    splits = Splits(labelled, folds, kept, " ".join(notes), seen.hexdigest())
    return splits, meaning


def _read(
    config: DataConfig, meaning: Meaning | None
) -> tuple[LabelledTable, LabelledTable | None, LabelledTable | None]:
    """The tables, of which any but the first may be missing."""
    path = config.data
    if path is None:
        raise ValueError("`config` must name `data`, but it is None.")
    label = config.label or (None if meaning is None else meaning.usual.label)
    if path.suffix.lower() == ARRAYS:
        label = LABELS
    check_label(path, label)
    paths = [one for one in (path, config.valid, config.test) if one is not None]
    for place, one in enumerate(paths):
        if one.resolve() in [other.resolve() for other in paths[:place]]:
            raise EvobinError(f"{one}: is named twice; a row can be in one part only.")
    if meaning is None:
        roles = Roles(label, config.group, drop=config.drop, categorical=config.categorical)
    else:
        roles = meaning.roles(label, config.group, config.drop)
    whole = read_labelled(path, roles, None if meaning is None else meaning.known)
    if meaning is not None:
        known = meaning.known
    else:
        kinds = whole.kinds
        known = Known(whole.names, kinds, None, (True,) * len(kinds), is_model=False)
        if not whole.raw.problems:
            known = known._replace(classes=classes_of(whole))
    lenient = roles._replace(drop=(), ignored=(*roles.ignored, *roles.drop))
    others = [
        None if other is None else read_labelled(other, lenient, known)
        for other in (config.valid, config.test)
    ]
    raise_if_any(table.raw for table in (whole, *others) if table is not None)
    return whole, others[0], others[1]


def check_label(path: Path, label: str | None) -> None:
    """Raises EvobinError, and lists the columns, where nobody knows which one holds the labels."""
    if label is None:
        names = read_columns(path, lambda names: ["skip"] * len(names)).names
        raise EvobinError(f"{path}: --label must name the column of classes; {listed(names)}.")


def _places(table: LabelledTable, classes: NDArray[Any]) -> NDArray[np.int8]:
    if table.labels is None:
        raise RuntimeError("a table was read without its labels.")
    return places_in(table.labels, classes)


class _Split(NamedTuple):
    """Rows of a table by their use.

    Attributes:
        rows: what is learned from; a validation part may be in another table.
        folds: of these.
        test: what is held out as a test part; None if nothing is.
        notes: how they were split.
    """

    rows: Rows
    folds: Folds
    test: Rows | None
    notes: list[str]

    @property
    def fitted(self) -> Rows:
        """What an encoder is fitted on: not on a validation part."""
        return self.rows if len(self.folds) > 1 else self.rows[self.folds.trained(0)]


class _Splitter(NamedTuple):
    """Splits the rows of a table.

    Attributes:
        table: whose rows.
        labels: [rows] places in `classes`.
        classes: [n_classes] their names.
        seed: decides the split.
    """

    table: LabelledTable
    labels: NDArray[np.int8]
    classes: NDArray[Any]
    seed: int

    def split(self, config: DataConfig) -> _Split:
        """The rows of each part that is taken from this table, and how they were split."""
        rest, test = self.table.all_rows, None
        if config.test is None and config.test_share > 0:
            groups = self._groups(rest)
            kept, held = self._found(groups, groups.split(config.test_share, self._rng))
            rest, test = rest[kept], rest[held]
        folds = Folds(np.full(len(rest), ALWAYS, np.int8))
        if config.valid is None:
            folds = self._folds(rest, config)
        notes = []
        if config.valid is None or test is not None:
            alone = f"sample, stratified by label: without a group, {ANY_NETWORK.split_note}"
            notes.append(f"Split by {alone if self.table.groups is None else 'group'}.")
        return _Split(rest, folds, test, notes)

    def _folds(self, rows: Rows, config: DataConfig) -> Folds:
        groups, names = self._groups(rows), self.table.groups
        n_groups = None if names is None else len(np.unique(names[rows].astype(str)))
        count = fold_count(config.folds, len(rows), n_groups)
        if count > 1:
            return self._found(groups, groups.fold(count, self._rng))
        share = min(config.valid_share * len(self.table) / len(rows), 0.9)
        _, held = self._found(groups, groups.split(share, self._rng))
        return Folds.one(len(rows), held)

    @property
    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    def _groups(self, rows: Rows) -> LabelledGroups:
        names = self.table.groups
        return LabelledGroups(rows if names is None else names[rows].astype(str), self.labels[rows])

    def _found(self, groups: LabelledGroups, found: Found | None) -> Found:
        """What was found, or an EvobinError that says why there is no split."""
        if found is not None:
            return found
        counts = zip(self.classes.tolist(), groups.per_label.tolist(), strict=False)
        few = [f"{count} of {name!r}" for name, count in counts if count < 2]
        alone = self.table.groups is None
        raise EvobinError(
            f"{self.table.raw.path}: holding out needs at least 2 "
            f"{'rows' if alone else 'groups'} of each class, but there are "
            f"{' and '.join(few[:LISTED]) or 'no two parts of whole groups with some of each'}; "
            "add some, or name other parts with --valid and --test."
        )


def _constant(whole: LabelledTable, train: Rows) -> tuple[str, ...]:
    """The columns that are constant in the training part, where columns have names."""
    features = whole.some(train)
    if isinstance(features, np.ndarray):
        return ()
    return tuple(str(name) for name in features if features[name].nunique(dropna=False) < 2)


def _without(table: LabelledTable | None, names: tuple[str, ...]) -> Any:
    """A table without some features; None where there is none."""
    if table is None or isinstance(table.features, np.ndarray) or not names:
        return table
    return replace(table, features=table.features.drop(columns=list(names)))


def _word_on_constant(meaning: Meaning) -> list[str]:
    """What is said of constant columns: those of arrays stay in their places."""
    if meaning.feature_names is None:
        n = 0 if meaning.encoder is None else len(meaning.encoder.constant)
        return [f"{n} of {meaning.n_features} columns are constant, and not looked at."] * (n > 0)
    names = meaning.usual.constant
    few = ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")
    be = "is" if len(names) == 1 else "are"
    return [f"{few} {be} constant in the training part and {be} left out."] * bool(names)


def _fitted(
    config: DataConfig,
    tables: tuple[LabelledTable, LabelledTable | None, LabelledTable | None],
    train: Rows,
    classes: NDArray[Any],
) -> Meaning:
    """What the columns mean, by the training part; but which have missing values, by all parts."""
    whole, given = tables[0], [table.features for table in tables if table is not None]
    is_array = isinstance(whole.features, np.ndarray)
    every = np.concatenate(given) if is_array else pd.concat(given)
    n_features = len(whole.kinds)
    if not n_features:
        raise EvobinError(
            f"{whole.raw.path}: every column of features is constant in the training part; add "
            "some that vary."
        )
    encoder = TableEncoder(BITS if config.bits is None else config.bits)
    try:
        encoder.fit(every if len(given) > 1 else whole.features, train)
    except ValueError as error:
        advice = " Leave columns out with --drop." if isinstance(error, TableError) else ""
        raise EvobinError(f"{whole.raw.path}: {error}{advice}") from error
    return Meaning(encoder, classes, whole.names, n_features)


def _encoded(
    table: LabelledTable, rows: Rows, labels: NDArray[np.int8], meaning: Meaning
) -> Dataset:
    """Rows of a table, as the network takes them."""
    return table.dataset(rows, meaning.inputs(table.some(rows)), labels[rows])
