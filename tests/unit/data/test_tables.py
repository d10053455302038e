from __future__ import annotations

from pathlib import Path

import pytest

from evobin.data.tables import read_groups, read_labels

PLACES = {"a.wav": "in/a.wav", "male/b.flac": "in/male/b.flac"}
ENDINGS = (".wav", ".flac")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "t.tsv"


def test_labels_come_in_the_order_of_the_files(table: Path) -> None:
    text = "\ufefffile\tlabel\r\nother.wav\t1\r\n./male/b.flac\t1\r\na.wav\t0\r\n\r\n"
    table.write_bytes(text.encode())
    assert read_labels(table, PLACES, [], ENDINGS) == [0, 1]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("a.wav\t0\n", "t.tsv: does not name 'male/b.flac' (in/male/b.flac); add a line for it."),
        ("a.wav\t2\nmale/b.flac\t1\n", "t.tsv, line 1: expected label 0 or 1, found '2'."),
        ("a.wav\tx\nmale/b.flac\t1\n", "t.tsv, line 1: expected label 0 or 1, found 'x'."),
        ("a.wav\nmale/b.flac\t1\n", "t.tsv, line 1: 'a.wav' has no label; add a tab and 0 or 1."),
        (
            "a.wav\t0\nmale/b.flac\t1\n./a.wav\t1\n",
            "t.tsv, line 3: './a.wav' differs from line 1; keep one.",
        ),
        ("", "t.tsv: is empty; expected one sample a line, fields split by tabs."),
    ],
)
def test_a_problem_with_labels_is_named(rows: str, expected: str, table: Path) -> None:
    table.write_text(rows)
    problems: list[str] = []
    assert read_labels(table, PLACES, problems, ENDINGS) is None
    assert problems == [f"{table.parent}/{expected}"]


def test_a_first_line_that_names_a_file_is_no_header_of_groups(table: Path) -> None:
    table.write_text("a.wav\ts1\tr1\nmale/b.flac\ts2\tr2\n")
    groups = read_groups(table, PLACES, [], ENDINGS)
    assert groups is not None
    assert groups.to_dict("list") == {"speaker": ["s1", "s2"], "column 3": ["r1", "r2"]}


def test_a_file_with_another_ending_is_no_header_if_it_is_known(table: Path) -> None:
    table.write_text("speech.raw\ts1\n")
    groups = read_groups(table, {"speech.raw": "speech.raw"}, [], ENDINGS)
    assert groups is not None
    assert groups["speaker"].tolist() == ["s1"]
