"""Improves a model file or result file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evobin.commands.run import begin_run
from evobin.config import PolishConfig
from evobin.core.stage import Observer
from evobin.drive.recorder import Stop
from evobin.errors import SettingError
from evobin.models.model import load
from evobin.results.run import RunResult


def polish(
    result: str | Path,
    config: PolishConfig | None = None,
    observer: Observer | None = None,
    stop: Stop | None = None,
) -> RunResult:
    """Improves an existing model file or result file; never returns a worse one beyond noise.

    That is, no training is taken that has fewer of the samples right that folds hold out; flips may
    lose some of them for a higher expected accuracy, by at most the standard error of the
    difference.

    Args:
        result: the file to start from; it is not changed. The encoder and the classes of a model
            file are those of the new one.
        config: data, seed, budgets; by default the synthesised voices.
        observer: called after every step.
        stop: as for `search`.

    Raises:
        EvobinError: if a file, the run folder or the workers have problems.
        SettingError: if another shape is asked for.
        Stopped: if `stop` said so; `resume` goes on.
    """
    config = config or PolishConfig()
    start = load(result, config.architecture)
    if config.hidden or config.bits is not None or config.categorical:
        raise SettingError(
            "`hidden`, `bits` and `categorical` are for a new network, but a model that is "
            "polished has its own; leave them out."
        )
    config = replace(config, architecture=start.network.architecture)
    return begin_run("polish", config, start, observer, stop)
