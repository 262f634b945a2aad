"""Preprocessing: steps before cropping."""
