"""Straight-through pretraining: real latent weights are trained, their signs are the solution."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.config import SteConfig
from evobin.core.problem import Solution
from evobin.core.scores import predictions
from evobin.core.stage import RoundStage, Row
from evobin.core.state import State
from evobin.kernels import training
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.training import latent as lat
from evobin.training.gradient import ShardGradient, Weights
from evobin.training.scales import Plan, plan_of

SHARDS = 2
"""Parts of a batch, each with its own buffers; fixed, so that sums never depend on threads."""
LIMIT = 1.0
"""Largest magnitude of a latent."""
SIGN_EPOCH = 0.6
"""Time of an epoch straight through the signs, in that of a smooth one."""
SMOOTH_RATE = 1e-2
"""First learning rate of real weights, in units of their spread at the beginning."""


@dataclass(slots=True, eq=False)
class Training:
    """All that one start needs to continue, small enough to travel to a worker and back.

    Attributes:
        arrays: [4, n] float32: latents in window order, clipped to [-LIMIT, LIMIT] after every
            step; Adam's running means of the gradient and of its square; running mean of the
            latents.
        rng: draws the order of the samples and their crops.
        rate: first learning rate.
        steps: steps taken.

    Source:
        Kingma and Ba (2015), Adam: a method for stochastic optimization; the published decay
        rates 0.9 and 0.999. Clipping is ours.
    """

    arrays: lat.Floats
    rng: np.random.Generator
    rate: float
    steps: int = 0

    @classmethod
    def start(cls, latent: lat.Floats, rng: np.random.Generator, rate: float) -> Training:
        """One that has not moved yet; `latent` is copied."""
        nothing = np.zeros_like(latent)
        return cls(np.stack([latent, nothing, nothing, latent]), rng, rate)

    @property
    def latent(self) -> lat.Floats:
        """[n] float32, a view."""
        latent: lat.Floats = self.arrays[0]
        return latent

    @property
    def mean(self) -> lat.Floats:
        """[n] float32, running mean of the latents, a view."""
        mean: lat.Floats = self.arrays[3]
        return mean

    def step(self, gradients: lat.Floats, rate: float, average: float) -> None:
        """Moves the latents against a gradient.

        Args:
            gradients: [shards, n] float32, parts of the gradient, summed in order; overwritten.
            rate: learning rate.
            average: decay a step of the latents' running mean.
        """
        self.steps += 1
        corrected = rate * np.sqrt(1.0 - 0.999**self.steps) / (1.0 - 0.9**self.steps)
        rates = (float(corrected), 0.9, 0.999)
        training.adam_step(self.arrays, gradients, rates, LIMIT, average)

    def copy(self) -> Training:
        """An independent copy."""
        return replace(self, arrays=self.arrays.copy(), rng=copy.deepcopy(self.rng))

    def cut(self, spread: float) -> Training:
        """One that starts anew from the signs; `rng` draws magnitudes, in (0, spread]."""
        latent = lat.latent_from(lat.signs_of(self.latent), spread, self.rng)
        return Training.start(latent, self.rng, self.rate)

    def __reduce__(self) -> tuple[Any, ...]:
        # as bytes: joblib would hand large arrays over as read-only files that stay for the run
        return _arrived, (self.arrays.tobytes(), self.rng, self.rate, self.steps)


def _arrived(arrays: bytes, rng: np.random.Generator, rate: float, steps: int) -> Training:
    """A training in the process that it was sent to."""
    return Training(np.frombuffer(arrays, np.float32).reshape(4, -1).copy(), rng, rate, steps)


@dataclass(frozen=True, slots=True)
class Phase:
    """Epochs over which a learning rate falls to 0 along a cosine."""

    rate: float  # the first one
    epochs: int
    unit: float = 0.0  # real weights are latents over this; 0 where they are the signs of latents

    def rates(self, epoch: int, steps: int) -> NDArray[np.float64]:
        """Of each step of an epoch, from 0."""
        done = np.arange(epoch * steps, (epoch + 1) * steps) / (self.epochs * steps)
        rates: NDArray[np.float64] = self.rate * 0.5 * (1.0 + np.cos(np.pi * done))
        return rates


@dataclass(frozen=True, slots=True, eq=False)
class Epoch:
    """One epoch of one start."""

    training: Training  # where it left off
    loss: float  # mean over the steps
    accuracy: float  # share of the varied crops that were predicted right, each before its step
    candidate: Solution  # [n] int8, signs of the latents' running mean, in file order
    score: float  # of the candidate


class Pretraining(RoundStage):
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
        start: [n] int8, signs to start from; random latents if None, and random signs, with no
            gradient at all, where there are no epochs either.
        is_blind: whether no score may choose: the last candidate is handed out, of several starts
            the one that does best on the training samples. Candidates of a problem that is
            scored on these have no score, but NaN.

    Raises:
        SettingError: if a setting is out of range.

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
        *,
        is_blind: bool = False,
    ) -> None:
        config.check()
        if start is not None:
            config = replace(config, smooth=0)
        plan = plan_of(config, problem)
        self.total, self._is_blind = plan.epochs, is_blind
        self._is_scored = is_scored = not is_blind or problem.valid is not problem.train
        self._problem, self._plan, self._start = problem, plan, start
        self._trainings = [
            begin(problem, plan, (seed, number), start) for number in range(config.starts or 1)
        ]
        if start is None and self.total == 0:
            start = lat.to_file_order(problem.architecture, lat.signs_of(self._trainings[0].latent))
        self._floor = -np.inf
        if start is not None and is_scored:
            self._floor = float(problem.score(start[None])[0])
        self.best, self.score = start, self._floor

    @property
    def left(self) -> float:
        """As in `Stage`."""
        smooth = self._plan.smooth_epochs
        if not 0 < self.done <= smooth:  # the last epoch was as the next ones will be
            return super().left
        return smooth - self.done + SIGN_EPOCH * (self.total - smooth)

    @property
    def function(self) -> Callable[..., Epoch]:
        """As in `RoundStage`."""
        return train_epoch

    def tasks(self) -> list[tuple[Any, ...]]:
        """An epoch of every start."""
        return [
            (self._problem, self._plan, start, self.done, self._is_scored)
            for start in self._trainings
        ]

    def take(self, results: list[Epoch]) -> list[Row]:
        """As in `RoundStage`."""
        self._trainings = [epoch.training for epoch in results]
        self.done += 1
        if self._is_blind:
            self._take_newest(results)
        else:
            self._take_best(results)
        return [
            {
                "evaluations": 1,
                "loss": epoch.loss,
                "train_accuracy": epoch.accuracy,
                "score": epoch.score,
            }
            for epoch in results
        ]

    def _take_best(self, epochs: list[Epoch]) -> None:
        """The best candidate of the last quarter, by score."""
        total = self._plan.epochs
        if self.done == total - max(1, total // 4) + 1:
            self.best, self.score = self._start, self._floor
        present = max(epochs, key=lambda epoch: epoch.score)
        if present.score >= self.score:
            self.best, self.score = present.candidate, present.score

    def _take_newest(self, epochs: list[Epoch]) -> None:
        """The newest candidate; in the end that of the start that does best on what it learned."""
        newest = epochs[0]
        if self.done == self._plan.epochs and len(epochs) > 1:
            newest = max(epochs, key=lambda epoch: self._problem.seen(epoch.candidate).value)
        self.best, self.score = newest.candidate, newest.score

    def state(self) -> State:
        """As in `Stage`."""
        state = super().state()
        for number, start in enumerate(self._trainings):
            state[f"training{number}"] = start.arrays
            state[f"steps{number}"] = start.steps
            state[f"rng{number}"] = start.rng.bit_generator.state
        return state

    def load(self, state: State) -> None:
        """As in `Stage`."""
        super().load(state)
        for number, start in enumerate(self._trainings):
            start.arrays, start.steps = state[f"training{number}"], state[f"steps{number}"]
            start.rng.bit_generator.state = state[f"rng{number}"]

    def latents(self) -> tuple[lat.Floats, ...]:
        """What every start was trained to; none without an epoch."""
        architecture, moved = self._problem.architecture, self._trainings if self.done else []
        return tuple(lat.to_file_order(architecture, start.latent) for start in moved)


def begin(
    problem: SampledNetworkProblem, plan: Plan, seed: tuple[int, int], start: Solution | None
) -> Training:
    """Random latents, or some with the signs of `start`; `seed` ends with the start's number."""
    rng = np.random.default_rng(seed)
    if start is None:
        latent = lat.random_latent(problem.n, plan.spread, rng)
    else:
        signs = lat.to_window_order(problem.architecture, start)
        latent = lat.latent_from(signs, plan.spread, rng)
    return Training.start(latent, rng, plan.rates[seed[1] % len(plan.rates)])


def train_epoch(
    problem: SampledNetworkProblem,
    plan: Plan,
    start: Training,
    epoch: int,
    is_scored: bool = True,  # as tasks have it
) -> Epoch:
    """One pass over the training samples, and the score of the candidate after it.

    Args:
        problem: as for `Pretraining`; its `n_threads` share each batch.
        plan: of the whole training.
        start: where to continue from; not modified.
        epoch: from 0; decides the learning rate, and whether weights are real.
        is_scored: whether to score the candidate; else its score is NaN.
    """
    start, early = start.copy(), plan.smooth_epochs
    if epoch < early:
        unit = plan.spread / 3**0.5  # the standard deviation of random latents
        first, phase = 0, Phase(SMOOTH_RATE * unit, early, unit)
    else:
        if epoch == early > 0:
            start = start.cut(plan.spread)
        first, phase = early, Phase(start.rate, plan.epochs - early)
    loss, accuracy = _pass(problem, plan, start, phase, epoch - first)
    candidate = lat.to_file_order(problem.architecture, lat.signs_of(start.mean))
    score = float(problem.score(candidate[None])[0]) if is_scored else math.nan
    return Epoch(start, loss, accuracy, candidate, score)


def _pass(
    problem: SampledNetworkProblem, plan: Plan, start: Training, phase: Phase, epoch: int
) -> tuple[float, float]:
    """One pass over the training samples in random order; mean loss and accuracy of its steps."""
    size, train = plan.batch, problem.train
    steps = max(1, len(train) // size)
    order = start.rng.permutation(np.resize(np.arange(len(train)), steps * size))
    frames = problem.architecture.frames or plan.frames
    crops = problem.crops(train, order, frames, start.rng)
    smooth = phase.unit > 0
    shards = [
        ShardGradient(problem.architecture, size // SHARDS, frames, plan.widths, smooth=smooth)
        for _ in range(SHARDS)
    ]
    gradients = np.empty((SHARDS, problem.n), np.float32)
    loss, right = 0.0, 0
    with ThreadPoolExecutor(problem.n_threads) as threads:
        for step, rate in enumerate(phase.rates(epoch, steps)):
            latent = start.latent / np.float32(phase.unit) if smooth else start.latent
            weights = Weights(problem.architecture, latent, smooth=smooth)

            def work(
                number: int, step: int = step, weights: Weights = weights
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
            start.step(gradients, float(rate), plan.average)
    return loss / steps, right / (steps * size)


def train_on(
    problem: SampledNetworkProblem, plan: Plan, latent: lat.Floats, rng: np.random.Generator
) -> tuple[lat.Floats, float, float]:
    """Trains given latents further, with a fresh optimiser.

    Args:
        problem: as for `Pretraining`.
        plan: epochs, at least one, learning rate, and so on; smooth epochs and spread have no
            effect.
        latent: [n] float32, in file order; not modified.
        rng: draws the order of the samples and their crops; advanced.

    Returns:
        [n] float32, in file order; loss and accuracy in the last epoch.
    """
    moved = lat.to_window_order(problem.architecture, latent)
    phase = Phase(plan.rates[0], plan.epochs)
    start = Training.start(moved, rng, phase.rate)
    loss = accuracy = np.nan
    for epoch in range(plan.epochs):
        loss, accuracy = _pass(problem, plan, start, phase, epoch)
    return lat.to_file_order(problem.architecture, start.latent), loss, accuracy
