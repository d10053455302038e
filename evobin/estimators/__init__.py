"""Estimators: arrays in, a network that predicts out."""
