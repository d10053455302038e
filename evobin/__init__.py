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
    from evobin import testing as testing
    from evobin.algorithms.base import Algorithm as Algorithm
    from evobin.commands.diff import diff as diff
    from evobin.commands.evaluate import evaluate as evaluate
    from evobin.commands.export import export_network as export_network
    from evobin.commands.features import write_features as write_features
    from evobin.commands.import_ import import_network as import_network
    from evobin.commands.inspect import inspect as inspect
    from evobin.commands.polish import polish as polish
    from evobin.commands.predict import predict as predict
    from evobin.commands.resume import resume as resume
    from evobin.commands.search import search as search
    from evobin.commands.solve import resume_solve as resume_solve
    from evobin.commands.solve import solve as solve
    from evobin.commands.voices import write_voices as write_voices
    from evobin.config import AugmentConfig as AugmentConfig
    from evobin.config import ClipsConfig as ClipsConfig
    from evobin.config import EvaluateConfig as EvaluateConfig
    from evobin.config import ExecutionConfig as ExecutionConfig
    from evobin.config import FeaturesConfig as FeaturesConfig
    from evobin.config import FlipConfig as FlipConfig
    from evobin.config import PolishConfig as PolishConfig
    from evobin.config import PopulationConfig as PopulationConfig
    from evobin.config import SearchConfig as SearchConfig
    from evobin.config import SolveConfig as SolveConfig
    from evobin.config import SteConfig as SteConfig
    from evobin.core.problem import FlipState as FlipState
    from evobin.core.problem import IncrementalProblem as IncrementalProblem
    from evobin.core.problem import Problem as Problem
    from evobin.core.problem import SampledProblem as SampledProblem
    from evobin.core.stage import Progress as Progress
    from evobin.data.encoder import TableEncoder as TableEncoder
    from evobin.drive.maximize import maximize as maximize
    from evobin.drive.maximize import minimize as minimize
    from evobin.errors import EvobinError as EvobinError
    from evobin.errors import Stopped as Stopped
    from evobin.estimators.classifier import BinaryClassifier as BinaryClassifier
    from evobin.models.model import Model as Model
    from evobin.models.model import load as load
    from evobin.network.architecture import WHOLE as WHOLE
    from evobin.network.architecture import Architecture as Architecture
    from evobin.network.architecture import ConvBlock as ConvBlock
    from evobin.network.binary import BinaryNetwork as BinaryNetwork
    from evobin.network.blueprint import load_architecture as load_architecture
    from evobin.network.presets import SPEAKER_SEX as SPEAKER_SEX
    from evobin.problems import QUBO as QUBO
    from evobin.problems import Ising as Ising
    from evobin.problems import MaxCut as MaxCut
    from evobin.problems import MaxSat as MaxSat
    from evobin.problems import NetworkProblem as NetworkProblem
    from evobin.problems import NKLandscape as NKLandscape
    from evobin.problems import Polynomial as Polynomial
    from evobin.problems import load_problem as load_problem
    from evobin.report.page import write_report as write_report
    from evobin.results.search import EvaluationError as EvaluationError
    from evobin.results.search import SearchResult as SearchResult

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
    "evobin.commands.solve": "resume_solve solve",
    "evobin.commands.voices": "write_voices",
    "evobin.config": "AugmentConfig ClipsConfig EvaluateConfig ExecutionConfig FeaturesConfig "
    "FlipConfig PolishConfig PopulationConfig SearchConfig SolveConfig SteConfig",
    "evobin.core.problem": "FlipState IncrementalProblem Problem SampledProblem",
    "evobin.core.stage": "Progress",
    "evobin.data.encoder": "TableEncoder",
    "evobin.drive.maximize": "maximize minimize",
    "evobin.errors": "EvobinError Stopped",
    "evobin.estimators.classifier": "BinaryClassifier",
    "evobin.models.model": "Model load",
    "evobin.network.architecture": "WHOLE Architecture ConvBlock",
    "evobin.network.binary": "BinaryNetwork",
    "evobin.network.blueprint": "load_architecture",
    "evobin.network.presets": "SPEAKER_SEX",
    "evobin.problems": "QUBO Ising MaxCut MaxSat NKLandscape NetworkProblem Polynomial "
    "load_problem",
    "evobin.report.page": "write_report",
    "evobin.results.search": "EvaluationError SearchResult",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}
__all__ = list(_HOME)


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
    return [*__all__, "testing", "__version__"]
