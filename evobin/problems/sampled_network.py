"""Labelled samples as a problem that is searched on some and scored on others."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_range
from evobin.config import AugmentConfig
from evobin.core.evidence import Outcomes
from evobin.core.objective import ObjectiveName, width_of, worth_of
from evobin.core.problem import Population, SampledProblem, Scores, Solution, Structure
from evobin.core.samples import Dataset
from evobin.core.scores import accuracy_of, predictions, selection_score
from evobin.data.augmentation import Crops, WholeSamples, draw_crops
from evobin.errors import SettingError
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork
from evobin.network.flips.heads import logit_width_of
from evobin.problems.network import NetworkBatch, NetworkProblem, compiles, structure_of

VIEWS = 4
"""Varied crops of a validation sample."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The score of a polished file, so that nothing worse on the validation samples replaces it.

    Attributes:
        right: validation samples, as they are, that it gets right.
        limit: just below its score.
    """

    right: int
    limit: float


@dataclass(frozen=True, eq=False)
class SampledNetworkProblem(SampledProblem):
    """A network to be found for labelled samples.

    Selection uses the whole validation samples, and varied crops of them where there are some;
    search uses varied crops of the training samples, and nothing else. Where the architecture has
    samples of a fixed length, they need not be log-mel, and are taken whole and as they are. Crops
    of binary inputs are not varied.

    Attributes:
        architecture: the network's shape.
        train: samples that batches are drawn from.
        valid: samples that `score` is of.
        augment: how crops are varied; without effect for a fixed length or binary inputs, where
            each field must be as it is by default, or 0.
        frames: length of a crop; without effect for a fixed length.
        batch_size: samples in a drawn batch.
        n_threads: threads that `score` may use; no score depends on it.
        logit_width: of training and of what `sample` draws, as for `NetworkProblem`.
        objective: of `whole`: "accuracy" to make a trained network better, "likelihood" from random
            signs, and wherever walks are not compiled.
        varied: crops of the validation samples that `score` is of as well; see `with_views`.
        guard: what a solution needs to score more than a polished file; see `guarded`.

    Raises:
        SettingError: if a label or a variation does not fit the architecture.
        ValueError: if a feature is neither -1 nor +1 where inputs are binary.
    """

    architecture: Architecture
    train: Dataset
    valid: Dataset
    augment: AugmentConfig
    frames: int
    batch_size: int
    n_threads: int = 1
    logit_width: float | None = None
    objective: ObjectiveName = "accuracy"
    varied: Dataset | None = None
    guard: Guard | None = None
    n: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", self.architecture.n_weights)
        logit_width_of(self.architecture, self.logit_width)  # raises if out of range
        self.augment.check()
        for name, part in (("train", self.train), ("valid", self.valid)):
            for label in (int(part.labels.min()), int(part.labels.max())):
                check_range(f"{name}.labels", label, 0, self.architecture.n_classes - 1)
            if self.architecture.binary_inputs:
                part.samples.bits  # noqa: B018  # refuses other numbers
        for one in fields(self.augment):
            if getattr(self.augment, one.name) in (0, one.default):
                continue
            if self.architecture.frames is not None:
                raise SettingError(
                    f"`augment.{one.name}` varies log-mel of any length, but the architecture's "
                    "`frames` fixes the length, and samples are taken as they are; leave it out."
                )
            if self.architecture.binary_inputs:
                raise SettingError(
                    f"`augment.{one.name}` varies log-mel, but the architecture's inputs are "
                    "binary, and crops are not varied; leave it out."
                )

    @property
    def structure(self) -> Structure:
        """Layers and hidden units."""
        return structure_of(self.architecture)

    @property
    def n_scored(self) -> int:
        """Samples and crops that `score` is of."""
        return sum(len(part) for part in self._scored)

    @property
    def _scored(self) -> tuple[Dataset, ...]:
        return (self.valid,) if self.varied is None else (self.valid, self.varied)

    def with_views(self, rng: np.random.Generator) -> SampledNetworkProblem:
        """The same problem, with varied crops of the validation samples to score on as well.

        `VIEWS` of each sample, varied twice as much as training samples are: how a network does on
        them predicts better how it does on new speakers than its score on the samples themselves,
        which are of a few speakers in a few rooms, and nearly all right. Samples of a fixed length
        have none.

        Args:
            rng: source of all randomness; advanced.
        """
        if self.architecture.frames is not None:
            return self
        valid, rows = self.valid, np.tile(np.arange(len(self.valid)), VIEWS)
        crops = draw_crops(valid.samples, rows, self.frames, self._variation.doubled(), rng)
        groups = None if valid.groups is None else valid.groups.iloc[rows].reset_index(drop=True)
        samples = crops.samples(valid.samples)
        varied = Dataset(valid.names * VIEWS, samples, valid.labels[rows], groups)
        return replace(self, varied=varied)

    def guarded(self, start: Solution) -> SampledNetworkProblem:
        """The same problem, where only what is as good on validation samples can beat `start`.

        One that gets fewer of them right, as they are, scores less than `start` whatever it
        gets on varied ones.
        """
        logits = self._logits(start)
        limit = accuracy_of(self._score(logits), self.n_scored)
        guard = Guard(self._right(logits[0]), limit)
        return replace(self, guard=guard)

    def subsample(self, rng: np.random.Generator) -> SampledNetworkProblem:
        """The same problem, with a random half of the validation groups or samples to score on."""
        every = np.unique(self.valid.group_names)
        some = rng.choice(every, -(-len(every) // 2), replace=False)
        valid, *varied = (
            part.subset(np.flatnonzero(np.isin(part.group_names, some))) for part in self._scored
        )
        return replace(self, valid=valid, varied=varied[0] if varied else None, guard=None)

    def score(self, population: Population) -> Scores:
        """As in `Problem`: validation accuracy, the margin as tie-break; see `selection_score`.

        Of the samples as they are and of varied crops, where there are some, together.
        """
        return np.array([self._score(self._logits(solution)) for solution in population])

    def _score(self, logits: list[NDArray[np.int64]]) -> float:
        labels = np.concatenate([part.labels for part in self._scored])
        score = selection_score(np.concatenate(logits), labels, self.architecture.n_hidden)
        if self.guard is not None and self._right(logits[0]) < self.guard.right:
            return min(score, self.guard.limit)
        return score

    def _logits(self, solution: Solution) -> list[NDArray[np.int64]]:
        """Logits of the validation samples, and of varied crops where there are some."""
        network = BinaryNetwork(self.architecture, solution)
        return [network.logits(part.samples, self.n_threads) for part in self._scored]

    def _right(self, logits: NDArray[np.int64]) -> int:
        """How many validation samples are predicted right."""
        return int(np.count_nonzero(predictions(logits) == self.valid.labels))

    def sample(self, rng: np.random.Generator) -> NetworkBatch:
        """Draws varied crops of training samples, as many of each label, without repeats if enough.

        Labels that no sample has are skipped, and each of the others has one at least.
        """
        rows = []
        labels = np.unique(self.train.labels)
        share = max(1, self.batch_size // len(labels))
        for label in labels:
            members = np.flatnonzero(self.train.labels == label)
            rows.append(rng.choice(members, share, replace=share > len(members)))
        chosen = np.concatenate(rows)
        crops = self.crops(self.train, chosen, self.frames, rng)
        samples, labels = crops.samples(self.train.samples), self.train.labels[chosen]
        return NetworkBatch(self.architecture, samples, labels, logit_width=self.logit_width)

    def whole(self) -> NetworkProblem | None:
        """All training samples, where their length is fixed: only then they are not varied."""
        return None if self.architecture.frames is None else _whole(self)

    def seen(self, solution: Solution) -> Outcomes:
        """What a solution makes of the training samples, as they are."""
        return self._outcomes(solution, self.train)

    def unseen(self, solution: Solution) -> Outcomes:
        """What it makes of the validation samples, as they are."""
        return self._outcomes(solution, self.valid)

    def _outcomes(self, solution: Solution, part: Dataset) -> Outcomes:
        logits = BinaryNetwork(self.architecture, solution).logits(part.samples, self.n_threads)
        name, width = self.searched
        return Outcomes(
            worth_of(name, logits, part.labels, width),
            predictions(logits) == part.labels,
            np.unique(part.group_names, return_inverse=True)[1],
        )

    @cached_property
    def searched(self) -> tuple[ObjectiveName, float]:
        """The objective of `whole`, and its logit width."""
        is_compiled = compiles(self.architecture, self.train.samples)
        name: ObjectiveName = self.objective if is_compiled else "likelihood"
        return name, width_of(name, logit_width_of(self.architecture, self.logit_width))

    def crops(
        self, dataset: Dataset, rows: NDArray[np.intp], frames: int, rng: np.random.Generator
    ) -> Crops | WholeSamples:
        """Varied crops of some samples, or, where their length is fixed, the samples themselves.

        Args:
            dataset: training or validation samples.
            rows: [n] which of them.
            frames: length of a crop.
            rng: source of all randomness; advanced.
        """
        if self.architecture.frames is not None:
            return WholeSamples(rows)
        return draw_crops(dataset.samples, rows, frames, self._variation, rng)

    @property
    def _variation(self) -> AugmentConfig:
        """How crops are varied: not at all where inputs are binary."""
        if not self.architecture.binary_inputs:
            return self.augment
        return AugmentConfig(**dict.fromkeys((one.name for one in fields(AugmentConfig)), 0.0))


@lru_cache(maxsize=1)
def _whole(problem: SampledNetworkProblem) -> NetworkProblem:
    """Made once: features are rounded, and laid out for walks."""
    samples, labels = problem.train.samples, problem.train.labels
    objective, width = problem.searched
    return NetworkProblem(
        problem.architecture,
        samples,
        labels,
        objective=objective,
        logit_width=width,
        n_threads=problem.n_threads,
    )
