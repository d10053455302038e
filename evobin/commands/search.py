"""Searches a network for labelled samples."""

from __future__ import annotations

from evobin.commands.run import begin_run
from evobin.config import SearchConfig
from evobin.core.stage import Observer
from evobin.drive.recorder import Stop
from evobin.errors import SettingError
from evobin.network.presets import is_named
from evobin.results.run import RunResult


def search(
    config: SearchConfig | None = None,
    observer: Observer | None = None,
    stop: Stop | None = None,
) -> RunResult:
    """Searches a binary network for labelled samples, or for synthesised voices without any.

    Straight-through training gives networks, one without each fold and one of all labelled samples;
    population refinement and bit flips improve them where folds find that it pays; the one of all
    samples is written. With `ste.epochs` 0, the flips begin with random signs.

    Args:
        config: data, seed, budgets; by default the synthesised voices.
        observer: called after every step.
        stop: asked after every step; where it says yes, the run keeps all and raises Stopped.

    Raises:
        EvobinError: if the data, the run folder or the workers have problems.
        SettingError: if neither epochs nor flips are left: there is nothing to do.
        Stopped: if `stop` said so; `resume` goes on.
    """
    config = config or SearchConfig()
    if config.is_table and is_named(config.architecture):
        raise SettingError(
            "`architecture` is for files, but `data` is a table, whose columns decide the inputs; "
            "name the widths of the hidden layers with `hidden`."
        )
    is_cropped = config.architecture.frames is None and not config.is_table
    flips = config.flips.rounds > 0 and (is_cropped or config.flips.sweeps > 0)
    if config.ste.epochs == 0 and not flips:
        raise SettingError(
            "`ste.epochs` must be at least 1 for a search without flips, but it is 0; leave "
            "`flips.rounds` and `flips.sweeps` above 0 to search from random signs."
        )
    return begin_run("search", config, None, observer, stop)
