"""Wall time of commands from the shell, everything included.

python -m pytest -m benchmark -s tests/benchmarks/test_commands.py
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.builders import finished_run, history_rows

pytestmark = pytest.mark.benchmark
ROOT = Path(__file__).parents[2]
VOICES = ROOT.parent / "shared" / "data" / "voices"
GOLDEN = ROOT / "tests" / "golden" / "result.txt"


def median_seconds(arguments: list[str], turns: int) -> float:
    """Runs a command once to warm up, then `turns` times."""
    took = []
    for _ in range(turns + 1):
        start = time.perf_counter()
        command = [str(Path(sys.executable).parent / "evobin"), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        took.append(time.perf_counter() - start)
    seconds = float(np.median(took[1:]))
    print(f"\nevobin {arguments[0]}: {seconds:.2f} s, median of {turns}")
    return seconds


def test_help_answers_within_04_seconds() -> None:
    assert median_seconds(["--help"], 9) < 0.4


def test_the_report_of_a_standard_run_takes_at_most_5_seconds_and_3_mb(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run")
    rows = history_rows(islands=8, steps=40)  # of a standard training; the other stages have less
    pd.DataFrame(rows).to_csv(run / "history.csv", index=False)
    assert median_seconds(["report", str(run)], 5) <= 5.0
    size = (run / "report.html").stat().st_size / 1e6
    print(f"report.html: {size:.2f} MB")
    assert size <= 3.0


@pytest.mark.skipif(not VOICES.exists(), reason="the real voices are not on this machine")
def test_evaluating_2037_samples_takes_at_most_5_seconds() -> None:
    data = ["--data", str(VOICES / "train.tsv"), "--features", str(VOICES / "features")]
    groups = ["--groups", str(VOICES / "speakers.tsv")]
    assert median_seconds(["evaluate", str(GOLDEN), *data, *groups], 5) <= 5.0
