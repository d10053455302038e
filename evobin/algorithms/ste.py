"""Straight-through pretraining: real latent weights are trained, their signs are the solution."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evobin.algorithms import latent as lat
from evobin.algorithms.base import Host, Outcome, Progress
from evobin.algorithms.gradient import BinaryWeights, ShardGradient, default_widths
from evobin.augmentation import draw_crops
from evobin.config import SteConfig
from evobin.errors import SettingError
from evobin.evaluation import NetworkProblem, Solution

SHARDS = 2
"""Parts of a batch, each with its own buffers; fixed, so that sums never depend on threads."""


@dataclass(slots=True, eq=False)
class Training:
    """All that one start needs to go on, small enough to travel to a worker and back.

    Attributes:
        optimiser: the latents, in window order, and how they move.
        mean: [n] float32, running mean of the latents.
        rng: draws the order of the clips and their crops.
        rate: first learning rate.
    """

    optimiser: lat.Adam
    mean: lat.Floats
    rng: np.random.Generator
    rate: float

    def __getstate__(self) -> dict[str, Any]:
        # as bytes: joblib would hand large arrays over as read-only files that stay for the run
        moved = self.optimiser
        arrays = np.stack([moved.latent, moved.first, moved.second, self.mean])
        numbers = {"steps": moved.steps, "limit": moved.limit}
        rest = {"rng": self.rng, "rate": self.rate}
        return {"arrays": arrays.tobytes(), "numbers": numbers} | rest

    def __setstate__(self, state: dict[str, Any]) -> None:
        arrays = np.frombuffer(state["arrays"], np.float32).reshape(4, -1).copy()
        latent, first, second, self.mean = arrays
        self.optimiser = lat.Adam(latent, first, second, **state["numbers"])
        self.rng, self.rate = state["rng"], state["rate"]


@dataclass(frozen=True, slots=True, eq=False)
class Epoch:
    """One epoch of one start.

    Attributes:
        training: where it left off.
        loss: mean over the steps.
        candidate: [n] int8, signs of the latents' running mean, in file order.
        score: of the candidate.
    """

    training: Training
    loss: float
    candidate: Solution
    score: float


def pretrain(
    problem: NetworkProblem,
    config: SteConfig,
    seed: int,
    start: Solution | None = None,
    host: Host | None = None,
) -> Outcome:
    """Trains latent weights by straight-through gradients; keeps the best signs on the way.

    Adam on random, varied crops with a learning rate that falls to 0 along a cosine, from several
    starts side by side. After every epoch the signs of each one's running mean of latents are
    scored, on what `problem.score` looks at. Only candidates of the last quarter count: the best
    of many undertrained ones is the luckiest on the few speakers that a score is taken from.

    Args:
        problem: labelled clips and the network's shape; its `n_threads` are shared by the starts.
        config: starts, epochs, learning rate, and so on.
        seed: decides every random number; the result depends on nothing else.
        start: [n] int8, signs to start from; random latents if None.
        host: does the epochs of the starts, and is told after each.

    Returns:
        The best solution by score of the last quarter, the start included if there is one.

    Raises:
        SettingError: if a setting is out of range, or there is neither a start nor an epoch.

    Source:
        Courbariaux et al. (2016), Binarized neural networks: latent weights clipped to [-1, 1],
        gradients straight through the sign. The window is tanh's derivative instead of a box.
    """
    config.check()
    host = host or Host()
    trainings = [begin(problem, config, (seed, number), start) for number in range(config.starts)]
    sharing = replace(problem, n_threads=max(1, problem.n_threads // config.starts))
    floor = -np.inf if start is None else float(problem.score(start[None])[0])
    best, score = start, floor
    history = []
    late = config.epochs - max(1, config.epochs // 4)
    for epoch in range(config.epochs):
        if epoch == late:
            best, score = start, floor
        tasks = [(sharing, config, training, epoch) for training in trainings]
        done: list[Epoch] = host.map_tasks(train_epoch, tasks)
        trainings = [part.training for part in done]
        present = max(done, key=lambda part: part.score)
        improved = present.score >= score
        if improved:
            best, score = present.candidate, present.score
        loss = sum(part.loss for part in done) / len(done)
        figures = {"stage": "ste", "step": epoch + 1, "loss": loss, "score": present.score}
        history.append(figures | {"best": score})
        found = best if improved else None
        host.observer(Progress("ste", epoch + 1, config.epochs, history[-1], found))
        if host.is_over():
            break
    if best is None:
        raise SettingError("`ste.epochs` must be at least 1 without a start, but it is 0.")
    moved = [training.optimiser.latent for training in trainings] if history else []
    latents = tuple(lat.to_file_order(problem.architecture, latent) for latent in moved)
    return Outcome(best, score, tuple(history), latents)


def begin(
    problem: NetworkProblem, config: SteConfig, seed: tuple[int, int], start: Solution | None
) -> Training:
    """Random latents, or some with the signs of `start`; `seed` ends with the start's number."""
    rng = np.random.default_rng(seed)
    if start is None:
        latent = lat.random_latent(problem.n, config.spread, rng)
    else:
        signs = lat.to_window_order(problem.architecture, start)
        latent = lat.latent_from(signs, config.spread, rng)
    rate = config.rates[seed[1] % len(config.rates)]
    return Training(lat.Adam.start(latent), latent.copy(), rng, rate)


def train_epoch(
    problem: NetworkProblem, config: SteConfig, training: Training, epoch: int
) -> Epoch:
    """One pass over the training clips, and the score of the candidate behind it.

    Args:
        problem: as for `pretrain`; its `n_threads` share each batch.
        config: as for `pretrain`.
        training: where to go on from; its arrays are updated.
        epoch: from 0; decides the learning rate.
    """
    loss = _pass(problem, config, training, epoch)
    signs = lat.signs_of(training.mean)
    candidate = lat.to_file_order(problem.architecture, signs)
    return Epoch(training, loss, candidate, float(problem.score(candidate[None])[0]))


def _pass(problem: NetworkProblem, config: SteConfig, training: Training, epoch: int) -> float:
    """One pass over the training clips in random order; returns the mean loss of its steps."""
    size, train = config.batch, problem.train
    steps = max(1, len(train) // size)
    done = np.arange(epoch * steps, (epoch + 1) * steps) / (config.epochs * steps)
    rates = training.rate * 0.5 * (1.0 + np.cos(np.pi * done))
    order = training.rng.permutation(np.resize(np.arange(len(train)), steps * size))
    crops = draw_crops(train.clips, order, config.frames, problem.augment, training.rng)
    widths = default_widths(problem.architecture)
    shards = [
        ShardGradient(problem.architecture, size // SHARDS, config.frames, widths)
        for _ in range(SHARDS)
    ]
    slopes = np.empty((SHARDS, problem.n), np.float32)
    loss = 0.0
    with ThreadPoolExecutor(problem.n_threads) as threads:
        for step, rate in enumerate(rates):
            weights = BinaryWeights(problem.architecture, training.optimiser.latent)

            def work(number: int, step: int = step, weights: BinaryWeights = weights) -> float:
                shard = shards[number]
                first = step * size + number * shard.clips
                picked = range(first, first + shard.clips)
                for place, index in enumerate(picked):
                    crops.cut(train.clips, index, shard.features[place])
                labels = train.labels[order[first : first + shard.clips]]
                part, _ = shard.run(weights, labels, 1.0 / size, slopes[number])
                return part

            loss += sum(threads.map(work, range(SHARDS)))
            training.optimiser.step(slopes, float(rate))
            step_to_mean = training.optimiser.latent - training.mean
            training.mean += np.float32(1.0 - config.average) * step_to_mean
    return loss / steps


def train_on(
    problem: NetworkProblem, config: SteConfig, latent: lat.Floats, rng: np.random.Generator
) -> lat.Floats:
    """Trains given latents on, with a fresh optimiser.

    Args:
        problem: as for `pretrain`.
        config: epochs, learning rate, and so on; `starts` and `spread` play no part.
        latent: [n] float32, in file order; not modified.
        rng: draws the order of the clips and their crops; advanced.

    Returns:
        [n] float32, in file order.
    """
    moved = lat.to_window_order(problem.architecture, latent)
    training = Training(lat.Adam.start(moved), moved.copy(), rng, config.rates[0])
    for epoch in range(config.epochs):
        _pass(problem, config, training, epoch)
    return lat.to_file_order(problem.architecture, training.optimiser.latent)
