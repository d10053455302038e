from __future__ import annotations

import numpy as np
import pytest

from evobin.core.evidence import Outcomes, interval_of
from evobin.core.scores import wilson_interval


def outcomes(values: list[float], groups: list[int]) -> Outcomes:
    array = np.array(values)
    return Outcomes(array, array > 0.5, np.array(groups))


def test_pooled_outcomes_keep_the_groups_of_each_part_apart() -> None:
    both = Outcomes.pooled([outcomes([1, 0], [0, 0]), outcomes([1, 1, 0], [0, 1, 1])])
    assert both.groups.tolist() == [0, 0, 1, 2, 2]
    assert both.right.tolist() == [True, False, True, True, False]


def test_what_pays_gains_more_than_its_standard_error() -> None:
    before = outcomes([0.0] * 20, list(range(20)))
    assert outcomes([1.0] * 3 + [0.0] * 17, list(range(20))).pays(before)
    mixed = outcomes([0.0, 1.0] + [0.0] * 18, list(range(20)))
    assert not outcomes([1.0, 0.0, 1.0] + [0.0] * 17, list(range(20))).pays(mixed)


def test_samples_of_a_group_that_agree_count_as_one() -> None:
    right = np.repeat(np.arange(50) < 45, 20)
    groups = np.repeat(np.arange(50), 20)
    low, high = interval_of(right, groups)
    alone = interval_of(right, None)
    one_each = wilson_interval(45, 50)
    assert low < one_each.low < alone.low
    assert alone.high < one_each.high < high  # few groups, so a little wider than Wilson's
    assert (low, high) == pytest.approx(one_each, abs=0.01)


def test_independent_samples_are_not_counted_more_than_once() -> None:
    rng = np.random.default_rng(0)
    right, groups = rng.random(2_000) < 0.9, rng.integers(0, 400, 2_000)
    clustered, alone = interval_of(right, groups), interval_of(right, None)
    assert np.subtract(*clustered[::-1]) >= 0.99 * np.subtract(*alone[::-1])
    assert clustered == pytest.approx(alone, abs=0.005)


def test_where_all_are_right_each_group_is_one_witness() -> None:
    low, high = interval_of(np.ones(1_000, bool), np.repeat(np.arange(10), 100))
    assert high == 1.0
    assert 0.6 < low < wilson_interval(10, 10).low


def test_a_single_group_says_next_to_nothing() -> None:
    low, high = interval_of(np.arange(10) < 5, np.zeros(10, np.int64))
    assert high - low > 0.9


@pytest.mark.parametrize("share", [0.8, 0.95])
def test_the_interval_holds_the_share_of_the_population_as_often_as_it_says(share: float) -> None:
    """400 corpora of 30 speakers, each good or bad for all of its 15 clips to a part."""
    rng, hits = np.random.default_rng(1), 0
    for _ in range(400):
        own = rng.beta(6 * share, 6 * (1 - share), 30)
        right = rng.random((30, 15)) < own[:, None]
        low, high = interval_of(right.ravel(), np.repeat(np.arange(30), 15))
        hits += low <= share <= high
    assert 0.9 <= hits / 400 <= 0.99


@pytest.mark.parametrize("m", [3, 68, 107, 226, 1_000])
def test_the_share_itself_is_in_the_interval(m: int) -> None:
    for right in (np.ones(6 * m, bool), np.zeros(6 * m, bool), np.arange(6 * m) > 0):
        low, high = interval_of(right, np.arange(6 * m) // 6)
        assert 0 <= low <= right.mean() <= high <= 1
