"""Writes a result file's network for another program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evobin import files
from evobin.checks import check_choice
from evobin.config import Format
from evobin.interchange import c_format, onnx_format, torch_format
from evobin.interchange.c_format import Sizes
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import SPEAKER_SEX


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        network: the file that was named.
        header: that of a C file, beside it.
        size: what a C file takes on a device.
    """

    network: Path
    header: Path | None = None
    size: Sizes | None = None


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
    out = Path(out)
    files.check_output_file(out)
    network = BinaryNetwork.load(result, architecture)
    if format == "c":
        return Exported(*c_format.write(out, network), c_format.sizes(network))
    encode = torch_format.encode if format == "torch" else onnx_format.encode
    files.write_bytes(out, encode(network))
    return Exported(out)
