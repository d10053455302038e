"""Stages of a network search: training, population refinement, bit flips."""
