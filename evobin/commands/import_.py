"""Makes a result file of a PyTorch model."""

from __future__ import annotations

from pathlib import Path

from evobin import files
from evobin.interchange import torch_format
from evobin.network.architecture import Architecture
from evobin.network.presets import SPEAKER_SEX


def import_network(
    model: str | Path, out: str | Path | None = None, architecture: Architecture = SPEAKER_SEX
) -> Path:
    """Writes the result file of a PyTorch model, its weights cut by sign.

    Args:
        model: a file of `torch.save(model.state_dict(), file)`.
        out: the file to write, which must not be there yet; by default `model` with the ending
            .txt.
        architecture: the network's shape.

    Returns:
        The file that was written.

    Raises:
        EvobinError: if a file has problems, or PyTorch is not installed.
    """
    model = Path(model)
    network = torch_format.load(model, architecture)
    out = model.with_suffix(".txt") if out is None else Path(out)
    files.check_output_file(out)
    network.save(out)
    return out
