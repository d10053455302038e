"""Searches a network for labelled samples."""

from __future__ import annotations

from evobin.commands.run import begin_run
from evobin.config import SearchConfig
from evobin.core.stage import Observer
from evobin.drive.recorder import Stop
from evobin.errors import SettingError
from evobin.results.run import RunResult


def search(
    config: SearchConfig | None = None,
    observer: Observer | None = None,
    stop: Stop | None = None,
) -> RunResult:
    """Searches a binary network for labelled samples, or for synthesised voices without any.

    Straight-through training gives starts, population refinement and bit flips improve them; the
    candidate with the best accuracy on the validation samples and on varied crops of them is
    written.

    Args:
        config: data, seed, budgets; by default the synthesised voices.
        observer: called after every step.
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
    return begin_run("search", config, None, observer, stop)
