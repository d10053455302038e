"""Bad input through `main`: exit 1, one message that names the culprit, nothing half-written."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pytest

from evobin.cli.main import main
from evobin.commands import run, voices
from tests.builders import (
    GOLDEN_RESULT,
    DataFolder,
    files_below,
    random_folder,
    small_voices,
)

BUDGET = [
    "--ste.starts",
    "2",
    "--ste.epochs",
    "1",
    "--population.rounds",
    "0",
    "--flips.rounds",
    "0",
]
SHORT = [*BUDGET, "--n-jobs", "1", "--quiet", "--no-report"]
N = 369_153

Capture = pytest.CaptureFixture[str]
Damage = Callable[[DataFolder], Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    monkeypatch.chdir(tmp_path)
    return random_folder(tmp_path / "in")


def search(folder: DataFolder, *more: str) -> list[str]:
    return ["search", *folder.options, "--out", "out", *SHORT, *more]


def refusal(capsys: Capture, argv: list[str]) -> str:
    """The one message of a command that must fail, without its prefix."""
    assert main(argv) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("evobin: ")
    _, *more = captured.err.splitlines()
    assert all(line.startswith("  ") for line in more)  # only a list of problems has more lines
    return captured.err.removeprefix("evobin: ")


def lines(*rows: str) -> Damage:
    return lambda folder: folder.write("train.tsv", *rows)


def sample(array: Any) -> Damage:
    return lambda folder: folder.save("c3.npy", array)


def bytes_of(name: str, change: Callable[[bytes], bytes]) -> Damage:
    def damage(folder: DataFolder) -> None:
        path = folder.root / name
        path.write_bytes(change(path.read_bytes()))

    return damage


def planted(value: float, dtype: type = np.float32) -> np.ndarray:
    array: np.ndarray = np.zeros((60, 64), dtype)
    array[7, 5] = value
    return array


CLIP = "train.tsv, line 4: 'c3.npy' "
BAD_DATA: dict[str, tuple[Damage, str]] = {
    "missing tsv": (lambda f: f.data.unlink(), "train.tsv: does not exist"),
    "empty tsv": (lambda f: f.data.write_text(""), "train.tsv: is empty"),
    "blank tsv": (lambda f: f.data.write_text("\n\r\n \n"), "train.tsv: is empty"),
    "header only": (lines("file label"), "train.tsv: holds no clips"),
    "tsv in latin-1": (bytes_of("train.tsv", lambda b: b + b"\xe9"), "line 9: is not UTF-8"),
    "no label": (lines("c0.npy 0", "c1.npy"), "line 2: 'c1.npy' has no label"),
    "label 2": (lines("c0.npy 0", "c1.npy 2"), "line 2: expected label 0 or 1, found '2'"),
    "blanks for tabs": (lambda f: f.data.write_text("c0.npy 0\n"), "'c0.npy 0' has no label"),
    "name leaves the folder": (lines("c0.npy 0", "../x.npy 1"), "'../x.npy' is outside"),
    "absolute name": (lines("c0.npy 0", "/etc/x.npy 1"), "'/etc/x.npy' is outside"),
    "clip twice": (lines("c0.npy 0", "c1.npy 1", "c0.npy 0"), "'c0.npy' is listed in line 1"),
    "missing clip": (lambda f: (f.features / "c3.npy").unlink(), CLIP + "does not exist"),
    "missing folder": (lambda f: f.features.rename("gone"), "features: is not a folder"),
    "truncated": (bytes_of("features/c3.npy", lambda b: b[:-1]), CLIP + "is truncated: 7,679"),
    "header cut": (bytes_of("features/c3.npy", lambda b: b[:40]), CLIP + "is empty, damaged or"),
    "no bytes": (bytes_of("features/c3.npy", lambda _: b""), CLIP + "is empty, damaged or"),
    "not npy": (bytes_of("features/c3.npy", lambda _: b"RIFF" * 99), CLIP + "is empty, damaged or"),
    "objects": (sample(np.full((60, 64), None)), CLIP + "holds Python objects"),
    "complex": (sample(np.zeros((60, 64), complex)), CLIP + "has dtype complex128"),
    "text": (sample(np.full((60, 64), "a")), CLIP + "has dtype <U1, not real numbers"),
    "one axis": (sample(np.zeros(640)), CLIP + "must have shape [t, 64], but it has [640]"),
    "three axes": (sample(np.zeros((1, 60, 64))), CLIP + "must have shape [t, 64]"),
    "wrong width": (sample(np.zeros((60, 40))), CLIP + "must have shape [t, 64], but it"),
    "transposed": (sample(np.zeros((64, 300))), CLIP + "must have shape [t, 64]"),
    "56 frames": (sample(np.zeros((56, 64))), CLIP + "must have at least 57 frames, but it has 56"),
    "no frames": (sample(np.zeros((0, 64))), CLIP + "must have at least 57 frames, but it has 0"),
    "nan": (sample(planted(np.nan)), CLIP + "holds nan at [7, 5]"),
    "inf": (sample(planted(np.inf)), CLIP + "holds inf at [7, 5]"),
    "-inf, float16": (sample(planted(-np.inf, np.float16)), CLIP + "holds -inf at [7, 5]"),
}  # fmt: skip


@pytest.mark.parametrize("command", ["search", "polish", "evaluate"])
@pytest.mark.parametrize("problem", BAD_DATA)
def test_bad_samples_are_named_and_nothing_is_written(
    command: str, problem: str, folder: DataFolder, capsys: Capture
) -> None:
    damage, expected = BAD_DATA[problem]
    damage(folder)
    before = files_below(Path())
    if command == "evaluate":
        argv = ["evaluate", str(GOLDEN_RESULT), *folder.options, "--n-jobs", "1"]
    else:
        argv = search(folder)
        argv[:1] = ["polish", str(GOLDEN_RESULT)] if command == "polish" else ["search"]
    told = refusal(capsys, argv)
    assert expected in told
    assert len(told.splitlines()) == 1
    assert str(folder.root) in told
    assert files_below(Path()) == before


@pytest.mark.parametrize("problem", ["truncated", "not npy", "objects", "wrong width", "nan"])
def test_predict_names_a_bad_file_and_answers_the_others(
    problem: str, folder: DataFolder, capsys: Capture
) -> None:
    damage, expected = BAD_DATA[problem]
    damage(folder)
    files = [str(folder.features / f"c{i}.npy") for i in range(8)]
    assert main(["predict", str(GOLDEN_RESULT), *files]) == 1
    out, err = capsys.readouterr()
    assert [row.split("\t")[0] for row in out.splitlines()] == files[:3] + files[4:]
    (told,) = err.splitlines()
    assert told.startswith(f"evobin: {files[3]}: {expected.removeprefix(CLIP)}")


def test_predict_names_every_bad_file_on_a_line_of_its_own(
    folder: DataFolder, capsys: Capture
) -> None:
    files = [f"no{i}.npy" for i in range(12)] + [str(folder.features / "c0.npy")]
    assert main(["predict", str(GOLDEN_RESULT), *files]) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert [line.split(":")[1] for line in err.splitlines()] == [f" no{i}.npy" for i in range(12)]


def test_predict_of_nothing_is_refused(capsys: Capture) -> None:
    assert "name at least one" in refusal(capsys, ["predict", str(GOLDEN_RESULT)])


@pytest.mark.parametrize("n_jobs", ["1", "2"])
def test_several_problems_are_counted_and_the_first_ten_listed(
    n_jobs: str, folder: DataFolder, capsys: Capture
) -> None:
    folder.write("train.tsv", *(f"no{i}.npy {i % 2}" for i in range(12)))
    before = files_below(Path())
    told = refusal(capsys, search(folder, "--n-jobs", n_jobs)).splitlines()
    assert told[0] == f"{folder.data}: 12 problems, the first 10 are:"
    assert len(told) == 11
    assert all(f"line {i}: 'no{i - 1}.npy'" in told[i] for i in range(1, 11))
    assert files_below(Path()) == before


def test_a_single_class_is_no_training_set(folder: DataFolder, capsys: Capture) -> None:
    folder.write("train.tsv", "c0.npy 1", "c1.npy 1")
    assert "every clip has label 1; add some of 0" in refusal(capsys, search(folder))
    assert not Path("out").exists()


def test_too_few_samples_to_hold_some_out_are_refused(folder: DataFolder, capsys: Capture) -> None:
    folder.write("train.tsv", "c0.npy 0", "c1.npy 1", "c2.npy 0")
    told = refusal(capsys, search(folder))
    assert "holding out needs at least 2 clips of each label" in told
    assert not Path("out").exists()


def test_groups_that_miss_a_sample_name_it(folder: DataFolder, capsys: Capture) -> None:
    folder.write("speakers.tsv", *(f"c{i}.npy s{i}" for i in range(7)))
    told = refusal(capsys, search(folder, "--groups", str(folder.groups)))
    assert f"{folder.groups}: does not name 'c7.npy' ({folder.data}, line 8)" in told
    assert not Path("out").exists()


def result_of(change: Callable[[list[str]], list[str]]) -> Path:
    path = Path("bad.txt")
    path.write_text("\n".join(change(GOLDEN_RESULT.read_text().split())) + "\n")
    return path


@pytest.mark.parametrize("command", ["polish", "evaluate", "predict"])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda rows: rows[:-1], f"expected {N:,} lines, found {N - 1:,}; the file may be for"),
        (lambda rows: [*rows, "1"], f"expected {N:,} lines, found {N + 1:,}; the file may be for"),
        (lambda rows: rows[:1000], f"expected {N:,} lines, found 1,000; the file may be for an"),
        (lambda rows: [*rows[:70_210], "0", *rows[70_211:]], "line 70211: expected 1 or -1, found"),
        (lambda rows: [*rows[:-1], "+1"], f"line {N}: expected 1 or -1, found '+1'"),
        (lambda rows: [], "is empty"),
    ],
)
def test_a_bad_result_file_is_named_with_its_line(
    command: str,
    change: Callable[[list[str]], list[str]],
    expected: str,
    folder: DataFolder,
    capsys: Capture,
) -> None:
    path = result_of(change)
    argv = {
        "polish": ["polish", "bad.txt", *search(folder)[1:]],
        "evaluate": ["evaluate", "bad.txt", *folder.options],
        "predict": ["predict", "bad.txt", str(folder.features / "c0.npy")],
    }[command]
    told = refusal(capsys, argv)
    assert told.startswith(str(path))
    assert expected in told
    assert not Path("out").exists()


def test_a_missing_result_file_is_named(folder: DataFolder, capsys: Capture) -> None:
    told = refusal(capsys, ["evaluate", "none.txt", *folder.options])
    assert told.startswith("none.txt: cannot be read (No such file or directory)")


@pytest.mark.parametrize("command", ["search", "voices"])
def test_an_output_folder_that_is_not_empty_is_left_alone(
    command: str, folder: DataFolder, capsys: Capture
) -> None:
    Path("out").mkdir()
    Path("out/mine.txt").write_text("mine")
    folder.data.unlink()  # an hour of loading would be lost: the folder is looked at first
    argv = search(folder) if command == "search" else ["voices", "out"]
    assert refusal(capsys, argv).startswith("out: exists and is not empty")
    assert files_below(Path("out")) == ["mine.txt"]


@pytest.mark.parametrize("command", ["search", "voices"])
def test_a_file_in_place_of_the_output_folder_is_named(
    command: str, folder: DataFolder, capsys: Capture
) -> None:
    Path("out").write_text("mine")
    argv = search(folder) if command == "search" else ["voices", "out"]
    assert refusal(capsys, argv).startswith("out: cannot be written")
    assert Path("out").read_text() == "mine"


def test_other_line_ends_marks_headers_and_blank_ends_are_accepted(
    folder: DataFolder, capsys: Capture
) -> None:
    rows = folder.data.read_text().splitlines()
    text = "\r\n".join(["file\tlabel", *rows, "", ""])
    folder.data.write_bytes(b"\xef\xbb\xbf" + text.encode())
    groups = folder.groups.read_text().replace("\n", "\r\n") + "\r\n"
    folder.groups.write_bytes(b"\xef\xbb\xbf" + groups.encode())
    result = Path("result.txt")
    golden = GOLDEN_RESULT.read_bytes().replace(b"\n", b"\r\n")
    result.write_bytes(b"\xef\xbb\xbf" + golden + b"\r\n")
    options = [*folder.options, "--groups", str(folder.groups), "--n-jobs", "1"]
    assert main(["evaluate", str(result), *options]) == 0
    assert "8 clips of 4 speakers" in capsys.readouterr().out
    assert main(search(folder, "--groups", str(folder.groups))) == 0
    assert set(pd.read_csv("out/clips.csv")["room"]) == {"r0", "r1", "r2"}


class Disk:
    """Is full from the n-th file on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room = room
        monkeypatch.setattr(os, "fsync", self.sync)

    def sync(self, file: int) -> None:
        self.room -= stat.S_ISREG(os.fstat(file).st_mode)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


FILES = ["config.json", "checkpoint", "result.txt", "history.csv", "result.txt", "clips.csv"]


@pytest.mark.parametrize("room", [0, 1, 2, 3, 5])
def test_a_full_disk_is_named_and_leaves_only_whole_files(
    room: int, folder: DataFolder, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    argv = search(folder)
    with monkeypatch.context() as patched:
        Disk(patched, room)
        told = refusal(capsys, argv)
    expected = f"out/{FILES[room]}: cannot be written (No space left on device); free some space"
    assert told.startswith(expected)
    assert files_below(Path("out")) == sorted(set(FILES[:room]))
    if room > 2:
        assert len(Path("out/result.txt").read_text().split()) == N


def test_voices_on_a_full_disk_leave_only_whole_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture
) -> None:
    monkeypatch.setattr(voices, "synthesise", lambda *_: small_voices())
    out = tmp_path / "made"
    with monkeypatch.context() as patched:
        Disk(patched, 3)
        told = refusal(capsys, ["voices", str(out)])
    assert "v001_01.npy: cannot be written (No space left on device)" in told
    assert files_below(out) == [
        "features", "features/v000_00.npy", "features/v000_01.npy", "features/v001_00.npy",
    ]  # fmt: skip
    for path in out.rglob("*.npy"):
        assert np.load(path).shape[1] == 64


def test_an_output_folder_that_may_not_be_made_is_named(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def denied(*_arguments: Any, **_more: Any) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "mkdir", denied)
        told = refusal(capsys, search(folder))
    assert told == (
        "out: cannot be written (Permission denied); name a folder that you may write to.\n"
    )


@pytest.mark.parametrize("value", [1e7, 1e37, 1e39, 1e299])
def test_values_too_large_for_training_are_refused_by_name_or_trained_on(
    value: float, folder: DataFolder, capsys: Capture
) -> None:
    folder.save("c3.npy", planted(value, np.float64))
    argv = search(folder)
    argv[argv.index("--flips.rounds") + 1] = "1"
    code = main([*argv, "--flips.clips", "4", "--flips.proposals", "4"])
    err = capsys.readouterr().err
    if code == 1:
        assert CLIP in err
        assert not Path("out").exists()
    else:
        assert code == 0
        assert np.isfinite(pd.read_csv("out/history.csv")["loss"].iloc[0])


def test_a_broken_promise_inside_is_not_taken_for_the_users_fault(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: Any) -> NoReturn:
        raise RuntimeError("the written file scores 1, the search reported 2.")

    monkeypatch.setattr(run._Finished, "leave", broken)
    with pytest.raises(RuntimeError, match="the search reported 2"):
        main(search(folder))
