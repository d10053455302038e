from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import evobin
from evobin.network.architecture import Architecture, ConvBlock
from evobin.network.presets import ANY_NETWORK, SPEAKER_SEX, VOICES, preset_of

COMPARED = re.compile(r"(==|!=|\bis|\bis not|\bin)\s*\(?SPEAKER_SEX|SPEAKER_SEX\s*(==|!=|is\b)")


def test_the_built_in_network_is_known_by_its_shape_alone() -> None:
    again = Architecture(64, tuple(replace(block) for block in SPEAKER_SEX.blocks))
    assert preset_of(again) is preset_of(SPEAKER_SEX) is VOICES


def test_nothing_is_special_about_any_other_network() -> None:
    for other in (replace(SPEAKER_SEX, n_classes=3), Architecture(64, (ConvBlock(128, 9),))):
        assert preset_of(other) is ANY_NETWORK
    assert not ANY_NETWORK.takes_recordings
    assert not ANY_NETWORK.has_voices
    words = (ANY_NETWORK.samples, ANY_NETWORK.groups, ANY_NETWORK.feature)
    assert words == ("samples", "groups", "feature")


def test_only_the_presets_ask_whether_a_network_is_the_built_in_one() -> None:
    package = Path(evobin.__file__).parent
    asking = [
        path.name for path in package.rglob("*.py") if COMPARED.search(path.read_text("utf-8"))
    ]
    assert asking == ["presets.py"]
