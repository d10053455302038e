"""Whether bit flips help networks that are trained already, on speakers that nobody has heard.

python -m tests.benchmarks.trained_flips OUT

Takes the four trainings of each fold that `python -m tests.benchmarks.ablation OUT` has kept, in
their last epoch, and does six rounds of flips from each, whatever the validation clips say, with
batches of several sizes and several numbers of proposals. Prints what that changes on the unseen
fold, in the mean of the rounds.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

import evobin
from evobin.core.scores import accuracy
from evobin.core.solutions import from_bits, to_bits
from evobin.training.flip_search import flip_rounds
from tests.benchmarks.selection import folds_of, trained

ROUNDS = 6
SETTINGS = ((256, 200), (512, 400), (1024, 400), (1024, 1600))
"""Clips of a batch, and flips tried a round."""


def main() -> None:
    """Does the rounds on all cores, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of the ablation's cells")
    out = parser.parse_args().out
    tasks = [(data, samples, tried) for data in folds_of(out) for samples, tried in SETTINGS]
    done = joblib.Parallel(n_jobs=-1)(joblib.delayed(changes)(*task) for task in tasks)
    table = pd.DataFrame([row for rows in done for row in rows])
    print(f"{len(table) // len(SETTINGS)} trainings, {len(folds_of(out))} folds\n")
    print(summary(table).to_markdown(index=False))


def changes(data: Path, samples: int, tried: int) -> list[dict[str, float]]:
    """A row a training: by how much the rounds change accuracy on the unseen fold."""
    problem, test, networks = trained(data)
    problem = replace(problem, batch_size=samples, n_threads=1)
    rows = []
    for number, signs in enumerate(networks):
        seeds: list[tuple[int, ...]] = [(number, place) for place in range(1, ROUNDS + 1)]
        rounds = flip_rounds(problem, to_bits(signs), tried, seeds)
        before, *after = (
            accuracy(
                evobin.BinaryNetwork(evobin.SPEAKER_SEX, found).logits(test.samples), test.labels
            )
            for found in (signs, *(from_bits(done.bits, problem.n) for done in rounds))
        )
        accepted = float(np.mean([done.counts["accepted"] for done in rounds]))
        change = float(np.mean(after)) - before
        row: dict[str, float] = {"clips": samples, "tried": tried, "accepted": accepted}
        rows.append(row | {"before": before, "change": change})
    return rows


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """A row a setting: means over trainings, in percent and points, and the standard error."""
    lines = []
    for samples, tried in SETTINGS:
        rows = table[(table["clips"] == samples) & (table["tried"] == tried)]
        accepted, before, change = rows[["accepted", "before", "change"]].to_numpy(float).T
        points = 100 * change
        lines.append(
            {
                "clips": samples,
                "tried a round": tried,
                "accepted a round": f"{accepted.mean():.0f}",
                "unseen before": f"{100 * before.mean():.2f}%",
                "change": f"{points.mean():+.2f} ± {points.std(ddof=1) / len(points) ** 0.5:.2f}",
            }
        )
    return pd.DataFrame(lines)


if __name__ == "__main__":
    main()
