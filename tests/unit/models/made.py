"""Models that tests are about."""

from __future__ import annotations

from typing import Any

import numpy as np

from evobin import BinaryNetwork, Model, TableEncoder
from evobin.network.architecture import Architecture, ConvBlock


def encoded_model(n_classes: int = 3, n_features: int = 4, **more: Any) -> tuple[Model, Any]:
    """A random network behind a fitted encoder, and samples of 200 rows."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, n_features)) * 10.0 ** np.arange(n_features)
    encoder = TableEncoder(5).fit(x)
    architecture = Architecture(
        encoder.n_signs, (ConvBlock(8, 1),), n_classes, frames=1, binary_inputs=True
    )
    signs = rng.choice(np.array([-1, 1], np.int8), architecture.n_weights)
    return Model(BinaryNetwork(architecture, signs), encoder=encoder, **more), x


def named_model() -> tuple[Model, Any]:
    return encoded_model(
        classes=["ä", "b", "c"],
        feature_names=["length", "width", "\N{GREEK SMALL LETTER MU}", "n, m"],
        temperature=2.5,
        report={"command": "fit", "parts": {"valid": {"accuracy": 0.5}}},
    )
