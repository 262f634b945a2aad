"""Evidence, thresholds, metrics, defects as objects, intervals."""
