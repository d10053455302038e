"""Searches of csv files beside the classifier on the same arrays: one encoder, one answer?

python -m tests.benchmarks.tables run rows.jsonl [DATA...]
python -m tests.benchmarks.tables show rows.jsonl

Each data set is split into training rows (70%, stratified) and test rows, by seed. The training
rows go to `evobin search` as a csv file, and to `BinaryClassifier` as arrays, with the same
settings. The test rows are looked at once, by either. What is in the file is not done again.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import evobin
from tests.benchmarks import small_data

SEEDS = {"iris": 5, "wine": 5, "breast-cancer": 3, "digits": 3, "letter": 1}
"""Splits of each data set: the fewer rows, the more."""
HIDDEN = (32,)


def load(name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """All rows of a data set."""
    if name == "letter":
        split = small_data.load(name, 0)
        return (
            np.concatenate([split.train, split.test]),
            np.concatenate([split.labels, split.test_labels]),
        )
    from sklearn import datasets

    reader = getattr(datasets, f"load_{name.replace('-', '_')}")
    samples, labels = reader(return_X_y=True)
    return samples, labels


def compare(name: str, seed: int) -> dict[str, Any]:
    """Both ways on one split."""
    from sklearn.model_selection import train_test_split

    x, y = load(name)
    x, test_x, y, test_y = train_test_split(x, y, test_size=0.3, random_state=seed, stratify=y)
    row: dict[str, Any] = {"data": name, "seed": seed, "train": len(y), "n": len(test_y)}
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as root:
        csv = right_by_csv(Path(root), (x, y), (test_x, test_y), seed)
    row["seconds_csv"] = round(time.perf_counter() - began, 1)
    for way, refit in (("validated", False), ("all_rows", True)):
        began = time.perf_counter()
        model = evobin.BinaryClassifier(
            HIDDEN, effort="quick", refit=refit, random_state=seed, n_jobs=1
        )
        right = model.fit(x, y).predict(test_x) == test_y
        row[f"seconds_{way}"] = round(time.perf_counter() - began, 1)
        row[way] = int(right.sum())
        row[f"{way}_alone"] = int((right & ~csv).sum())
        row[f"csv_beside_{way}"] = int((csv & ~right).sum())
    return row | {"csv": int(csv.sum())}


def right_by_csv(root: Path, train: Any, test: Any, seed: int) -> NDArray[np.bool_]:
    """[test rows] whether a search of a csv file is right about them."""
    for part, (x, y) in (("train", train), ("test", test)):
        frame = pd.DataFrame(x, columns=[f"x{place}" for place in range(x.shape[1])])
        frame.assign(label=y).to_csv(root / f"{part}.csv", index=False)
    config = evobin.SearchConfig.of(
        "quick", data=root / "train.csv", test=root / "test.csv", label="label", hidden=HIDDEN,
        seed=seed, n_jobs=1, report=False, out=root / "run",
    )  # fmt: skip
    rows = evobin.search(config).parts["test"].samples
    right: NDArray[np.bool_] = (rows["label"] == rows["answer"]).to_numpy()
    return right


def run(path: Path, names: list[str]) -> None:
    """Compares what is not compared yet, a line of the file each."""
    kept = read(path)
    done = {(row["data"], row["seed"]) for row in kept}
    for name in names or SEEDS:
        for seed in range(SEEDS[name]):
            if (name, seed) not in done:
                with path.open("a") as file:
                    file.write(json.dumps(compare(name, seed)) + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of the file, if it is there."""
    return list(map(json.loads, path.read_text().splitlines())) if path.exists() else []


def show(path: Path) -> None:
    """Test accuracy of each way, pooled over splits, and what csv gains, with standard errors."""
    table = pd.DataFrame(read(path))
    heads = ["data", "test rows", "csv"]
    heads += ["arrays, validated", "csv less that", "arrays, all rows", "csv less that"]
    print(f"| {' | '.join(heads)} |")
    print("| --- " * len(heads) + "|")
    for name in [name for name in SEEDS if name in set(table["data"])]:
        sums = table[table["data"] == name].drop(columns="data").sum()
        n = int(sums["n"])
        cells = [name, f"{n:,}", accuracy(sums["csv"] / n, n)]
        for way in ("validated", "all_rows"):
            more, less = sums[f"csv_beside_{way}"], sums[f"{way}_alone"]
            error = np.sqrt(more + less - (more - less) ** 2 / n) / n
            cells += [accuracy(sums[way] / n, n), f"{(more - less) / n:+.4f} ± {error:.4f}"]
        print(f"| {' | '.join(cells)} |")


def accuracy(share: float, n: int) -> str:
    """An accuracy on n samples, with its standard error."""
    return f"{share:.4f} ± {np.sqrt(share * (1 - share) / n):.4f}"


if __name__ == "__main__":
    command, file, *more = sys.argv[1:]
    if command == "run":
        run(Path(file), more)
    else:
        show(Path(file))
