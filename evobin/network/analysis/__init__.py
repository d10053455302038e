"""Analysis of a network: duplicate channels, firing rates, predictions that depend on one flip."""
