"""The encoder equals its slow twin, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evobin.data.encoder import TableEncoder
from tests.oracle import naive
from tests.strategies import Table, frame_of, tables

VALUES = st.one_of(
    st.integers(-8, 8).map(lambda number: number / 4),  # few: many samples share a value
    st.floats(-1e9, 1e9, width=32),
)
MATRICES = arrays.arrays(np.float64, st.tuples(st.integers(2, 40), st.just(3)), elements=VALUES)
BITS = st.integers(1, 8)


@pytest.mark.kernels
@given(MATRICES, BITS)
def test_thresholds_and_signs_are_those_of_the_twin(x: np.ndarray, bits: int) -> None:
    x[0, 0] = x[1, 0] + 1.0  # a feature that varies
    encoder = TableEncoder(bits).fit(x)
    thresholds = [naive.thermometer_thresholds(column.tolist(), bits) for column in x.T]
    assert [column.thresholds.tolist() for column in encoder.columns_] == thresholds
    # thresholds themselves are planted zeros: not above, so -1
    planted = [column[0] if column else 0.0 for column in thresholds]
    rows = np.concatenate([x, [planted]])
    signs = [naive.thermometer(thresholds, row.tolist()) for row in rows]
    assert encoder.transform(rows).tolist() == signs


@pytest.mark.kernels
@pytest.mark.parametrize("n_features", [1, 63, 64, 65])
def test_many_features_have_the_signs_of_the_twin(n_features: int) -> None:
    rng = np.random.default_rng(n_features)
    x = rng.normal(size=(30, n_features))
    encoder = TableEncoder(3).fit(x)
    thresholds = [column.thresholds.tolist() for column in encoder.columns_]
    signs = [naive.thermometer(thresholds, row.tolist()) for row in x]
    assert encoder.transform(x).tolist() == signs


@pytest.mark.kernels
@given(tables(), BITS)
def test_columns_of_any_kind_have_the_signs_of_the_twin(table: Table, bits: int) -> None:
    columns = [naive.table_column(cells, bits) for _, cells in table]
    assume(any(columns))
    frame = frame_of(table)
    encoder = TableEncoder(bits).fit(frame)
    rows = list(zip(*(cells for _, cells in table), strict=True))
    signs = [naive.table_signs(columns, list(row)) for row in rows]
    assert encoder.transform(frame).tolist() == signs
    # a category that training did not have is none of them
    unknown = {name: "zebra" for name, cells in table if str in map(type, cells)}
    other = [[unknown.get(table[j][0], cell) for j, cell in enumerate(row)] for row in rows]
    signs = [naive.table_signs(columns, row) for row in other]
    assert encoder.transform(frame.assign(**unknown)).tolist() == signs


@pytest.mark.kernels
@given(MATRICES, st.integers(0, 119), BITS)
def test_an_array_with_missing_numbers_has_the_signs_of_the_twin(
    x: np.ndarray, place: int, bits: int
) -> None:
    x[0, 1] = x[1, 1] + 1.0
    x.flat[place % x.size] = np.nan
    cells = [[None if np.isnan(one) else one for one in column] for column in x.T.tolist()]
    columns = [naive.table_column(column, bits) for column in cells]
    assume(any(columns))
    signs = [naive.table_signs(columns, list(row)) for row in zip(*cells, strict=True)]
    assert TableEncoder(bits).fit(x).transform(x).tolist() == signs
