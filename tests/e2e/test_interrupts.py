"""Signals to a real process: what it keeps, what it says, how it ends."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evobin.network.presets import SPEAKER_SEX
from evobin.network.result_file import read_signs
from tests.builders import DataFolder, files_below, random_folder
from tests.e2e.kills import evobin, killed_and_resumed, search, undisturbed

LONG = ["--ste.epochs", "1000"]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return random_folder(tmp_path_factory.mktemp("clips"), samples=24)


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_step_keeps_all_and_says_how_to_go_on(
    sent: signal.Signals, code: int, samples: DataFolder, tmp_path: Path
) -> None:
    process = evobin(*search(samples, "run"), *LONG, cwd=tmp_path)
    wait_for(tmp_path / "run" / "result.txt", process)
    process.send_signal(sent)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert out == ""
    first, last = [line for line in err.splitlines() if line]
    assert first == "evobin: ending the step at hand and keeping all; once more ends at once."
    assert last == (
        "evobin: stopped; run/result.txt holds the best so far, and `evobin resume run` goes on."
    )
    kept = ["checkpoint", "checkpoint.old", "config.json", "history.csv", "result.txt"]
    assert files_below(tmp_path / "run") == kept
    read_signs(tmp_path / "run" / "result.txt", SPEAKER_SEX.n_weights)


def test_a_second_ctrl_c_leaves_at_once_without_damage(samples: DataFolder, tmp_path: Path) -> None:
    slow = [*LONG, "--ste.starts", "600", "--checkpoint-seconds", "1000"]  # an epoch takes a minute
    process = evobin(*search(samples, "run"), *slow, cwd=tmp_path)
    wait_for(tmp_path / "run" / "checkpoint", process)
    time.sleep(2.0)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - began < 8
    assert process.returncode == 130
    assert err.splitlines()[-1] == (
        "evobin: interrupted; run/result.txt is not there yet, and `evobin resume run` goes on."
    )
    assert files_below(tmp_path / "run") == ["checkpoint", "config.json"]


def test_a_second_process_on_one_run_folder_is_refused(samples: DataFolder, tmp_path: Path) -> None:
    first = evobin(*search(samples, "run"), *LONG, cwd=tmp_path)
    try:
        wait_for(tmp_path / "run" / "result.txt", first)
        second = evobin("resume", "run", cwd=tmp_path)
        out, err = second.communicate(timeout=60)
        assert (second.returncode, out) == (1, "")
        assert err.startswith(f"evobin: run: is in use by process {first.pid} on ")
        assert first.poll() is None
    finally:
        first.kill()
        first.communicate()


def test_a_run_that_is_killed_and_resumed_ends_with_the_same_bytes(
    samples: DataFolder, tmp_path: Path
) -> None:
    expected, seconds = undisturbed(samples, tmp_path)
    result, happened = killed_and_resumed(samples, tmp_path, "run", seconds, random.Random(1))
    assert happened
    assert result == expected


def test_a_run_of_a_table_goes_on_after_ctrl_c_with_the_same_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(400, 6)).round(2), columns=[*"abcdef"])
    frame["word"] = rng.choice(["one", "two"], 400)
    frame.loc[::9, "a"] = np.nan
    frame.assign(y=frame["b"] > frame["c"]).to_csv(tmp_path / "t.csv", index=False)
    words = "--data t.csv --label y --hidden 8 --folds 2 --flips.sweeps 5"
    words += " --ste.starts 1 --ste.epochs 150 --n-jobs 2"
    options = words.split()
    process = evobin("search", *options, "--quiet", "--out", "run", cwd=tmp_path)
    wait_for(tmp_path / "run" / "result.txt", process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    for argv in (["resume", "run", "--n-jobs", "1"], ["search", *options, "--out", "whole"]):
        process = evobin(*argv, "--quiet", "--no-report", cwd=tmp_path)
        _, err = process.communicate()
        assert process.returncode == 0, err
    for name in ("result.txt", "model.evobin", "summary.json", "clips.csv"):
        made = [(tmp_path / run / name).read_bytes() for run in ("run", "whole")]
        assert made[0] == made[1]


def test_a_run_folder_that_vanishes_ends_in_one_line(samples: DataFolder, tmp_path: Path) -> None:
    process = evobin(*search(samples, "run"), *LONG, cwd=tmp_path)
    wait_for(tmp_path / "run" / "result.txt", process)
    (tmp_path / "run").rename(tmp_path / "gone")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    (line,) = err.splitlines()
    assert line.startswith("evobin: run/")
    assert "cannot be written" in line
    assert {"checkpoint", "checkpoint.old"} & set(files_below(tmp_path / "gone"))
