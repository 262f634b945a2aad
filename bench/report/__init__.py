"""Leaderboards, plots and overlays: pure functions of store and suite."""
