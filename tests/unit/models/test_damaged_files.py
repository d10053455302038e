"""Files that are no model file, or not one as it was written, are refused in one line."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evobin import Model, load
from evobin.errors import EvobinError
from evobin.models.container import HEADER, SIGNS, to_bytes
from evobin.models.model import from_bytes
from tests.unit.models.made import named_model

Edit = Callable[[dict[str, Any]], Any]


def test_each_piece_of_a_model_file_is_refused_in_one_line(tmp_path: Path) -> None:
    whole, path = named_model()[0].to_bytes(), tmp_path / "m.evobin"
    for length in [*range(0, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(EvobinError, match=r"^.*m\.evobin: is (damaged|no)[^\n]*$"):
            load(path)


def test_a_file_with_any_wrong_byte_is_refused_or_the_same_model() -> None:
    whole = named_model()[0].to_bytes()
    rng = np.random.default_rng(0)
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= int(rng.integers(1, 256))
        try:
            found = from_bytes(bytes(changed))
        except EvobinError as error:
            assert "\n" not in str(error)  # noqa: PT017  # nearly all are refused
        else:
            assert found.to_bytes() == whole


def edited(edit: Edit, model: Model | None = None) -> bytes:
    """A model file with another header."""
    model = model or named_model()[0]
    header = model.header.plain()
    edit(header)
    return to_bytes(header, model.network.signs)


def put(*keys: Any) -> Edit:
    """Puts the last of the arguments where the others lead."""

    def edit(header: dict[str, Any]) -> None:
        *way, last, value = keys
        place: Any = header
        for key in way:
            place = place[key]
        place[last] = value

    return edit


WRONG: dict[str, tuple[Edit, str]] = {
    "version": (put("version", 2), "is of version 2, but this evobin reads version 1; update evo"),
    "text version": (put("version", "1"), "is of version '1', but"),
    "format": (put("format", "a zoo"), "is no model file: model.json lacks `format`, 'evobin"),
    "unknown": (put("humidity", 2), "has a field that this evobin does not know, 'humi"),
    "missing": (lambda header: header.pop("classes"), "lacks the field `classes`; write it again"),
    "architecture": (put("architecture", 3), "`architecture`: must be an object, but it is 3."),
    "n_in": (put("architecture", "n_in", "4"), "`architecture`: "),
    "no n_in": (lambda header: header["architecture"].pop("n_in"), "`architecture`: "),
    "no blocks": (lambda header: header["architecture"].pop("blocks"), "`architecture` lacks 'bl"),
    "blocks": (put("architecture", "blocks", 5), "`architecture`: "),
    "block": (put("architecture", "blocks", [5]), "`architecture`: "),
    "key": (put("architecture", "depth", 5), "`architecture`: "),
    "frames": (put("architecture", "frames", True), "`architecture`: frames must be a whole"),
    "width": (put("architecture", "n_in", 10**9), "`architecture`: `n_in` must be from 1 to 65536"),
    "large": (
        put("architecture", "blocks", [{"n_out": 32_766, "kernel": 1, "pool": 1}] * 5),
        "`architecture`: a network must have at most 100,000,000 weights",
    ),
    "other shape": (put("architecture", "n_in", 19), "must hold the 187 signs of its network in"),
    "encoder": (put("encoder", []), "`encoder`: must be an object, but it is []."),
    "kind": (put("encoder", "kind", "onehot"), "`encoder`: `kind` must be one of table, but"),
    "kind list": (put("encoder", "kind", [1]), "`encoder`: `kind` must be one of table, but"),
    "bits": (put("encoder", "bits", 0), "`encoder`: `bits` must be from 1 to 32, but it is 0."),
    "thresholds": (put("encoder", "columns", 0, "thresholds", [3, 1]), "`encoder`: `columns[0]` `"),
    "infinite": (put("encoder", "columns", 0, "thresholds", [10**400]), "`encoder`: "),
    "fewer": (put("encoder", "columns", 0, "thresholds", []), "the encoder makes 15 signs, but"),
    "no encoder": (put("encoder", None), "`feature_names` must name the 20 features of a sample"),
    "classes": (put("classes", "abc"), "`classes`: must be an object, but it is 'abc'."),
    "dtype": (put("classes", "dtype", "O8"), "`classes`: `dtype` must be one of numbers or text"),
    "a list": (put("classes", "dtype", ["str"]), "`classes`: `dtype` must be one of numbers or te"),
    "values": (put("classes", "values", "abc"), "`classes`: `values` must be a list, but it is 'a"),
    "number": (put("classes", "values", 1, 7), "`classes`: `values[1]` must be str, but it"),
    "range": (put("classes", {"dtype": "int8", "values": [1, 2, 300]}), "`classes`: "),
    "few": (put("classes", "values", ["a", "b"]), "`classes` must have shape [3], but it has"),
    "twice": (put("classes", "values", ["a", "b", "a"]), "`classes` must be different, but 'a' is"),
    "names": (put("feature_names", "abcd"), "`feature_names`: must be a list of names, but it is"),
    "a name": (put("feature_names", 2, None), "`feature_names`: must be a list of names, but it"),
    "three": (put("feature_names", ["a", "b", "c"]), "`feature_names` must name the 4 features of"),
    "same": (put("feature_names", ["a", "b", "a", "c"]), "`feature_names` must be different, but"),
    "cold": (put("temperature", 0), "`temperature`: `temperature` must be from 0.01 to 1000000.0"),
    "warm": (put("temperature", "warm"), "`temperature`: `temperature` must be a number, but it"),
    "huge": (put("temperature", 10**400), "`temperature`: "),
    "no temperature": (lambda header: header.pop("temperature"), "lacks the field `temperature`"),
    "report": (put("report", None), "`report`: must be an object, but it is None."),
}  # fmt: skip


def assert_refused(path: Path, told: str) -> None:
    with pytest.raises(EvobinError, match=r"^[^\n]+$") as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: {told}")


@pytest.mark.parametrize("name", WRONG)
def test_each_field_is_checked_when_a_file_is_read(name: str, tmp_path: Path) -> None:
    edit, told = WRONG[name]
    path = tmp_path / "m.evobin"
    path.write_bytes(edited(edit))
    assert_refused(path, told)


def archive_of(*members: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def head(text: str | None = None) -> tuple[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(named_model()[0].to_bytes())) as archive:
        return HEADER, archive.read(HEADER) if text is None else text.encode()


N_BYTES = 25  # of the signs of a named model
OTHER: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "is damaged or no model file: File is not a zip file; copy it again"),
    "text": (lambda: b"1\n-1\n", "is damaged or no model file: "),
    "other zip": (lambda: archive_of(("data.pkl", b"x")), "is no model file, but a zip file of ot"),
    "compressed": (
        lambda: archive_of(head(), compression=zipfile.ZIP_DEFLATED),
        "is damaged or no model file: a part of it is compressed",
    ),
    "no signs": (lambda: archive_of(head()), "must hold model.json and signs.npy, but beside the"),
    "more": (
        lambda: archive_of(head(), (SIGNS, npy(np.zeros(N_BYTES, np.uint8))), ("code.py", b"")),
        "must hold model.json and signs.npy, but beside the first it holds signs.npy, code.py",
    ),
    "no json": (lambda: archive_of(head("{")), "is damaged: model.json is no JSON text"),
    "no utf-8": (
        lambda: archive_of((HEADER, b"\xff")),
        "is damaged: model.json is no JSON text",
    ),
    "list": (lambda: archive_of(head("[]")), "is no model file: model.json lacks `format`"),
    "deep": (lambda: archive_of(head("[" * 100_000)), "is damaged: model.json is no JSON text"),
    "nan": (lambda: archive_of(head('{"a": NaN}')), "is damaged: model.json is no JSON text (NaN"),
    "objects": (
        lambda: archive_of(head(), (SIGNS, npy(np.array([{}], object)))),
        "is damaged: signs.npy does not have the size that it announces",
    ),
    "no npy": (lambda: archive_of(head(), (SIGNS, b"abc")), "is damaged: "),
    "bytes of signs": (
        lambda: archive_of(head(), (SIGNS, npy(np.zeros(N_BYTES, np.int8)))),
        "must hold the 195 signs of its network in 25 bytes, but it holds int8 of shape [25]",
    ),
    "few signs": (
        lambda: archive_of(head(), (SIGNS, npy(np.zeros(N_BYTES - 1, np.uint8)))),
        "must hold the 195 signs of its network in 25 bytes, but it holds uint8 of shape [24]",
    ),
    "bits that are none": (
        lambda: archive_of(head(), (SIGNS, npy(np.full(N_BYTES, 255, np.uint8)))),
        "holds more than the 195 signs of its network; write it again.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER)
def test_other_files_are_refused_in_one_line(name: str, tmp_path: Path) -> None:
    make, told = OTHER[name]
    path = tmp_path / "m.evobin"
    path.write_bytes(make())
    assert_refused(path, told)


def test_a_file_that_is_not_there_or_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvobinError, match=r"none\.evobin: does not exist; check its name and fol"):
        load(tmp_path / "none.evobin")
    (tmp_path / "a.evobin").mkdir()
    with pytest.raises(EvobinError, match=r"a\.evobin: is a folder; name a file"):
        load(tmp_path / "a.evobin")
