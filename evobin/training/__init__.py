"""Stages of a network search: training, population refinement, direct search by flips."""
