"""Small binary networks on public data: accuracy against bytes, in equal seconds.

python -m tests.benchmarks.small OUT                     runs what is missing, prints the tables
python -m tests.benchmarks.small OUT --quick --workers 2         half an hour on two idle cores
python -m tests.benchmarks.small OUT --data letter --hidden 32 --folds 0 1 --rows training default
python -m tests.benchmarks.small OUT --table --plot small.png     of the cells that are there

A cell is one row (a method) on one fold of one data set with so many hidden units: it learns from
the training samples, in so many seconds of one core if its weights are binary (processor time of
its process, so that a busy machine gives each as much), and predicts the test samples once, when it
has ended. Each finished cell is a file in OUT and is not run again; an
interrupted one is. What each row imports and compiles first is no part of its seconds.

The default selection has 585 cells of binary networks, three and a quarter hours of one core at
20 s each, and three rows for context, which end by themselves. It leaves out seven of the ten
folds, for three give a standard error; every other width, for errors change little between two; and
the Tsetlin machine and the logic gates, which would take nearly as long as all the others. Options
bring them back. The large network of the literature has a data set of its own:

python -m tests.benchmarks.small OUT --rows tsetlin gates --folds 0
python -m tests.benchmarks.small OUT2 --data fashion-mnist-pixels --hidden 501-501 --seconds 600
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

from threadpoolctl import threadpool_limits

from evobin.errors import EvobinError
from evobin.files import write_bytes
from tests.benchmarks import small_data, small_table
from tests.benchmarks.small_rows import ROWS
from tests.benchmarks.small_tasks import Task

SETS = small_data.NAMES[:-1]
"""Of the default selection: all but the pixels, which want larger networks."""
DEFAULT: dict[str, Any] = {
    "data": SETS,
    "hidden": ("8", "32", "128"),
    "folds": (0, 1, 2),
    "rows": ("training", "default", "annealing", "bop", "ste", "logistic", "mlp", "trees"),
}
QUICK: dict[str, Any] = {
    "data": ("digits", "segment", "texture", "penbased", "satimage", "letter"),
    "hidden": ("16", "64"),
    "folds": (0, 1),
    "rows": ("training", "default", "annealing", "bop", "ste", "logistic"),
}
"""120 cells of binary networks: 20 minutes on two cores at 20 s each."""
SECONDS = 20.0
PACKAGES = ("evobin", "numpy", "numba", "torch", "scikit-learn", "tmu", "torchlogix")


@dataclass(frozen=True)
class Cell:
    """What is run at a time.

    Attributes:
        data: name of the data set.
        hidden: units of each hidden layer, "32" or "501-501"; "any" of rows without.
        fold: that is the test; also the seed.
        row: key of the row.
        seconds: to learn in.
    """

    data: str
    hidden: str
    fold: int
    row: str
    seconds: float

    def path(self, out: Path) -> Path:
        """Where it is kept."""
        return out / f"{self.data}-h{self.hidden}-fold{self.fold}-{self.row}.json"

    @property
    def task(self) -> Task:
        """What the row is given; rows without a width are given some."""
        hidden = "8" if self.hidden == "any" else self.hidden
        units = tuple(int(part) for part in hidden.split("-"))
        return Task(_split(self.data, self.fold), units, self.seconds, self.fold)


def main(argv: list[str] | None = None) -> None:
    """Runs the cells that are asked for and missing; prints the tables."""
    asked = _parser().parse_args(argv)
    try:
        asked.out.mkdir(parents=True, exist_ok=True)
        if not asked.table and not asked.plot:
            cells = list(selected(asked))
            check_seconds(asked.out, asked.seconds)
            run([cell for cell in cells if not cell.path(asked.out).exists()], asked)
        kept = small_table.read(asked.out)
        print(small_table.text(kept))
        if asked.plot:
            small_table.plot(kept, asked.plot)
    except EvobinError as error:
        sys.exit(f"small: {error}")


def selected(asked: argparse.Namespace) -> Iterator[Cell]:
    """The cells that are asked for, whole folds one after the other.

    Raises:
        EvobinError: if a row that was named cannot run here.
    """
    choice = DEFAULT | (QUICK if asked.quick else {})
    named = asked.rows or choice["rows"]
    rows = [name for name in named if _is_ready(name, asked.rows is not None)]
    for fold in asked.folds or choice["folds"]:
        for data in asked.data or choice["data"]:
            for place, hidden in enumerate(asked.hidden or choice["hidden"]):
                for row in rows:
                    if ROWS[row].by_width:
                        yield Cell(data, hidden, fold, row, asked.seconds)
                    elif not place:
                        yield Cell(data, "any", fold, row, asked.seconds)


def run(cells: list[Cell], asked: argparse.Namespace) -> None:
    """Runs cells, `asked.workers` at a time, and keeps each as it ends."""
    if asked.workers == 1:
        for number, cell in enumerate(cells, 1):
            print(f"{number} of {len(cells)}: {attempt(cell, asked.out)}", flush=True)
        return
    with ProcessPoolExecutor(asked.workers, get_context("spawn")) as pool:
        lines = pool.map(attempt, cells, [asked.out] * len(cells))
        for number, line in enumerate(lines, 1):
            print(f"{number} of {len(cells)}: {line}", flush=True)


def attempt(cell: Cell, out: Path) -> str:
    """Runs a cell, and returns a line about it; one that fails is missing, and stops no other.

    Raises:
        EvobinError: if the data are not there.
    """
    try:
        return measure(cell, out)
    except EvobinError:
        raise
    except Exception as error:
        return f"{cell.path(out).stem} failed: {error!r}"


def measure(cell: Cell, out: Path) -> str:
    """Runs a cell, keeps it, and returns a line about it."""
    row, task = ROWS[cell.row], cell.task
    with threadpool_limits(1):
        _warm_up(cell.row)
    with threadpool_limits(1):  # again: of the libraries that are loaded by now
        _ = task.inputs
        with _seconds_of_this_process():
            began = time.perf_counter()
            fitted = row.fit(task)
            seconds = time.perf_counter() - began
        train, test = fitted.accuracies(task.split)
    kept = asdict(cell) | {
        "train": train,
        "test": test,
        "fit_seconds": seconds,
        "bytes": fitted.n_bytes,
        "samples": len(task.split.labels),
        "test_samples": len(task.split.test_labels),
        "seed": task.seed,
        "settings": fitted.settings,
        "versions": _versions(),
    }
    write_bytes(cell.path(out), (json.dumps(kept, indent=1) + "\n").encode())
    name = f"{cell.data}, {cell.hidden} hidden, fold {cell.fold}, {row.title}"
    return f"{name}: {test:.4f} (training {train:.4f}), {fitted.n_bytes} bytes, {seconds:.1f} s"


def check_seconds(out: Path, seconds: float) -> None:
    """Raises EvobinError if a folder has cells of other seconds."""
    for cell in small_table.read(out):
        if cell["seconds"] != seconds:
            raise EvobinError(
                f"{out}: has cells of {cell['seconds']:g} s, not of {seconds:g} s; "
                "name another folder, or their --seconds."
            )


def _is_ready(name: str, was_named: bool) -> bool:
    row = ROWS[name]
    if row.is_installed:
        return True
    advice = f"{row.title}: {row.needs} is not installed; pip install {row.install}"
    if was_named:
        raise EvobinError(f"{advice}.")
    print(f"left out: {advice}", file=sys.stderr)
    return False


@contextmanager
def _seconds_of_this_process() -> Iterator[None]:
    """Clocks tell the processor time that this process has had, whatever else the machine does."""
    with (
        patch("time.monotonic", time.process_time),
        patch("time.perf_counter", time.process_time),
    ):
        yield


@lru_cache(maxsize=1)
def _split(data: str, fold: int) -> small_data.Split:
    return small_data.load(data, fold)


@cache
def _warm_up(row: str) -> None:
    """Once a process."""
    ROWS[row].warm_up()


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="small",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path, help="folder of the cells; what it holds is kept")
    parser.add_argument("--data", nargs="*", choices=small_data.NAMES)
    parser.add_argument("--hidden", nargs="*", type=_hidden, help="units, as 32 or 501-501")
    parser.add_argument("--folds", nargs="*", type=int, choices=range(small_data.FOLDS))
    parser.add_argument("--rows", nargs="*", choices=tuple(ROWS))
    parser.add_argument("--seconds", type=float, default=SECONDS, help="a cell")
    parser.add_argument("--quick", action="store_true", help="fewer data sets, widths and folds")
    parser.add_argument("--workers", type=int, default=1, help="cells side by side, a core each")
    parser.add_argument("--table", action="store_true", help="runs nothing")
    parser.add_argument("--plot", type=Path, help="runs nothing; a file to draw to")
    return parser


def _hidden(text: str) -> str:
    if not all(part.isdecimal() and int(part) for part in text.split("-")):
        raise argparse.ArgumentTypeError(f"must be units, as 32 or 501-501, but it is {text}")
    return text


if __name__ == "__main__":
    main()
