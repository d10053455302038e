"""Predictions for files as they lie about: in folders, listed on stdin, with any name."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

import evobin
from evobin.cli.main import main
from evobin.errors import EvobinError
from tests.builders import GOLDEN_RESULT
from tests.cli.test_corpora import record

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def predicted(capsys: Capture, *files: str, code: int = 0) -> tuple[list[str], list[str]]:
    """The files that are answered, and the lines on stderr."""
    assert main(["predict", str(GOLDEN_RESULT), *files]) == code
    out, err = capsys.readouterr()
    rows = list(csv.reader(io.StringIO(out, newline=""), delimiter="\t"))
    assert all(len(row) == 3 and row[1] in ("0", "1") for row in rows)
    return [row[0] for row in rows], err.splitlines()


def on_stdin(monkeypatch: pytest.MonkeyPatch, listing: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(listing)))


def test_folders_are_searched_with_all_below_them(capsys: Capture) -> None:
    record("in/b/c.wav", "in/a.FLAC".lower(), "in/notes.txt", "x.wav")
    np.save("in/b/d.npy", np.zeros((60, 64), np.float16))
    Path("in/.hidden.wav").touch()
    files, err = predicted(capsys, "x.wav", "in")
    assert files == ["x.wav", "in/a.flac", "in/b/c.wav", "in/b/d.npy"]
    assert err == ["evobin: Left out: 1 file by their endings: 1 .txt ('notes.txt')."]


def test_names_come_from_stdin(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    record("a.wav", "b c.wav", "d/e.wav")
    on_stdin(monkeypatch, b"b c.wav\n\nd\n")
    assert predicted(capsys, "a.wav", "-") == (["a.wav", "b c.wav", "d/e.wav"], [])


@pytest.mark.parametrize("name", ["a\tb.wav", "a\nb.wav", "a\rb.wav", 'a "b".wav', '"a".wav'])
def test_a_name_that_would_break_the_table_is_quoted(
    name: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(name, "z.wav")
    on_stdin(monkeypatch, f"{name}\0z.wav\0".encode())
    assert predicted(capsys, "-") == ([name, "z.wav"], [])


def test_a_bad_file_of_such_a_name_is_one_line(capsys: Capture) -> None:
    assert predicted(capsys, "a\n\tb.npy", code=1) == (
        [], [r"evobin: a\n\tb.npy: does not exist; check its name and folder."],
    )  # fmt: skip


def test_good_files_are_answered_and_each_bad_one_is_a_line(capsys: Capture) -> None:
    record("in/a.wav", "in/d.wav", "in/e.wav")
    Path("in/b.wav").write_text("hello")
    soundfile.write("in/c.wav", np.zeros(16_000), 16_000)
    Path("empty").mkdir()
    files, err = predicted(capsys, "in", "none.npy", "empty", code=1)
    assert files == ["in/a.wav", "in/d.wav", "in/e.wav"]
    assert [line.split(": ")[1] for line in err] == ["in/b.wav", "in/c.wav", "none.npy", "empty"]
    assert err[1].endswith("in/c.wav: holds no sound: all of its samples are 0; leave it out.")
    assert err[3] == "evobin: empty: holds no .npy files or recordings; name another folder."


def test_a_recording_that_needs_ffmpeg_is_a_line_too(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record("in/a.wav", "in/b.m4a")
    monkeypatch.setenv("PATH", str(tmp_path))
    files, err = predicted(capsys, "in", code=1)
    assert files == ["in/a.wav"]
    assert [line.partition(";")[0] for line in err] == [
        "evobin: in/b.m4a: needs ffmpeg, which is not installed"
    ]


def test_a_folder_that_may_not_be_read_is_a_line(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(_folder: Path) -> None:
        raise PermissionError(13, os.strerror(13))

    Path("in").mkdir()
    record("a.wav")
    monkeypatch.setattr("evobin.files.files_below", deny)
    files, err = predicted(capsys, "in", "a.wav", code=1)
    assert (files, err) == (
        ["a.wav"], ["evobin: in: cannot be read (Permission denied); check it."],
    )  # fmt: skip


def test_no_name_on_stdin_is_refused(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    on_stdin(monkeypatch, b"\n")
    files, err = predicted(capsys, "-", code=1)
    assert (files, err) == ([], ["evobin: predict: no file is named; name at least one."])


def test_a_pipe_leads_from_find_to_predictions() -> None:
    record("a\nb.wav", "c.wav")
    done = subprocess.run(
        [sys.executable, "-m", "evobin", "predict", str(GOLDEN_RESULT), "-", "none.wav"],
        input=b"a\nb.wav\0c.wav\0", capture_output=True, check=False, timeout=60,
        env=os.environ | {"PYTHONPATH": str(Path(evobin.__file__).parents[1])},
    )  # fmt: skip
    assert done.returncode == 1
    rows = list(csv.reader(io.StringIO(done.stdout.decode(), newline=""), delimiter="\t"))
    assert [row[0] for row in rows] == ["a\nb.wav", "c.wav"]
    assert done.stderr.decode().count("\n") == 1


def test_in_python_it_is_all_or_none_and_folders_will_do() -> None:
    record("in/a.wav", "in/b.wav")
    answers = evobin.predict(GOLDEN_RESULT, ["in"])
    assert [answer.file for answer in answers] == ["in/a.wav", "in/b.wav"]
    with pytest.raises(EvobinError, match=r"^none\.wav: does not exist"):
        evobin.predict(GOLDEN_RESULT, ["in", "none.wav"])
