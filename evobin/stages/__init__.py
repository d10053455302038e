"""Algorithms: straight-through training and bit flips."""
