"""Counts of pixels and defects: evidence, thresholds, metrics, defects as objects."""
