from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evobin.estimators.splitting import split, targets_of


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["b", "a", "b", "a"], ["a", "b"]),
        ([7.0, -2.0, 7.0, -2.0], [-2.0, 7.0]),
        ([True, False, True, False], [False, True]),
        (np.array(["b", "a", "b", "a"], object), ["a", "b"]),
    ],
)
def test_any_labels_become_numbers(y: Any, classes: list[Any]) -> None:
    targets = targets_of(y, 4)
    assert targets.classes.tolist() == classes
    assert targets.labels.tolist() == [1, 0, 1, 0]
    assert targets.labels.dtype == np.int8


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1, 0], r"`y` must have shape \[4\], but it has shape \[3\]"),
        ([[0], [1], [0], [1]], r"`y` must have shape \[4\], but it has shape \[4, 1\]"),
        (
            [0.0, 1.0, 0.5, 1.0],
            r"`y` must hold labels of classes, but it is continuous: it holds 0.5 in row 2",
        ),
        ([0.0, np.nan, 0.0, 1.0], "it holds nan in row 1"),
        (["a", "a", "a", "a"], "labels of 2 to 100 classes, but it holds 1 class, 'a'"),
        (np.array([1, "a", 1, "a"], object), "labels that can be sorted"),
    ],
)
def test_what_is_no_labels_is_refused(y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        targets_of(y, 4)


def test_too_many_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="labels of 2 to 100 classes, but it holds 101 classes; "):
        targets_of(list(range(101)), 101)


def test_a_share_of_each_class_is_for_validation() -> None:
    targets = targets_of(["a"] * 50 + ["b"] * 100, 150)
    parts = split(targets, None, 0)
    assert np.bincount(targets.labels[parts.valid]).tolist() == [8, 16]
    assert sorted([*parts.train, *parts.valid]) == list(range(150))
    assert parts.note == "Split by sample, stratified by class."
    assert split(targets, None, 0).valid.tolist() == parts.valid.tolist()
    assert split(targets, None, 1).valid.tolist() != parts.valid.tolist()


@pytest.mark.parametrize("dtype", [int, str, object])
def test_groups_stay_whole(dtype: Any) -> None:
    groups = np.repeat(np.arange(20), 5)
    parts = split(targets_of(groups % 2, 100), groups.astype(dtype), 0)
    assert not set(groups[parts.train]) & set(groups[parts.valid])
    assert parts.note == "Split by group."


def test_groups_that_hold_all_classes_stay_whole() -> None:
    groups = np.repeat(np.arange(10), 6)  # six writers of three letters each
    y = np.tile(list("abcabc"), 10)
    parts = split(targets_of(y, 60), groups, 0)
    assert not set(groups[parts.train]) & set(groups[parts.valid])
    assert set(y[parts.train]) == set(y[parts.valid]) == set("abc")
    assert len(parts.valid) == 12


@pytest.mark.parametrize(
    ("y", "groups", "message"),
    [
        (["a", "a", "b"], None, "2 samples of each class, .* but 'b' has 1; add some"),
        ([5, 5, 7, 7], [0, 0, 1, 1], "2 groups of each class, .* but 5 has 1 and 7 has 1"),
        ([5, 7, 5, 7], [0, 0, 0, 0], "2 groups of each class, .* but 5 has 1 and 7 has 1"),
        ([0, 1, 0, 1], [0, 1], r"`groups` must have shape \[4\], but it has shape \[2\]"),
        ([0, 1, 0, 1], [0, np.nan, 1, 1], "`groups` must name a group .* but row 1 has none"),
    ],
)
def test_too_few_samples_or_groups_are_refused(y: Any, groups: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split(targets_of(y, len(y)), groups, 0)


def test_no_more_are_held_out_than_tell_something() -> None:
    targets = targets_of(np.arange(40_000) % 2, 40_000)
    assert len(split(targets, None, 0).valid) == 2_000
    groups = np.repeat(np.arange(400), 100)
    grouped = targets_of(groups % 2, 40_000)
    assert len(split(grouped, groups, 0).valid) == pytest.approx(6_400, rel=0.05)
