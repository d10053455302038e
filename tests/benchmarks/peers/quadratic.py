"""QUBOs against dwave-samplers: python -m tests.benchmarks.peers.quadratic [SECONDS].

Both get one core and the same processor seconds, the building of the problem left out. Offers are
signs that annealing offers to flip, both at evobin's temperatures; steps are tabu's, of which each
looks at all signs, from a good solution on, so that few of them find anything new. Energies are the
lowest found with default settings, each sampler at its own temperatures.

The peers are `pip install 'evobin[bench,peers]'`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evobin.algorithms import Annealing, Tabu
from evobin.algorithms.single_flips import SingleFlips
from evobin.problems import QUBO

SEED = 2026
SWEEPS = 1000
STEPS = 20_000


@dataclass(frozen=True, eq=False)
class Instance:
    """A QUBO by its entries, each pair once: whole numbers in [-100, 100] by `SEED`."""

    name: str
    n: int
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    values: NDArray[np.int64]

    def problem(self) -> QUBO:
        """For evobin."""
        return QUBO.from_entries(self.n, self.rows, self.cols, self.values)

    def model(self) -> Any:
        """For dwave's samplers."""
        import dimod

        own = self.rows == self.cols
        linear = np.bincount(self.rows[own], self.values[own], self.n)
        pairs = self.rows[~own], self.cols[~own], self.values[~own].astype(float)
        return dimod.BinaryQuadraticModel.from_numpy_vectors(linear, pairs, 0.0, "BINARY")


def beasley(n: int) -> Instance:
    """Every entry drawn, as in the OR-Library's bqp files; a pair counts twice."""
    rows, cols = np.triu_indices(n)
    values = np.random.default_rng(SEED).integers(-100, 101, len(rows))
    return Instance(f"dense, {n:,}", n, rows, cols, values * np.where(rows == cols, 1, 2))


def sparse(n: int, couplings: int) -> Instance:
    """So many random couplings a variable, on average, and a linear term each."""
    rng = np.random.default_rng(SEED)
    rows, cols = rng.integers(0, n, (2, n * couplings // 2))
    rows, cols = np.append(rows, np.arange(n)), np.append(cols, np.arange(n))
    name = f"{couplings} couplings each, {n:,}"
    return Instance(name, n, rows, cols, rng.integers(-100, 101, len(rows)))


def spent(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds, and what the work returns."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def run_for(
    make: Callable[[int], SingleFlips], problem: QUBO, seconds: float
) -> tuple[float, float]:
    """Evaluations a second, and the lowest energy, beginning anew where a search ends."""
    make(0).walk(problem, 3 * problem.n)  # compiles
    evaluations, best, seed = 0, -np.inf, 0
    search = make(seed)
    began = time.process_time()
    while (took := time.process_time() - began) < seconds:
        search.walk(problem, 200 * problem.n)
        if search.stop():
            evaluations += search.evaluations
            best, seed = max(best, search.score), seed + 1
            search = make(seed)
    return (evaluations + search.evaluations) / took, -max(best, search.score)


def annealing(instance: Instance, seconds: float) -> list[dict[str, object]]:
    """Two rows of the table."""
    from dwave.samplers import SimulatedAnnealingSampler

    problem, model, n = instance.problem(), instance.model(), instance.n
    chosen = Annealing().start(n, 0)
    chosen.walk(problem, 3 * n)
    same = (1 / chosen.range[0], 1 / chosen.range[1])

    def sample(
        reads: int, sweeps: int = SWEEPS, betas: tuple[float, float] | None = None
    ) -> tuple[float, Any]:
        settings = {"num_reads": reads, "num_sweeps": sweeps, "beta_range": betas, "seed": 1}
        return spent(lambda: SimulatedAnnealingSampler().sample(model, **settings))

    def annealed(betas: tuple[float, float] | None) -> tuple[float, int, Any]:
        building = min(sample(1, 1, betas)[0] for _ in range(3))
        reads = max(1, round(seconds / (sample(1, SWEEPS, betas)[0] - building)))
        took, found = sample(reads, SWEEPS, betas)
        return took - building, reads, found

    took, reads, _ = annealed(same)
    offers = reads * SWEEPS * n / took
    took, _, found = annealed(None)
    mine, lowest = run_for(lambda seed: Annealing(sweeps=SWEEPS).start(n, seed), problem, took)
    head = {"problem": instance.name, "algorithm": "annealing"}
    return [
        head | {"measure": "million offers a second"} | compared(mine / 1e6, offers / 1e6, ".1f"),
        head
        | {"measure": f"energy after {took:.0f} s"}
        | compared(lowest, found.first.energy, ",.0f"),
    ]


def tabu(instance: Instance, seconds: float) -> list[dict[str, object]]:
    """Two rows of the table."""
    import dimod
    from dwave.samplers import TabuSampler

    problem, model, n = instance.problem(), instance.model(), instance.n
    start = Annealing().start(n, 0)
    start.walk(problem, 10**12)
    assert start.best is not None
    good = dimod.SampleSet.from_samples([(start.best > 0).astype(int)], "BINARY", energy=[0.0])

    def sample(**more: Any) -> tuple[float, Any]:
        sampler = TabuSampler()
        return spent(lambda: sampler.sample(model, seed=1, **more))

    def steps(count: int) -> float:
        limits = {"coefficient_z_first": count, "lower_bound_z": 1, "timeout": 10**9}
        return sample(initial_states=good, num_restarts=0, **limits)[0]

    building = min(steps(1) for _ in range(2))
    theirs = STEPS * n / (n - min(20, n // 4)) / (steps(STEPS + 1) - building)
    took, found = sample(timeout=round(1000 * seconds))
    walk = Tabu().start(n, 1, start.best)
    walk.walk(problem, 2 * n)
    mine = STEPS / spent(lambda: walk.walk(problem, STEPS * n))[0]
    _, lowest = run_for(lambda seed: Tabu().start(n, seed), problem, took - building)
    head = {"problem": instance.name, "algorithm": "tabu"}
    return [
        head | {"measure": "thousand steps a second"} | compared(mine / 1e3, theirs / 1e3, ",.1f"),
        head
        | {"measure": f"energy after {took - building:.0f} s"}
        | compared(lowest, found.first.energy, ",.0f"),
    ]


def compared(mine: float, theirs: float, form: str) -> dict[str, object]:
    """The last columns of a row."""
    better = f"{mine / theirs:.1f} x" if mine > 0 else f"{theirs - mine:,.0f} lower"
    return {"evobin": f"{mine:{form}}", "dwave-samplers": f"{theirs:{form}}", "evobin is": better}


def main() -> None:
    """Prints the table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    rows: list[dict[str, object]] = []
    for instance in (beasley(1_000), sparse(10_000, 30)):
        for algorithm in (annealing, tabu):
            rows += algorithm(instance, seconds)
            print(rows[-2:], file=sys.stderr, flush=True)
    print(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True))


if __name__ == "__main__":
    main()
