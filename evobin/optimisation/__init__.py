"""Maximise or minimise any function of signs."""
