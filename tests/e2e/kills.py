"""Runs that are killed at random moments and resumed: python -m tests.e2e.kills [RUNS] [SEED].

Every run is one search with two workers, killed with SIGKILL after a random time, and resumed; the
resumed one is killed once more half of the time. All result files have to be identical to that of
a run that nobody disturbed.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.builders import DataFolder, random_folder

ROOT = Path(__file__).parents[2]
OPTIONS = "--seed 3 --n-jobs 2 --quiet --no-report --checkpoint-seconds 0.5"
OPTIONS += " --ste.starts 2 --ste.epochs 6 --ste.batch 8 --ste.frames 57"
OPTIONS += " --population.rounds 4 --population.epochs 2 --flips.rounds 4 --flips.clips 8"


def evobin(*argv: str, cwd: Path) -> subprocess.Popen[str]:
    """Starts a command in a session of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "evobin", *argv],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def search(samples: DataFolder, out: str) -> list[str]:
    """A command line."""
    return [
        "search",
        *samples.options,
        "--groups",
        str(samples.groups),
        "--out",
        out,
        *OPTIONS.split(),
    ]


def undisturbed(samples: DataFolder, cwd: Path) -> tuple[bytes, float]:
    """The result file of a run that nobody disturbs, and the seconds that it takes."""
    began = time.monotonic()
    process = evobin(*search(samples, "whole"), cwd=cwd)
    _, err = process.communicate()
    if process.returncode:
        raise RuntimeError(err)
    return (cwd / "whole" / "result.txt").read_bytes(), time.monotonic() - began


def killed_and_resumed(
    samples: DataFolder, cwd: Path, out: str, seconds: float, rng: random.Random
) -> tuple[bytes, list[str]]:
    """The result file of a run that is killed and resumed, and what happened to it."""
    happened: list[str] = []
    while not (cwd / out / "summary.json").exists():
        begun = any((cwd / out / name).exists() for name in ("checkpoint", "checkpoint.old"))
        argv = (
            ["resume", out, "--n-jobs", "2", "--quiet", "--no-report"]
            if begun
            else search(samples, out)
        )
        if not begun and (cwd / out).exists():  # killed before there was a run
            for path in (cwd / out).iterdir():
                path.unlink()
        process = evobin(*argv, cwd=cwd)
        if len(happened) < 2 or (rng.random() < 0.5 and len(happened) < 6):
            moment = rng.uniform(0.2, seconds)
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                happened.append(f"{argv[0]} killed after {moment:.1f} s")
        _, err = process.communicate()
        if process.returncode not in (0, -signal.SIGKILL):
            raise RuntimeError(err)
    return (cwd / out / "result.txt").read_bytes(), happened


def main() -> int:
    """Prints what happened; exits with 1 if a result differs."""
    runs, seed = (int(word) for word in [*sys.argv[1:], "20", "0"][:2])
    rng, same = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        samples = random_folder(cwd / "clips", samples=24)
        expected, seconds = undisturbed(samples, cwd)
        print(f"undisturbed: {seconds:.1f} s", flush=True)
        for number in range(runs):
            happened: list[str] = []
            while not happened:  # it may end before the moment comes
                shutil.rmtree(cwd / "run", ignore_errors=True)
                result, happened = killed_and_resumed(samples, cwd, "run", seconds, rng)
            same += result == expected
            said = "same bytes" if result == expected else "DIFFERENT BYTES"
            print(f"{number + 1:3}/{runs}  {said}: {'; '.join(happened)}", flush=True)
    print(f"{same} of {runs} result files are identical to the undisturbed one")
    return int(same < runs)


if __name__ == "__main__":
    sys.exit(main())
