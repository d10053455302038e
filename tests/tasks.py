"""Tasks for workers of tests, in a module of their own: what its imports cost, each worker pays."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

if TYPE_CHECKING:
    from evobin.core.samples import Samples


@dataclass(frozen=True, eq=False)
class Heavy:
    """Something that is worth sending once."""

    samples: Samples
    n_threads: int = 9


def look_at(heavy: Heavy, task: int) -> tuple[int, float, bool, int, bool]:
    samples = heavy.samples
    read_only = not (samples.frames.flags.writeable or samples.starts.flags.writeable)
    handler = signal.getsignal(signal.SIGINT)
    return task, float(samples.frames.sum()), read_only, heavy.n_threads, handler == signal.SIG_IGN


def perish(marker: Path, task: int, how: str) -> int:
    """Squares, but the first time that it is asked for task 2, its process dies or hangs."""
    if task == 2 and not marker.exists():
        marker.write_text(str(os.getpid()))
        os.kill(os.getpid(), {"dies": signal.SIGKILL, "hangs": signal.SIGSTOP}[how])
    return task * task


def die(_task: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def sleep(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def whose(_shared: Heavy) -> int:
    return sleep(0.5)


def plugins() -> list[str]:
    from distributed import get_worker

    time.sleep(0.2)
    return [name for name in get_worker().plugins if name.startswith("evobin")]


def children() -> list[int]:
    """The worker processes of this one."""
    owned = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rsplit(") ", 1)[1].split()[1])
            if parent == os.getpid() and "loky_posix" in (folder / "cmdline").read_text():
                owned.append(int(folder.name))
    return owned


def square(x: int) -> int:
    return x * x


def process(_task: int) -> int:
    return os.getpid()


def blas_threads(_task: int) -> list[int]:
    np.ones((2, 2)) @ np.ones((2, 2))
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def describe(array: NDArray[Any], _task: int) -> tuple[bool, str, float]:
    return array.flags.writeable, str(getattr(array, "filename", "")), float(array.sum())


def describe_samples(samples: Samples, _task: int) -> tuple[bool, bool]:
    return samples.frames.flags.writeable, samples.starts.flags.writeable


def fail(task: int) -> int:
    if task == 2:
        raise RuntimeError(f"task {task} went wrong")
    return task


def bytes_below(samples: Samples, folder: Path) -> tuple[int, str, float]:
    """What lies in a folder, where the features are mapped from, and their sum."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return size, str(getattr(samples.stored, "filename", "")), float(samples.frames.sum())
