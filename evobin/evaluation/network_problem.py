"""Labelled clips as a problem: find the signs of a network that answers them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from evobin.augmentation import Crops, WholeClips, draw_crops
from evobin.checks import check_range
from evobin.clips import Clips
from evobin.config import AugmentConfig
from evobin.data import Dataset
from evobin.errors import SettingError
from evobin.evaluation.base import Population, Scores, Solution, Structure
from evobin.evaluation.flip_state import Batch, NetworkFlipState
from evobin.evaluation.moves import unit_indices
from evobin.network import Architecture, BinaryNetwork
from evobin.scores import selection_score


@dataclass(frozen=True, eq=False)
class NetworkProblem:
    """A network to be found for labelled clips.

    Selection looks at the validation clips, whole; search draws varied crops of the training
    clips. Nothing else is looked at. Where the architecture has clips of a fixed length, they need
    not be log-mel, and are taken whole and as they are.

    Attributes:
        architecture: the network's shape.
        train: clips that batches are drawn from.
        valid: clips that `score` answers for.
        augment: how crops are varied; for a fixed length as it is by default, or 0: it plays no
            part there.
        frames: length of a crop; plays no part for a fixed length.
        batch_size: clips in a drawn batch.
        n_threads: threads that `score` may use; no score depends on it.

    Raises:
        SettingError: if a label or a variation does not fit the architecture.
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
        for name, part in (("train", self.train), ("valid", self.valid)):
            for label in (int(part.labels.min()), int(part.labels.max())):
                check_range(f"{name}.labels", label, 0, self.architecture.n_classes - 1)
        for field in fields(self.augment):
            asked = getattr(self.augment, field.name) not in (0, field.default)
            if asked and self.architecture.frames is not None:
                raise SettingError(
                    f"`augment.{field.name}` varies log-mel of any length, but the architecture's "
                    "`frames` fixes the length, and clips are taken as they are; leave it out."
                )

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

        Each clip is looked at as it is and, unless its length is fixed, once more as a varied crop,
        so that what is selected does not hang on one room or microphone.
        """
        names = (
            np.array(self.valid.names)
            if self.valid.groups is None
            else self.valid.groups["speaker"].to_numpy(str)
        )
        every = np.unique(names)
        some = rng.choice(every, -(-len(every) // 2), replace=False)
        rows = np.flatnonzero(np.isin(names, some))
        plain = self.valid.subset(rows)
        if self.architecture.frames is not None:
            return replace(self, valid=plain)
        varied = self.crops(self.valid, rows, self.frames, rng).clips(self.valid.clips)
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

        Labels that no clip has are passed over, and each of the others has one at least.

        Args:
            rng: source of all randomness; advanced.
        """
        rows = []
        labels = np.unique(self.train.labels)
        share = max(1, self.batch_size // len(labels))
        for label in labels:
            members = np.flatnonzero(self.train.labels == label)
            rows.append(rng.choice(members, share, replace=share > len(members)))
        chosen = np.concatenate(rows)
        crops = self.crops(self.train, chosen, self.frames, rng)
        return Batch(crops.clips(self.train.clips), self.train.labels[chosen])

    def crops(
        self, dataset: Dataset, rows: NDArray[np.intp], frames: int, rng: np.random.Generator
    ) -> Crops | WholeClips:
        """Varied crops of some clips, or, where their length is fixed, the clips themselves.

        Args:
            dataset: training or validation clips.
            rows: [n] which of them.
            frames: length of a crop.
            rng: source of all randomness; advanced.
        """
        if self.architecture.frames is not None:
            return WholeClips(rows)
        return draw_crops(dataset.clips, rows, frames, self.augment, rng)

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
