"""A large network from random signs, without a gradient: Fashion-MNIST, 784-501-501-10.

python -m tests.benchmarks.from_signs                       some nine minutes of a core
python -m tests.benchmarks.from_signs --samples 4000 --sweeps 8 --seed 1

An anneal offers every sign a few times, and each offer looks at all samples that are searched on.
So fewer sweeps of more samples, or the other way round; 12,000 and four were chosen on 10,000
training images that were not searched on. The test images are looked at once, at the end.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from threadpoolctl import threadpool_limits

import evobin
from evobin.algorithms import Annealing
from evobin.core.scores import wilson_interval
from tests.benchmarks import small_data
from tests.benchmarks.small_tasks import Task

HIDDEN = (501, 501)


def main() -> None:
    """Searches, and prints the error on images that it has seen, and on those of the test."""
    parser = argparse.ArgumentParser(
        prog="from_signs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--samples", type=int, default=12_000, help="training images, at random")
    parser.add_argument("--sweeps", type=int, default=4, help="offers of each sign")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    split = small_data.load("fashion-mnist-pixels", 0)
    task = Task(split, HIDDEN, 0.0, asked.seed)
    rows = np.random.default_rng(asked.seed).permutation(len(split.labels))[: asked.samples]
    images, labels = task.inputs[rows], split.labels[rows]
    problem = evobin.NetworkProblem(task.architecture, images, labels)
    with threadpool_limits(1):
        began = time.process_time()
        found = evobin.maximize(
            problem,
            algorithm=Annealing(sweeps=asked.sweeps),
            max_evaluations=2 * asked.sweeps * problem.n,
            restarts=False,
            seed=asked.seed,
        )
        seconds = time.process_time() - began
    network = problem.network(found.solution)
    seen = np.mean(network.predict(list(images[:, None])) != labels)
    test = split.inputs[1]
    wrong = int(np.sum(network.predict(list(test[:, None])) != split.test_labels))
    low, high = wilson_interval(wrong, len(test))
    print(
        f"{asked.samples:,} images, {asked.sweeps} sweeps, seed {asked.seed}: {seconds:.0f} s of a "
        f"core, {found.evaluations:,} evaluations; {seen:.2%} of these images are wrong, and of "
        f"{len(test):,} test images {wrong / len(test):.2%} ({low:.2%} to {high:.2%})"
    )


if __name__ == "__main__":
    main()
