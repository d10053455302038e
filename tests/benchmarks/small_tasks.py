"""What a method of the benchmark of small networks is given, and what it gives back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

import evobin
from tests.benchmarks.small_data import Floats, Split

LOGIT_WIDTH = 0.5
"""Of the log-likelihood that starts are compared by, in roots of the last hidden layer's units."""


@dataclass(frozen=True, eq=False)
class Task:
    """A data set, a shape, and how long it may take.

    Attributes:
        split: training and test samples; nothing but the end looks at the latter.
        hidden: units of each hidden layer.
        seconds: to learn in; context rows end by themselves.
        seed: decides every random number.
    """

    split: Split
    hidden: tuple[int, ...]
    seconds: float
    seed: int

    @cached_property
    def inputs(self) -> Floats:
        """[training samples, inputs]: of -1 and +1, or features, as `Split.inputs`."""
        return self.split.inputs[0]

    @property
    def n_classes(self) -> int:
        """Two, or more."""
        return self.split.n_classes

    @cached_property
    def architecture(self) -> evobin.Architecture:
        """The binary network's shape."""
        blocks = tuple(evobin.ConvBlock(units, 1) for units in self.hidden)
        return evobin.Architecture(
            self.inputs.shape[1],
            blocks,
            self.n_classes,
            frames=1,
            binary_inputs=self.split.bits > 0,
        )

    @property
    def n_bytes(self) -> int:
        """Of the binary network: a bit a weight and bias."""
        return -(-self.architecture.n_weights // 8)

    def part(self, seed: int, share: float) -> Task:
        """A fifth of the training samples as its test, and a share of the time."""
        return Task(self.split.without_test(seed), self.hidden, self.seconds * share, self.seed)

    def likelihood(self, logits: NDArray[Any]) -> float:
        """Mean log-likelihood of the training labels.

        Args:
            logits: [samples], or [samples, classes] of more than two.
        """
        z = np.asarray(logits, np.float64) / (LOGIT_WIDTH * self.hidden[-1] ** 0.5)
        labels = self.split.labels
        if z.ndim == 1 or z.shape[1] == 1:
            return float(-np.logaddexp(0.0, np.where(labels > 0, -1, 1) * z.ravel()).mean())
        own = z[np.arange(len(labels)), labels]
        return float((own - np.logaddexp.reduce(z, axis=1)).mean())


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a method has learned.

    Attributes:
        predict: from inputs, or from features where `takes_features`, to labels.
        n_bytes: of what it has learned; thresholds of the inputs, which all rows have, left out.
        settings: what it was run with, and how often it began anew.
        takes_features: whether it encodes features itself.
    """

    predict: Callable[[Floats], NDArray[Any]]
    n_bytes: int
    settings: dict[str, Any] = field(default_factory=dict)
    takes_features: bool = False

    def accuracies(self, split: Split) -> tuple[float, float]:
        """Share of training and of test samples that are predicted right."""
        samples = (split.train, split.test) if self.takes_features else split.inputs
        parts = zip(samples, (split.labels, split.test_labels), strict=True)
        train, test = (float(np.mean(self.predict(x) == labels)) for x, labels in parts)
        return train, test


def of_signs(task: Task, solution: NDArray[Any], settings: dict[str, Any]) -> Fitted:
    """A binary network by its signs, predicted by evobin's exact forward pass."""
    network = evobin.BinaryNetwork(task.architecture, np.asarray(solution))
    return Fitted(lambda x: network.predict(list(x[:, None])), task.n_bytes, settings)


def chosen(
    task: Task, candidates: list[dict[str, Any]], fit: Callable[..., Fitted], share: float = 0.0
) -> dict[str, Any]:
    """The settings that do best on a fifth of the training samples, learning from the others.

    Args:
        task: what to learn.
        candidates: settings, keywords of `fit`.
        fit: takes a task and settings.
        share: of the time, for all candidates together.
    """
    part = task.part(task.seed, share / len(candidates))
    right = [fit(part, **settings).accuracies(part.split)[1] for settings in candidates]
    return candidates[int(np.argmax(right))]


def now() -> float:
    """Seconds by the clock that `small.measure` puts in place of the usual one."""
    return time.perf_counter()


class Clock:
    """What is left of some seconds, by a timer."""

    def __init__(self, seconds: float, timer: Callable[[], float] = now) -> None:
        self._timer, self._end = timer, timer() + seconds

    @property
    def left(self) -> float:
        """Below 0 after the end."""
        return self._end - self._timer()
