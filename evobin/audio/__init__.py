"""From recordings to log-mel features."""
