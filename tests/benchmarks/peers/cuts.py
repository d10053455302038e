"""Max-cut and QUBO files beside other solvers: python -m tests.benchmarks.peers.cuts FOLDER.

FOLDER has files of Gset (`gset/G14.txt`: n and m, then a pair and its weight a line, from 1) and of
Beasley (`beasley/bqp250-1.sparse`: the same, an entry beside the diagonal counts twice). A method
has the same processor seconds of one core, seed by seed, the reading of the file left out, and is
called again with another seed where it is over before. The table has medians: the value, the
processor seconds until it was found, and those until it was within 0.1% of the best known one.

    python -m tests.benchmarks.peers.cuts FOLDER --methods evobin --seconds 30

The peers are `pip install 'evobin[bench,peers]'`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import evobin
from evobin.core.stage import Progress
from evobin.problems.quadratic import Quadratic

BEST = {
    "G14": 3_064,
    "G22": 13_359,
    "G32": 1_410,
    "G35": 7_687,
    "G39": 2_408,
    "G43": 6_660,
    "bqp250-1": 45_607,
    "bqp500-1": 116_586,
    "bqp1000-2": 354_932,
}
"""Values of the best solutions known."""
NEGATED = ("bqp1000-2",)
"""Files that hold what is maximised."""
SWEEPS = 10_000
"""Of an anneal of the peers: with 1,000 they stay further from the best values."""
SLICE = 2.0
"""Seconds that a peer that goes by the clock is called for."""

Found = Iterator[float]
"""Values of solutions, one after the other, without an end."""


@dataclass(frozen=True, eq=False)
class Instance:
    """Maximises offset + sum of values x_i x_j, over signs for a cut, else over 0 and 1."""

    name: str
    n: int
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    values: NDArray[np.float64]
    offset: float

    @property
    def is_cut(self) -> bool:
        """Whether it is over signs."""
        return self.name.startswith("G")

    def problem(self) -> Quadratic:
        """For evobin."""
        kind = evobin.Ising if self.is_cut else evobin.QUBO
        return kind.from_entries(self.n, self.rows, self.cols, -self.values)

    def model(self) -> Any:
        """For dimod, of which energies are minimised."""
        import dimod

        own = self.rows == self.cols
        linear = np.bincount(self.rows[own], -self.values[own], self.n)
        pairs = self.rows[~own], self.cols[~own], -self.values[~own]
        kind = "SPIN" if self.is_cut else "BINARY"
        return dimod.BinaryQuadraticModel.from_numpy_vectors(linear, pairs, 0.0, kind)

    def matrix(self) -> NDArray[np.float32]:
        """[n, n] float32, of what is minimised."""
        full = np.zeros((self.n, self.n), np.float32)
        np.add.at(full, (self.rows, self.cols), -self.values)
        return full


def read(folder: Path, name: str) -> Instance:
    """One of the files."""
    is_cut = name.startswith("G")
    path = folder / (f"gset/{name}.txt" if is_cut else f"beasley/{name}.sparse")
    with path.open() as lines:
        n = int(lines.readline().split()[0])
        table = np.loadtxt(lines)
    rows, cols = table[:, 0].astype(np.int64) - 1, table[:, 1].astype(np.int64) - 1
    if is_cut:  # w (1 - s s') / 2
        return Instance(name, n, rows, cols, -table[:, 2] / 2, float(table[:, 2].sum() / 2))
    sign = 1 if name in NEGATED else -1
    values = sign * table[:, 2] * np.where(rows == cols, 1, 2)
    return Instance(name, n, rows, cols, values, 0.0)


def by_evobin(algorithm: str) -> Callable[[Instance, float, int], list[tuple[float, float]]]:
    """What `maximize` finds, by processor seconds; compiled before."""

    def search(instance: Instance, seconds: float, seed: int) -> list[tuple[float, float]]:
        problem = instance.problem()
        evobin.maximize(problem, algorithm=algorithm, max_evaluations=100 * problem.n)
        found: list[tuple[float, float]] = []
        began = time.process_time()

        def note(progress: Progress) -> bool:
            took = time.process_time() - began
            value = progress.score + instance.offset
            if took <= seconds and (not found or value > found[-1][1]):
                found.append((took, value))
            return took >= seconds

        evobin.maximize(
            problem,
            algorithm=algorithm,
            seconds=1e6,
            target=BEST[instance.name] - instance.offset,
            seed=seed,
            callback=note,
        )
        return found

    return search


def by_peer(
    calls: Callable[[Instance, int], Found],
) -> Callable[[Instance, float, int], list[tuple[float, float]]]:
    """What a peer finds, call by call; one that takes longer than there is time does not count."""

    def search(instance: Instance, seconds: float, seed: int) -> list[tuple[float, float]]:
        found: list[tuple[float, float]] = []
        began, values = time.process_time(), calls(instance, seed)
        while (value := next(values)) is not None:
            took = time.process_time() - began
            if took <= 1.1 * seconds and (not found or value > found[-1][1]):
                found.append((took, value))
            if took >= seconds or value >= BEST[instance.name]:
                break
        return found

    return search


def dwave_annealing(instance: Instance, seed: int) -> Found:
    """SimulatedAnnealingSampler, one read a call."""
    from dwave.samplers import SimulatedAnnealingSampler

    model = instance.model()
    while True:
        seed += 1_000
        found = SimulatedAnnealingSampler().sample(model, num_reads=1, num_sweeps=SWEEPS, seed=seed)
        yield instance.offset - float(found.first.energy)


def dwave_tabu(instance: Instance, seed: int) -> Found:
    """TabuSampler, by the clock."""
    from dwave.samplers import TabuSampler

    model = instance.model()
    while True:
        seed += 1_000
        found = TabuSampler().sample(model, timeout=round(1_000 * SLICE), seed=seed)
        yield instance.offset - float(found.first.energy)


def openjij_annealing(instance: Instance, seed: int) -> Found:
    """SASampler, one read a call."""
    import openjij

    model = instance.model()
    while True:
        seed += 1_000
        found = openjij.SASampler().sample(model, num_reads=1, num_sweeps=SWEEPS, seed=seed)
        yield instance.offset - float(found.first.energy)


def bifurcation(instance: Instance, seed: int) -> Found:
    """simulated-bifurcation's discrete mode, 16 agents, on one thread of PyTorch.

    More agents, or less time, and its pressure does not rise to where they settle.
    """
    import simulated_bifurcation as sb
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    matrix = torch.tensor(instance.matrix())
    domain = "spin" if instance.is_cut else "binary"
    while True:
        _, value = sb.minimize(
            matrix, domain=domain, mode="discrete", agents=16, timeout=4 * SLICE, verbose=False,
            dtype=torch.float32,
        )  # fmt: skip
        yield instance.offset - float(value)


METHODS = {
    "evobin": by_evobin("default"),
    "evobin annealing": by_evobin("annealing"),
    "evobin tabu": by_evobin("tabu"),
    "dwave annealing": by_peer(dwave_annealing),
    "dwave tabu": by_peer(dwave_tabu),
    "openjij annealing": by_peer(openjij_annealing),
    "simulated-bifurcation": by_peer(bifurcation),
}


def summary(name: str, runs: list[list[tuple[float, float]]]) -> str:
    """Median value, and medians of the seconds to it and to within 0.1% where most got there."""
    best = float(np.median([run[-1][1] if run else -np.inf for run in runs]))
    enough = best if best >= BEST[name] else 0.999 * BEST[name]
    when = [next((took for took, value in run if value >= enough), np.inf) for run in runs]
    text = f"{best:,.0f}"
    return f"{text} ({np.median(when):.1f} s)" if np.isfinite(np.median(when)) else text


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", nargs="*", default=list(BEST), choices=list(BEST))
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    asked = parser.parse_args()
    rows = []
    for name in asked.files:
        instance = read(asked.folder, name)
        row = {"file": name, "best known": f"{BEST[name]:,}"}
        for method in asked.methods:
            runs = [METHODS[method](instance, asked.seconds, seed) for seed in asked.seeds]
            row[method] = summary(name, runs)
            print(name, method, [run[-1:] for run in runs], row[method], flush=True)
        rows.append(row)
    print(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True))


if __name__ == "__main__":
    main()
