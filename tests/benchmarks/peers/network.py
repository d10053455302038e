"""The speaker-sex network from one straight-through start: polish and its peers, by the clock.

python -m tests.benchmarks.peers.network OUT            every method on fold 0, 20 minutes each
python -m tests.benchmarks.peers.network OUT --methods "evobin polish" --folds 0 1 --minutes 5

Every method begins with the same file, made by one straight-through start on four folds of the real
voices, has the same clips to look at (a training and a validation part of these four folds) and the
same time on all cores, loading, compiling and tuning left out for PyTorch, loading and compiling in
for evobin. What it ends with is answered for the fifth fold, which nothing looked at. Finished
cells stay on disk, and are not run again; the figures after fewer minutes are those of the
incumbent then, but for polish, which is run for each.

nevergrad's and the (1+1) search's objective is what a user would write: PyTorch's forward on 256
crops of the training clips, and its cross-entropy, which has no plateaus; a start that knows its
training clips by heart leaves little to gain there. nevergrad works on an array of as many floats,
whose signs are the weights: its Choice and TransitionChoice need 1.4 s and more for one candidate,
an array 0.05 s. Needs the extra `peers`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

import evobin
from evobin.core.samples import Dataset
from evobin.core.scores import wilson_interval
from evobin.data.splits import Splits
from evobin.report import ProgressDisplay
from tests.benchmarks import ablation
from tests.benchmarks.torch_twin import LOG_MEL, binary_logits, loss_of, parameters
from tests.builders import sides_of

CROPS = 256
FRAMES = 200
SEED = 0
NEVERGRAD = ("DiscreteOnePlusOne", "FastGADiscreteOnePlusOne", "DiscreteLenglerOnePlusOne")
BOP_GAMMA = 1e-4
"""Memory of the moving average: Helwegen et al. (2019) and larq's default."""
BOP_THRESHOLDS = (1e-8, 1e-7, 1e-6, 1e-5)
"""larq's default is 1e-8, for a loss and layers of other scales."""
BOP_PILOT = 400
"""Steps that each threshold gets beforehand; the one with the best validation accuracy is used."""

Signs = NDArray[np.int8]
Search = Iterator[Signs]
"""The incumbent, again and again, for as long as it is asked for; the first is the start."""


@dataclass(frozen=True)
class Task:
    """What every method starts from and may look at."""

    start: Signs
    train: Dataset
    valid: Dataset

    def crops(self, size: int, rng: np.random.Generator) -> tuple[Any, Any]:
        """Random crops of training clips and their labels, as tensors."""
        rows = rng.choice(len(self.train), size, replace=size > len(self.train))
        cut = []
        for row in rows:
            sample = np.asarray(self.train.samples[row], np.float32)
            sample = np.resize(sample, (max(FRAMES, len(sample)), sample.shape[1]))
            first = int(rng.integers(0, len(sample) - FRAMES + 1))
            cut.append(sample[first : first + FRAMES])
        labels = torch.tensor(self.train.labels[rows], dtype=torch.float32)
        return torch.tensor(np.stack(cut)), labels


def loss(signs: Signs, x: Any, labels: Any) -> float:
    """Cross-entropy of a network on crops, by PyTorch's forward."""
    with torch.no_grad():
        weights = parameters(evobin.SPEAKER_SEX, signs.astype(np.float32), torch.float32)
        parts = [binary_logits(evobin.SPEAKER_SEX, weights, part)[:, 0] for part in x.split(32)]
        scale = evobin.SPEAKER_SEX.n_hidden**0.5
        return float(
            torch.nn.functional.binary_cross_entropy_with_logits(torch.cat(parts) / scale, labels)
        )


def one_plus_one(task: Task, minutes: float) -> Search:
    """A (1+1) search as a user would write it: each weight flips with probability 1 / n."""
    rng = np.random.default_rng(SEED)
    x, labels = task.crops(CROPS, rng)
    best, best_loss = task.start.copy(), loss(task.start, x, labels)
    while True:
        yield best
        flips = max(1, rng.binomial(len(best), 1 / len(best)))
        child = best.copy()
        child[rng.choice(len(best), flips, replace=False)] *= -1
        child_loss = loss(child, x, labels)
        if child_loss <= best_loss:
            best, best_loss = child, child_loss


def nevergrad(name: str) -> Callable[[Task, float], Search]:
    """One of nevergrad's optimisers; its budget is what it will have time for."""

    def search(task: Task, minutes: float) -> Search:
        import nevergrad as ng

        x, labels = task.crops(CROPS, np.random.default_rng(SEED))
        began = time.perf_counter()
        best, best_loss = task.start, loss(task.start, x, labels)
        each = time.perf_counter() - began + 0.05
        array = ng.p.Array(init=task.start.astype(float))
        array.random_state.seed(SEED)
        optimiser = ng.optimizers.registry[name](array, budget=max(1, int(60 * minutes / each)))
        while True:
            yield best
            asked = optimiser.ask()
            child = np.where(asked.value > 0, np.int8(1), np.int8(-1))
            child_loss = loss(child, x, labels)
            optimiser.tell(asked, child_loss)
            if child_loss <= best_loss:
                best, best_loss = child, child_loss

    return search


def bop(task: Task, minutes: float) -> Search:
    """Flips where the moving average of the straight-through gradient passes a threshold.

    Source: Helwegen et al. (2019), Latent weights do not exist: rethinking binarized neural network
    optimization; windows of the signs as evobin's training has them, batches of 32.
    """
    tried = []
    for threshold in BOP_THRESHOLDS:
        reached = next(islice(_bop_steps(task, threshold), BOP_PILOT, None))
        tried.append((evaluated(reached, task.valid)[0], threshold))
    threshold = max(tried)[1]
    print(f"bop: threshold {threshold:g} of {tried}", flush=True)
    quarter_epoch = max(1, len(task.train) // 32 // 4)
    best, best_right = task.start, evaluated(task.start, task.valid)[0]
    for number, signs in enumerate(_bop_steps(task, threshold)):
        if number % quarter_epoch == 0:
            right = evaluated(signs, task.valid)[0]
            if right >= best_right:
                best, best_right = signs, right
        yield best


def _bop_steps(task: Task, threshold: float) -> Search:
    from evobin.training.scales import default_widths

    rng = np.random.default_rng(SEED)
    widths = default_widths(evobin.SPEAKER_SEX, LOG_MEL)
    weights = parameters(evobin.SPEAKER_SEX, task.start.astype(np.float32), torch.float32)
    means = [torch.zeros_like(weight) for weight in weights]
    yield task.start
    while True:
        x, labels = task.crops(32, rng)
        loss_of(evobin.SPEAKER_SEX, weights, widths, x, labels).backward()
        with torch.no_grad():
            for weight, mean in zip(weights, means, strict=True):
                mean.lerp_(weight.grad, BOP_GAMMA)
                flip = (mean.abs() > threshold) & (torch.sign(mean) == weight)
                weight[flip] *= -1
                weight.grad = None
        flat = torch.cat([weight.detach().ravel() for weight in weights]).numpy()
        yield flat.astype(np.int8)


METHODS: dict[str, Callable[[Task, float], Search]] = {
    "(1+1), PyTorch": one_plus_one,
    "bop, PyTorch": bop,
    **{f"nevergrad {name}": nevergrad(name) for name in NEVERGRAD},
}
EVERY = ["evobin polish", *METHODS]


def evaluated(signs: Signs, part: Dataset) -> tuple[int, int]:
    """Right answers, and clips."""
    network = evobin.BinaryNetwork(evobin.SPEAKER_SEX, signs)
    answers = network.logits(part.samples, n_threads=2) > 0
    return int(np.sum(answers == (part.labels == 1))), len(part)


def start_of(data: Path) -> Path:
    """The file that all methods start from, trained when it is first asked for."""
    path = data / "start" / "result.txt"
    if not path.exists():
        shutil.rmtree(path.parent, ignore_errors=True)
        one = evobin.SteConfig(starts=1, epochs=40, smooth=0)
        ablation.searched(ste=one, population=ablation.NO_POPULATION, flips=ablation.NO_FLIPS)(
            data, path.parent
        )
    return path


def polish(data: Path, minutes: float, out: Path) -> Signs:
    """A polish, ended by the clock."""
    shutil.rmtree(out, ignore_errors=True)
    config = evobin.PolishConfig.of(
        "quick" if minutes < 15 else "standard",  # what the guide names for this time, or less
        **ablation.where(data, out),
        minutes=minutes,
        report=False,
    )
    with ProgressDisplay() as display:
        return evobin.polish(start_of(data), config, display).network.signs


def run(method: str, data: Path, minutes: list[float], out: Path) -> dict[str, Any]:
    """What a method had after each time: right answers of the fifth fold, and validation."""
    parts = ablation.parts_of(data)
    start = evobin.BinaryNetwork.load(start_of(data)).signs
    sides = sides_of(parts)
    task = Task(start, sides["train"], sides["valid"])
    cell: dict[str, Any] = {"start": _figures(start, parts)}
    if method == "evobin polish":
        for limit in minutes:
            cell[f"{limit:g}"] = _figures(polish(data, limit, out), parts)
        return cell
    search, left = METHODS[method](task, max(minutes)), sorted(minutes)
    next(search)
    began = time.monotonic()
    for steps, incumbent in enumerate(search, start=1):
        if time.monotonic() - began >= 60 * left[0]:
            cell[f"{left.pop(0):g}"] = _figures(incumbent, parts) | {"steps": steps}
        if not left:
            return cell
    raise RuntimeError(f"{method} ended before its time.")


def _figures(signs: Signs, parts: Splits) -> dict[str, Any]:
    assert parts.test is not None
    right, samples = evaluated(signs, parts.test)
    valid, valid_samples = evaluated(signs, sides_of(parts)["valid"])
    return {"right": right, "clips": samples, "valid": valid / valid_samples}


def summary(out: Path) -> pd.DataFrame:
    """A row a method and time, all finished folds in one; accuracies and intervals are shares."""
    cells: dict[tuple[str, str], list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for path in sorted(out.glob("*-fold*.json")):
        kept = json.loads(path.read_text())
        method, start = kept.pop("method"), kept.pop("start")
        for minutes, figures in kept.items():
            cells.setdefault((method, minutes), []).append((start, figures))
    rows = []
    for (method, minutes), pairs in cells.items():
        right, samples = (sum(figures[key] for _, figures in pairs) for key in ("right", "clips"))
        before = sum(start["right"] for start, _ in pairs)
        low, high = wilson_interval(right, samples)
        rows.append(
            {
                "method": method,
                "minutes": float(minutes),
                "folds": len(pairs),
                "clips": samples,
                "start": before / samples,
                "accuracy": right / samples,
                "low": low,
                "high": high,
                "gained": right - before,
                "validation": np.mean([figures["valid"] for _, figures in pairs]),
                "steps": np.mean([figures.get("steps", np.nan) for _, figures in pairs]),
            }
        )
    order = {method: place for place, method in enumerate(EVERY)}
    return pd.DataFrame(rows).sort_values(
        ["method", "minutes"],
        key=lambda column: column.map(order).fillna(column),
        ignore_index=True,
    )


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """The summary as it is printed."""
    return pd.DataFrame(
        {
            "method": rows["method"],
            "minutes": rows["minutes"],
            "folds": rows["folds"],
            "unseen clips": rows["clips"],
            "accuracy": rows["accuracy"].map("{:.2%}".format),
            "95% interval": [
                f"{low:.2%} to {high:.2%}"
                for low, high in zip(rows["low"], rows["high"], strict=True)
            ],
            "against the start": rows["gained"].map("{:+d} clips".format),
            "validation": rows["validation"].map("{:.2%}".format),
            "steps": rows["steps"],
        }
    )


def plot(rows: pd.DataFrame, path: Path) -> None:
    """Accuracy on the unseen folds with its interval, a line a method, and the start's."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MultipleLocator

    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    methods = list(dict.fromkeys(rows["method"]))
    times = sorted(rows["minutes"].unique())
    for number, minutes in enumerate(times):
        part = rows[rows["minutes"] == minutes]
        places = [
            methods.index(method) + 0.25 * (number - (len(times) - 1) / 2)
            for method in part["method"]
        ]
        reach = [part["accuracy"] - part["low"], part["high"] - part["accuracy"]]
        axes.errorbar(
            part["accuracy"], places, xerr=reach, fmt="o", capsize=3, label=f"{minutes:g} minutes"
        )
    axes.axvline(rows["start"].mean(), color="gray", ls="--", label="start")
    axes.set(yticks=range(len(methods)), yticklabels=methods, xlabel="accuracy on unseen speakers")
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.xaxis.set_major_locator(MultipleLocator(0.01))
    axes.invert_yaxis()
    figure.legend(loc="outside upper right", ncols=1 + len(times), fontsize=8)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Runs the cells that are asked for and missing, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of the cells; what it holds is kept")
    parser.add_argument("--methods", nargs="*", default=EVERY, choices=EVERY)
    parser.add_argument("--folds", type=int, nargs="*", default=[0])
    parser.add_argument("--minutes", type=float, nargs="*", default=[5.0, 20.0])
    asked = parser.parse_args()
    warnings.simplefilter("ignore")  # nevergrad's, of its own parts
    for fold in asked.folds:
        data = ablation.fold_folder(asked.out, fold)
        for method in asked.methods:
            name = "".join(c if c.isalnum() else "_" for c in method)
            path = asked.out / f"{name}-fold{fold}.json"
            if not path.exists():
                print(f"fold {fold}: {method}", flush=True)
                cell = run(method, data, asked.minutes, asked.out / f"{name}-fold{fold}")
                path.write_text(json.dumps({"method": method} | cell, indent=1))
    rows = summary(asked.out)
    print(table(rows).to_markdown(index=False))
    plot(rows, asked.out / "network.png")


if __name__ == "__main__":
    main()
