"""`evobin export` and `evobin import`, as a person calls them."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from evobin import files
from evobin.cli.main import main
from evobin.errors import EvobinError, SettingError
from tests.builders import GOLDEN_RESULT, files_below

Capture = pytest.CaptureFixture[str]
FORMATS = ("torch", "onnx", "c")
SIZES = [
    "header      network.h",
    "constant    46,628 bytes of weights, and about 2,500 of code",
    "stack       about 112,900 bytes, and no other memory",
]


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def export(kind: str, out: str, result: Path | str = GOLDEN_RESULT) -> list[str]:
    return ["export", str(result), "--format", kind, "--out", out]


def refusal(capsys: Capture, argv: list[str]) -> str:
    """The one line of a command that must fail, without its prefix."""
    before = files_below(Path())
    assert main(argv) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("evobin: ")
    assert len(captured.err.splitlines()) == 1
    assert files_below(Path()) == before
    return captured.err.removeprefix("evobin: ")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_network_is_exported_to_the_file_that_was_named(kind: str, capsys: Capture) -> None:
    pytest.importorskip("onnx" if kind == "onnx" else "torch")
    assert main(export(kind, "network")) == 0
    first, *more = capsys.readouterr().out.splitlines()
    assert first == "network     network"
    assert files_below(Path()) == (["network", "network.h"] if kind == "c" else ["network"])
    assert more == (SIZES if kind == "c" else [])


def test_a_header_is_not_overwritten_and_never_alone(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = refusal(capsys, export("c", "network.h"))
    assert told == "network.h: is what its header is called; name a file that ends in .c.\n"
    Path("network.h").write_text("mine")
    message = "network.h: exists; name another file with --out or remove it.\n"
    assert refusal(capsys, export("c", "network.c")) == message
    assert Path("network.h").read_text() == "mine"

    def full(path: Path, data: bytes) -> None:
        if path.suffix == ".h":
            raise EvobinError(f"{path}: cannot be written (No space left on device).")
        path.write_bytes(data)

    monkeypatch.setattr(files, "write_bytes", full)
    assert refusal(capsys, export("c", "other.c")).startswith("other.h: cannot be written")


def test_an_exported_state_dict_is_imported_byte_for_byte(capsys: Capture) -> None:
    pytest.importorskip("torch")
    main(export("torch", "model.pt"))
    assert main(["import", "model.pt"]) == 0
    assert main(["import", "model.pt", "--out", "other.txt"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "result      model.txt", "result      other.txt",
    ]  # fmt: skip
    for name in ("model.txt", "other.txt"):
        assert Path(name).read_bytes() == GOLDEN_RESULT.read_bytes()


@pytest.mark.parametrize("kind", FORMATS)
def test_no_file_is_overwritten_by_an_export(kind: str, capsys: Capture) -> None:
    Path("network").write_text("mine")
    message = "network: exists; name another file with --out or remove it.\n"
    assert refusal(capsys, export(kind, "network")) == message
    assert Path("network").read_text() == "mine"


def test_a_model_of_other_names_is_imported_in_the_order_that_is_named(capsys: Capture) -> None:
    torch = pytest.importorskip("torch")
    main(export("torch", "model.pt"))
    names = {"conv1": "stem", "conv2": "early", "conv3": "late", "linear": "out"}
    state = {
        f"module.{names[name.partition('.')[0]]}.{name.partition('.')[2]}": part
        for name, part in reversed(torch.load("model.pt", weights_only=True).items())
    }
    torch.save({"model": state, "epoch": 3}, "other.pt")
    capsys.readouterr()
    told = refusal(capsys, ["import", "other.pt"])
    assert told.startswith("other.pt: has late and early, of one shape, and which comes first is")
    assert main(["import", "other.pt", "--layers", *names.values(), "--zero", "plus"]) == 0
    assert Path("other.txt").read_bytes() == GOLDEN_RESULT.read_bytes()


def test_no_file_is_overwritten_by_an_import(capsys: Capture) -> None:
    pytest.importorskip("torch")
    main(export("torch", "model.pt"))
    capsys.readouterr()
    Path("model.txt").write_text("mine")
    assert refusal(capsys, ["import", "model.pt"]).startswith("model.txt: exists; name another")
    assert refusal(capsys, ["import", "model.pt", "--out", "model.pt"]).startswith("model.pt: exis")
    assert Path("model.txt").read_text() == "mine"


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "r.txt: cannot be read (No such file or directory); name a result file of 369,153"),
        ("", "r.txt: is empty; expected 369,153 lines, each 1 or -1."),
        ("1\n0\n", "r.txt, line 2: expected 1 or -1, found '0'."),
        ("1\n-1\n", "r.txt: expected 369,153 lines, found 2; the file may be for another"),
    ],
)
def test_a_bad_result_file_is_named_and_nothing_is_exported(
    kind: str, content: str | None, message: str, capsys: Capture
) -> None:
    if content is not None:
        Path("r.txt").write_text(content)
    assert refusal(capsys, export(kind, "network", "r.txt")).startswith(message)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_place_that_cannot_be_written_to_is_named(kind: str, capsys: Capture) -> None:
    pytest.importorskip("onnx" if kind == "onnx" else "torch")
    assert refusal(capsys, export(kind, "no/network")) == (
        "no/network: cannot be written (No such file or directory); create its folder first.\n"
    )
    assert refusal(capsys, export(kind, ".")).startswith(".: exists; name another file")


def test_a_full_disk_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def full(_number: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        told = refusal(capsys, export("c", "network.c"))
    assert told.startswith("network.c: cannot be written (No space left on device); free some")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "model.pt: does not exist; check its name and folder."),
        (b"", "model.pt: is damaged or no PyTorch state dict (only tensors are loaded, never code"),
        (GOLDEN_RESULT.read_bytes(), "model.pt: is damaged or no PyTorch state dict"),
    ],
)
def test_a_bad_model_is_named_and_nothing_is_imported(
    content: bytes | None, message: str, capsys: Capture
) -> None:
    pytest.importorskip("torch")
    if content is not None:
        Path("model.pt").write_bytes(content)
    assert refusal(capsys, ["import", "model.pt"]).startswith(message)
    assert refusal(capsys, ["import", "."]) == ".: is a folder; name a file.\n"


@pytest.mark.parametrize(
    ("package", "argv"),
    [
        ("torch", export("torch", "network")),
        ("onnx", export("onnx", "network")),
        ("torch", ["import", "model.pt"]),
    ],
)
def test_a_missing_package_is_told_with_its_extra(
    package: str, argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    Path("model.pt").write_bytes(b"PK")
    told = refusal(capsys, argv)
    assert told.endswith(
        f"needs a package that is not installed; pip install 'evobin[{package}]'.\n"
    )


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["export", "r.txt", "--out", "network"], "--format"),
        (["export", "r.txt", "--format", "c"], "--out"),
        (["export", "r.txt", "--format", "keras", "--out", "network"], "invalid choice 'keras'"),
        (["import"], "MODEL"),
    ],
)
def test_wrong_usage_exits_with_2(argv: list[str], named: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(argv)
    assert named in capsys.readouterr().err


def test_the_verbs_are_functions_of_the_package(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    import evobin

    evobin.export_network(GOLDEN_RESULT, "torch", tmp_path / "model.pt")
    written: Any = evobin.import_network(tmp_path / "model.pt")
    assert written == tmp_path / "model.txt"
    assert written.read_bytes() == GOLDEN_RESULT.read_bytes()
    keras: Any = "keras"
    with pytest.raises(SettingError, match="`format` must be one of torch, onnx, c, but it is 'k"):
        evobin.export_network(GOLDEN_RESULT, keras, tmp_path / "model.keras")
