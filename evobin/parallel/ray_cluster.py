"""Workers of a ray cluster; imported only where one is asked for."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ray
from ray.util.joblib import register_ray

from evobin.config import ExecutionConfig
from evobin.errors import EvobinError
from evobin.parallel.clusters import CONNECT_SECONDS, Cluster, Reference


class RayCluster(Cluster):
    """A ray cluster that runs already, or one on this machine.

    Args:
        config: `ray_address`, or `n_jobs`.
        scratch: not needed.
        n_workers: of a local cluster.

    Raises:
        EvobinError: if the cluster does not answer.
    """

    is_local = False
    faults = (ray.exceptions.RayError, TimeoutError)

    def __init__(self, config: ExecutionConfig, scratch: Path, n_workers: int) -> None:
        register_ray()
        where: dict[str, Any] = {"num_cpus": n_workers, "include_dashboard": False}
        try:
            if config.ray_address is not None:
                where = {"address": config.ray_address}
                _check_answers(config.ray_address)
            ray.init(log_to_driver=False, logging_level="ERROR", **where)
        except (OSError, ValueError, RuntimeError) as error:
            raise EvobinError(
                f"--ray-address {config.ray_address}: does not answer; check the address, and "
                "that `ray start` ran there."
            ) from error

    def __str__(self) -> str:
        return "the ray cluster"

    def settings(self) -> dict[str, Any]:
        """As in `Cluster`."""
        return {"backend": "ray"}

    def share(self, values: Sequence[Any]) -> list[Reference]:
        """As in `Cluster`: the values go to ray's store, from which each worker reads them."""
        stored = ray.put(values)
        return [Reference(ray.get, stored, place) for place in range(len(values))]

    def close(self) -> None:
        """Ends the connection, and the local cluster."""
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Raises OSError or ValueError unless someone listens: ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
