"""Tables with categories and missing values: what becomes of columns, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evobin.data.encoder import TableEncoder
from evobin.data.frames import plain_matrix
from evobin.errors import EvobinError, SettingError, TableError


def animals() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "weight": [4.0, 30.0, None, 500.0],
            "kind": ["cat", "dog", "cow", "cow"],
            "wild": [False, False, True, False],
            "sex": ["f", None, "m", "f"],
            "legs": [4, 4, 4, 4],
        },
        index=pd.Index([2, 3, 5, 8], name="line"),
    )


def test_each_column_becomes_what_it_holds() -> None:
    encoder = TableEncoder().fit(animals())
    assert encoder.feature_names == ("weight", "kind", "wild", "sex", "legs")
    weight, kind, wild, sex, legs = encoder.columns_
    assert (weight.thresholds.tolist(), weight.categories) == ([17.0, 265.0], None)
    assert (weight.has_missing, kind.has_missing) == (True, False)
    assert (kind.categories, wild.categories) == (("cat", "cow", "dog"), None)
    assert wild.thresholds.tolist() == [0.5]
    assert (sex.categories, sex.has_missing, sex.n_signs) == (("f", "m"), True, 3)
    assert (legs.n_signs, encoder.constant) == (0, ("legs",))
    signs = encoder.transform(animals())
    assert signs.shape == (4, encoder.n_signs) == (4, 3 + 3 + 1 + 3)
    assert signs[2].tolist() == [-1, -1, 1, -1, 1, -1, 1, -1, 1, -1]


def test_of_two_categories_the_second_has_a_sign_and_of_one_none() -> None:
    frame = pd.DataFrame({"a": ["x", "y"], "b": ["z", "z"], "c": ["z", None]})
    encoder = TableEncoder().fit(frame)
    assert [column.n_signs for column in encoder.columns_] == [1, 0, 1]
    assert encoder.transform(frame).tolist() == [[-1, -1], [1, 1]]


def test_an_unknown_category_has_no_sign_that_is_plus() -> None:
    encoder = TableEncoder().fit(pd.DataFrame({"a": ["x", "y", "z"]}))
    other = pd.DataFrame({"a": ["w", "y"]})
    assert encoder.transform(other).tolist() == [[-1, -1, -1], [-1, 1, -1]]
    assert encoder.numbers(other).tolist() == [[-1.0], [1.0]]


def test_columns_of_numbers_can_be_categories() -> None:
    x = np.array([[0.5, 10.0], [1.5, 9.0], [2.5, 100.0], [2.0, 9.0]])
    encoder = TableEncoder(categorical=[1]).fit(x)
    assert encoder.columns_[1].categories == ("9", "10", "100")
    signs = encoder.transform(x)
    assert signs[:, 3:].tolist() == [[-1, 1, -1], [1, -1, -1], [-1, -1, 1], [1, -1, -1]]
    assert encoder.numbers(x)[:, 1].tolist() == [1, 0, 2, 0]
    assert np.array_equal(encoder.transform(pd.DataFrame(x)), signs)
    frame = pd.DataFrame({"a": x[:, 0], "b": ["10", "9", "100", "9"]})
    assert np.array_equal(encoder.transform(frame), signs)
    named = TableEncoder(categorical=["b"]).fit(pd.DataFrame(x, columns=["a", "b"]))
    assert np.array_equal(named.transform(frame), signs)
    assert np.array_equal(named.transform(x), signs)


@pytest.mark.parametrize("wrong", ["c", ["c"], [2], [-1]])
def test_categorical_names_columns(wrong: Any) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [1, 2]})
    with pytest.raises(SettingError, match="`categorical` must hold names or places of columns"):
        TableEncoder(categorical=wrong).fit(frame)


def test_a_column_that_is_missing_throughout_has_no_sign_and_is_not_looked_at() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [None, None], "c": [np.nan, np.nan]})
    encoder = TableEncoder().fit(frame)
    assert encoder.constant == ("b", "c")
    other = pd.DataFrame({"a": [1.0, 2.0], "b": ["text", None], "c": [np.inf, 5.0]})
    assert encoder.transform(other).tolist() == [[-1], [1]]


def test_columns_are_found_by_name_whatever_their_order() -> None:
    frame = animals()
    encoder = TableEncoder().fit(frame)
    assert np.array_equal(encoder.transform(frame.iloc[:, ::-1]), encoder.transform(frame))
    with pytest.raises(
        TableError, match=r"^`X` must have a column 'kind', but it has none; add it"
    ):
        encoder.transform(frame.drop(columns="kind"))
    with pytest.raises(
        TableError, match=r"^`X` has a column 'age' that the model does not know; d"
    ):
        encoder.transform(frame.assign(age=3))
    with pytest.raises(TableError) as caught:
        encoder.transform(frame.rename(columns={"kind": "Kind", "sex": "Sex"}))
    assert str(caught.value).splitlines() == [
        "the columns have problems:",
        "  `X` must have a column 'kind', but it has none; add it.",
        "  `X` must have a column 'sex', but it has none; add it.",
        "  `X` has a column 'Kind' that the model does not know; drop it.",
        "  `X` has a column 'Sex' that the model does not know; drop it.",
    ]
    twice = frame.set_axis(["a", "b", "a", "c", "d"], axis=1)
    with pytest.raises(TableError, match="`X` has 2 columns 'a'; rename or drop one"):
        TableEncoder().fit(twice)


def test_columns_without_names_are_found_by_place() -> None:
    frame = animals().set_axis(range(5), axis=1)
    encoder = TableEncoder().fit(frame)
    assert encoder.feature_names is None
    assert encoder.constant == (4,)
    assert np.array_equal(encoder.transform(animals()), encoder.transform(frame))
    with pytest.raises(ValueError, match=r"`X` must have shape \[\*, 5\], but it has shape \[4, 4"):
        encoder.transform(frame.drop(columns=0))


def test_all_problems_of_a_table_are_in_one_error_by_row_and_column() -> None:
    encoder = TableEncoder().fit(animals())
    weight: Any = [np.inf, "heavy", None, 1.0]
    kind: Any = ["cat", None, None, "cow"]
    wrong = animals().assign(
        weight=weight,
        kind=kind,
        wild=pd.array([True, None, False, True], "boolean"),
        sex=pd.date_range("2026-01-01", periods=4),
    )
    with pytest.raises(TableError) as caught:
        encoder.transform(wrong)
    assert isinstance(caught.value, EvobinError)
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).splitlines() == [
        "the table has 5 problems:",
        "  column 'sex': holds datetime64, neither numbers nor text; make numbers of it, or leave "
        "it out.",
        "  line 3, column 'weight': holds 'heavy', where training had numbers; correct it.",
        "  line 3, column 'kind': is missing, but none was in training; fill it in, or leave the "
        "row out.",
        "  line 3, column 'wild': is missing, but none was in training; fill it in, or leave the "
        "row out.",
        "  line 5, column 'kind': is missing, but none was in training; fill it in, or leave the "
        "row out.",
    ]


def test_the_first_ten_of_many_problems_are_listed() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3))
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    encoder = TableEncoder().fit(frame)
    x[20:, 1] = np.nan
    x[5, 2] = -np.inf
    with pytest.raises(TableError) as caught:
        encoder.transform(pd.DataFrame(x, columns=["a", "b", "c"]))
    head, first, second, *rest = str(caught.value).splitlines()
    assert head == "the table has 31 problems, the first 10 are:"
    assert first.startswith("  row 5, column 'c': holds -inf, but numbers must be finite; corr")
    assert second.startswith("  row 20, column 'b': is missing, but none was in training; fill")
    assert len(rest) == 8


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([1.0, np.inf, 2.0], "row 1, column 'a': holds inf, but numbers must be finite; correct"),
        ([1, "x", None], "row 1, column 'a': holds 'x' among numbers; correct it, or make text of"),
        ([(1,), "x", None], r"row 0, column 'a': holds \(1,\), neither a number nor text"),
        ([1j, 2j, 3j], "column 'a': holds complex128 numbers; make real ones of them"),
        (pd.date_range("2026", periods=3), "column 'a': holds datetime64, neither numbers nor te"),
        (pd.to_timedelta([1, 2, 3]), "column 'a': holds timedelta64, neither numbers nor text"),
        ([b"a", b"b", b"c"], "column 'a': holds bytes, neither numbers nor text"),
        ([10**400, 1, 2], "column 'a': holds a whole number beyond all of float64"),
        (pd.Categorical([(1,), 2, 2]), "column 'a': has a category of type tuple; make text or n"),
    ],
)
def test_a_column_of_another_kind_is_refused(cells: Any, message: str) -> None:
    with pytest.raises(TableError, match="^" + message):
        TableEncoder().fit(pd.DataFrame({"a": cells, "b": [1, 2, 3]}))


def test_text_or_numbers_where_training_had_the_other_are_refused() -> None:
    encoder = TableEncoder().fit(animals())
    with pytest.raises(
        TableError, match=r"line 2, column 'weight': holds '4.0', where training ha"
    ):
        encoder.transform(animals().assign(weight=["4.0", "3", "2", "1"]))
    with pytest.raises(TableError, match="line 3, column 'kind': holds 7, where training had text"):
        encoder.transform(animals().assign(kind=[np.nan, 7.0, 8.0, 9.0]))
    missing = animals().assign(sex=np.nan)
    assert encoder.transform(missing)[:, -3:].tolist() == [[-1, -1, 1]] * 4
    with pytest.raises(ValueError, match="`X` must hold text in column 'kind', as in training"):
        encoder.transform(np.zeros((2, 5)))
    constant = TableEncoder().fit(animals()[["wild", "legs"]].assign(land="UK"))
    assert constant.transform(np.array([[1.0, 2.0, 3.0]])).tolist() == [[1]]


def test_names_are_no_categories() -> None:
    few = pd.DataFrame({"id": [f"n{i}" for i in range(10)], "x": range(10)})
    assert len(TableEncoder().fit(few).columns_[0].categories or ()) == 10
    own = pd.DataFrame({"id": [f"n{i}" for i in range(20)], "x": range(20)})
    with pytest.raises(TableError, match="column 'id': has 20 different values in 20 rows, as nam"):
        TableEncoder().fit(own)
    many = pd.DataFrame({"id": [f"n{i % 256}" for i in range(1000)], "x": range(1000)})
    with pytest.raises(TableError, match="column 'id': has 256 different values, more than 255; l"):
        TableEncoder().fit(many)
    most = many.assign(id=[f"n{i % 255}" for i in range(1000)])
    assert TableEncoder(1).fit(most).n_signs == 256
    with pytest.raises(TableError, match="column 1: has 1,000 different values, more than 255"):
        TableEncoder(categorical=[1]).fit(np.random.default_rng(0).normal(size=(1000, 2)))


@pytest.mark.parametrize("shape", [(0, 2), (2, 0)])
def test_an_empty_table_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=re.escape(f"but it has shape {list(shape)}")):
        TableEncoder().fit(pd.DataFrame(np.zeros(shape)))


def test_a_table_of_numbers_alone_is_not_copied() -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(10, 3)))
    matrix = plain_matrix(frame)
    assert matrix is not None
    assert np.shares_memory(matrix, frame.to_numpy())
    mixed = plain_matrix(pd.DataFrame({"a": [True, False], "b": [1, 2], "c": [0.5, 1]}))
    assert mixed is not None
    assert mixed.dtype == np.float64
    assert plain_matrix(pd.DataFrame({"a": pd.array([1, 2], "Int64")})) is None


def test_a_table_has_the_signs_of_its_array() -> None:
    x = np.random.default_rng(0).normal(size=(100, 4))
    frame = pd.DataFrame(x, columns=list("abcd"))
    signs = TableEncoder(3).fit(x).transform(x)
    for other in (frame, frame.convert_dtypes(), frame.astype(object), frame.astype("Float64")):
        assert np.array_equal(TableEncoder(3).fit(other).transform(other), signs)
