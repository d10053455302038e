r"""Search for binary networks: every weight directly in {-1, +1}.

The verbs of the command line are functions; networks answer in Python.

Example:
    Six random clips stand for recordings; real ones come as log-mel features, [t, 64].

    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import evobin
    >>> folder, rng = Path(tempfile.mkdtemp()), np.random.default_rng(0)
    >>> for name in "abcdef":
    ...     np.save(folder / f"{name}.npy", rng.normal(-5, 3, (80, 64)).astype(np.float16))
    >>> lines = [f"{name}.npy\t{label}\n" for name, label in zip("abcdef", "010101")]
    >>> _ = (folder / "train.tsv").write_text("".join(lines))

    >>> training, flips = evobin.SteConfig(starts=2, epochs=2), evobin.FlipConfig(1, clips=4)
    >>> relatives = evobin.PopulationConfig(rounds=1, epochs=1)
    >>> short = {"ste": training, "population": relatives, "flips": flips, "report": False}
    >>> where = {"data": folder / "train.tsv", "features": folder, "n_jobs": 1}
    >>> config = evobin.SearchConfig(**where, **short, out=folder / "run")
    >>> run = evobin.search(config)  # as `evobin search`
    >>> run.result.name, sorted(run.parts)
    ('result.txt', ['train', 'valid'])

    >>> config = evobin.PolishConfig(**where, **short, out=folder / "polished")
    >>> better = evobin.polish(run.result, config)  # as `evobin polish`
    >>> better.parts["valid"].right >= better.start.right
    True
    >>> evobin.write_report([run.folder, better.folder], folder / "both.html").name
    'both.html'

    >>> network = evobin.BinaryNetwork.load(better.result)
    >>> network.predict([np.load(folder / "a.npy")]).shape
    (1,)
    >>> evobin.predict(better.result, [folder / "a.npy"])[0].label in (0, 1)
    True
    >>> evobin.evaluate(better.result, evobin.EvaluateConfig(**where)).n
    6
    >>> evobin.inspect(better.result).layers["weights"].tolist()
    [73728, 147456, 147456, 128]
    >>> evobin.diff(run.result, run.result).layers["differ"].tolist()
    [0, 0, 0, 0]

Names are imported when they are first used, so that `evobin --help` answers at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evobin.blueprint import load_architecture
    from evobin.config import (
        AugmentConfig,
        ClipsConfig,
        EvaluateConfig,
        ExecutionConfig,
        FeaturesConfig,
        FlipConfig,
        PolishConfig,
        PopulationConfig,
        SearchConfig,
        SteConfig,
    )
    from evobin.errors import EvobinError, Stopped
    from evobin.network import SPEAKER_SEX, WHOLE, Architecture, BinaryNetwork, ConvBlock
    from evobin.optimisation import (
        EvaluationError,
        Found,
        maximize,
        minimize,
    )
    from evobin.pipeline import (
        diff,
        evaluate,
        export_network,
        import_network,
        inspect,
        polish,
        predict,
        resume,
        search,
        write_features,
        write_voices,
    )
    from evobin.problems import QUBO, Ising, MaxSat, NKLandscape
    from evobin.report.page import write_report

_HOMES = {
    "evobin.blueprint": ("load_architecture",),
    "evobin.config": (
        "AugmentConfig",
        "ClipsConfig",
        "EvaluateConfig",
        "ExecutionConfig",
        "FeaturesConfig",
        "FlipConfig",
        "PolishConfig",
        "PopulationConfig",
        "SearchConfig",
        "SteConfig",
    ),
    "evobin.errors": ("EvobinError", "Stopped"),
    "evobin.network": ("SPEAKER_SEX", "WHOLE", "Architecture", "BinaryNetwork", "ConvBlock"),
    "evobin.optimisation": (
        "EvaluationError",
        "Found",
        "maximize",
        "minimize",
    ),
    "evobin.pipeline": (
        "diff",
        "evaluate",
        "export_network",
        "import_network",
        "inspect",
        "polish",
        "predict",
        "resume",
        "search",
        "write_features",
        "write_voices",
    ),
    "evobin.problems": ("QUBO", "Ising", "MaxSat", "NKLandscape"),
    "evobin.report.page": ("write_report",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "QUBO",
    "SPEAKER_SEX",
    "WHOLE",
    "Architecture",
    "AugmentConfig",
    "BinaryNetwork",
    "ClipsConfig",
    "ConvBlock",
    "EvaluateConfig",
    "EvaluationError",
    "EvobinError",
    "ExecutionConfig",
    "FeaturesConfig",
    "FlipConfig",
    "Found",
    "Ising",
    "MaxSat",
    "NKLandscape",
    "PolishConfig",
    "PopulationConfig",
    "SearchConfig",
    "SteConfig",
    "Stopped",
    "diff",
    "evaluate",
    "export_network",
    "import_network",
    "inspect",
    "load_architecture",
    "maximize",
    "minimize",
    "polish",
    "predict",
    "resume",
    "search",
    "write_features",
    "write_report",
    "write_voices",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'evobin' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
