"""Writes a result file's network for another program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from evobin import files
from evobin.checks import check_choice
from evobin.config import Format
from evobin.interchange import c_format, onnx_format, torch_format
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import SPEAKER_SEX

_ENCODERS: Mapping[Format, Callable[[BinaryNetwork], bytes]] = {
    "torch": torch_format.encode,
    "onnx": onnx_format.encode,
    "c": c_format.encode,
}


def export_network(
    result: str | Path,
    format: Format,  # noqa: A002
    out: str | Path,
    architecture: Architecture = SPEAKER_SEX,
) -> None:
    """Writes a result file's network for another program.

    Args:
        result: the result file.
        format: "torch" (a state dict), "onnx" (a model) or "c" (a C99 file).
        out: the file to write, which must not be there yet.
        architecture: the network's shape.

    Raises:
        EvobinError: if a file has problems, or the format needs a package that is not installed.
        SettingError: if there is no such format.
    """
    check_choice("format", format, _ENCODERS)
    out = Path(out)
    files.check_output_file(out)
    files.write_bytes(out, _ENCODERS[format](BinaryNetwork.load(result, architecture)))
