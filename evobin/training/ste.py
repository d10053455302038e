"""Straight-through pretraining: real latent weights are trained, their signs are the solution."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.config import SteConfig
from evobin.core.problem import Solution
from evobin.core.scores import predictions
from evobin.core.stage import MapTasks, Row, Stage
from evobin.core.state import State
from evobin.errors import SettingError
from evobin.network.architecture import Architecture
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.training import latent as lat
from evobin.training.gradient import (
    AnyWeights,
    BinaryWeights,
    ShardGradient,
    SmoothWeights,
    default_widths,
)

SHARDS = 2
"""Parts of a batch, each with its own buffers; fixed, so that sums never depend on threads."""
SMOOTH_RATE = 1e-2
"""First learning rate of real weights, in units of their spread at the beginning."""


@dataclass(slots=True, eq=False)
class Training:
    """All that one start needs to continue, small enough to travel to a worker and back.

    Attributes:
        optimiser: the latents, in window order, and how they move.
        mean: [n] float32, running mean of the latents.
        rng: draws the order of the samples and their crops.
        rate: first learning rate.
    """

    optimiser: lat.Adam
    mean: lat.Floats
    rng: np.random.Generator
    rate: float

    @property
    def arrays(self) -> lat.Floats:
        """[4, n] float32, a copy: latents, both moments, and the mean."""
        moved = self.optimiser
        return np.stack([moved.latent, moved.first, moved.second, self.mean])

    def with_arrays(self, arrays: lat.Floats, steps: int) -> Training:
        """The same with other `arrays`, which it takes over, after this many steps of Adam."""
        latent, first, second, mean = arrays
        optimiser = replace(self.optimiser, latent=latent, first=first, second=second, steps=steps)
        return Training(optimiser, mean, copy.deepcopy(self.rng), self.rate)

    def copy(self) -> Training:
        """An independent copy."""
        return self.with_arrays(self.arrays, self.optimiser.steps)

    def cut(self, spread: float) -> Training:
        """One that starts anew from the signs; `rng` draws magnitudes, in (0, spread]."""
        latent = lat.latent_from(lat.signs_of(self.optimiser.latent), spread, self.rng)
        return Training(lat.Adam.start(latent), latent.copy(), self.rng, self.rate)

    def __getstate__(self) -> dict[str, Any]:
        # as bytes: joblib would hand large arrays over as read-only files that stay for the run
        numbers = {"steps": self.optimiser.steps, "limit": self.optimiser.limit}
        rest = {"rng": self.rng, "rate": self.rate}
        return {"arrays": self.arrays.tobytes(), "numbers": numbers} | rest

    def __setstate__(self, state: dict[str, Any]) -> None:
        arrays = np.frombuffer(state["arrays"], np.float32).reshape(4, -1).copy()
        latent, first, second, self.mean = arrays
        self.optimiser = lat.Adam(latent, first, second, **state["numbers"])
        self.rng, self.rate = state["rng"], state["rate"]


@dataclass(frozen=True, slots=True)
class Phase:
    """Epochs over which a learning rate falls to 0 along a cosine.

    Attributes:
        rate: the first one.
        epochs: how many.
        unit: real weights are latents over this; 0 where weights are the signs of latents.
    """

    rate: float
    epochs: int
    unit: float = 0.0

    def rates(self, epoch: int, steps: int) -> NDArray[np.float64]:
        """Of each step of an epoch, from 0."""
        done = np.arange(epoch * steps, (epoch + 1) * steps) / (self.epochs * steps)
        rates: NDArray[np.float64] = self.rate * 0.5 * (1.0 + np.cos(np.pi * done))
        return rates

    def weights(self, architecture: Architecture, latent: lat.Floats) -> AnyWeights:
        """The weights of a step."""
        if self.unit:
            return SmoothWeights(architecture, latent / np.float32(self.unit))
        return BinaryWeights(architecture, latent)


@dataclass(frozen=True, slots=True, eq=False)
class Epoch:
    """One epoch of one start.

    Attributes:
        training: where it left off.
        loss: mean over the steps.
        accuracy: share of the varied crops that were predicted right, each before its step.
        candidate: [n] int8, signs of the latents' running mean, in file order.
        score: of the candidate.
    """

    training: Training
    loss: float
    accuracy: float
    candidate: Solution
    score: float


class Pretraining(Stage):
    """Straight-through training as a stage, an epoch of all starts a step.

    Adam on random, varied crops with a learning rate that falls to 0 along a cosine, from several
    starts side by side. The first epochs are those of a smooth network, with real weights and tanh
    for signs. It is then cut to the signs of its weights, which loses most of what it could, and
    training goes on straight through the signs. After every epoch the signs of each one's running
    mean of latents are scored, by `problem.score`. Only candidates of the last
    quarter count: the best of many undertrained ones is the luckiest on the few speakers that a
    score is taken from.

    Args:
        problem: labelled samples and the network's shape.
        config: starts, epochs, learning rate, and so on.
        seed: decides every random number; the result depends on nothing else.
        start: [n] int8, signs to start from; random latents if None.

    Raises:
        SettingError: if a setting is out of range, or there is neither a start nor an epoch.

    Source:
        Courbariaux et al. (2016), Binarized neural networks: latent weights clipped to [-1, 1],
        gradients straight through the sign. The window is tanh's derivative instead of a box.
    """

    name = "ste"

    def __init__(
        self,
        problem: SampledNetworkProblem,
        config: SteConfig,
        seed: int,
        start: Solution | None = None,
    ) -> None:
        config.check()
        if start is None and config.epochs == 0:
            raise SettingError("`ste.epochs` must be at least 1 without a start, but it is 0.")
        self.total = config.epochs
        if start is not None:
            config = replace(config, smooth=0)
        self._problem, self._config, self._start = problem, config, start
        self._trainings = [
            begin(problem, config, (seed, number), start) for number in range(config.starts)
        ]
        self._floor = -np.inf if start is None else float(problem.score(start[None])[0])
        self.best, self.score = start, self._floor

    def step(self, map_tasks: MapTasks) -> list[Row]:
        """An epoch of every start."""
        problem, config = self._problem, self._config
        if self.done == config.epochs - max(1, config.epochs // 4):
            self.best, self.score = self._start, self._floor
        tasks = [(problem, config, training, self.done) for training in self._trainings]
        epochs: list[Epoch] = map_tasks(train_epoch, tasks)
        self._trainings = [epoch.training for epoch in epochs]
        self.done += 1
        present = max(epochs, key=lambda epoch: epoch.score)
        if present.score >= self.score:
            self.best, self.score = present.candidate, present.score
        return [
            {
                "evaluations": 1,
                "loss": epoch.loss,
                "train_accuracy": epoch.accuracy,
                "score": epoch.score,
            }
            for epoch in epochs
        ]

    def state(self) -> State:
        """As in `Stage`."""
        state = super().state()
        for number, training in enumerate(self._trainings):
            state[f"training{number}"] = training.arrays
            state[f"steps{number}"] = training.optimiser.steps
            state[f"rng{number}"] = training.rng.bit_generator.state
        return state

    def load(self, state: State) -> None:
        """As in `Stage`."""
        super().load(state)
        for number, training in enumerate(self._trainings):
            loaded = training.with_arrays(state[f"training{number}"], state[f"steps{number}"])
            loaded.rng.bit_generator.state = state[f"rng{number}"]
            self._trainings[number] = loaded

    def latents(self) -> tuple[lat.Floats, ...]:
        """What every start was trained to; none without an epoch."""
        moved = [training.optimiser.latent for training in self._trainings] if self.done else []
        return tuple(lat.to_file_order(self._problem.architecture, latent) for latent in moved)


def begin(
    problem: SampledNetworkProblem, config: SteConfig, seed: tuple[int, int], start: Solution | None
) -> Training:
    """Random latents, or some with the signs of `start`; `seed` ends with the start's number."""
    rng = np.random.default_rng(seed)
    if start is None:
        latent = lat.random_latent(problem.n, config.spread, rng)
    else:
        signs = lat.to_window_order(problem.architecture, start)
        latent = lat.latent_from(signs, config.spread, rng)
    rates = config.first_rates
    rate = rates[seed[1] % len(rates)]
    return Training(lat.Adam.start(latent), latent.copy(), rng, rate)


def train_epoch(
    problem: SampledNetworkProblem, config: SteConfig, training: Training, epoch: int
) -> Epoch:
    """One pass over the training samples, and the score of the candidate after it.

    Args:
        problem: as for `Pretraining`; its `n_threads` share each batch.
        config: as for `Pretraining`.
        training: where to continue from; not modified.
        epoch: from 0; decides the learning rate, and whether weights are real.
    """
    training, early = training.copy(), config.smooth_epochs
    if epoch < early:
        unit = config.spread / 3**0.5  # the standard deviation of random latents
        first, phase = 0, Phase(SMOOTH_RATE * unit, early, unit)
    else:
        if epoch == early > 0:
            training = training.cut(config.spread)
        first, phase = early, Phase(training.rate, config.epochs - early)
    loss, accuracy = _pass(problem, config, training, phase, epoch - first)
    signs = lat.signs_of(training.mean)
    candidate = lat.to_file_order(problem.architecture, signs)
    score = float(problem.score(candidate[None])[0])
    return Epoch(training, loss, accuracy, candidate, score)


def _pass(
    problem: SampledNetworkProblem, config: SteConfig, training: Training, phase: Phase, epoch: int
) -> tuple[float, float]:
    """One pass over the training samples in random order; mean loss and accuracy of its steps."""
    size, train = config.batch, problem.train
    steps = max(1, len(train) // size)
    order = training.rng.permutation(np.resize(np.arange(len(train)), steps * size))
    frames = problem.architecture.frames or config.frames
    crops = problem.crops(train, order, frames, training.rng)
    widths = default_widths(problem.architecture)
    smooth = phase.unit > 0
    shards = [
        ShardGradient(problem.architecture, size // SHARDS, frames, widths, smooth=smooth)
        for _ in range(SHARDS)
    ]
    gradients = np.empty((SHARDS, problem.n), np.float32)
    loss, right = 0.0, 0
    with ThreadPoolExecutor(problem.n_threads) as threads:
        for step, rate in enumerate(phase.rates(epoch, steps)):
            weights = phase.weights(problem.architecture, training.optimiser.latent)

            def work(
                number: int, step: int = step, weights: AnyWeights = weights
            ) -> tuple[float, int]:
                shard = shards[number]
                first = step * size + number * shard.samples
                picked = range(first, first + shard.samples)
                for place, index in enumerate(picked):
                    crops.cut(train.samples, index, shard.features[place])
                labels = train.labels[order[first : first + shard.samples]]
                part, logits = shard.run(weights, labels, 1.0 / size, gradients[number])
                return part, int(np.count_nonzero(predictions(logits) == labels))

            parts = list(threads.map(work, range(SHARDS)))
            loss += sum(part for part, _ in parts)
            right += sum(hits for _, hits in parts)
            training.optimiser.step(gradients, float(rate))
            step_to_mean = training.optimiser.latent - training.mean
            training.mean += np.float32(1.0 - config.average) * step_to_mean
    return loss / steps, right / (steps * size)


def train_on(
    problem: SampledNetworkProblem, config: SteConfig, latent: lat.Floats, rng: np.random.Generator
) -> tuple[lat.Floats, float, float]:
    """Trains given latents further, with a fresh optimiser.

    Args:
        problem: as for `Pretraining`.
        config: epochs, at least one, learning rate, and so on; `starts`, `smooth` and `spread` have
            no effect.
        latent: [n] float32, in file order; not modified.
        rng: draws the order of the samples and their crops; advanced.

    Returns:
        [n] float32, in file order; loss and accuracy in the last epoch.
    """
    moved = lat.to_window_order(problem.architecture, latent)
    phase = Phase(config.first_rates[0], config.epochs)
    training = Training(lat.Adam.start(moved), moved.copy(), rng, phase.rate)
    loss = accuracy = np.nan
    for epoch in range(config.epochs):
        loss, accuracy = _pass(problem, config, training, phase, epoch)
    return lat.to_file_order(problem.architecture, training.optimiser.latent), loss, accuracy
