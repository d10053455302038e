"""Files that are written whole or not at all, tables that are read, and the output folder."""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import json
import os
import secrets
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.errors import EvobinError

LONGEST_LINE = 65_536
"""Bytes of a line in a table; a path has 4,096 at most on most systems."""
Table = list[tuple[int, list[str]]]
"""The lines of a tsv file: line number, fields."""

_ADVICE = {
    errno.ENOSPC: "free some space or name another folder",
    errno.EDQUOT: "free some space or name another folder",
    errno.EROFS: "name a folder that can be written to",
    errno.EACCES: "name a folder that you may write to",
    errno.EPERM: "name a folder that you may write to",
    errno.ENOENT: "create its folder first",
    errno.ENOTDIR: "a part of its path is a file, so name another path",
    errno.EEXIST: "a file is in the way, so name another path or remove it",
    errno.EISDIR: "a folder is in the way, so name another path",
    errno.ENAMETOOLONG: "name a shorter path",
}


def write_bytes(path: Path, data: bytes | memoryview, *, sync: bool = True) -> None:
    """Writes a file atomically: afterwards it holds the old content or all of the new.

    The bytes go to a temporary file in the same folder, reach the disk, and take the file's
    place in one step. The temporary file is removed when anything fails, an interrupt included.
    A new file gets the usual permissions (the umask's). A symbolic link stays one: what it
    points to is replaced.

    Args:
        path: the file; its folder must exist.
        data: the whole content; not modified.
        sync: whether it reaches the disk first. That takes milliseconds; where many files count
            only together, one `os.sync` for all of them does.

    Raises:
        EvobinError: if the file cannot be written (full disk, no permission, missing folder), or
            if `path` is there and is not a regular file.
    """
    with writing(path):
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if target.exists() and not target.is_file():
            # Replacing a device such as /dev/null would break the whole machine.
            raise EvobinError(f"{path}: is not a regular file; name another path.")
        _replace(target, data, sync)


def _replace(target: Path, data: bytes | memoryview, sync: bool) -> None:
    # A name of its own, not the target's with an ending: that could get too long.
    temporary = target.parent / f".evobin-{secrets.token_hex(8)}.tmp"
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to report
            temporary.unlink(missing_ok=True)
        raise
    if sync:
        _sync_folder(target.parent)


def _sync_folder(path: Path) -> None:
    # The file is complete and in place; some file systems cannot sync a folder.
    with contextlib.suppress(OSError):
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_text(path: Path, text: str) -> None:
    """Writes text as UTF-8, with newlines as they are, as `write_bytes` does."""
    # A file name that is no UTF-8 reaches Python as lone surrogates: show it, do not fail.
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def write_json(path: Path, obj: Any) -> None:
    """Writes an object as indented JSON, as `write_bytes` does.

    Raises:
        TypeError: if `obj` holds what JSON has no notation for.
        ValueError: if `obj` holds NaN or an infinity, which JSON has no notation for either.
    """
    write_text(path, json.dumps(obj, indent=2, allow_nan=False) + "\n")


def write_array(path: Path, array: NDArray[Any], *, sync: bool = True) -> None:
    """Writes an array as an npy file, as `write_bytes` does.

    Raises:
        ValueError: if `array` holds objects, which nobody could read without unpickling them.
    """
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_bytes(path, buffer.getbuffer(), sync=sync)


def members_of(content: bytes | memoryview) -> Iterator[tuple[str, bytes]]:
    """The members of an uncompressed zip file, such as an npz file, one by one.

    Each is as large as the part of the file that it takes: nothing is unpacked.

    Raises:
        ValueError: if it is no such file, or not whole.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise ValueError("a part of it is compressed")
            for member in members:
                yield member.filename, archive.read(member)
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, struct.error) as error:
        raise ValueError(str(error) or "it ends too early") from error


def array_of(name: str, raw: bytes) -> NDArray[Any]:
    """The array in the bytes of an npy file; nothing is unpickled, or allocated beyond their size.

    Raises:
        ValueError: if there is none, or one of objects; names it.
    """
    file = io.BytesIO(raw)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError(f"{name} is of another version")
    try:
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    except Exception as error:
        # numpy reads the header with Python's own parser, which can fail in many ways.
        raise ValueError(f"{name} is no npy file") from error
    rest = file.getbuffer()[file.tell() :]
    if dtype.hasobject or dtype.itemsize * int(np.prod(shape, dtype=object)) != len(rest):
        raise ValueError(f"{name} does not have the size that it announces")
    return np.frombuffer(rest, dtype).copy().reshape(shape, order="F" if fortran else "C")


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around a step that writes, renames or removes: an OSError becomes an EvobinError."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "name another path")
        raise EvobinError(
            f"{path}: cannot be written ({error.strerror or error}); {advice}."
        ) from error


def check_output_folder(path: Path) -> None:
    """Raises EvobinError unless a folder is absent or empty; creates nothing."""
    with writing(path):
        if path.exists() and not path.is_dir():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        if path.exists() and any(path.iterdir()):
            raise EvobinError(
                f"{path}: exists and is not empty; name another folder with --out or remove it."
            )


def check_output_file(path: Path) -> None:
    """Raises EvobinError if something of that name is there, which would be overwritten."""
    if os.path.lexists(path):
        raise EvobinError(f"{path}: exists; name another file with --out or remove it.")


def make_output_folder(path: Path) -> list[Path]:
    """Creates an empty folder, with its parents, and makes sure that it can be written to.

    A search may run for hours before its first write, so a folder that is there already is
    tried out with a temporary file. An empty one is fine.

    Returns:
        The folders that were not there before, the innermost first.

    Raises:
        EvobinError: if the folder is not empty, a file is in the way, or nothing can be written.
    """
    check_output_folder(path)
    with writing(path):
        made = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    return made


def check_is_file(path: Path) -> None:
    """Checks that a path is a regular file: anything else may block or never end when read.

    Raises:
        EvobinError: if it is not; the text lacks its subject, which the caller puts in front.
    """
    if path.is_file():
        return
    if not path.exists():
        raise EvobinError("does not exist; check its name and folder.")
    if path.is_dir():
        raise EvobinError("is a folder; name a file.")
    raise EvobinError("is not a regular file; name another one.")


def files_below(folder: Path) -> Iterator[Path]:
    """All files in a folder and below it, by name, without hidden files and folders.

    Raises:
        OSError: if a folder cannot be read.
    """

    def fail(error: OSError) -> None:
        raise error

    for root, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root, name) for name in sorted(names) if not name.startswith("."))


@contextlib.contextmanager
def reading(path: Path, advice: str = "check it") -> Iterator[None]:
    """Around a step that reads a regular file, and puts its name in front of every problem.

    Raises:
        EvobinError: if it is no regular file, at an OSError, which ends with the `advice`, and for
            an EvobinError that lacks its subject.
    """
    try:
        check_is_file(path)
        yield
    except EvobinError as error:
        raise EvobinError(f"{path}: {error}") from error
    except OSError as error:
        raise EvobinError(f"{path}: cannot be read ({error.strerror}); {advice}.") from error


def _text_of(line: bytes) -> str:
    """A line without its end; the text of an EvobinError lacks its subject."""
    if len(line) > LONGEST_LINE:
        raise EvobinError(f"is longer than {LONGEST_LINE:,} bytes; name a tsv file.")
    if b"\0" in line:
        raise EvobinError("holds a NUL byte; name a text file.")
    try:
        return line.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise EvobinError("is not UTF-8 text; save it as UTF-8.") from error


def read_lines(path: Path) -> list[str]:
    """Reads the lines of a text file, without their ends.

    CRLF line ends, a UTF-8 byte-order mark and trailing blank lines are understood.

    Returns:
        The lines, at least one.

    Raises:
        EvobinError: if the file is missing or cannot be read, holds nothing, or is not UTF-8.
    """
    subject, lines = str(path), list[str]()
    try:
        check_is_file(path)
        with path.open("rb") as file:
            # Not splitlines(), which also splits at characters that a file name may hold.
            while line := file.readline(LONGEST_LINE + 1):
                subject = f"{path}, line {len(lines) + 1}"
                lines.append(_text_of(line if lines else line.removeprefix(codecs.BOM_UTF8)))
    except EvobinError as error:
        raise EvobinError(f"{subject}: {error}") from error
    except OSError as error:
        reason = error.strerror
        raise EvobinError(f"{path}: cannot be read ({reason}); name another file.") from error
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise EvobinError(f"{path}: is empty; expected one sample a line, fields split by tabs.")
    return lines


def read_table(path: Path) -> Table:
    """Reads a tsv file without interpreting its fields, as `read_lines` does.

    There are no quotes: a field is what stands between two tabs.

    Returns:
        The lines, at least one, counted from 1, each with its fields, at least one.

    Raises:
        EvobinError: as `read_lines`.
    """
    return [(number, line.split("\t")) for number, line in enumerate(read_lines(path), 1)]


def tsv_field(text: str) -> str:
    """A field that a reader of csv files with tabs understands, whatever it holds.

    Example:
        >>> print(tsv_field("a.wav"), tsv_field('a "b".wav'))
        a.wav "a ""b"".wav"
    """
    if any(sign in text for sign in '\t\n\r"'):
        return '"' + text.replace('"', '""') + '"'
    return text


def one_line(text: str) -> str:
    r"""A message on one line, whatever the files in it are called.

    Example:
        >>> print(one_line("a\nb.wav: is empty."))
        a\nb.wav: is empty.
    """
    for sign, shown in (("\n", r"\n"), ("\r", r"\r"), ("\t", r"\t")):
        text = text.replace(sign, shown)
    return text


def names_of(listing: bytes) -> list[str]:
    r"""The names of files in a list: one a line, or with NUL after each where there is one.

    Example:
        >>> names_of(b"a.wav\r\n\nb c.wav\n"), names_of(b"a\nb.wav\0c.wav\0")
        (['a.wav', 'b c.wav'], ['a\nb.wav', 'c.wav'])
    """
    if b"\0" in listing:
        names = listing.split(b"\0")
    else:
        names = [line.removesuffix(b"\r") for line in listing.split(b"\n")]
    return [os.fsdecode(name) for name in names if name]
