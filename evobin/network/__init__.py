"""Binary networks: their shape, their exact answer, flips and analysis."""
