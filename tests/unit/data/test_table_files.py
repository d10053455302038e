"""Tables in csv, tsv and parquet files: what is read, and all that is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evobin.data.cells import Kind
from evobin.data.table_files import RawTable, read_columns
from evobin.errors import EvobinError


def guess(names: Sequence[str]) -> list[Kind]:
    return ["guess"] * len(names)


def read(tmp_path: Path, text: str | bytes, name: str = "t.csv", kinds: Any = guess) -> RawTable:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_columns(path, kinds if callable(kinds) else lambda _: kinds)


def problems(table: RawTable) -> list[str]:
    """What is wrong, without the file."""
    return [problem.text.removeprefix(str(table.path)) for problem in sorted(table.problems)]


def test_columns_are_numbers_or_words(tmp_path: Path) -> None:
    table = read(tmp_path, "age, pet\n1.5,cat\n-2e3, dog \n 7 ,cat\n")
    assert table.names == ["age", "pet"]
    assert table.columns["age"].tolist() == [1.5, -2000.0, 7.0]
    assert table.columns["pet"].tolist() == ["cat", "dog", "cat"]
    assert table.lines.tolist() == [2, 3, 4]
    assert not table.problems


@pytest.mark.parametrize("cell", ["", " ", "NA", "N/A", "NaN", "nan", "null", "None", "?"])
def test_a_cell_without_a_value_is_missing_in_both_kinds(cell: str, tmp_path: Path) -> None:
    table = read(tmp_path, f"age,pet\n1,cat\n{cell},{cell}\n3,dog\n")
    assert np.array_equal(table.columns["age"], [1, np.nan, 3], equal_nan=True)
    assert table.columns["pet"].tolist() == ["cat", None, "dog"]
    assert not table.problems


def test_every_float64_is_read_as_it_was_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 2**63, 500, dtype=np.int64).view(np.float64)
    numbers = numbers[np.isfinite(numbers)]
    table = read(tmp_path, "x\n" + "\n".join(map(repr, numbers.tolist())) + "\n")
    assert np.array_equal(table.columns["x"], numbers)


@pytest.mark.parametrize(
    ("name", "separator"),
    [("t.csv", ","), ("t.csv", ";"), ("t.csv", "\t"), ("t.txt", "|"), ("t.tsv", "\t")],
)
def test_the_header_says_what_separates_cells(name: str, separator: str, tmp_path: Path) -> None:
    rows = ["a,b", "c"], ["1", "x"], ["2", "y;z"]
    text = "\n".join(separator.join(f'"{cell}"' for cell in row) for row in rows)
    table = read(tmp_path, text, name)
    assert table.names == ["a,b", "c"]
    assert table.columns["c"].tolist() == ["x", "y;z"]


def test_marks_line_ends_blank_lines_and_quoted_breaks_are_read(tmp_path: Path) -> None:
    text = '\ufeffa,b\r\n1,"two\nlines"\r\n\r\n2,"say ""hi"""\r\n'
    table = read(tmp_path, text)
    assert table.names == ["a", "b"]
    assert table.columns["b"].tolist() == ["two\nlines", 'say "hi"']
    assert table.lines.tolist() == [2, 5]


def test_columns_that_nobody_asks_for_are_not_looked_at(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b\n1,x\n2,3\n", kinds=["text", "skip"])
    assert {name: list(column) for name, column in table.columns.items()} == {"a": ["1", "2"]}
    assert not table.problems


def test_a_few_words_among_numbers_are_problems_and_many_make_categories(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b\n1,x\n2,7\n3,y\n")
    assert table.columns["b"].tolist() == ["x", "7", "y"]
    assert not table.problems
    table = read(tmp_path, "a\n1\n2\n3\nmany\n4\n1_000\n5\n")
    assert [text.partition("; ")[0] for text in problems(table)] == [
        ", line 5, column 'a': expected a number, found 'many'",
        ", line 7, column 'a': expected a number, found '1_000'",
    ]


def test_a_decimal_comma_is_told_how_to_be_written(tmp_path: Path) -> None:
    table = read(tmp_path, "a;b\n1;x\n2;x\n5,1;x\n")
    assert problems(table) == [
        ", line 4, column 'a': expected a number, found '5,1'; write decimals with a point, or "
        "name the column with --categorical a."
    ]


def test_what_a_column_is_shows_in_its_first_rows_also_of_long_tables(tmp_path: Path) -> None:
    n = 9_000
    missing = "\n".join(["?,?"] * 5_000)
    rest = "\n".join(f"{i},w{i % 7}" for i in range(n))
    table = read(tmp_path, f"a,b\n{missing}\n{rest}\n")
    assert np.isnan(table.columns["a"][:5_000]).all()
    assert table.columns["a"][5_000:].tolist() == list(range(n))
    assert table.columns["b"][:5_000].tolist() == [None] * 5_000
    assert table.columns["b"][-1] == f"w{(n - 1) % 7}"


def test_all_problems_of_a_table_are_found_in_order(tmp_path: Path) -> None:
    rows = ["1,2", "1,2,3,4", "1,2,inf", "1,2,3", "1,2,x", "1,2,3", "\xff,1,2"]
    table = read(tmp_path, b"a,,a\n" + "\n".join(rows).encode("latin-1"))
    assert [text.partition(";")[0].rstrip(".") for text in problems(table)] == [
        ", line 1: column 2 has no name",
        ", line 1: columns 1 and 3 are both named 'a'",
        ", line 2: has 2 cells, but the header has 3",
        ", line 3: has 4 cells, but the header has 3",
        ", line 4, column 'a': must be finite, but it is inf",
        ", line 6, column 'a': expected a number, found 'x'",
        ", line 8: is not UTF-8 text",
    ]
    assert not table.is_whole
    with pytest.raises(EvobinError, match=r"t\.csv: 7 problems:"):
        table.raise_if_wrong()


def test_infinite_numbers_are_problems(tmp_path: Path) -> None:
    table = read(tmp_path, "a\n1\ninf\n-Infinity\n")
    assert problems(table) == [
        ", line 3, column 'a': must be finite, but it is inf; correct it, or leave it empty.",
        ", line 4, column 'a': must be finite, but it is -inf; correct it, or leave it empty.",
    ]
    assert table.bad.tolist() == [False, True, True]


def test_a_quote_that_never_ends_is_told_with_its_line(tmp_path: Path) -> None:
    (told,) = problems(read(tmp_path, 'a,b\n1,2\n3,"x\n5,6\n'))
    assert told == ", line 3: is no row (unexpected end of data); check its quotes."


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", "is empty; give it a header and rows"),
        (b"\n\n", "is empty; give it a header and rows"),
        (b"a,b\n", "holds no rows; give it one a sample"),
        ("a,b\n1,2\n".encode("utf-16"), "holds NUL bytes; save it as UTF-8 text"),
    ],
)
def test_what_is_no_table_is_told_in_one_line(raw: bytes, expected: str, tmp_path: Path) -> None:
    with pytest.raises(EvobinError, match=f"t.csv: {expected}"):
        read(tmp_path, raw)


def test_a_column_of_numbers_that_holds_words_alone_is_told_once(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b\nx,1\ny,oops\n", kinds=["number", "number"])
    assert problems(table) == [
        ", column 'a': must hold numbers, as in training, but it holds 'x' in line 2; correct it.",
        ", line 3, column 'b': expected a number, found 'oops'; correct it.",
    ]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(EvobinError, match=r"no\.csv: does not exist"):
        read_columns(tmp_path / "no.csv", guess)


def test_parquet_has_types_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {
            "age": [1.5, None, 3.0],
            "n": pd.array([1, None, 3], dtype="Int64"),
            "pet": ["cat", None, "dog"],
            "kind": pd.Categorical(["u", "v", "u"]),
            "yes": [True, False, True],
            "when": pd.to_datetime(["2020-01-01"] * 3),
            "code": [7, 8, 9],
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    table = read_columns(
        tmp_path / "t.parquet", lambda n: ["text" if x == "code" else "guess" for x in n]
    )
    found = {name: list(column) for name, column in table.columns.items()}
    assert found["pet"] == ["cat", None, "dog"]
    assert found["kind"] == ["u", "v", "u"]
    assert found["yes"] == [1, 0, 1]
    assert found["code"] == ["7", "8", "9"]
    assert np.array_equal(found["age"], [1.5, np.nan, 3], equal_nan=True)
    assert np.array_equal(found["n"], [1, np.nan, 3], equal_nan=True)
    (told,) = problems(table)
    assert told.startswith(", column 'when': must hold numbers or text, but it holds datetime64")
    assert (table.word, table.lines.tolist()) == ("row", [0, 1, 2])


def test_a_damaged_parquet_file_is_told_in_one_line(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "t.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(EvobinError, match=r"t\.parquet: is damaged or no parquet file"):
        read_columns(tmp_path / "t.parquet", guess)


def test_parquet_needs_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(EvobinError, match=r"pip install 'evobin\[parquet\]'"):
        read_columns(tmp_path / "t.parquet", guess)
