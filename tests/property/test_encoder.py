"""What holds for the encoder of any table."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evobin.data.encoder import TableEncoder
from tests.strategies import Table, frame_of, tables

BITS = st.integers(1, 8)


def fitted(table: Table, bits: int) -> tuple[TableEncoder, pd.DataFrame]:
    frame = frame_of(table)
    assume(varies(frame))
    return TableEncoder(bits).fit(frame), frame


def varies(frame: pd.DataFrame) -> bool:
    return any(len(frame[name].unique()) > 1 for name in frame)


@given(tables(), BITS)
def test_json_keeps_an_encoder(table: Table, bits: int) -> None:
    encoder, frame = fitted(table, bits)
    back = TableEncoder.from_plain(json.loads(json.dumps(encoder.to_plain())))
    assert back.to_plain() == encoder.to_plain()
    assert np.array_equal(back.transform(frame), encoder.transform(frame))
    assert back.constant == encoder.constant


@given(tables(), BITS, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_does_not_matter(
    table: Table, bits: int, random: Any
) -> None:
    encoder, frame = fitted(table, bits)
    rows, columns = list(range(len(frame))), list(frame.columns)
    random.shuffle(rows)
    random.shuffle(columns)
    shuffled = frame.iloc[rows]
    assert TableEncoder(bits).fit(shuffled).to_plain() == encoder.to_plain()
    assert np.array_equal(encoder.transform(shuffled[columns]), encoder.transform(frame)[rows])


@given(tables(), BITS)
def test_signs_are_those_of_the_numbers(table: Table, bits: int) -> None:
    encoder, frame = fitted(table, bits)
    numbers, signs = encoder.numbers(frame), encoder.transform(frame)
    assert numbers.shape == (len(frame), encoder.n_features)
    assert np.array_equal(encoder.signs(numbers), signs)
    owners, kinds, values = encoder.comparisons
    assert signs.shape[1] == encoder.n_signs == len(owners) == len(kinds) == len(values)
    narrow = encoder.comparisons.narrow
    single = numbers.astype(np.float32)
    numbers = single.astype(np.float64)
    with np.errstate(invalid="ignore"):
        above = single[:, owners] > narrow
    assert np.array_equal((encoder.signs(numbers) > 0)[:, kinds == 0], above[:, kinds == 0])


TYPES: dict[str, Callable[[pd.Series[Any]], pd.Series[Any]]] = {
    "objects": lambda column: column.astype(object).where(column.notna(), None),
    "categories": lambda column: column.astype("category"),
    "nullable": lambda column: column.convert_dtypes(),
    "arrow": lambda column: column.convert_dtypes(dtype_backend="pyarrow"),
    "with pd.NA": lambda column: column.astype(object).where(column.notna(), pd.NA),
}


@pytest.mark.parametrize("kind", TYPES)
@given(tables(most=12), BITS)
def test_the_types_that_pandas_has_for_the_same_cells_do_not_matter(
    kind: str, table: Table, bits: int
) -> None:
    encoder, frame = fitted(table, bits)
    if kind == "arrow":
        pytest.importorskip("pyarrow")
    change = TYPES[kind]
    other = frame.apply(lambda one: change(one) if kind != "categories" or is_text(one) else one)
    assert np.array_equal(encoder.transform(other), encoder.transform(frame))
    assert TableEncoder(bits).fit(other).to_plain() == encoder.to_plain()


def is_text(column: pd.Series[Any]) -> bool:
    return any(isinstance(cell, str) for cell in column)


@given(tables(), BITS, st.integers(1, 40))
def test_thresholds_and_categories_come_from_some_rows_and_missing_ones_from_all(
    table: Table, bits: int, n: int
) -> None:
    frame = frame_of(table)
    rows = np.arange(min(n, len(frame)))
    assume(varies(frame.iloc[rows]))
    encoder, some = (TableEncoder(bits).fit(*of) for of in ((frame, rows), (frame.iloc[rows],)))
    for one, other, name in zip(encoder.columns_, some.columns_, frame, strict=True):
        assert one.thresholds.tolist() == other.thresholds.tolist()
        assert one.categories == other.categories or frame.iloc[rows][name].isna().all()
        assert one.has_missing == (frame[name].isna().any() and not frame[name].isna().all())
    assert encoder.transform(frame).shape == (len(frame), encoder.n_signs)
