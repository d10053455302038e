"""What joblib's workers are: processes, threads, or those of a dask or ray cluster."""

from __future__ import annotations

import contextlib
import importlib
import logging
import socket
from collections.abc import Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

from evobin.config import ExecutionConfig
from evobin.errors import EvobinError
from evobin.extras import need

NANNY = "distributed.nanny.pre-spawn-environ"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), 1)
"""The environment of dask's local workers, as dask sets it, but for its MALLOC_TRIM_THRESHOLD_:
with that, the system takes all large arrays back and clears new ones, which costs a fifth of the
speed."""
CONNECT_SECONDS = 15
"""How long a scheduler may take to answer, and its first worker to come."""


class Cluster:
    """The workers that joblib finds by itself: processes, threads, or what its user configured.

    Attributes:
        is_local: whether tasks may run threads of their own on cores that are left over.
        scatters: whether `settings` sends ahead what is shared, and so has to be applied anew.
        faults: what a task raises when its worker was lost.
    """

    is_local = True
    scatters = False
    faults: tuple[type[BaseException], ...] = ()

    def __init__(self, backend: str = "auto") -> None:
        self._backend = backend

    def __str__(self) -> str:
        return "the pool of workers"

    def settings(self, shared: Sequence[Any]) -> dict[str, Any]:
        """Arguments of `joblib.parallel_config`; `shared` is to travel once a worker."""
        return {} if self._backend == "auto" else {"backend": self._backend}

    def handle(self, value: Any) -> Any:
        """What stands for a shared value in a task; `resolve` gives it back in the worker."""
        return value

    def close(self) -> None:
        """Ends what was started."""


class DaskCluster(Cluster):
    """A dask scheduler that runs already, or one with workers of its own on this machine.

    Args:
        config: `scheduler`, or `n_jobs`.
        scratch: where local workers may write.
        n_workers: of a local cluster.

    Raises:
        EvobinError: if dask is not installed, the scheduler does not answer or has no workers.
    """

    is_local = False
    scatters = True

    def __init__(self, config: ExecutionConfig, scratch: Path, n_workers: int) -> None:
        dask = need("dask", "dask", "--backend dask")
        distributed = need("distributed", "dask", "--backend dask")
        self._stack = contextlib.ExitStack()
        killed = importlib.import_module("distributed.scheduler").KilledWorker
        comm = importlib.import_module("distributed.comm").CommClosedError
        lost = importlib.import_module("distributed.client").FutureCancelledError
        self.faults = (killed, comm, CancelledError, lost, TimeoutError)
        # a task may hang or its worker die: the scheduler notices, and does the task elsewhere
        settings = {
            "distributed.scheduler.worker-ttl": "60s",
            "distributed.admin.large-graph-warning-threshold": "1GB",  # a training is 6 MB
            NANNY: ONE_THREAD,
        }
        self._stack.enter_context(dask.config.set(settings))
        address: Any = config.scheduler
        if address is None:
            address = self._stack.enter_context(
                distributed.LocalCluster(
                    n_workers=n_workers,
                    threads_per_worker=1,
                    dashboard_address=None,
                    local_directory=str(scratch),
                )
            )
        for name in ("distributed", "distributed.client"):  # its tracebacks: we say it in a line
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            self._client = self._stack.enter_context(
                distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
            )
        except (OSError, ValueError) as error:
            self._stack.close()
            raise EvobinError(
                f"--scheduler {config.scheduler}: does not answer; check the address, and that "
                "`dask scheduler` runs there."
            ) from error
        self._address = self._client.scheduler.address
        try:
            self._client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError as error:
            self._stack.close()
            raise EvobinError(
                f"--scheduler {self._address}: has no workers; start some with "
                f"`dask worker {self._address}`."
            ) from error

    def __str__(self) -> str:
        return f"the dask scheduler at {self._address}"

    def settings(self, shared: Sequence[Any]) -> dict[str, Any]:
        """As in `Cluster`: what is shared is sent ahead."""
        dask = {"client": self._client, "wait_for_workers_timeout": CONNECT_SECONDS}
        return {"backend": "dask"} | dask | ({"scatter": list(shared)} if shared else {})

    def close(self) -> None:
        """Ends the connection, and the local cluster."""
        self._stack.close()


class RayReference:
    """Stands for a value in ray's object store."""

    def __init__(self, reference: Any) -> None:
        self.reference = reference


class RayCluster(Cluster):
    """A ray cluster that runs already, or one on this machine.

    Args:
        config: `ray_address`, or `n_jobs`.
        n_workers: of a local cluster.

    Raises:
        EvobinError: if ray is not installed, or the cluster does not answer.
    """

    is_local = False

    def __init__(self, config: ExecutionConfig, n_workers: int) -> None:
        self._ray = need("ray", "ray", "--backend ray")
        importlib.import_module("ray.util.joblib").register_ray()
        self.faults = (self._ray.exceptions.RayError, TimeoutError)
        where: dict[str, Any] = {"num_cpus": n_workers, "include_dashboard": False}
        try:
            if config.ray_address is not None:
                where = {"address": config.ray_address}
                _check_answers(config.ray_address)
            self._ray.init(log_to_driver=False, logging_level="ERROR", **where)
        except (OSError, ValueError, RuntimeError) as error:
            raise EvobinError(
                f"--ray-address {config.ray_address}: does not answer; check the address, and "
                "that `ray start` ran there."
            ) from error

    def __str__(self) -> str:
        return "the ray cluster"

    def settings(self, shared: Sequence[Any]) -> dict[str, Any]:
        """As in `Cluster`."""
        return {"backend": "ray"}

    def handle(self, value: Any) -> Any:
        """As in `Cluster`: the value goes to ray's store, from which each worker reads it."""
        return RayReference(self._ray.put(value))

    def close(self) -> None:
        """Ends the connection, and the local cluster."""
        self._ray.shutdown()


def _check_answers(address: str) -> None:
    """Raises OSError or ValueError unless someone listens: ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()


def resolve(value: Any) -> Any:
    """In a worker: the value that a handle stands for; any other value itself."""
    if isinstance(value, RayReference):
        return importlib.import_module("ray").get(value.reference)
    return value


def connect(config: ExecutionConfig, scratch: Path, n_workers: int) -> Cluster:
    """What the settings ask for.

    Raises:
        EvobinError: if it is not installed, or does not answer.
    """
    if config.backend == "dask":
        return DaskCluster(config, scratch, n_workers)
    if config.backend == "ray":
        return RayCluster(config, n_workers)
    return Cluster(config.backend)
