"""Runs a search: budget, clock, checkpoints, interrupts."""
