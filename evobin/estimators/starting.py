"""What a fit goes on from: a model, or the signs in a result file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.core.problem import Solution
from evobin.errors import SettingError
from evobin.models.encoders import Encoder
from evobin.models.model import Model, is_model_file, load
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork


class Start:
    """Signs to go on from, and what is in front of them.

    Args:
        initial: a model, or the name of a model file or a result file.

    Raises:
        SettingError: if it is neither.
        EvobinError: if it is a model file that cannot be read.
    """

    def __init__(self, initial: Any) -> None:
        if not isinstance(initial, str | Path | Model):
            raise SettingError(
                "`initial` must be a Model or the name of a file, but it is of type "
                f"{type(initial).__name__}; of a fitted classifier, pass `model_`."
            )
        self._result: Path | None = None
        self._model: Model | None = None
        if isinstance(initial, Model):
            self._model = initial
        elif is_model_file(Path(initial)):
            self._model = load(initial)
        else:
            self._result = Path(initial)

    @property
    def encoder(self) -> Encoder | None:
        """What is in front of the network."""
        return None if self._model is None else self._model.encoder

    def signs(self, architecture: Architecture, classes: NDArray[Any]) -> Solution:
        """The signs, for a network of this shape.

        Args:
            architecture: of the fit.
            classes: [n_classes] of the fit, ascending; a result file knows none.

        Raises:
            SettingError: if shape or classes are others.
            EvobinError: if a result file cannot be read, or is of another length.
        """
        if self._model is None:
            assert self._result is not None  # one of the two is there
            return BinaryNetwork.load(self._result, architecture).signs
        network = self._model.network
        if network.architecture != architecture:
            raise SettingError(
                f"`initial` must have the shape of this fit, {_described(architecture)}, but it "
                f"has {_described(network.architecture)}; set `hidden`, `conv` and `encoder` as "
                "they were."
            )
        if not np.array_equal(self._model.classes, classes):
            raise SettingError(
                f"`initial` must have the classes of `y`, {classes.tolist()!s:.100}, but it has "
                f"{self._model.classes.tolist()!s:.100}."
            )
        return network.signs


def _described(architecture: Architecture) -> str:
    layers = (f"{layer.name} {'x'.join(map(str, layer.shape))}" for layer in architecture.layers)
    length = "" if architecture.frames == 1 else f" of {architecture.frames or 'any'} frames"
    return f"{', '.join(layers)} on {'signs' if architecture.binary_inputs else 'numbers'}{length}"
