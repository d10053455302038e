"""From recordings to a data set and to predictions, as a person does it."""

from __future__ import annotations

import errno
import os
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import soundfile

from evobin.audio import recordings as audio
from evobin.audio.log_mel import log_mel
from evobin.cli.main import main
from evobin.commands import features as recordings
from evobin.commands import predict as predicting
from evobin.errors import EvobinError
from tests.builders import GOLDEN_RESULT, files_below

QUIET = ["--n-jobs", "1", "--quiet"]
Capture = pytest.CaptureFixture[str]


def speech(seconds: float, seed: int, rate: int = 16_000) -> np.ndarray[Any, Any]:
    """Noise between two stretches of silence, a tenth of the time each."""
    n = round(seconds * rate)
    samples = np.random.default_rng(seed).uniform(-0.3, 0.3, n)
    samples[: n // 10] = samples[n - n // 10 :] = 0.0
    return samples


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Eight recordings of 2 to 9 s, of four speakers of both labels, in three formats."""
    monkeypatch.chdir(tmp_path)
    for i in range(8):
        path = Path(f"in/s{i // 2}/{i // 2 % 2}/r{i}.{('wav', 'flac', 'ogg')[i % 3]}")
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, speech(2 + i, i), 16_000)
    rows = [f"{path.relative_to('in')}\t{path.parts[1]}\tr{path.stem[1:]}" for path in found()]
    Path("who.tsv").write_text("\n".join(["file\tspeaker\troom", *rows, ""]))
    return Path("in")


def found() -> list[Path]:
    return sorted(path for path in Path("in").rglob("*") if path.is_file())


def run(capsys: Capture, *argv: str) -> tuple[str, str]:
    assert main(argv) == 0
    captured = capsys.readouterr()
    return captured.out, captured.err


def refusal(capsys: Capture, *argv: str) -> str:
    assert main(["features", *argv, *QUIET]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.removeprefix("evobin: ")


def test_each_recording_becomes_a_file_of_the_same_name(corpus: Path, capsys: Capture) -> None:
    out, err = run(capsys, "features", "in", "--out", "out", *QUIET)
    assert err == ""
    assert out.splitlines()[0] == "8 clips of 8 recordings, 44 s, in out"
    for path in found():
        clip = np.load(Path("out/features", path.relative_to("in")).with_suffix(".npy"))
        assert clip.dtype == np.float16
        if path.suffix == ".wav":
            samples = soundfile.read(path)[0]
            np.testing.assert_array_equal(clip, log_mel(samples).astype(np.float16))
    assert Path("out/train.tsv").read_text().splitlines() == [
        "s0/0/r0.npy\t0", "s0/0/r1.npy\t0", "s1/1/r2.npy\t1", "s1/1/r3.npy\t1",
        "s2/0/r4.npy\t0", "s2/0/r5.npy\t0", "s3/1/r6.npy\t1", "s3/1/r7.npy\t1",
    ]  # fmt: skip
    assert sorted(path.name for path in Path("out").iterdir()) == ["features", "train.tsv"]


def test_the_printed_command_searches_what_was_written(corpus: Path, capsys: Capture) -> None:
    more = ["--groups", "who.tsv", "--trim", "--clip-seconds", "3"]
    out, _ = run(capsys, "features", "in", "--out", "my data", *more, *QUIET)
    first, labels, command = out.splitlines()
    assert labels == "Label 1 is female: 4 of 8 recordings; label 0 is male: 4 of 8 recordings."
    assert first.startswith("16 clips of 8 recordings, ")
    name, *argv = shlex.split(command)
    assert (name, argv[0]) == ("evobin", "search")
    rows = Path("my data/speakers.tsv").read_text().splitlines()
    assert rows[0] == "file\tspeaker\troom"
    assert [row for row in rows if "r7" in row] == [
        "s3/1/r7-1.npy\ts3\tr7", "s3/1/r7-2.npy\ts3\tr7", "s3/1/r7-3.npy\ts3\tr7",
    ]  # fmt: skip
    budget = ["--effort", "quick", "--ste.starts", "1", "--ste.epochs", "1", "--valid-share", "0.5"]
    none = ["--population.rounds", "0", "--flips.rounds", "0"]
    out, _ = run(capsys, *argv, "--out", "run", *budget, *none, *QUIET)
    assert "Split by speaker." in out


def test_the_features_do_not_depend_on_the_number_of_workers(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(recordings, "TASK_BYTES", 1)
    outs = ["one", "two"]
    for n_jobs, out in enumerate(outs, 1):
        _, err = run(capsys, "features", "in", "--out", out, "--n-jobs", str(n_jobs))
        assert err.splitlines()[-1].endswith("recordings 8/8")
    assert files_below(Path("one")) == files_below(Path("two"))
    for path in Path("one").rglob("*.npy"):
        assert path.read_bytes() == Path("two", path.relative_to("one")).read_bytes()


def test_without_labels_there_is_no_table(corpus: Path, capsys: Capture) -> None:
    out, _ = run(capsys, "features", *map(str, found()), "--out", "out", *QUIET)
    assert len(out.splitlines()) == 1
    assert files_below(Path("out")) == ["features", *(f"features/r{i}.npy" for i in range(8))]


def bad(name: str, content: bytes = b"hello\n") -> Callable[[], object]:
    return lambda: Path(name).write_bytes(content)


def unlabelled() -> None:
    Path("labels.tsv").write_text("s0/0/r0.wav\t0\n")


def part_in_the_way() -> None:
    soundfile.write("in/s3/1/r7-2.wav", speech(2, 9), 16_000)


WRONG: dict[str, tuple[Callable[[], object], list[str], str]] = {
    "no recording": (
        bad("in/s0/0/x.wav"),
        [],
        "in/s0/0/x.wav: is damaged or no recording that libsndfile knows (Format not recognised); "
        "save it as wav or flac.\n",
    ),
    "an empty file": (bad("in/s0/0/x.ogg", b""), [], "in/s0/0/x.ogg: is empty; record it again"),
    "a dangling link": (
        lambda: Path("in/s0/0/x.wav").symlink_to("none"),
        [],
        "in/s0/0/x.wav: does not exist",
    ),
    "no label": (
        bad("in/x.wav"),
        [],
        "in/x.wav: must lie in a folder named 0 or 1, as others do",
    ),
    "unlabelled": (
        unlabelled,
        ["--labels", "labels.tsv"],
        "labels.tsv: 7 problems:\n  labels.tsv: does not name 's0/0/r1.flac' (in/s0/0/r1.flac); ",
    ),
    "no table": (lambda: None, ["--groups", "no.tsv"], "no.tsv: does not exist; check its name"),
    "a part's name": (
        part_in_the_way,
        ["--clip-seconds", "3"],
        "in/s3/1/r7.flac: would be s3/1/r7-2.npy, and so would a part of in/s3/1/r7-2.wav; rename",
    ),
}


@pytest.mark.parametrize("problem", WRONG)
@pytest.mark.parametrize("is_new", [True, False])
def test_what_is_wrong_is_named_and_nothing_is_left(
    problem: str, is_new: bool, corpus: Path, capsys: Capture
) -> None:
    damage, more, expected = WRONG[problem]
    damage()
    if not is_new:
        Path("out").mkdir()
    before = files_below(Path())
    assert refusal(capsys, "in", "--out", "out", *more).startswith(expected)
    assert files_below(Path()) == before


def test_problems_of_recordings_are_counted_and_the_first_ten_listed(
    corpus: Path, capsys: Capture
) -> None:
    for i in range(12):
        bad(f"in/s0/0/x{i:02}.wav")()
    told = refusal(capsys, "in", "--out", "out").splitlines()
    assert told[0] == "12 of 20 recordings have problems:"
    assert [line.split(":")[0] for line in told[1:]] == [
        f"  in/s0/0/x{i:02}.wav" for i in range(10)
    ]


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--out", "out"], "features: no recording is named; name a file or a folder."),
        (["none", "--out", "out"], "none: does not exist; check its name and folder."),
        (["in", "--out", "who.tsv"], "who.tsv: cannot be written (File exists); a file is in the"),
        (["in", "--out", "in"], "in: exists and is not empty; name another folder with --out"),
        (
            ["in", "in", "--out", "out"],
            "8 problems with recordings:\n  in/s0/0/r0.wav: is named twice",
        ),
    ],
)
def test_paths_that_will_not_do_are_named(
    argv: list[str], expected: str, corpus: Path, capsys: Capture
) -> None:
    before = files_below(Path())
    assert refusal(capsys, *argv).startswith(expected)
    assert files_below(Path()) == before


@pytest.mark.parametrize("value", ["1.1", "0", "-5", "nan"])
def test_clips_too_short_for_the_network_are_wrong_usage(value: str, capsys: Capture) -> None:
    assert main(["features", "in", "--out", "out", "--clip-seconds", value]) == 2
    assert capsys.readouterr().err.startswith("evobin: `clip_seconds` must be from 1.2 to ")


def failing(error: BaseException) -> Callable[..., NoReturn]:
    def fail(*_args: Any, **_more: Any) -> NoReturn:
        raise error

    return fail


def terminate(*_args: Any, **_more: Any) -> None:
    signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize(
    ("stop", "code"), [(failing(KeyboardInterrupt()), 130), (terminate, 143)], ids=["int", "term"]
)
@pytest.mark.parametrize("place", [(audio, "load_features"), (recordings, "_write_table")])
def test_an_interrupt_leaves_nothing(
    place: tuple[Any, str],
    stop: Callable[..., None],
    code: int,
    corpus: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    before, handler = files_below(Path()), signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(*place, stop)
    assert main(["features", "in", "--out", "out", *QUIET]) == code
    assert capsys.readouterr().err == "evobin: interrupted; the command did not finish.\n"
    assert files_below(Path()) == before
    assert signal.getsignal(signal.SIGTERM) == handler


@pytest.mark.parametrize("place", [(os, "fsync"), (Path, "rename")])
def test_a_full_disk_is_named_and_leaves_nothing(
    place: tuple[Any, str], corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    before = files_below(Path())
    with monkeypatch.context() as patched:
        patched.setattr(*place, failing(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
        told = refusal(capsys, "in", "--out", "out")
    assert "cannot be written (No space left on device); free some space" in told
    assert files_below(Path()) == before


def test_predict_says_the_same_for_recordings_and_for_their_features(
    corpus: Path, capsys: Capture
) -> None:
    run(capsys, "features", "in", "--out", "out", *QUIET)
    recorded = [str(path) for path in found()]
    clips = [str(Path("out/features", *Path(f).parts[1:]).with_suffix(".npy")) for f in recorded]
    both = [file for pair in zip(recorded, clips, strict=True) for file in pair]
    out, _ = run(capsys, "predict", str(GOLDEN_RESULT), *both)
    rows = [line.split("\t") for line in out.splitlines()]
    assert [row[0] for row in rows] == both
    assert [row[1:] for row in rows[::2]] == [row[1:] for row in rows[1::2]]


def test_predict_names_all_files_that_it_cannot_read(corpus: Path, capsys: Capture) -> None:
    bad("text.wav")()
    argv = ["predict", str(GOLDEN_RESULT), "text.wav", str(found()[0]), "none.flac", "none.npy"]
    assert main(argv) == 1
    captured = capsys.readouterr()
    assert [row.split("\t")[0] for row in captured.out.splitlines()] == [str(found()[0])]
    told = captured.err.splitlines()
    assert [line.split(": ")[1] for line in told] == ["text.wav", "none.flac", "none.npy"]


@pytest.mark.parametrize("command", ["features", "predict"])
def test_a_missing_package_is_told_once_with_the_extra(
    command: str, corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    error = EvobinError("needs a package that is not installed; pip install 'evobin[audio]'.")
    for module in (audio, predicting, recordings):
        monkeypatch.setattr(module, "need_packages", failing(error))
    argv = {
        "features": ["features", "in", "--out", "out"],
        "predict": ["predict", str(GOLDEN_RESULT), *map(str, found())],
    }[command]
    assert main(argv) == 1
    assert capsys.readouterr().err == f"evobin: {error}\n"
    assert not Path("out").exists()
