"""One process a run folder."""

from __future__ import annotations

import fcntl
import os
import platform
from pathlib import Path

from evobin.errors import EvobinError


class Lock:
    """A claim on a folder, by a file in it, that ends with its process, however that ends.

    The system holds it (flock), so a file that a killed process left behind is no claim. The file
    says who holds it.

    Raises:
        EvobinError: if another process, or another lock of this one, holds it.
        OSError: if the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        while True:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = os.read(self._file, 200).decode(errors="replace").strip()
                os.close(self._file)
                raise EvobinError(
                    f"{path.parent}: is in use by {owner or 'another process'}; "
                    "wait for it to end, or end it."
                ) from None
            if self._is_in_place():
                break
            os.close(self._file)  # the one before us removed it just now
        os.ftruncate(self._file, 0)
        os.write(self._file, f"process {os.getpid()} on {platform.node()}\n".encode())

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._file), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Ends the claim."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)
