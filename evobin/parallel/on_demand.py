"""Workers that are started only where the tasks take longer than that."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from evobin.config import ExecutionConfig
from evobin.parallel.workers import Workers, one_blas_thread, worker_count

T = TypeVar("T")

PRICE = 5.0
"""Seconds of tasks in this process before workers are started: about what starting them takes, so
that no more than twice the time of the better way is ever spent."""


class WorkersOnDemand:
    """As `Workers`, which are started when there is more to do than starting them takes.

    Until then tasks are done in this process, one after the other; no result depends on where. The
    scratch folder is a temporary one. Used with `with`; nothing is left.

    Args:
        config: what the workers are, and how many.
    """

    def __init__(self, config: ExecutionConfig) -> None:
        self._config = config
        self._is_alone = worker_count(config.n_jobs) == 1
        self._open = contextlib.ExitStack()
        self._shared: list[object] = []
        self._spent = 0.0
        self._workers: Workers | None = None

    def __enter__(self) -> WorkersOnDemand:
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)

    def share(self, *values: object) -> None:
        """As `Workers.share`."""
        self._shared += values
        if self._workers is not None:
            self._workers.share(*values)

    def map(self, function: Callable[..., T], tasks: Sequence[tuple[Any, ...]]) -> list[T]:
        """As `Workers.map`."""
        results: list[T] = []
        while self._workers is None and len(results) < len(tasks):
            began = time.monotonic()
            with one_blas_thread():
                results.append(function(*tasks[len(results)]))
            self._spent += time.monotonic() - began
            if self._spent > PRICE and len(tasks) > 1 and not self._is_alone:
                self._workers = self._start()
        if self._workers is None or len(results) == len(tasks):
            return results
        return results + self._workers.map(function, tasks[len(results) :])

    def _start(self) -> Workers:
        folder = self._open.enter_context(tempfile.TemporaryDirectory(prefix="evobin-"))
        workers = self._open.enter_context(Workers(self._config, Path(folder) / "workers"))
        workers.share(*self._shared)
        return workers
