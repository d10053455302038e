"""Small data sets for tests: in memory, and as tsv and npy files that a test can damage."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from evobin.algorithms import ALGORITHMS
from evobin.config import AugmentConfig, SearchConfig
from evobin.core.problem import (
    FlipState,
    IncrementalProblem,
    Population,
    SampledProblem,
    Scores,
    Solution,
)
from evobin.core.samples import Dataset, Samples
from evobin.core.stage import Stage
from evobin.data.splits import Splits
from evobin.drive.driver import Driver
from evobin.network.analysis.firing import firing_rates
from evobin.network.architecture import Architecture, ConvBlock
from evobin.network.binary import BinaryNetwork
from evobin.network.flips.state import NetworkFlipState
from evobin.network.presets import SPEAKER_SEX
from evobin.problems.network import NetworkProblem
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.results.evaluation import Evaluation
from evobin.results.run import USES
from evobin.results.search import SearchResult
from evobin.runs import RunFolder
from evobin.voices import Voices, VoicesSettings, synthesise

GENERAL = {name: kind for name, kind in ALGORITHMS.items() if not kind.needs}
"""The algorithms that need to know no more than scores, by name."""

GOLDEN = Path(__file__).parent / "golden"
GOLDEN_RESULT = GOLDEN / "result.txt"
TINY = Architecture(4, (ConvBlock(8, 3, 2), ConvBlock(8, 2)))


@dataclass(frozen=True)
class DataFolder:
    """A data set on disk."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "train.tsv"

    @property
    def features(self) -> Path:
        return self.root / "features"

    @property
    def groups(self) -> Path:
        return self.root / "speakers.tsv"

    @property
    def options(self) -> list[str]:
        """What the command line needs to read it, without the groups."""
        return ["--data", str(self.data), "--features", str(self.features)]

    def save(self, name: str, array: NDArray[Any]) -> Path:
        path = self.features / name
        np.save(path, array)
        return path

    def write(self, name: str, *rows: str) -> Path:
        """Writes a tsv file of these lines, blanks in them for tabs."""
        path = self.root / name
        path.write_text("".join(row.replace(" ", "\t") + "\n" for row in rows))
        return path


def random_folder(root: Path, n_in: int = 64, frames: int = 57, samples: int = 8) -> DataFolder:
    """Random samples c0.npy, c1.npy, ... of both labels; speakers s0, s1, ... of two samples."""
    folder = DataFolder(root)
    folder.features.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(samples):
        sample = rng.normal(-5.0, 3.0, (frames + i, n_in)).astype(np.float16)
        folder.save(f"c{i}.npy", sample)
    folder.write("train.tsv", *(f"c{i}.npy {i % 2}" for i in range(samples)))
    speakers = (f"c{i}.npy s{i // 4 * 2 + i % 2} r{i % 3}" for i in range(samples))
    folder.write("speakers.tsv", "file speaker room", *speakers)
    return folder


@cache
def small_voices() -> Voices:
    """Forty synthesised clips of twenty speakers."""
    return synthesise(0, VoicesSettings(12, 4, 4, clips_per_speaker=2))


def voices_folder(root: Path) -> DataFolder:
    """The small voices as files: everything in train.tsv, and part-train.tsv and so on."""
    folder, voices = DataFolder(root), small_voices()
    folder.features.mkdir(parents=True)
    for name, sample in zip(voices.names, voices.features, strict=True):
        folder.save(name, sample)
    table = voices.table.assign(label=voices.labels)
    lines = table["file"] + " " + table["label"].astype(str)
    folder.write("train.tsv", *lines)
    for part in ("train", "valid", "test"):
        folder.write(f"part-{part}.tsv", *lines[table["part"] == part])
    groups = table["file"] + " " + table["speaker"] + " " + table["room"]
    folder.write("speakers.tsv", "file speaker room", *groups)
    return folder


def sides_of(splits: Splits) -> dict[str, Dataset]:
    """The samples of a single fold, those outside of it, and the test part if there is one."""
    labelled, folds = splits.labelled, splits.folds
    assert len(folds) == 1
    sides = {"train": labelled.subset(folds.trained(0)), "valid": labelled.subset(folds.held(0))}
    return sides if splits.test is None else sides | {"test": splits.test}


def planted_dataset(n: int, seed: int, prefix: str = "c") -> Dataset:
    """Samples of width 4 with noise; where the label is 1, bands 0 and 1 rise for some frames."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int8) % 2
    samples = []
    for label in labels:
        sample = rng.normal(0.0, 1.0, (int(rng.integers(16, 24)), 4))
        sample[3:12, :2] += 3.0 * label
        samples.append(sample.astype(np.float32))
    speakers = pd.DataFrame({"speaker": [f"{prefix}{i}" for i in range(n)]})
    return Dataset(
        tuple(f"{prefix}{i}.npy" for i in range(n)), Samples.join(samples), labels, speakers
    )


def planted_problem(n_threads: int = 1) -> SampledNetworkProblem:
    """A problem that a tiny network can learn in a second."""
    augment = AugmentConfig(gain=0.1, equaliser=0.05)
    train, valid = planted_dataset(128, 1), planted_dataset(64, 2, "v")
    return SampledNetworkProblem(
        TINY, train, valid, augment, 14, batch_size=32, n_threads=n_threads
    )


DENSE = Architecture(12, (ConvBlock(24, 1), ConvBlock(16, 1)), n_classes=3, frames=1)


def classes_dataset(n: int, seed: int, prefix: str = "c") -> Dataset:
    """Vectors of 12 features around one centre a class, of 3, with noise."""
    rng, centres = np.random.default_rng(seed), np.random.default_rng(0).normal(0.0, 1.5, (3, 12))
    labels = np.arange(n, dtype=np.int8) % 3
    features = (centres[labels] + rng.normal(0.0, 1.0, (n, 12))).astype(np.float32)
    names = tuple(f"{prefix}{i}.npy" for i in range(n))
    return Dataset(names, Samples(features, np.arange(n + 1)), labels, None)


def classes_problem() -> SampledNetworkProblem:
    """Three classes of vectors, which a tiny dense network can learn in a second."""
    train, valid = classes_dataset(150, 1), classes_dataset(90, 2, "v")
    return SampledNetworkProblem(DENSE, train, valid, AugmentConfig(), 200, batch_size=32)


THREE_KINDS = "inputs = 6\nframes = 1\nclasses = 3\nlinear = [16, 8]\n"
"""A shape for the vectors of `three_kinds`, in TOML."""


def three_kinds(root: Path) -> NDArray[np.float64]:
    """Writes 90 vectors of three kinds as a data set, and network.toml, a shape for them.

    Returns:
        [90, 6] the vectors, of kinds 0, 1, 2, 0 and so on.
    """
    folder = DataFolder(root)
    folder.features.mkdir()
    rng, centres = np.random.default_rng(0), 3.0 * np.array([[1, 0], [0, 1], [-1, -1]])
    x: NDArray[np.float64] = rng.normal(np.tile(centres[np.arange(90) % 3], 3))
    for i, row in enumerate(x):
        folder.save(f"v{i:02}.npy", row)
    folder.write("train.tsv", *(f"v{i:02}.npy {i % 3}" for i in range(90)))
    (root / "network.toml").write_text(THREE_KINDS)
    return x


def signs_of_features(dataset: Dataset) -> Dataset:
    """The same samples, their features cut by sign, in int8."""
    signs = np.where(dataset.samples.frames > 0, 1, -1).astype(np.int8)
    return replace(dataset, samples=Samples(signs, dataset.samples.starts))


def binary_problem(problem: SampledNetworkProblem) -> SampledNetworkProblem:
    """The same problem with binary inputs."""
    return replace(
        problem,
        architecture=replace(problem.architecture, binary_inputs=True),
        train=signs_of_features(problem.train),
        valid=signs_of_features(problem.valid),
        augment=AugmentConfig(),
    )


@dataclass
class NoisyState(FlipState):
    """The score is a linear form, weights @ solution."""

    weights: NDArray[np.float64]
    signs: Solution

    @property
    def score(self) -> float:
        return float(self.weights @ self.signs)

    @property
    def solution(self) -> Solution:
        return self.signs.copy()

    def flip(self, index: int) -> None:
        self.signs[index] *= -1

    def gains(self) -> NDArray[np.float64]:
        return -2.0 * self.weights * self.signs


@dataclass
class NoisyBatch(IncrementalProblem):
    """What `NoisyProblem` looks like on a batch: the linear form of other weights."""

    weights: NDArray[np.float64]

    def __post_init__(self) -> None:
        self.n = len(self.weights)

    def score(self, population: Population) -> Scores:
        # one by one, as the state does it: a product of a matrix rounds otherwise
        return np.array([float(self.weights @ solution) for solution in population])

    def start(self, solution: Solution) -> NoisyState:
        return NoisyState(self.weights, solution.copy())


@dataclass
class NoisyProblem(SampledProblem):
    """No network: agree with the signs of `weights`, seen through the noise of a batch.

    A test can plant batches instead.
    """

    weights: NDArray[np.float64]
    batches: tuple[NDArray[np.float64], ...] = ()
    noise: float = 0.0
    drawn: int = 0

    def __post_init__(self) -> None:
        self.n = len(self.weights)

    def score(self, population: Population) -> Scores:
        return population @ self.weights

    def sample(self, rng: np.random.Generator) -> NoisyBatch:
        self.drawn += 1
        if self.batches:
            return NoisyBatch(self.batches[(self.drawn - 1) % len(self.batches)])
        return NoisyBatch(self.weights + self.noise * rng.normal(size=self.n))


def run(stage: Stage, driver: Driver | None = None) -> SearchResult:
    """All steps of a stage that are left, in this process unless a driver says otherwise."""
    return (driver or Driver()).run(stage)


def assert_equals_a_full_pass(state: NetworkFlipState) -> None:
    """The logits are those that the network gives the same samples."""
    network = BinaryNetwork(state.architecture, state.solution)
    np.testing.assert_array_equal(state.logits, network.logits(state.samples))


def rank_correlation(state: NetworkFlipState, indices: NDArray[np.intp]) -> float:
    """Of predicted and exact changes of score, over the flips that change it."""
    predicted, before = state.gains()[indices], state.score
    exact = np.empty(len(indices))
    for place, index in enumerate(indices.tolist()):
        state.flip(index)
        exact[place] = state.score - before
        state.flip(index)
    changed = np.flatnonzero(exact)
    assert len(changed) > 50
    ranks = [pd.Series(changes[changed]).rank() for changes in (predicted, exact)]
    return float(ranks[0].corr(ranks[1]))


def cells(text: str) -> list[list[str]]:
    """The rows of all printed tables: what stands between vertical lines."""
    rows = [[cell.strip() for cell in re.split("[│┃|]", line)[1:-1]] for line in text.splitlines()]
    return [row for row in rows if row]


def files_below(folder: Path) -> list[str]:
    """All files and folders below a folder, by relative path."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


LAYERS = ("conv1", "conv2", "conv3", "linear")


def history_rows(islands: int = 2, steps: int = 4) -> list[dict[str, Any]]:
    """The history of three stages, as a run keeps it: a row a step and start or island."""
    rng, rows, clock, best = np.random.default_rng(0), [], 0.0, 0.5
    for stage in ("ste", "population", "flips"):
        for step in range(1, steps + 1):
            clock += 7.5
            accuracies = 0.5 + 0.4 * rng.random(islands)
            best = max(best, *accuracies.tolist())
            for island, accuracy in enumerate(accuracies.tolist()):
                row: dict[str, Any] = {"stage": stage, "step": step, "island": island}
                row |= {"score": accuracy, "selection_accuracy": accuracy, "elapsed": clock}
                row |= {"best": best, "best_accuracy": best}
                if stage == "population":
                    row |= {"move": "mean"} | {f"differ_{name}": 0.05 for name in LAYERS}
                if stage == "flips":
                    row |= {"tried": 20, "accepted": 5}
                    row |= {f"tried_{name}": 5 for name in LAYERS}
                    row |= {f"accepted_{name}": i for i, name in enumerate(LAYERS)}
                rows.append(row)
    return rows


def finished_run(path: Path, seed: int = 0) -> Path:
    """The folder of a run that chose a random network for the small voices."""
    voices, parts, rates = small_voices(), {}, {}
    signs = np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), SPEAKER_SEX.n_weights)
    network = BinaryNetwork(SPEAKER_SEX, signs)
    for name in ("train", "valid", "test"):
        rows = np.flatnonzero(voices.table["part"] == name)
        dataset = Dataset(
            tuple(voices.names[row] for row in rows),
            Samples.join([voices.features[row] for row in rows]),
            voices.labels[rows],
            voices.table.iloc[rows][["speaker", "room"]].reset_index(drop=True),
        )
        parts[name] = Evaluation.of(network, dataset)
        rates[name] = firing_rates(network, dataset)
    with RunFolder.create(path) as folder:
        config = SearchConfig(seed=seed).plain()
        folder.write_config({"command": "search", "clips": "ab12"} | config)
        folder.write_history(history_rows())
        folder.write_result(signs)
        folder.write_table(
            "clips.csv", pd.concat([part.table(name) for name, part in parts.items()])
        )
        folder.write_table("channels.csv", pd.concat(rates, names=["part"]).reset_index("part"))
        summary = {name: part.summary() | {"use": USES[name]} for name, part in parts.items()}
        folder.write_summary({"note": "Synthesised voices.", "parts": summary})
    return path


def small_convolutions(seed: int) -> NetworkProblem:
    """A network of two convolutions on 20 samples of different lengths."""
    rng = np.random.default_rng(seed)
    shape = Architecture(3, (ConvBlock(4, 2, 2), ConvBlock(3, 2)))
    samples = [rng.normal(size=(int(rng.integers(10, 16)), 3)) for _ in range(20)]
    return NetworkProblem(shape, samples, np.arange(20) % 2)


FFMPEG = """#!{python}
import sys

import soundfile

given = sys.argv[sys.argv.index("-i") + 1].removeprefix("file:")
try:
    samples, rate = soundfile.read(given, always_2d=True)
except soundfile.LibsndfileError as error:
    sys.exit(error.error_string)
soundfile.write(sys.argv[-1].removeprefix("file:"), samples, rate, "FLOAT", format="W64")
"""


def stand_in_for_ffmpeg(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts a program first in the path that decodes as ffmpeg does, what libsndfile can decode."""
    folder.mkdir()
    program = folder / "ffmpeg"
    program.write_text(FFMPEG.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
