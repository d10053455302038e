"""Settings of the execution: workers, checkpoints, the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evobin.checks import check_settings, setting
from evobin.errors import SettingError

Backend = Literal["auto", "loky", "threading", "dask", "ray"]


@dataclass(frozen=True)
class ExecutionConfig:
    """Workers, checkpoints and the report; no result depends on them."""

    n_jobs: int = -1
    """Workers, -1 for one a core; the result does not depend on it."""
    backend: Backend = "auto"
    """What the workers are: processes (loky), threads, or those of dask or ray, which need the
    extra of that name. Left to joblib (auto), it is loky."""
    scheduler: str | None = None
    """Address of a dask scheduler that runs already, as tcp://host:8786; without it, dask starts
    --n-jobs workers on this machine."""
    ray_address: str | None = None
    """Address of a ray cluster that runs already; without it, ray starts on this machine."""
    task_minutes: float | None = setting(None, 0.001, 1_000_000)
    """A worker that takes longer for one task hangs: it is ended, and the task is repeated. By
    default twenty times the longest task so far, and at least two minutes."""
    checkpoint_seconds: float = setting(60.0, 0, 1_000_000)
    """A run that is killed loses no more than this, and the current step."""
    report: bool = True
    """Write report.html into the run folder at the end."""

    def __post_init__(self) -> None:
        check_n_jobs(self.n_jobs)
        check_settings(self)
        if self.scheduler is not None and self.backend != "dask":
            raise SettingError("`scheduler` needs `backend` dask; name both or neither.")
        if self.ray_address is not None and self.backend != "ray":
            raise SettingError("`ray_address` needs `backend` ray; name both or neither.")


def check_n_jobs(n_jobs: int) -> None:
    """Raises SettingError unless it is a number of workers."""
    if n_jobs == 0:
        raise SettingError("`n_jobs` must be at least 1, or -1 for one a core, but it is 0.")
