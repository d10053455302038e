"""Contracts, samples, scores and stages: what every other package speaks."""
