"""Writes a model file's or result file's network for another program."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from evobin import files
from evobin.checks import check_choice
from evobin.config import Format
from evobin.interchange.exporting import Exported
from evobin.models.model import load
from evobin.network.architecture import Architecture
from evobin.network.presets import SPEAKER_SEX


def export_network(
    result: str | Path,
    format: Format,  # noqa: A002
    out: str | Path,
    architecture: Architecture = SPEAKER_SEX,
) -> Exported:
    """Writes the network of a model file, encoder included, or of a result file for other programs.

    Args:
        result: the model file, or result file.
        format: "torch" (a state dict), "onnx" (a model) or "c" (a C99 file, and its header beside
            it, which ends in .h).
        out: the file to write, which must not be there yet.
        architecture: the shape of a result file's network; a model file has its own.

    Returns:
        What was written.

    Raises:
        EvobinError: if a file has problems, or the format needs a package that is not installed, or
            cannot hold the encoder.
        SettingError: if there is no such format.
    """
    check_choice("format", format, get_args(Format))
    files.check_output_file(Path(out))
    return load(result, architecture).export(out, format)
