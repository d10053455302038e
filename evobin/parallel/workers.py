"""Rounds of tasks on joblib's workers, done again where a worker dies or hangs."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

import joblib
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool
from threadpoolctl import ThreadpoolController

from evobin.config import ExecutionConfig
from evobin.errors import WorkersError
from evobin.parallel.clusters import Cluster, Reference, connect

T = TypeVar("T")

ATTEMPTS = 4
"""Times that the same tasks are given to workers before a run gives up."""
FIRST_LIMIT = 3600.0
"""Seconds for a round of tasks before the time of any is known: there may be much to load."""
LEAST_LIMIT = 120.0
LIMIT = 20.0
"""Times the longest round so far, before a worker is thought to hang."""

FAULTS = (BrokenProcessPool, multiprocessing.TimeoutError)
"""What joblib raises where a process died or hangs."""
GONE: tuple[type[BaseException], ...] = (OSError, RuntimeError, ValueError)
"""What dask and ray raise as well, when they are to start again and cannot."""


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Holds BLAS to one thread: work is shared by our own threads, in a fixed order.

    Otherwise n workers would run n * cores threads, and sums would depend on their number.
    """
    with _thread_pools(len(sys.modules)).limit(limits=1, user_api="blas"):
        yield


@lru_cache(maxsize=1)
def _thread_pools(_n_modules: int) -> ThreadpoolController:
    """Those of the libraries that are loaded; to look for them takes 0.8 ms."""
    return ThreadpoolController()


def worker_count(n_jobs: int) -> int:
    """How many workers on this machine `n_jobs` stands for: -1 is one a core."""
    count: int = joblib.cpu_count() + 1 + n_jobs if n_jobs < 0 else n_jobs
    return max(1, count)


class Workers:
    """joblib workers, each with one BLAS thread, for several rounds of tasks.

    Used with `with`. Large arrays reach the workers once: processes on this machine as read-only
    memory maps in a scratch folder, which is removed at the end, others as `share` says. With one
    worker and no cluster everything runs in this process.

    Args:
        config: what the workers are, and how many.
        scratch: the folder, created when it is needed.

    Raises:
        EvobinError: if the workers cannot be reached.
    """

    def __init__(self, config: ExecutionConfig, scratch: Path) -> None:
        self._config = config
        self._scratch = scratch.resolve()
        self._count = worker_count(config.n_jobs)
        self._is_alone = self._count == 1 and config.backend in ("auto", "loky", "threading")
        self._cluster = Cluster()
        self._shared: list[tuple[Any, Any]] = []
        self._open = contextlib.ExitStack()
        self._parallel: Any = None
        self._longest: float | None = None

    def __enter__(self) -> Workers:
        if not self._is_alone:
            _dismiss_idle_workers()
            self._cluster = connect(self._config, self._scratch, self._count)
            self._start()
        return self

    def __exit__(self, *error: object) -> None:
        if not self._is_alone:
            self._end(kill=error[0] is not None)
            self._cluster.close()
            shutil.rmtree(self._scratch, ignore_errors=True)

    def share(self, *values: object) -> None:
        """Sends values ahead that many tasks will have among their arguments.

        They stay with the workers; in a task they are recognised by identity. An array that several
        of them hold is sent once.

        Raises:
            WorkersError: if the workers cannot be reached any more.
        """
        if self._is_alone:
            return
        try:
            self._shared += zip(values, self._cluster.share(values), strict=True)
        except (*GONE, *self._cluster.faults) as error:
            raise self._lost(error) from error

    def map(self, function: Callable[..., T], tasks: Sequence[tuple[Any, ...]]) -> list[T]:
        """Calls a function once a task; the order of the results is that of the tasks.

        Tasks whose worker dies or hangs are done again, so the function must not change its
        arguments. An argument with a field `n_threads` gets the number that it may use in a worker.

        Args:
            function: a function of a module, with picklable arguments and result.
            tasks: the arguments of each call.

        Raises:
            WorkersError: if workers are lost again and again.
        """
        if self._is_alone or (self._cluster.is_local and len(tasks) == 1):
            return [_pinned(function, *task) for task in tasks]
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._try(function, tasks, attempt)
            except (*FAULTS, *self._cluster.faults) as error:
                fault = " ".join(str(error).split()) or type(error).__name__
                if attempt < ATTEMPTS:
                    self._restart()
        raise WorkersError(
            f"workers were lost {ATTEMPTS} times in a row at the same tasks ({fault[:200]}); if "
            "memory is short, fewer --n-jobs help."
        )

    def _try(
        self, function: Callable[..., T], tasks: Sequence[tuple[Any, ...]], attempt: int
    ) -> list[T]:
        threads = max(1, self._count // max(1, len(tasks))) if self._cluster.is_local else 1
        limit = self._limit(attempt)
        calls = [
            _Call(os.getpid(), threads, function, tuple(map(self._sent, task))) for task in tasks
        ]
        began = time.monotonic()
        backend = self._parallel._backend
        if isinstance(backend, joblib.parallel.LokyBackend):
            results = _on_processes(backend, calls, limit)
        else:
            self._parallel.timeout = limit
            results = self._parallel(joblib.delayed(_in_worker)(call) for call in calls)
        self._longest = max(self._longest or 0.0, time.monotonic() - began)
        return results

    def _limit(self, attempt: int) -> float | None:
        """Seconds that joblib may wait for a result, longer from attempt to attempt."""
        if not self._parallel._backend.supports_timeout:
            return None
        if self._config.task_minutes is not None:
            return 60.0 * self._config.task_minutes * attempt
        if self._longest is None:
            return FIRST_LIMIT
        return max(LEAST_LIMIT, LIMIT * self._longest) * attempt

    def _sent(self, value: Any) -> Any:
        return next((sent for known, sent in self._shared if known is value), value)

    def _start(self) -> None:
        self._open.enter_context(joblib.parallel_config(**self._cluster.settings()))
        first: dict[str, Any] = {}
        if isinstance(joblib.parallel.get_active_backend()[0], joblib.parallel.LokyBackend):
            first = {"initializer": _begin_process, "initargs": (os.getpid(),)}
        self._parallel = self._open.enter_context(
            joblib.Parallel(
                n_jobs=self._config.n_jobs,
                batch_size=1,  # else quick tasks teach joblib to send slow ones two at a time
                temp_folder=str(self._scratch),
                **first,
            )
        )

    def _restart(self) -> None:
        try:
            self._end(kill=True)
            self._start()
        except (*GONE, *self._cluster.faults) as error:
            raise self._lost(error) from error

    def _lost(self, error: BaseException) -> WorkersError:
        return WorkersError(f"{self._cluster} is lost ({type(error).__name__}); start it again.")

    def _end(self, *, kill: bool) -> None:
        backend = self._parallel._backend
        if kill and isinstance(backend, joblib.parallel.LokyBackend):
            get_reusable_executor().shutdown(wait=True, kill_workers=True)
        with contextlib.suppress(*FAULTS, *self._cluster.faults):
            self._open.close()
        if not kill and isinstance(backend, joblib.parallel.LokyBackend):
            _dismiss_idle_workers()


def _dismiss_idle_workers() -> None:
    """Ends loky's idle workers: reused, they would exchange arrays in their first user's folder."""
    backend, _ = joblib.parallel.get_active_backend()
    if isinstance(backend, joblib.parallel.LokyBackend):
        get_reusable_executor().shutdown(wait=True)


def _on_processes(backend: Any, calls: Sequence[_Call], limit: float | None) -> list[Any]:
    """Does tasks as `joblib.Parallel`, which looks every 10 ms only whether a result has come."""
    nested = backend.get_nested_backend()
    manager = backend._workers._temp_folder_manager
    own_files = partial(manager.set_current_context, backend.parallel._id)  # else they are left
    futures = [
        backend.submit(joblib.parallel.BatchedCalls([(_in_worker, (call,), {})], nested, own_files))
        for call in calls
    ]
    results = []
    try:
        for future in futures:
            results += future.result(limit)
    except BaseException as error:
        is_late = isinstance(error, concurrent.futures.TimeoutError) and not future.done()
        backend.abort_everything(ensure_ready=True)
        if is_late:
            raise multiprocessing.TimeoutError(f"no result after {limit} s") from None
        raise
    return results


def _pinned(function: Callable[..., T], *task: Any) -> T:
    with one_blas_thread():
        return function(*task)


@dataclasses.dataclass(frozen=True)
class _Call:
    """A task, as one argument.

    Large arguments joblib would send ahead to any one of dask's workers, and dask would then have
    that one do the task.
    """

    owner: int
    n_threads: int
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


def _in_worker(call: _Call) -> Any:
    """Does a task for the process `call.owner`."""
    _settle(call.owner)
    values = (x.get() if isinstance(x, Reference) else x for x in call.arguments)
    return _pinned(call.function, *(_with_threads(value, call.n_threads) for value in values))


def _with_threads(value: Any, n_threads: int) -> Any:
    if dataclasses.is_dataclass(value) and hasattr(value, "n_threads"):
        return dataclasses.replace(value, n_threads=n_threads)  # type: ignore[type-var]
    return value


def _settle(owner: int) -> None:
    """Makes a worker process leave Ctrl-C to its owner."""
    if os.getpid() != owner and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _begin_process(owner: int) -> None:
    """What a process of loky's does first: from now on it ends with its owner."""
    _settle(owner)
    threading.Thread(target=_end_with, args=(owner,), daemon=True).start()


def _end_with(owner: int) -> None:
    while os.getppid() == owner:
        time.sleep(1.0)
    os._exit(1)
