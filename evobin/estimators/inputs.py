"""Samples and labels as scikit-learn hands them to an estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import column_or_1d, validate_data

from evobin.checks import check_number
from evobin.core.samples import Samples
from evobin.data.arrays import matrix_of
from evobin.data.encoder import TableEncoder
from evobin.data.series import series_of
from evobin.errors import LISTED


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """Samples as a user has them, their frames one after the other.

    Attributes:
        frames: [sum of t, features] real numbers; or a table of one frame a sample.
        starts: [n + 1] int64, where each sample starts, and the end.
        length: frames of every sample; None if lengths may differ.
    """

    frames: Any
    starts: NDArray[np.int64]
    length: int | None

    def __len__(self) -> int:
        return len(self.starts) - 1

    def frames_of(self, samples: NDArray[np.intp]) -> NDArray[np.intp]:
        """The frames of some samples, one after the other."""
        if self.length == 1:
            return samples
        ranges = [np.arange(*self.starts[place : place + 2]) for place in samples.tolist()]
        return np.concatenate(ranges)


def raw_of(estimator: Any, X: Any, *, fits: bool, encoded: bool, over_time: bool) -> Raw:
    """The samples that an estimator is to fit, or to predict.

    Shape, kind, number of features and names of columns are checked by scikit-learn, in its words;
    what single values may be by `matrix_of` or the encoder, which name row and column. An array of
    series fixes their length, a list does not.

    Args:
        estimator: gets `n_features_in_` and, of a table with text as names of its columns,
            `feature_names_in_`.
        X: [samples, features]; over time [samples, t, features], or a list of [t, features]. Not
            modified, and not copied where it is an array of numbers.
        fits: whether the estimator takes the number and the names of features from X; else they
            must be those that it has.
        encoded: whether an encoder follows, which takes missing values, and tables of all kinds.
        over_time: whether samples are series.

    Raises:
        ValueError: if X is not that, or holds an infinity, or NaN where none may be.
        TypeError: if it is sparse, or holds objects that are no numbers.
    """
    if over_time:
        series = series_of("X", X, missing=encoded)
        validate_data(estimator, series.frames, reset=fits, skip_check_array=True)
        fixed = not isinstance(X, list | tuple) and np.asarray(X).dtype.kind != "O"
        return Raw(series.frames, series.starts, int(series.lengths[0]) if fixed else None)
    if encoded and isinstance(X, pd.DataFrame):
        frames = validate_data(estimator, X, reset=fits, skip_check_array=True)
    else:
        checks = {"dtype": "numeric", "ensure_all_finite": False}
        checked = validate_data(estimator, X, reset=fits, **checks)
        frames = matrix_of("X", checked, missing=encoded)
    return Raw(frames, np.arange(len(frames) + 1), 1)


def encoded_of(raw: Raw, encoder: TableEncoder | None) -> Samples:
    """What a network takes: signs in int8, or numbers in float32, in float64 where needed."""
    if encoder is not None:
        return Samples(encoder.transform(raw.frames), raw.starts)
    narrow = np.can_cast(raw.frames.dtype, np.float32)
    frames: Any = np.array(raw.frames, np.float32 if narrow else np.float64, order="C")
    return Samples(frames, raw.starts)


def left_out_of(encoder: TableEncoder | None) -> str:
    """A sentence about columns that are not looked at, if there are any."""
    left_out = () if encoder is None else encoder.constant
    if not left_out:
        return ""
    more = ", ..." if len(left_out) > LISTED else ""
    listed = ", ".join(map(repr, left_out[:LISTED])) + more
    return f" Without a sign, since they do not vary: {listed}."


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
