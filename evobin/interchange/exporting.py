"""Networks, with what is in front of them, as files of other programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from evobin import files
from evobin.checks import check_choice
from evobin.config import Format
from evobin.data.encoder import TableEncoder
from evobin.errors import EvobinError
from evobin.interchange import c_format, onnx_format, torch_format
from evobin.interchange.c_format import Sizes
from evobin.network.binary import BinaryNetwork


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


def export(
    out: Path,
    format: Format,  # noqa: A002
    network: BinaryNetwork,
    encoder: TableEncoder | None = None,
) -> Exported:
    """Writes a network for another program: all files or none.

    Args:
        out: the file to write, which must not be there yet.
        format: "torch" (a state dict), "onnx" (a model) or "c" (a C99 file, and its header beside
            it, which ends in .h and must not be there yet either).
        network: of any architecture.
        encoder: of the network's inputs; the file then takes raw features.

    Returns:
        What was written.

    Raises:
        EvobinError: if a file cannot be written, or the format needs a package that is not
            installed, or cannot hold the encoder.
        SettingError: if there is no such format.
        ValueError: if the encoder does not fit the network.
    """
    check_choice("format", format, get_args(Format))
    files.check_output_file(out)
    if format == "c":
        return _export_c(out, network, encoder)
    if format == "torch" and encoder is not None:
        raise EvobinError(
            f"{out}: a state dict cannot hold the network's encoder; export it as c or onnx."
        )
    torch = format == "torch"
    data = torch_format.encode(network) if torch else onnx_format.encode(network, encoder)
    files.write_bytes(out, data)
    return Exported(out)


def _export_c(out: Path, network: BinaryNetwork, encoder: TableEncoder | None) -> Exported:
    header = out.with_suffix(".h")
    if header == out:
        raise EvobinError(f"{out}: is what its header is called; name a file that ends in .c.")
    files.check_output_file(header)
    files.write_bytes(out, c_format.encode(network, encoder))
    try:
        files.write_bytes(header, c_format.encode_header(out.stem, network, encoder))
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    return Exported(out, header, c_format.sizes(network, encoder))
