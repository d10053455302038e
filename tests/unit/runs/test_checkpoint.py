"""Checkpoints: they come back as they were, or are known to be damaged."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from evobin.core.state import MARK
from evobin.errors import EvobinError
from evobin.runs.checkpoint import MAGIC, from_bytes, to_bytes

keys = st.text().filter(lambda key: key != MARK)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner),
)
arrays = hnp.arrays(
    st.sampled_from([np.int8, np.int64, np.float32, np.float64, np.bool_]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
names = st.text("abcdefgh.01", min_size=1)
KEPT = {"done": 3, "signs": np.array([1, -1, 1], np.int8)}


def signed(content: bytes) -> bytes:
    return MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


@given(values=st.dictionaries(keys, plain), held=st.dictionaries(names, arrays))
def test_what_is_written_is_read_back(values: dict[str, Any], held: dict[str, Any]) -> None:
    again = from_bytes(to_bytes({"values": values, "held": held}))
    assert again["values"] == values
    assert again["held"].keys() == held.keys()
    for name, array in held.items():
        assert again["held"][name].dtype == array.dtype
        assert again["held"][name].flags.writeable
        np.testing.assert_array_equal(again["held"][name], array)


@given(data=st.data())
def test_a_changed_byte_or_a_missing_end_is_noticed(data: st.DataObject) -> None:
    whole = to_bytes(KEPT)
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    for damaged in (bytes(changed), whole[:place]):
        with pytest.raises(EvobinError, match=r"is damaged: its checksum|is no checkpoint"):
            from_bytes(damaged)


def test_objects_are_neither_written_nor_read() -> None:
    objects = np.array([{}, None], object)
    with pytest.raises(TypeError, match="`x` must be a number, text, array"):
        to_bytes({"x": objects})
    buffer = io.BytesIO()
    np.savez(buffer, plain=np.frombuffer(b"{}", np.uint8), x=objects)
    with pytest.raises(EvobinError, match="does not have the size that it announces"):
        from_bytes(signed(buffer.getvalue()))


def test_an_array_that_announces_terabytes_is_refused_before_it_is_allocated() -> None:
    header = io.BytesIO()
    shape = {"descr": "<f8", "fortran_order": False, "shape": (2**40,)}
    np.lib.format.write_array_header_1_0(header, shape)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("x.npy", header.getvalue() + b"12345678")
    tracemalloc.start()
    with pytest.raises(EvobinError, match=r"x\.npy does not have the size that it announces"):
        from_bytes(signed(archive.getvalue()))
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_compressed_member_is_refused() -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, plain=np.frombuffer(b"{}", np.uint8), x=np.zeros(10**6))
    with pytest.raises(EvobinError, match="a part of it is compressed"):
        from_bytes(signed(buffer.getvalue()))


@pytest.mark.parametrize("content", [b"", b"no zip", b'{"a": 1}'])
def test_what_is_no_archive_is_damaged(content: bytes) -> None:
    with pytest.raises(EvobinError, match="is damaged"):
        from_bytes(signed(content))
