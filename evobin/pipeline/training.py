"""Search and polish: from clips, or from a result file, to a better result file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from evobin import files, parallel
from evobin.algorithms.base import Host, Observer, Outcome, Progress, Row
from evobin.algorithms.flips import local_search
from evobin.algorithms.population import refine
from evobin.algorithms.ste import begin, pretrain, train_epoch
from evobin.checks import check_range
from evobin.config import PolishConfig, SearchConfig
from evobin.errors import SettingError
from evobin.evaluation import NetworkProblem, Solution
from evobin.network import SPEAKER_SEX, BinaryNetwork
from evobin.pipeline.answers import Evaluation
from evobin.pipeline.parts import Parts, load_parts, synthesised_parts
from evobin.pipeline.voices import clip_mapper
from evobin.runs import RESULT, RunFolder, default_path
from evobin.scores import accuracy_of

SCRATCH = ".workers"  # in the run folder: what workers exchange; does not outlive the run
USES = {
    "train": "trained on",
    "valid": "used to choose among candidates, so a little too high",
    "test": "looked at once, now",
}


@dataclass(frozen=True, slots=True, eq=False)
class RunResult:
    """What a run leaves behind.

    Attributes:
        folder: the run folder.
        network: the network of its result file.
        note: how the clips were parted.
        parts: the network's answers by part: "train", "valid" and, if there is one, "test".
        start: answers to the validation clips of the file that was polished; None for a search.
    """

    folder: Path
    network: BinaryNetwork
    note: str
    parts: dict[str, Evaluation]
    start: Evaluation | None = None

    @property
    def result(self) -> Path:
        """The result file."""
        return self.folder / RESULT


def search(config: SearchConfig | None = None, observer: Observer | None = None) -> RunResult:
    """Searches a binary network for labelled clips, or for synthesised voices without any.

    Straight-through training gives starts, population refinement and bit flips improve them; the
    candidate with the best validation accuracy is written.

    Args:
        config: data, seed, budgets; by default the embedded voices.
        observer: told after every step.

    Raises:
        EvobinError: if the data or the run folder have problems.
        SettingError: if `ste.epochs` is 0: flips need a start.
    """
    config = config or SearchConfig()
    if config.ste.epochs == 0:
        raise SettingError(
            "`ste.epochs` must be at least 1 for a search, but it is 0; polish starts from a file."
        )
    return _run("search", config, observer, start=None)


def polish(
    result: str | Path, config: PolishConfig | None = None, observer: Observer | None = None
) -> RunResult:
    """Improves an existing result file; never returns a worse one by validation score.

    Args:
        result: the file to start from; it is not changed.
        config: data, seed, budgets; by default the embedded voices.
        observer: told after every step.

    Raises:
        EvobinError: if a file or the run folder has problems.
    """
    start = BinaryNetwork.load(result).signs
    return _run("polish", config or PolishConfig(), observer, start)


def _run(
    command: str, config: SearchConfig, observer: Observer | None, start: Solution | None
) -> RunResult:
    observer, is_over = observer or Host().observer, _deadline(config.minutes)
    check_range("ste.frames", config.ste.frames, SPEAKER_SEX.min_frames, 1_000_000)
    path = config.out or default_path(command)
    files.check_output_folder(path)
    try:
        with parallel.one_blas_thread(), parallel.Workers(config.n_jobs, path / SCRATCH) as workers:
            observer(Progress("data", 0, 1))
            parts = _parts(config, workers)
            observer(Progress("data", 1, 1, notes={"note": parts.note, "sizes": _sizes(parts)}))
            folder = RunFolder(path)
            folder.write_config(command, config, _versions())
            problem = _problem(config, parts)
            recorder = _Recorder(folder, len(parts.valid), observer)
            outcome = _stages(problem, config, start, Host(workers.map, recorder, is_over))
            folder.write_result(outcome.solution)
            return _finish(folder, parts, problem, outcome, start)
    except KeyboardInterrupt:
        kept = path / RESULT
        told = f"{kept} holds the best so far" if kept.exists() else "there is no result yet"
        raise KeyboardInterrupt(told) from None


def _parts(config: SearchConfig, workers: parallel.Workers) -> Parts:
    if config.data is None:
        return synthesised_parts(config.seed, clip_mapper(workers))
    return load_parts(config, SPEAKER_SEX, config.seed)


def _sizes(parts: Parts) -> dict[str, int]:
    return {name: len(part) for name, part in parts.named.items()}


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("evobin", "numpy", "numba")}


def _problem(config: SearchConfig, parts: Parts) -> NetworkProblem:
    return NetworkProblem(
        SPEAKER_SEX,
        parts.train,
        parts.valid,
        config.augment,
        frames=config.ste.frames,
        batch_size=config.flips.clips,
        n_threads=parallel.worker_count(config.n_jobs),
    )


def _deadline(minutes: float | None) -> Callable[[], bool]:
    """Says whether so much time has passed since now."""
    end = np.inf if minutes is None else time.monotonic() + 60.0 * minutes
    return lambda: time.monotonic() >= end


class _Recorder:
    """An observer that also keeps the history, and writes each new best when it is found."""

    def __init__(self, folder: RunFolder, n_valid: int, observer: Observer) -> None:
        self._folder = folder
        self._n_valid = n_valid
        self._observer = observer
        self._began = time.monotonic()
        self._history: list[Row] = []

    def __call__(self, progress: Progress) -> None:
        if progress.best is not None:
            self._folder.write_result(progress.best)
        told = {
            "elapsed": round(time.monotonic() - self._began, 3),
            "best": progress.score,
            "best_accuracy": accuracy_of(progress.score, self._n_valid),
        }
        rows = [
            row | {"valid_accuracy": accuracy_of(row["score"], self._n_valid)} | told
            for row in progress.rows
        ]
        self._history += rows
        self._folder.write_history(self._history)
        self._observer(replace(progress, rows=tuple(rows)))


def _stages(
    problem: NetworkProblem,
    config: SearchConfig,
    start: Solution | None,
    host: Host,
) -> Outcome:
    """Training, population refinement and flips, as far as they are asked for and there is time."""
    seeds = [int(word) for word in np.random.SeedSequence(config.seed).generate_state(3)]
    if config.ste.epochs > 0 or config.population.rounds > 0:
        _compile_training(problem, config)
    outcome = pretrain(problem, config.ste, seeds[0], start, host)
    if config.flips.rounds > 0 or config.population.flips:
        _compile_flips(problem, outcome.solution)
    if config.population.rounds > 0 and not host.is_over():
        outcome = refine(problem, outcome, config.population, seeds[2], host)
    if config.flips.rounds > 0 and not host.is_over():
        outcome = local_search(problem, outcome.solution, config.flips, seeds[1], host)
    return outcome


def _compile_training(problem: NetworkProblem, config: SearchConfig) -> None:
    """Compiles the kernels of training once, before workers would each do it."""
    few = problem.train.subset(np.arange(2))
    short = replace(config.ste, batch=2)
    begun = begin(problem, short, (0, 0), None)
    train_epoch(replace(problem, train=few, valid=few), short, begun, 0)


def _compile_flips(problem: NetworkProblem, solution: Solution) -> None:
    """Compiles the kernels of flips once, before workers would each do it."""
    small = replace(problem, batch_size=2)
    small.start(solution, small.draw(np.random.default_rng(0))).warm_up()


def _finish(
    folder: RunFolder,
    parts: Parts,
    problem: NetworkProblem,
    outcome: Outcome,
    start: Solution | None,
) -> RunResult:
    """Evaluates the file that was written, not what was in memory."""
    network = BinaryNetwork.load(folder.result, problem.architecture)
    score = float(problem.score(network.signs[None])[0])
    if score != outcome.score:
        raise RuntimeError(f"the written file scores {score}, the search reported {outcome.score}.")
    answers = {
        name: Evaluation.of(network, part, problem.n_threads) for name, part in parts.named.items()
    }
    folder.write_clips(pd.concat([part.table(name) for name, part in answers.items()]))
    summary = {name: part.summary() | {"use": USES[name]} for name, part in answers.items()}
    folder.write_summary({"note": parts.note, "parts": summary})
    before = None
    if start is not None:
        before = Evaluation.of(BinaryNetwork(problem.architecture, start), parts.valid)
    return RunResult(folder.path, network, parts.note, answers, before)
