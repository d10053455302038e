"""The 25 pseudo-Boolean functions of ioh: evobin's default beside nevergrad and reference searches.

python -m tests.benchmarks.peers.pbo OUT                      runs what is missing, prints tables
python -m tests.benchmarks.peers.pbo OUT --methods evobin --seeds 0 1 2 --functions 1 18

Every method has 10,000 evaluations of the same instance with n = 100 variables, once a seed. What a
run found, and when, stays on disk and is not run again. Runs are shared by the cores, one process
each; own time is what a run took of a core beyond the evaluations themselves, whatever else the
machine did.

- Fixed budget: the mean of the best values after 10,000 evaluations, ranked function by function.
- Expected running time: all evaluations until the target, or the budget where it was not reached,
  over the runs that reached it; the target is the optimum, or the best mean of any method for
  functions without a known one: two of them, and MIS, where runs exceed what ioh states.

nevergrad's methods get the budget, and the best and fastest for them of its ways to say what a bit
is: an array from 0 to 1, cast to integers. The reference searches are those that IOHexperimenter
comes with, written after its source. Needs the extra `peers`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

BUDGET = 10_000
N = 100
INSTANCE = 1
SEEDS = range(11)
FUNCTIONS = range(1, 26)
NEVERGRAD = (
    "DiscreteOnePlusOne",
    "FastGADiscreteOnePlusOne",
    "DiscreteLenglerOnePlusOne",
    "BigLognormalDiscreteOnePlusOne",
    "PortfolioDiscreteOnePlusOne",
)


class BudgetSpentError(Exception):
    """Ends a method that would go on."""


@dataclass
class Counted:
    """One of ioh's functions, counted, with a note of every improvement."""

    problem: Any
    improvements: list[tuple[int, float]] = field(default_factory=list)
    evaluations: int = 0
    best: float = -np.inf
    seconds: float = 0.0

    def __call__(self, bits: Any) -> float:
        """The value of a vector of 0 and 1; higher is better."""
        if self.evaluations == BUDGET:
            raise BudgetSpentError
        began = time.process_time()
        value = float(self.problem(bits))
        self.seconds += time.process_time() - began
        self.evaluations += 1
        if value > self.best:
            self.best = value
            self.improvements.append((self.evaluations, value))
        return value


Method = Callable[[Counted, int], None]
"""Maximises a function of N bits until its budget is spent, by a seed."""


def evobin_default(function: Counted, seed: int) -> None:
    """What a user gets who chooses nothing."""
    import evobin

    evobin.maximize(
        lambda solution: function(((1 + solution) // 2).tolist()),
        n=N,
        max_evaluations=BUDGET,
        seed=seed,
    )


def nevergrad(name: str) -> Method:
    """One of nevergrad's optimisers."""

    def search(function: Counted, seed: int) -> None:
        import nevergrad as ng

        bits = ng.p.Array(shape=(N,), lower=0, upper=1).set_integer_casting()
        bits.random_state.seed(seed)
        optimiser = ng.optimizers.registry[name](bits, budget=BUDGET)
        while True:
            asked = optimiser.ask()
            optimiser.tell(asked, -function(asked.value.astype(int).tolist()))

    return search


def random_search(function: Counted, seed: int) -> None:
    """Uniform samples."""
    rng = np.random.default_rng(seed)
    while True:
        function(rng.integers(0, 2, N).tolist())


def random_local_search(function: Counted, seed: int) -> None:
    """One random bit flips; what is not worse stays."""
    rng = np.random.default_rng(seed)
    best = rng.integers(0, 2, N)
    value = function(best.tolist())
    while True:
        child = best.copy()
        child[rng.integers(N)] ^= 1
        child_value = function(child.tolist())
        if child_value >= value:
            best, value = child, child_value


def self_adaptive(function: Counted, seed: int, size: int = 10) -> None:
    """(1, size) search whose mutation rates are perturbed and inherited."""
    rng = np.random.default_rng(seed)
    parent, rate = rng.integers(0, 2, N), 1 / N
    function(parent.tolist())
    while True:
        rates = 1 / (1 + (1 - rate) / rate * np.exp(0.22 * rng.standard_normal(size)))
        rates = np.clip(rates, 1 / N, 0.5)
        children = parent ^ (rng.random((size, N)) < rates[:, None])
        values = [function(child.tolist()) for child in children]
        chosen = int(np.argmax(values))
        parent, rate = children[chosen], float(rates[chosen])


def two_rate(function: Counted, seed: int, size: int = 10) -> None:
    """(1 + size) search; half of the children try half, half twice the rate, and the rate follows.

    Source: Doerr, Giessen, Witt, Yang (2019), The (1+lambda) evolutionary algorithm with
    self-adjusting mutation rate.
    """
    rng = np.random.default_rng(seed)
    parent, strength = rng.integers(0, 2, N), 2.0
    value = function(parent.tolist())
    while True:
        strengths = np.where(np.arange(size) < size // 2, strength / 2, 2 * strength)
        children = parent ^ (rng.random((size, N)) < strengths[:, None] / N)
        values = [function(child.tolist()) for child in children]
        chosen = int(rng.choice(np.flatnonzero(np.array(values) == max(values))))
        if values[chosen] >= value:
            parent, value = children[chosen], values[chosen]
        won = strengths[chosen] if rng.random() < 0.5 else rng.choice([strength / 2, 2 * strength])
        strength = float(np.clip(won, 2, N / 4))


METHODS: dict[str, Method] = {
    "evobin": evobin_default,
    **{f"nevergrad {name}": nevergrad(name) for name in NEVERGRAD},
    "random search": random_search,
    "random local search": random_local_search,
    "self-adaptive (1,10)": self_adaptive,
    "two-rate (1+10)": two_rate,
}


def run(method: str, number: int, seed: int, instance: int = INSTANCE) -> dict[str, Any]:
    """One run: improvements, and microseconds an evaluation beside the function itself."""
    import ioh

    warnings.simplefilter("ignore")  # nevergrad's, of its own parts
    problem = ioh.get_problem(number, instance, N, ioh.ProblemClass.PBO)
    function = Counted(problem)
    began = time.process_time()
    with contextlib.suppress(BudgetSpentError):
        METHODS[method](function, seed)
    own = (time.process_time() - began - function.seconds) / function.evaluations
    return {
        "name": problem.meta_data.name,
        "optimum": problem.optimum.y,
        "improvements": function.improvements,
        "own": 1e6 * own,
    }


def cell_file(out: Path, method: str, number: int) -> Path:
    """Where all seeds of a method on a function are kept."""
    return out / f"{''.join(c if c.isalnum() else '_' for c in method)}-{number}.json"


def measure(out: Path, method: str, number: int, seeds: list[int]) -> None:
    """Does the runs that are missing of a method on a function."""
    path = cell_file(out, method, number)
    kept: dict[str, Any] = {"method": method, "runs": {}}
    if path.exists():
        kept = json.loads(path.read_text())
    for seed in seeds:
        if str(seed) not in kept["runs"]:
            kept["runs"][str(seed)] = run(method, number, seed)
    path.write_text(json.dumps(kept))


def results(out: Path) -> pd.DataFrame:
    """A row a run: method, function, seed, best value, improvements, own time."""
    rows = []
    for method in METHODS:
        for number in FUNCTIONS:
            path = cell_file(out, method, number)
            if path.exists():
                runs = json.loads(path.read_text())["runs"]
                rows += [
                    {"method": method, "number": number, "seed": int(seed)}
                    | {"best": done["improvements"][-1][1]}
                    | done
                    for seed, done in runs.items()
                ]
    return pd.DataFrame(rows)


def fixed_budget(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean best value by function and method."""
    means = runs.pivot_table(index=["number", "name"], columns="method", values="best")
    return means[[method for method in METHODS if method in means]]


def running_times(runs: pd.DataFrame) -> pd.DataFrame:
    """Expected evaluations until the target, by function and method; inf where none got there."""
    best = fixed_budget(runs).max(axis=1).droplevel("name")
    optimum = runs.groupby("number")["optimum"].first()
    known = np.isfinite(optimum) & (runs.groupby("number")["best"].max() <= optimum)
    target = runs["number"].map(optimum.where(known, best))
    first = [
        next((when for when, value in improvements if value >= goal), np.nan)
        for improvements, goal in zip(runs["improvements"], target, strict=True)
    ]
    spent = runs.assign(
        spent=pd.Series(first, runs.index).fillna(BUDGET), reached=np.isfinite(first)
    )
    keys = [spent["number"], spent["method"]]
    sums = spent[["spent", "reached"]].groupby(keys).sum()
    table = (sums["spent"] / sums["reached"]).reset_index().pivot_table(0, "number", "method")
    return table[[method for method in METHODS if method in table]]


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """By method: mean ranks (1 is best, ties share), functions solved, own time."""
    scores, times = fixed_budget(runs), running_times(runs)
    return pd.DataFrame(
        {
            "mean rank, fixed budget": scores.rank(axis=1, ascending=False).mean(),
            "mean rank, running time": times.rank(axis=1).mean(),
            "targets reached": np.isfinite(times).sum(),
            "own time, us an evaluation": runs.groupby("method")["own"].median(),
        }
    ).sort_values("mean rank, fixed budget")


def plot(runs: pd.DataFrame, path: Path) -> None:
    """Share of all targets, from each function's worst to its best mean, reached by evaluations."""
    from matplotlib.figure import Figure

    scores = fixed_budget(runs).droplevel("name")
    low, high = scores.min(axis=1), scores.max(axis=1)
    at = np.unique(np.geomspace(1, BUDGET, 200).astype(int))
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for method in scores:
        curves = []
        for number, improvements in runs[runs["method"] == method][
            ["number", "improvements"]
        ].itertuples(index=False):
            when, value = np.array(improvements).T
            reached = value[np.searchsorted(when, at, side="right") - 1]
            width = max(high[number] - low[number], 1e-12)
            curves.append(np.clip((reached - low[number]) / width, 0, 1))
        ours = method == "evobin"
        axes.plot(at, np.mean(curves, axis=0), label=method, lw=2.5 if ours else 1.2)
    axes.set(
        xscale="log", xlabel="evaluations", ylabel="from the worst to the best mean at the end"
    )
    axes.legend(fontsize=7)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Does the runs that are asked for and missing, and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of the runs; what it holds is kept")
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--functions", type=int, nargs="*", default=list(FUNCTIONS))
    parser.add_argument("--seeds", type=int, nargs="*", default=list(SEEDS))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    joblib.Parallel(n_jobs=-1)(
        joblib.delayed(measure)(asked.out, method, number, asked.seeds)
        for method in asked.methods
        for number in asked.functions
    )
    runs = results(asked.out)
    print(fixed_budget(runs).to_markdown(floatfmt=".4g"), end="\n\n")
    print(running_times(runs).to_markdown(floatfmt=".0f"), end="\n\n")
    print(summary(runs).to_markdown(floatfmt=".2f"))
    plot(runs, asked.out / "pbo.png")


if __name__ == "__main__":
    main()
