"""The built-in data set: synthesised voices, so that there is something to learn anywhere."""

from evobin.voices.dataset import MakeClips, Voices, VoicesSettings, roster, synthesise
from evobin.voices.speech import ClipKey, SpokenClip, record_clip, synthesise_clips

__all__ = [
    "ClipKey",
    "MakeClips",
    "SpokenClip",
    "Voices",
    "VoicesSettings",
    "record_clip",
    "roster",
    "synthesise",
    "synthesise_clips",
]
