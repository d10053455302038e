from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evobin.data.series import series_of


def test_an_array_or_a_list_becomes_samples() -> None:
    x = np.arange(24.0).reshape(2, 4, 3)
    for given in (x, list(x), x.tolist(), [pd.DataFrame(one) for one in x], tuple(x)):
        samples = series_of("X", given)
        assert samples.lengths.tolist() == [4, 4]
        assert np.array_equal(samples.frames, x.reshape(8, 3))
    uneven = np.empty(2, object)
    uneven[:] = [x[0], x[1, :2]]
    assert series_of("X", uneven).lengths.tolist() == [4, 2]
    assert series_of("X", x.astype(np.float16)).frames.dtype == np.float32
    assert series_of("X", x.astype(np.int32)).frames.dtype == np.float64


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((4, 3)), r"`X` must have shape \[samples, frames, features\], or .* \[4, 3\]"),
        ([], "`X` must hold at least one sample, but it is empty"),
        ([np.zeros((4, 3)), np.zeros((4, 2))], r"`X\[1\]` must have shape \[\*, 3\], but it has"),
        ([np.zeros((0, 3))], r"`X\[0\]` must hold at least one sample"),
        ([np.zeros((2, 3)), np.zeros(3)], r"`X\[1\]` must have shape \[\*, 3\], but it has sha"),
        ([[["a"]]], r"`X\[0\]` must hold real numbers"),
        ([np.zeros((2, 1)), [[1.0], [np.nan]]], r"`X\[1\]` .* holds NaN in row 1, column 0, from"),
    ],
)
def test_what_is_no_series_is_refused(values: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        series_of("X", values)


def test_values_may_be_missing_and_not_infinite() -> None:
    values = [np.zeros((2, 1)), [[1.0], [np.nan]]]
    assert np.isnan(series_of("X", values, missing=True).frames[3, 0])
    with pytest.raises(ValueError, match=r"`X\[0\]` .* holds inf in row 0, column 0"):
        series_of("X", [[[np.inf]]], missing=True)
    with pytest.raises(ValueError, match=r"`X\[0\]` must have shape \[\*, 3\]"):
        series_of("X", values, 3)
