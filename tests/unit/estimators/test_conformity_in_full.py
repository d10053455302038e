"""All that scikit-learn asks of a classifier, by fits of a whole effort: some minutes."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from evobin import BinaryClassifier

pytestmark = pytest.mark.slow
CLASSIFIERS = [
    BinaryClassifier((4,), effort="quick", n_jobs=1),
    BinaryClassifier(encoder=None, effort="quick", search=False, n_jobs=1),
]


@parametrize_with_checks(CLASSIFIERS)  # type: ignore[untyped-decorator]
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)
