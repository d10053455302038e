"""Straight-through pretraining: real latent weights are trained, their signs are the solution."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms import latent as lat
from evobin.algorithms.base import Host, Outcome, Progress
from evobin.algorithms.gradient import BinaryWeights, ShardGradient, default_widths
from evobin.augmentation import draw_crops
from evobin.config import SteConfig
from evobin.errors import SettingError
from evobin.evaluation import NetworkProblem, Solution

SHARDS = (
    2  # parts of a batch, each with its own buffers; fixed, so that sums never depend on threads
)


@dataclass(slots=True, eq=False)
class _Trainer:
    """Latents, their optimiser, and the buffers of a step."""

    problem: NetworkProblem
    config: SteConfig
    optimiser: lat.Adam
    mean: lat.Floats  # running mean of the latents
    rng: np.random.Generator
    shards: list[ShardGradient]
    slopes: lat.Floats  # [shards, n]

    def epoch(self, threads: Executor, rates: NDArray[np.float64]) -> float:
        """One pass over the training clips in random order; returns the mean loss."""
        train, size = self.problem.train, self.config.batch
        order = self.rng.permutation(np.resize(np.arange(len(train)), len(rates) * size))
        crops = draw_crops(train.clips, order, self.config.frames, self.problem.augment, self.rng)
        loss = 0.0
        for step, rate in enumerate(rates):
            weights = BinaryWeights(self.problem.architecture, self.optimiser.latent)

            def work(number: int, step: int = step, weights: BinaryWeights = weights) -> float:
                shard = self.shards[number]
                first = step * size + number * shard.clips
                picked = range(first, first + shard.clips)
                for place, index in enumerate(picked):
                    crops.cut(train.clips, index, shard.features[place])
                labels = train.labels[order[first : first + shard.clips]]
                part, _ = shard.run(weights, labels, 1.0 / size, self.slopes[number])
                return part

            loss += sum(threads.map(work, range(len(self.shards))))
            self.optimiser.step(self.slopes, float(rate))
            self.mean += np.float32(1.0 - self.config.average) * (self.optimiser.latent - self.mean)
        return loss / len(rates)


def pretrain(
    problem: NetworkProblem,
    config: SteConfig,
    seed: int,
    start: Solution | None = None,
    host: Host | None = None,
) -> Outcome:
    """Trains latent weights by straight-through gradients; keeps the best signs on the way.

    Adam on random, varied crops with a learning rate that falls to 0 along a cosine. After every
    epoch the signs of the latents' running mean are scored, on what `problem.score` looks at: the
    mean of late iterates is steadier than any one of them. At half time all candidates but the
    start are dropped: the best of many undertrained ones is the luckiest on the few speakers that
    a score is taken from.

    Args:
        problem: labelled clips and the network's shape; its `n_threads` share each batch.
        config: epochs, learning rate, and so on.
        seed: decides every random number; the result depends on nothing else.
        start: [n] int8, signs to start from; random latents if None.
        host: told after every epoch.

    Returns:
        The best solution by score of the second half, the start included if there is one.

    Raises:
        SettingError: if a setting is out of range, or there is neither a start nor an epoch.

    Source:
        Courbariaux et al. (2016), Binarized neural networks: latent weights clipped to [-1, 1],
        gradients straight through the sign. The window is tanh's derivative instead of a box.
    """
    config.check()
    host = host or Host()
    rng = np.random.default_rng(seed)
    trainer = _trainer(problem, config, start, rng)
    steps = max(1, len(problem.train) // config.batch)
    floor = -np.inf if start is None else float(problem.score(start[None])[0])
    best, score = start, floor
    history = []
    with ThreadPoolExecutor(problem.n_threads) as threads:
        for epoch in range(config.epochs):
            if epoch == config.epochs // 2:
                best, score = start, floor
            done = np.arange(epoch * steps, (epoch + 1) * steps) / (config.epochs * steps)
            loss = trainer.epoch(threads, config.rate * 0.5 * (1.0 + np.cos(np.pi * done)))
            signs = lat.signs_of(trainer.mean)
            candidate = lat.to_file_order(problem.architecture, signs)
            present = float(problem.score(candidate[None])[0])
            improved = present >= score
            if improved:
                best, score = candidate, present
            figures = {"stage": "ste", "step": epoch + 1, "loss": loss, "score": present}
            history.append(figures | {"best": score})
            found = best if improved else None
            host.observer(Progress("ste", epoch + 1, config.epochs, history[-1], found))
    if best is None:
        raise SettingError("`ste.epochs` must be at least 1 without a start, but it is 0.")
    return Outcome(best, score, tuple(history))


def _trainer(
    problem: NetworkProblem, config: SteConfig, start: Solution | None, rng: np.random.Generator
) -> _Trainer:
    architecture = problem.architecture
    if start is None:
        latent = lat.random_latent(problem.n, config.spread, rng)
    else:
        latent = lat.latent_from(lat.to_window_order(architecture, start), config.spread, rng)
    widths = default_widths(architecture)
    size = config.batch // SHARDS
    shards = [ShardGradient(architecture, size, config.frames, widths) for _ in range(SHARDS)]
    slopes = np.empty((SHARDS, problem.n), np.float32)
    optimiser = lat.Adam.start(latent)
    return _Trainer(problem, config, optimiser, latent.copy(), rng, shards, slopes)
