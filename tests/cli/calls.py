"""How tests call `main`."""

from __future__ import annotations

import pytest

from evobin.cli.main import main

Capture = pytest.CaptureFixture[str]


def answer(capsys: Capture, *argv: str) -> str:
    """What a command prints that goes well."""
    capsys.readouterr()
    assert main(argv) == 0
    return capsys.readouterr().out
