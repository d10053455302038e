"""What a network predicts for single files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evobin import files as on_disk
from evobin.audio.recordings import load_features, need_packages
from evobin.audio.sources import needs_ffmpeg
from evobin.core.samples import Samples
from evobin.core.scores import predictions
from evobin.data.corpus import Aside
from evobin.data.feature_files import load_sample
from evobin.errors import EvobinError, several
from evobin.models.model import load
from evobin.network.architecture import Architecture
from evobin.network.presets import SPEAKER_SEX, preset_of
from evobin.results.evaluation import Prediction


def predict(
    result: str | Path, files: Sequence[str | Path], architecture: Architecture = SPEAKER_SEX
) -> list[Prediction]:
    """Predicts labels for feature files and recordings, for all of them or none.

    Args:
        result: the model file, or result file.
        files: .npy files, [t, n_in], of raw features where the model has an encoder, and folders of
            such, which are searched with all below them; for the built-in network, whatever ends
            otherwise is decoded as a recording, of which the network sees what `write_features`
            would write.
        architecture: the shape of a result file's network; a model file has its own.

    Returns:
        One prediction a file, in their order, with the model's names for classes.

    Raises:
        EvobinError: if any file has problems; the first ten are named.
    """
    answers = list(predict_each(result, files, architecture))
    problems = [str(answer) for answer in answers if isinstance(answer, EvobinError)]
    if problems:
        raise several(f"{len(problems)} of {len(answers)} files have problems", problems)
    return [answer for answer in answers if isinstance(answer, Prediction)]


def predict_each(
    result: str | Path,
    files: Sequence[str | Path],
    architecture: Architecture = SPEAKER_SEX,
    aside: Aside | None = None,
) -> Iterator[Prediction | EvobinError]:
    """Predicts labels file by file, also where some have problems.

    The arguments are those of `predict`.

    Args:
        result: the model file, or result file.
        files: files and folders.
        architecture: the shape of a result file's network.
        aside: gets what is not taken of the folders.

    Yields:
        For each file in order a prediction, or what is wrong with it.

    Raises:
        EvobinError: if no file is named, the model file or result file has problems, or recordings
            are named while the packages that read them are not installed.
    """
    if not files:
        raise EvobinError("predict: no file is named; name at least one.")
    model = load(result, architecture)
    inputs = model.inputs
    takes_recordings = preset_of(inputs).takes_recordings
    found = list(_found(files, Aside() if aside is None else aside, takes_recordings))
    recordings = [file for file in found if isinstance(file, str) and not _is_features(file)]
    if recordings and takes_recordings:
        need_packages(recordings[0])  # once, not as a problem of each
    for file in found:
        try:
            if isinstance(file, EvobinError):
                raise file
            sample = _load(file, inputs)
        except EvobinError as error:
            yield error
        else:
            logits = model.decision_function(Samples.join([sample]))
            (label,) = model.classes[predictions(logits)].tolist()
            yield Prediction(file, label, tuple(logits.ravel().tolist()))


def _found(
    named: Sequence[str | Path], aside: Aside, takes_recordings: bool
) -> Iterator[str | EvobinError]:
    """The files, and those in folders; a problem for a folder that has none or cannot be read."""
    for name in map(str, named):
        folder = Path(name)
        if not folder.is_dir():
            yield name
            continue
        empty = True
        try:
            for path in on_disk.files_below(folder):
                if not takes_recordings and not _is_features(path):
                    aside.others.append(path.name)
                elif _is_features(path) or needs_ffmpeg(path) or aside.takes(path):
                    empty = False
                    yield str(path)
        except OSError as error:
            yield EvobinError(f"{name}: cannot be read ({error.strerror}); check it.")
            continue
        if empty:
            what = "no .npy files or recordings" if takes_recordings else "no .npy files"
            yield EvobinError(f"{name}: holds {what}; name another folder.")


def _load(file: str, architecture: Architecture) -> NDArray[np.floating]:
    path = Path(file)
    if _is_features(path):
        return load_sample(path, architecture)
    if not preset_of(architecture).takes_recordings:
        raise EvobinError(f"{file}: is no .npy file; only the built-in network takes recordings.")
    (features,) = load_features(path, architecture.min_frames)
    return features


def _is_features(path: str | Path) -> bool:
    return str(path).lower().endswith(".npy")
