"""Goes on with a run that did not finish."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from evobin.commands.run import run_job, versions
from evobin.commands.solve import is_solve_run
from evobin.config import ExecutionConfig, PolishConfig, SearchConfig
from evobin.core.stage import Observer, Progress
from evobin.core.state import State
from evobin.drive.driver import ignore
from evobin.drive.recorder import Job, Stop
from evobin.errors import EvobinError
from evobin.results.run import RunResult
from evobin.runs import RunFolder


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
        observer: called after every step.
        stop: as for `search`.

    Raises:
        EvobinError: if the folder holds no run that can go on, another process has it, or the
            samples are no longer those that the run began with.
        Stopped: if `stop` said so.
    """
    path, observer = Path(run), observer or ignore
    if is_solve_run(path):
        raise EvobinError(f"{path}: is a run of `solve`; `resume_solve` goes on with it.")
    with RunFolder.open(path) as folder:
        kept, problem = folder.read_checkpoint()
        if problem:
            note = f"{problem} Going on from the checkpoint before it."
            observer(Progress("data", 0, 1, notes={"note": note}))
        job = _job_of(kept, path, execution or ExecutionConfig(), observer, stop)
        return run_job(job, folder, kept)


def _job_of(
    kept: State,
    path: Path,
    execution: ExecutionConfig,
    observer: Observer,
    stop: Stop | None,
) -> Job:
    """What a run was to do, by its checkpoint."""
    try:
        began, now = kept["versions"]["evobin"], versions()["evobin"]
        if began != now:
            raise EvobinError(
                f"{path}: was begun by evobin {began}, and this is {now}; resume it with that "
                "version, or start anew."
            )
        command = kept["command"]
        kind = {"search": SearchConfig, "polish": PolishConfig}[command]
        chosen = {field.name: getattr(execution, field.name) for field in fields(ExecutionConfig)}
        config = kind.from_plain(kept["config"] | chosen)
    except (KeyError, TypeError) as error:
        raise EvobinError(
            f"{path}: its checkpoint is not as evobin writes it ({error}); start anew."
        ) from error
    return Job(command, config, path, observer, stop)
