"""Clauses: what single flips change, in whole numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evobin.kernels.families import compiled

Ints = NDArray[np.int64]
Signs = NDArray[np.int8]


@compiled
def cost_changes(
    starts: Ints,
    owners: NDArray[np.int32],
    wants: NDArray[np.int8],
    weights: Ints,
    hard: NDArray[np.bool_],
    counts: NDArray[np.int32],
    signs: Signs,
    places: Ints,
) -> Ints:
    """[k, 2] int64: hard clauses broken, and weight of soft ones, more after each single flip.

    Args:
        starts: of `Clauses`, as all up to `hard`.
        owners: see there.
        wants: see there.
        weights: see there.
        hard: see there.
        counts: [m] int32, true literals of each clause.
        signs: [n] int8, the solution.
        places: [k] int64.
    """
    found = np.zeros((len(places), 2), np.int64)
    for j, i in enumerate(places):
        for k in range(starts[i], starts[i + 1]):
            c = owners[k]
            if wants[k] == signs[i]:
                change = 1 if counts[c] == 1 else 0
            else:
                change = -1 if counts[c] == 0 else 0
            if hard[c]:
                found[j, 0] += change
            else:
                found[j, 1] += change * weights[c]
    return found
