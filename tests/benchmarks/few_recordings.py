"""A network for ten speakers of another corpus: polished, with and without what it was trained on.

python -m tests.benchmarks.few_recordings OUT [--draws 3] [--effort quick]

The network is searched on two corpora of the real voices. Each draw takes ten speakers of the third
one to polish it with, five of either sex, by folds over these; the other speakers of that corpus
are looked at once, at the end.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import evobin
from evobin.config.runs import Effort
from evobin.report import ProgressDisplay

VOICES = Path(__file__).parents[3] / "shared" / "data" / "voices"
CORPUS, SPEAKERS = "ravdess", 5


def listed(out: Path, name: str, clips: pd.DataFrame) -> Path:
    """Writes a list of clips."""
    path = out / f"{name}.tsv"
    clips[["file", "label"]].to_csv(path, sep="\t", header=False, index=False)
    return path


def accuracy(result: Path, data: Path) -> float:
    """Of a result file on a list of clips, in percent."""
    config = evobin.EvaluateConfig(data, VOICES / "features", VOICES / "speakers.tsv")
    return 100 * evobin.evaluate(result, config).accuracy


def main(argv: list[str] | None = None) -> None:
    """Searches, polishes, and prints a row a draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder for runs and lists; what is there is kept")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--effort", default="quick")
    options = parser.parse_args(argv)
    out, effort = options.out, options.effort
    out.mkdir(parents=True, exist_ok=True)
    clips = pd.read_csv(VOICES / "train.tsv", sep="\t", names=["file", "label"])
    table = pd.read_csv(VOICES / "speakers.tsv", sep="\t", names=["file", "speaker", "corpus"])
    clips = clips.merge(table, on="file")
    is_new = clips["corpus"] == CORPUS
    old = listed(out, "old", clips[~is_new])
    usual: dict[str, Any] = {"features": VOICES / "features", "groups": VOICES / "speakers.tsv"}
    usual["report"] = False
    with ProgressDisplay() as display:
        if not (out / "old" / "summary.json").exists():
            evobin.search(
                evobin.SearchConfig.of(effort, data=old, out=out / "old", **usual), display
            )
        rows = [
            polished(out, clips[is_new], draw, effort, usual, display)
            for draw in range(options.draws)
        ]
    found = pd.DataFrame(rows)
    print(found.round(2).to_string(index=False))
    print(found.drop(columns="draw").mean().round(2).to_string())


def polished(
    out: Path, new: pd.DataFrame, draw: int, effort: Effort, usual: dict[str, Any], display: Any
) -> dict[str, float]:
    """One draw: accuracy on the speakers that are left, and what the folds told."""
    rng, start = np.random.default_rng(draw), out / "old" / "result.txt"
    sexes = new.drop_duplicates("speaker").sort_values("speaker").groupby("label")["speaker"]
    chosen = [name for _, names in sexes for name in rng.permutation(names.to_numpy())[:SPEAKERS]]
    few = listed(out, f"few{draw}", new[new["speaker"].isin(chosen)])
    test = listed(out, f"test{draw}", new[~new["speaker"].isin(chosen)])
    row = {"draw": draw, "before": accuracy(start, test)}
    for name, kept in (("few", None), ("few and old", out / "old.tsv")):
        folder = out / f"{name.replace(' ', '-')}{draw}"
        config = evobin.PolishConfig.of(
            effort, data=few, out=folder, folds=5, keep_data=kept, **usual
        )
        if not (folder / "summary.json").exists():
            evobin.polish(start, config, display)
        told = evobin.load(folder / "model.evobin").report["parts"]["valid"]
        row |= {
            name: accuracy(folder / "result.txt", test),
            f"{name}, told": 100 * told["accuracy"],
        }
    return row


if __name__ == "__main__":
    main()
