"""A model: a network with its encoder, the names of its classes, and how it came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evobin import files
from evobin.checks import check_number, check_shape
from evobin.config import Format
from evobin.core.calibration import COLDEST, HOTTEST, class_probabilities
from evobin.core.samples import Dataset, Samples
from evobin.core.scores import predictions
from evobin.data.arrays import BLOCK, matrix_of
from evobin.data.frames import in_order
from evobin.data.series import series_of
from evobin.errors import EvobinError
from evobin.interchange import exporting
from evobin.interchange.exporting import Exported
from evobin.lazy import is_frame
from evobin.models import container
from evobin.models.encoders import Encoder, encoded, encoded_dataset, inputs_of
from evobin.models.header import Header
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import SPEAKER_SEX, is_named

ENDING = ".evobin"
"""Of a model file's name, by custom."""
LONGEST = 1 << 28
"""Bytes of a model file: ten times what the largest network takes."""


class Model:
    """A network with all that it takes to use it, as a model file holds it.

    Args:
        network: the network.
        encoder: what makes signs of raw features, frame by frame, for a network with binary inputs;
            None if the network takes features as they are.
        classes: [n_classes] the label that each output stands for, different numbers or text; by
            default 0, 1, and so on. Copied.
        feature_names: of the raw features, all different; by default those that the encoder was
            fitted on. None if they have none.
        temperature: what logits are divided by for probabilities, from `temperature_of`; None if it
            is not known.
        report: how the network was trained, and how well on what: JSON values by name.

    Raises:
        ValueError: if one of them does not fit the network.

    Example:
        >>> import tempfile
        >>> from evobin.network.architecture import ConvBlock
        >>> network = BinaryNetwork(Architecture(3, (ConvBlock(2, 1),), frames=1), np.ones(11))
        >>> path = Path(tempfile.mkdtemp()) / "model.evobin"
        >>> Model(network, classes=["no", "yes"]).save(path)
        >>> model = load(path)
        >>> model.predict([[1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]]).tolist()
        ['yes', 'no']
        >>> model
        Model(linear1 2x3x1, linear2 1x2; classes 'no', 'yes')
    """

    def __init__(
        self,
        network: BinaryNetwork,
        *,
        encoder: Encoder | None = None,
        classes: ArrayLike | None = None,
        feature_names: Sequence[str] | None = None,
        temperature: float | None = None,
        report: Mapping[str, Any] | None = None,
    ) -> None:
        architecture = network.architecture
        if encoder is not None:
            encoder.check_fits(architecture)
        self.network, self.encoder = network, encoder
        self.classes = _checked_classes(classes, architecture.n_classes)
        known = None if encoder is None else encoder.feature_names
        self.feature_names = _checked_names(feature_names, self.n_features, known)
        if temperature is not None:
            check_number("temperature", temperature, COLDEST, HOTTEST)
        self.temperature = temperature
        self.report = dict(report or {})

    @property
    def n_features(self) -> int:
        """Raw features of a sample, or of a frame of it."""
        return self.network.architecture.n_in if self.encoder is None else self.encoder.n_features

    @property
    def inputs(self) -> Architecture:
        """A shape whose samples look as the model's do, raw; see `inputs_of`."""
        return inputs_of(self.network.architecture, self.encoder)

    def encoded(self, dataset: Dataset) -> Dataset:
        """A labelled data set of raw samples, as the network takes it."""
        return encoded_dataset(dataset, self.encoder)

    def predict(self, X: Any) -> NDArray[Any]:
        """The class of each sample: [samples], of `classes`.

        Args:
            X: [samples, features] finite real numbers where the network takes one frame; else
                [samples, t, features] or a list of [t, features]. Behind an encoder, a table with
                categories and missing values as it was fitted on. A table's columns are found by
                `feature_names`, in any order, where these are known. Not modified.

        Raises:
            ValueError: if X is not that.
        """
        predicted: NDArray[Any] = self.classes[predictions(self.decision_function(X))]
        return predicted

    def decision_function(self, X: Any) -> NDArray[np.int64]:
        """The network's exact outputs; arguments and errors as for `predict`.

        Returns:
            [samples] int64, above 0 for the second of two classes; of more classes
            [samples, n_classes], the largest for the predicted one.
        """
        if self.feature_names is not None and is_frame(X):
            X = in_order(X, self.feature_names)
        return outputs(self.network, self.encoder, X)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probability of each class; arguments and errors as for `predict`.

        That is sigmoid(logit / temperature) for the second of two classes, and of more
        softmax(logits / temperature). A search finds the temperature by maximum likelihood on its
        validation samples; it changes no prediction.

        Returns:
            [samples, n_classes] float64, in the order of `classes`.

        Raises:
            ValueError: also if the model has no temperature.
        """
        if self.temperature is None:
            raise ValueError(
                "the model has no `temperature`, without which there are no probabilities; a "
                "search or polish finds one and writes it into its model.evobin."
            )
        return class_probabilities(self.decision_function(X), self.temperature)

    def score(self, X: Any, y: ArrayLike) -> float:
        """Share of the samples whose predicted class is `y`.

        Raises:
            ValueError: as for `predict`, or if y has not as many labels.
        """
        predicted, labels = self.predict(X), np.asarray(y)
        check_shape("y", labels, predicted.shape)
        return float(np.mean(predicted == labels))

    def save(self, path: str | Path) -> None:
        """Writes the model file, atomically; the same model gives the same bytes.

        Raises:
            EvobinError: if it cannot be written.
            TypeError: if `report` holds what JSON has no notation for.
            ValueError: if it holds NaN or an infinity, or a class is neither a number nor text.
        """
        files.write_bytes(Path(path), self.to_bytes())

    def to_bytes(self) -> bytes:
        """The model file; errors as for `save`, but that of writing."""
        header = {"evobin": version("evobin"), **self.header.plain()}
        return container.to_bytes(header, self.network.signs)

    @property
    def header(self) -> Header:
        """All but the signs."""
        return Header(
            self.network.architecture,
            self.encoder,
            self.classes,
            self.feature_names,
            self.temperature,
            self.report,
        )

    @classmethod
    def of(cls, header: Header, signs: NDArray[np.int8]) -> Model:
        """What `header` and the network's signs make; ValueError if they do not fit."""
        return cls(
            BinaryNetwork(header.architecture, signs),
            encoder=header.encoder,
            classes=header.classes,
            feature_names=header.feature_names,
            temperature=header.temperature,
            report=header.report,
        )

    def export(self, out: str | Path, format: Format = "c") -> Exported:  # noqa: A002
        """Writes the network, with its encoder in front, for another program.

        It takes raw features in float32, and answers with the place of the class in `classes`.

        Args:
            out: the file to write, which must not be there yet.
            format: "c" (a C99 file, with its header beside it), "onnx" (a model) or, where there is
                no encoder, "torch" (a state dict).

        Returns:
            What was written.

        Raises:
            EvobinError: if a file cannot be written, the format needs a package that is not
                installed, or cannot hold the encoder.
            SettingError: if there is no such format.
        """
        return exporting.export(Path(out), format, self.network, self.encoder)

    def __repr__(self) -> str:
        layers = ", ".join(
            f"{layer.name} {'x'.join(map(str, layer.shape))}"
            for layer in self.network.architecture.layers
        )
        parts = [layers, "" if self.encoder is None else f"encoder of {self.n_features} features"]
        parts.append(f"classes {', '.join(map(repr, self.classes.tolist()))}")
        return f"Model({'; '.join(filter(None, parts))})"


def load(path: str | Path, architecture: Architecture = SPEAKER_SEX) -> Model:
    """Reads a model file, or a result file as the model of its network.

    Args:
        path: the file, of `Model.save`, `BinaryClassifier.save` or `evobin search`; or a result
            file.
        architecture: the shape of a result file's network. A model file has its own; any but the
            default must then be the same.

    Raises:
        EvobinError: if the file cannot be read, is damaged or of another version, or is of another
            architecture.
    """
    path = Path(path)
    if not is_model_file(path):
        return Model(BinaryNetwork.load(path, architecture))
    with files.reading(path):
        with path.open("rb") as file:
            raw = file.read(LONGEST + 1)
        if len(raw) > LONGEST:
            raise EvobinError(f"is longer than {LONGEST:,} bytes; name a model file.")
        model = from_bytes(raw)
    if is_named(architecture) and architecture != model.network.architecture:
        raise EvobinError(
            f"{path}: is a model of another architecture than the one that is named; leave "
            "--architecture out, since a model file has its own."
        )
    return model


def from_bytes(raw: bytes) -> Model:
    """The model in the bytes of a model file.

    Raises:
        EvobinError: as for `load`; the text lacks its subject, the file.
    """
    plain, bits = container.from_bytes(raw)
    header = Header.of(plain)
    n = header.architecture.n_weights
    if bits.dtype != np.uint8 or bits.shape != (-(-n // 8),):
        raise EvobinError(
            f"must hold the {n:,} signs of its network in {-(-n // 8):,} bytes, but it holds "
            f"{bits.dtype} of shape {list(bits.shape)}; write it again."
        )
    positive = np.unpackbits(bits, bitorder="little")
    if positive[n:].any():
        raise EvobinError(f"holds more than the {n:,} signs of its network; write it again.")
    try:
        return Model.of(header, np.where(positive[:n], np.int8(1), np.int8(-1)))
    except ValueError as error:
        raise EvobinError(str(error)) from error


def is_model_file(path: Path) -> bool:
    """Whether a file is meant to be a model file: by its ending, or by how it begins."""
    if path.suffix.lower() == ENDING:
        return True
    try:
        if not path.is_file():  # a pipe can be read once
            return False
        with path.open("rb") as file:
            return file.read(len(container.MAGIC)) == container.MAGIC
    except OSError:
        return False  # who reads it says why


def outputs(network: BinaryNetwork, encoder: Encoder | None, X: Any) -> NDArray[np.int64]:
    """The logits of raw samples; of single frames so many at a time that they need little memory.

    Args:
        network: of any shape.
        encoder: in front of it.
        X: [samples, features], an array or a table; where samples are not of one frame,
            [samples, t, features] or a list of [t, features]; or any in `Samples`, checked.

    Raises:
        ValueError: if X is not what the network or the encoder takes.
    """
    n_in = network.architecture.n_in
    if not isinstance(X, Samples) and network.architecture.frames != 1:
        n_features = n_in if encoder is None else encoder.n_features
        X = series_of("X", X, n_features, missing=encoder is not None)
    if isinstance(X, Samples):
        return network.logits(encoded(X, encoder))
    X = matrix_of("X", X, n_in) if encoder is None else encoder.numbers(X)
    step = max(1, BLOCK // n_in)
    logits = [
        network.logits(encoded(_vectors(X[first : first + step]), encoder))
        for first in range(0, len(X), step)
    ]
    return np.concatenate(logits)


def _vectors(X: NDArray[Any]) -> Samples:
    """Rows as samples of one frame."""
    dtype = np.float32 if np.can_cast(X.dtype, np.float32) else np.float64
    return Samples.of_rows(np.array(X, dtype, order="C"))


def _checked_classes(classes: ArrayLike | None, n_classes: int) -> NDArray[Any]:
    found = np.arange(n_classes) if classes is None else np.array(classes)
    check_shape("classes", found, (n_classes,))
    values = found.tolist()
    if len(set(values)) < n_classes:
        twice = next(value for value in values if values.count(value) > 1)
        raise ValueError(f"`classes` must be different, but {twice!r} is there twice.")
    found.setflags(write=False)
    return found


def _checked_names(
    names: Sequence[str] | None, n_features: int, known: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    if names is None:
        return known
    found = tuple(map(str, names))
    if len(found) != n_features:
        raise ValueError(
            f"`feature_names` must name the {n_features} features of a sample, but it has "
            f"{len(found)} names."
        )
    if len(set(found)) < len(found):
        twice = next(name for name in found if found.count(name) > 1)
        raise ValueError(f"`feature_names` must be different, but {twice!r} is there twice.")
    if known not in (None, found):
        raise ValueError("`feature_names` must be those of the encoder, but they are others.")
    return found
