"""Which score tells how a network does on speakers that nobody has heard.

python -m tests.benchmarks.selection OUT

Takes the four trainings of each fold that `python -m tests.benchmarks.ablation OUT` has kept, in
their last epoch, and scores each on the validation clips of its fold as they are, on varied crops
of them, and on both together, as a search does; by accuracy and by log-likelihood. Prints, for each
score, its correlation with accuracy on the unseen fold, within folds, and what the best one by that
score has there; and how the errors there are spread over speakers and over the four.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import evobin
from evobin.core.problem import Solution
from evobin.core.samples import Dataset
from evobin.core.scores import accuracy, log_likelihood_table, predictions
from evobin.network.flips.heads import logit_width_of
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.runs import RunFolder
from evobin.training import latent
from tests.benchmarks.ablation import FOUR_STARTS, SEED, parts_of


def main() -> None:
    """Scores what there is, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of the ablation's cells")
    out = parser.parse_args().out
    rows, errors = [], []
    for data in folds_of(out):
        fold, kept = int(data.name.removeprefix("fold")), trained(data)
        rows += [{"fold": fold} | row for row in scores_of(*kept)]
        errors.append({"fold": fold} | errors_of(*kept[1:]))
    table = pd.DataFrame(rows)
    print(f"{len(table)} trainings, {table['fold'].nunique()} folds\n")
    print(summary(table).to_markdown(), end="\n\n")
    print(pd.DataFrame(errors).to_markdown(index=False))


def folds_of(out: Path) -> list[Path]:
    """The folders of the folds whose trainings the ablation has kept."""
    return [folder for folder in sorted(out.glob("fold*")) if (folder / "training.json").exists()]


def trained(data: Path) -> tuple[SampledNetworkProblem, Dataset, list[Solution]]:
    """What a fold's trainings looked at, the unseen clips, and the networks in the last epoch."""
    parts = parts_of(data)
    problem = SampledNetworkProblem(
        evobin.SPEAKER_SEX,
        parts.train,
        parts.valid,
        evobin.AugmentConfig(),
        frames=FOUR_STARTS.frames,
        batch_size=2,
        n_threads=2,
    )
    with RunFolder.open(data / "training") as folder:
        state = folder.read_checkpoint()[0]["state"]
    assert parts.test is not None
    means = [state[f"training{number}"][3] for number in range(FOUR_STARTS.starts)]
    networks = [latent.to_file_order(evobin.SPEAKER_SEX, latent.signs_of(mean)) for mean in means]
    return problem, parts.test, networks


def scores_of(
    problem: SampledNetworkProblem, test: Dataset, networks: list[Solution]
) -> list[dict[str, float]]:
    """A row a training of a fold: what it has by each score, and on the unseen fold."""
    problem = problem.with_views(np.random.default_rng(SEED))
    assert problem.varied is not None
    table = log_likelihood_table(
        evobin.SPEAKER_SEX.n_hidden, logit_width_of(evobin.SPEAKER_SEX, None)
    )
    rows = []
    for signs in networks:
        network = evobin.BinaryNetwork(evobin.SPEAKER_SEX, signs)
        row: dict[str, float] = {}
        parts = {"as they are": problem.valid, "varied": problem.varied, "unseen": test}
        for name, part in parts.items():
            logits = network.logits(part.samples, problem.n_threads)
            row[f"accuracy, {name}"] = accuracy(logits, part.labels)
            places = logits + evobin.SPEAKER_SEX.n_hidden + 1
            row[f"log-likelihood, {name}"] = float(table[part.labels, places].mean())
        row["score of a search"] = float(problem.score(signs[None])[0])
        rows.append(row)
    return rows


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Correlation within folds, and the mean accuracy on unseen folds of those chosen."""
    unseen = table["accuracy, unseen"]
    inner = table - table.groupby("fold").transform("mean").assign(fold=0)
    lines = {
        name: {
            "correlation": f"{inner[name].corr(inner[unseen.name]):.2f}",
            "of the best by it": _percent(unseen[table.groupby("fold")[name].idxmax()].mean()),
        }
        for name in table.columns.drop(["fold", "accuracy, unseen", "log-likelihood, unseen"])
    }
    of_all = {"correlation": "", "of the best by it": _percent(unseen.mean())}
    return pd.DataFrame(lines | {"any of the four, in the mean": of_all}).T


def errors_of(test: Dataset, networks: list[Solution]) -> dict[str, Any]:
    """Of a fold: errors on its unseen clips, and which share of them a few speakers have."""
    assert test.groups is not None
    found = [evobin.BinaryNetwork(evobin.SPEAKER_SEX, signs) for signs in networks]
    wrong = np.stack(
        [predictions(network.logits(test.samples)) != test.labels for network in found]
    )
    of_speakers = pd.Series(wrong.mean(axis=0)).groupby(test.groups["speaker"]).sum()
    return {
        "speakers": len(of_speakers),
        "errors": _percent(wrong.mean()),
        "of these, of two speakers": _percent(of_speakers.nlargest(2).sum() / of_speakers.sum()),
        "of these, in clips that all four get wrong": _percent(
            len(networks) * wrong.all(axis=0).sum() / wrong.sum()
        ),
    }


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"


if __name__ == "__main__":
    main()
