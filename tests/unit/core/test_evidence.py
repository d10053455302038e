from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evobin.core.evidence import Outcomes, paired
from evobin.core.scores import log_likelihoods


def outcomes(right: list[int], groups: list[int]) -> Outcomes:
    return Outcomes(np.log(np.full(len(right), 0.5)), np.array(right, bool), np.array(groups))


def test_samples_on_their_own_have_the_error_of_a_mean() -> None:
    differences = np.random.default_rng(0).normal(size=40)
    mean, error = paired(differences, np.arange(40))
    assert mean == pytest.approx(differences.mean())
    assert error == pytest.approx(differences.std(ddof=1) / 40**0.5)


def test_copies_of_a_sample_are_no_more_sure() -> None:
    differences = np.random.default_rng(0).normal(size=10)
    alone = paired(differences, np.arange(10))
    copied = paired(np.repeat(differences, 7), np.repeat(np.arange(10), 7))
    assert copied == pytest.approx(alone)


def test_a_few_more_wrong_are_not_worse_for_sure() -> None:
    before = outcomes([1] * 10, [*range(10)])
    assert not outcomes([0] + [1] * 9, [*range(10)]).more_right(before).is_worse
    assert outcomes([0] * 3 + [1] * 7, [*range(10)]).more_right(before).is_worse
    assert not before.more_right(before).is_worse


def test_what_is_worth_more_by_chance_is_not_better() -> None:
    before = Outcomes(np.zeros(4), np.zeros(4, bool), np.arange(4))
    for values, is_better in (([0, 0, 0, 1], False), ([1, 0, 1, 1], True), ([0, 0, 0, 0], False)):
        after = replace(before, values=np.array(values, float))
        assert after.worth_more(before).is_better == is_better


def test_likelihoods_of_two_classes_are_those_of_one_logit() -> None:
    logits = np.arange(-5, 6)
    labels = np.tile([0, 1], 6)[:11]
    one = log_likelihoods(logits, labels, 3.0)
    two = log_likelihoods(np.stack([0 * logits, logits], axis=1), labels, 3.0)
    np.testing.assert_allclose(one, two, rtol=1e-12)
