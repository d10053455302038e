"""What libsndfile reads of a recording: the file, a repaired view of it, or what ffmpeg decodes."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from io import FileIO, RawIOBase
from pathlib import Path

from evobin.errors import EvobinError

SUFFIXES = (
    ".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au",
    ".snd", ".caf", ".w64", ".rf64", ".sph", ".nist",
)  # fmt: skip
"""What the recordings in a folder end with that libsndfile reads; in lower case."""
FOREIGN = (".m4a", ".mp4", ".aac", ".webm", ".mka", ".wma", ".amr", ".3gp")
"""What those end with that need ffmpeg; in lower case."""

_MINUTES = 30  # a recording of four hours takes ffmpeg one or two
_UNKNOWN = b"\xff\xff\xff\xff"  # a length that libsndfile takes for all that is there


def needs_ffmpeg(path: Path) -> bool:
    """Whether a recording is of a kind that libsndfile does not read, by its ending."""
    return path.name.lower().endswith(FOREIGN)


def has_ffmpeg() -> bool:
    """Whether ffmpeg is installed."""
    return shutil.which("ffmpeg") is not None


@contextlib.contextmanager
def source(path: Path, longest: int) -> Iterator[int | RawIOBase]:
    """What a `soundfile.SoundFile` can be opened with.

    Args:
        path: a regular file that is not empty.
        longest: seconds that ffmpeg decodes at most.

    Raises:
        EvobinError: if ffmpeg is needed and is not there, or cannot decode the file; the text lacks
            its subject, the file.
        OSError: if a file cannot be read, or there is no room for what is decoded.
    """
    if needs_ffmpeg(path):
        with tempfile.TemporaryDirectory(prefix="evobin-") as folder:
            decoded = Path(folder, "decoded.w64")
            _decode(path, decoded, longest)
            with decoded.open("rb") as file:
                yield file.fileno()
        return
    with path.open("rb", buffering=0) as file:  # libsndfile begins where the descriptor stands
        place = _unknown_length(file)
        file.seek(0)
        if place is None:
            yield file.fileno()
        else:
            yield _Patched(file, place, _UNKNOWN)


def _decode(path: Path, decoded: Path, longest: int) -> None:
    """Has ffmpeg decode the first audio track, with all its channels and at its own rate."""
    if not has_ffmpeg():
        raise EvobinError(
            "needs ffmpeg, which is not installed; install it, or save the recording as wav or "
            "flac."
        )
    command = [
        "ffmpeg", "-nostdin", "-v", "error", "-t", str(longest + 1), "-i", f"file:{path}",
        "-map", "0:a:0", "-c:a", "pcm_f32le", "-f", "w64", f"file:{decoded}",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=60 * _MINUTES)
    except subprocess.TimeoutExpired:
        raise EvobinError(
            f"takes ffmpeg more than {_MINUTES} minutes; save it as wav or flac."
        ) from None
    if done.returncode != 0 or not decoded.exists():
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[-1].strip().rstrip(".") if lines else "it does not say why"
        raise EvobinError(f"is damaged or no recording that ffmpeg knows ({reason}); check it.")


def _unknown_length(file: FileIO) -> int | None:
    """Where the length of the samples stands in a wav file that announces none and holds some.

    A program that writes into a pipe cannot know the length beforehand. libsndfile understands all
    lengths that are too large, but takes 0 at its word.
    """
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    end = os.fstat(file.fileno()).st_size
    for name, start, size in _chunks(file, 12):
        if name == b"data":
            # Where chunks to the very end of the file follow, there really are no samples.
            stops = [start, *(after + size + size % 2 for _, after, size in _chunks(file, start))]
            return start - 4 if size == 0 and stops[-1] != end else None
    return None


def _chunks(file: FileIO, place: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and size of each chunk from `place` on."""
    while True:
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return
        size = int.from_bytes(head[4:], "little")
        yield head[:4], place + 8, size
        place += 8 + size + size % 2


class _Patched(RawIOBase):
    """A file with some of its bytes changed, but not on disk."""

    def __init__(self, file: FileIO, place: int, patch: bytes) -> None:
        self._file, self._place, self._patch = file, place, patch

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        start = self._file.tell()
        found = self._file.read(len(buffer))
        first, last = max(start, self._place), min(start + len(found), self._place + 4)
        if first < last:
            patched = bytearray(found)
            patched[first - start : last - start] = self._patch[
                first - self._place : last - self._place
            ]
            found = bytes(patched)
        buffer[: len(found)] = found
        return len(found)
