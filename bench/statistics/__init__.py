"""Inference over groups and seeds: estimates, intervals, comparisons, effects, letters."""
