from __future__ import annotations

import numpy as np
import pytest

from evobin.core.folds import ALWAYS, Folds
from evobin.data.dataset import LabelledGroups, fold
from evobin.data.splits import fold_count
from evobin.errors import EvobinError
from tests.unit.data.test_hold_out import dataset_of


@pytest.mark.parametrize("seed", range(10))
def test_speakers_stay_whole_and_labels_are_shared_out_evenly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    speakers = np.repeat(np.arange(60), rng.integers(1, 11, 60))
    labels = speakers % 3 == 0
    folds = fold(dataset_of(labels.tolist(), [f"s{i}" for i in speakers]), 5, seed)
    assert len(folds) == 5
    for k in range(5):
        held, trained = folds.held(k), folds.trained(k)
        assert sorted([*held, *trained]) == list(range(len(speakers)))
        assert not set(speakers[held]) & set(speakers[trained])
        for label in (False, True):
            # greedy with the large ones first: the last one placed is what the folds differ by
            share = (labels == label).sum() / 5
            assert abs((labels[held] == label).sum() - share) <= 5


def test_folds_are_those_of_the_names_whatever_their_order() -> None:
    names, labels = [f"s{i // 2}" for i in range(40)], [i // 2 % 2 for i in range(40)]
    order = np.random.default_rng(0).permutation(40)
    folds = fold(dataset_of(labels, names), 4, 1)
    shuffled = fold(dataset_of([labels[i] for i in order], [names[i] for i in order]), 4, 1)
    assert np.array_equal(folds.of[order], shuffled.of)
    assert not np.array_equal(folds.of, fold(dataset_of(labels, names), 4, 2).of)


def test_every_label_is_outside_each_fold_even_where_it_has_two_samples() -> None:
    dataset = dataset_of([0] * 50 + [1] * 2)
    folds = fold(dataset, 5, 0)
    assert len(folds) == 5
    for k in range(5):
        assert set(dataset.labels[folds.trained(k)]) == {0, 1}


def test_there_are_no_more_folds_than_a_label_has_speakers() -> None:
    folds = fold(dataset_of([0, 0, 0, 1, 1], ["a", "b", "c", "d", "e"]), 5, 0)
    assert len(folds) == 3
    assert all(len(folds.held(k)) for k in range(3))


def test_groups_of_several_labels_are_shared_out_by_size() -> None:
    labels = np.array([0, 1] * 12, np.int8)  # each group has as many of both
    groups = LabelledGroups(np.repeat(np.arange(6), 4), labels)
    folds = groups.fold(3, np.random.default_rng(0))
    assert folds is not None
    assert [len(folds.held(k)) for k in range(3)] == [8, 8, 8]


def test_one_group_alone_has_no_folds() -> None:
    groups = LabelledGroups(np.zeros(4), np.array([0, 1, 0, 1], np.int8))
    assert groups.fold(3, np.random.default_rng(0)) is None


def test_a_label_of_one_speaker_is_an_error() -> None:
    with pytest.raises(EvobinError, match="at least 2 groups of each label"):
        fold(dataset_of([0, 0, 1, 1], ["a", "b", "c", "c"]), 2, 0)


def test_one_fold_is_no_way_to_share_out() -> None:
    with pytest.raises(ValueError, match="`count` must be at least 2"):
        fold(dataset_of([0, 0, 1, 1]), 1, 0)


@pytest.mark.parametrize(
    ("n", "groups", "count"),
    [(4_999, None, 5), (5_000, None, 1), (20_000, 99, 5), (20_000, 100, 1), (200, 1_000, 5)],
)
def test_few_samples_or_groups_have_five_folds(n: int, groups: int | None, count: int) -> None:
    assert fold_count(None, n, groups) == count
    assert fold_count(3, n, groups) == 3


def test_what_is_in_no_fold_is_always_trained_on() -> None:
    folds = Folds.one(4, np.array([1, 2]))
    assert folds.of.tolist() == [ALWAYS, 0, 0, ALWAYS]
    assert folds.trained(0).tolist() == [0, 3]
    assert folds.answered.tolist() == [1, 2]
