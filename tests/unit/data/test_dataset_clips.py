from __future__ import annotations

import errno
import io
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from numpy.lib import format as npy

from evobin.data.feature_files import load_sample
from evobin.errors import EvobinError
from evobin.network.architecture import Architecture, ConvBlock

SMALL = Architecture(4, (ConvBlock(2, 3),))
VECTORS = Architecture(4, (ConvBlock(2, 1),), frames=1)


def write_npy(path: Path, header: dict[str, Any], content: bytes) -> None:
    with path.open("wb") as file:
        npy.write_array_header_1_0(file, header)
        file.write(content)


def problem_of(path: Path) -> str:
    with pytest.raises(EvobinError, match=r"\S") as caught:
        load_sample(path, SMALL)
    error = str(caught.value)
    assert error.startswith(f"{path}: ")
    assert len(error.splitlines()) == 1
    return error.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    "dtype", ["<f2", "<f4", "<f8", ">f2", ">f4", ">f8", "i1", "u1", "<i4", ">i8", "<u8"]
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_real_numbers_of_every_dtype_and_order_are_read(
    tmp_path: Path, dtype: str, order: Any
) -> None:
    array = np.arange(20).reshape(5, 4).astype(dtype, order=order)
    np.save(tmp_path / "a.npy", array)
    sample = load_sample(tmp_path / "a.npy", SMALL)
    expected = np.dtype(dtype).newbyteorder("=") if "f" in dtype else np.dtype(np.float64)
    assert sample.dtype == expected
    assert sample.dtype.isnative
    np.testing.assert_array_equal(sample, array)


def test_long_doubles_become_float64(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((3, 4), np.longdouble))
    assert load_sample(tmp_path / "a.npy", SMALL).dtype == np.float64


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_is_read(tmp_path: Path, version: tuple[int, int]) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        npy.write_array(file, np.ones((3, 4)), version=version)
    assert (load_sample(tmp_path / "a.npy", SMALL) == 1).all()


def test_a_header_of_python_2_is_read_without_a_warning(tmp_path: Path) -> None:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 4L), }"
    header += b" " * (117 - len(header)) + b"\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(48)
    (tmp_path / "a.npy").write_bytes(content)
    assert load_sample(tmp_path / "a.npy", SMALL).shape == (3, 4)


def test_a_missing_sample_and_a_folder_are_errors(tmp_path: Path) -> None:
    assert problem_of(tmp_path / "a.npy").startswith("does not exist")
    assert problem_of(tmp_path).startswith("is a folder")


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.npy")
    assert problem_of(tmp_path / "a.npy").startswith("is not a regular file")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUM",
        b"\x93NUMPY\x01\x00",
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"\x93NUMPY\x09\x00" + bytes(200),
        b"PK\x03\x04" + bytes(200),
        b"1 2 3 4\n" * 50,
        b"\x93NUMPY\x01\x00\x10\x27" + b"(" * 10_000,
        b"\x93NUMPY\x01\x00\x10\x27" + b"-" * 9_999 + b"1",
        b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b" " * 500,
    ],
)
def test_what_is_no_npy_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    assert problem_of(tmp_path / "a.npy").startswith("is empty, damaged or not an npy file")


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return Path.touch, (tmp_path / "exploded",)

    np.save(tmp_path / "a.npy", np.full((3, 4), Bomb()), allow_pickle=True)
    assert problem_of(tmp_path / "a.npy").startswith("holds Python objects")
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Bomb()))
    assert problem_of(tmp_path / "b.npy").startswith("is empty, damaged or not an npy file")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    "dtype", ["complex64", "bool", "U3", "S3", "M8[s]", "m8[s]", [("x", "f4")], "V4"]
)
def test_what_are_no_real_numbers_is_an_error(tmp_path: Path, dtype: Any) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 4), dtype))
    problem = problem_of(tmp_path / "a.npy")
    assert "not real numbers; save it as float32" in problem


@pytest.mark.parametrize("shape", [(), (12,), (3, 4, 1), (3, 5), (4, 3), (0, 0)])
def test_another_width_or_number_of_axes_is_an_error(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape))
    found = list(shape)
    assert problem_of(tmp_path / "a.npy") == f"must have shape [t, 4], but it has {found}."


@pytest.mark.parametrize("n_frames", [0, 2])
def test_too_few_frames_are_an_error(tmp_path: Path, n_frames: int) -> None:
    np.save(tmp_path / "a.npy", np.zeros((n_frames, 4)))
    message = f"must have at least 3 frames, but it has {n_frames}."
    assert problem_of(tmp_path / "a.npy") == message


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_an_error(
    tmp_path: Path, dtype: type[np.floating], value: float
) -> None:
    array = np.zeros((5, 4), dtype, order="F")
    array[2, 3] = array[4, 0] = value
    np.save(tmp_path / "a.npy", array)
    assert problem_of(tmp_path / "a.npy").startswith(f"holds {value} at [2, 3]; values must be")


def test_binary_inputs_are_read_in_int8_and_other_numbers_refused(tmp_path: Path) -> None:
    binary, path = replace(SMALL, binary_inputs=True), tmp_path / "a.npy"
    for dtype in (np.int8, np.int64, np.float16, np.float64):
        np.save(path, np.ones((5, 4), dtype))
        assert load_sample(path, binary).dtype == np.int8
    for wrong in (np.zeros((5, 4), np.uint8), np.full((5, 4), np.nan)):
        np.save(path, wrong)
        message = rf"holds {wrong[0, 0]} at \[0, 0\]; features must be -1 or \+1 where inputs are"
        with pytest.raises(EvobinError, match=message):
            load_sample(path, binary)


@pytest.mark.parametrize(("value", "fine"), [(1e300, True), (1.1e300, False), (-1.1e300, False)])
def test_a_magnitude_whose_sums_could_overflow_is_an_error(
    tmp_path: Path, value: float, fine: bool
) -> None:
    array = np.zeros((3, 4))
    array[1, 2] = value
    np.save(tmp_path / "a.npy", array)
    if fine:
        assert load_sample(tmp_path / "a.npy", SMALL)[1, 2] == value
    else:
        assert problem_of(tmp_path / "a.npy").startswith(f"holds {value} at [1, 2]")


def test_a_truncated_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((3, 4)))
    path.write_bytes(path.read_bytes()[:-1])
    assert problem_of(path) == "is truncated: 95 of 96 bytes; copy it again."


@pytest.mark.parametrize("n_frames", [10**13, 2**62, 10**30])
def test_terabytes_that_only_the_header_has_are_never_allocated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_frames: int
) -> None:
    path = tmp_path / "a.npy"
    header = {"descr": "<f8", "fortran_order": False, "shape": (n_frames, 4)}
    write_npy(path, header, bytes(96))
    asked: list[int] = []

    class Recording(io.BufferedReader):
        def read(self, size: int | None = -1, /) -> bytes:
            asked.append(-1 if size is None else size)
            return super().read(size)

    monkeypatch.setattr(Path, "open", lambda self, _mode: Recording(io.FileIO(self)))
    assert problem_of(path).startswith("is truncated: 96 of ")
    assert all(0 <= size < 10_000 for size in asked)


@pytest.mark.parametrize("shape", [(-3, 4), (-1, -1)])
def test_a_negative_shape_is_an_error(tmp_path: Path, shape: tuple[int, int]) -> None:
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    write_npy(tmp_path / "a.npy", header, bytes(96))
    assert problem_of(tmp_path / "a.npy").startswith("must have ")


def test_a_sample_that_may_not_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 4)))

    def denied(_self: Path, _mode: str) -> BinaryIO:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "open", denied)
    assert problem_of(tmp_path / "a.npy") == "cannot be read (Permission denied); check it."


def test_a_disk_error_in_the_header_is_not_taken_for_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        npy.write_array(file, np.zeros((3, 4)), version=(2, 0))  # no header that is remembered

    def failing(_file: BinaryIO) -> tuple[int, int]:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(npy, "read_magic", failing)
    assert problem_of(tmp_path / "a.npy").startswith("cannot be read (Input/output error)")


def problem_with(architecture: Architecture, tmp_path: Path, dims: tuple[int, ...]) -> str:
    np.save(tmp_path / "a.npy", np.ones(dims))
    with pytest.raises(EvobinError, match=r"a\.npy: ") as caught:
        load_sample(tmp_path / "a.npy", architecture)
    return str(caught.value).split("a.npy: ")[1]


@pytest.mark.parametrize("dims", [(1, 4), (4,)])
def test_one_frame_may_come_as_a_vector(tmp_path: Path, dims: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", np.ones(dims))
    assert load_sample(tmp_path / "a.npy", VECTORS).tolist() == [[1.0] * 4]


@pytest.mark.parametrize("dims", [(), (3,), (2, 4), (1, 3), (0, 4), (1, 1, 4)])
def test_one_frame_of_another_shape_is_an_error(tmp_path: Path, dims: tuple[int, ...]) -> None:
    told = problem_with(VECTORS, tmp_path, dims)
    assert told == f"must have shape [4] or [1, 4], but it has {list(dims)}."


@pytest.mark.parametrize("dims", [(4,), (7, 4), (9, 4), (8, 5)])
def test_another_length_than_the_fixed_one_is_an_error(
    tmp_path: Path, dims: tuple[int, ...]
) -> None:
    told = problem_with(replace(SMALL, frames=8), tmp_path, dims)
    assert told == f"must have shape [8, 4], but it has {list(dims)}."
