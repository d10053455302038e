from __future__ import annotations

from pathlib import Path

import pytest

from evobin.data.tables import label_of, parse_label, read_groups
from evobin.errors import EvobinError

PLACES = {"a.wav": "in/a.wav", "male/b.flac": "in/male/b.flac"}
ENDINGS = (".wav", ".flac")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "t.tsv"


def test_words_are_labels_where_they_are_known() -> None:
    words = (("male", "m"), ("female", "f"))
    assert [label_of(text, words=words) for text in ("Male", "F", " f ", "1", "0")] == [
        0,
        1,
        1,
        1,
        0,
    ]
    assert [label_of(text, words=words) for text in ("2", "", "x", "1.0")] == [None] * 4
    with pytest.raises(EvobinError, match="found 'x'; 0 is male and 1 is female, as a number or"):
        parse_label(["a.wav", "x"], words=words)


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
