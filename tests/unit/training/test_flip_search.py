"""Which flips are tried on fresh samples."""

from __future__ import annotations

import numpy as np

from evobin.core.problem import Structure
from evobin.training.flip_search import most_promising


def test_each_layer_has_its_share_of_the_flips_tried() -> None:
    layers = {"conv1": slice(0, 90), "conv2": slice(90, 98), "linear": slice(98, 100)}
    gains = np.concatenate([np.full(90, 5.0), np.full(8, 0.1), [0.01, -1.0]])
    tried = most_promising(gains, Structure(layers), 30)
    assert len(tried) == 30
    assert [int(((tried >= a.start) & (tried < a.stop)).sum()) for a in layers.values()] == [
        21,
        8,
        1,
    ]
    assert len(set(tried.tolist())) == 30
    assert 99 not in tried
