"""Binary networks: their shape, their exact inference, flips and analysis."""
