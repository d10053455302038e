"""The embedded data set: synthesised voices, so that evobin has something to learn anywhere."""

from evobin.voices.dataset import MapClips, Voices, VoicesSettings, synthesise
from evobin.voices.speech import ClipKey, SpokenClip, synthesise_clip

__all__ = [
    "ClipKey",
    "MapClips",
    "SpokenClip",
    "Voices",
    "VoicesSettings",
    "synthesise",
    "synthesise_clip",
]
