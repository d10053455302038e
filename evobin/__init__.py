"""Gradient-free search for binary networks: weights directly in {-1, +1}.

    import evobin

    run = evobin.search(evobin.SearchConfig())        # embedded voices, as `evobin search`
    better = evobin.polish(run.result)                # as `evobin polish`
    network = evobin.BinaryNetwork.load(better.result)
    labels = network.predict([features])              # features: [t, 64] log-mel

Names are imported when they are first used, so that `evobin --help` answers at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evobin.config import (
        AugmentConfig,
        EvaluateConfig,
        FlipConfig,
        PolishConfig,
        SearchConfig,
        SteConfig,
    )
    from evobin.errors import EvobinError
    from evobin.network import SPEAKER_SEX, Architecture, BinaryNetwork, ConvBlock
    from evobin.pipeline import evaluate, polish, predict, search, write_voices

_HOMES = {
    "evobin.config": (
        "AugmentConfig",
        "EvaluateConfig",
        "FlipConfig",
        "PolishConfig",
        "SearchConfig",
        "SteConfig",
    ),
    "evobin.errors": ("EvobinError",),
    "evobin.network": ("SPEAKER_SEX", "Architecture", "BinaryNetwork", "ConvBlock"),
    "evobin.pipeline": ("evaluate", "polish", "predict", "search", "write_voices"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "SPEAKER_SEX",
    "Architecture",
    "AugmentConfig",
    "BinaryNetwork",
    "ConvBlock",
    "EvaluateConfig",
    "EvobinError",
    "FlipConfig",
    "PolishConfig",
    "SearchConfig",
    "SteConfig",
    "evaluate",
    "polish",
    "predict",
    "search",
    "write_voices",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'evobin' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
