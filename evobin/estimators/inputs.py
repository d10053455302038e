"""Samples and labels as scikit-learn hands them to an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import column_or_1d, validate_data

from evobin.checks import check_number
from evobin.data.arrays import matrix_of


def features_of(estimator: Any, X: Any, *, fits: bool, encoded: bool) -> Any:
    """The estimator's samples: a matrix of real numbers, or a table as it is for an encoder.

    Shape, kind, number of features and names of columns are checked by scikit-learn, in its words;
    what single values may be by `matrix_of` or the encoder, which name row and column.

    Args:
        estimator: gets `n_features_in_` and, of a table with text as names of its columns,
            `feature_names_in_`.
        X: [samples, features]; not modified, and not copied where it is an array of numbers.
        fits: whether the estimator takes the number and the names of features from X; else they
            must be those that it has.
        encoded: whether an encoder follows, which takes missing values, and tables of all kinds.

    Raises:
        ValueError: if X is not that, or holds an infinity, or NaN where none may be.
        TypeError: if it is sparse, or holds objects that are no numbers.
    """
    if encoded and isinstance(X, pd.DataFrame):
        return validate_data(estimator, X, reset=fits, skip_check_array=True)
    checked = validate_data(estimator, X, reset=fits, dtype="numeric", ensure_all_finite=False)
    return matrix_of("X", checked, missing=encoded)


def labels_of(y: ArrayLike | None) -> NDArray[Any]:
    """[samples] labels; a column is taken for a vector, with a DataConversionWarning.

    Raises:
        ValueError: if there are none, or they have another shape.
    """
    if y is None:
        raise ValueError(
            "a classifier requires y to be passed, but the target y is None; pass the label of "
            "each sample."
        )
    labels: NDArray[Any] = column_or_1d(y, warn=True)
    return labels


def seed_of(random_state: int | np.random.RandomState | None) -> int:
    """A seed by scikit-learn's convention.

    Args:
        random_state: the seed itself; or what draws one: a RandomState, which is advanced, or for
            None numpy's global one.

    Raises:
        SettingError: if it is none of these.
    """
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return int(check_random_state(random_state).randint(2**31))
    check_number("random_state", random_state, 0, 2**63 - 1)
    return int(random_state)
