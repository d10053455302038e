"""Search and polish: from clips, or from a result file, to a better result file."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evobin import parallel
from evobin.checks import check_range
from evobin.commands.evaluate import Evaluation
from evobin.commands.voices import clip_mapper
from evobin.config import ExecutionConfig, PolishConfig, SearchConfig, SteConfig
from evobin.core.problem import Solution
from evobin.core.stage import Host, Observer, Outcome, Progress, Stage
from evobin.data.splits import Parts, load_parts, synthesised_parts
from evobin.drive.recorder import Job, Keeper, Stop, state_of, told_of
from evobin.errors import EvobinError, SettingError, WorkersError
from evobin.network.analysis.firing import firing_rates
from evobin.network.binary import BinaryNetwork
from evobin.problems.sampled_network import NetworkProblem
from evobin.runs import RESULT, Checkpoint, RunFolder, default_path
from evobin.training.flip_search import FlipSearch
from evobin.training.population import Refinement
from evobin.training.ste import Pretraining, begin, train_epoch

SCRATCH = ".workers"  # in the run folder: what workers exchange; does not outlive the run
USES = {
    "train": "trained on",
    "valid": "used to choose among candidates, so a little too high",
    "test": "looked at once, now",
    "before": "validation part, the file as it was",
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
        report: the page that shows the run; None where none was written.
    """

    folder: Path
    network: BinaryNetwork
    note: str
    parts: dict[str, Evaluation]
    start: Evaluation | None = None
    report: Path | None = None

    @property
    def result(self) -> Path:
        """The result file."""
        return self.folder / RESULT


def search(
    config: SearchConfig | None = None,
    observer: Observer | None = None,
    stop: Stop | None = None,
) -> RunResult:
    """Searches a binary network for labelled clips, or for synthesised voices without any.

    Straight-through training gives starts, population refinement and bit flips improve them; the
    candidate with the best accuracy on the validation clips and on varied crops of them is written.

    Args:
        config: data, seed, budgets; by default the embedded voices.
        observer: told after every step.
        stop: asked after every step; where it says yes, the run keeps all and raises Stopped.

    Raises:
        EvobinError: if the data, the run folder or the workers have problems.
        SettingError: if `ste.epochs` is 0: flips need a start.
        Stopped: if `stop` said so; `resume` goes on.
    """
    config = config or SearchConfig()
    if config.ste.epochs == 0:
        raise SettingError(
            "`ste.epochs` must be at least 1 for a search, but it is 0; polish starts from a file."
        )
    return _begin("search", config, None, observer, stop)


def polish(
    result: str | Path,
    config: PolishConfig | None = None,
    observer: Observer | None = None,
    stop: Stop | None = None,
) -> RunResult:
    """Improves an existing result file; never returns a worse one by validation score.

    Args:
        result: the file to start from; it is not changed.
        config: data, seed, budgets; by default the embedded voices.
        observer: told after every step.
        stop: as for `search`.

    Raises:
        EvobinError: if a file, the run folder or the workers have problems.
        Stopped: if `stop` said so; `resume` goes on.
    """
    config = config or PolishConfig()
    start = BinaryNetwork.load(result, config.architecture).signs
    return _begin("polish", config, start, observer, stop)


def resume(
    run: str | Path,
    execution: ExecutionConfig | None = None,
    observer: Observer | None = None,
    stop: Stop | None = None,
) -> RunResult:
    """Goes on with a run that did not finish, from its last checkpoint.

    It ends with the same result, byte for byte, as a run that was never interrupted, unless that
    was to end by the clock.

    Args:
        run: its folder.
        execution: who does the work; a run may go on with other workers than it began with.
        observer: told after every step.
        stop: as for `search`.

    Raises:
        EvobinError: if the folder holds no run that can go on, another process has it, or the
            clips are no longer those that the run began with.
        Stopped: if `stop` said so.
    """
    path, observer = Path(run), observer or Host().observer
    with RunFolder.open(path) as folder:
        kept, problem = folder.read_checkpoint()
        if problem:
            note = f"{problem} Going on from the checkpoint before it."
            observer(Progress("data", 0, 1, notes={"note": note}))
        job = _job_of(kept, path, execution or ExecutionConfig(), observer, stop)
        return _run(job, folder, kept)


def _job_of(
    kept: Checkpoint,
    path: Path,
    execution: ExecutionConfig,
    observer: Observer,
    stop: Stop | None,
) -> Job:
    """What a run was to do, by its checkpoint."""
    try:
        began, now = kept.plain["versions"]["evobin"], _versions()["evobin"]
        if began != now:
            raise EvobinError(
                f"{path}: was begun by evobin {began}, and this is {now}; resume it with that "
                "version, or start anew."
            )
        command = kept.plain["command"]
        kind = {"search": SearchConfig, "polish": PolishConfig}[command]
        chosen = {field.name: getattr(execution, field.name) for field in fields(ExecutionConfig)}
        config = kind.from_plain(kept.plain["config"] | chosen)
    except (KeyError, TypeError) as error:
        raise EvobinError(
            f"{path}: its checkpoint is not as evobin writes it ({error}); start anew."
        ) from error
    return Job(command, config, path, observer, stop)


def _begin(
    command: str,
    config: SearchConfig,
    start: Solution | None,
    observer: Observer | None,
    stop: Stop | None,
) -> RunResult:
    if config.architecture.frames is None:
        check_range("ste.frames", config.ste.frames, config.architecture.min_frames, 1_000_000)
    path = config.out or default_path(command)
    origin = Checkpoint({}, {} if start is None else {"start": start})
    return _run(Job(command, config, path, observer or Host().observer, stop), None, origin)


def _run(job: Job, folder: RunFolder | None, kept: Checkpoint) -> RunResult:
    """A whole run, or what is left of it.

    Args:
        job: what to do.
        folder: the run folder of a run to go on with; None makes a new one.
        kept: where to go on from; of a new run, only what a polish starts from.
    """
    config, observer = job.config, job.observer
    try:
        with ExitStack() as stack:
            stack.enter_context(parallel.one_blas_thread())
            if folder is None:
                folder = stack.enter_context(RunFolder.create(job.path))
            workers = stack.enter_context(parallel.Workers(config, job.path / SCRATCH))
            observer(Progress("data", 0, 1))
            parts = _parts(config, workers)
            observer(Progress("data", 1, 1, notes={"note": parts.note, "sizes": _sizes(parts)}))
            about = {"versions": _versions(), "clips": parts.fingerprint()}
            if kept.plain.get("clips", about["clips"]) != about["clips"]:
                raise EvobinError(
                    f"{job.path}: the clips are not those that the run began with; restore them, "
                    "or start anew."
                )
            problem = _problem(config, parts, kept.arrays.get("start"))
            keeper = Keeper(job, folder, kept, about, problem.n_scored)
            keeper.begin()
            workers.share(problem)
            try:
                outcome = _stages(problem, config, kept, keeper.host(workers.map))
            except WorkersError as error:
                keeper.keep_last()
                raise WorkersError(f"{error} {told_of(job.path)}.") from error
            folder.write_result(outcome.solution)
            done = _finish(folder, parts, problem, outcome, kept.arrays.get("start"))
            folder.remove_checkpoints()
            return _reported(done, observer) if config.report else done
    except KeyboardInterrupt:
        raise KeyboardInterrupt(told_of(job.path)) from None


def _parts(config: SearchConfig, workers: parallel.Workers) -> Parts:
    if config.data is None:
        return synthesised_parts(config.seed, clip_mapper(workers))
    return load_parts(config, config.architecture, config.seed)


def _sizes(parts: Parts) -> dict[str, int]:
    return {name: len(part) for name, part in parts.named.items()}


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("evobin", "numpy", "numba")}


def _problem(config: SearchConfig, parts: Parts, start: Solution | None) -> NetworkProblem:
    """What to maximise; a polish keeps to what is not worse than its start."""
    problem = NetworkProblem(
        config.architecture,
        parts.train,
        parts.valid,
        config.augment,
        frames=config.ste.frames,
        batch_size=config.flips.clips,
        n_threads=parallel.worker_count(config.n_jobs),
    ).with_views(np.random.default_rng(_seeds(config)["views"]))
    return problem if start is None else problem.guarded(start)


def _seeds(config: SearchConfig) -> dict[str, int]:
    """By what it is for, from the seed of the run."""
    uses = ("ste", "flips", "population", "views")
    words = np.random.SeedSequence(config.seed).generate_state(len(uses))
    return dict(zip(uses, words.tolist(), strict=True))


def _stages(problem: NetworkProblem, config: SearchConfig, kept: Checkpoint, host: Host) -> Outcome:
    """Training, population refinement and flips, as far as they are asked for and there is time."""
    seeds = _seeds(config)
    start = kept.arrays.get("start")
    if config.ste.epochs > 0 or config.population.rounds > 0:
        _compile_training(problem, config.ste, smooth=start is None)

    def make(name: str, begun: Outcome | None) -> Stage:
        if begun is None or name == Pretraining.name:
            return Pretraining(problem, config.ste, seeds["ste"], start)
        if name == FlipSearch.name or config.population.flips:
            _compile_flips(problem, begun.solution)
        if name == FlipSearch.name:
            return FlipSearch(problem, begun.solution, config.flips, seeds["flips"])
        return Refinement(problem, begun, config.population, seeds["population"])

    names = [Pretraining.name]
    names += [Refinement.name] * (config.population.rounds > 0)
    names += [FlipSearch.name] * (config.flips.rounds > 0)
    begun, state = None, state_of(kept)
    if state is not None:
        names = names[names.index(kept.plain["stage"]) :]
        begun = Outcome(state["best"], state["score"], ())
    for name in names:
        if begun is not None and state is None and host.is_over():
            break
        stage = make(name, begun)
        if state is not None:
            stage.load(state)
            state = None
        begun = host.run(stage)
    assert begun is not None  # there is at least one stage
    return begun


def _compile_training(problem: NetworkProblem, config: SteConfig, *, smooth: bool) -> None:
    """Compiles the kernels of training once, before workers would each do it."""
    few = problem.train.subset(np.arange(2))
    small = replace(problem, train=few, valid=few, varied=None, guard=None)
    short = replace(config, batch=2, epochs=2, smooth=0.5)
    training = begin(small, short, (0, 0), None)
    for epoch in (0, 1) if smooth and config.smooth_epochs else (1,):
        training = train_epoch(small, short, training, epoch).training


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
    rates = {
        name: firing_rates(network, part, problem.n_threads) for name, part in parts.named.items()
    }
    folder.write_channels(pd.concat(rates, names=["part"]).reset_index("part"))
    figures = {name: part.summary() | {"use": USES[name]} for name, part in answers.items()}
    summary: dict[str, Any] = {"note": parts.note, "parts": figures}
    before = None
    if start is not None:
        before = Evaluation.of(BinaryNetwork(problem.architecture, start), parts.valid)
        summary["before"] = before.summary() | {"use": USES["before"]}
    folder.write_summary(summary)
    return RunResult(folder.path, network, parts.note, answers, before)


def _reported(done: RunResult, observer: Observer) -> RunResult:
    """Writes the report of a run that is finished, or tells why there is none."""
    from evobin.report.page import write_report  # noqa: PLC0415  # matplotlib takes its time

    observer(Progress("report", 0, 1))
    try:
        done = replace(done, report=write_report([done.folder]))
        notes = {}
    except EvobinError as error:
        notes = {"note": f"There is no report: {error}"}
    observer(Progress("report", 1, 1, notes=notes))
    return done
