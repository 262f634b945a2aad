"""Models: architectures and baselines."""
