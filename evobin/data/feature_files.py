"""Feature files, npy, one a sample: checked, and read side by side into one array."""

from __future__ import annotations

import io
import math
import os
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from evobin.core.samples import Samples, Stored, common_type, cuts_of, starts_of
from evobin.errors import EvobinError
from evobin.files import check_is_file
from evobin.network.architecture import Architecture

T = TypeVar("T")
S = TypeVar("S")

LARGEST = 1e300
"""Magnitude of a feature; sums of a few hundred times this are still finite in float64."""
THREADS, AT_A_TIME = 4, 64
"""Threads that read, and how many files a thread reads before it asks for more."""
USUAL = b"\x93NUMPY\x01\x00\x76\x00"
"""How a header begins that is `HEADER` bytes long, as nearly all are."""
HEADER = 128
_HEADERS = {
    (1, 0): npy.read_array_header_1_0,
    (2, 0): npy.read_array_header_2_0,
    (3, 0): npy.read_array_header_2_0,  # differs only in the names of structured types
}
_ONE_AT_A_TIME = threading.Lock()  # to ignore warnings is for all threads


class _Head(NamedTuple):
    """What a file announces: shape, order and type of the values, and where they begin."""

    dims: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    start: int

    @property
    def nbytes(self) -> int:
        return math.prod(self.dims) * self.dtype.itemsize


def load_sample(path: Path, architecture: Architecture) -> NDArray[np.floating]:
    """Reads one feature file and checks it; nothing is ever unpickled.

    Returns:
        [t, n_in] float16, float32 or float64 (integers become float64), native byte order, in
        the file's memory order; perhaps read-only. int8 for a network of binary inputs. A vector
        becomes [1, n_in].

    Raises:
        EvobinError: if the file is missing, damaged, of another type or shape, or holds a value
            that is not finite or beyond `LARGEST` in magnitude, or no sign for binary inputs.
    """
    sample = _or_error(_read_sample, path, architecture, LARGEST)
    if isinstance(sample, EvobinError):
        raise EvobinError(f"{path}: {sample}") from sample
    return sample


def load_features(
    paths: Sequence[Path], architecture: Architecture, largest: float = LARGEST
) -> tuple[Samples, dict[int, EvobinError]]:
    """Reads feature files into one array, and checks them; nothing is ever unpickled.

    First the headers, which say how much memory all need and of which type, then the values, each
    where it stays.

    Args:
        paths: the files; those with a problem have no frames.
        architecture: the network that they are for.
        largest: largest magnitude of a feature.

    Returns:
        The samples, in the narrowest type that holds all files exactly, int8 for a network of
        binary inputs; and by number of the file what is wrong with it, without the subject.
    """
    heads = _side_by_side(partial(_or_error, _head_of, architecture), paths)
    errors = {i: head for i, head in enumerate(heads) if isinstance(head, EvobinError)}
    good = {i: head for i, head in enumerate(heads) if not isinstance(head, EvobinError)}
    n_in = architecture.n_in
    lengths = [math.prod(good[i].dims) // n_in if i in good else 0 for i in range(len(paths))]
    starts = starts_of(lengths)
    dtype = common_type({head.dtype for head in good.values()})
    signs = architecture.binary_inputs
    stored: Stored = np.empty((int(starts[-1]), n_in), np.int8 if signs else dtype)

    def fill(i: int) -> None:
        _read_into(stored[starts[i] : starts[i + 1]], paths[i], good[i], architecture, largest)

    filled = _side_by_side(partial(_or_error, fill), list(good))
    late = zip(good, filled, strict=True)
    errors |= {i: error for i, error in late if error is not None}
    return Samples(stored, starts), errors


def _side_by_side(function: Callable[[S], T], items: Sequence[S]) -> list[T]:
    """The function of each, by threads: most of their time is the system's and numpy's."""
    cuts = cuts_of(len(items), AT_A_TIME).tolist()

    def some(low: int, high: int) -> list[T]:
        return [function(item) for item in items[low:high]]

    with ThreadPoolExecutor(THREADS) as threads:
        return list(chain.from_iterable(threads.map(some, cuts[:-1], cuts[1:])))


def _or_error(function: Callable[..., T], *arguments: Any) -> T | EvobinError:
    """What a function returns, or the EvobinError that it raises."""
    try:
        return function(*arguments)
    except OSError as error:
        return EvobinError(f"cannot be read ({error.strerror}); check it.")
    except EvobinError as error:
        return error


def _head_of(architecture: Architecture, path: Path) -> _Head:
    """The checked header; the text of an EvobinError lacks its subject, the file."""
    check_is_file(path)
    with path.open("rb") as file:
        return _read_head(file, architecture)


def _read_head(file: io.BufferedReader, architecture: Architecture) -> _Head:
    head = _Head(*_read_header(file), file.tell())
    _check_header(head.dims, head.dtype, architecture)
    # Before anything is allocated: a damaged header can announce terabytes.
    _check_whole(os.fstat(file.fileno()).st_size - head.start, head.nbytes)
    return head


def _read_into(
    out: Stored, path: Path, head: _Head, architecture: Architecture, largest: float
) -> None:
    """Fills [t, n_in] `out` with the checked features of a file."""
    if not head.fortran and head.dtype == out.dtype:
        with path.open("rb", buffering=0) as file:
            file.seek(head.start)
            is_whole = file.readinto(out.data) == out.nbytes
        if is_whole and _is_fine(out, architecture, largest):
            return
    out[:] = _read_sample(path, architecture, largest)


def _read_sample(path: Path, architecture: Architecture, largest: float) -> NDArray[np.floating]:
    """The checked features; the text of an EvobinError lacks its subject, the file."""
    check_is_file(path)
    with path.open("rb") as file:
        head = _read_head(file, architecture)
        raw = file.read(head.nbytes)
    _check_whole(len(raw), head.nbytes)
    sample = np.frombuffer(raw, head.dtype).reshape(head.dims, order="F" if head.fortran else "C")
    sample = np.atleast_2d(sample)
    if architecture.binary_inputs:
        _check_signs(sample)
        return sample.astype(np.int8)
    _check_values(sample, largest)
    ordinary = head.dtype.kind == "f" and head.dtype.itemsize <= 8
    return sample.astype(head.dtype.newbyteorder("=") if ordinary else np.float64, copy=False)


def _read_header(file: io.BufferedReader) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    start = file.peek(HEADER)[:HEADER]
    if len(start) == HEADER and start.startswith(USUAL):
        file.seek(HEADER)
        return _usual_header(start)
    return _header_in(file)


@lru_cache(maxsize=4096)
def _usual_header(start: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Kept, as the headers of samples of one length are the same: numpy takes 50 us for one."""
    return _header_in(io.BytesIO(start))


def _header_in(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        read = _HEADERS[npy.read_magic(file)]
        with _ONE_AT_A_TIME, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python 2 wrote headers that numpy only warns of
            return read(file)
    except OSError:
        raise
    except Exception as error:
        # numpy reads the header with Python's own parser, which can fail in many ways.
        raise EvobinError("is empty, damaged or not an npy file; use numpy.save.") from error


def _check_whole(present: int, announced: int) -> None:
    if present < announced:
        raise EvobinError(f"is truncated: {present:,} of {announced:,} bytes; copy it again.")


def _is_fine(sample: Stored, architecture: Architecture, largest: float) -> bool:
    """Whether `_check_signs` or `_check_values` has nothing to say, in a fraction of their time."""
    if architecture.binary_inputs:
        return bool((np.abs(sample) == 1).all())
    if sample.dtype == np.float16:  # without its sign, the bits of a larger number are larger
        bits = (sample.view(np.uint16) & np.uint16(0x7FFF)).max()
        return float(bits.view(np.float16)) <= largest
    return float(np.abs(sample).max()) <= largest  # not so for NaN


def _check_header(dims: tuple[int, ...], dtype: np.dtype[Any], architecture: Architecture) -> None:
    if dtype.hasobject:
        raise EvobinError("holds Python objects, which are not read; save it as float32.")
    if dtype.kind not in "fiu":
        raise EvobinError(f"has dtype {dtype}, not real numbers; save it as float32.")
    n_in, frames = architecture.n_in, architecture.frames
    if frames == 1 and dims == (n_in,):  # a vector
        return
    if len(dims) != 2 or dims[1] != n_in or frames not in (None, dims[0]):
        wanted = f"[{n_in}] or [1, {n_in}]" if frames == 1 else f"[{frames or 't'}, {n_in}]"
        raise EvobinError(f"must have shape {wanted}, but it has {list(dims)}.")
    shortest = architecture.min_frames
    if dims[0] < shortest:
        raise EvobinError(f"must have at least {shortest} frames, but it has {dims[0]}.")


def _check_signs(sample: NDArray[Any]) -> None:
    wrong = np.argwhere((sample != 1) & (sample != -1))
    if len(wrong):
        frame, feature = wrong[0].tolist()
        raise EvobinError(
            f"holds {sample[frame, feature]} at [{frame}, {feature}]; features must be -1 or +1 "
            "where inputs are binary; binarise it first."
        )


def _check_values(sample: NDArray[Any], largest: float) -> None:
    wrong = ~np.isfinite(sample)
    if sample.dtype.kind != "f" or float(np.finfo(sample.dtype).max) > largest:
        wrong |= np.abs(sample) > largest
    if wrong.any():
        frame, band = (int(i) for i in np.argwhere(wrong)[0])
        raise EvobinError(
            f"holds {sample[frame, band]} at [{frame}, {band}]; values must be finite and at most "
            f"{largest:g} in magnitude."
        )
