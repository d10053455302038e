"""The built-in data set: synthesised voices, so that there is something to learn anywhere."""

from evobin.voices.dataset import MapClips, Voices, VoicesSettings, roster, synthesise
from evobin.voices.speech import ClipKey, SpokenClip, record_clip, synthesise_clip

__all__ = [
    "ClipKey",
    "MapClips",
    "SpokenClip",
    "Voices",
    "VoicesSettings",
    "record_clip",
    "roster",
    "synthesise",
    "synthesise_clip",
]
