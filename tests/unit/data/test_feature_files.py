from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy

from evobin.core.samples import Samples
from evobin.data.feature_files import AT_A_TIME, load_features, load_sample
from evobin.errors import EvobinError
from evobin.network.architecture import Architecture, ConvBlock

SMALL = Architecture(4, (ConvBlock(2, 3),))
VECTORS = Architecture(4, (ConvBlock(2, 1),), frames=1)
SIGNS = Architecture(4, (ConvBlock(2, 3),), binary_inputs=True)


def saved(folder: Path, arrays: list[np.ndarray]) -> list[Path]:
    paths = [folder / f"{i}.npy" for i in range(len(arrays))]
    for path, array in zip(paths, arrays, strict=True):
        np.save(path, array)
    return paths


def matrices(n: int, dtype: Any = np.float16) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(-5.0, 3.0, (3 + i % 7, 4)).astype(dtype) for i in range(n)]


def loaded(paths: list[Path], architecture: Architecture = SMALL) -> Samples:
    samples, errors = load_features(paths, architecture)
    assert errors == {}
    return samples


def test_many_files_come_in_order_in_one_array_of_their_type(tmp_path: Path) -> None:
    arrays = matrices(2 * AT_A_TIME + 3)
    samples = loaded(saved(tmp_path, arrays))
    assert samples.stored.dtype == np.float16
    assert samples.lengths.tolist() == [len(array) for array in arrays]
    for i, array in enumerate(arrays):
        np.testing.assert_array_equal(samples[i], array)


@pytest.mark.parametrize(
    ("dtypes", "stored"),
    [
        (("<f2", ">f2"), "f2"),
        (("<f2", "<f4"), "f4"),
        (("<f4", ">f4"), "f4"),
        (("<f4", "i1"), "f4"),
        (("<f2", "<f8"), "f8"),
        (("<f2", "<i4"), "f8"),
        (("<f2", "g"), "f8"),
    ],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_files_of_different_types_are_held_exactly(
    tmp_path: Path, dtypes: tuple[str, str], stored: str, order: Any
) -> None:
    arrays = [np.asarray(matrices(9, dtypes[i % 2])[i], order=order) for i in range(9)]
    samples = loaded(saved(tmp_path, arrays))
    assert samples.stored.dtype == np.dtype(stored)
    assert samples.stored.flags.c_contiguous
    for i, array in enumerate(arrays):
        np.testing.assert_array_equal(samples[i], array)


def test_vectors_and_matrices_of_one_row_are_alike(tmp_path: Path) -> None:
    rows = np.arange(8, dtype=np.float32).reshape(2, 4)
    samples = loaded(saved(tmp_path, [rows[0], rows[1:]]), VECTORS)
    np.testing.assert_array_equal(samples.frames, rows)


@pytest.mark.parametrize("dtype", ["i1", "f2", "f4", "f8", "i8"])
def test_signs_become_int8(tmp_path: Path, dtype: str) -> None:
    arrays = [np.where(array > -5, 1, -1).astype(dtype) for array in matrices(5)]
    samples = loaded(saved(tmp_path, arrays), SIGNS)
    assert samples.stored.dtype == np.int8
    np.testing.assert_array_equal(samples.frames, np.concatenate(arrays))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("padding", [0, 64])
def test_headers_of_every_version_and_length_are_read(
    tmp_path: Path, version: tuple[int, int], padding: int
) -> None:
    array = matrices(1)[0]
    path = tmp_path / "a.npy"
    with path.open("wb") as file:
        npy.write_array(file, array, version=version)
    if padding:
        raw = path.read_bytes()
        width = 2 if version == (1, 0) else 4
        length = int.from_bytes(raw[8 : 8 + width], "little")
        text, rest = raw[8 + width : 7 + width + length], raw[8 + width + length :]
        header = text + b" " * padding + b"\n"
        path.write_bytes(raw[:8] + len(header).to_bytes(width, "little") + header + rest)
    np.testing.assert_array_equal(loaded([path])[0], array)


@pytest.mark.parametrize("dtype", ["<f2", ">f2", "<f4", "<f8"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1001.0, -2000.0])
def test_a_wrong_value_is_told_as_for_a_single_file(
    tmp_path: Path, dtype: str, wrong: float
) -> None:
    arrays = matrices(4, dtype)
    arrays[2][1, 3] = wrong
    paths = saved(tmp_path, arrays)
    samples, errors = load_features(paths, SMALL, largest=1000.0)
    assert list(errors) == [2]
    assert str(errors[2]) == (
        f"holds {arrays[2][1, 3]} at [1, 3]; values must be finite and at most 1000 in magnitude."
    )
    assert len(samples) == 4


@pytest.mark.parametrize("largest", [999.5, 1000.0])
def test_the_largest_magnitude_is_allowed(tmp_path: Path, largest: float) -> None:
    array = np.full((3, 4), -largest, np.float16)
    assert load_features(saved(tmp_path, [array]), SMALL, largest)[1] == {}


def test_every_problem_is_told_by_the_number_of_its_file(tmp_path: Path) -> None:
    paths = saved(tmp_path, matrices(7))
    paths[0].unlink()
    np.save(paths[1], np.zeros((2, 4)))
    np.save(paths[2], np.zeros((5, 3)))
    np.save(paths[3], np.full((5, 4), np.nan))
    paths[4].write_bytes(paths[4].read_bytes()[:-1])
    paths[5].write_bytes(b"")
    samples, errors = load_features(paths, SMALL)
    assert sorted(errors) == [0, 1, 2, 3, 4, 5]
    for i, error in errors.items():
        with pytest.raises(EvobinError, match=r"\.npy: ") as alone:
            load_sample(paths[i], SMALL)
        assert str(alone.value) == f"{paths[i]}: {error}"
    np.testing.assert_array_equal(samples[6], np.load(paths[6]))


def test_wrong_signs_are_told(tmp_path: Path) -> None:
    arrays = [np.ones((3, 4), np.int8) for _ in range(3)]
    arrays[1][2, 1] = 0
    _, errors = load_features(saved(tmp_path, arrays), SIGNS)
    assert str(errors.pop(1)).startswith("holds 0 at [2, 1]; features must be -1 or +1")
    assert errors == {}


def test_a_file_that_shrinks_while_it_is_read_is_truncated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = saved(tmp_path, matrices(1))
    real = Path.open

    def shrinking(self: Path, *arguments: Any, **named: Any) -> Any:
        if "buffering" in named:
            path.write_bytes(path.read_bytes()[:-8])
        return real(self, *arguments, **named)

    monkeypatch.setattr(Path, "open", shrinking)
    _, errors = load_features([path], SMALL)
    assert str(errors[0]) == "is truncated: 16 of 24 bytes; copy it again."


@pytest.mark.parametrize("dtype", ["<f2", ">f4"])
def test_loading_takes_little_more_memory_than_the_features(tmp_path: Path, dtype: str) -> None:
    paths = saved(tmp_path, [np.zeros((2000, 4), dtype)] * 300)
    loaded(paths[:2])  # what is imported or remembered
    tracemalloc.start()
    samples = loaded(paths)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert samples.stored.nbytes < most < 1.2 * samples.stored.nbytes


def test_no_files_are_no_samples() -> None:
    assert len(loaded([])) == 0
