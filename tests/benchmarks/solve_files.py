"""`evobin solve` on public problem files, beside the best values known.

python -m tests.benchmarks.solve_files [FOLDER] [--seconds 30] [--seeds 3]

FOLDER has gset/, beasley/ and maxsat/ with the files that `KNOWN` names; those that are missing are
left out. Prints a line a file: the values of all seeds, the seconds to the best of each, and how
far the median is from the best known.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import pandas as pd

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "problems"
KNOWN: dict[str, tuple[int, list[str]]] = {
    "gset/G14.txt": (3064, []),
    "gset/G22.txt": (13359, []),
    "gset/G32.txt": (1410, []),
    "gset/G35.txt": (7687, []),
    "gset/G39.txt": (2408, []),
    "gset/G43.txt": (6660, []),
    "beasley/bqp250-1.sparse": (-45607, []),
    "beasley/bqp500-1.sparse": (-116586, []),
    "beasley/bqp1000-2.sparse": (354932, ["--sense", "max"]),
    "maxsat/uf250-01.cnf": (0, []),
    "maxsat/file_rwms_wcnf_L2_V100_C300_0.wcnf": (40, []),
    "maxsat/mot_comb1._red-gate-0.dimacs.seq.filtered.cnf": (1, []),
    "maxsat/c1355_F1229gat@1.wcnf": (33, []),
}
"""The best value known, in the sense of the file, and what the file does not say."""


def solved(path: Path, argv: list[str]) -> tuple[float, float]:
    """The value that is printed last, and when the best solution was found."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        call = [sys.executable, "-m", "evobin", "solve", str(path), "--out", str(run), *argv]
        done = subprocess.run(call, check=True, capture_output=True, text=True)
        history = pd.read_csv(run / "history.csv")
    return float(done.stdout.split()[-1]), float(history["seconds"].iloc[-1])


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    print("| file | values | seconds to them | best known | gap of the median |")
    print("| --- | --- | --- | --- | --- |")
    for name, (best, more) in KNOWN.items():
        path = given.folder / name
        if not path.exists():
            continue
        found = [
            solved(path, ["--seconds", str(given.seconds), "--seed", str(seed), *more])
            for seed in range(given.seeds)
        ]
        values, times = zip(*found, strict=True)
        gap = abs(median(values) - best) / max(abs(best), 1)
        shown = ", ".join(f"{value:.0f}" for value in values)
        when = ", ".join(f"{time:.1f}" for time in times)
        print(f"| {path.name} | {shown} | {when} | {best} | {100 * gap:.2f}% |", flush=True)


if __name__ == "__main__":
    main()
