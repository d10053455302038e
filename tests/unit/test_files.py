from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from evobin.errors import EvobinError
from evobin.files import (
    check_is_file,
    check_output_file,
    make_output_folder,
    read_table,
    write_array,
    write_bytes,
    write_json,
    write_text,
)


def failing(error: BaseException) -> Callable[..., NoReturn]:
    def fail(*_args: Any, **_kwargs: Any) -> NoReturn:
        raise error

    return fail


def os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def test_bytes_are_written_and_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a.bin", memoryview(b"\0\1\r\n"))
    assert (tmp_path / "a.bin").read_bytes() == b"\0\1\r\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_an_existing_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a much longer old content")
    write_text(path, "new")
    assert path.read_text() == "new"


def test_a_new_file_gets_the_permissions_of_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_bytes(tmp_path / "a.bin", b"")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == 0o640


def test_the_bytes_are_on_disk_before_the_file_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    there_at_sync = []
    sync = os.fsync

    def recording(descriptor: int) -> None:
        there_at_sync.append(path.exists())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", recording)
    write_bytes(path, b"1")
    assert there_at_sync == [False, True]  # the file, then its folder


def test_an_array_need_not_wait_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", failing(AssertionError("waits")))
    write_array(tmp_path / "a.npy", np.arange(3), sync=False)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), [0, 1, 2])
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


def test_objects_are_never_pickled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle=False"):
        write_array(tmp_path / "a.npy", np.full(3, None))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_synced_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise os_error(errno.EINVAL)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    write_bytes(tmp_path / "a.bin", b"1")
    assert (tmp_path / "a.bin").read_bytes() == b"1"


@pytest.mark.parametrize(
    "case",
    [
        (
            os_error(errno.ENOSPC),
            EvobinError,
            r"a\.bin: cannot be written \(No space .*\); free some space or name another folder\.$",
        ),
        (os_error(errno.EIO), EvobinError, r"a\.bin: cannot be written \(.*\); name another path"),
        (KeyboardInterrupt("stop"), KeyboardInterrupt, "stop"),
    ],
)
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_keeps_the_old_file_and_leaves_no_other(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    case: tuple[BaseException, type[BaseException], str],
) -> None:
    error, raised, message = case
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    if step == "fsync":
        monkeypatch.setattr(os, "fsync", failing(error))
    else:
        monkeypatch.setattr(Path, "replace", failing(error))
    with pytest.raises(raised, match=message):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvobinError, match=r"sub/a\.txt: .*No such file.*; create its folder first"):
        write_text(tmp_path / "sub" / "a.txt", "")


def test_a_file_where_a_folder_should_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "sub").write_text("")
    with pytest.raises(EvobinError, match=r"sub/a\.txt: .*a part of its path is a file"):
        write_text(tmp_path / "sub" / "a.txt", "")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_may_not_be_written_to_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(Path, "open", failing(os_error(number)))
    with pytest.raises(EvobinError, match=r"a\.txt: cannot be written .*; name a folder that"):
        write_text(tmp_path / "a.txt", "")


def test_a_folder_in_the_way_of_a_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EvobinError, match="a folder is in the way"):
        write_text(tmp_path, "")


def test_a_device_is_never_replaced() -> None:
    with pytest.raises(EvobinError, match="/dev/null: is not a regular file"):
        write_text(Path("/dev/null"), "")
    assert not Path("/dev/null").is_file()


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write_text(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "text"


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    write_text(tmp_path / ("a" * 255), "text")
    assert (tmp_path / ("a" * 255)).read_text() == "text"


def test_text_is_utf8_with_its_newlines_kept(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "é\n\udcff\r\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\n\\udcff\r\n"


def test_json_is_indented_and_ends_with_a_newline(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": [1, 2.5, None]})
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text) == {"a": [1, 2.5, None]}
    assert text.startswith('{\n  "a"')
    assert text.endswith("}\n")


def test_json_without_a_notation_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())


def test_an_output_folder_is_created_with_its_parents(tmp_path: Path) -> None:
    make_output_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_an_empty_output_folder_is_fine_and_stays_empty(tmp_path: Path) -> None:
    make_output_folder(tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_output_folder_that_holds_something_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    message = "exists and is not empty; name another folder with --out or remove it"
    with pytest.raises(EvobinError, match=message):
        make_output_folder(tmp_path)


@pytest.mark.parametrize(
    ("below", "message"),
    [("", "a file is in the way"), ("sub", "a part of its path is a file")],
)
def test_a_file_in_the_way_of_an_output_folder_is_an_error(
    tmp_path: Path, below: str, message: str
) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(EvobinError, match=message):
        make_output_folder(tmp_path / "a" / below)


def test_an_output_folder_that_cannot_be_created_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "mkdir", failing(os_error(errno.EACCES)))
    with pytest.raises(EvobinError, match=r"cannot be written .*; name a folder that you may"):
        make_output_folder(tmp_path / "a")


def test_an_empty_output_folder_that_is_read_only_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", failing(os_error(errno.EROFS)))
    with pytest.raises(EvobinError, match=r"Read-only.*; name a folder that can be written to"):
        make_output_folder(tmp_path)


def test_an_output_file_that_is_there_is_an_error_even_as_a_link_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("nothing")
    for name in ("file", "folder", "link"):
        with pytest.raises(EvobinError, match=f"{name}: exists; name another file with --out or"):
            check_output_file(tmp_path / name)
    check_output_file(tmp_path / "nothing")


def test_a_table_is_read_with_its_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(b"\xef\xbb\xbfa\t1\r\n\nb\x0b\xe2\x80\xa8\t\t2\r\n\n \r\n")
    assert read_table(path) == [(1, ["a", "1"]), (2, [""]), (3, ["b\x0b\u2028", "", "2"])]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"a\.tsv: is empty"),
        (b"\xef\xbb\xbf\r\n\r\n", r"a\.tsv: is empty"),
        (b"a\t1\nb\xff\t1\n", r"a\.tsv, line 2: is not UTF-8"),
        (b"a\t1\n\nb\0\t1\n", r"a\.tsv, line 3: holds a NUL byte"),
    ],
)
def test_a_table_that_is_no_text_is_an_error(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(content)
    with pytest.raises(EvobinError, match=message):
        read_table(path)


def test_a_table_that_is_missing_or_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EvobinError, match=r"a\.tsv: does not exist"):
        read_table(tmp_path / "a.tsv")
    with pytest.raises(EvobinError, match="is a folder; name a file"):
        read_table(tmp_path)


def test_a_table_that_may_not_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.tsv").write_text("a\t1\n")
    monkeypatch.setattr(Path, "open", failing(os_error(errno.EACCES)))
    with pytest.raises(EvobinError, match=r"a\.tsv: cannot be read \(Permission denied\)"):
        read_table(tmp_path / "a.tsv")


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EvobinError, match="is not a regular file"):
        check_is_file(tmp_path / "pipe")


def test_a_line_of_a_gigabyte_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "long.tsv"
    with path.open("wb") as file:
        file.write(b"a.npy\t1\n")
        file.truncate(2**30)  # a sparse file: a line of zeros
    tracemalloc.start()
    with pytest.raises(EvobinError, match=r"long\.tsv, line 2: is longer than 65,536 bytes"):
        read_table(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_line_as_long_as_any_file_name_can_be_is_read(tmp_path: Path) -> None:
    path, name = tmp_path / "long.tsv", "a" * 65_533
    path.write_text(f"{name}\t1\n")
    assert read_table(path) == [(1, [name, "1"])]
