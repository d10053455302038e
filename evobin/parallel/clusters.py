"""What joblib's workers are: its own processes and threads, or those of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evobin.config import ExecutionConfig
from evobin.extras import need

CONNECT_SECONDS = 15
"""How long a cluster may take to answer, and its first worker to come."""
CLUSTERS = {"dask": "DaskCluster", "ray": "RayCluster"}
"""By backend, the class in the module that is imported only where it is asked for."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Stands in a task for a value that its worker has already, or can fetch once."""

    fetch: Callable[[Any], Sequence[Any]]
    """What a worker calls with `key`, a function of a module: gives all that was shared at once."""
    key: Any
    place: int

    def get(self) -> Any:
        """In a worker: the value."""
        return self.fetch(self.key)[self.place]


class Cluster:
    """The workers that joblib finds by itself: processes, threads, or what its user configured.

    Attributes:
        is_local: whether tasks may run threads of their own on cores that are left over.
        faults: what a task raises when its worker was lost.
    """

    is_local = True
    faults: tuple[type[BaseException], ...] = ()

    def __init__(self, backend: str = "auto") -> None:
        self._backend = backend

    def __str__(self) -> str:
        return "the pool of workers"

    def settings(self) -> dict[str, Any]:
        """Arguments of `joblib.parallel_config`."""
        return {} if self._backend == "auto" else {"backend": self._backend}

    def share(self, values: Sequence[Any]) -> Sequence[Any]:
        """Sends values ahead to all workers; gives what stands for each in a task."""
        return values

    def close(self) -> None:
        """Ends what was started."""


def connect(config: ExecutionConfig, scratch: Path, n_workers: int) -> Cluster:
    """What the settings ask for.

    Args:
        config: the backend, and where it is.
        scratch: where local workers may write.
        n_workers: of a cluster that is to be started.

    Raises:
        EvobinError: if it is not installed, or does not answer.
    """
    backend = config.backend
    if backend not in CLUSTERS:
        return Cluster(backend)
    module = need(f"evobin.parallel.{backend}_cluster", backend, f"--backend {backend}")
    cluster: Cluster = getattr(module, CLUSTERS[backend])(config, scratch, n_workers)
    return cluster
