"""Workers: the only module that knows joblib, and the one that pins thread pools."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import joblib
from joblib.externals.loky import get_reusable_executor
from threadpoolctl import threadpool_limits

T = TypeVar("T")


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Holds BLAS to one thread: work is shared by our own threads, in a fixed order.

    Otherwise n workers would run n * cores threads, and sums would depend on their number.
    """
    with threadpool_limits(1, user_api="blas"):
        yield


def worker_count(n_jobs: int) -> int:
    """How many workers `n_jobs` stands for, in joblib's notation: -1 is one a core."""
    return int(joblib.effective_n_jobs(n_jobs))


class Workers:
    """joblib workers, each with one BLAS thread, for several rounds of tasks.

    Used with `with`. Large arrays reach the workers once, as read-only memory maps in a scratch
    folder, which is removed at the end. With one worker everything runs in this process.

    Args:
        n_jobs: workers, -1 for one a core.
        scratch: the folder, created when it is needed.
    """

    def __init__(self, n_jobs: int, scratch: Path) -> None:
        self._scratch = scratch.resolve()
        self._parallel: Any = None
        if worker_count(n_jobs) > 1:
            self._parallel = joblib.Parallel(n_jobs=n_jobs, temp_folder=str(self._scratch))

    def __enter__(self) -> Workers:
        if self._parallel is not None:
            _dismiss_idle_workers()
            self._parallel.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._parallel is not None:
            self._parallel.__exit__(*error)
            _dismiss_idle_workers()
            shutil.rmtree(self._scratch, ignore_errors=True)

    def map(self, function: Callable[..., T], tasks: Sequence[tuple[Any, ...]]) -> list[T]:
        """Calls a function once a task; the order of the results is that of the tasks.

        Args:
            function: a function of a module, with picklable arguments and result.
            tasks: the arguments of each call.
        """
        if self._parallel is None or len(tasks) == 1:
            return [_pinned(function, *task) for task in tasks]
        results: list[T] = self._parallel(
            joblib.delayed(_pinned)(function, *task) for task in tasks
        )
        return results


def _dismiss_idle_workers() -> None:
    """Ends loky's idle workers: reused, they would exchange arrays in their first user's folder."""
    backend, _ = joblib.parallel.get_active_backend()
    if isinstance(backend, joblib.parallel.LokyBackend):
        get_reusable_executor().shutdown(wait=True)


def _pinned(function: Callable[..., T], *task: Any) -> T:
    with one_blas_thread():
        return function(*task)
