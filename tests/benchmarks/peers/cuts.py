"""Max-cut and QUBO files beside other solvers.

python -m tests.benchmarks.peers.cuts run FOLDER OUT      what is missing in OUT, 5 s a run
python -m tests.benchmarks.peers.cuts run FOLDER OUT --methods evobin --seconds 30
python -m tests.benchmarks.peers.cuts show OUT            a table for each budget, and a plot in OUT

FOLDER has files of Gset (`gset/G14.txt`: n and m, then a pair and its weight a line, from 1) and of
Beasley (`beasley/bqp250-1.sparse`: the same, an entry beside the diagonal counts twice); one more
instance is a random graph as large as Gset's G55. A method has the same processor seconds of one
core, seed by seed, the reading of the file left out, and is called again with another seed where it
is over before. What a run found, and when, stays on disk and is not run again; a longer run serves
for a shorter one. The tables have medians: the value, and the processor seconds until it was found,
or until it was within 0.1% of the best known one where that is not reached. The plot has the
longest run of each method.

The peers are `pip install 'evobin[bench,peers]'`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import evobin
from evobin.algorithms import Algorithm, Annealing
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
RANDOM = "G55-like"
"""A random graph as large as G55; what its largest cut is nobody knows."""
FILES = (*BEST, RANDOM)
NEGATED = ("bqp1000-2",)
"""Files that hold what is maximised."""
KEYS = ("file", "method", "seconds", "seed")
"""What a run is known by."""
SWEEPS = 10_000
"""Of an anneal: with 1,000, the peers stay further from the best values."""
SLICE = 2.0
"""Seconds that a peer that goes by the clock is called for."""
TRIALS = 20, 120
"""Steps of two calls by which the time of a step is measured."""

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


def random_graph(name: str, n: int = 5_000, edges: int = 12_498) -> Instance:
    """So many different edges, each as likely as any other."""
    rng = np.random.default_rng(55)
    pairs = np.unique(np.sort(rng.integers(0, n, (2 * edges, 2)), axis=1), axis=0)
    pairs = rng.permutation(pairs[pairs[:, 0] < pairs[:, 1]])[:edges]
    return Instance(name, n, pairs[:, 0], pairs[:, 1], np.full(edges, -0.5), edges / 2)


def read(folder: Path, name: str) -> Instance:
    """One of the files, or the random graph."""
    if name == RANDOM:
        return random_graph(name)
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


def best_known(name: str) -> float:
    """Infinite where nobody knows."""
    return BEST.get(name, np.inf)


def by_evobin(
    algorithm: str | Algorithm,
) -> Callable[[Instance, float, int], list[tuple[float, float]]]:
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
            target=min(best_known(instance.name) - instance.offset, 1e300),
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
            if took >= seconds or value >= best_known(instance.name):
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

    As many steps as fit into a call, over which its pressure rises: by default it takes 1,000, of
    which there is no time for all where a step is a product with [5,000, 5,000].
    """
    import simulated_bifurcation as sb
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    matrix = torch.tensor(instance.matrix())

    def call(steps: int) -> float:
        domain = "spin" if instance.is_cut else "binary"
        _, value = sb.minimize(
            matrix, domain=domain, mode="discrete", agents=16, max_steps=steps, verbose=False,
            dtype=torch.float32,
        )  # fmt: skip
        return instance.offset - float(value)

    sb.reset_env()
    took = []
    for steps in TRIALS:  # the difference is without what a call costs besides
        began = time.process_time()
        call(steps)
        took.append(time.process_time() - began)
    steps = max(50, round(SLICE / (took[1] - took[0]) * (TRIALS[1] - TRIALS[0])))
    sb.set_env(pressure_slope=max(0.01, 1 / (0.1 * steps)))  # a step is 0.1 long
    while True:
        yield call(steps)


METHODS = {
    "evobin": by_evobin("default"),
    "evobin annealing": by_evobin(Annealing(sweeps=SWEEPS)),
    "evobin tabu": by_evobin("tabu"),
    "dwave annealing": by_peer(dwave_annealing),
    "dwave tabu": by_peer(dwave_tabu),
    "openjij annealing": by_peer(openjij_annealing),
    "simulated-bifurcation": by_peer(bifurcation),
}


def measure(asked: argparse.Namespace) -> None:
    """Does the runs that are missing; each is a line of `cuts.jsonl`."""
    asked.out.mkdir(parents=True, exist_ok=True)
    known = {tuple(row) for row in results(asked.out)[list(KEYS)].itertuples(index=False)}
    for name in asked.files:
        instance = read(asked.folder, name)
        for method in asked.methods:
            for seed in asked.seeds:
                key = (name, method, asked.seconds, seed)
                if key in known:
                    continue
                found = METHODS[method](instance, asked.seconds, seed)
                with (asked.out / "cuts.jsonl").open("a") as lines:
                    lines.write(json.dumps([*key, found]) + "\n")
                print(*key, found[-1:], flush=True)


def results(out: Path) -> pd.DataFrame:
    """All runs: file, method, seconds, seed, and what was found, as [seconds, value]."""
    path = out / "cuts.jsonl"
    rows = [json.loads(line) for line in path.open()] if path.exists() else []
    return pd.DataFrame(rows, columns=[*KEYS, "found"])


def reference(runs: pd.DataFrame, name: str) -> float:
    """The best known value of a file, or the best of all runs."""
    values = [found[-1][1] for found in runs.loc[runs["file"] == name, "found"] if found]
    return float(BEST.get(name, max(values)))


def value_at(found: list[list[float]], seconds: float) -> float:
    """The best value until then."""
    return max((value for took, value in found if took <= seconds), default=-np.inf)


def summary(found: list[list[list[float]]], best: float) -> tuple[float, str]:
    """Median value, and as text, with the median seconds to the best, or to within 0.1% of it."""
    value = float(np.median([value_at(run, np.inf) for run in found]))
    if value == -np.inf:
        return value, "none"
    enough = best if value >= best else 0.999 * best
    when = np.median([next((t for t, v in run if v >= enough), np.inf) for run in found])
    return value, f"{value:,.0f}" + (f" ({when:.1f} s)" if np.isfinite(when) else "")


def cut_at(runs: pd.DataFrame, seconds: float) -> pd.DataFrame:
    """What the runs found until then: no method knows how much time it has."""
    longest = runs.sort_values("seconds").drop_duplicates(["file", "method", "seed"], keep="last")
    some = longest[longest["seconds"] >= seconds].copy()
    ours = some["method"].str.startswith("evobin")
    ends = np.where(ours, seconds, 1.1 * seconds)  # a call of a peer may end a little later
    found = zip(some["found"], ends, strict=True)
    some["found"] = [[one for one in run if one[0] <= end] for run, end in found]
    return some


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a file, a column a method, the highest value bold."""
    rows = []
    for name in [name for name in FILES if name in set(runs["file"])]:
        best, cells = reference(runs, name), {}
        for method in [method for method in METHODS if method in set(runs["method"])]:
            these = runs[(runs["file"] == name) & (runs["method"] == method)]
            cells[method] = summary(list(these["found"]), best) if len(these) else (-np.inf, "")
        top = max(value for value, _ in cells.values())
        texts = {m: f"**{text}**" if value == top else text for m, (value, text) in cells.items()}
        known = f"{best:,.0f}" if name in BEST else "?"
        rows.append({"file": name, "best known": known} | texts)
    return pd.DataFrame(rows)


def plot(runs: pd.DataFrame, path: Path) -> None:
    """A panel a file: how far the median value is below the best known one, by seconds."""
    from matplotlib.figure import Figure

    names = [name for name in FILES if name in set(runs["file"])]
    figure = Figure(figsize=(11, 8), layout="constrained")
    panels = figure.subplots(-(-len(names) // 4), 4, squeeze=False).ravel()
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(panels, names, strict=False):
        best = reference(runs, name)
        for place, method in enumerate(METHODS):
            these = runs[(runs["file"] == name) & (runs["method"] == method)]
            these = these[these["seconds"] == these["seconds"].max()]
            if not len(these):
                continue
            at = np.geomspace(0.02, these["seconds"].iloc[0], 100)
            values = [[value_at(found, when) for when in at] for found in these["found"]]
            gap = 100 * (1 - np.median(values, axis=0) / best)
            ours = method == "evobin"
            axes.plot(at, gap, label=method, color=f"C{place}", lw=2.5 if ours else 1.2)
        axes.set(xscale="log", xlim=(0.02, 30), ylim=(-0.05, 1.5), title=name)
    figure.supxlabel("processor seconds of a core")
    figure.supylabel("median value below the best known one, %")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, fontsize=8)
    figure.savefig(path, dpi=130)


def show(out: Path) -> None:
    """Prints a table for each budget, and draws the plot."""
    runs = results(out)
    for seconds in sorted(set(runs["seconds"])):
        print(f"{seconds:g} processor seconds\n")
        print(
            table(cut_at(runs, seconds)).to_markdown(index=False, disable_numparse=True), end="\n\n"
        )
    plot(runs, out / "cuts.png")


def main() -> None:
    """Runs or shows."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("run")
    verb.add_argument("folder", type=Path)
    verb.add_argument("out", type=Path, help="folder of the runs; what it holds is kept")
    verb.add_argument("--files", nargs="*", default=list(FILES), choices=FILES)
    verb.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    verb.add_argument("--seconds", type=float, default=5.0)
    verb.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    verbs.add_parser("show").add_argument("out", type=Path)
    asked = parser.parse_args()
    if asked.verb == "run":
        measure(asked)
    else:
        show(asked.out)


if __name__ == "__main__":
    main()
