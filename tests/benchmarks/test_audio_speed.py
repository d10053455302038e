"""Seconds of recordings a second of wall time, one core, everything from the shell.

python -m pytest -m benchmark -s tests/benchmarks/test_audio_speed.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.benchmark
RECORDINGS, SECONDS = 720, 5  # an hour
BAR = 200  # times real time, start included


def record(path: Path, seconds: float, rate: int, channels: int) -> None:
    """Noise in blocks of a second: nothing of it depends on what is said."""
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", rate, channels) as file:
        for _ in range(round(seconds)):
            file.write(rng.uniform(-0.3, 0.3, (rate, channels)))


class Cost(NamedTuple):
    """Of one command: wall and CPU time in seconds, peak memory in MB."""

    wall: float
    cpu: float
    memory: float


def measure(folder: Path, out: Path) -> Cost:
    """Runs the command on all recordings in a folder."""
    evobin = [sys.executable, "-m", "evobin"]
    os.sync()  # else the command would wait for the recordings to reach the disk
    began = time.perf_counter()
    process = subprocess.Popen(
        [*evobin, "features", str(folder), "--out", str(out), "--n-jobs", "1", "--quiet"],
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000)


def start_seconds(tmp_path: Path) -> float:
    """Of the command for a second of speech: the median of three, after one to warm up."""
    (tmp_path / "short").mkdir()
    record(tmp_path / "short" / "a.wav", 1, 16_000, 1)
    took = [measure(tmp_path / "short", tmp_path / f"start{i}").wall for i in range(4)]
    return float(np.median(took[1:]))


@pytest.mark.parametrize(
    ("ending", "rate", "channels"),
    [("wav", 16_000, 1), ("ogg", 16_000, 1), ("flac", 44_100, 2), ("wav", 48_000, 2)],
)
def test_features_are_200_times_as_fast_as_speech(
    ending: str, rate: int, channels: int, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    first = tmp_path / "in" / f"0.{ending}"
    record(first, SECONDS, rate, channels)
    for i in range(1, RECORDINGS):
        os.link(first, first.with_stem(str(i)))  # it is the decoder that is measured, not the disk
    start = start_seconds(tmp_path)
    cost = measure(tmp_path / "in", tmp_path / "out")
    speech = RECORDINGS * SECONDS
    print(
        f"\n{RECORDINGS} {ending} files of {SECONDS} s, {rate:,} Hz, channels: {channels}: "
        f"{cost.wall:.1f} s ({cost.cpu:.1f} s of CPU), {speech / cost.wall:.0f} times real time; "
        f"without the start ({start:.1f} s) {speech / (cost.wall - start):.0f} times; "
        f"{cost.memory:.0f} MB"
    )
    assert speech / cost.wall >= BAR


def test_an_hour_in_one_recording_needs_half_a_gigabyte_more_than_a_second(tmp_path: Path) -> None:
    for name, seconds in (("second", 1), ("hour", 3600)):
        (tmp_path / name).mkdir()
        record(tmp_path / name / "a.flac", seconds, 44_100, 2)
    short = measure(tmp_path / "second", tmp_path / "out1")
    long = measure(tmp_path / "hour", tmp_path / "out2")
    print(
        f"\nan hour, 44,100 Hz, channels: 2: {long.wall:.1f} s, {long.memory:.0f} MB; "
        f"a second: {short.wall:.1f} s, {short.memory:.0f} MB"
    )
    assert long.memory - short.memory < 500
