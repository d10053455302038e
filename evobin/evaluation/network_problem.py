"""Labelled clips as a problem: find the signs of a network that answers them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from evobin.augmentation import draw_crops
from evobin.clips import Clips
from evobin.config import AugmentConfig
from evobin.data import Dataset
from evobin.evaluation.base import Population, Scores, Solution, Structure
from evobin.evaluation.flip_state import Batch, NetworkFlipState
from evobin.evaluation.moves import unit_indices
from evobin.network import Architecture, BinaryNetwork
from evobin.scores import selection_score


@dataclass(frozen=True, eq=False)
class NetworkProblem:
    """A network to be found for labelled clips.

    Selection looks at the validation clips, whole; search draws varied crops of the training
    clips. Nothing else is looked at.

    Attributes:
        architecture: the network's shape.
        train: clips that batches are drawn from.
        valid: clips that `score` answers for.
        augment: how crops are varied.
        frames: length of a crop.
        batch_size: clips in a drawn batch.
        n_threads: threads that `score` may use; no score depends on it.
    """

    architecture: Architecture
    train: Dataset
    valid: Dataset
    augment: AugmentConfig
    frames: int
    batch_size: int
    n_threads: int = 1

    def __post_init__(self) -> None:
        self.augment.check()

    @property
    def n(self) -> int:
        """Length of a solution."""
        return self.architecture.n_weights

    @property
    def structure(self) -> Structure:
        """Layers and hidden units."""
        return _structure(self.architecture)

    def look(self, rng: np.random.Generator) -> NetworkProblem:
        """The same problem, with a random half of the validation speakers, or clips, to score on.

        Each clip is looked at as it is and, once more, as a varied crop, so that what is selected
        does not hang on one room or microphone.
        """
        names = (
            np.array(self.valid.names)
            if self.valid.groups is None
            else self.valid.groups["speaker"].to_numpy(str)
        )
        every = np.unique(names)
        some = rng.choice(every, -(-len(every) // 2), replace=False)
        rows = np.flatnonzero(np.isin(names, some))
        crops = draw_crops(self.valid.clips, rows, self.frames, self.augment, rng)
        plain, varied = self.valid.subset(rows), crops.clips(self.valid.clips)
        clips = [part[i] for part in (plain.clips, varied) for i in range(len(rows))]
        twice = Dataset(plain.names * 2, Clips.join(clips), np.tile(plain.labels, 2), None)
        return replace(self, valid=twice)

    def score(self, population: Population) -> Scores:
        """Validation accuracy, with the margin as tie-break; see `scores.selection_score`.

        Args:
            population: [size, n] int8; not modified.

        Returns:
            [size] float64.
        """
        return np.array([self._score(solution) for solution in population])

    def _score(self, solution: Solution) -> float:
        network = BinaryNetwork(self.architecture, solution)
        logits = network.logits(self.valid.clips, self.n_threads)
        return selection_score(logits, self.valid.labels, self.architecture.n_hidden)

    def draw(self, rng: np.random.Generator) -> Batch:
        """Draws varied crops of training clips, as many of each label, without repeats if enough.

        Args:
            rng: source of all randomness; advanced.
        """
        rows = []
        for label in (0, 1):
            members = np.flatnonzero(self.train.labels == label)
            half = self.batch_size // 2
            rows.append(rng.choice(members, half, replace=half > len(members)))
        chosen = np.concatenate(rows)
        crops = draw_crops(self.train.clips, chosen, self.frames, self.augment, rng)
        return Batch(crops.clips(self.train.clips), self.train.labels[chosen])

    def start(self, solution: Solution, batch: Batch) -> NetworkFlipState:
        """Prepares a solution for flips on a batch."""
        return NetworkFlipState(self.architecture, solution, batch)


@cache
def _structure(architecture: Architecture) -> Structure:
    layers = {layer.name: slice(layer.start, layer.stop) for layer in architecture.layers}
    units = [
        [unit_indices(architecture, number, channel) for channel in range(block.n_out)]
        for number, block in enumerate(architecture.blocks)
    ]
    return Structure(layers, units)
