"""Which stages pay, by five-fold cross-validation over speakers of the real voices.

python -m tests.benchmarks.ablation OUT                   runs what is missing, prints the table
python -m tests.benchmarks.ablation OUT --rows 1 4 --folds 0 1 2

A cell is one row on one fold: a whole run of the product on the clips of four folds, of which it
takes its own validation speakers, and then one look at the fifth fold. Finished cells stay on disk
and are not run again; an interrupted one is. Rows 1 to 4 begin with the same training, number for
number, straight through the signs from random latents, without the smooth epochs of a search: rows
2 to 4 go on from its checkpoint, and its core seconds count for each; how long their children are
trained was chosen on other splits of the speakers. Row 10 is row 5 without the stages after its
training, number for number. Rows 7 to 9 end after ten minutes, as `evobin polish FILE --minutes 10`
does: leave them two idle cores. The others do not end by the clock, so that what else the machine
does changes no figure. Row 7 needs PyTorch, for a smooth network to cut.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import evobin
from evobin.config import DataConfig, Effort
from evobin.core.stage import Progress
from evobin.data.splits import Splits, load_splits
from evobin.errors import Stopped
from evobin.report import ProgressDisplay
from evobin.results.run import RunResult
from evobin.runs import RunFolder

VOICES = Path(__file__).parents[3] / "shared" / "data" / "voices"
FOLDS = 5
SEED = 0
CONTINUED = (2, 3, 4)
POLISHED = (7, 8, 9)
NO_POPULATION = evobin.PopulationConfig(rounds=0)
NO_FLIPS = evobin.FlipConfig(rounds=0)
FOUR_STARTS = evobin.SteConfig(starts=4, epochs=30, smooth=0)

Cell = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        title: what it shows.
        folds: how many folds it is measured on.
        run: does a cell; given the folder of its fold and one of its own.
    """

    title: str
    folds: int
    run: Callable[[Path, Path], RunResult]


def main() -> None:
    """Runs the cells that are asked for and missing, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of the cells; what it holds is kept")
    parser.add_argument("--rows", type=int, nargs="*", default=sorted(ROWS), help="1 to 10")
    parser.add_argument("--folds", type=int, nargs="*", default=list(range(FOLDS)), help="0 to 4")
    asked = parser.parse_args()
    for fold in asked.folds:
        data = fold_folder(asked.out, fold)
        for number in asked.rows:
            if fold < ROWS[number].folds and not cell_file(asked.out, number, fold).exists():
                print(f"row {number}, fold {fold}: {ROWS[number].title}", flush=True)
                measure(asked.out, number, fold, data)
    print(table(asked.out).to_markdown(index=False))


def fold_folder(out: Path, fold: int) -> Path:
    """Writes rest.tsv, the clips of four folds, and fold.tsv, those of the fifth."""
    folder = out / f"fold{fold}"
    folder.mkdir(parents=True, exist_ok=True)
    samples = pd.read_csv(VOICES / "train.tsv", sep="\t", header=None)
    speakers = pd.read_csv(VOICES / "speakers.tsv", sep="\t", header=None).set_index(0)[1]
    everyone = np.random.default_rng(99).permutation(np.unique(speakers))
    held = speakers[samples[0]].isin(everyone[fold::FOLDS]).to_numpy()
    for name, rows in (("rest.tsv", ~held), ("fold.tsv", held)):
        samples[rows].to_csv(folder / name, sep="\t", header=False, index=False)
    return folder


def cell_file(out: Path, number: int, fold: int) -> Path:
    """Where a finished cell is kept."""
    return out / f"row{number}-fold{fold}.json"


def measure(out: Path, number: int, fold: int, data: Path) -> None:
    """Runs a cell and keeps its figures."""
    folder = out / f"row{number}-fold{fold}"
    shutil.rmtree(folder, ignore_errors=True)
    polished_file = start_of(data, number) if number in POLISHED else None  # before time counts
    before = training(data) if number in CONTINUED else 0.0
    began = core_seconds()
    done = ROWS[number].run(data, folder)
    parts = {name: part.summary() for name, part in done.parts.items()}
    cell: Cell = {
        "core_seconds": before + core_seconds() - began,
        "clips": parts["test"]["clips"],
        "accuracy": parts["test"]["accuracy"],
        "valid": parts["valid"]["accuracy"],
    }
    if done.start is not None and polished_file is not None:
        start = evobin.BinaryNetwork.load(polished_file)
        cell["start"] = accuracy(start, data / "fold.tsv")
        cell["start_valid"] = done.start.summary()["accuracy"]
    cell_file(out, number, fold).write_text(json.dumps(cell, indent=1))


def core_seconds() -> float:
    """Time that cores spent on this process and on the workers that it has dismissed.

    Unlike the time on the wall, it hardly depends on what else the machine does.
    """
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def accuracy(network: evobin.BinaryNetwork, samples: Path) -> float:
    """Of a network on labelled clips."""
    named = pd.read_csv(samples, sep="\t", header=None)
    answers = network.predict([np.load(VOICES / "features" / name) for name in named[0]])
    return float(np.mean(answers == named[1].to_numpy()))


def where(data: Path, out: Path) -> dict[str, Any]:
    """Settings that every run has."""
    return {
        "data": data / "rest.tsv",
        "test": data / "fold.tsv",
        "features": VOICES / "features",
        "groups": VOICES / "speakers.tsv",
        "seed": SEED,
        "out": out,
    }


def parts_of(data: Path) -> Splits:
    """Training and validation clips of four folds, parted by speaker, and the fifth."""
    chosen = {k: v for k, v in where(data, data).items() if k in DataConfig.__dataclass_fields__}
    return load_splits(DataConfig(**chosen, folds=1), SEED)


def searched(effort: Effort = "standard", **stages: Any) -> Callable[[Path, Path], RunResult]:
    """A search with the budgets of an effort, but for these stages."""

    def run(data: Path, out: Path) -> RunResult:
        config = evobin.SearchConfig.of(effort, **where(data, out), **stages)
        with ProgressDisplay() as display:
            return evobin.search(config, display)

    return run


def training(data: Path) -> float:
    """Trains what rows 2 to 4 go on from, once a fold, up to a checkpoint.

    Returns:
        The core seconds that it took.
    """
    folder, spent = data / "training", data / "training.json"
    if not spent.exists():
        shutil.rmtree(folder, ignore_errors=True)
        watched = {"done": 0, "total": 1}
        began = core_seconds()
        with ProgressDisplay() as display:

            def observer(progress: Progress) -> None:
                if progress.stage == "ste":
                    watched.update(done=progress.done, total=progress.total)
                display(progress)

            config = evobin.SearchConfig(**where(data, folder), ste=FOUR_STARTS)
            with contextlib.suppress(Stopped):
                evobin.search(config, observer, lambda: watched["done"] == watched["total"])
        spent.write_text(json.dumps(core_seconds() - began))
    return float(json.loads(spent.read_text()))


def continued(**stages: Any) -> Callable[[Path, Path], RunResult]:
    """A search with these stages, after the training of `training`."""

    def run(data: Path, out: Path) -> RunResult:
        shutil.copytree(data / "training", out)
        config = evobin.SearchConfig(**where(data, out), ste=FOUR_STARTS, **stages)
        with RunFolder.open(out) as folder:
            kept, _ = folder.read_checkpoint()
            folder.write_checkpoint(kept | {"config": config.plain()})
        with ProgressDisplay() as display:
            return evobin.resume(out, observer=display)

    return run


def polished(number: int) -> Callable[[Path, Path], RunResult]:
    """Ten minutes of polish of the file that row `number` starts from."""

    def run(data: Path, out: Path) -> RunResult:
        config = evobin.PolishConfig(**where(data, out), minutes=10)
        with ProgressDisplay() as display:
            return evobin.polish(start_of(data, number), config, display)

    return run


def start_of(data: Path, number: int) -> Path:
    """The file that a row polishes, made when it is first asked for."""
    path = {
        7: data / "cut.txt",
        8: data / "undertrained" / "result.txt",
        9: data.parent / data.name.replace("fold", "row1-fold") / "result.txt",
    }[number]
    if not path.exists():
        if number == 9:
            raise SystemExit("row 9 polishes the files of row 1; run that first")
        make = {7: make_cut, 8: make_undertrained}[number]
        make(data, path)
    return path


def make_cut(data: Path, path: Path) -> None:
    """A smooth network, trained on the four folds and cut to its signs."""
    from evobin.network.result_file import write_signs
    from tests.benchmarks.torch_twin import smooth_weights

    samples = pd.read_csv(data / "rest.tsv", sep="\t", header=None)
    features = [np.load(VOICES / "features" / name).astype(np.float32) for name in samples[0]]
    weights = smooth_weights(evobin.SPEAKER_SEX, features, samples[1].to_numpy(), epochs=15)
    write_signs(path, np.where(weights > 0, 1, -1).astype(np.int8))


def make_undertrained(data: Path, path: Path) -> None:
    """Straight-through training that was stopped far too early."""
    short = evobin.SteConfig(starts=1, epochs=6, smooth=0)
    shutil.rmtree(path.parent, ignore_errors=True)
    searched(ste=short, population=NO_POPULATION, flips=NO_FLIPS)(data, path.parent)


ROWS = {
    1: Row(
        "STE only, all of the time",
        5,
        searched(
            ste=evobin.SteConfig(starts=7, epochs=30, smooth=0),
            population=NO_POPULATION,
            flips=NO_FLIPS,
        ),
    ),
    2: Row(
        "STE + flips",
        5,
        continued(
            population=NO_POPULATION,
            flips=evobin.FlipConfig(rounds=50, clips=512, proposals=400),
        ),
    ),
    3: Row(
        "STE + population, no flips",
        5,
        continued(
            population=evobin.PopulationConfig(rounds=2, epochs=22, rate=5e-3), flips=NO_FLIPS
        ),
    ),
    4: Row(
        "STE + flips + population",
        5,
        continued(
            population=evobin.PopulationConfig(rounds=2, epochs=18, rate=5e-3),
            flips=evobin.FlipConfig(rounds=8, clips=512, proposals=400),
        ),
    ),
    5: Row("--effort standard", 5, searched("standard")),
    6: Row("--effort thorough", 1, searched("thorough")),
    7: Row("polish of a file cut from a smooth network", 3, polished(7)),
    8: Row("polish of an under-trained file", 3, polished(8)),
    9: Row("polish of row 1's file", 3, polished(9)),
    10: Row(
        "--effort standard, its training alone",
        5,
        searched("standard", population=NO_POPULATION, flips=NO_FLIPS),
    ),
}


def table(out: Path) -> pd.DataFrame:
    """Mean, standard error, and the difference to the first row, or to the polished file."""
    cells = {
        (number, fold): json.loads(cell_file(out, number, fold).read_text())
        for number in ROWS
        for fold in range(FOLDS)
        if cell_file(out, number, fold).exists()
    }
    lines = []
    for number, row in ROWS.items():
        mine = {fold: cell for (other, fold), cell in cells.items() if other == number}
        if not mine:
            continue
        right = np.array([cell["accuracy"] for cell in mine.values()])
        before = {
            fold: cell["start"] if "start" in cell else cells.get((1, fold), {}).get("accuracy")
            for fold, cell in mine.items()
        }
        paired = [fold for fold in mine if before[fold] is not None]
        change = np.array([mine[fold]["accuracy"] - before[fold] for fold in paired])
        wrong = sum(1 - before[fold] for fold in paired)
        lines.append(
            {
                "row": f"{number} {row.title}",
                "folds": len(mine),
                "accuracy": _with_error(right),
                "against": "its start" if number in POLISHED else "row 1",
                "pairs": len(paired) if number != 1 else "",
                "difference": _with_error(change) if number != 1 and paired else "",
                "errors": f"{-100 * change.sum() / wrong:+.0f}%" if number != 1 and wrong else "",
                "validation": f"{100 * np.mean([c['valid'] for c in mine.values()]):.2f}%",
                "core minutes": f"{np.mean([c['core_seconds'] for c in mine.values()]) / 60:.1f}",
            }
        )
    return pd.DataFrame(lines)


def _with_error(values: np.ndarray) -> str:
    """Mean and standard error, in points."""
    mean = f"{100 * values.mean():.2f}"
    return (
        f"{mean} ± {100 * values.std(ddof=1) / len(values) ** 0.5:.2f}" if len(values) > 1 else mean
    )


if __name__ == "__main__":
    main()
