"""Search stages: straight-through pretraining and bit flips."""
