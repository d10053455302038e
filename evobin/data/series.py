"""Series of frames that a user passes: an array, or a list of them where lengths differ."""

from __future__ import annotations

from typing import Any

import numpy as np

from evobin.core.samples import Samples
from evobin.data.arrays import Matrix, matrix_of


def series_of(
    name: str, values: Any, n_features: int | None = None, *, missing: bool = False
) -> Samples:
    """Samples of several frames each, copied into one array.

    Args:
        name: of the argument.
        values: [samples, frames, features] real numbers, or a list of [frames, features]; not
            modified.
        n_features: features that a frame must have; any number if None.
        missing: whether NaN may be there, which stands for a missing value.

    Raises:
        ValueError: if it is not that, or holds what is not finite; names the sample.

    Example:
        >>> series_of("X", [np.zeros((5, 2)), np.ones((3, 2))]).lengths.tolist()
        [5, 3]
    """
    if not isinstance(values, list | tuple):
        values = np.asarray(values)
        if values.ndim != 3 and values.dtype.kind != "O":
            raise ValueError(
                f"`{name}` must have shape [samples, frames, features], or be a list of "
                f"[frames, features], but it has shape {list(values.shape)}."
            )
    if not len(values):
        raise ValueError(f"`{name}` must hold at least one sample, but it is empty.")
    matrices = list[Matrix]()
    for place, one in enumerate(values):
        matrices.append(matrix_of(f"{name}[{place}]", one, n_features, missing))
        n_features = matrices[0].shape[1]
    return Samples.join(matrices)
