"""Writes a result file's network for another program."""

from __future__ import annotations

from pathlib import Path

from evobin import files
from evobin.checks import check_choice
from evobin.config import Format
from evobin.interchange.exporting import Exported, export
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import SPEAKER_SEX


def export_network(
    result: str | Path,
    format: Format,  # noqa: A002
    out: str | Path,
    architecture: Architecture = SPEAKER_SEX,
) -> Exported:
    """Writes a result file's network for another program.

    Args:
        result: the result file.
        format: "torch" (a state dict), "onnx" (a model) or "c" (a C99 file, and its header beside
            it, which ends in .h).
        out: the file to write, which must not be there yet.
        architecture: the network's shape.

    Returns:
        What was written.

    Raises:
        EvobinError: if a file has problems, or the format needs a package that is not installed.
        SettingError: if there is no such format.
    """
    check_choice("format", format, ("torch", "onnx", "c"))
    files.check_output_file(Path(out))
    return export(Path(out), format, BinaryNetwork.load(result, architecture))
