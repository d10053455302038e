"""Labels as a user has them, and the part of the samples that candidates are chosen by."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evobin.checks import check_shape
from evobin.config import SearchConfig
from evobin.data.dataset import LabelledGroups
from evobin.errors import LISTED
from evobin.network.architecture import MAX_CLASSES

SHARE = SearchConfig.valid_share
"""Of the samples, for validation: as a search on files has it."""
MOST = 2_000
"""Samples that each stand for themselves and are held out: an accuracy of 80% is then known to 0.9
points, and the others are better used for training."""


class Targets(NamedTuple):
    """Labels as numbers.

    Attributes:
        classes: [n_classes] the different labels, ascending.
        labels: [n] int8, the place of each sample's label in `classes`.
    """

    classes: NDArray[Any]
    labels: NDArray[np.int8]


class Parts(NamedTuple):
    """Rows of the training and of the validation part, ascending, and how they were split."""

    train: NDArray[np.intp]
    valid: NDArray[np.intp]
    note: str


def targets_of(y: ArrayLike, n: int) -> Targets:
    """Any labels as numbers from 0.

    Args:
        y: [n] labels of any type that can be sorted; whole numbers where they are numbers.
        n: samples.

    Raises:
        ValueError: if it is not that, or holds fewer than 2 or more than `MAX_CLASSES` labels.
    """
    array = np.asarray(y)
    check_shape("y", array, (n,))
    if array.dtype.kind == "f":
        wrong = np.flatnonzero(~(array == np.round(array)))  # NaN too
        if len(wrong):
            raise ValueError(
                f"`y` must hold labels of classes, but it is continuous: it holds "
                f"{array[wrong[0]]} in row {wrong[0]}, from 0; use whole numbers or names."
            )
    try:
        classes, labels = np.unique(array, return_inverse=True)
    except TypeError as error:
        raise ValueError(
            f"`y` must hold labels that can be sorted, but it does not ({error}); make them all "
            "numbers or all text."
        ) from None
    if not 2 <= len(classes) <= MAX_CLASSES:
        found = (
            f"1 class, {classes.tolist()[0]!r}" if len(classes) == 1 else f"{len(classes)} classes"
        )
        raise ValueError(
            f"`y` must hold labels of 2 to {MAX_CLASSES} classes, but it holds {found}; name at "
            "least two kinds of samples, and not a number for each."
        )
    return Targets(classes, labels.astype(np.int8))


def split(targets: Targets, groups: ArrayLike | None, seed: int) -> Parts:
    """Holds out a share of each class for validation; whole groups where these are known.

    Args:
        targets: labels of all samples.
        groups: [n] which samples belong together, of any type that can be sorted; None if each
            stands for itself.
        seed: decides the split.

    Raises:
        ValueError: if a class has too few samples or groups for two parts, or groups are no array
            of n names.
    """
    classes, labels = targets
    names = np.arange(len(labels)) if groups is None else _names_of(groups, len(labels))
    known, rng = LabelledGroups(names, labels), np.random.default_rng(seed)
    share = SHARE if groups is not None else min(SHARE, MOST / len(labels))
    if known.per_label.min() >= 2:
        rows = known.hold_out(share, rng)
    elif groups is not None and (mixed := known.hold_out_mixed(SHARE, rng)) is not None:
        rows = mixed
    else:
        counts = known.per_label if groups is None else _groups_with(names, targets)
        few = [
            f"{label!r} has {count}"
            for label, count in zip(classes.tolist(), counts.tolist(), strict=True)
            if count < 2
        ]
        word = "samples" if groups is None else "groups"
        found = " and ".join(few[:LISTED]) or "no split of whole groups leaves both parts some"
        raise ValueError(
            f"`y` must hold at least 2 {word} of each class, one for the validation part, but "
            f"{found}; add some."
        )
    how = "sample, stratified by class" if groups is None else "group"
    return Parts(*rows, f"Split by {how}.")


def _names_of(groups: ArrayLike, n: int) -> NDArray[Any]:
    names = np.asarray(groups)
    check_shape("groups", names, (n,))
    if names.dtype.kind == "f" and np.isnan(names).any():
        row = int(np.flatnonzero(np.isnan(names))[0])
        raise ValueError(f"`groups` must name a group for each sample, but row {row} has none.")
    return names.astype(str) if names.dtype.kind == "O" else names


def _groups_with(names: NDArray[Any], targets: Targets) -> NDArray[np.intp]:
    """[n_classes] groups that have a sample of the class."""
    return np.array(
        [len(np.unique(names[targets.labels == label])) for label in range(len(targets.classes))]
    )
