"""Seconds of recordings a second of wall time, one core, everything from the shell.

python -m pytest -m benchmark -s tests/benchmarks/test_audio_speed.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.benchmark
RECORDINGS, SECONDS = 400, 5
BAR = 200  # times real time, start included


def record(path: Path, seconds: float, rate: int, channels: int) -> None:
    """Noise in blocks of a second: nothing of it depends on what is said."""
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", rate, channels) as file:
        for _ in range(round(seconds)):
            file.write(rng.uniform(-0.3, 0.3, (rate, channels)))


def measure(folder: Path, out: Path) -> tuple[float, float]:
    """Wall time in seconds and peak memory in MB of the command."""
    evobin = [sys.executable, "-m", "evobin"]
    os.sync()  # else the command would wait for the recordings to reach the disk
    began = time.perf_counter()
    process = subprocess.Popen(
        [*evobin, "features", str(folder), "--out", str(out), "--n-jobs", "1", "--quiet"],
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return took, used.ru_maxrss / 1000


def start_seconds(tmp_path: Path) -> float:
    """Of the command for a second of speech: the median of three, behind one to warm up."""
    (tmp_path / "short").mkdir()
    record(tmp_path / "short" / "a.wav", 1, 16_000, 1)
    took = [measure(tmp_path / "short", tmp_path / f"start{i}")[0] for i in range(4)]
    return float(np.median(took[1:]))


@pytest.mark.parametrize(
    ("ending", "rate", "channels"),
    [("wav", 16_000, 1), ("ogg", 16_000, 1), ("flac", 44_100, 2), ("wav", 48_000, 2)],
)
def test_features_are_200_times_as_fast_as_speech(
    ending: str, rate: int, channels: int, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    for i in range(RECORDINGS):
        record(tmp_path / "in" / f"{i}.{ending}", SECONDS, rate, channels)
    start = start_seconds(tmp_path)
    took, memory = measure(tmp_path / "in", tmp_path / "out")
    speech = RECORDINGS * SECONDS
    print(
        f"\n{RECORDINGS} {ending} files of {SECONDS} s, {rate:,} Hz, channels: {channels}: "
        f"{took:.1f} s, {speech / took:.0f} times real time; without the start ({start:.1f} s) "
        f"{speech / (took - start):.0f} times; {memory:.0f} MB"
    )
    assert speech / took >= BAR


def test_an_hour_in_one_recording_needs_half_a_gigabyte_more_than_a_second(tmp_path: Path) -> None:
    for name, seconds in (("second", 1), ("hour", 3600)):
        (tmp_path / name).mkdir()
        record(tmp_path / name / "a.flac", seconds, 44_100, 2)
    _, least = measure(tmp_path / "second", tmp_path / "out1")
    took, memory = measure(tmp_path / "hour", tmp_path / "out2")
    print(
        f"\nan hour, 44,100 Hz, channels: 2: {took:.1f} s, {memory:.0f} MB; a second: {least:.0f}"
    )
    assert memory - least < 500
