"""A run: the stages of a search or a polish, from labelled samples to a result file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version
from typing import NamedTuple

import numpy as np
import pandas as pd

from evobin import parallel
from evobin.checks import check_range
from evobin.commands.samples import meaning_for
from evobin.commands.voices import clip_maker
from evobin.config import EvaluateConfig, PolishConfig, SearchConfig
from evobin.config.data import HIDDEN
from evobin.core.objective import ObjectiveName
from evobin.core.problem import Solution
from evobin.core.samples import Dataset
from evobin.core.stage import Observer, Progress
from evobin.core.state import State
from evobin.data.dataset import load_dataset
from evobin.data.feature_files import LARGEST
from evobin.data.splits import LARGEST as TRAINED
from evobin.data.splits import Splits, load_splits, synthesised_splits
from evobin.data.table_splits import Usual, table_splits
from evobin.drive.budget import planned
from evobin.drive.driver import ignore
from evobin.drive.fold_problems import FoldProblems
from evobin.drive.folded import FoldedSearch, Standing
from evobin.drive.pipeline import SearchPlan
from evobin.drive.recorder import Job, RunRecorder, Stop, what_is_left
from evobin.errors import EvobinError, WorkersError
from evobin.models.encoders import Encoder, encoded_splits, inputs_of
from evobin.models.header import Header
from evobin.models.model import Model
from evobin.models.tables import TABLE
from evobin.network.analysis.firing import firing_rates
from evobin.network.architecture import MAX_FAN_IN, Architecture, ConvBlock
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import preset_of
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.results.evaluation import Evaluation
from evobin.results.plain import Json
from evobin.results.run import MODEL, RunResult
from evobin.runs import RunFolder, default_path

DECIDING = (
    "seed",
    "minutes",
    "folds",
    "refit",
    "valid_share",
    "test_share",
    "ste",
    "population",
    "flips",
    "augment",
)
"""The settings that decide a result, beside the samples and the network's shape."""
SCRATCH = ".workers"  # in the run folder: what workers exchange; does not outlive the run


def begin_run(
    command: str,
    config: SearchConfig,
    start: Model | None,
    observer: Observer | None,
    stop: Stop | None,
) -> RunResult:
    """A whole new run, of `search` or `polish`; `start` is the model that a polish starts from."""
    if config.architecture.frames is None and not config.is_table:
        check_range("ste.frames", config.ste.frames, config.architecture.min_frames, 1_000_000)
    path = config.out or default_path(command)
    origin: State = {}
    if start is not None:
        usual = Usual.of(start.report.get(TABLE))
        usual = usual._replace(drop=usual.not_features, constant=())  # of another table
        report = {TABLE: usual.plain()} if TABLE in start.report else {}
        origin = {"start": start.network.signs, "model": start.header.plain() | {"report": report}}
    return run_job(Job(command, config, path, observer or ignore, stop), None, origin)


class _Origin(NamedTuple):
    """What a run begins with: the signs that are polished, if any, and all of its model but signs.

    The report in it is how the network is trained.
    """

    start: Solution | None
    header: Header

    @classmethod
    def of(cls, config: SearchConfig, kept: State) -> _Origin:
        """What the command began with, as its checkpoints keep it."""
        plain = kept.get("model")  # not in checkpoints of old
        header = Header.bare(config.architecture) if plain is None else Header.of(plain)
        return cls(kept.get("start"), header)

    def reporting(self, job: Job, about: State) -> _Origin:
        """The same with the report of a job; what differs from machine to machine is left out."""
        settings = job.config.plain()
        report: dict[str, Json] = {
            "command": job.command,
            "settings": {name: settings[name] for name in DECIDING},
            "versions": about["versions"],
            "samples_sha256": about["clips"],
        }
        if job.config.is_table:
            usual = Usual.of(self.header.report.get(TABLE)).named(job.config)
            report[TABLE] = usual.plain()
        return self._replace(header=self.header._replace(report=report))


def run_job(job: Job, folder: RunFolder | None, kept: State) -> RunResult:
    """A whole run, in a new folder if there is none, or what is left of it after `kept`."""
    config, observer = job.config, job.observer
    try:
        with ExitStack() as stack:
            stack.enter_context(parallel.one_blas_thread())
            if folder is None:
                folder = stack.enter_context(RunFolder.create(job.path))
            workers = stack.enter_context(parallel.Workers(config, job.path / SCRATCH))
            observer(Progress("data", 0, 1))
            splits, fingerprint, job, kept = _loaded(job, kept, workers)
            config, origin = job.config, _Origin.of(job.config, kept)
            samples = preset_of(config.architecture).samples
            notes = {"note": splits.note, "sizes": splits.sizes, "unit": samples}
            observer(Progress("data", 1, 1, notes=notes))
            about = {"versions": versions(), "clips": fingerprint}
            if kept.get("clips", about["clips"]) != about["clips"]:
                raise EvobinError(
                    f"{job.path}: the {samples} are not those that the run began with; restore "
                    "them, or start anew."
                )
            problems, plan = _planned(config, splits, origin.start)
            recorder = RunRecorder(job, folder, kept, about)
            recorder.begin()
            workers.share(*problems.every)
            search = FoldedSearch(problems, plan, origin.start)
            try:
                standing = search.run(recorder.host(workers.map), kept)
            except WorkersError as error:
                recorder.keep_last()
                raise WorkersError(f"{error} {what_is_left(job.path)}.") from error
            folder.write_result(standing.handed_out)
            finished = _Finished(problems, standing, origin.reporting(job, about))
            done = finished.leave(folder, splits)
            folder.remove_checkpoints()
            return _reported(done, observer) if config.report else done
    except KeyboardInterrupt:
        raise KeyboardInterrupt(what_is_left(job.path)) from None


def versions() -> dict[str, str]:
    """Of what a result depends on, for the checkpoints."""
    return {name: version(name) for name in ("evobin", "numpy", "numba")}


class _Loaded(NamedTuple):
    """The samples as the network takes them, their fingerprint, and what follows for the run."""

    splits: Splits
    fingerprint: str
    job: Job
    kept: State


def _loaded(job: Job, kept: State, workers: parallel.Workers) -> _Loaded:
    """The samples; those of a new table decide the network's shape, and all of its model."""
    if job.config.is_table:
        return _of_table(job, kept)
    encoder = _Origin.of(job.config, kept).header.encoder
    raw = _of_files(job.config, encoder, workers)
    return _Loaded(encoded_splits(raw, encoder), raw.fingerprint(), job, kept)


def _of_table(job: Job, kept: State) -> _Loaded:
    config, plain = job.config, kept.get("model")
    meaning = None if plain is None else meaning_for(config.data, Header.of(plain))
    splits, meaning = table_splits(config, config.seed, meaning)
    if plain is not None:
        return _Loaded(splits, splits.fingerprint(), job, kept)
    widths = config.hidden or HIDDEN
    blocks = tuple(ConvBlock(width, 1) for width in widths)
    n_in, n_classes = meaning.n_inputs, len(meaning.classes)
    if n_in > MAX_FAN_IN:
        raise EvobinError(
            f"{config.data}: a network takes at most {MAX_FAN_IN:,} signs, but its columns become "
            f"{n_in:,}; lower --bits, or leave columns out with --drop."
        )
    shape = Architecture(n_in, blocks, n_classes, frames=1, binary_inputs=True)
    config = replace(config, architecture=shape, hidden=())
    report = {TABLE: meaning.usual.plain()}
    model = Header.bare(shape)._replace(
        encoder=meaning.encoder,
        classes=meaning.classes,
        feature_names=meaning.feature_names,
        report=report,
    )
    job, kept = replace(job, config=config), {**kept, "model": model.plain()}
    return _Loaded(splits, splits.fingerprint(), job, kept)


def _of_files(config: SearchConfig, encoder: Encoder | None, workers: parallel.Workers) -> Splits:
    """The samples of files or voices, as the user has them."""
    if config.data is None:
        return synthesised_splits(config, config.seed, clip_maker(workers))
    largest = TRAINED
    if encoder is not None:
        config = replace(config, architecture=inputs_of(config.architecture, encoder))
        largest = LARGEST
    splits = load_splits(config, config.seed, largest)
    if not isinstance(config, PolishConfig) or config.keep_data is None:
        return splits
    folder = config.keep_features or config.features
    where = EvaluateConfig(config.keep_data, folder, architecture=config.architecture)
    return splits.keeping(load_dataset(where, largest, one_class_ok=True))


def _planned(
    config: SearchConfig, splits: Splits, start: Solution | None
) -> tuple[FoldProblems, SearchPlan]:
    """What to maximise, and what the stages do; the sizes decide how long trainings are."""
    plan = SearchPlan.of(config)
    objective: ObjectiveName = "accuracy" if plan.is_trained(start) else "likelihood"

    def make(train: Dataset, valid: Dataset) -> SampledNetworkProblem:
        return SampledNetworkProblem(
            config.architecture,
            train,
            valid,
            config.augment,
            frames=config.ste.frames,
            batch_size=config.flips.clips,
            n_threads=parallel.worker_count(config.n_jobs),
            logit_width=config.ste.logit_width,
            objective=objective,
        )

    problems = FoldProblems.of(splits.labelled, splits.folds, make, refit=config.refit)
    return problems, replace(plan, ste=planned(config.ste, problems.every))


class _Finished(NamedTuple):
    """A search that has ended."""

    problems: FoldProblems
    standing: Standing
    origin: _Origin

    def leave(self, folder: RunFolder, splits: Splits) -> RunResult:
        """Evaluates the file that was written, not what was in memory, and writes all there is."""
        problems, standing, header = self.problems, self.standing, self.origin.header
        architecture, n_threads = problems.parts[0].architecture, problems.parts[0].n_threads
        network = BinaryNetwork.load(folder.result, architecture)
        if not np.array_equal(network.signs, standing.handed_out):
            raise RuntimeError(f"{folder.result} does not hold the signs that were found.")

        def of(solution: Solution, dataset: Dataset) -> Evaluation:
            return Evaluation.of(
                BinaryNetwork(architecture, solution), dataset, n_threads, header.classes
            )

        trained = problems.every[-1].train if problems.whole else problems.parts[0].train
        told = standing.told if problems.whole else [network.signs]
        held = [of(*pair) for pair in zip(told, (p.valid for p in problems.parts), strict=False)]
        parts = {"train": of(network.signs, trained), "valid": Evaluation.joined(held)}
        datasets = {"train": trained}
        if splits.test is not None:
            parts["test"] = of(network.signs, splits.test)
            datasets["test"] = splits.test
        done = RunResult(
            folder.path,
            network,
            splits.note,
            parts,
            None if self.origin.start is None else self._before(of),
            folds=len(problems.parts),
            refit=problems.whole is not None,
            verdicts=standing.verdicts,
            is_kept=self._is_kept,
        )
        tables = [part.table(name) for name, part in parts.items()]
        folder.write_table("clips.csv", pd.concat(tables))
        rates = {name: firing_rates(network, part, n_threads) for name, part in datasets.items()}
        folder.write_table("channels.csv", pd.concat(rates, names=["part"]).reset_index("part"))
        summary = done.summary()
        header = header._replace(
            temperature=parts["valid"].temperature, report=header.report | summary
        )
        Model.of(header, network.signs).save(folder.path / MODEL)
        folder.write_summary(summary)
        return done

    @property
    def _is_kept(self) -> bool:
        start = self.origin.start
        return start is not None and np.array_equal(start, self.standing.handed_out)

    def _before(self, of: Callable[[Solution, Dataset], Evaluation]) -> Evaluation:
        """What the file that is polished makes of the samples that folds hold out."""
        start = self.origin.start
        assert start is not None  # it is asked for a polish alone
        parts = self.problems.parts if self.problems.whole else self.problems.parts[:1]
        return Evaluation.joined([of(start, problem.valid) for problem in parts])


def _reported(done: RunResult, observer: Observer) -> RunResult:
    """Writes the report of a run that is finished, or says why there is none."""
    from evobin.report.page import write_report  # noqa: PLC0415  # matplotlib takes its time

    observer(Progress("report", 0, 1))
    try:
        done = replace(done, report=write_report([done.folder]))
        notes = {}
    except EvobinError as error:
        notes = {"note": f"There is no report: {error}"}
    observer(Progress("report", 1, 1, notes=notes))
    return done
