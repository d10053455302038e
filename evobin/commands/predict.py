"""What a network predicts for single files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evobin.audio.recordings import load_features, need_packages
from evobin.core.scores import predictions
from evobin.data.dataset import load_sample
from evobin.errors import EvobinError, several
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import SPEAKER_SEX, preset_of
from evobin.results.evaluation import Prediction


def predict(
    result: str | Path, files: Sequence[str | Path], architecture: Architecture = SPEAKER_SEX
) -> list[Prediction]:
    """Predicts labels for feature files and recordings, for all of them or none.

    Args:
        result: the result file.
        files: .npy files, [t, n_in]; for the built-in network, whatever ends otherwise is decoded
            as a recording, of which the network sees what `write_features` would write.
        architecture: the network's shape.

    Returns:
        One prediction a file, in their order.

    Raises:
        EvobinError: if any file has problems; the first ten are named.
    """
    if not files:
        raise EvobinError("predict: no file is named; name at least one.")
    network = BinaryNetwork.load(result, architecture)
    paths = [Path(file) for file in files]
    recordings = [path for path in paths if not _is_features(path)]
    if recordings and not preset_of(architecture).takes_recordings:
        raise EvobinError(
            f"{recordings[0]}: is no .npy file; only the built-in network takes recordings."
        )
    if recordings:
        need_packages(str(recordings[0]))  # once, not as a problem of each
    samples: list[NDArray[np.floating]] = []
    problems: list[str] = []
    for path in paths:
        try:
            if _is_features(path):
                samples.append(load_sample(path, architecture))
            else:
                samples += load_features(path, architecture.min_frames)
        except EvobinError as error:
            problems.append(str(error))
    if problems:
        raise several(f"{len(problems)} of {len(files)} files have problems", problems)
    logits = network.logits(samples)
    outputs = logits.reshape(len(logits), -1).tolist()
    return [
        Prediction(str(file), label, tuple(row))
        for file, label, row in zip(files, predictions(logits).tolist(), outputs, strict=True)
    ]


def _is_features(path: Path) -> bool:
    return path.suffix.lower() == ".npy"
