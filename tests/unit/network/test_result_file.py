from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evobin.errors import EvobinError
from evobin.network.result_file import read_signs, write_signs


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "result.txt"


@settings(derandomize=True, deadline=None)
@given(st.lists(st.sampled_from([-1, 1]), min_size=1, max_size=200))
def test_what_is_written_is_read_back(values: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result.txt"
        write_signs(path, np.array(values))
        assert path.read_text() == "".join(f"{value}\n" for value in values)
        assert read_signs(path, len(values)).tolist() == values


@pytest.mark.parametrize(
    "content",
    [
        b"1\n-1\n-1\n",
        b"1\n-1\n-1",
        b"1\r\n-1\r\n-1\r\n",
        b"1\r\n-1\n-1",
        b"\xef\xbb\xbf1\n-1\n-1\n",
        b"1\n-1\n-1\n\n\n\r\n\r\n",
        b"1\n-1\n-1" + b"\n" * 1000,
    ],
)
def test_line_ends_marks_and_trailing_blank_lines_are_understood(
    path: Path, content: bytes
) -> None:
    path.write_bytes(content)
    assert read_signs(path, 3).tolist() == [1, -1, -1]


def test_signs_are_int8_and_read_only(path: Path) -> None:
    write_signs(path, np.array([1.0, -1.0]))
    signs = read_signs(path, 2)
    assert signs.dtype == np.int8
    assert not signs.flags.writeable


def test_a_whole_network_of_the_longest_lines_can_be_read(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + b"-1\r\n" * 369_153 + b"\r\n")
    assert (read_signs(path, 369_153) == -1).all()


@pytest.mark.parametrize(
    ("content", "line", "shown"),
    [
        (b"1\n0\n1\n", 2, "'0'"),
        (b"1\n\n1\n", 2, "''"),
        (b"\n1\n1\n", 1, "''"),
        (b"1\n1\n+1\n", 3, "'+1'"),
        (b"1\n-1 \n1\n", 2, "'-1 '"),
        (b"1\n--1\n1\n", 2, "'--1'"),
        (b"1\n-\n1\n", 2, "'-'"),
        (b"1\n-2\n1\n", 2, "'-2'"),
        (b"1\n1-\n1\n", 2, "'1-'"),
        (b"1\n11\n1\n", 2, "'11'"),
        (b"1\n-1\r-1\n1\n", 2, r"'-1\r-1'"),
        (b"1\n" + b"x" * 500 + b"\n1\n", 2, "'" + "x" * 20 + "...'"),
        (b"1\n\x93NUMPY\x01\0\n1\n", 2, "'\ufffdNUMPY\\x01\\x00'"),
        (b"1 -1 1", 1, "'1 -1 1'"),
    ],
)
def test_a_line_that_is_no_sign_is_named(path: Path, content: bytes, line: int, shown: str) -> None:
    path.write_bytes(content)
    with pytest.raises(EvobinError, match=r"result\.txt, line") as caught:
        read_signs(path, 3)
    assert str(caught.value) == f"{path}, line {line}: expected 1 or -1, found {shown}."


@pytest.mark.parametrize("n_lines", [1, 999, 1001, 1100])
def test_too_few_or_too_many_lines_are_counted(path: Path, n_lines: int) -> None:
    path.write_bytes(b"1\n" * n_lines)
    message = (
        rf"expected 1,000 lines, found {n_lines:,}; the file may be for another architecture, "
        "which --architecture names"
    )
    with pytest.raises(EvobinError, match=message):
        read_signs(path, 1000)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf\r\n"])
def test_an_empty_file_is_an_error(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(EvobinError, match=r"result\.txt: is empty; expected 3 lines"):
        read_signs(path, 3)


def test_a_missing_file_is_an_error(path: Path) -> None:
    with pytest.raises(EvobinError, match=r"result\.txt: cannot be read \(No such file"):
        read_signs(path, 3)


def test_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EvobinError, match=r"cannot be read \(Is a directory\)"):
        read_signs(tmp_path, 3)


@pytest.mark.parametrize("content", [b"1\n" * 100_000, b"1\n" * 3 + b"\n" * 100_000])
def test_a_file_larger_than_any_result_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    message = (
        r"expected 3 lines, but the file is longer than the 1,036 bytes .* --architecture names\.$"
    )
    with pytest.raises(EvobinError, match=message):
        read_signs(path, 3)


@pytest.mark.parametrize("start", [b"1\n-1\n", b"1" * 2000])
def test_no_more_of_a_huge_file_is_read_than_a_result_can_have(
    path: Path, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    with path.open("wb") as file:
        file.write(start)
        file.truncate(1 << 40)  # a hole: no disk space is taken
    asked = []

    class Recording(io.BufferedReader):
        def read(self, size: int | None = -1, /) -> bytes:
            asked.append(size)
            return super().read(size)

    monkeypatch.setattr(Path, "open", lambda self, _mode: Recording(io.FileIO(self)))
    with pytest.raises(EvobinError, match=r"line 1: |longer than"):
        read_signs(path, 3)
    assert asked == [3 * 4 + 1024 + 1]


def test_a_result_of_no_weights_is_a_wrong_argument(path: Path) -> None:
    with pytest.raises(ValueError, match="`n` must be at least 1, but it is 0"):
        read_signs(path, 0)


@pytest.mark.parametrize(
    ("signs", "message"),
    [
        (np.array([1, 0, -1]), "`signs` must hold only -1 and \\+1, but it holds 0 at index 1"),
        (np.array([1.0, np.nan]), "holds nan at index 1"),
        (np.ones((2, 2)), "`signs` must have shape"),
        (np.ones(0), "`signs` must hold at least one sign"),
    ],
)
def test_what_is_no_vector_of_signs_is_not_written(
    path: Path, signs: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write_signs(path, signs)
    assert not path.exists()


def test_a_result_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EvobinError, match=r"sub/result\.txt: cannot be written"):
        write_signs(tmp_path / "sub" / "result.txt", np.array([1]))


def test_the_golden_result_has_all_weights_and_is_reproduced_byte_for_byte(path: Path) -> None:
    golden = Path(__file__).parents[2] / "golden" / "result.txt"
    signs = read_signs(golden, 369_153)
    write_signs(path, signs)
    assert path.read_bytes() == golden.read_bytes()
