"""Workers of a dask cluster; imported only where one is asked for."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import dask
import distributed
from distributed.client import FutureCancelledError
from distributed.comm import CommClosedError
from distributed.scheduler import KilledWorker

from evobin.config import ExecutionConfig
from evobin.errors import EvobinError
from evobin.parallel import clusters
from evobin.parallel.clusters import Cluster, Reference
from evobin.parallel.shared_files import SharedFiles, mapped

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), 1)
"""The environment of dask's local workers, as dask sets it, but for its MALLOC_TRIM_THRESHOLD_:
with that, the system takes all large arrays back and clears new ones, which costs a fifth of the
speed."""
PLUGIN = "evobin "
"""How the names of our plugins begin; the client that shares follows, and which of its values."""


class Shared(distributed.WorkerPlugin):  # type: ignore[misc]
    """Values that every worker has, those that come later included.

    Not scattered: dask's memory manager drops copies that no task waits for, and then all tasks of
    the next round go to the one worker that is left with a copy.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = values


def _values_of(plugin: str) -> Sequence[Any]:
    values: Sequence[Any] = distributed.get_worker().plugins[plugin].values
    return values


class DaskCluster(Cluster):
    """A dask scheduler that runs already, or one with workers of its own on this machine.

    Args:
        config: `scheduler`, or `n_jobs`.
        scratch: where local workers may write.
        n_workers: of a local cluster.

    Raises:
        EvobinError: if the scheduler does not answer or has no workers.
    """

    is_local = False
    faults = (KilledWorker, CommClosedError, CancelledError, FutureCancelledError, TimeoutError)

    def __init__(self, config: ExecutionConfig, scratch: Path, n_workers: int) -> None:
        self._names: list[str] = []
        self._files = SharedFiles(scratch) if config.scheduler is None else None
        settings = {
            # a task may hang or its worker die: the scheduler notices, and does the task elsewhere
            "distributed.scheduler.worker-ttl": "60s",
            "distributed.admin.large-graph-warning-threshold": "1GB",  # a training is 6 MB
            "distributed.nanny.pre-spawn-environ": ONE_THREAD,
        }
        with contextlib.ExitStack() as stack:
            stack.enter_context(dask.config.set(settings))
            here = {"local_directory": str(scratch), "dashboard_address": None}
            address = config.scheduler or stack.enter_context(
                distributed.LocalCluster(n_workers=n_workers, threads_per_worker=1, **here)
            )
            for name in ("distributed", "distributed.client"):  # tracebacks: we say it in a line
                logging.getLogger(name).setLevel(logging.CRITICAL)
            self._client = stack.enter_context(_client(address))
            self._address = self._client.scheduler.address
            self._check_workers()
            self._client.run_on_scheduler(_forgetter(PLUGIN))
            self._stack = stack.pop_all()

    def _check_workers(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=clusters.CONNECT_SECONDS)
        except TimeoutError as error:
            raise EvobinError(
                f"--scheduler {self._address}: has no workers; start some with "
                f"`dask worker {self._address}`."
            ) from error

    def __str__(self) -> str:
        return f"the dask scheduler at {self._address}"

    def settings(self) -> dict[str, Any]:
        """As in `Cluster`."""
        waiting = {"wait_for_workers_timeout": clusters.CONNECT_SECONDS}
        return {"backend": "dask", "client": self._client} | waiting

    def share(self, values: Sequence[Any]) -> list[Reference]:
        """As in `Cluster`."""
        if self._files is not None:
            path = self._files.write(values)
            return [Reference(mapped, path, place) for place in range(len(values))]
        name = f"{PLUGIN}{self._client.id} {len(self._names)}"
        self._client.register_plugin(Shared(values), name)
        self._names.append(name)
        return [Reference(_values_of, name, place) for place in range(len(values))]

    def close(self) -> None:
        """Takes back what was shared, and ends the connection and the local cluster."""
        if self._client.status == "running":
            with contextlib.suppress(OSError, RuntimeError, *self.faults):  # it may be going
                for name in self._names:
                    self._client.unregister_worker_plugin(name)
        self._stack.close()


class _Client(distributed.Client):  # type: ignore[misc]
    """One that ends its thread where it does not reach the scheduler.

    Left to the garbage collector, dask ends it in whatever thread that runs in: if it is the thread
    of the next client, which starts under the lock that the end needs, both wait until dask gives
    up with an AssertionError.
    """

    def start(self, **kwargs: Any) -> None:
        try:
            super().start(**kwargs)
        except BaseException:
            self.close()
            self._loop_runner.stop()  # close leaves it to run where the connection never stood
            raise


def _client(address: Any) -> Any:
    """The connection to a scheduler, by its address, or to a cluster of ours."""
    try:
        return _Client(address, timeout=clusters.CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise EvobinError(
            f"--scheduler {address}: does not answer; check the address, and that "
            "`dask scheduler` runs there."
        ) from error


def _forgetter(prefix: str) -> Callable[[Any], Coroutine[Any, Any, None]]:
    """For the scheduler: takes back what clients have shared that were killed since.

    A function in a function, since dask sends that as it is: a scheduler need not have evobin.
    """

    async def forget(dask_scheduler: Any) -> None:
        for name in [name for name in dask_scheduler.worker_plugins if name.startswith(prefix)]:
            if name.removeprefix(prefix).split()[0] not in dask_scheduler.clients:
                await dask_scheduler.unregister_worker_plugin(None, name)

    return forget
