"""Labelled samples: tables, splits, variations, corpora of recordings."""
