"""Deceptive functions beside gomea: python -m tests.benchmarks.peers.deceptive [SEEDS].

Evaluations until the optimum, medians over seeds, for evobin's `pyramid` and `default`, for gomea's
DiscreteGOMEA with a linkage tree learnt on the way, which sees nothing but values either, and as
Goldman and Punch (2014), Parameter-less population pyramid, GECCO, published for P3 (100 runs).

Needs `pip install 'evobin[bench]' gomea`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

import evobin
from tests.deceptive import Function, hiff, trap

BUDGET = 300_000
PROBLEMS: dict[str, tuple[Function, int]] = {
    "HIFF, 64": (hiff, 64),
    "HIFF, 128": (hiff, 128),
    "HIFF, 256": (hiff, 256),
    "traps of 5, 100": (trap(5), 100),
    "traps of 5, 200": (trap(5), 200),
    "traps of 7, 105": (trap(7), 105),
}
PUBLISHED = {
    "HIFF, 64": 3_742,
    "HIFF, 128": 11_698,
    "HIFF, 256": 34_082,
    "traps of 7, 105": 45_490,
}


def by_evobin(algorithm: str, function: Function, n: int, seed: int) -> float:
    """Evaluations; infinite where it is not solved."""
    best = function(np.ones(n))
    found = evobin.maximize(
        function, n, algorithm=algorithm, max_evaluations=BUDGET, target=best, seed=seed
    )
    return found.evaluations if "target" in found.stop else np.inf


def by_gomea(function: Function, n: int, seed: int) -> float:
    """As `by_evobin`."""
    import gomea

    count, solved = 0, np.inf
    best = function(np.ones(n))

    class Counted(gomea.fitness.BBOFitnessFunctionDiscrete):  # type: ignore[misc]
        def objective_function(self, index: int, variables: object) -> float:
            nonlocal count, solved
            count += 1
            value = function(2 * np.asarray(variables) - 1)
            solved = min(solved, count if value >= best else np.inf)
            return value

    fitness, tree = Counted(n, value_to_reach=best), gomea.linkage.LinkageTree()
    search = gomea.DiscreteGOMEA(  # it does not keep the two alive
        fitness=fitness,
        linkage_model=tree,
        max_number_of_evaluations=BUDGET,
        random_seed=seed + 1,
    )
    search.run()
    return solved


METHODS: dict[str, Callable[[Function, int, int], float]] = {
    "evobin pyramid": partial(by_evobin, "pyramid"),
    "evobin default": partial(by_evobin, "default"),
    "gomea": by_gomea,
}


def shown(needed: list[float]) -> str:
    """Median and range, or how many were solved where not most are."""
    low, median, high = np.quantile(needed, [0, 0.5, 1], method="higher")
    solved = int(np.isfinite(needed).sum())
    if not np.isfinite(median):
        return f"{solved} of {len(needed)} solved"
    return f"{median:,.0f} ({low:,.0f} to {high:,.0f})".replace("inf", "none")


def main() -> None:
    """Prints the table."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    rows = []
    for name, (function, n) in PROBLEMS.items():
        row: dict[str, str] = {"function, signs": name}
        for method, solve in METHODS.items():
            row[method] = shown([solve(function, n, seed) for seed in range(seeds)])
            print(name, method, row[method], file=sys.stderr, flush=True)
        rows.append(row | {"P3, published": f"{PUBLISHED[name]:,}" if name in PUBLISHED else ""})
    print(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True))


if __name__ == "__main__":
    main()
