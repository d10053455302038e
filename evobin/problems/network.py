"""Labelled samples as a problem: the signs of a network that gets them right."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from itertools import pairwise
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evobin.checks import check_choice, check_shape
from evobin.core.compiled import CompiledProblem
from evobin.core.objective import ObjectiveName, objective_of, width_of
from evobin.core.problem import FlipState, Population, Scores, Solution, Structure
from evobin.core.samples import Samples
from evobin.errors import SettingError
from evobin.kernels import dense
from evobin.kernels.convolution import ConvolutionBox
from evobin.kernels.dense import DenseBox
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork
from evobin.network.flips.batch import Batch, check_batch, rounded
from evobin.network.flips.convolution import (
    LARGEST_BOX,
    Layout,
    box_bytes,
    convolution_box,
    layout_of,
)
from evobin.network.flips.dense import Columns, columns_of, dense_box, is_dense
from evobin.network.flips.heads import Head, logit_width_of
from evobin.network.flips.state import NetworkFlipState


class NetworkProblem(CompiledProblem):
    """A network to be found for labelled samples, all of which its score looks at.

    The score is the mean log-likelihood of the labels, in nats a sample: a logistic function of the
    logit is the probability of label 1; of more than two classes, the softmax of the logits. Or it
    is the expected accuracy, the mean of the labels' probabilities, which with a narrow width is
    nearly the share of samples that are right. The first leads from random signs to a network, the
    second from a trained network to a better one. Both are of the training samples: for a figure
    that means something, predict others.

    Features are rounded to multiples of a power of two so small that float32 still holds them (see
    `NetworkFlipState`), once, for search and score alike, so that both agree to the last bit. Walks
    are compiled (see `kernels.dense` and `kernels.convolution`), and what each sample is worth is
    rounded as well, to less than 1e-12 of the mean. Where a network has convolutions and what
    follows from all samples needs more than 1 GiB, walks go by `NetworkFlipState`, and likelihoods
    are not rounded. Binary inputs are held in int8.

    Args:
        architecture: the network's shape.
        X: [samples, features] for a network of one frame a sample, else [samples, frames, features]
            or a list of [frames, features]; finite real numbers, -1 and +1 where the architecture
            has `binary_inputs`. Not modified.
        y: [samples] whole numbers, 0 to `architecture.n_classes` - 1. Not modified.
        objective: "likelihood" or "accuracy", what the score is; the second wants walks that are
            compiled.
        logit_width: probabilities are those of logits / width, from 0.25; None for the width that
            `default_logit_width` has for the shape, and a quarter of that for "accuracy".
        n_threads: threads that `score` may use; no score depends on it.

    Raises:
        SettingError: if the objective or the width is none, or cannot be had for the samples.
        ValueError: if X or y is not that, or does not fit the architecture.

    Example:
        >>> from evobin import Architecture, ConvBlock, maximize
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(200, 8))
        >>> y = (X[:, 0] + X[:, 1] > 0).astype(int)
        >>> problem = NetworkProblem(Architecture(8, (ConvBlock(8, 1),), frames=1), X, y)
        >>> found = maximize(problem, algorithm="annealing", max_evaluations=5_000)
        >>> bool((problem.network(found.solution).predict(list(X[:, None])) == y).mean() > 0.9)
        True
    """

    keeps_gains = False

    def __init__(  # noqa: PLR0913  # all but three have a default
        self,
        architecture: Architecture,
        X: ArrayLike | Sequence[ArrayLike] | Samples,  # noqa: N803  # the field's name
        y: ArrayLike,
        *,
        objective: ObjectiveName = "likelihood",
        logit_width: float | None = None,
        n_threads: int = 1,
    ) -> None:
        check_choice("objective", objective, get_args(ObjectiveName))
        samples = X if isinstance(X, Samples) else _samples_of(architecture, X)
        labels = _labels_of(y, len(samples), architecture.n_classes)
        self.architecture, self.n = architecture, architecture.n_weights
        width = logit_width_of(architecture, logit_width)
        self.objective = objective
        self.logit_width = width_of(objective, width) if logit_width is None else width
        self.batch = Batch(samples, labels)
        self.n_threads = n_threads
        check_batch(architecture, self.batch)
        self._rounded: Samples | None = None
        self._columns: Columns | None = None
        self._layout: Layout | None = None
        self._check_objective()
        n_hidden, n_logits = architecture.n_hidden, architecture.n_logits
        self._objective = objective_of(objective, n_hidden, n_logits, len(labels), self.logit_width)

    @property
    def structure(self) -> Structure:
        """Layers and hidden units."""
        return structure_of(self.architecture)

    def network(self, solution: Solution) -> BinaryNetwork:
        """The network of a solution.

        Raises:
            ValueError: if `solution` is not [n] of -1 and +1.
        """
        return BinaryNetwork(self.architecture, solution)

    def score(self, population: Population) -> Scores:
        """As in `Problem`; a ValueError if a solution is none."""
        check_shape("population", population, (None, self.n))
        return np.array([self._score(solution) for solution in population], np.float64)

    def _score(self, solution: Solution) -> float:
        logits = self._logits(solution)
        if not self.is_compiled:
            head = Head.of(self.architecture.layers[-1], solution, self.logit_width)
            return head.mean(self.batch.labels, logits)
        by_logit = logits.T.astype(np.int32, order="C")
        values = dense.values_of_all(self._objective, by_logit, self.batch.labels)
        return float(values.sum() * self._objective.scale[1])

    def _logits(self, solution: Solution) -> NDArray[np.int64]:
        """[samples, n_logits], of the rounded samples."""
        if self._rounded is None:
            self._rounded = rounded(self.architecture, self.batch.samples)
        logits = self.network(solution).logits(self._rounded, self.n_threads)
        return logits.reshape(len(logits), -1)

    def start(self, solution: Solution) -> FlipState:
        """As in `IncrementalProblem`; a ValueError if `solution` is not [n] of -1 and +1."""
        if not self.is_compiled:
            return NetworkFlipState(self.architecture, solution, self.batch, self.logit_width)
        return super().start(solution)

    @cached_property
    def is_compiled(self) -> bool:
        """Whether walks on it are: else the layout of its samples would take too much memory."""
        return compiles(self.architecture, self.batch.samples)

    def _check_objective(self) -> None:
        if self.objective != "likelihood" and not self.is_compiled:
            raise SettingError(
                '`objective` must be "likelihood" where what follows from all samples needs more '
                "than 1 GiB; use that, or fewer samples."
            )

    def box(self, signs: Solution) -> DenseBox | ConvolutionBox:
        """As in `CompiledProblem`."""
        if not is_dense(self.architecture):
            if self._layout is None:
                self._layout = layout_of(self.architecture, self.batch.samples)
            return convolution_box(
                self.architecture, signs, self._layout, self.batch.labels, self._objective
            )
        if self._columns is None:
            self._columns = columns_of(self.architecture, self.batch.samples)
        return dense_box(
            self.architecture, signs, self._columns, self.batch.labels, self._objective
        )


def compiles(architecture: Architecture, samples: Samples) -> bool:
    """Whether walks on all of the samples are compiled: what follows from these fits memory."""
    return is_dense(architecture) or box_bytes(architecture, samples) <= LARGEST_BOX


class NetworkBatch(NetworkProblem):
    """The same, by a flip state that predicts gains and moves several signs, for stages.

    Its objective is "likelihood".
    """

    def _score(self, solution: Solution) -> float:
        head = Head.of(self.architecture.layers[-1], solution, self.logit_width)
        return head.mean(self.batch.labels, self._logits(solution))

    def start(self, solution: Solution) -> NetworkFlipState:
        """As in `IncrementalProblem`; a ValueError if `solution` is not [n] of -1 and +1."""
        return NetworkFlipState(self.architecture, solution, self.batch, self.logit_width)


def _samples_of(architecture: Architecture, given: Any) -> Samples:
    """Samples of one frame from a matrix, or of several from a list of matrices."""
    dtype = np.int8 if architecture.binary_inputs else None
    if not isinstance(given, list | tuple):
        given = np.asarray(given)
    if not len(given):
        raise ValueError("`X` must hold at least one sample, but it is empty.")
    if isinstance(given, np.ndarray) and given.ndim == 2:
        if architecture.frames != 1:
            raise ValueError(
                "`X` must be a list of [frames, features] for this architecture, but it is one "
                f"matrix, {list(given.shape)}; only a network of `frames` = 1 takes that."
            )
        _check_matrix("X", given, architecture)
        return Samples.of_rows(Samples.join([given], dtype).frames)
    matrices = [np.atleast_2d(sample) for sample in given]
    for place, matrix in enumerate(matrices):
        _check_matrix(f"X[{place}]", matrix, architecture)
    return Samples.join(matrices, dtype)


def _check_matrix(name: str, matrix: NDArray[Any], architecture: Architecture) -> None:
    check_shape(name, matrix, (None, architecture.n_in))
    if matrix.dtype.kind not in "biuf":
        raise ValueError(f"`{name}` must hold real numbers, but it holds {matrix.dtype}.")
    wrong = np.argwhere(~np.isfinite(matrix))
    if len(wrong):
        place = wrong[0].tolist()
        raise ValueError(
            f"`{name}` must be finite, but it holds {matrix[tuple(place)]} at {place}; "
            "fill it in or leave the sample out."
        )
    wrong = np.argwhere(np.abs(matrix) != 1) if architecture.binary_inputs else wrong
    if len(wrong):
        place = wrong[0].tolist()
        raise ValueError(
            f"`{name}` must hold only -1 and +1 for binary inputs, but it holds "
            f"{matrix[tuple(place)]} at {place}; binarise it first."
        )


def _labels_of(given: ArrayLike, n: int, n_classes: int) -> NDArray[np.int8]:
    labels = np.asarray(given)
    check_shape("y", labels, (n,))
    if labels.dtype.kind not in "biuf":
        raise ValueError(
            f"`y` must hold whole numbers from 0, but it holds {labels.dtype}; number the classes."
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= n_classes) | (labels != np.rint(labels)))
    if len(wrong):
        raise ValueError(
            f"`y` must hold whole numbers from 0 to {n_classes - 1}, but it holds "
            f"{labels[wrong[0]]} at index {wrong[0]}; number the classes from 0."
        )
    return labels.astype(np.int8)


@cache
def structure_of(architecture: Architecture) -> Structure:
    """Layers and hidden units of a network."""
    layers = {layer.name: slice(layer.start, layer.stop) for layer in architecture.layers}
    places = np.arange(architecture.n_weights)
    units = []
    for layer, following in pairwise(architecture.layers):
        parts = layer.weights(places), layer.bias(places), following.weights(places).swapaxes(0, 1)
        units.append([np.concatenate(unit, axis=None) for unit in zip(*parts, strict=True)])
    return Structure(layers, units)
