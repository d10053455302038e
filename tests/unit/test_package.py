"""What others build on: version, types, licence and guide come with the package."""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import evobin

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_version_is_that_of_the_installed_package() -> None:
    assert evobin.__version__ == version("evobin")
    assert "__version__" in dir(evobin)


def test_the_changelog_begins_with_the_version() -> None:
    headings = [
        line
        for line in (ROOT / "evobin" / "CHANGELOG.md").read_text().splitlines()
        if "## " in line
    ]
    assert headings[0].split(",")[0] == f"## {PROJECT['version']}"


def test_types_licence_and_guide_ship() -> None:
    shipped = files("evobin")
    for name in ("py.typed", "LICENSE", "CHANGELOG.md", "docs/index.md"):
        assert shipped.joinpath(name).is_file(), name
    assert PROJECT["license"] == "MIT"
    for name in PROJECT["license-files"]:
        assert "MIT License" in (ROOT / name).read_text()
