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
    from evobin import testing
    from evobin.algorithms.base import Algorithm
    from evobin.commands.diff import diff
    from evobin.commands.evaluate import evaluate
    from evobin.commands.export import export_network
    from evobin.commands.features import write_features
    from evobin.commands.import_ import import_network
    from evobin.commands.inspect import inspect
    from evobin.commands.polish import polish
    from evobin.commands.predict import predict
    from evobin.commands.resume import resume
    from evobin.commands.search import search
    from evobin.commands.voices import write_voices
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
    from evobin.core.problem import FlipState, IncrementalProblem, Problem, SampledProblem
    from evobin.core.stage import Progress
    from evobin.drive.maximize import maximize, minimize
    from evobin.errors import EvobinError, Stopped
    from evobin.network.architecture import WHOLE, Architecture, ConvBlock
    from evobin.network.binary import BinaryNetwork
    from evobin.network.blueprint import load_architecture
    from evobin.network.presets import SPEAKER_SEX
    from evobin.problems import QUBO, Ising, MaxSat, NetworkProblem, NKLandscape
    from evobin.report.page import write_report
    from evobin.results.search import EvaluationError, SearchResult

_HOMES = {
    "evobin.algorithms.base": "Algorithm",
    "evobin.commands.diff": "diff",
    "evobin.commands.evaluate": "evaluate",
    "evobin.commands.export": "export_network",
    "evobin.commands.features": "write_features",
    "evobin.commands.import_": "import_network",
    "evobin.commands.inspect": "inspect",
    "evobin.commands.polish": "polish",
    "evobin.commands.predict": "predict",
    "evobin.commands.resume": "resume",
    "evobin.commands.search": "search",
    "evobin.commands.voices": "write_voices",
    "evobin.config": "AugmentConfig ClipsConfig EvaluateConfig ExecutionConfig FeaturesConfig "
    "FlipConfig PolishConfig PopulationConfig SearchConfig SteConfig",
    "evobin.core.problem": "FlipState IncrementalProblem Problem SampledProblem",
    "evobin.core.stage": "Progress",
    "evobin.drive.maximize": "maximize minimize",
    "evobin.errors": "EvobinError Stopped",
    "evobin.network.architecture": "WHOLE Architecture ConvBlock",
    "evobin.network.binary": "BinaryNetwork",
    "evobin.network.blueprint": "load_architecture",
    "evobin.network.presets": "SPEAKER_SEX",
    "evobin.problems": "QUBO Ising MaxSat NKLandscape NetworkProblem",
    "evobin.report.page": "write_report",
    "evobin.results.search": "EvaluationError SearchResult",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "QUBO",
    "SPEAKER_SEX",
    "WHOLE",
    "Algorithm",
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
    "FlipState",
    "IncrementalProblem",
    "Ising",
    "MaxSat",
    "NKLandscape",
    "NetworkProblem",
    "PolishConfig",
    "PopulationConfig",
    "Problem",
    "Progress",
    "SampledProblem",
    "SearchConfig",
    "SearchResult",
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
    "testing",
    "write_features",
    "write_report",
    "write_voices",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("evobin")
    if name == "testing":
        return importlib.import_module("evobin.testing")
    if name not in _HOME:
        raise AttributeError(f"module 'evobin' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
